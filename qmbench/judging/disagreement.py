"""Where methods contradict each other beyond their uncertainties, entry by entry, with a verdict.

Every pair of methods on every entry has d = v_i − v_j and z = d/(u_i² + u_j²)^½. Over all pairs of a report the
false discovery rate is kept (Benjamini & Hochberg, J. R. Stat. Soc. B 57, 289 (1995)). An entry with a pair that
stays significant is divided into camps, and its verdict follows from those; see `judge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from qmbench.domain import units
from qmbench.judging.columns import Column, Group
from qmbench.judging.grouping import (
    agglomerate,
    dividing_gap,
    homogeneity,
    scatter_within,
    split_by_gaps,
    without_undecided,
)
from qmbench.judging.known_errors import medians

VERDICTS = ("agree", "one_outlier", "camps", "suspect_reference", "inconclusive")

RELATIVE_RESOLUTION = 0.1
"""A disagreement of less than a tenth of the value is not what the verdicts are about: `agree` means that one of
this size would have been seen, `inconclusive` that it would not."""

ELECTRON_RESOLUTION = 1e-6
"""The same for numbers of electrons, which have no size when they are right."""

TINY = 1e-100
"""Stands for an uncertainty of nothing at all where a value is exactly 0; its square is still a number."""

EDGE = 0.05
"""Values with significant pairs that form no camps are called inconclusive when their homogeneity is less probable
than this, and otherwise the pairs are put down to chance."""

CONTRADICTS = 2.0
"""Standard uncertainties that make a contradiction, for a value that is to count against another."""

TOTAL_ENERGIES = ("total_energy", "energy_per_site")
TOTAL_ENERGY_RESOLUTION_KCAL_MOL = 1.0
TOTAL_ENERGY_RELATIVE_RESOLUTION = 1e-3


@dataclass(frozen=True)
class Verdict:
    """verdict: one of VERDICTS. outliers, camps, undecided: indices of columns. reason: one line."""

    verdict: str
    reason: str
    outliers: tuple[int, ...] = ()
    camps: tuple[tuple[int, ...], ...] = ()
    undecided: tuple[int, ...] = ()


@dataclass(frozen=True)
class Judged:
    """A group with what was found. Arrays are per entry, or (entries, columns).

    uncertainty: as used; `assumed` says where none was stated. freedom: degrees of freedom of assumed ones
    (inf when all are stated). max_z, pair, p: of the most significant pair (column indices; −1 when there is
    none). significant: pairs that stay significant. threshold: |z| from which they do.
    """

    group: Group
    uncertainty: np.ndarray
    assumed: np.ndarray
    freedom: np.ndarray
    resolution: np.ndarray
    max_z: np.ndarray
    pair: np.ndarray
    p: np.ndarray
    threshold: np.ndarray
    significant: np.ndarray
    verdicts: tuple[Verdict, ...] = field(default=())


def disagreement(groups: Iterable[Group], significance: float = 0.05) -> list[Judged]:
    """Judge every entry of every group; the false discovery rate `significance` holds over all pairs of all groups."""
    prepared = [_pairs(_prepare(g), significance) for g in groups]
    small = np.concatenate([p for _, p, _ in prepared] or [np.array([], np.float32)])
    cut = benjamini_hochberg_cut(small, sum(m for _, _, m in prepared), significance)
    return [_verdicts(_count(judged, cut)) for judged, _, _ in prepared]


def benjamini_hochberg_cut(small: np.ndarray, total: int, rate: float) -> float:
    """The largest p-value that is declared a discovery, 0 when none is.

    small: the p-values that are at most `rate` (no other can be a discovery); total: the number of all tests.
    """
    if not total or not len(small):
        return 0.0
    ordered = np.sort(small)
    passing = np.flatnonzero(ordered <= rate * np.arange(1, len(ordered) + 1) / total)
    return max(float(ordered[passing[-1]]), 1e-30) if len(passing) else 0.0


# --- uncertainties ---


def resolution(observable: str, unit: str, typical: np.ndarray) -> np.ndarray:
    """The difference that matters, in `unit`, for an observable whose size is `typical`.

    A tenth of the size; but total energies are meaningful by their differences alone, so for them it is
    1 kcal/mol, or a thousandth where the unit is not an energy of chemistry (lattice models).
    """
    size = np.abs(typical)
    if units.dimension(unit) == "electrons":
        # Counts that ought to agree differ by nothing: there is no size to take a tenth of.
        return np.full(size.shape, ELECTRON_RESOLUTION)
    if observable not in TOTAL_ENERGIES:
        return RELATIVE_RESOLUTION * size
    if units.dimension(unit) == "energy":
        return np.full(size.shape, TOTAL_ENERGY_RESOLUTION_KCAL_MOL * units.factor("kcal/mol", unit))
    return TOTAL_ENERGY_RELATIVE_RESOLUTION * size


def _prepare(group: Group) -> Judged:
    """Give every value an uncertainty. One that is not stated is not zero: see `_assumed`.

    Rounding alone is no statement, except of a value that is exact otherwise.
    """
    has = np.isfinite(group.value)
    exact = np.array([c.exact for c in group.columns])
    stated = np.where((group.kind == "rounding") & ~exact, np.nan, group.uncertainty)
    n = len(group.entries)
    typical = medians(group.value.T, has.T)
    wanted = np.nan_to_num(resolution(group.observable, group.unit, typical))
    # Numbers that agree to 12 digits are the same number, whatever is stated.
    floor = np.maximum(1e-12 * np.abs(np.nan_to_num(typical)), TINY)[:, None]
    uncertainty = np.where(has, np.maximum(stated, floor), np.nan)
    assumed = has & np.isnan(stated)
    freedom = np.full(n, np.inf)
    lacking, count = assumed.any(axis=1), has.sum(axis=1)
    scale = np.where(count == 1, np.maximum(wanted, TINY), 0.0)
    for rows, here in _of_one_size(has, lacking & (count > 1)):
        values, given = (x[rows][here].reshape(len(rows), -1) for x in (group.value, uncertainty))
        scale[rows], freedom[rows] = _assumed(values, given, wanted[rows])
    uncertainty = np.where(assumed, np.fmax(scale[:, None], group.uncertainty), uncertainty)
    blank = np.zeros(n)
    none = np.full((n, 2), -1)
    return Judged(group, uncertainty, assumed, freedom, wanted, blank, none, np.ones(n), blank, blank.astype(int))


def _of_one_size(has: np.ndarray, wanted: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """The `wanted` rows of a mask by how many they have: (their indices, their part of the mask)."""
    count = has.sum(axis=1)
    for n in np.unique(count[wanted]):
        rows = np.flatnonzero(wanted & (count == n))
        yield rows, has[rows]


def _assumed(values: np.ndarray, uncertainties: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The uncertainties to assume where none is stated, and their degrees of freedom: of entries with n values each.

    values, uncertainties (NaN: none is stated): (entries, n); wanted: (entries,), the differences that matter.

    It is the scatter within groups that clear gaps separate (so that camps and outliers do not hide themselves),
    not less than the median of what others state for the same entry, nor than a twentieth of the difference
    that matters.
    """
    ordered = np.sort(values, axis=1)
    # Of one group each, as most are.
    freedom = np.full(len(values), values.shape[1] - 1)
    scatter = np.sqrt(((ordered - ordered.mean(axis=1)[:, None]) ** 2).sum(axis=1) / freedom)
    for e in np.flatnonzero(dividing_gap(ordered, wanted / 2.0)[1]):
        scatter[e], freedom[e] = scatter_within(values[e], split_by_gaps(values[e], wanted[e] / 2.0))
    stated = np.isfinite(uncertainties)
    usual = np.where(stated.sum(axis=1) >= 2, medians(uncertainties.T, stated.T), 0.0)
    floor = np.maximum(np.maximum(wanted / 20.0, usual), TINY)
    # Where the floor decides, the scale is not estimated from these values.
    estimated = (scatter > floor) & (freedom > 0)
    return np.where(estimated, scatter, floor), np.where(estimated, freedom, np.inf)


