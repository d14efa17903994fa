"""The document of a run: what was written yesterday is read today, and what is broken is said plainly."""

from __future__ import annotations

import copy
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from qmbench.data.filters import EntryFilter, Filtered
from qmbench.data.suite import read_suite
from qmbench.domain.errors import StoreError
from qmbench.domain.record import Failure
from qmbench.running.plan import PlannedEntry, make_plan
from qmbench.running.run_document import Run, RunBenchmark, RunLevel

# As qmbench 0.1 wrote it, before a run had a type.
OLD = {
    "id": "20260101-000000-s-abcd",
    "started": "2026-01-01T00:00:00+00:00",
    "finished": None,
    "suite": {"id": "s", "title": "S"},
    "benchmarks": {"s22": {"version": "1.0.0", "folder": "/nowhere/s22"}},
    "levels": {
        "hf/sto-3g": {"families": {"program": "pyscf"}, "stochastic": False, "plugin": "qmbench-pyscf",
                      "versions": {"pyscf": "2.7"}, "citations": ["10.1000/x"]},
        "vmc": {"stochastic": True},
    },
    "entries": [
        {"level": "hf/sto-3g", "bsse": "cp", "benchmark": "s22", "entry": "a",
         "terms": [[1, "k1"], [-1, "k2"], [-1, "k2"]], "refused": None},
        {"level": "vmc", "bsse": "", "benchmark": "s22", "entry": "b", "terms": [],
         "refused": {"kind": "unsupported", "message": "no", "log_tail": ""}},
    ],
    "computed": ["k1"],
}  # fmt: skip


def test_a_document_of_before_is_read():
    run = Run.from_json(OLD)
    assert run.keys == {"k1", "k2"}
    assert run.computed == {"k1"}
    assert run.stochastic == {"vmc"}
    assert run.families == {"hf/sto-3g": {"program": "pyscf"}, "vmc": {}}
    assert run.entries[0].terms == ((1.0, "k1"), (-1.0, "k2"), (-1.0, "k2"))
    assert run.entries[1].refused.kind == "unsupported"
    assert (run.suite, run.title) == ("s", "S")
    assert set(run.find_benchmarks()) == {"s22"}  # the folder of that time is gone
    assert Run.from_json({**OLD, "mood": "of a later version"}) == run


def test_it_comes_back_as_it_was(toys, folder):
    path = folder.parent / "s.toml"
    path.write_text(
        f'id = "s"\ntitle = "S"\nbenchmarks = ["./{folder.name}"]\n[[levels]]\nlevel = "toy/x"\nbsse = "cp"\n'
    )
    run = Run.of(make_plan(read_suite(path)), "r", "now")
    assert run.keys
    assert Run.from_json(run.to_json()) == run


def test_no_field_is_lost_on_the_way_through_the_store():
    """A field that is written and not read is nothing in the commands that read the store, claims say."""
    level = RunLevel("A", {"program": "p"}, "reference", True, "plugin", {"p": "1"}, "c0de", ("10.1000/x",))
    entry = PlannedEntry("a/x", "cp", "b", "e", ((1.0, "k"),), Failure("input", "no", "log"))
    benchmarks, filtered = {"b": RunBenchmark("1", Path("/b"))}, Filtered(EntryFilter.of("H"), 1, 2)
    run = Run("r", "now", "then", "s", "S", benchmarks, {"a/x": level}, (entry,), frozenset("k"), filtered)
    for whole in (run, level, entry):
        for field in fields(whole):
            default = field.default if field.default_factory is MISSING else field.default_factory()
            assert getattr(whole, field.name) != default, f"{field.name} would not be missed"
    assert Run.from_json(run.to_json()) == run


@pytest.mark.parametrize("part", ["id", "started", "benchmarks", "levels", "entries"])
@pytest.mark.parametrize("broken", ["missing", "wrong"])
def test_what_is_broken_is_named(part, broken):
    document = copy.deepcopy(OLD)
    if broken == "missing":
        del document[part]
    elif part in ("id", "started"):
        return  # any text is one
    else:
        document[part] = {"x": 3} if part != "entries" else [{"level": "hf"}]
    with pytest.raises(StoreError, match=f"is broken in '{part}'") as caught:
        Run.from_json(document)
    assert "\n" not in str(caught.value)


def test_what_is_no_document():
    with pytest.raises(StoreError, match="is broken in 'id'"):
        Run.from_json(["a"])
