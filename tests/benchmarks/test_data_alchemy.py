"""Neighbours in the space of nuclear charges: ions as in benchmark `atoms`, and what a charge that grows does."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def alchemy(benchmark_data):
    return benchmark_data("alchemy")


def values(data):
    return {r["entry"]: float(r["value"]) for r in data.references}


def test_ions_are_those_of_the_atoms(alchemy, benchmark_data):
    here, there = values(alchemy), benchmark_data("atoms")
    energies = {r["entry"]: float(r["value"]) for r in there.references if r["set"] == "nonrelativistic"}
    for ion, name in (("hydride", "h-"), ("lithium_ion", "li+"), ("beryllium_dication", "be2+")):
        assert here[ion] == energies[name]
    for ion, name in (("beryllium_ion", "be"), ("boron_ion", "b"), ("oxygen_ion", "o")):
        assert here[ion] - energies[name] == pytest.approx(energies[f"{name}_ionization"], abs=6e-5)


def test_energies_are_concave_in_the_nuclear_charge(alchemy):
    """Ground states are: so the two electrons of H⁻, (He,) Li⁺ and Be²⁺, and nitrogen on the way to CO and to BF."""
    found = values(alchemy)
    energies = [found["hydride"], -2.903724377, found["lithium_ion"], found["beryllium_dication"]]
    assert np.all(np.diff(energies, 2) < 0)
    repulsion = {"co": 6 * 8 / 2.1, "bf": 5 * 9 / 2.1}
    for level in ("hf", "ccsd"):
        electronic = {name: found[f"{name}_{level}"] - repulsion[name] for name in ("co", "bf")}
        # Along the line from N2 by λ = 1 and 2: −½ k λ² on top of nitrogen.
        assert electronic["bf"] < electronic["co"]
    assert found["co_ccsd"] < found["co_hf"]
    assert found["bf_ccsd"] < found["bf_hf"]
