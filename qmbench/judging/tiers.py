"""Disagreements that are news, and those that what is known of the levels explains.

A contradiction is `surprising` when a value lies beyond both its level's record and what the other levels' errors on
the entry let expect; when levels that claim reference quality contradict each other; when the levels together, and the
verdict, speak against the reference; or when it is with a level of which nothing is known, so that nothing explains it,
beside no exact value. Any other contradiction is `expected`. See `known_errors` and `surprise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qmbench.judging.columns import Group
from qmbench.judging.disagreement import Judged, benjamini_hochberg_cut
from qmbench.judging.known_errors import LEAST_KNOWN, Known, known_errors, medians
from qmbench.judging.molecules import classes
from qmbench.judging.surprise import BEYOND, UNUSUAL, Surprises, shift_probability, surprises

TIERS = ("surprising", "expected", "none")

LEAST_SCATTER = 0.01
"""Scatter that a level is known by, at least, in differences that matter: below, nobody asks who is right."""


@dataclass(frozen=True)
class Tier:
    """tier: one of TIERS. surprise: probability that something is off by more than what is known of it. explained_by:
    what makes the contradiction expected, or takes part in it. why, settle: sentences, empty unless it is
    surprising."""

    tier: str
    surprise: float
    explained_by: tuple[dict[str, Any], ...] = ()
    why: str = ""
    settle: str = ""
    who: tuple[int, ...] = ()
    # Whether all that makes it surprising is that nothing is known of a level.
    unknown: bool = False


@dataclass(frozen=True)
class Weighed:
    """A judged group with what is known of its levels. known, surprises: arrays (entries, columns), NaN for columns
    that claim reference quality, which are taken at their word. tiers: per entry."""

    judged: Judged
    known: Known
    surprises: Surprises
    classes: tuple[str, ...]
    tiers: tuple[Tier, ...] = field(default=())


def reference_pairs(judged: Judged) -> list[tuple[int, int, int, float]]:
    """(entry, column, column, |z|) of each two values that claim reference quality and state their uncertainty."""
    g = judged.group
    claiming = np.array([c.claims for c in g.columns], dtype=bool)
    able = np.isfinite(g.value) & claiming & ~judged.assumed
    out = []
    for e in np.flatnonzero(able.sum(axis=1) >= 2).tolist():
        columns = np.flatnonzero(able[e]).tolist()
        for i, a in enumerate(columns):
            for b in columns[i + 1 :]:
                u = float(np.hypot(judged.uncertainty[e, a], judged.uncertainty[e, b]))
                out.append((e, a, b, abs(float(g.value[e, a] - g.value[e, b])) / u))
    return out


def reference_threshold(judged: Sequence[Judged], rate: float) -> float:
    """|z| from which references contradict each other: their pairs keep a false discovery rate of their own."""
    from scipy.special import ndtr, ndtri

    p = 2.0 * ndtr(-np.array([z for j in judged for *_, z in reference_pairs(j)]))
    cut = benjamini_hochberg_cut(p[p <= rate], len(p), rate)
    return float(-ndtri(cut / 2.0)) * (1.0 - 1e-9) if cut > 0 else np.inf


def weigh(judged: Judged, rate: float = 0.05, references_from: float = np.inf) -> Weighed:
    """Sort the contradictions of a group into tiers.

    rate: share of what is called surprising that may be chance; references_from: see `reference_threshold`.
    """
    g = judged.group
    reference = next((j for j, c in enumerate(g.columns) if c.is_default_reference), None)
    kinds = classes(g.subsets, g.tags)
    levels = np.array([j for j, c in enumerate(g.columns) if not c.claims], dtype=int)
    truth, own_u = _zero(judged, reference)
    error = g.value - truth[:, None]
    calibrating = np.where(_trained(g), np.nan, error)
    calibrating[~_has_reference(g, reference)] = np.nan
    stated = np.where(g.kind == "statistical", g.uncertainty, np.nan)
    order = truth if reference is not None else None
    mine = known_errors(
        calibrating[:, levels],
        kinds,
        g.molecules or g.entries,
        stated[:, levels],
        None if g.basis is None else g.basis[:, levels],
        order,
        LEAST_SCATTER * judged.resolution,
    )
    found = surprises(
        error[:, levels], mine.bias, mine.scatter, mine.freedom, g.molecules or g.entries, order, own_u, rate
    )
    known, news = _spread(mine, levels, g.value.shape), _spread_surprises(found, levels, g.value.shape)
    weighed = Weighed(judged, known, news, kinds)
    apart: dict[int, list[tuple[float, int, int]]] = {}
    for e, a, b, z in reference_pairs(judged):
        if z >= references_from:
            apart.setdefault(e, []).append((z, a, b))
    most, contradicts, off = _at_first_sight(weighed)
    asked = contradicts | off
    asked[list(apart)] = True
    tiers = tuple(
        _tier(weighed, e, reference, own_u[e], apart.get(e, []), surprise, bool(contradicts[e]))
        if asked[e]
        else Tier("none", surprise)
        for e, surprise in enumerate(most.tolist())
    )
    return Weighed(judged, known, news, kinds, tiers)


def _trained(g: Group) -> np.ndarray:
    """Values that their level was trained on: they say nothing about its errors elsewhere."""
    return np.zeros(g.value.shape, bool) if g.overlap is None else g.overlap.astype(bool)


def _has_reference(g: Group, reference: int | None) -> np.ndarray:
    return np.zeros(len(g.entries), bool) if reference is None else np.isfinite(g.value[:, reference])


def _zero(judged: Judged, reference: int | None) -> tuple[np.ndarray, np.ndarray]:
    """What errors are taken from: the default reference with its stated uncertainty (0 where none is), and where an
    entry has none the median of its values, with an infinite one."""
    g = judged.group
    has = np.isfinite(g.value)
    middle = medians(g.value.T, has.T)
    if reference is None:
        return middle, np.full(len(g.entries), np.inf)
    there = has[:, reference]
    stated = np.where(judged.assumed[:, reference], 0.0, judged.uncertainty[:, reference])
    return np.where(there, g.value[:, reference], middle), np.where(there, np.nan_to_num(stated), np.inf)


def _spread(known: Known, levels: np.ndarray, shape: tuple[int, ...]) -> Known:
    def wide(x: np.ndarray) -> np.ndarray:
        out = np.zeros(shape, int) if x.dtype == int else np.full(shape, np.nan)
        out[:, levels] = x
        return out

    names = ("bias", "scatter", "freedom", "n", "method", "basis", "statistical")
    return Known(*(wide(getattr(known, name)) for name in names))


def _spread_surprises(s: Surprises, levels: np.ndarray, shape: tuple[int, ...]) -> Surprises:
    def wide(x: np.ndarray) -> np.ndarray:
        out = np.zeros(shape, bool) if x.dtype == bool else np.full(shape, np.nan)
        out[:, levels] = x
        return out

    return Surprises(
        wide(s.actual),
        wide(s.expected),
        wide(s.spread),
        wide(s.probability),
        wide(s.surprising),
        s.common,
        s.common_uncertainty,
        s.by_others,
    )


# --- entries ---


def _at_first_sight(w: Weighed) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(entries,) each: the largest probability that a value is off; whether there is a contradiction; whether there is
    a value beyond what is known of its level."""
    j = w.judged
    here = np.isfinite(j.group.value)
    known = here & np.isfinite(w.known.scatter)
    most = np.where(known, np.nan_to_num(w.surprises.probability), 0.0).max(axis=1, initial=0.0)
    agree = np.array([v.verdict == "agree" for v in j.verdicts], dtype=bool)
    contradicts = (j.significant > 0) & ~agree
    return most, contradicts, (known & w.surprises.surprising).any(axis=1)


