"""Energies: closed forms, libMBD's numbers, invariances and limits."""

import dataclasses

import numpy as np
import pytest

from qmbench import InputError, NotConverged, Unsupported
from qmbench_mbd.models import COUPLING_OF_VARIANT, combined_c6, coupled_energy, mbd_energy, potential_matrix, ts_energy
from qmbench_mbd.oscillators import Oscillators, frequency_grid
from qmbench_mbd.parameters import from_volume_ratios
from qmbench_mbd.quanta import bogoliubov
from qmbench_mbd.response import molecular_c6, spectrum
from qmbench_mbd.screening import screen
from qmbench_mbd.screening_equations import RangeSeparation

# A damping length far below any distance: f = 1 to the last digit.
UNDAMPED = 1e-3


def equal(positions, alpha: float = 10.0, omega: float = 0.6) -> Oscillators:
    n = len(positions)
    c6 = 0.75 * omega * alpha**2
    return Oscillators(np.asarray(positions, float), np.full(n, alpha), np.full(n, c6), np.full(n, 3.0))


def settings(variant: str) -> tuple[float, float]:
    return (1.0, 2.56) if variant == "scs" else (0.83, 6.0)


def rpa_energy(o: Oscillators, beta: float, orders: int = 0, n_frequencies: int = 30) -> tuple[float, np.ndarray]:
    """(1/2π) ∫ Tr ln(1 + α(iu) T) du in hartree, and its terms of order 2 to `orders` in T: 10.1063/1.4789814."""
    strength = np.tile(o.strength, 3)
    t = potential_matrix(o, beta) / np.outer(strength, strength)
    np.fill_diagonal(t, 0.0)
    u, weights = frequency_grid(n_frequencies)
    energy, terms = 0.0, np.zeros(max(orders - 1, 0))
    for alpha, weight in zip(o.polarizability(u), weights / (2 * np.pi), strict=True):
        root = np.sqrt(np.tile(alpha, 3))
        x = np.linalg.eigvalsh(root[:, None] * t * root)
        energy += weight * np.sum(np.log1p(x))
        terms -= [weight * np.sum((-x) ** m) / m for m in range(2, orders + 1)]
    return energy, terms


@pytest.mark.parametrize("r", [3.0, 5.0, 9.0])
def test_two_equal_oscillators(r):
    alpha, omega = 10.0, 0.6
    x = alpha / r**3
    exact = 0.5 * omega * sum(np.sqrt(1 + s) - 1 for s in (2 * x, -2 * x, x, x, -x, -x))
    assert coupled_energy(equal([[0, 0, 0], [0, 0, r]]), UNDAMPED) == pytest.approx(exact, abs=1e-15, rel=0)


def test_argon_dimer_has_libmbds_energies(argon_pair):
    # libMBD's tests (bohr = 0.529177249 Å); plain and TS with its test's own parameters of argon
    assert mbd_energy(from_volume_ratios(argon_pair, ["Ar"] * 2, [1, 1]), 0.83) == pytest.approx(
        -0.0002462647623815428, abs=1e-12, rel=0
    )
    o = Oscillators(argon_pair, np.full(2, 11.0), np.full(2, 63.525), np.full(2, 3.55))
    assert mbd_energy(o, 0.83, variant="plain") == pytest.approx(-0.00024329110270970844, abs=1e-12, rel=0)
    assert ts_energy(o, 0.94) == pytest.approx(-0.000318123017869182, abs=1e-12, rel=0)


def test_argon_dimer_rpa_orders(argon_pair):
    # libMBD's tests; the third order vanishes for two atoms
    o = screen(from_volume_ratios(argon_pair, ["Ar"] * 2, [1, 1]), RangeSeparation(0.83, 6.0)).oscillators
    energy, orders = rpa_energy(o, 0.83, orders=4)
    assert energy == pytest.approx(-0.0002462647623815428, abs=1e-13, rel=0)
    assert orders == pytest.approx([-0.0002461558113413099, 0.0, -1.0885208380438466e-07], abs=1e-15, rel=1e-9)


