"""What the other runs of a store know of basis-set limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qmbench.domain.errors import QmbenchError
from qmbench.judging.basis import BasisKnowledge, answer_of, basis_knowledge
from qmbench.judging.frame import electrons_in, results_frame
from qmbench.running.plan import PlannedEntry
from qmbench.running.run_document import Run
from qmbench.running.stores import StoreProtocol

MOST_RUNS = 50
"""The latest runs of a store that are looked through."""


def known_elsewhere(store: StoreProtocol, run: Run) -> BasisKnowledge:
    """The limits, and differences to them, that other runs of the store have of what the levels of `run` leave open.

    Only of benchmarks as they are installed now: of another version the geometry may be another one.
    """
    if all(_has_limit(name) or answer_of(name) is None for name in run.levels):
        return BasisKnowledge()
    found: dict[tuple[str, str, str, str], PlannedEntry] = {}
    benchmarks: dict[str, Any] = {}
    for document in store.runs()[-MOST_RUNS:]:
        if document.get("id") == run.id or not _speaks_of_limits(document):
            continue
        try:
            other = Run.from_json(document)
            there = other.find_benchmarks()
        except QmbenchError:  # a broken run, of which other commands speak
            continue
        same = {name for name, about in other.benchmarks.items() if there[name].version == about.version}
        for name in same:
            benchmarks.setdefault(name, there[name])
        for p in other.entries:
            if p.benchmark in same and p.terms and answer_of(p.level) is not None:
                found[p.level, p.bsse, p.benchmark, p.entry] = p
    known = BasisKnowledge()
    for name, benchmark in benchmarks.items():
        mine = tuple(p for p in found.values() if p.benchmark == name)
        together = replace(run, entries=mine, levels={}, computed=frozenset())
        there = {name: benchmark}
        try:
            results = results_frame(together, store.get(together.keys), there)
        except QmbenchError:  # a system of another run's benchmark that can't be read any more
            continue
        known = known.with_(basis_knowledge(results, electrons_in(there)))
    return known


def _speaks_of_limits(document: Mapping[str, Any]) -> bool:
    levels = document.get("levels")
    return isinstance(levels, Mapping) and any(isinstance(name, str) and _has_limit(name) for name in levels)


def _has_limit(level: str) -> bool:
    """Whether a level is an extrapolation, or a focal point with one; cheaply, as all runs are asked."""
    if not re.search(r"\[", level):
        return False
    answer = answer_of(level)
    return answer is not None and answer.quality > 0
