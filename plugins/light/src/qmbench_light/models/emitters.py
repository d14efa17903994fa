"""The kind of system `emitters_in_cavity`: identical emitters that share the modes of a cavity."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from qmbench import Change, FieldError, KindCheck, Property, Quantity, System, fields
from qmbench_light.models import pieces

MOST_EMITTERS = 1000


@dataclass(frozen=True)
class Mode:
    """A mode of the field. frequency, coupling: ω and g, energies. photons: in the mode at time 0."""

    frequency: float
    coupling: float
    photons: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "frequency", pieces.positive(self.frequency, "frequency", "a mode"))
        object.__setattr__(self, "coupling", pieces.finite(self.coupling, "coupling", "a mode"))
        object.__setattr__(self, "photons", fields.whole(self.photons, "photons", "a mode"))
        if self.photons < 0:
            raise FieldError(f"a mode has 0 photons or more, not {self.photons}", "photons")


@dataclass(frozen=True)
class Vibration:
    """A vibration of each emitter. frequency: ν, an energy. huang_rhys: S; when the emitter leaves level 1 the
    oscillator's minimum is displaced by √S (of c), and lies lower by Sν."""

    frequency: float
    huang_rhys: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "frequency", pieces.positive(self.frequency, "frequency", "a vibration"))
        object.__setattr__(self, "huang_rhys", pieces.not_negative(self.huang_rhys, "huang_rhys", "a vibration"))


