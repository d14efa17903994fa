"""Checks of the contract: cost of import, texts, options, what is refused, what is returned."""

from __future__ import annotations

import contextlib
import json
import math
import re
import time
from typing import Any

from qmbench.domain.errors import InputError, QmbenchError, Unsupported
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.properties import check_quantity
from qmbench.domain.systems import System
from qmbench.domain.units import UNITS
from qmbench.testing import samples
from qmbench.testing.probe import YARDSTICK_S, Probe, probe, programs
from qmbench.testing.subject import NotApplicable, Subject

IMPORT_LIMIT_S = 0.1
CHECK_LIMIT_S = 0.25


def import_cost(subject: Subject) -> None:
    """Importing the plugin's entry module takes milliseconds, by the clock too, and imports no program."""
    found = _probe(subject)
    dragged = sorted(found.after_import & programs(subject.method.distributions))
    if dragged:
        raise subject.fail(f"importing its plugin imports {', '.join(dragged)}; import it inside compute")
    allowed = IMPORT_LIMIT_S * min(max(found.yardstick_s / YARDSTICK_S, 1.0), 2.5)  # a slow core, but not any
    if found.import_s > allowed:
        raise subject.fail(f"importing its plugin takes {found.import_s:.2f} s of CPU, allowed are {allowed:.2g} s")
    if found.waited_s > IMPORT_LIMIT_S:
        raise subject.fail(f"importing its plugin waits for {found.waited_s:.2f} s, allowed are {IMPORT_LIMIT_S} s")


def prints_nothing(subject: Subject) -> None:
    """Importing the plugin and `check` write nothing to standard output or error, which would corrupt `--json`."""
    found = _probe(subject)
    said_by_check = found.said_by_check.get(subject.method.name, {})
    for doing, said in (("importing its plugin", found.said_by_import), ("check()", said_by_check)):
        for stream, text in said.items():
            if text.strip():
                first = text.strip().splitlines()[0][:60]
                raise subject.fail(f"{doing} prints to standard {stream}: {first!r}; use warnings of the Result")


def check_imports_no_program(subject: Subject) -> None:
    """`check` runs while planning, so it imports no quantum-chemistry program."""
    found = _probe(subject)
    if subject.method.name not in found.after_check:
        raise NotApplicable(f"{subject.method.name} is not in qmbench_methods, or has no example")
    dragged = sorted(found.after_check[subject.method.name] & programs(subject.method.distributions))
    if dragged:
        raise subject.fail(f"check() imports {', '.join(dragged)}; it runs while planning and must be cheap")


def check_is_cheap(subject: Subject) -> None:
    """`check` computes nothing: it never calls `compute`, and takes milliseconds."""
    called: list[str] = []

    class Watched(subject.method):  # type: ignore[name-defined]
        def compute(self, *arguments: Any, **more: Any) -> Any:
            called.append("compute")
            return super().compute(*arguments, **more)

    for level in subject.levels:
        for system in subject.systems:
            best = math.inf
            for _ in range(3):
                start = time.process_time()
                with contextlib.suppress(QmbenchError):
                    Watched(level.options).check(system, subject.method.properties)
                best = min(best, time.process_time() - start)
                if called:
                    raise subject.fail("check() calls compute(); it runs while planning, for every entry of a suite")
                if best <= CHECK_LIMIT_S:
                    break
            if best > CHECK_LIMIT_S:
                raise subject.fail(
                    f"check() of {system.name} takes {best:.2f} s of CPU; it runs while planning, for every entry"
                )


def estimates_are_numbers(subject: Subject) -> None:
    """`estimate`, `estimate_memory` and `shared_seconds` give numbers from 0 on, or say that they do not know.

    A broken one is left aside where tasks are planned, so that nobody would hear of it.
    """
    for level in subject.levels:
        method, properties = level.make(), subject.method.properties
        for system in subject.systems:
            for prop in sorted(properties):
                asked = frozenset({prop})
                try:
                    method.check(system, asked)
                except QmbenchError:
                    continue
                try:
                    told = {"estimate": method.estimate(system, asked)}
                    told["estimate_memory"] = method.estimate_memory(system, asked)
                    shared = method.shared_seconds(system, asked)
                except Exception as error:
                    what = f"an estimate of {prop} of {system.name} raises {type(error).__name__}: {error}"
                    raise subject.fail(f"{what}; where it does not know it returns None") from error
                told |= {f"shared_seconds()['{name}']": seconds for name, seconds in shared.items()}
                for name, number in told.items():
                    if number is not None and not 0.0 <= number < math.inf:
                        raise subject.fail(f"{name} of {prop} of {system.name} is {number}, no number from 0 on")


def examples_compute(subject: Subject) -> None:
    """Of each kind of system that the method declares, one of its examples computes."""
    subject.example()
    for kind in subject.method.systems:
        subject.example(kind)


def _probe(subject: Subject) -> Probe:
    found = probe(subject.info.name, subject.probe_request)
    if found.error:
        raise subject.fail(f"its plugin does not import in a fresh interpreter: {found.error}")
    return found


def docstring(subject: Subject) -> None:
    """The docstring says what the method is, in which unit the result comes, and where it was published."""
    text = (subject.method.__doc__ or "").strip()
    if not text:
        raise subject.fail("has no docstring; its first line is what `qmbench list methods` shows")
    if len(text.splitlines()[0]) > 120:
        raise subject.fail("the docstring's first line is longer than 120 characters")
    units = [unit for unit in UNITS if len(unit) > 1] + ["units of t"]
    if not any(re.search(rf"(?<!\w){re.escape(unit)}(?!\w)", text) for unit in units):
        raise subject.fail("the docstring does not say the unit of the result (hartree, say)")
    if not subject.method.citations and not re.search(r"doi|arXiv|\((18|19|20)\d\d\)", text, re.IGNORECASE):
        raise subject.fail("neither the docstring nor `citations` names a source (authors, journal, (year), or a DOI)")


