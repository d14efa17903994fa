"""Dipole and polarizability, analytic where a method has that, or from points in a uniform electric field.

E(F) = E − μ·F − ½ F·α·F − ⅙ β FFF − …. With a density at hand, μ is its expectation value and α its derivative; without
one, both are derivatives of the energy (orbitals relax in the field, so these are the relaxed quantities).
Central differences with steps h and 2h are combined by Richardson's rule, and their difference is the
uncertainty. Cohen and Roothaan, J. Chem. Phys. 43, S34 (1965).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from itertools import permutations, product
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, Quantity
from qmbench_pyscf.point import Point
from qmbench_pyscf.specification import NO_FIELD, UNPERTURBED, Field3, Perturbation, along

# Atomic units, where none is asked for.
FIELD_STRENGTH = 0.002
# Relative disagreement of the steps h and 2h beyond which a derivative is no derivative any more.
LARGEST_STEP_ERROR = 0.2
# Second derivatives of dipoles: fields that much stronger, since the dipole's rounding is divided by their square.
STRONGER = 2.5
# Dipoles, potentials and forces are good to this times the root of the tolerance of the energy; atomic units.
DENSITY_NOISE = 3e-3


def field_derivatives(
    molecule: Molecule,
    ground: Point,
    point: Callable[[Field3], Point],
    strength: float | None,
    wanted: Iterable[str],
    tolerance: float,
    perturbation: Perturbation = UNPERTURBED,
) -> tuple[dict[str, Quantity], dict[str, Any], list[str]]:
    """`dipole` (3,) in e bohr and `polarizability` (3, 3) in bohr³, settings, and warnings.

    point(F): the calculation in the field F. strength: h; None for coupled-perturbed equations where `ground` has them.
    tolerance: of energies, hartree. perturbation: what is added to the molecule besides fields, at all points.
    NotConverged when steps h and 2h disagree grossly.
    """
    step = FIELD_STRENGTH if strength is None else strength
    point = lru_cache(maxsize=None)(point)
    mirrors = mirror_axes(molecule, perturbation)
    found: dict[str, Quantity] = {}
    settings: dict[str, Any] = {}
    warnings = list(_orientation_warning(molecule)) if "polarizability" in wanted else []
    if "dipole" in wanted:
        if ground.dipole is not None:
            found["dipole"] = Quantity(ground.dipole(), "e bohr")
            settings["dipole"] = "expectation value of the density"
        else:
            found["dipole"] = _energy_dipole(point, step, mirrors)
            settings["field_strength"] = step
            settings["dipole"] = "derivative of the energy by finite field (orbitals relaxed)"
    if "polarizability" in wanted and strength is None and ground.polarizability is not None:
        # Where an open shell may turn at nearly no cost the equations are nearly singular: then by finite fields.
        with suppress(NotConverged):
            found["polarizability"] = _with_rounding(ground.polarizability(), tolerance)
            settings["polarizability"] = "coupled-perturbed equations"
    if "polarizability" in wanted and "polarizability" not in found:
        settings["field_strength"] = step
        if ground.dipole is not None:
            coarse, fine = (_dipole_polarizability(point, s, mirrors) for s in (2 * step, step))
            settings["polarizability"] = "derivative of the dipole by finite field"
        else:
            coarse, fine = (_energy_polarizability(ground.energy, point, s, mirrors) for s in (2 * step, step))
            settings["polarizability"] = "second derivative of the energy by finite field"
        found["polarizability"] = _richardson(coarse, fine, "bohr3")
    return found, settings, warnings


def _with_rounding(alpha: np.ndarray, tolerance: float) -> Quantity:
    """A polarizability of coupled-perturbed equations, with what convergence leaves: of the equations ACCURACY, and of
    orbitals that are good to the root of the tolerance of the energy the same share of α."""
    from qmbench_pyscf.coupled_perturbed import ACCURACY

    left = ACCURACY + tolerance**0.5 * float(np.abs(alpha).max())
    return Quantity(alpha, "bohr3", np.full(alpha.shape, left), "estimate")


def dipole_hyperpolarizability(
    molecule: Molecule, ground: Point, point: Callable[[Field3], Point], strength: float | None, tolerance: float
) -> tuple[Quantity, dict[str, Any], list[str]]:
    """`hyperpolarizability` β (3, 3, 3) in bohr⁵/e, −∂³E/∂F³, as second derivatives of dipoles; settings, and warnings.

    strength: h; None for FIELD_STRENGTH. tolerance: of energies, hartree. The uncertainty is what the step from 2h to h
    still changes, and the rounding of the dipoles. Kurtz, Stewart and Dieter, J. Comput. Chem. 11, 82 (1990).
    NotConverged when steps h and 2h disagree grossly.
    """
    point = lru_cache(maxsize=None)(point)
    mirrors = mirror_axes(molecule)
    step = STRONGER * (FIELD_STRENGTH if strength is None else strength)

    def dipole(f: Field3) -> np.ndarray:
        evaluate = (point(f) if any(f) else ground).dipole
        assert evaluate is not None
        return np.asarray(evaluate())

    def mirrored(f: Field3) -> np.ndarray:
        """The same with fewer calculations: turning the sign of a mirror's component turns that of the dipole."""
        signs = np.array([-1.0 if mirror and c < 0 else 1.0 for c, mirror in zip(f, mirrors, strict=True)])
        x, y, z = (float(sign * c) for sign, c in zip(signs, f, strict=True))
        return signs * dipole((x, y, z))

    def tensor(s: float) -> np.ndarray:
        beta = np.zeros((3, 3, 3))
        for axis in range(3):
            bent = mirrored(along(axis, s)) - 2 * dipole(NO_FIELD) + mirrored(along(axis, -s))
            for other in range(3):
                for a, b, c in {(axis, axis, other), (axis, other, axis), (other, axis, axis)}:
                    beta[a, b, c] = bent[other] / s**2
        if not any(mirrors):
            mixed = sum(a * b * dipole((0.0, a * s, b * s))[0] for a, b in product((1, -1), repeat=2)) / (4 * s**2)
            for a, b, c in permutations(range(3)):
                beta[a, b, c] = mixed
        return beta

    coarse, fine = tensor(2 * step), tensor(step)
    found = _richardson(coarse, fine, "bohr5/e")
    noise = 4 * DENSITY_NOISE * tolerance**0.5 / step**2
    found = Quantity(found.value, found.unit, np.asarray(found.uncertainty) + noise, "estimate")
    settings = {"hyperpolarizability": f"second derivatives of the dipole by finite field, {step:g} and {2 * step:g}"}
    return found, settings, list(_orientation_warning(molecule))


