"""How methods differ as a rule: distances between them, and how their differences depend on what is computed.

What is told of differences and of errors (`error_trends`): a robust line, without the point that carries it most, and
the rank correlation, which asks nothing of how numbers are distributed (Spearman, Am. J. Psychol. 15, 72 (1904)). The
larger p counts, of classes also that of Welch's test. Entries of one molecule are one point, since their numbers go
together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from qmbench.domain.composite import parts_of_text
from qmbench.domain.errors import QmbenchError
from qmbench.judging.bootstrap import gathered, numbered
from qmbench.judging.columns import Column, Group
from qmbench.judging.disagreement import resolution
from qmbench.judging.known_errors import medians

Fit = dict[str, Any]
T = TypeVar("T")
MINIMUM_POINTS = 5
HUBER = 1.345
"""Standard deviations up to which a point counts in full: 95 % of the efficiency of least squares on normal errors."""
HUBER_VARIANCE = 0.7101645
"""Mean of min(|Z|, HUBER)² of a standard normal Z."""
MOST_STEPS = 500
MOST_LEFT_OUT = 20
MOST_NUMBERS = 200_000
"""In an array of what is fitted at once."""
NOTHING = 1e-3
"""Of the difference that matters: values that all differ by less differ by nothing that could depend on anything."""
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


def trends(group: Group, uncertainty: np.ndarray | None = None, most: int | None = None) -> list[dict[str, Any]]:
    """Linear dependence of the differences between columns on numbers and classes of the entries.

    Numbers: tags `name:number`, and `magnitude` (the size of the default reference's value). Classes: subsets and plain
    tags; x is 1 inside and 0 outside, so that the slope is the difference of the means. uncertainty: (entries, columns)
    standard uncertainties, nan where none is stated (None: those of the group); what is not stated is estimated from
    the scatter about the line. See `regress` for the fit. The points are means over the entries of a molecule. A trend
    is one without any single point as well, and one by ranks: slope_low, slope_high and p of those below 0.05 hold with
    the point left out that carries it most (`leaning_on`, its first entry; None for the others), and p is that of the
    rank correlation, without the point farthest from the line, and of classes that of Welch's test, where these are
    larger. At least MINIMUM_POINTS points, for classes three entries inside and three outside. Smallest p first; most:
    only so many.
    """
    return tried_trends(group, uncertainty, most)[0]


def tried_trends(
    group: Group, uncertainty: np.ndarray | None = None, most: int | None = None
) -> tuple[list[dict[str, Any]], int]:
    """`trends`, and of how many questions these are the answers."""
    stated = group.uncertainty if uncertainty is None else uncertainty
    points = _Points(group.value, np.nan_to_num(stated, nan=0.0) ** 2, numbered(group.molecules or group.entries))
    covariates = list(_covariates(group))
    asked = [_Question(a, b, *covariate) for a, b in _compared(group) for covariate in covariates]
    fits: list[tuple[Fit, _Question]] = []
    for some in blocks(asked, len(group.entries)):
        found = regress_each(*points.series(some))
        fits += [(fit, about) for fit, about in zip(found, some, strict=True) if fit is not None]
    fits.sort(key=lambda f: (to_order(f[0]["p"]), f[1].a, f[1].b, f[1].on))
    shared = {"benchmark": group.benchmark, "observable": group.observable, "within": group.within, "unit": group.unit}
    columns = [c.name for c in group.columns]
    out: list[dict[str, Any]] = []
    for block in blocks(fits, len(group.entries) * MOST_LEFT_OUT):
        small = [f for f in block if f[0]["p"] < 0.05]
        x, y, u = points.series([about for _, about in small])
        without = iter(zip(without_one_each(x, y, u, [fit for fit, _ in small]), x, y, strict=True))
        for fit, q in block:
            # Neither without an entry nor by ranks p gets smaller: those to come can't be among the first any more.
            if most is not None and len(out) >= most and _p_of(out, most) < to_order(fit["p"]):
                return _first(out, most), len(fits)
            about = {"a": columns[q.a], "b": columns[q.b], "kind": q.kind, "on": q.on}
            leaning_on = None
            if fit["p"] < 0.05:
                (point, left), xs, ys = next(without)
                fit = {**left, "p": max(left["p"], _rank_p_of_others(xs, ys, fit))}
                if q.kind == "class":
                    fit["p"] = max(fit["p"], class_p(xs, ys))
                leaning_on = group.entries[points.first(point)]
            out.append({**shared, **about, **fit, "leaning_on": leaning_on})
    return _first(out, most), len(fits)


class _Question(NamedTuple):
    """Whether the differences of two columns depend on x (entries,), a number or a class, `on` by name."""

    a: int
    b: int
    kind: str
    on: str
    x: np.ndarray


class _Points(NamedTuple):
    """value, variance: (entries, columns). molecules: (entries,) as `bootstrap.numbered`."""

    value: np.ndarray
    variance: np.ndarray
    molecules: np.ndarray | None

    def series(self, asked: Sequence[_Question]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, differences and their standard uncertainties, (questions, points) each."""
        a, b = (np.array([pair[k] for pair in asked], dtype=int) for k in (0, 1))
        x = np.array([q.x for q in asked], dtype=float).reshape(len(asked), len(self.value))
        y, u = (self.value[:, a] - self.value[:, b]).T, np.sqrt(self.variance[:, a] + self.variance[:, b]).T
        if self.molecules is None:
            return x, y, u
        has = np.isfinite(x) & np.isfinite(y)
        sums, sizes = zip(*(gathered(np.where(has, v, np.nan).T, self.molecules) for v in (x, y, u**2)), strict=True)
        n = sizes[0]
        with np.errstate(invalid="ignore", divide="ignore"):
            # The uncertainty of a mean of n independent values is that of one over √n.
            return (sums[0] / n).T, (sums[1] / n).T, (np.sqrt(sums[2]) / n).T

    def first(self, point: int) -> int:
        """The first entry of a point of a series."""
        return point if self.molecules is None else int(np.argmax(self.molecules == point))


def _p_of(found: Sequence[Fit], place: int) -> float:
    return sorted(to_order(t["p"]) for t in found)[place - 1]


def _first(found: list[dict[str, Any]], most: int | None) -> list[dict[str, Any]]:
    return sorted(found, key=lambda t: (to_order(t["p"]), t["a"], t["b"], t["on"]))[:most]


def to_order(p: float) -> float:
    """p to six digits: a class and its complement have the same, and round-off is not to say which is first."""
    return float(f"{p:.5e}")


def _rank_p_of_others(x: np.ndarray, y: np.ndarray, line: Fit) -> float:
    """`rank_p` without the point farthest from a line: ranks know no error bars, and one could hide a trend."""
    away = np.abs(y - line["intercept"] - line["slope"] * x)
    return rank_p(np.where(np.arange(len(x)) == np.nanargmax(away), np.nan, x), y)


def rank_p(x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided p of Spearman's rank correlation, by Student's t of n − 2; ties have their mean rank. Never less than
    twice the share of all orders of the points that put them into this one."""
    has = np.isfinite(x) & np.isfinite(y)
    return rank_p_of(ranked(x[has]), Ranked.of(y[has]))


class Ranked(NamedTuple):
    """ranks: less their mean; chance: ln of the share of all orders of the points that give these ranks."""

    ranks: np.ndarray
    chance: float

    @classmethod
    def of(cls, values: np.ndarray) -> Ranked:
        # As `scipy.stats.rankdata`, which takes seconds to import.
        _, which, count = np.unique(values, return_inverse=True, return_counts=True)
        ranks = (np.cumsum(count) - (count - 1) / 2)[which] - (len(values) + 1) / 2
        lengths, times = np.unique(count, return_counts=True)
        orders = math.fsum(t * math.lgamma(k + 1) for k, t in zip(lengths, times, strict=True))
        return cls(ranks, orders - math.lgamma(len(values) + 1))


def ranked(x: np.ndarray) -> Ranked:
    """Of what something may depend on: numbers that agree to 12 digits are the same number."""
    return Ranked.of(np.round(x, 12))


def rank_p_of(x: Ranked, y: Ranked) -> float:
    """`rank_p` of finite numbers whose ranks are known."""
    from scipy.special import stdtr

    n = len(x.ranks)
    size = np.sqrt((x.ranks @ x.ranks) * (y.ranks @ y.ranks))
    r = float(x.ranks @ y.ranks / size) if size > 0 else 0.0
    p = float(2.0 * stdtr(n - 2, -abs(r) * np.sqrt((n - 2) / max(1.0 - r * r, 1e-15))))
    return min(1.0, max(p, 2.0 * math.exp(x.chance)))


def class_p(x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided p that the means inside (x is 1) and outside of a class are one, each side with its own scatter: Welch,
    Biometrika 34, 28 (1947). Ranks, and a line with one scatter, say too much where the smaller side scatters more. 1
    where a side has a single point."""
    from scipy.special import stdtr

    has = np.isfinite(x) & np.isfinite(y)
    sides = [y[has & (x > 0.5)], y[has & (x <= 0.5)]]
    if min(map(len, sides)) < 2:
        return 1.0
    # Numbers that agree to 12 digits are the same number.
    least = (1e-12 * np.abs(y[has]).max()) ** 2 + 1e-200
    parts = np.maximum([np.var(side, ddof=1) / len(side) for side in sides], least)
    share = parts / parts.sum()
    freedom = 1.0 / float((share**2 / [len(side) - 1 for side in sides]).sum())
    difference = float(sides[0].mean() - sides[1].mean())
    return float(2.0 * stdtr(freedom, -abs(difference) / np.sqrt(parts.sum())))


def blocks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in parts, each of as many as arrays of `size` numbers for each take little memory."""
    many = max(1, MOST_NUMBERS // max(size, 1))
    for start in range(0, len(items), many):
        yield items[start : start + many]


def without_one(x: np.ndarray, y: np.ndarray, u: np.ndarray, whole: Fit) -> tuple[int, Fit]:
    """The entry without which there is least of a trend, and the fit with what is left then."""
    return without_one_each(x[None], y[None], u[None], [whole])[0]


def without_one_each(x: np.ndarray, y: np.ndarray, u: np.ndarray, whole: Sequence[Fit]) -> list[tuple[int, Fit]]:
    """`without_one` of several fits at once: x, y and u are (fits, entries)."""
    if not whole:
        return []
    has = np.isfinite(x) & np.isfinite(y)
    tried = [_pulling(x[k, has[k]], y[k, has[k]], fit) for k, fit in enumerate(whole)]
    of = np.repeat(np.arange(len(whole)), [len(t) for t in tried])
    left_out = np.concatenate([np.flatnonzero(has[k])[t] for k, t in enumerate(tried)])
    keep = has[of] & (np.arange(x.shape[1]) != left_out[:, None])
    varies = _varies(x[of], keep)
    # A line through points of one x says nothing; it is of all points here, and not used.
    _, slope, error = _robust_lines(x[of], y[of], u[of], np.where(varies[:, None], keep, has[of]))
    p, reach = _student(slope, error, has[of].sum(axis=1) - 3)
    out: list[tuple[int, Fit]] = []
    of_each = np.split(np.arange(len(of)), np.cumsum([len(t) for t in tried])[:-1])
    for fit, mine in zip(whole, of_each, strict=True):
        if not varies[mine].all():  # all others have one x
            alone = mine[~varies[mine]][0]
            out.append((int(left_out[alone]), {**fit, "slope_low": None, "slope_high": None, "p": 1.0}))
            continue
        worst = mine[np.argmax(p[mine])]
        if p[worst] > fit["p"]:
            low, high = float(slope[worst] - reach[worst]), float(slope[worst] + reach[worst])
            bounds = {"slope_low": min(low, fit["slope_low"]), "slope_high": max(high, fit["slope_high"])}
            fit = {**fit, **bounds, "p": float(p[worst])}
        out.append((int(left_out[worst]), fit))
    return out


def _pulling(x: np.ndarray, y: np.ndarray, fit: Fit) -> np.ndarray:
    """Which points can pull most at the line: by distance from the middle, and by that times residual."""
    far = np.abs(x - np.median(x))
    pull = far * np.abs(y - fit["intercept"] - fit["slope"] * x)
    # The more there are, the less any one can do, and the fewer are tried.
    most = min(MOST_LEFT_OUT, max(3, 4000 // len(x)))
    return np.unique(np.concatenate([np.argsort(-far)[:most], np.argsort(-pull)[:most]]))


def _compared(group: Group) -> Iterator[tuple[int, int]]:
    """The pairs of columns that differ by something."""
    count = len(group.columns)
    if count <= MOST_COLUMNS:
        pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    else:
        base = _default(group) or 0
        pairs = [(a, base) for a in range(count) if a != base]
    typical = medians(np.abs(group.value.T), np.isfinite(group.value.T))
    least = NOTHING * resolution(group.observable, group.unit, typical)
    yield from ((a, b) for a, b in pairs if np.any(np.abs(group.value[:, a] - group.value[:, b]) > least))


def _default(group: Group) -> int | None:
    """The column of the default reference set."""
    return next((j for j, c in enumerate(group.columns) if c.is_default_reference), None)


def _covariates(group: Group) -> Iterator[tuple[str, str, np.ndarray]]:
    """(kind: number or class, name, (entries,))."""
    base = _default(group)
    if base is not None:
        # Not the median of the values: of two, their difference would depend on itself.
        yield "number", "magnitude", np.abs(group.value[:, base])
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
    for name, x in numbers.items():
        yield "number", name, x
    for name, x in classes.items():
        if min(x.sum(), len(x) - x.sum()) >= 3:
            yield "class", name, x


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def regress(x: np.ndarray, y: np.ndarray, u: np.ndarray | None = None) -> Fit | None:
    """A line through the points that have both numbers: weighted, robust, with the 95 % interval of its slope.

    u: standard uncertainties of y (None: not known). The points scatter about the line by u and by τ besides, which is
    the same for all and not known: y = intercept + slope·x + N(0, u² + τ²), as in the random effects of the consensus.
    Points off by more than HUBER standard deviations count linearly only: Huber's estimate of line and scale (Robust
    Statistics, 1981, ch. 7: proposal 2, here for τ); for its error the first covariance there, with Student's t of
    n − 2, and never less than u and τ say. None with fewer than MINIMUM_POINTS points or when x does not vary.
    """
    known = np.zeros(len(y)) if u is None else u
    return regress_each(x[None], y[None], known[None])[0]


def regress_each(x: np.ndarray, y: np.ndarray, u: np.ndarray) -> list[Fit | None]:
    """`regress` of several series at once: x, y and u are (series, points)."""
    has = np.isfinite(x) & np.isfinite(y)
    n = has.sum(axis=1)
    able = np.flatnonzero((n >= MINIMUM_POINTS) & _varies(x, has))
    intercept, slope, error = _robust_lines(x[able], y[able], u[able], has[able])
    p, reach = _student(slope, error, n[able] - 2)
    out: list[Fit | None] = [None] * len(x)
    for k, series in enumerate(able):
        out[series] = {
            "n": int(n[series]),
            "intercept": float(intercept[k]),
            "slope": float(slope[k]),
            "slope_low": float(slope[k] - reach[k]),
            "slope_high": float(slope[k] + reach[k]),
            "p": float(p[k]),
        }
    return out


def _varies(x: np.ndarray, has: np.ndarray) -> np.ndarray:
    """Whether the points of each row are at more than one x."""
    high, low = np.where(has, x, -np.inf).max(axis=1), np.where(has, x, np.inf).min(axis=1)
    return np.asarray(high - low > 1e-12 * np.maximum(np.abs(high), np.abs(low)))


def _student(slope: np.ndarray, error: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two-sided p of slopes, and halves of their 95 % intervals."""
    from scipy.special import stdtr, stdtrit

    return 2.0 * stdtr(freedom, -np.abs(slope) / error), stdtrit(freedom, 0.975) * error


def _robust_lines(
    x: np.ndarray, y: np.ndarray, u: np.ndarray, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intercept, slope and its standard error of lines through the points of each row that `keep` keeps.

    x, y, u, keep: (lines, n). A line is done when its scatter has converged, whichever are beside it.
    """
    n = keep.sum(axis=1)
    x0 = np.where(keep, x, 0.0).sum(axis=1) / n
    scale = np.where(keep, x, -np.inf).max(axis=1) - np.where(keep, x, np.inf).min(axis=1)
    t = np.where(keep, (x - x0[:, None]) / scale[:, None], 0.0)  # so that the sums below do not cancel
    y, u2 = np.where(keep, y, 0.0), np.where(keep, u, 0.0) ** 2
    # Numbers that agree to 12 digits are the same number.
    least = (1e-12 * np.abs(y).max(axis=1)) ** 2 + 1e-200
    away = np.abs(y - medians(y.T, keep.T)[:, None])
    tau2 = medians(away.T, keep.T) ** 2 / 0.455 + least
    huber = np.ones(keep.shape)
    smallest = np.where(keep, u2, np.inf).min(axis=1)
    wanted = (n - 2) * HUBER_VARIANCE
    open_ = np.arange(len(keep))
    mine = (t, y, u2, keep, least, smallest, wanted)
    for _ in range(MOST_STEPS):
        if not len(open_):
            break
        t_, y_, u2_, keep_, least_, smallest_, wanted_ = mine
        tau2_ = tau2[open_]
        s2 = u2_ + (tau2_ + least_)[:, None]
        _, residual, _ = _line(t_, y_, keep_ * huber[open_] / s2)
        z = np.abs(residual) / np.sqrt(s2)
        weight = np.minimum(1.0, HUBER / np.maximum(z, 1e-300))
        ratio = (keep_ * (weight * z) ** 2).sum(axis=1) / wanted_
        new = np.clip(tau2_ * ratio, 1e-6 * least_, None)
        huber[open_], tau2[open_] = weight, new
        still = np.abs(new - tau2_) > 1e-7 * (new + smallest_ + least_)
        if not still.all():
            open_ = open_[still]
            mine = tuple(part[still] for part in mine)
    s2 = u2 + (tau2 + least)[:, None]
    line, residual, _ = _line(t, y, keep * huber / s2)
    z = np.abs(residual) / np.sqrt(s2)
    _, _, sxx = _line(t, y, keep / s2)
    inside = (keep & (z <= HUBER)).sum(axis=1) / n
    psi2 = (keep * np.minimum(z, HUBER) ** 2).sum(axis=1) / (n - 2)
    correction = 1.0 + 2.0 / n * (1.0 - inside) / np.maximum(inside, 1e-3)
    factor = np.maximum(psi2, HUBER_VARIANCE) / np.maximum(inside, 1e-3) ** 2 * correction**2
    return line[:, 0] - line[:, 1] * x0 / scale, line[:, 1] / scale, np.sqrt(factor / sxx) / scale


def _line(t: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(intercept, slope) of weighted least squares, (lines, 2); residuals (lines, n); Σ w (t − t̄)², (lines,).

    t, y, w: (lines, n).
    """
    total = w.sum(axis=1)
    mean_t, mean_y = (w * t).sum(axis=1) / total, (w * y).sum(axis=1) / total
    centred = t - mean_t[:, None]
    sxx = (w * centred**2).sum(axis=1)
    slope = (w * centred * (y - mean_y[:, None])).sum(axis=1) / sxx
    residual = y - mean_y[:, None] - slope[:, None] * centred
    return np.stack([mean_y - slope * mean_t, slope], axis=1), residual, sxx


def level_differences(columns: tuple[Column, ...]) -> dict[str, dict[str, list[str]]]:
    """What else differs between the columns besides the method, from their parsed levels of theory.

    {"basis": {"cc-pvdz": [names], "cbs": [names]}, "bsse": {...}, "frozen_core": {...}}; only what takes more than
    one value. Levels that can't be parsed (free text of a publication) do not take part.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for column in columns:
        try:
            text = parts_of_text(column.level_of_theory)
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
