"""Figures of one row per level: errors with their intervals, and forest plots of single entries.

A figure is a scale and rows of marks on it. Pages draw each row as a small picture as wide as there is room, beside its
label and number as text, so that nothing shrinks on a phone; as a file it is one SVG.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from qmbench.domain.visible import visible
from qmbench.judging.core_statistics import RANKED_BY, judged_by_method
from qmbench.report.model import (
    SPELLINGS,
    Names,
    decimals_for,
    interval_text,
    is_missing,
    number,
    shown,
    with_unit,
)
from qmbench.report.tables import ranked

if TYPE_CHECKING:
    import pandas as pd

MOST_TRACKS = 40
FROM_LOGARITHMIC = 30.0
"""Ratio of the largest error to the smallest from which the scale is logarithmic: linear bars would hide the small."""
SIGMAS = 2.0
"""Half the length of an interval in a forest plot, in standard deviations."""

METHOD, BASIS, WHOLE = "method", "basis", "whole"
SHADES = {
    METHOD: "error of the method at its basis-set limit",
    BASIS: "error of the basis set",
    WHOLE: "error whose parts are not known",
}


@dataclass(frozen=True)
class Mark:
    """One mark from `low` to `high` (0 left, 1 right; equal for a point). kind: `bar`, `whisker`, `dot`, `diamond`, or
    `record` (a fainter whisker). shade: of SHADES, or `odd` for what is surprising. open_low, open_high: whether it
    goes on beyond the figure."""

    kind: str
    low: float
    high: float
    shade: str = ""
    open_low: bool = False
    open_high: bool = False


@dataclass(frozen=True)
class Track:
    """A row. text: its number. strong: whether it stands out; about: a line that explains it."""

    label: str
    marks: tuple[Mark, ...]
    text: str
    strong: bool = False
    about: str = ""


@dataclass(frozen=True)
class Rule:
    """A line through all rows, with a band around it. kind: `zero`, `reference` or `consensus`."""

    kind: str
    at: float
    low: float
    high: float


@dataclass(frozen=True)
class Figure:
    """axis: what its scale is. ticks: (place, text). key: (shade or kind of mark, what it means)."""

    title: str
    axis: str
    tracks: tuple[Track, ...]
    ticks: tuple[tuple[float, str], ...]
    rules: tuple[Rule, ...] = ()
    key: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """Numbers to places between 0 and 1."""

    low: float
    high: float
    logarithmic: bool = False

    def place(self, x: float) -> float:
        """Where x is; beyond the ends it is at them."""
        if self.logarithmic:
            x = math.log10(x) if x > 0 else math.log10(self.low)
            low, high = math.log10(self.low), math.log10(self.high)
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (x - low) / (high - low)))

    def mark(self, kind: str, low: float, high: float, shade: str = "") -> Mark:
        """A mark from low to high in numbers; ends beyond the scale are open."""
        return Mark(kind, self.place(low), self.place(high), shade, low < self.low, high > self.high)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Round numbers on the scale, with their places."""
        numbers = _decades(self.low, self.high) if self.logarithmic else _round_numbers(self.low, self.high)
        return tuple((self.place(x), f"{x:.10g}") for x in numbers)


