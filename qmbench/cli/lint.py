"""`qmbench lint PATH`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qmbench.cli.common import console, print_json

if TYPE_CHECKING:
    from qmbench.data.lint import Finding


def lint(path: Path, freeze: bool = False, store: str | None = None, json: bool = False) -> int:
    """Print every finding; 1 when one of them is an error, 0 otherwise."""
    from qmbench.data.lint import freeze as freeze_hashes
    from qmbench.running.lint import lint_path

    if freeze:
        folders = (
            [path] if (path / "benchmark.toml").is_file() else sorted(p.parent for p in path.glob("*/benchmark.toml"))
        )
        for folder in folders:
            console(to_stderr=True).print(f"{folder}: {freeze_hashes(folder)} systems frozen", markup=False)
    findings = lint_path(path) + _suspicious(path, store)
    errors = sum(f.severity == "error" for f in findings)
    if json:
        print_json([vars(f) for f in findings], "lint")
    else:
        out = console()
        for f in findings:
            out.print(f"{f.severity}: {f.where}: {f.message}", markup=False, soft_wrap=True)
        out.print(f"{path}: {errors} errors, {len(findings) - errors} warnings", markup=False)
    return 1 if errors else 0


def _suspicious(path: Path, place: str | None) -> list[Finding]:
    """References that other values, computed ones among them where there is a store, speak against."""
    from qmbench.data.benchmark import load_benchmark
    from qmbench.domain.errors import QmbenchError
    from qmbench.judging.suspicious import lint_references
    from qmbench.running.lint import lintable
    from qmbench.running.stores import is_there, open_store, store_place

    benchmarks = []
    for folder in lintable(path)[0]:
        with suppress(QmbenchError):  # what is wrong was said already
            benchmarks.append(load_benchmark(folder))
    if place is None and not is_there(store_place(None)):
        return lint_references(benchmarks, None)
    with open_store(store_place(place), read_only=True) as store:
        return lint_references(benchmarks, store)
