"""One figure for many benchmarks: weighted total mean absolute deviations, with what each part adds to them.

WTMAD-2: Goerigk, Hansen, Bauer, Ehrlich, Najibi & Grimme, Phys. Chem. Chem. Phys. 19, 32184 (2017), eq. 2. The
parts are weighted by their number of entries and by the inverse of their mean absolute reference energy.
WTMAD-4 (Bryenton & Johnson) weights every part alike, by the inverse of the error that is typical of it.
Both need all parts: a level that lacks one has no figure, rather than a flattering one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from qmbench import units

if TYPE_CHECKING:
    import pandas as pd


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

    A part is one benchmark and observable that is an energy. Columns: level_of_theory, bsse, part, n,
    mean_absolute_error, mean_absolute_reference, wtmad2_share, wtmad4_share, wtmad2, wtmad4, parts_missing;
    energies in `unit`. Typical deviations, for WTMAD-4, are the medians over the levels that have all parts.
    Levels without all parts have NaN and the missing ones by name. Empty when there are not two parts.
    """
    import pandas as pd

    columns = "level_of_theory bsse part n mean_absolute_error mean_absolute_reference wtmad2_share wtmad4_share"
    empty = pd.DataFrame(columns=[*columns.split(), "wtmad2", "wtmad4", "parts_missing"])
    whole = statistics[statistics["subset"].eq("all") & statistics["unit"].map(_is_energy)]
    if whole.empty:
        return empty
    factors = whole["unit"].map(lambda u: units.factor(u, unit))
    whole = whole.assign(
        part=whole["benchmark"] + "/" + whole["observable"],
        mean_absolute_error=whole["mean_absolute_error"] * factors,
    )
    mean_energy, entries = _parts(scored, unit)
    parts = [p for p in whole["part"].unique() if mean_energy.get(p, 0.0) > 0.0]
    if len(parts) < 2:
        return empty
    table = whole.pivot_table(
        index="part", columns=["level_of_theory", "bsse"], values="mean_absolute_error", dropna=False
    ).reindex(parts)
    complete = table.columns[table.notna().all()]
    weights = np.array([mean_energy[p] for p in parts])
    n = np.array([entries[p] for p in parts], dtype=float)
    mad = table.to_numpy(float)
    share2 = wtmad2(mad, n, weights)
    typical = np.median(table[complete].to_numpy(float), axis=1) if len(complete) else np.full(len(parts), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        share4 = wtmad4(mad, np.where(typical > 0, typical, np.nan))
    rows = []
    for j, label in enumerate(table.columns.tolist()):
        level, bsse = label[0], label[1]
        missing = [p for i, p in enumerate(parts) if np.isnan(mad[i, j])]
        totals = (np.nan, np.nan) if missing else (share2[:, j].sum(), share4[:, j].sum())
        for i, part in enumerate(parts):
            shares = (np.nan, np.nan) if missing else (share2[i, j], share4[i, j])
            rows.append((level, bsse, part, n[i], mad[i, j], weights[i], *shares, *totals, " ".join(missing)))
    return pd.DataFrame(rows, columns=empty.columns)


def _is_energy(unit: str) -> bool:
    return units.dimension(unit) == "energy"


def _parts(scored: pd.DataFrame, unit: str) -> tuple[Mapping[str, float], Mapping[str, int]]:
    """part -> mean absolute reference in `unit`, and part -> number of entries with a reference."""
    rows = scored[scored["reference"].notna() & scored["unit"].map(_is_energy)]
    rows = rows.drop_duplicates(["benchmark", "observable", "entry"])
    size = rows["reference"].abs() * rows["unit"].map(lambda u: units.factor(u, unit))
    groups = size.groupby(rows["benchmark"] + "/" + rows["observable"])
    return {str(k): v for k, v in groups.mean().items()}, {str(k): int(v) for k, v in groups.size().items()}
