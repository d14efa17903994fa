"""From a finished run to what people see: tables on the terminal or one JSON document, and the report's files."""

from __future__ import annotations

import sys
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.api.run import FORMATS, RunResult
from qmbench.cli.common import console, print_json
from qmbench.cli.encoding import letters_of
from qmbench.cli.loaded import filter_lines
from qmbench.judging.frame import computed
from qmbench.judging.items import rows_of
from qmbench.judging.model import Evaluation
from qmbench.plugging.registry import plugins
from qmbench.running.progress import steps_shown

if TYPE_CHECKING:
    import pandas as pd

STAMP = ".made-from"
DOCUMENT = "disagreement.json"


def present(result: RunResult, folder: Path, json: bool) -> int:
    """Print the tables of a run, write them to `folder`, and return the run's exit code."""
    from qmbench.report.comparisons import user_table
    from qmbench.report.once import names_in
    from qmbench.report.renderers.files import documents_beside, to_json, write_text
    from qmbench.report.renderers.terminal import render_extra, render_story, render_terminal

    evaluation, results = result.evaluation, computed(result.results)
    # What was made from the very same numbers is still right, and drawing it again takes longer than all the rest.
    stamp = _fingerprint(evaluation)
    files, document = _kept(folder, stamp), None
    if files and (folder / DOCUMENT).is_file():
        document = loads((folder / DOCUMENT).read_text(encoding="utf-8"))
    if not files:
        with steps_shown():
            files = result.report(folder)
        write_text(folder / STAMP, "\n".join([stamp, *(str(path.relative_to(folder)) for path in files)]) + "\n")
    if json:
        told = {"run": result.id, "records": record_rows(results), "statistics": to_json(result.statistics)}
        print_json({**told, **documents_beside(evaluation)}, "run-suite")
    else:
        out = console()
        for line in filter_lines(evaluation):
            out.print(line, markup=False, soft_wrap=True)
        render_story(evaluation, out, letters_of(sys.stdout), document)
        render_terminal(result.statistics, result.scored, evaluation.benchmarks, out, subsets=False)
        if evaluation.user_totals is not None:
            render_extra(user_table(evaluation.user_totals, names_in(evaluation)), out)
        out.print(f"\n{result.summary}", markup=False)
        said = f"report: {files[0].parent} ({len(files)} files; tables in {files[0].name})"
        out.print(said, markup=False, soft_wrap=True)
    if results.empty and len(result.references):
        return 0  # published values alone: nothing was to be computed
    return exit_code(results)


def show_early(evaluation: Evaluation) -> None:
    """Print the tables of a benchmark that is finished before the others, on standard error as all of progress."""
    from qmbench.report.renderers.terminal import render_terminal

    out = console(to_stderr=True)
    render_terminal(evaluation.statistics, evaluation.scored, evaluation.benchmarks, out, explained=False)


def _fingerprint(evaluation: Evaluation) -> str:
    """Changes with anything that a report shows, other than when it was made."""
    import hashlib

    from pandas.util import hash_pandas_object

    import qmbench

    digest = hashlib.sha256(f"{qmbench.__version__} {evaluation.reference_set} {FORMATS}".encode())
    digest.update(repr(sorted(plugins().statistics)).encode())  # a plugin may have brought or taken one
    terms = [planned.terms for planned in evaluation.run.entries] if evaluation.run else []
    digest.update(repr(terms).encode())  # keys of records are shown
    digest.update(repr((evaluation.filters, evaluation.weights)).encode())
    for table in (evaluation.results.drop(columns="cached"), evaluation.references):
        digest.update(repr(list(table.columns)).encode())
        digest.update(hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _kept(folder: Path, stamp: str) -> list[Path]:
    """The files of the report that is in `folder` already, if it was made from the same numbers and is whole."""
    if not (folder / STAMP).is_file():
        return []
    found, *names = (folder / STAMP).read_text(encoding="utf-8").split("\n")
    files = [folder / name for name in names if name]
    return files if found == stamp and all(path.is_file() for path in files) else []


def record_rows(results: pd.DataFrame) -> list[dict[str, Any]]:
    """The `records` of a `run suite --json` document."""
    from qmbench.report.renderers.files import plain

    rows = []
    for row in rows_of(results):
        failed = row["status"] != "ok"
        observable = {key: plain(row[key]) for key in ("value", "unit", "uncertainty", "uncertainty_kind")}
        rows.append(
            {
                "level_of_theory": row["level_of_theory"],
                "label": row["label"],
                "bsse": row["bsse"],
                "benchmark": row["benchmark"],
                "entry": row["entry"],
                "status": row["status"],
                "failure": {"kind": row["failure_kind"], "message": row["failure_message"]} if failed else None,
                "observable": None if failed else {"name": row["observable"], **observable},
                "training_overlap": row["training_overlap"] or None,
                "warnings": row["warnings"] or None,
                "cached": bool(row["cached"]),
            }
        )
    return rows


def exit_code(results: pd.DataFrame) -> int:
    """0 all done; 1 something failed; 2 nothing came out that could be judged."""
    if results["status"].eq("failed").any():
        return 1
    return 0 if results["status"].eq("ok").any() else 2
