"""What one file of a stranger brings beside its kind of system: a property, an observable with a function of its own, a
statistic, an output format and a label, each in everything that there is."""

from __future__ import annotations

import json

import pytest

from qmbench.cli import run as command

STATISTIC = "largest_overestimate"


@pytest.fixture
def done(document):
    return document("run", "suite", "dots", "--report", "report")


def test_the_property_with_its_degeneracies(document):
    found = document("compute", "dot-exact", "quantum_dots:free", "-p", "dot_levels")["properties"]["dot_levels"]
    assert found["unit"] == "Ha*"
    assert found["value"] == pytest.approx({"n0": 2.0, "n1": 4.0, "n2": 6.0}, abs=1e-8)
    assert found["degeneracies"] == {"n0": 1, "n1": 1, "n2": 1}
    rows = {row["name"]: row for row in document("list", "properties")}
    assert rows["dot_levels"]["units"]["quantum_dot"] == "Ha*"


def test_the_observable_is_computed_judged_and_refused_where_a_method_has_no_levels(done):
    rows = {(r["level_of_theory"], r["entry"]): r for r in done["records"]}
    gap = rows["dot-exact", "gap"]["observable"]
    assert (gap["name"], gap["unit"], gap["value"]) == ("dot_gap", "Ha*", pytest.approx(2.0, abs=1e-8))
    assert rows["dot-gaussian", "gap"]["status"] == "unsupported"
    assert "dot_levels" in rows["dot-gaussian", "gap"]["failure"]["message"]


def test_the_statistic_and_the_label_are_in_every_table(done, qmbench, tmp_path):
    rows = [s for s in done["statistics"] if s["method"] == "dot-first-order" and s["observable"] == "total_energy"]
    assert rows[0][f"{STATISTIC}_Ha"] == pytest.approx(rows[0]["max_absolute_error_Ha"])  # first order is above
    for name in ("tables.md", "report.html"):
        text = (tmp_path / "report" / name).read_text()
        assert "most above" in text
        assert "exact = dot-exact" in text or ">exact<" in text
    code, out, _ = qmbench("run", "suite", "dots", "--report", "report")
    assert code == 0
    assert "most above" in out
    assert any(line.split()[:1] == ["exact"] for line in out.splitlines())
    assert json.loads((tmp_path / "report" / "statistics.json").read_text())["statistics"]


def test_the_format_is_written_and_listed(done, qmbench, document, tmp_path):
    assert qmbench("report", "--format", "dois", "--report", "out")[0] == 0
    assert (tmp_path / "out" / "dois.txt").read_text() == "10.1088/0305-4470/27/3/040\n"
    assert "dois" in {row["name"] for row in document("list", "formats")}
    assert command(["report", "--format", "dios"]) == 3
