"""Derivatives of the electronic energy by the charges of the nuclei, the repulsion of the nuclei left out.

First ones are electrostatic potentials of the electrons at the nuclei: von Lilienfeld, J. Chem. Phys. 131, 164102
(2009). Second ones of a mean field are those of coupled-perturbed equations: Lesiuk, Balawender and Zachara, J. Chem.
Phys. 136, 034104 (2012). What has neither is differentiated numerically, with steps h and 2h. The basis is that of the
molecule as it is, throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, Quantity, Resources, Unsupported
from qmbench_pyscf.coupled_perturbed import all_digits, response_matrix
from qmbench_pyscf.mean_field_object import nuclear_attraction
from qmbench_pyscf.mole import removed_electrons
from qmbench_pyscf.point import Point
from qmbench_pyscf.response import DENSITY_NOISE, FIELD_STRENGTH, field_derivatives
from qmbench_pyscf.specification import Field3, Perturbation, along
from qmbench_pyscf.symmetry import SAME, exchanged_centres

ALCHEMICAL = frozenset({"alchemical_gradient", "alchemical_hessian", "alchemical_dipole", "alchemical_forces"})
# What `properties_with_charges` gives.
WITH_CHARGES = frozenset({"energy", "dipole", "polarizability", "forces"})
# Elementary charges. By Richardson's rule from h and 2h the error is of the order h⁴ f⁗/4; energies of 1e-10 hartree
# give second derivatives of 2e-7.
STEP = 0.05

_STEPS = f"{STEP:g} and {2 * STEP:g} e"
# Of fields in which gradients by charges are differentiated, atomic units.
FIELD = 0.005

Charges = tuple[float, ...]


def check_alchemical(level: str, molecule: Molecule, basis: str) -> None:
    """Unsupported where core potentials stand for a part of the nuclei: their charges are no charges of points."""
    if removed_electrons(molecule, basis):
        raise Unsupported(
            f"{level}: derivatives by nuclear charges need all electrons, and {basis} has core potentials here; "
            "choose an all-electron basis"
        )


def charge_derivatives(
    molecule: Molecule,
    ground: Point,
    point: Callable[[Molecule, Perturbation], Point],
    wanted: frozenset[str],
    noise: float,
    strength: float | None,
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """What `wanted` names of ALCHEMICAL, in hartree, bohr and elementary charges, and settings.

    `alchemical_gradient` (nuclei,), `alchemical_hessian` (nuclei, nuclei), `alchemical_dipole` (nuclei, 3),
    `alchemical_forces` (nuclei, nuclei, 3). point(molecule, perturbation): the calculation. noise: of energies,
    hartree. strength: of fields in which dipoles are found, atomic units. Ghosts have no rows.
    """
    compute = lru_cache(maxsize=None)(point)
    real = list(molecule.real)

    def point_at(charges: Charges) -> Point:
        return compute(molecule, Perturbation(charges=charges)) if any(charges) else ground

    found: dict[str, Quantity] = {}
    settings: dict[str, Any] = {}
    if "alchemical_gradient" in wanted:
        if ground.charge_gradient is not None:
            found["alchemical_gradient"] = Quantity(ground.charge_gradient()[real], "hartree/e")
            settings["alchemical_gradient"] = "potential of the density at the nuclei"
        else:
            found["alchemical_gradient"] = _gradient(molecule, point_at, noise)
            settings["alchemical_gradient"] = f"central differences of the energy, {_STEPS}"
    if "alchemical_hessian" in wanted:
        if ground.charge_hessian is not None:
            found["alchemical_hessian"] = Quantity(ground.charge_hessian()[np.ix_(real, real)], "hartree/e2")
            settings["alchemical_hessian"] = "coupled-perturbed equations"
        elif ground.charge_gradient is not None:
            found["alchemical_hessian"] = _hessian_of_gradients(molecule, point_at)
            settings["alchemical_hessian"] = f"central differences of the gradient, {_STEPS}"
        else:
            found["alchemical_hessian"] = _hessian_of_energies(molecule, point_at, noise)
            settings["alchemical_hessian"] = f"central differences of the energy, {_STEPS}"
    if "alchemical_dipole" in wanted:
        found["alchemical_dipole"], how = _dipole(molecule, ground, compute, noise, strength)
        settings["alchemical_dipole"] = how
    if "alchemical_forces" in wanted:
        found["alchemical_forces"], how = _forces(molecule, compute, noise)
        settings["alchemical_forces"] = how
    return found, settings


def potentials(mole: Any, density: Any) -> np.ndarray:
    """(centres,) −Tr D/|r − R_A| in hartree/e, for an AO density (n, n) or (2, n, n)."""
    density = np.asarray(density)
    total = density if density.ndim == 2 else density[0] + density[1]
    return np.einsum("aij,ji->a", nuclear_attraction(mole), total)


def mean_field_hessian(mf: Any) -> np.ndarray:
    """(centres, centres) in hartree/e², of a converged mean field. NotConverged.

    Of centres that symmetry exchanges the equations are solved for one.
    """
    operators = nuclear_attraction(mf.mol)
    exchanges = exchanged_centres(mf)
    firsts = sorted({first for first, _ in exchanges})
    if len(firsts) < len(operators):
        rows = dict(zip(firsts, response_matrix(mf, operators[firsts], operators), strict=True))
        whole = np.empty((len(operators), len(operators)))
        for centre, (first, images) in enumerate(exchanges):
            whole[centre, images] = rows[first]
        # A density that is less symmetric than the nuclei gives rows that don't fit together.
        if np.abs(whole - whole.T).max() < SAME:
            return np.asarray((whole + whole.T) / 2)
    return response_matrix(mf, operators)


def mean_field_charge_dipole(mf: Any) -> np.ndarray:
    """(centres, 3) in bohr, of a converged mean field: −∂²E/∂Z∂F, three equations in all. NotConverged."""
    return -response_matrix(mf, mf.mol.intor("int1e_r"), nuclear_attraction(mf.mol)).T


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


def _dipole(
    molecule: Molecule,
    ground: Point,
    compute: Callable[[Molecule, Perturbation], Point],
    noise: float,
    strength: float | None,
) -> tuple[Quantity, str]:
    """(real nuclei, 3) derivatives of the electrons' dipole in bohr, and how they were found."""
    if ground.charge_dipole is not None:
        # Where an open shell may turn at nearly no cost the equations are nearly singular: then by differences.
        with suppress(NotConverged):
            return Quantity(ground.charge_dipole()[list(molecule.real)], "bohr"), "coupled-perturbed equations"
    if ground.charge_gradient is not None and ground.dipole is None:
        how = f"central differences of the gradient, fields {FIELD:g} and {2 * FIELD:g}"
        return _gradient_in_fields(molecule, lambda f: compute(molecule, Perturbation(field=f)), noise), how
    how = f"central differences of the dipole, {_STEPS}"
    return _dipole_by_charges(molecule, ground, compute, noise, strength), how


