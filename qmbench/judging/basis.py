"""How far numbers are from their basis-set limit, as far as the results of a run know it.

Of an extrapolated number: from the spread of the schemes and the last step (`extrapolation_uncertainty`). Of a number
in one basis: the difference to the same method's best extrapolation on the same entry; where there is none, what such
differences are on other entries; where there are too few, nothing is said, and nothing is not zero.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.basis_families import is_template, members
from qmbench.domain.composite import SCHEME_OPTIONS, parts_of_text
from qmbench.domain.errors import QmbenchError
from qmbench.domain.method import split_level
from qmbench.domain.naming import PUBLISHED
from qmbench.domain.recipe import HF_POWER, Limit, Scheme

if TYPE_CHECKING:
    import pandas as pd

MINIMUM = 5
"""Entries on which the difference to the limit must be known before it is expected of others."""

LAST_STEP = 0.25
"""Of the change from the largest basis set to the limit, what the limit may be off by (one standard deviation), where
the schemes agree better. tools/validation/basis_errors.py shows which share of larger extrapolations it covers."""

BASIS_COLUMNS = ("basis_uncertainty", "basis_source", "basis_limit", "basis_limit_level", "basis_error")

Question = tuple[str, tuple[tuple[str, str], ...]]  # method and its options, whatever the basis set


@dataclass(frozen=True)
class _Answer:
    """What a level says of the limit of a question. quality: the larger, the nearer to the limit; 0: in one basis."""

    question: Question
    basis: str
    quality: float


def _reference_by(scheme: Scheme) -> Callable[[Limit], Limit]:
    return lambda limit: replace(limit, scheme=scheme, power=HF_POWER) if limit.of == "reference" else limit


def _correlation_by(power: float) -> Callable[[Limit], Limit]:
    def change(limit: Limit) -> Limit:
        return replace(limit, power=power) if limit.of == "correlation" and limit.scheme == "power" else limit

    return change


VARIANTS = (_reference_by("halkier"), _reference_by("power"), _correlation_by(2.5), _correlation_by(3.5))
"""Other ways to take a limit that are in use for the same energies."""


def largest(limit: Limit) -> Limit:
    """No extrapolation: the number in the largest basis set."""
    return replace(limit, scheme="largest")


def extrapolation_uncertainty(value: float, in_largest: float, others: Iterable[float]) -> float:
    """One standard deviation of an extrapolated number: the spread of the schemes, or LAST_STEP of the step.

    The larger of the two: schemes that agree only show that they have the same form.
    """
    spread = max((abs(other - value) for other in others), default=0.0)
    return max(spread, LAST_STEP * abs(value - in_largest))


def answer_of(level: str) -> _Answer | None:
    """Which question about a method's limit a level of theory answers; None where it has no basis set.

    A focal point A/small + B/[large] − B/small answers for A, a little less well than A/[large] itself.
    """
    focal = _focal_point(level)
    if focal is not None:
        return focal
    try:
        text = parts_of_text(level)
    except QmbenchError:
        return None
    if not text.basis:
        return None
    options = tuple(sorted((k, v) for k, v in text.options if k not in (*SCHEME_OPTIONS, "cartesian")))
    return _Answer((text.method, options), text.basis, _quality(text.basis))


def _quality(basis: str) -> float:
    if not is_template(basis):
        return 0.0
    try:
        found = members(basis)
    except QmbenchError:
        return 0.0
    return found[-1].cardinal + 0.2 * ("aug" in basis) + 0.01 * len(found)


def _focal_point(level: str) -> _Answer | None:
    terms = re.findall(r"(^| \+ | - )(\S+)", level)
    if len(terms) != 3 or "".join(a + b for a, b in terms) != level:
        return None
    try:
        split = [(sign.strip() or "+", split_level(text)) for sign, text in terms]
    except QmbenchError:
        return None
    plus = [text for sign, text in split if sign == "+"]
    minus = [text for sign, text in split if sign == "-"]
    if len(plus) != 2 or len(minus) != 1:
        return None
    large = [t for t in plus if t.basis and is_template(t.basis)]
    high = [t for t in plus if t.basis and not is_template(t.basis)]
    if len(large) != 1 or len(high) != 1 or large[0].method != minus[0].method or high[0].basis != minus[0].basis:
        return None
    options = tuple(sorted((k, v) for k, v in high[0].options if k not in (*SCHEME_OPTIONS, "cartesian")))
    return _Answer((high[0].method, options), level, _quality(large[0].basis or "") - 0.5)


def with_basis_errors(results: pd.DataFrame) -> pd.DataFrame:
    """`results` with BASIS_COLUMNS filled in as far as other rows tell; in the unit of the row.

    results: as from `judging.frame`, with `basis_uncertainty` of extrapolated rows. basis_limit, basis_limit_level: the
    best limit of the same method, options and counterpoise on the entry, and whose it is. basis_error: value − limit.
    basis_uncertainty: one standard deviation of the value as a statement about the limit. basis_source: extrapolation,
    same entry, other entries; empty: not known.
    """
    made = results.copy()
    made["basis_source"] = np.where(made["basis_uncertainty"].notna(), "extrapolation", "")
    levels = {level: answer_of(level) for level in made["level_of_theory"].unique() if not level.endswith(PUBLISHED)}
    if not any(a is not None and a.quality for a in levels.values()):
        return made
    rows = made[made["status"].eq("ok") & made["value"].notna()]
    best: dict[tuple[Any, ...], tuple[float, float, float, str]] = {}
    here: list[tuple[Any, _Answer, tuple[Any, ...]]] = []
    for row in rows.itertuples():
        answer = levels.get(row.level_of_theory)
        if answer is None:
            continue
        place = (answer.question, row.bsse or "", row.benchmark, row.entry)
        here.append((row, answer, place))
        known = best.get(place)
        if answer.quality and (known is None or answer.quality > known[0]):
            best[place] = (answer.quality, row.value, row.basis_uncertainty, row.level_of_theory)
    differences: defaultdict[tuple[Any, ...], list[float]] = defaultdict(list)
    for row, answer, place in here:
        if place not in best:
            continue
        _, limit, sigma, level = best[place]
        made.loc[row.Index, ["basis_limit", "basis_error"]] = [limit, row.value - limit]
        made.loc[row.Index, "basis_limit_level"] = level
        if not answer.quality:
            error = float(np.hypot(row.value - limit, 0.0 if np.isnan(sigma) else sigma))
            made.loc[row.Index, "basis_uncertainty"] = error
            made.loc[row.Index, "basis_source"] = "same entry"
            differences[_kind(row, answer)].append(row.value - limit)
    for row, answer, place in here:
        found = differences.get(_kind(row, answer), ())
        if place not in best and not answer.quality and len(found) >= MINIMUM:
            made.loc[row.Index, "basis_uncertainty"] = expected_error(found)
            made.loc[row.Index, "basis_source"] = "other entries"
    return made


def _kind(row: Any, answer: _Answer) -> tuple[Any, ...]:
    return answer.question, answer.basis, row.bsse or "", row.observable, row.unit


def expected_error(differences: Iterable[float]) -> float:
    """One standard deviation of the next difference to the limit: root mean square, and that of its estimate."""
    d = np.asarray(list(differences), dtype=float)
    return float(np.sqrt(np.mean(d**2) * (1 + 1 / len(d))))


def method_errors(scored: pd.DataFrame) -> pd.Series:
    """Error of the method alone: limit − reference, NaN where the limit is not known."""
    if "basis_limit" not in scored:
        return scored["error"] * np.nan
    return (scored["basis_limit"].astype(float) - scored["reference"].astype(float)).where(scored["error"].notna())
