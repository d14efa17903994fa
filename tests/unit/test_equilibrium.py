"""Equilibrium geometries and vibrations: exact for model potentials, refused and not converged by their names."""

import hashlib
import json
import math

import numpy as np
import pytest

from qmbench import Method, Molecule, NotConverged, Options, Quantity, Resources, Result, Unsupported
from qmbench.domain.equilibrium import DERIVED, derivable, harmonic_frequencies, masses
from qmbench.domain.formulas import Place
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.observables import OBSERVABLES, Part, evaluate
from qmbench.domain.units import HARTREE_IN_CM1

DEPTH, RANGE, DISTANCE = 0.17, 1.03, 1.4
H2 = Molecule(("H", "H"), ((0.1, 0.2, -0.3), (0.1, 0.2, 1.3)), 0, 1, name="h2")


class Morse(Method[Molecule]):
    """Every pair in one Morse potential."""

    name = "morse"
    systems = (Molecule,)
    properties = frozenset({"energy", "forces"})
    sign = 1.0
    calls = 0

    def compute(self, system, properties, resources):
        type(self).calls += 1
        x = system.coordinates
        energy, forces = 0.0, np.zeros_like(x)
        for i in range(len(x)):
            for j in range(i):
                apart = x[i] - x[j]
                r = float(np.linalg.norm(apart))
                decay = math.exp(-RANGE * (r - DISTANCE))
                energy += self.sign * DEPTH * (1 - decay) ** 2
                slope = self.sign * 2 * DEPTH * RANGE * decay * (1 - decay)
                forces[i] -= slope * apart / r
                forces[j] += slope * apart / r
        return Result({"energy": Quantity(energy, "hartree"), "forces": Quantity(forces, "hartree/bohr")})


class Repulsive(Morse):
    """Nothing is bound."""

    name = "repulsive"

    def compute(self, system, properties, resources):
        x = system.coordinates
        apart = x[0] - x[1]
        r = float(np.linalg.norm(apart))
        force = apart / r**2
        found = {
            "energy": Quantity(-math.log(r), "hartree"),
            "forces": Quantity(np.array([force, -force]), "hartree/bohr"),
        }
        return Result(found)


class Noisy(Morse):
    """With sampling noise."""

    name = "noisy"
    stochastic = True


class EnergyAlone(Morse):
    """No forces."""

    name = "energy-alone"
    properties = frozenset({"energy"})


def run(method, molecule, properties, tmp_path):
    return method(Options()).run(molecule, properties, Resources(scratch=tmp_path, artifacts=tmp_path / "artifacts"))


def test_a_morse_oscillator_has_its_distance_well_and_frequency(tmp_path):
    found = run(Morse, H2, sorted(DERIVED), tmp_path)
    positions = found.properties["equilibrium_geometry"].value
    assert np.linalg.norm(positions[1] - positions[0]) == pytest.approx(DISTANCE, abs=1e-4)
    start = DEPTH * (1 - math.exp(-RANGE * (1.6 - DISTANCE))) ** 2
    assert found.properties["equilibrium_energy"].value == pytest.approx(0.0, abs=1e-9)
    assert found.properties["relaxation_energy"].value == pytest.approx(start, abs=1e-9)
    reduced = float(masses(("H",))[0]) / 2
    exact = RANGE * math.sqrt(2 * DEPTH / reduced) * HARTREE_IN_CM1
    # The differences are off by E'''' h²/6 = 14 D a⁴ h²/6: 3e-5 of the force constant; the distance by 1e-4 bohr.
    assert found.properties["harmonic_frequencies"].value == pytest.approx([exact], rel=3e-4)
    assert found.properties["zero_point_energy"].value == pytest.approx(exact / 2 / HARTREE_IN_CM1, rel=3e-4)
    assert found.settings["geometry_optimization"]["largest_force_hartree_bohr"] < 1.5e-5


def test_an_equilateral_triangle_of_springs(tmp_path):
    """A1' at √(3k/m), E' at √(3k/2m): Herzberg, Infrared and Raman Spectra (1945), II,193."""
    corners = [(1.5 * math.cos(a), 1.5 * math.sin(a), 0.3) for a in (0.2, 0.2 + 2 * math.pi / 3, 0.2 + 4 * math.pi / 3)]
    h3 = Molecule(("H", "H", "H"), tuple(corners), 1, 1)
    found = run(Morse, h3, ["harmonic_frequencies"], tmp_path).properties["harmonic_frequencies"].value
    k, m = 2 * DEPTH * RANGE**2, float(masses(("H",))[0])
    exact = [math.sqrt(1.5 * k / m), math.sqrt(1.5 * k / m), math.sqrt(3 * k / m)]
    assert found == pytest.approx(np.array(exact) * HARTREE_IN_CM1, rel=1e-3)


