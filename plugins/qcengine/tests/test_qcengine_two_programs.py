"""One level in two programs is one line: gfn2-xtb by tblite, and by the library of xtb through QCEngine."""

from __future__ import annotations

import json

from qmbench.cli import run

SUITE = """
id = "two"
title = "Two programs"
benchmarks = [{ id = "s22", entries = ["water_dimer", "methane_dimer"] }]
[[levels]]
level = "gfn2-xtb"
[[levels]]
level = "qc:xtb/gfn2-xtb"
"""


def test_what_two_programs_differ_by_is_an_implementation_difference(tmp_path, monkeypatch, capfd):
    """Both converge to some 1e-7 hartree at least, so that interaction energies agree within 1e-4 kcal/mol."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.toml").write_text(SUITE)
    assert run(["run", "suite", "two.toml", "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["records"]
    values = {(row["level_of_theory"], row["entry"]): row["observable"]["value"] for row in rows}
    differences = {e: values["qc:xtb/gfn2-xtb", e] - values["gfn2-xtb", e] for e in ("water_dimer", "methane_dimer")}
    worst = max(differences, key=lambda e: abs(differences[e]))
    for command in ("compare", "disagree"):
        assert run([command, "--json"]) == 0
        (row,) = json.loads(capfd.readouterr().out)["implementations"]
        assert (row["level_of_theory"], row["programs"]) == ("gfn2-xtb", ["tblite", "xtb"])
        assert row["levels"] == ["gfn2-xtb", "qc:xtb/gfn2-xtb"]
        assert (row["n"], row["unit"], row["largest_entry"]) == (2, "kcal/mol", worst)
        assert row["largest"] == differences[worst]
        assert 0 < abs(row["largest"]) < 1e-4
        assert run([command]) == 0
        shown = " ".join(capfd.readouterr().out.split())
        assert "implementation difference: gfn2-xtb in xtb less that in tblite on s22, interaction_energy" in shown
    assert run(["compare", "--tolerance", "1e-12"]) == 1
