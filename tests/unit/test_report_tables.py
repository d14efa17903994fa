"""The tables of a run: what a reader sees, on wide and narrow terminals, in Markdown, CSV and JSON."""

from __future__ import annotations

import io
import json
import math
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console

from qmbench import StoreError
from qmbench.judging.statistics import score, statistics
from qmbench.report.model import decimals_for, in_order, interval_text, number
from qmbench.report.renderers.files import to_json, write_csv, write_json, write_markdown, write_text
from qmbench.report.renderers.markdown import to_markdown
from qmbench.report.renderers.terminal import render_terminal
from qmbench.report.tables import table_blocks

BENCHMARKS = {
    "s22": SimpleNamespace(
        id="s22",
        title="Non-covalent complexes",
        unit="kcal/mol",
        observable="interaction_energy",
        default_reference_set="S22B",
        subsets={"small": ""},
    )
}
ENTRIES = ("water_dimer", "ammonia_dimer", "methane_dimer", "ethene_dimer", "benzene_dimer", "uracil_dimer")


@pytest.fixture(scope="module")
def scored():
    rows = []
    for level, shift in (("ccsd(t)/cc-pvdz", 0.1), ("pbe/def2-svp", -1.0), ("hf/cc-pvdz", 3.0)):
        for i, entry in enumerate(ENTRIES):
            failed = level.startswith("ccsd") and i == 5
            rows.append(
                {
                    "level_of_theory": level,
                    "bsse": "cp",
                    "method": level.split("/")[0],
                    "basis": level.split("/")[1],
                    "benchmark": "s22",
                    "entry": entry,
                    "observable": "interaction_energy",
                    "state": "",
                    "subsets": "small" if i < 3 else "",
                    "tags": "",
                    "curve": "",
                    "coordinate": math.nan,
                    "status": "failed" if failed else "ok",
                    "failure_kind": "not_converged" if failed else "",
                    "failure_message": "CCSD did not converge in 50 | cycles" if failed else "",
                    "value": math.nan if failed else -5.0 - i + shift * (1 + 0.1 * i),
                    "unit": "kcal/mol",
                    "uncertainty": math.nan,
                    "uncertainty_kind": None,
                    "wall_s": 2.0,
                    "cpu_s": 2.0,
                    "cached": False,
                }
            )
    references = pd.DataFrame(
        {
            "benchmark": "s22",
            "entry": ENTRIES,
            "set": "S22B",
            "value": [-5.0 - i for i in range(6)],
            "unit": "kcal/mol",
            "uncertainty": math.nan,
            "uncertainty_kind": None,
            "level_of_theory": "W4",
            "source_doi": "",
            "source_place": "",
            "status": "current",
            "note": "",
        }
    )
    return score(pd.DataFrame(rows), references, BENCHMARKS)


def terminal(scored, width, **options):
    out = io.StringIO()
    render_terminal(statistics(scored), scored, BENCHMARKS, Console(file=out, width=width), **options)
    return out.getvalue()


def test_a_reader_sees_unit_n_errors_and_why_something_is_missing(scored):
    text = terminal(scored, 140)
    assert "error of interaction energy in kcal/mol" in text
    row = next(line for line in text.splitlines() if "ccsd(t)/cc-pvdz [cp]" in line)
    assert "5/6" in row
    assert "0.120 " in row  # mean of 0.10, 0.11, … 0.14
    assert "0.140 (benzene_dimer)" in row
    assert "ccsd(t)/cc-pvdz [cp]: failed (not converged) on uracil_dimer: CCSD did not converge" in text
    assert "they share 5" in text
    assert "adjusted mean abs" in text
    assert "uncertainty stated for none" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_number_is_lost_or_cut_on_a_narrow_terminal(scored, width):
    text = terminal(scored, width)
    assert max(len(line) for line in text.splitlines()) <= width
    for (level, _), row in statistics(scored).query("subset == 'all'").groupby(["level_of_theory", "bsse"]):
        for name in ("mean_absolute_error", "mean_signed_error", "root_mean_square_error", "max_absolute_error"):
            assert f"{row[name].iloc[0]:.2f}" in text, (level, name)
    assert "…" not in text.replace(" … ", "")


