"""Published levels of theory: judged like computed ones, never references, and paired with ours of the same method."""

import json

import numpy as np
import pandas as pd
import pytest
from toy_runs import computed

from qmbench import InputError
from qmbench.data.benchmark import load_benchmark
from qmbench.data.lint import lint_benchmark
from qmbench.domain.units import HARTREE_IN_KCAL_MOL
from qmbench.judging import frame, published, regression
from qmbench.judging.model import Evaluation
from qmbench.report.renderers.markdown import to_markdown

pytestmark = pytest.mark.usefixtures("toys")

SETS = """
[reference_sets.TOYS]
title = "Toys of others"
role = "level"
level = "toy/x"
bsse = "none"
label = "Toy/X"
dispersion = "none"
place = "Table 9"
[reference_sets.HF]
role = "level"
level = "hf/cc-pvdz"
bsse = "cp"
unit = "hartree"
doi = "10.1000/other"
"""


@pytest.fixture
def levels(folder):
    """The toy benchmark with two published levels, one of them without a value of he2_far."""
    toml = folder / "benchmark.toml"
    toml.write_text(toml.read_text() + SETS)
    (folder / "levels.csv").write_text("entry,TOYS,HF\nhe2,-0.05,-0.0001\nhe2_far,-0.04,\n")
    return folder


def test_values_are_read_in_the_unit_that_their_level_names(levels):
    b = load_benchmark(levels)
    values = {(r.set, r.entry): r.quantity for r in b.published}
    assert values["TOYS", "he2"].value == -0.05
    assert values["HF", "he2"].unit == "kcal/mol"
    assert values["HF", "he2"].value == pytest.approx(-0.0001 * HARTREE_IN_KCAL_MOL, rel=1e-14)
    assert len(values) == 3
    assert {r.set for r in b.references} == {"paper"}
    assert {r.source_place for r in b.published} == {"Table 9", ""}


def test_they_take_part_in_what_is_judged(levels):
    evaluation, _ = computed(levels, "toy/x")
    rows = evaluation.scored.set_index(["level_of_theory", "entry"])
    assert rows.loc[("toy/x‡", "he2"), "published"]
    assert rows.loc[("toy/x‡", "he2"), "error"] == pytest.approx(-0.05 + 0.02, abs=1e-12)
    assert rows.loc[("hf/cc-pvdz‡", "he2"), "bsse"] == "cp"
    ours, theirs = rows.loc[("toy/x", "he2")], rows.loc[("toy/x‡", "he2")]
    assert not ours["published"]
    assert list(theirs.index) == list(ours.index)
    for name in ("observable", "unit", "subsets", "tags", "curve", "coordinate", "reference", "method", "basis"):
        assert theirs[name] == ours[name], name
    stats = evaluation.statistics
    assert {"toy/x", "toy/x‡", "hf/cc-pvdz‡"} <= set(stats["level_of_theory"])
    row = stats[(stats["level_of_theory"] == "toy/x‡") & (stats["subset"] == "all")].iloc[0]
    assert row["n_scored"] == 2
    far = -0.1 * HARTREE_IN_KCAL_MOL / 2625.4996394798254
    assert row["mean_absolute_error"] == pytest.approx(np.mean([0.03, abs(-0.04 - far)]), abs=1e-9)
    methods = evaluation.disagreement["methods"][0]["about"]
    assert {c["level_of_theory"]: c["families"] for c in methods if "‡" in c["level_of_theory"]} == {
        "toy/x‡": {"basis": "x"},
        "hf/cc-pvdz‡": {"basis": "cc-pvdz"},
    }
    text = to_markdown(stats, evaluation.scored, evaluation.benchmarks, comparisons=evaluation)
    assert "Toy/X‡" in text
    assert "‡ published values, not computed here" in text


def test_only_the_entries_that_were_asked_for(levels):
    evaluation, _ = computed(levels, "toy/x")
    b = load_benchmark(levels)
    assert [row[6] for row in frame.published_rows(b, {"he2_far"})] == ["he2_far"]
    assert len(frame.published_rows(b)) == 3


def test_they_are_never_references(levels):
    evaluation, _ = computed(levels, "toy/x")
    assert set(evaluation.references["set"]) == {"paper"}
    assert set(evaluation.sets["reference_set"].dropna()) <= {"paper"}
    with pytest.raises(InputError, match="no benchmark here has a reference set 'TOYS'"):
        _ = Evaluation(
            evaluation.run, {}, evaluation.benchmarks, evaluation.results, evaluation.references, "TOYS"
        ).scored


def test_a_benchmark_alone_is_judged_by_what_was_published(levels):
    evaluation = Evaluation.published([load_benchmark(levels)])
    whole = evaluation.statistics[evaluation.statistics["subset"] == "all"].set_index("level_of_theory")
    assert whole.loc["toy/x‡", "n_scored"] == 2
    assert whole.loc["toy/x‡", "wall_s"] == 0


def test_a_baseline_holds_what_was_computed_alone(levels):
    evaluation, _ = computed(levels, "toy/x")
    kept = frame.computed(evaluation.results)
    assert len(evaluation.results) - len(kept) == 3
    baseline = regression.make_baseline(kept, {})
    assert not any("‡" in row["level_of_theory"] for row in baseline["values"])


