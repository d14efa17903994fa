"""`qmbench check`: the CI gate. Compares a run with a baseline, or writes the baseline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.cli.common import console, print_json
from qmbench.cli.loaded import load_run
from qmbench.domain.errors import InputError, StoreError

if TYPE_CHECKING:
    from qmbench.judging.model import Evaluation
    from qmbench.judging.regression import Check


def check(
    run: str | None,
    baseline: Path,
    store: str | None,
    junit: Path | None,
    markdown: Path | None,
    update: bool,
    most_time: float | None,
    json: bool,
) -> int:
    """The command; exit code 0 unchanged, 1 regressed, 2 nothing could be judged."""
    from qmbench.judging import regression
    from qmbench.judging.frame import computed
    from qmbench.report import check_text
    from qmbench.report.renderers.files import write_text

    if most_time is not None and most_time <= 0:
        raise InputError(f"--max-time-ratio is positive, not {most_time}")
    if update:
        return _update(baseline, load_run(run, store))
    before = regression.read_baseline(baseline)
    loaded = load_run(run, store)
    found = regression.check(computed(loaded.results), before, loaded.stochastic, most_time)
    if junit is not None:
        write_text(junit, check_text.to_junit(found))
    if markdown is not None:
        write_text(markdown, check_text.to_markdown(found))
    if json:
        print_json(_document(found, loaded), "check")
    else:
        check_text.render_terminal(found, console())
    return found.exit_code


def _update(path: Path, loaded: Evaluation) -> int:
    """Write the baseline and say what changed; exit code 2 when the run holds nothing that is ok."""
    from qmbench.judging import regression
    from qmbench.judging.frame import computed
    from qmbench.report.renderers.files import write_text

    results = computed(loaded.results)
    if not results["status"].eq("ok").any():
        return 2
    old = regression.read_baseline(path) if path.exists() else None
    new = regression.make_baseline(results, _about(loaded), (old or {}).get("tolerances"))
    try:
        write_text(path, regression.baseline_text(new))
    except StoreError as error:
        raise InputError(str(error)) from None
    lines = regression.describe_update(old, new)
    out = console()
    for line in lines[:50]:
        out.print(line, markup=False, soft_wrap=True)
    if len(lines) > 50:
        out.print(f"… and {len(lines) - 50} more changes")
    out.print(f"wrote {path}: {len(new['values'])} values", markup=False, soft_wrap=True)
    return 0


def _about(loaded: Evaluation) -> dict[str, Any]:
    import qmbench

    run = loaded.run
    assert run is not None  # `load_run` gives runs alone
    versions: dict[str, str] = {}
    for level in run.levels.values():
        versions.update(level.versions)
    return {
        "qmbench": qmbench.__version__,
        "suite": run.suite or None,
        "versions": dict(sorted(versions.items())),
        "benchmarks": {name: about.version for name, about in sorted(run.benchmarks.items())},
    }


def _document(found: Check, loaded: Evaluation) -> dict[str, Any]:
    keys = ("level_of_theory", "bsse", "benchmark", "entry")
    return {
        "run": loaded.run.id if loaded.run else None,
        "exit_code": found.exit_code,
        "counts": found.counts,
        "findings": [
            {
                **dict(zip(keys, f.key, strict=True)),
                "outcome": f.outcome,
                "message": f.message,
                "wall_s": f.wall_s,
                "time_ratio": f.time_ratio,
            }
            for f in found.findings
        ],
    }
