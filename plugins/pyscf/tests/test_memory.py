"""Estimates of memory against what PySCF's arrays come to."""

from __future__ import annotations

import pytest

from qmbench import LatticeModel, Molecule
from qmbench.plugging.registry import parse_level
from qmbench_pyscf.base import PROCESS_MIB, PYSCF_MEMORY_MIB, scf_memory
from qmbench_pyscf.sizes import guess_basis_size

WATER = Molecule(("O", "H", "H"), ((0.0, 0.0, 0.2217), (0.0, 1.4309, -0.8867), (0.0, -1.4309, -0.8867)), 0, 1)


def of(level: str, system: Molecule | LatticeModel = WATER) -> float | None:
    return parse_level(level).make().estimate_memory(system, frozenset({"energy"}))


def test_integrals_in_memory() -> None:
    """Water in cc-pVQZ: 115 functions, whose integrals with all eight symmetries are 170 MiB of numbers."""
    count = guess_basis_size(WATER, "cc-pvqz")
    assert count == pytest.approx(115, abs=5)
    pairs = count * (count + 1) // 2
    integrals = 8 * pairs * (pairs + 1) // 2 / 2**20
    assert of("hf/cc-pvqz") - PROCESS_MIB == pytest.approx(integrals, rel=0.05)
    assert of("mp2/cc-pvqz") > of("hf/cc-pvqz")
    assert of("ccsd(t)/cc-pvqz") > of("mp2/cc-pvqz")


def test_fitted_ones_are_smaller_and_none_are_larger_than_the_limit() -> None:
    many = Molecule(("Ar",) * 12, tuple((0.0, 0.0, 7.0 * i) for i in range(12)), 0, 1)
    assert of("pbe/cc-pvqz?density_fitting=true") < of("hf/cc-pvqz")
    for level in ("hf/cc-pvqz", "mp2/cc-pvqz", "hf/cc-pvqz?density_fitting=true"):
        assert of(level, many) <= PROCESS_MIB + PYSCF_MEMORY_MIB
    assert of("hf/cc-pvqz", many) < of("ccsd(t)/cc-pvqz", many)  # integrals as they are needed


def test_an_open_shell_has_integrals_of_three_kinds() -> None:
    cation = Molecule(WATER.symbols, WATER.positions, 1, 2)
    assert of("ccsd/cc-pvtz", cation) - PROCESS_MIB == pytest.approx(3 * (of("ccsd/cc-pvtz") - PROCESS_MIB))
    assert of("hf/cc-pvtz", cation) == of("hf/cc-pvtz") == scf_memory(WATER, "cc-pvtz")


def test_full_ci_has_vectors_of_determinants() -> None:
    """Twelve sites, half filled: 924 strings of each spin."""
    ring = LatticeModel((12,), ("periodic",), 1.0, 4.0, 12, 1)
    assert of("fci", ring) - PROCESS_MIB == pytest.approx(30 * 8 * 924**2 / 2**20)
    assert of("hf", ring) is None
