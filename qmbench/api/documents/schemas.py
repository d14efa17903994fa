"""The documents by name, each with the version of its schema and what writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qmbench.api.documents import computing, disagreeing, judging, pieces, things
from qmbench.domain.errors import InputError, did_you_mean

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Document:
    """version: the first number counts what was renamed, removed or given another meaning, the second what was added.

    written_by: the command or file.
    """

    type: Any
    version: str
    written_by: str


DOCUMENTS = {
    "compute": Document(computing.Compute, "1.0", "qmbench compute --json"),
    "run-suite": Document(computing.RunSuite, "1.0", "qmbench run suite --json"),
    "plan": Document(computing.Plan, "1.1", "qmbench run suite --dry-run --json"),
    "statistics": Document(computing.Statistics, "1.0", "statistics.json of a report"),
    "disagreement": Document(disagreeing.Disagreement, "1.1", "disagreement.json of a report"),
    "disagree": Document(disagreeing.Disagree, "1.1", "qmbench disagree --json"),
    "compare": Document(judging.Compare, "1.0", "qmbench compare --json"),
    "subset": Document(judging.Subset, "1.0", "qmbench subset --json"),
    "check": Document(judging.Check, "1.0", "qmbench check --json"),
    "baseline": Document(judging.Baseline, "1.0", "qmbench check --update"),
    "record": Document(pieces.RecordDocument, "1.0", "a store, of each record"),
    "run": Document(computing.RunDocument, "1.0", "a store, of each run"),
    "store-prune": Document(computing.Prune, "1.0", "qmbench store prune --json"),
    "list-methods": Document(list[things.ListedMethod], "1.0", "qmbench list methods --json"),
    "list-benchmarks": Document(list[things.ListedBenchmark], "1.0", "qmbench list benchmarks --json"),
    "list-suites": Document(list[things.ListedSuite], "1.0", "qmbench list suites --json"),
    "list-systems": Document(list[things.ListedSystem], "1.0", "qmbench list systems --json"),
    "list-properties": Document(list[things.ListedProperty], "1.0", "qmbench list properties --json"),
    "list-statistics": Document(list[things.ListedStatistic], "1.0", "qmbench list statistics --json"),
    "list-formats": Document(list[things.ListedFormat], "1.0", "qmbench list formats --json"),
    "list-plugins": Document(list[things.ListedPlugin], "1.0", "qmbench list plugins --json"),
    "show": Document(things.Show, "1.0", "qmbench show THING --json"),
    "lint": Document(list[things.LintFinding], "1.0", "qmbench lint --json"),
    "plugin-add": Document(things.PluginAdd, "1.0", "qmbench plugin add --json"),
    "plugin-check": Document(things.PluginCheck, "1.0", "qmbench plugin check --json"),
    "benchmark-import": Document(things.BenchmarkImport, "1.0", "qmbench benchmark import --json"),
}
"""Every document that qmbench writes in a form of its own. Others have their own standards: QCSchema, Vega-Lite."""


def schema(name: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a document of DOCUMENTS; InputError names near ones when there is none."""
    from pydantic import TypeAdapter

    if name not in DOCUMENTS:
        raise InputError(f"no document '{name}'{did_you_mean(name, DOCUMENTS)}; 'qmbench schema' lists them")
    document = DOCUMENTS[name]
    head = {"$schema": DIALECT, "$id": f"urn:qmbench:schema:{name}:{document.version}"}
    made = TypeAdapter(document.type).json_schema(mode="serialization")
    return {**head, **made, "title": f"{name}: {document.written_by}"}
