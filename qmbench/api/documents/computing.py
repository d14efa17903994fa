"""Documents of what is computed: `compute`, `run suite`, its plan, runs and records, and the store."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from qmbench.api.documents.pieces import (
    CodeOf,
    CostTaken,
    FailureText,
    FilterActed,
    Number,
    Provenance,
    QuantityValue,
    RecordDocument,
    ShortFailure,
    Status,
    UncertaintyKind,
    closed,
)


@closed
class SystemNamed(TypedDict):
    """Which system."""

    id: str
    hash: str
    """Of the geometry, charge, multiplicity and so on, not of the name."""


@closed
class ObservableValue(TypedDict):
    """What an entry compares."""

    name: str
    value: Any
    """As in a quantity; null where it could not be had."""
    unit: str
    uncertainty: Any
    uncertainty_kind: UncertaintyKind | None
    degeneracies: NotRequired[dict[str, int]]


@closed
class TaskRecord(RecordDocument):
    """A record that a level made of levels, or an entry, is made of."""

    coefficient: Number
    """Of it in the sum; null where the sum is none."""
    cached: bool


@closed
class LevelIdentity(TypedDict):
    """In place of a provenance where a request is refused, so that there is no record: what was asked for."""

    method: str
    options: dict[str, Any]
    versions: dict[str, str]
    code: str


@closed
class ComputeSystem(TypedDict):
    """One level of theory on one system."""

    level_of_theory: str
    system: SystemNamed
    status: Status
    failure: FailureText | None
    properties: dict[str, QuantityValue]
    records: dict[str, str]
    """Property: key of its record."""
    provenance: Provenance | LevelIdentity
    cost: CostTaken | None
    training_overlap: NotRequired[str | None]
    cached: bool


@closed
class ComputeSum(TypedDict):
    """A level made of levels on one system."""

    level_of_theory: str
    system: SystemNamed
    status: Status
    failure: FailureText | None
    properties: dict[str, QuantityValue]
    training_overlap: NotRequired[str | None]
    tasks: list[TaskRecord]
    cached: bool


@closed
class ComputeEntry(TypedDict):
    """One level of theory on one entry of a benchmark."""

    level_of_theory: str
    benchmark: str
    entry: str
    bsse: str
    status: Status
    failure: FailureText | None
    observable: ObservableValue
    training_overlap: NotRequired[str | None]
    tasks: list[TaskRecord]
    cached: bool
    system: NotRequired[SystemNamed]


Compute = Annotated[
    ComputeSystem | ComputeSum | ComputeEntry, Field(description="One level of theory on a system or an entry.")
]


@closed
class EntryObservable(TypedDict):
    """What an entry compares, in the unit of the benchmark."""

    name: str
    value: Number
    unit: str
    uncertainty: Number
    uncertainty_kind: UncertaintyKind | None


@closed
class EntryResult(TypedDict):
    """What one level gave for one entry."""

    level_of_theory: str
    label: str
    bsse: str
    benchmark: str
    entry: str
    status: Status
    failure: ShortFailure | None
    observable: EntryObservable | None
    training_overlap: str | None
    warnings: str | None
    cached: bool


PLAIN: Any = {"type": ["string", "number", "boolean", "null"]}


@with_config(ConfigDict(use_attribute_docstrings=True, json_schema_extra={"additionalProperties": PLAIN}))
class StatisticsRow(TypedDict):
    """Errors of one level over a benchmark, or a part of it.

    The columns of every statistic, whose names end in the unit, stand beside these keys: numbers, text, true or false,
    or null. Which there are is in the documentation of reports and in `qmbench list statistics`.
    """

    benchmark: str
    observable: str
    subset: str
    """`all`: the whole."""
    level_of_theory: str
    label: str
    bsse: str
    method: str
    basis: str | None
    unit: str
    reference_set: str | None
    n: int
    n_ok: int
    n_failed: int
    n_unsupported: int
    n_scored: int
    coverage: Number
    confidence: Number


@closed
class UserTotal(TypedDict):
    """What one part adds to a total by the user's own weights."""

    level_of_theory: str
    bsse: str
    part: str
    weight: Number
    """Of 1."""
    n: int | None
    mean_absolute_error: Number
    mean_absolute_error_share: Number
    total: Number
    unit: str
    lacks: str