def _gradient_in_fields(molecule: Molecule, point: Callable[[Field3], Point], noise: float) -> Quantity:
    real = list(molecule.real)

    def potential(field: Field3) -> np.ndarray:
        evaluate = point(field).charge_gradient
        assert evaluate is not None
        return evaluate()[real]

    def slopes(h: float) -> np.ndarray:
        return np.array([potential(along(k, -h)) - potential(along(k, h)) for k in range(3)]).T / (2 * h)

    return _limit(slopes(2 * FIELD), slopes(FIELD), "bohr", 2 * DENSITY_NOISE * noise**0.5 / FIELD)


def _dipole_by_charges(
    molecule: Molecule,
    ground: Point,
    compute: Callable[[Molecule, Perturbation], Point],
    noise: float,
    strength: float | None,
) -> Quantity:
    def dipole(charges: Charges) -> np.ndarray:
        added = Perturbation(charges=charges)
        found, _, _ = field_derivatives(
            molecule,
            compute(molecule, added),
            lambda field: compute(molecule, replace(added, field=field)),
            strength,
            {"dipole"},
            noise,
            added,
        )
        return np.asarray(found["dipole"].value)

    of_density = ground.dipole is not None
    rounding = DENSITY_NOISE * noise**0.5 if of_density else 2 * noise / (strength or FIELD_STRENGTH)
    coarse, fine = (_by_charges(molecule, dipole, h) for h in (2 * STEP, STEP))
    return _limit(coarse, fine, "bohr", 2 * rounding / STEP)


