"""Formulas that turn the properties of one or several systems into the number that an entry compares.

A formula is a pure function of `Term`s. The core differentiates it for the propagation of uncertainties
(`observables.evaluate`); the formula itself knows nothing of them.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qmbench.domain.errors import InputError, Unsupported, did_you_mean
from qmbench.domain.quantity import Curve, Value
from qmbench.domain.systems import System
from qmbench.domain.units import ATOMIC_MASS_IN_ELECTRON_MASSES, HARTREE_IN_CM1


@dataclass(frozen=True)
class Term:
    """One term of an entry, as a formula sees it.

    coefficient: of the stoichiometry. value: the property, in its own unit. name: of the system in the entry,
    `dimer@1` for a fragment. system: None where only values are at hand.
    """

    coefficient: float
    value: Value
    name: str = ""
    system: System | None = None


@dataclass(frozen=True)
class Place:
    """Where an entry points: to a state by its label, or to a coordinate of a curve."""

    state: str = ""
    coordinate: float | None = None
    coordinate_unit: str = ""


Formula = Callable[[Sequence[Term], Place], float]


def linear(terms: Sequence[Term], place: Place) -> float:
    """Σ coefficient × property."""
    return math.fsum(t.coefficient * _number(t.value) for t in terms)


def value(terms: Sequence[Term], place: Place) -> float:
    """The property of one system, as it is."""
    return _number(_one(terms))


def trace(terms: Sequence[Term], place: Place) -> float:
    """A third of the trace of a tensor."""
    return float(np.trace(_array(terms))) / 3.0


def anisotropy(terms: Sequence[Term], place: Place) -> float:
    """Barron, Molecular Light Scattering and Optical Activity, 2nd ed., eq. 2.6.3 (2004), basis-independent form."""
    alpha = _array(terms)
    symmetric = (alpha + alpha.T) / 2
    return math.sqrt(max(0.0, (3 * float(np.sum(symmetric**2)) - float(np.trace(symmetric)) ** 2) / 2))


def norm(terms: Sequence[Term], place: Place) -> float:
    """The length of a vector."""
    return float(np.linalg.norm(_array(terms)))


def distance(terms: Sequence[Term], place: Place) -> float:
    """Distance of two nuclei, of a diatomic of its two; else of those that the entry names, as `O1-H2`."""
    positions = _array(terms)
    i, j = (0, 1) if len(positions) == 2 and not place.state else _pair(terms[0], place.state)
    return float(np.linalg.norm(positions[i] - positions[j]))


def _pair(term: Term, said: str) -> tuple[int, int]:
    names = list(term.system.part_labels) if term.system is not None else []
    found = [names.index(name) for name in said.replace("–", "-").split("-") if name in names]
    if len(found) != 2 or found[0] == found[1]:
        raise InputError(
            f"a distance is of two atoms, as 'O1-H2' in `state`, not '{said}'; there is {', '.join(names)}"
        )
    return found[0], found[1]


def mode(terms: Sequence[Term], place: Place) -> float:
    """One vibration: the only one there is, or the one that the entry numbers, from 1, the lowest."""
    values = _array(terms)
    if not place.state and len(values) == 1:
        return float(values[0])
    if not place.state.isdecimal() or not 1 <= int(place.state) <= len(values):
        raise InputError(f"a vibration is numbered 1 to {len(values)} from the lowest, in `state`, not '{place.state}'")
    return float(values[int(place.state) - 1])


def state(terms: Sequence[Term], place: Place) -> float:
    """The state that the entry names. Unsupported when it was not computed."""
    values = _one(terms)
    if not isinstance(values, dict):
        raise InputError("a property by state was expected")
    if place.state not in values:
        raise Unsupported(f"state '{place.state}' was not computed; there is {', '.join(values)}")
    return float(values[place.state])


def at(terms: Sequence[Term], place: Place) -> float:
    """The value of a curve at the entry's coordinate. Unsupported outside the curve."""
    curve = _one(terms)
    if not isinstance(curve, Curve):
        raise InputError("a curve was expected")
    if place.coordinate is None:
        raise InputError("an entry that compares a curve at a point says where: coordinate and coordinate_unit")
    return curve.at(place.coordinate, place.coordinate_unit)


