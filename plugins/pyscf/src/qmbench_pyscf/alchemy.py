"""Derivatives of the electronic energy by the charges of the nuclei, the repulsion of the nuclei left out.

First ones are electrostatic potentials of the electrons at the nuclei: von Lilienfeld, J. Chem. Phys. 131, 164102
(2009). Second ones of a mean field are those of coupled-perturbed equations: Lesiuk, Balawender and Zachara, J. Chem.
Phys. 136, 034104 (2012). What has neither is differentiated numerically, with steps h and 2h. The basis is that of the
molecule as it is, throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, Quantity, Resources, Unsupported
from qmbench_pyscf.coupled_perturbed import all_digits, response_matrix
from qmbench_pyscf.mean_field_object import nuclear_attraction
from qmbench_pyscf.mole import removed_electrons
from qmbench_pyscf.point import Point
from qmbench_pyscf.specification import Perturbation

ALCHEMICAL = frozenset({"alchemical_gradient", "alchemical_hessian"})
# Elementary charges. By Richardson's rule from h and 2h the error is of the order h⁴ f⁗/4; energies of 1e-10 hartree
# give second derivatives of 2e-7.
STEP = 0.05

Charges = tuple[float, ...]


def check_alchemical(level: str, molecule: Molecule, basis: str) -> None:
    """Unsupported where core potentials stand for a part of the nuclei: their charges are no charges of points."""
    if removed_electrons(molecule, basis):
        raise Unsupported(
            f"{level}: derivatives by nuclear charges need all electrons, and {basis} has core potentials here; "
            "choose an all-electron basis"
        )


def charge_derivatives(
    molecule: Molecule, ground: Point, point: Callable[[Charges], Point], wanted: frozenset[str], noise: float
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """`alchemical_gradient` (nuclei,) and `alchemical_hessian` (nuclei, nuclei) in hartree/e and /e², and settings.

    point(charges): the calculation with these added to the centres. noise: of energies, hartree. Ghosts have no rows.
    """
    compute = lru_cache(maxsize=None)(point)
    real = list(molecule.real)

    def point_at(charges: Charges) -> Point:
        return compute(charges) if any(charges) else ground

    found: dict[str, Quantity] = {}
    settings: dict[str, Any] = {}
    if "alchemical_gradient" in wanted:
        if ground.charge_gradient is not None:
            found["alchemical_gradient"] = Quantity(ground.charge_gradient()[real], "hartree/e")
            settings["alchemical_gradient"] = "potential of the density at the nuclei"
        else:
            found["alchemical_gradient"] = _gradient(molecule, point_at, noise)
            settings["alchemical_gradient"] = f"central differences of the energy, {STEP:g} and {2 * STEP:g} e"
    if "alchemical_hessian" in wanted:
        if ground.charge_hessian is not None:
            found["alchemical_hessian"] = Quantity(ground.charge_hessian()[np.ix_(real, real)], "hartree/e2")
            settings["alchemical_hessian"] = "coupled-perturbed equations"
        elif ground.charge_gradient is not None:
            found["alchemical_hessian"] = _hessian_of_gradients(molecule, point_at)
            settings["alchemical_hessian"] = f"central differences of the gradient, {STEP:g} and {2 * STEP:g} e"
        else:
            found["alchemical_hessian"] = _hessian_of_energies(molecule, point_at, noise)
            settings["alchemical_hessian"] = f"central differences of the energy, {STEP:g} and {2 * STEP:g} e"
    return found, settings


def potentials(mole: Any, density: Any) -> np.ndarray:
    """(centres,) −Tr D/|r − R_A| in hartree/e, for an AO density (n, n) or (2, n, n)."""
    density = np.asarray(density)
    total = density if density.ndim == 2 else density[0] + density[1]
    return np.einsum("aij,ji->a", nuclear_attraction(mole), total)


def mean_field_hessian(mf: Any) -> np.ndarray:
    """(centres, centres) in hartree/e², of a converged mean field. NotConverged."""
    return response_matrix(mf, nuclear_attraction(mf.mol))


def relaxed_potentials(solver: Any) -> np.ndarray:
    """(centres,) in hartree/e from the relaxed density of a converged MP2 or CCSD, not fitted, in spatial orbitals.

    PySCF keeps that density to itself: its gradient contracts it with the derivatives of the core Hamiltonian, nucleus
    by nucleus. With nothing in their place, and with −1/|r − R_A|, two gradients differ by the potentials.
    """
    mf = solver._scf
    operators = nuclear_attraction(mf.mol)
    with all_digits():
        without, with_them = (_gradient_with(solver, mf, part) for part in (np.zeros_like(operators), operators))
    return np.asarray(with_them - without)


def _gradient_with(solver: Any, mf: Any, operators: np.ndarray) -> np.ndarray:
    """(centres,) first component of the gradient, with `operators` as that of the core Hamiltonian's derivatives."""
    make_gradient = mf.nuc_grad_method

    def replaced() -> Any:
        gradient = make_gradient()
        gradient.hcore_generator = lambda mole=None: lambda centre: np.array([operators[centre]] * 3)
        return gradient

    mf.nuc_grad_method = replaced
    try:
        gradient = solver.nuc_grad_method()
        gradient.verbose = 0
        rows = np.asarray(gradient.kernel())
    finally:
        del mf.nuc_grad_method
    if not getattr(solver, "converged_lambda", True):
        raise NotConverged("the equations for the Lagrange multipliers of the density did not converge")
    return rows[:, 0]


