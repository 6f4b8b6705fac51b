import json

import pytest

SMALL = [
    "--dataset=breast-cancer", "--shadow-worlds=3", "--target-worlds=3", "--deletions=5", "--unseen=4",
    "--references=5", "--feature=sorted-diff", "--attack-model=logistic-regression",
]  # fmt: skip


def test_info_and_prune(command, tmp_path):
    store = tmp_path / "store"
    nothing = command("cache", "info", "--json")
    assert json.loads(nothing.out)["artefacts"] == 0
    assert not store.exists()
    assert command("run", *SMALL).code == 0
    assert command("run", *SMALL, "--model=mlp", "--target-worlds=2").code == 0
    found = json.loads(command("cache", "info", "--json").out)
    assert found["folder"] == str(store)
    n = found["artefacts"]
    assert found["bytes"] == sum(p.stat().st_size for p in store.glob("??/*"))
    groups = {(g["stage"].partition("/")[0], g["dataset"], g["model"]): g["artefacts"] for g in found["groups"]}
    worlds = {key: groups.pop(key) for key in list(groups) if key[0] == "observations"}
    assert {key[1:]: of for key, of in worlds.items()} == {
        ("breast-cancer", "decision-tree"): 6,
        ("breast-cancer", "mlp"): 5,
    }
    assert {key[0] for key in groups} == {"scores"}
    assert n == 11 + sum(groups.values())
    said = command("cache", "info").out
    assert f"{n} artefacts" in said
    assert "decision-tree" in said
    assert "would be removed" in command("cache", "prune", "--all", "--dry-run").out
    assert command("cache", "verify").out.startswith(f"{n} artefacts are whole, 0 damaged")
    mark = next(path for path in sorted(store.glob("??/*.json")) if '"overfitting": 0' in path.read_text())
    mark.write_text(mark.read_text().replace('"overfitting": 0', '"overfitting": 1'))
    verified = command("cache", "verify", "--json")
    assert verified.code == 2
    assert json.loads(verified.out) == {
        "folder": str(store), "whole": n - 1, "damaged": 1, "former": 0, "not_whole": [mark.stem]
    }  # fmt: skip
    assert f"damaged: {mark.stem}" in command("cache", "verify").out
    done = json.loads(command("cache", "prune", "--older-than=1h", "--max-size=0B", "--json").out)
    assert (done["artefacts"], done["kept"]) == (n, 0)
    assert json.loads(command("cache", "info", "--json").out)["artefacts"] == 0
    assert command("cache", "prune", "--all", "--store", tmp_path / "none").out.startswith("0 artefacts removed")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["prune"], "cache prune needs to know what to remove; give --older-than 30d, --max-size 5GB or --all"),
        (["prune", "--dry-run"], "needs to know what to remove"),
        (["prune", "--older-than=soon"], "'soon' is not an age"),
        (["prune", "--max-size=big"], "'big' is not a size"),
        (["prune", "--all", "--store=letters"], "letters is not a store of unlearn-audit"),
        (["info", "--store=letters"], "letters is not a store of unlearn-audit"),
    ],
)
def test_bad_flags(command, flags, said):
    from pathlib import Path

    Path("letters").mkdir()
    Path("letters/dear.txt").write_text("dear")
    command("cache", *flags).says(said)
    assert [p.name for p in Path("letters").iterdir()] == ["dear.txt"]


def test_explain_says_why_and_leaves_json_alone(command, tmp_path):
    first = command("run", *SMALL, "--explain", "--json")
    assert first.findings["dataset"] == "breast-cancer"
    assert "shadow side: 0 of 3 worlds are reused" in first.err
    assert "target side: worlds 0 to 2 were never computed, and the store has nothing similar to them" in first.err
    again = command("run", *SMALL, "--explain", "--json", "--target-worlds=4")
    assert "shadow side: 3 of 3 worlds are reused" in again.err
    assert "target side: world 3 was never made" in again.err
    other = command("run", *SMALL, "--explain", "--json", "--deletions=6").err
    assert "target side: worlds 0 to 2 were never computed; the nearest in the store: deletions 5 → 6" in other
    assert "reused" not in command("run", *SMALL).err
