"""Identities that ensemble density functional theory must fulfil."""

from __future__ import annotations

import numpy as np
import pytest
from edft_state_averaged import state_averaged_energy

from qmbench import InputError, Unsupported
from qmbench_edft import extraction as ex
from qmbench_edft.ensemble import (
    Ensemble,
    bi_ensemble,
    check_monotone,
    gok1_ensemble,
    gok2_ensemble,
    gok_multiplets,
    ground_ensemble,
)
from qmbench_edft.functionals import Functional
from qmbench_edft.grid import default_grid
from qmbench_edft.kohn_sham import bound_level
from qmbench_edft.multiplets import GROUND, TWO_S_SQUARED, multiplet
from qmbench_edft.scf import solve

STATES = [multiplet(name) for name in ("2 3S", "2 1S", "2 3P", "2 1P")]
WEIGHTS = (0.05, 0.2, 0.5, 0.8, 1.0)


def approximation(name, **choices):
    own = {"lda": "pw92", "qlda": "own", "elda": "own"}
    return ex.Approximation(name, own.get(name, "none"), **choices)


def level(s, n, l):
    """Energy and orbital nl of a solution's potential, occupied or not."""
    return bound_level(s.grid, (n, l), s.potential, f"{s.functional.name} potential")


def test_weights():
    up_to_2s = gok_multiplets(multiplet("2 1S"))
    assert gok1_ensemble(up_to_2s, 1.0).weights == pytest.approx((1 / 5,) * 3)
    assert gok1_ensemble(up_to_2s, 0.0).weights == pytest.approx((1 / 4, 1 / 4, 0.0))
    assert gok2_ensemble(up_to_2s, 0.0).weights == pytest.approx((1.0, 0.0, 0.0))
    assert gok2_ensemble(up_to_2s, 0.5).weights == pytest.approx((0.6, 0.1, 0.1))
    assert bi_ensemble(multiplet("2 3P"), 0.5).weights == pytest.approx((0.55, 0.05))
    assert bi_ensemble(multiplet("2 3P"), 0.5).occupations == pytest.approx([1.55, 0.45])
    for e in (gok1_ensemble(up_to_2s, 0.3), gok2_ensemble(up_to_2s, 0.3)):
        check_monotone(e)
        assert e.occupations.sum() == pytest.approx(2)


def test_ensembles_that_the_theory_forbids():
    with pytest.raises(Unsupported, match="leaves out 2 3S"):
        bi_ensemble(multiplet("3 3S"), 0.5)
    with pytest.raises(Unsupported, match="resonance"):
        gok_multiplets(TWO_S_SQUARED)
    with pytest.raises(Unsupported, match="resonance"):
        bi_ensemble(TWO_S_SQUARED, 0.5)
    with pytest.raises(InputError, match="must not increase"):
        check_monotone(Ensemble((GROUND, multiplet("2 3S")), (0.1, 0.3)))
    with pytest.raises(InputError, match="sum to 1"):
        Ensemble((GROUND, multiplet("2 3S")), (0.5, 0.5))


@pytest.mark.parametrize("target", STATES, ids=str)
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", ["sehx", "gic"])
def test_virial(name, target, weight):
    s = solve(Functional(name), bi_ensemble(target, weight), 2.0)
    assert s.energy + s.ts == pytest.approx(0, abs=5e-9)


def test_virial_of_the_ensemble_of_seventeen_states():
    for e in (
        gok1_ensemble(gok_multiplets(multiplet("2 1P")), 0.7),
        gok2_ensemble(gok_multiplets(multiplet("2 1P")), 0.7),
    ):
        s = solve(Functional("sehx"), e, 2.0)
        assert s.energy + s.ts == pytest.approx(0, abs=5e-9)


