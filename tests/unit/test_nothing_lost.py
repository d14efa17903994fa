"""What a method warned of, and what was asked for and could not be done, is in everything that a run writes."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from toy_runs import computed
from toys import OnlyHelium, PairPotential

from qmbench.cli.present import record_rows
from qmbench.report.renderers.latex import to_latex
from qmbench.report.renderers.markdown import to_markdown
from qmbench.report.renderers.terminal import render_terminal
from qmbench.report.write import write_report

WARNING = "the solution is not the lowest"


@pytest.fixture
def warned(folder, toys, monkeypatch):
    """A run in which the method warns of the dimer that is far apart: one of the three parts of an entry."""
    compute = PairPotential.compute

    def warns(self, system, properties, resources):
        result = compute(self, system, properties, resources)
        return replace(result, warnings=[WARNING]) if system.name.endswith("he2_far") else result

    monkeypatch.setattr(PairPotential, "compute", warns)
    return computed(folder, "toy")[0]


def test_the_result_and_the_statistics_carry_the_warning(warned):
    table = warned.results.set_index("entry")
    assert table["warnings"]["he2_far"] == WARNING
    assert table["warnings"].drop("he2_far").eq("").all()
    counts = warned.statistics.query("subset == 'all'").set_index("observable")["n_warnings"]
    assert (counts["interaction_energy"], counts["total_energy"]) == (1, 0)
    assert {r["entry"]: r["warnings"] for r in record_rows(warned.results)}["he2_far"] == WARNING


def test_every_format_shows_it(warned, tmp_path):
    out = io.StringIO()
    render_terminal(warned.statistics, warned.scored, warned.benchmarks, Console(file=out, width=200))
    text = to_markdown(warned.statistics, warned.scored, warned.benchmarks)
    for shown in (out.getvalue(), text):
        assert "2/2 !" in shown
        assert f"! {WARNING}: toy on he2_far" in shown.replace("\\", "")
    assert r"2/2\textsuperscript{!}" in to_latex(warned.statistics, warned.benchmarks)
    paths = write_report(warned, tmp_path, ["html", "csv", "json"])
    holding = {p.name for p in paths if p.suffix in (".html", ".csv", ".json") and WARNING in p.read_text()}
    assert {"report.html", "results-toy_bench-interaction_energy.csv"} <= holding


def test_a_level_that_can_do_nothing_has_its_row_and_its_reason(folder, toys, monkeypatch):
    """toy-he refuses argon and is asked for all: refused entries count, whatever else the level can do."""
    monkeypatch.setattr(OnlyHelium, "Options", PairPotential.Options)
    report, _ = computed(folder, "toy", "toy-he")
    rows = report.statistics.query("subset == 'all' and observable == 'total_energy'").set_index("method")
    assert (rows["n"]["toy-he"], rows["n_ok"]["toy-he"], rows["n_unsupported"]["toy-he"]) == (3, 2, 1)


def test_a_run_in_which_nothing_can_be_done_is_reported(folder, toys, tmp_path):
    for name in ("he", "he2", "he2_far", "lone"):
        path = folder / "systems" / f"{name}.xyz"
        path.write_text(path.read_text().replace("He", "Ne"))
    report, _ = computed(folder, "toy-he")
    assert report.results["status"].eq("unsupported").all()
    assert len(report.results) == 5
    files = write_report(report, tmp_path, ["html", "md", "latex", "csv", "json"])
    text = next(p for p in files if p.name == "tables.md").read_text()
    assert "0/2" in text
    assert "toy-he does helium only" in text
