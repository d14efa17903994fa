"""`qmbench.run`: a suite in, frames, judgements and reports out; engines and stores of a foreign plugin."""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest

import qmbench
from qmbench.cli import run as command
from qmbench.plugging.registry import discover, plugins
from qmbench.running.engine.choice import engine_named
from qmbench.running.stores import open_store


def test_a_run_is_frames_and_judgements(suite, tmp_path):
    made = qmbench.run(suite, levels="sabotage?do=nothing", benchmarks=["./toy_bench"], engine="here", progress=False)
    assert made.failed == 0
    assert made.results["status"].eq("ok").all()
    assert set(made.references["set"]) == {"paper"}
    he = made.scored.set_index("entry").loc["he"]
    assert he["error"] == pytest.approx(-2.0 + 2.9037)
    assert isinstance(made.statistics, pd.DataFrame)
    assert made.disagreement["summary"]["entries"] > 0
    assert made.run.id == made.id
    assert set(made.records) == made.run.keys
    assert repr(made) == f"<run {made.id}: {len(made.results)} results, {len(made.results)} ok>"
    html = made._repr_html_()
    assert "<td>sabotage</td>" in html
    assert "error = calculated - reference" in html
    files = made.report(tmp_path / "out", "csv")
    assert {path.suffix for path in files} == {".csv"}
    with pytest.raises(qmbench.InputError, match="unknown format 'docx'"):
        made.report(tmp_path / "out", ["docx"])
    again = qmbench.run(suite, levels="sabotage?do=nothing", engine="here", progress=False)
    assert (made.computed > 0, again.computed) == (True, 0)


def test_failures_are_counted_and_shown(suite):
    told = []
    made = qmbench.run(suite, engine="here", progress=told.append)
    assert made.failed == made.results["level_of_theory"].str.contains("raise").sum() > 0
    assert "the sky fell down" in made._repr_html_()
    assert told[-1].done == told[-1].total == made.computed
    stopped = qmbench.run(suite, engine="here", progress=False, fail_fast=True, store="other.sqlite")
    assert stopped.stopped
    assert stopped.computed < made.computed


def test_a_suite_made_in_python_and_one_that_makes_no_sense(suite, folder):
    mine = qmbench.Suite.of(str(folder), ["sabotage", qmbench.level("sabotage", n=3)], bsse="none")
    made = qmbench.run(mine, engine="here", progress=False)
    assert list(made.results["level_of_theory"].unique()) == ["sabotage", "sabotage?n=3"]
    with pytest.raises(qmbench.InputError, match="has no benchmark 's22'"):
        qmbench.run(mine, benchmarks="s22")
    with pytest.raises(qmbench.InputError, match="unknown suite 'startr'; did you mean 'starter'"):
        qmbench.run("startr")
    with pytest.raises(qmbench.InputError, match="bsse is none or cp or vmfc"):
        qmbench.run(mine, bsse="full")