# --- pairs ---


def _pairs(judged: Judged, significance: float) -> tuple[Judged, np.ndarray, int]:
    """The most significant pair of each entry, the p-values up to `significance`, and how many pairs there are."""
    g = judged.group
    n, columns = g.value.shape
    first, second = np.triu_indices(columns, 1)
    max_z, pair = np.full(n, np.nan), np.full((n, 2), -1)
    p_min = np.ones(n)
    small, total = [], 0
    for rows in _chunks(n, len(first)):
        z = _z(g.value[rows], judged.uncertainty[rows], first, second)
        has = np.isfinite(z)
        total += int(has.sum())
        if not has.any():
            continue
        magnitude = np.where(has, np.abs(z), -1.0)
        best = np.argmax(magnitude, axis=1)
        top = magnitude[np.arange(len(best)), best]
        found = top >= 0
        # Student's tails are the heavier ones: what a normal distribution does not find significant, they do not.
        asked = has & (two_sided_p(magnitude, np.array(np.inf)) <= significance)
        asked[np.arange(len(best)), best] = True
        freedom = np.broadcast_to(judged.freedom[rows][:, None], magnitude.shape)
        p = np.ones_like(magnitude)
        p[asked] = two_sided_p(magnitude[asked], freedom[asked])
        max_z[rows] = np.where(found, top, np.nan)
        pair[rows] = np.where(found[:, None], np.stack([first[best], second[best]], axis=1), -1)
        p_min[rows] = np.where(found, p[np.arange(len(best)), best], 1.0)
        small.append(p[has & (p <= significance)].astype(np.float32))
    return (
        replace(judged, max_z=max_z, pair=pair, p=p_min),
        np.concatenate(small) if small else np.array([], np.float32),
        total,
    )


