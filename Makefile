# The two commands that matter: `make audit` runs an audit, `make test` checks everything.
# Each sets up what it needs in .venv; only Python >= 3.11 and make have to be there.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

# Where the tests find real data; without it the tests that need it are skipped.
UNLEARN_AUDIT_DATA ?= $(abspath $(wildcard ../shared/data))
export UNLEARN_AUDIT_DATA

.PHONY: audit test browser adapters figures validity trust site lint types format bench clean test-lowest test-newest \
	dist release-check

audit: $(VENV)/.core
	$(BIN)/unlearn-audit run --jobs $(JOBS)

test: lint types browser
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

# The browser in which the tests open pages: Debian's, through apt. Where it cannot be installed, those tests are skipped.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
			&& echo "Installing Chromium, in which the tests open the pages" \
			&& { apt-get install -y -qq chromium >/dev/null 2>&1 \
				|| { apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq chromium >/dev/null 2>&1; }; }; } \
		|| echo "Chromium is not there and cannot be installed here; the tests that open pages in it are skipped"

# every example of examples/adapters on the real library; those whose library cannot be installed fail
adapters: $(VENV)/.adapters
	UNLEARN_AUDIT_EVERY_ADAPTER=1 $(BIN)/python -m pytest tests/test_adapters.py tests/models/test_settled.py

# the long tests: real data at full size, and more cases of what `make test` checks; about half an hour
figures: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

# how often verdicts and intervals are right; continues where it was stopped, and with --anew takes about two hours on two cores
validity: $(VENV)/.dev
	$(BIN)/python benchmarks/validity.py --jobs $(JOBS)

# kills, damage, hostile input, erasure, other ways of running; continues where it was stopped, and takes about an hour on two cores
trust: $(VENV)/.dev
	PYTHONPATH=benchmarks $(BIN)/python -m trust --jobs $(JOBS)

# the documentation site, in build/site; a warning is an error
site: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "Open build/site/index.html"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# about an hour on two cores that do nothing else
bench: $(VENV)/.dev
	$(BIN)/python benchmarks/suite.py

# the tests with the lowest versions that pyproject.toml allows of the core, Dask and the accelerated forest
test-lowest: .venv-lowest/.ready
	.venv-lowest/bin/python -m pytest --numprocesses $(JOBS) --dist worksteal $(TESTS)

# the tests with the newest versions there are, but for torch
test-newest: .venv-newest/.ready
	.venv-newest/bin/python -m pytest --numprocesses $(JOBS) --dist worksteal $(TESTS)

# libraries of networks need the version of torch that is there, and what runs the tests needs no lowest version; matplotlib
# knows no newer pyparsing
.venv-lowest/.ready: pyproject.toml requirements.lock benchmarks/lowest.py
	$(PYTHON) -m venv --clear .venv-lowest
	$(PYTHON) benchmarks/lowest.py dask accelerate fast-trees > .venv-lowest/lowest.txt
	grep -E '^($(TEST_TOOLS))==' requirements.lock > .venv-lowest/tools.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --prefer-binary \
		--constraint .venv-lowest/lowest.txt --requirement .venv-lowest/tools.txt 'pyparsing<3.3' --editable '.[dp,dask,accelerate,fast-trees]'
	@touch $@

TEST_TOOLS := torch|monai|opacus|safetensors|skorch|hypothesis|ipykernel|jsonschema|nbclient|pytest|pytest-xdist|playwright|axe-playwright-python

.venv-newest/.ready: pyproject.toml
	$(PYTHON) -m venv --clear .venv-newest
	.venv-newest/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 --editable '.[dev,mlflow]'
	@touch $@

# the wheel and the source distribution, from which the wheel is built
dist: $(VENV)/.python
	rm -rf dist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build twine
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*

# what would be released, installed into empty environments: the core, with an audit, and each extra
release-check: dist
	$(BIN)/python benchmarks/release_check.py dist

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; run: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.core: $(VENV)/.python pyproject.toml requirements.lock
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.docs: $(VENV)/.core
	$(INSTALL) --editable '.[docs]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/.adapters: $(VENV)/.dev
	$(INSTALL) --editable '.[adapters]'
	@touch $@

clean:
	rm -rf $(VENV) .venv-lowest .venv-newest build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
