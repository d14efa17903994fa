"""What a method is: a name, the systems and properties it does, its options, and `compute`.

This page is the whole contract of a method plugin. Levels of theory (`METHOD[/BASIS][?option=value&…]`) are
parsed here; which method a name stands for is the plugin manager's business.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib import metadata
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast, get_args, get_origin
from urllib.parse import unquote

import pydantic

from qmbench.domain import equilibrium
from qmbench.domain.errors import InputError, QmbenchError, Unsupported, did_you_mean
from qmbench.domain.families import split_head
from qmbench.domain.free_values import checked_free_value, free_value
from qmbench.domain.learned import Explanation, TrainingOverlap
from qmbench.domain.naming import level_label, spelling, values_of
from qmbench.domain.quantity import Quantity
from qmbench.domain.resources import Resources
from qmbench.domain.systems import Molecule, System

# Asked for every task of a plan. (Not where it is written: what is written there is in the keys of records.)
_derivable = lru_cache(maxsize=256)(equilibrium.derivable)

PLUGIN_GROUP = "qmbench"
"""The group of the entry points by which plugins are found."""


class Options(pydantic.BaseModel):
    """Base of a method's options: everything that changes the number. Each needs a description or an obvious name.

    A field `basis` (str, or str | None) is what is written behind the slash of a level of theory.
    """

    # Most of the methods that are found are not asked for, and what checks their options is not made for them.
    model_config = pydantic.ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False, defer_build=True
    )

    other_names: ClassVar[Mapping[str, str]] = {}
    """Names by which options of a level may be written as well, such as words of Python: {"from": "start"}."""

    def given(self) -> dict[str, Any]:
        """The values from which the same options are made again: of all fields and further names, nothing computed."""
        return values_of(self)

    def always_written(self) -> frozenset[str]:
        """Options that the canonical spelling writes even where the method resolves to their values without them.

        For a choice of physics whose default depends on another option, or has been another one. Extend it; none here.
        """
        return frozenset()

    def basis_varies(self) -> bool:
        """Whether the functions are not those of the basis set that the level names, but depend on the system.

        Such a level is no member of a family: it is not extrapolated, and what other levels tell of errors in the
        basis set of that name is not said of it. Extend it; False here.
        """
        return False


class OpenOptions(Options):
    """Options of a method that takes any other name as well, such as keywords of a program that it passes on.

    What is not declared is in `passed_on`, typed by how it is written (`domain.free_values`), always part of the
    spelling and of a record's key.
    """

    model_config = pydantic.ConfigDict(extra="allow")

    @property
    def passed_on(self) -> dict[str, Any]:
        """name -> value (types of JSON) of the options that are not declared, by name."""
        return dict(sorted((self.model_extra or {}).items()))


@dataclass(frozen=True)
class Result:
    """What `compute` returns: the properties asked for, and the settings as the program resolved them.

    settings: JSON-ready facts worth keeping in the record (grid, number of basis functions, ⟨S²⟩, seeds …).
    warnings: one line each, shown to the user and kept. training_overlap: what a learned method was trained on that
    this system is, or resembles; explanation: a small table of why the number is what it is. Both are optional.
    """

    properties: Mapping[str, Quantity]
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    training_overlap: TrainingOverlap | None = None
    explanation: Explanation | None = None


class BadResult(QmbenchError):
    """A method returned something that is not what it promised."""


S = TypeVar("S", bound=System)
"""The kind of system, or union of kinds, that a method does."""


class Method(ABC, Generic[S]):
    """A way of doing quantum mechanics. Subclass it, fill the class attributes, write `compute`.

    `class HartreeFock(Method[Molecule])` tells a type checker which systems `compute` is given.
    The docstring's first line is what `qmbench list methods` shows; it should name the method's source.
    """

    name: ClassVar[str]
    systems: ClassVar[tuple[type[System], ...]]
    properties: ClassVar[frozenset[str]]
    Options: ClassVar[type[Options]] = Options
    # Installed distributions whose versions can change the number; they are part of a record's key. Where that depends
    # on the options, extend `programs`.
    distributions: ClassVar[tuple[str, ...]] = ()
    # DOIs or short citations, shown by `qmbench show`.
    citations: ClassVar[tuple[str, ...]] = ()
    # True when two runs with different seeds give different numbers (then each carries its uncertainty). Where that
    # depends on the options, extend `is_stochastic`.
    stochastic: ClassVar[bool] = False
    # "reference" where the method is meant to give the answer itself up to its basis set and its stated uncertainty
    # (CCSD(T), diffusion Monte Carlo): reports then ask first whether such values agree with each other. A basis far
    # from its limit takes the claim away, unless it is one "in any basis"; see `claims`. "exact" claims the same where
    # nothing but the basis set is approximate (full configuration interaction): beside exact references, all of its
    # error is the basis set's.
    claim: ClassVar[Literal["", "reference", "reference in any basis", "exact"]] = ""
    # Cheap levels of theory, as one writes them ("hf/sto-3g"): shown by `qmbench show` and computed by the
    # conformance kit. Empty: the name alone, or with sto-3g where there is a basis.
    examples: ClassVar[tuple[str, ...]] = ()
    # The basis set that it always computes in, where none is written behind the slash. Its interaction energies have a
    # superposition error then, so that counterpoise is a choice as for any method with an option `basis`.
    own_basis: ClassVar[str] = ""
    # Where energy is counted from: `absolute`, nuclei and electrons infinitely far apart and at rest, as in every total
    # energy; `arbitrary`, the method's own zero (force fields, tight binding), so that an energy means something only
    # in differences with the same nuclei on both sides, and the core compares no others.
    energy_zero: ClassVar[Literal["absolute", "arbitrary"]] = "absolute"
    # Files of the plugin's package whose content can change the number, as patterns relative to it ("data/*.csv").
    # None: those that texts in its code name, and where no text tells which, all that it may open.
    data_files: ClassVar[tuple[str, ...] | None] = None
    # property -> how far it may move (in the property's unit) when the molecule is shifted, turned or its atoms
    # are renumbered. State it where a grid breaks the symmetry; the conformance kit holds the method to it.
    tolerances: ClassVar[Mapping[str, float]] = {}
    # Whether its properties converge with the basis set as those of a mean field do, exponentially: Hartree–Fock and
    # density functionals. Then levels such as pbe/cc-pv[tq]z may be extrapolated.
    mean_field: ClassVar[bool] = False
    # Of a correlated method, the mean field it starts from ("hf"): both parts are extrapolated apart, the correlation
    # as the difference. The options that both have are passed on. Without one, a method that gives `reference_energy`
    # and `correlation_energy` has its energies extrapolated; one that has neither is refused.
    reference_method: ClassVar[str] = ""
    # The options that `label` tells of; the core adds the others, where they are not what the method takes by itself.
    label_options: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, options: Any) -> None:
        self.options = options

    def __init_subclass__(cls, **more: Any) -> None:
        """A class of plugin API 1, which extended `check`, is told what has become of it."""
        super().__init_subclass__(**more)
        for final in ("check", "run"):
            if final in vars(cls):
                raise TypeError(
                    f"{cls.__name__}.{final} is the core's own since plugin API 2; write "
                    "check_system(self, system, properties) for what is refused, and compute(…) for a system that "
                    "was checked"
                )

    def run(self, system: System, properties: Iterable[str], resources: Resources) -> Result:
        """Check, compute, and hand back exactly the `properties` asked for. The core's own; a plugin calls it, too.

        What the core derives from forces (`derived`) is derived here. Raises what `check` and `compute` raise;
        BadResult when `compute` returned something else than promised.
        """
        asked = tuple(properties)
        self.check(system, frozenset(asked))
        derived = self.derived() & set(asked)
        result = Result({})
        if not derived or set(asked) - derived:
            result = self.compute(cast(S, system), frozenset(asked) - derived, resources)
        if not isinstance(result, Result):
            raise BadResult(f"compute returned {type(result).__name__}, not a qmbench.Result")
        if derived:
            result = self._with_derived(result, cast(Molecule, system), derived, resources)
        for name in asked:
            if name not in result.properties:
                given = ", ".join(sorted(map(str, result.properties))) or "nothing"
                raise BadResult(f"property '{name}' was asked for and is missing from the result; it has {given}")
        return replace(result, properties={name: result.properties[name] for name in asked})

    @classmethod
    def derived(cls) -> frozenset[str]:
        """What the core makes of this method's energies and forces: its equilibrium geometry and such."""
        return _derivable(frozenset(cls.properties))

    def _with_derived(self, result: Result, molecule: Molecule, asked: frozenset[str], resources: Resources) -> Result:
        """`result` with the properties `asked` derived from calculations at many geometries."""
        # What the method keeps of each of them is of no use to any other task.
        passing = replace(resources, artifacts=resources.scratch / "geometries-artifacts")

        def evaluate(here: Molecule, properties: frozenset[str]) -> Result:
            return self.run(here, properties, passing)

        level = {"name": self.name, "options": self.options.model_dump(mode="json"), "code": resources.code}
        level["versions"] = versions(*self.programs())
        key = json.dumps(level, sort_keys=True)
        made = equilibrium.derive(evaluate, self.properties, molecule, asked, resources, key)
        return replace(
            result,
            properties={**result.properties, **made.properties},
            settings={**made.settings, **result.settings},
            warnings=tuple(dict.fromkeys((*result.warnings, *made.warnings))),
        )

    def expected_seconds(self, system: System, properties: frozenset[str]) -> float | None:
        """`estimate` of a task, with what is derived counted by the geometries that this takes, roughly."""
        derived = self.derived() & properties
        direct = self.estimate(cast(S, system), properties - derived) if properties - derived or not derived else 0.0
        if not derived:
            return direct
        once = self.estimate(cast(S, system), equilibrium.needed(derived))
        if "hessian" in self.properties and equilibrium.takes_hessian(derived):
            second = self.estimate(cast(S, system), frozenset({"hessian"}))
            direct = None if direct is None or second is None else direct + second
        if once is None or direct is None:
            return None
        return direct + once * equilibrium.geometries(system, derived, self.properties)

    def check(self, system: System, properties: frozenset[str]) -> None:
        """Refuse cheaply, before anything runs: raise Unsupported or InputError with the reason.

        Called while planning. The core's own: it checks the declared systems and properties, then asks `check_system`.
        """
        if not isinstance(system, self.systems):
            kinds = ", ".join(s.kind for s in self.systems)
            raise Unsupported(f"{self.name} does not do {system.kind} systems; it does: {kinds}")
        if not properties <= self.properties:
            derived = self.derived() & properties
            missing = properties - self.properties - derived
            if missing:
                given = ", ".join(sorted(self.properties))
                raise Unsupported(f"{self.name} does not give {', '.join(sorted(missing))}; it gives: {given}")
            equilibrium.refuse(self.name, system, derived, self.is_stochastic())
            properties = properties - derived | equilibrium.needed(derived)
        self.check_system(cast(S, system), properties)

    def check_system(self, system: S, properties: frozenset[str]) -> None:
        """What the method refuses beyond kinds and properties that it does not declare: raise Unsupported, InputError.

        system is of a declared kind, and the properties are declared ones. It runs while planning, so it imports no
        quantum-chemistry program. Extend it; the base refuses nothing.
        """

    @abstractmethod
    def compute(self, system: S, properties: frozenset[str], resources: Resources) -> Result:
        """The `properties` of `system`, which `check` has let through; more than were asked for do no harm.

        Raises NotConverged, InputError, Unsupported or ResourceError. Called by `run` alone.
        """

    def removed_electrons(self, system: S) -> int:
        """Core electrons of `system` that pseudopotentials stand for, so that they are not in the energy.

        Where it is not 0, total energies are another quantity than all-electron ones, and the core does not compare
        them; differences in which the cores cancel are fine. Cheap: it is asked while planning.
        """
        return 0

    def estimate(self, system: S, properties: frozenset[str]) -> float | None:
        """Rough seconds on one core, for the dry run and for starting long tasks first; None when unknown."""
        return None

    def shared_seconds(self, system: S, properties: frozenset[str]) -> Mapping[str, float]:
        """Which part of `estimate` is for intermediates that tasks share: a name of each -> rough seconds.

        One that another task of the run has made is found in `resources.artifact`, and costs nothing; so that a dry run
        counts it once. Whoever gives the same name shares the intermediate: it holds all that this depends on, the
        system too. Cheap: it is asked while planning.
        """
        return {}

    def estimate_memory(self, system: S, properties: frozenset[str]) -> float | None:
        """Rough peak memory of a task in MiB, so that only as many run side by side as fit; None when unknown.

        Records correct it. Cheap: it is asked while planning.
        """
        return None

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        """Cheap systems that the conformance kit may compute; empty where its own (water, OH, He, a ring) will do."""
        return ()

    def programs(self) -> tuple[str, ...]:
        """The `distributions` of this level, with its options; by default the class's. Extend it where an option brings
        in another program, whose version then counts for the levels that have it and for no others."""
        return self.distributions

    def is_stochastic(self) -> bool:
        """Whether the numbers of this level, with its options, carry sampling noise; by default the class's flag."""
        return self.stochastic

    def claims(self) -> str:
        """What this level claims: `reference`, everywhere; `reference /BASIS`, in its own basis alone; empty, nothing.

        By default the class's `claim`, in a basis that is not near its limit only for questions within that basis.
        `exact` or `exact /BASIS` where, too, the basis set is all that is approximate: no frozen cores.
        """
        basis = getattr(self.options, "basis", None)
        is_exact = self.claim == "exact" and basis and not getattr(self.options, "frozen_core", False)
        word = "exact" if is_exact else "reference" if self.claim else ""
        if self.claim not in ("reference", "exact") or not basis or near_limit(basis):
            return word
        return f"{word} /{basis}"

    def families(self) -> dict[str, str]:
        """What this level shares with others, so that their agreement is not counted as independent.

        For example {"program": "pyscf", "reference": "hf/cc-pvdz", "functional": "pbe"}. An adapter that computes by
        another program what a method of qmbench also is says so under "level", in that method's spelling
        ("hf/cc-pvdz"): what the two differ by is reported as an implementation difference.
        """
        return {}

    def label(self) -> str:
        """A short name for tables and charts, such as `CCSD(T)`, in the field's typography; empty: the spelling is it.

        Without the basis, which the core adds in its usual typography, and without options that are not in
        `label_options`. Reports fall back on the canonical spelling where two levels would have the same label.
        """
        return ""


