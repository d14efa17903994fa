"""Reference values that other values of the same entry speak against: another sign, another unit, or far from all.

Suspicions, not proofs: `qmbench lint` prints them as warnings, for somebody to look at the source again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from qmbench.data.benchmark import Benchmark
from qmbench.data.lint import Finding
from qmbench.data.reference_sets import SAME_QUANTITY
from qmbench.domain.units import UNITS
from qmbench.judging.stored import stored_results

if TYPE_CHECKING:
    from qmbench.running.stores import StoreProtocol

ALIKE = 0.1
"""Relative deviation up to which a value is taken for another one in another unit, or with another sign."""
AT_ODDS = 0.3
"""Relative range from which the other values of an entry are too different to speak against one."""
FAR = 3.0
"""Ranges of all levels that a reference is away from the nearest of them, to be called far."""

Witnesses = Mapping[str, Mapping[str, float]]
"""entry -> level of theory, or published set -> value in the entry's unit."""


def suspicious_references(benchmark: Benchmark, computed: Witnesses) -> Iterator[Finding]:
    """A warning for each current reference value that others speak against; computed: values of levels, by entry.

    Others are the values of levels, and of other reference sets that estimate the same. At least two that are alike
    within AT_ODDS show a wrong sign or unit; at least three levels show that a reference is far.
    """
    where = str(benchmark.folder / "references.csv")
    current = [
        r
        for r in benchmark.references
        if r.status == "current"
        and benchmark.role_of(r.set).role in SAME_QUANTITY
        and isinstance(r.quantity.value, float)
    ]
    rows = []
    ratios: dict[str, list[float]] = defaultdict(list)
    for r in current:
        levels = dict(computed.get(r.entry, {}))
        sets = {f"set {o.set}": float(o.quantity.value) for o in current if o.entry == r.entry and o.set != r.set}  # type: ignore[arg-type]
        middle = _middle({**levels, **sets})
        rows.append((r, float(r.quantity.value), levels, {**levels, **sets}))  # type: ignore[arg-type]
        if middle:
            ratios[r.set].append(rows[-1][1] / middle)
    for r, value, levels, others in rows:
        alike = _consistent(ratios[r.set])
        text = (alike and _sign_or_unit(value, r.quantity.unit, others)) or _far(value, levels)
        if text:
            about = f"entry '{r.entry}', set {r.set}: {value:g} {r.quantity.unit}".rstrip()
            yield Finding(where, f"{about} {text}", "warning")


def _middle(others: Mapping[str, float]) -> float:
    """The median of at least two values that are alike; 0 where they are not."""
    numbers = np.array(list(others.values()))
    middle = float(np.median(numbers)) if len(numbers) >= 2 else 0.0
    return middle if middle and np.ptp(numbers) <= AT_ODDS * abs(middle) else 0.0


def _consistent(ratios: Sequence[float]) -> bool:
    """Whether a set is in a fixed ratio to others by and large; one that is not is off by its physics."""
    if len(ratios) < 4:
        return True
    relative = np.array(ratios) / np.median(ratios)
    return bool(np.median(np.abs(relative - 1.0)) <= AT_ODDS)


def _sign_or_unit(value: float, unit: str, others: Mapping[str, float]) -> str:
    """What is wrong if the value has the sign, or the unit, of another; empty where it has not."""
    middle = _middle(others)
    if not middle or not value:
        return ""
    said = f"of {_names(others)} ({middle:.4g})"
    if abs(value / middle + 1.0) <= ALIKE:
        return f"has the opposite sign {said}"
    ratio = value / middle
    if abs(ratio) < 2.0 and abs(ratio) > 0.5:
        return ""
    dimension = UNITS[unit][0] if unit in UNITS else ""
    own = UNITS[unit][1] if unit in UNITS else 1.0
    fits = [
        (abs(abs(ratio) / factor - 1.0), name)
        for name, (what, size) in UNITS.items()
        if what == dimension and name != unit
        for factor in (own / size, size / own)  # converted once too often, or not at all
    ]
    best = min(fits, default=(np.inf, ""))
    if best[0] > ALIKE:
        return ""
    return f"is {_times(abs(ratio))} the value {said}, as if {best[1]} and {unit} were mixed up"


def _far(value: float, levels: Mapping[str, float]) -> str:
    numbers = np.array(list(levels.values()))
    if len(numbers) < 3:
        return ""
    low, high = float(numbers.min()), float(numbers.max())
    away = max(low - value, value - high)
    if away <= FAR * (high - low) or away <= ALIKE * float(np.abs(np.median(numbers))):
        return ""
    return f"is far from every level: {_names(levels)} give {low:.4g} to {high:.4g}"


def _names(others: Mapping[str, float]) -> str:
    names = list(others)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _times(ratio: float) -> str:
    return f"{ratio:.4g} times" if ratio > 1 else f"1/{1 / ratio:.4g} of"


def computed_values(benchmark: Benchmark, store: StoreProtocol) -> Witnesses:
    """What the runs of a store have of this version of a benchmark: the latest value of each entry and level."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for results in stored_results(benchmark, store):
        ok = results[results["status"] == "ok"]
        for level, bsse, entry, value in ok[["level_of_theory", "bsse", "entry", "value"]].itertuples(index=False):
            found[entry][f"{level} ({bsse})" if bsse else level] = float(value)
    return found


def lint_references(benchmarks: Sequence[Benchmark], store: StoreProtocol | None) -> list[Finding]:
    """`suspicious_references` of these benchmarks, with what the store has."""
    found: list[Finding] = []
    for benchmark in benchmarks:
        found += suspicious_references(benchmark, computed_values(benchmark, store) if store is not None else {})
    return found
