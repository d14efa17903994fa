"""How a property is made of others: sums with coefficients, and limits of basis-set families.

A recipe is a tree. Its leaves name what is computed: while levels are parsed a (level, property), in a plan the key of
a record. `value` folds the tree, `quantity` with uncertainties, what occurs twice counted once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from qmbench.domain.errors import InputError, Unsupported
from qmbench.domain.quantity import Curve, Quantity

Scheme = Literal["karton-martin", "feller", "halkier", "power", "largest"]
SCHEMES = get_args(Scheme)
HF_POWER, CORRELATION_POWER = 5.0, 3.0


@dataclass(frozen=True)
class Sum:
    """Σ coefficient × part."""

    parts: tuple[tuple[float, Any], ...]


@dataclass(frozen=True)
class Limit:
    """The value to which `members` (of ascending `cardinals`) converge.

    of: `reference`, what converges exponentially (Hartree–Fock and Kohn–Sham energies), or `correlation`. scheme:

    - karton-martin: E(X) = E + A (X + 1) exp(−9 √X), from the two largest; Karton and Martin, Theor. Chem. Acc. 115,
      330 (2006), Eq. 3.
    - feller: E(X) = E + A exp(−B X), from three; Feller, J. Chem. Phys. 96, 6104 (1992).
    - halkier: E(X) = E + A exp(−1.63 X), from the two largest; Halkier et al., Chem. Phys. Lett. 302, 437 (1999).
    - power: E(X) = E + A X^(−power), from the two largest; with 3 for correlation: Helgaker, Klopper, Koch, Noga,
      J. Chem. Phys. 106, 9639 (1997).
    - largest: no extrapolation, the largest member's.
    """

    of: str
    scheme: Scheme
    cardinals: tuple[int, ...]
    members: tuple[Any, ...]
    power: float = CORRELATION_POWER


Recipe = Any  # a leaf, a Sum or a Limit


def leaves(recipe: Recipe) -> Iterator[Any]:
    """What has to be computed, in order, with repetitions."""
    if isinstance(recipe, Sum):
        for _, part in recipe.parts:
            yield from leaves(part)
    elif isinstance(recipe, Limit):
        for member in recipe.members:
            yield from leaves(member)
    else:
        yield recipe


def with_leaves(recipe: Recipe, change: Callable[[Any], Any]) -> Recipe:
    """The same tree with other leaves."""
    if isinstance(recipe, Sum):
        return Sum(tuple((c, with_leaves(part, change)) for c, part in recipe.parts))
    if isinstance(recipe, Limit):
        return Limit(
            recipe.of,
            recipe.scheme,
            recipe.cardinals,
            tuple(with_leaves(m, change) for m in recipe.members),
            recipe.power,
        )
    return change(recipe)


def limits(recipe: Recipe) -> Iterator[Limit]:
    """The extrapolations in it."""
    if isinstance(recipe, Sum):
        for _, part in recipe.parts:
            yield from limits(part)
    elif isinstance(recipe, Limit):
        yield recipe
        for member in recipe.members:
            yield from limits(member)


def varied(recipe: Recipe, change: Callable[[Limit], Limit]) -> Recipe:
    """The same tree with every limit taken in another way."""
    if isinstance(recipe, Sum):
        return Sum(tuple((c, varied(part, change)) for c, part in recipe.parts))
    if isinstance(recipe, Limit):
        new = change(recipe)
        return Limit(new.of, new.scheme, new.cardinals, tuple(varied(m, change) for m in new.members), new.power)
    return recipe


def correction_beside_limits(recipe: Recipe) -> tuple[Recipe, Recipe] | None:
    """What a focal point adds to its limits, taken apart: A and B of limit + A − B, each extrapolated nowhere.

    None where nothing is added, or more than differences: where the coefficients of what stands beside the limits do
    not cancel.
    """
    beside = {leaf: 0.0 for leaf in leaves(recipe)}
    for c, part in _beside(recipe, 1.0):
        beside[part] += c
    plus = tuple((c, leaf) for leaf, c in beside.items() if c > 0)
    minus = tuple((-c, leaf) for leaf, c in beside.items() if c < 0)
    if not plus or not minus or not math.isclose(sum(c for c, _ in plus), sum(c for c, _ in minus)):
        return None
    return Sum(plus), Sum(minus)


def _beside(recipe: Recipe, factor: float) -> Iterator[tuple[float, Any]]:
    if isinstance(recipe, Sum):
        for c, part in recipe.parts:
            yield from _beside(part, factor * c)
    elif not isinstance(recipe, Limit):
        yield factor, recipe


def weights(recipe: Recipe) -> dict[Any, float]:
    """leaf -> how much a constant shift of it alone, and of what it is extrapolated with, shifts the whole.

    For what all members of a limit have alike, such as core electrons: each carries an equal share.
    """
    found: dict[Any, float] = {}
    for leaf, weight in _weighted(recipe, 1.0):
        found[leaf] = found.get(leaf, 0.0) + weight
    return found


def coefficients(recipe: Recipe) -> dict[Any, float] | None:
    """leaf -> coefficient of a recipe that is linear; None where it is not (three-point exponentials)."""
    found: dict[Any, float] = {}
    for leaf, weight in _linear(recipe, 1.0):
        if leaf is None:
            return None
        found[leaf] = found.get(leaf, 0.0) + weight
    return found


def _linear(recipe: Recipe, factor: float) -> Iterator[tuple[Any, float]]:
    if isinstance(recipe, Sum):
        for c, part in recipe.parts:
            yield from _linear(part, factor * c)
    elif isinstance(recipe, Limit):
        if recipe.scheme == "feller":
            yield None, factor
            return
        for c, member in zip(limit_coefficients(recipe), recipe.members, strict=True):
            if c:
                yield from _linear(member, factor * c)
    else:
        yield recipe, factor


def _weighted(recipe: Recipe, factor: float) -> Iterator[tuple[Any, float]]:
    if isinstance(recipe, Sum):
        for c, part in recipe.parts:
            yield from _weighted(part, factor * c)
    elif isinstance(recipe, Limit):
        for member in recipe.members:
            yield from _weighted(member, factor / len(recipe.members))
    else:
        yield recipe, factor


def limit_coefficients(limit: Limit) -> tuple[float, ...]:
    """Coefficients of the members in a scheme that is linear; they add up to 1."""
    n = len(limit.members)
    if limit.scheme == "largest":
        return (*[0.0] * (n - 1), 1.0)
    x, y = limit.cardinals[-2:]
    # E(X) = E + A f(X), so E = (f(X) E(Y) − f(Y) E(X)) / (f(X) − f(Y)); r = f(Y)/f(X) keeps it free of underflow.
    ratio = {
        "karton-martin": (y + 1) / (x + 1) * math.exp(-9 * (math.sqrt(y) - math.sqrt(x))),
        "halkier": math.exp(-1.63 * (y - x)),
        "power": (x / y) ** limit.power,
    }[limit.scheme]
    last = 1 / (1 - ratio)
    return (*[0.0] * (n - 2), 1.0 - last, last)


def value(recipe: Recipe, of: Callable[[Any], Any]) -> Any:
    """The value; of: of each leaf a float, an array, {state: float} or a Curve, all of one kind and shape.

    Unsupported where three values do not converge exponentially, or where states differ.
    """
    if isinstance(recipe, Sum):
        return _added([(c, value(part, of)) for c, part in recipe.parts])
    if isinstance(recipe, Limit):
        found = [value(member, of) for member in recipe.members]
        if recipe.scheme == "feller":
            return _three_point(found)
        return _added(list(zip(limit_coefficients(recipe), found, strict=True)))
    return of(recipe)


def quantity(recipe: Recipe, quantities: Mapping[Any, Quantity]) -> Quantity:
    """The quantity, uncertainties of different leaves taken as independent and propagated to first order.

    What cancels has uncertainty 0 where that of its parts is known. InputError for different units.
    """
    used = list(dict.fromkeys(leaves(recipe)))
    units = {quantities[leaf].unit for leaf in used}
    if len(units) != 1:
        raise InputError(f"can't add quantities in different units: {', '.join(sorted(units))}")
    # Sums that are linear are merged by leaf first, so that A − A is 0 and not a rounding error.
    merged = coefficients(recipe)
    tree = recipe if merged is None else Sum(tuple((c, leaf) for leaf, c in merged.items()))
    centre = value(tree, lambda leaf: quantities[leaf].value)
    spread: Any = None
    kinds = set()
    for leaf in used:
        if quantities[leaf].uncertainty is None:
            continue
        high, low = (value(tree, _moving(quantities, leaf, sign)) for sign in (1.0, -1.0))
        square = _map(lambda a, b: ((a - b) / 2) ** 2, high, low)
        spread = square if spread is None else _map(lambda a, b: a + b, spread, square)
        if np.any(np.asarray(_flat(square))):
            kinds.add(quantities[leaf].uncertainty_kind)
    if spread is None:
        return Quantity(centre, units.pop())
    known = [quantities[leaf].uncertainty_kind for leaf in used if quantities[leaf].uncertainty is not None]
    kind = known[0] if not kinds else kinds.pop() if len(kinds) == 1 else "combined"
    error = _map(lambda a, _: np.sqrt(a), spread, spread)
    error = error.values if isinstance(error, Curve) else float(error) if np.ndim(_flat(error)) == 0 else error
    return Quantity(centre, units.pop(), error, kind)


def to_json(recipe: Recipe) -> Any:
    """The tree with keys of records as leaves, as a run's document holds it."""
    if isinstance(recipe, Sum):
        return {"sum": [[c, to_json(part)] for c, part in recipe.parts]}
    if isinstance(recipe, Limit):
        head = {"limit": recipe.of, "scheme": recipe.scheme, "cardinals": list(recipe.cardinals)}
        return {**head, "power": recipe.power, "members": [to_json(m) for m in recipe.members]}
    return recipe


