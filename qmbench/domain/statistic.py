"""A statistic of errors, declared once: its function, interval and unit, and what tables and documentation say of it.

Plugins add their own through the hook `qmbench_statistics`; the core's come through the same one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qmbench.domain import units
from qmbench.domain.errors import InputError

PERCENT = "%"
ENDS = ("low", "high", "uncertainty", "combined_low", "combined_high")
"""What may stand behind a statistic's name, and an underscore, in the name of a column."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ErrorSample:
    """Errors on the entries of one benchmark and observable; none is missing.

    error: calculated − reference, (entries, levels), or (entries,) for a statistic that is `per_level`; reference:
    the values it is measured from, same shape; both in `unit`. molecules: (entries,) numbers, equal for entries of one
    molecule, which err together; None: each entry has its own.
    """

    error: Array
    reference: Array
    unit: str = ""
    observable: str = ""
    molecules: Array | None = None

    @property
    def magnitude(self) -> Array:
        """Absolute errors."""
        return np.abs(self.error)


Function = Callable[[ErrorSample], Any]


@dataclass(frozen=True)
class BootstrapT:
    """The studentized bootstrap interval of a mean over entries, or of an increasing function of one; entries of one
    molecule are drawn together.

    numbers: what is averaged, (entries, levels). averaged: what sort of numbers they are, which decides how the risks
    of the ends are corrected. transform: from the mean to the statistic; None where it is the mean itself. For a
    function of several means, numbers may be its linear part: (e − mean e)² for a variance.
    """

    numbers: Function
    averaged: Literal["signed", "magnitude", "square"] = "signed"
    transform: Callable[[Array], Array] | None = None


@dataclass(frozen=True)
class DistributionFree:
    """The interval of the p-quantile of `numbers` over entries, from order statistics."""

    numbers: Function
    p: float


Interval = BootstrapT | DistributionFree | Callable[[ErrorSample, float], Any]
"""Or a function of (sample, confidence) that gives (2, levels): the low ends and the high ends, NaN where unknown. It
sees in `sample.molecules` which entries err together; with fewer than seven molecules it is asked only where no two
entries share one."""


@dataclass(frozen=True)
class Statistic:
    """One statistic of the errors of a level of theory.

    name: of its column, lower case with underscores. label: over its column in tables. symbol: its usual abbreviation.
    description: one line. formula: as text, with e for the errors and n for their number.
    function: of an ErrorSample, (levels,); NaN where it has no meaning for that unit or observable. per_level: it takes
    one level at a time, with arrays (entries,), and gives a number.
    interval: over entries (see Interval); None: it has none. gradient: derivative by each error, (entries, levels),
    with which the uncertainties of results and references propagate to first order; None: they do not.
    unit: None for the observable's; otherwise a unit, "" (a pure number) or "%". bounds: what it can't go beyond.
    minimum: entries below which it is not given. common: given over the entries that all levels share, too.
    main: its place in the main tables, from 1; None: in the table of all statistics alone. main_interval: whether its
    interval stands beside it there. listed: whether it is in the table of all statistics; order: its place there.
    entry: of an extreme, the index of the entry that has it, (levels,); entry_column: the column for that entry's name.
    heading: over its column in a paper's table, where that is not the label.
    """

    name: str
    label: str
    symbol: str
    description: str
    formula: str
    function: Function
    per_level: bool = False
    interval: Interval | None = None
    gradient: Function | None = None
    unit: str | None = None
    bounds: tuple[float, float] = (-np.inf, np.inf)
    minimum: int = 1
    common: bool = False
    main: int | None = None
    main_interval: bool = False
    listed: bool = True
    order: int = 100
    entry: Function | None = None
    entry_column: str = ""
    heading: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns in the table of statistics, in order; the last may be `entry_column`."""
        return (*self.number_columns, *((self.entry_column,) if self.entry_column else ()))

    @property
    def number_columns(self) -> tuple[str, ...]:
        """Those that hold numbers in its unit."""
        ends: list[str] = []
        ends += ["low", "high"] if self.interval is not None else []
        ends += ["uncertainty"] if self.gradient is not None else []
        ends += ["combined_low", "combined_high"] if self.interval is not None and self.gradient is not None else []
        return (self.name, *(f"{self.name}_{end}" for end in ends))

    @property
    def common_columns(self) -> tuple[str, ...]:
        """Those of the same over the entries that levels share."""
        if not self.common:
            return ()
        ends = ("", "_low", "_high") if self.interval is not None else ("",)
        return tuple(f"common_{self.name}{end}" for end in ends)

    @property
    def interval_columns(self) -> tuple[str, str] | None:
        """The columns of the interval that tables show: with the propagated uncertainty where there is one."""
        if self.interval is None:
            return None
        kind = "combined_" if self.gradient is not None else ""
        return f"{self.name}_{kind}low", f"{self.name}_{kind}high"

    def unit_for(self, unit: str) -> str:
        """Its unit where the observable is in `unit`."""
        return unit if self.unit is None else self.unit


class StatisticRegistry(dict[str, Statistic]):
    """name -> Statistic, in the order of the table of all statistics."""

    def add(self, statistic: Statistic) -> None:
        """Take in a statistic; InputError when it is none, or its name or label is taken or can't be a column's."""
        if not isinstance(statistic, Statistic):
            raise InputError(f"qmbench_statistics gave {statistic!r}, not a Statistic")
        name = statistic.name
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name.startswith(("n_", "common_")) or _like_an_end(name):
            raise InputError(
                f"'{name}' can't be the name of a statistic: lower case and underscores, not n_… or common_…, and "
                f"without {', '.join('_' + end for end in ENDS)} at its end"
            )
        if name in self:
            raise InputError(f"statistic '{name}' is already there")
        taken = {column for s in self.values() for column in (*s.columns, *s.common_columns)}
        if clash := sorted(taken.intersection(statistic.columns)):
            raise InputError(f"statistic '{name}' would have a column '{clash[0]}', which is already there")
        if not statistic.label or any(s.label == statistic.label for s in self.values()):
            raise InputError(f"statistic '{name}': the label '{statistic.label}' is empty or already there")
        if bool(statistic.entry) != bool(statistic.entry_column):
            raise InputError(f"statistic '{name}': `entry` and `entry_column` go together")
        if statistic.unit not in (None, PERCENT, *units.UNITS):
            units.dimension(str(statistic.unit))  # raises, and names what is nearest
        self[name] = statistic
        ordered = sorted(self.items(), key=lambda item: (item[1].order, item[0]))
        self.clear()
        self.update(ordered)

    @property
    def main(self) -> list[Statistic]:
        """Those of the main tables, in their order there."""
        return sorted((s for s in self.values() if s.main is not None), key=lambda s: (s.main or 0, s.order, s.name))


def _like_an_end(name: str) -> bool:
    return name.endswith(tuple(f"_{end}" for end in ENDS))


def registry_of(statistics: Iterable[Statistic]) -> StatisticRegistry:
    """A registry of these."""
    made = StatisticRegistry()
    for statistic in statistics:
        made.add(statistic)
    return made