def _round_numbers(low: float, high: float, about: int = 6) -> list[float]:
    raw = (high - low) / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    from_, to = math.floor(math.log10(low)), math.ceil(math.log10(high))
    step = max(1, (to - from_) // 4)
    factors = (1.0, 3.0) if to - from_ <= 2 else (1.0,)
    found = [f * 10.0**k for k in range(from_, to + 1, step) for f in factors]
    return [x for x in found if low * (1 - 1e-9) <= x <= high * (1 + 1e-9)]


def levels_figure(whole: pd.DataFrame, names: Names = SPELLINGS) -> Figure | None:
    """Mean absolute error of each level with its interval, as bars of its parts where the basis-set limit is known.

    whole: statistics of one benchmark and observable, subset `all`. The order is that of the tables. None without a
    scored level. Bars begin at zero; on a logarithmic scale, which has none, points stand for them.
    """
    rows = [r for r in ranked(whole) if r["n_scored"] and not is_missing(r[RANKED_BY])]
    if not rows:
        return None
    shown, unit = rows[:MOST_TRACKS], str(rows[0]["unit"])
    scale = _error_scale([x for r in shown for x in _sizes(r)])
    decimals = decimals_for([r[RANKED_BY] for r in shown])
    counted = len({r["n_scored"] for r in rows}) > 1
    tracks = tuple(_level_track(r, scale, decimals, names, counted) for r in shown)
    shades = [s for s in SHADES if any(m.shade == s for t in tracks for m in t.marks)]
    more = f" The first {len(shown)} of {len(rows)} levels." if len(rows) > len(shown) else ""
    parts = any(len(parts_of(r)) == 2 for r in shown)
    confidence = f"{shown[0]['confidence']:.0%}".replace("%", " %")
    note = f"Line: interval over entries at {confidence}; bold: not distinguishable from the best."
    if parts:
        note += " Where errors of method and basis set cancel, the whole (dot) is less than its parts together."
    key = (*((s, SHADES[s]) for s in shades), ("dot", "whole mean absolute error"))
    axis = with_unit("mean absolute error", unit) + (" (logarithmic)" if scale.logarithmic else "")
    rules = () if scale.logarithmic else (Rule("zero", 0.0, 0.0, 0.0),)
    title = f"Error of {str(rows[0]['observable']).replace('_', ' ')} by level of theory"
    return Figure(title, axis, tracks, scale.ticks(), rules, key if len(shades) > 1 or parts else (), note + more)


def parts_of(r: Mapping[str, Any]) -> list[tuple[str, float]]:
    """(shade, size) of the parts of a level's error; what tables show as 0 is none."""
    method, basis = r.get("method_mean_absolute_error"), r.get("basis_mean_absolute_error")
    if judged_by_method(r) and not is_missing(method) and not is_missing(basis):
        return [(METHOD, shown(method)), (BASIS, shown(basis))]
    return [(WHOLE, shown(r[RANKED_BY]))]


def _sizes(r: Mapping[str, Any]) -> list[float]:
    """Every number of a level's row: its error, the ends of its interval, and its parts one after the other."""
    ends = [r.get(f"{RANKED_BY}_{end}") for end in ("low", "high")]
    parts = [size for _, size in parts_of(r)]
    return [shown(x) for x in (r[RANKED_BY], *ends, *parts, sum(parts)) if x is not None and not is_missing(x)]


def _error_scale(sizes: Sequence[float]) -> Scale:
    positive = [x for x in sizes if x > 0]
    high = max(positive, default=1.0)
    low = min(positive, default=1.0)
    if high / low >= FROM_LOGARITHMIC and len(positive) > 1:
        return Scale(low / 1.3, high * 1.3, logarithmic=True)
    return Scale(0.0, high * 1.03)


def _level_track(r: Mapping[str, Any], scale: Scale, decimals: int, names: Names, counted: bool) -> Track:
    marks: list[Mark] = []
    at = 0.0
    for shade, size in parts_of(r):
        if scale.logarithmic:
            marks.append(scale.mark("diamond", size, size, shade))
        else:
            marks.append(scale.mark("bar", at, at + size, shade))
        at += size
    if scale.logarithmic and len(marks) == 1:
        marks = []  # the dot is all that there is to be seen
    low, high = (r.get(f"{RANKED_BY}_{end}") for end in ("low", "high"))
    if not is_missing(low) and not is_missing(high):
        marks.append(scale.mark("whisker", float(low or 0.0), float(high or 0.0)))
    marks.append(scale.mark("dot", float(r[RANKED_BY]), float(r[RANKED_BY])))
    ends = interval_text(low, high, decimals)
    text = number(r[RANKED_BY], decimals) + (f" ({ends})" if ends else "")
    text += f", n = {r['n_scored']}" if counted else ""
    told = [f"{SHADES[shade]}: {number(size, decimals)}" for shade, size in parts_of(r) if shade != WHOLE]
    n = f"n = {r['n_scored']}"
    return Track(
        names.of(r["level_of_theory"], r["bsse"]), tuple(marks), text, r["among_best"] is True, "; ".join([n, *told])
    )


FOREST_KEY = {
    "dot": "value, ± 2 standard deviations where stated",
    "record": "where the level's errors elsewhere put the truth, ± 2 standard deviations",
    "odd": "what is surprising",
    "reference": "reference",
    "consensus": "consensus of all values",
}


def forest(x: Mapping[str, Any], references: Iterable[str] = ()) -> Figure:
    """Forest plot of an entry of the disagree document: every value with its interval, the reference, the consensus.

    references: names of the default reference sets, whose value is the reference.
    """
    votes: list[Mapping[str, Any]] = sorted(x["votes"], key=lambda v: (v["kind"] != "reference", v["value"]))
    agreed, default = x["consensus"], set(references)
    reference = next((v for v in votes if v["kind"] == "reference" and v["method"] in default), None)
    values = [float(v["value"]) for v in votes] + [float(agreed["value"])]
    low, high = min(values), max(values)
    room = max(high - low, 1e-9 * max(abs(low), abs(high)), 1e-300)
    stated = [SIGMAS * u for v in votes if (u := v["uncertainty"]) is not None]
    # Half of the values' span is room enough: a wider interval is cut off, and its end open.
    margin = min(0.5 * room, max([0.08 * room, *stated]))
    scale = Scale(low - margin, high + margin)
    decimals = decimals_for([x["spread"] or 0.0])
    tracks = tuple(_vote_track(v, x, scale, decimals) for v in votes)
    rules = [_rule("consensus", float(agreed["value"]), float(agreed["uncertainty"]), scale)]
    if reference is not None:
        rules.append(_rule("reference", float(reference["value"]), float(reference["uncertainty"] or 0.0), scale))
    there = {m.kind for t in tracks for m in t.marks} | {m.shade for t in tracks for m in t.marks}
    there |= {rule.kind for rule in rules}
    key = tuple((kind, text) for kind, text in FOREST_KEY.items() if kind in there)
    title = f"{x['benchmark']}/{x['entry']}: {x['observable'].replace('_', ' ')}"
    return Figure(title, x["unit"], tracks, scale.ticks(), tuple(rules), key)


MOST_SURPRISES = 60


def surprise_figures(
    document: Mapping[str, Any], most: int = MOST_SURPRISES
) -> Iterator[tuple[Mapping[str, Any], Figure]]:
    """The first surprising entries of the (labelled) `disagree` document, each with its forest plot."""
    defaults = {
        (m["benchmark"], m["observable"], m["within"]): [c["name"] for c in m["about"] if c["is_default_reference"]]
        for m in document["methods"]
    }
    for x in [x for x in document["entries"] if x["tier"] == "surprising"][:most]:
        yield x, forest(x, defaults.get((x["benchmark"], x["observable"], x["within"]), []))


def _rule(kind: str, value: float, u: float, scale: Scale) -> Rule:
    return Rule(kind, scale.place(value), scale.place(value - SIGMAS * u), scale.place(value + SIGMAS * u))


def _vote_track(v: Mapping[str, Any], x: Mapping[str, Any], scale: Scale, decimals: int) -> Track:
    value, u, known = float(v["value"]), v["uncertainty"], v["known"]
    odd = "odd" if v["method"] in x["surprising"] else ""
    marks = []
    if known is not None:
        reach = SIGMAS * known["uncertainty"]
        marks.append(scale.mark("record", known["calibrated"] - reach, known["calibrated"] + reach, odd))
    if u is not None:
        marks.append(scale.mark("whisker", value - SIGMAS * u, value + SIGMAS * u, odd))
    marks.append(scale.mark("dot", value, value, odd))
    text = f"{value:.{decimals}f}" + (f" ± {u:.2g}" if u is not None else "")
    about = "" if known is None else f"errs by {known['bias']:+.2g} ± {known['uncertainty']:.2g} elsewhere"
    return Track(v["method"], tuple(marks), text, bool(odd), about)


# --- in a page ---


def row_svg(track: Track, rules: Sequence[Rule]) -> str:
    """The marks of one row as an SVG element that is as wide and high as its place; the style sheet has its colours."""
    drawn = [_page_rule(rule) for rule in rules] + [_page_mark(mark) for mark in track.marks]
    title = f"<title>{escape(track.about)}</title>" if track.about else ""
    label = escape(f"{track.label}: {track.text}")
    return f'<svg role="img" aria-label="{label}">{title}{"".join(drawn)}</svg>'


def axis_svg(figure: Figure) -> str:
    """The scale below the rows."""
    drawn = ['<line class="axis" x1="0" x2="100%" y1="0.5" y2="0.5"/>']
    for place, text in figure.ticks:
        x = f"{100 * place:.2f}%"
        drawn.append(f'<line class="axis" x1="{x}" x2="{x}" y1="0" y2="5"/><text x="{x}" y="17">{escape(text)}</text>')
    return f'<svg aria-hidden="true">{"".join(drawn)}</svg>'


def key_svg(kind: str) -> str:
    """A small picture of a mark or a shade, for the key."""
    drawn = {
        "dot": '<circle class="k-dot" cx="50%" cy="50%" r="4"/>',
        "odd": '<circle class="k-dot s-odd" cx="50%" cy="50%" r="4"/>',
        "record": '<line class="k-record" x1="0" x2="100%" y1="50%" y2="50%"/>',
        "reference": '<line class="r-reference" x1="50%" x2="50%" y1="0" y2="100%"/>',
        "consensus": '<line class="r-consensus" x1="50%" x2="50%" y1="0" y2="100%"/>',
    }
    inside = drawn.get(kind, f'<rect class="s-{kind}" y="10%" width="100%" height="80%"/>')
    return f'<svg class="swatch" aria-hidden="true">{inside}</svg>'


def _page_rule(rule: Rule) -> str:
    x = f"{100 * rule.at:.2f}%"
    band = ""
    if rule.high > rule.low:
        span = f'x="{100 * rule.low:.2f}%" width="{100 * (rule.high - rule.low):.2f}%"'
        band = f'<rect class="b-{rule.kind}" {span} height="100%"/>'
    return f'{band}<line class="r-{rule.kind}" x1="{x}" x2="{x}" y1="0" y2="100%"/>'


def _page_mark(mark: Mark) -> str:
    low, width = f"{100 * mark.low:.2f}%", f"{100 * (mark.high - mark.low):.2f}%"
    shade = f" s-{mark.shade}" if mark.shade else ""
    if mark.kind == "bar":
        return f'<rect class="{shade[1:]}" x="{low}" y="50%" width="{width}" height="14" transform="translate(0 -7)"/>'
    if mark.kind in ("whisker", "record"):
        line = f'<line class="k-{mark.kind}{shade}" x1="{low}" x2="{100 * mark.high:.2f}%" y1="50%" y2="50%"/>'
        if mark.kind == "record":
            return line
        ends = [(low, -1, mark.open_low), (f"{100 * mark.high:.2f}%", 1, mark.open_high)]
        return line + "".join(_end(x, side, is_open, shade) for x, side, is_open in ends)
    if mark.kind == "diamond":
        return _at(low, f'<path class="k-diamond{shade}" d="M-8 0l8 -8 8 8 -8 8z"/>')
    return f'<circle class="k-dot{shade}" cx="{low}" cy="50%" r="4"/>'


def _end(x: str, side: int, is_open: bool, shade: str) -> str:
    """The end of an interval: a bar across it, or an arrow where it goes on."""
    return _at(x, f'<path class="k-end{shade}" d="{f"M{-5 * side} -4L0 0L{-5 * side} 4" if is_open else "M0 -4V4"}"/>')


def _at(x: str, what: str) -> str:
    return f'<svg x="{x}" y="50%" overflow="visible">{what}</svg>'


# --- as one SVG ---

_LABEL, _PLOT, _TEXT, _ROW, _TOP = 250.0, 330.0, 180.0, 20.0, 34.0
_FILLS = {METHOD: "#0072b2", BASIS: "#8cc6ec", WHOLE: "#9aa3ad", "odd": "#c04a00", "": "#1b1b1b"}
_RULES = {"zero": "#888888", "reference": "#009e73", "consensus": "#777777"}


def figure_svg(figure: Figure) -> str:
    """The figure as the text of an SVG file, 760 pixels wide, on white."""
    n = len(figure.tracks)
    bottom = _TOP + n * _ROW
    lines = wrap(figure.note, 120)
    height = bottom + 44 + 17 * len(figure.key) + 15 * len(lines)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LABEL + _PLOT + _TEXT:.0f}" height="{height:.0f}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="8" y="20" font-weight="bold" font-size="13">{_seen(figure.title)}</text>',
    ]
    for rule in figure.rules:
        x, colour = _LABEL + _PLOT * rule.at, _RULES[rule.kind]
        dash = ' stroke-dasharray="4 3"' if rule.kind == "consensus" else ""
        if rule.high > rule.low:
            out.append(
                f'<rect x="{_LABEL + _PLOT * rule.low:.1f}" y="{_TOP}" width="{_PLOT * (rule.high - rule.low):.1f}" '
                f'height="{n * _ROW}" fill="{colour}" opacity="0.15"/>'
            )
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}" stroke="{colour}"{dash}/>')
    for i, track in enumerate(figure.tracks):
        y = _TOP + (i + 0.5) * _ROW
        weight = ' font-weight="bold"' if track.strong else ""
        fitting = f' textLength="{_LABEL - 16:.0f}" lengthAdjust="spacingAndGlyphs"' if len(track.label) > 38 else ""
        out.append(f'<text x="8" y="{y + 4:.1f}"{weight}{fitting}>{_seen(track.label)}</text>')
        out.append(f'<text x="{_LABEL + _PLOT + 10:.0f}" y="{y + 4:.1f}"{weight}>{_seen(track.text)}</text>')
        out += [_svg_mark(mark, y) for mark in track.marks]
    out.append(f'<line x1="{_LABEL}" x2="{_LABEL + _PLOT}" y1="{bottom}" y2="{bottom}" stroke="#555"/>')
    for place, text in figure.ticks:
        x = _LABEL + _PLOT * place
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}" stroke="#555"/>')
        out.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle" font-size="11">{_seen(text)}</text>')
    out.append(f'<text x="{_LABEL + _PLOT / 2}" y="{bottom + 33}" text-anchor="middle">{_seen(figure.axis)}</text>')
    y = bottom + 50
    for kind, text in figure.key:
        out.append(_svg_key(kind, y - 4))
        out.append(f'<text x="34" y="{y}" font-size="11">{_seen(text)}</text>')
        y += 17
    out += [f'<text x="8" y="{y + 15 * i}" font-size="10.5">{_seen(line)}</text>' for i, line in enumerate(lines)]
    return "\n".join([*out, "</svg>\n"])


