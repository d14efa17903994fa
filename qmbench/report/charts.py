"""The charts of the report as Vega-Lite specifications, built with Altair; also as files.

Colours: Okabe & Ito's set, which people with any kind of colour blindness can tell apart; beyond eight levels the
shapes differ as well. Every chart has its numbers in a table beside it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.errors import InputError
from qmbench.domain.visible import visible_in
from qmbench.judging.core_statistics import RANKED_BY
from qmbench.judging.frame import computed
from qmbench.judging.items import items, rows_of
from qmbench.report.model import SMALLEST_SHOWN, SPELLINGS, Names, in_order

if TYPE_CHECKING:
    import pandas as pd

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999", "#F0E442")
MOST_ROWS, MOST_COLOURS = 16, len(OKABE_ITO)
"""Levels that a chart shows in rows of their own, and told apart by colour. Of more than that the computed ones come
first, then the published ones, each by mean absolute error; its title says so."""

MOST_POINTS = 600
"""Points of a chart that can still be told apart: of more errors those inside the boxes' whiskers are left out, of more
values against references as many as this are kept, among them those of the largest errors."""

FILE_KINDS = (".json", ".svg", ".png", ".pdf")
"""How a chart may be written, by the file's ending."""

Spec = dict[str, Any]


def charts(scored: pd.DataFrame, statistics: pd.DataFrame, names: Names = SPELLINGS) -> dict[str, tuple[str, Spec]]:
    """name -> (title, Vega-Lite specification) for one benchmark and observable; charts without data are left out.

    scored, statistics: the rows of that benchmark and observable (statistics: of the subset `all`). names: of levels.
    """
    unit = str(scored["unit"].iloc[0])
    ok = scored[scored["status"].eq("ok")].copy()
    pairs = list(zip(items(ok["level_of_theory"]), items(ok["bsse"]), strict=True))
    called = {pair: names.of(*pair) for pair in set(pairs)}
    ok["level"] = [called[pair] for pair in pairs]
    best = in_order(statistics, RANKED_BY)
    order = [names.of(a, b) for a, b in zip(best["level_of_theory"], best["bsse"], strict=True)]
    there = set(called.values())
    own = set(computed(ok)["level"])
    ranked = sorted((name for name in order if name in there), key=lambda name: name not in own)

    def titled(title: str, most: int) -> str:
        if len(ranked) <= most:
            return f"{title}, {unit}"
        which = "the best computed ones" if len(own) >= most else "the computed ones, then the best published ones"
        return f"{title}, {unit} ({most} of {len(ranked)} levels: {which if own else 'the best ones'})"

    points = int(ok["level"].isin(ranked[:MOST_COLOURS]).sum())
    against = titled("Computed against reference", MOST_COLOURS)
    against += f"; {MOST_POINTS} of {points:,} points, the largest errors among them" if points > MOST_POINTS else ""

    def of(most: int) -> tuple[pd.DataFrame, list[str]]:
        return ok[ok["level"].isin(ranked[:most])], ranked[:most]

    makers: dict[str, tuple[str, Callable[[], Spec | None]]] = {
        "errors": (titled("Errors by level of theory", MOST_ROWS), lambda: error_distribution(*of(MOST_ROWS), unit)),
        "parity": (against, lambda: parity(*of(MOST_COLOURS), unit)),
        "curves": (titled("Curves over the reference", MOST_COLOURS), lambda: curves(*of(MOST_COLOURS), unit)),
        "cost": (f"Time against mean absolute error, {unit}", lambda: cost_accuracy(statistics, unit, names)),
    }
    from altair.utils.schemapi import debug_mode

    # Checking each specification against the grammar takes half of a report's time; the tests draw every kind.
    with debug_mode(False):
        made = {name: (title, make()) for name, (title, make) in makers.items()}
    return {name: (title, spec) for name, (title, spec) in made.items() if spec is not None}


