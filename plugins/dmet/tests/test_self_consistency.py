"""Correlation potentials: gradients, the relaxed Aufbau principle, and what is reported."""

from __future__ import annotations

import numpy as np
import pytest
from dmet_cases import APBC, OPEN, PBC, embed, embedded, hubbard

from qmbench_dmet.alm import relaxed_self_consistent
from qmbench_dmet.correlation import WantedBlock, cost_and_gradient, fit_mask, pack, pack_gradient, unpack
from qmbench_dmet.errors import EmbeddingError
from qmbench_dmet.problem import Settings


@pytest.mark.parametrize("fit", ["fragment", "fragment+bath", "density"])
@pytest.mark.parametrize(
    "case",
    [((10,), (PBC,), 10, 3.0, (2,)), ((6,), (OPEN,), 4, 3.0, (2,)), ((8,), (PBC,), 6, 3.0, (2,), (), (0.13,))],
    ids=["bloch", "dense", "twisted"],
)
def test_gradients_are_the_derivatives(case, fit):
    problem = hubbard(*case)
    rng = np.random.default_rng(3)
    start = embedded(problem)
    wanted = []
    for imp, c in zip(start.impurities, start.orbitals, strict=True):
        noise = rng.standard_normal((imp.norb, imp.norb)) * 0.1
        gamma = c[0].conj().T @ start.mean_fields[0].apply_density(c[0]) + noise + noise.T
        wanted.append(WantedBlock(c[0], gamma, fit_mask(fit, imp.norb, imp.n_fragment)))

    def cost(potentials):
        return cost_and_gradient(problem.low_level(potentials)[0], problem.fragments, wanted)

    shift = [[rng.standard_normal(p.shape) * 0.1 for p in problem.initial_potentials[0]]]
    here = [[p + s + s.T for p, s in zip(problem.initial_potentials[0], shift[0], strict=True)]]
    _, gradient = cost(here)
    for f, block in enumerate(here[0]):
        for i in range(len(block)):
            for j in range(i + 1):
                values = []
                for sign in (1e-5, -1e-5):
                    moved = [[b.copy() for b in here[0]]]
                    moved[0][f][i, j] += sign
                    moved[0][f][j, i] += sign if i != j else 0.0
                    values.append(cost(moved)[0])
                analytic = (gradient[f] + gradient[f].conj().T)[i, j].real * (1.0 if i != j else 0.5)
                assert analytic == pytest.approx((values[0] - values[1]) / 2e-5, abs=2e-8)


@pytest.mark.parametrize("kind", [float, complex])
def test_packing_is_reversible_and_gradients_pack_with_it(kind):
    rng = np.random.default_rng(1)
    raw = [rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if kind is complex else 0) for n in (2, 3)]
    blocks = [[r + r.conj().T for r in raw]]
    again = unpack(pack(blocks, False), [[np.zeros_like(b) for b in blocks[0]]], False)
    assert all(np.allclose(a, b, atol=1e-15) for a, b in zip(again[0], blocks[0], strict=True))
    # f(blocks) = ½ Σ |b|², whose derivative with respect to a block is the block itself
    gradient = pack_gradient(blocks, False, kind is complex)
    x = pack(blocks, False)
    for k in range(len(x)):
        step = np.zeros_like(x)
        step[k] = 1e-6
        values = [
            sum(0.5 * np.sum(np.abs(b) ** 2) for b in unpack(x + sign * step, blocks, False)[0]) for sign in (1, -1)
        ]
        assert gradient[k] == pytest.approx((values[0] - values[1]) / 2e-6, abs=1e-8)


def test_the_choice_of_fit_moves_the_energy_and_is_recorded():
    problem = hubbard((18,), (PBC,), 18, 4.0, (2,))
    energies = [embed(problem, self_consistent=True, fit=f).energy / 18 for f in ("fragment", "fragment+bath")]
    assert abs(energies[0] - energies[1]) > 5e-3


@pytest.mark.parametrize(
    "case", [((10,), (PBC,), 10, 2.0, (2,)), ((8,), (OPEN,), 8, 2.0, (2,)), ((4, 4), (APBC, APBC), 8, 4.0, (2, 1))]
)
def test_without_aufbau_nothing_changes_where_aufbau_can_match(case):
    problem = hubbard(*case)
    plain = embed(problem, self_consistent=True)
    relaxed = relaxed_self_consistent(problem, Settings(self_consistent=True))
    assert plain.v_representable
    assert plain.low_level_gap > 0
    assert relaxed.energy == pytest.approx(plain.energy, abs=1e-6)
    assert relaxed.low_level_gap == pytest.approx(plain.low_level_gap, abs=1e-5)


def test_without_aufbau_a_block_is_matched_that_no_potential_makes():
    problem = hubbard((4, 2), (OPEN, OPEN), 6, 2.0, (2, 1))
    plain = embed(problem, self_consistent=True)
    assert plain.residual > 1e-3
    assert not plain.v_representable
    assert any("v-representable" in w for w in plain.warnings)
    relaxed = relaxed_self_consistent(problem, Settings(self_consistent=True))
    assert relaxed.residual < 1e-6
    assert relaxed.low_level_gap < -0.1
    assert any("violates the Aufbau principle" in w for w in relaxed.warnings)


def test_it_says_when_it_does_not_converge():
    problem = hubbard((18,), (PBC,), 18, 4.0, (2,))
    with pytest.raises(EmbeddingError, match="still changes"):
        embed(problem, self_consistent=True, max_iterations=2)
    with pytest.raises(EmbeddingError, match="still change"):
        relaxed_self_consistent(problem, Settings(self_consistent=True, max_iterations=2))
