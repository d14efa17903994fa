"""How far numbers are from their basis-set limit: which rows know it, and what the tables make of it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import qmbench
from qmbench.domain.recipe import Limit, Sum, correction_beside_limits, value, varied
from qmbench.judging.basis import (
    CORRECTION_SHARE,
    LAST_STEP,
    LAST_STEP_OF_FUNCTIONALS,
    LAST_STEP_TO_TRIPLE_ZETA,
    VARIANTS,
    Steps,
    answer_of,
    expected_error,
    extrapolation_uncertainty,
    largest,
    last_step,
    next_largest,
    pooled_steps,
    steps_uncertainty,
    with_basis_errors,
)
from qmbench.judging.frame import RESULT_COLUMNS
from qmbench.judging.statistics import score, statistics
from qmbench.report.tables import table_blocks


def table(values, sigma=None, bsse=None):
    """values: level -> values by entry (None: no result)."""
    rows = []
    for level, numbers in values.items():
        for i, number in enumerate(numbers):
            row = dict.fromkeys(RESULT_COLUMNS)
            row |= {
                "level_of_theory": level,
                "label": "",
                "method": level.partition("/")[0],
                "basis": level.partition("/")[2],
                "bsse": (bsse or {}).get(level, ""),
                "benchmark": "b",
                "entry": f"e{i:02d}",
                "observable": "reaction_energy",
                "subsets": "",
                "tags": "",
                "status": "ok" if number is not None else "failed",
                "value": number,
                "unit": "kcal/mol",
                "basis_uncertainty": (sigma or {}).get(level),
                "wall_s": 1.0,
                "cpu_s": 1.0,
                "warnings": "",
                "training_overlap": "",
                "published": False,
            }
            rows.append(row)
    frame = pd.DataFrame(rows, columns=RESULT_COLUMNS)
    numbers = ["value", "uncertainty", "basis_uncertainty", "basis_limit", "basis_error", "wall_s", "cpu_s"]
    return frame.astype({name: float for name in numbers} | {"basis_limit_level": object})


def of(frame, level):
    return frame[frame["level_of_theory"] == level].set_index("entry")


@pytest.mark.parametrize(
    ("level", "question", "quality"),
    [
        ("mp2/cc-pvtz?frozen_core=true", ("mp2", (("frozen_core", "true"),)), 0),
        ("mp2/cc-pv[tq]z?correlation_power=2.4&frozen_core=true", ("mp2", (("frozen_core", "true"),)), 4.02),
        ("hf/6-31g(d)?cartesian=d", ("hf", ()), 0),
        ("ccsd(t)/cc-pvdz + mp2/cc-pv[tq]z - mp2/cc-pvdz", ("ccsd(t)", ()), 3.52),
    ],
)
def test_which_limit_a_level_speaks_of(level, question, quality):
    found = answer_of(level)
    assert found is not None
    assert found.question == question
    assert found.quality == pytest.approx(quality)


@pytest.mark.parametrize(
    "level",
    [
        "dmet",
        "ccsd(t)/cc-pvdz + mp2/cc-pv[tq]z - mp2/cc-pvtz",
        "a/cc-pvdz + b/cc-pv[tq]z - c/cc-pvdz",
        "2 * hf/cc-pvdz",
    ],
)
def test_what_speaks_of_no_limit(level):
    assert answer_of(level) is None


def test_a_number_in_one_basis_is_measured_by_the_limit_on_its_entry():
    frame = with_basis_errors(
        table(
            {"mp2/cc-pvtz": [10.0, 7.0], "mp2/cc-pv[tq]z": [11.0, None], "mp2/cc-pv[q5]z": [12.0, None]},
            {"mp2/cc-pv[tq]z": 0.4, "mp2/cc-pv[q5]z": 0.1},
        )
    )
    row = of(frame, "mp2/cc-pvtz").loc["e00"]
    assert (row["basis_limit"], row["basis_error"]) == (12.0, -2.0)
    assert row["basis_limit_level"] == "mp2/cc-pv[q5]z"
    assert row["basis_uncertainty"] == pytest.approx(math.hypot(2.0, 0.1))
    # the lesser extrapolation is no better than it is seen to be, whatever it states
    lesser = of(frame, "mp2/cc-pv[tq]z").loc["e00"]
    assert (lesser["basis_error"], lesser["basis_source"]) == (-1.0, "same entry")
    assert lesser["basis_uncertainty"] == pytest.approx(math.hypot(1.0, 0.1))
    best = of(frame, "mp2/cc-pv[q5]z").loc["e00"]
    assert (best["basis_uncertainty"], best["basis_source"]) == (0.1, "extrapolation")
    other = of(frame, "mp2/cc-pvtz").loc["e01"]
    assert np.isnan(other["basis_uncertainty"])
    assert other["basis_source"] == ""


def test_other_entries_tell_where_there_are_enough_of_them():
    errors = [-1.0, -2.0, -1.5, -1.0, -0.5]
    frame = with_basis_errors(
        table(
            {
                "mp2/cc-pvtz": [10.0 + e for e in errors] + [3.0],
                "mp2/cc-pv[tq]z": [10.0] * 5 + [None],
                "hf/cc-pvtz": [1.0] * 6,
            }
        )
    )
    row = of(frame, "mp2/cc-pvtz").loc["e05"]
    assert row["basis_source"] == "other entries"
    assert row["basis_uncertainty"] == pytest.approx(expected_error(errors))
    assert of(frame, "hf/cc-pvtz")["basis_uncertainty"].isna().all()  # another method's errors say nothing
    fewer = with_basis_errors(table({"mp2/cc-pvtz": [9.0] * 4 + [3.0], "mp2/cc-pv[tq]z": [10.0] * 4 + [None]}))
    assert np.isnan(of(fewer, "mp2/cc-pvtz").loc["e04", "basis_uncertainty"])


def test_what_larger_extrapolations_showed_elsewhere_holds_for_the_smaller_here():
    errors = [-0.5, 0.4, -0.6, 0.5, 0.5]
    frame = with_basis_errors(
        table(
            {"pbe/cc-pv[tq]z": [5 + e for e in errors] + [5.0, 5.0], "pbe/cc-pv[q5]z": [5.0] * 5 + [None, None]},
            {"pbe/cc-pv[tq]z": 0.01, "pbe/cc-pv[q5]z": 0.01},
        )
    )
    row = of(frame, "pbe/cc-pv[tq]z").loc["e05"]
    assert row["basis_source"] == "extrapolation"
    assert row["basis_uncertainty"] == pytest.approx(expected_error(errors))


def test_counterpoise_and_options_are_other_questions():
    frame = with_basis_errors(
        table(
            {"mp2/cc-pvtz": [10.0], "mp2/cc-pv[tq]z?frozen_core=true": [11.0], "mp2/cc-pv[tq]z": [12.0]},
            bsse={"mp2/cc-pv[tq]z": "cp"},
        )
    )
    assert of(frame, "mp2/cc-pvtz")["basis_limit"].isna().all()


def test_methods_that_converge_alike_tell_where_the_method_itself_does_not():
    errors = [-1.0, -2.0, -1.5, -1.0, -0.5]
    frame = with_basis_errors(
        table(
            {
                "mp2/cc-pvtz": [10.0 + e for e in errors] + [None],
                "mp2/cc-pv[tq]z": [10.0] * 5 + [None],
                "ccsd/cc-pvtz": [8.0 + 2 * e for e in errors] + [None],  # the larger difference counts
                "ccsd/cc-pv[tq]z": [8.0] * 5 + [None],
                "ccsd(t)/cc-pvtz": [9.0] * 6,
                "pbe/cc-pvtz": [9.0] * 6,
            }
        )
    )
    found = of(frame, "ccsd(t)/cc-pvtz")
    assert found["basis_source"].tolist() == ["other methods"] * 6
    assert found.loc["e05", "basis_uncertainty"] == pytest.approx(2 * expected_error(errors))
    assert of(frame, "pbe/cc-pvtz")["basis_uncertainty"].isna().all()


def test_functionals_tell_of_hartree_fock_and_it_not_of_them():
    """In the basis sets of rare gases errors of Hartree–Fock are a tenth of those of PBE."""
    errors = [-1.0, -2.0, -1.5, -1.0, -0.5]

    def told(by, of_what):
        values = {f"{by}/cc-pvtz": [10.0 + e for e in errors], f"{by}/cc-pv[tq]z": [10.0] * 5}
        frame = with_basis_errors(table({**values, f"{of_what}/cc-pvtz": [9.0] * 5}))
        return of(frame, f"{of_what}/cc-pvtz")["basis_source"].unique().tolist()

    assert told("pbe", "hf") == told("blyp", "pbe") == told("b3lyp", "pbe") == ["other methods"]
    assert told("hf", "pbe") == told("mp2", "hf") == told("hf", "mp2") == told("pbe", "mp2") == [""]


def test_half_of_what_counterpoise_changes_is_the_least_uncertainty():
    values = {
        "scan/def2-svp": [-4.0], "mp2/cc-pvtz": [-4.0], "mp2/cc-pv[tq]z": [-5.0],
    }  # fmt: skip
    one, other = table(values), table({**values, "scan/def2-svp": [-5.0], "mp2/cc-pvtz": [-5.6]})
    one["bsse"], other["bsse"] = "cp", "none"
    one.loc[one["level_of_theory"] == "mp2/cc-pv[tq]z", "basis_uncertainty"] = 0.1
    frame = with_basis_errors(pd.concat([one, other], ignore_index=True))
    found = of(frame, "scan/def2-svp")
    assert found["basis_uncertainty"].tolist() == [0.5, 0.5]
    assert found["basis_source"].tolist() == ["counterpoise"] * 2
    assert of(frame, "mp2/cc-pvtz").iloc[0]["basis_uncertainty"] == pytest.approx(math.hypot(1.0, 0.1))
    assert of(frame, "mp2/cc-pvtz").iloc[0]["basis_source"] == "same entry"


def test_the_counterpoise_of_extrapolated_numbers_counts_too():
    one, other = table({"mp2/cc-pv[dt]z": [-4.0]}), table({"mp2/cc-pv[dt]z": [-5.0]})
    one["bsse"], other["bsse"] = "cp", "none"
    one["basis_uncertainty"] = other["basis_uncertainty"] = 0.1
    frame = with_basis_errors(pd.concat([one, other], ignore_index=True))
    assert frame["basis_uncertainty"].tolist() == [0.5, 0.5]
    assert frame["basis_source"].tolist() == ["extrapolation"] * 2


def test_errors_that_grow_with_the_size_are_expected_to_do_so():
    rng = np.random.default_rng(3)
    sizes = np.array([2.0, 4, 6, 8, 10, 12, 14, 16, 18, 20, 30, 40] * 2)
    growing = 0.1 * sizes * rng.normal(1, 0.1, len(sizes))
    assert expected_error(growing, sizes, 80.0) == pytest.approx(8.0, rel=0.1)
    assert expected_error(growing, sizes, 4.0) == pytest.approx(0.4, rel=0.1)
    constant = rng.normal(0, 1.0, len(sizes))
    assert expected_error(constant, sizes, 80.0) == expected_error(constant)
    assert expected_error(growing[:6], sizes[:6], 80.0) == expected_error(growing[:6])  # too few to ask
    assert expected_error(growing, sizes) == expected_error(growing)  # the next one's size is not known
    assert expected_error(7 * growing, sizes, 80.0) == pytest.approx(7 * expected_error(growing, sizes, 80.0))


def test_another_run_of_the_store_knows_the_limit(toy_folder, tmp_path):
    """The limit on the same entry from an earlier run, and nothing of a run on another version of the benchmark."""
    from qmbench.data.suite import Selection, Suite, SuiteLevel

    def run(name, *levels):
        suite = Suite(name, name, (Selection(str(toy_folder), entries=("he2",)),), tuple(map(made, levels)))
        return qmbench.run(suite, store=tmp_path / "store.sqlite", workers=1, progress=False).results

    def made(text):
        return SuiteLevel(text, "cp")

    alone = run("alone", "hf/cc-pvdz").iloc[0]
    assert alone["basis_source"] == ""
    limit = of(run("limit", "hf/cc-pv[dt]z"), "hf/cc-pv[dt]z").iloc[0]
    known = run("again", "hf/cc-pvdz").iloc[0]
    assert known["basis_source"] == "same entry"
    assert known["basis_limit"] == limit["value"]
    assert known["basis_limit_level"] == "hf/cc-pv[dt]z"
    loaded = qmbench.load(tmp_path / "store.sqlite").iloc[0]
    assert loaded["basis_limit"] == limit["value"]
    toml = toy_folder / "benchmark.toml"
    toml.write_text(toml.read_text().replace('version = "1.0.0"', 'version = "1.0.1"'))
    assert run("changed", "hf/cc-pvdz").iloc[0]["basis_source"] == ""


def test_a_run_whose_systems_are_gone_does_not_spoil_the_others(toy_folder, tmp_path):
    import shutil

    from qmbench.data.suite import Selection, Suite, SuiteLevel

    other = tmp_path / "other_bench"
    shutil.copytree(toy_folder, other)
    toml = other / "benchmark.toml"
    toml.write_text(toml.read_text().replace('id = "toy_bench"', 'id = "other_bench"'))

    def run(folder, level):
        suite = Suite("s", "S", (Selection(str(folder), entries=("he2",)),), (SuiteLevel(level, "cp"),))
        return qmbench.run(suite, store=tmp_path / "store.sqlite", workers=1, progress=False).results.iloc[0]

    limits = [run(folder, "hf/cc-pv[dt]z")["value"] for folder in (other, toy_folder)]
    (other / "systems" / "he2.xyz").write_text("nonsense\n")
    assert run(toy_folder, "hf/cc-pvdz")["basis_limit"] == limits[1]


def test_the_expected_error_is_larger_than_the_root_mean_square():
    # Student's t with two degrees of freedom: 4.302653 is its 97.5 % quantile, 1.959964 the normal one
    assert expected_error([3.0, -3.0]) == pytest.approx(3 * math.sqrt(1.5) * 4.302653 / 1.959964)
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(4000):
        *known, next_one = rng.normal(0, 1, 7)
        inside += abs(next_one) < 1.959964 * expected_error(known)
    assert inside / 4000 == pytest.approx(0.95, abs=0.02)


def test_an_extrapolation_is_as_uncertain_as_its_schemes_or_its_last_step():
    assert extrapolation_uncertainty(10.0, 0.25, [10.1, 9.4]) == pytest.approx(0.6)
    assert extrapolation_uncertainty(10.0, 0.5, [10.1]) == pytest.approx(0.5)
    assert extrapolation_uncertainty(10.0, 0.0, []) == 0
    assert extrapolation_uncertainty(10.0, 0.25, [10.6], -0.8 / CORRECTION_SHARE) == pytest.approx(1.0)


def test_the_last_steps_of_the_kinds_of_energy_do_not_cancel():
    assert Steps(10.0, 8.0, 7.0, 0.25).uncertainty == pytest.approx(0.5)
    # turned round on its way, or all but there: the last step counts where the next is small
    assert Steps(10.0, 9.9, 6.9, 0.25).uncertainty == pytest.approx(0.75)
    reference, correlation = Steps(10.0, 7.0, 8.0, 1.0), Steps(10.0, 14.0, 12.0, 1.0)
    assert steps_uncertainty([reference, correlation]) == pytest.approx(5)
    assert steps_uncertainty([]) == 0


def test_the_steps_of_each_kind_of_energy_come_from_its_members(toy_folder, tmp_path):
    """Of MP2 from double and triple zeta: the whole step of Hartree–Fock, a quarter of that of the correlation."""
    from qmbench.data.suite import Selection, Suite, SuiteLevel

    levels = [SuiteLevel(f"{m}/cc-pv{x}z", "cp") for m in ("hf", "mp2") for x in ("d", "t", "[dt]")]
    suite = Suite("s", "S", (Selection(str(toy_folder), entries=("he2",)),), tuple(levels))
    made = qmbench.run(suite, store=tmp_path / "store.sqlite", workers=1, progress=False).results
    value = made.set_index("level_of_theory")["value"]
    parts = {x: (v := value[f"hf/cc-pv{x}z"], value[f"mp2/cc-pv{x}z"] - v) for x in ("d", "t", "[dt]")}
    steps = [max(abs(parts["[dt]"][i] - parts["t"][i]), abs(parts["t"][i] - parts["d"][i])) for i in (0, 1)]
    least = math.hypot(LAST_STEP_TO_TRIPLE_ZETA * steps[0], LAST_STEP * steps[1])
    sigma = made.set_index("level_of_theory")["basis_uncertainty"]["mp2/cc-pv[dt]z"]
    assert sigma == pytest.approx(least, rel=1e-7)


def test_a_step_that_is_small_by_chance_says_less_than_those_of_the_other_entries():
    values = [4.0, 4.0, 4.0, 0.4, 8.0, None]
    rows = table({"hf/cc-pv[dt]z": values, "mp2/cc-pv[tq]z": [4.0] * 4 + [None] * 2})
    steps = pd.Series([0.01, 0.2, 0.2, 0.01, 0.3, np.nan] + [0.1] * 4 + [np.nan] * 2, index=rows.index)
    pooled = pooled_steps(rows, steps)
    step = math.sqrt((0.01**2 + 0.2**2 + 0.2**2 + 0.01**2 + 0.3**2) / 5)
    size = math.sqrt((3 * 4.0**2 + 0.4**2 + 8.0**2) / 5)
    # in proportion to the value, and for the largest no more than all have; too few entries tell nothing
    assert pooled[:5].to_list() == pytest.approx([step * min(v / size, 1) for v in values[:5]])
    assert pooled[5:].isna().all()
    known = with_basis_errors(rows.assign(basis_uncertainty=steps), steps=steps)["basis_uncertainty"]
    assert known[0] == pytest.approx(step * 4.0 / size)
    assert known[2] == 0.2
    assert known[6] == 0.1
    # another benchmark's entries, or another treatment of counterpoise, do not tell
    for column in ("benchmark", "bsse", "observable", "unit", "level_of_theory"):
        assert pooled_steps(rows.assign(**{column: ["x"] * 2 + list(rows[column][2:])}), steps).isna().all()


@pytest.mark.parametrize(
    ("level", "share"),
    [
        ("pbe/cc-pv[tq]z", LAST_STEP_OF_FUNCTIONALS),
        ("b3lyp/def2-[tq]zvpp?hf_scheme=halkier", LAST_STEP_OF_FUNCTIONALS),
        ("ccsd/cc-pvdz + 0.5 * pbe/aug-cc-pv[tq]z", LAST_STEP_OF_FUNCTIONALS),
        ("pbe/pc-[23]", LAST_STEP),
        ("pbe/aug-pcseg-[23]", LAST_STEP),
        ("hf/cc-pv[tq]z", LAST_STEP),
        ("mp2/cc-pv[tq]z + pbe/cc-pvdz", LAST_STEP),
        ("unheard-of/cc-pv[tq]z", LAST_STEP),
    ],
)
def test_functionals_go_on_in_basis_sets_for_wave_functions(level, share):
    assert LAST_STEP < LAST_STEP_OF_FUNCTIONALS
    assert last_step(level) == share
    assert last_step(level, "correlation") == LAST_STEP
    assert last_step(level, "reference", 3) == LAST_STEP_TO_TRIPLE_ZETA
    assert last_step(level, "correlation", 3) == LAST_STEP


def test_the_correction_of_a_focal_point_is_taken_apart():
    limit = Limit("correlation", "power", (3, 4), ("b3", "b4"))
    assert correction_beside_limits(Sum(((1.0, limit), (1.0, "a"), (-1.0, "b2")))) == (
        Sum(((1.0, "a"),)),
        Sum(((1.0, "b2"),)),
    )
    # the member of a limit may stand beside it, too; halves of two corrections
    tree = Sum(((1.0, limit), (0.5, Sum(((1.0, "a"), (-1.0, "b4")))), (0.5, Sum(((1.0, "c"), (-1.0, "b4"))))))
    assert correction_beside_limits(tree) == (Sum(((0.5, "a"), (0.5, "c"))), Sum(((1.0, "b4"),)))
    for none in (limit, Sum(((1.0, limit), (1.0, "a"), (-1.0, "a"))), Sum(((1.0, limit), (1.0, "d4"))), "a"):
        assert correction_beside_limits(none) is None


def test_a_focal_point_is_as_uncertain_as_its_correction(toy_folder, tmp_path):
    """Beside what the limit has, a share of how far its method is from it in the basis set of the correction."""
    from qmbench.data.suite import Selection, Suite, SuiteLevel

    focal = "ccsd/cc-pvdz + mp2/cc-pv[dt]z - mp2/cc-pvdz"
    levels = [SuiteLevel(text, "cp") for text in (focal, "mp2/cc-pv[dt]z", "mp2/cc-pvdz", "ccsd/cc-pvdz")]
    suite = Suite("s", "S", (Selection(str(toy_folder), entries=("he2",)),), tuple(levels))
    made = qmbench.run(suite, store=tmp_path / "store.sqlite", workers=1, progress=False).results
    value, sigma = (made.set_index("level_of_theory")[name] for name in ("value", "basis_uncertainty"))
    share = CORRECTION_SHARE * (value["mp2/cc-pv[dt]z"] - value["mp2/cc-pvdz"])
    assert abs(share) > 1e-4
    # Both sides are differences of totals of 3,600 kcal/mol, of which each is rounded once.
    rounded = 8 * math.ulp(3600.0)
    assert value[focal] - value["ccsd/cc-pvdz"] == pytest.approx(share / CORRECTION_SHARE, abs=rounded)
    # what is left of totals a million times larger
    assert sigma[focal] == pytest.approx(math.hypot(sigma["mp2/cc-pv[dt]z"], share), rel=1e-7)


def test_the_other_schemes_change_what_they_are_of():
    energies = {("r", 3): -75.0, ("r", 4): -75.1, ("c", 3): -0.20, ("c", 4): -0.22}
    tree = Sum(
        (
            (1.0, Limit("reference", "karton-martin", (3, 4), (("r", 3), ("r", 4)))),
            (1.0, Limit("correlation", "power", (3, 4), (("c", 3), ("c", 4)))),
        )
    )
    usual = value(tree, energies.__getitem__)
    assert value(varied(tree, next_largest), energies.__getitem__) == pytest.approx(-75.20, abs=1e-12)
    assert all(abs(value(varied(tree, v), energies.__getitem__) - usual) > 1e-4 for v in VARIANTS)
    assert value(varied(tree, largest), energies.__getitem__) == pytest.approx(-75.32, abs=1e-12)


class Info:
    id, title, unit, observable = "b", "A benchmark", "kcal/mol", "reaction_energy"
    default_reference_set, subsets, meta = "best", {}, {}
    entries = ()


def judged(values, sigma=None, role="estimate", within="", claims=None):
    n = max(len(v) for v in values.values())
    references = pd.DataFrame(
        {
            "benchmark": "b", "entry": [f"e{i:02d}" for i in range(n)], "set": "best", "value": 0.0, "unit": "kcal/mol",
            "uncertainty": 0.01, "uncertainty_kind": "estimate", "level_of_theory": "", "source_doi": "",
            "source_place": "", "status": "current", "note": "", "role": role, "within": within,
        }
    )  # fmt: skip
    return score(with_basis_errors(table(values, sigma)), references, {"b": Info()}, claims=claims)


@pytest.mark.parametrize(
    ("role", "within", "known"), [("limit", "", True), ("limit", "/sto-6g", False), ("estimate", "", False)]
)
def test_what_is_exact_but_for_its_basis_errs_by_its_basis(role, within, known):
    """Full configuration interaction in a triple-zeta basis is not worse than a functional on a grid."""
    rng = np.random.default_rng(5)
    values = {"fci/aug-cc-pvtz": list(rng.normal(0.5, 0.1, 12)), "functional": list(rng.normal(0.2, 0.1, 12))}
    scored = judged(values, role=role, within=within, claims={"fci/aug-cc-pvtz": "exact /aug-cc-pvtz"})
    rows = made_of(scored)
    fci = rows.loc["fci/aug-cc-pvtz"]
    assert fci["basis_limited"] == known
    assert rows.loc["functional", "n_limit"] == 0
    assert fci["n_basis_unknown"] == (12 if (role, within) == ("estimate", "") else 0)
    if known:
        assert fci["method_mean_absolute_error"] == 0
        assert fci["basis_mean_absolute_error"] == pytest.approx(fci["mean_absolute_error"])
        assert rows["among_best"].to_dict()["fci/aug-cc-pvtz"] is False
        assert fci["adjusted_mean_absolute_error"] < rows.loc["functional", "adjusted_mean_absolute_error"]
    else:
        assert fci["n_limit"] == 0
        assert fci["adjusted_mean_absolute_error"] > rows.loc["functional", "adjusted_mean_absolute_error"]


def made_of(scored):
    frame = statistics(scored)
    return frame[frame["subset"] == "all"].set_index("level_of_theory")


def test_a_method_is_not_blamed_for_its_basis_and_a_basis_is_not_praised():
    """As on dissociation energies in a triple-zeta basis: the better method stands behind the worse by its basis."""
    rng = np.random.default_rng(5)
    good, poor = rng.normal(0, 0.2, 12), rng.normal(0, 1.5, 12)
    rows = made_of(
        judged(
            {
                "good/cc-pvtz": list(good - 3.0),
                "good/cc-pv[tq]z": list(good),
                "poor/cc-pvtz": list(poor - 0.3),
                "poor/cc-pv[tq]z": list(poor),
            },
            {"good/cc-pv[tq]z": 0.1, "poor/cc-pv[tq]z": 0.1},
        )
    )
    raw = rows["mean_absolute_error"]
    assert raw["poor/cc-pvtz"] < raw["good/cc-pvtz"]  # what misleads
    ranked = rows["adjusted_mean_absolute_error"]
    assert ranked["good/cc-pvtz"] < ranked["poor/cc-pvtz"]
    assert rows.loc["good/cc-pvtz", "method_mean_absolute_error"] == pytest.approx(np.abs(good).mean())
    assert rows.loc["good/cc-pvtz", "basis_mean_absolute_error"] == pytest.approx(3.0)
    assert rows["basis_limited"].to_dict() == {
        "good/cc-pvtz": True, "good/cc-pv[tq]z": False, "poor/cc-pvtz": False, "poor/cc-pv[tq]z": False
    }  # fmt: skip
    among = rows["among_best"].to_dict()
    assert among["good/cc-pv[tq]z"] is True
    assert among["good/cc-pvtz"] is False


def test_the_table_shows_both_parts_and_says_how_it_is_ordered():
    rng = np.random.default_rng(6)
    good = rng.normal(0, 0.2, 12)
    scored = judged({"good/cc-pvtz": list(good - 3), "good/cc-pv[tq]z": list(good), "other": [0.5] * 12})
    block = next(table_blocks(statistics(scored), scored, {"b": Info()}))
    assert {"method", "basis"} <= set(block.columns)
    notes = "\n".join(block.notes)
    assert "2 of 3 levels are ranked by the error of their method" in notes
    assert "never called best: good/cc-pvtz" in notes


def test_where_all_that_could_be_best_are_limited_the_table_says_so():
    """The best extrapolation errs by less than it is uncertain: no level is called the best, and no list is empty."""
    good = np.random.default_rng(6).normal(0, 0.2, 12)
    levels = {"good/cc-pv[tq]z": list(good), "poor/cc-pv[tq]z": list(good + 5)}
    scored = judged(levels, {"good/cc-pv[tq]z": 1.0, "poor/cc-pv[tq]z": 0.1})
    block = next(table_blocks(statistics(scored), scored, {"b": Info()}))
    notes = "\n".join(block.notes)
    assert "no level is called the best: the basis set limits all that could be" in notes
    assert "(bold)" not in notes


def test_without_any_limit_it_is_said_that_none_is_known():
    scored = judged({"a/cc-pvdz": [1.0] * 8, "b/cc-pvdz": [2.0, -1.0] * 4})
    block = next(table_blocks(statistics(scored), scored, {"b": Info()}))
    assert not {"method", "basis"} & set(block.columns)
    said = [note for note in block.notes if "basis" in note]
    assert len(said) == 1
    assert said[0].startswith("how far these are from their basis-set limits is not known")
    assert said[0].endswith(": a/cc-pvdz, b/cc-pvdz")
    assert made_of(scored)["method_mean_absolute_error"].isna().all()