def error_distribution(ok: pd.DataFrame, order: list[str], unit: str) -> Spec | None:
    """Every error as a point, quartiles as a box, a row per level; of more than MOST_POINTS only those far outside."""
    import altair as alt

    rows = ok[ok["error"].notna()]
    if rows.empty:
        return None
    data = alt.Chart(alt.NamedData(ROWS))
    y = alt.Y("level:N", sort=order, title=None, axis=alt.Axis(labelLimit=260))
    x = alt.X("error:Q", title=f"error, {unit}")
    many = len(rows) > MOST_POINTS
    tips = [_tip("level:N"), _tip("entry:N"), _tip("error:Q", ".4g")]
    boxes = data.transform_filter("isValid(datum.q1)")
    ends = alt.X("low:Q", title=f"error, {unit}")
    whiskers = boxes.mark_rule(color="#56B4E9").encode(x=ends, x2="high:Q", y=y)
    box = boxes.mark_bar(size=12, color="#56B4E9", opacity=0.6).encode(x=alt.X("q1:Q"), x2="q3:Q", y=y)
    middle = boxes.mark_tick(size=12, thickness=1.5, color="#0072B2").encode(x=alt.X("median:Q"), y=y)
    strokes = data.transform_filter("isValid(datum.error)")
    points = strokes.mark_point(size=18, color="#D55E00") if many else strokes.mark_tick(thickness=1.5, color="#D55E00")
    points = points.encode(x=x, y=y, tooltip=tips)
    zero = (
        alt.Chart(alt.Data(values=[{"error": 0.0}]))
        .mark_rule(strokeDash=[4, 4], color="#888")
        .encode(x=alt.X("error:Q"))
    )
    return _spec(
        alt.layer(whiskers, box, middle, points, zero).properties(width="container", height=max(60, 22 * len(order))),
        _boxes(rows, many),
    )


def _boxes(rows: pd.DataFrame, many: bool) -> list[dict[str, Any]]:
    """Per level its quartiles, and the least and largest error within 1.5 interquartile ranges of them (Tukey, 1977);
    and the errors: all, or where there are many those outside."""
    import pandas as pd

    groups = rows.groupby("level", sort=False)["error"]
    q1, q3 = groups.quantile(0.25), groups.quantile(0.75)
    reach = 1.5 * (q3 - q1)
    level = rows["level"]
    inside = rows["error"].between(level.map(q1 - reach), level.map(q3 + reach))
    kept = rows[inside].groupby("level", sort=False)["error"]
    table = {"q1": q1, "median": groups.median(), "q3": q3, "low": kept.min(), "high": kept.max()}
    boxes = pd.DataFrame(table).rename_axis("level").reset_index()
    return _values(boxes, ("level", *table)) + _values(rows[~inside] if many else rows, ("level", "entry", "error"))


def parity(ok: pd.DataFrame, order: list[str], unit: str) -> Spec | None:
    """Computed values against reference values, with the line where they are equal."""
    import altair as alt

    rows = ok[ok["error"].notna()]
    if rows.empty:
        return None
    ends = [float(rows[["reference", "value"]].min().min()), float(rows[["reference", "value"]].max().max())]
    rows = _thinned(rows, MOST_POINTS)
    line = alt.Chart(alt.Data(values=[{"reference": x, "value": x} for x in ends]))
    scale = alt.Scale(zero=False, nice=True)
    points = (
        alt.Chart(alt.NamedData(ROWS))
        .mark_point(size=45, filled=False, strokeWidth=1.6)
        .encode(
            x=alt.X("reference:Q", scale=scale, title=f"reference, {unit}"),
            y=alt.Y("value:Q", scale=scale, title=f"computed, {unit}"),
            color=_colour(order),
            shape=alt.Shape("level:N", sort=order, legend=None),
            tooltip=[
                _tip("level:N"),
                _tip("entry:N"),
                _tip("reference:Q"),
                _tip("value:Q"),
                _tip("error:Q", ".4g"),
            ],
        )
    )
    rule = line.mark_line(strokeDash=[4, 4], color="#888").encode(x=alt.X("reference:Q"), y=alt.Y("value:Q"))
    values = _values(rows, ("level", "entry", "reference", "value", "error"))
    return _spec(alt.layer(rule, points).properties(width="container", height=300), values)


