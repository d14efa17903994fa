"""The leakage guard: it does not know of order, place or mirror, finds what is there, and S22 is clean."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from qmbench import Fragment, Molecule, TrainingOverlap
from qmbench.data.benchmark import benchmark_folders, load_benchmark
from qmbench_ml.training_set import SAME_GEOMETRY, TrainingSet, pieces, shipped, structure

METHANOL = Molecule(
    tuple("COHHHH"),
    (
        (-0.09, 1.25, 0.0),
        (-0.09, -1.44, 0.0),
        (-2.06, 1.83, 0.0),
        (0.83, 2.02, 1.68),
        (0.83, 2.02, -1.68),
        (1.64, -2.0, 0.0),
    ),
    0,
    1,
    name="methanol",
)
FLUORIDE = ((0.0, 0.0, 0.0), (1.73, 0.0, 0.0))
RNG = np.random.default_rng(0)


def with_positions(molecule: Molecule, positions: np.ndarray, order: np.ndarray | None = None) -> Molecule:
    order = np.arange(len(positions)) if order is None else order
    symbols = tuple(molecule.symbols[i] for i in order)
    return Molecule(symbols, tuple(map(tuple, positions[order].tolist())), 0, 1)


def complexed(first: Molecule, symbols: tuple[str, ...], positions: np.ndarray, ghosts: bool = False) -> Molecule:
    """`first` with a second molecule beside it, real or of ghosts."""
    n, total = len(first.symbols), len(first.symbols) + len(symbols)
    return Molecule(
        first.symbols + symbols,
        first.positions + tuple(map(tuple, positions.tolist())),
        0,
        1,
        () if ghosts else (Fragment(tuple(range(n)), 0, 1), Fragment(tuple(range(n, total)), 0, 1)),
        tuple(i >= n and ghosts for i in range(total)),
    )


@pytest.fixture(scope="module")
def known() -> TrainingSet:
    return TrainingSet.of({"monomers": [METHANOL], "others": [Molecule(("H", "F"), FLUORIDE, 0, 1, name="HF")]})


def test_the_same_geometry_is_found_turned_mirrored_moved_and_in_another_order(known):
    for _ in range(5):
        turn = Rotation.random(random_state=np.random.RandomState(RNG.integers(2**31))).as_matrix()
        moved = METHANOL.coordinates @ turn.T * [1, 1, -1] + RNG.normal(size=3)
        hit = known.overlap(with_positions(METHANOL, moved, RNG.permutation(6)))
        assert hit.kind == "same geometry"
        assert hit.molecule == "methanol"
        assert hit.distance == pytest.approx(0, abs=1e-6)


def test_a_distorted_molecule_is_the_same_molecule_at_a_distance(known):
    hit = known.overlap(with_positions(METHANOL, METHANOL.coordinates * 1.05))
    assert hit.kind == "same molecule"
    apart = METHANOL.coordinates[:, None] - METHANOL.coordinates
    pairs = np.linalg.norm(apart, axis=-1)[np.triu_indices(6, 1)]
    assert hit.distance == pytest.approx(0.05 * np.sqrt(np.mean(pairs**2)), rel=1e-5)


def test_a_broken_bond_is_another_molecule_unless_the_distances_agree(known):
    assert known.overlap(Molecule(("F", "H"), ((0, 0, 0), (5.0, 0, 0)), 0, 1)) is None


def test_an_isomer_is_another_molecule():
    ether = "C 0 0 0, O 2.6 0 0, C 3.6 2.5 0".split(", ")
    alcohol = "C 0 0 0, C 2.6 0 0, O 3.6 2.5 0".split(", ")
    graphs = []
    for text in (ether, alcohol):
        rows = [row.split() for row in text]
        graphs.append(structure([r[0] for r in rows], np.array([r[1:] for r in rows], dtype=float)))
    assert graphs[0] != graphs[1]


def test_a_part_of_a_complex_is_found_and_ghosts_are_not_seen(known):
    beside = np.array(FLUORIDE) + np.array([0, 0, 9.0])
    assert known.overlap(complexed(METHANOL, ("H", "F"), beside)).kind == "same molecule"
    assert known.overlap(complexed(METHANOL, ("H", "F"), beside, ghosts=True)).kind == "same geometry"
    assert known.overlap(complexed(METHANOL, ("H", "F"), beside), parts=["others"]).molecule == "HF"
    assert known.overlap(complexed(METHANOL, ("H", "F"), beside, ghosts=True), parts=["others"]) is None
    assert known.overlap(METHANOL, parts=["others"]) is None


def test_an_atom_has_one_geometry():
    argon = Molecule(("Ar",), ((1.0, 2.0, 3.0),), 0, 1, name="argon")
    assert TrainingSet.of({"a": [argon]}).overlap(argon) == TrainingOverlap("argon", 0.0, "same geometry")


def test_saved_and_loaded_it_answers_the_same(known, tmp_path):
    known.save(tmp_path / "set.npz")
    assert TrainingSet.load(tmp_path / "set.npz").overlap(METHANOL) == known.overlap(METHANOL)


def test_the_shipped_list_holds_methanol_and_no_molecule_of_s22():
    hit = shipped().overlap(METHANOL, parts=["monomers", "dimers"])
    assert hit.kind == "same molecule"
    assert hit.molecule.startswith("methanol")
    assert hit.distance > SAME_GEOMETRY
    s22 = load_benchmark(benchmark_folders()["s22"])
    complexes = [s22.system(name) for name in s22.system_ids]
    assert len(complexes) == 22
    assert all(len(pieces(m)) == 3 for m in complexes)  # the complex and its two molecules
    assert [shipped().overlap(m, parts=["monomers", "dimers"]) for m in complexes] == [None] * 22
