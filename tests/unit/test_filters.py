"""Filters of entries: what each condition keeps, what is said of it, and that it acts before statistics."""

from __future__ import annotations

import json

import pytest
from toy_runs import computed

from qmbench.data.benchmark import find_benchmark, load_benchmark
from qmbench.data.filters import EntryFilter, Filtered, narrowed
from qmbench.data.suite import read_suite
from qmbench.domain.errors import InputError
from qmbench.judging.model import Evaluation
from qmbench.running.plan import make_plan
from qmbench.running.run_document import Run


def kept(benchmark, **conditions):
    found, filtered = narrowed({benchmark.id: benchmark}, EntryFilter.of(**conditions))
    assert filtered.kept == len(found[benchmark.id].entries)
    return [e.id for e in found[benchmark.id].entries]


def test_elements_atoms_charges_and_tags_of_the_toy_benchmark(folder):
    b = load_benchmark(folder)
    assert kept(b, elements="he") == ["he2", "he2_far", "he", "lone"]
    assert kept(b, elements=["Ar", "He"]) == ["he2", "he2_far", "he", "ar", "lone"]  # not what has no systems
    assert kept(b, max_atoms=1) == ["he", "ar"]
    assert kept(b, min_atoms=2) == ["he2", "he2_far", "lone"]
    assert kept(b, charge=0) == ["he2", "he2_far", "he", "ar", "lone"]
    assert kept(b, tags="small") == ["he2", "he"]
    assert kept(b, tags="kind") == kept(b, tags="kind:x") == ["he2"]
    assert kept(b, tags="small", max_atoms=1) == ["he"]


def test_every_system_counts_against_independent_chemistry():
    """Atomization: the entry's systems are the molecule and its atoms, counted here from its formula."""
    b = find_benchmark("atomization")
    small = kept(b, elements="H,C,N,O", max_atoms=4)
    for e in b.entries:
        symbols = [set(b.system(t.system).elements) for t in e.terms]
        atoms = max(len(b.system(t.system).elements) for t in e.terms)
        assert (e.id in small) == (set().union(*symbols) <= {"H", "C", "N", "O"} and atoms <= 4)
    assert 0 < len(small) < len(b.entries)


def test_charges_of_all_systems():
    b = find_benchmark("electron_affinities")
    assert kept(b, charge="0,-1") == [e.id for e in b.entries]
    with pytest.raises(InputError, match="no entry is left"):  # every entry has an anion
        kept(b, charge=0)


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ({"elements": "H,Xx"}, "'Xx' is no chemical element"),
        ({"charge": "zero"}, "a charge is a whole number"),
        ({"max_atoms": 0}, "max_atoms is a whole number from 1"),
        ({"max_atoms": 2, "min_atoms": 3}, "no entry has 3 atoms at least and 2 at most"),
    ],
)
def test_what_makes_no_sense_is_refused(conditions, said):
    with pytest.raises(InputError, match=said):
        EntryFilter.of(**conditions)


def test_an_unknown_tag_and_nothing_left_are_one_line(folder):
    b = load_benchmark(folder)
    with pytest.raises(InputError, match="no entry has the tag or subset 'smal'; did you mean 'small'"):
        kept(b, tags="smal")
    with pytest.raises(InputError, match="no entry is left: of 6 none has elements H alone"):
        kept(b, elements="H")


def test_no_condition_is_no_filter():
    assert not EntryFilter.of()
    assert EntryFilter.of(elements="H")


def test_a_filter_survives_its_document():
    only = EntryFilter.of("o,H", 12, 2, "a,b", "-1,0")
    assert only == EntryFilter.of(["H", "O"], 12, 2, ["a", "b"], [0, -1])
    assert EntryFilter.from_json(json.loads(json.dumps(only.to_json()))) == only
    made = Filtered(only, 3, 9)
    assert Filtered.from_json(json.loads(json.dumps(made.to_json()))) == made
    assert made.sentence == (
        "only entries with elements H, O alone; at least 2 atoms; at most 12 atoms; charge -1 or 0; tag or subset a or "
        "b: 3 of 9 entries"
    )


def test_it_acts_before_statistics(toys, folder):
    whole, _ = computed(folder, "toy", "toy?ghost_stabilization=0.1")
    only = EntryFilter.of(tags="small")
    less = Evaluation.of(whole.run, whole.records, whole.benchmarks, only=only)
    assert set(less.results["entry"]) == {"he2", "he"}
    assert set(less.references["entry"]) == {"he2", "he"}
    by_hand = whole.scored[whole.scored["entry"].isin(["he2", "he"])].groupby(["observable", "level_of_theory"])
    expected = by_hand["error"].apply(lambda e: e.abs().mean())
    found = less.statistics[less.statistics["subset"] == "all"].set_index(["observable", "level_of_theory"])
    for key, value in expected.items():
        assert found.loc[key, "mean_absolute_error"] == pytest.approx(value, rel=1e-12, nan_ok=True)
    # The run asked for five entries; the one of published values alone counts as well.
    assert less.filters == (Filtered(only, 2, 6),)
    assert less.disagreement["filters"][0]["kept"] == 2


def test_a_run_computes_only_what_is_left_and_remembers_its_filter(toys, folder, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('id = "s"\ntitle = "S"\nbenchmarks = ["./toy_bench"]\n[[levels]]\nlevel = "toy/b"\nbsse = "none"\n')
    plan = make_plan(read_suite(path), EntryFilter.of(max_atoms=1))
    assert [p.entry for p in plan.entries] == ["he", "ar"]
    assert {t.system.name.rpartition(":")[2] for t in plan.tasks} == {"he", "ar"}
    assert (plan.filtered.kept, plan.filtered.entries) == (2, 6)
    assert [e.id for e in plan.benchmarks["toy_bench"].entries] == ["he", "ar"]
    run = Run.from_json(json.loads(json.dumps(Run.of(plan, "r", "now").to_json())))
    assert run.filtered == plan.filtered
    # Made again from the store, the entry of published values alone does not come back.
    assert [e.id for e in run.find_benchmarks()["toy_bench"].entries] == ["he", "ar"]


def test_a_selection_of_entries_and_a_filter_go_together(toys, folder, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(
        'id = "s"\ntitle = "S"\nbenchmarks = [{ id = "./toy_bench", entries = ["he2", "he"] }]\n'
        '[[levels]]\nlevel = "toy/b"\nbsse = "none"\n'
    )
    plan = make_plan(read_suite(path), EntryFilter.of(elements="He", max_atoms=1))
    assert [p.entry for p in plan.entries] == ["he"]
    assert (plan.filtered.kept, plan.filtered.entries) == (1, 3)
