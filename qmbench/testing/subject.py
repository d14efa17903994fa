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
from qmbench.domain.properties import NO_AXES
from qmbench.domain.quantity import Curve, Quantity
from qmbench.domain.resources import Resources
from qmbench.domain.systems import System
from qmbench.plugging.registry import PluginInfo, Plugins
from qmbench.testing import samples
from qmbench.testing.twins import once

# How far a property of that unit may move under an invariance, unless the method states otherwise.
TOLERANCES = {
    "hartree": 1e-6,
    "t": 1e-6,
    "e bohr": 1e-4,
    "bohr3": 1e-2,
    "hartree bohr6": 1e-2,
    "hartree/bohr": 1e-5,
    "hartree/bohr3": 1e-7,
}
OTHER_TOLERANCE = 1e-5
TOLERANCE_OF_STATES = 1e-5  # a difference of two energies, each found by iteration


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
    # message of a failure -> the check that told it, so that no other tells it again
    told: dict[str, str] = field(default_factory=dict)
    results: dict[tuple[str, str, frozenset[str], int], Result | QmbenchError] = field(default_factory=dict)

    @cached_property
    def levels(self) -> list[LevelOfTheory]:
        """The example levels, parsed."""
        return [self.plugins.single_level(text) for text in samples.example_levels(self.method)]

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
        ranked = sorted(self.supported(level, system), key=self.rank)
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
        same = all(_same(first.properties[p], second.properties[p]) for p in common)
        return common if same else None

    def _compute(self, level: LevelOfTheory, system: System, properties: frozenset[str], cores: int) -> Result:
        method = level.make()
        if not properties:
            method.check(system, self.method.properties)
            raise Unsupported(f"{self.method.name} supports no property of {system.name}")
        return self.guarded(method, system, properties, cores)

    def guarded(self, method: Method, system: System, properties: frozenset[str], cores: int) -> Result:
        """Compute now; QmbenchError as the method raised it, ConformanceError for any other way to end."""
        with once(self.fail):
            try:
                return method.run(system, properties, Resources(cores=cores))
            except BadResult as error:
                raise self.fail(str(error)) from None
            except QmbenchError:
                raise
            except SystemExit as error:
                raise self.fail(f"compute tries to exit the process (SystemExit: {error}); raise an error") from None
            except MemoryError as error:
                raise self.fail(f"out of memory: {error or 'an allocation failed'}") from None
            except Exception as error:
                raise self.fail(
                    f"compute of {system.name} raises {type(error).__name__}: {error}; raise NotConverged,"
                    " InputError, Unsupported or ResourceError"
                ) from error

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
        if prop in self.method.tolerances:
            return self.method.tolerances[prop]
        info = dict.get(self.plugins.properties, prop)
        if info is None or info.shape == "states":
            return TOLERANCE_OF_STATES
        return TOLERANCES.get(info.unit, OTHER_TOLERANCE)

    def rank(self, prop: str) -> tuple[int, str]:
        """Sorts properties from cheap to dear: energies, other numbers, vectors, states and curves, tensors.

        The total energy comes first, since everything that may matter shows in it.
        """
        if prop == "energy":
            return (-1, prop)
        info = dict.get(self.plugins.properties, prop)
        if info is None or info.shape in NO_AXES:
            return (3, prop)
        if not info.axes:
            return (0 if info.unit in ("hartree", "t") else 1, prop)
        return (2 if len(info.axes) == 1 else 4, prop)


def numbers(quantity: Quantity) -> np.ndarray:
    """The values as a flat array; those of states in order of their labels."""
    value = quantity.value
    if isinstance(value, Curve):
        return value.values.ravel()
    if isinstance(value, dict):
        return np.array([value[label] for label in sorted(value)], dtype=float)
    return np.asarray(value, dtype=float).ravel()


def errors(quantity: Quantity) -> np.ndarray:
    """The uncertainties as a flat array like `numbers`; zeros where there are none."""
    if quantity.uncertainty is None:
        return np.zeros_like(numbers(quantity))
    return numbers(Quantity(quantity.uncertainty, quantity.unit))


def distance(a: Quantity, b: Quantity) -> float:
    """The largest difference, less four combined standard deviations; infinite when shapes or states differ."""
    if isinstance(a.value, dict) and isinstance(b.value, dict) and set(a.value) != set(b.value):
        return float("inf")
    x, y = numbers(a), numbers(b)
    if x.shape != y.shape:
        return float("inf")
    noise = 4.0 * np.hypot(errors(a), errors(b))
    return float(np.max(np.abs(x - y) - noise, initial=0.0))


def _same(a: Quantity, b: Quantity) -> bool:
    """Whether nothing tells two quantities apart; of a small one (a dispersion energy, say) more digits count."""
    largest = float(np.max(np.abs(numbers(a)), initial=0.0))
    return distance(a, b) <= min(1e-9, 1e-7 * largest)


def same_numbers(a: Result, b: Result, noise: float = 1e-12) -> bool:
    """Whether all properties agree to `noise`, relative to their size."""
    if set(a.properties) != set(b.properties):
        return False
    for name, quantity in a.properties.items():
        x, y = numbers(quantity), numbers(b.properties[name])
        if x.shape != y.shape or not np.allclose(x, y, rtol=noise, atol=noise):
            return False
    return True