@dataclass(frozen=True)
class EmittersInCavity(System):
    """Identical emitters that couple to the modes of a cavity; energies in whichever unit they are written in (E0).

    Of two levels each (Rabi for one emitter, Dicke for several):
    H = Σ_m ω_m a†_m a_m + (ω₀/2) Σ_i σ_z(i) + Σ_m,i g_m σ_x(i) (a_m + a†_m) + D,
    without the zero-point energy of the field. With `counter_rotating = false` the coupling is
    g (σ₊ a + σ₋ a†) (Jaynes–Cummings, Tavis–Cummings). D = κ N Σ_k>0 (μ_0k²/ω_k0) (Σ_m g_m (a_m + a†_m))² is the
    diamagnetic term, κ (`diamagnetic`) its size in units of what the Thomas–Reiche–Kuhn sum rule of the levels asks;
    of two levels κ N g²/ω₀ (a + a†)².

    frequency: ω₀. Or levels: energies of an emitter's levels, ascending, and moments: [i, j, μ] for levels i < j
    (from 1) that the light connects, where σ_x becomes Σ μ (|i><j| + |j><i|).
    vibrations: of each emitter (Holstein–Tavis–Cummings), Σ_v,i ν_v c†_vi c_vi + ν_v √S_v (c_vi + c†_vi) P_i without
    zero-point energy, P_i = 1 in all levels but level 1: ω₀ is the vertical transition, at level 1's geometry.
    At time 0 `excited` emitters are in level 2, the others in level 1, in the state that is symmetric under their
    exchange, vibrations are in their vacuum, and each mode has its `photons`; times: when `population` and the like are
    asked for.

    Jaynes, Cummings, Proc. IEEE 51, 89 (1963); Tavis, Cummings, Phys. Rev. 170, 379 (1968); Dicke, Phys. Rev. 93, 99
    (1954); the diamagnetic term: Rzążewski, Wódkiewicz, Żakowicz, Phys. Rev. Lett. 35, 432 (1975); vibrations: Herrera,
    Spano, Phys. Rev. Lett. 116, 238301 (2016).
    """

    emitters: int
    modes: tuple[Mode, ...]
    frequency: float | None = None
    levels: tuple[float, ...] = ()
    moments: tuple[tuple[int, int, float], ...] = ()
    counter_rotating: bool = True
    diamagnetic: float = 0.0
    excited: int = 0
    times: tuple[float, ...] = ()
    vibrations: tuple[Vibration, ...] = ()
    name: str = field(default="", compare=False)
    kind: ClassVar[str] = "emitters_in_cavity"
    energy_unit: ClassVar[str] = pieces.ENERGY
    units: ClassVar = pieces.UNITS
    parts: ClassVar[str] = "emitters"

    def __post_init__(self) -> None:
        what = self.name or self.kind
        self.coerce(fields.whole, "emitters", "excited")
        object.__setattr__(self, "modes", pieces.pieces(Mode, self.modes, "modes", what))
        object.__setattr__(self, "vibrations", pieces.pieces(Vibration, self.vibrations, "vibrations", what))
        self.coerce(pieces.true_or_false, "counter_rotating")
        self.coerce(pieces.not_negative, "diamagnetic")
        self.coerce(pieces.times, "times")
        self.coerce(fields.numbers, "levels")
        if self.frequency is not None:
            self.coerce(pieces.positive, "frequency")
        object.__setattr__(self, "moments", _moments(self.moments, what))
        _check(self, what)

    @property
    def n_parts(self) -> int:
        return self.emitters

    @cached_property
    def level_energies(self) -> np.ndarray:
        """(levels,) of one emitter, its two levels at ∓ω₀/2."""
        return np.array(self.levels) if self.levels else np.array([-0.5, 0.5]) * float(self.frequency or 0.0)

    @cached_property
    def transition(self) -> np.ndarray:
        """(levels, levels) what stands in for σ_x: symmetric, level 1 first."""
        size = len(self.level_energies)
        found = np.zeros((size, size))
        for lower, upper, moment in self.moments or ((1, 2, 1.0),):
            found[lower - 1, upper - 1] = found[upper - 1, lower - 1] = moment
        return found

    @property
    def diamagnetic_strength(self) -> float:
        """d of the term d (Σ g_m (a_m + a†_m))², in 1/E0."""
        if not self.diamagnetic:
            return 0.0
        gaps = self.level_energies[1:] - self.level_energies[0]
        return float(self.diamagnetic * self.emitters * np.sum(self.transition[0, 1:] ** 2 / gaps))

    def to_json(self) -> dict[str, Any]:
        found = super().to_json() | {
            "modes": [dataclasses.asdict(mode) for mode in self.modes],
            "moments": [list(moment) for moment in self.moments],
            "vibrations": [dataclasses.asdict(vibration) for vibration in self.vibrations],
        }
        if not self.vibrations:  # as systems were before there were any, so that they are found in stores
            del found["vibrations"]
        return found

    def oddities(self) -> Iterable[str]:
        if self.diamagnetic and not self.counter_rotating:
            yield "a diamagnetic term without counter-rotating terms: of it a†a + ½ is kept, which is uncommon"
        if self.counter_rotating and not self.diamagnetic and self.emitters > 1:
            dicke = sum(mode.coupling**2 / mode.frequency for mode in self.modes) * self.emitters
            if len(self.level_energies) == 2 and 4 * dicke > np.diff(self.level_energies)[0]:
                yield "the coupling is beyond the superradiant transition, and there is no diamagnetic term"

    def describe(self) -> str:
        emitters = f"{self.emitters} emitter" + ("s" if self.emitters != 1 else "")
        levels = f"ω₀ {self.frequency:g}" if self.frequency is not None else f"{len(self.levels)} levels"
        modes = ", ".join(f"mode ω {mode.frequency:g}, g {mode.coupling:g}" for mode in self.modes)
        for v in self.vibrations:
            modes += f", vibration ν {v.frequency:g}, S {v.huang_rhys:g}"
        more = "" if self.counter_rotating else ", rotating-wave coupling"
        more += f", diamagnetic term {self.diamagnetic:g} of the sum rule's" if self.diamagnetic else ""
        return f"{emitters} ({levels}), {modes}{more}"

    def figure(self) -> str:
        """Two mirrors, the modes as standing waves between them, and the emitters as dots."""
        from qmbench_light.models.drawing import cavity_picture

        return cavity_picture(self.emitters, [mode.frequency for mode in self.modes], self.level_energies.tolist())

    @classmethod
    def samples(cls) -> Sequence[System]:
        times = (0.0, 0.7, 1.9)
        return [
            cls(1, (Mode(1.0, 0.15),), 0.9, excited=1, times=times, name="one"),
            cls(2, (Mode(1.0, 0.1, 1),), 1.1, excited=1, times=times, name="two"),
        ]

    def variants(self) -> Iterator[tuple[str, System]]:
        mode = self.modes[0]
        others = self.modes[1:]
        yield "emitters", replace(self, emitters=self.emitters + 1)
        if self.frequency is not None:
            yield "frequency", replace(self, frequency=1.2 * self.frequency)
            gap = 1.3 * self.frequency
            yield (
                "levels",
                replace(self, frequency=None, levels=(0.0, gap, 2.1 * gap), moments=((1, 2, 1.0), (2, 3, 0.7))),
            )
        yield "modes.frequency", replace(self, modes=(replace(mode, frequency=1.3 * mode.frequency), *others))
        yield "modes.coupling", replace(self, modes=(replace(mode, coupling=1.5 * mode.coupling), *others))
        yield "modes", replace(self, modes=(*self.modes, Mode(1.7 * mode.frequency, 0.8 * mode.coupling)))
        yield "vibrations", replace(self, vibrations=(*self.vibrations, Vibration(0.6 * mode.frequency, 0.2)))
        if self.vibrations:
            first = self.vibrations[0]
            for key in ("frequency", "huang_rhys"):
                changed = replace(first, **{key: 1.5 * getattr(first, key)})
                yield f"vibrations.{key}", replace(self, vibrations=(changed, *self.vibrations[1:]))
        if self.counter_rotating:
            yield "counter_rotating", replace(self, counter_rotating=False)
        yield "diamagnetic", replace(self, diamagnetic=self.diamagnetic + 1.0)

    @classmethod
    def checks(cls) -> Mapping[str, KindCheck]:
        used = "Emitters, levels, modes, vibrations, counter-rotating and diamagnetic terms change it, or are refused."
        scaled = "With all energies doubled and times halved, energies double and all else stays."
        return {
            "emitters_fields_used": KindCheck(used, lambda s: (Change(f"another '{n}'", o) for n, o in s.variants())),
            "emitters_energy_scale": KindCheck(scaled, _doubled),
        }


