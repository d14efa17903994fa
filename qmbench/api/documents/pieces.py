"""What several documents share: values with units, failures, costs, filters, records."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from qmbench.domain.quantity import UncertaintyKind

closed = with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))
"""For a document whose keys are all known: its schema allows no other."""

Number = float | None
"""A number, or null where there is none: JSON has no NaN."""
Status = Literal["ok", "failed", "unsupported"]


@closed
class CurveValue(TypedDict):
    """Values over a coordinate."""

    coordinate: list[float]
    coordinate_unit: str
    values: list[float]


Tensor = list[Any]
"""Numbers, or lists of them: an array of any rank."""
Value = float | Tensor | dict[str, float] | CurveValue


@closed
class QuantityValue(TypedDict):
    """A value with its unit and its uncertainty (one standard deviation, null when unknown) and the kind of that."""

    value: Value
    """A number, an array, numbers by state, or a curve."""
    unit: str
    """Empty for pure numbers."""
    uncertainty: float | Tensor | dict[str, float] | None
    uncertainty_kind: UncertaintyKind | None
    degeneracies: NotRequired[dict[str, int]]
    """Of states: how many have that energy."""


@closed
class FailureText(TypedDict):
    """Why something is not ok."""

    kind: Literal["input", "not_converged", "timeout", "memory", "crash", "error", "unsupported"]
    message: str
    log_tail: str
    """The last lines that the calculation printed."""


@closed
class ShortFailure(TypedDict):
    """Why an entry is not ok."""

    kind: Literal["input", "not_converged", "timeout", "memory", "crash", "error", "unsupported"]
    message: str


@closed
class CostTaken(TypedDict):
    """What a task took."""

    wall_s: float
    """Seconds."""
    cpu_s: float
    """Seconds of processors, of all threads and processes."""
    peak_memory_mib: float
    """Mebibytes."""
    cores: int


@closed
class CodeOf(TypedDict, total=False):
    """The code that made a record."""

    digest: str
    """SHA-256, shortened, of the definitions that the method reaches."""
    files: list[str]


@closed
class Overlap(TypedDict):
    """How a system overlaps with the training data of a learned level."""

    molecule: str
    """The nearest one of the training data."""
    distance: float
    """To it, in the descriptor space of the method."""
    kind: Literal["same geometry", "same molecule"]


@closed
class ExplanationTable(TypedDict):
    """Why a number is what it is, as a table."""

    columns: list[str]
    rows: list[list[str | float | None]]
    note: str


@closed
class Provenance(TypedDict, total=False):
    """Where a number is from."""

    plugin: str
    """The distribution."""
    versions: dict[str, str]
    """Of the distributions that computed it."""
    code: CodeOf
    options: dict[str, Any]
    """All options of the level as resolved."""
    settings: dict[str, Any]
    """What the method says about how it was done."""
    warnings: list[str]
    started: str | None
    """UTC, ISO 8601."""
    training_overlap: Overlap
    explanation: ExplanationTable


@closed
class RecordDocument(TypedDict):
    """The stored outcome of one property of one system at one level of theory."""

    key: str
    """32 hexadecimal digits; see the data format."""
    level: str
    """Canonical spelling."""
    system_name: str
    system_hash: str
    property: str
    status: Status
    quantity: QuantityValue | None
    failure: FailureText | None
    provenance: Provenance
    cost: CostTaken | None


@closed
class EntryFilter(TypedDict, total=False):
    """The conditions of a filter of entries, those that are set."""

    elements: list[str]
    max_atoms: int
    min_atoms: int
    tags: list[str]
    charges: list[int]


@closed
class FilterActed(TypedDict):
    """A filter of entries, and what it left."""

    only: EntryFilter
    words: str
    kept: int
    """Entries, of `entries`."""
    entries: int


@closed
class ImplementationRow(TypedDict):
    """One level of theory in two programs."""

    level_of_theory: str
    programs: list[str]
    levels: list[str]
    """As they were asked for."""
    benchmark: str
    observable: str
    bsse: str | None
    unit: str
    n: int
    mean_absolute: float
    largest: float
    """Second less first."""
    largest_entry: str
