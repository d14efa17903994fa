"""One comparison of a benchmark, and the terms that it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

from qmbench.domain.errors import InputError
from qmbench.domain.systems import System

Group = tuple[int, ...]
"""Fragments of a system together, by their numbers from 1, in order."""


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a stoichiometry: coefficient × (system, or the fragments `fragments` of it together, from 1).

    fragments: None for the whole system; (0,) for each of its fragments in turn. bodies: instead of an energy, the sum
    of the many-body contributions of so many fragments, from the first number to the second.
    """

    system: str
    coefficient: float
    fragments: Group | None = None
    bodies: tuple[int, int] | None = None

    @property
    def of_fragments(self) -> bool:
        """Whether it needs the system's fragments."""
        return self.fragments is not None or self.bodies is not None


def groups(term: Term, system: System) -> Iterator[tuple[float, Group | None]]:
    """(coefficient, fragments together) that `term` stands for; None is the whole of `system`.

    InputError where the system has no fragments, or too few of them.
    """
    if not term.of_fragments:
        yield term.coefficient, None
        return
    count = len(system.fragments)
    if not count:
        raise InputError(f"{system.name} has no fragments; name them in its file")
    if term.bodies is not None:
        lowest, highest = term.bodies
        if highest > count:
            raise InputError(f"{system.name} has {count} fragments, too few for {highest} bodies")
        for size in range(highest, 0, -1):
            factor = many_body_factor(size, count, lowest, highest)
            for group in combinations(range(1, count + 1), size) if factor else ():
                yield term.coefficient * factor, None if size == count else group
        return
    each: Iterable[Group] = ((n + 1,) for n in range(count))
    for group in each if term.fragments == (0,) else (term.fragments or (),):
        yield term.coefficient, group


def many_body_factor(size: int, count: int, lowest: int, highest: int) -> int:
    """How often the energy of each group of `size` fragments is in the contributions of `lowest` to `highest` bodies.

    Of `count` fragments; the contribution of a group is Σ (−1)^(its size − size of a part) E(part) over all its parts.
    """
    return sum((-1) ** (k - size) * comb(count - size, k - size) for k in range(max(lowest, size), highest + 1))


def subsets(group: Group) -> Iterator[Group]:
    """All parts of a group that are not empty, itself among them."""
    for size in range(1, len(group) + 1):
        yield from combinations(group, size)


@dataclass(frozen=True, slots=True)
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