def from_json(data: Any) -> Recipe:
    """The inverse of `to_json`. ValueError for what is none."""
    if isinstance(data, str):
        return data
    if isinstance(data, Mapping) and "sum" in data:
        return Sum(tuple((float(c), from_json(part)) for c, part in data["sum"]))
    if isinstance(data, Mapping) and data.get("scheme") in SCHEMES:
        members = tuple(from_json(m) for m in data["members"])
        cardinals = tuple(int(x) for x in data["cardinals"])
        return Limit(str(data["limit"]), data["scheme"], cardinals, members, float(data["power"]))
    raise ValueError(f"{data!r} is not a record's key, a sum or a limit")


def keys_in(recipes: Iterable[Recipe]) -> list[str]:
    """The keys of records in several recipes, each once, in order."""
    return list(dict.fromkeys(leaf for recipe in recipes for leaf in leaves(recipe)))


def _three_point(values: list[Any]) -> float:
    if any(isinstance(x, dict | Curve) or np.ndim(x) for x in values):
        raise Unsupported("three-point exponentials are taken of single numbers; write hf_scheme=karton-martin")
    first, middle, third = map(float, values)
    before, after = middle - first, third - middle
    if after == 0:
        return third
    if before == 0 or not 0 < after / before < 1:
        raise Unsupported(
            f"three members of the family do not converge exponentially (steps {before:.3g}, {after:.3g}); "
            "write hf_scheme=karton-martin"
        )
    return third + after * after / (before - after)


