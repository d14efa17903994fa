"""Which molecules are one, seen from elsewhere or in a mirror, and that a plan computes such a one once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import qmbench
from qmbench.data.suite import Selection, Suite, SuiteLevel
from qmbench.domain.systems import Molecule
from qmbench.domain.systems.congruence import TOLERANCE, congruent
from qmbench.running.plan import make_plan

# Four different atoms around a fifth: chiral.
CHIRAL = (("C", "H", "F", "O", "S"), ((0, 0, 0), (1, 1, 1), (-1.2, -1, 1), (-1, 1.4, -1), (1, -1, -1.6)))


def molecule(symbols=CHIRAL[0], positions=CHIRAL[1], charge=0, multiplicity=1, ghosts=()):
    return Molecule(symbols, tuple(map(tuple, np.asarray(positions, dtype=float))), charge, multiplicity, ghosts=ghosts)


def seen_from_elsewhere(one, seed, mirror=False):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(one.symbols))
    turn = Rotation.random(random_state=seed).as_matrix() * (-1 if mirror else 1)
    moved = (one.coordinates @ turn + rng.normal(0, 3, 3))[order]
    return molecule(
        [one.symbols[i] for i in order], moved, one.charge, one.multiplicity, [one.ghosts[i] for i in order]
    )


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    "one",
    [
        molecule(),
        molecule(("He",), [(1.0, 2.0, 3.0)]),
        molecule(("Ne", "He"), [(0, 0, 0), (0, 0, 5)], ghosts=(False, True)),
        molecule(("H", "C", "N"), [(0, 0, 0), (0, 0, 2), (0, 0, 4.2)]),
        molecule(("O", "C", "O"), [(0, 0, -2.2), (0, 0, 0), (0, 0, 2.2)]),
        molecule(("H",) * 4, [(0, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0)]),
        molecule(("H",) * 6, [(2, 0, 0), (-2, 0, 0), (0, 2, 0), (0, -2, 0), (0, 0, 2), (0, 0, -2)]),
    ],
)
def test_turned_shifted_mirrored_and_in_another_order(one, mirror):
    for seed in range(20):
        assert congruent(one, seen_from_elsewhere(one, seed, mirror))


def test_what_is_another_molecule():
    one = molecule()
    positions = np.array(CHIRAL[1], dtype=float)
    assert not congruent(one, molecule(charge=2))
    assert not congruent(one, molecule(multiplicity=3))
    assert not congruent(one, molecule(("C", "H", "F", "O", "O")))
    assert not congruent(one, molecule(("C", "F", "H", "O", "S")))  # two atoms change places
    assert not congruent(molecule(ghosts=(0, 1, 1, 0, 0)), molecule(ghosts=(1, 0, 0, 1, 0)))
    for centre in range(5):
        for by, same in ((0.5 * TOLERANCE, True), (20 * TOLERANCE, False)):
            moved = positions.copy()
            moved[centre] += (by, 0.0, 0.0)
            assert congruent(one, molecule(positions=moved)) is same, (centre, by)
    # equal distances from the centre, others between the atoms
    square, oblong = (
        [(x, y, 0.0), (-x, y, 0.0), (-x, -y, 0.0), (x, -y, 0.0)] for x, y in ((1.0, 1.0), (np.sqrt(1.5), np.sqrt(0.5)))
    )
    assert not congruent(molecule(("H",) * 4, square), molecule(("H",) * 4, oblong))


def test_the_halves_of_a_symmetric_dimer_are_computed_once(toy_folder, tmp_path):
    """One record for both, in either basis treatment; the value is that of both computed."""
    levels = tuple(SuiteLevel("hf/cc-pvdz", bsse) for bsse in ("cp", "vmfc"))
    suite = Suite("s", "S", (Selection(str(toy_folder), entries=("he2",)),), levels)
    plan = make_plan(suite)
    dimer = next(s for s in (task.system for task in plan.tasks) if not any(s.ghosts) and len(s.symbols) == 2)
    assert sorted(sum(task.system.ghosts) for task in plan.tasks) == [0, 1]
    assert all(len(planned.keys) == 2 for planned in plan.entries)
    made = qmbench.run(suite, store=tmp_path / "store.sqlite", workers=1, progress=False).results
    energies = [
        float(qmbench.compute("hf/cc-pvdz", system, store=tmp_path / "store.sqlite").properties["energy"].value)
        for system in (dimer, dimer.fragment(1, ghosts=True), dimer.fragment(2, ghosts=True))
    ]
    by_hand = (energies[0] - energies[1] - energies[2]) * qmbench.Quantity(1.0, "hartree").to("kcal/mol").value
    assert made["value"].tolist() == pytest.approx([by_hand] * 2, abs=1e-7)


def test_samples_are_not_used_twice(toy_folder):
    """A stochastic energy of each half has an error of its own: twice one error is more than two."""
    suite = Suite("s", "S", (Selection(str(toy_folder), entries=("he2",)),), (SuiteLevel("vmc/cc-pvdz", "cp"),))
    plan = make_plan(suite)
    assert sorted(sum(task.system.ghosts) for task in plan.tasks) in ([0, 1, 1], [0, 0, 0])
