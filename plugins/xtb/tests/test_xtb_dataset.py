"""Training sets: what ASE reads back is what was computed, in eV and ångström."""

import numpy as np
import pytest
from ase.io import read

import qmbench
from qmbench.cli import run

EV, BOHR = 27.211386245988, 0.529177210903  # CODATA 2018


@pytest.fixture
def exported(tmp_path, capsys):
    def export(*arguments):
        to = tmp_path / "set.extxyz"
        code = run(["export", "dataset", *arguments, "--to", str(to), "--store", str(tmp_path / "s.sqlite")])
        said = capsys.readouterr()
        return code, said.out + said.err, read(to, ":") if to.exists() else []

    return export


def test_energies_and_forces_are_those_of_the_level(exported):
    code, said, frames = exported("s22:water_dimer", "atoms:he", "--level", "gfn2-xtb")
    assert (code, len(frames)) == (0, 2)
    assert "2 molecules" in said
    made = qmbench.compute("gfn2-xtb", "s22:water_dimer", ["energy", "forces"])
    water = frames[0]
    assert water.info["energy_unit"] == "eV"
    assert water.info["forces_unit"] == "eV/angstrom"
    assert (water.info["charge"], water.info["multiplicity"]) == (0, 1)
    assert water.info["level_of_theory"] == "gfn2-xtb"
    assert water.get_potential_energy() == pytest.approx(made.properties["energy"].value * EV, abs=1e-6)
    # Eight decimals are written.
    assert np.allclose(water.get_forces(), made.properties["forces"].value * EV / BOHR, atol=1e-6, rtol=0)
    assert np.allclose(water.positions, made.system.coordinates * BOHR, atol=1e-8, rtol=0)
    assert "forces" not in frames[1].calc.results or np.allclose(frames[1].get_forces(), 0.0, atol=1e-8)


def test_a_database_of_ase_goes_in_and_out(exported, tmp_path):
    from ase.db import connect

    _, _, (frame,) = exported("s22:water_dimer", "--level", "gfn2-xtb")
    first, second = tmp_path / "one.db", tmp_path / "two.db"
    to = ("--level", "gfn2-xtb", "--store", str(tmp_path / "s.sqlite"), "--to")
    assert run(["export", "dataset", "s22:water_dimer", "atoms:he", *to, str(first)]) == 0
    assert run(["export", "dataset", str(first), *to, str(second)]) == 0
    rows, again = (list(connect(str(path)).select()) for path in (first, second))
    assert [row.formula for row in rows] == [row.formula for row in again] == ["H4O2", "He"]
    assert rows[0].energy == pytest.approx(frame.get_potential_energy(), abs=1e-6)
    assert np.allclose(rows[0].forces, frame.get_forces(), atol=1e-6, rtol=0)
    assert again[0].energy == pytest.approx(rows[0].energy, abs=1e-8)
    assert rows[0].key_value_pairs["level_of_theory"] == "gfn2-xtb"


def test_energies_alone_have_no_forces(exported):
    _, _, frames = exported("atoms:he", "--level", "gfn2-xtb", "-p", "energy")
    assert "forces" not in frames[0].calc.results


def test_what_can_not_be_in_it_is_left_out_by_name(exported):
    code, said, frames = exported("hubbard:chain2_u4", "atoms:he", "--level", "gfn2-xtb")
    assert (code, len(frames)) == (1, 1)
    assert "left out: hubbard:chain2_u4: lattice" in said
    code, said, _ = exported("atoms:he", "--level", "gfn2-xtb")
    assert code == 3
    assert "is there already" in said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("s22/water_dimer", "--level", "gfn2-xtb"), "is an entry"),
        (("atoms:he", "--level", "gfn2-xtb", "-p", "dipole"), "energy and forces, not 'dipole'"),
        (("atoms:he", "--level", "gfn2-xtb + gfn1-xtb"), "made of levels"),
    ],
)
def test_wrong_requests(exported, arguments, why):
    code, said, frames = exported(*arguments)
    assert (code, frames) == (3, [])
    assert why in said


def test_nothing_left_is_nothing_done(exported):
    assert exported("hubbard:chain2_u4", "--level", "gfn2-xtb")[0] == 2


def test_another_ending_is_refused(tmp_path, capsys):
    to = tmp_path / "set.pdf"
    assert run(["export", "dataset", "atoms:he", "--level", "gfn2-xtb", "--to", str(to)]) == 3
    assert "write set.extxyz" in " ".join(capsys.readouterr().err.split())
    assert not to.exists()