@closed
class Statistics(TypedDict):
    """`statistics.json` of a report."""

    statistics: list[StatisticsRow]
    filters: NotRequired[list[FilterActed]]
    weights: NotRequired[dict[str, float]]
    user_totals: NotRequired[list[UserTotal]]


@closed
class RunSuite(Statistics):
    """Results of a suite."""

    run: str | None
    """Its id; null where published values alone are compared."""
    records: list[EntryResult]


@closed
class DearTask(TypedDict):
    """One of the tasks that take longest."""

    level_of_theory: str
    system: str
    properties: list[str]
    estimated_cpu_s: float


@closed
class PlannedLevel(TypedDict):
    """One level on one benchmark."""

    level_of_theory: str
    bsse: str
    benchmark: str
    entries: int
    refused: int
    tasks: int
    in_store: int
    estimated_cpu_s: Number


@closed
class WrongLevel(TypedDict):
    """Entries of one benchmark for which the request of a level is wrong, and why the first of them is."""

    level: str
    benchmark: str
    refused: int
    entries: int
    reason: str


@closed
class Plan(TypedDict):
    """What a suite would compute."""

    suite: str
    filter: FilterActed | None
    tasks: int
    in_store: int
    estimated_cpu_s: float
    tasks_without_estimate: int
    critical_path_s: float
    """Seconds of the longest task."""
    workers: int
    estimated_wall_s: float
    """A lower bound."""
    largest_memory_mib: float | None
    """Of the task that needs most."""
    dearest: list[DearTask]
    learned_from: int
    """Records with a recorded cost."""
    levels: list[PlannedLevel]
    wrong: list[WrongLevel]


@closed
class SuiteNamed(TypedDict):
    """Which suite."""

    id: str
    title: str


@closed
class BenchmarkUsed(TypedDict):
    """Which version of a benchmark, and where it was."""

    version: str
    folder: str


@closed
class LevelUsed(TypedDict):
    """What a level of theory was when the run was made."""

    label: str
    families: dict[str, str]
    """What its method shares with others."""
    claims: str
    stochastic: bool
    plugin: str
    versions: dict[str, str]
    code: str
    citations: list[str]


@closed
class PlannedEntry(TypedDict):
    """One entry at one level, and which records it is made of."""

    level: str
    bsse: str
    benchmark: str
    entry: str
    terms: list[tuple[float, Any]]
    """Coefficient, and a key or a recipe: `sum` of such pairs, or the limit of `members`."""
    refused: FailureText | None


@closed
class RunDocument(TypedDict):
    """A run as a store keeps it."""

    id: str
    started: str
    """UTC, ISO 8601."""
    finished: str | None
    suite: SuiteNamed
    benchmarks: dict[str, BenchmarkUsed]
    levels: dict[str, LevelUsed]
    entries: list[PlannedEntry]
    computed: list[str]
    """Keys of records that were not in the store before."""
    filtered: FilterActed | None


@closed
class ShowRun(TypedDict):
    """A run, without its entries."""

    run: str
    started: str
    finished: str | None
    suite: SuiteNamed
    benchmarks: dict[str, BenchmarkUsed]
    levels: dict[str, LevelUsed]
    filtered: FilterActed | None


@closed
class MadeBy(CodeOf, total=False):
    """Which code made a record, and how the installed code stands to it."""

    installed: str
    """`same`, `same code` (other versions of programs), `other`, `gone` or `not installed`."""
    installed_digest: str | None


@closed
class ShowRecord(RecordDocument):
    """A record, and which code made it."""

    made_by: MadeBy


@closed
class Prune(TypedDict):
    """What was removed from a store."""

    store: str
    dry_run: bool
    removed: dict[str, int]
    """Records by level."""
    removed_runs: list[str]
    kept_for_runs: dict[str, int]
    kept_not_installed: dict[str, int]
    left: int