@pytest.mark.parametrize("target", STATES, ids=str)
def test_bounds(target, exact_helium):
    for weight in (0.3, 1.0):
        e = bi_ensemble(target, weight)
        exact = float(e.multiplet_weights @ [exact_helium[s].energy for s in e.multiplets])
        oep = solve(Functional("sehx"), e, 2.0)
        averaged = state_averaged_energy(e, 2.0, oep)
        kli = solve(Functional("sehx"), e, 2.0, "kli")
        assert exact < averaged - 1e-3
        assert averaged < oep.energy - 1e-6
        assert oep.energy < kli.energy


def test_state_averaged_hartree_fock_of_the_ground_state_is_hartree_fock():
    assert state_averaged_energy(ground_ensemble(), 2.0) == pytest.approx(-2.86167999561, abs=1e-9)


@pytest.mark.parametrize("target", STATES, ids=str)
def test_curvature(target):
    def curve(functional, lowest=0.4, wider=2.0):
        # one grid for all, so that its error can't bend the curve; the ghosts' diffuse orbitals need a wide one
        grid = default_grid(2.0, 2, wider)
        weights = np.linspace(lowest, 1.0, 4)
        return np.diff([solve(functional, bi_ensemble(target, w), 2.0, grid=grid).energy for w in weights], 2)

    assert (curve(Functional("sehx")) < 0).all()
    assert (curve(Functional("lda", "pw92")) > 0).all()
    if target.multiplicity == 3:
        assert (curve(Functional("eexx"), 0.8, 4.0) > 0).all()


@pytest.mark.parametrize("name", ["lda", "qlda", "eexx", "gic", "sehx", "elda"])
@pytest.mark.parametrize("target", STATES, ids=str)
def test_gap_plus_derivative_is_the_slope_of_the_energy(name, target):
    weight = 1.0 if name == "eexx" else 0.6
    a = approximation(name, weight=weight)
    tolerance = 1e-5 if name == "elda" else 2e-7
    assert ex.gap(a, 2.0, target)[0].value == pytest.approx(ex.slope(a, 2.0, target).value, abs=tolerance)


@pytest.mark.parametrize("kind", ["gok1", "gok2"])
def test_gap_plus_derivative_is_the_slope_in_large_ensembles(kind):
    for name in ("sehx", "qlda"):
        a = approximation(name, ensemble=kind, weight=0.6)
        target = multiplet("2 3P")
        assert ex.gap(a, 2.0, target)[0].value == pytest.approx(ex.slope(a, 2.0, target).value, abs=2e-7)


def test_kli_is_not_variational():
    a = approximation("sehx", weight=0.5, equation="kli")
    assert abs(ex.gap(a, 2.0, multiplet("2 3S"))[0].value - ex.slope(a, 2.0, multiplet("2 3S")).value) > 1e-4


def test_spin_blindness_of_unpolarised_lda():
    # what depends on the density alone can't tell the triplet's ensemble from a singlet's of equal occupations
    functional = Functional("lda", "pw92")
    triplet = solve(functional, Ensemble((GROUND, multiplet("2 3S")), (0.4, 0.2)), 2.0)
    singlet = solve(functional, Ensemble((GROUND, multiplet("2 1S")), (0.4, 0.6)), 2.0)
    assert triplet.energy == pytest.approx(singlet.energy, abs=1e-11)
    sehx = [solve(Functional("sehx"), s.ensemble, 2.0).energy for s in (triplet, singlet)]
    assert sehx[1] - sehx[0] > 0.01


def test_ghost_corrections_agree_where_multiplets_are_complete():
    # all of 1s2s and 1s2p, equally weighted: the average over determinants is the average over eigenstates
    e = gok2_ensemble(gok_multiplets(multiplet("2 1P")), 0.8)
    assert solve(Functional("gic"), e, 2.0).energy == pytest.approx(solve(Functional("sehx"), e, 2.0).energy, abs=1e-10)


