"""The levels ml-hirshfeld and ml-hirshfeld+mbd: symmetries, exact limits, forces, errors, what they refuse."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

import numpy as np
import pytest

from qmbench import Fragment, InputError, Molecule, Resources, Unsupported, level, parse_level

RATIOS, DISPERSION = "ml-hirshfeld", "ml-hirshfeld+mbd"
METHANOL = Molecule(
    ("C", "O", "H", "H", "H", "H"),
    (
        (-0.09, 1.25, 0.02),
        (-0.06, -1.44, -0.03),
        (-2.06, 1.83, 0.05),
        (0.83, 2.02, 1.68),
        (0.84, 2.01, -1.66),
        (1.64, -2.00, 0.04),
    ),
    0,
    1,
    name="methanol",
)


def compute(level: str, molecule: Molecule, *properties: str) -> Any:
    method = parse_level(level).make()
    method.check(molecule, frozenset(properties))
    return method.compute(molecule, frozenset(properties), Resources())


def moved(molecule: Molecule, positions: np.ndarray) -> Molecule:
    return dataclasses.replace(molecule, positions=tuple(map(tuple, np.asarray(positions).tolist())))


def pair(distance: float) -> Molecule:
    """Methanol twice, the second turned, `distance` bohr from the first."""
    x = METHANOL.coordinates
    positions = np.vstack([x, x[:, [1, 2, 0]] + [0.0, 0.0, distance]])
    halves = (Fragment(tuple(range(6)), 0, 1), Fragment(tuple(range(6, 12)), 0, 1))
    return Molecule(METHANOL.symbols * 2, tuple(map(tuple, positions.tolist())), 0, 1, halves, name="pair")


def energy(molecule: Molecule) -> float:
    return compute(DISPERSION, molecule, "dispersion_energy").properties["dispersion_energy"].value


def test_turned_shifted_and_renumbered_molecules_are_the_same() -> None:
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    order = [4, 2, 0, 5, 1, 3]
    other = moved(METHANOL, METHANOL.coordinates @ turn.T + [1.0, -2.0, 0.5])
    other = dataclasses.replace(
        other, symbols=tuple(other.symbols[k] for k in order), positions=tuple(other.positions[k] for k in order)
    )
    names = ("hirshfeld_ratios", "dispersion_energy", "c6", "polarizability", "forces")
    first, second = compute(DISPERSION, METHANOL, *names).properties, compute(DISPERSION, other, *names).properties
    assert second["hirshfeld_ratios"].value == pytest.approx(first["hirshfeld_ratios"].value[order], abs=1e-10)
    assert second["hirshfeld_ratios"].uncertainty == pytest.approx(
        first["hirshfeld_ratios"].uncertainty[order], abs=1e-8
    )
    assert second["dispersion_energy"].value == pytest.approx(first["dispersion_energy"].value, abs=1e-10)
    assert second["c6"].value == pytest.approx(first["c6"].value, rel=1e-10)
    assert second["polarizability"].value == pytest.approx(turn @ first["polarizability"].value @ turn.T, abs=1e-9)
    assert second["forces"].value == pytest.approx((first["forces"].value @ turn.T)[order], abs=1e-10)


def test_far_molecules_know_nothing_of_each_other_but_dispersion() -> None:
    alone = compute(RATIOS, METHANOL, "hirshfeld_ratios").properties["hirshfeld_ratios"].value
    far = compute(RATIOS, pair(30.0), "hirshfeld_ratios").properties["hirshfeld_ratios"].value
    assert far == pytest.approx(np.tile(alone, 2), abs=1e-12)
    both = 2 * energy(METHANOL)
    near, twice = energy(pair(150.0)) - both, energy(pair(300.0)) - both
    assert near < 0
    assert near / twice == pytest.approx(64, rel=0.01)


def test_forces_are_the_derivative_of_the_energy() -> None:
    molecule = pair(7.5)
    forces = compute(DISPERSION, molecule, "forces").properties["forces"].value
    assert forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert np.cross(molecule.coordinates, forces).sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-11)
    direction = np.random.default_rng(1).normal(size=forces.shape)

    def at(h: float) -> float:
        return energy(moved(molecule, molecule.coordinates + h * direction))

    h = 2e-3
    slope = (at(-2 * h) - 8 * at(-h) + 8 * at(h) - at(2 * h)) / (12 * h)
    assert np.sum(forces * direction) == pytest.approx(-slope, rel=1e-6)


def test_a_free_atom_has_ratio_one_for_certain() -> None:
    for symbol, multiplicity in (("Ar", 1), ("H", 2), ("N", 4)):
        atom = Molecule((symbol,), ((0.3, 0.0, 0.0),), 0, multiplicity)
        found = compute(RATIOS, atom, "hirshfeld_ratios").properties["hirshfeld_ratios"]
        assert found.value == pytest.approx(1.0, abs=1e-10)
        assert found.uncertainty == pytest.approx(0.0, abs=1e-6)
        reference = compute("mbd?damping=pbe&ratios=free", atom, "c6").properties["c6"].value
        assert compute(DISPERSION, atom, "c6").properties["c6"].value == pytest.approx(reference, rel=1e-9)


def test_errors_follow_from_the_covariance_of_the_ratios() -> None:
    from qmbench_ml.hirshfeld.model import shipped

    prediction = shipped().predict(METHANOL.atomic_numbers, METHANOL.coordinates)
    found = compute(DISPERSION, METHANOL, "dispersion_energy", "c6", "polarizability").properties

    def at(name: str, ratios: np.ndarray) -> np.ndarray:
        text = ",".join(map(repr, ratios.tolist()))
        return np.asarray(compute(f"mbd?damping=pbe&ratios={text}", METHANOL, name).properties[name].value)

    for name, close in (("dispersion_energy", 1e-4), ("c6", 0.03), ("polarizability", 0.03)):
        assert found[name].uncertainty_kind == "model"
        assert np.asarray(found[name].value) == pytest.approx(at(name, prediction.ratios), rel=1e-12)
        steps = 1e-3 * np.eye(6)
        g = np.array([at(name, prediction.ratios + s) - at(name, prediction.ratios - s) for s in steps]) / 2e-3
        variance = np.einsum("i...,ij,j...->...", g, prediction.covariance, g)
        scale = np.max(np.sqrt(variance))
        assert np.asarray(found[name].uncertainty) == pytest.approx(np.sqrt(variance), abs=close * scale)


def test_the_stochastic_solver_agrees_within_its_error() -> None:
    dense = compute(DISPERSION, pair(8.0), "dispersion_energy").properties["dispersion_energy"]
    other = compute(f"{DISPERSION}?solver=stochastic", pair(8.0), "dispersion_energy").properties["dispersion_energy"]
    assert other.uncertainty_kind == "combined"
    statistical = np.sqrt(max(other.uncertainty**2 - dense.uncertainty**2, 1e-10))
    assert abs(other.value - dense.value) < 4 * statistical
    # The error of the ratios goes through the derivative of the pairwise energy.
    assert other.uncertainty > 0.3 * dense.uncertainty


def test_refusals() -> None:
    oxygen = Molecule(("O", "O"), ((0, 0, 0), (0, 0, 2.3)), 0, 3)
    ghost = dataclasses.replace(METHANOL, ghosts=(False,) * 5 + (True,), multiplicity=2)
    cases = (
        (oxygen, "multiplicity 3"),
        (dataclasses.replace(METHANOL, charge=1, multiplicity=2), "charge 1"),
        (Molecule(("S", "H", "H"), ((0, 0, 0), (1.8, 0, 1.8), (-1.8, 0, 1.8)), 0, 1), "not trained on S"),
        (ghost, "ghosts"),
        (Molecule(("N",), ((0, 0, 0),), 0, 2), "ground states"),
    )
    for name in (RATIOS, DISPERSION):
        for molecule, words in cases:
            with pytest.raises(Unsupported, match=words):
                parse_level(name).make().check(molecule, frozenset({"hirshfeld_ratios"}))
    with pytest.raises(Unsupported, match="dispersion_energy only"):
        parse_level(f"{DISPERSION}?solver=stochastic").make().check(METHANOL, frozenset({"c6"}))
    with pytest.raises(Unsupported, match="does not give energy"):
        parse_level(DISPERSION).make().check(METHANOL, frozenset({"energy"}))


def test_without_the_mbd_plugin_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from qmbench_ml.hirshfeld import methods

    def absent(level: str, **options: Any) -> None:
        raise InputError(f"unknown method '{level}'")

    monkeypatch.setattr(methods, "single_level", absent)
    with pytest.raises(Unsupported, match="pip install qmbench-mbd"):
        methods.LearnedRatios(methods.LearnedRatios.Options()).check(METHANOL, frozenset({"hirshfeld_ratios"}))


@pytest.mark.parametrize("name", ["damping", "solver", "probes", "seed"])
def test_options_are_those_of_mbd(name: str) -> None:
    ours = parse_level(DISPERSION).method.Options.model_fields[name]
    theirs = parse_level("mbd?damping=pbe&ratios=free").method.Options.model_fields[name]
    if name == "damping":  # of MBD's functionals we have those whose ratios are like PBE's, and a default
        assert set(get_args(ours.annotation)) <= set(get_args(theirs.annotation))
        return
    assert (ours.annotation, ours.default, ours.metadata) == (theirs.annotation, theirs.default, theirs.metadata)


def test_options_reach_mbd_as_they_are() -> None:
    found = compute(f"{DISPERSION}?damping=pbe0&probes=7&seed=5&solver=stochastic", METHANOL, "dispersion_energy")
    predicted = compute(RATIOS, METHANOL, "hirshfeld_ratios").properties["hirshfeld_ratios"].value
    mbd = level(
        "mbd", damping="pbe0", probes=7, seed=5, solver="stochastic", ratios=tuple(np.asarray(predicted).tolist())
    )
    alone = mbd.make().run(METHANOL, ["dispersion_energy"], Resources())
    assert found.properties["dispersion_energy"].value == alone.properties["dispersion_energy"].value


def test_unlike_anything_known_is_refused_or_uncertain() -> None:
    crushed = moved(METHANOL, 0.5 * METHANOL.coordinates)
    for name in (RATIOS, DISPERSION):
        with pytest.raises(Unsupported, match=r"the bond H-O of 0.47 Å \(atoms O2 and H6\) is outside"):
            compute(name, crushed, "hirshfeld_ratios")
    corners = 1.3 * np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    cube = Molecule(("N",) * 8, tuple(map(tuple, corners.tolist())), 0, 1)
    known = compute(RATIOS, METHANOL, "hirshfeld_ratios").properties["hirshfeld_ratios"]
    unknown = compute(RATIOS, cube, "hirshfeld_ratios").properties["hirshfeld_ratios"]
    assert unknown.uncertainty.min() > 0.1 > 3 * np.median(known.uncertainty)


def test_the_explanation_names_training_environments() -> None:
    from qmbench_ml.hirshfeld.model import shipped

    table = compute(RATIOS, METHANOL, "hirshfeld_ratios").explanation
    assert [row[0] for row in table.rows] == ["C1", "O2", "H3", "H4", "H5", "H6"]
    assert all(len(row) == len(table.columns) for row in table.rows)
    known = {molecule for sources in shipped().sources.values() for molecule, _ in sources}
    assert table.rows[0][3].split("; ")[0].rpartition(" atom ")[0] in known


def test_a_molecule_of_the_training_set_is_declared() -> None:
    assert compute(RATIOS, METHANOL, "hirshfeld_ratios").training_overlap.kind == "same molecule"
    water = Molecule(("O", "H", "H"), ((0.1, 0.2, 0.0), (1.7, 0.4, -0.3), (-0.6, 1.5, 0.5)), 0, 1)
    assert compute(RATIOS, water, "hirshfeld_ratios").training_overlap is None


def test_of_many_atoms_the_most_uncertain_are_explained() -> None:
    many = np.vstack([METHANOL.coordinates + np.array([0, 0, 20.0 * k]) for k in range(40)])
    molecule = Molecule(METHANOL.symbols * 40, tuple(map(tuple, many.tolist())), 0, 1)
    found = compute(RATIOS, molecule, "hirshfeld_ratios")
    rows = found.explanation.rows
    assert len(rows) == 50
    assert rows[0][2] == pytest.approx(found.properties["hirshfeld_ratios"].uncertainty.max(), abs=1e-4)


def test_the_shipped_model_is_small_and_covers_its_elements() -> None:
    from qmbench import ATOMIC_NUMBERS
    from qmbench_ml.hirshfeld.model import FILE, shipped

    assert FILE.stat().st_size < 2e6
    assert [ATOMIC_NUMBERS[symbol] for symbol in shipped().ranges.elements] == sorted(shipped().processes)


@pytest.mark.slow
def test_intervals_cover_held_out_molecules() -> None:
    import train_hirshfeld as train

    held_out = train.cross_validate(train.read())
    even = held_out.folds % 2 == 0
    calibration = held_out[even].calibration(train.COVERAGE)
    assert held_out[~even].coverage(calibration, 1.6449) == pytest.approx(0.9, abs=0.03)
