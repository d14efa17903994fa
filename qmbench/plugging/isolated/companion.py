"""`python -m qmbench.plugging.isolated.companion`: answers questions about the plugins of the interpreter that runs it.

One line of JSON each way: `["level", {"text": "vmc/cc-pvdz"}]` gives `{"answer": …}` or `{"error": {"kinds": […],
"message": …}}`. Started by `qmbench.plugging.isolated.client`; it ends when nobody can ask any more.
"""

from __future__ import annotations

import json
import os
import queue
import select
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import qmbench
from qmbench.domain.errors import InputError
from qmbench.domain.families import MethodFamily
from qmbench.domain.formulas import Place, Term
from qmbench.domain.method import LevelOfTheory, Method
from qmbench.domain.observables import Observable
from qmbench.domain.properties import Property
from qmbench.domain.quantity import Quantity
from qmbench.domain.resources import Resources
from qmbench.domain.systems import System
from qmbench.plugging.fingerprint import code_behind
from qmbench.plugging.isolated.described import describe
from qmbench.plugging.isolated.place import normal
from qmbench.plugging.isolated.systems import describe_kind, facts
from qmbench.plugging.registry import GROUP, plugins, single_level, system_from_json


def main() -> None:
    """Answer until standard input ends or the parent is gone."""
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()
    source = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)  # whatever a plugin reads or prints is none of the conversation
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    threading.Thread(target=_listen, args=(source, os.getppid(), questions), daemon=True).start()
    _write(answers, {"qmbench": qmbench.__version__})
    while True:
        what, arguments = json.loads(questions.get())
        try:
            answer = {"answer": QUESTIONS[what](**arguments)}
            text = json.dumps(answer)
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            text = json.dumps({"error": {"kinds": kinds, "message": str(error)}})
        answers.write(text + "\n")
        answers.flush()


def _write(stream: Any, document: Any) -> None:
    stream.write(json.dumps(document) + "\n")
    stream.flush()


def _listen(source: int, parent: int, questions: queue.SimpleQueue[str]) -> None:
    """Pass on whole lines; end the process, whatever it is doing, when there is nobody left to answer to."""
    rest = b""
    while True:
        if select.select([source], [], [], 1.0)[0]:
            got = os.read(source, 65536)
            if not got:
                os._exit(0)
            *lines, rest = (rest + got).split(b"\n")
            for line in lines:
                questions.put(line.decode())
        if os.getppid() != parent:
            os._exit(0)


def about(distribution: str) -> dict[str, Any]:
    """The description of an installed distribution and its plugins; InputError when one of them does not load."""
    dist = metadata.distribution(distribution)
    found = plugins()
    names = [info.name for info in found.infos if normal(info.distribution) == normal(distribution)]
    for info in found.infos:
        if info.name in names and info.error:
            raise InputError(f"plugin '{info.name}' of {distribution} can't be loaded: {info.error}")
    if not names:
        raise InputError(f"{distribution} has no entry point of group '{GROUP}': it is not a plugin")
    return {
        "distribution": dist.name,
        "version": dist.version,
        "qmbench": qmbench.__version__,
        "requires": list(dist.requires or ()),
        "path": [path for path in sys.path if os.path.isdir(path) and os.path.basename(path).endswith("-packages")],
        "plugins": {name: _plugin(name) for name in names},
    }


def _plugin(name: str) -> dict[str, Any]:
    found = plugins()
    module = found.manager.get_plugin(name)
    for hook, what in NOT_ISOLATED.items():
        if getattr(module, hook, None) is not None:
            raise InputError(
                f"plugin '{name}' brings {what}, which work on the tables of the process that makes a report: install "
                "it beside qmbench, without --isolated"
            )
    for hook in ("qmbench_engines", "qmbench_stores"):
        if hasattr(module, hook):
            raise InputError(
                f"plugin '{name}' implements {hook}, which works in the environment of qmbench alone: install it there"
            )
    properties: Iterable[Property] = getattr(module, "qmbench_properties", list)()
    observables: Iterable[Observable] = getattr(module, "qmbench_observables", list)()
    benchmarks: Iterable[Path] = getattr(module, "qmbench_benchmarks", list)()
    units: Mapping[str, tuple[str, float]] = getattr(module, "qmbench_units", dict)()
    kinds: Iterable[type[System]] = getattr(module, "qmbench_systems", list)()
    families: Iterable[MethodFamily] = getattr(module, "qmbench_method_families", list)()
    return {
        "api": getattr(module, "QMBENCH_API", None),
        "methods": [describe(m) for key, m in found.methods.items() if found.owner[key].name == name],
        "systems": [describe_kind(kind) for kind in kinds],
        "units": {unit: [str(dimension), float(size)] for unit, (dimension, size) in units.items()},
        "properties": [asdict(prop) for prop in properties],
        "observables": [_told(observable) for observable in observables],
        "benchmarks": [str(Path(folder).resolve()) for folder in benchmarks],
        "resolves": hasattr(module, "qmbench_resolve_method"),
        "families": [asdict(family) for family in families],
    }


