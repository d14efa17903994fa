"""Matching fragment density matrices without the Aufbau principle: the augmented Lagrangian method (alm-DMET).

A correlation potential can only make density matrices whose occupied orbitals are the lowest ones. Where the
impurities ask for another one, its fit ends with a closed gap and a mismatch. Here the idempotent low-level density
matrix D itself is varied:

    minimize Tr F D   over idempotent D   with   D_ff = P_f for every fragment f,

with multipliers λ_f and a penalty; λ takes the place of the correlation potential, and the gap of F + λ between D's
occupied and empty orbitals may have either sign. Faulstich, Kim, Cui, Wen, Chan and Lin, JCTC 18, 851 (2022).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .anderson import anderson_step
from .embedding import Embedding, solve
from .errors import EmbeddingError, Refused
from .fragments import embed_fragments
from .lowlevel import BlochMeanField, DenseMeanField, MeanField, idempotent
from .problem import Problem, Settings


@dataclass(frozen=True)
class FockBlocks:
    """Fock matrices that D is diagonal in (one per wave vector, or one in all), and the fragments' sites in them."""

    fock: list[np.ndarray]
    fragments: list[np.ndarray]
    weight: float  # of a block in the fragment's density matrix: 1/n_k, or 1

    def fragment_blocks(self, projectors: list[np.ndarray]) -> list[np.ndarray]:
        """A(D): D_ff of every fragment."""
        total = self.weight * np.sum(projectors, axis=0)
        return [np.real_if_close(total[np.ix_(s, s)], tol=1e6) for s in self.fragments]

    def spread(self, blocks: list[np.ndarray]) -> np.ndarray:
        """The adjoint of A: fragment matrices as a matrix in every block."""
        out = np.zeros(self.fock[0].shape, dtype=np.result_type(*blocks))
        for sites, block in zip(self.fragments, blocks, strict=True):
            out[np.ix_(sites, sites)] += block
        return out


def fock_blocks(problem: Problem, field: MeanField) -> tuple[FockBlocks, list[np.ndarray]]:
    """The blocks of a low level and its occupied orbitals in them."""
    if isinstance(field, BlochMeanField):
        n_k, n_c = field.energies.shape
        occupied = [c[:, f > 0.5] for c, f in zip(field.orbitals, field.occupations, strict=True)]
        return FockBlocks(list(field.fock_k), [np.arange(n_c)], 1.0 / n_k), occupied
    return FockBlocks([field.fock], list(problem.fragments), 1.0), [field.occupied()]


def relax(
    blocks: FockBlocks,
    start: list[np.ndarray],
    wanted: list[np.ndarray],
    multipliers: list[np.ndarray],
    tolerance: float = 1e-8,
    rounds: int = 60,
) -> tuple[list[np.ndarray], list[np.ndarray], float]:
    """Occupied orbitals of the constrained minimum, the multipliers, and the largest mismatch left."""
    from scipy.optimize import minimize

    kinds = [np.result_type(c, f) for c, f in zip(start, blocks.fock, strict=True)]
    sizes = [c.size * (2 if np.issubdtype(k, np.complexfloating) else 1) for c, k in zip(start, kinds, strict=True)]

    def split(x: np.ndarray) -> list[np.ndarray]:
        parts = np.split(x, np.cumsum(sizes)[:-1])
        out = []
        for part, c, kind in zip(parts, start, kinds, strict=True):
            if np.issubdtype(kind, np.complexfloating):
                half = part.size // 2
                out.append((part[:half] + 1j * part[half:]).reshape(c.shape))
            else:
                out.append(part.reshape(c.shape))
        return out

    def join(parts: list[np.ndarray]) -> np.ndarray:
        flat = []
        for part, kind in zip(parts, kinds, strict=True):
            flat.append(part.real.ravel())
            if np.issubdtype(kind, np.complexfloating):
                flat.append(np.asarray(part, complex).imag.ravel())
        return np.concatenate(flat)

    def lagrangian(x: np.ndarray, lam: list[np.ndarray], penalty: float) -> tuple[float, np.ndarray]:
        orbitals = split(x)
        inverse = [np.linalg.inv(c.conj().T @ c) for c in orbitals]
        projectors = [c @ s @ c.conj().T for c, s in zip(orbitals, inverse, strict=True)]
        mismatch = [a - p for a, p in zip(blocks.fragment_blocks(projectors), wanted, strict=True)]
        energy = blocks.weight * sum(float(np.sum(f * d.T).real) for f, d in zip(blocks.fock, projectors, strict=True))
        value = energy + sum(
            float(np.sum(u * m.T).real) + 0.5 * penalty * float(np.sum(np.abs(m) ** 2))
            for u, m in zip(lam, mismatch, strict=True)
        )
        effective = blocks.spread([u + penalty * m for u, m in zip(lam, mismatch, strict=True)])
        gradient = []
        for f, c, s, d in zip(blocks.fock, orbitals, inverse, projectors, strict=True):
            g = (f + effective) @ c @ s
            gradient.append(2.0 * blocks.weight * (g - d @ g))
        return value, join(gradient)

    # the multipliers are defined by the gradient of weighted blocks: λ is the potential itself
    x, lam, penalty, last = join(start), [np.array(m) for m in multipliers], 2.0, np.inf
    error = np.inf
    for _ in range(rounds):
        found = minimize(
            lagrangian,
            x,
            args=(lam, penalty),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 3000, "maxfun": 6000, "ftol": 1e-16, "gtol": 1e-10, "maxcor": 30},
        )
        orbitals = [np.linalg.qr(c)[0] for c in split(found.x)]
        x = join(orbitals)
        now = blocks.fragment_blocks([c @ c.conj().T for c in orbitals])
        mismatch = [a - p for a, p in zip(now, wanted, strict=True)]
        error = max(float(np.abs(m).max()) for m in mismatch)
        lam = [u + penalty * m for u, m in zip(lam, mismatch, strict=True)]
        if error < tolerance:
            break
        if error > 0.25 * last:
            penalty = min(4.0 * penalty, 1e5)
        last = error
    return orbitals, lam, error


