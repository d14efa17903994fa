"""Documents that say what there is: `list`, `show`, `lint`, and what the commands for plugins and databases did."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from qmbench.api.documents.computing import ShowRecord, ShowRun
from qmbench.api.documents.pieces import Number, closed


@closed
class ListedMethod(TypedDict):
    """A method, or an open family of them."""

    name: str
    plugin: str
    systems: list[str]
    properties: list[str]
    what: str


@closed
class ListedBenchmark(TypedDict):
    """A benchmark."""

    id: str
    version: str
    entries: int
    subsets: list[str]
    reference_sets: list[str]
    title: str


@closed
class ListedSuite(TypedDict):
    """A suite."""

    id: str
    levels: int
    benchmarks: list[str]
    title: str


@closed
class ListedSystem(TypedDict):
    """A system of a benchmark; what its kind does not have is empty."""

    name: str
    kind: str
    formula: str
    electrons: int | Literal[""]
    multiplicity: int | Literal[""]
    what: str


@closed
class ListedProperty(TypedDict):
    """A property."""

    name: str
    unit: str
    units: dict[str, str]
    """By kind of system, where it has another one."""
    shape: str
    what: str


@closed
class ListedStatistic(TypedDict):
    """A statistic."""

    name: str
    label: str
    symbol: str
    unit: str
    interval_from: int | Literal[""]
    """Entries from which it has an interval."""
    what: str


@closed
class ListedFormat(TypedDict):
    """An output format of reports."""

    name: str
    files: list[str]
    what: str


@closed
class ListedPlugin(TypedDict):
    """A plugin."""

    name: str
    distribution: str
    version: str
    methods: int
    environment: Literal["its own", "this one"]
    python: str
    status: str
    """`ok`, or why it could not be loaded."""


# Keys of the documents of `show` are for people, with blanks: no class has fields of such names.


class _MethodKeys(TypedDict):
    method: str
    what: str
    systems: list[str]
    properties: list[str]
    options: dict[str, str]
    stochastic: bool
    examples: list[Any]
    programs: dict[str, str]
    citations: list[str]


_LevelKeys = TypedDict(
    "_LevelKeys",
    {
        "level of theory": str,
        "label": str,
        "options resolved": dict[str, Any],
        "code": str,
        "code files": list[str],
    },
)
_SumKeys = TypedDict(
    "_SumKeys",
    {
        "level of theory": str,
        "label": str,
        "calculations": list[str],
        "limits": list[str],
        "coefficients of energies": dict[str, str],
        "stochastic": bool,
        "programs": dict[str, str],
        "citations": list[str],
    },
)
_ReferenceKeys = TypedDict(
    "_ReferenceKeys",
    {
        "set": str,
        "value": float,
        "uncertainty": Number,
        "uncertainty kind": str | None,
        "level of theory": str,
        "source": str,
        "status": str,
        "note": str,
    },
)


@closed
class ShowMethod(_MethodKeys):
    """A method."""


@closed
class ShowLevel(_LevelKeys, _MethodKeys):
    """A level of theory, with its method."""


@closed
class ShowSum(_SumKeys):
    """A level made of levels."""


@closed
class EntryReference(_ReferenceKeys):
    """A reference value, in the unit of the entry."""


_EntryKeys = TypedDict(
    "_EntryKeys",
    {
        "entry": str,
        "observable": str,
        "state": str,
        "unit": str,
        "stoichiometry": list[str],
        "subsets": list[str],
        "tags": list[str],
        "curve": str,
        "note": str,
        "references": list[EntryReference],
        "published levels": dict[str, str],
    },
)


@closed
class ShowEntry(_EntryKeys):
    """An entry of a benchmark."""


_BenchmarkHead = TypedDict(
    "_BenchmarkHead",
    {
        "benchmark": str,
        "version": str,
        "title": str,
        "observable": str,
        "unit": str,
        "sign": str,
        "bsse": list[str],
        "licence": str,
        "citations": list[dict[str, str]],
        "systems": list[str],
        "subset files": NotRequired[dict[str, str]],
        "entries": list[str],
        "reference values by set": dict[str, int],
        "published levels": dict[str, str],
    },
)


@with_config(ConfigDict(extra="allow"))
class ShowBenchmark(_BenchmarkHead):
    """A benchmark. The other keys of its `benchmark.toml` stand beside these."""


_SystemHead = TypedDict(
    "_SystemHead",
    {
        "system": str,
        "kind": str,
        "what": str,
        "about the kind": str,
        "unit of energy": str,
        "fragments": int | Literal[""],
        "oddities": list[str],
        "hash": str,
        "figure": str,
    },
)


@with_config(ConfigDict(extra="allow"))
class ShowSystem(_SystemHead):
    """A system. Its axes (`number of atoms`) and fields, which depend on its kind, stand beside these keys."""


@closed
class ShowSuite(TypedDict):
    """A suite in words."""

    suite: str
    title: str
    benchmarks: list[str]
    levels: list[str]


@closed
class ShowFamily(TypedDict):
    """An open family of methods."""

    family: str
    what: str
    plugin: str


Show = Annotated[
    ShowRecord
    | ShowRun
    | ShowLevel
    | ShowMethod
    | ShowSum
    | ShowEntry
    | ShowBenchmark
    | ShowSystem
    | ShowSuite
    | ShowFamily,
    Field(description="One thing in full: which kind of thing it is says its first key."),
]


@closed
class LintFinding(TypedDict):
    """One thing that is wrong or suspicious."""

    where: str
    message: str
    severity: Literal["error", "warning"]


@closed
class PluginAdd(TypedDict):
    """What was installed."""

    distribution: str
    version: str
    plugins: list[str]
    methods: list[str]
    environment: str | None
    """Its own, where it has one."""


@closed
class ConformanceCounts(TypedDict):
    """Checks by outcome."""

    passed: int
    failed: int
    skipped: int


@closed
class ConformanceRow(TypedDict):
    """One check of one method."""

    method: str
    check: str
    outcome: Literal["passed", "failed", "skipped"]
    message: str
    wall_s: float


@closed
class PluginCheck(TypedDict):
    """How the conformance kit went."""

    plugin: str
    summary: ConformanceCounts
    checks: list[ConformanceRow]


@closed
class LeftOut(TypedDict):
    """What was left out, and why."""

    what: str
    why: str


@closed
class BenchmarkImport(TypedDict):
    """What was made of a database."""

    folders: list[str]
    entries: int
    systems: int
    assumed: list[str]
    changed: list[str]
    left_out: list[LeftOut]
