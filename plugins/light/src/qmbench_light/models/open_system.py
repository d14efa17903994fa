"""The kind of system `open_system`: a few levels, baths by their spectral densities, and losses by their rates."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from qmbench import Change, FieldError, KindCheck, System, did_you_mean, fields
from qmbench_light.models import operators, pieces

MOST_LEVELS = 60
DENSITIES = ("drude-lorentz", "lorentzian")


@dataclass(frozen=True)
class Piece:
    """strength × operator, a part of the Hamiltonian with a name. strength: energy."""

    operator: Any
    strength: float = 1.0
    name: str = ""
    imaginary: Any = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", pieces.finite(self.strength, "strength", "a piece"))
        _keep_operator(self, "a piece")


@dataclass(frozen=True)
class Bath:
    """Oscillators that couple to `operator` S, uncorrelated with the system at time 0.

    drude-lorentz: S ⊗ B, J(ω) = 2λγω/(ω² + γ²) with `reorganization` λ and `cutoff` γ, at `temperature` T (k_B = 1);
    C(t) = <B(t)B> = (1/π) ∫_0^∞ dω J(ω) (coth(ω/2T) cos ωt − i sin ωt). lorentzian: S ⊗ B† + S† ⊗ B in the vacuum,
    C(t) = <B(t)B†> = (rate·width/2) exp(−width t − i centre t): `rate` is the decay rate without memory.
    """

    operator: Any
    density: str = "drude-lorentz"
    reorganization: float = 0.0
    cutoff: float = 0.0
    temperature: float = 0.0
    rate: float = 0.0
    width: float = 0.0
    centre: float = 0.0
    imaginary: Any = ()

    def __post_init__(self) -> None:
        if self.density not in DENSITIES:
            raise FieldError(
                f"there is no density '{self.density}'{did_you_mean(str(self.density), DENSITIES)}", "density"
            )
        drude = self.density == "drude-lorentz"
        for key in ("reorganization", "cutoff", "temperature", "rate", "width", "centre"):
            used = (key in ("reorganization", "cutoff", "temperature")) == drude
            value = getattr(self, key)
            if not used and value:
                raise FieldError(f"a {self.density} bath has no {key}", key)
            rule = pieces.finite if key == "centre" or not used else pieces.positive
            object.__setattr__(self, key, rule(value, key, f"a {self.density} bath"))
        _keep_operator(self, "a bath")


@dataclass(frozen=True)
class Decay:
    """A loss without memory: rate (n + 1) D[L] + rate n D[L†] with L = `operator` and n = `occupation`."""

    operator: Any
    rate: float
    occupation: float = 0.0
    imaginary: Any = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", pieces.not_negative(self.rate, "rate", "a decay"))
        object.__setattr__(self, "occupation", pieces.not_negative(self.occupation, "occupation", "a decay"))
        _keep_operator(self, "a decay")


def _keep_operator(piece: Any, what: str) -> None:
    object.__setattr__(piece, "operator", operators.stored(piece.operator, "operator", what))
    if np.size(piece.imaginary):
        object.__setattr__(piece, "imaginary", operators.stored(piece.imaginary, "imaginary", what))
    else:
        object.__setattr__(piece, "imaginary", ())


@dataclass(frozen=True)
class OpenSystem(System):
    """A few levels with baths and losses; energies in whichever unit they are written in (E0), times in ħ/E0.

    The Hamiltonian is the sum of pieces (operator, strength, name); see `operators.matrix` for the operators. initial:
    amplitudes of the levels at time 0, which are normalized. observed: the level whose population is meant, and the one
    with which its coherence is. Breuer, Petruccione, The Theory of Open Quantum Systems (2002).
    """

    levels: int
    hamiltonian: tuple[Piece, ...]
    initial: tuple[float, ...]
    times: tuple[float, ...] = ()
    baths: tuple[Bath, ...] = ()
    decays: tuple[Decay, ...] = ()
    observed: tuple[int, int] = (1, 2)
    name: str = field(default="", compare=False)
    kind: ClassVar[str] = "open_system"
    energy_unit: ClassVar[str] = pieces.ENERGY
    units: ClassVar = pieces.UNITS
    parts: ClassVar[str] = "levels"

    def __post_init__(self) -> None:
        what = self.name or self.kind
        self.coerce(fields.whole, "levels")
        if not 2 <= self.levels <= MOST_LEVELS:
            raise FieldError(f"{what}: levels must be 2 to {MOST_LEVELS}, not {self.levels}", "levels")
        for key, cls in (("hamiltonian", Piece), ("baths", Bath), ("decays", Decay)):
            object.__setattr__(self, key, pieces.pieces(cls, getattr(self, key), key, what))
        self.coerce(fields.numbers, "initial")
        self.coerce(pieces.times, "times")
        observed = tuple(fields.whole(n, "observed", what) for n in fields.sequence(self.observed, "observed", what))
        object.__setattr__(self, "observed", observed)
        if len(observed) != 2 or len(set(observed)) < 2 or not all(1 <= n <= self.levels for n in observed):
            raise FieldError(f"{what}: observed must be two levels from 1 to {self.levels}, not {observed}", "observed")
        if len(self.initial) != self.levels or not 0 < sum(a * a for a in self.initial) < math.inf:
            raise FieldError(f"{what}: initial must be {self.levels} amplitudes, not all 0", "initial")
        for key in ("hamiltonian", "baths", "decays"):
            for number, piece in enumerate(getattr(self, key), start=1):
                try:
                    found = operators.matrix(piece.operator, piece.imaginary, self.levels, f"{what}: {key} {number}")
                except FieldError as error:
                    raise FieldError(str(error), key) from None
                hermitian = np.allclose(found, found.conj().T, rtol=0, atol=1e-12)
                if not hermitian and (key == "hamiltonian" or getattr(piece, "density", "") == "drude-lorentz"):
                    raise FieldError(f"{what}: {key} {number}: the operator must be Hermitian", key)

    @property
    def n_parts(self) -> int:
        return self.levels

    def operator(self, piece: Any) -> np.ndarray:
        """(levels, levels) complex: the operator of a piece, a bath or a decay, without its strength."""
        return operators.matrix(piece.operator, piece.imaginary, self.levels, self.name or self.kind)

    @cached_property
    def hamiltonian_matrix(self) -> np.ndarray:
        """(levels, levels) complex, E0."""
        zero = np.zeros((self.levels, self.levels), dtype=complex)
        return sum((piece.strength * self.operator(piece) for piece in self.hamiltonian), zero)

    @cached_property
    def state(self) -> np.ndarray:
        """(levels, levels) complex, the density matrix at time 0."""
        amplitudes = np.array(self.initial) / math.sqrt(sum(a * a for a in self.initial))
        return np.outer(amplitudes, amplitudes).astype(complex)

    def to_json(self) -> dict[str, Any]:
        lists = {key: [dataclasses.asdict(p) for p in getattr(self, key)] for key in ("hamiltonian", "baths", "decays")}
        return super().to_json() | lists

    def oddities(self) -> Iterable[str]:
        if not self.baths and not self.decays:
            yield "an open system without baths and decays is closed"
        for bath in self.baths:
            if bath.density == "lorentzian" and np.allclose(self.operator(bath), self.operator(bath).conj().T):
                yield "a lorentzian bath on a Hermitian operator: counter-rotating terms that its vacuum has not"

    def describe(self) -> str:
        named = ", ".join(piece.name or _short(piece.operator) for piece in self.hamiltonian)
        baths = ", ".join(_bath_words(bath) for bath in self.baths)
        parts = [f"{self.levels} levels ({named})", baths, f"{len(self.decays)} decays" if self.decays else ""]
        return "; ".join(part for part in parts if part)

    def figure(self) -> str:
        """Energies of the levels, the baths and losses that act on them."""
        from qmbench_light.models.drawing import open_picture

        levels = np.linalg.eigvalsh(self.hamiltonian_matrix).tolist()
        return open_picture(levels, [bath.density for bath in self.baths], len(self.decays))

    @classmethod
    def samples(cls) -> Sequence[System]:
        times = (0.0, 0.5, 1.0, 2.0)
        spin = (Piece("sigma_z", 0.5, "splitting"), Piece("sigma_x", 0.2, "tunnelling"))
        drude = Bath("sigma_z", reorganization=0.02, cutoff=0.8, temperature=1.5)
        leaky = Bath("sigma_minus", "lorentzian", rate=0.2, width=1.5, centre=1.0)
        return [
            cls(2, spin, (1.0, 0.5), times, (drude,), name="spin-boson"),
            cls(2, spin[:1], (1.0, 0.5), times, (leaky,), name="damped"),
            cls(2, spin, (1.0, 0.5), times, (), (Decay("sigma_minus", 0.3),), name="driven"),
            cls(
                4,
                (Piece("number", 1.0),),
                (0.0, 1.0, 0.0, 0.0),
                times,
                (),
                (Decay("lowering", 0.3),),
                name="leaky cavity",
            ),
        ]

    def variants(self) -> Iterator[tuple[str, System]]:
        yield "hamiltonian", replace(self, hamiltonian=(*self.hamiltonian, Piece("hop 1 2", 0.3)))
        yield "initial", replace(self, initial=tuple(a + 0.4 * n for n, a in enumerate(self.initial)))
        yield "decays", replace(self, decays=(*self.decays, Decay("jump 1 2", 0.2)))
        if self.baths:
            bath = self.baths[0]
            keys = ("reorganization", "cutoff", "temperature") if bath.density == DENSITIES[0] else ("rate", "width")
            for key in keys:
                other = replace(bath, **{key: 1.4 * getattr(bath, key)})
                yield f"baths.{key}", replace(self, baths=(other, *self.baths[1:]))

    @classmethod
    def checks(cls) -> Mapping[str, KindCheck]:
        used = "The Hamiltonian, the initial state, baths and decays change the number, or are refused."
        return {"open_fields_used": KindCheck(used, _used)}


def _used(system: OpenSystem) -> Iterator[Change]:
    """Curves: a stationary state need not know where it came from."""
    for name, other in system.variants():
        yield Change(f"another '{name}'", other, properties=("population", "coherence"))


def _short(operator: Any) -> str:
    return operator if isinstance(operator, str) else "a matrix"


def _bath_words(bath: Bath) -> str:
    if bath.density == "lorentzian":
        return f"Lorentzian bath, rate {bath.rate:g}, width {bath.width:g}, centre {bath.centre:g}"
    return f"Drude–Lorentz bath, λ {bath.reorganization:g}, γ {bath.cutoff:g}, T {bath.temperature:g}"


__all__ = ["Bath", "Decay", "OpenSystem", "Piece"]
