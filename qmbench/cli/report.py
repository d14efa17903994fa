"""`qmbench report`: make the report of a stored run again, in any format."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from qmbench.cli.common import console
from qmbench.cli.encoding import letters_of
from qmbench.cli.loaded import filter_lines, load_target
from qmbench.data.filters import EntryFilter
from qmbench.data.weights import read_weights
from qmbench.running.progress import steps_shown


def report(
    target: str | None,
    formats: tuple[str, ...],
    folder: Path,
    reference: str | None,
    store: str | None,
    only: EntryFilter,
    weights: Path | None = None,
) -> int:
    """The command; exit code 2 when there is neither a result nor a reference value to report."""
    from qmbench.report.renderers.terminal import render_story
    from qmbench.report.write import write_report

    evaluation = load_target(target, store, reference, only)
    if weights is not None:
        evaluation = replace(evaluation, weights=read_weights(weights))
        evaluation.user_totals  # noqa: B018 - a name that is not there is said before anything is written
    with steps_shown():
        written = write_report(evaluation, folder, formats or ("html",))
    out = console()
    for line in filter_lines(evaluation):
        out.print(line, markup=False, soft_wrap=True)
    render_story(evaluation, out, letters_of(sys.stdout))
    out.print()
    for path in written:
        out.print(str(path), markup=False, soft_wrap=True)
    return 0 if len(evaluation.results) or len(evaluation.references) else 2
