"""What one task gave: a record per property, with status, settings, provenance and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from qmbench.domain.method import LevelOfTheory
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems import System

CODE_DIGITS = 12
"""Of the digest of a level's code, where it is printed for people."""

KEY_DIGITS = 12
"""Of a record's key, where it is printed for people: two records of one store hardly share them."""

WARNED = "!"
"""Beside a result that a method warned of."""

Status = Literal["ok", "failed", "unsupported"]


@dataclass(frozen=True)
class Failure:
    """Why a record is not `ok`. kind: input, not_converged, timeout, memory, crash, error or unsupported."""

    kind: str
    message: str
    log_tail: str = ""

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "message": self.message, "log_tail": self.log_tail}


@dataclass(frozen=True)
class Cost:
    """What the task took. wall_s and cpu_s of the whole task; peak_memory_mib of its process tree."""

    wall_s: float
    cpu_s: float
    peak_memory_mib: float
    cores: int = 1

    def to_json(self) -> dict[str, float]:
        return {
            "wall_s": self.wall_s,
            "cpu_s": self.cpu_s,
            "peak_memory_mib": self.peak_memory_mib,
            "cores": self.cores,
        }


@dataclass(frozen=True)
class Record:
    """The stored outcome of one property of one system at one level of theory.

    level: canonical string. provenance: versions, resolved settings, warnings, when. A record whose failure
    is of the machine's making (timeout, memory, crash, error) is tried again by the next run; others stand.
    """

    key: str
    level: str
    system_name: str
    system_hash: str
    prop: str
    status: Status
    quantity: Quantity | None = None
    failure: Failure | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost | None = None

    @property
    def final(self) -> bool:
        """Whether running it again could not change anything."""
        return self.status != "failed" or (self.failure is not None and self.failure.kind in ("input", "not_converged"))

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "level": self.level,
            "system_name": self.system_name,
            "system_hash": self.system_hash,
            "property": self.prop,
            "status": self.status,
            "quantity": self.quantity.to_json() if self.quantity else None,
            "failure": self.failure.to_json() if self.failure else None,
            "provenance": dict(self.provenance),
            "cost": self.cost.to_json() if self.cost else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Record:
        """The inverse of `to_json`."""
        fields = dict(data)
        fields["prop"] = fields.pop("property")
        fields["quantity"] = Quantity.from_json(fields["quantity"]) if fields.get("quantity") else None
        fields["failure"] = Failure(**fields["failure"]) if fields.get("failure") else None
        fields["cost"] = Cost(**fields["cost"]) if fields.get("cost") else None
        return cls(**fields)


@dataclass(frozen=True)
class Task:
    """One system, one level, the properties wanted of it: what a child process is given.

    memory_mib: what it is expected to take at most, where somebody has an idea; for engines, no part of what it is.
    """

    system: System
    level: LevelOfTheory
    properties: tuple[str, ...]
    memory_mib: float | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of_one(cls, system: System, level: LevelOfTheory, prop: str, key: str) -> Task:
        """The task of one property whose record's key is known already."""
        task = cls(system, level, (prop,))
        object.__setattr__(task, "keys", {prop: key})  # where cached_property keeps it
        return task

    @cached_property
    def keys(self) -> dict[str, str]:
        """property -> record key."""
        return {prop: self.level.key(self.system, prop) for prop in self.properties}
