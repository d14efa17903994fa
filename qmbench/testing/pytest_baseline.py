"""A pytest fixture that holds numbers against a baseline: `pytest --qmbench-baseline=FILE`.

    def test_helium(qmbench_baseline):
        qmbench_baseline.check("hf/sto-3g", "atoms/he", my_energy)

The file is the one that `qmbench check --update` writes, and the rules are those of `qmbench check`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option `--qmbench-baseline`."""
    parser.getgroup("qmbench").addoption(
        "--qmbench-baseline", metavar="FILE", help="baseline that the fixture qmbench_baseline compares with"
    )


@dataclass(frozen=True)
class Baseline:
    """A baseline file, ready to compare single numbers with. document: as `qmbench.judging.regression` reads it."""

    document: Mapping[str, Any]

    def check(
        self,
        level: str,
        entry: str,
        value: float,
        unit: str | None = None,
        uncertainty: float | None = None,
        bsse: str = "",
    ) -> None:
        """Fail the test when `value` differs from the baseline's by more than its tolerance or uncertainties allow.

        entry: BENCHMARK/ENTRY. unit: default the baseline's. uncertainty: one standard deviation of a sampled number.
        A number that the baseline does not hold, or that can't be judged, fails too.
        """
        import pandas as pd

        from qmbench.judging.regression import check
        from qmbench.plugging.registry import canonical_level

        benchmark, _, name = entry.partition("/")
        here = [
            r for r in self.document["values"] if (r["bsse"], r["benchmark"], r["entry"]) == (bsse, benchmark, name)
        ]
        rows = [r for r in here if r["level_of_theory"] == level]
        rows = rows or [r for r in here if canonical_level(r["level_of_theory"]) == canonical_level(level)]
        if not rows:
            pytest.fail(f"the baseline holds no {entry} at {level}; qmbench check --update adds it")
        row = {
            **rows[0],
            "value": value,
            "unit": unit or rows[0]["unit"],
            "uncertainty": math.nan if uncertainty is None else uncertainty,
            "uncertainty_kind": None if uncertainty is None else "statistical",
            "status": "ok",
            "failure_message": None,
        }
        (found,) = check(pd.DataFrame([row]), {**self.document, "values": rows}).findings
        if found.outcome != "unchanged":
            pytest.fail(f"{entry} at {level}: {found.outcome.replace('_', ' ')}: {found.message}")


@pytest.fixture(scope="session")
def qmbench_baseline(request: pytest.FixtureRequest) -> Baseline:
    """The baseline of `--qmbench-baseline`; tests that use it are skipped when the option is not given."""
    from qmbench.judging.regression import read_baseline

    path = request.config.getoption("--qmbench-baseline")
    if path is None:
        pytest.skip("no --qmbench-baseline=FILE was given")
    return Baseline(read_baseline(Path(path)))