def _thinned(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many rows, evenly of all levels: half of them the largest errors, half evenly spread by reference."""
    if len(rows) <= most:
        return rows
    import pandas as pd

    kept = []
    each = most // rows["level"].nunique()
    for _, mine in rows.groupby("level", sort=False):
        largest = mine.loc[mine["error"].abs().sort_values(ascending=False, kind="stable").index[: each // 2]]
        rest = mine.drop(largest.index).sort_values("reference", kind="stable")
        spread = np.unique(np.linspace(0, len(rest) - 1, min(each - len(largest), len(rest))).round().astype(int))
        kept += [largest, rest.iloc[spread]]
    return pd.concat(kept).sort_index()


def curves(ok: pd.DataFrame, order: list[str], unit: str) -> Spec | None:
    """Values along each curve's coordinate, one line per level, the reference as black dots."""
    import altair as alt

    rows = ok[ok["curve"].fillna("").ne("") & ok["coordinate"].notna()]
    if rows.empty:
        return None
    coordinate = str(rows["coordinate_unit"].iloc[0] or "") if "coordinate_unit" in rows else ""
    data = alt.NamedData(ROWS)
    x = alt.X("coordinate:Q", scale=alt.Scale(zero=False), title=", ".join(filter(None, ["coordinate", coordinate])))
    base = alt.Chart(data)
    lines = base.mark_line(point=True, strokeWidth=1.5).encode(
        x=x,
        y=alt.Y("value:Q", scale=alt.Scale(zero=False), title=unit),
        color=_colour(order),
        tooltip=[_tip("level:N"), _tip("entry:N"), _tip("coordinate:Q"), _tip("value:Q")],
    )
    # The reference of an entry stands in the rows of all levels, and is drawn of one.
    rows = rows.assign(once=~rows.duplicated(["curve", "entry"]))
    dots = (
        base.transform_filter("datum.once")
        .mark_point(filled=True, color="#888", size=55, shape="diamond")
        .encode(x=x, y=alt.Y("reference:Q"), tooltip=[_tip("entry:N"), _tip("reference:Q")])
    )
    chart = alt.layer(lines, dots).properties(width=300, height=220)
    return _spec(
        chart.facet(facet=alt.Facet("curve:N", title=None), columns=2).resolve_scale(x="independent", y="independent"),
        _values(rows, ("level", "entry", "curve", "coordinate", "value", "reference", "once")),
    )


def cost_accuracy(statistics: pd.DataFrame, unit: str, names: Names = SPELLINGS) -> Spec | None:
    """Mean absolute error over the common entries against recorded time, with the Pareto front."""
    import altair as alt

    rows = statistics.copy()
    rows["level"] = [names.of(a, b) for a, b in zip(rows["level_of_theory"], rows["bsse"], strict=True)]
    shared = rows["common_mean_absolute_error"]
    rows["error"] = shared.where(rows["n_differs"], rows["mean_absolute_error"]).where(shared.notna())
    rows["time"] = rows["wall_s"] / rows["n_ok"].where(rows["n_ok"] > 0)
    # A logarithm would give the rounding errors of an exact method most of the picture: all it says is "exact".
    rows["error"] = rows["error"].clip(lower=SMALLEST_SHOWN)
    rows = rows[rows["error"].gt(0) & rows["time"].gt(0)]
    if len(rows) < 2:
        return None
    rows["front"] = pareto_front(rows["time"].to_numpy(float), rows["error"].to_numpy(float))
    x = alt.X("time:Q", scale=alt.Scale(type="log"), title="mean time per entry, s")
    axis = alt.Axis(tickCount=6, format="~g")
    y = alt.Y("error:Q", scale=alt.Scale(type="log"), axis=axis, title=f"mean absolute error, {unit}")
    data = alt.NamedData(ROWS)
    points = (
        alt.Chart(data)
        .mark_point(size=70, filled=True)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "front:N",
                scale=alt.Scale(domain=[True, False], range=["#0072B2", "#999999"]),
                legend=alt.Legend(title="on the Pareto front", orient="bottom"),
            ),
            tooltip=[_tip("level:N"), _tip("time:Q", ".3g"), _tip("error:Q", ".4g")],
        )
    )
    front = (
        alt.Chart(data)
        .transform_filter("datum.front")
        .mark_line(interpolate="step-after", color="#0072B2", opacity=0.6)
        .encode(x=x, y=y)
    )
    labels = (
        alt.Chart(data)
        .transform_filter("datum.front")
        .mark_text(align="left", dx=7, dy=-5, fontSize=10, color="#888")
        .encode(x=x, y=y, text=alt.Text("level:N"))
    )
    values = _values(rows, ("level", "time", "error", "front"))
    return _spec(alt.layer(front, points, labels).properties(width="container", height=300), values)