def test_a_linear_molecule_has_one_vibration_more_and_turning_changes_none():
    rng = np.random.default_rng(7)
    x = np.array([[0, 0, -2.2], [0, 0, 0], [0, 0, 2.2]])
    mass = masses(("O", "C", "O"))
    k = 1.0
    stretch = np.zeros((3, 3, 3, 3))
    for i, j in ((0, 1), (1, 2)):
        for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
            stretch[a, 2, b, 2] += sign * k
    found = harmonic_frequencies(stretch, x, mass)
    assert len(found) == 4
    symmetric = math.sqrt(k / mass[0]) * HARTREE_IN_CM1
    antisymmetric = math.sqrt(k * (1 / mass[0] + 2 / mass[1])) * HARTREE_IN_CM1
    assert found[2:] == pytest.approx([symmetric, antisymmetric], rel=1e-9)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turned = np.einsum("ab,ibjc,dc->iajd", turn, stretch, turn)
    # What is zero is so to the square root of rounding errors, a few 1e-3 cm-1.
    assert harmonic_frequencies(turned, x @ turn.T + 5.0, mass) == pytest.approx(found, rel=1e-7, abs=0.05)


def test_a_saddle_point_is_told(tmp_path):
    chain = Molecule(("H", "H", "H"), ((0, 0, -1.3), (0, 0, 0), (0, 0, 1.3)), 1, 1)
    found = run(Morse, chain, ["harmonic_frequencies"], tmp_path)
    assert found.properties["harmonic_frequencies"].value[0] < -100
    assert "no minimum" in found.warnings[0]


def test_what_has_no_equilibrium_is_not_converged(tmp_path):
    with pytest.raises(NotConverged, match="no equilibrium geometry after 300 steps"):
        run(Repulsive, H2, ["equilibrium_geometry"], tmp_path)


@pytest.mark.parametrize(
    ("method", "molecule", "prop", "why"),
    [
        (Noisy, H2, "equilibrium_geometry", "sampling noise"),
        (EnergyAlone, H2, "equilibrium_geometry", "does not give equilibrium_geometry"),
        (Morse, Molecule(("He",), ((0, 0, 0),), 0, 1), "harmonic_frequencies", "does not vibrate"),
        (Morse, Molecule(("H", "H"), H2.positions, 0, 2, ghosts=(False, True)), "equilibrium_energy", "ghost"),
    ],
)
def test_what_is_refused(method, molecule, prop, why):
    with pytest.raises(Unsupported, match=why):
        method(Options()).check(molecule, frozenset({prop}))


def test_tasks_share_the_geometry(tmp_path):
    run(Morse, H2, ["equilibrium_geometry"], tmp_path)
    before = Morse.calls
    run(Morse, H2, ["relaxation_energy"], tmp_path)
    assert Morse.calls == before


def test_keys_hold_how_a_property_was_derived(monkeypatch):
    level = LevelOfTheory(Morse, Options())
    keys = {prop: level.key(H2, prop) for prop in ("energy", "equilibrium_energy")}
    whole = {"property": "equilibrium_energy", "system": H2.hash}
    whole |= {"level": level.identity, "derivation": level.derivation}
    text = json.dumps(whole, sort_keys=True).encode()
    assert keys["equilibrium_energy"] == hashlib.sha256(text).hexdigest()[:32]
    monkeypatch.setattr("qmbench.domain.equilibrium.identity", lambda: {"code": "another", "ase": "0"})
    elsewhere = LevelOfTheory(Morse, Options())
    assert elsewhere.key(H2, "energy") == keys["energy"]
    assert elsewhere.key(H2, "equilibrium_energy") != keys["equilibrium_energy"]
    assert derivable(frozenset({"energy"})) == frozenset()


def test_observables_of_geometries_name_atoms_and_vibrations():
    water = Molecule(("O", "H", "H"), ((0, 0, 0), (1.8, 0, 0), (0, 1.9, 0)), 0, 1)
    part = [Part(1.0, Quantity(water.coordinates, "bohr"), "w", water)]
    assert evaluate(OBSERVABLES["equilibrium_bond_length"], Place("O1-H3"), part).value == pytest.approx(1.9)
    modes = [Part(1.0, Quantity(np.array([1600.0, 3700.0]), "cm-1"), "w", water)]
    assert evaluate(OBSERVABLES["harmonic_frequency"], Place("2"), modes).value == 3700.0
    from qmbench import InputError

    for observable, place, of in (("equilibrium_bond_length", "", part), ("harmonic_frequency", "3", modes)):
        with pytest.raises(InputError, match="state"):
            evaluate(OBSERVABLES[observable], Place(place), of)


