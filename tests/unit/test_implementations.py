"""One level in two programs: found by what methods declare, and by nothing else."""

import pandas as pd
import pytest

from qmbench.judging.implementations import implementation_line, implementations

ROWS = [
    ("hf/cc-pvdz", "a", -1.0, "ok"),
    ("hf/cc-pvdz", "b", -2.0, "ok"),
    ("hf/cc-pvdz", "c", -3.0, "ok"),
    ("other:hf/cc-pvdz", "a", -1.0, "ok"),
    ("other:hf/cc-pvdz", "b", -2.5, "ok"),
    ("other:hf/cc-pvdz", "c", None, "failed"),
    ("mp2/cc-pvdz", "a", -1.1, "ok"),
]
FAMILIES = {
    "hf/cc-pvdz": {"program": "pyscf"},
    # Not the canonical spelling: the levels are read, not their texts compared.
    "other:hf/cc-pvdz": {"program": "other", "level": "HF/CC-PVDZ"},
    "mp2/cc-pvdz": {"program": "other"},
}


def table(rows=ROWS):
    frame = pd.DataFrame(rows, columns=["level_of_theory", "entry", "value", "status"])
    return frame.assign(
        benchmark="x", observable="total_energy", bsse="", unit="hartree", published=pd.array([False] * len(rows))
    )


def test_differences_between_programs_entry_by_entry():
    (row,) = implementations(table(), FAMILIES)
    assert row["level_of_theory"] == "hf/cc-pvdz"
    assert row["programs"] == ["pyscf", "other"]
    assert row["levels"] == ["hf/cc-pvdz", "other:hf/cc-pvdz"]
    assert (row["n"], row["largest_entry"], row["unit"]) == (2, "b", "hartree")
    assert row["largest"] == pytest.approx(-0.5)
    assert row["mean_absolute"] == pytest.approx(0.25)
    line = implementation_line(row)
    assert line.startswith("implementation difference: hf/cc-pvdz in other less that in pyscf")
    assert "-0.5 hartree (b), n = 2" in line


@pytest.mark.parametrize("change", [{"program": "pyscf"}, {"level": "hf/cc-pvtz"}, {"program": ""}])
def test_the_same_program_or_another_level_is_none(change):
    other = {**FAMILIES["other:hf/cc-pvdz"], **change}
    assert implementations(table(), {**FAMILIES, "other:hf/cc-pvdz": other}) == []


def test_counterpoise_treatments_are_not_mixed():
    frame = table()
    frame.loc[frame["level_of_theory"] == "hf/cc-pvdz", "bsse"] = "cp"
    assert implementations(frame, FAMILIES) == []


def test_nothing_computed_is_nothing():
    assert implementations(table().iloc[:0], FAMILIES) == []
    assert implementations(table(), {}) == []
