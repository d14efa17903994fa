"""One figure for many benchmarks with the user's own weights: the weighted mean of mean absolute errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmbench.domain import units
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.judging.statistics import ALL
from qmbench.judging.weighted import by_treatment, judged_by_others

if TYPE_CHECKING:
    import pandas as pd

USER_TOTAL_COLUMNS = (
    "level_of_theory bsse part weight n mean_absolute_error mean_absolute_error_share total unit lacks"
).split()


def user_totals(
    statistics: pd.DataFrame, scored: pd.DataFrame, weights: Mapping[str, float], unit: str = "kcal/mol"
) -> pd.DataFrame:
    """One row per (level_of_theory, bsse, part): total = Σ w·MAE / Σ w over the parts that have a weight above zero.

    weights: `BENCHMARK` or `BENCHMARK/PART` -> weight, where PART is a subset or an observable; see
    `qmbench.data.weights`. Energies are in `unit`, other quantities in that of the first part. A level that lacks an
    entry of a part that others are scored on lacks the part (`lacks`, blanks between the names), and has no total
    (NaN): totals over different entries do not compare. So does one with errors against its own method there, which
    tell nothing of it. Columns: USER_TOTAL_COLUMNS; weight: w / Σ w;
    mean_absolute_error_share: what the part adds to the total.

    InputError for a name that is not there, for one that means several observables, and for parts of which one is an
    energy, say, and another is not.
    """
    import pandas as pd

    used = {name: w for name, w in weights.items() if w > 0}
    parts = {name: _rows(statistics, name) for name in weights}
    tables, sizes, found_unit = [], {}, ""
    for name in used:
        rows, subset = parts[name]
        own = str(rows["unit"].iloc[0])
        energy = units.dimension(own) == "energy" if own in units.UNITS else False
        found_unit = found_unit or (unit if energy else own)
        try:
            factor = units.factor(own, found_unit)
        except InputError:
            raise InputError(
                f"weights: {name} is in {own or 'no unit'} and {next(iter(used))} in {found_unit or 'no unit'}; a "
                "total needs parts of one kind of quantity"
            ) from None
        sizes[name] = _size(scored, rows, subset)
        there = (rows["n_scored"] == sizes[name]) & rows["mean_absolute_error"].notna()
        whole = rows[there & judged_by_others(rows)]
        errors = whole["mean_absolute_error"] * factor
        tables.append(whole.assign(part=name, mean_absolute_error=errors, bsse=whole["bsse"].fillna("")))
    total_weight = sum(used.values())
    out: list[tuple[Any, ...]] = []
    for (level, bsse), mine in by_treatment(pd.concat(tables)).items():
        lacks = " ".join(name for name in used if name not in mine)
        shares = {name: used[name] / total_weight * mine[name] for name in used if name in mine}
        total = float("nan") if lacks else sum(shares.values())
        for name, share in shares.items():
            about = (used[name] / total_weight, sizes[name], mine[name], share)
            out.append((level, bsse, name, *about, total, found_unit, lacks))
    return pd.DataFrame(out, columns=USER_TOTAL_COLUMNS)


def _rows(statistics: pd.DataFrame, name: str) -> tuple[pd.DataFrame, str]:
    """The statistics of one benchmark, subset or observable, and which subset it is."""
    benchmark, _, part = name.partition("/")
    there = statistics["benchmark"].unique()
    mine = statistics[statistics["benchmark"] == benchmark]
    if mine.empty:
        raise InputError(f"weights: no benchmark '{benchmark}' has statistics here{did_you_mean(benchmark, there)}")
    subset = ALL
    if part and part in set(mine["observable"]):
        mine = mine[mine["observable"] == part]
    elif part:
        known = {*mine["subset"], *mine["observable"]} - {ALL}
        if part not in known:
            near = did_you_mean(part, known)
            raise InputError(f"weights: benchmark {benchmark} has no subset or observable '{part}'{near}")
        subset = part
    rows = mine[mine["subset"] == subset]
    several = sorted(set(rows["observable"]))
    if len(several) > 1:
        raise InputError(
            f"weights: {name} has {len(several)} observables; write {' or '.join(f'{benchmark}/{o}' for o in several)}"
        )
    return rows, subset


def _size(scored: pd.DataFrame, rows: pd.DataFrame, subset: str) -> int:
    """How many entries of a part anyone could be scored on: those with a reference."""
    first = rows.iloc[0]
    mine = scored[
        (scored["benchmark"] == first["benchmark"])
        & (scored["observable"] == first["observable"])
        & scored["reference"].notna()
    ]
    if subset != ALL:
        mine = mine[[subset in str(words or "").split() for words in mine["subsets"]]]
    return int(mine["entry"].nunique())
