"""Systems: the rules of spin, fragments and ghosts, hashes that mean something, and the hopping of lattices."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmbench import ATOMIC_NUMBERS, ELEMENTS, Crystal, Fragment, InputError, LatticeModel, Molecule
from qmbench.domain.systems.nuclei import COINCIDENT, close_pair, thickness
from qmbench.plugging.registry import system_from_json

HE2 = Molecule(
    ("He", "He"),
    ((0.0, 0.0, 0.0), (0.0, 0.0, 5.6)),
    0,
    1,
    fragments=(Fragment((0,), 0, 1), Fragment((1,), 0, 1)),
    name="he2",
)
LITHIUM_HYDRIDE_IONS = Molecule(
    ("Li", "H", "H"),
    ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0), (0.0, 0.0, 5.0)),
    1,
    1,
    fragments=(Fragment((0,), 1, 1), Fragment((1, 2), 0, 1)),
)


def atom(symbol: str, charge: int = 0, multiplicity: int | None = None) -> Molecule:
    electrons = ATOMIC_NUMBERS[symbol] - charge
    return Molecule((symbol,), ((0.0, 0.0, 0.0),), charge, multiplicity or 1 + electrons % 2)


def test_elements_are_all_and_in_order():
    assert len(ELEMENTS) == 118
    # IUPAC, Pure Appl. Chem. 88, 265 (2016): one of each period, and those that are easy to swap.
    expected = {"H": 1, "Ne": 10, "Ar": 18, "Co": 27, "Ni": 28, "Te": 52, "I": 53, "Lu": 71, "Au": 79, "Og": 118}
    assert {s: ATOMIC_NUMBERS[s] for s in expected} == expected


def test_electrons_and_spins():
    oxygen = atom("O", multiplicity=3)
    assert oxygen.n_electrons == 8
    assert oxygen.n_alpha_beta == (5, 3)
    assert atom("O", charge=-1).n_electrons == 9
    assert atom("H", charge=1).n_alpha_beta == (0, 0)


@given(st.sampled_from(ELEMENTS[:36]), st.integers(-2, 3), st.integers(-1, 12))
def test_spin_rule(symbol, charge, multiplicity):
    """2S+1 is possible exactly when N − 2S is an even number and not negative."""
    electrons = ATOMIC_NUMBERS[symbol] - charge
    unpaired = multiplicity - 1
    possible = multiplicity >= 1 and 0 <= unpaired <= electrons and (electrons - unpaired) % 2 == 0
    make = lambda: Molecule((symbol,), ((0, 0, 0),), charge, multiplicity)  # noqa: E731
    if possible:
        up, down = make().n_alpha_beta
        assert up + down == electrons
        assert up - down == unpaired
    else:
        with pytest.raises(InputError, match=r"multiplicity|charge"):
            make()


def test_impossible_multiplicity_names_the_possible():
    with pytest.raises(InputError, match="multiplicity 2 is impossible with 10 electrons; possible: 1, 3, 5, …"):
        atom("Ne", multiplicity=2)
    with pytest.raises(InputError, match="multiplicity 4 is impossible with 1 electrons; possible: 2"):
        atom("H", multiplicity=4)
    with pytest.raises(InputError, match="charge 2 leaves -1 electrons"):
        atom("H", charge=2, multiplicity=1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"symbols": ("He", "Xx")}, "unknown element 'Xx'; did you mean 'Xe'"),
        ({"symbols": ()}, "no atoms"),
        ({"positions": ((0.0, 0.0, 0.0),)}, "2 symbols need 2 positions"),
        ({"positions": ((0.0, 0.0, 0.0), (0.0, 0.0, math.nan))}, "the position of atom 2 is not a finite number"),
        ({"positions": ((0.0, 0.0, math.inf), (0.0, 0.0, 0.0))}, "the position of atom 1 is not a finite number"),
        ({"positions": ((0.0, 0.0, 0.0), (0.0, 0.0, 0.05))}, "atoms 1 and 2 are on one spot"),
        ({"ghosts": (True,)}, "ghost flags"),
        ({"fragments": (Fragment((0,), 0, 1),)}, "each of the 2 atoms exactly once"),
        ({"fragments": (Fragment((0, 1), 0, 1), Fragment((1,), 0, 1))}, "exactly once"),
        ({"fragments": (Fragment((0,), 1, 2), Fragment((1,), 0, 1))}, "charges add up to 1, the system's is 0"),
        ({"fragments": (Fragment((0,), 0, 2), Fragment((1,), 0, 1))}, "fragment 1: multiplicity 2 is impossible"),
        ({"fragments": (Fragment((0,), 0, 1), Fragment((2,), 0, 1))}, "exactly once"),
        ({"charge": 0.5}, "charge must be a whole number"),
        ({"multiplicity": 1.0}, "multiplicity must be a whole number"),
        ({"multiplicity": True}, "multiplicity must be a whole number"),
    ],
)
def test_wrong_molecules_are_refused(fields, message):
    good = {"symbols": HE2.symbols, "positions": HE2.positions, "charge": 0, "multiplicity": 1}
    Molecule(**good)
    with pytest.raises(InputError, match=message):
        Molecule(**{**good, **fields})


def test_atoms_may_be_near_but_not_on_one_spot():
    Molecule(("H", "H"), ((0, 0, 0), (0, 0, COINCIDENT * 1.01)), 0, 1)
    with pytest.raises(InputError, match="on one spot"):
        Molecule(("H", "H"), ((0, 0, 0), (0, 0, COINCIDENT * 0.99)), 0, 1)


def test_ghosts_have_neither_nucleus_nor_electrons():
    one = HE2.fragment(1, ghosts=True)
    assert one.n_electrons == 2
    assert one.n_parts == 1
    assert one.atomic_numbers.tolist() == [2, 0]
    assert one.symbols == ("He", "He")
    assert one.formula == "He"
    with pytest.raises(InputError, match="multiplicity 2 is impossible with 2 electrons"):
        replace(one, multiplicity=2)


def test_fragments_keep_coordinates_charge_and_multiplicity():
    whole = LITHIUM_HYDRIDE_IONS
    ion, molecule = whole.fragment(1, ghosts=False), whole.fragment(2, ghosts=False)
    assert (ion.charge, ion.symbols, ion.n_electrons) == (1, ("Li",), 2)
    assert molecule.positions == whole.positions[1:]
    with_ghosts = whole.fragment(2, ghosts=True)
    assert with_ghosts.positions == whole.positions
    assert with_ghosts.ghosts == (True, False, False)
    assert with_ghosts.charge == 0
    with pytest.raises(InputError, match="has 2 fragments; there is no fragment 3"):
        whole.fragment(3, ghosts=False)
    with pytest.raises(InputError, match="there is no fragment 0"):
        whole.fragment(0, ghosts=False)


def test_bare_atoms_of_a_curve_are_one_system():
    near = HE2
    far = replace(HE2, positions=((0.0, 0.0, 0.0), (0.0, 0.0, 9.0)))
    assert near.fragment(2, ghosts=False).hash == far.fragment(2, ghosts=False).hash
    assert near.fragment(2, ghosts=True).hash != far.fragment(2, ghosts=True).hash


@pytest.mark.parametrize(
    ("symbols", "charge", "multiplicity", "formula"),
    [
        (("O", "H", "H"), 0, 1, "H2O"),
        (("C", "C", "H", "H", "H", "H"), 0, 1, "C2H4"),
        (("Li",), 1, 1, "Li+"),
        (("Be",), 2, 1, "Be2+"),
        (("O",), -2, 1, "O2-"),
        (("Cl", "Na"), 0, 1, "ClNa"),
    ],
)
def test_hill_formula(symbols, charge, multiplicity, formula):
    # Hill, J. Am. Chem. Soc. 22, 478 (1900): carbon, hydrogen, then by alphabet; all by alphabet without carbon.
    positions = tuple((0.0, 0.0, 2.0 * i) for i in range(len(symbols)))
    assert Molecule(symbols, positions, charge, multiplicity).formula == formula


def test_hash_is_stable_over_versions():
    """Stored records are found by this hash: a change here would orphan every store there is."""
    water = Molecule(("O", "H", "H"), ((0, 0, 0), (0, 1.5, 1.0), (0, -1.5, 1.0)), 0, 1, name="water")
    ring = LatticeModel((4,), ("periodic",), 1.0, 4.0, 4, 1)
    assert water.hash == "7bb9ecf3a2b911804f251af7"
    assert ring.hash == "e1843fca37ed4d6a79b85410"


def test_hash_leaves_the_name_out_and_nothing_else():
    assert replace(HE2, name="other").hash == HE2.hash
    assert replace(HE2, name="other") == HE2
    changes = [
        {"positions": ((0.0, 0.0, 0.0), (0.0, 0.0, 5.6 + 1e-12))},
        {"charge": 2, "fragments": ()},
        {"multiplicity": 3, "fragments": ()},
        {"fragments": ()},
        {"ghosts": (False, True), "fragments": ()},
        {"symbols": ("He", "Be"), "fragments": ()},
    ]
    hashes = {replace(HE2, **change).hash for change in changes}
    assert len(hashes | {HE2.hash}) == len(changes) + 1


def test_integers_and_floats_hash_alike():
    a = Molecule(["H", "H"], [[0, 0, 0], [0, 0, 2]], 0, 1)
    b = Molecule(("H", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 2.0)), 0, 1)
    assert a == b
    assert a.hash == b.hash
    c = LatticeModel([4], ["periodic"], 1, 4, 4, 1)
    d = LatticeModel((4,), ("periodic",), 1.0, 4.0, 4, 1)
    assert c.hash == d.hash


def test_negative_zero_is_zero():
    a = Molecule(("H", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 2.0)), 0, 1)
    b = Molecule(("H", "H"), ((-0.0, 0.0, -0.0), (0.0, -0.0, 2.0)), 0, 1)
    assert a == b
    assert a.hash == b.hash


coordinate = st.floats(-50.0, 50.0)


@given(
    st.lists(st.sampled_from(ELEMENTS[:20]), min_size=1, max_size=5),
    st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=5, max_size=5),
    st.integers(-2, 2),
)
def test_json_round_trip_keeps_every_bit(symbols, shifts, charge):
    positions = tuple((10.0 * i + x % 1.0, y, z) for i, (x, y, z) in enumerate(shifts))[: len(symbols)]
    electrons = sum(ATOMIC_NUMBERS[s] for s in symbols) - charge
    if electrons < 0:
        return
    molecule = Molecule(tuple(symbols), positions, charge, 1 + electrons % 2)
    again = system_from_json(json.loads(json.dumps(molecule.to_json())))
    assert again == molecule
    assert again.hash == molecule.hash
    assert again.positions == molecule.positions


def test_json_round_trip_of_fragments_ghosts_and_lattices():
    for system in (HE2, LITHIUM_HYDRIDE_IONS, HE2.fragment(1, ghosts=True)):
        again = system_from_json(json.loads(json.dumps(system.to_json())))
        assert again == system
        assert again.name == system.name
    lattice = LatticeModel((4, 2), ("periodic", "open"), 1.0, 4.0, 6, 1, tuple(range(8)), (0.1, 0.0), name="l")
    again = system_from_json(json.loads(json.dumps(lattice.to_json())))
    assert again == lattice
    assert again.hash == lattice.hash
    with pytest.raises(InputError, match="unknown kind of system 'quasicrystal'"):
        system_from_json({"kind": "quasicrystal"})


def test_systems_are_frozen():
    with pytest.raises(AttributeError):
        HE2.charge = 1
    with pytest.raises(ValueError, match="read-only"):
        HE2.coordinates[0, 0] = 1.0


SALT = Crystal(
    ("Na", "Cl"),
    ((0.0, 0.0, 0.0), (5.33, 0.0, 0.0)),
    ((0.0, 5.33, 5.33), (5.33, 0.0, 5.33), (5.33, 5.33, 0.0)),
    0,
    1,
    name="salt",
)


def test_a_crystal_counts_what_is_in_its_cell():
    assert (SALT.kind, SALT.n_parts, SALT.n_electrons, SALT.formula) == ("crystal", 2, 28, "ClNa")
    assert SALT.volume == pytest.approx(2 * 5.33**3)
    assert not SALT.coordinates.flags.writeable
    assert not SALT.lattice_vectors.flags.writeable
    assert replace(SALT, charge=1, multiplicity=2).formula == "ClNa+"


def test_the_hash_of_a_crystal_is_of_its_cell_and_atoms_and_not_of_its_name():
    assert replace(SALT, name="other").hash == SALT.hash
    others = [
        replace(SALT, cell=(*SALT.cell[:2], (5.33, 5.33, 0.1))),
        replace(SALT, positions=((0.0, 0.0, 0.0), (5.3, 0.0, 0.0))),
        replace(SALT, symbols=("K", "Cl")),
        replace(SALT, charge=2),
        replace(SALT, multiplicity=3),
        Molecule(SALT.symbols, SALT.positions, 0, 1),
    ]
    assert len({s.hash for s in others} | {SALT.hash}) == 7
    again = system_from_json(json.loads(json.dumps(SALT.to_json())))
    assert again == SALT
    assert (again.hash, again.name) == (SALT.hash, "salt")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"symbols": (), "positions": ()}, "no atoms"),
        ({"symbols": ("Na", "Xx")}, "unknown element 'Xx'"),
        ({"positions": ((0.0, 0.0, 0.0),)}, "2 symbols need 2 positions"),
        ({"positions": ((0.0, 0.0, 0.0), (0.0, math.nan, 0.0))}, "the position of atom 2 is not a finite number"),
        ({"cell": SALT.cell[:2]}, "three lattice vectors"),
        ({"cell": (*SALT.cell[:2], (math.inf, 0.0, 0.0))}, "three lattice vectors of three finite numbers"),
        ({"cell": (*SALT.cell[:2], (5.33, 5.33, 10.66))}, "no room"),
        ({"cell": ((9.0, 0, 0), (0, 9.0, 0), (0, 0, 0.5))}, "no room"),
        ({"positions": ((0.0, 0.0, 0.0), (5.33, 10.66, 5.37))}, "atoms 1 and 2 are on one spot"),
        ({"multiplicity": 2}, "multiplicity 2 is impossible with 28 electrons"),
        ({"charge": 0.5}, "charge must be a whole number"),
    ],
)
def test_wrong_crystals_are_refused(fields, message):
    with pytest.raises(InputError, match=message):
        replace(SALT, **fields)


def test_close_atoms_are_found_across_the_faces_of_any_cell():
    rng = np.random.default_rng(5)
    for _ in range(20):
        cell = 6 * np.eye(3) + rng.uniform(-2.5, 2.5, (3, 3))
        crystal = Crystal(("He",) * 4, (rng.uniform(-2, 2, (4, 3)) @ cell).tolist(), cell.tolist(), 0, 1)
        x = crystal.coordinates
        images = np.array(list(itertools.product(range(-7, 8), repeat=3))) @ cell
        distances = [
            (np.linalg.norm(x[i] - x[j] + images, axis=1).min(), i, j) for i, j in itertools.combinations(range(4), 2)
        ]
        nearest, i, j = min(distances)
        if nearest < thickness(cell) / 2:
            assert close_pair(crystal, nearest * 1.001) == (i, j, pytest.approx(nearest))
        assert close_pair(crystal, nearest * 0.999) is None


def test_thickness_is_the_smallest_distance_between_faces():
    assert thickness(np.diag([3.0, 4.0, 5.0])) == pytest.approx(3.0)
    assert thickness(np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0]])) == 0.0
    assert thickness(np.zeros((3, 3))) == 0.0


@given(st.lists(st.tuples(st.sampled_from(("H", "He", "O", "Og")), st.booleans()), min_size=1, max_size=6))
def test_electrons_are_counted_as_the_nuclear_charges_add_up(atoms):
    symbols, ghosts = zip(*atoms, strict=True)
    positions = tuple((3.0 * i, 0.0, 0.0) for i in range(len(symbols)))
    charge = sum(ATOMIC_NUMBERS[s] for s, ghost in atoms if not ghost) % 2
    molecule = Molecule(symbols, positions, charge, 1, ghosts=ghosts)
    assert molecule.n_electrons == int(molecule.atomic_numbers.sum()) - charge
    assert type(molecule.n_electrons) is int


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("axis", range(3))
def test_the_first_atom_that_is_nowhere_is_named(bad, axis):
    rows = [[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [6.0, 0.0, 0.0]]
    rows[1][axis] = rows[2][axis] = bad
    with pytest.raises(InputError, match="the position of atom 2 is not a finite number"):
        Molecule(("He",) * 3, tuple(map(tuple, rows)), 0, 1)