NOT_ISOLATED = {"qmbench_statistics": "statistics", "qmbench_formats": "output formats"}


def _told(observable: Observable) -> dict[str, Any]:
    """An observable as JSON; a function of one's own is `remote`: it is called here, by `formula`."""
    fields = {name: getattr(observable, name) for name in ("name", "prop", "how", "description", "unit")}
    if callable(observable.how):
        fields |= {"how": "", "remote": True}
    return fields | {"parameters": dict(observable.parameters)}


def formula(observable: str, terms: list[Mapping[str, Any]], place: Mapping[str, Any]) -> float:
    """What the function of an observable of one's own gives."""
    given = [
        Term(t["coefficient"], Quantity.from_json(t["quantity"]).value, t["name"], t["system"] and _system(t["system"]))
        for t in terms
    ]
    return float(plugins().observables[observable].formula(given, Place(**place)))


def resolve(plugin: str, name: str) -> dict[str, Any] | None:
    """The method `name` of the plugin's open family, described; None when it is not in it."""
    module = plugins().manager.get_plugin(plugin)
    method = module.qmbench_resolve_method(name=name)  # type: ignore[union-attr]
    return None if method is None else describe(method)


def level(text: str) -> dict[str, Any]:
    """A level of theory, read and resolved."""
    found = _level(text)
    return {
        "level": str(found),
        "label": found.label,
        "identity": found.identity,
        "versions": found.versions,
        "files": list(found.code.files),
        "method": describe(found.method),
        "stochastic": bool(found.make().is_stochastic()),
        "claims": found.make().claims(),
        "derivation": found.derivation,
    }


def spelling(method: str, options: Mapping[str, Any]) -> str:
    """The canonical spelling of a level of theory that is given by the values of its options."""
    return str(plugins().level(method, **options))


def families(level: str) -> dict[str, str]:
    """`Method.families` of a level."""
    return _level(level).make().families()


def check(level: str, system: Mapping[str, Any], properties: list[str]) -> None:
    """`Method.check` of a level."""
    _level(level).make().check(_system(system), frozenset(properties))


def estimate(level: str, system: Mapping[str, Any], properties: list[str]) -> float | None:
    """`Method.estimate` of a level."""
    return _level(level).make().estimate(_system(system), frozenset(properties))


def estimate_memory(level: str, system: Mapping[str, Any], properties: list[str]) -> float | None:
    """`Method.estimate_memory` of a level."""
    return _level(level).make().estimate_memory(_system(system), frozenset(properties))


def removed_electrons(level: str, system: Mapping[str, Any]) -> int:
    """`Method.removed_electrons` of a level."""
    return _level(level).make().removed_electrons(_system(system))


def compute(
    level: str, system: Mapping[str, Any], properties: list[str], resources: Mapping[str, Any]
) -> dict[str, Any]:
    """`Method.compute` of a level."""
    given = {**resources, "scratch": Path(resources["scratch"])}
    given["artifacts"] = Path(resources["artifacts"]) if resources["artifacts"] else None
    method: Method = _level(level).make()
    allowed = Resources(**given, code=_level(level).code.digest, code_behind=code_behind)
    result = method.run(_system(system), frozenset(properties), allowed)
    return {
        "properties": {name: quantity.to_json() for name, quantity in result.properties.items()},
        "settings": dict(result.settings),
        "warnings": list(result.warnings),
        "training_overlap": result.training_overlap.to_json() if result.training_overlap else None,
        "explanation": result.explanation.to_json() if result.explanation else None,
    }


def system_from_table(kind: str, **arguments: Any) -> dict[str, Any]:
    """A system of that kind from a TOML table (`System.from_table`)."""
    return plugins().systems[kind].from_table(**arguments).to_json()


def system_from_text(kind: str, **arguments: Any) -> dict[str, Any] | None:
    """A system of that kind from the text of a file (`System.from_text`)."""
    system = plugins().systems[kind].from_text(**arguments)
    return None if system is None else system.to_json()


def system_from_stored(data: Mapping[str, Any]) -> dict[str, Any]:
    """A system from its JSON, checked; its JSON again."""
    return _system(data).to_json()


def system_facts(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a system has."""
    return facts(_system(data))


def system_fragment(data: Mapping[str, Any], number: int | list[int], ghosts: bool) -> dict[str, Any]:
    """`System.fragment` of a system."""
    return _system(data).fragment(number, ghosts).to_json()


def system_figure(data: Mapping[str, Any]) -> str | None:
    """`System.figure` of a system."""
    return _system(data).figure()


@lru_cache(maxsize=1024)
def _level(text: str) -> LevelOfTheory:
    return single_level(text)


def _system(document: Mapping[str, Any]) -> System:
    return system_from_json(document)


QUESTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        *(about, resolve, formula, level, spelling, families, check, estimate, estimate_memory),
        *(removed_electrons, compute),
        *(system_from_table, system_from_text, system_from_stored, system_facts, system_fragment, system_figure),
    )
}

if __name__ == "__main__":
    main()
