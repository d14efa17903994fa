"""Diatomics: additivity, derivations repeated, and calculations in the same basis."""

import math

import pytest

KCAL_MOL = 627.5094740631
BOHR = 0.529177210903
# Fine-structure lowering of the lowest level below the centre of the ground term, cm^-1 (levels of NIST ASD).
FINE_STRUCTURE = {"b": 10.17, "c": 29.58, "o": 77.97, "f": 134.7, "cl": 294.1}


@pytest.fixture(scope="module")
def diatomics(benchmark_data):
    return benchmark_data("diatomics")


def elements(molecule):
    return [symbol.lower() for symbol in molecule.symbols]


def test_total_energies_are_atoms_minus_well_depth(diatomics, benchmark_data, reference_values):
    atoms = reference_values(benchmark_data("atoms"), "nonrelativistic")
    ours = reference_values(diatomics, "nonrelativistic")
    depths = {entry["id"] for entry in diatomics.entries if not entry["observable"]}
    assert len(depths) == 18
    for name in depths:
        total = ours["h2_curve_1.40" if name == "h2" else f"{name}_total"]
        parts = sum(atoms[symbol] for symbol in elements(diatomics.systems[name]))
        assert parts - total == pytest.approx(ours[name] / KCAL_MOL, abs=6e-5), name


def test_measured_well_depths_follow_from_the_constants(diatomics, references_script):
    script = references_script("diatomics")
    measured = script.measured_well_depths()
    listed = {row["entry"]: float(row["value"]) for row in diatomics.references if row["set"] == "experiment"}
    assert set(measured) == set(listed)
    for name, (depth, _) in measured.items():
        assert listed[name] == pytest.approx(depth, abs=6e-5)
    # H2: Dunham's Y_00 and the adiabatic correction are left out, so 36118.07 cm^-1 + zero point is met to 10 cm^-1.
    assert measured["h2"][0] / KCAL_MOL * 219474.6 == pytest.approx(36118.07 + 2179.3, abs=10)


def test_other_well_depths_follow_from_their_sources(diatomics, references_script, reference_values):
    derived = references_script("diatomics").derived_well_depths()
    ours = reference_values(diatomics, "nonrelativistic")
    for name in ("h2", "lih", "li2"):
        assert ours[name] == pytest.approx(derived[name], abs=6e-4)
    assert reference_values(diatomics, "Lesiuk-2019")["be2"] == pytest.approx(derived["be2"], abs=1e-4)
    assert ours["be2"] == pytest.approx(
        derived["be2"], abs=0.007
    )  # two independent calculations, within the stated 2.5 cm^-1


def test_w4_exceeds_experiment_by_the_fine_structure_of_the_atoms(diatomics, reference_values):
    ours, measured = reference_values(diatomics, "nonrelativistic"), reference_values(diatomics, "experiment")
    for name in ("h2", "lih", "n2", "o2", "co", "hf"):
        fine = sum(FINE_STRUCTURE.get(symbol, 0) for symbol in elements(diatomics.systems[name])) / 219474.6 * KCAL_MOL
        assert -0.1 < ours[name] - measured[name] - fine < 0.25, name  # scalar relativity, 0.0–0.2 kcal/mol


def test_variational_energies_lie_above_the_exact_ones(diatomics, reference_values):
    exact, network = reference_values(diatomics, "nonrelativistic"), reference_values(diatomics, "FermiNet")
    assert network
    for name, energy in network.items():
        assert exact[name] < energy < exact[name] + 3e-4


def test_disputed_totals_really_disagree(diatomics, reference_values):
    exact = reference_values(diatomics, "nonrelativistic")
    quoted = {row["entry"]: row for row in diatomics.references if row["set"] == "quoted-exact"}
    assert len(quoted) == 7
    for name, row in quoted.items():
        assert (abs(float(row["value"]) - exact[name]) > 4.5e-4) == (row["status"] == "disputed"), name


def curve(diatomics, name):
    return sorted(
        (float(entry["coordinate"]), entry["id"], entry["stoichiometry"].partition(":")[0])
        for entry in diatomics.entries
        if entry["curve"] == name
    )


@pytest.mark.parametrize("name", ["h2", "n2", "lih", "hf"])
def test_geometry_of_curve_points_is_the_stated_coordinate(diatomics, name):
    points = curve(diatomics, name)
    assert len(points) == {"h2": 12}.get(name, 6)
    for distance, _, system in points:
        assert math.dist(*diatomics.systems[system].positions) == pytest.approx(distance * BOHR, abs=1e-9)


def test_h2_curve_is_smooth_and_tends_to_two_atoms(diatomics, reference_values):
    """Physics of the curve: minimum at 1.40 bohr, -C6/R^6 attraction only."""
    exact = reference_values(diatomics, "nonrelativistic")
    points = [(distance, exact[entry]) for distance, entry, _ in curve(diatomics, "h2")]
    energies = [energy for _, energy in points]
    lowest = energies.index(min(energies))
    assert points[lowest][0] == 1.4
    assert energies[: lowest + 1] == sorted(energies[: lowest + 1], reverse=True)
    assert energies[lowest:] == sorted(energies[lowest:])
    assert -1.005 < energies[-1] < -1.0


@pytest.mark.parametrize("distance", [1.4, *(pytest.param(r, marks=pytest.mark.slow) for r in (0.8, 2.5, 5.0))])
def test_h2_curve_bounds_full_ci_from_below(diatomics, reference_values, distance):
    """CCSD is full CI for two electrons: in cc-pVQZ above the exact energy and within two millihartree of it."""
    import pyscf
    import pyscf.cc

    molecule = pyscf.gto.M(atom=[("H", (0, 0, 0)), ("H", (0, 0, distance))], unit="Bohr", basis="cc-pvqz", verbose=0)
    field = pyscf.scf.RHF(molecule).run(conv_tol=1e-11)
    coupled = pyscf.cc.CCSD(field).run(conv_tol=1e-9, max_cycle=200)
    assert coupled.converged
    exact = reference_values(diatomics, "nonrelativistic")[f"h2_curve_{distance:.2f}"]
    assert exact < coupled.e_tot < exact + 2e-3


@pytest.mark.parametrize(
    ("name", "basis", "distance"), [("lih", "6-31g", 3.015), pytest.param("n2", "sto-6g", 2.8, marks=pytest.mark.slow)]
)
def test_full_ci_curves_are_recomputed(diatomics, reference_values, references_script, name, basis, distance):
    script = references_script("fci_curves")
    energy = script.fci_energy(script.diatomic(name, distance), basis)
    assert reference_values(diatomics, f"FCI/{basis}")[f"{name}_curve_{distance:.2f}"] == pytest.approx(
        energy, abs=2e-9
    )


@pytest.mark.parametrize(
    "name", ["n2", "hf", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lih", "co", "bh", "bf", "hcl"))]
)
def test_equilibrium_distance_is_a_minimum(diatomics, name):
    """MP2/cc-pVTZ is lower at r_e than at r_e -+ 0.05 angstrom: no distance in the wrong unit, no wrong state."""
    import pyscf
    import pyscf.mp

    molecule = diatomics.systems[name]

    def energy(shift):
        second = (0.0, 0.0, molecule.positions[1][2] + shift)
        mole = pyscf.gto.M(
            atom=list(zip(molecule.symbols, [(0, 0, 0), second], strict=True)), basis="cc-pvtz", verbose=0
        )
        return pyscf.mp.MP2(pyscf.scf.RHF(mole).run()).run().e_tot

    assert energy(0.0) < min(energy(-0.05), energy(0.05))
