"""One method under test: its examples, and the calculations that the checks share."""

from __future__ import annotations

import json
import unittest
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from qmbench.domain.errors import QmbenchError, Unsupported
from qmbench.domain.method import BadResult, LevelOfTheory, Method, Result
from qmbench.domain.quantity import Quantity
from qmbench.domain.resources import Resources
from qmbench.domain.systems import System
from qmbench.plugging.registry import PluginInfo, Plugins
from qmbench.testing import samples

# Properties from cheap to dear: one is enough where a check asks whether anything changes.
CHEAP_FIRST = ("energy", "energy_per_site", "c6", "dipole", "excitation_energies", "polarizability")

# How far a property may move under an invariance, in its own unit, unless the method states otherwise.
TOLERANCES = {
    "energy": 1e-6,
    "energy_per_site": 1e-6,
    "dipole": 1e-4,
    "polarizability": 1e-2,
    "c6": 1e-2,
    "forces": 1e-5,
    "stress": 1e-7,
}
OTHER_TOLERANCE = 1e-5


class ConformanceError(AssertionError):
    """A method breaks the contract; the message says which method, what it did, and what it should do."""


class NotApplicable(unittest.SkipTest):
    """The check has nothing to hold against this method (pytest reports it as skipped, with the reason)."""


@dataclass
class Subject:
    """A method with its plugin. Results are kept, so that the checks share them."""

    method: type[Method]
    info: PluginInfo
    plugins: Plugins
    results: dict[tuple[str, str, frozenset[str], int], Result | QmbenchError] = field(default_factory=dict)

    @cached_property
    def levels(self) -> list[LevelOfTheory]:
        """The example levels, parsed."""
        return [self.plugins.level(text) for text in samples.example_levels(self.method)]

    @cached_property
    def systems(self) -> list[System]:
        """The example systems."""
        return samples.example_systems(self.method)

    @cached_property
    def probe_request(self) -> str:
        """All methods of the plugin with an example each, as the probe wants them (one probe serves them all)."""
        rows = []
        for name, method in self.plugins.methods.items():
            if self.plugins.owner[name].name == self.info.name:
                for system in samples.example_systems(method)[:1]:
                    rows.append([name, samples.example_levels(method)[0], system.to_json()])
        return json.dumps(rows, default=str)  # a kind that gives no JSON fails `systems_stored`, not every check

    def fail(self, message: str) -> ConformanceError:
        """The error to raise: the method's name and `message`."""
        return ConformanceError(f"{self.method.name}: {message}")

    def supported(self, level: LevelOfTheory, system: System) -> frozenset[str]:
        """The declared properties that `check` accepts for this system, each asked for alone."""
        method = level.make()
        found = set()
        for prop in self.method.properties:
            try:
                method.check(system, frozenset({prop}))
            except QmbenchError:
                continue
            found.add(prop)
        return frozenset(found)

    def cheapest(self, level: LevelOfTheory, system: System) -> frozenset[str]:
        """One supported property of `system` that costs little; none when none is supported."""
        ranked = sorted(self.supported(level, system), key=rank)
        return frozenset(ranked[:1])

    def compute(
        self,
        level: LevelOfTheory,
        system: System,
        properties: frozenset[str] | None = None,
        cores: int = 1,
        fresh: bool = False,
    ) -> Result:
        """Check, then compute `properties` (all supported ones by default); QmbenchError as the method raised it.

        fresh: compute again although the result is known.
        """
        wanted = self.supported(level, system) if properties is None else properties
        key = (str(level), system.hash, wanted, cores)
        if fresh or key not in self.results:
            try:
                self.results[key] = self._compute(level, system, wanted, cores)
            except QmbenchError as error:
                self.results[key] = error
        found = self.results[key]
        if isinstance(found, QmbenchError):
            raise found
        return found

    def quick(self, level: LevelOfTheory, system: System, cores: int = 1, fresh: bool = False) -> Result:
        """As `compute`, for one cheap property."""
        return self.compute(level, system, self.cheapest(level, system), cores, fresh)

    def alike(self, level: LevelOfTheory, system: System, other: System) -> list[str] | None:
        """What two systems share, when nothing tells them apart; None when something does, or `other` is refused."""
        first = self.quick(level, system)
        try:
            second = self.quick(level, other)
        except QmbenchError:
            return None
        common = sorted(set(first.properties) & set(second.properties))
        same = all(distance(first.properties[p], second.properties[p]) <= 1e-9 for p in common)
        return common if same else None

    def _compute(self, level: LevelOfTheory, system: System, properties: frozenset[str], cores: int) -> Result:
        method = level.make()
        if not properties:
            method.check(system, self.method.properties)
            raise Unsupported(f"{self.method.name} supports no property of {system.name}")
        try:
            return method.run(system, properties, Resources(cores=cores))
        except BadResult as error:
            raise self.fail(str(error)) from None

    def examples(self) -> Iterator[tuple[LevelOfTheory, System]]:
        """Every pair of example level and example system that computes one cheap property."""
        for level in self.levels:
            for system in self.systems:
                try:
                    self.quick(level, system)
                except QmbenchError:
                    continue
                yield level, system

    def results_of_all_properties(self) -> Iterator[tuple[LevelOfTheory, System, Result]]:
        """Examples with all their properties, one after the other until each declared property was seen."""
        seen: set[str] = set()
        for level, system in self.examples():
            if not self.supported(level, system) <= seen:
                result = self.compute(level, system)
                seen |= set(result.properties)
                yield level, system, result
                if seen >= self.method.properties:
                    return

    def example(self, kind: type[System] = System) -> tuple[LevelOfTheory, Any]:
        """The first example of this kind of system that computes; NotApplicable when there is none."""
        for level, system in self.examples():
            if isinstance(system, kind):
                return level, system
        if kind is System or issubclass(kind, self.method.systems):
            why = self.why_not(kind)
            raise self.fail(f"none of its examples computes ({why}); state cheap `examples` and `example_systems()`")
        raise NotApplicable(f"{self.method.name} does no {kind.kind} systems")

    def why_not(self, kind: type[System] = System) -> str:
        """The error of the first example of that kind that does not compute."""
        for level in self.levels:
            for system in self.systems:
                if isinstance(system, kind):
                    try:
                        self.quick(level, system)
                    except QmbenchError as error:
                        return f"{level} of {system.name}: {type(error).__name__}: {error}"
        return "it has no example of that kind"

    def tolerance(self, prop: str) -> float:
        """How far `prop` may move under an invariance, in its unit."""
        return self.method.tolerances.get(prop, TOLERANCES.get(prop, OTHER_TOLERANCE))


