"""Documents of what is judged: comparisons, subsets, the gate and its baseline."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from qmbench.api.documents.pieces import FilterActed, ImplementationRow, Number, Status, UncertaintyKind, closed


@closed
class PublishedPair(TypedDict):
    """A computed level and a published one of the same method."""

    benchmark: str
    observable: str
    level_of_theory: str
    bsse: str
    published: str
    published_bsse: str
    unit: str
    same_basis: bool
    n: int
    mean_signed: float
    """Computed less published, in `unit`."""
    mean_absolute: float
    largest: float
    largest_entry: str


@closed
class PublishedDifference(TypedDict):
    """One entry of such a pair."""

    benchmark: str
    observable: str
    entry: str
    unit: str
    level_of_theory: str
    bsse: str
    published: str
    published_bsse: str
    same_basis: bool
    value: float
    published_value: float
    difference: float
    reference: Number


@closed
class Compare(TypedDict):
    """Computed values beside published ones of the same methods, and programs beside each other."""

    pairs: list[PublishedPair]
    implementations: list[ImplementationRow]
    largest: list[PublishedDifference]
    above_tolerance: int
    filters: list[FilterActed]


@closed
class Standing(TypedDict):
    """How well a subset stands for the whole: mean and largest difference, relative to the error, Kendall's tau."""

    mean: float
    largest: float
    relative: float
    tau: Number


@closed
class RandomStanding(Standing):
    """The same of random subsets: 90 % of them have a mean from `low` to `high`; `worse`: share that is worse."""

    low: float
    high: float
    worse: float


@closed
class SubsetLevel(TypedDict):
    """The statistic of one level."""

    level_of_theory: str
    whole: float
    subset: float


@closed
class Subset(TypedDict):
    """The entries that stand best for a benchmark."""

    benchmark: str
    version: str
    observable: str
    statistic: str
    unit: str
    seed: int
    size: int
    of: int
    entries: list[str]
    chosen_from: str
    levels: list[SubsetLevel]
    levels_left_out: list[str]
    folds: int
    fitted: Standing
    cross_validated: Standing
    random: RandomStanding


Outcome = Literal[
    "unchanged",
    "changed",
    "inconclusive",
    "newly_failed",
    "newly_unsupported",
    "missing",
    "still_not_ok",
    "recovered",
    "new",
]


@closed
class CheckFinding(TypedDict):
    """One level on one entry against the baseline."""

    level_of_theory: str
    bsse: str
    benchmark: str
    entry: str
    outcome: Outcome
    message: str
    wall_s: Number
    time_ratio: Number


@closed
class Check(TypedDict):
    """A run against a baseline."""

    run: str | None
    exit_code: Literal[0, 1, 2]
    counts: dict[Outcome, int]
    findings: list[CheckFinding]


@closed
class BaselineValue(TypedDict):
    """One number of a baseline; what is empty is left out."""

    level_of_theory: str
    bsse: NotRequired[str]
    benchmark: str
    entry: str
    observable: NotRequired[str]
    unit: NotRequired[str]
    value: NotRequired[float]
    uncertainty: NotRequired[float]
    uncertainty_kind: NotRequired[UncertaintyKind]
    status: Status
    wall_s: NotRequired[float]


@closed
class Baseline(TypedDict):
    """The numbers that a gate compares with."""

    format: Literal["qmbench-baseline-1"]
    qmbench: str
    suite: str | None
    versions: dict[str, str]
    benchmarks: dict[str, str]
    tolerances: dict[str, float]
    """By observable, in the unit of the entries."""
    values: list[BaselineValue]
