"""How the errors of each level depend on what is computed: size, charge, elements, and classes of entries.

A trend is claimed where two tests find it that fail in different ways: the rank correlation, which asks nothing of how
errors are distributed (Spearman, Am. J. Psychol. 15, 72 (1904)), and the robust line of `trends`, without the entry
that carries it most; of classes also Welch's test of two means, each with its own scatter (Biometrika 34, 28 (1947)).
The largest p counts. Over all levels, numbers and classes that were tried the false discovery rate is kept (Benjamini &
Hochberg, J. R. Stat. Soc. B 57, 289 (1995)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qmbench.data.filters import atoms_of
from qmbench.domain.elements import ELEMENTS
from qmbench.domain.errors import QmbenchError
from qmbench.domain.steps import told
from qmbench.judging.disagreement import benjamini_hochberg_cut
from qmbench.judging.items import items
from qmbench.judging.trends import (
    MOST_LEFT_OUT,
    Fit,
    Ranked,
    blocks,
    class_p,
    rank_p,
    rank_p_of,
    ranked,
    regress_each,
    to_order,
    without_one_each,
)

if TYPE_CHECKING:
    import pandas as pd

LEAST_ENTRIES = 10
"""Molecules of which a level has errors, below which no trend of them is looked for."""
LEAST_CLASS = 4
"""Molecules that a class needs inside and outside; of fewer, a single one is a quarter of the class."""
LARGEST = 6
"""Of so many largest errors it is said how many a trend explains."""
MOST_FITTED = 4
"""Lines per level: the numbers and classes of the smallest p by ranks. The others are not claimed."""
MANY_POINTS = 500
"""With more molecules than this only one line per level is fitted."""


@dataclass(frozen=True)
class Covariate:
    """What errors may depend on. kind: `electrons`, `atoms`, `charge`, `element` or `class`; name: which element or
    class, and the kind for numbers. x: (entries,), of elements and classes 1 inside and 0 outside; NaN: unknown."""

    kind: str
    name: str
    x: np.ndarray

    @property
    def is_class(self) -> bool:
        """Whether it is a class and not a number."""
        return self.kind in ("element", "class")


@dataclass(frozen=True)
class Found:
    """One dependence of the errors of one level (column `level`). of: `error`, or `absolute_error` for their size."""

    level: int
    covariate: int
    of: str
    fit: Fit
    leaning_on: int
    largest: int
    explained: int
    low_end: float
    high_end: float

    @property
    def p(self) -> float:
        """The larger one of both tests."""
        return float(self.fit["p"])


def error_trends(
    scored: pd.DataFrame, benchmarks: Mapping[str, Any], significance: float = 0.05
) -> list[dict[str, Any]]:
    """The trends of errors in all benchmarks, JSON-ready, smallest p first.

    scored: of `statistics.score`. Keys: benchmark, observable, unit, method (as in the `disagree` document),
    level_of_theory, bsse, of, kind, on (see Covariate), slope with its 95 % interval (per electron, atom or unit of
    charge; for elements and classes the difference between inside and outside), n (molecules), p, leaning_on (an
    entry), at_low, at_high (the line at both ends of what was computed), largest, explained: of the `largest` largest
    errors so many lose more than half when the trend is taken off, counted from the end where the line is nearer to
    zero.
    """
    tried, found = 0, []
    parts = scored.groupby(["benchmark", "observable"], sort=False)
    for (benchmark, observable), part in told("observables of benchmarks searched for trends", parts):
        group = _Errors.of(part, benchmarks.get(benchmark))
        mine, count = find_trends(group.error, group.covariates, group.uncertainty, group.molecules)
        tried += count
        found += [(group, str(benchmark), str(observable), one) for one in mine]
    p = np.array([one.p for *_, one in found])
    cut = benjamini_hochberg_cut(p[p <= significance], tried, significance) if tried else 0.0
    rows = [_row(group, benchmark, observable, one) for group, benchmark, observable, one in found if one.p <= cut]
    return sorted(
        rows, key=lambda r: (to_order(r["p"]), r["benchmark"], r["observable"], r["method"], r["of"], r["on"])
    )


def find_trends(
    error: np.ndarray,
    covariates: Sequence[Covariate],
    uncertainty: np.ndarray | None = None,
    molecules: Sequence[str] | None = None,
) -> tuple[list[Found], int]:
    """What the errors of each level may depend on, before the guard, and how many questions were asked.

    error, uncertainty: (entries, levels), NaN where there is none. molecules: of the entries; the mean over those of
    one molecule is one point, since they err together.
    """
    keys = list(range(len(error))) if molecules is None else list(molecules)
    stated = np.zeros(error.shape) if uncertainty is None else np.nan_to_num(uncertainty)
    likely: list[_Series] = []
    tried = 0
    on: _On | None = None
    for level in range(error.shape[1]):
        rows = np.flatnonzero(np.isfinite(error[:, level]))
        first, of_molecule = _molecules([keys[i] for i in rows])
        if len(first) < LEAST_ENTRIES:
            continue
        e = _means(error[rows, level], of_molecule)
        # The uncertainty of a mean of n independent values is that of one over √n.
        u = np.sqrt(_means(stated[rows, level] ** 2, of_molecule) / np.bincount(of_molecule))
        if on is None or not np.array_equal(on.rows, rows):
            on = _On(rows, of_molecule, covariates)
        asked = []
        for of, y in (("error", e), ("absolute_error", np.abs(e))):
            asked += [(p, c, of, x, y) for p, c, x in on.asked(y)]
        tried += len(asked)
        asked = sorted((a for a in asked if a[0] <= 0.05), key=lambda a: (to_order(a[0]), a[1], a[2]))
        for p, c, of, x, y in asked[: MOST_FITTED if len(first) <= MANY_POINTS else 1]:
            has = np.flatnonzero(np.isfinite(x))
            likely.append(_Series(level, c, of, p, x[has], y[has], u[has], rows[first[has]]))
    longest = max((len(s.x) for s in likely), default=0)
    found: list[Found] = []
    for some in blocks(likely, longest * MOST_LEFT_OUT):
        found += _fitted(some)
    return found, tried


class _On:
    """What errors of the same entries may depend on, level after level."""

    def __init__(self, rows: np.ndarray, of_molecule: np.ndarray, covariates: Sequence[Covariate]) -> None:
        self.rows = rows
        self._varying: list[tuple[int, bool, np.ndarray, Ranked | None]] = []
        for c, one in enumerate(covariates):
            x = _means(one.x[rows], of_molecule)
            if _varies(x, one.is_class):
                self._varying.append((c, one.is_class, x, ranked(x) if np.isfinite(x).all() else None))

    def asked(self, y: np.ndarray) -> Iterator[tuple[float, int, np.ndarray]]:
        """(p, index of the covariate, x) for each that varies. y: (molecules,), finite."""
        order = Ranked.of(y)
        for c, is_class, x, ranks in self._varying:
            by_ranks = rank_p(x, y) if ranks is None else rank_p_of(ranks, order)
            yield max(by_ranks, class_p(x, y) if is_class else 0.0), c, x


class _Series(NamedTuple):
    """x, y, u: (molecules,) what the errors of a level may depend on, the errors, and their standard uncertainties.
    entries: the first of each molecule. p: by ranks, and of classes by Welch's test."""

    level: int
    covariate: int
    of: str
    p: float
    x: np.ndarray
    y: np.ndarray
    u: np.ndarray
    entries: np.ndarray


