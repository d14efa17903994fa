"""The HTML report: one file that opens offline, with its charts, tables and the details behind every cell."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
from collections.abc import Mapping, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench._version import __version__
from qmbench.domain.errors import StoreError
from qmbench.judging.frame import computed
from qmbench.report.charts import charts
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
    SAID,
    labelled,
    reference_line,
    rows,
    story_lines,
    summary_lines,
    tier_text,
    where,
    who,
)
from qmbench.report.explanations import Explanations, explanations
from qmbench.report.heat import Heat, distance_heat, entry_heat, improvement_heat, inversion_heat
from qmbench.report.model import Block, Extra, Names, names_of
from qmbench.report.provenance import provenance
from qmbench.report.renderers.files import write_text
from qmbench.report.tables import ADJUSTED, failure_lines, legend, ranked, table_blocks

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.judging.model import Evaluation
    from qmbench.running.run_document import Run

MOST_DISAGREEMENTS = 300


def html_report(report: Evaluation) -> str:
    """The whole page."""
    import jinja2
    import markupsafe

    run, benchmarks, scored, statistics = report.run, report.benchmarks, report.scored, report.statistics
    disagreement, names = labelled(report.disagreement), names_of(report.results)
    shared: dict[str, Any] = {"charts": {}, "cells": {}, "rows": {}, "settings": [], "words": []}
    blocks = [
        _block(i, key, report, disagreement, names, shared) for i, key in enumerate(_keys(statistics, disagreement))
    ]
    folder = resources.files("qmbench.report.renderers") / "templates"
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((folder / "report.html.j2").read_text(encoding="utf-8"))
    for name in ("cells", "rows"):
        shared[name] = _interned(shared[name], shared["words"])
    payload = json.dumps(shared, allow_nan=False, separators=(",", ":"))
    safe = markupsafe.Markup
    return template.render(
        title=report.title,
        subtitle=_subtitle(run),
        filters=[f.sentence for f in report.filters],
        version=__version__,
        css=safe((folder / "report.css").read_text(encoding="utf-8")),
        script=safe((folder / "report.js").read_text(encoding="utf-8")),
        bundle=safe(packed_chart_library()),
        data=safe(payload.replace("<", "\\u003c")),
        counts=_counts(scored, statistics),
        bests=_bests(statistics, names),
        hottest=_hottest(disagreement),
        references_agree=reference_line(disagreement),
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


def chart_library() -> str:
    """The JavaScript that draws the charts (vega, vega-lite, vega-embed), from vl-convert.

    Putting it together takes seconds, so it is kept in the user's cache folder, one file per version.
    """
    import vl_convert

    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "qmbench" / f"vega-{metadata.version('vl-convert-python')}.js"
    with contextlib.suppress(OSError):
        text = path.read_text(encoding="utf-8")
        if text.endswith(_WHOLE):
            return text
    text = vl_convert.javascript_bundle() + _WHOLE  # type: ignore[call-arg]  # the stub asks for an argument
    with contextlib.suppress(StoreError, RuntimeError):  # no home, no space: it is made again next time
        write_text(path, text)
    return text


_WHOLE = "\n/* whole */\n"


def packed_chart_library() -> str:
    """The same, compressed and in base64: a third of the size; the page unpacks it with what browsers bring along."""
    return base64.b64encode(gzip.compress(chart_library().encode(), 9, mtime=0)).decode()


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


def _counts(scored: pd.DataFrame, statistics: pd.DataFrame) -> dict[str, Any]:
    mine = computed(scored)
    status = mine["status"].value_counts()
    said = [f"{status[name]} {name}" for name in ("failed", "unsupported") if name in status]
    seconds = float(mine["wall_s"].sum())
    minutes = seconds / 60
    time = f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
    return {
        "ok": int(status.get("ok", 0)),
        "all": len(mine),
        "text": ", ".join(said) or "nothing failed",
        "levels": int(statistics[["level_of_theory", "bsse"]].drop_duplicates().shape[0]),
        "benchmarks": int(scored["benchmark"].nunique()),
        "entries": int(scored[["benchmark", "entry"]].drop_duplicates().shape[0]),
        "time": time,
    }


def _bests(statistics: pd.DataFrame, names: Names) -> list[dict[str, str]]:
    """Per benchmark: the levels that are not distinguishable from the best, and the range of their errors."""
    out = []
    whole = statistics[statistics["subset"] == "all"]
    for i, ((benchmark, observable), part) in enumerate(whole.groupby(["benchmark", "observable"], sort=False)):
        records = ranked(part)
        scored = [r for r in records if r["n_scored"]]
        if len(scored) < 2:
            continue
        among = [r for r in scored if r["among_best"]]
        errors = [r[ADJUSTED] for r in among]
        several = len(among) > 1 and f"{min(errors):.3g}" != f"{max(errors):.3g}"
        said = f"{min(errors):.3g}–{max(errors):.3g}" if several else f"{min(errors):.3g}" if among else ""
        names_of_best = ", ".join(names.of(r["level_of_theory"], r["bsse"]) for r in among)
        able = sum(r["among_best"] is not None for r in scored)
        out.append(
            {
                "id": f"b{i}",
                "name": f"{benchmark}, {str(observable).replace('_', ' ')}",
                "best": names_of_best or "too few entries to say",
                "of": f"{len(among)} of {able}" if among else "",
                "error": said,
                "unit": str(scored[0]["unit"]) if among else "",
            }
        )
    return out


def _hottest(disagreement: Mapping[str, Any], most: int = 3) -> list[dict[str, str]]:
    """The first surprises, each with why it is one."""
    found = [x for x in disagreement["entries"] if x["tier"] == "surprising"]
    return [
        {
            "where": where(x),
            "verdict": f"{SAID[x['verdict']]}, {tier_text(x)}",
            "who": ", ".join(x["surprising"]) or who(x),
            "spread": f"{x['spread']:.3g} {x['unit']}",
            "why": x["why_surprising"],
            "settle": x["to_settle"],
        }
        for x in found[:most]
    ]


def _block(
    position: int,
    key: tuple[str, str],
    report: Evaluation,
    disagreement: Mapping[str, Any],
    names: Names,
    shared: dict[str, Any],
) -> dict[str, Any]:
    benchmark, observable = key
    name = f"b{position}"
    mine, rows_here, pairs = (
        table[(table["benchmark"] == benchmark) & (table["observable"] == observable)]
        for table in (report.statistics, report.scored, report.pairs)
    )
    figures = []
    if len(mine):
        for chart, (title, spec) in charts(rows_here, mine[mine["subset"] == "all"], names).items():
            shared["charts"][f"{name}-{chart}"] = spec
            figures.append({"id": f"{name}-{chart}", "title": title})
    groups = [m for m in disagreement["methods"] if (m["benchmark"], m["observable"]) == key]
    details = (report.run, report.records, shared["settings"])
    made: list[Heat | None] = []
    for group in groups:
        if len(group["columns"]) > 1:
            place = (*key, group["within"])
            entries = [x for x in disagreement["entries"] if (x["benchmark"], x["observable"], x["within"]) == place]
            made += [entry_heat(entries, group, rows_here, details), distance_heat(group, disagreement["pairs"])]
    made += [improvement_heat(pairs, names), inversion_heat(pairs, names)]
    heats = []
    for i, heat in enumerate(h for h in made if h is not None):
        shared["cells"][f"{name}h{i}"] = heat.details
        shared["rows"][f"{name}h{i}"] = heat.row_details
        heats.append(_heat(f"{name}h{i}", heat))
    info = report.benchmarks.get(benchmark)
    title = info.title if info is not None else benchmark
    blocks = table_blocks(mine, rows_here, report.benchmarks, names=names)
    extras = tables_beside(report, benchmark, observable) if len(mine) else []
    return {
        "id": name,
        "short": f"{benchmark} {observable.replace('_', ' ')}",
        "heading": f"{title}: {observable.replace('_', ' ')}",
        "tables": [_table(f"{name}t{i}", b) for i, b in enumerate(blocks)],
        "extras": [_extra(f"{name}x{i}", x) for i, x in enumerate(extras)],
        "charts": figures,
        "heats": heats,
        "mismatches": list(mismatch_lines(groups)),
    }


def _extra(name: str, extra: Extra) -> dict[str, Any]:
    columns = [{"name": c.strip(), "numeric": n} for c, n in zip(extra.columns, extra.numeric, strict=True)]
    table = [
        [
            {"text": text, "sort": _sort_key(text) if c["numeric"] else text, "numeric": c["numeric"]}
            for text, c in zip(row, columns, strict=True)
        ]
        for row in extra.rows
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
        cells = [
            {"text": text, "sort": _sort_key(text) if c["numeric"] else text, "numeric": c["numeric"]}
            for text, c in zip(texts, columns, strict=True)
        ]
        table.append({"cells": cells, "best": row.best})
    return {"id": name, "caption": block.heading, "columns": columns, "rows": table, "notes": block.notes}


def _sort_key(text: str) -> str:
    """The number at the start of a cell, or nothing."""
    head = text.split(" ")[0].split("/")[0].rstrip("%").replace("–", " ").split(" ")[0]
    try:
        return str(float(head))
    except ValueError:
        return ""


def _disagreement(document: Mapping[str, Any]) -> dict[str, Any]:
    numeric = ("spread", "max |z|", "consensus")
    columns = [{"name": c, "numeric": c in numeric} for c in DISAGREE_COLUMNS]
    table = []
    shown: Sequence[Mapping[str, Any]] = document["entries"][:MOST_DISAGREEMENTS]
    for x, cells in zip(shown, rows(document, MOST_DISAGREEMENTS), strict=True):
        sorts = [cells[0], cells[1], cells[2], x["spread"], x["max_z"], x["consensus"]["value"]]
        table.append(
            [
                {"text": t, "sort": str(s), "numeric": c["numeric"]}
                for t, s, c in zip(cells, sorts, columns, strict=True)
            ]
        )
    lines = [*story_lines(document), *summary_lines(document, most=0)]
    if len(document["entries"]) > len(shown):
        lines.append(f"the {len(shown)} largest of {len(document['entries'])} are shown; all are in disagreement.json")
    return {"columns": columns, "rows": table, "lines": lines}
