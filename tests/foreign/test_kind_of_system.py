"""A stranger's kind of system is a kind like any other: read, stored, computed, judged, drawn, linted, checked."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from qmbench import InputError
from qmbench.domain.errors import Unsupported

HERE = Path(__file__).parent
EXACT = {"two": 3.0, "two_wide": 2 / 3, "triplet": 4 / 3}
TABLE = {"kind": "quantum_dot", "electrons": 2, "multiplicity": 1, "omega": 1.0}


def test_the_plugin_is_whole_and_its_method_knows_the_closed_solutions(dot, document):
    assert [info.error for info in dot.infos if info.name == "dot"] == [""]
    for name, energy in EXACT.items():
        value = document("compute", "dot-exact", f"quantum_dots:{name}")["properties"]["energy"]
        assert value["unit"] == "Ha*"
        assert value["value"] == pytest.approx(energy, abs=1e-10)


def test_it_survives_json_with_its_hash(dot):
    system = dot.systems.from_table(TABLE, "here", "two")
    again = dot.systems.from_json(json.loads(json.dumps(system.to_json())))
    assert (again, again.hash, again.name) == (system, system.hash, "two")
    assert dot.systems.from_table({**TABLE, "omega": 2.0}, "here", "two").hash != system.hash


def test_an_unknown_kind_names_those_there_are(dot):
    with pytest.raises(InputError) as caught:
        dot.systems.from_table({**TABLE, "kind": "quantum_dog"}, "here", "two")
    others = r'( or "\w+")*'  # of other installed plugins
    named = f'kind = "hubbard"{others} or "quantum_dot"{others}'
    assert re.fullmatch(f"here: {named} is needed, not 'quantum_dog'", str(caught.value))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"omga": 1.0}, "here, line 5: unknown key 'omga'; did you mean 'omega'"),
        ({"omega": -1.0}, "here, line 4: omega must be positive, not -1"),
        ({"omega": "wide"}, "here, line 4: omega must be a number, not 'wide'"),
        ({"electrons": 2.5}, "here: electrons must be a whole number"),
        ({"multiplicity": 2}, "here: multiplicity 2 is impossible with 2 electrons; possible: 1, 3"),
    ],
)
def test_a_wrong_table_is_answered_in_one_line(dot, change, message):
    with pytest.raises(InputError) as caught:
        dot.systems.from_table({**TABLE, **change}, "here", "two", {"omega": 4, "omga": 5})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_keys_are_named_and_defaults_are_not_missed(dot):
    with pytest.raises(InputError, match="here: missing multiplicity, omega"):
        dot.systems.from_table({"kind": "quantum_dot", "electrons": 2}, "here", "two")


def test_its_files_are_read_by_their_ending(dot, document, qmbench, tmp_path):
    (tmp_path / "wide.dot").write_text("2 1 0.25 1.0\n")
    assert document("compute", "dot-exact", "wide.dot")["properties"]["energy"]["value"] > 0.75
    assert dot.systems.read("wide.dot").name == "wide"
    (tmp_path / "wrong.dot").write_text("two singlet\n")
    code, _, err = qmbench("compute", "dot-exact", "wrong.dot")
    assert code == 3
    assert "wrong.dot: write ELECTRONS MULTIPLICITY OMEGA KAPPA, not 'two singlet'" in err
    code, _, err = qmbench("compute", "dot-exact", "wrong.dat")
    assert "an .xyz or an .extxyz or a .dot or a .toml file" in err


def test_it_is_listed_and_shown_and_drawn(document, qmbench, tmp_path):
    rows = {row["name"]: row for row in document("list", "systems")}
    assert rows["quantum_dots:two"]["what"] == "2 electrons in a 2D trap of 1 Ha*, singlet"
    energy = next(row for row in document("list", "properties") if row["name"] == "energy")
    others = {"emitters_in_cavity", "open_system"}  # of another plugin, where it is installed
    assert {kind: unit for kind, unit in energy["units"].items() if kind not in others} == {
        "lattice": "t", "quantum_dot": "Ha*"
    }  # fmt: skip
    shown = document("show", "quantum_dots:two", "--figure", "two.svg")
    assert (shown["unit of energy"], shown["number of electrons"], shown["omega"]) == ("Ha*", 2, 1.0)
    assert (tmp_path / "two.svg").read_text().count("<circle") == 3
    (tmp_path / "two.toml").write_text('kind = "quantum_dot"\nelectrons = 2\nmultiplicity = 1\nomega = 1.0\n')
    assert document("show", "two.toml")["hash"] == shown["hash"]
    assert document("show", "quantum_dots/two")["unit"] == "Ha*"


def test_a_run_is_tabled_reported_compared_and_kept_to(document, qmbench, tmp_path):
    done = document("run", "suite", "dots", "--report", "report")
    rows = {(s["level_of_theory"], s["observable"]): s for s in done["statistics"] if s["subset"] == "all"}
    assert rows["dot-exact", "total_energy"]["mean_absolute_error_Ha"] == pytest.approx(0.0, abs=1e-10)
    # At omega = 1 restricted Hartree-Fock has 3.1619 Ha*, one Gaussian more, and first order 2 + sqrt(pi/2).
    assert 162 < rows["dot-gaussian", "reaction_energy"]["mean_signed_error_mHa"] < 253
    error = rows["dot-first-order", "reaction_energy"]["mean_signed_error_mHa"]
    assert error == pytest.approx(1000 * ((math.pi / 2) ** 0.5 - 1), abs=1e-6)
    assert {s["unit"] for s in done["statistics"]} == {"Ha*", "mHa*"}
    assert r"error of total energy in Ha\*" in (tmp_path / "report" / "tables.md").read_text()
    assert "dot-gaussian" in (tmp_path / "report" / "report.html").read_text()

    found = document("disagree")
    triplet = next(e for e in found["entries"] if e["entry"] == "triplet")
    assert (triplet["unit"], triplet["outliers"]) == ("Ha*", ["dot-first-order"])
    assert {"dot-exact", "taut"} in [set(camp) for camp in triplet["camps"]]

    assert qmbench("check", "--baseline", "base.json", "--update")[0] == 0
    assert qmbench("check", "--baseline", "base.json")[0] == 0
    base = json.loads((tmp_path / "base.json").read_text())
    (tmp_path / "base.json").write_text(json.dumps(base).replace("3.2533", "3.2633"))
    assert qmbench("check", "--baseline", "base.json")[0] == 1


def test_what_no_method_does_is_unsupported(dot, qmbench):
    with pytest.raises(Unsupported, match="hf does not do quantum_dot systems; it does: molecule"):
        dot.level("hf/sto-3g").make().check(dot.systems.from_table(TABLE, "here", "two"), frozenset({"energy"}))
    code, out, _ = qmbench("compute", "dot-exact", "atoms:he")
    assert code == 1
    assert "dot-exact does not do molecule systems; it does: quantum_dot" in " ".join(out.split())


def test_lint_knows_it(qmbench, tmp_path):
    code, out, _ = qmbench("lint", HERE / "dot_benchmarks")
    assert (code, "0 errors, 0 warnings" in out) == (0, True)


def test_lint_sees_a_changed_system_and_electrons_that_do_not_cancel(qmbench, tmp_path):
    import shutil

    folder = tmp_path / "quantum_dots"
    shutil.copytree(HERE / "dot_benchmarks" / "quantum_dots", folder)
    (folder / "systems.toml").write_text((folder / "systems.toml").read_text().replace("omega = 1.0", "omega = 1.1"))
    (folder / "entries.csv").write_text((folder / "entries.csv").read_text().replace("one:-2", "one:-1"))
    code, out, _ = qmbench("lint", folder)
    assert code == 1
    assert "system 'two' has changed since version 1.0.0" in out
    assert "the stoichiometry does not balance electrons" in out


def test_the_conformance_kit_holds_its_fields_against_a_method(dot, monkeypatch):
    from qmbench.testing import ConformanceError, checks

    found = {c.name: c for c in checks("dot", methods=["dot-first-order"], registry=dot)}
    assert "quantum_dot_fields_used" in found
    assert not {"rotation", "lattice_fields_used", "ghosts_add_no_electrons"} & set(found)
    for check in found.values():
        if check.name != "non_convergence_raises":
            check()
    monkeypatch.setattr(dot.methods["dot-first-order"], "two", lambda self, system: 2 * system.omega)
    found["quantum_dot_fields_used"].subject.results.clear()
    with pytest.raises(ConformanceError, match="helium dot: another 'kappa' gives the same energy"):
        found["quantum_dot_fields_used"]()


def test_it_is_computed_and_run_from_python(dot, tmp_path, monkeypatch):
    import qmbench

    monkeypatch.chdir(tmp_path)
    two = dot.systems.from_table(TABLE, "here", "two")
    energy = qmbench.compute("dot-exact", two, store=None)
    assert (energy.value, energy.unit) == (pytest.approx(3.0, abs=1e-10), "Ha*")
    table = qmbench.run("dots", levels=["dot-exact"], store="s.sqlite").results.set_index("entry")
    assert dict(table["unit"]) == {"two": "Ha*", "two_wide": "Ha*", "triplet": "Ha*", "repulsion": "mHa*", "gap": "Ha*"}
    assert table["value"]["repulsion"] == pytest.approx(1000.0, abs=1e-6)
