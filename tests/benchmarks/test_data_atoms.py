"""Atoms: variational order, additivity, and a run of independent calculations."""

import itertools

import pytest

HARTREE_IN_EV = 27.211386245988  # CODATA 2018


@pytest.fixture(scope="module")
def atoms(benchmark_data):
    return benchmark_data("atoms")


def test_exact_lies_below_hartree_fock_and_correlation_grows(atoms, reference_values):
    exact, limit = reference_values(atoms, "nonrelativistic"), reference_values(atoms, "HF-limit")
    assert len(limit) == 18
    correlation = {name: exact[name] - limit[name] for name in limit}
    assert correlation.pop("h") == 0
    assert all(-0.8 < value < -0.04 for value in correlation.values())
    order = ["he", "li", "be", "b", "c", "n", "o", "f", "ne", "na", "mg", "al", "si", "p", "s", "cl", "ar"]
    assert all(correlation[b] < correlation[a] for a, b in itertools.pairwise(order))


def test_two_electron_series_follows_the_1_over_z_expansion(atoms, reference_values):
    """E(Z) = -Z^2 + 5Z/8 - 0.15766643 + O(1/Z): Scherr and Knight, Rev. Mod. Phys. 35, 436 (1963)."""
    exact = reference_values(atoms, "nonrelativistic")
    for z, name in enumerate(("h-", "he", "li+", "be2+"), 1):
        expansion = -(z**2) + 0.625 * z - 0.15766643 + 0.00869903 / z - 0.00088859 / z**2 - 0.00103637 / z**3
        assert exact[name] == pytest.approx(expansion, abs=2e-3 / z**4)


def test_ionization_energies_are_differences_of_total_energies(atoms, reference_values):
    exact = reference_values(atoms, "nonrelativistic")
    assert exact["he_ionization"] == pytest.approx(-2.0 - exact["he"], abs=1e-12)  # E(He+) = -Z^2/2
    assert exact["li_ionization"] == pytest.approx(exact["li+"] - exact["li"], abs=1e-6)


def test_measured_ionization_energies_are_near_nonrelativistic_ones(atoms, reference_values):
    exact, measured = reference_values(atoms, "nonrelativistic"), reference_values(atoms, "experiment")
    assert len(measured) == 17
    compared = [name for name in measured if name in exact]
    assert len(compared) == 9
    for name in compared:
        assert measured[name] / HARTREE_IN_EV == pytest.approx(exact[name], abs=2.1e-3), name
    for name, value in (("he_ionization", 198310.6663), ("ne_ionization", 173929.75), ("ar_ionization", 127109.842)):
        assert measured[name] * 8065.543937 == pytest.approx(value, abs=0.06)  # cm^-1, as printed by NIST


SLOWER = [pytest.param(name, marks=pytest.mark.slow) for name in ("li", "n", "na", "mg", "p", "ar")]


@pytest.mark.parametrize("name", ["h", "he", "be", "ne", *SLOWER])
def test_hartree_fock_limit_of_spherical_atoms(atoms, reference_values, name):
    """Large-basis ROHF is above the limit and within half a millihartree of it."""
    import pyscf

    system = atoms.systems[name]
    molecule = pyscf.gto.M(
        atom=[(system.symbols[0], system.positions[0])],
        basis="cc-pv5z",
        charge=system.charge,
        spin=system.multiplicity - 1,
        verbose=0,
    )
    field = pyscf.scf.ROHF(molecule)
    field.conv_tol = 1e-10
    energy = field.kernel()
    assert field.converged
    limit = reference_values(atoms, "HF-limit")[name]
    assert limit - 1e-8 < energy < limit + 5e-4


@pytest.mark.parametrize("name", ["he+", "li+", "b+", "c+", "n+", "o+", "f+", "ne+"])
def test_cation_multiplicity_is_the_lowest(atoms, name):
    """The stated multiplicity beats the next ones in Hartree–Fock: no excited state slipped in."""
    import pyscf

    system = atoms.systems[name]

    def energy(spin):
        molecule = pyscf.gto.M(
            atom=[(system.symbols[0], system.positions[0])],
            basis="def2-svp",
            charge=system.charge,
            spin=spin,
            verbose=0,
        )
        return pyscf.scf.UHF(molecule).kernel()

    stated = energy(system.multiplicity - 1)
    electrons = sum(pyscf.gto.M(atom=[(system.symbols[0], (0, 0, 0))], charge=1, spin=None, verbose=0).nelec)
    for spin in (system.multiplicity - 3, system.multiplicity + 1):
        if 0 <= spin <= min(electrons, 6):
            assert stated < energy(spin) + 1e-9
