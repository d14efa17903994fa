"""What a kind of system is: everything that qmbench asks of one, and what it answers by default.

A kind is a frozen dataclass that derives from `System` and is named by the hook `qmbench_systems`. Molecules, crystals
and lattice models come by that hook too; nothing outside this package asks a system which of them it is.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.properties import Property
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems.fields import FieldError

# As of json.dumps, which makes an encoder of these at each call.
_encoded = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True)
class Change:
    """One change of a system, and what it does to the numbers; the conformance kit computes both and compares.

    what: in the words of a message, `charge 1 instead of 0`, `turned`. before: where it is not the example itself.
    expected: (property, what it was) -> what it must be afterwards, None for a property about which nothing is known;
    without it, the numbers must be others (or the changed system be refused). properties: those that are compared, all
    when empty. refusable: whether a method may refuse `after` though it computes `before`; where the numbers must be
    others it always may.
    """

    what: str
    after: System
    before: System | None = None
    expected: Callable[[Property, Quantity], Quantity | None] | None = None
    properties: tuple[str, ...] = ()
    refusable: bool = False


def same(prop: Property, quantity: Quantity) -> Quantity:
    """`Change.expected` of a change that changes no number."""
    return quantity


@dataclass(frozen=True)
class KindCheck:
    """A check of the conformance kit that comes with a kind of system.

    sentence: what it holds against a method. changes: an example system -> what to compare. everywhere: whether every
    example is tried rather than one.
    """

    sentence: str
    changes: Callable[[Any], Iterable[Change]]
    everywhere: bool = False


class System:
    """Base of everything that can be computed: derive a frozen dataclass, and name it in the hook `qmbench_systems`.

    Lengths are in bohr and energies in `energy_unit`. Its fields are what defines the system and are all in its hash,
    except `name`, a label for people (declare it `name: str = field(default="", compare=False)`). `__post_init__` makes
    the fields plain numbers and tuples (`coerce`) and raises FieldError, which names the wrong one, or InputError.
    """

    kind: ClassVar[str]
    """One word for the kind, as in `qmbench list systems` and in the stored JSON."""
    table_kind: ClassVar[str | None] = None
    """What `kind = "…"` says in a TOML table of this kind; None: the same word; empty: it is not written in TOML."""
    endings: ClassVar[tuple[str, ...]] = ()
    """Endings (`.xyz`) of files that `from_text` reads. Kinds may share one."""
    energy_unit: ClassVar[str] = "hartree"
    """The unit of what is in hartree for a molecule."""
    units: ClassVar[Mapping[str, tuple[str, float]]] = {}
    """Units that the kind brings: name -> (dimension, how many of the dimension's first unit one of it is)."""
    parts: ClassVar[str] = ""
    """What its parts are called, as an axis of properties: `atoms`, `sites`. Empty: it has none."""
    fragments: Sequence[Any] = ()
    """Parts that have an energy of their own (`SYSTEM@1`)."""
    notes: Sequence[str] = ()
    """What reading it had to say, one line each: a warning of everything that is computed of it. Not in its hash."""
    name: str

    # --- what it is made from -----------------------------------------------------------------------------------------

    def coerce(self, rule: Callable[[Any, str, str], Any], *names: str) -> None:
        """Replace the fields `names` by `rule(value, field, label)`, a function of `qmbench.fields` such as `whole`."""
        for key in names:
            object.__setattr__(self, key, rule(getattr(self, key), key, self.name or self.kind))

    @classmethod
    def from_table(cls, table: Mapping[str, Any], where: str, name: str, lines: Mapping[str, int]) -> Self:
        """A system from the keys of a TOML table (without `kind`): by default those of the dataclass's fields.

        Fields without a default are required. where: what to call the table in an error; lines: the line of each key,
        where that is known.
        """
        known = [f.name for f in _fields(cls)]
        for key in table:
            if key not in known:
                raise wrong(where, lines, key, f"unknown key '{key}'{did_you_mean(key, known)}")
        required = [f.name for f in _fields(cls) if _required(f)]
        missing = [key for key in required if key not in table]
        if missing:
            raise InputError(f"{where}: missing {', '.join(missing)}")
        try:
            return cls(**table, name=name)  # type: ignore[call-arg]  # a dataclass with the field `name`
        except FieldError as error:
            raise wrong(where, lines, error.field, unnamed(name, error)) from None
        except InputError as error:
            raise InputError(f"{where}: {unnamed(name, error)}") from None

    @classmethod
    def from_text(cls, text: str, where: str, name: str) -> Self | None:
        """A system from the text of a file with one of `endings`; None where it is of another kind with that ending."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """A JSON object from which `from_json` rebuilds an equal system: `kind`, and by default the fields."""
        return {"kind": self.kind, "name": self.name} | {f.name: plain(getattr(self, f.name)) for f in _fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{key: value for key, value in data.items() if key != "kind"})

    @cached_property
    def hash(self) -> str:
        """SHA-256 (first 24 hex digits) of what defines the system; name and notes are left out."""
        data = {key: value for key, value in self.to_json().items() if key not in ("name", "notes")}
        return hashlib.sha256(_encoded(data).encode()).hexdigest()[:24]

    # --- what is asked of it ------------------------------------------------------------------------------------------

    @property
    def n_parts(self) -> int:
        """How many parts it has."""
        return 0

    @property
    def axes(self) -> Mapping[str, int]:
        """Axes that its properties may have, and their lengths: by default `parts`."""
        return {self.parts: self.n_parts} if self.parts else {}

    @property
    def part_labels(self) -> Sequence[str]:
        """What each of its parts is called (`O1`, `H2`); empty where they have no labels."""
        return ()

    @property
    def part_positions(self) -> np.ndarray | None:
        """(n_parts, 3) where its parts are, None where that has no meaning."""
        return None

    @property
    def composition(self) -> Mapping[str, float]:
        """What must cancel in the stoichiometry of a difference: the nuclei by element; empty: nothing need."""
        return {}

    def fragment(self, number: int | Sequence[int], ghosts: bool) -> System:
        """Fragment `number` (from 1), or several together, alone or with what stands for the others (counterpoise)."""
        raise InputError(f"{self.name or self.kind} has no fragments")

    def fragment_composition(self, numbers: Sequence[int]) -> Mapping[str, float]:
        """`composition` of these fragments (from 1) together."""
        return self.fragment(numbers, ghosts=False).composition

    def fragment_in(self, numbers: Sequence[int], basis: Sequence[int]) -> System:
        """Fragments `numbers` (from 1) with the centres of those of the fragments `basis` that are others as ghosts."""
        raise InputError(f"{self.name or self.kind}: bsse vmfc is for molecules with fragments")

    def oddities(self) -> Iterable[str]:
        """What is possible, but most probably a mistake: `qmbench lint` says it of systems that are on no curve."""
        return ()

    def describe(self) -> str:
        """The system in one line."""
        fields = ((f.name, getattr(self, f.name)) for f in _fields(self))
        return ", ".join(f"{key} {_words(value)}" for key, value in fields if value not in ((), "", None))

    def figure(self) -> str | None:
        """A picture of it: the text of an SVG file; None where there is none."""
        return None

    # --- for the conformance kit --------------------------------------------------------------------------------------

    @classmethod
    def samples(cls) -> Sequence[System]:
        """Small systems of this kind that a method may be tried on, the most telling first."""
        return ()

    def variants(self) -> Iterable[tuple[str, System]]:
        """(field, the same system with that field changed) for every field that must change the numbers."""
        return ()

    @classmethod
    def checks(cls) -> Mapping[str, KindCheck]:
        """name -> what every method for this kind is held to; by default KIND_fields_used, made of `variants`."""
        sentence = "Every field of the system changes the number, or is refused: none is ignored."
        return {f"{cls.kind}_fields_used": KindCheck(sentence, field_changes)}


def wrong(where: str, lines: Mapping[str, int], key: str, message: str) -> InputError:
    """An error about the key `key` of a table: with its line, where that is known."""
    return InputError(f"{where}{f', line {lines[key]}' if key in lines else ''}: {message}")


def unnamed(name: str, error: Exception) -> str:
    """The message without the system's name in front of it, which the file's name makes superfluous."""
    return str(error).removeprefix(f"{name}: ").removeprefix(f"{name}, ")


def plain(value: Any) -> Any:
    """`value` as JSON can say it: tuples and arrays become lists."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return [plain(v) for v in value] if isinstance(value, tuple | list) else value


def field_changes(system: System) -> Iterable[Change]:
    """The variants of a system, each of which must give other numbers."""
    for name, other in system.variants():
        yield Change(f"another '{name}'", other)


def _fields(system: Any) -> list[dataclasses.Field]:
    return [f for f in dataclasses.fields(system) if f.name not in ("name", "notes") and f.init]


def _required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _words(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_words, value)) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
