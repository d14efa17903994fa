"""Write a report's files in the formats that were asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.judging.model import Evaluation
from qmbench.report.export import write_csv, write_json, write_markdown, write_text

FORMATS = ("html", "md", "latex", "csv", "json", "parquet", "figures")


def write_report(report: Evaluation, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Write the files of each format into `folder`; returns their paths. InputError for an unknown format."""
    unknown = [f for f in formats if f not in FORMATS]
    if unknown:
        raise InputError(f"unknown format '{unknown[0]}'{did_you_mean(unknown[0], FORMATS)}")
    writers: dict[str, Callable[[Evaluation, Path], list[Path]]] = {
        "html": _html,
        "md": _markdown,
        "latex": _latex,
        "csv": _csv,
        "json": _json,
        "parquet": _parquet,
        "figures": _figures,
    }
    return [path for name in formats for path in writers[name](report, folder)]


def _html(report: Evaluation, folder: Path) -> list[Path]:
    from qmbench.report.page import html_report

    write_text(folder / "report.html", html_report(report))
    return [folder / "report.html"]


def _markdown(report: Evaluation, folder: Path) -> list[Path]:
    from qmbench.report.disagree_text import to_markdown
    from qmbench.report.explanations import explanation_line

    closing = explanation_line(report)
    write_markdown(report.statistics, report.scored, report.benchmarks, folder / "tables.md", report, closing)
    write_text(folder / "disagreement.md", to_markdown(report.disagreement))
    return [folder / "tables.md", folder / "disagreement.md"]


def _latex(report: Evaluation, folder: Path) -> list[Path]:
    from qmbench.report.latex import to_latex

    write_text(folder / "tables.tex", to_latex(report.statistics, report.benchmarks))
    return [folder / "tables.tex"]


def _csv(report: Evaluation, folder: Path) -> list[Path]:
    """The tables, and beside them how levels compare in pairs, over reference sets and without single entries."""
    paths = [*write_csv(report.statistics, folder, "statistics"), *write_csv(report.scored, folder, "results")]
    extra = {
        "pairs": report.pairs,
        "ranks": report.ranks,
        "reference_sets": report.sets,
        "leave_one_out": report.leave_one_out,
        "weighted_totals": report.totals,
    }
    for name, table in extra.items():
        if len(table):
            path = folder / f"{name}.csv"
            write_text(path, table.to_csv(index=False, float_format="%.12g", lineterminator="\n"))
            paths.append(path)
    return paths


def _json(report: Evaluation, folder: Path) -> list[Path]:
    write_json(report.statistics, folder / "statistics.json")
    write_text(folder / "disagreement.json", json.dumps(report.disagreement, allow_nan=False) + "\n")
    return [folder / "statistics.json", folder / "disagreement.json"]


def _parquet(report: Evaluation, folder: Path) -> list[Path]:
    """The tidy results beside their references, all benchmarks in one file; values are in the unit of column `unit`."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError("writing Parquet needs pyarrow: pip install 'qmbench[parquet]'") from None
    folder.mkdir(parents=True, exist_ok=True)
    report.scored.to_parquet(folder / "results.parquet", index=False)
    report.statistics.to_parquet(folder / "statistics.parquet", index=False)
    return [folder / "results.parquet", folder / "statistics.parquet"]


def _figures(report: Evaluation, folder: Path) -> list[Path]:
    """Every chart as a specification, SVG, PNG and PDF."""
    from qmbench.report.charts import charts, write_chart

    paths = []
    whole = report.statistics[report.statistics["subset"] == "all"]
    for (benchmark, observable), part in whole.groupby(["benchmark", "observable"], sort=False):
        mine = report.scored
        mine = mine[(mine["benchmark"] == benchmark) & (mine["observable"] == observable)]
        for name, (_, spec) in charts(mine, part).items():
            for ending in (".json", ".svg", ".png", ".pdf"):
                path = folder / "figures" / f"{benchmark}-{observable}-{name}{ending}"
                write_chart(spec, path)
                paths.append(path)
    return paths
