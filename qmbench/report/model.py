"""What the renderings of a report have in common: tables of texts, and how a number is written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qmbench.judging.core_statistics import RANKED_BY
from qmbench.judging.statistics import ALL

if TYPE_CHECKING:
    import pandas as pd

BASIS_FREE = ("", None)


@dataclass(frozen=True)
class Row:
    """One level of theory in a table. `cells` are strings in the order of `Block.columns`."""

    level: str
    cells: tuple[str, ...]
    best: bool = False


@dataclass(frozen=True)
class Block:
    """One table with what must be said beside it. notes and failures: one line each. wide: columns of text, which
    may fold. about: column -> what it means, in a line."""

    benchmark: str
    title: str
    observable: str
    subset: str
    unit: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    failures: tuple[str, ...]
    wide: frozenset[str] = frozenset()
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """Benchmark, observable and subset, in one line."""
        subset = "" if self.subset == ALL else f", subset {self.subset}"
        unit = f" in {self.unit}" if self.unit else ""
        return f"{self.title} ({self.benchmark}{subset}): error of {self.observable.replace('_', ' ')}{unit}"


@dataclass(frozen=True)
class Extra:
    """One table beside the main ones. numeric: which columns are numbers; rows: texts."""

    title: str
    note: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: Sequence[tuple[str, ...]] = ()


@dataclass(frozen=True)
class Names:
    """What reports call levels of theory. labels: canonical spelling -> label, of the levels that have one to
    themselves; the others are called by their spelling."""

    labels: Mapping[str, str] = field(default_factory=dict)

    def of(self, level: str, bsse: str | None = "") -> str:
        """A level's name, with its counterpoise treatment if it has one."""
        return level_text(self.labels.get(level, level), bsse)

    def legend(self, levels: Iterable[str]) -> Iterator[str]:
        """`label = spelling` for those of `levels` whose label is more than another way to write the spelling."""
        for level in dict.fromkeys(levels):
            label = self.labels.get(level, level)
            if label.casefold() != level.casefold():
                yield f"{label} = {level}"


SPELLINGS = Names()
"""Every level by its canonical spelling."""


def names_of(table: pd.DataFrame) -> Names:
    """What the levels of a table with the column `label` are called; a label of two levels is the name of neither."""
    if "label" not in table:
        return SPELLINGS
    pairs = table[["level_of_theory", "label"]].drop_duplicates().itertuples(index=False)
    return unique_names(
        {str(level): label for level, label in pairs if isinstance(label, str) and label},
        table["level_of_theory"].unique(),
    )


def unique_names(labels: Mapping[str, str], taken: Iterable[str]) -> Names:
    """Names by `labels`, without those that two levels have, or that are the spelling of another of `taken`."""
    owners: dict[str, set[str]] = {}
    for level in taken:
        owners.setdefault(str(level).casefold(), set()).add(str(level))
    for level, label in labels.items():
        owners.setdefault(label.casefold(), set()).add(level)
    return Names({level: label for level, label in labels.items() if owners[label.casefold()] == {level}})


def level_text(level: str, bsse: str | None) -> str:
    """A level of theory with its counterpoise treatment, as one label."""
    return f"{level} [{bsse}]" if bsse not in BASIS_FREE and not is_missing(bsse) else level


def is_missing(x: Any) -> bool:
    """Whether x is None or NaN."""
    return x is None or (isinstance(x, float) and math.isnan(x))


def with_unit(text: str, unit: str | None) -> str:
    """`mean abs, kcal/mol`; the text alone where there is no unit."""
    return f"{text}, {unit}" if unit else text


SMALLEST_SHOWN = 5e-8
"""What is smaller is 0 in any table and any picture, such as the rounding errors of an exact method."""


def shown(x: Any) -> float:
    """x, or 0 where it is missing or smaller than what is shown."""
    return 0.0 if is_missing(x) or abs(x) < SMALLEST_SHOWN else float(x)


def decimals_for(values: list[Any]) -> int:
    """Decimals that show the smallest of the typical sizes with three significant digits (0 to 7)."""
    found = [abs(v) for v in values if not is_missing(v) and v != 0.0]
    sizes = sorted(v for v in found if v >= SMALLEST_SHOWN)
    if not sizes:
        return 2
    typical = sizes[len(sizes) // 4]
    return min(7, max(0, 2 - math.floor(math.log10(typical))))


def in_order(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Rows by `columns`, ascending, what is missing last.

    Numbers that look alike are alike, and stand by level of theory and counterpoise treatment: round-off orders none.
    """
    import numpy as np

    decimals = decimals_for(list(table[RANKED_BY]))
    names = [table["bsse"].fillna("").to_numpy(str), table["level_of_theory"].to_numpy(str)]
    sizes = [table[c].to_numpy(float, na_value=np.nan).round(decimals) for c in columns]
    return table.iloc[np.lexsort([*names, *reversed(sizes)])]


def counted(n: int, one: str, many: str = "") -> str:
    """`1 entry`, `2 entries`. many: where it is not `one` with an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def number(x: Any, decimals: int) -> str:
    """x with fixed decimals, or a dash when there is none."""
    # Adding zero turns what rounds to -0 into 0.
    return "–" if is_missing(x) else f"{round(x, decimals) + 0.0:.{decimals}f}"


def interval_text(low: Any, high: Any, decimals: int) -> str:
    """`0.12–0.34`; an end that the data can't bound is `?`; empty when neither is known."""
    if is_missing(low) and is_missing(high):
        return ""
    ends = ["?" if is_missing(x) else f"{x:.{decimals}f}" for x in (low, high)]
    return f"{ends[0]}–{ends[1]}" if not ends[0].startswith("-") and not ends[1].startswith("-") else " … ".join(ends)
