"""Methods and levels of theory of isolated plugins, as the rest of qmbench sees them: like any other.

What the description holds is answered from it. What only the plugin can tell (how a level of theory reads, what
it refuses, how long it takes) is asked of its companion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pydantic
import pydantic_core

from qmbench.domain.errors import InputError
from qmbench.domain.families import MethodFamily
from qmbench.domain.formulas import Place, Term
from qmbench.domain.learned import Explanation, TrainingOverlap
from qmbench.domain.method import Code, LevelOfTheory, Method, Options, Result
from qmbench.domain.observables import Observable
from qmbench.domain.properties import Property
from qmbench.domain.quantity import Quantity
from qmbench.domain.resources import Resources
from qmbench.domain.systems import CORE_KINDS, System
from qmbench.plugging.hookspecs import hookimpl
from qmbench.plugging.isolated import place
from qmbench.plugging.isolated.client import Companion, companion
from qmbench.plugging.isolated.editable import current
from qmbench.plugging.isolated.systems import by_name, kind_class


class IsolatedOptions(Options):
    """Options as the plugin resolved them: JSON values under the plugin's names."""

    model_config = pydantic.ConfigDict(extra="allow")  # those of `OpenOptions`; the plugin has checked them

    json_schema: ClassVar[Mapping[str, Any]] = {}
    _level: str = pydantic.PrivateAttr("")

    @classmethod
    def model_json_schema(cls, *arguments: Any, **more: Any) -> dict[str, Any]:
        """The schema that the plugin's own options have."""
        return dict(cls.json_schema) or super().model_json_schema(*arguments, **more)


class IsolatedMethod(Method):
    """Base of all proxies. `described` and `isolated` are what it is made from."""

    described: ClassVar[Mapping[str, Any]]
    isolated: ClassVar[IsolatedPlugin]

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._level = options._level or str(LevelOfTheory(type(self), options))

    def check_system(self, system: System, properties: frozenset[str]) -> None:
        """As the plugin's own."""
        self._ask("check", system, properties)

    def compute(self, system: System, properties: frozenset[str], resources: Resources) -> Result:
        """As the plugin's own `compute`, in its companion; the engines compute in supervised children instead."""
        folders = {"scratch": str(resources.scratch), "artifacts": str(resources.artifacts or "")}
        limits = {"cores": resources.cores, "memory_gib": resources.memory_gib, "time_s": resources.time_s}
        answer = self._ask("compute", system, properties, keep=False, resources={**limits, **folders})
        quantities = {name: Quantity.from_json(data) for name, data in answer["properties"].items()}
        overlap, explanation = answer.get("training_overlap"), answer.get("explanation")
        return Result(
            quantities,
            answer["settings"],
            tuple(answer["warnings"]),
            TrainingOverlap(**overlap) if overlap else None,
            Explanation(**explanation) if explanation else None,
        )

    def estimate(self, system: System, properties: frozenset[str]) -> float | None:
        """As the plugin's own `estimate`."""
        if not self.described["estimates"]:
            return None
        seconds: float | None = self._ask("estimate", system, properties)
        return seconds

    def estimate_memory(self, system: System, properties: frozenset[str]) -> float | None:
        """As the plugin's own `estimate_memory`."""
        if not self.described.get("estimates_memory"):  # of an older qmbench, say
            return None
        mib: float | None = self._ask("estimate_memory", system, properties)
        return mib

    def removed_electrons(self, system: System) -> int:
        """As the plugin's own `removed_electrons`."""
        if not self.described["removes_electrons"]:
            return 0
        return int(self.isolated.ask("removed_electrons", level=self._level, system=system.to_json()))

    def families(self) -> dict[str, str]:
        """As the plugin's own `families`."""
        return dict(self.isolated.ask("families", level=self._level))

    def claims(self) -> str:
        """As the plugin's own `claims`; nothing where its environment has a qmbench that does not know the word."""
        return str(self.isolated.ask("level", text=self._level).get("claims", "")) if self.claim else ""

    def is_stochastic(self) -> bool:
        """Whether this level gives other numbers for other seeds, as the plugin says of it."""
        return bool(self.isolated.ask("level", text=self._level)["stochastic"])

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        """The systems that the plugin states."""
        kinds = cls.isolated.kinds
        told = [data for data in cls.described["example_systems"] if data["kind"] in kinds]
        return [kinds[data["kind"]].from_json(data) for data in told]

    def _ask(self, what: str, system: System, properties: frozenset[str], **more: Any) -> Any:
        return self.isolated.ask(
            what, level=self._level, system=system.to_json(), properties=sorted(properties), **more
        )


