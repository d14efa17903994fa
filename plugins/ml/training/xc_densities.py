"""Densities that `ml-xc` is fitted on: what an exchange-correlation energy needs to know of a converged SCF.

The energy of a density is that of everything but exchange and correlation, plus ∫ e_xc(n, ∇n, τ): the first number and
the points of the quadrature are kept, and a functional is then evaluated on them in no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from xc_systems import Case

from qmbench import Resources

BASIS = "cc-pvqz"
GRID = 3
# Points that hold less than this fraction of an electron are left out; together they hold less than 1e-6.
SMALLEST = 1e-11


@dataclass(frozen=True)
class Density:
    """rho (5, N) or (2, 5, N) as `qmbench_pyscf.ExternalFunctional` takes it, weights (N,), atoms (N,) by index.

    rest: energy without exchange and correlation, total: with those of the SCF (hartree).
    """

    rho: np.ndarray
    weights: np.ndarray
    atoms: np.ndarray
    rest: float
    total: float


def density(case: Case, folder: Path, xc: Any = "pbe", label: str = "pbe") -> Density:
    """The converged density of a functional in BASIS, kept in `folder` under `label`."""
    path = folder / f"{case.name}-{label}.npz"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(path, **vars(_compute(case, xc)))
    with np.load(path) as data:
        return Density(data["rho"], data["weights"], data["atoms"], float(data["rest"]), float(data["total"]))


def _compute(case: Case, xc: Any) -> Density:
    from qmbench_pyscf import ScfSpecification, converged_scf, pyscf_session

    resources = Resources()
    spec = ScfSpecification(BASIS, xc, grid=GRID, stability=False, energy_tolerance=1e-8)
    mf = converged_scf(case.molecule(), spec, resources=resources)
    with pyscf_session(resources):
        return of_mean_field(mf)


def of_mean_field(mf: object) -> Density:
    from qmbench_ml.xc.quadrature import on_grid

    rho, weights, atoms = on_grid(mf)
    density = mf.make_rdm1()
    xc_energy = mf.get_veff(dm=density).exc
    total = rho if rho.ndim == 2 else rho.sum(0)
    keep = total[0] * np.abs(weights) > SMALLEST  # some weights of Lebedev are negative
    return Density(rho[..., keep], weights[keep], atoms[keep], float(mf.e_tot - xc_energy), float(mf.e_tot))
