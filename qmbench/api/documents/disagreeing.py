"""The document of `disagree`: entries with verdicts, pairs, trends, and what to compute next."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict

from qmbench.api.documents.pieces import FilterActed, ImplementationRow, Number, UncertaintyKind, closed

Verdict = Literal["agree", "one_outlier", "camps", "suspect_reference", "inconclusive"]
Tier = Literal["surprising", "expected", "none"]


@closed
class DisagreeSummary(TypedDict):
    """Counts of entries."""

    entries: int
    entries_with_one_value: int
    tiers: dict[Tier, int]
    verdicts: dict[Verdict, int]
    benchmarks: dict[str, dict[Verdict, int]]
    outliers: dict[str, int]
    """By method."""


@closed
class Contradiction(TypedDict):
    """References that contradict each other."""

    benchmark: str
    entry: str
    methods: list[str]


@closed
class ReferencesAgree(TypedDict):
    """Whether what claims reference quality agrees with each other."""

    compared: int
    agree: bool | None
    contradictions: list[Contradiction]


@closed
class Expected(TypedDict):
    """Contradictions that are expected of a method."""

    method: str
    by: str
    entries: int
    benchmarks: dict[str, int]


@closed
class Explained(TypedDict):
    """What explains that a value is off."""

    method: str
    by: str
    bias: float
    scatter: float


@closed
class ConsensusValue(TypedDict):
    """What all values together say, in the unit of the entry."""

    value: float
    uncertainty: float
    between_method_deviation: float
    birge_ratio: Number
    n: int
    median: float
    median_uncertainty: float


@closed
class MaxPair(TypedDict):
    """The two values that are farthest apart for their uncertainties, the larger one as `a`."""

    a: str
    b: str
    difference: float
    uncertainty_by_kind: dict[str, float]


@closed
class KnownOfVote(TypedDict):
    """What is known of a value from the errors of its level on other molecules, in the unit of the entry."""

    bias: float
    uncertainty: float
    freedom: float
    n: int
    method: float
    basis: float
    statistical: float
    calibrated: float
    expected_error: Number
    surprise: Number


@closed
class Vote(TypedDict):
    """One method's value, in the unit of the entry."""

    method: str
    kind: Literal["computed", "reference"]
    value: float
    uncertainty: Number
    """As stated; null: not stated."""
    uncertainty_kind: UncertaintyKind | None
    assumed_uncertainty: Number
    training_overlap: str
    deviation_from_others: Number
    deviation_uncertainty: Number
    known: KnownOfVote | None


@closed
class DisagreeEntry(TypedDict):
    """One entry with its verdict."""

    benchmark: str
    entry: str
    observable: str
    within: str
    """Empty, or the approximation inside which the values were weighed."""
    unit: str
    verdict: Verdict
    reason: str
    tier: Tier
    surprise: float
    """A probability."""
    surprising: list[str]
    nothing_known: bool
    why_surprising: str
    to_settle: str
    explained_by: list[Explained]
    outliers: list[str]
    camps: list[list[str]]
    undecided: list[str]
    consensus: ConsensusValue
    spread: float
    resolution: float
    """The difference that matters, in `unit`."""
    max_z: float
    max_pair: MaxPair
    significant_pairs: int
    votes: list[Vote]


@closed
class DisagreePair(TypedDict):
    """Two methods over the entries that both have: a less b."""

    benchmark: str
    observable: str
    within: str
    unit: str
    a: str
    b: str
    n: int
    mean_difference: float
    mean_absolute_difference: float
    root_mean_square_difference: float
    max_z: float
    max_z_entry: str
    max_z_statistical: Number
    n_significant: int


@closed
class MethodAbout(TypedDict):
    """Who takes part."""

    name: str
    kind: Literal["computed", "reference"]
    level_of_theory: str
    label: str
    bsse: str
    approximation: str
    families: dict[str, str]
    source_doi: str
    is_default_reference: bool
    claims_reference_quality: bool


@closed
class MethodsOfBenchmark(TypedDict):
    """The methods of a benchmark, and how far apart they are."""

    benchmark: str
    observable: str
    within: str
    unit: str
    columns: list[str]
    distance: list[list[Number]]
    """Root mean square differences, in `unit`; null where no entry is shared."""
    order: list[str]
    merges: list[tuple[list[str], list[str], float]]
    about: list[MethodAbout]
    level_differences: dict[str, dict[str, list[str]]]


_KnownErrors = TypedDict(  # no class can have a key `class`
    "_KnownErrors",
    {
        "benchmark": str,
        "observable": str,
        "within": str,
        "class": str,
        "method": str,
        "unit": str,
        "n": int,
        "bias": float,
        "uncertainty": float,
        "method_part": float,
        "basis_part": float,
    },
)


@closed
class KnownErrors(_KnownErrors):
    """What is known of a method in a class of entries, in `unit`."""


@closed
class Trend(TypedDict):
    """How a difference of two methods depends on a number or a class."""

    benchmark: str
    observable: str
    within: str
    unit: str
    a: str
    b: str
    kind: Literal["number", "class"]
    on: str
    n: int
    intercept: float
    slope: float
    slope_low: Number
    slope_high: Number
    p: float
    leaning_on: str | None


@closed
class ErrorTrend(TypedDict):
    """On what the errors of a level depend."""

    benchmark: str
    observable: str
    unit: str
    method: str
    level_of_theory: str
    bsse: str
    of: Literal["error", "absolute_error"]
    kind: str
    on: str
    n: int
    """Molecules."""
    slope: float
    slope_low: Number
    slope_high: Number
    p: float
    leaning_on: str
    at_low: float
    """The line at the lower end of what was computed, in `unit`."""
    at_high: float
    largest: int
    """So many of the largest errors were looked at,"""
    explained: int
    """and so many of them lose more than half without the trend."""


@closed
class NextCalculation(TypedDict):
    """What would settle an open entry."""

    benchmark: str
    entry: str
    observable: str
    within: str
    verdict: Verdict
    method: str
    kind: Literal["sampling", "level"]
    why: str
    factor: Number
    """How many times the sampling."""
    estimated_wall_s: float


@closed
class Disagreement(TypedDict):
    """`disagreement.json` of a report: where methods disagree beyond their uncertainties."""

    significance: float
    summary: DisagreeSummary
    references: ReferencesAgree
    expected: list[Expected]
    entries: list[DisagreeEntry]
    """The most surprising first."""
    pairs: list[DisagreePair]
    methods: list[MethodsOfBenchmark]
    known: list[KnownErrors]
    trends: list[Trend]
    next_calculations: list[NextCalculation]
    implementations: NotRequired[list[ImplementationRow]]
    """Of a run; published values are of no program."""
    error_trends: list[ErrorTrend]
    filters: list[FilterActed]


@closed
class Disagree(Disagreement):
    """Where methods disagree beyond their uncertainties."""

    run: str | None
