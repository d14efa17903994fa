"""A stranger's plugin: two statistics, an output format and a method with a label, through the public API alone."""

from __future__ import annotations

import json

import numpy as np

import qmbench
from qmbench import BootstrapT, ErrorSample, ReportFormat, Statistic, hookimpl, units

QMBENCH_API = 2


def squares(s: ErrorSample) -> np.ndarray:
    """Squared distances from the mean error, such that their mean is the variance of a sample."""
    n = len(s.error)
    return (s.error - s.error.mean(axis=0)) ** 2 * n / (n - 1)


def within(s: ErrorSample) -> np.ndarray:
    """Which errors are within 1 kcal/mol; nowhere where the unit is no energy."""
    if units.dimension(s.unit) != "energy":
        return np.full(s.error.shape, np.nan)
    return (s.magnitude <= units.factor("kcal/mol", s.unit)).astype(float)


def clopper_pearson(s: ErrorSample, confidence: float) -> np.ndarray:
    """The exact interval of a binomial proportion, in percent."""
    from scipy.special import betaincinv

    hits, n = within(s).sum(axis=0), len(s.error)
    risk = 0.5 * (1.0 - confidence)
    low = np.where(hits > 0, betaincinv(np.maximum(hits, 0.5), n - hits + 1, risk), 0.0)
    high = np.where(hits < n, betaincinv(hits + 1, np.maximum(n - hits, 0.5), 1.0 - risk), 1.0)
    return 100.0 * np.array([low, high])


class Labelled(qmbench.Method):
    """Gives -Z^2/2 over nuclei in hartree."""

    name = "labelled"
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy"})
    label_options = frozenset({"kind"})

    class Options(qmbench.Options):
        basis: str | None = None
        kind: str = "plain"
        scale: float = 1.0

    def label(self) -> str:
        return {"plain": "LAB", "twin": "LAB", "bad": "two\nlines"}.get(self.options.kind, "")

    def compute(self, system, properties, resources):
        z = system.atomic_numbers
        return qmbench.Result({"energy": qmbench.Quantity(-0.5 * self.options.scale * float((z**2).sum()), "hartree")})


@hookimpl
def qmbench_methods():
    return [Labelled]


@hookimpl
def qmbench_statistics():
    return [
        Statistic(
            name="standard_deviation_of_errors",
            label="std",
            symbol="SD",
            description="standard deviation of the errors about their mean",
            formula="√(Σ (e − ē)² / (n − 1))",
            function=lambda s: s.error.std(axis=0, ddof=1),
            interval=BootstrapT(squares, "square", np.sqrt),
            bounds=(0.0, np.inf),
            minimum=2,
            order=35,
        ),
        Statistic(
            name="within_chemical_accuracy",
            label="within 1 kcal/mol",
            symbol="P1",
            description="share of the errors that are at most 1 kcal/mol",
            formula="#(|e| ≤ 1 kcal/mol) / n",
            function=lambda s: 100.0 * within(s).mean(axis=0),
            interval=clopper_pearson,
            unit="%",
            bounds=(0.0, 100.0),
            main=9,
            main_interval=True,
        ),
    ]


def write_lines(report, folder):
    """Every scored value as a line of JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "scored.jsonl"
    columns = ["level_of_theory", "label", "benchmark", "entry", "value", "reference", "unit"]
    with open(path, "w", encoding="utf-8") as lines:
        for row in report.scored[columns].to_dict("records"):
            lines.write(json.dumps({k: None if v != v else v for k, v in row.items()}) + "\n")
    return [path]


@hookimpl
def qmbench_formats():
    return [ReportFormat("jsonl", ("scored.jsonl",), "one line of JSON per scored value", write_lines)]
