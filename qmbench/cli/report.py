"""`qmbench report`: make the report of a stored run again, in any format."""

from __future__ import annotations

from pathlib import Path

from qmbench.cli.common import console
from qmbench.cli.loaded import load_target


def report(target: str | None, formats: tuple[str, ...], folder: Path, reference: str | None, store: str | None) -> int:
    """The command; exit code 2 when there is neither a result nor a reference value to report."""
    from qmbench.report.write import make_report, write_report

    loaded = load_target(target, store)
    made = make_report(loaded.run, loaded.records, loaded.benchmarks, loaded.results, loaded.references, reference)
    for path in write_report(made, folder, formats or ("html",)):
        console().print(str(path), markup=False, soft_wrap=True)
    return 0 if len(loaded.results) or len(loaded.references) else 2