def _chunks(n: int, pairs: int, numbers: int = 2_000_000) -> Iterable[slice]:
    step = max(1, numbers // max(pairs, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def _z(value: np.ndarray, uncertainty: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    d = value[:, first] - value[:, second]
    u2 = uncertainty**2
    return d / np.sqrt(u2[:, first] + u2[:, second])


def two_sided_p(z: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """P(|Z| ≥ |z|), Z normal, or Student's where the uncertainties were estimated with `freedom` degrees."""
    from scipy.special import ndtr, stdtr

    freedom = np.broadcast_to(freedom, z.shape)
    normal = np.isinf(freedom)
    p = 2.0 * ndtr(-np.abs(z))
    if not normal.all():
        p = np.where(normal, p, 2.0 * stdtr(np.where(normal, 1.0, freedom), -np.abs(z)))
    return p


def _count(judged: Judged, cut: float) -> Judged:
    """How many pairs of each entry are discoveries, and from which |z| on."""
    from scipy.special import ndtri, stdtrit

    g = judged.group
    n, columns = g.value.shape
    count, threshold = np.zeros(n, dtype=int), np.full(n, np.inf)
    if cut > 0:
        normal = np.isinf(judged.freedom)
        finite = np.where(normal, 1.0, judged.freedom)
        threshold = np.where(normal, -ndtri(cut / 2.0), -stdtrit(finite, cut / 2.0))
        threshold = threshold * (1.0 - 1e-6)  # p-values were compared in single precision
        first, second = np.triu_indices(columns, 1)
        for rows in _chunks(n, len(first)):
            z = np.abs(_z(g.value[rows], judged.uncertainty[rows], first, second))
            count[rows] = (z >= threshold[rows][:, None]).sum(axis=1)
    return replace(judged, threshold=threshold, significant=count)


# --- verdicts ---


def _verdicts(judged: Judged) -> Judged:
    g = judged.group
    reference = next((j for j, c in enumerate(g.columns) if c.is_default_reference), None)
    verdicts = _quiet_verdicts(judged)
    for e in np.flatnonzero(judged.significant):
        here = np.flatnonzero(np.isfinite(g.value[e]))
        where = int(np.flatnonzero(here == reference)[0]) if reference is not None and reference in here else None
        verdict = judge(
            g.value[e, here],
            judged.uncertainty[e, here],
            contradiction=bool(judged.significant[e]),
            resolution=float(judged.resolution[e]),
            assumed=judged.assumed[e, here],
            reference=where,
            columns=[g.columns[j] for j in here],
            trained=None if g.overlap is None else g.overlap[e, here].astype(bool),
        )
        verdicts[e] = _renumber(verdict, here)
    return replace(judged, verdicts=tuple(verdicts))


ONE_VALUE = Verdict("inconclusive", "one value: nothing to compare it with")
CLOSE = Verdict("agree", "no uncertainty is stated; the values lie close together")
SCATTERED = Verdict("inconclusive", "no uncertainty is stated, and the scatter shows neither camps nor outliers")
SEEN = Verdict("agree", "no camps form, and a difference that matters would be seen")
TOO_VAGUE = Verdict("inconclusive", "the uncertainties are too large to tell")


def _quiet_verdicts(judged: Judged) -> list[Verdict]:
    """The verdicts on entries as they are without significant pairs: those of `judge`, of all entries at once."""
    g = judged.group
    has = np.isfinite(g.value)
    quiet = (judged.significant == 0) & (has.sum(axis=1) >= 2)
    stated = (has & ~judged.assumed).any(axis=1)
    found = np.full(len(g.entries), ONE_VALUE, dtype=object)
    for is_stated in (False, True):
        for rows, here in _of_one_size(has, quiet & (stated == is_stated)):
            values, given = (x[rows][here].reshape(len(rows), -1) for x in (g.value, judged.uncertainty))
            found[rows] = _one_camp(values, given, judged.resolution[rows], is_stated)
    return list(found)


def _one_camp(values: np.ndarray, uncertainties: np.ndarray, resolution: np.ndarray, stated: bool) -> list[Verdict]:
    """The verdicts on entries whose n values form no camps: whether a difference that matters would have been seen.

    values, uncertainties: (entries, n); resolution: (entries,); stated: whether some uncertainty of each entry is.
    """
    if not stated:
        close = np.std(values, axis=1, ddof=1) <= resolution / 4.0
        return [CLOSE if x else SCATTERED for x in close.tolist()]
    first, second = np.triu_indices(values.shape[1], 1)
    found: list[Verdict] = []
    for rows in _chunks(len(values), len(first)):
        u = uncertainties[rows]
        seen = np.median(np.hypot(u[:, first], u[:, second]), axis=1) <= resolution[rows]
        found += [SEEN if x else TOO_VAGUE for x in seen.tolist()]
    return found


def judge(
    values: np.ndarray,
    uncertainties: np.ndarray,
    contradiction: bool,
    resolution: float,
    assumed: np.ndarray,
    reference: int | None,
    columns: Sequence[Column],
    trained: np.ndarray | None = None,
) -> Verdict:
    """The verdict on one entry, from its n values and the uncertainties used for them.

    contradiction: whether some pair is significant. resolution: the difference that matters. assumed: (n,) where no
    uncertainty was stated. reference: which value is the benchmark's default reference, if any. trained: (n,) whether
    the value's method was trained on the entry, so that it repeats what it was told and convicts nobody.

    With significant pairs, values that are not homogeneous form camps; values too vague to take sides are left
    out. Two camps of which one is a single value, against at least two independent ones that each contradict it:
    `suspect_reference` if the single one is the reference, else `one_outlier`. Any other camps: `camps`. No camps:
    `agree` when a difference that matters would have been seen (with no stated uncertainty: when the values
    scatter by less than a quarter of it), else `inconclusive`; also `inconclusive` when there are significant
    pairs and the values are only just homogeneous.
    """
    n = len(values)
    if n < 2:
        return ONE_VALUE
    camps, undecided = [np.arange(n)], list[int]()
    if contradiction:
        vague = assumed & (uncertainties > resolution)
        camps, undecided = without_undecided(values, uncertainties, agglomerate(values, uncertainties), vague)
    if len(camps) < 2:
        if contradiction and homogeneity(values, uncertainties) < EDGE:
            return Verdict("inconclusive", "a difference is at the edge of significance; no camps form")
        return _one_camp(values[None], uncertainties[None], np.array([resolution]), not assumed.all())[0]
    camps = sorted(camps, key=lambda c: (-len(c), float(values[c].mean())))
    numbered = tuple(tuple(sorted(int(i) for i in c)) for c in camps)
    singles = tuple(c[0] for c in numbered if len(c) == 1)
    witnesses = [i for i in numbered[0] if trained is None or not trained[i]]
    if len(camps) == 2 and len(singles) == 1 and _convicted(singles[0], witnesses, values, uncertainties, columns):
        name = columns[singles[0]].name
        if singles[0] == reference:
            reason = f"{len(numbered[0])} values agree with each other and not with the reference {name}"
            return Verdict("suspect_reference", reason, singles, numbered, tuple(undecided))
        return Verdict(
            "one_outlier", f"{name} differs from all that agree otherwise", singles, numbered, tuple(undecided)
        )
    reason = " against ".join("{" + ", ".join(columns[i].name for i in c) + "}" for c in numbered)
    outliers = singles if len(numbered[0]) > 1 else ()
    return Verdict("camps", reason, outliers, numbered, tuple(undecided))


def _convicted(
    single: int, others: Sequence[int], values: np.ndarray, uncertainties: np.ndarray, columns: Sequence[Column]
) -> bool:
    """Whether at least two independent values, each by itself precise enough, bear witness against the single one.

    One bears witness when the distance of the single value from the camp's mean is more than CONTRADICTS times
    the uncertainty of the two.
    """
    camp = list(others)
    if not camp:
        return False
    mean = float(np.average(values[camp], weights=uncertainties[camp] ** -2.0))
    distance = abs(float(values[single]) - mean)
    witnesses = [i for i in camp if distance > CONTRADICTS * np.hypot(uncertainties[i], uncertainties[single])]
    return independent_votes([columns[i] for i in witnesses], columns[single]) >= 2


def independent_votes(columns: Sequence[Column], against: Column | None = None) -> int:
    """How many groups of methods share nothing that makes them agree: functional, reference determinant, basis.

    What the method they vote `against` has as well can't explain that they differ from it and does not count;
    nor does a shared program.
    """
    parent = list(range(len(columns)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    seen: dict[tuple[str, str], int] = {}
    shared_by_all = set(against.families) if against is not None else set()
    for i, column in enumerate(columns):
        for key in column.families:
            if key[0] != "program" and key not in shared_by_all:
                parent[root(i)] = root(seen.setdefault(key, i))
    return len({root(i) for i in range(len(columns))})


def _renumber(verdict: Verdict, here: np.ndarray) -> Verdict:
    def to_columns(indices: Iterable[int]) -> tuple[int, ...]:
        return tuple(int(here[i]) for i in indices)

    return Verdict(
        verdict.verdict,
        verdict.reason,
        to_columns(verdict.outliers),
        tuple(to_columns(c) for c in verdict.camps),
        to_columns(verdict.undecided),
    )
