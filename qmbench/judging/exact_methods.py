"""Methods that are exact but for their basis set: beside exact references all of their error is the basis set's.

Some are so for any system (full configuration interaction), and coupled cluster is for one and two electrons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.basis_families import is_template
from qmbench.domain.method import near_limit
from qmbench.domain.naming import PUBLISHED
from qmbench.judging.basis import answer_of
from qmbench.judging.frame import electrons_in
from qmbench.judging.items import items

if TYPE_CHECKING:
    import pandas as pd

EXACT_FOR_TWO = ("ccsd", "ccsd(t)", "fci")
"""Methods with all excitations of two electrons: singles and doubles; there are no triples."""


def says_exact(level_of_theory: str) -> bool:
    """Whether a published level of theory is the exact solution, or an estimate of it, by its first words."""
    return bool(re.match(r"(estimated )?exact\b", level_of_theory.lower()))


def parts_of_exact(
    scored: pd.DataFrame, claims: Mapping[str, str], benchmarks: Mapping[str, Any]
) -> np.ndarray | pd.Series | bool:
    """Splits the errors of exact levels beside exact references (in place). Gives per row whether a basis set far from
    its limit has an error that nothing tells.

    A level that claims to be exact has no method error beside a limit (`role = "limit"`, not within an approximation),
    where its basis-set limit was not computed. Neither has coupled cluster on entries of one and two electrons, beside
    a limit or a reference that says to be exact, even where a limit was: that of an extrapolation is one of the family
    of basis sets, which may lack what the entry needs (H⁻ without diffuse functions).
    """
    if not {"reference_role", "reference_within", "basis_error"} <= set(scored):
        return False
    levels = scored["level_of_theory"]
    unknown = scored["method_error"].isna() & scored["error"].notna() & scored["reference_within"].eq("")
    exact = [level for level, claim in claims.items() if claim.partition(" ")[0] == "exact"]
    rows = levels.isin(exact) & unknown & scored["reference_role"].eq("limit")
    few = exact_for_few(scored, benchmarks)
    scored.loc[rows | few, "method_error"] = 0.0
    scored.loc[rows | few, "basis_error"] = scored.loc[rows | few, "error"]
    scored.loc[few, "basis_limit"] = scored.loc[few, "reference"]
    scored.loc[few, "basis_limit_level"] = scored.loc[few, "reference_level_of_theory"]
    anywhere = [level for level, claim in claims.items() if claim == "reference"]
    far = {b: bool(b) and not is_template(b) and not near_limit(b) for b in scored["basis"].fillna("").unique()}
    told = scored["basis_uncertainty"].notna() | levels.isin(anywhere) | levels.str.endswith(PUBLISHED)
    return unknown & ~rows & ~few & ~told & scored["basis"].fillna("").map(far).astype(bool)


def exact_for_few(scored: pd.DataFrame, benchmarks: Mapping[str, Any]) -> np.ndarray:
    """Per row, whether its method is exact in a complete basis set for all systems of the entry, and its reference the
    exact solution: (rows,) bool. Not with frozen cores, which two electrons may be (Li+).

    scored: with the columns of the reference. benchmarks: those without systems have no such entries.
    """
    able = {name: b for name, b in benchmarks.items() if hasattr(b, "systems_of")}
    if "reference_level_of_theory" not in scored or not able:
        return np.zeros(len(scored), bool)
    methods = {level: _is_exact_for_two(level) for level in scored["level_of_theory"].unique()}
    texts = scored["reference_level_of_theory"].fillna("").astype(str)
    exact = scored["reference_role"].eq("limit") | texts.map({t: says_exact(t) for t in texts.unique()}).astype(bool)
    asked = exact & scored["error"].notna() & scored["reference_within"].eq("")
    asked &= scored["level_of_theory"].map(methods).astype(bool)
    electrons = electrons_in(able)
    of = zip(items(scored["benchmark"]), items(scored["entry"]), asked.to_numpy(bool).tolist(), strict=True)
    return np.array([a and b in able and electrons(b, e) <= 2 for b, e, a in of], dtype=bool)


def _is_exact_for_two(level: str) -> bool:
    answer = answer_of(level.removesuffix(PUBLISHED))
    return answer is not None and answer.question[0] in EXACT_FOR_TWO and "frozen_core=true" not in level
