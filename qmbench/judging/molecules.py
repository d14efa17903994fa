"""Which entries are about the same molecule, and of the same kind: what is left out together, and what is alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from qmbench.domain.errors import QmbenchError

LEAST_CLASS = 30
"""With fewer entries one wild error in a class hides the next, and its level's whole record says more."""


def molecules(benchmark: Any, entries: Iterable[str] | None = None) -> dict[str, str]:
    """entry -> a name that entries of one molecule have in common.

    Points of a curve are one molecule; so are entries with the same largest system: the complex of an interaction, the
    transition state of a barrier there and back, the atom of several excitations. Entries of which that is not known
    have their own name.
    """
    wanted = None if entries is None else set(entries)
    found: dict[str, str] = {}
    mine = [e for e in getattr(benchmark, "entries", ()) if wanted is None or e.id in wanted]
    shared = Counter(s for e in mine for s in {t.system for t in e.terms})
    for e in mine:
        systems = list(dict.fromkeys(t.system for t in e.terms))
        if e.curve:
            found[e.id] = f"curve {e.curve}"
        elif len(systems) == 1:
            found[e.id] = f"system {systems[0]}"
        elif any(shared[s] > 1 for s in systems):
            found[e.id] = f"system {max(systems, key=lambda s: (_size(benchmark, s), -systems.index(s)))}"
        else:
            found[e.id] = e.id
    return found


def _size(benchmark: Any, system: str) -> int:
    """Number of atoms or sites; 0 of a system that can't be read."""
    try:
        return int(benchmark.system(system).n_parts)
    except QmbenchError:
        return 0


def molecules_of(benchmarks: Mapping[str, Any], keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(benchmark, entry) -> its molecule, for the entries that are asked for."""
    asked: dict[str, list[str]] = {}
    for benchmark, entry in keys:
        asked.setdefault(benchmark, []).append(entry)
    return {
        (name, entry): molecule
        for name, entries in asked.items()
        for entry, molecule in molecules(benchmarks.get(name), entries).items()
    }


def classes(subsets: Iterable[tuple[str, ...]], tags: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The class of each entry: its first subset, or without one its first tag that is a word; empty: none.

    Classes of fewer than LEAST_CLASS entries are taken together.
    """
    words = [s[0] if s else next((t for t in own if ":" not in t), "") for s, own in zip(subsets, tags, strict=True)]
    size = Counter(words)
    return tuple(word if size[word] >= LEAST_CLASS else "" for word in words)
