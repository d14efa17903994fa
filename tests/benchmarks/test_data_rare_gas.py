"""Rare gases: the published potential, its long-range limit, shape of the curves, and a calculation."""

import math

import pytest

KCAL_MOL = 627.5094740631
BOHR = 0.529177210903
PAIRS = ["he2", "hene", "hear", "hekr", "ne2", "near", "nekr", "ar2", "arkr", "kr2"]


@pytest.fixture(scope="module")
def rare_gas(benchmark_data):
    return benchmark_data("rare_gas")


@pytest.fixture(scope="module")
def energies(rare_gas, reference_values):
    return reference_values(rare_gas, "Tang-Toennies-2003")


def points(rare_gas, pair):
    return sorted((float(e["coordinate"]), e["id"]) for e in rare_gas.entries if e["curve"] == pair)


def test_geometry_is_the_coordinate(rare_gas):
    for pair in PAIRS:
        assert len(points(rare_gas, pair)) == 10
        for distance, name in points(rare_gas, pair):
            assert math.dist(*rare_gas.systems[name].positions) == pytest.approx(distance, abs=1e-9)


def test_like_pairs_follow_from_the_parameters(rare_gas, energies, references_script):
    script = references_script("tang_toennies")
    for pair in script.PARAMETERS:
        for distance, name in points(rare_gas, pair):
            slope = abs(script.interaction_energy(pair, distance + 1e-4) - script.interaction_energy(pair, distance))
            # rounding of the table's last digit, and of its distance (1e-4 angstrom) on the repulsive wall
            assert energies[name] == pytest.approx(script.interaction_energy(pair, distance), abs=6e-6 + slope / 2), (
                name
            )
    for name in ("ne2", "ar2", "kr2"):
        distance = math.dist(*rare_gas.systems[f"{name}_minimum"].positions)
        assert energies[f"{name}_minimum"] == pytest.approx(script.interaction_energy(name, distance), abs=6e-7)


def test_wells_of_the_potential(references_script):
    """R_e (bohr) and D_e (K) as the paper lists them for He2: 5.62 and 11.0; and damping tends to 0 and 1."""
    script = references_script("tang_toennies")
    distance, depth = script.well(script.PARAMETERS["he2"])
    assert distance / BOHR == pytest.approx(5.62, abs=0.01)
    assert -depth / 0.001987204259 == pytest.approx(11.0, abs=0.05)
    assert script.damping(6, 1e-3) == pytest.approx(0.0, abs=1e-12)
    assert script.damping(6, 60.0) == pytest.approx(1.0, abs=1e-12)


def test_long_range_is_minus_c6_over_r6(rare_gas, energies, references_script):
    """At twice R_e the C6 term alone is 60–100 % of the attraction, so the C6 of the table is the right one."""
    script = references_script("tang_toennies")
    for pair, parameters in script.PARAMETERS.items():
        distance, name = points(rare_gas, pair)[-1]
        leading = -parameters[2] / (distance / BOHR) ** 6 * KCAL_MOL
        assert 0.6 < leading / energies[name] < 1.0, pair


@pytest.mark.parametrize("pair", PAIRS)
def test_curve_has_one_well_at_the_equilibrium_distance(rare_gas, energies, pair):
    curve = [energies[name] for _, name in points(rare_gas, pair)]
    lowest = curve.index(min(curve))
    assert points(rare_gas, pair)[lowest][1] == f"{pair}_1.00"
    assert curve[0] > 0 > curve[-1]
    assert curve[: lowest + 1] == sorted(curve[: lowest + 1], reverse=True)
    assert curve[lowest:] == sorted(curve[lowest:])


@pytest.mark.parametrize("pair", [p for p in PAIRS if not p.endswith("2")])
def test_unlike_wells_lie_within_the_like_ones(energies, pair):
    """Combination rules: the unlike well is between the like ones, and not deeper than their geometric mean."""
    first, second = energies[f"{pair[:2]}2_1.00"], energies[f"{pair[2:]}2_1.00"]
    well = energies[f"{pair}_1.00"]
    assert min(first, second) < well < max(first, second)
    assert well > -math.sqrt(first * second)


def test_ab_initio_wells_agree_within_a_per_cent(rare_gas, reference_values, energies):
    other = reference_values(rare_gas, "ab-initio-potential")
    assert len(other) == 3
    for name, value in other.items():
        assert value == pytest.approx(energies[name], rel=0.01), name
        assert value != energies[name]


@pytest.mark.parametrize("name", ["he2_1.00", pytest.param("ne2_1.00", marks=pytest.mark.slow)])
def test_counterpoise_coupled_cluster_binds_less_than_the_potential(rare_gas, energies, name):
    """CCSD(T)/aug-cc-pVTZ with counterpoise recovers most of the well from above: unit, distance and sign are right."""
    from pyscf import cc, gto, scf

    molecule = rare_gas.systems[name]

    def energy(real):
        atoms = [
            (symbol if i in real else f"ghost-{symbol}", position)
            for i, (symbol, position) in enumerate(zip(molecule.symbols, molecule.positions, strict=True))
        ]
        field = scf.RHF(gto.M(atom=atoms, basis="aug-cc-pvtz", verbose=0)).run(conv_tol=1e-12)
        coupled = cc.CCSD(field).run(conv_tol=1e-9)
        return coupled.e_tot + coupled.ccsd_t()

    interaction = (energy({0, 1}) - 2 * energy({0})) * KCAL_MOL
    assert 0.5 < interaction / energies[name] < 1.0
