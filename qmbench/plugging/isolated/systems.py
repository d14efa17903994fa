"""Kinds of system of isolated plugins, as the rest of qmbench sees them.

The class lives in the plugin's interpreter. Here stands one that keeps a system's JSON and asks the companion what only
the plugin can tell: how a table or a file reads, and what a system has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self, cast

import numpy as np

from qmbench.domain.systems import System

TOLD = ("formula", "n_electrons", "multiplicity")
"""What a kind of system may have beyond what `System` says, and `qmbench list systems` shows."""


@dataclass(frozen=True)
class IsolatedSystem(System):
    """Base of all proxies. document: the system's JSON without its name, as text."""

    document: str
    name: str = field(default="", compare=False)
    ask: ClassVar[Callable[..., Any]]
    example_documents: ClassVar[Sequence[Mapping[str, Any]]] = ()

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Self:
        kept = {key: value for key, value in data.items() if key != "name"}
        return cls(json.dumps(kept, sort_keys=True), data.get("name", ""))

    @classmethod
    def from_table(cls, table: Mapping[str, Any], where: str, name: str, lines: Mapping[str, int]) -> Self:
        """As the plugin's own."""
        plain = json.loads(json.dumps(dict(table), default=str))  # a date is no value of any field
        told = cls.ask("system_from_table", kind=cls.kind, table=plain, where=where, name=name, lines=dict(lines))
        return cls._of(told)

    @classmethod
    def from_text(cls, text: str, where: str, name: str) -> Self | None:
        """As the plugin's own."""
        data = cls.ask("system_from_text", kind=cls.kind, text=text, where=where, name=name)
        return None if data is None else cls._of(data)

    def to_json(self) -> dict[str, Any]:
        return {**json.loads(self.document), "name": self.name}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """As the plugin's own, which checks it."""
        return cls._of(cls.ask("system_from_stored", data=dict(data)))

    @cached_property
    def _facts(self) -> Mapping[str, Any]:
        facts: Mapping[str, Any] = type(self).ask("system_facts", data=self.to_json())
        return facts

    @property
    def fragments(self) -> Sequence[Any]:  # type: ignore[override]
        return range(1, self._facts["fragments"] + 1)

    @property
    def n_parts(self) -> int:
        return int(self._facts["n_parts"])

    @property
    def axes(self) -> Mapping[str, int]:
        return dict(self._facts["axes"])

    @property
    def part_labels(self) -> Sequence[str]:
        return list(self._facts["part_labels"])

    @property
    def part_positions(self) -> np.ndarray | None:
        places = self._facts["part_positions"]
        return None if places is None else np.asarray(places, dtype=float)

    @property
    def composition(self) -> Mapping[str, float]:
        return dict(self._facts["composition"])

    def fragment(self, number: int | Sequence[int], ghosts: bool) -> Self:
        """As the plugin's own."""
        which = number if isinstance(number, int) else list(number)
        return self._of(type(self).ask("system_fragment", data=self.to_json(), number=which, ghosts=ghosts))

    def oddities(self) -> Iterable[str]:
        return list(self._facts["oddities"])

    def describe(self) -> str:
        return str(self._facts["description"])

    def figure(self) -> str | None:
        picture: str | None = type(self).ask("system_figure", data=self.to_json())
        return picture

    @classmethod
    def samples(cls) -> Sequence[System]:
        return [cls._of(data) for data in cls.example_documents]

    def __getattr__(self, name: str) -> Any:
        if name in TOLD and name in self._facts["more"]:
            return self._facts["more"][name]
        raise AttributeError(f"{type(self).__name__} has no '{name}'")


class ByName(type):
    """A kind of system of which only the word is known: of another plugin than the one that names it."""

    def __instancecheck__(cls, system: Any) -> bool:
        return getattr(system, "kind", None) == cls.kind  # type: ignore[attr-defined]


def by_name(kind: str) -> type[System]:
    """A class that every system of that kind is an instance of."""
    return cast("type[System]", ByName(kind, (System,), {"kind": kind}))


def kind_class(described: Mapping[str, Any], ask: Callable[..., Any], module: str) -> type[System]:
    """The class that stands for a kind of system that an isolated plugin described."""
    attributes = {
        **{key: described[key] for key in ("kind", "table_kind", "energy_unit", "parts")},
        "endings": tuple(described["endings"]),
        "units": {unit: (what, size) for unit, (what, size) in described["units"].items()},
        "example_documents": tuple(described["samples"]),
        "ask": staticmethod(ask),
        "__doc__": described["docstring"],
        "__module__": module,
    }
    return dataclass(frozen=True)(type(described["class"], (IsolatedSystem,), attributes))


# --- the other half: what the companion answers ---------------------------------------------------------------------


def describe_kind(kind: type[System]) -> dict[str, Any]:
    """Everything about a kind of system that can be said without one."""
    return {
        "class": kind.__name__,
        "docstring": kind.__doc__ or "",
        **{key: getattr(kind, key) for key in ("kind", "table_kind", "energy_unit", "parts")},
        "endings": list(kind.endings),
        "units": {unit: list(meaning) for unit, meaning in kind.units.items()},
        "samples": [system.to_json() for system in kind.samples()],
    }


def facts(system: System) -> dict[str, Any]:
    """What a system has, as JSON."""
    places = system.part_positions
    return {
        "fragments": len(system.fragments),
        "n_parts": system.n_parts,
        "axes": dict(system.axes),
        "part_labels": list(system.part_labels),
        "part_positions": None if places is None else np.asarray(places).tolist(),
        "composition": dict(system.composition),
        "oddities": list(system.oddities()),
        "description": system.describe(),
        "more": {name: getattr(system, name) for name in TOLD if hasattr(system, name)},
    }
