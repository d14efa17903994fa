"""What a method is: a name, the systems and properties it does, its options, and `compute`.

This page is the whole contract of a method plugin. Levels of theory (`METHOD[/BASIS][?option=value&…]`) are
parsed here; which method a name stands for is the plugin manager's business.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, get_args, get_origin
from urllib.parse import quote, unquote

import pydantic

from qmbench.domain.errors import InputError, Unsupported, did_you_mean
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems import System


PLUGIN_GROUP = "qmbench"
"""The group of the entry points by which plugins are found."""


class Options(pydantic.BaseModel):
    """Base of a method's options: everything that changes the number. Each needs a description or an obvious name.

    A field `basis` (str, or str | None) is what is written behind the slash of a level of theory.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Resources:
    """What a task may use; none of it changes the number, so none of it is in a record's key.

    cores: threads. memory_gib, time_s: limits, None when unlimited. scratch: a folder that is emptied after
    the task. artifacts: folder of shared intermediates (None: a private temporary one).
    """

    cores: int = 1
    memory_gib: float | None = None
    time_s: float | None = None
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    artifacts: Path | None = None

    def artifact(self, key: str, write: Callable[[Path], None]) -> Path:
        """The file of the shared intermediate `key`, made by `write(path)` if it is not there yet.

        key: anything that says everything the content depends on (it is hashed). Concurrent tasks that want
        one key wait for the first to make it; the file appears by atomic rename. If `write` raises, nothing
        is kept and the error passes through.
        """
        folder = self.artifacts or _private_artifacts()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _hashed(key)
        with _locked(path.with_suffix(".lock")):
            if not path.exists():
                handle, temporary = tempfile.mkstemp(dir=folder, prefix=".making-")
                os.close(handle)
                try:
                    write(Path(temporary))
                    os.replace(temporary, path)
                finally:
                    Path(temporary).unlink(missing_ok=True)
        return path

    @contextlib.contextmanager
    def checkpoint(self, key: str) -> Iterator[Path]:
        """A folder of your own that outlives the task: what a later task with the same `key` goes on from.

        For long work that may be stopped (a time limit, Ctrl-C, a target not reached). key: everything the content
        depends on, and nothing that a later task may ask for differently (a smaller error, say). The folder lies
        beside the artifacts and is locked: a second task with this key waits. It may be deleted at any time by the
        user, and what is in it may be the work of a killed process, so write by atomic rename. A record must be the
        same whether the checkpoint was there or not. Delete what is no longer of use.
        """
        artifacts = self.artifacts or _private_artifacts()
        name = artifacts.name.removesuffix("artifacts").removesuffix("-")
        folder = artifacts.with_name(f"{name}-checkpoints" if name else "checkpoints") / _hashed(key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.with_suffix(".lock")):
            folder.mkdir(exist_ok=True)
            yield folder


@dataclass(frozen=True)
class Result:
    """What `compute` returns: the properties asked for, and the settings as the program resolved them.

    settings: JSON-ready facts worth keeping in the record (grid, number of basis functions, ⟨S²⟩, seeds …).
    warnings: one line each, shown to the user and kept.
    """

    properties: Mapping[str, Quantity]
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