def _fitted(series: Sequence[_Series]) -> Iterator[Found]:
    """Those through which a line goes that is none by chance, all fitted at once."""
    x, y, u = _rows(series)
    lines = regress_each(x, y, u)
    fits = {k: fit for k, fit in enumerate(lines) if fit is not None and fit["p"] <= 0.05}
    kept = list(fits)
    without = without_one_each(x[kept], y[kept], u[kept], list(fits.values()))
    for s, (leaning, fit) in zip([series[k] for k in kept], without, strict=True):
        fit = {**fit, "p": max(float(fit["p"]), s.p)}
        yield Found(s.level, s.covariate, s.of, fit, int(s.entries[leaning]), *_explained(s.x, s.y, fit))


def _rows(series: Sequence[_Series]) -> np.ndarray:
    """x, y and u, (series, points) each; NaN behind the points of shorter ones."""
    out = np.full((3, len(series), max((len(s.x) for s in series), default=0)), np.nan)
    for k, s in enumerate(series):
        out[:, k, : len(s.x)] = s.x, s.y, s.u
    return out


def _molecules(keys: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The first entry of each molecule, and the number of the molecule of each entry."""
    number = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    of = np.array([number[key] for key in keys], dtype=int)
    return np.unique(of, return_index=True)[1], of


def _means(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Means over the entries of each molecule; NaN where one is NaN."""
    return np.asarray(np.bincount(of, values) / np.bincount(of))


def _varies(x: np.ndarray, is_class: bool) -> bool:
    x = x[np.isfinite(x)]
    if len(x) < LEAST_ENTRIES:
        return False
    if is_class:
        return bool(min((x > 0.5).sum(), (x <= 0.5).sum()) >= LEAST_CLASS)
    # A number that all but a few molecules share is a class of these few.
    values, count = np.unique(x, return_counts=True)
    return bool(len(values) > 1 and len(x) - count.max() >= LEAST_CLASS)


def _explained(x: np.ndarray, y: np.ndarray, fit: Fit) -> tuple[int, int, float, float]:
    """Of how many largest errors, how many lose more than half without the trend; the line at both ends."""
    ends = np.array([x.min(), x.max()])
    low, high = (float(v) for v in fit["intercept"] + fit["slope"] * ends)
    start = ends[0] if abs(low) <= abs(high) else ends[1]
    largest = np.argsort(-np.abs(y), kind="stable")[: min(LARGEST, len(y) // 4)]
    left = y[largest] - fit["slope"] * (x[largest] - start)
    return len(largest), int((np.abs(left) < np.abs(y[largest]) / 2).sum()), low, high


@dataclass(frozen=True)
class _Errors:
    """The errors of one benchmark and observable as matrices, and what their entries are about."""

    error: np.ndarray
    uncertainty: np.ndarray
    entries: list[str]
    levels: list[tuple[str, str]]
    molecules: list[str]
    covariates: list[Covariate]
    unit: str

    @classmethod
    def of(cls, part: pd.DataFrame, benchmark: Any) -> _Errors:
        # Sorted, so that nothing depends on the order in which a benchmark lists its entries.
        entries = sorted(str(e) for e in part["entry"].unique())
        row = {entry: i for i, entry in enumerate(entries)}
        level_of_row = list(zip(items(part["level_of_theory"]), items(part["bsse"].fillna("")), strict=True))
        levels = list(dict.fromkeys(level_of_row))
        column = {level: j for j, level in enumerate(levels)}
        i, j = [row[entry] for entry in items(part["entry"])], [column[level] for level in level_of_row]
        error, uncertainty = np.full((2, len(entries), len(levels)), np.nan)
        error[i, j] = part["error"].astype(float)
        uncertainty[i, j] = part["error_uncertainty"].astype(float)
        about = part.drop_duplicates("entry").set_index("entry")
        molecule = about["molecule"] if "molecule" in about else about.index.to_series()
        rows = zip(about.index, items(about["subsets"]), items(about["tags"]), strict=True)
        words = {str(e): f"{subsets or ''} {tags or ''}".split() for e, subsets, tags in rows}
        return cls(
            error=error,
            uncertainty=uncertainty,
            entries=entries,
            levels=[(str(a), str(b)) for a, b in levels],
            molecules=list(map(str, molecule.loc[entries])),
            covariates=list(covariates(benchmark, entries, words)),
            unit=str(part["unit"].iloc[0] or ""),
        )


def covariates(
    benchmark: Any, entries: Sequence[str], words: Mapping[str, Sequence[str]] | None = None
) -> Iterator[Covariate]:
    """What the errors of entries may depend on: electrons and atoms of the largest system, the largest charge (without
    its sign) of a system or fragment, which elements take part, and subsets and tags that are no numbers.

    Tags that are numbers are labels (of complexes in a paper) or coordinates as often as they are sizes, and are left
    to the trends of differences.
    """
    by_id = {e.id: e for e in getattr(benchmark, "entries", ())}
    shape = len(entries)
    electrons, atoms, charge = np.full((3, shape), np.nan)
    present: dict[str, np.ndarray] = {}
    for i, name in enumerate(entries):
        systems = _systems(benchmark, by_id.get(name))
        if not systems:
            continue
        largest = max(systems, key=lambda s: s.n_parts)
        electrons[i] = getattr(largest, "n_electrons", np.nan)
        counts = [atoms_of(s) for s in systems]
        if not all(counts):
            continue
        atoms[i] = max(sum(c.values()) for c in counts)
        charges = [getattr(s, "charge", 0) for s in systems]
        charges += [getattr(f, "charge", 0) for s in systems for f in s.fragments]
        charge[i] = max(abs(c) for c in charges)
        for symbol in {symbol for count in counts for symbol in count}:
            present.setdefault(symbol, np.zeros(shape))[i] = 1.0
    yield Covariate("electrons", "electrons", electrons)
    yield Covariate("atoms", "atoms", atoms)
    yield Covariate("charge", "charge", charge)
    unknown = np.isnan(atoms)
    for symbol in sorted(present, key=ELEMENTS.index):
        yield Covariate("element", symbol, np.where(unknown, np.nan, present[symbol]))
    classes: dict[str, np.ndarray] = {}
    for i, name in enumerate(entries):
        for word in (words or {}).get(name, ()):
            if not _is_number(word.partition(":")[2]):
                classes.setdefault(word, np.zeros(shape))[i] = 1.0
    yield from (Covariate("class", word, classes[word]) for word in sorted(classes))


def _systems(benchmark: Any, entry: Any) -> Sequence[Any]:
    """The systems of an entry; none where one can't be read."""
    try:
        return benchmark.systems_of(entry) if entry else ()
    except QmbenchError:
        return ()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _row(group: _Errors, benchmark: str, observable: str, one: Found) -> dict[str, Any]:
    level, bsse = group.levels[one.level]
    twice = sum(other == level for other, _ in group.levels) > 1
    covariate = group.covariates[one.covariate]
    return {
        "benchmark": benchmark,
        "observable": observable,
        "unit": group.unit,
        "method": f"{level} [{bsse}]" if twice and bsse else level,
        "level_of_theory": level,
        "bsse": bsse,
        "of": one.of,
        "kind": covariate.kind,
        "on": covariate.name,
        **{key: one.fit[key] for key in ("slope", "slope_low", "slope_high", "n", "p")},
        "leaning_on": group.entries[one.leaning_on],
        "at_low": one.low_end,
        "at_high": one.high_end,
        "largest": one.largest,
        "explained": one.explained,
    }