def mirror_axes(molecule: Molecule, perturbation: Perturbation = UNPERTURBED) -> tuple[bool, bool, bool]:
    """For each of x, y, z: whether turning that coordinate round leaves the state as it is (to be trusted).

    True only for closed shells, and for single atoms whose open shell lies along the axes.
    """
    xyz = molecule.coordinates
    if molecule.multiplicity > 1 and len(xyz) > 1:
        return (False, False, False)
    none = (None,) * len(xyz)
    added = perturbation.charges or none, perturbation.functions or none
    labels = list(zip(molecule.symbols, molecule.ghosts, *added, strict=True))
    flags = []
    for axis in range(3):
        plane = _mirror_plane(molecule, axis)
        image = xyz.copy()
        image[:, axis] = 2 * plane - image[:, axis]
        distance = np.linalg.norm(xyz[:, None] - image[None], axis=-1)
        partner = distance.argmin(axis=0)
        same = distance.min(axis=0).max() < 1e-6 and all(labels[i] == labels[j] for i, j in enumerate(partner))
        # A charge away from the origin makes the energy depend on the sign of the field.
        flags.append(bool(same and (molecule.charge == 0 or abs(plane) < 1e-9)))
    return (flags[0], flags[1], flags[2])


def _mirror_plane(molecule: Molecule, axis: int) -> float:
    values = molecule.coordinates[:, axis]
    return float((values.min() + values.max()) / 2)