def options_documented(subject: Subject) -> None:
    """Every option has a description, and the basis has no default."""
    for name, info in subject.method.Options.model_fields.items():
        if name != "basis" and not (info.description or "").strip():
            raise subject.fail(f"option '{name}' has no description; write Field(…, description='…')")
        if name == "basis" and not info.is_required() and info.default is not None:
            raise subject.fail(f"option 'basis' defaults to '{info.default}'; a physical choice has no silent default")


def canonical_string(subject: Subject) -> None:
    """The canonical string of a level parses back to the same level, and different options give different keys."""
    for level in subject.levels:
        variants = [level]
        for name in type(level.options).model_fields:
            for value in samples.other_values(level.options, name)[:2]:
                options = type(level.options).model_validate({**level.options.given(), name: value})
                variants.append(LevelOfTheory(level.method, options, level.plugin, level.code_of))
        seen: dict[str, str] = {}
        for variant in variants:
            text = str(variant)
            try:
                again = subject.plugins.single_level(text)
            except InputError as error:
                raise subject.fail(f"its canonical string '{text}' does not parse: {error}") from None
            if again.options != variant.options or str(again) != text:
                raise subject.fail(f"its canonical string '{text}' parses to another level, '{again}'")
            key = json.dumps(variant.identity, sort_keys=True)
            if key in seen:
                raise subject.fail(f"'{seen[key]}' and '{text}' share a record key; an option is missing in its dump")
            seen[key] = text


def refuses_other_systems(subject: Subject) -> None:
    """`check` refuses what the method does not do with Unsupported or InputError, and never trips over a system."""

    class Unheard(System):
        kind = "unheard of"
        name = "a kind of system that no method knows"

    level = subject.levels[0]
    others: list[System] = [Unheard()]
    for kind in subject.plugins.systems.values():
        others += [s for s in kind.samples()[:1] if not isinstance(s, subject.method.systems)]
    for system in others:
        _refused(subject, level, system, subject.method.properties, f"a {system.kind} system")
    for system in subject.systems[:1]:
        _refused(subject, level, system, frozenset({"no such property"}), "a property that it does not declare")
    for system in subject.systems:
        for variant in [system, *(other for _, other in system.variants())]:
            try:
                level.make().check(variant, subject.method.properties)
            except QmbenchError:
                continue
            except Exception as error:
                what = f"{variant.name} ({type(error).__name__}: {error})"
                raise subject.fail(f"check() trips over {what}; raise qmbench.Unsupported") from None


def _refused(subject: Subject, level: LevelOfTheory, system: System, properties: frozenset[str], what: str) -> None:
    try:
        level.make().check(system, properties)
    except Unsupported:
        return
    except Exception as error:
        raise subject.fail(f"check() answers {what} with {type(error).__name__}; raise qmbench.Unsupported") from None
    raise subject.fail(f"check() accepts {what}; raise qmbench.Unsupported")


def properties_delivered(subject: Subject) -> None:
    """Every declared property is registered and delivered for some example, alone and together with the others."""
    for prop in sorted(subject.method.properties):
        try:
            subject.plugins.properties[prop]
        except InputError as error:
            raise subject.fail(f"declares {error}; register it with the hook qmbench_properties") from None
    delivered: set[str] = set()
    for level, system, _ in subject.results_of_all_properties():
        for prop in sorted(subject.supported(level, system) - delivered):
            subject.compute(level, system, frozenset({prop}))
            delivered.add(prop)
    missing = sorted(subject.method.properties - delivered)
    if missing:
        raise subject.fail(f"declares {', '.join(missing)}, but delivers it for no example ({subject.why_not()})")


def units_and_shapes(subject: Subject) -> None:
    """Every property comes in the declared unit and shape, with finite numbers."""
    subject.example()
    for level, system, result in subject.results_of_all_properties():
        for prop, quantity in result.properties.items():
            try:
                check_quantity(subject.plugins.properties[prop], quantity, system)
            except InputError as error:
                raise subject.fail(f"{level} of {system.name}: {error}") from None


def settings_are_json(subject: Subject) -> None:
    """The resolved settings survive JSON unchanged, what they declare is right, and each warning is one line."""
    subject.example()
    for _, _, result in subject.results_of_all_properties():
        try:
            text = json.dumps(dict(result.settings), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise subject.fail(f"its settings are no JSON ({error}); turn arrays into lists, NaN into None") from None
        if json.loads(text) != {k: _listed(v) for k, v in result.settings.items()}:
            raise subject.fail("its settings change when written as JSON; use strings as keys")
        for name in ("training_overlap", "explanation"):
            if name in result.settings:
                raise subject.fail(f"{name} is a field of qmbench.Result, not a setting")
        for warning in result.warnings:
            if not isinstance(warning, str) or "\n" in warning.strip():
                raise subject.fail(f"a warning must be one line of text, not {warning!r}")


def _listed(value: object) -> object:
    if isinstance(value, dict):
        return {k: _listed(v) for k, v in value.items()}
    return [_listed(v) for v in value] if isinstance(value, (list, tuple)) else value
