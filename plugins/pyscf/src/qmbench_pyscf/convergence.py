"""How a mean field is converged: DIIS, second-order steps where that fails, and the way down from saddle points."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from qmbench import NotConverged
from qmbench_pyscf.integrals import share_integrals

# Solutions nearer than this (hartree) are one solution seen twice.
SAME_ENERGY = 1e-6
# The same of quick solutions.
SAME_QUICKLY = 3e-5
MAX_DESCENTS = 12
# PySCF's second-order solver stalls near a gradient of 1e-6.
SECOND_ORDER_GRADIENT = 5e-6
# A quick SCF that ranks guesses: energy (hartree), gradient, iterations at most.
QUICK_ENERGY, QUICK_GRADIENT, QUICK_CYCLES = 1e-7, 1e-3, 60
# DIIS stalls: near a solution (gradient, energy change in hartree) so many cycles brought the gradient down by less
# than this. Where an open shell may turn at no cost (the hole of a Π state), it would go on until it is out of cycles.
STALLED_GRADIENT, STALLED_ENERGY, STALLED_CYCLES, STALLED_GAIN = 1e-4, 1e-8, 20, 0.9


def converge(mf: Any, density: np.ndarray, what: str) -> Any:
    """`mf` after an SCF from `density`: with DIIS, on the GPU where `mf` is for that; where that fails or stalls, by
    second-order steps of the processor.

    density: (n, n), or (2, n, n) for an unrestricted `mf`. NotConverged, which names `what`, when both fail.
    """
    on_gpu = getattr(mf, "qmbench_backend", "cpu") == "gpu"
    if not on_gpu:
        share_integrals(mf)
    try:
        mf.callback = _watch()
        if on_gpu:
            from qmbench_pyscf.gpu import kernel_on_gpu

            kernel_on_gpu(mf, density)
        else:
            mf.kernel(density)
    except _Stalled as stalled:
        mf.converged = False
        mf.mo_energy, mf.mo_coeff, mf.mo_occ = stalled.orbitals
    except np.linalg.LinAlgError:
        # A singular DIIS: take the orbitals of the starting density from here.
        mf.converged = False
        mf.mo_energy, mf.mo_coeff = mf.eig(mf.get_fock(dm=density), mf.get_ovlp())
        mf.mo_occ = mf.get_occ(mf.mo_energy, mf.mo_coeff)
    finally:
        mf.callback = None
    if not mf.converged:
        _second_order(mf, mf.mo_coeff, mf.mo_occ)
    if not mf.converged or not np.isfinite(mf.e_tot):
        raise NotConverged(
            f"{what}: SCF not converged to {mf.conv_tol:g} hartree in {mf.max_cycle} iterations, "
            "nor by second-order steps"
        )
    return mf


class _Stalled(Exception):
    """orbitals: their energies, coefficients and occupations when DIIS got no further."""

    def __init__(self, orbitals: tuple[Any, Any, Any]) -> None:
        super().__init__("DIIS stalls")
        self.orbitals = orbitals


def _watch() -> Callable[[dict[str, Any]], None]:
    """For `mf.callback`, given the variables of PySCF's loop after each cycle: raises _Stalled where it stalls."""
    gradients: list[float] = []

    def look(loop: dict[str, Any]) -> None:
        gradients.append(float(loop["norm_gorb"]))
        before, lately = gradients[:-STALLED_CYCLES], gradients[-STALLED_CYCLES:]
        if (
            not loop["scf_conv"]
            and before
            and max(lately) < STALLED_GRADIENT
            and abs(loop["e_tot"] - loop["last_hf_e"]) < STALLED_ENERGY
            and min(lately) > STALLED_GAIN * min(before)
        ):
            raise _Stalled((loop["mo_energy"], loop["mo_coeff"], loop["mo_occ"]))

    return look


def converge_quickly(mf: Any, density: np.ndarray) -> Any:
    """`mf` after a quick SCF, good enough to rank guesses; None when it does not converge."""
    mf.conv_tol, mf.conv_tol_grad = QUICK_ENERGY, QUICK_GRADIENT
    mf.max_cycle = min(mf.max_cycle, QUICK_CYCLES)
    share_integrals(mf)
    try:
        mf.kernel(density)
    except np.linalg.LinAlgError:
        return None
    return mf if mf.converged else None


