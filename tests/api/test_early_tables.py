"""A benchmark of a run that is finished before the others is judged, and shown, at once."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from qmbench.api.run import plan_of, run_plan
from qmbench.running.session import Session


@pytest.fixture
def two(folder, elsewhere, monkeypatch):
    """A suite of two benchmarks, the second with one entry, and no run too short to show something early."""
    other = folder.parent / "second"
    shutil.copytree(folder, other)
    about = (other / "benchmark.toml").read_text().replace('id = "toy_bench"', 'id = "second"')
    (other / "benchmark.toml").write_text(about.replace('title = "Toy"', 'title = "Second"'))
    rows = (other / "entries.csv").read_text().splitlines()
    (other / "entries.csv").write_text("\n".join([rows[0], *(r for r in rows if r.startswith("he,"))]) + "\n")
    rows = (other / "references.csv").read_text().splitlines()
    (other / "references.csv").write_text("\n".join([rows[0], *(r for r in rows if r.startswith("he,"))]) + "\n")
    path = folder.parent / "two.toml"
    levels = "".join(f'[[levels]]\nlevel = "sabotage?do=nothing&n={n}"\nbsse = "none"\n' for n in (1, 2))
    path.write_text(f'id = "two"\ntitle = "Two"\nbenchmarks = ["./toy_bench", "./second"]\n{levels}')
    monkeypatch.setattr("qmbench.api.run.WORTH_SECONDS", 0.0)
    monkeypatch.setattr("qmbench.running.pace.ENOUGH", 0.0)
    return path


def judged(path, **session):
    shown = []
    made = run_plan(plan_of(path), Session(engine="here", progress=False, **session), finished=shown.append)
    return made, shown


def test_what_is_shown_early_is_what_is_shown_at_the_end(two):
    made, shown = judged(two)
    assert [list(early.benchmarks) for early in shown] == [["second"], ["toy_bench"]]
    for early in shown:
        (name,) = early.benchmarks
        whole = made.statistics[made.statistics["benchmark"] == name].reset_index(drop=True)
        assert len(whole)
        pd.testing.assert_frame_equal(
            early.statistics.reset_index(drop=True)[whole.columns], whole, check_dtype=False, check_exact=True
        )
    # All of it is in the store now: there is nothing to wait for, and nothing to show before the end.
    assert judged(two)[1] == []


def test_what_fails_when_it_is_computed_afresh_has_failed_early_too(two, monkeypatch):
    """The store keeps the numbers that it had."""
    from qmbench.domain.record import Failure
    from qmbench.running.engine.outcome import Outcome
    from qmbench.running.loop import run_tasks

    judged(two)

    def failing(tasks, store, engine, *others):
        def run(self, tasks):
            yield from ((task, Outcome("failed", Failure("error", "not today"))) for task in tasks)

        monkeypatch.setattr(type(engine), "run", run)
        return run_tasks(tasks, store, engine, *others)

    monkeypatch.setattr("qmbench.running.session.run_tasks", failing)
    made, shown = judged(two, fresh=True)
    assert [list(early.benchmarks) for early in shown] == [["second"], ["toy_bench"]]
    for early in shown:
        assert early.results["status"].eq("failed").all()
    assert made.results["status"].eq("failed").all()


def test_a_short_run_shows_nothing_early(two, monkeypatch):
    monkeypatch.setattr("qmbench.api.run.WORTH_SECONDS", 1e6)
    assert judged(two)[1] == []


def test_what_can_not_be_judged_early_stops_no_run(two, monkeypatch):
    from qmbench.domain.errors import StoreError

    def broken(*_: object) -> None:
        raise StoreError("not now")

    monkeypatch.setattr("qmbench.running.run_document.Run.of_benchmark", broken)
    made, shown = judged(two)
    assert shown == []
    assert made.failed == 0
    assert len(made.statistics)


def test_on_the_command_line(two, qmbench):
    code, out, err = qmbench("run", "suite", two, "--engine", "here")
    assert code == 0
    assert err.index("Second (second)") < err.index("Toy (toy_bench)")
    assert "reference set paper" in err
    assert err.count("error = calculated - reference") == 0
    assert out.count("Second (second)") == 1
    assert out.count("error = calculated - reference") == 1
