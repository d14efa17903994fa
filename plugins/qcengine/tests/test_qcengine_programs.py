"""Programs that no Python package brings, run where they are installed: NWChem against PySCF, MOPAC against itself."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from qmbench.cli import run as command
from qmbench_qcengine.told import _FUNCTIONALS, _SAME_BASIS


def needs(program):
    why = f"the program {program} is not installed (Debian has it: apt-get install {program})"
    return pytest.mark.skipif(shutil.which(program) is None, reason=why)


def both(run, level, system, *properties):
    native = run(level, system, *properties).properties
    program = run(f"qc:nwchem/{level}", system, *properties).properties
    return [(program[name].value, native[name].value) for name in properties]


@pytest.mark.slow
@needs("nwchem")
@pytest.mark.parametrize("system", ["water", "OH"])
@pytest.mark.parametrize("basis", _SAME_BASIS)
@pytest.mark.parametrize("method", ["hf", "mp2"])
def test_nwchem_is_pyscf(run, method, basis, system):
    """Orbital gradients of 1e-8 and less: seen are 2e-9 hartree at most."""
    ((energy, native),) = both(run, f"{method}/{basis}", system, "energy")
    assert energy == pytest.approx(native, abs=1e-8)


@pytest.mark.slow
@needs("nwchem")
@pytest.mark.parametrize("system", ["water", "OH"])
@pytest.mark.parametrize("method", _FUNCTIONALS)
def test_functionals_of_nwchem_are_those_of_pyscf(run, method, system):
    """Two grids, each good to some 1e-7 hartree; VWN in another of its forms would be 1e-2 away."""
    ((energy, native),) = both(run, f"{method}/cc-pvdz", system, "energy")
    assert energy == pytest.approx(native, abs=1e-6)


@pytest.mark.slow
@needs("nwchem")
@pytest.mark.parametrize(("method", "within"), [("hf", 1e-7), ("mp2", 2e-6), ("pbe", 2e-5)])
def test_forces_of_nwchem_are_those_of_pyscf(run, method, within):
    ((forces, native),) = both(run, f"{method}/cc-pvdz", "water", "forces")
    assert np.abs(native).max() > 1e-2
    assert np.abs(forces - native).max() < within


SUITE = """
id = "programs"
title = "Two programs"
benchmarks = [{ id = "s22", entries = ["water_dimer"] }]
""" + "".join(
    f'[[levels]]\nlevel = "{program}{method}/cc-pvdz"\nbsse = "cp"\n'
    for method in ("hf", "mp2", "pbe")
    for program in ("", "qc:nwchem/")
)


@pytest.mark.slow
@needs("nwchem")
def test_what_nwchem_and_pyscf_differ_by_is_an_implementation_difference(tmp_path, monkeypatch, capfd):
    """With the functions of ghost atoms in the monomers. Interaction energies in kcal/mol: what 1e-8 hartree leaves in
    three energies, and for PBE what two grids of 1e-7 hartree do."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "programs.toml").write_text(SUITE)
    assert command(["run", "suite", "programs.toml", "--json"]) == 0
    capfd.readouterr()
    for name in ("compare", "disagree"):
        assert command([name, "--json"]) == 0
        rows = json.loads(capfd.readouterr().out)["implementations"]
        assert {row["level_of_theory"] for row in rows} == {"hf/cc-pvdz", "mp2/cc-pvdz", "pbe/cc-pvdz"}
        for row in rows:
            assert row["programs"] == ["pyscf", "nwchem"]
            assert row["levels"] == [row["level_of_theory"], f"qc:nwchem/{row['level_of_theory']}"]
            assert (row["n"], row["bsse"]) == (1, "cp")
            assert 0 < abs(row["largest"]) < (2e-4 if "pbe" in row["level_of_theory"] else 1e-5)


@pytest.mark.slow
@needs("mopac")
def test_forces_of_mopac_are_those_of_its_energy(run, systems):
    """PM7 of water. MOPAC prints heats of formation to 1e-5 kcal/mol, so differences of 0.02 bohr are good to 1e-6."""
    h, system = 1e-2, systems["water"]
    found = run("qc:mopac/pm7", system, "energy", "forces")
    assert found.settings["version"][0].isdigit()
    forces = found.properties["forces"].value
    for axis in (1, 2):

        def at(step, axis=axis):
            moved = np.array(system.positions)
            moved[1, axis] += step
            return run("qc:mopac/pm7", replace(system, positions=tuple(map(tuple, moved)))).properties["energy"].value

        slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
        assert forces[1, axis] == pytest.approx(-slope, abs=5e-6)