def test_a_foreign_engine_and_store_from_the_command_line(suite, tmp_path, capsys):
    place = ("--store", f"lines://{tmp_path}/mine.jsonl")
    assert command(["run", "suite", str(suite), *place, "--engine", "here:there", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {row["status"] for row in told["records"]} == {"ok", "failed"}
    rows = [json.loads(line) for line in (tmp_path / "mine.jsonl").read_text().splitlines()]
    pids = {row["record"]["provenance"]["settings"].get("pid") for row in rows if "record" in row}
    assert os.getpid() in pids  # the engine was the foreign one
    assert sum("run" in row for row in rows) == 2  # at its start and at its end
    assert not (tmp_path / "qmbench-data").exists()
    run, key = told["run"], rows[1]["record"]["key"]
    for words in (
        ("disagree", run, *place, "--json"),
        ("report", *place, "--report", str(tmp_path / "r"), "--format", "json"),
        ("show", key[:12], *place),
        ("show", run, *place),
    ):
        assert command(list(words)) == 0, capsys.readouterr().err
    assert json.loads((tmp_path / "r" / "statistics.json").read_text())["statistics"]
    assert command(["show", "abcdef123456", *place]) == 3
    assert command(["disagree", "20200101", *place]) == 3
    assert command(["run", "suite", str(suite), *place, "--engine", "here:nowhere"]) == 3
    assert command(["compute", "sabotage", "atoms:he", *place, "--engine", "here"]) == 0
    assert "knows no address 'nowhere'" in capsys.readouterr().err
    assert len(qmbench.load(place[1])) == len(told["records"])


def test_a_store_that_can_not_be_opened_is_said_in_one_line(elsewhere, tmp_path):
    with pytest.raises(qmbench.StoreError, match="no store at lines://"):
        open_store(f"lines://{tmp_path}/nothing", read_only=True)
    (tmp_path / "broken").write_text("{")
    with pytest.raises(qmbench.StoreError, match="can't be opened: JSONDecodeError"):
        open_store(f"lines://{tmp_path}/broken")


def test_what_a_plugin_makes_has_to_be_what_it_says(elsewhere, monkeypatch):
    monkeypatch.setitem(plugins().engines, "empty", lambda address, workers, resources: object())
    monkeypatch.setitem(plugins().engines, "broken", lambda address, workers: None)
    monkeypatch.setitem(plugins().stores, "empty", lambda url, read_only: object())
    with pytest.raises(qmbench.QmbenchError, match=r"engine 'empty' has no 'workers': see qmbench\.Engine"):
        engine_named("empty")
    with pytest.raises(qmbench.QmbenchError, match="engine 'broken' can't be made: TypeError"):
        engine_named("broken")
    with pytest.raises(qmbench.StoreError, match=r"has no 'place': it is to be a qmbench\.StoreProtocol"):
        open_store("empty://x")


def test_an_isolated_plugin_brings_none(elsewhere):
    from qmbench.plugging.isolated.companion import _plugin

    with pytest.raises(qmbench.InputError, match="qmbench_engines, which works in the environment of qmbench alone"):
        _plugin("elsewhere")


class _Point:
    """An entry point of a plugin made of the given hooks."""

    dist, group = None, "qmbench"

    def __init__(self, name, **hooks):
        self.name, self.hooks = name, hooks

    def load(self):
        module = ModuleType(self.name)
        module.QMBENCH_API = 2
        vars(module).update({name: qmbench.hookimpl(hook) for name, hook in self.hooks.items()})
        return module


@pytest.mark.parametrize(
    ("hooks", "message"),
    [
        ({"qmbench_engines": lambda: {"local": print}}, "'local' is there already, in the core"),
        ({"qmbench_stores": lambda: {"sqlite": print}}, "'sqlite' is there already"),
        ({"qmbench_engines": lambda: ["a"]}, "not names with the functions"),
        ({"qmbench_engines": lambda: {"a": 1}}, "not names with the functions"),
        ({"qmbench_stores": lambda: {"My Store": print}}, "a name is lower-case letters"),
        ({"qmbench_stores": lambda: None}, "gave None"),
    ],
)
def test_wrong_names_keep_a_plugin_out_as_a_whole(hooks, message):
    found = discover([_Point("good", qmbench_engines=lambda: {"fine": print}), _Point("wrong", **hooks)])
    assert message in next(i.error for i in found.infos if i.name == "wrong")
    assert list(found.engines) == ["fine"]
    twice = discover(
        [_Point("a", qmbench_engines=lambda: {"x": print}), _Point("b", qmbench_engines=lambda: {"x": len})]
    )
    assert [i.error != "" for i in twice.infos] == [False, True]


class _Kernel:
    """What this module sees of IPython in a notebook."""

    kernel = object()

    def __init__(self):
        self.shown = []

    def display(self, page, display_id):
        self.shown.append(page)
        return self

    def update(self, page):
        self.shown.append(page)

    @staticmethod
    def HTML(text):
        return text


def test_progress_in_a_notebook_is_one_line_written_anew(suite, monkeypatch):
    kernel = _Kernel()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel))
    monkeypatch.setitem(sys.modules, "IPython.display", kernel)
    made = qmbench.run(suite, engine="here")
    assert f"0 of {made.computed} tasks done" in kernel.shown[0]
    assert f"{made.computed} of {made.computed} tasks done" in kernel.shown[-1]
    assert "the sky fell down" in kernel.shown[-1]


