"""A query of two versions behind HTTP: what is sent, what is written, and each way in which a server misbehaves."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from made_servers import drip, drop, garbled, posteriors, running, slow, status
from unlearn_audit import AuditError, query
from unlearn_audit.observations.one_version import read_answers

N = 23


@pytest.fixture
def server():
    with running() as state:
        yield state


@pytest.fixture
def people(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "id": [f"r{i:03}" for i in range(N)],
        "x": rng.normal(size=N).round(3),
        "y": rng.normal(size=N).round(3),
        "class": np.arange(N) % 3,
        "who": [f"p{i // 2}" for i in range(N)],
        "sex": np.array(["f", "m"])[np.arange(N) % 2],
    })  # fmt: skip
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    return path


COLUMNS = {"record": "id", "label": "class", "person": "who", "exclude": ["sex"]}


def ask(server, people, out, **given):
    """Ask both versions at once, with short waits."""
    given = {**COLUMNS, "batch": 10, "wait": 0.01, "timeout": 5.0, **given}
    return query(people, server.url("/v1"), server.url("/v2"), out, **given)


def test_features_alone_are_sent_and_answers_are_what_release_reads(server, people, tmp_path):
    result = ask(server, people, tmp_path / "out")
    frame = pd.read_csv(people)
    sent = [row for path, document in server.requests[:6:2] for row in document["instances"]]
    assert sent == frame[["x", "y"]].to_numpy().tolist()
    everything = json.dumps([document for _, document in server.requests])
    assert not any(text in everything for text in ("r000", "p0", '"f"'))
    assert [path for path, _ in server.requests[:4]] == ["/v1", "/v2", "/v1", "/v2"]
    for path, version in ((result.before, 1), (result.after, 2)):
        found = read_answers(path, "who")
        assert found.ids.tolist() == frame["id"].tolist()
        assert np.allclose(found.posteriors, posteriors(sent, version), atol=1e-6)
        assert (found.classes, found.labels.tolist()) == (("0", "1", "2"), frame["class"].tolist())
        assert found.persons.tolist() == frame["who"].tolist()
    assert result.changed == 1.0
    assert result.notes == ()
    assert result.next_command("gone.txt") == (
        f"unlearn-audit release {result.before} {result.after} --deleted gone.txt --reference IDS --person who"
    )
    assert result.to_frame().columns.tolist() == [
        "record", "label", "who", "before_0", "before_1", "before_2", "after_0", "after_1", "after_2",
    ]  # fmt: skip


def test_what_is_asked_for_is_sent_in_that_order(server, people, tmp_path):
    server.answer = lambda document, path, number: [[0.5, 0.5]] * len(document["data"])
    result = ask(
        server, people, tmp_path / "out", send=["y", "id"], groups=["sex"], label=None, request='{"data": "{objects}"}'
    )
    first = pd.read_csv(people).iloc[0]
    assert server.requests[0][1]["data"][0] == {"y": first["y"], "id": "r000"}
    assert list(server.requests[0][1]["data"][0]) == ["y", "id"]
    assert read_answers(result.before, "who").groups["sex"][:2].tolist() == ["f", "m"]
    assert "--group-by sex" in result.next_command()


@pytest.mark.parametrize(
    ("fault", "least"),
    [
        (status(429, Retry_After="1"), 1.0),
        (status(500, b"try later"), 0.0),
        (status(503, Retry_After="soon"), 0.0),
        (drop, 0.0),
        (garbled, 0.0),
        (slow(1.5), 0.0),
        (drip, 0.0),
    ],
)
def test_what_fails_in_passing_is_tried_again(server, people, tmp_path, fault, least):
    server.faults = {1: fault}
    result = ask(server, people, tmp_path / "out", timeout=0.5)
    whole = pd.read_parquet(result.after)
    assert np.allclose(whole[["p_0", "p_1", "p_2"]], posteriors(pd.read_csv(people)[["x"]].to_numpy(), 2))
    assert server.requests[1][1] == server.requests[2][1]
    assert server.times[2] - server.times[1] >= least


def test_it_ends_after_so_many_tries_and_goes_on_from_there(server, people, tmp_path):
    out = tmp_path / "out"
    server.faults = dict.fromkeys(range(3, 6), status(500, b"no way"))
    with pytest.raises(
        AuditError, match=r"/v2 failed 3 times in a row, last with: 500 .*no way; the answers so far are kept"
    ):
        ask(server, people, out, attempts=3)
    assert not (out / "before.parquet").exists()
    asked = len(server.requests)
    resumed = ask(server, people, out, attempts=3, rate=1000.0)
    # one batch of v2, both of the last, and some again
    assert [path for path, _ in server.requests[asked:]] == ["/v2", "/v1", "/v2", "/v1", "/v2"]
    whole = ask(server, people, tmp_path / "whole")
    for name in ("before.parquet", "after.parquet", "query.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in whole.folder.iterdir())
    assert resumed.notes == ()


def test_half_a_batch_is_asked_again(server, people, tmp_path):
    server.faults = {4: status(404)}
    with pytest.raises(AuditError):
        ask(server, people, tmp_path / "out")
    kept = sorted(path for path in (tmp_path / "out").glob(".before*"))
    kept[0].write_bytes(kept[0].read_bytes()[:50])
    ask(server, people, tmp_path / "out")
    ask(server, people, tmp_path / "whole")
    assert (tmp_path / "out/before.parquet").read_bytes() == (tmp_path / "whole/before.parquet").read_bytes()


def test_a_query_to_which_nothing_was_answered_can_be_corrected(server, people, tmp_path):
    with pytest.raises(AuditError):
        ask(server, people, tmp_path / "out", answers="nowhere[*].at.all")
    assert ask(server, people, tmp_path / "out").records


def test_a_folder_is_of_one_query(server, people, tmp_path):
    ask(server, people, tmp_path / "out")
    with pytest.raises(AuditError, match="holds another run"):
        query(people, server.url("/v1"), server.url("/v3"), tmp_path / "out", **COLUMNS, batch=10)
    with pytest.raises(AuditError, match=r"holds another run \(batch: 10 there, 5 asked\)"):
        ask(server, people, tmp_path / "out", batch=5)
    people.write_text(people.read_text().replace("r000", "r999"))
    with pytest.raises(AuditError, match="holds another run"):
        ask(server, people, tmp_path / "out")
    ask(server, people, tmp_path / "out", force=True)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda n: {"predictions": [[0.5, 0.5]] * (n - 1)}, "answered 9 times for 10 records"),
        (lambda n: b"<html><title>Sign in</title></html>", "not with JSON but with '<html><title>Sign in"),
        (lambda n: b'{"predictions": [' + b"[NaN, 1.0]," * (n - 1) + b"[0.5, 0.5]]}", r"not a number .* for 9 of 10"),
        (lambda n: {"predictions": [[None, 1.0]] * n}, "not a number"),
        (lambda n: {"predictions": [[2.0, 3.5]] * n}, "v1"),
        (lambda n: {"predictions": [[0.5, 0.1]] * n}, "not 1"),
        (lambda n: {"predictions": [[0.5, 0.5]] * (n - 1) + [[1.0]]}, "1 numbers for one record and 2 for another"),
        (lambda n: {"error": "no such model"}, r"an object with error \(error: no such model\); say with --answers"),
        (lambda n: {"predictions": [0.7] * n}, "one number per record; if it is the probability of the second"),
        (lambda n: {"predictions": "later"}, "with a text where a list of answers is needed"),
        (lambda n: b" " * (12 << 20), "sends more than 11,534,336 bytes for 10 records"),
        (lambda n: {"predictions": ["yes"] * n}, r"only one class \(yes\); name all classes with --classes"),
    ],
)
def test_what_is_no_answer_is_named(server, people, tmp_path, answer, says):
    server.answer = lambda document, path, number: answer(len(document["instances"]))
    with pytest.raises(AuditError, match=says) as told:
        ask(server, people, tmp_path / "out", label=None)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "out/before.parquet").exists()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            status(401, b"who are you"),
            "refuses access .*401.*who are you.*; give the credentials it needs with --header",
        ),
        (status(404), "refused the request .*404.*; check the address"),
        (status(302, Location="http://127.0.0.1:1/"), "redirects elsewhere .*; give the address that it redirects to"),
        (status(429, Retry_After="86401"), "asks to wait 86401 seconds .*longer than the time limit leaves"),
    ],
)
def test_what_no_other_try_cures_ends_at_once(server, people, tmp_path, fault, says):
    server.faults = {0: fault}
    with pytest.raises(AuditError, match=says):
        ask(server, people, tmp_path / "out")
    assert len(server.requests) == 1


def test_no_server_and_no_time(server, people, tmp_path):
    with pytest.raises(AuditError, match="failed 2 times in a row"):
        query(people, "http://127.0.0.1:1/", server.url(), tmp_path / "out", **COLUMNS, attempts=2, wait=0.01)
    with pytest.raises(AuditError, match=r"reached the time limit of 0\.3 seconds; the answers so far are kept"):
        ask(server, people, tmp_path / "o", batch=1, rate=20.0, time_limit=0.3)


FORMS = [
    (lambda p: {"predictions": p}, {}),
    (lambda p: {"outputs": [{"name": "p", "shape": [len(p), 3], "data": [v for r in p for v in r]}]}, {}),
    (lambda p: {"outputs": [{"name": "label", "shape": [len(p)], "data": [0] * len(p)},
                            {"name": "probabilities", "shape": [len(p), 3], "data": p}]}, {}),
    (lambda p: {"results": [{"label": "0", "probabilities": {str(c): v for c, v in enumerate(r)}} for r in p]}, {}),
    (lambda p: {"a": {"b": [{"q": r} for r in p]}}, {"answers": "$.a.b[*].q"}),
    (lambda p: [[{"label": str(c), "score": v} for c, v in enumerate(r)] for r in p], {}),
    (lambda p: {"predictions": np.log(p).tolist()}, {"logits": True}),
]  # fmt: skip


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_every_form_of_answers_gives_the_same_files(server, people, tmp_path, form):
    shape, options = FORMS[form]
    server.answer = lambda document, path, number: shape(posteriors(document["instances"], 2 if "2" in path else 1))
    found = pd.read_parquet(ask(server, people, tmp_path / "out", **options).after)
    assert found.columns.tolist() == ["record", "label", "who", "p_0", "p_1", "p_2"]
    assert np.allclose(found[["p_0", "p_1", "p_2"]], posteriors(pd.read_csv(people)[["x"]].to_numpy(), 2))


@pytest.mark.parametrize(
    ("request_", "rows"),
    [
        ("objects", lambda of: [list(row.values()) for row in of["instances"]]),
        ("inputs", lambda of: of["inputs"]),
        ("dataframe_split", lambda of: of["dataframe_split"]["data"]),
        ("dataframe_records", lambda of: [list(row.values()) for row in of["dataframe_records"]]),
        ("v2", lambda of: np.reshape(of["inputs"][0]["data"], of["inputs"][0]["shape"]).tolist()),
        ('{"table": "{columns}"}', lambda of: np.column_stack([of["table"]["x"], of["table"]["y"]]).tolist()),
    ],
)
def test_every_form_of_request(server, people, tmp_path, request_, rows):
    server.answer = lambda document, path, number: {"predictions": posteriors(rows(document), 1)}
    result = ask(server, people, tmp_path / "out", request=request_)
    assert result.changed == 0
    assert result.notes == ("both versions answered every query identically; check that they are different versions",)


def test_labels_alone(server, people, tmp_path):
    server.answer = lambda document, path, number: {"predictions": [int(row[0] > 0) for row in document["instances"]]}
    result = ask(server, people, tmp_path / "out", classes=["0", "1", "2"])
    found = pd.read_parquet(result.before)[["p_0", "p_1", "p_2"]].to_numpy()
    assert found.argmax(axis=1).tolist() == (pd.read_csv(people)["x"] > 0).astype(int).tolist()
    assert set(found.ravel()) == {0.0, 1.0}
    assert result.labels_only
    assert "only labels were answered" in result.notes[0]


def test_one_probability_of_two_classes(server, people, tmp_path):
    server.answer = lambda document, path, number: {"predictions": [0.25] * len(document["instances"])}
    result = ask(server, people, tmp_path / "out", classes=["no", "yes"], label=None)
    assert pd.read_parquet(result.before)[["p_no", "p_yes"]].iloc[0].tolist() == [0.75, 0.25]


def test_labels_that_the_classes_lack_are_named(server, people, tmp_path):
    with pytest.raises(AuditError, match="holds the label '0', and the versions answer for the classes a, b, c"):
        ask(server, people, tmp_path / "out", classes=["a", "b", "c"])
    with pytest.raises(AuditError, match="3 numbers per record, and --classes names 2"):
        ask(server, people, tmp_path / "other", classes=["a", "b"])


def test_a_version_that_does_not_repeat_itself_is_noted(server, people, tmp_path):
    shown = server.answer

    def answer(document, path, number):
        found = shown(document, path, number)
        if path == "/v2":
            found["predictions"][0] = posteriors([[number / 10]], 2)[0]
        return found

    server.answer = answer
    (note,) = ask(server, people, tmp_path / "out").notes
    assert note.startswith(f"after ({server.url('/v2')}) answered 1 of 10 records differently when queried again, by")


def test_secrets_are_sent_and_written_nowhere(server, people, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TOKEN_OF_A_TEST", "s3cr3t-token")
    (tmp_path / "key.txt").write_text("s3cr3t-key\n")
    headers = ["Authorization: Bearer env:TOKEN_OF_A_TEST", f"X-Api-Key: file:{tmp_path / 'key.txt'}"]
    v1, v2 = (server.url(f"/{of}?key=s3cr3t-query") for of in ("v1", "v2"))
    result = query(people, v1, v2, tmp_path / "out", **COLUMNS, headers=headers)
    assert server.headers[0]["Authorization"] == "Bearer s3cr3t-token"
    assert server.headers[0]["X-Api-Key"] == "s3cr3t-key"
    assert server.requests[0][0] == "/v1?key=s3cr3t-query"
    for path in result.folder.rglob("*"):
        assert b"s3cr3t" not in path.read_bytes()
    server.faults = {
        len(server.requests): status(400, b"Bearer s3cr3t-token s3cr3t-key s3cr3t-query is wrong, r was 0.126")
    }
    with pytest.raises(AuditError, match=r"\(secret\)") as told:
        query(people, v1, v2, tmp_path / "other", **COLUMNS, headers=headers)
    assert "s3cr3t" not in str(told.value)
    assert "s3cr3t" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("Authorization: abc", "has no value in the environment or in a file"),
        ("Authorization: env:NO_SUCH_VARIABLE", "variable NO_SUCH_VARIABLE of the header Authorization is not set"),
        ("X: file:/no/such", "no file at /no/such"),
        ("env:TOKEN", "has no value"),
    ],
)
def test_a_secret_in_a_command_is_refused(server, people, tmp_path, header, says):
    with pytest.raises(AuditError, match=says):
        ask(server, people, tmp_path / "out", headers=[header])
    assert server.requests == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"record": "nr"}, "no record column 'nr'"),
        ({"label": "income"}, "no label column 'income'"),
        ({"record": "who"}, "record ids more than once, such as p0"),
        ({"send": ["z"]}, "no sent column 'z'"),
        ({"exclude": ["x", "y", "sex"]}, "has no columns to send"),
        ({"request": "instance"}, "is neither instances, objects"),
        ({"request": '{"data": 1}'}, "the request holds no records"),
        (
            {"answers": "nowhere"},
            "no answers at nowhere: instead of nowhere, it has an object with predictions",
        ),
        ({"rate": 0}, "rate is 0"),
        ({"batch": 0}, "batch is 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(server, people, tmp_path, given, says):
    with pytest.raises(AuditError, match=says):
        ask(server, people, tmp_path / "out", **given)


def test_on_the_command_line(server, people, tmp_path):
    words = [sys.executable, "-m", "unlearn_audit", "query", f"--records={people}", "--record=id", "--label=class"]
    words += [f"--before={server.url('/v1?key=s3cr3t')}", f"--after={server.url('/v2')}", "--out=answers"]
    words += ["--exclude=who"]
    done = subprocess.run([*words, "--exclude=sex", "--deleted=r001"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "23 records, 3 classes: answers changed for 100.0% of records." in done.stdout
    assert not any(b"s3cr3t" in path.read_bytes() for path in (tmp_path / "answers").iterdir())
    assert (
        "Next: unlearn-audit release answers/before.parquet answers/after.parquet --deleted r001 --reference IDS"
        in done.stdout
    )


def test_killed_at_any_time_it_goes_on(server, people, tmp_path):
    words = [sys.executable, "-m", "unlearn_audit", "query", f"--records={people}", "--record=id", "--label=class",
             f"--before={server.url('/v1')}", f"--after={server.url('/v2')}", "--out=answers", "--exclude=who",
             "--exclude=sex", "--batch=2"]  # fmt: skip
    server.faults = {9: slow(30)}
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(server.requests) < 10:
        time.sleep(0.02)
    process.kill()
    process.wait()
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(server.requests) == 10 + 24 - 9 + 2
    query(people, server.url("/v1"), server.url("/v2"), tmp_path / "whole", record="id", label="class",
          exclude=["who", "sex"], batch=2)  # fmt: skip
    for name in ("before.parquet", "after.parquet"):
        assert (tmp_path / "answers" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_folder_of_answers_is_verified_as_any_run_is(server, people, tmp_path):
    from unlearn_audit.engine.store.folder import verified

    result = ask(server, people, tmp_path / "out")
    manifest, found = verified(result.folder)
    assert found == []
    assert {"before.parquet", "after.parquet", "query.json"} <= set(manifest.files)
    assert Path(result.before).stat().st_mode & 0o077 == 0


def test_records_are_purged_from_a_folder_of_answers(server, people, tmp_path):
    from unlearn_audit.engine.erasure.purge import purge
    from unlearn_audit.engine.store.folder import verified

    result = ask(server, people, tmp_path / "out")
    purged = purge([result.folder], None, ["r003", "r005"], without_store=True)
    assert (purged.rows, purged.tables, purged.missing) == (4, 2, [])
    assert read_answers(result.before, "who").ids.tolist() == [f"r{i:03}" for i in range(N) if i not in (3, 5)]
    assert verified(result.folder)[1] == []


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://[::1/v1", "an address cannot be read"),
        ("http:///v1", "is not an address of a server"),
        ("https://me:s3cr3t@host/v1", "holds a user's name or password; give it as --header"),
        ("ftp://me:s3cr3t@host/v1?key=s3cr3t", "ftp://host/v1 names no version of a model"),
    ],
)
def test_what_is_no_address_is_refused(server, people, tmp_path, address, says):
    with pytest.raises(AuditError, match=says) as told:
        query(people, server.url(), address, tmp_path / "out", **COLUMNS)
    assert "s3cr3t" not in str(told.value)
    assert server.requests == []
