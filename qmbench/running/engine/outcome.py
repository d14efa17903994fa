"""What a child makes of one task, and the two JSON documents that pass between it and its supervisor."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qmbench.domain.errors import ResourceError
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Failure, Status, Task
from qmbench.domain.resources import Resources
from qmbench.plugging.isolated.place import interpreter


@dataclass(frozen=True)
class Outcome:
    """How one task ended.

    properties: {name: quantity}, everything the task asked for when `ok`, else empty. failure is None exactly
    when `ok`. started: UTC time in ISO 8601. settings, warnings, training_overlap and explanation are those of the
    method's `Result`, the last two as JSON.
    """

    status: Status
    failure: Failure | None = None
    properties: Mapping[str, Quantity] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    cost: Cost | None = None
    started: str = ""
    training_overlap: Mapping[str, Any] | None = None
    explanation: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "failure": self.failure.to_json() if self.failure else None,
            "properties": {name: quantity.to_json() for name, quantity in self.properties.items()},
            "settings": dict(self.settings),
            "warnings": list(self.warnings),
            "cost": self.cost.to_json() if self.cost else None,
            "started": self.started,
            "training_overlap": self.training_overlap,
            "explanation": self.explanation,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """The inverse of `to_json`."""
        return cls(
            status=data["status"],
            failure=Failure(**data["failure"]) if data["failure"] else None,
            properties={name: Quantity.from_json(quantity) for name, quantity in data["properties"].items()},
            settings=data["settings"],
            warnings=tuple(data["warnings"]),
            cost=Cost(**data["cost"]) if data["cost"] else None,
            started=data["started"],
            training_overlap=data["training_overlap"],
            explanation=data["explanation"],
        )


def task_document(task: Task, resources: Resources) -> dict[str, Any]:
    """What a child is given. The keys travel along so that it can refuse to compute something else."""
    return {
        "system": task.system.to_json(),
        "level": str(task.level),
        "isolated": task.level.isolated,
        "properties": list(task.properties),
        "keys": task.keys,
        "resources": {
            "cores": resources.cores,
            "memory_gib": resources.memory_gib,
            "time_s": resources.time_s,
            "artifacts": str(resources.artifacts.resolve()) if resources.artifacts else None,
        },
    }


def plugin_of(task: Task) -> str:
    """The plugin whose child computes this task."""
    return task.level.plugin or task.level.method.__module__.partition(".")[0]


def interpreter_for(document: Mapping[str, Any], plugin: str) -> str:
    """The interpreter whose child computes a task document here; ResourceError when there is none."""
    return interpreter(plugin) if document["isolated"] else sys.executable


def never_started(error: ResourceError) -> Outcome:
    """The outcome of a task for which no child could be started; the next run tries it again."""
    return Outcome("failed", Failure("error", str(error)), cost=Cost(0.0, 0.0, 0.0))


def resources_from(document: Mapping[str, Any], scratch: Path) -> Resources:
    """The resources of a task document, with `scratch` on the machine where it runs."""
    given = dict(document["resources"])
    artifacts = given.pop("artifacts")
    return Resources(**given, scratch=scratch, artifacts=Path(artifacts) if artifacts else None)