def _tier(
    w: Weighed,
    e: int,
    reference: int | None,
    reference_u: float,
    apart: list[tuple[float, int, int]],
    most: float,
    contradicts: bool,
) -> Tier:
    """apart: pairs that claim reference quality and contradict each other; most, contradicts: see `_at_first_sight`."""
    here = np.flatnonzero(np.isfinite(w.judged.group.value[e]))
    known = here[np.isfinite(w.known.scatter[e, here])]
    if len(here) < 2:
        return Tier("none", most)
    found = [*_references_disagree(w, e, apart), *_level_off(w, e, known, reference)]
    if contradicts:
        found += _reference_off(w, e, reference, reference_u)
    exact = next((int(c) for c in here if w.judged.group.columns[c].exact), None)
    unknown = _unknown(w, e, here) if contradicts and exact is None else []
    only = not found
    found += unknown
    explained = tuple(_explained(w, e, c) for c in _off_by_record(w, e, here)) if contradicts else ()
    if contradicts and exact is not None:
        explained += tuple(_misses(w, e, here, exact))
    if not found:
        return Tier("expected" if contradicts else "none", most, explained)
    why = "; ".join(t.why for t in found[:3]) + (f"; and {len(found) - 3} more" if len(found) > 3 else "")
    who = tuple(dict.fromkeys(c for t in found for c in t.who))
    surprise = max(t.surprise for t in (unknown if only else found))
    rest = tuple(x for x in explained if x["column"] not in who)
    return Tier("surprising", surprise, rest, why, found[0].settle, who, only)