def pareto_front(cost: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Which points no other point beats in both cost and error."""
    order = np.lexsort((error, cost))
    best = np.minimum.accumulate(error[order])
    out = np.zeros(len(cost), dtype=bool)
    out[order] = np.concatenate([[True], error[order][1:] < best[:-1]])
    return out


def check_kind(path: Path) -> None:
    """InputError with the right ones when no chart can be written to a file of this name."""
    if path.suffix not in FILE_KINDS:
        raise InputError(f"a chart is written as {', '.join(FILE_KINDS)}, not '{path.suffix}'")


def write_chart(spec: Spec, path: Path) -> None:
    """A chart as a file: .json (the specification), .svg, .png or .pdf by the path's ending."""
    check_kind(path)
    import json

    import vl_convert as vlc

    from qmbench.report.renderers.files import write_bytes

    spec = {**spec, "background": "white"}
    if spec.get("width") == "container":
        spec["width"] = 480
    makers: dict[str, Callable[[], bytes]] = {
        ".json": lambda: json.dumps(spec, indent=1).encode(),
        ".svg": lambda: vlc.vegalite_to_svg(spec).encode(),
        ".png": lambda: vlc.vegalite_to_png(spec, scale=2),
        ".pdf": lambda: vlc.vegalite_to_pdf(spec),
    }
    write_bytes(path, makers[path.suffix]())


def write_svg(svg: str, path: Path) -> None:
    """A picture that is an SVG text as a file: .svg, .png or .pdf by the path's ending."""
    import vl_convert as vlc

    from qmbench.report.renderers.files import write_bytes

    makers: dict[str, Callable[[], bytes]] = {
        ".svg": svg.encode,
        ".png": lambda: vlc.svg_to_png(svg, scale=2),
        ".pdf": lambda: vlc.svg_to_pdf(svg),
    }
    write_bytes(path, makers[path.suffix]())


PLACEHOLDERS = {"#010203": "var(--ink)", "#010204": "var(--line)", "#888": "var(--soft)"}
"""Colours of a chart in a page that follow its light and dark: what the library draws -> what the style sheet sets."""
_WIDTH = 520


MOST_MARKS = 1500
"""As SVG, more are too much for a page, and too many to point at: such a chart becomes a PNG image."""


def for_page(spec: Spec) -> tuple[str, Spec]:
    """What `pictures.draw` makes of a chart for a page: SVG, or an image where it has more marks than MOST_MARKS."""
    width = {"width": _WIDTH} if spec.get("width") == "container" else {}
    if len(spec["datasets"][ROWS]) > MOST_MARKS:
        return "png", {**spec, "background": "white", **width}
    ink, line = "#010203", "#010204"
    config = {
        "background": None,
        "view": {"stroke": line},
        "title": {"color": ink},
        # Texts are wider in the fonts of many a browser than in the one they are measured with.
        "padding": {"left": 24, "right": 12, "top": 4, "bottom": 4},
        "axis": {
            **{"labelColor": ink, "titleColor": ink, "gridColor": line, "domainColor": line, "tickColor": line},
            **{"labelFlush": False, "labelSeparation": 8},
        },
        "legend": {"labelColor": ink, "titleColor": ink, "columnPadding": 34},
        "header": {"labelColor": ink, "titleColor": ink},
    }
    return "svg", {**spec, "config": config, **width}


def page_element(kind: str, picture: str, prefix: str) -> str:
    """A picture of that kind as an element of a page: an SVG's marks show their values as titles, its colours are the
    page's, and it has no scripts.

    prefix: for the ids inside, which must be the page's only ones.
    """
    if kind == "png":
        return f'<img alt="" src="data:image/png;base64,{picture}">'
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', picture)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}-\1)", svg)
    for drawn, themed in PLACEHOLDERS.items():
        svg = svg.replace(f'"{drawn}"', f'"{themed}"')
    # Marks carry their values as labels for screen readers; as titles a browser shows them, too.
    svg = re.sub(
        r'<(\w+) aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="([^"]*)"([^>]*?)(?:/>|></\1>)',
        _titled,
        svg,
    )
    needless = re.compile(
        r' (?:aria-[a-z]+|role|class|version|xmlns|xmlns:xlink|pointer-events|font-family)="[^"]*"'
        r'| (?:opacity|stroke-width)="1"'
    )
    svg = re.sub(r"<[a-z][^<>]*>", lambda tag: _rounded(needless.sub("", tag[0])), svg)
    return _styles_once(_placed(_shapes_once(re.sub(r'<path d="(?:M0,0h0v0h0Z)?"[^<>]*/>', "", svg), prefix)))


def _placed(svg: str) -> str:
    """The same picture with outlines put where they are by coordinates, which is shorter than by moving them."""
    return re.sub(r'(<use [^<>]*?)transform="translate\((-?[\d.]+),(-?[\d.]+)\)"', r'\1x="\2" y="\3"', svg)


_LONG = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")


def _rounded(tag: str) -> str:
    """A tag with its numbers to a hundredth of a pixel."""
    return _LONG.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag)


_MARK = re.compile(
    r"<(use|path|line|text|rect|circle)((?: [\w:-]+=\"[^\"]*\")*)(?:/>|>(?:[^<]|<title>[^<]*</title>)*</\1>)"
)
_INHERITED = re.compile(
    r' (?:fill|stroke|stroke-width|stroke-dasharray|opacity|font-size|font-weight|text-anchor)="[^"]*"'
)


