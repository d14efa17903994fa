"""How methods differ as a rule: distances between them, and how their differences depend on what is computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from qmbench.domain.errors import QmbenchError
from qmbench.domain.method import split_level
from qmbench.judging.columns import Column, Group

MINIMUM_POINTS = 5
MOST_COLUMNS = 12
"""Up to here every pair is regressed; with more columns, each against the default reference or the first column."""


def pair_summaries(group: Group, uncertainty: np.ndarray, threshold: np.ndarray) -> list[dict[str, Any]]:
    """One object per pair of columns that share an entry: differences a − b over the entries both have.

    uncertainty: as used, (entries, columns); threshold: |z| per entry from which a pair is significant.
    max_z_statistical: the largest |z| with statistical uncertainties alone (None where neither has one).
    """
    value, names = group.value, [c.name for c in group.columns]
    statistical = np.where(group.kind == "statistical", group.uncertainty, 0.0) ** 2
    variance = uncertainty**2
    out = []
    for a in range(len(names) - 1):
        d = value[:, a, None] - value[:, a + 1 :]
        has = np.isfinite(d)
        n = has.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.abs(d) / np.sqrt(variance[:, a, None] + variance[:, a + 1 :])
            s2 = statistical[:, a, None] + statistical[:, a + 1 :]
            z_statistical = np.where(has & (s2 > 0), np.abs(d) / np.sqrt(np.where(s2 > 0, s2, 1.0)), -1.0)
            total = np.where(has, d, 0.0)
            mean, absolute = total.sum(axis=0) / n, np.abs(total).sum(axis=0) / n
            rms = np.sqrt((total**2).sum(axis=0) / n)
            largest = np.where(has, z, -1.0)
        worst, significant = largest.argmax(axis=0), (largest >= threshold[:, None]).sum(axis=0)
        for k in np.flatnonzero(n):
            top = float(z_statistical[:, k].max())
            out.append(
                {
                    "benchmark": group.benchmark,
                    "observable": group.observable,
                    "within": group.within,
                    "unit": group.unit,
                    "a": names[a],
                    "b": names[a + 1 + k],
                    "n": int(n[k]),
                    "mean_difference": float(mean[k]),
                    "mean_absolute_difference": float(absolute[k]),
                    "root_mean_square_difference": float(rms[k]),
                    "max_z": float(largest[worst[k], k]),
                    "max_z_entry": group.entries[worst[k]],
                    "max_z_statistical": top if top >= 0 else None,
                    "n_significant": int(significant[k]),
                }
            )
    return out


def distances(group: Group) -> dict[str, Any]:
    """The method–method distance matrix and the order in which neighbours are alike.

    distance: root mean square difference over shared entries (None where there are none). order: column names by
    average-linkage clustering; merges: [[names], [names], distance] from the closest pair on.
    """
    names = [c.name for c in group.columns]
    count = len(names)
    matrix = np.full((count, count), np.nan)
    for a in range(count):
        d = group.value[:, a, None] - group.value
        has = np.isfinite(d)
        with np.errstate(invalid="ignore", divide="ignore"):
            matrix[a] = np.sqrt((np.where(has, d, 0.0) ** 2).sum(axis=0) / has.sum(axis=0))
    np.fill_diagonal(matrix, 0.0)
    order, merges = _cluster(matrix, names)
    return {
        "benchmark": group.benchmark,
        "observable": group.observable,
        "within": group.within,
        "unit": group.unit,
        "columns": names,
        "distance": [[None if np.isnan(x) else float(x) for x in row] for row in matrix],
        "order": order,
        "merges": merges,
    }


def _cluster(matrix: np.ndarray, names: list[str]) -> tuple[list[str], list[list[Any]]]:
    if len(names) < 2:
        return list(names), []
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    # Methods that share no entry are as far apart as any that do.
    known = matrix[np.isfinite(matrix)]
    filled = np.where(np.isfinite(matrix), matrix, known.max() if len(known) else 0.0)
    tree = linkage(squareform(filled, checks=False), "average")
    members = [[name] for name in names]
    merges = []
    for a, b, distance, _ in tree:
        left, right = members[int(a)], members[int(b)]
        merges.append([left, right, float(distance)])
        members.append(left + right)
    return [names[i] for i in leaves_list(tree)], merges


def trends(group: Group) -> list[dict[str, Any]]:
    """Linear dependence of the differences between columns on numbers and classes of the entries.

    Numbers: tags `name:number`, the coordinate of curves, and `magnitude` (the median |value| of the entry).
    Classes: subsets and plain tags. Ordinary least squares d = intercept + slope·x; for a class x is 1 inside and
    0 outside, so that the slope is the difference of the means. Each with its 95 % Student interval; `p` is two
    sided. At least MINIMUM_POINTS entries, for classes three inside and three outside. Smallest p first.
    """
    covariates = dict(_covariates(group))
    out = []
    for a, b in _compared(group):
        d = group.value[:, a] - group.value[:, b]
        for name, x in covariates.items():
            fit = regress(x, d)
            if fit is not None:
                out.append(
                    {
                        "benchmark": group.benchmark,
                        "observable": group.observable,
                        "within": group.within,
                        "unit": group.unit,
                        "a": group.columns[a].name,
                        "b": group.columns[b].name,
                        "on": name,
                        **fit,
                    }
                )
    return sorted(out, key=lambda t: (t["p"], t["a"], t["b"], t["on"]))


def _compared(group: Group) -> Iterator[tuple[int, int]]:
    count = len(group.columns)
    if count <= MOST_COLUMNS:
        yield from ((a, b) for a in range(count) for b in range(a + 1, count))
        return
    base = next((j for j, c in enumerate(group.columns) if c.is_default_reference), 0)
    yield from ((a, base) for a in range(count) if a != base)


def _covariates(group: Group) -> Iterator[tuple[str, np.ndarray]]:
    with np.errstate(invalid="ignore"):
        has = np.isfinite(group.value).any(axis=1)
        magnitude = np.full(len(group.entries), np.nan)
        magnitude[has] = np.abs(np.nanmedian(group.value[has], axis=1))
    yield "magnitude", magnitude
    for curve in dict.fromkeys(c for c in group.curve if c):
        mask = np.array([c == curve for c in group.curve])
        yield f"coordinate of {curve}", np.where(mask, group.coordinate, np.nan)
    numbers: dict[str, np.ndarray] = {}
    classes: dict[str, np.ndarray] = {}
    for e, (tags, subsets) in enumerate(zip(group.tags, group.subsets, strict=True)):
        for word in (*tags, *subsets):
            name, colon, text = word.partition(":")
            number = _number(text) if colon else None
            if number is not None:
                numbers.setdefault(name, np.full(len(group.entries), np.nan))[e] = number
            else:
                classes.setdefault(word, np.zeros(len(group.entries)))[e] = 1.0
    yield from numbers.items()
    for name, x in classes.items():
        if min(x.sum(), len(x) - x.sum()) >= 3:
            yield name, x


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def regress(x: np.ndarray, y: np.ndarray, confidence: float = 0.95) -> dict[str, float | int] | None:
    """Least-squares line through the points that have both numbers, with Student intervals of the slope.

    None with fewer than MINIMUM_POINTS points or when x does not vary.
    """
    from scipy.special import stdtr, stdtrit

    has = np.isfinite(x) & np.isfinite(y)
    n = int(has.sum())
    if n < MINIMUM_POINTS or np.ptp(x[has]) <= 1e-12 * np.abs(x[has]).max():
        return None
    x, y = x[has], y[has]
    centred = x - x.mean()
    sxx = float((centred**2).sum())
    slope = float((centred * y).sum()) / sxx
    residual = y - y.mean() - slope * centred
    error = float(np.sqrt((residual**2).sum() / (n - 2) / sxx))
    reach = float(stdtrit(n - 2, 0.5 + confidence / 2.0)) * error
    p = 2.0 * float(stdtr(n - 2, -abs(slope) / error)) if error > 0 else (0.0 if slope else 1.0)
    return {
        "n": n,
        "intercept": float(y.mean() - slope * x.mean()),
        "slope": slope,
        "slope_low": slope - reach,
        "slope_high": slope + reach,
        "p": p,
    }


def level_differences(columns: tuple[Column, ...]) -> dict[str, dict[str, list[str]]]:
    """What else differs between the columns besides the method, from their parsed levels of theory.

    {"basis": {"cc-pvdz": [names], "cbs": [names]}, "bsse": {...}, "frozen_core": {...}}; only what takes more than
    one value. Levels that can't be parsed (free text of a publication) do not take part.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for column in columns:
        try:
            text = split_level(column.level_of_theory)
        except QmbenchError:
            continue
        if column.kind == "reference" and text.basis is None:
            continue
        settings = {"basis": text.basis or "none", **dict(text.options)}
        if column.kind == "computed":
            settings["bsse"] = column.bsse or "none"
        for name, setting in settings.items():
            found.setdefault(name, {}).setdefault(setting, []).append(column.name)
    return {name: values for name, values in found.items() if len(values) > 1}