def test_levels_are_ordered_by_what_is_comparable(scored):
    block = next(table_blocks(statistics(scored), scored, BENCHMARKS))
    assert [row.level for row in block.rows] == ["ccsd(t)/cc-pvdz [cp]", "pbe/def2-svp [cp]", "hf/cc-pvdz [cp]"]
    assert [row.best for row in block.rows] == [False, False, False]  # six entries do not make a best one
    assert any("to say which level is best" in note for note in block.notes)


@pytest.mark.parametrize("whole", [False, True])
def test_parts_of_errors_have_columns_where_some_level_has_them(scored, whole):
    """A limit that is known on one entry gives no mean of the method's error over all."""
    table = statistics(scored).assign(n_limit=6 if whole else 1)
    table["method_mean_absolute_error"] = 0.25 if whole else math.nan
    block = next(table_blocks(table, scored, BENCHMARKS))
    assert ("method" in block.columns) == whole


@pytest.mark.parametrize("noise", [-1e-12, 0.0, 1e-12])
def test_round_off_orders_no_levels(noise):
    """What differs by less than is shown stands by name, and what differs by more by size."""
    table = pd.DataFrame(
        {
            "level_of_theory": ["fci", "ccsd", "hf", "none", "alike"],
            "bsse": [None, None, None, None, "cp"],
            "adjusted_mean_absolute_error": [2e-12 + noise, 2e-12, 0.03, math.nan, 2e-12 - noise],
            "mean_absolute_error": [2e-12 + noise, 2e-12, 0.03, math.nan, 2e-12 - noise],
        }
    )
    for rows in (table, table.iloc[::-1]):
        found = in_order(rows, "adjusted_mean_absolute_error", "mean_absolute_error")
        assert list(found["level_of_theory"]) == ["alike", "ccsd", "fci", "hf", "none"]
        assert list(found.columns) == list(table.columns)


def test_markdown_has_one_cell_per_column(scored):
    text = to_markdown(statistics(scored), scored, BENCHMARKS)
    for table in text.split("### ")[1:]:
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert "50 \\| cycles" in text


def test_csv_columns_carry_the_unit_and_the_numbers_survive(scored, tmp_path):
    table = statistics(scored)
    (path,) = write_csv(table, tmp_path, "statistics")
    assert path.name == "statistics-s22-interaction_energy.csv"
    again = pd.read_csv(path)
    assert "mean_absolute_error_kcal_mol" in again
    assert "mean_absolute_error" not in again
    assert again["mean_absolute_error_kcal_mol"].to_numpy() == pytest.approx(
        table["mean_absolute_error"].to_numpy(), rel=1e-11
    )
    (path,) = write_csv(scored, tmp_path, "results")
    again = pd.read_csv(path)
    assert {"value_kcal_mol", "reference_kcal_mol", "error_kcal_mol", "uncertainty_kind", "status"} <= set(again)
    assert len(again) == len(scored)


def test_json_has_null_where_nothing_is_known(scored, tmp_path):
    table = statistics(scored)
    write_json(table, tmp_path / "s.json")
    rows = json.loads((tmp_path / "s.json").read_text(), parse_constant=lambda name: pytest.fail(name))["statistics"]
    assert rows == to_json(table)
    assert rows[0]["mean_absolute_error_uncertainty_kcal_mol"] is None
    assert isinstance(rows[0]["n"], int)
    assert rows[0]["n_differs"] is True


def test_a_file_is_written_whole_or_not_at_all(scored, tmp_path):
    write_markdown(statistics(scored), scored, BENCHMARKS, tmp_path / "new" / "report.md")
    assert (tmp_path / "new" / "report.md").read_text().startswith("### ")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="can't write"):
        write_text(tmp_path / "file" / "below", "x")


def test_nothing_is_minus_zero():
    assert number(-1e-12, 3) == "0.000"
    assert number(-0.0006, 3) == "-0.001"


@pytest.mark.parametrize(
    ("values", "decimals"), [([0.012, 3.4], 4), ([1.2, 3.0], 2), ([120.0], 0), ([], 2), ([0.0], 2), ([3e-9], 2)]
)
def test_decimals_show_the_small_ones(values, decimals):
    assert decimals_for(values) == decimals


def test_open_ends_of_an_interval_are_shown_as_open():
    assert interval_text(0.5, math.nan, 1) == "0.5–?"
    assert interval_text(math.nan, math.nan, 1) == ""
    assert interval_text(-0.5, 0.25, 2) == "-0.50 … 0.25"
