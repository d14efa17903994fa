"""Chemical potentials where the electron number of the fragments jumps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from dmet_cases import APBC, OPEN, PBC, embed, embedded, hubbard

from qmbench_dmet import multistate
from qmbench_dmet.chemical_potential import fit_chemical_potential
from qmbench_dmet.embedding import one_shot
from qmbench_dmet.errors import EmbeddingError
from qmbench_dmet.impurity import fragment_energy
from qmbench_dmet.problem import Settings
from qmbench_dmet.run import curves

SQUARE = ((4, 4), (APBC, APBC), 6, 4.0, (2, 1))
RING = ((12,), (PBC,), 10, 12.0, (3,))


@pytest.mark.parametrize(
    ("case", "mu", "jump", "target", "energy"),
    [
        (SQUARE, -0.334658490, (0.60583, 0.86616), 0.75, -0.99915008),
        (RING, -3.596029212, (2.35456, 2.88496), 2.5, -0.48909196),
    ],
    ids=["square", "ring"],
)
def test_the_jump_is_filled(case, mu, jump, target, energy):
    problem = hubbard(*case)
    found = one_shot(problem, Settings())
    sites = problem.lattice.n_sites
    assert found.chemical_potential.mu == pytest.approx(mu, abs=1e-8)
    assert found.energy / sites == pytest.approx(energy, abs=1e-8)
    assert found.chemical_potential.certificate == "crossing"
    assert found.chemical_potential.number_error < 1e-10
    assert found.chemical_potential.duality_gap < 1e-9
    assert found.occupations[0].sum() == pytest.approx(target, abs=1e-10)
    numbers = found.chemical_potential.states[0][0].within(1e-9).numbers
    assert sorted(numbers) == pytest.approx(jump, abs=6e-6)
    # the energies on the two sides enclose a line on which the ensemble lies
    (weights,) = found.chemical_potential.weights[0]
    lower, upper = found.one_sided_energies
    share = (target - jump[0]) / (jump[1] - jump[0])
    assert found.energy == pytest.approx((1 - share) * lower + share * upper, abs=1e-3)
    assert weights.sum() == pytest.approx(1.0, abs=1e-14)


def test_the_ring_crosses_between_singlet_and_triplet():
    states = one_shot(hubbard(*RING), Settings()).chemical_potential.states[0][0].within(1e-9)
    assert sorted(np.round(states.spin_square, 8)) == [0.0, 2.0]
    assert sorted(states.multiplicities) == [1.0, 3.0]


@pytest.mark.parametrize("case", [SQUARE, RING], ids=["square", "ring"])
@pytest.mark.parametrize("search", ["secant", "brentq"])
def test_root_searches_fail_or_end_with_the_wrong_number(case, search):
    problem = hubbard(*case)
    try:
        found = one_shot(problem, Settings(mu_fit=search))
    except EmbeddingError:
        return
    assert found.chemical_potential.number_error > 0.1
    assert found.chemical_potential.certificate == "none"
    assert not found.chemical_potential.certified


@pytest.mark.parametrize("search", ["secant", "brentq"])
def test_root_searches_agree_where_there_is_a_root(search):
    problem = hubbard((12,), (PBC,), 10, 2.0, (3,))
    exact, found = one_shot(problem, Settings()), one_shot(problem, Settings(mu_fit=search))
    assert exact.chemical_potential.certificate == "smooth"
    assert found.chemical_potential.mu == pytest.approx(exact.chemical_potential.mu, abs=1e-7)
    assert found.energy == pytest.approx(exact.energy, abs=1e-7)


@pytest.mark.parametrize(
    "case",
    [RING, ((4, 4), (APBC, APBC), 6, 8.0, (2, 1)), ((8,), (APBC,), 6, 3.0, (2,)), ((6,), (OPEN,), 4, 5.0, (2,))],
)
def test_particle_hole_partners(case):
    lattice, boundary, electrons, u, fragment = case
    partner = 2 * int(np.prod(lattice)) - electrons
    one = one_shot(hubbard(*case), Settings())
    two = one_shot(hubbard(lattice, boundary, partner, u, fragment), Settings())
    assert two.chemical_potential.mu == pytest.approx(-one.chemical_potential.mu, abs=1e-8)
    assert two.chemical_potential.certificate == one.chemical_potential.certificate
    for a, b in zip(one.chemical_potential.weights, two.chemical_potential.weights, strict=True):
        kept = [np.sort(np.concatenate(x)[np.concatenate(x) > 0]) for x in (a, b)]
        assert kept[0] == pytest.approx(kept[1], abs=1e-7)


@pytest.mark.parametrize("case", [SQUARE, RING, ((4, 2), (OPEN, OPEN), 5, 8.0, (1, 2))])
def test_number_grows_and_energy_is_concave_along_a_scan(case):
    found = one_shot(hubbard(*case), Settings(bath="ensemble"))
    grid, number, energy = curves(found, 2.0, 81)
    assert np.all(np.diff(number) > -1e-9)
    assert np.all(np.diff(energy, 2) < 1e-9)
    # the slope of the energy is the number: its change over a step lies between the numbers at the ends
    slope = -np.diff(energy) / np.diff(grid)
    assert np.all(slope > number[:-1] - 1e-9)
    assert np.all(slope < number[1:] + 1e-9)


def thermal(impurities, target: float, temperature: float) -> float:
    """Energy of the Gibbs ensemble of all impurity states, every S_z, with the chemical potential that gives N."""
    from qmbench_dmet import determinants

    spectra = []
    for imp in impurities:
        for weight, na, nb in imp.sectors:
            for up in range(na + nb + 1):
                if max(up, na + nb - up) > imp.norb:
                    continue
                h = determinants.hamiltonian(imp.h, imp.eri, (up, na + nb - up))
                n = determinants.occupation_diagonal(imp.norb, (up, na + nb - up), range(imp.n_fragment))
                spectra.append((imp, weight, na + nb, up, h, n))

    def solve(mu, want_energy=False):
        groups: dict = {}
        for imp, weight, total, up, h, n in spectra:
            e, c = np.linalg.eigh(h - mu * np.diag(n))
            groups.setdefault((id(imp), weight, total), []).append((imp, up, e, c, n))
        number = energy = 0.0
        for (_, weight, total), parts in groups.items():
            lowest = min(e[0] for _, _, e, _, _ in parts)
            z = sum(np.exp(-(e - lowest) / temperature).sum() for _, _, e, _, _ in parts)
            for imp, up, e, c, n in parts:
                w = weight * np.exp(-(e - lowest) / temperature) / z
                keep = w > 1e-13
                number += imp.copies * float(w @ ((c**2).T @ n))
                if want_energy and keep.any():
                    dm = determinants.density_matrices(c[:, keep], w[keep], imp.norb, (up, total - up))
                    energy += imp.copies * fragment_energy(imp, *dm)
        return number, energy

    lo, hi = -20.0, 20.0
    for _ in range(60):
        mid = 0.5 * (lo + hi)
        lo, hi = (mid, hi) if solve(mid)[0] < target else (lo, mid)
    return solve(0.5 * (lo + hi), True)[1]


@pytest.mark.parametrize("case", [SQUARE, pytest.param(RING, marks=pytest.mark.slow)], ids=["square", "ring"])
def test_it_is_the_zero_temperature_limit_of_the_gibbs_ensemble(case):
    problem = hubbard(*case)
    impurities = embedded(problem).impurities
    exact = one_shot(problem, Settings()).energy
    energies = [thermal(impurities, problem.n_electrons, t) for t in (1e-3, 5e-4, 2.5e-4)]
    # the states are those at μ* + O(T): the limit is approached linearly, and extrapolated
    errors = np.abs(np.array(energies) - exact)
    assert errors[2] < 0.6 * errors[1] < 0.36 * errors[0]
    first, second = (2 * b - a for a, b in pairwise(energies))
    assert (4 * second - first) / 3 == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("kind", ["difference", "staggered magnetic"])
def test_it_is_the_zero_limit_of_a_symmetry_breaking_field(kind):
    """The field couples the states that cross, so that N(μ) becomes smooth and one pure state has the right N."""
    from dataclasses import replace

    problem = hubbard(*(SQUARE if kind == "difference" else RING))
    impurity = embedded(problem).impurities[0]
    exact = one_shot(problem, Settings()).energy
    shape = np.zeros(impurity.norb)
    shape[: impurity.n_fragment] = (-1.0) ** np.arange(impurity.n_fragment)
    errors = []
    for strength in (1e-2, 1e-3, 1e-4):
        signs = (1.0, 1.0) if kind == "difference" else (1.0, -1.0)
        h = np.array([impurity.h[s] + strength * signs[s] * np.diag(shape) for s in (0, 1)])
        perturbed = replace(impurity, h=h, restricted=kind == "difference")
        potential, bundle = fit_chemical_potential([perturbed], problem.n_electrons, Settings())
        assert potential.certificate == "smooth"
        dm = bundle.sectors[0][0].density_matrices(potential.states[0][0].vectors[:, :1], np.ones(1))
        errors.append(abs(impurity.copies * fragment_energy(impurity, *dm) - exact))
    assert errors[2] < 2e-4 * abs(exact)
    assert errors[2] < 0.2 * errors[1] < 0.04 * errors[0]


def test_an_unreachable_number_is_said_to_be_unreachable():
    problem = hubbard((6,), (OPEN,), 6, 4.0, (2,))
    impurities = embedded(problem).impurities
    with pytest.raises(EmbeddingError, match="can hold"):
        fit_chemical_potential(impurities, 13.0, Settings())


def test_a_certificate_needs_the_number(monkeypatch):
    """Without the ensemble nothing is certified: the status is not converged, and no energy is given."""
    monkeypatch.setattr(
        multistate,
        "_finish",
        lambda bundle, at, target, solves, kind: multistate._failed(at, target, solves, "no certificate"),
    )
    with pytest.raises(EmbeddingError, match="could not be certified"):
        one_shot(hubbard(*SQUARE), Settings())


def test_few_solves():
    counts = []
    for u in (1.0, 2.0, 4.0, 8.0, 12.0):
        for electrons in (4, 6, 8, 10):
            counts.append(embed(hubbard((12,), (PBC,), electrons, u, (2,)), bath="ensemble").chemical_potential.solves)
    assert max(counts) <= 10
    assert np.mean(counts) < 6


def test_every_member_of_a_multiplet_counts_in_the_ensemble():
    """ρ ∝ exp(λ P N P) over all states: a triplet weighs three times as much as a singlet with as many electrons."""
    from types import SimpleNamespace

    from qmbench_dmet.impurity import States

    states = States(
        np.zeros(3), np.array([1.0, 1.0, 2.0]), np.array([1.0, 3.0, 1.0]), np.array([0.0, 2.0, 0.0]), np.eye(3)
    )
    bundle = SimpleNamespace(impurities=[SimpleNamespace(sectors=((1.0, 1, 1),))], shares=lambda: iter([(0, 0, 1.0)]))
    weights, number = multistate.ensemble(bundle, [[states]], 1.25, 1e-9)
    assert number == pytest.approx(1.25, abs=1e-13)
    assert weights[0][0] == pytest.approx([0.75 / 4, 0.75 * 3 / 4, 0.25], abs=1e-13)