@dataclass(frozen=True)
class IsolatedLevel(LevelOfTheory):
    """A level of theory as the isolated plugin reads it: spelling and identity are those of its own interpreter."""

    isolated: ClassVar[bool] = True
    text: str = ""
    told: Mapping[str, Any] = field(default_factory=dict, compare=False)

    __hash__ = LevelOfTheory.__hash__

    @cached_property
    def spelling(self) -> str:
        """As the plugin writes it."""
        return self.text

    @property
    def label(self) -> str:
        """As the plugin says it."""
        return str(self.told.get("label") or "")

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything about the level that a record's key depends on."""
        return dict(self.told["identity"])

    @property
    def derivation(self) -> dict[str, str]:
        """As its own interpreter derives properties."""
        return dict(self.told.get("derivation") or super().derivation)

    @cached_property
    def code(self) -> Code:
        """The code that computes it, as its own interpreter finds it."""
        return Code(self.told["identity"]["code"], tuple(self.told["files"]))

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of what is installed in its environment."""
        return dict(self.told["versions"])


@dataclass(frozen=True)
class RemoteFormula:
    """A function of an observable that lives in the interpreter of an isolated plugin."""

    plugin: IsolatedPlugin
    observable: str

    def __call__(self, terms: Sequence[Term], place: Place) -> float:
        told = [
            {
                "coefficient": t.coefficient,
                "quantity": Quantity(t.value, "").to_json(),
                "name": t.name,
                "system": t.system.to_json() if t.system else None,
            }
            for t in terms
        ]
        return float(self.plugin.ask("formula", observable=self.observable, terms=told, place=asdict(place)))


class IsolatedPlugin:
    """What stands for the module of an isolated plugin: it answers the hooks."""

    def __init__(self, home: place.Isolated, name: str) -> None:
        self.home, self.name = home, name
        self.data = home.plugins[name]
        self.QMBENCH_API = self.data["api"]
        self._known: dict[str, type[IsolatedMethod]] = {}
        kinds = [kind_class(told, self.ask, home.distribution) for told in self.data.get("systems", ())]
        self.kinds: dict[str, type[System]] = {kind.kind: kind for kind in (*CORE_KINDS, *kinds)}

    @property
    def companion(self) -> Companion:
        """The process that speaks for it."""
        return companion(str(self.home.python), self.name)

    def ask(self, what: str, **arguments: Any) -> Any:
        """Ask its companion."""
        return self.companion.ask(what, **arguments)

    @hookimpl
    def qmbench_methods(self) -> Iterable[type[Method]]:
        """The methods that it described."""
        return [self.proxy(described) for described in self.data["methods"]]

    @hookimpl
    def qmbench_systems(self) -> Iterable[type[System]]:
        """The kinds of system that it described."""
        return [self.kinds[told["kind"]] for told in self.data.get("systems", ())]

    @hookimpl
    def qmbench_properties(self) -> Iterable[Property]:
        """The properties that it described."""
        return [
            Property(**{**row, "shape": tuple(row["shape"]) if isinstance(row["shape"], list) else row["shape"]})
            for row in self.data["properties"]
        ]

    @hookimpl
    def qmbench_units(self) -> Mapping[str, tuple[str, float]]:
        """The units that it described."""
        return {unit: (dimension, size) for unit, (dimension, size) in self.data.get("units", {}).items()}

    @hookimpl
    def qmbench_observables(self) -> Iterable[Observable]:
        """The observables that it described."""
        made = []
        for row in self.data["observables"]:
            fields = {name: value for name, value in row.items() if name != "remote"}
            if row.get("remote"):
                fields["how"] = RemoteFormula(self, row["name"])
            made.append(Observable(**fields))
        return made

    @hookimpl
    def qmbench_benchmarks(self) -> Iterable[Path]:
        """The folders with the benchmarks that it ships."""
        return [Path(folder) for folder in self.data["benchmarks"]]

    @hookimpl
    def qmbench_method_families(self) -> Iterable[MethodFamily]:
        """The families with a prefix that it described."""
        return [MethodFamily(**row) for row in self.data.get("families", ())]

    @hookimpl
    def qmbench_resolve_method(self, name: str) -> type[Method] | None:
        """The method of an open family, if the plugin has such a family and the name is in it."""
        if not self.data["resolves"]:
            return None
        described = self.ask("resolve", plugin=self.name, name=name)
        return None if described is None else self.proxy(described)

    def level(self, text: str) -> IsolatedLevel:
        """A level of theory, read by the plugin."""
        told = self.ask("level", text=text)
        method = self.proxy(told["method"])
        options = method.Options.model_construct(**told["identity"]["options"])
        options._level = told["level"]  # type: ignore[attr-defined]
        return IsolatedLevel(method, options, self.home.distribution, text=told["level"], told=told)

    def level_of_values(self, method: str, options: Mapping[str, Any]) -> IsolatedLevel:
        """A level of theory from the values of its options, which must be such as JSON can say."""
        return self.level(self.ask("spelling", method=method, options=pydantic_core.to_jsonable_python(dict(options))))

    def proxy(self, described: Mapping[str, Any]) -> type[IsolatedMethod]:
        """The method that a description is of."""
        name = described["name"]
        if name not in self._known:
            versions = {**described, "versions": self.home.versions(*described["distributions"])}
            self._known[name] = _method_class(versions, self)
        return self._known[name]


def _method_class(described: Mapping[str, Any], plugin: IsolatedPlugin) -> type[IsolatedMethod]:
    fields: dict[str, Any] = {
        name: (Any, pydantic.Field(... if option["required"] else option["default"], description=option["description"]))
        for name, option in described["options"].items()
    }
    options = pydantic.create_model("Options", __base__=IsolatedOptions, **fields)
    options.json_schema = described["schema"] or {}
    attributes = {
        "__doc__": described["docstring"],
        "__module__": plugin.home.distribution,
        "name": described["name"],
        "systems": tuple(plugin.kinds.get(kind) or by_name(kind) for kind in described["systems"]),
        "properties": frozenset(described["properties"]),
        "Options": options,
        "distributions": tuple(described["distributions"]),
        "citations": tuple(described["citations"]),
        "stochastic": described["stochastic"],
        "claim": described.get("claim", ""),
        "own_basis": described.get("own_basis", ""),
        "energy_zero": described.get("energy_zero", "absolute"),
        "examples": tuple(described["examples"]),
        "tolerances": dict(described["tolerances"]),
        "described": described,
        "isolated": plugin,
    }
    return type(described["class"], (IsolatedMethod,), attributes)


@dataclass(frozen=True)
class IsolatedPoint:
    """An isolated plugin in the shape of an entry point, for discovery."""

    name: str
    home: place.Isolated
    broken: str = ""  # why its source does not load now
    isolated: ClassVar[bool] = True

    @property
    def dist(self) -> Any:
        """Its distribution's name and version."""
        return SimpleNamespace(name=self.home.distribution, version=self.home.version)

    def load(self) -> IsolatedPlugin:
        """What stands for its module; InputError, with the command that mends it, when it can't be used."""
        if problem := self.broken or self.home.problem():
            raise InputError(problem)
        return IsolatedPlugin(self.home, self.name)


def isolated_points() -> list[IsolatedPoint]:
    """All isolated plugins of this installation; a distribution that can't be read counts as one."""
    homes = map(current, place.installed())
    return [IsolatedPoint(name, home, why) for home, why in homes for name in home.plugins or {home.file.stem: {}}]
