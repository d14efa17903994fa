"""Spectroscopic constants: against the distances of benchmark `diatomics`, and by a rule that ties both constants."""

import math

import numpy as np
import pytest


@pytest.fixture(scope="module")
def constants(benchmark_data):
    return benchmark_data("diatomic_constants")


def values(data, ending):
    return {r["entry"].removesuffix(ending): float(r["value"]) for r in data.references if r["entry"].endswith(ending)}


def test_distances_are_those_at_which_dissociation_energies_are_given(constants, benchmark_data):
    theirs = benchmark_data("diatomics").systems
    distances = values(constants, "_re")
    assert len(distances) == 15
    for name, distance in distances.items():
        atoms = np.array(theirs[name].positions)
        # H2 stands at 1.4 bohr there, 0.0006 angstrom from its minimum; the others at the measured distance.
        within = 7e-4 if name == "h2" else 1.1e-5
        assert float(np.linalg.norm(atoms[1] - atoms[0])) == pytest.approx(distance, abs=within), name


def test_frequencies_and_distances_follow_badgers_rule(constants):
    """k (r_e − d_ij)³ = 1.86e5 dyn/cm Å³: Badger, J. Chem. Phys. 2, 128 (1934), with d_ij by rows of the two nuclei.

    It holds to some 10 % in the distance: enough for a constant in the line of another molecule to show.
    """
    from ase.data import atomic_masses_common, atomic_numbers

    rows = {"H": 0, "Li": 1, "B": 1, "C": 1, "N": 1, "O": 1, "F": 1, "Cl": 2}
    shifts = {(0, 0): 0.025, (0, 1): 0.335, (0, 2): 0.585, (1, 1): 0.68}
    distances, frequencies = values(constants, "_re"), values(constants, "_we")
    assert len(frequencies) == 12
    for name, wavenumber in frequencies.items():
        symbols = constants.systems[name].symbols
        a, b = (atomic_masses_common[atomic_numbers[s]] * 1.66053907e-27 for s in symbols)
        k = a * b / (a + b) * (2 * math.pi * 2.99792458e10 * wavenumber) ** 2 * 1e3  # dyn/cm
        predicted = (1.86e5 / k) ** (1 / 3) + shifts[tuple(sorted(rows[s] for s in symbols))]
        assert predicted == pytest.approx(distances[name], rel=0.1), name
