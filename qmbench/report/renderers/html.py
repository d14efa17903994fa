"""The HTML report: one file that opens offline, with its charts, tables and the details behind every cell."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from qmbench._version import __version__
from qmbench.domain.steps import told
from qmbench.report.charts import charts, for_page, page_element
from qmbench.report.comparisons import (
    mismatch_lines,
    next_table,
    tables_beside,
    trend_table,
    user_table,
    weighted_tables,
)
from qmbench.report.disagree_text import COLUMNS as DISAGREE_COLUMNS
from qmbench.report.disagree_text import (
    labelled,
    reference_line,
    rows,
    summary_lines,
)
from qmbench.report.drawings import Drawing, Gallery
from qmbench.report.explanations import Explanations, explanations
from qmbench.report.heat import MOST_ROWS, PICTURES, Heat, distance_heat, entry_heat, improvement_heat, inversion_heat
from qmbench.report.model import Block, Extra, Names
from qmbench.report.once import names_in
from qmbench.report.pictures import Painter
from qmbench.report.provenance import provenance
from qmbench.report.renderers.page import drawings, figure_parts, surprises
from qmbench.report.story import Story, tell
from qmbench.report.tables import failure_lines, legend, table_blocks
from qmbench.report.tracks import levels_figure
from qmbench.report.variational import v_score_table

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.judging.model import Evaluation
    from qmbench.running.run_document import Run

MOST_DISAGREEMENTS = 300


def html_report(report: Evaluation) -> str:
    """The whole page."""
    with Painter() as painter:
        return _page(report, painter)


def _page(report: Evaluation, painter: Painter) -> str:
    import jinja2
    import markupsafe

    run, benchmarks, scored, statistics = report.run, report.benchmarks, report.scored, report.statistics
    disagreement, names = labelled(report.disagreement), names_in(report)
    shared: dict[str, Any] = {"cells": {}, "rows": {}, "settings": [], "words": []}
    gallery, story = Gallery(), tell(report)
    news = surprises(report, disagreement, gallery)
    keys = _keys(statistics, disagreement)
    blocks = [
        _block(i, key, report, disagreement, names, shared, gallery, painter)
        for i, key in enumerate(told("observables of benchmarks drawn", keys))
    ]
    sentences = {(c.benchmark, c.observable): c.told for c in story.chapters}
    for key, block in zip(keys, blocks, strict=True):
        block["told"] = sentences.get(key, "")
        for figure in block["charts"]:
            figure["svg"] = markupsafe.Markup(page_element(figure["kind"], figure["drawn"](), figure["id"]))
    folder = resources.files("qmbench.report.renderers") / "templates"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((folder / "report.html.j2").read_text(encoding="utf-8"))
    for name in ("cells", "rows"):
        shared[name] = _interned(shared[name], shared["words"])
    shared |= gallery.structures()
    safe = markupsafe.Markup
    shades = _shades(blocks)
    return template.render(
        title=report.title,
        subtitle=_subtitle(run),
        filters=[f.sentence for f in report.filters],
        version=__version__,
        css=safe((folder / "report.css").read_text(encoding="utf-8") + shades),
        script=safe((folder / "report.js").read_text(encoding="utf-8")),
        data=safe(packed(shared)),
        asked=story.asked,
        told=_told(story, keys),
        references_agree=reference_line(disagreement).partition("? ")[2],
        surprises=news,
        blocks=blocks,
        disagreement=_disagreement(disagreement),
        weighted=[_extra(f"w{i}", x) for i, x in enumerate(_weighted(report, names))],
        open_questions=[
            _extra(f"q{i}", x)
            for i, x in enumerate(
                (trend_table(disagreement["trends"]), next_table(disagreement["next_calculations"])),
            )
            if x.rows
        ],
        explanations=_explanations(explanations(report)),
        failures=failure_lines(scored, 8, names),
        provenance=provenance(run, benchmarks, scored, report.disagreement, names),
        footer=f"{legend(statistics)}. Written by qmbench {__version__}.",
    )


def packed(data: Mapping[str, Any]) -> str:
    """What the page's script opens when a cell is asked for: JSON, compressed, as base64.

    It repeats itself and is read only on demand; the same data give the same text.
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def unpacked(page: str) -> dict[str, Any]:
    """What `packed` wrote into a page."""
    _, _, rest = page.partition('id="qmbench-data">')
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(rest.partition("</script>")[0])))
    return found


