"""Ensemble density functional theory of two-electron atoms, and the exact theory to compare it with.

Methods `edft` and `edft-exact`. The numerics behind them are ordinary modules: `grid`, `kohn_sham`, `oep`, `scf`,
`extraction` for the approximations, `perimetric`, `exact_density`, `inversion` for the exact branch. Importing this
module imports none.
"""

from __future__ import annotations

from qmbench import Method, hookimpl

QMBENCH_API = 2


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    """Ensemble density functionals, and exact two-electron states."""
    from qmbench_edft.methods import EnsembleDFT, ExactTwoElectron

    return [EnsembleDFT, ExactTwoElectron]
