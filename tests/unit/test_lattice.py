"""Hopping matrices against the analytic bands of free particles, and what a lattice model refuses."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmbench import InputError, LatticeModel


def lattice(lengths, boundary, **fields) -> LatticeModel:
    given_fields = {"t": 1.0, "u": 4.0, "electrons": 2, "multiplicity": 1, **fields}
    return LatticeModel(tuple(lengths), tuple(boundary), **given_fields)


def momenta(length: int, boundary: str, twist: float = 0.0) -> np.ndarray:
    """Allowed wave numbers of a ring: 2π n/L, shifted by half a step when antiperiodic and by the twist."""
    shift = {"periodic": 0.0, "antiperiodic": 0.5}[boundary] + twist
    return 2 * np.pi * (np.arange(length) + shift) / length


def bands(lengths, boundary, twist=None) -> np.ndarray:
    """−2t Σ cos k of every momentum (rings), or −2t cos(π n/(L+1)) for open directions, sorted."""
    per_axis = []
    for axis, (length, kind) in enumerate(zip(lengths, boundary, strict=True)):
        if kind == "open":
            k = np.pi * np.arange(1, length + 1) / (length + 1)
        else:
            k = momenta(length, kind, twist[axis] if twist else 0.0)
        per_axis.append(-2.0 * np.cos(k))
    return np.sort([sum(e) for e in itertools.product(*per_axis)])


@pytest.mark.parametrize("boundary", ["periodic", "antiperiodic", "open"])
@pytest.mark.parametrize("length", [2, 3, 4, 5, 6, 10, 17])
def test_chain_has_the_band_of_free_particles(length, boundary):
    h = lattice([length], [boundary]).hopping_matrix()
    np.testing.assert_allclose(np.linalg.eigvalsh(h), bands([length], [boundary]), atol=1e-12)


@pytest.mark.parametrize(
    ("lengths", "boundary"),
    [
        ((4, 4), ("periodic", "periodic")),
        ((4, 4), ("antiperiodic", "antiperiodic")),
        ((4, 4), ("periodic", "antiperiodic")),
        ((3, 5), ("open", "periodic")),
        ((2, 6), ("open", "antiperiodic")),
        ((2, 3, 4), ("periodic", "open", "antiperiodic")),
    ],
)
def test_square_and_cubic_lattices_have_the_sum_of_the_bands(lengths, boundary):
    h = lattice(lengths, boundary).hopping_matrix()
    np.testing.assert_allclose(np.linalg.eigvalsh(h), bands(lengths, boundary), atol=1e-12)


@given(
    st.lists(st.tuples(st.integers(2, 6), st.floats(-1, 1)), min_size=1, max_size=2),
    st.sampled_from(["periodic", "antiperiodic"]),
)
def test_twist_shifts_the_momenta(axes, kind):
    lengths, twist = zip(*axes, strict=True)
    boundary = (kind,) * len(lengths)
    h = lattice(lengths, boundary, twist=twist).hopping_matrix()
    np.testing.assert_allclose(h, h.conj().T, atol=1e-14)
    np.testing.assert_allclose(np.linalg.eigvalsh(h), bands(lengths, boundary, twist), atol=1e-11)


def test_half_a_twist_is_antiperiodic():
    twisted = lattice([6], ["periodic"], twist=(0.5,)).hopping_matrix()
    anti = lattice([6], ["antiperiodic"]).hopping_matrix()
    np.testing.assert_allclose(twisted, anti, atol=1e-14)
    assert np.isrealobj(anti)


def test_matrix_elements_of_a_small_chain():
    h = lattice([3], ["periodic"], t=0.5, onsite=(1.0, 2.0, 3.0)).hopping_matrix()
    np.testing.assert_array_equal(h, [[1.0, -0.5, -0.5], [-0.5, 2.0, -0.5], [-0.5, -0.5, 3.0]])
    ring_of_two = lattice([2], ["periodic"]).hopping_matrix()
    np.testing.assert_array_equal(ring_of_two, [[0.0, -2.0], [-2.0, 0.0]])


def test_sites_are_numbered_with_the_last_direction_fastest():
    h = lattice([2, 3], ["open", "open"]).hopping_matrix()
    neighbours = {tuple(pair) for pair in np.argwhere(np.triu(h))}
    assert neighbours == {(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)}


def test_one_site_has_no_hopping_when_open():
    np.testing.assert_array_equal(lattice([1], ["open"]).hopping_matrix(), [[0.0]])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lattice": ()}, "positive lengths"),
        ({"lattice": (0,)}, "positive lengths"),
        ({"lattice": (4.5,)}, "lattice must be a whole number, not 4.5"),
        ({"boundary": ("periodic", "open")}, r"one boundary condition per direction \(1\), not 2"),
        ({"boundary": ("cyclic",)}, "unknown boundary 'cyclic'"),
        ({"boundary": ("antiperodic",)}, "did you mean 'antiperiodic'"),
        ({"onsite": (1.0,)}, r"one energy per site \(4\), not 1"),
        ({"twist": (0.1, 0.1)}, r"one phase per direction \(1\), not 2"),
        ({"u": math.nan}, "finite"),
        ({"t": math.inf}, "finite"),
        ({"onsite": (0.0, 0.0, 0.0, math.nan)}, "finite"),
        ({"electrons": 9, "multiplicity": 2}, "9 electrons do not fit on 4 sites"),
        ({"electrons": -2}, "there can't be -2 electrons"),
        ({"electrons": 4.0}, "electrons must be a whole number"),
        ({"electrons": 3}, "multiplicity 1 is impossible with 3 electrons"),
        ({"electrons": 7, "multiplicity": 4}, "multiplicity 4 needs more empty sites"),
        ({"boundary": ("open",), "twist": (0.1,)}, "an open direction has no bond to twist"),
    ],
)
def test_wrong_lattices_are_refused(fields, message):
    good = {"lattice": (4,), "boundary": ("periodic",), "t": 1.0, "u": 4.0, "electrons": 4, "multiplicity": 1}
    LatticeModel(**good)
    with pytest.raises(InputError, match=message):
        LatticeModel(**{**good, **fields})


def test_every_field_is_in_the_hash():
    start = lattice([4], ["periodic"], electrons=4)
    changes = [
        {"lattice": (6,)},
        {"boundary": ("antiperiodic",)},
        {"t": 1.1},
        {"u": 4.1},
        {"electrons": 2},
        {"multiplicity": 3},
        {"onsite": (0.0, 0.0, 0.0, 0.1)},
        {"twist": (0.1,)},
    ]
    assert len({replace(start, **c).hash for c in changes} | {start.hash}) == len(changes) + 1


def test_spins_and_counts():
    model = lattice([4, 3], ["open", "open"], electrons=5, multiplicity=2)
    assert model.n_sites == model.n_parts == 12
    assert model.n_alpha_beta == (3, 2)


def test_zeros_are_the_same_as_nothing():
    plain = lattice([4], ["periodic"])
    assert lattice([4], ["periodic"], onsite=(0.0,) * 4, twist=(0.0,)).hash == plain.hash
    with pytest.raises(InputError, match="not 3"):
        lattice([4], ["periodic"], onsite=(0.0,) * 3)