class Method(ABC):
    """A way of doing quantum mechanics. Subclass it, fill the class attributes, write `compute`.

    The docstring's first line is what `qmbench list methods` shows; it should name the method's source.
    """

    name: ClassVar[str]
    systems: ClassVar[tuple[type[System], ...]]
    properties: ClassVar[frozenset[str]]
    Options: ClassVar[type[Options]] = Options
    # Installed distributions whose versions can change the number; they are part of a record's key.
    distributions: ClassVar[tuple[str, ...]] = ()
    # DOIs or short citations, shown by `qmbench show`.
    citations: ClassVar[tuple[str, ...]] = ()
    # True when two runs with different seeds give different numbers (then each carries its uncertainty). Where that
    # depends on the options, extend `is_stochastic`.
    stochastic: ClassVar[bool] = False
    # Cheap levels of theory, as one writes them ("hf/sto-3g"): shown by `qmbench show` and computed by the
    # conformance kit. Empty: the name alone, or with sto-3g where there is a basis.
    examples: ClassVar[tuple[str, ...]] = ()
    # The basis set that it always computes in, where none is written behind the slash. Its interaction energies have a
    # superposition error then, so that counterpoise is a choice as for any method with an option `basis`.
    own_basis: ClassVar[str] = ""
    # Files of the plugin's package whose content can change the number, as patterns relative to it ("data/*.csv"). None:
    # those that texts in its code name, and where no text tells which, all that it may open.
    data_files: ClassVar[tuple[str, ...] | None] = None
    # property -> how far it may move (in the property's unit) when the molecule is shifted, turned or its atoms
    # are renumbered. State it where a grid breaks the symmetry; the conformance kit holds the method to it.
    tolerances: ClassVar[Mapping[str, float]] = {}

    def __init__(self, options: Any) -> None:
        self.options = options

    def check(self, system: System, properties: frozenset[str]) -> None:
        """Refuse cheaply, before anything runs: raise Unsupported or InputError with the reason.

        Called while planning, so it imports no quantum-chemistry program. Extend it; the base checks the
        declared systems and properties.
        """
        if not isinstance(system, self.systems):
            kinds = ", ".join(s.kind for s in self.systems)
            raise Unsupported(f"{self.name} does not do {system.kind} systems; it does: {kinds}")
        missing = sorted(properties - self.properties)
        if missing:
            raise Unsupported(
                f"{self.name} does not give {', '.join(missing)}; it gives: {', '.join(sorted(self.properties))}"
            )

    @abstractmethod
    def compute(self, system: System, properties: frozenset[str], resources: Resources) -> Result:
        """The `properties` of `system`. Raises NotConverged, InputError, Unsupported or ResourceError."""

    def removed_electrons(self, system: System) -> int:
        """Core electrons of `system` that pseudopotentials stand for, so that they are not in the energy.

        Where it is not 0, total energies are another quantity than all-electron ones, and the core does not compare
        them; differences in which the cores cancel are fine. Cheap: it is asked while planning.
        """
        return 0

    def estimate(self, system: System, properties: frozenset[str]) -> float | None:
        """Rough seconds on one core, for the dry run and for starting long tasks first; None when unknown."""
        return None

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        """Cheap systems that the conformance kit may compute; empty where its own (water, OH, He, a ring) will do."""
        return ()

    def is_stochastic(self) -> bool:
        """Whether the numbers of this level, with its options, carry sampling noise; by default the class's flag."""
        return self.stochastic

    def families(self) -> dict[str, str]:
        """What this level shares with others, so that their agreement is not counted as independent.

        For example {"program": "pyscf", "reference": "hf/cc-pvdz", "functional": "pbe"}.
        """
        return {}