def _field(**components: float) -> Field3:
    return (components.get("x", 0.0), components.get("y", 0.0), components.get("z", 0.0))


def _energy_dipole(point: Callable[[Field3], Point], step: float, mirrors: tuple[bool, bool, bool]) -> Quantity:
    def slope(axis: int, s: float) -> float:
        if mirrors[axis]:
            return 0.0
        return -(point(along(axis, s)).energy - point(along(axis, -s)).energy) / (2 * s)

    coarse, fine = (np.array([slope(axis, s) for axis in range(3)]) for s in (2 * step, step))
    return _richardson(coarse, fine, "e bohr")


def _dipole_polarizability(point: Callable[[Field3], Point], s: float, mirrors: tuple[bool, bool, bool]) -> np.ndarray:
    def dipole(f: Field3) -> np.ndarray:
        evaluate = point(f).dipole
        assert evaluate is not None
        return evaluate()

    columns = []
    for axis in range(3):
        plus = dipole(along(axis, s))
        if mirrors[axis]:
            minus = plus.copy()
            minus[axis] = -plus[axis]
        else:
            minus = dipole(along(axis, -s))
        columns.append((plus - minus) / (2 * s))
    alpha = np.array(columns)
    return (alpha + alpha.T) / 2


def _energy_polarizability(
    e0: float, point: Callable[[Field3], Point], s: float, mirrors: tuple[bool, bool, bool]
) -> np.ndarray:
    def energy(fx: float, fy: float, fz: float) -> float:
        # A mirror makes the sign of its component of the field immaterial.
        signed = [abs(f) if mirror else f for f, mirror in zip((fx, fy, fz), mirrors, strict=True)]
        return point((signed[0], signed[1], signed[2])).energy

    alpha = np.zeros((3, 3))
    for axis in range(3):
        alpha[axis, axis] = -(energy(*along(axis, s)) - 2 * e0 + energy(*along(axis, -s))) / s**2
    for i, j in ((0, 1), (0, 2), (1, 2)):
        if mirrors[i] or mirrors[j]:
            continue
        total = 0.0
        for a, b in product((1, -1), repeat=2):
            both = [0.0, 0.0, 0.0]
            both[i], both[j] = a * s, b * s
            total -= a * b * energy(*both)
        alpha[i, j] = alpha[j, i] = total / (4 * s**2)
    return alpha


def traceless(second: np.ndarray) -> np.ndarray:
    """½ Σ q (3 r r − r² 1) from Σ q r r, (3, 3): Buckingham, Q. Rev. Chem. Soc. 13, 183 (1959)."""
    return np.asarray(1.5 * second - 0.5 * np.trace(second) * np.eye(3))


def _richardson(coarse: np.ndarray, fine: np.ndarray, unit: str) -> Quantity:
    """The h → 0 limit from steps 2h and h, with their difference as uncertainty."""
    value = (4 * fine - coarse) / 3
    error = np.abs(value - fine)
    if np.abs(coarse - fine).max() > LARGEST_STEP_ERROR * max(np.abs(fine).max(), 1e-2):
        raise NotConverged(
            f"finite field: steps h, 2h give {np.round(fine, 6).tolist()} and {np.round(coarse, 6).tolist()} {unit}; "
            "try a smaller field_strength, or a tighter energy_tolerance"
        )
    return Quantity(value, unit, error, "estimate")


def _orientation_warning(molecule: Molecule) -> Iterable[str]:
    if molecule.n_parts == 1 and molecule.multiplicity in (2, 3):
        yield (
            "the state of an atom with an open p or d shell is degenerate in space: "
            "this polarizability is that of the component along z"
        )
