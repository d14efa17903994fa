"""The shipped force fields: what they answer, how well, what they refuse, and that training makes them again."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qmbench import InputError, Molecule, QmbenchError, Resources, Unsupported, parse_level
from qmbench_ml.gdml import ForceField, coverage
from qmbench_ml.gdml.methods import Gdml
from qmbench_ml.gdml.shipped import FOLDER, load, names

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))
from train_gdml import DATA, TARGETS, split, trained

# Bond lengths as at equilibrium and a wide angle: inverse distances hardly tell it from training geometries.
WIDE = np.radians(75)
BENT = 1.8 * np.array([(0, 0, 0), (np.sin(WIDE), 0, -np.cos(WIDE)), (-np.sin(WIDE), 0, -np.cos(WIDE))])
BOTH = frozenset({"energy", "forces"})


@pytest.fixture(scope="module")
def parts():
    found = {}
    for name in names():
        with np.load(DATA / f"gdml_{name}.npz") as data:
            found[name] = split(name, dict(data))
    return found


def molecule(name: str, positions: np.ndarray, **fields) -> Molecule:
    return Molecule(tuple(TARGETS[name].symbols), positions.tolist(), 0, 1, **fields)


def predict(name: str, system: Molecule):
    return parse_level(f"gdml?model={name}").make().compute(system, BOTH, Resources())


def test_held_out_coverage(parts):
    """At least 90 % are within 1.645 error bars, of geometries that were used for nothing, and few beyond 3; in the
    middle a bar is no wider than it has to be: no more than a third of the energies are beyond one."""
    counted = [(len(p["test"]), *coverage(load(name), p["test"])) for name, p in parts.items()]
    assert min(min(energies, forces) for _, energies, forces in counted) > 0.9
    beyond = [(len(p["test"]), *coverage(load(name), p["test"], 3.0)) for name, p in parts.items()]
    assert np.average([energies for _, energies, _ in beyond], weights=[n for n, _, _ in beyond]) > 0.997
    one = coverage(load("water"), parts["water"]["test"], 1.0)
    assert 0.6 < one[0] < 0.8


@pytest.mark.parametrize(("name", "energy", "force"), [("water", 2.5e-5, 2e-4), ("formaldehyde", 1.5e-5, 1e-4)])
def test_errors_on_unseen_geometries(parts, name, energy, force):
    """Regression: mean absolute errors, hartree and hartree/bohr."""
    model, test = load(name), parts[name]["test"]
    assert np.abs(model.energies(test.positions) - test.energies).mean() < energy
    assert np.abs(model.forces(test.positions) - test.forces).mean() < force


def test_hot_geometries_are_refused_or_covered(parts):
    """At 12,000 K most are refused; error bars of the others cover, and errors are below half a millihartree."""
    refused, answered, bars = [], [], []
    for name, p in parts.items():
        for x, energy in zip(p["hot"].positions, p["hot"].energies, strict=True):
            try:
                found = predict(name, molecule(name, x)).properties["energy"]
                answered.append(abs(found.value - energy))
                bars.append(found.uncertainty)
            except Unsupported as error:
                refused.append(str(error))
    assert len(refused) > len(answered)
    assert all("far from the training data" in r or "its bonds are not those" in r for r in refused)
    assert len(answered) > 10
    assert max(np.array(answered) / np.array(bars)) < 3


def test_any_order_of_the_atoms_will_do(parts):
    x = parts["methanol"]["test"].positions[3]
    whole = predict("methanol", molecule("methanol", x))
    order = np.random.default_rng(1).permutation(6)
    shuffled = Molecule(tuple("COHHHH"[i] for i in order), x[order].tolist(), 0, 1)
    other = predict("methanol", shuffled)
    assert other.properties["energy"].value == pytest.approx(whole.properties["energy"].value, abs=1e-10)
    assert np.abs(other.properties["forces"].value - whole.properties["forces"].value[order]).max() < 1e-10
    assert np.allclose(other.properties["forces"].uncertainty, whole.properties["forces"].uncertainty[order])


def test_other_molecules_are_refused_in_one_line(parts):
    x = parts["water"]["test"].positions[0]
    water = molecule("water", x)
    wrong = [
        ("methanol", water, "the model is of methanol (CH4O), not of H2O"),
        ("water", replace(water, charge=1, multiplicity=2), "charge 0 and multiplicity 1, not 1 and 2"),
        ("water", replace(water, ghosts=(False, False, True), charge=-1), "with ghosts"),
        ("water", molecule("water", x * [[1], [1], [3]]), "its bonds are not those of water"),
        (
            "water",
            molecule("water", BENT),
            "the angle H-O-H of 150° (atoms H2 and H3) is outside the training data (78",
        ),
        ("water", molecule("water", 1.2 * x), "far from the training data of water: the bond H-O of 1.32 Å"),
        ("water", molecule("water", parts["water"]["test"].positions[5]), "standard deviations from the 10 nearest"),
    ]
    for name, system, said in wrong:
        with pytest.raises(Unsupported) as caught:
            parse_level(f"gdml?model={name}").make().check(system, BOTH)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


def test_isomers_are_told_apart(parts):
    """Hydroxycarbene has formaldehyde's atoms, and other bonds."""
    carbene = ((0.0, 0.0, 0.0), (0.0, 0.0, 2.5), (2.0, 0.0, -0.5), (1.7, 0.0, 3.2))
    with pytest.raises(Unsupported, match="its bonds are not those of formaldehyde"):
        predict("formaldehyde", Molecule(tuple("COHH"), carbene, 0, 1))


def test_wrong_models_are_named():
    with pytest.raises(InputError, match=r"must be a shipped model \(formaldehyde, methanol, water\) or a file"):
        parse_level("gdml?model=watre")
    with pytest.raises(QmbenchError, match="model: Field required"):
        parse_level("gdml")


def test_a_known_geometry_is_declared(parts):
    known = predict("water", molecule("water", parts["water"]["train"].positions[5]))
    unseen = predict("water", molecule("water", parts["water"]["test"].positions[4]))
    assert known.training_overlap.kind == "same geometry"
    assert unseen.training_overlap.kind == "same molecule"
    assert unseen.training_overlap.molecule == "water"
    assert known.explanation.rows[0][0] == "training geometry 6"


def test_explanation(parts):
    """The nearest training geometries, then every atom with the error of its force."""
    result = predict("water", molecule("water", parts["water"]["test"].positions[0]))
    table, bars = result.explanation, result.properties["forces"].uncertainty
    assert [row[0] for row in table.rows[-3:]] == ["O1", "H2", "H3"]
    assert [row[3] for row in table.rows[-3:]] == pytest.approx(np.linalg.norm(bars, axis=1))
    distances = [row[1] for row in table.rows[:5]]
    assert distances == sorted(distances)
    assert distances[0] == result.training_overlap.distance
    assert load("water").shares(parts["water"]["test"].positions[:1]).sum() == pytest.approx(1)


def test_shipped_models_load_in_no_time():
    for name in names():
        started = time.process_time()
        ForceField.load(FOLDER / f"gdml_{name}.npz")
        assert time.process_time() - started < 1


@pytest.mark.slow
def test_training_makes_the_shipped_model_again(parts):
    again, x = trained("water", parts["water"]), parts["water"]["test"].positions
    assert np.abs(again.energies(x) - load("water").energies(x)).max() < 1e-8
    assert np.abs(again.forces(x) - load("water").forces(x)).max() < 1e-8
    assert np.abs(again.errors(x)[0] - load("water").errors(x)[0]).max() < 1e-8


def test_method_is_registered():
    assert parse_level("gdml?model=water").method is Gdml
