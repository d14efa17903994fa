"""3c composites: what they add up, against the libraries and PySCF called directly."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule, Unsupported, parse_level
from qmbench_pyscf.composites import COMPOSITES, dispersion_energy

# Parts and parameters as the papers print them: J. Chem. Phys. 154, 064103 (2021) and 148, 064104 (2018).
PARTS = {"r2scan-3c": ("r2scan", "def2-mtzvpp", "r2scan3c"), "b97-3c": ("gga_xc_b97_3c", "def2-mtzvp", "b973c")}


def dispersion_by_hand(name, molecule):
    numbers, places = molecule.atomic_numbers, molecule.coordinates
    if name == "r2scan-3c":
        from dftd4.interface import DampingParam, DispersionModel

        model = DispersionModel(numbers, places, charge=float(molecule.charge), ga=2.0, gc=1.0)
        return model.get_dispersion(DampingParam(s6=1.0, s8=0.0, a1=0.42, a2=5.65, s9=2.0), grad=False)["energy"]
    from dftd3.interface import DispersionModel as D3Model
    from dftd3.interface import RationalDampingParam

    parameters = RationalDampingParam(s6=1.0, s8=1.50, a1=0.37, a2=4.10, s9=1.0)
    return D3Model(numbers, places).get_dispersion(parameters, grad=False)["energy"]


@pytest.mark.parametrize("system", ["water", "nh"])
@pytest.mark.parametrize("name", PARTS)
def test_by_hand(name, system, run, molecules):
    from dftd3.interface import GeometricCounterpoise
    from pyscf import dft, gto

    molecule = molecules[system]
    xc, basis, gcp = PARTS[name]
    atoms = list(zip(molecule.symbols, molecule.positions, strict=True))
    mol = gto.M(atom=atoms, unit="B", basis=basis, spin=molecule.multiplicity - 1, verbose=0)
    mf = (dft.UKS(mol) if mol.spin else dft.RKS(mol)).set(xc=xc, conv_tol=1e-11, conv_tol_grad=1e-7)
    mf.grids.level = 1
    mf.kernel()
    model = GeometricCounterpoise(molecule.atomic_numbers, molecule.coordinates, method=gcp)
    correction = float(model.get_counterpoise(grad=False)["energy"])
    dispersion = float(dispersion_by_hand(name, molecule))
    result = run(f"{name}?grid=1", system)
    assert result.properties["energy"].value == pytest.approx(mf.e_tot + dispersion + correction, abs=1e-8)
    assert result.settings["basis_correction_energy"] == pytest.approx(correction, abs=1e-12)
    assert abs(correction) > 1e-4
    assert dispersion < -1e-5


def test_d4_with_its_own_charge_scaling():
    """The number that the dftd4 library's own tests have for r²SCAN-3c of a molecule of sixteen atoms."""
    symbols = ("H", "F", "P", "Al", "H", "H", "Al", "B", "Li", "P", "O", "H", "H", "B", "S", "H")
    positions = np.array(
        [
            [-2.14132037405479, -1.34402701877044, -2.32492500904728],
            [4.46671289205392, -2.04800110524830, 0.44422406067087],
            [-4.92212517643478, -1.73734240529793, 0.96890323821450],
            [-1.30966093045696, -0.52977363497805, 3.44453452239668],
            [-4.34208759006189, -4.30470270977329, 0.39887431726215],
            [0.61788392767516, 2.62484136683297, -3.28228926932647],
            [4.23562873444840, -1.68839322682951, -3.53824299552792],
            [2.23130060612446, 1.93579813100155, -1.80384647554323],
            [-2.32285463652832, 2.90603947535842, -1.39684847191937],
            [2.34557941578250, 2.86074312333371, 1.82827238641666],
            [-3.66431367659153, -0.42910188232667, -1.81957402856634],
            [-0.34927881505446, -1.75988134003940, 5.98017466326572],
            [0.29500802281217, -2.00226104143537, 0.53023447931897],
            [2.10449364205058, -0.56741404446633, 0.30975625014335],
            [-1.59355304432499, 3.69176153150419, 2.87878226787916],
            [4.34858700256050, 2.39171478113440, -2.61802993563738],
        ]
    )
    molecule = Molecule(symbols, tuple(map(tuple, positions)), 0, 1)
    assert dispersion_energy(molecule, COMPOSITES["r2scan-3c"]) == pytest.approx(-0.008016697276824889, abs=1e-8)


def test_no_ghosts(run, molecules):
    level = parse_level("r2scan-3c")
    assert not level.has_basis
    ghosted = Molecule(("He", "He"), ((0, 0, 0), (0, 0, 5.0)), 0, 1, ghosts=(False, True))
    with pytest.raises(Unsupported, match="stands for counterpoise"):
        level.make().check(ghosted, frozenset({"energy"}))


@pytest.mark.parametrize(("name", "basis"), [("hf-3c", "MINIX"), ("pbeh3c", "def2-mSVP"), ("wb97x-3c", "vDZP")])
def test_what_lacks_a_basis_is_refused(name, basis):
    with pytest.raises(Unsupported, match=f"lacks its basis set, {basis}"):
        parse_level(name)


def test_heavy_atoms_have_the_core_potentials_of_def2():
    """PySCF's files of these small sets have none, and their functions make no sense without."""
    iodide = Molecule(("I",), ((0, 0, 0),), -1, 1)
    for level in ("r2scan-3c", "b97-3c", "pbe/def2-mtzvpp"):
        assert parse_level(level).make().removed_electrons(iodide) == 28