def _shades(blocks: Sequence[dict[str, Any]]) -> str:
    """Rules of a style sheet for the colours of all cells, which thereby get the names of their classes."""
    names: dict[str, str] = {}
    for cell in (c for b in blocks for h in b["heats"] for row in h["rows"] for c in row["cells"] if c):
        cell["shade"] = names.setdefault(cell["colour"], f"h{len(names)}")
    return "".join(f".{name}{{background:{colour}}}" for colour, name in names.items())


def _weighted(report: Evaluation, names: Names) -> list[Extra]:
    own = [] if report.user_totals is None else [user_table(report.user_totals, names)]
    return [*own, *weighted_tables(report.totals, names)]


def _interned(what: Any, words: list[str]) -> Any:
    """`what` with each object as a list [term, value, term, value, …] of places in `words`, which thereby grows."""
    known = {word: i for i, word in enumerate(words)}

    def place(word: str) -> int:
        if word not in known:
            known[word] = len(words)
            words.append(word)
        return known[word]

    def walk(x: Any) -> Any:
        if isinstance(x, list):
            return [walk(y) for y in x]
        if isinstance(x, dict):
            return [place(str(y)) for pair in x.items() for y in pair]
        return x

    return {key: walk(value) for key, value in what.items()}


def _keys(statistics: pd.DataFrame, disagreement: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(benchmark, observable), those with results first."""
    scored = zip(statistics["benchmark"], statistics["observable"], strict=True)
    published = ((m["benchmark"], m["observable"]) for m in disagreement["methods"])
    return list(dict.fromkeys([*((str(b), str(o)) for b, o in scored), *published]))


def _subtitle(run: Run | None) -> str:
    if run is None:
        return "Values from the literature; nothing was computed."
    ended = f", finished {run.finished}" if run.finished else ", not finished"
    return f"Run {run.id}, started {run.started}{ended}"


def _told(story: Story, keys: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Per benchmark and observable, which levels can be told apart."""
    place = {key: f"b{i}" for i, key in enumerate(keys)}
    return [{"id": place[c.benchmark, c.observable], "name": c.name, "text": c.told} for c in story.chapters]


def _block(
    position: int,
    key: tuple[str, str],
    report: Evaluation,
    disagreement: Mapping[str, Any],
    names: Names,
    shared: dict[str, Any],
    gallery: Gallery,
    painter: Painter,
) -> dict[str, Any]:
    benchmark, observable = key
    name = f"b{position}"
    mine, rows_here, pairs = (
        table[(table["benchmark"] == benchmark) & (table["observable"] == observable)]
        for table in (report.statistics, report.scored, report.pairs)
    )
    figures, first = [], None
    if len(mine):
        whole = mine[mine["subset"] == "all"]
        first = levels_figure(whole, names)
        for chart, (title, spec) in charts(rows_here, whole, names).items():
            kind, sized = for_page(spec)
            figures.append({"id": f"{name}-{chart}", "title": title, "kind": kind, "drawn": painter.draw(kind, sized)})
    groups = [m for m in disagreement["methods"] if (m["benchmark"], m["observable"]) == key]
    details = (report.run, report.records, shared["settings"])
    made: list[Heat | None] = []
    for group in groups:
        if len(group["columns"]) > 1:
            place = (*key, group["within"])
            entries = [x for x in disagreement["entries"] if (x["benchmark"], x["observable"], x["within"]) == place]
            made += [entry_heat(entries, group, rows_here, details), distance_heat(group, disagreement["pairs"])]
    made += [improvement_heat(pairs, names), inversion_heat(pairs, names)]
    heats: list[dict[str, Any]] = []
    info = report.benchmarks.get(benchmark)
    pictured: list[Drawing] = []
    for i, heat in enumerate(h for h in made if h is not None):
        shared["cells"][f"{name}h{i}"] = heat.details
        shared["rows"][f"{name}h{i}"] = heat.row_details
        for entry, detail in zip(heat.rows, heat.row_details, strict=False):
            found = gallery.of_entry(info, entry)
            detail |= {PICTURES: " ".join(d.id for d in found)} if found else {}
            pictured += found
        heats.append(_heat(f"{name}h{i}", heat))
    if not pictured:
        pictured = [d for entry in rows_here["entry"].unique()[:MOST_ROWS] for d in gallery.of_entry(info, entry)]
    title = info.title if info is not None else benchmark
    blocks = table_blocks(mine, rows_here, report.benchmarks, names=names)
    extras = []
    if len(mine):
        extras = [*tables_beside(report, benchmark, observable), v_score_table(report, benchmark, names)]
    return {
        "id": name,
        "short": f"{benchmark} {observable.replace('_', ' ')}",
        "heading": f"{title}: {observable.replace('_', ' ')}",
        "figure": None if first is None else figure_parts(first),
        "tables": [_table(f"{name}t{i}", b) for i, b in enumerate(blocks)],
        "extras": [_extra(f"{name}x{i}", x) for i, x in enumerate(extras) if x.rows],
        "charts": figures,
        "heats": heats,
        "drawings": drawings(gallery.take(pictured)),
        "mismatches": list(mismatch_lines(groups)),
    }


def _extra(name: str, extra: Extra) -> dict[str, Any]:
    columns = [{"name": c.strip(), "numeric": n} for c, n in zip(extra.columns, extra.numeric, strict=True)]
    table = [
        [{"text": text, "numeric": c["numeric"]} for text, c in zip(row, columns, strict=True)] for row in extra.rows
    ]
    return {"id": name, "title": extra.title, "note": extra.note, "columns": columns, "rows": table}


def _explanations(made: Explanations) -> dict[str, Any]:
    left_out = made.explained - len(made.tables)
    note = "Learned levels, the largest uncertainty first, measured in the difference that matters there."
    if left_out:
        note += f" {left_out} more predictions with a smaller one hold such a table in their records."
    return {"note": note, "tables": [_extra(f"e{i}", x) for i, x in enumerate(made.tables)]}


def _heat(name: str, heat: Heat) -> dict[str, Any]:
    table = [{"name": r, "cells": c} for r, c in zip(heat.rows, heat.cells, strict=True)]
    return {
        "id": name,
        "title": heat.title,
        "note": heat.note,
        "columns": heat.columns,
        "rows": table,
        "opens": bool(heat.row_details),
        "folded": heat.folded,
    }


def _table(name: str, block: Block) -> dict[str, Any]:
    columns = [{"name": "level of theory", "numeric": False}]
    columns += [{"name": c, "numeric": True, "about": block.about.get(c, "")} for c in block.columns]
    table = []
    for row in block.rows:
        texts = [row.level, *row.cells]
        cells = [{"text": text, "numeric": c["numeric"]} for text, c in zip(texts, columns, strict=True)]
        table.append({"cells": cells, "best": row.best})
    return {"id": name, "caption": block.heading, "columns": columns, "rows": table, "notes": block.notes}


def _disagreement(document: Mapping[str, Any]) -> dict[str, Any]:
    numeric = ("spread", "max |z|", "consensus")
    columns = [{"name": c, "numeric": c in numeric} for c in DISAGREE_COLUMNS]
    table = []
    shown: Sequence[Mapping[str, Any]] = document["entries"][:MOST_DISAGREEMENTS]
    for x, cells in zip(shown, rows(document, MOST_DISAGREEMENTS), strict=True):
        sorts = [cells[0], cells[1], cells[2], x["spread"], x["max_z"], x["consensus"]["value"]]
        table.append(
            [
                {"text": t, "sort": f"{s:.6g}" if c["numeric"] else "", "numeric": c["numeric"]}
                for t, s, c in zip(cells, sorts, columns, strict=True)
            ]
        )
    lines = summary_lines(document, most=0)
    if len(document["entries"]) > len(shown):
        lines.append(f"the {len(shown)} largest of {len(document['entries'])} are shown; all are in disagreement.json")
    return {"columns": columns, "rows": table, "lines": lines}