class Weak(Morse):
    """A Lennard-Jones potential, 4ε((s/r)¹² − (s/r)⁶), as weak as that of two helium atoms."""

    name = "weak"
    depth, size = 3.5e-5, 5.6 / 2 ** (1 / 6)

    def compute(self, system, properties, resources):
        type(self).calls += 1
        x = system.coordinates
        energy, forces = 0.0, np.zeros_like(x)
        for i in range(len(x)):
            for j in range(i):
                apart = x[i] - x[j]
                r = float(np.linalg.norm(apart))
                q = (self.size / r) ** 6
                energy += 4 * self.depth * (q * q - q)
                force = 24 * self.depth * (2 * q * q - q) / r
                forces[i] += force * apart / r
                forces[j] -= force * apart / r
        return Result({"energy": Quantity(energy, "hartree"), "forces": Quantity(forces, "hartree/bohr")})


class Pushing(Morse):
    """Closed shells without dispersion: exp(−2.4 r) and nothing else, whose curvature is positive everywhere."""

    name = "pushing"

    def compute(self, system, properties, resources):
        apart = system.coordinates[0] - system.coordinates[1]
        r = float(np.linalg.norm(apart))
        force = 2.4 * 5.0 * math.exp(-2.4 * r) * apart / r
        found = {"energy": Quantity(5.0 * math.exp(-2.4 * r), "hartree")}
        return Result({**found, "forces": Quantity(np.array([force, -force]), "hartree/bohr")})


def dimer(symbol, distance):
    return Molecule((symbol, symbol), ((0.1, 0.2, 0.3), (0.1, 0.2, 0.3 + distance)), 0, 1)


@pytest.mark.parametrize(
    ("method", "molecule", "why"),
    [
        (Morse, dimer("H", 14.0), "14.00 bohr apart"),  # the forces are of 3e-7
        (Pushing, dimer("He", 5.0), "does not bind"),
        (Pushing, dimer("He", 9.0), "9.00 bohr apart"),
        (Weak, dimer("He", 13.0), "13.00 bohr apart"),  # attracted, with 1e-7
        (Weak, dimer("He", 7.5), "7.50 bohr apart"),  # attracted by less than the threshold, and no minimum is here
    ],
)
def test_parts_that_nothing_holds_together_are_not_converged(method, molecule, why, tmp_path):
    with pytest.raises(NotConverged, match=why) as caught:
        run(method, molecule, ["equilibrium_geometry", "harmonic_frequencies"], tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("start", "within"), [(5.0, 2.1), (5.3, 2.1), (5.6, 1.25), (5.9, 2.1), (6.2, 2.1)])
def test_a_weakly_bound_pair_has_an_error_bar_that_holds(start, within, tmp_path):
    """Force constant of the potential: 72 ε/r². The distance is known to the threshold of forces over it, 0.19 bohr."""
    found = run(Weak, dimer("He", start), ["equilibrium_geometry"], tmp_path).properties["equilibrium_geometry"]
    distance = evaluate(
        OBSERVABLES["equilibrium_bond_length"], Place(""), [Part(1.0, found, "he2", dimer("He", start))]
    )
    exact = 1.5e-5 / (72 * Weak.depth / 5.6**2)
    assert found.uncertainty_kind == "estimate"
    # The force constant is that of a chord over 0.6 bohr and more, near where the search ended.
    assert exact / within <= distance.uncertainty <= exact * within
    assert abs(distance.value - 5.6) <= 2 * distance.uncertainty


def test_a_bond_is_known_to_the_threshold_over_its_force_constant(tmp_path):
    found = run(Morse, H2, ["equilibrium_geometry"], tmp_path).properties["equilibrium_geometry"]
    apart, u = found.value[1] - found.value[0], found.uncertainty
    axis = apart / np.linalg.norm(apart)
    assert np.sqrt((u**2).sum(axis=0) @ axis**2) == pytest.approx(1.5e-5 / (2 * DEPTH * RANGE**2), rel=0.01)


def test_a_cluster_has_error_bars_and_a_molecule_in_one_part_has_none(tmp_path):
    side = 5.7
    triangle = Molecule(("He", "He", "He"), ((0, 0, 0), (side, 0, 0), (side / 2, side * math.sqrt(3) / 2, 0.4)), 0, 1)
    found = run(Weak, triangle, ["equilibrium_geometry"], tmp_path).properties["equilibrium_geometry"]
    sides = [np.linalg.norm(found.value[i] - found.value[j]) for i, j in ((0, 1), (1, 2), (0, 2))]
    assert sides == pytest.approx([5.6] * 3, abs=0.2)
    assert 0.05 < np.linalg.norm(found.uncertainty, axis=1).max() < 0.3
    corners = ((0.0, 0.0, 0.0), (1.4, 0.1, 0.0), (0.7, 1.3, 0.0))
    h3 = run(Morse, Molecule(("H", "H", "H"), corners, 1, 1), ["equilibrium_geometry"], tmp_path)
    assert h3.properties["equilibrium_geometry"].uncertainty is None
