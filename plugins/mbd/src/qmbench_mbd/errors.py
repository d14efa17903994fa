"""The one way in which a dispersion model fails by itself, and how it is told."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from qmbench import NotConverged
from qmbench_mbd.oscillators import Array


class PolarizationCatastrophe(NotConverged):
    """Oscillators polarize one another without bound: a mode with ω² ≤ 0, so there is no ground state."""


def refuse_negative_response(matrix: Array, alpha: Array, u: float) -> NoReturn:
    """Raise PolarizationCatastrophe for α⁻¹ + T (3N, 3N), component-major, that is not positive at the imaginary
    frequency u, naming the negative modes of 1 + √α T √α and their main atoms."""
    root = np.sqrt(np.tile(alpha, 3))
    values, modes = np.linalg.eigh(root[:, None] * matrix * root[None, :])
    named = "; ".join(
        f"mode {k + 1} ({values[k]:.3e}, atoms {_main_atoms(modes[:, k], len(alpha))})"
        for k in range(max(1, min(5, int(np.sum(values <= 0)))))
    )
    raise PolarizationCatastrophe(
        f"polarization catastrophe: at imaginary frequency {u:.4g} hartree the screened response 1 + αT has a negative "
        f"mode, so these atoms are too close for their polarizabilities: {named}"
    )


def refuse_imaginary(eigenvalues: Array, vectors: Array | None, n_atoms: int) -> None:
    """Raise PolarizationCatastrophe if a squared frequency is not positive, naming the modes and their main atoms."""
    bad = np.flatnonzero(eigenvalues <= 0)
    if not len(bad):
        return
    named = []
    for k in bad[:5]:
        text = f"mode {k + 1} (ω² = {eigenvalues[k]:.3e} hartree²"
        if vectors is not None:
            text += f", atoms {_main_atoms(vectors[:, k], n_atoms)}"
        named.append(text + ")")
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    raise PolarizationCatastrophe(f"polarization catastrophe: {len(bad)} imaginary: {'; '.join(named)}{more}")


def _main_atoms(mode: Array, n_atoms: int) -> str:
    weight = (np.abs(mode.reshape(3, n_atoms)) ** 2).sum(0)
    return " ".join(str(i + 1) for i in np.argsort(weight)[::-1][:3] if weight[i] > 0.05)
