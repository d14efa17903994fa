"""Implementation differences: one level of theory in two programs, which should give one number.

Two levels are one where their methods say so: `Method.families` of an adapter names under `level` the level that its
program computes, as another method of qmbench spells it, and under `program` the program. Whatever such a pair differs
by is neither an error of the method nor of the basis set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

from qmbench.judging.frame import computed
from qmbench.plugging.registry import canonical_level

if TYPE_CHECKING:
    import pandas as pd


def implementations(results: pd.DataFrame, families: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """One row per pair of programs, benchmark, observable and counterpoise treatment, with what they differ by.

    results: the tidy table; families: level -> `Method.families()`. Keys: level_of_theory (what both compute),
    programs, levels (as they were asked for), benchmark, observable, bsse, unit, n, mean_absolute, largest
    (second less first), largest_entry. Largest differences first.
    """
    same: defaultdict[str, list[str]] = defaultdict(list)
    for level, shared in families.items():
        if shared.get("program"):
            same[canonical_level(shared.get("level") or level)].append(level)
    ours = computed(results)
    ours = ours[ours["status"].eq("ok")]
    found = []
    for stands_for, levels in same.items():
        for first, second in combinations(sorted(levels), 2):
            programs = [families[first]["program"], families[second]["program"]]
            if programs[0] != programs[1]:
                found += [
                    {"level_of_theory": stands_for, "programs": programs, "levels": [first, second], **row}
                    for row in _differences(ours, first, second)
                ]
    return sorted(found, key=lambda row: (-abs(row["largest"]), row["benchmark"], row["level_of_theory"]))


def _differences(ours: pd.DataFrame, first: str, second: str) -> list[dict[str, Any]]:
    keys = ["benchmark", "observable", "bsse"]
    a, b = (ours[ours["level_of_theory"].eq(level)] for level in (first, second))
    both = a.merge(b[[*keys, "entry", "value"]], on=[*keys, "entry"], suffixes=("", "_second"))
    rows = []
    for key, part in both.groupby(keys, sort=True, dropna=False):
        difference = part["value_second"].astype(float) - part["value"].astype(float)
        worst = difference.abs().idxmax()
        rows.append(
            {
                **dict(zip(keys, key, strict=True)),
                "unit": part.loc[worst, "unit"],
                "n": len(part),
                "mean_absolute": float(difference.abs().mean()),
                "largest": float(difference[worst]),
                "largest_entry": part.loc[worst, "entry"],
            }
        )
    return rows


def implementation_line(row: Mapping[str, Any]) -> str:
    """One row in words."""
    first, second = row["programs"]
    return (
        f"implementation difference: {row['level_of_theory']} in {second} less that in {first} on {row['benchmark']}, "
        f"{row['observable']}: mean abs {row['mean_absolute']:.2g}, largest {row['largest']:+.2g} {row['unit']} "
        f"({row['largest_entry']}), n = {row['n']}"
    )
