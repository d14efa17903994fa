"""The checks that come with a kind of system: what must change the number, and what must not (`System.checks`)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from qmbench.domain.errors import InputError, QmbenchError, Unsupported
from qmbench.domain.method import LevelOfTheory, Method
from qmbench.domain.systems import Change, KindCheck, System
from qmbench.testing.subject import NotApplicable, Subject, distance


def systems_stored(subject: Subject) -> None:
    """Every example system comes back from JSON as it was, and no field that matters is missing in its hash."""
    for system in subject.systems:
        variants = list(system.variants())
        for one in (system, *(other for _, other in variants)):
            _stored(subject, one)
        for field, other in variants:
            if other.hash == system.hash:
                raise subject.fail(f"{system.name} with another '{field}' has the same hash; put it into to_json")


def _stored(subject: Subject, system: System) -> None:
    kind = type(system).__name__
    try:
        text = json.dumps(system.to_json(), allow_nan=False)
        again = subject.plugins.systems.from_json(json.loads(text))
    except (TypeError, ValueError) as error:
        raise subject.fail(f"{kind}.to_json gives no JSON ({error}); give lists, numbers and text") from None
    except QmbenchError as error:
        raise subject.fail(f"{kind} does not come back from its JSON: {error}") from None
    if again != system or again.hash != system.hash:
        raise subject.fail(f"{kind}.from_json makes another system of what to_json wrote of {system.name}")


def kind_checks(method: type[Method]) -> dict[str, dict[type[System], KindCheck]]:
    """check -> the kinds of system of `method` that it comes with, in the order of the kinds' own."""
    found: dict[str, dict[type[System], KindCheck]] = {}
    for kind in method.systems:
        for name, check in kind.checks().items():
            found.setdefault(name, {})[kind] = check
    return found


def run_kind_check(name: str, subject: Subject) -> None:
    """Hold the check `name` of its kinds against the method; NotApplicable where no example has such a change."""
    kinds: Mapping[type[System], KindCheck] = kind_checks(subject.method)[name]
    tried = False
    for kind, check in kinds.items():
        for level, system in _examples(subject, kind, check.everywhere):
            for change in check.changes(system):
                if change.expected is None:
                    _must_differ(subject, level, system, change)
                    tried = True
                else:
                    tried |= _must_follow(subject, level, system, change)
    if not tried:
        raise NotApplicable(f"no example of {subject.method.name} can be changed in the way of {name}")


def _examples(subject: Subject, kind: type[System], everywhere: bool) -> list[tuple[LevelOfTheory, System]]:
    """All examples of that kind, or one, with two parts or more where there is such a one."""
    first = subject.example(kind)
    pairs = [pair for pair in subject.examples() if isinstance(pair[1], kind)]
    if everywhere:
        return pairs
    return [next((pair for pair in pairs if pair[1].n_parts > 1), first)]


def _must_differ(subject: Subject, level: LevelOfTheory, system: System, change: Change) -> None:
    before = change.before or system
    common = subject.alike(level, before, change.after)
    if common is not None:
        raise subject.fail(
            f"{before.name}: {change.what} gives the same {', '.join(common)}; use it, or raise Unsupported"
        )


def _must_follow(subject: Subject, level: LevelOfTheory, system: System, change: Change) -> bool:
    """`change.after` must give what the change makes of the numbers before it; False where that is refused."""
    assert change.expected is not None
    before = change.before or system
    try:
        first = subject.compute(level, before)
    except QmbenchError as error:
        if change.before is not None and isinstance(error, Unsupported | InputError):
            return False  # an ion, say, which the method need not do
        raise subject.fail(f"{before.name}: {type(error).__name__}: {error}") from None
    try:
        second = subject.compute(level, change.after)
    except QmbenchError as error:
        if change.refusable:
            return False
        raise subject.fail(f"computes {before.name}, but fails when it is {change.what}: {error}") from None
    for prop, quantity in sorted(first.properties.items()):
        info = subject.plugins.properties[prop]
        if info.shape == "any" or (change.properties and prop not in change.properties):
            continue
        if prop not in second.properties:
            raise subject.fail(f"{prop} is missing when {before.name} is {change.what}")
        expected = change.expected(info, quantity)
        if expected is None:
            continue
        off = distance(expected, second.properties[prop])
        if off > subject.tolerance(prop):
            raise subject.fail(
                f"{prop} of {before.name} is off by {off:.3g} {quantity.unit} when the {before.kind} is {change.what}"
                f" (allowed: {subject.tolerance(prop):.3g})"
            )
    return True