def _styles_once(svg: str) -> str:
    """The same picture with what neighbours look like written once, on a group around them.

    A group does not hand its opacity on, it is seen through as one; so its fill and stroke get the opacity instead.
    """
    out, at = [], 0
    for found, run in _runs(svg):
        out.append(svg[at : found[0].start()])
        at = found[-1].end()
        marks = svg[found[0].start() : at]
        if len(found) >= _REPEATED and run:
            bare = [_INHERITED.sub("", m[2]) for m in found]
            marks = "".join(m[0].replace(m[2], rest, 1) if m[2] else m[0] for m, rest in zip(found, bare, strict=True))
            own = re.sub(r' opacity="([^"]*)"', r' fill-opacity="\1" stroke-opacity="\1"', run)
            marks = f"<g{own}>{marks}</g>"
        out.append(marks)
    return "".join(out) + svg[at:]


def _runs(svg: str) -> Iterator[tuple[list[re.Match[str]], str]]:
    """Neighbouring marks that look alike, with how they look."""
    found: list[re.Match[str]] = []
    before = ""
    for mark in _MARK.finditer(svg):
        looks = "".join(_INHERITED.findall(mark[2]))
        if found and (mark.start() != found[-1].end() or looks != before):
            yield found, before
            found = []
        found.append(mark)
        before = looks
    if found:
        yield found, before


_TOLD = ("level", "entry", "coordinate", "reference", "value", "error", "time")
_REPEATED = 4


def _titled(mark: re.Match[str]) -> str:
    """A mark with what it stands for as its title; boxes and lines stand for many entries."""
    name, label, kind, rest = mark.groups()
    told = dict(part.partition(": ")[::2] for part in label.split("; "))
    if kind == "line mark" and "level" in told:
        return f"<{name}{rest}><title>{told['level']}</title></{name}>"
    if not {"entry", "time"} & told.keys():
        return f"<{name}{rest}/>"
    said = "; ".join(f"{key} {told[key]}" for key in _TOLD if key in told)
    return f"<{name}{rest}><title>{said}</title></{name}>"


def _shapes_once(svg: str, prefix: str) -> str:
    """The same picture with each outline that is drawn several times written once."""
    outlines = Counter(re.findall(r' d="([^"]{25,})"', svg))
    names = {d: f"{prefix}-o{i}" for i, (d, n) in enumerate(outlines.items()) if n >= _REPEATED}
    if not names:
        return svg

    def used(path: re.Match[str]) -> str:
        before, d, after, rest = path.groups()
        if d not in names:
            return path[0]
        end = "/>" if rest == "/>" else rest.removesuffix("</path>") + "</use>"
        return f'<use href="#{names[d]}"{before}{after}{end}'

    svg = re.sub(
        r'<path((?: [\w:-]+="[^"]*")*?) d="([^"]*)"((?: [\w:-]+="[^"]*")*)(/>|>(?:<title>[^<]*</title>)?</path>)',
        used,
        svg,
    )
    shapes = "".join(f'<path id="{name}" d="{d}"/>' for d, name in names.items())
    head, _, rest = svg.partition(">")
    return f"{head}><defs>{shapes}</defs>{rest}"


def _tip(field: str, form: str | None = None) -> Any:
    """A tooltip of one field; given as a bare string, Altair would take ten times as long over it."""
    import altair as alt

    return alt.Tooltip(field, format=form) if form else alt.Tooltip(field)


def _colour(order: list[str]) -> Any:
    import altair as alt

    if len(order) <= len(OKABE_ITO):
        scale = alt.Scale(domain=order, range=list(OKABE_ITO[: len(order)]))
    else:
        scale = alt.Scale(domain=order, scheme="tableau20")
    return alt.Color("level:N", scale=scale, legend=alt.Legend(title=None, orient="bottom", columns=2, labelLimit=300))


def _values(rows: pd.DataFrame, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    from qmbench.report.renderers.files import plain

    out = []
    for row in rows_of(rows[list(columns)]):
        values = {name: plain(x) for name, x in row.items()}
        out.append({k: float(f"{v:.8g}") if isinstance(v, float) else v for k, v in values.items()})
    return out


ROWS = "rows"
"""Name of the data of a chart in its specification. Put in at last: Altair copies what it is given many times."""


def _spec(chart: Any, rows: list[dict[str, Any]]) -> Spec:
    spec: Spec = chart.to_dict(validate=False)
    spec.pop("config", None)
    spec["datasets"] = {**spec.get("datasets", {}), ROWS: rows}
    if spec.get("width") == "container":
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    # No XML, and so no picture, can hold control characters: the library that draws ends the process over one.
    drawable: Spec = visible_in(spec)
    return drawable
