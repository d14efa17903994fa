"""The learned correction: exact zeros, symmetries, size consistency, the Gaussian process against a second one."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from qmbench import Molecule, Resources, Unsupported, parse_level
from qmbench.data.benchmark import find_benchmark
from qmbench.running.plan import Task, plan_entry
from qmbench_ml.delta.model import CUTOFF, Contacts, Correction, Prior, contacts, switch

PRIOR = Prior(shared=1e-7, element=2e-7, typed=3e-7, length=0.3, decay=5.0, noise=1e-9)
HF, N2 = np.array([[0, 0, 0], [0, 0, 1.73]]), np.array([[0, 0, 0], [0, 0, 2.07]])
RNG = np.random.default_rng(1)


def dimer(distance: float, tilt: float = 0.3) -> tuple[list[str], np.ndarray]:
    turned = N2 @ Rotation.from_rotvec([tilt, 0.2, 0]).as_matrix().T
    return list("FHNN"), np.vstack([HF, turned + np.array([0, 0, distance])])


@pytest.fixture(scope="module")
def model() -> Correction:
    trained = [contacts(*dimer(r, t)) for r in (5.0, 5.5, 6.2, 7.0) for t in (0.1, 1.2)]
    return Correction.fit(Contacts.joined(trained), RNG.normal(size=8) * 1e-3, PRIOR, calibration=1.3)


def test_one_molecule_and_molecules_far_apart_have_no_correction(model):
    for system in ((["F", "H"], HF), dimer(40.0)):
        assert model.predict(contacts(*system)) == (0, 0)


def test_the_correction_does_not_know_of_place_direction_mirror_or_order(model):
    symbols, positions = dimer(5.3)
    value, spread = model.predict(contacts(symbols, positions))
    turn = Rotation.random(random_state=np.random.RandomState(3)).as_matrix()
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        moved = (positions @ turn.T * np.array([-1, 1, 1]) + RNG.normal(size=3))[order]
        again = model.predict(contacts([symbols[i] for i in order], moved))
        np.testing.assert_allclose(again, (value, spread), rtol=0, atol=1e-12)


def test_it_is_size_consistent(model):
    first, second = dimer(5.3), dimer(6.1)
    both = contacts(first[0] + second[0], np.vstack([first[1], second[1] + np.array([60.0, 0, 0])]))
    one, two = (model.predict(contacts(*d))[0][0] for d in (first, second))
    assert model.predict(both)[0][0] == pytest.approx(one + two, abs=1e-12)


def test_it_vanishes_smoothly_at_the_cutoff():
    assert switch(np.array([0.5, 1.0, CUTOFF, 3.0])).tolist() == [1, 1, 0, 0]
    step = 1e-3
    for edge in (1.0, CUTOFF):
        a, b, c = switch(np.array([edge - step, edge, edge + step]))
        assert abs(c - a) / (2 * step) < 1e-4
        assert abs(a - 2 * b + c) / step**2 < 0.1


def test_the_covariance_is_a_double_sum_over_contacts():
    systems = [contacts(*dimer(r)) for r in (5.1, 6.4)]
    expected = np.zeros((2, 2))
    for i, a in enumerate(systems):
        for j, b in enumerate(systems):
            for x, e, t in zip(a.x, a.elements, a.types, strict=True):
                for y, f, u in zip(b.x, b.elements, b.types, strict=True):
                    level = PRIOR.shared + PRIOR.element * (e == f) + PRIOR.typed * (t == u)
                    tails = np.prod([np.exp(-PRIOR.decay * (z - 1)) * switch(np.array([z]))[0] for z in (x, y)])
                    expected[i, j] += level * tails * np.exp(-0.5 * ((x - y) / PRIOR.length) ** 2)
    both = Contacts.joined(systems)
    np.testing.assert_allclose(PRIOR.covariance(both, both), expected, rtol=1e-12)


def test_mean_and_spread_agree_with_a_second_implementation(model):
    asked = Contacts.joined([contacts(*dimer(r, 0.7)) for r in (5.2, 6.6)])
    covariance = PRIOR.covariance(model.trained, model.trained) + PRIOR.noise * np.eye(8)
    targets = covariance @ model.weights
    across = PRIOR.covariance(asked, model.trained)
    inverse = np.linalg.inv(covariance)
    nearest = np.array([switch(asked.x[asked.system == i].min()) for i in range(2)])
    spread = np.sqrt(np.diag(PRIOR.covariance(asked, asked) - across @ inverse @ across.T) + PRIOR.noise * nearest**2)
    mean, own = model.predict(asked)
    np.testing.assert_allclose(mean, across @ inverse @ targets, rtol=1e-7)
    np.testing.assert_allclose(own, 1.3 * spread, rtol=1e-7)


def test_saved_and_loaded_it_predicts_the_same(model, tmp_path):
    model.save(tmp_path / "delta.npz")
    asked = contacts(*dimer(5.4))
    assert Correction.load(tmp_path / "delta.npz").predict(asked) == model.predict(asked)


def test_it_says_what_it_was_not_trained_on():
    method = parse_level("delta-ccsd(t)").make()
    with pytest.raises(Unsupported, match="not trained on He"):
        method.check(Molecule(("He",), ((0, 0, 0),), 0, 1), frozenset({"energy"}))
    with pytest.raises(Unsupported, match="charge 1"):
        method.check(Molecule(("H", "H", "H"), ((0, 0, 0), (1.6, 0, 0), (0.8, 1.4, 0)), 1, 1), frozenset({"energy"}))


def test_more_contact_than_in_any_training_complex_is_refused(model):
    trained = [contacts(*dimer(r, t)) for r in (5.0, 5.5, 6.2, 7.0) for t in (0.1, 1.2)]
    strengths = [model.strength(c)[0] for c in trained]
    assert max(strengths) == pytest.approx(1, abs=1e-12)
    assert min(strengths) < 0.5
    symbols, positions = dimer(5.0, 0.1)
    # Of two complexes far apart every contact is there twice: the correction, and its prior deviation, are doubled.
    both = contacts([*symbols, *symbols], np.vstack([positions, positions + np.array([80.0, 0, 0])]))
    assert model.strength(both)[0] == pytest.approx(2 * strengths[0], rel=1e-12)
    stack = [(x, 0.0, z) for z in (0.0, 5.6) for x in np.arange(6) * 2.7]
    stacked = Molecule(("C",) * 12, tuple(stack), 0, 1)
    with pytest.raises(Unsupported, match="times as much"):
        parse_level("delta-ccsd(t)").make().compute(stacked, frozenset({"energy"}), Resources())


def test_interaction_energies_are_counterpoise_corrected_as_the_training_data_were():
    level = parse_level("delta-ccsd(t)")
    benchmark = find_benchmark("rare_gas")
    entry = next(entry for entry in benchmark.entries if entry.id == "ne2_1.00")
    tasks: dict[str, Task] = {}
    assert plan_entry(level, "cp", benchmark, entry, tasks).bsse == "cp"
    fragments = [task.system for task in tasks.values() if "@" in task.system.name]
    assert fragments
    assert all(sum(system.ghosts) == 1 for system in fragments)
