import json

from unlearn_audit.reproduce import EXPERIMENTS


def test_the_list_names_every_experiment(command):
    assert set(json.loads(command("reproduce", "list", "--json").out)) == set(EXPERIMENTS)
    shown = command("reproduce", "list").out
    assert all(name in shown for name in EXPERIMENTS)


def test_an_experiment_is_planned_run_and_written(command, tmp_path):
    done = command("reproduce", "transfer", "--scale=smoke", "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert "2 audits, 72 trainings, about" in " ".join(done.err.split())
    assert set(json.loads(done.out)) == {"transfer"}
    assert (tmp_path / "out" / "transfer" / "table.csv").exists()
    again = command("reproduce", "transfer", "--scale=smoke", "--out", tmp_path / "out")
    assert "holds in" in again.out


def test_unknown_experiments_and_scales_are_refused(command):
    command("reproduce", "alchemy").says("no experiment 'alchemy'")
    command("reproduce", "main", "--scale=huge").says("no scale 'huge'")
