"""Which errors are of a method against itself: they say how well a number is reproduced, and nothing of the method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from qmbench.domain.composite import SCHEME_OPTIONS, parts_of_text
from qmbench.domain.errors import QmbenchError
from qmbench.domain.naming import PUBLISHED
from qmbench.judging.basis import Question, answer_of

if TYPE_CHECKING:
    import pandas as pd

REPRODUCED = 2.0
"""Standard uncertainties, of rounding and convergence alone, within which a limit is reproduced."""

DIGITS = 1e-9
"""Relative difference that iterations converge to, where they state no uncertainty."""

OF_NO_MATTER = ("frozen_core", "density_fitting", "cartesian", *SCHEME_OPTIONS)
"""Options with which a method is still the one by whose name its numbers are published."""

NUMERICAL = ("rounding", "estimate")
"""Kinds of uncertainty that a number has which is exact otherwise: digits that are printed, and those that are not
converged."""


def claimed(claim: str, within: str) -> bool:
    """Whether a claim (`Method.claims`) holds for a question: everywhere, or in the basis set that it names alone,
    where the question is one within that basis set. within: of the reference set, empty for the quantity itself."""
    word, _, basis = claim.partition(" ")
    return word in ("reference", "exact") and (not basis or within.lower().endswith(basis))


def own_references(scored: pd.DataFrame, claims: Mapping[str, str]) -> np.ndarray:
    """Per row with an error, whether its reference is what its own level of theory gives: (rows,) bool.

    So it is where the reference is of the level's own method, whatever the basis set (CCSD(T) beside values that are
    CCSD(T)/CBS): as its `level_of_theory` says, which is METHOD[/BASIS], with remarks behind a comma. And where it is a
    limit (`role = "limit"`), the level claims reference quality for the same question, and it reproduces all of them to
    the last digits: then both are the exact solution, by whatever name.

    scored: from `statistics.score`, with the columns of the reference. claims: level -> `Method.claims`.
    """
    has = scored["error"].notna().to_numpy()
    levels = scored["level_of_theory"].astype(str)
    same = of_own_method(levels, scored["reference_level_of_theory"].fillna("").astype(str))
    if not {"reference_role", "reference_within"} <= set(scored):
        return has & same
    within = scored["reference_within"].fillna("")
    able = _by_pairs(levels, within, lambda level, w: claimed(claims.get(level, ""), w))
    limit = has & scored["reference_role"].eq("limit").to_numpy() & able
    if limit.any():
        near = np.abs(scored["error"].astype(float)) <= _bar(scored)
        groups = ["benchmark", "observable", "level_of_theory", "bsse"]
        all_near = near[limit].groupby([scored.loc[limit, g].fillna("") for g in groups]).transform("all")
        limit[limit] = all_near.to_numpy(bool)
    return has & (same | limit)


def of_own_method(levels: Iterable[str], stated: Iterable[str]) -> np.ndarray:
    """Per pair of a level and the `level_of_theory` of a reference, whether the reference is of the level's method."""
    return _by_pairs(
        levels, stated, lambda level, text: (mine := _method(level)) is not None and mine == _stated_method(text)
    )


def _by_pairs(a: Iterable[str], b: Iterable[str], answer: Callable[[str, str], bool]) -> np.ndarray:
    """`answer` row by row, asked once of each pair that there is."""
    import pandas as pd

    columns = (x if isinstance(x, pd.Series) else np.asarray(list(x), dtype=object) for x in (a, b))
    (i, firsts), (j, seconds) = map(pd.factorize, columns)
    pairs, rows = np.unique(i * max(1, len(seconds)) + j, return_inverse=True)
    asked = [answer(str(firsts[k // len(seconds)]), str(seconds[k % len(seconds)])) for k in pairs]
    return np.array(asked, dtype=bool)[rows]


def _bar(scored: pd.DataFrame) -> pd.Series:
    """By how much a value and its reference may differ that are one number; NaN where the value has an uncertainty of
    another kind, as by sampling."""
    numerical = scored["uncertainty"].isna() | scored["uncertainty_kind"].isin(NUMERICAL)
    own = scored["uncertainty"].astype(float).fillna(0.0).where(numerical)
    other = scored["reference_uncertainty"].astype(float).fillna(0.0)
    return REPRODUCED * (own**2 + other**2) ** 0.5 + DIGITS * scored["reference"].astype(float).abs()


@lru_cache(maxsize=4096)
def _method(level: str) -> Question | None:
    """The method that a level of theory answers for, of a focal point the higher one, and the options that matter."""
    text = level.removesuffix(PUBLISHED)
    answer = answer_of(text)
    return _named(*answer.question) if answer is not None else _stated_method(text)


@lru_cache(maxsize=4096)
def _stated_method(text: str) -> Question | None:
    """The same of METHOD[/BASIS][?options][, remarks]; None where it is no such text, but words."""
    try:
        found = parts_of_text(text.split(", ")[0])
    except QmbenchError:
        return None
    return _named(found.method, found.options)


def _named(method: str, options: Iterable[tuple[str, str]]) -> Question:
    return method.lower(), tuple(sorted((k, v) for k, v in options if k not in OF_NO_MATTER))