def _forces(
    molecule: Molecule, compute: Callable[[Molecule, Perturbation], Point], noise: float
) -> tuple[Quantity, str]:
    """(real nuclei, real nuclei, 3) derivatives of forces in hartree/(e bohr), and how they were found."""
    from qmbench_pyscf.forces import STEP as SHIFT
    from qmbench_pyscf.forces import forces_of

    ways: set[str] = set()

    def forces(charges: Charges) -> np.ndarray:
        added = Perturbation(charges=charges)
        values, how = forces_of(molecule, compute(molecule, added), lambda moved: compute(moved, added).energy)
        ways.add(how)
        return values

    coarse, fine = (_by_charges(molecule, forces, h) for h in (2 * STEP, STEP))
    rounding = DENSITY_NOISE * noise**0.5 if ways == {"analytic gradient"} else 2 * noise / SHIFT
    how = f"central differences of forces, {_STEPS}; forces by {', '.join(sorted(ways))}"
    return _limit(coarse, fine, "hartree/(e bohr)", 2 * rounding / STEP), how


def _by_charges(molecule: Molecule, value: Callable[[Charges], np.ndarray], h: float) -> np.ndarray:
    """(real nuclei, …) central differences of `value` by the charge of each nucleus."""
    n = len(molecule.symbols)
    rows = [value(_along(n, (centre, h))) - value(_along(n, (centre, -h))) for centre in molecule.real]
    return np.array(rows) / (2 * h)


def _limit(coarse: np.ndarray, fine: np.ndarray, unit: str, noise: float) -> Quantity:
    """The h → 0 limit from steps 2h and h; the uncertainty is its distance from that of h, and the noise."""
    value = (4 * fine - coarse) / 3
    return Quantity(value, unit, np.abs(value - fine) + noise, "estimate")


def properties_with_charges(
    method: Any,
    molecule: Molecule,
    charges: Sequence[Charges],
    properties: frozenset[str],
    resources: Resources,
    *,
    functions: Sequence[str] = (),
) -> tuple[dict[str, np.ndarray], dict[str, Any], tuple[str, ...]]:
    """`properties` of `molecule` with each of `charges` added to its centres, settings and warnings of the first that
    adds none.

    method: one of this plugin that has `alchemical_gradient`. properties: of WITH_CHARGES; each becomes an array, one
    row for each of `charges`, in hartree, e bohr, bohr³ and hartree/bohr. Only electrons feel the charges: the
    repulsion of the nuclei in energies and forces (real nuclei) and the nuclei in dipoles stay those of `molecule`.
    functions: for each centre, an element whose basis functions are there as well. NotConverged.
    """
    from qmbench_pyscf.mole import pyscf_session

    found: dict[str, list[Any]] = {name: [] for name in properties}
    settings: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()
    with pyscf_session(resources):
        for added in charges:
            bare = not any(added)
            perturbation = Perturbation(charges=() if bare else tuple(added), functions=tuple(functions))
            point = method.point(molecule, perturbation, resources)
            values, more, notes = _with_charges(method, molecule, point, perturbation, properties, resources)
            if bare and not settings:
                settings, warnings = dict(point.settings) | more, (*point.warnings, *notes)
            for name in properties:
                found[name].append(values[name])
    return {name: np.array(rows) for name, rows in found.items()}, settings, warnings


def _with_charges(
    method: Any,
    molecule: Molecule,
    point: Point,
    perturbation: Perturbation,
    properties: frozenset[str],
    resources: Resources,
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Values of `properties` at a point of `method` with charges added, settings and warnings."""
    from qmbench_pyscf.forces import forces_of

    quantities, settings, notes = field_derivatives(
        molecule,
        point,
        lambda field: method.point(molecule, replace(perturbation, field=field), resources),
        method.options.field_strength,
        properties & {"dipole", "polarizability"},
        method.options.energy_tolerance,
        perturbation,
    )
    values: dict[str, Any] = {name: quantity.value for name, quantity in quantities.items()}
    values["energy"] = point.energy
    if "forces" in properties:
        values["forces"], settings["forces"] = forces_of(
            molecule, point, lambda moved: method.point(moved, perturbation, resources).energy
        )
    return values, settings, notes
