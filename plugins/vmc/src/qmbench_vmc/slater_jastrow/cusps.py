"""Orbitals with the right cusp at every nucleus: Gaussians have none, and their local energy diverges there.

The part of an orbital that is spherical about a nucleus is replaced, within a radius, by a polynomial with the
cusp of Kato (Commun. Pure Appl. Math. 10, 151 (1957)) whose one-electron local energy is as smooth as that of the
orbital further out. The idea is that of A. Ma, M. D. Towler, N. D. Drummond, R. J. Needs, J. Chem. Phys. 122, 224322
(2005); a polynomial, unlike their exponential of one, needs no care for the sign of the orbital.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Radius of the replacement in units of 1/Z, and at most this part of the distance to the nearest other nucleus.
RADIUS = 0.75
SHARE_OF_BOND = 0.4
DEGREE = 7
# Spherical parts smaller than this (in units of the largest at that nucleus) are left alone: symmetry made them zero.
NEGLIGIBLE = 1e-7


@dataclass(frozen=True)
class Correction:
    """Replacement minus original of one orbital at one nucleus, for distances below `radius` (bohr).

    difference: polynomial in the distance, lowest power first; spherical: the original's radial function and its
    first two derivatives, to be taken away.
    """

    center: np.ndarray
    radius: float
    polynomial: np.ndarray
    functions: np.ndarray
    coefficients: np.ndarray


def correct_cusps(wavefunction: Any, mole: Any) -> int:
    """Correct the orbitals of a PyQMC Slater wave function in place; returns the number of replacements.

    Each replacement becomes one further basis function, which its orbital holds with coefficient one.
    """
    orbitals = wavefunction.orbitals
    names = ("mo_coeff_alpha", "mo_coeff_beta")
    coefficients = [np.asarray(orbitals.parameters[name]) for name in names]
    found: list[Correction] = []
    rows: list[list[tuple[int, int]]] = [[], []]
    for atom in range(mole.natm):
        if mole.atom_charge(atom) <= 0 or mole.atom_nelec_core(atom) or mole.atom_symbol(atom) in mole._ecp:
            continue
        radial = _Radial(mole, atom)
        largest = max(float(np.max(np.abs(c[radial.functions]), initial=0.0)) for c in coefficients)
        if largest == 0:
            continue
        for spin in (0, 1):
            for index, column in enumerate(coefficients[spin].T):
                if spin == 1 and index < coefficients[0].shape[1] and np.array_equal(column, coefficients[0][:, index]):
                    known = next((k for k, o in rows[0] if o == index and found[k].center is radial.center), None)
                    if known is not None:
                        rows[1].append((known, index))
                    continue
                if np.max(np.abs(column[radial.functions])) > NEGLIGIBLE * largest:
                    rows[spin].append((len(found), index))
                    found.append(radial.correction(column))
    if not found:
        return 0
    for spin, name in enumerate(names):
        extra = np.zeros((len(found), coefficients[spin].shape[1]))
        for k, orbital in rows[spin]:
            extra[k, orbital] = 1.0
        orbitals.parameters[name] = np.vstack([coefficients[spin], extra])
    orbitals.eval_gto = _WithCorrections(orbitals.eval_gto, found)
    return len(found)


class _Radial:
    """The s functions on one nucleus."""

    def __init__(self, mole: Any, atom: int):
        self.mole, self.atom = mole, atom
        self.charge = float(mole.atom_charge(atom))
        self.center = np.array(mole.atom_coord(atom))
        labels = mole.ao_labels(fmt=None)
        self.functions = np.array([i for i, (a, _, shell, _) in enumerate(labels) if a == atom and shell[-1] == "s"])
        others = [float(np.linalg.norm(mole.atom_coord(b) - self.center)) for b in range(mole.natm) if b != atom]
        near = min((d for d in others if d > 1e-6), default=np.inf)
        self.radius = min(RADIUS / self.charge, SHARE_OF_BOND * near)

    def values(self, r: np.ndarray) -> np.ndarray:
        """(3, points, functions): each s function, and its first and second radial derivatives."""
        points = self.center + np.asarray(r)[:, None] * np.array([0.0, 0.0, 1.0])
        found = self.mole.eval_gto("GTOval_sph_deriv2", points)[[0, 3, 9]]
        return found[:, :, self.functions]

    def correction(self, column: np.ndarray) -> Correction:
        """The replacement for the orbital with these coefficients."""
        own = column[self.functions]
        at_nucleus = self.mole.eval_gto("GTOval_sph", self.center[None])[0]
        rest = float(at_nucleus @ column - at_nucleus[self.functions] @ own)
        value, slope, curvature = (float(x[0]) for x in self.values(np.array([self.radius])) @ own)
        powers = np.arange(DEGREE + 1)
        rc = self.radius
        constraints = np.array(
            [
                rc**powers,
                powers * rc ** np.maximum(powers - 1, 0.0),
                powers * (powers - 1) * rc ** np.maximum(powers - 2, 0.0),
                # Kato: the slope of the whole orbital's spherical mean is -Z times its value.
                np.where(powers == 1, 1.0, 0.0) + self.charge * np.where(powers == 0, 1.0, 0.0),
            ]
        )
        wanted = np.array([value, slope, curvature, -self.charge * rest])
        r = rc * (np.arange(1, 61) / 60.0)
        local = self._smooth_local_energy(own, rest, r)
        with np.errstate(divide="ignore"):
            kinetic = -0.5 * (powers * (powers - 1) + 2 * powers) * r[:, None] ** (powers - 2.0)
        # r² weights by volume: (H - E) of the replaced orbital is to vanish in the mean square.
        equations = r[:, None] * (kinetic + (-self.charge / r - local)[:, None] * r[:, None] ** powers)
        known = r * (self.charge / r + local) * rest
        return Correction(self.center, rc, _constrained_fit(equations, known, constraints, wanted), self.functions, own)

    def _smooth_local_energy(self, own: np.ndarray, rest: float, r: np.ndarray) -> np.ndarray:
        """Local energy -φ''/2 - φ'/r - Z φ/r over φ, as a parabola without slope fitted to where Gaussians are good."""
        sample = self.radius * np.linspace(0.35, 1.6, 80)
        value, slope, curvature = self.values(sample) @ own
        orbital = value + rest
        action = -0.5 * (curvature + 2 * slope / sample) - self.charge * orbital / sample
        # φ as weight: near a node of the orbital the quotient means nothing.
        design = np.stack([orbital, orbital * sample**2], axis=1)
        fitted = np.linalg.lstsq(design, action, rcond=None)[0]
        return fitted[0] + fitted[1] * r**2


