"""Checks of whatever may be linted: benchmark folders, suites (which are planned for it), and folders of either."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from qmbench.data.benchmark import Benchmark, find_benchmark
from qmbench.data.lint import Finding, lint_benchmark
from qmbench.data.schema import SuiteTable, schema_errors
from qmbench.data.suite import Suite, read_suite
from qmbench.data.system_sources import listed
from qmbench.domain.errors import InputError, QmbenchError
from qmbench.domain.systems.files import load_toml
from qmbench.plugging.registry import parse_level
from qmbench.running.plan import make_plan, wrong_levels


def lint_path(path: Path) -> list[Finding]:
    """Everything wrong in a benchmark folder, a suite file, or a folder of either."""
    folders, suites = lintable(path)
    return [f for p in folders for f in lint_benchmark(p)] + [f for p in suites for f in lint_suite(p)]


def lintable(path: Path) -> tuple[list[Path], list[Path]]:
    """The benchmark folders and the suite files that `path` stands for; InputError where there are none."""
    if path.is_file() and path.suffix == ".toml":
        return [], [path]
    if (path / "benchmark.toml").is_file():
        return [path], []
    if not path.is_dir():
        raise InputError(f"{path} is neither a benchmark folder nor a suite file")
    inside = listed(path)
    folders = [p for p in inside if os.path.exists(p / "benchmark.toml")]
    suites = sorted(p for p in [*listed(path / "suites"), *inside] if p.suffix == ".toml")
    if not folders and not suites:
        raise InputError(f"{path} holds no benchmark (a folder with benchmark.toml) and no suite (*.toml)")
    return folders, suites


def lint_suite(path: Path) -> Iterator[Finding]:
    """The suite parses, its levels and benchmarks exist, and it comes down to at least one task."""
    try:
        errors: list[QmbenchError] = [error for _, error in schema_errors(load_toml(path), SuiteTable, path)]
        suite = None if errors else read_suite(path)
    except QmbenchError as error:
        errors, suite = [error], None
    if suite is None:
        yield from (Finding(str(path), str(error)) for error in errors)
        return
    found, suite = _suite_errors(suite)
    if not found:
        try:
            plan = make_plan(suite)
            found = list(map(str, wrong_levels(plan)))
            if not plan.tasks and not found:
                found = ["no level of the suite can do any of its entries"]
        except QmbenchError as error:
            found = [str(error)]
    for message in dict.fromkeys(found):
        yield Finding(str(path), message)


def _suite_errors(suite: Suite) -> tuple[list[str], Suite]:
    """What is wrong with each benchmark, part of one and level by itself, and the suite without those levels."""
    known: dict[str, Benchmark] = {}
    found: list[str] = []
    for selection in (*suite.selections, *(s for level in suite.levels for s in level.selections)):
        try:
            if selection.benchmark not in known:
                known[selection.benchmark] = find_benchmark(selection.benchmark, suite.folder)
            selection.of(known[selection.benchmark])
        except QmbenchError as error:
            found.append(str(error))
    sound, levels = not found, []
    for level in suite.levels:
        try:
            parse_level(level.text)
            levels.append(level)
        except QmbenchError as error:
            found.append(str(error))
    if sound and found:  # the other levels may be wrong in another way
        for level in levels:
            try:
                found += map(str, wrong_levels(make_plan(replace(suite, levels=(level,)))))
            except QmbenchError as error:
                found.append(str(error))
    return found, replace(suite, levels=tuple(levels))
