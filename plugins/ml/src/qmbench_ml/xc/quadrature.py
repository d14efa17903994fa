"""The density of a converged mean field on its own quadrature grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from qmbench_ml.xc.jets import Array

# Values kept at a time when the density is evaluated, 8 bytes each: about 200 MB with the derivatives.
_AT_A_TIME = 6_000_000


def on_grid(mf: Any) -> tuple[Array, Array, Array]:
    """rho (5, N), or (2, 5, N) for unrestricted orbitals, with rows n, ∂n, τ; weights (N,); nearest nucleus (N,)."""
    mole, grids = mf.mol, mf.grids
    if grids.coords is None:
        grids.build()
    densities = np.asarray(mf.make_rdm1())
    channels = densities if densities.ndim == 3 else densities[None]
    inside = grids.weights != 0  # PySCF pads the grid with points that weigh nothing
    coords, weights = grids.coords[inside], grids.weights[inside]
    rho = np.concatenate(
        [
            _block(mf, mole, channels, coords[k : k + step])
            for step in [max(_AT_A_TIME // (4 * mole.nao), 1000)]
            for k in range(0, len(coords), step)
        ],
        axis=-1,
    )
    apart = np.linalg.norm(coords[:, None] - mole.atom_coords(), axis=-1)
    return (rho if densities.ndim == 3 else rho[0]), weights, apart.argmin(axis=1)


def _block(mf: Any, mole: Any, channels: Array, coords: Array) -> Array:
    from pyscf.dft import numint

    orbitals = numint.eval_ao(mole, coords, deriv=1)
    return np.array([numint.eval_rho(mole, orbitals, d, xctype="MGGA", hermi=1, with_lapl=False) for d in channels])