def test_benzene_dimer_has_libmbds_interaction_energies(benzene_dimer):
    first, second, both = benzene_dimer

    def interaction(energy) -> float:
        return energy(both) - energy(first) - energy(second)

    assert interaction(lambda o: mbd_energy(o, 0.83)) == pytest.approx(-0.006312323931302544, rel=1e-11)
    assert interaction(lambda o: mbd_energy(o, 1.0, 2.56, "scs")) == pytest.approx(-0.007462380657774048, rel=1e-11)
    assert interaction(lambda o: ts_energy(o, 0.94)) == pytest.approx(-0.008490052683234028, rel=1e-12)
    assert mbd_energy(first, 0.83, variant="plain") == pytest.approx(-0.007002398506090302, rel=1e-12)


def test_rpa_energy_equals_mbd_energy(benzene):
    assert rpa_energy(benzene, 0.83)[0] == pytest.approx(mbd_energy(benzene, 0.83, variant="plain"), abs=1e-12)


def test_london_c6_and_axilrod_teller_c9():
    alpha, omega, r = 10.0, 0.6, 40.0
    c6, c9 = 0.75 * omega * alpha**2, 9 / 16 * omega * alpha**3
    _, orders = rpa_energy(equal([[0, 0, 0], [0, 0, r]]), UNDAMPED, orders=3, n_frequencies=40)
    assert orders == pytest.approx([-c6 / r**6, 0.0], rel=1e-12, abs=1e-20)
    triangle = [[0, 0, 0], [r, 0, 0], [r / 2, r * np.sqrt(3) / 2, 0]]
    _, orders = rpa_energy(equal(triangle), UNDAMPED, orders=3, n_frequencies=40)
    assert orders[1] == pytest.approx(11 / 8 * c9 / r**9, rel=1e-9)
    _, orders = rpa_energy(equal([[0, 0, 0], [0, 0, r], [0, 0, 2 * r]]), UNDAMPED, orders=3, n_frequencies=40)
    assert orders[1] == pytest.approx(-2 * c9 / (r * r * 2 * r) ** 3, rel=1e-9)


def test_unequal_oscillators_have_the_combination_rule_s_c6():
    o = Oscillators(np.array([[0, 0, 0], [0, 0, 30.0]]), np.array([5.0, 20.0]), np.array([30.0, 300.0]), np.ones(2))
    _, orders = rpa_energy(o, UNDAMPED, orders=2, n_frequencies=60)
    assert orders[0] == pytest.approx(-combined_c6(o.alpha, o.c6)[0, 1] / 30.0**6, rel=1e-9)


def together(a: Oscillators, b: Oscillators) -> Oscillators:
    return Oscillators(*(np.concatenate([getattr(a, f), getattr(b, f)]) for f in ("positions", "alpha", "c6", "radii")))


def test_ts_tends_to_the_pairwise_sum(benzene):
    moved = dataclasses.replace(benzene, positions=benzene.positions + np.array([0.0, 0.0, 1000.0]))
    interaction = ts_energy(together(benzene, moved), 0.94) - 2 * ts_energy(benzene, 0.94)
    # the two energies of 7e-3 hartree leave 1e-17 of rounding in a difference of 2e-15
    assert interaction == pytest.approx(-combined_c6(benzene.alpha, benzene.c6).sum() / 1000.0**6, abs=2e-17)
    near = benzene.positions * 30
    spread = dataclasses.replace(benzene, positions=near)
    r = np.linalg.norm(near[:, None] - near[None, :], axis=-1) + np.diag([np.inf] * 12)
    london = -0.5 * np.sum(combined_c6(benzene.alpha, benzene.c6) / r**6)
    assert ts_energy(spread, 0.94) == pytest.approx(london, rel=1e-9)
    assert mbd_energy(spread, 0.83) == pytest.approx(london, rel=1e-3)


