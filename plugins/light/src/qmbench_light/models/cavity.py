"""Emitters in a cavity by diagonalization: exact-cavity and rotating-wave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

import qmbench
from qmbench import Curve, Method, NotConverged, Quantity, ResourceError, Unsupported
from qmbench_light.models.emitters import EmittersInCavity, Mode, Vibration
from qmbench_light.models.pieces import ENERGY, TIME
from qmbench_light.two_polaritons import check_one_mode

_OVER_TIME = ("population", "photon_number_in_time")
_FIRST_CUTOFF = 8
_FIRST_PHONONS = 4


class CavityOptions(qmbench.Options):
    """What a diagonalization may choose."""

    photons: int | None = Field(
        None,
        ge=1,
        le=2000,
        description="cutoff of the photons; without it, doubled from 8 until converged",
        examples=[16],
    )
    phonons: int | None = Field(
        None,
        ge=1,
        le=500,
        description="cutoff of the phonons of each emitter with vibrations; without it, doubled from 4 until converged",
        examples=[8],
    )
    states: int = Field(10, ge=1, le=200, description="how many energies, the lowest")


class ExactOptions(CavityOptions):
    """With the number of digits."""

    tolerance: float = Field(
        1e-10,
        gt=1e-14,
        le=1e-3,
        description="by how much doubling the cutoff may move a number, in units of the largest frequency for energies",
    )


class Diagonalization(Method[EmittersInCavity]):
    """Base: diagonalize with a cutoff of the photons and with twice of it."""

    systems = (EmittersInCavity,)
    properties = frozenset(
        {
            "energy",
            "energies",
            "polariton_splitting",
            "photon_number",
            "entanglement_entropy",
            *_OVER_TIME,
        }
    )
    Options: ClassVar[type[qmbench.Options]] = CavityOptions
    distributions = ("scipy",)

    def counter_rotating(self, system: EmittersInCavity) -> bool:
        """Whether the terms that change the number of excitations by two are kept."""
        raise NotImplementedError

    def check_system(self, system: EmittersInCavity, properties: frozenset[str]) -> None:
        from qmbench_light.models.space import LARGEST_MATTER
        from qmbench_light.models.spectrum import LARGEST_SPARSE, size_of

        need_times(self.name, system.times, properties)
        if "polariton_splitting" in properties:
            check_one_mode(self.name, [mode.coupling for mode in system.modes])
            no_vibrations(f"{self.name}: polaritons", system)
        if self.options.phonons and not system.vibrations:
            raise Unsupported(f"{self.name}: phonons are of vibrations, and the emitters have none")
        first = size_of(system, 1, self.options.phonons or _FIRST_PHONONS) if system.vibrations else 0
        if first > LARGEST_SPARSE:
            raise Unsupported(
                f"{self.name}: {system.emitters} emitters with vibrations are {first} states at least, more than "
                f"{LARGEST_SPARSE}"
            )
        size = len(system.level_energies)
        if not system.vibrations and size > 2 and size**system.emitters > LARGEST_MATTER:
            raise Unsupported(
                f"{self.name}: {system.emitters} emitters of {size} levels are {size**system.emitters} states, more "
                f"than {LARGEST_MATTER}; emitters of two levels have no such limit"
            )

    def compute(
        self, system: EmittersInCavity, properties: frozenset[str], resources: qmbench.Resources
    ) -> qmbench.Result:
        from qmbench_light.models.spectrum import solve

        rotating = self.counter_rotating(system)
        given: dict[str, int | None] = {"photons": self.options.photons}
        cutoffs = {"photons": given["photons"] or max(_FIRST_CUTOFF, 2 * sum(mode.photons for mode in system.modes))}
        if system.vibrations:
            given["phonons"] = self.options.phonons
            cutoffs["phonons"] = given["phonons"] or _FIRST_PHONONS

        @lru_cache
        def at(photons: int, phonons: int = 0) -> tuple[Any, dict[str, Quantity]]:
            found = solve(system, photons, rotating, properties, self.options.states, phonons)
            return found, _properties(system, found, properties)

        # Without counter-rotating terms nothing converges: a number of excitations is below the cutoff, or it is not.
        tolerance = getattr(self.options, "tolerance", 1e-10)
        scale = max([mode.frequency for mode in system.modes] + [float(np.ptp(system.level_energies))])
        here = at(**cutoffs)
        while True:
            after, moved, worst = {}, {}, {}
            for name, cutoff in cutoffs.items():
                try:
                    after[name] = at(**cutoffs | {name: 2 * cutoff})
                except ResourceError as error:
                    raise NotConverged(f"{self.name}: a cutoff of {cutoff} {name} is not enough, and {error}") from None
                changes = {prop: _change(here[1][prop], after[name][1][prop], scale) for prop in here[1]}
                worst[name] = max(changes, key=changes.__getitem__)
                moved[name] = changes[worst[name]]
            if sum(moved.values()) <= tolerance:
                break
            name = max(moved, key=moved.__getitem__)
            if given[name]:
                how = f"a change of {moved[name]:.1e} (relative to the largest frequency), more than {tolerance:g}"
                if not np.isfinite(moved[name]):
                    how = f"there are more states, of the {self.options.states} asked for"
                of = f"{worst[name].replace('_', ' ')} from {cutoffs[name]} to {2 * cutoffs[name]} {name}"
                raise NotConverged(f"{self.name}: {of}: {how}; take more {name}")
            here, cutoffs[name] = after[name], 2 * cutoffs[name]
        # The numbers with whichever cutoff matters more doubled, uncertain by what doubling each of them changes.
        chosen = max(moved, key=moved.__getitem__)
        new, values = after[chosen]
        warnings = []
        if new.gap < 1e-8 * scale and properties & {"photon_number", "entanglement_entropy", "polariton_splitting"}:
            warnings.append("the ground state is degenerate; properties of it are those of one of its states")
        by = {p: sum(np.abs(numbers(other[1][p]) - numbers(here[1][p])) for other in after.values()) for p in values}
        cutoffs[chosen] *= 2
        return qmbench.Result(
            {name: _certified(quantity, by[name], scale) for name, quantity in values.items()},
            {**cutoffs, "largest_change_by_doubling": sum(moved.values())},
            warnings,
        )

    def estimate(self, system: EmittersInCavity, properties: frozenset[str]) -> float | None:
        return 0.1

    @classmethod
    def example_systems(cls) -> Sequence[qmbench.System]:
        return [*EmittersInCavity.samples(), _vibrating(True)]


def _vibrating(counter_rotating: bool) -> EmittersInCavity:
    """One emitter with a vibration."""
    system = EmittersInCavity(1, (Mode(1.0, 0.3),), 0.9, counter_rotating=counter_rotating, excited=1, name="vibrating")
    return replace(system, times=(0.0, 0.7, 1.9), vibrations=(Vibration(0.3, 0.4),))


def need_times(name: str, times: Sequence[float], properties: frozenset[str]) -> None:
    """InputError where something over time is asked for and the system has no times."""
    wanted = sorted(properties & {*_OVER_TIME, "coherence", "memory_kernel"})
    if wanted and not times:
        raise qmbench.InputError(
            f"{name}: {', '.join(wanted)} need times in the system: times = {{ to = 10, points = 101 }}"
        )


def no_vibrations(name: str, system: EmittersInCavity) -> None:
    """Unsupported where emitters vibrate."""
    if system.vibrations:
        raise Unsupported(
            f"{name} are not of emitters that vibrate; exact-cavity and rotating-wave have their energies"
        )


def labelled(energies: Sequence[float]) -> dict[str, float]:
    """E0, E1, …"""
    return {f"E{n}": float(energy) for n, energy in enumerate(energies)}


def _properties(system: EmittersInCavity, found: Any, asked: frozenset[str]) -> dict[str, Quantity]:
    """What was asked for, without uncertainties."""
    times = np.array(system.times)
    every = {
        "energy": lambda: Quantity(float(found.energies[0]), ENERGY),
        "energies": lambda: Quantity(
            labelled(found.energies),
            ENERGY,
            degeneracies=dict(zip(labelled(found.energies), found.degeneracies, strict=True)),
        ),
        "polariton_splitting": lambda: Quantity(found.splitting, ENERGY),
        "photon_number": lambda: Quantity(found.photon_number, ""),
        "entanglement_entropy": lambda: Quantity(found.entropy, ""),
        "population": lambda: Quantity(Curve(times, found.population, TIME), ""),
        "photon_number_in_time": lambda: Quantity(Curve(times, found.photons_in_time, TIME), ""),
    }
    return {name: make() for name, make in every.items() if name in asked}


def numbers(quantity: Quantity) -> np.ndarray:
    """All numbers of a quantity, flat."""
    value = quantity.value
    if isinstance(value, dict):
        return np.array(list(value.values()))
    return np.atleast_1d(value.values if isinstance(value, Curve) else np.asarray(value, dtype=float)).ravel()


def _change(before: Quantity, after: Quantity, scale: float) -> float:
    """The largest change: of energies relative to `scale`."""
    one, other = numbers(before), numbers(after)
    if one.shape != other.shape:  # a cutoff so small that there were fewer states
        return np.inf
    return float(np.max(np.abs(one - other))) / (scale if after.unit == ENERGY else 1.0)


def _certified(value: Quantity, by: Any, scale: float) -> Quantity:
    """A value, uncertain by what doubling the cutoffs changed and by the rounding of a diagonalization."""
    return with_uncertainty(value, by + 1e-13 * (scale if value.unit == ENERGY else 1.0))


def with_uncertainty(quantity: Quantity, by: np.ndarray) -> Quantity:
    """The quantity with an uncertainty for each of its numbers, an estimate."""
    value = quantity.value
    if isinstance(value, dict):
        spread: Any = dict(zip(value, by.tolist(), strict=True))
    else:
        spread = by if isinstance(value, Curve) else float(by[0])
    return Quantity(value, quantity.unit, spread, "estimate", quantity.degeneracies)


class ExactCavity(Diagonalization):
    """Exact diagonalization of emitters and light, photon cutoff certified by doubling; energies in E0.

    The model is the system's, with or without counter-rotating and diamagnetic terms. Two-level emitters by total spin:
    Dicke, Phys. Rev. 93, 99 (1954).
    """

    name = "exact-cavity"
    claim = "reference"
    Options = ExactOptions
    examples = ("exact-cavity",)

    def counter_rotating(self, system: EmittersInCavity) -> bool:
        return system.counter_rotating

    def label(self) -> str:
        return "exact"


class RotatingWave(Diagonalization):
    """The rotating-wave approximation: the system's model without what changes the number of excitations by two.

    Energies in the model's unit, E0.
    Jaynes, Cummings, Proc. IEEE 51, 89 (1963); Tavis, Cummings, Phys. Rev. 170, 379 (1968). Of a diamagnetic term
    d (a + a†)² the part d (2a†a + 1) is kept.
    """

    name = "rotating-wave"
    examples = ("rotating-wave",)

    def counter_rotating(self, system: EmittersInCavity) -> bool:
        return False

    @classmethod
    def example_systems(cls) -> Sequence[qmbench.System]:
        """Coupled so strongly that the lowest state has photons; in weak light it is the bare one, whatever ω."""
        times = (0.0, 0.7, 1.9)
        return [
            EmittersInCavity(1, (Mode(1.0, 1.3),), 0.9, counter_rotating=False, excited=1, times=times, name="one"),
            EmittersInCavity(2, (Mode(1.0, 0.9, 1),), 1.1, counter_rotating=False, excited=1, times=times, name="two"),
            _vibrating(False),
        ]

    def label(self) -> str:
        return "RWA"


__all__ = ["EmittersInCavity", "ExactCavity", "Mode", "RotatingWave", "Vibration"]
