"""Checks of whatever may be linted: benchmark folders, suites (which are planned for it), and folders of either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qmbench.data.lint import Finding, lint_benchmark
from qmbench.data.suite import read_suite
from qmbench.domain.errors import InputError, QmbenchError
from qmbench.running.plan import make_plan


def lint_path(path: Path) -> list[Finding]:
    """Everything wrong in a benchmark folder, a suite file, or a folder of either."""
    if path.is_file() and path.suffix == ".toml":
        return list(lint_suite(path))
    if (path / "benchmark.toml").is_file():
        return list(lint_benchmark(path))
    if not path.is_dir():
        raise InputError(f"{path} is neither a benchmark folder nor a suite file")
    folders = sorted(p.parent for p in path.glob("*/benchmark.toml"))
    suites = sorted(p for p in [*path.glob("suites/*.toml"), *path.glob("*.toml")])
    if not folders and not suites:
        raise InputError(f"{path} holds no benchmark (a folder with benchmark.toml) and no suite (*.toml)")
    return [f for p in folders for f in lint_benchmark(p)] + [f for p in suites for f in lint_suite(p)]


def lint_suite(path: Path) -> Iterator[Finding]:
    """The suite parses, its levels and benchmarks exist, and it comes down to at least one task."""
    try:
        plan = make_plan(read_suite(path))
    except QmbenchError as error:
        yield Finding(str(path), str(error))
        return
    if not plan.tasks:
        yield Finding(str(path), "no level of the suite can do any of its entries")