def _off_by_record(w: Weighed, e: int, here: np.ndarray) -> list[int]:
    """Columns of which something is known that are the reason for a contradiction: that contradict the reference where
    there is one, and otherwise the two that contradict each other the most."""
    j, g = w.judged, w.judged.group
    reference = next((int(c) for c in here if g.columns[c].is_default_reference), None)
    known = [int(c) for c in here if np.isfinite(w.known.scatter[e, c])]
    if reference is not None:
        u = np.hypot(j.uncertainty[e, known], j.uncertainty[e, reference])
        z = np.abs(g.value[e, known] - g.value[e, reference]) / u
        found = [c for c, x in zip(known, z.tolist(), strict=True) if x >= j.threshold[e]]
        if found:
            return found
    return [c for c in known if c in j.pair[e]]


def _explained(w: Weighed, e: int, c: int) -> dict[str, Any]:
    k = w.known
    basis = float(k.basis[e, c])
    by = "basis" if basis > 0 and 2.0 * basis**2 > float(k.scatter[e, c]) ** 2 else "known error"
    return {"column": c, "by": by, "bias": float(k.bias[e, c]), "scatter": float(k.scatter[e, c])}


def _misses(w: Weighed, e: int, here: np.ndarray, exact: int) -> list[dict[str, Any]]:
    """Columns of which nothing else is known, and by how much they miss the exact value: nothing is open there, since
    an approximation that claims nothing may be off by as much as it is."""
    j, g = w.judged, w.judged.group
    blank = [c for c in here.tolist() if not g.columns[c].claims and not np.isfinite(w.known.scatter[e, c])]
    found = []
    for c in blank:
        error, u = float(g.value[e, c] - g.value[e, exact]), float(np.hypot(*j.uncertainty[e, [c, exact]]))
        if abs(error) >= j.threshold[e] * u:
            found.append({"column": c, "by": "exact value", "bias": error, "scatter": u})
    return found


def _references_disagree(w: Weighed, e: int, apart: list[tuple[float, int, int]]) -> list[Tier]:
    """The most contradictory pair of those that claim reference quality; apart: (|z|, column, column) of all that
    do."""
    if not apart:
        return []
    g = w.judged.group
    z, a, b = max(apart)
    d = abs(float(g.value[e, a] - g.value[e, b]))
    why = (
        f"{g.columns[a].name} and {g.columns[b].name} both claim reference quality and differ by {d:.3g} {g.unit}, "
        f"{z:.1f} times the uncertainty of the two"
    )
    exact = [c for c in (a, b) if g.columns[c].exact]
    if len(exact) == 1:
        (other,) = {a, b} - set(exact)
        name = g.columns[other].name
        settle = f"nothing is open where {g.columns[exact[0]].name} is exact: what {name} states leaves out a bias"
    else:
        settle = "a third value of reference quality that shares no approximation with either"
    return [Tier("surprising", shift_probability(z), (), why, settle, (a, b))]


def _level_off(w: Weighed, e: int, known: np.ndarray, reference: int | None) -> list[Tier]:
    """Values beyond their own record and what the others let expect."""
    s, k, g = w.surprises, w.known, w.judged.group
    off: list[tuple[float, int, str]] = []
    for c in known[s.surprising[e, known]].tolist():
        scatter, bias = float(k.scatter[e, c]), float(k.bias[e, c])
        error = bias + float(s.actual[e, c]) * scatter
        reach = UNUSUAL * scatter
        nearer = min(0.0, bias) - reach <= error <= max(0.0, bias) + reach
        if nearer and reference is not None and np.isfinite(g.value[e, reference]):
            continue  # between its usual error and the reference: nothing is there to be settled
        name, unit = g.columns[c].name, g.unit
        from_what = (
            f"its error is {error:+.3g} {unit}"
            if reference is not None and np.isfinite(g.value[e, reference])
            else f"it lies {error:+.3g} {unit} from the median of all"
        )
        why = f"{name}: {from_what}; elsewhere it errs by {bias:+.2g} ± {scatter:.2g} ({int(k.n[e, c])} other errors)"
        if s.by_others:
            expected, spread = bias + float(s.expected[e, c]) * scatter, float(s.spread[e, c]) * scatter
            why += f", and the other levels' errors here let expect {expected:+.2g} ± {spread:.2g}"
        off.append((float(s.probability[e, c]), c, why))
    off.sort(key=lambda found: -found[0])
    settle = _to_settle(g, e, [(c, float(s.actual[e, c] - s.expected[e, c])) for _, c, _ in off], reference)
    return [Tier("surprising", surprise, (), why, settle, (c,)) for surprise, c, why in off]