def test_first_rungs_and_two_kinds_of_ensembles_agree():
    one, two = (
        ex.ladder(approximation("sehx", ensemble=k, weight=0.7), 2.0, multiplet("2 1P")) for k in ("gok1", "gok2")
    )
    direct = ex.gap(approximation("sehx", weight=0.7), 2.0, multiplet("2 3S"))[0].value
    assert one[multiplet("2 3S")].value == pytest.approx(direct, abs=1e-9)
    assert two[multiplet("2 3S")].value == pytest.approx(direct, abs=1e-9)
    # secants from w = 0 to the equiensemble see only equiensembles, whichever way the weights go
    kinds = [
        ex.ladder(approximation("sehx", ensemble=k, weight=1.0), 2.0, multiplet("2 1P"), secant=True)
        for k in ("gok1", "gok2")
    ]
    for s in kinds[0]:
        assert kinds[0][s].value == pytest.approx(kinds[1][s].value, abs=1e-8)


def dec_parts(name):
    grid = default_grid(2.0, 3)
    s = solve(Functional("sehx"), ground_ensemble(), 2.0, grid=grid)
    return grid, s, lambda target: ex.dec(Functional(name), target, s.potential, grid, "exx")


@pytest.mark.parametrize("target", [*STATES, multiplet("3 3S"), multiplet("3 1P"), multiplet("3 1D")], ids=str)
def test_dec_with_symmetry_eigenstates_is_the_gap_and_the_exchange_integral(target):
    grid, s, dec = dec_parts("sehx")
    inner, outer = s.orbitals[0], level(s, *target.outer)[1]
    exchange = grid.slater_g(target.l, inner, outer) / (2 * target.l + 1)
    sign = -1 if target.multiplicity == 3 else 1
    gap = level(s, *target.outer)[0] - s.orbital_energies[0]
    assert dec(target).value == pytest.approx(gap + sign * exchange, abs=1e-9)


def test_dec_of_other_functionals():
    grid, s, _ = dec_parts("gic")
    inner, outer = s.orbitals[0], level(s, 2, 0)[1]
    j, k = grid.slater_f(0, inner, outer), grid.slater_g(0, inner, outer)
    gap = level(s, 2, 0)[0] - s.orbital_energies[0]
    t = multiplet("2 3S")
    assert dec_parts("gic")[2](t).value == pytest.approx(gap - 2 * k / 3, abs=1e-9)
    assert dec_parts("lda")[2](t).value == pytest.approx(gap, abs=1e-9)
    # the ghost: the excited electron repels itself-as-ground-state
    assert dec_parts("eexx")[2](t).value == pytest.approx(gap + j - k, abs=1e-9)


def test_lda_does_not_bind_2s_and_2p_at_weight_zero():
    s = solve(Functional("lda", "vwn"), ground_ensemble(), 2.0, grid=default_grid(2.0, 3))
    for n, l in ((2, 0), (2, 1)):
        with pytest.raises(Unsupported, match="not bound"):
            level(s, n, l)


def test_weight_zero_is_not_uniform():
    # He 2s with SEHX: 0.760 at w = 0, 0.790 at w = 0.001 per state
    ground = solve(Functional("sehx"), ground_ensemble(), 2.0, grid=default_grid(2.0, 2))
    at_zero = level(ground, 2, 0)[0] - ground.orbital_energies[0]
    s = solve(Functional("sehx"), bi_ensemble(multiplet("2 3S"), 0.004), 2.0)
    assert at_zero == pytest.approx(0.760, abs=1e-3)
    assert s.orbital_energies[1] - s.orbital_energies[0] == pytest.approx(0.790, abs=1e-3)
    with pytest.raises(InputError, match="no derivative at w = 0"):
        ex.gap(approximation("sehx", weight=0.0), 2.0, multiplet("2 3S"))


