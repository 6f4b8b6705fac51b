"""Hook of the documentation site: files outside ``docs/`` become pages, and headings get the anchors GitHub gives them.

The pages link to the examples, the changelog and other files of the repository by relative paths, as GitHub shows
them. The site has a page for each file that is linked, made when the site is built, so that one link is right in both.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s#]+)(#[^)\s]*)?(\))")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
OUTSIDE = "repository/"
"""Where on the site files outside ``docs/`` are."""
LANGUAGES = {".py": "python", ".sh": "bash", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give headings the anchors that GitHub gives them."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slug
    return config


def slug(heading: str, separator: str = "-") -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for each file outside ``docs/`` that the navigation or a page names, and for those that these name."""
    named = [_place(uri) for uri in re.findall(rf"{OUTSIDE}[^'\"]+", str(config.nav))]
    for file in files:
        if file.src_uri.endswith(".md"):
            named += _linked(file.content_string, _place(file.src_uri))
    seen: set[str] = set()
    while named:
        path = named.pop()
        if path not in seen and not path.startswith("docs/") and (ROOT / path).exists():
            seen.add(path)
            files.append(made := File.generated(config, _page(path), content=_content(path)))
            named += _linked(made.content_string, path)
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Let links lead to where the site has the files they name."""
    here = _place(page.file.src_uri)

    def led(match: re.Match[str]) -> str:
        before, target, anchor, after = match.groups()
        path = _resolved(here, target)
        if "://" in target or not (ROOT / path).exists():
            return match[0]
        return f"{before}{posixpath.relpath(_page(path), posixpath.dirname(page.file.src_uri))}{anchor or ''}{after}"

    return _outside_fences(markdown, lambda text: LINK.sub(led, text))


def _outside_fences(markdown: str, change: Any) -> str:
    """Change the text of a page, but none of its blocks of code."""
    parts, at = [], 0
    for fence in FENCED.finditer(markdown):
        parts += [change(markdown[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*parts, change(markdown[at:])])


def _linked(markdown: str, place: str) -> Iterator[str]:
    """Yield the path in the repository of every file that a page links to."""
    for _, target, _, _ in LINK.findall(FENCED.sub("", markdown)):
        if "://" not in target:
            yield _resolved(place, target)


def _resolved(place: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(place), target))


def _place(uri: str) -> str:
    """Return where in the repository a page of the site is from."""
    if not uri.startswith(OUTSIDE):
        return f"docs/{uri}"
    path = uri.removeprefix(OUTSIDE)
    return path if (ROOT / path).is_file() else path.removesuffix(".md")


def _page(path: str) -> str:
    """Return where on the site a file or folder of the repository is."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"{OUTSIDE}{path}" if path.endswith(".md") else f"{OUTSIDE}{path}.md"


def _content(path: str) -> str:
    """Return the page of a file: itself where it is a page, else its text as code."""
    file = ROOT / path
    if file.is_dir():
        return _listing(file)
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return text
    return (
        f"# {file.name}\n\n{_notebook(text) if file.suffix == '.ipynb' else _fence(text, LANGUAGES.get(file.suffix))}"
    )


def _listing(folder: Path) -> str:
    names = sorted(of.name for of in folder.iterdir() if not of.name.startswith(("_", ".")))
    return f"# {folder.name}\n\n" + "\n".join(f"- [{name}]({folder.name}/{name})" for name in names) + "\n"


def _notebook(text: str) -> str:
    cells = ((of["cell_type"], "".join(of["source"])) for of in json.loads(text)["cells"])
    return "\n\n".join(source if kind == "markdown" else _fence(source, "python") for kind, source in cells)


def _fence(text: str, language: str | None) -> str:
    return f"````{language or 'text'}\n{text.rstrip()}\n````\n"
