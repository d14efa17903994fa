"""Filters of entries by what they are about: elements, numbers of atoms, charges, tags. They act before statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qmbench.data.benchmark import Benchmark
from qmbench.data.entry import Entry
from qmbench.domain.elements import ELEMENTS
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems import System

Words = str | Sequence[str]


@dataclass(frozen=True)
class EntryFilter:
    """Which entries count. Each condition that is set has to hold; nothing is set: all entries.

    elements: all systems of the entry consist of these (chemical symbols). min_atoms, max_atoms: bounds of the number
    of atoms of its largest system. charges: every system has one of these (of a complex the charge as a whole). tags:
    it has one of these tags or subsets; a tag with a value goes by its name, too. Entries without atoms (lattice
    models, published values alone) meet no condition on elements, atoms or charges.
    """

    elements: tuple[str, ...] = ()
    min_atoms: int | None = None
    max_atoms: int | None = None
    charges: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != EntryFilter()

    @classmethod
    def of(
        cls,
        elements: Words = (),
        max_atoms: int | None = None,
        min_atoms: int | None = None,
        tags: Words = (),
        charge: int | str | Sequence[int | str] | None = None,
    ) -> EntryFilter:
        """From what a user wrote: lists, or texts with commas. InputError says what is wrong."""
        for name, number in (("max_atoms", max_atoms), ("min_atoms", min_atoms)):
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
                raise InputError(f"{name} is a whole number from 1, not {number!r}")
        if max_atoms is not None and min_atoms is not None and min_atoms > max_atoms:
            raise InputError(f"no entry has {min_atoms} atoms at least and {max_atoms} at most")
        symbols = tuple(sorted({_symbol(word) for word in _words(elements)}, key=ELEMENTS.index))
        given = () if charge is None else (charge,) if isinstance(charge, int) else _words(charge)
        charges = tuple(sorted({_charge(word) for word in given}))
        return cls(symbols, min_atoms, max_atoms, charges, tuple(dict.fromkeys(map(str, _words(tags)))))

    @property
    def words(self) -> str:
        """The conditions as text: `elements H, C, N, O; at most 12 atoms`."""
        said = []
        if self.elements:
            said.append(f"elements {', '.join(self.elements)} alone")
        if self.min_atoms is not None:
            said.append(f"at least {_atoms(self.min_atoms)}")
        if self.max_atoms is not None:
            said.append(f"at most {_atoms(self.max_atoms)}")
        if self.charges:
            said.append(f"charge {' or '.join(f'{c:+d}' if c else '0' for c in self.charges)}")
        if self.tags:
            said.append(f"tag or subset {' or '.join(self.tags)}")
        return "; ".join(said)

    def keeps(self, benchmark: Benchmark, entry: Entry) -> bool:
        """Whether the entry meets every condition."""
        if self.tags and not set(self.tags) & words_of(entry):
            return False
        if not (self.elements or self.charges) and self.min_atoms is None and self.max_atoms is None:
            return True
        systems = benchmark.systems_of(entry)
        counts = [atoms_of(system) for system in systems]
        if not systems or not all(counts):
            return False
        largest = max(sum(count.values()) for count in counts)
        return (
            (not self.elements or all(set(count) <= set(self.elements) for count in counts))
            and (self.min_atoms is None or largest >= self.min_atoms)
            and (self.max_atoms is None or largest <= self.max_atoms)
            and (not self.charges or all(getattr(s, "charge", None) in self.charges for s in systems))
        )

    def to_json(self) -> dict[str, Any]:
        """The conditions that are set."""
        return {name: list(x) if isinstance(x, tuple) else x for name, x in vars(self).items() if x not in ((), None)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EntryFilter:
        """From the object that `to_json` gave."""
        return cls.of(
            data.get("elements") or (),
            data.get("max_atoms"),
            data.get("min_atoms"),
            data.get("tags") or (),
            data.get("charges"),
        )


@dataclass(frozen=True)
class Filtered:
    """What a filter left: `kept` of `entries`."""

    only: EntryFilter
    kept: int
    entries: int

    @property
    def sentence(self) -> str:
        """Which filter, and how much it left, in one line."""
        return f"only entries with {self.only.words}: {self.kept} of {self.entries} entries"

    def to_json(self) -> dict[str, Any]:
        """As documents have it."""
        return {"only": self.only.to_json(), "words": self.only.words, "kept": self.kept, "entries": self.entries}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Filtered:
        """From the object that `to_json` gave."""
        return cls(EntryFilter.from_json(data["only"]), int(data["kept"]), int(data["entries"]))


def narrowed(
    benchmarks: Mapping[str, Benchmark], only: EntryFilter, asked: Iterable[tuple[str, str]] | None = None
) -> tuple[dict[str, Benchmark], Filtered]:
    """The benchmarks with the entries that `only` keeps and the values of those, and how many of how many these are.

    asked: the entries that count, as (benchmark, entry); None: all, and entries without systems always do. InputError
    where no entry is left, or no entry has a tag that is asked for.
    """
    wanted = None if asked is None else set(asked)
    there = {word for b in benchmarks.values() for e in b.entries for word in words_of(e)}
    for tag in only.tags:
        if tag not in there:
            raise InputError(f"no entry has the tag or subset '{tag}'{did_you_mean(tag, there)}")
    found, kept, entries = {}, 0, 0
    for key, b in benchmarks.items():
        mine = [e for e in b.entries if wanted is None or not e.terms or (b.id, e.id) in wanted]
        left = {e.id for e in mine if only.keeps(b, e)}
        kept, entries = kept + len(left), entries + len(mine)
        found[key] = replace(
            b,
            entries=tuple(e for e in b.entries if e.id in left),
            references=tuple(r for r in b.references if r.entry in left),
            published=tuple(r for r in b.published if r.entry in left),
        )
    if not kept:
        raise InputError(f"no entry is left: of {entries} none has {only.words}")
    return found, Filtered(only, kept, entries)


def words_of(entry: Entry) -> set[str]:
    """What an entry can be asked for by: its subsets, its tags, and the names of tags that have values."""
    return {*entry.subsets, *entry.tags, *(tag.partition(":")[0] for tag in entry.tags)}


def atoms_of(system: System) -> Mapping[str, int]:
    """How many atoms of each element a system has; empty for what does not consist of atoms."""
    count = {str(symbol): int(n) for symbol, n in system.composition.items()}
    return count if set(count) <= set(ELEMENTS) else {}


def _atoms(number: int) -> str:
    return f"{number} atom{'' if number == 1 else 's'}"


def _words(given: Any) -> tuple[Any, ...]:
    """The parts of a text with commas, or of a list of such."""
    parts = [given] if isinstance(given, str) else list(given)
    return tuple(
        word.strip() if isinstance(word, str) else word
        for part in parts
        for word in (part.split(",") if isinstance(part, str) else [part])
        if not isinstance(word, str) or word.strip()
    )


def _symbol(word: object) -> str:
    symbol = str(word).capitalize()
    if symbol not in ELEMENTS:
        raise InputError(f"'{str(word)[:40]}' is no chemical element{did_you_mean(symbol, ELEMENTS)}")
    return symbol


def _charge(word: object) -> int:
    try:
        return int(str(word))
    except ValueError:
        raise InputError(f"a charge is a whole number such as 0 or -1, not '{str(word)[:40]}'") from None