def _to_settle(g: Group, e: int, off: Sequence[tuple[int, float]], reference: int | None) -> str:
    """What would tell why the first of these columns is off, given by how much each is, in its scatters."""
    if not off:
        return ""
    (first, shift), *_ = off
    same = [c for c, other in off if other * shift > 0]
    name = g.columns[first].name
    if len(same) > 1:
        here = reference is not None and np.isfinite(g.value[e, reference])
        second = "a second reference value" if here else "a reference value"
        names = ", ".join(g.columns[c].name for c in same[:3]) + (f" and {len(same) - 3} more" if same[3:] else "")
        shared = sorted(set.intersection(*(set(g.columns[c].families) for c in same)))
        if shared:
            what = ", ".join(f"{family.replace('_', ' ')} {value}" for family, value in shared)
            return f"{second} here, and a level without what {names} share ({what}): they are off the same way"
        return f"{second} here: {names} share nothing and are off the same way"
    if g.kind[e, first] == "statistical":
        return f"{name} sampled longer here, from another seed"
    if not np.isfinite(g.wall_s[e, first]):
        return f"{name} computed here, and a look at the source of the published value"
    if "/" not in g.columns[first].level_of_theory:
        return f"{name} here by another program"
    return f"{name} here in a larger basis set, from another starting point or by another program"


def _reference_off(w: Weighed, e: int, reference: int | None, reference_u: float) -> list[Tier]:
    """The reference, if the verdict suspects it and the levels with their known biases taken off do so, too."""
    j, s, g = w.judged, w.surprises, w.judged.group
    if reference is None or j.verdicts[e].verdict != "suspect_reference" or not np.isfinite(s.common[e]):
        return []
    u = float(np.hypot(s.common_uncertainty[e], reference_u))
    z = abs(float(s.common[e])) / u if u > 0 else np.inf
    if z < BEYOND or shift_probability(z) <= 0.5:
        return []
    why = (
        f"the reference {g.columns[reference].name}: all levels with their known errors taken off say "
        f"{float(s.common[e]):+.3g} ± {u:.2g} {g.unit} from it"
    )
    settle = "a second reference value, and a look at the source of this one"
    return [Tier("surprising", shift_probability(z), (), why, settle, (reference,))]


def _unknown(w: Weighed, e: int, here: np.ndarray) -> list[Tier]:
    """Contradictions with levels of which nothing is known, judged by their stated or assumed uncertainties as
    before."""
    j, g = w.judged, w.judged.group
    blank = [c for c in here.tolist() if not g.columns[c].claims and not np.isfinite(w.known.scatter[e, c])]
    value, u = g.value[e].copy(), j.uncertainty[e].copy()
    calibrated = np.isfinite(w.known.scatter[e])
    value[calibrated] -= w.known.bias[e, calibrated]
    u[calibrated] = w.known.scatter[e, calibrated]
    found = []
    for c in blank:
        others = here[here != c]
        with np.errstate(invalid="ignore", divide="ignore"):
            z = np.abs(value[c] - value[others]) / np.hypot(u[c], u[others])
        worst = int(np.argmax(z))
        if float(z[worst]) >= j.threshold[e]:
            found.append((float(z[worst]), c, int(others[worst])))
    if not found:
        return []
    z_most, c, other = max(found)
    names = [g.columns[k].name for _, k, _ in found]
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    difference = abs(float(value[c] - value[other]))
    why = (
        f"{g.columns[c].name} and {g.columns[other].name} differ by {difference:.3g} {g.unit}; nothing is known of the "
        f"errors of {some} (fewer than {LEAST_KNOWN} other molecules with a reference), so nothing explains it"
    )
    settle = f"{g.columns[c].name} on more entries that have a reference"
    return [Tier("surprising", shift_probability(z_most), (), why, settle, tuple(k for _, k, _ in found))]