def highest_minus_lowest(terms: Sequence[Term], place: Place) -> float:
    """The spread of a property over states or along a curve."""
    found = _one(terms)
    numbers = list(found.values()) if isinstance(found, dict) else found.values if isinstance(found, Curve) else found
    return float(np.max(numbers) - np.min(numbers))


def relative_to_minimum(terms: Sequence[Term], place: Place) -> float:
    """The first system's property less the lowest of all the entry's systems (conformers, points of a curve)."""
    numbers = [_number(t.value) for t in terms]
    return numbers[0] - min(numbers)


@dataclass(frozen=True)
class DiatomicCurve:
    """Equilibrium distance (bohr) or harmonic wavenumber (cm-1) from energies of one diatomic at several distances.

    A polynomial in the distance through the points (least squares of degree `degree` where there are more), its
    minimum r_e and its second derivative there: ω_e = (1/2πc) √(k/μ); Herzberg, Spectra of Diatomic Molecules, 2nd ed.,
    eq. (III,71) (1950). masses: of the two nuclei's elements, in atomic mass units. NotConverged-like cases (no minimum
    between the first and the last distance) are Unsupported: nothing is extrapolated.
    """

    wanted: str
    degree: int = 6
    masses: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, terms: Sequence[Term], place: Place) -> float:
        r, e = self._points(terms)
        degree = min(self.degree, len(r) - 1)
        fit = np.polynomial.Polynomial.fit(r, e - e.min(), degree)
        slope, curvature = fit.deriv(), fit.deriv(2)
        roots = slope.roots()
        inside = [
            float(x.real)
            for x in roots
            if abs(x.imag) < 1e-9 and r[0] <= x.real <= r[-1] and curvature(float(x.real)) > 0
        ]
        if not inside:
            raise Unsupported(f"the energies have no minimum between {r[0]:.4g} and {r[-1]:.4g} bohr")
        at_minimum = min(inside, key=lambda x: float(fit(x)))
        if self.wanted == "equilibrium_distance":
            return at_minimum
        k = float(curvature(at_minimum))
        return math.sqrt(k / self._reduced_mass(terms[0])) * HARTREE_IN_CM1

    def _points(self, terms: Sequence[Term]) -> tuple[np.ndarray, np.ndarray]:
        points = []
        for term in terms:
            positions = getattr(term.system, "coordinates", None)
            if positions is None or len(positions) != 2:
                raise InputError(f"'{term.name}' is not a diatomic molecule")
            points.append((float(np.linalg.norm(positions[1] - positions[0])), _number(term.value)))
        if len(points) < 4:
            raise InputError(f"{len(points)} distances do not determine a minimum and its curvature; 4 are needed")
        points.sort()
        r, e = np.array(points).T
        return r, e

    def _reduced_mass(self, term: Term) -> float:
        symbols = getattr(term.system, "symbols", ())
        missing = [s for s in symbols if s not in self.masses]
        if missing:
            raise InputError(
                f"the mass of {missing[0]} is not given: masses = {{ {missing[0]} = …, in atomic mass units }}"
            )
        a, b = (self.masses[s] * ATOMIC_MASS_IN_ELECTRON_MASSES for s in symbols)
        return a * b / (a + b)


_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
}
LONGEST_EXPRESSION, LARGEST_POWER = 2000, 64


