"""Our numbers against published ones: computed levels beside published levels of the same method, by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmbench.domain.method import split_level
from qmbench.domain.naming import PUBLISHED
from qmbench.judging.frame import computed

if TYPE_CHECKING:
    import pandas as pd

PAIR = ["benchmark", "observable", "level_of_theory", "bsse", "published", "published_bsse"]
DIFFERENCE_COLUMNS = (*PAIR, "entry", "unit", "value", "published_value", "difference", "reference", "same_basis")


def differences(scored: pd.DataFrame) -> pd.DataFrame:
    """One row per entry that a computed level and a published one of the same method both have.

    Two levels are of the same method where the names of their methods are the same and so are their options; bases and
    counterpoise treatments may differ, and `same_basis` says whether they do not (an empty treatment is unknown).
    Columns: DIFFERENCE_COLUMNS; difference = computed − published, in `unit`; reference: what both are judged by.
    scored: of `statistics.score`.
    """
    import pandas as pd

    ours = computed(scored)
    ours = ours[ours["status"].eq("ok")]
    theirs = scored[scored["published"].eq(True) & scored["status"].eq("ok")]
    keys = ["benchmark", "observable", "entry", "_method"]
    ours = ours.assign(_method=[_method(x) for x in ours["level_of_theory"]])
    theirs = theirs.assign(_method=[_method(x) for x in theirs["level_of_theory"]])
    wanted = {"level_of_theory": "published", "bsse": "published_bsse", "value": "published_value", "basis": "_basis"}
    other = theirs.drop(columns="published")[[*keys, *wanted]].rename(columns=wanted)
    both = ours.drop(columns="published").merge(other, on=keys)
    if both.empty:
        return pd.DataFrame(columns=list(DIFFERENCE_COLUMNS))
    both["difference"] = both["value"].astype(float) - both["published_value"].astype(float)
    same = [
        ours == theirs and (a == b or not a or not b)
        for ours, theirs, a, b in both[["basis", "_basis", "bsse", "published_bsse"]].fillna("").to_numpy().tolist()
    ]
    both["same_basis"] = same
    return both[list(DIFFERENCE_COLUMNS)].reset_index(drop=True)


def comparisons(found: pd.DataFrame) -> list[dict[str, Any]]:
    """One summary per pair of `differences`: n, mean signed, mean absolute and largest difference, and its entry.

    Same bases first, then by benchmark.
    """
    rows = []
    for key, part in found.groupby(PAIR, sort=False, dropna=False):
        d = part["difference"].astype(float)
        worst = part.loc[d.abs().idxmax()]
        rows.append(
            {
                **dict(zip(PAIR, key, strict=True)),
                "unit": worst["unit"],
                "same_basis": bool(worst["same_basis"]),
                "n": len(part),
                "mean_signed": float(d.mean()),
                "mean_absolute": float(d.abs().mean()),
                "largest": float(worst["difference"]),
                "largest_entry": worst["entry"],
            }
        )
    return sorted(rows, key=lambda r: (not r["same_basis"], r["benchmark"], r["level_of_theory"]))


def _method(level: str) -> tuple[Any, ...]:
    """Method and options of a level, whatever its basis."""
    text = split_level(str(level).removesuffix(PUBLISHED))
    return (text.method, *sorted(text.options))