def _constrained_fit(
    equations: np.ndarray, known: np.ndarray, constraints: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """x that solves `constraints` x = `wanted` exactly and `equations` x = `known` best."""
    particular = np.linalg.lstsq(constraints, wanted, rcond=None)[0]
    free = np.linalg.svd(constraints)[2][len(constraints) :].T
    best = np.linalg.lstsq(equations @ free, known - equations @ particular, rcond=None)[0]
    return particular + free @ best


class _WithCorrections:
    """PyQMC's evaluator of basis functions, with one column more for every replacement."""

    def __init__(self, evaluate: Callable[[str, np.ndarray], np.ndarray], corrections: list[Correction]):
        self.evaluate, self.corrections = evaluate, corrections
        self.centers: list[tuple[np.ndarray, float, list[int]]] = []
        for number, correction in enumerate(corrections):
            for center, _, members in self.centers:
                if np.array_equal(center, correction.center):
                    members.append(number)
                    break
            else:
                self.centers.append((correction.center, correction.radius, [number]))

    def __call__(self, what: str, points: np.ndarray) -> np.ndarray:
        basis = self.evaluate(what, points)
        extra = np.zeros((*basis.shape[:-1], len(self.corrections)))
        for center, radius, members in self.centers:
            distance = points - center
            near = np.nonzero(np.einsum("ij,ij->i", distance, distance) < radius**2)[0]
            if len(near):
                self._fill(extra, basis, near, distance[near], members)
        return np.concatenate([basis, extra], axis=-1)

    def _fill(
        self, extra: np.ndarray, basis: np.ndarray, near: np.ndarray, distance: np.ndarray, members: list[int]
    ) -> None:
        r = np.linalg.norm(distance, axis=1)
        derivatives = basis.ndim == 3
        for number in members:
            c = self.corrections[number]
            p = c.polynomial
            value = np.polynomial.polynomial.polyval(r, p)
            if not derivatives:
                extra[near, number] = value - basis[near][:, c.functions] @ c.coefficients
                continue
            original = basis[:, near][:, :, c.functions] @ c.coefficients
            slope = np.polynomial.polynomial.polyval(r, np.polynomial.polynomial.polyder(p))
            extra[0, near, number] = value - original[0]
            extra[1:4, near, number] = slope * distance.T / r - original[1:4]
            if len(basis) == 5:
                second = np.polynomial.polynomial.polyval(r, np.polynomial.polynomial.polyder(p, 2))
                extra[4, near, number] = second + 2 * slope / r - original[4]