def test_far_molecules_attract_by_their_c6(benzene):
    # The mean over the twelve proper rotations of a tetrahedron of both molecules is the isotropic average.
    distance = 300.0
    energies = []
    for first in _tetrahedral():
        for second in _tetrahedral()[::3]:
            a = dataclasses.replace(benzene, positions=benzene.positions @ first.T)
            b = dataclasses.replace(benzene, positions=benzene.positions @ second.T + [0, 0, distance])
            energies.append(bogoliubov(together(a, b), 0.83).energy)
    interaction = np.mean(energies) - 2 * bogoliubov(benzene, 0.83).energy
    c6 = molecular_c6(*spectrum(benzene, 0.83))
    assert interaction == pytest.approx(-c6 / distance**6, rel=3e-3)
    assert abs(c6 / combined_c6(benzene.alpha, benzene.c6).sum() - 1) > 0.02


def _tetrahedral() -> list[np.ndarray]:
    cyclic = np.roll(np.eye(3), 1, axis=0)
    signs = [np.diag(d) for d in ([1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1])]
    return [np.linalg.matrix_power(cyclic, k) @ s for s in signs for k in range(3)]


def _rotation(rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)


@pytest.mark.parametrize("variant", [*COUPLING_OF_VARIANT, "ts"])
def test_translation_rotation_permutation(benzene, variant):
    rng = np.random.default_rng(1)

    def energy(o: Oscillators) -> float:
        return ts_energy(o, 0.94) if variant == "ts" else mbd_energy(o, *settings(variant), variant)

    order = rng.permutation(12)
    moved = Oscillators(
        (benzene.positions @ _rotation(rng).T + [3.0, -8.0, 1.0])[order],
        benzene.alpha[order],
        benzene.c6[order],
        benzene.radii[order],
    )
    assert energy(moved) == pytest.approx(energy(benzene), rel=1e-11)


def test_unscreened_far_atoms_keep_their_polarizability(benzene):
    spread = dataclasses.replace(benzene, positions=benzene.positions * 40)
    assert screen(spread, RangeSeparation(0.83, 6.0)).oscillators.alpha == pytest.approx(benzene.alpha, rel=1e-9)


def test_static_screened_polarizability_is_the_response_to_a_field(benzene):
    # An independent route: solve for the dipoles that a uniform field induces, one direction at a time.
    frequencies, strengths = spectrum(benzene, 0.83)
    from qmbench_mbd.dipole import by_atom
    from qmbench_mbd.models import potential_matrix
    from qmbench_mbd.response import polarizability

    strength = np.repeat(benzene.omega * np.sqrt(benzene.alpha), 3)
    v = by_atom(potential_matrix(benzene, 0.83))
    field = np.kron(np.ones((12, 1)), np.eye(3))
    dipoles = strength[:, None] * np.linalg.solve(v, strength[:, None] * field)
    assert polarizability(frequencies, strengths, np.zeros(1))[0] == pytest.approx(
        dipoles.reshape(12, 3, 3).sum(0), rel=1e-10, abs=1e-10
    )


@pytest.mark.parametrize("variant", ["plain", "rsscs"])
def test_polarization_catastrophe_never_gives_a_number(variant):
    o = from_volume_ratios(
        np.array([[0, 0, 0], [0, 0, 3.0], [0, 0, 6.0], [0, 0, 9.0]]), ["Cs", "Na", "Cs", "Na"], [1] * 4
    )
    with pytest.raises(NotConverged, match="catastrophe"):
        mbd_energy(o, 0.3, variant=variant)


def test_an_imaginary_mode_is_named_with_its_atoms():
    o = equal([[0, 0, 0], [0, 0, 2.5], [0, 0, 60.0]])
    with pytest.raises(NotConverged, match=r"mode 1 \(ω² = -.*atoms [12] [12]\)"):
        coupled_energy(o, UNDAMPED)


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="same place"):
        mbd_energy(equal([[0, 0, 0], [0, 0, 0]]), 0.83)
    with pytest.raises(InputError, match="positive"):
        equal([[0, 0, 0]], alpha=-1.0)
    with pytest.raises(InputError, match="variant"):
        mbd_energy(equal([[0, 0, 0], [0, 0, 9]]), 0.83, variant="rscs")
    with pytest.raises(Unsupported, match="Og"):
        from_volume_ratios(np.zeros((1, 3)), ["Og"], [1.0])