def mean_field_of(
    blocks: FockBlocks, occupied: list[np.ndarray], multipliers: list[np.ndarray], like: MeanField
) -> MeanField:
    """A low level with the given occupied orbitals; its gap may be negative."""
    potential = blocks.spread(multipliers)
    energies, orbitals, occupations, focks = [], [], [], []
    for fock, c in zip(blocks.fock, occupied, strict=True):
        total = fock + potential
        n, r = c.shape
        empty = np.linalg.svd(c, full_matrices=True)[0][:, r:]
        pieces = []
        for space in (c, empty):
            e, rotation = np.linalg.eigh(space.conj().T @ total @ space)
            pieces.append((e, space @ rotation))
        energies.append(np.concatenate([pieces[0][0], pieces[1][0]]))
        orbitals.append(np.column_stack([pieces[0][1], pieces[1][1]]))
        occupations.append(np.arange(n) < r)
        focks.append(total)
    e, f = np.array(energies), np.array(occupations, dtype=float)
    gap = float(e[f == 0].min() - e[f == 1].max()) if 0 < f.sum() < f.size else np.inf
    if isinstance(like, BlochMeanField):
        return BlochMeanField(like.cells, np.array(focks), e, np.array(orbitals), f, gap, like.real)
    return DenseMeanField(focks[0], e[0], orbitals[0], f[0], gap)


def relaxed_self_consistent(problem: Problem, settings: Settings) -> Embedding:
    """Self-consistent embedding whose low level matches every fragment's density matrix exactly.

    Raises `EmbeddingError` if a block cannot be matched or the density matrices do not settle.
    """
    (field,) = problem.low_level(problem.initial_potentials)
    if not idempotent(field):
        raise Refused("aufbau=false starts from an idempotent low level, but a shell is partly filled")
    blocks, occupied = fock_blocks(problem, field)
    multipliers = [np.zeros((len(s), len(s))) for s in blocks.fragments]
    inputs: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    wanted, mu, mismatch, change = None, 0.0, np.inf, np.inf
    for iteration in range(1, settings.max_iterations + 1):
        if wanted is not None:
            occupied, multipliers, mismatch = relax(blocks, occupied, wanted, multipliers)
            if mismatch > 1e-6:
                raise EmbeddingError(
                    f"no idempotent density matrix was found with the fragments' blocks: mismatch {mismatch:.1e}"
                )
            field = mean_field_of(blocks, occupied, multipliers, field)
        potentials = [[p + m for p, m in zip(problem.initial_potentials[0], multipliers, strict=True)]]
        found = solve(problem, embed_fragments(problem, [field], potentials, settings), settings, mu)
        mu = found.chemical_potential.mu
        new = [
            0.5 * (dm1[0] + dm1[1]).T[: i.n_fragment, : i.n_fragment]
            for dm1, i in zip(found.density_matrices, found.impurities, strict=True)
        ]
        if wanted is None:
            wanted = new
            continue
        x = np.concatenate([p.ravel() for p in wanted])
        step = np.concatenate([p.ravel() for p in new]) - x
        change = float(np.abs(step).max())
        if change < settings.tolerance:
            warnings = found.warnings
            if field.gap < 0:
                warnings += ("the low level violates the Aufbau principle, as it may with aufbau=false",)
            return replace(found, residual=mismatch, iterations=iteration, warnings=warnings)
        inputs, errors = [*inputs[-5:], x], [*errors[-5:], step]
        x = anderson_step(inputs, errors, 0.7)
        sizes = np.cumsum([p.size for p in wanted])[:-1]
        wanted = [part.reshape(p.shape) for part, p in zip(np.split(x, sizes), wanted, strict=True)]
    raise EmbeddingError(f"the fragments' density matrices still change by {change:.1e} after {iteration} iterations")
