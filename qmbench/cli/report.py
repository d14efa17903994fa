"""`qmbench report`: make the report of a stored run again, in any format."""

from __future__ import annotations

import sys
from pathlib import Path

from qmbench.cli.common import console
from qmbench.cli.encoding import letters_of
from qmbench.cli.loaded import load_target


def report(target: str | None, formats: tuple[str, ...], folder: Path, reference: str | None, store: str | None) -> int:
    """The command; exit code 2 when there is neither a result nor a reference value to report."""
    from qmbench.report.renderers.terminal import render_story
    from qmbench.report.write import write_report

    evaluation = load_target(target, store, reference)
    written = write_report(evaluation, folder, formats or ("html",))
    out = console()
    render_story(evaluation, out, letters_of(sys.stdout))
    out.print()
    for path in written:
        out.print(str(path), markup=False, soft_wrap=True)
    return 0 if len(evaluation.results) or len(evaluation.references) else 2