def rank(prop: str) -> tuple[int, str]:
    """Sorts properties from cheap to dear."""
    return (CHEAP_FIRST.index(prop) if prop in CHEAP_FIRST else len(CHEAP_FIRST) - 1, prop)


def numbers(quantity: Quantity) -> np.ndarray:
    """The values as a flat array; those of states in order of their labels."""
    value = quantity.value
    if isinstance(value, dict):
        return np.array([value[label] for label in sorted(value)], dtype=float)
    return np.asarray(value, dtype=float).ravel()


def errors(quantity: Quantity) -> np.ndarray:
    """The uncertainties as a flat array like `numbers`; zeros where there are none."""
    if quantity.uncertainty is None:
        return np.zeros_like(numbers(quantity))
    return numbers(Quantity(quantity.uncertainty, quantity.unit))


def distance(a: Quantity, b: Quantity) -> float:
    """The largest difference, less four combined standard deviations; infinite when the shapes differ."""
    x, y = numbers(a), numbers(b)
    if x.shape != y.shape:
        return float("inf")
    noise = 4.0 * np.hypot(errors(a), errors(b))
    return float(np.max(np.abs(x - y) - noise, initial=0.0))


def same_numbers(a: Result, b: Result, noise: float = 1e-12) -> bool:
    """Whether all properties agree to `noise`, relative to their size."""
    if set(a.properties) != set(b.properties):
        return False
    for name, quantity in a.properties.items():
        x, y = numbers(quantity), numbers(b.properties[name])
        if x.shape != y.shape or not np.allclose(x, y, rtol=noise, atol=noise):
            return False
    return True
