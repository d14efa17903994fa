"""Which records the installed code would make, and which no installed code can make any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from qmbench.domain.errors import QmbenchError, StoreError
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.record import Record
from qmbench.plugging.registry import plugins, single_level
from qmbench.running.run_document import Run

Standing = Literal["current", "stale", "not installed"]


def standing(record: Record) -> Standing:
    """Whether the level of a record, as it is installed, has the record's key.

    "stale" says that its plugin is installed and computes this under another key, or does not have the level any more;
    "not installed" that its plugin is not there, or can't be loaded, so that nothing can be said.
    """
    if not _installed(record):
        return "not installed"
    level = _level(record.level)
    current = level is not None and level.key_of(record.system_hash, record.prop) == record.key
    return "current" if current else "stale"


def installed_level(record: Record) -> LevelOfTheory | None:
    """The record's level of theory as the installed plugins have it; None where they don't."""
    return _level(record.level) if _installed(record) else None


@lru_cache(maxsize=4096)
def _level(text: str) -> LevelOfTheory | None:
    try:
        return single_level(text)
    except QmbenchError:
        return None


def _installed(record: Record) -> bool:
    working = {info.distribution for info in plugins().infos if not info.error}
    plugin = record.provenance.get("plugin")
    # Records of 0.1.0 say only what versions they are of.
    return bool(working & ({plugin} if plugin else set(record.provenance.get("versions") or ())))


@dataclass
class Pruning:
    """What may be removed from a store, and what is stale and stays.

    removed: level -> keys. runs: ids of the runs that name one of them, which nobody can report any more. for_runs: id
    of a run -> number of stale records that stay for it. not_installed: level -> number of records of plugins that are
    not installed. left: number of records that stay, all told.
    """

    removed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    runs: list[str] = field(default_factory=list)
    for_runs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    not_installed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    left: int = 0

    @property
    def keys(self) -> list[str]:
        """Of all records to be removed."""
        return [key for keys in self.removed.values() for key in keys]


def to_prune(records: Iterable[Record], runs: Iterable[Mapping[str, Any]], everything: bool = False) -> Pruning:
    """What to remove of `records` and `runs` (their documents, the earliest first).

    Runs whose document is broken go, and stale records. Those of the latest run of each suite stay, so that its
    report can be made; and so do those of plugins that are not installed. With `everything` neither stay.
    """
    known, broken = [], []
    for document in runs:
        try:
            known.append(Run.from_json(document))
        except StoreError:  # nobody can report it
            broken.append(str(document["id"]))
    latest = {run.suite: run for run in known}
    holders = {key: run.id for run in latest.values() for key in run.keys}
    found = Pruning()
    for record in records:
        how = standing(record)
        if how == "not installed" and not everything:
            found.not_installed[record.level] += 1
        elif how == "stale" and record.key in holders and not everything:
            found.for_runs[holders[record.key]] += 1
        elif how != "current":
            found.removed[record.level].append(record.key)
            continue
        found.left += 1
    gone = set(found.keys)
    found.runs = [*broken, *(run.id for run in known if run.keys & gone)]
    return found
