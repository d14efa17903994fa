"""Hubbard: closed formulas, free electrons, another program, and the limits of long rings and strong coupling."""

import math

import numpy as np
import pytest

from qmbench.plugging.registry import plugins

CUBE = {"kind": "hubbard", "t": 1.0, "multiplicity": 1}


@pytest.fixture(scope="module")
def hubbard(benchmark_data):
    return benchmark_data("hubbard")


@pytest.fixture(scope="module")
def script(references_script):
    return references_script("hubbard")


@pytest.fixture(scope="module")
def exact(hubbard, reference_values):
    return reference_values(hubbard, "exact")


def names(benchmark):
    return [entry["id"] for entry in benchmark.entries if entry["stoichiometry"]]


@pytest.mark.parametrize("u", [4, 8])
def test_two_sites_have_a_closed_formula(exact, u):
    assert 2 * exact[f"chain2_u{u}"] == pytest.approx(u / 2 - math.sqrt(u * u / 4 + 4), abs=1e-11)


def test_two_electrons_on_the_square_lattice(exact):
    """1/U = (1/N) sum_k 1 / (E - 2 e_k) for the pair of zero momentum."""
    k = 2 * np.pi * np.arange(4) / 4
    band = -2 * (np.cos(k)[:, None] + np.cos(k)[None, :])
    for u in (4, 8):
        energy = 16 * exact[f"square4x4_n2_u{u}"]
        assert np.mean(1 / (energy - 2 * band)) == pytest.approx(1 / u, abs=1e-9)


@pytest.mark.parametrize(
    ("lattice", "boundary", "electrons"),
    [([6], ["periodic"], 6), ([8], ["antiperiodic"], 8), ([2, 4], ["open", "open"], 4), ([3, 3], ["open", "open"], 8)],
)
def test_free_electrons_fill_the_lowest_orbitals(script, lattice, boundary, electrons):
    table = CUBE | {"lattice": lattice, "boundary": boundary, "u": 0.0, "electrons": electrons}
    orbitals = np.linalg.eigvalsh(script.hopping(lattice, boundary))
    assert script.ground_state(table)[0] == pytest.approx(2 * orbitals[: electrons // 2].sum(), abs=1e-9)


def test_every_small_lattice_is_recomputed(hubbard, script, exact):
    done = 0
    for name in names(hubbard):
        table = hubbard.lattices[name]
        sites = math.prod(table["lattice"])
        if math.comb(sites, table["electrons"] // 2) > 130:
            continue
        energy, raised = script.ground_state(table, seed=7)
        assert raised < 1e-10, name
        assert energy / sites == pytest.approx(exact[name], abs=1e-10), name
        done += 1
    assert done >= 15


@pytest.mark.parametrize("name", ["ring6_u8", "ring8_anti_u4", "ionic6_u4", "ladder2x3_u8"])
def test_another_program_gives_the_same(hubbard, script, exact, name):
    fci = pytest.importorskip("pyscf.fci")
    table = hubbard.lattices[name]
    sites = math.prod(table["lattice"])
    one = script.hopping(table["lattice"], table["boundary"], table["t"], table.get("onsite"))
    two = np.zeros((sites,) * 4)
    two[(np.arange(sites),) * 4] = table["u"]
    solver = fci.direct_spin1.FCI()
    solver.conv_tol, solver.max_cycle, solver.max_space = 1e-13, 300, 30
    energy, _ = solver.kernel(one, two, sites, table["electrons"], nroots=1)
    assert energy / sites == pytest.approx(exact[name], abs=1e-9)


def test_core_hopping_matrix_is_the_same(hubbard, script):
    """The convention of the package for bonds equals the one of the reference script."""
    kinds = plugins().systems
    for name, table in hubbard.lattices.items():
        model = kinds.from_table(table, "systems.toml", name)
        ours = script.hopping(table["lattice"], table["boundary"], table["t"], table.get("onsite"))
        assert np.array_equal(model.hopping_matrix(), ours), name


def test_no_periodic_direction_of_length_two(hubbard):
    for name, table in hubbard.lattices.items():
        for length, boundary in zip(table["lattice"], table["boundary"], strict=True):
            assert length > 2 or boundary == "open", name


def test_rings_approach_the_infinite_chain_from_below(exact):
    """Closed-shell rings of 4n+2 sites lie below the infinite chain, by about 1/L^2."""
    for u in (2, 4, 8):
        infinite = exact[f"chain_infinite_u{u}"]
        six, ten = exact[f"ring6_u{u}"] - infinite, exact[f"ring10_u{u}"] - infinite
        assert six < ten < 0
        assert 2.2 < six / ten < 6.0


def test_infinite_chain_recomputed(script, exact):
    for u in (2, 4, 8):
        assert script.lieb_wu(float(u)) == pytest.approx(exact[f"chain_infinite_u{u}"], abs=2e-12)
    second_order = -7 * 1.2020569031595942 / (16 * math.pi**3)  # -7 zeta(3) / 16 pi^3
    assert script.lieb_wu(0.2) == pytest.approx(-4 / math.pi + 0.2 / 4 + second_order * 0.04, abs=1e-5)
    assert script.lieb_wu(400.0) == pytest.approx(-4 * math.log(2) / 400, rel=1e-3)  # Heisenberg chain
    assert script.bethe_ansatz(4.0, 0.5, points=40) == pytest.approx(exact["chain_infinite_n0.5_u4"], abs=1e-10)


def test_energies_lie_between_free_electrons_and_uniform_hartree_fock(hubbard, script, exact):
    """E_0 < E < E_0 + U n^2/4 per site wherever the free density is uniform (all but the ionic ring)."""
    for name in names(hubbard):
        table = hubbard.lattices[name]
        if "onsite" in table:
            continue
        sites, electrons = math.prod(table["lattice"]), table["electrons"]
        orbitals = np.linalg.eigvalsh(script.hopping(table["lattice"], table["boundary"]))
        free = 2 * orbitals[: electrons // 2].sum() / sites
        assert free < exact[name] < free + table["u"] * (electrons / sites) ** 2 / 4, name


def test_infinite_square_lattice_is_below_its_clusters(hubbard, reference_values, exact):
    """Open clusters lack bonds, so the infinite lattice is lower in energy per site."""
    monte_carlo = reference_values(hubbard, "AFQMC-2016")
    assert set(monte_carlo) == {f"square_infinite_u{u}" for u in (2, 4, 6, 8)}
    for u in (2, 4, 8):
        assert monte_carlo[f"square_infinite_u{u}"] < exact[f"cluster3x4_u{u}"]
