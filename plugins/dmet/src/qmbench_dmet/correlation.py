"""Correlation potentials: fragment-diagonal additions to the low level that make its density matrix the impurity's.

W(u) = ½ Σ_f Σ_pq |mask_pq (C_f† γ(u) C_f − γ_f)_pq|², with the mask of the chosen blocks, is minimized by
quasi-Newton steps with analytic gradients: one response of γ to the residual, whatever the number of parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .lowlevel import BlochMeanField, MeanField, Potentials

FITS = ("fragment", "fragment+bath", "density")


@dataclass(frozen=True)
class WantedBlock:
    """A block that the low level should have: embedding orbitals (N, m), one-spin γ (m, m), mask (m, m)."""

    orbitals: np.ndarray
    gamma: np.ndarray
    mask: np.ndarray


def fit_mask(fit: str, norb: int, n_fragment: int) -> np.ndarray:
    """1 where ``fit`` compares the two density matrices, 0 elsewhere."""
    mask = np.zeros((norb, norb))
    if fit == "fragment":
        mask[:n_fragment, :n_fragment] = 1.0
    elif fit == "density":
        mask[np.arange(n_fragment), np.arange(n_fragment)] = 1.0
    elif fit == "fragment+bath":
        mask[:] = 1.0
    else:
        raise ValueError(f"unknown fit '{fit}'; there is {', '.join(FITS)}")
    return mask


def cost_and_gradient(
    field: MeanField, sites: list[np.ndarray], wanted: list[WantedBlock]
) -> tuple[float, list[np.ndarray]]:
    """W of one spin and its derivative with respect to the fragment blocks of the potential.

    With Bloch sums there is one fragment, whose potential repeats in every cell.
    """
    cost = 0.0
    if isinstance(field, BlochMeanField):
        (block,) = wanted
        waves = field.cells.to_k(block.orbitals)
        waves_h = waves.conj().transpose(0, 2, 1)
        low = np.sum(waves_h @ field.density_k() @ waves, axis=0)
        difference = block.mask * ((low.real if field.real else low) - block.gamma)
        cost = 0.5 * float(np.sum(np.abs(difference) ** 2))
        gradient = np.sum(field.response_k(waves @ difference @ waves_h), axis=0)
        return cost, [gradient.real if field.real else gradient]
    residual = np.zeros_like(field.fock)
    for block in wanted:
        c = block.orbitals
        difference = block.mask * (c.conj().T @ field.apply_density(c) - block.gamma)
        cost += 0.5 * float(np.sum(np.abs(difference) ** 2))
        residual = residual + c @ difference @ c.conj().T
    gradient = field.response(residual)
    return cost, [gradient[np.ix_(s, s)] for s in sites]


def pack(blocks: list[list[np.ndarray]], diagonal: bool) -> np.ndarray:
    """Independent real parameters of Hermitian blocks [spin][fragment]."""
    out = []
    for block in (b for spin in blocks for b in spin):
        if diagonal:
            out.append(np.diag(block).real)
            continue
        upper = np.triu_indices(len(block))
        out.append(block[upper].real)
        if np.iscomplexobj(block):
            out.append(block[np.triu_indices(len(block), 1)].imag)
    return np.concatenate(out)


def unpack(x: np.ndarray, like: list[list[np.ndarray]], diagonal: bool) -> list[list[np.ndarray]]:
    """The inverse of `pack`; off-diagonal elements come from ``like`` if only the diagonal is packed."""
    out, k = [], 0
    for spin in like:
        row = []
        for old in spin:
            n = len(old)
            block = np.array(old)
            if diagonal:
                block[np.arange(n), np.arange(n)] = x[k : k + n]
                k += n
            else:
                i, j = np.triu_indices(n)
                block[i, j] = block[j, i] = x[k : k + len(i)]
                k += len(i)
                if np.iscomplexobj(old):
                    i, j = np.triu_indices(n, 1)
                    imaginary = x[k : k + len(i)]
                    block[i, j] += 1j * imaginary
                    block[j, i] -= 1j * imaginary
                    k += len(i)
            row.append(block)
        out.append(row)
    return out


def pack_gradient(blocks: list[list[np.ndarray]], diagonal: bool, complex_blocks: bool) -> np.ndarray:
    """The derivative with respect to the parameters of `pack` from that with respect to the blocks."""
    doubled = []
    for spin in blocks:
        row = []
        for g in spin:
            g = 0.5 * (g + g.conj().T)
            # an off-diagonal parameter moves two elements of the block
            row.append(g if diagonal else g * (2.0 - np.eye(len(g))))
        doubled.append([b.astype(complex) if complex_blocks else b.real for b in row])
    return pack(doubled, diagonal)


def fit_correlation_potential(
    potentials: Potentials,
    low_level: Callable[[Potentials], list[MeanField]],
    sites: list[np.ndarray],
    wanted: list[list[WantedBlock]],
    diagonal: bool,
    gradient_tolerance: float = 1e-9,
) -> tuple[Potentials, float]:
    """Potentials [spin][fragment] that minimize W from a start at ``potentials``, and the W reached."""
    from scipy.optimize import minimize

    complex_blocks = any(np.iscomplexobj(b) for spin in potentials for b in spin)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        fields = low_level(unpack(x, potentials, diagonal))
        pairs = [cost_and_gradient(f, sites, w) for f, w in zip(fields, wanted, strict=True)]
        return sum(p[0] for p in pairs), pack_gradient([p[1] for p in pairs], diagonal, complex_blocks)

    start = pack(potentials, diagonal)
    best = minimize(objective, start, jac=True, method="BFGS", options={"gtol": gradient_tolerance, "maxiter": 500})
    return unpack(best.x, potentials, diagonal), float(best.fun)