def test_ghost_correction_brings_the_error_down():
    exact = 0.728494998797  # E(2 3S) − E(1 1S)
    error = {
        n: ex.gap(approximation(n, weight=1.0), 2.0, multiplet("2 3S"))[0].value - exact
        for n in ("lda", "eexx", "gic", "sehx")
    }
    assert error["lda"] > 0.15
    assert error["eexx"] > 0.3
    assert abs(error["gic"]) < 0.5 * error["lda"]
    assert abs(error["sehx"]) < 0.5 * error["lda"]


def test_quasi_local_temperature_carries_the_entropy():
    from qmbench_edft.uniform_gas import ideal_entropy

    functional = approximation("qlda").resolve(2.0, {4, 10})
    ground = solve(Functional("lda", "pw92"), ground_ensemble(), 2.0)
    rho = ground.rho
    for m, theta in functional.temperatures.items():
        entropy = float(np.sum(rho * ideal_entropy(ground.grid.density(rho), theta)))
        assert entropy == pytest.approx(np.log(m), abs=1e-6)
    assert functional.temperatures[10] > functional.temperatures[4] > 0


def test_quasi_lda_is_kohns_in_equiensembles_and_linear_between():
    from qmbench_edft.functionals import _equiensembles

    multiplets = gok_multiplets(multiplet("2 1S"))  # sizes 1, 4, 5
    f = Functional("qlda", "own", {4: 0.4, 5: 0.5})

    def shares(e):
        return {
            theta: amount for amount, theta in _equiensembles(f, multiplets, e.multiplet_weights) if abs(amount) > 1e-12
        }

    # (1 − M w) E_{I−1} + M w E_I: Oliveira, Gross and Kohn, Phys. Rev. A 37, 2821 (1988)
    assert shares(gok1_ensemble(multiplets, 0.3)) == pytest.approx({0.4: 0.7, 0.5: 0.3})
    assert shares(gok1_ensemble(multiplets, 1.0)) == pytest.approx({0.5: 1.0})
    assert shares(gok2_ensemble(multiplets, 0.3)) == pytest.approx({0.0: 0.7, 0.5: 0.3})


def test_delta_scf():
    a = approximation("sehx")
    both = [
        solve(Functional("sehx"), Ensemble((s,), (1 / s.degeneracy,)), 2.0).energy for s in (multiplet("2 3S"), GROUND)
    ]
    assert ex.delta_scf(a, 2.0, multiplet("2 3S")).value == pytest.approx(both[0] - both[1], abs=1e-10)
    # an upper bound to the lowest triplet: E(2 3S) exact is below its Hartree–Fock energy −2.174251
    # (Fischer, The Hartree–Fock Method for Atoms (1977)), the local potential's energy above it
    assert both[0] == pytest.approx(-2.174251, abs=5e-4)
    assert both[0] > -2.174251


def test_two_s_squared_is_stationary():
    pure = Ensemble((TWO_S_SQUARED,), (1.0,))
    s = solve(Functional("sehx"), pure, 2.0)
    assert s.energy + s.ts == pytest.approx(0, abs=1e-8)
    # above the first threshold, −2, by far, and above the resonance, −0.778
    assert -0.75 < s.energy < -0.70
    # one orbital: the KLI potential is exact
    assert solve(Functional("sehx"), pure, 2.0, "kli").energy == pytest.approx(s.energy, abs=1e-9)
    exx = solve(Functional("sehx"), ground_ensemble(), 2.0).energy
    assert ex.delta_scf(approximation("sehx"), 2.0, TWO_S_SQUARED).value == pytest.approx(s.energy - exx, abs=1e-9)


@pytest.mark.parametrize("z", [3.0, 4.0])
def test_ions(z):
    a = approximation("sehx", weight=0.5)
    assert ex.gap(a, z, multiplet("2 3S"))[0].value == pytest.approx(ex.slope(a, z, multiplet("2 3S")).value, abs=1e-6)
    s = solve(Functional("sehx"), bi_ensemble(multiplet("2 1P"), 0.5), z)
    assert s.energy + s.ts == pytest.approx(0, abs=1e-8)