class Expression:
    """An arithmetic expression over the terms of an entry, such as `LUMO - HOMO` or `value['a'] / value['b']`.

    Names: of one system, `value` (indexed by numbers for arrays) and, where the property is by state, the states as
    names or as `value['2 3S']`; of several systems, `value['SYSTEM']` and `coefficient['SYSTEM']`. Operators + - * /
    **, and abs, min, max, sqrt, exp, log. It is parsed, never executed as Python; InputError shows where a fault is.
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if len(text) > LONGEST_EXPRESSION:
            raise InputError(f"an expression has at most {LONGEST_EXPRESSION} characters")
        try:
            self._tree = ast.parse(self.text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            at = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
            raise InputError(f"'{text}' is not an expression{at}") from None
        self._check(self._tree)

    def __call__(self, terms: Sequence[Term], place: Place) -> float:
        try:
            found = self._evaluate(self._tree, self._names(terms))
        except ZeroDivisionError:
            raise Unsupported(f"'{self.text}' divides by zero here") from None
        except (OverflowError, ValueError) as error:
            raise Unsupported(f"'{self.text}' has no value here ({error})") from None
        if isinstance(found, complex | str) or np.ndim(found) != 0:
            raise InputError(f"'{self.text}' does not give a real number")
        return float(found)

    def _check(self, node: ast.expr) -> None:
        allowed = (ast.BinOp, ast.UnaryOp, ast.Call, ast.Name, ast.Constant, ast.Subscript)
        if not isinstance(node, allowed):
            raise self._fault(node, "is not arithmetic")
        if isinstance(node, ast.BinOp | ast.UnaryOp) and type(node.op) not in _OPERATORS:
            raise self._fault(node, "has an operator other than + - * / **")
        if isinstance(node, ast.Constant) and (
            isinstance(node.value, bool) or not isinstance(node.value, int | float | str)
        ):
            raise self._fault(node, "is not a number")
        if isinstance(node, ast.Call) and (
            not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords
        ):
            raise self._fault(node, f"is not one of {', '.join(_FUNCTIONS)}")
        children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        for child in children:
            if isinstance(child, ast.expr):
                self._check(child)

    def _evaluate(self, node: ast.expr, names: Mapping[str, Any]) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            if node.id not in names:
                raise InputError(f"'{self.text}': there is no '{node.id}'{did_you_mean(node.id, names)}")
            return names[node.id]
        if isinstance(node, ast.BinOp):
            left, right = self._evaluate(node.left, names), self._evaluate(node.right, names)
            if isinstance(node.op, ast.Pow) and abs(right) > LARGEST_POWER:
                raise InputError(f"'{self.text}': powers go to {LARGEST_POWER}")
            return _OPERATORS[type(node.op)](left, right)
        if isinstance(node, ast.UnaryOp):
            return _OPERATORS[type(node.op)](self._evaluate(node.operand, names))
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return _FUNCTIONS[node.func.id](*(self._evaluate(a, names) for a in node.args))
        assert isinstance(node, ast.Subscript)
        whole, key = self._evaluate(node.value, names), self._evaluate(node.slice, names)
        try:
            return whole[key]
        except (KeyError, IndexError, TypeError):
            known = whole if isinstance(whole, dict) else ()
            if isinstance(whole, dict) and isinstance(key, str):
                raise Unsupported(f"'{self.text}': there is no '{key}'{did_you_mean(key, known)}") from None
            raise InputError(f"'{self.text}': there is no [{key!r}]") from None

    def _names(self, terms: Sequence[Term]) -> dict[str, Any]:
        if len(terms) != 1:
            return {
                "value": {t.name: t.value for t in terms},
                "coefficient": {t.name: t.coefficient for t in terms},
            }
        found = terms[0].value
        if isinstance(found, Curve):
            found = found.values
        states = {k: v for k, v in found.items() if k.isidentifier()} if isinstance(found, dict) else {}
        return {**states, "value": found}

    def _fault(self, node: ast.expr, what: str) -> InputError:
        piece = ast.get_source_segment(self.text, node) or self.text
        return InputError(f"'{piece}', at column {node.col_offset + 1} of '{self.text}', {what}")


def _one(terms: Sequence[Term]) -> Any:
    if len(terms) != 1 or terms[0].coefficient != 1:
        raise InputError("it belongs to one system, with coefficient 1")
    return terms[0].value


def _array(terms: Sequence[Term]) -> np.ndarray:
    return np.asarray(_one(terms), dtype=float)


def _number(value: Any) -> float:
    if isinstance(value, dict | Curve) or np.ndim(value) != 0:
        raise InputError("a single number was expected here, not an array, a curve or several states")
    return float(value)