def _along(n: int, *steps: tuple[int, float]) -> Charges:
    """`steps` (centre, charge) added up, over `n` centres."""
    charges = [0.0] * n
    for centre, charge in steps:
        charges[centre] += charge
    return tuple(charges)


def _gradient(molecule: Molecule, point: Callable[[Charges], Point], noise: float) -> Quantity:
    n = len(molecule.symbols)

    def slope(centre: int, h: float) -> float:
        return (point(_along(n, (centre, h))).energy - point(_along(n, (centre, -h))).energy) / (2 * h)

    coarse, fine = (np.array([slope(centre, h) for centre in molecule.real]) for h in (2 * STEP, STEP))
    return _limit(coarse, fine, "hartree/e", 2 * noise / STEP)


def _hessian_of_gradients(molecule: Molecule, point: Callable[[Charges], Point]) -> Quantity:
    n, real = len(molecule.symbols), list(molecule.real)

    def potential(charges: Charges) -> np.ndarray:
        evaluate = point(charges).charge_gradient
        assert evaluate is not None
        return evaluate()[real]

    def matrix(h: float) -> np.ndarray:
        rows = [potential(_along(n, (centre, h))) - potential(_along(n, (centre, -h))) for centre in real]
        return np.array(rows) / (2 * h)

    coarse, fine = matrix(2 * STEP), matrix(STEP)
    # It would be symmetric were the gradients exact.
    skew = np.abs(fine - fine.T).max() / 2
    return _limit((coarse + coarse.T) / 2, (fine + fine.T) / 2, "hartree/e2", float(skew))


def _hessian_of_energies(molecule: Molecule, point: Callable[[Charges], Point], noise: float) -> Quantity:
    n, real = len(molecule.symbols), list(molecule.real)

    def second(a: int, b: int, h: float) -> float:
        signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
        # On the diagonal a step of h/2 twice makes one of h, or none.
        s = h if a != b else h / 2
        terms = (i * j * point(_along(n, (a, i * s), (b, j * s))).energy for i, j in signs)
        return sum(terms) / (4 * s**2)

    def matrix(h: float) -> np.ndarray:
        return np.array([[second(min(a, b), max(a, b), h) for b in real] for a in real])

    return _limit(matrix(2 * STEP), matrix(STEP), "hartree/e2", 4 * noise / STEP**2)


def _limit(coarse: np.ndarray, fine: np.ndarray, unit: str, noise: float) -> Quantity:
    """The h → 0 limit from steps 2h and h; the uncertainty is its distance from that of h, and the noise."""
    value = (4 * fine - coarse) / 3
    return Quantity(value, unit, np.abs(value - fine) + noise, "estimate")


def energies_with_charges(
    method: Any,
    molecule: Molecule,
    charges: Sequence[Charges],
    resources: Resources,
    *,
    functions: Sequence[str] = (),
) -> tuple[np.ndarray, dict[str, Any], tuple[str, ...]]:
    """Energies in hartree of `molecule` with each of `charges` added to its centres, settings and warnings of the first
    that adds none.

    method: one of this plugin that has `alchemical_gradient`. The repulsion of the nuclei stays that of `molecule`.
    functions: for each centre, an element whose basis functions are there as well.
    """
    from qmbench_pyscf.mole import pyscf_session

    found: list[float] = []
    settings: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()
    with pyscf_session(resources):
        for added in charges:
            bare = not any(added)
            perturbation = Perturbation(charges=() if bare else tuple(added), functions=tuple(functions))
            point = method.point(molecule, perturbation, resources)
            if bare and not settings:
                settings, warnings = dict(point.settings), tuple(point.warnings)
            found.append(point.energy)
    return np.array(found), settings, warnings