def _doubled(system: EmittersInCavity) -> Iterator[Change]:
    def twice(prop: Property, quantity: Quantity) -> Quantity | None:
        if prop.shape == "curve":
            return None
        return quantity.to(quantity.unit) if prop.unit_for(system) != pieces.ENERGY else _times_two(quantity)

    after = replace(
        system,
        frequency=None if system.frequency is None else 2 * system.frequency,
        levels=tuple(2 * energy for energy in system.levels),
        modes=tuple(replace(m, frequency=2 * m.frequency, coupling=2 * m.coupling) for m in system.modes),
        vibrations=tuple(replace(v, frequency=2 * v.frequency) for v in system.vibrations),
        times=tuple(time / 2 for time in system.times),
    )
    yield Change("given with all its energies doubled", after, expected=twice)


def _times_two(quantity: Quantity) -> Quantity:
    value = quantity.value
    doubled = {k: 2.0 * v for k, v in value.items()} if isinstance(value, dict) else 2.0 * np.asarray(value)
    return Quantity(doubled, quantity.unit, quantity.uncertainty, quantity.uncertainty_kind, quantity.degeneracies)


def _moments(value: Any, what: str) -> tuple[tuple[int, int, float], ...]:
    found = []
    for moment in fields.sequence(value, "moments", what):
        parts = list(fields.sequence(moment, "moments", what))
        if len(parts) != 3:
            raise FieldError(f"{what}: a moment is [level, level, moment], not {moment!r}", "moments")
        lower, upper = (fields.whole(n, "moments", what) for n in parts[:2])
        found.append((lower, upper, pieces.finite(parts[2], "moments", what)))
    return tuple(sorted(found))


def _check(s: EmittersInCavity, what: str) -> None:
    if not 1 <= s.emitters <= MOST_EMITTERS:
        raise FieldError(f"{what}: emitters must be 1 to {MOST_EMITTERS}, not {s.emitters}", "emitters")
    if not s.modes:
        raise FieldError(f"{what}: a cavity has a mode at least: [[modes]] with frequency and coupling", "modes")
    if not 0 <= s.excited <= s.emitters:
        raise FieldError(f"{what}: excited must be 0 to {s.emitters}, the emitters, not {s.excited}", "excited")
    if (s.frequency is None) == (not s.levels):
        raise FieldError(f"{what}: say either frequency, of two levels, or levels and moments", "frequency")
    if not s.levels:
        if s.moments:
            raise FieldError(f"{what}: moments belong to levels; with frequency there is one, of 1", "moments")
        return
    if len(s.levels) < 2 or not all(np.diff(s.levels) > 0) or not np.isfinite(s.levels).all():
        raise FieldError(f"{what}: levels must be two finite energies or more, ascending", "levels")
    if not s.moments:
        raise FieldError(f"{what}: levels need moments: [[1, 2, 1.0], …]", "moments")
    for lower, upper, _ in s.moments:
        if not 1 <= lower < upper <= len(s.levels):
            raise FieldError(
                f"{what}: a moment is of levels i < j from 1 to {len(s.levels)}, not {lower}, {upper}", "moments"
            )
    if len({moment[:2] for moment in s.moments}) < len(s.moments):
        raise FieldError(f"{what}: moments name a pair of levels twice", "moments")
