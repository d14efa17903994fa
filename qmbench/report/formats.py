"""The core's own output formats. What each needs is imported when it is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qmbench.domain.errors import InputError
from qmbench.plugging.formats import ReportFormat

if TYPE_CHECKING:
    from qmbench.judging.model import Evaluation


def _html(report: Evaluation, folder: Path) -> list[Path]:
    from qmbench.report.renderers.files import write_text
    from qmbench.report.renderers.html import html_report

    write_text(folder / "report.html", html_report(report))
    return [folder / "report.html"]


def _markdown(report: Evaluation, folder: Path) -> list[Path]:
    from qmbench.report.disagree_text import to_markdown
    from qmbench.report.explanations import explanation_line
    from qmbench.report.renderers.files import write_markdown, write_text

    closing = explanation_line(report)
    write_markdown(report.statistics, report.scored, report.benchmarks, folder / "tables.md", report, closing)
    write_text(folder / "disagreement.md", to_markdown(report.disagreement))
    return [folder / "tables.md", folder / "disagreement.md"]


def _latex(report: Evaluation, folder: Path) -> list[Path]:
    from qmbench.report.once import names_in
    from qmbench.report.renderers.files import write_text
    from qmbench.report.renderers.latex import to_latex

    write_text(folder / "tables.tex", to_latex(report.statistics, report.benchmarks, names_in(report)))
    return [folder / "tables.tex"]


def _csv(report: Evaluation, folder: Path) -> list[Path]:
    """The tables, and beside them how levels compare in pairs, over reference sets and without single entries."""
    from qmbench.report.renderers.files import csv_text, write_csv, write_text

    paths = [*write_csv(report.statistics, folder, "statistics"), *write_csv(report.scored, folder, "results")]
    extra = {
        "pairs": report.pairs,
        "league": report.league,
        "ranks": report.ranks,
        "reference_sets": report.sets,
        "leave_one_out": report.leave_one_out,
        "weighted_totals": report.totals,
    }
    if report.user_totals is not None:
        extra["user_totals"] = report.user_totals
    for name, table in extra.items():
        if len(table):
            path = folder / f"{name}.csv"
            write_text(path, csv_text(table))
            paths.append(path)
    return paths


def _json(report: Evaluation, folder: Path) -> list[Path]:
    from qmbench.report.renderers.files import documents_beside, write_json, write_json_object

    write_json(report.statistics, folder / "statistics.json", documents_beside(report))
    write_json_object(folder / "disagreement.json", report.disagreement)
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
    """Every chart as a specification, SVG, PNG and PDF; errors by level, and forest plots of surprises, without one."""
    from qmbench.report.charts import charts, write_chart, write_svg
    from qmbench.report.disagree_text import labelled
    from qmbench.report.once import names_in
    from qmbench.report.renderers.files import file_word
    from qmbench.report.tracks import figure_svg, levels_figure, surprise_figures

    names = names_in(report)
    drawn = {
        f"{file_word(x['benchmark'])}-{file_word(x['entry'])}-surprise": figure
        for x, figure in surprise_figures(labelled(report.disagreement))
    }
    paths = []
    whole = report.statistics[report.statistics["subset"] == "all"]
    for (benchmark, observable), part in whole.groupby(["benchmark", "observable"], sort=False):
        mine = report.scored
        mine = mine[(mine["benchmark"] == benchmark) & (mine["observable"] == observable)]
        stem = f"{file_word(benchmark)}-{file_word(observable)}"
        first = levels_figure(part, names)
        drawn |= {} if first is None else {f"{stem}-levels": first}
        for name, (_, spec) in charts(mine, part, names).items():
            for ending in (".json", ".svg", ".png", ".pdf"):
                path = folder / "figures" / f"{stem}-{file_word(name)}{ending}"
                write_chart(spec, path)
                paths.append(path)
    for name, figure in drawn.items():
        for ending in (".svg", ".png", ".pdf"):
            path = folder / "figures" / f"{name}{ending}"
            write_svg(figure_svg(figure), path)
            paths.append(path)
    return paths


CORE_FORMATS = (
    ReportFormat("html", ("report.html",), "one page that opens offline, with charts and the details of cells", _html),
    ReportFormat(
        "md", ("tables.md", "disagreement.md"), "Markdown for pull requests; details are folded away", _markdown
    ),
    ReportFormat("latex", ("tables.tex",), "tables for papers, with booktabs and siunitx", _latex),
    ReportFormat(
        "csv",
        ("statistics-*.csv", "results-*.csv", "pairs.csv", "ranks.csv", "reference_sets.csv", "…"),
        "all tables, with the unit in the names of columns",
        _csv,
    ),
    ReportFormat("json", ("statistics.json", "disagreement.json"), "statistics and disagreements", _json),
    ReportFormat("parquet", ("results.parquet", "statistics.parquet"), "tidy tables; needs qmbench[parquet]", _parquet),
    ReportFormat("figures", ("figures/*",), "every figure as SVG, PNG and PDF, charts also as Vega-Lite", _figures),
)