def quick_solutions(make: Callable[[], Any], starts: Iterable[tuple[str, np.ndarray]]) -> list[tuple[str, Any]]:
    """(name, mean field) of those `starts` from which `converge_quickly` converges a fresh one of `make`."""
    found = ((name, converge_quickly(make(), density)) for name, density in starts)
    return [(name, mf) for name, mf in found if mf is not None]


def distinct(solutions: list[tuple[str, Any]], doubt: float) -> list[tuple[str, Any]]:
    """The quick solutions within `doubt` (hartree) of the lowest, each once: by the first name that led there."""
    lowest = min((mf.e_tot for _, mf in solutions), default=0.0)
    kept: list[tuple[str, Any]] = []
    for name, mf in solutions:
        if mf.e_tot < lowest + doubt and all(abs(mf.e_tot - other.e_tot) > SAME_QUICKLY for _, other in kept):
            kept.append((name, mf))
    return kept


def descend(mf: Any, what: str) -> dict[str, Any]:
    """Leave saddle points downhill until the orbital Hessian has no negative eigenvalue; the facts as settings.

    Of a restricted `mf` they say, too, whether unrestricted orbitals would be lower. A closed shell that has the
    symmetry of the nuclei keeps it: where only a determinant without it is lower, that is said, and not followed, as
    spins that differ are not. What is built on closed shells does not bring the symmetry back.
    """
    from qmbench_pyscf.stability import downhill, verdicts
    from qmbench_pyscf.symmetry import is_symmetric

    kept: tuple[Any, ...] | None = None
    for descents in range(MAX_DESCENTS):
        found = verdicts(mf)
        if found[0].stable and (kept is None or is_symmetric(mf)):
            return _facts(found) | {"descents": descents}
        if found[0].stable:
            assert kept is not None
            lower = mf.e_tot
            mf.mo_coeff, mf.mo_occ, mf.mo_energy, mf.e_tot = kept
            found = verdicts(mf, every=True)
            return _facts(found) | {"descents": 0, "stability": "saddle point", "lower_by": float(mf.e_tot - lower)}
        if np.ndim(mf.mo_occ) == 1 and is_symmetric(mf):
            kept = (mf.mo_coeff, mf.mo_occ, mf.mo_energy, mf.e_tot)
        before = mf.e_tot
        _second_order(mf, downhill(mf, found[0].vector), mf.mo_occ)
        if not mf.converged:
            raise NotConverged(f"{what}: the SCF did not converge on the way down from a saddle point")
        if mf.e_tot > before + SAME_ENERGY:
            raise NotConverged(f"{what}: the way down from a saddle point led upwards")
    raise NotConverged(f"{what}: still on a saddle point after {MAX_DESCENTS} descents")


def _facts(found: list[Any]) -> dict[str, Any]:
    """Settings that say what the Hessians showed, and how it was found."""
    internal, *external = found
    facts = {
        "stability": "minimum",
        "stability_checked": internal.how,
        "lowest_hessian_eigenvalue": internal.eigenvalue,
    }
    for verdict in external:
        facts |= {
            "external_instability": not verdict.stable,
            "external_stability_checked": verdict.how,
            "external_eigenvalue": verdict.eigenvalue,
        }
    return facts


def _second_order(mf: Any, orbitals: np.ndarray, occupation: np.ndarray) -> None:
    """Second-order steps from `orbitals`, then plain iterations for the last digits of the gradient.

    Where the plain iterations leave the second-order solution or do not settle, it stands.
    """
    solver = mf.newton()
    solver.conv_tol_grad = max(SECOND_ORDER_GRADIENT, mf.conv_tol_grad or 0.0)
    solver.kernel(orbitals, occupation)
    found = (solver.mo_coeff, solver.mo_occ, solver.mo_energy, solver.e_tot)
    if solver.converged:
        try:
            mf.kernel(mf.make_rdm1(solver.mo_coeff, solver.mo_occ))
        except np.linalg.LinAlgError:
            mf.converged = False
        if mf.converged and abs(mf.e_tot - solver.e_tot) < SAME_ENERGY:
            return
    mf.mo_coeff, mf.mo_occ, mf.mo_energy, mf.e_tot = found
    mf.converged = solver.converged
