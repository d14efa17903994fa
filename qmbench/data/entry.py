"""One comparison of a benchmark, and the terms that it is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """One term of a stoichiometry: coefficient × (system, or the fragments `fragments` of it together, from 1).

    fragments: None for the whole system; (0,) for each of its fragments in turn.
    """

    system: str
    coefficient: float
    fragments: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Entry:
    """One comparison: an observable made from the properties of the systems in `terms`.

    No terms: the entry consists of reference values alone.
    """

    id: str
    observable: str
    terms: tuple[Term, ...]
    state: str = ""
    subsets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    curve: str = ""
    coordinate: float | None = None
    coordinate_unit: str = ""
    note: str = ""