def test_load_has_references_errors_and_numbers(suite, folder):
    made = qmbench.run(suite, engine="here", progress=False, store="mine.sqlite")
    table = qmbench.load("mine.sqlite")
    pd.testing.assert_frame_equal(table, made.scored)
    numbers = ["value", "uncertainty", "coordinate", "reference", "reference_uncertainty", "error", "error_uncertainty"]
    assert {str(table[name].dtype) for name in (*numbers, "wall_s", "cpu_s")} == {"float64"}
    he = table[table["status"].eq("ok")].set_index("entry").loc["he"]
    assert (he["reference"], he["reference_set"]) == (-2.9037, "paper")
    assert he["error"] == pytest.approx(he["value"] + 2.9037)
    assert table[table["status"].ne("ok")]["error"].isna().all()


def test_counterpoise_that_nothing_can_come_of_is_an_error(suite, folder):
    atoms = qmbench.Suite.of("atoms", "sabotage")
    with pytest.raises(qmbench.InputError, match="bsse=cp: suite python has no entry for it"):
        qmbench.run(atoms, bsse="cp", engine="here", progress=False)
    with pytest.raises(qmbench.InputError, match="energy is not; ask for an interaction_energy"):
        qmbench.compute("sabotage", "atoms:he", bsse="cp", engine="here")
    with pytest.raises(qmbench.InputError, match="atoms/he is not"):
        qmbench.compute("sabotage", "atoms/he", bsse="none", engine="here")


@pytest.mark.parametrize(
    ("asked", "given", "expected"),
    [
        (None, {}, (4, 1)),
        ("2", {}, (4, 1)),
        (None, {"workers": 1}, (1, 4)),
        ("2", {"workers": 1}, (1, 2)),
        ("3,1", {"workers": 1}, (1, 3)),
        ("many", {"workers": 1}, (1, 4)),
        ("2", {"workers": 1, "cores": 4}, (1, 4)),
        (None, {"cores": 2}, (2, 2)),
        (None, {"cores": 8}, (1, 8)),
        (None, {"workers": 3, "cores": 2}, (3, 2)),
    ],
)
def test_workers_and_threads(asked, given, expected, monkeypatch, suite):
    """Of four cores: tasks at a time, and the threads of each; OMP_NUM_THREADS is a limit, what was given an order."""
    from qmbench.running import session
    from qmbench.running.session import Session

    told = []

    def engine(name, workers, limits):
        told.append((workers, limits.cores))
        return engine_named("here", 1, limits)

    monkeypatch.setattr(session, "available_cores", lambda: 4)
    monkeypatch.setattr(session, "engine_named", engine)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if asked is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
    with open_store("w.sqlite") as store, Session(progress=False, **given)._engine(store, 100):
        pass
    assert told == [expected]


def test_filters_and_weights_are_keywords(suite):
    options = {"levels": "sabotage?do=nothing", "engine": "here", "progress": False}
    made = qmbench.run(suite, elements="He", max_atoms=1, weights={"toy_bench": 2}, **options)
    assert set(made.results["entry"]) == {"he"}
    assert made.evaluation.filters[0].sentence.startswith("only entries with elements He alone; at most 1 atom: 1 of ")
    (total,) = made.user_totals["total"]
    assert total == pytest.approx(627.5094740631 * (-2.0 + 2.9037))  # hartree in kcal/mol
    assert set(made.disagreement["filters"][0]["only"]) == {"elements", "max_atoms"}
    whole = qmbench.run(suite, **options)
    assert whole.user_totals is None
    assert whole.evaluation.filters == ()
    table = qmbench.load("qmbench-data/store.sqlite", max_atoms=1)
    assert set(table["entry"]) == {"he", "ar"} < set(whole.results["entry"])
    with pytest.raises(qmbench.InputError, match="no entry is left"):
        qmbench.load("qmbench-data/store.sqlite", charge=3)
    with pytest.raises(qmbench.InputError, match=r"weights: suite .* has no benchmark 'toy'"):
        qmbench.run(suite, weights={"toy": 1}, **options)
