"""Independent numbers, with their source."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule

# Crawford group, Programming Projects 3-6 and 12 (github.com/CrawfordGroup/ProgrammingProjects): H2O in STO-3G,
# from programs that share nothing with PySCF.
CRAWFORD = {
    "hf": -74.942079928192,
    "mp2": -74.942079928192 - 0.049149636120,
    "ccsd": -74.942079928192 - 0.070680088376,
    "ccsd(t)": -74.942079928192 - 0.070680088376 - 0.000099877272,
}


@pytest.mark.parametrize("method", CRAWFORD)
def test_water_of_the_programming_projects(method, energy):
    assert energy(f"{method}/sto-3g", "crawford_water") == pytest.approx(CRAWFORD[method], abs=1e-9)


def test_dipole_of_the_programming_projects(run):
    dipole = run("hf/sto-3g", "crawford_water", "dipole").properties["dipole"]
    assert dipole.unit == "e bohr"
    assert np.allclose(dipole.value, [0.0, 0.603521296525, 0.0], atol=1e-7)


@pytest.mark.parametrize(
    ("options", "singlets", "triplets"),
    [
        (
            "?tda=true&n_states=3",
            [0.3564617587, 0.4160717386, 0.5056282877],
            [0.2872554996, 0.3444249963, 0.3659889948],
        ),
        ("?n_states=3", [0.3547782530, 0.4153174946, 0.5001011401], [0.2851637170, 0.2997434467, 0.3526266606]),
    ],
)
def test_excitations_of_the_programming_projects(options, singlets, triplets, run):
    found = run(f"hf/sto-3g{options}", "crawford_water", "excitation_energies").properties["excitation_energies"].value
    for spin, expected in (("S", singlets), ("T", triplets)):
        assert [found[f"{spin}{k}"] for k in (1, 2, 3)] == pytest.approx(expected, abs=1e-7)


# Roothaan Hartree–Fock limits: Bunge, Barrientos and Bunge, At. Data Nucl. Data Tables 53, 113 (1993).
@pytest.mark.parametrize(
    ("symbol", "limit", "basis", "basis_error"),
    [
        ("He", -2.861679993, "cc-pv5z", 1e-4),
        ("Be", -14.57302313, "cc-pv5z", 1e-4),
        ("Ne", -128.5470980, "cc-pv5z", 5e-4),
        ("Ar", -526.8175122, "cc-pvqz", 2e-3),
    ],
)
def test_hartree_fock_limit_of_closed_shells(symbol, limit, basis, basis_error, energy):
    error = energy(f"hf/{basis}", Molecule((symbol,), ((0, 0, 0),), 0, 1)) - limit
    assert 0 < error < basis_error


# Spin-restricted limits: an unrestricted determinant lies below them by spin polarization, 1 to 10 millihartree.
@pytest.mark.parametrize(
    ("symbol", "multiplicity", "limit"),
    [
        ("Li", 2, -7.432726924),
        ("B", 2, -24.52906073),
        ("C", 3, -37.68861890),
        ("N", 4, -54.40093415),
        ("O", 3, -74.80939840),
        ("F", 2, -99.40934928),
        ("Al", 2, -241.8767070),
        ("Si", 3, -288.8543622),
        ("S", 3, -397.5048955),
        ("Cl", 2, -459.4820719),
    ],
)
def test_hartree_fock_of_open_shell_atoms(symbol, multiplicity, limit, run):
    result = run("hf/cc-pvtz", Molecule((symbol,), ((0, 0, 0),), 0, multiplicity))
    error = result.properties["energy"].value - limit
    assert -0.015 < error < 0.004
    spin = (multiplicity**2 - 1) / 4
    assert spin - 1e-6 < result.settings["s_squared"] < spin + 0.02


def test_stretched_and_bound_hydrogen(energy):
    # Exact Born–Oppenheimer energy at 1.4 bohr: -1.174475714 (Sims and Hagstrom, J. Chem. Phys. 124, 094101 (2006)).
    error = energy("fci/cc-pvqz", "h2") + 1.174475714
    assert 0 < error < 1.5e-3


def test_helium_levels(run):
    """Drake's energies of the helium levels against full CI in a basis with diffuse functions."""
    ground, levels = -2.903724377, {"2 3S": -2.175229378, "2 1S": -2.145974046}
    found = run("fci/aug-cc-pvtz", "he", "excitation_energies").properties["excitation_energies"].value
    assert set(levels) <= set(found)
    assert found["2 3S"] < found["2 1S"]
    for label, level in levels.items():
        # aug-cc-pVTZ is no Rydberg basis: upper bounds for the levels, and they come in the right order.
        assert -0.01 < found[label] - (level - ground) < 0.05


def test_helium_polarizability(run):
    # 1.383192 bohr³: Pachucki and Sapirstein, Phys. Rev. A 63, 012504 (2000). Hartree–Fock limit 1.32223.
    alpha = run("fci/aug-cc-pvtz", "he", "polarizability").properties["polarizability"]
    assert alpha.unit == "bohr3"
    assert np.allclose(alpha.value, alpha.value[0, 0] * np.eye(3), atol=1e-4)
    assert alpha.value[0, 0] == pytest.approx(1.383192, abs=0.015)
    hartree_fock = run("hf/aug-cc-pvtz", "he", "polarizability").properties["polarizability"].value[0, 0]
    assert hartree_fock == pytest.approx(1.32223, abs=0.01)