@dataclass(frozen=True)
class Code:
    """What computes. digest: 32 hex digits. files: where it is written, such as `qmbench_mbd/methods.py`, by name."""

    digest: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class LevelOfTheory:
    """A method with all its options resolved. `str()` gives the one canonical spelling."""

    method: type[Method]
    options: Options
    plugin: str = ""
    # What tells which code is behind the method: `plugging.fingerprint`, set where levels are parsed.
    code_of: Callable[[Any], Code] = field(default=lambda method: Code(""), compare=False, repr=False)
    # Whether the plugin lives in an environment of its own, whose interpreter then computes.
    isolated: ClassVar[bool] = False

    def __str__(self) -> str:
        fields = type(self.options).model_fields
        text = self.method.name
        basis = getattr(self.options, "basis", None)
        if basis is not None:
            text += f"/{basis}"
        parts = []
        for name in sorted(fields):
            value = getattr(self.options, name)
            if name != "basis" and value != fields[name].default:
                parts.append(f"{name}={_option_text(value)}")
        return text + ("?" + "&".join(parts) if parts else "")

    @property
    def has_basis(self) -> bool:
        """Whether there is a basis set, so that interaction energies have a superposition error."""
        return bool(getattr(self.options, "basis", None) or self.method.own_basis)

    def make(self) -> Method:
        """The method, ready to compute."""
        return self.method(self.options)

    @cached_property
    def code(self) -> Code:
        """The plugin's code that computes this level."""
        return self.code_of(self.method)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything about the level that a record's key depends on: of plugins the code, of programs the version."""
        driven = [name for name in self.method.distributions if name != self.plugin and not _is_plugin(name)]
        return {
            "method": self.method.name,
            "options": self.options.model_dump(mode="json"),
            "versions": versions(*driven),
            "code": self.code.digest,
        }

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of the plugin and of all that it uses, as a record tells them."""
        return versions(self.plugin, *self.method.distributions)

    def key(self, system: System, prop: str) -> str:
        """The key of the record of `prop` of `system` at this level: 32 hex digits."""
        data = {"system": system.hash, "level": self.identity, "property": prop}
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class LevelText:
    """The parts of a level of theory as written."""

    method: str
    basis: str | None
    options: tuple[tuple[str, str], ...]


def split_level(text: str) -> LevelText:
    """Split `METHOD[/BASIS][?option=value&…]`; method and basis names are lower-cased.

    In a value, %26 stands for & and so on, as in web addresses; hardly any value needs it.
    """
    text = " ".join(text.split())  # an error must fit on one line
    head, question, query = text.partition("?")
    method, slash, basis = head.partition("/")
    if not method or (slash and not basis) or (question and not query):
        raise InputError(f"'{text}' is not a level of theory; write METHOD[/BASIS][?option=value&option=value]")
    if len(head.split()) > 1:
        raise InputError(f"'{text}': the names of methods and basis sets have no blanks")
    options: list[tuple[str, str]] = []
    for part in query.split("&") if query else []:
        name, equals, value = part.partition("=")
        if not equals or not name or not value:
            raise InputError(f"'{part}' in '{text}' is not option=value")
        if name in dict(options) or name == "basis":
            why = "the basis is written behind the slash" if name == "basis" else f"{name} given twice"
            raise InputError(f"'{text}': {why}")
        options.append((name, unquote(value)))
    return LevelText(method.lower(), basis.lower() or None, tuple(options))


def build_level(method: type[Method], text: LevelText, plugin: str = "") -> LevelOfTheory:
    """Resolve the options of `text` for `method`; InputError names a wrong option together with the right ones."""
    fields = method.Options.model_fields
    values: dict[str, Any] = dict(text.options)
    known = [name for name in fields if name != "basis"]
    for name in values:
        if name not in known:
            raise InputError(
                f"{method.name} has no option '{name}'{did_you_mean(name, known)}"
                + ("" if known else "; it has no options")
            )
    values = {name: _option_value(value, fields[name].annotation) for name, value in values.items()}
    if text.basis is not None:
        if "basis" not in fields:
            raise InputError(f"{method.name} takes no basis: write '{method.name}', not '{method.name}/{text.basis}'")
        values["basis"] = text.basis
    elif "basis" in fields and fields["basis"].is_required():
        raise InputError(f"{method.name} needs a basis: write '{method.name}/cc-pvdz', say")
    try:
        return LevelOfTheory(method, method.Options(**values), plugin)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        given = f", not '{dict(text.options)[where]}'" if where in dict(text.options) else ""
        raise InputError(f"{method.name}: {where + ': ' if where else ''}{message}{given}") from None


def versions(*distributions: str) -> dict[str, str]:
    """Installed versions of `distributions` (those that are not installed are left out)."""
    found = {}
    for name in distributions:
        with contextlib.suppress(metadata.PackageNotFoundError):
            if name:
                found[name] = metadata.version(name)
    return found


@lru_cache(maxsize=256)
def _is_plugin(distribution: str) -> bool:
    """Whether a distribution brings a plugin: then its code counts and not its version."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        points = metadata.distribution(distribution).entry_points
        return any(point.group == PLUGIN_GROUP for point in points)
    return False


def _option_text(value: Any) -> str:
    """`value` as it is written in a level of theory; `_option_value` and pydantic read it back."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ",".join(map(_option_text, value)) or "()"
    return repr(value) if isinstance(value, float) else quote(str(value), safe="!$'()*+,/:;=?@[]{}|^~<>")


def _option_value(text: str, annotation: Any) -> Any:
    """What the text of an option stands for: `none` where it may be None (and has no choice "none"), or a list."""
    kinds = {annotation, *get_args(annotation)}
    choices = {choice for kind in kinds for choice in get_args(kind)} | kinds
    if text.lower() == "none" and type(None) in kinds and "none" not in choices:
        return None
    if {get_origin(kind) or kind for kind in kinds} & {tuple, list}:
        return [] if text == "()" else text.split(",")
    return text


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


_private: tempfile.TemporaryDirectory[str] | None = None


def _private_artifacts() -> Path:
    global _private
    if _private is None:
        _private = tempfile.TemporaryDirectory(prefix="qmbench-")
    return Path(_private.name) / "artifacts"


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:40]
