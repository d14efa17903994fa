"""Size and polarizability: laws between the polarizability α, the spread of the dipole, and van der Waals radii.

The spread of the total dipole along an axis, M = ⟨(ΔX)²⟩, follows from the polarizability at imaginary frequencies, at
every level that has it: M = (1/π) ∫₀^∞ α(iω) dω. With the strengths of the excitations summing to N electrons, the
inequality of Cauchy and Schwarz is α ≥ 4 M²/N, an equality where one frequency has all the strength, as in a harmonic
trap. The length L = (M²/N)^¼ of one electron makes that α = 4 C L⁴ with C ≥ 1: Szabó, Góger, Charry, Karimpour, Fedorov
and Tkatchenko, Phys. Rev. Lett. 128, 070602 (2022). Bohr and hartree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmbench import Curve, InputError, Place, Term

# Gauss–Legendre points of dynamic polarizabilities: ω = OMEGA (1 + t)/(1 − t), hartree.
OMEGA = 0.3
# A share of the largest frequency by which a curve's points may be off those of the rule.
SAME = 1e-6
NOBLE = (0, 2, 10, 18, 36, 54, 86)
CONFIDENCE = 0.95


def spread(curve: Curve) -> float:
    """M = (1/π) ∫₀^∞ α(iω) dω in bohr², of a curve on zero and the points of a Gauss–Legendre rule. InputError."""
    frequencies, values = np.asarray(curve.coordinate, float), np.asarray(curve.values, float)
    t, weights = np.polynomial.legendre.leggauss(max(len(frequencies) - 1, 1))
    points = OMEGA * (1 + t) / (1 - t)
    if len(frequencies) < 8 or np.abs(frequencies - np.append(0.0, points)).max() > SAME * points[-1]:
        raise InputError("the spread of the dipole needs α(iω) at zero and at the points of a Gauss–Legendre rule")
    return float(2 * OMEGA * weights / (1 - t) ** 2 @ values[1:] / np.pi)


def electrons(system: Any) -> int:
    """All electrons of a system. InputError where it has no number of them."""
    count = getattr(system, "n_electrons", None)
    if not isinstance(count, (int, np.integer)) or count < 1:
        raise InputError("a length for each electron needs a system with electrons")
    return int(count)


def valence_electrons(system: Any) -> int:
    """Electrons outside the noble-gas cores of the nuclei, and outside filled d and f shells of the p block."""
    total = electrons(system)
    charges = getattr(system, "atomic_numbers", None)
    return total if charges is None else total - sum(_core(int(z)) for z in charges)


def _core(z: int) -> int:
    inner = max((n for n in NOBLE if n < z), default=0)
    period = NOBLE.index(inner)
    filled = {3: 10, 4: 10, 5: 24}.get(period, 0)
    return inner + (filled if filled and z - inner > filled + 2 else 0)


def length_ratio(terms: Sequence[Term], place: Place) -> float:
    """C = α/(4 L⁴) with all electrons: at least 1, and 1 where one frequency has all the strength."""
    (term,) = terms
    return float(_curve(term).values[0] * electrons(term.system) / (4 * spread(_curve(term)) ** 2))


def valence_ratio(terms: Sequence[Term], place: Place) -> float:
    """C with the electrons outside the cores, which no inequality holds."""
    (term,) = terms
    return float(_curve(term).values[0] / (4 * _length(term) ** 4))


def radius_exponent(terms: Sequence[Term], place: Place) -> float:
    """x of R ∝ αˣ over the systems of an entry, whose coefficients are their radii R."""
    return power(_alphas(terms), _radii(terms))[0]


def radius_exponent_interval(terms: Sequence[Term], place: Place) -> float:
    """Half of the 95 % interval of `radius_exponent`, from the scatter about the line."""
    return power(_alphas(terms), _radii(terms))[1]


def length_exponent(terms: Sequence[Term], place: Place) -> float:
    """x of α ∝ Lˣ, L of the electrons outside the cores."""
    return power(_lengths(terms), _statics(terms))[0]


def length_exponent_interval(terms: Sequence[Term], place: Place) -> float:
    """Half of the 95 % interval of `length_exponent`."""
    return power(_lengths(terms), _statics(terms))[1]


def radius_length_exponent(terms: Sequence[Term], place: Place) -> float:
    """x of R ∝ Lˣ: the coefficients are the radii R, L is that of the electrons outside the cores."""
    return power(_lengths(terms), _radii(terms))[0]


def radius_length_exponent_interval(terms: Sequence[Term], place: Place) -> float:
    """Half of the 95 % interval of `radius_length_exponent`."""
    return power(_lengths(terms), _radii(terms))[1]


def power(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Exponent of y ∝ xᵉ by least squares of logarithms, half of its 95 % interval (Student). InputError."""
    from scipy.stats import t as student

    if len(x) < 3 or np.any(x <= 0) or np.any(y <= 0) or np.ptp(np.log(x)) < 1e-6:
        raise InputError("an exponent needs three systems at least, of different sizes, with positive numbers")
    a, b = np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()
    slope = float(a @ b / (a @ a))
    free = len(x) - 2
    error = float(np.sqrt(np.sum((b - slope * a) ** 2) / free / (a @ a)))
    return slope, float(student.ppf((1 + CONFIDENCE) / 2, free)) * error


def _curve(term: Term) -> Curve:
    if not isinstance(term.value, Curve):
        raise InputError("a size needs the polarizability as a curve over the imaginary frequency")
    return term.value


def _length(term: Term) -> float:
    return float((spread(_curve(term)) ** 2 / valence_electrons(term.system)) ** 0.25)


def _lengths(terms: Sequence[Term]) -> np.ndarray:
    return np.array([_length(term) for term in terms])


def _statics(terms: Sequence[Term]) -> np.ndarray:
    return np.array([_curve(term).values[0] for term in terms])


def _alphas(terms: Sequence[Term]) -> np.ndarray:
    return np.array([np.trace(np.asarray(term.value, float)) / 3 for term in terms])


def _radii(terms: Sequence[Term]) -> np.ndarray:
    return np.array([term.coefficient for term in terms])
