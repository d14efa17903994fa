"""From a finished run to what people see: tables on the terminal or one JSON document, and the report's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.benchmark import Benchmark
from qmbench.cli.common import console, print_json
from qmbench.record import Record

if TYPE_CHECKING:
    import pandas as pd


def present(
    run: Mapping[str, Any],
    records: Mapping[str, Record],
    benchmarks: Mapping[str, Benchmark],
    folder: Path,
    reference: str | None,
    json: bool,
) -> int:
    """Print the tables of a run, write them to `folder`, and return the run's exit code."""
    from qmbench.analysis.statistics import score, statistics
    from qmbench.report.export import to_json
    from qmbench.report.tables import render_terminal
    from qmbench.tidy import references_frame, results_frame

    results = results_frame(run, records, benchmarks)
    scored = score(results, references_frame(benchmarks.values()), benchmarks, reference)
    table = statistics(scored)
    files = write_files(table, scored, benchmarks, folder)
    if json:
        print_json({"run": run["id"], "records": record_rows(results), "statistics": to_json(table)})
    else:
        render_terminal(table, scored, benchmarks, console(), subsets=False)
        _closing_lines(run, results, files)
    return exit_code(results)


def write_files(
    table: pd.DataFrame, scored: pd.DataFrame, benchmarks: Mapping[str, Benchmark], folder: Path
) -> list[Path]:
    """The report's files: tables as Markdown, JSON and CSV, and every result beside its reference as CSV."""
    from qmbench.report.export import write_csv, write_json, write_markdown

    write_markdown(table, scored, benchmarks, folder / "tables.md")
    write_json(table, folder / "statistics.json")
    return [
        folder / "tables.md",
        folder / "statistics.json",
        *write_csv(table, folder, "statistics"),
        *write_csv(scored, folder, "results"),
    ]


def record_rows(results: pd.DataFrame) -> list[dict[str, Any]]:
    """The `records` of a `run suite --json` document."""
    from qmbench.report.export import plain

    rows = []
    for row in results.to_dict("records"):
        failed = row["status"] != "ok"
        observable = {key: plain(row[key]) for key in ("value", "unit", "uncertainty", "uncertainty_kind")}
        rows.append(
            {
                "level_of_theory": row["level_of_theory"],
                "bsse": row["bsse"],
                "benchmark": row["benchmark"],
                "entry": row["entry"],
                "status": row["status"],
                "failure": {"kind": row["failure_kind"], "message": row["failure_message"]} if failed else None,
                "observable": None if failed else {"name": row["observable"], **observable},
                "cached": bool(row["cached"]),
            }
        )
    return rows


def exit_code(results: pd.DataFrame) -> int:
    """0 all done; 1 something failed; 2 nothing came out that could be judged."""
    if not results["status"].eq("ok").any():
        return 1 if results["status"].eq("failed").any() else 2
    return 1 if results["status"].eq("failed").any() else 0


def _closing_lines(run: Mapping[str, Any], results: pd.DataFrame, files: list[Path]) -> None:
    counts = results["status"].value_counts()
    out = console()
    said = ", ".join(f"{counts[name]} {name}" for name in ("ok", "failed", "unsupported") if name in counts)
    out.print(f"\nrun {run['id']}: {len(results)} results, {said}", markup=False)
    out.print(
        f"report: {files[0].parent} ({len(files)} files; tables in {files[0].name})", markup=False, soft_wrap=True
    )