def _added(terms: list[tuple[float, Any]]) -> Any:
    # What has coefficient 0 has no part, not even where it is huge.
    (c, first), *rest = [t for t in terms if t[0]] or terms
    if isinstance(first, int | float) and all(isinstance(x, int | float) for _, x in rest):
        return math.fsum([c * first, *(d * x for d, x in rest)])
    total = _map(lambda a, _: c * a, first, first)
    for d, more in rest:
        total = _map(_adding(d), total, more)
    return total


def _adding(factor: float) -> Callable[[Any, Any], Any]:
    return lambda a, b: a + factor * b


def _moving(quantities: Mapping[Any, Quantity], leaf: Any, sign: float) -> Callable[[Any], Any]:
    """The values, that of `leaf` one standard deviation higher or lower."""
    return lambda other: _moved(quantities[other], sign if other == leaf else 0.0)


def _moved(q: Quantity, sign: float) -> Any:
    if not sign or q.uncertainty is None:
        return q.value
    if isinstance(q.value, Curve):
        return Curve(q.value.coordinate, q.value.values + sign * np.asarray(q.uncertainty), q.value.coordinate_unit)
    if isinstance(q.value, dict):
        errors = q.uncertainty if isinstance(q.uncertainty, dict) else {}
        return {state: x + sign * errors.get(state, 0.0) for state, x in q.value.items()}
    return q.value + sign * q.uncertainty  # type: ignore[operator]


def _map(do: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """`do` of two values of one kind and shape, number by number."""
    if isinstance(a, dict) and isinstance(b, dict):
        if set(a) != set(b):
            apart = ", ".join(sorted(set(a) ^ set(b))[:4])
            raise Unsupported(f"the parts have not the same states: {apart}")
        return {state: do(a[state], b[state]) for state in a}
    if isinstance(a, Curve) and isinstance(b, Curve):
        if not np.array_equal(a.coordinate, b.coordinate):
            raise Unsupported("the curves of the parts have not the same points")
        return Curve(a.coordinate, do(a.values, b.values), a.coordinate_unit)
    if np.shape(a) != np.shape(b):
        raise Unsupported(f"the parts have not the same shape: {np.shape(a)} and {np.shape(b)}")
    return do(a, b)


def _flat(x: Any) -> Any:
    if isinstance(x, dict):
        return list(x.values())
    return x.values if isinstance(x, Curve) else x