def test_rows_of_references_csv_may_be_of_a_level(levels):
    (levels / "levels.csv").unlink()
    with (levels / "references.csv").open("a") as handle:
        handle.write("he2,HF,-0.1,kcal/mol,0.01,estimate,,10.1000/other,Table 1,current,\n")
    b = load_benchmark(levels)
    (row,) = frame.published_rows(b)
    cells = dict(zip(frame.RESULT_COLUMNS, row, strict=True))
    assert (cells["value"], cells["uncertainty"]) == (-0.1, 0.01)
    assert {r.set for r in b.references} == {"paper"}


def test_an_entry_needs_a_reference_even_if_a_level_has_a_value(levels):
    text = (levels / "references.csv").read_text()
    (levels / "references.csv").write_text("\n".join(x for x in text.split("\n") if not x.startswith("he2,")))
    assert any("entry 'he2' has no reference value" in f.message for f in lint_benchmark(levels))
    (levels / "levels.csv").unlink()
    with (levels / "references.csv").open("a") as handle:  # nor does a row of a level count there
        handle.write("he2,HF,-0.1,kcal/mol,,,,10.1000/other,Table 1,current,\n")
    assert any("entry 'he2' has no reference value" in f.message for f in lint_benchmark(levels))


SPOILS = [
    ("benchmark.toml", 'level = "toy/x"\n', "", "level is missing"),
    ("benchmark.toml", 'level = "toy/x"', 'level = "toy x"', "names of methods and basis sets have no blanks"),
    ("benchmark.toml", 'bsse = "cp"\nunit', 'bsse = "half"\nunit', "bsse is 'cp' or 'none'"),
    ("benchmark.toml", 'unit = "hartree"\ndoi', 'unit = "hartre"\ndoi', "unknown unit 'hartre'"),
    ("benchmark.toml", 'place = "Table 9"\n', "", "published values need their source"),
    ("benchmark.toml", 'title = "the paper"', 'title = "the paper"\nlevel = "hf"', "'level' is of a published level"),
    ("benchmark.toml", 'set = "paper"', 'set = "HF"', "a published level of theory is no reference"),
    ("benchmark.toml", 'level = "hf/cc-pvdz"\nbsse = "cp"', 'level = "toy/x"\nbsse = "none"', "are both of toy/x"),
    ("levels.csv", "entry,TOYS", "entry,TOY", r"levels\.csv, line 1: unknown column 'TOY'; did you mean 'TOYS'"),
    ("levels.csv", "he2_far", "he3_far", r"levels\.csv, line 3: no entry 'he3_far'; did you mean 'he2_far'"),
    ("levels.csv", "he2_far", "he2", r"levels\.csv, line 3: entry he2 is there twice"),
    ("levels.csv", "-0.05", "-0,05", r"levels\.csv, line 2: 4 fields"),
    ("levels.csv", "-0.05", "x", r"levels\.csv, line 2: TOYS must be a number"),
]


@pytest.mark.parametrize(("name", "old", "new", "message"), SPOILS, ids=[s[3] for s in SPOILS])
def test_a_mistake_is_named(levels, name, old, new, message):
    text = (levels / name).read_text()
    assert old in text
    (levels / name).write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        load_benchmark(levels)
    assert [f for f in lint_benchmark(levels) if f.severity == "error"]


def test_computed_and_published_values_of_one_method_are_paired(levels):
    evaluation, _ = computed(levels, "toy/x", "toy/y", "toy/x?ghost_stabilization=0.5")
    found = published.differences(evaluation.scored)
    assert set(found["published"]) == {"toy/x‡"}
    assert set(found["level_of_theory"]) == {"toy/x", "toy/y"}
    values = evaluation.results.set_index(["level_of_theory", "entry"])["value"]
    for row in found.to_dict("records"):
        expected = values[row["level_of_theory"], row["entry"]] - values["toy/x‡", row["entry"]]
        assert row["difference"] == pytest.approx(expected, abs=1e-12)
        assert row["same_basis"] == (row["level_of_theory"] == "toy/x")
    rows = published.comparisons(found)
    assert [(r["level_of_theory"], r["same_basis"], r["n"]) for r in rows] == [("toy/x", True, 2), ("toy/y", False, 2)]
    worst = found[found["level_of_theory"] == "toy/x"].set_index("entry")["difference"]
    assert rows[0]["largest"] == worst[worst.abs().idxmax()]
    assert rows[0]["mean_absolute"] == pytest.approx(worst.abs().mean())


def test_another_counterpoise_treatment_is_another_basis(levels):
    toml = (levels / "benchmark.toml").read_text()
    (levels / "benchmark.toml").write_text(
        toml.replace('level = "toy/x"\nbsse = "none"', 'level = "toy/x"\nbsse = "cp"')
    )
    evaluation, _ = computed(levels, "toy/x")
    found = published.differences(evaluation.scored)
    assert len(found) == 2
    assert not found["same_basis"].any()


def test_nothing_to_compare(folder):
    evaluation, _ = computed(folder, "toy/x")
    found = published.differences(evaluation.scored)
    assert found.empty
    assert published.comparisons(found) == []
    assert isinstance(found, pd.DataFrame)
    json.dumps(published.comparisons(found))