def _seen(text: str) -> str:
    """A text in an SVG file: no XML, and so no picture, can hold control characters."""
    return escape(visible(text))


def _svg_mark(mark: Mark, y: float) -> str:
    low, high, fill = _LABEL + _PLOT * mark.low, _LABEL + _PLOT * mark.high, _FILLS[mark.shade]
    if mark.kind == "bar":
        return f'<rect x="{low:.1f}" y="{y - 6:.1f}" width="{high - low:.1f}" height="12" fill="{fill}"/>'
    if mark.kind in ("whisker", "record"):
        look = 'stroke-width="5" opacity="0.3"' if mark.kind == "record" else 'stroke-width="1.6"'
        return f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{fill}" {look}/>'
    if mark.kind == "diamond":
        return f'<path d="M{low - 7:.1f} {y:.1f}l7 -7 7 7 -7 7z" fill="{fill}" stroke="#fff" stroke-width="0.8"/>'
    return f'<circle cx="{low:.1f}" cy="{y:.1f}" r="3.4" fill="{fill}"/>'


def _svg_key(kind: str, y: float) -> str:
    if kind in SHADES:
        return f'<rect x="12" y="{y - 5:.1f}" width="14" height="10" fill="{_FILLS[kind]}"/>'
    if kind in _RULES:
        dash = ' stroke-dasharray="4 3"' if kind == "consensus" else ""
        return f'<line x1="12" x2="26" y1="{y:.1f}" y2="{y:.1f}" stroke="{_RULES[kind]}" stroke-width="2"{dash}/>'
    if kind == "record":
        return f'<line x1="10" x2="28" y1="{y:.1f}" y2="{y:.1f}" stroke="#1b1b1b" stroke-width="5" opacity="0.3"/>'
    return f'<circle cx="19" cy="{y:.1f}" r="3.4" fill="{_FILLS["odd" if kind == "odd" else ""]}"/>'
