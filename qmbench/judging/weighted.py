"""One figure for many benchmarks: weighted total mean absolute deviations, with what each part adds to them.

WTMAD-2: Goerigk, Hansen, Bauer, Ehrlich, Najibi & Grimme, Phys. Chem. Chem. Phys. 19, 32184 (2017), eq. 2. The
parts are weighted by their number of entries and by the inverse of their mean absolute reference energy.
WTMAD-4 (Bryenton & Johnson) weights every part alike, by the inverse of the error that is typical of it.
Both compare over the same parts only: a level that lacks one is not set beside those that have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain import units

if TYPE_CHECKING:
    import pandas as pd

TOTAL_ENERGIES = ("total_energy", "energy_per_site")


def wtmad2(mad: np.ndarray, n: np.ndarray, mean_energy: np.ndarray, scale: float | None = None) -> np.ndarray:
    """Share of each part in WTMAD-2; their sum is WTMAD-2.

    mad: (parts,) or (parts, levels) mean absolute deviations; n: (parts,) entries; mean_energy: (parts,) mean
    absolute reference energies in the unit of mad. scale: in that unit; default the mean of mean_energy (the
    paper has 56.84 kcal/mol for the 55 parts of GMTKN55).
    """
    scale = float(np.mean(mean_energy)) if scale is None else scale
    weights = n / n.sum() * scale / mean_energy
    return (weights * np.asarray(mad).T).T


def wtmad4(mad: np.ndarray, typical: np.ndarray, scale: float | None = None) -> np.ndarray:
    """Share of each part in WTMAD-4; their sum is WTMAD-4.

    typical: (parts,) the mean absolute deviation that is usual in the part. scale: default its mean, so that a
    level that errs as is typical everywhere has the mean of the typical deviations.
    """
    scale = float(np.mean(typical)) if scale is None else scale
    weights = scale / typical / len(typical)
    return (weights * np.asarray(mad).T).T


def weighted_totals(statistics: pd.DataFrame, scored: pd.DataFrame, unit: str = "kcal/mol") -> pd.DataFrame:
    """One row per (level_of_theory, bsse, part): mean absolute deviations and shares, and the totals.

    A part is one benchmark and observable that is an energy, other than total energies, whose size means nothing.
    Columns: level_of_theory, bsse, part, n, mean_absolute_error, mean_absolute_reference, wtmad2_share, wtmad4_share,
    wtmad2, wtmad4, parts; energies in `unit`. Only figures over the same parts compare: levels are grouped by the
    parts they have (`parts`, blanks between them), and those with fewer than two are left out. Errors against a level's
    own method tell nothing of it: a part with such errors it does not have. Typical deviations, for WTMAD-4, are the
    medians over the levels of the group.
    """
    import pandas as pd

    columns = "level_of_theory bsse part n mean_absolute_error mean_absolute_reference wtmad2_share wtmad4_share"
    names = [*columns.split(), "wtmad2", "wtmad4", "parts"]
    whole = statistics[
        statistics["subset"].eq("all")
        & statistics["unit"].map(_is_energy).astype(bool)
        & ~statistics["observable"].isin(TOTAL_ENERGIES)
        & statistics["mean_absolute_error"].notna()
        & judged_by_others(statistics)
    ]
    if whole.empty:
        return pd.DataFrame(columns=names)
    factors = whole["unit"].map(lambda u: units.factor(u, unit))
    whole = whole.assign(
        part=whole["benchmark"] + "/" + whole["observable"],
        mean_absolute_error=whole["mean_absolute_error"] * factors,
        bsse=whole["bsse"].fillna(""),
    )
    mean_energy, entries = _parts(scored, unit)
    whole = whole[whole["part"].map(lambda p: mean_energy.get(p, 0.0) > 0.0)]
    order = list(dict.fromkeys(whole["part"]))
    # A level has a part when it has every entry of it that anyone is scored on.
    whole = whole[whole["n_scored"] == whole["part"].map(entries)]
    errors = by_treatment(whole)
    rows: list[tuple[Any, ...]] = []
    for parts in dict.fromkeys(tuple(p for p in order if p in mine) for mine in errors.values()):
        levels = [level for level, mine in errors.items() if tuple(p for p in order if p in mine) == parts]
        if len(parts) >= 2:
            rows += _totals(parts, levels, errors, entries, mean_energy)
    return pd.DataFrame(rows, columns=names)


def judged_by_others(statistics: pd.DataFrame) -> pd.Series:
    """Which rows have no error against the level's own method in their means."""
    import pandas as pd

    return pd.Series(statistics.get("n_own_reference", 0), index=statistics.index).fillna(0).eq(0)


def by_treatment(whole: pd.DataFrame) -> dict[tuple[str, str], dict[str, float]]:
    """(level, counterpoise treatment) -> part -> mean absolute error.

    Parts for which the treatment has no meaning go with any, so that one level is one row over all its parts.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    columns = ["level_of_theory", "bsse", "part", "mean_absolute_error"]
    for level, bsse, part, error in whole[columns].itertuples(index=False):
        found.setdefault(str(level), {}).setdefault(str(part), {})[str(bsse)] = float(error)
    out: dict[tuple[str, str], dict[str, float]] = {}
    for level, parts in found.items():
        twice = any(len(by) > 1 for by in parts.values())
        used = {bsse for by in parts.values() for bsse in by} - {"none", ""}
        for bsse in [*sorted(used), *(["none"] if twice else []), *([] if used or twice else [""])]:
            kinds = (bsse or "none", "none", "")
            out[level, bsse] = {p: by[k] for p, by in parts.items() for k in kinds[::-1] if k in by}
    return out


def _totals(
    parts: tuple[str, ...],
    levels: list[tuple[str, str]],
    errors: Mapping[tuple[str, str], Mapping[str, float]],
    entries: Mapping[str, int],
    mean_energy: Mapping[str, float],
) -> list[tuple[Any, ...]]:
    mad = np.array([[errors[level][p] for level in levels] for p in parts])
    n, weights = (np.array([float(x[p]) for p in parts]) for x in (entries, mean_energy))
    typical = np.median(mad, axis=1)
    share2 = wtmad2(mad, n, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        share4 = wtmad4(mad, np.where(typical > 0, typical, np.nan))
    rows: list[tuple[Any, ...]] = []
    for j, level in enumerate(levels):
        totals = (share2[:, j].sum(), share4[:, j].sum())
        for i, part in enumerate(parts):
            shares = (share2[i, j], share4[i, j])
            rows.append((*level, part, n[i], mad[i, j], weights[i], *shares, *totals, " ".join(parts)))
    return rows


def _is_energy(unit: str) -> bool:
    return units.dimension(unit) == "energy"


def _parts(scored: pd.DataFrame, unit: str) -> tuple[Mapping[str, float], Mapping[str, int]]:
    """part -> mean absolute reference in `unit`, and part -> number of entries with a reference."""
    rows = scored[scored["reference"].notna() & scored["unit"].map(_is_energy)]
    rows = rows.drop_duplicates(["benchmark", "observable", "entry"])
    size = rows["reference"].abs() * rows["unit"].map(lambda u: units.factor(u, unit))
    groups = size.groupby(rows["benchmark"] + "/" + rows["observable"])
    return {str(k): v for k, v in groups.mean().items()}, {str(k): int(v) for k, v in groups.size().items()}