def near_limit(basis: str) -> bool:
    """Whether correlation energies in a basis set are near those of a complete one: from quintuple zeta, by its
    name."""
    return bool(re.search(r"(?<![0-9a-z])(?:cc-p(?:w?c)?v)?[5-9]z|cbs", basis.lower()))


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
        return self.spelling

    def __hash__(self) -> int:
        return hash((self.method, self.spelling))  # of options, one may be a list

    @cached_property
    def spelling(self) -> str:
        """The canonical spelling: options that equal what the method resolves to without them are left out."""
        return spelling(self.method.name, self.options)

    @property
    def label(self) -> str:
        """What tables and charts call it, such as `CCSD(T)/cc-pVTZ`; empty where the method has no label."""
        method = self.make()
        return level_label(method.name, method.label(), method.label_options, self.options)

    @property
    def has_basis(self) -> bool:
        """Whether there is a basis set, so that interaction energies have a superposition error."""
        return bool(getattr(self.options, "basis", None) or self.method.own_basis)

    @property
    def parts(self) -> tuple[LevelOfTheory, ...]:
        """The levels that are computed: itself. As of a `CompositeLevel`, which has several."""
        return (self,)

    def recipe(self, prop: str) -> Any:
        """How `prop` is made (`domain.recipe`): a leaf, itself with the property."""
        return (self, prop)

    def make(self) -> Method:
        """The method, ready to compute."""
        return self.method(self.options)

    def is_stochastic(self) -> bool:
        """As of its method with these options."""
        return self.make().is_stochastic()

    @cached_property
    def code(self) -> Code:
        """The plugin's code that computes this level."""
        return self.code_of(self.method)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Everything about the level that a record's key depends on: of plugins the code, of programs the version."""
        driven = [name for name in self.make().programs() if name != self.plugin and not _is_plugin(name)]
        return {
            "method": self.method.name,
            "options": self.options.model_dump(mode="json"),
            "versions": versions(*driven),
            "code": self.code.digest,
        }

    @property
    def derivation(self) -> dict[str, str]:
        """What the record's key of a derived property holds besides: the code and the versions that derive it."""
        return equilibrium.identity()

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of the plugin and of all that it uses, as a record tells them."""
        return versions(self.plugin, *self.make().programs())

    def key(self, system: System, prop: str) -> str:
        """The key of the record of `prop` of `system` at this level: 32 hex digits."""
        return self.key_of(system.hash, prop)

    def key_of(self, system_hash: str, prop: str) -> str:
        """The same, of a system of which only the hash is known."""
        begun = self._begun.get(prop)
        if begun is None:
            begun = self._begun[prop] = self._begin_key(prop)
        whole = begun.copy()
        whole.update(f'"{system_hash}"}}'.encode())  # hex digits, which JSON has no need to escape
        return whole.hexdigest()[:32]

    def _begin_key(self, prop: str) -> Any:
        """The hash of the JSON object of derivation, level, property and system, sorted, as far as the system."""
        derived = ""
        if prop in equilibrium.DERIVED and prop in self.method.derived():
            derived = f'"derivation": {json.dumps(self.derivation, sort_keys=True)}, '
        level = json.dumps(self.identity, sort_keys=True)
        return hashlib.sha256(f'{{{derived}"level": {level}, "property": {json.dumps(prop)}, "system": '.encode())

    @cached_property
    def _begun(self) -> dict[str, Any]:
        return {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_begun"}  # hashes can't be pickled


@dataclass(frozen=True)
class LevelText:
    """The parts of a level of theory as written."""

    method: str
    basis: str | None
    options: tuple[tuple[str, str], ...]


def split_level(text: str) -> LevelText:
    """Split `METHOD[/BASIS][?option=value&…]`; method and basis names are lower-cased.

    Of a name with a prefix (`ase:MODULE.CLASS`) the rest is kept as written; see `domain.families`. In a value, %26
    stands for & and so on, as in web addresses; hardly any value needs it.
    """
    text = " ".join(text.split())  # an error must fit on one line
    head, question, query = text.partition("?")
    method, basis = split_head(head)
    if not method or method.startswith("/") or basis == "" or (question and not query):
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
    return LevelText(method, basis, tuple(options))


def build_level(method: type[Method], text: LevelText, plugin: str = "") -> LevelOfTheory:
    """Resolve the options of `text` for `method`; InputError names a wrong option together with the right ones."""
    fields = method.Options.model_fields
    values: dict[str, Any] = {}
    for written, value in text.options:
        name = method.Options.other_names.get(written, written)
        if name in values:
            raise InputError(f"{method.name}: {name} is given twice, as {written} too")
        values[name] = value
    given = dict(values)
    known = [name for name in fields if name != "basis"]
    _refuse_unknown(method, values, known)
    values = {
        name: _option_value(value, fields[name].annotation) if name in known else free_value(value)
        for name, value in values.items()
    }
    if text.basis is not None:
        if "basis" not in fields:
            raise InputError(f"{method.name} takes no basis: write '{method.name}', not '{method.name}/{text.basis}'")
        values["basis"] = text.basis
    elif "basis" in fields and fields["basis"].is_required():
        raise InputError(f"{method.name} needs a basis: write '{method.name}/cc-pvdz', say")
    return _validated(method, values, given, plugin)


def level_of_values(method: type[Method], values: Mapping[str, Any], plugin: str = "") -> LevelOfTheory:
    """A level of theory from the values of its options; InputError names a wrong one together with the right ones."""
    fields = method.Options.model_fields
    basis = values.get("basis")
    if "basis" not in fields and basis is None:  # no basis is what it has
        values = {name: value for name, value in values.items() if name != "basis"}
    elif isinstance(basis, str):
        values = {**values, "basis": basis.lower()}
    _refuse_unknown(method, values, fields)
    values = {n: v if n in fields else checked_free_value(f"{method.name}: {n}", v) for n, v in values.items()}
    return _validated(method, values, values, plugin)


def _refuse_unknown(method: type[Method], given: Iterable[str], known: Collection[str]) -> None:
    """InputError for an option that the method does not have, unless it takes any."""
    for name in () if issubclass(method.Options, OpenOptions) else given:
        if name not in known:
            raise InputError(
                f"{method.name} has no option '{name}'{did_you_mean(name, known)}"
                + ("" if known else "; it has no options")
            )


def _validated(method: type[Method], values: Mapping[str, Any], given: Mapping[str, Any], plugin: str) -> LevelOfTheory:
    try:
        return LevelOfTheory(method, method.Options(**values), plugin)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        name = first["loc"][0] if first["loc"] else None
        if name in method.Options.model_fields and name not in values and first["type"] != "missing":
            whose = f" of the plugin {plugin}" if plugin else ""
            raise InputError(
                f"{method.name}: its option '{name}' has a default that is wrong ({message}, not "
                f"{first['input']!r}); that is a fault{whose}, and giving the option is a way around it"
            ) from None
        said = f", not '{given[where]}'" if where in given else ""
        raise InputError(f"{method.name}: {where + ': ' if where else ''}{message}{said}") from None


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


def _option_value(text: str, annotation: Any) -> Any:
    """What the text of an option stands for: `none` where it may be None (and has no choice "none"), or a list."""
    kinds = {annotation, *get_args(annotation)}
    choices = {choice for kind in kinds for choice in get_args(kind)} | kinds
    if text.lower() == "none" and type(None) in kinds and "none" not in choices:
        return None
    if {get_origin(kind) or kind for kind in kinds} & {tuple, list}:
        return [] if text == "()" else text.split(",")
    return text
