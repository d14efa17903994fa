"""Emitters in a cavity without diagonalizing them: bosons in place of emitters, and fields in place of photons."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

import qmbench
from qmbench import Curve, Method, Quantity, Unsupported
from qmbench_light.models.cavity import labelled, need_times, no_vibrations
from qmbench_light.models.emitters import EmittersInCavity, Mode
from qmbench_light.models.pieces import ENERGY, TIME
from qmbench_light.two_polaritons import check_one_mode


@dataclass(frozen=True)
class Classical:
    """The lowest energy of a classical field and spins. cosine: of the spins' tilt, 1 in the normal phase.

    field: (modes,) <a + a†>. energy: with all emitters.
    """

    energy: float
    cosine: float
    field: np.ndarray


def classical(system: EmittersInCavity) -> Classical:
    """E/N = −(ω₀/2) cos θ − (G/2) sin²θ with the field where it is least, G = N gᵀ(ω/2 + 2d ggᵀ)⁻¹g.

    Hepp, Lieb, Ann. Phys. 76, 360 (1973); Emary, Brandes, Phys. Rev. E 67, 066203 (2003). Two levels.
    """
    n = system.emitters
    low, high = system.level_energies
    gap, middle = high - low, n * (low + high) / 2
    g = np.array([mode.coupling for mode in system.modes]) * system.transition[0, 1]
    omega = np.array([mode.frequency for mode in system.modes])
    if not system.counter_rotating:
        # The same with g/2 for (a + a†) and for i(a − a†), of which one is as good as the other.
        g = g / 2
    light = np.array([mode.coupling for mode in system.modes])
    d = system.diamagnetic_strength
    stiffness = np.diag(omega) / 2 + (2 if system.counter_rotating else 1) * d * np.outer(light, light)
    response = np.linalg.solve(stiffness, g)
    size = n * float(g @ response)
    cosine = min(1.0, gap / (2 * size)) if size > 0 else 1.0
    sine = np.sqrt(1 - cosine**2)
    energy = middle - n * gap / 2 * cosine - n * size / 2 * sine**2
    if not system.counter_rotating:
        energy += d * float(light @ light)
    return Classical(float(energy), cosine, -n * sine * response)


class HolsteinOptions(qmbench.Options):
    """How much of the spectrum."""

    states: int = Field(10, ge=1, le=200, description="how many energies, the lowest")


class HolsteinPrimakoff(Method[EmittersInCavity]):
    """Emitters as bosons, to second order (Holstein, Primakoff), in both phases; energies in E0.

    Holstein, Primakoff, Phys. Rev. 58, 1098 (1940); of the Dicke model: Emary, Brandes, Phys. Rev. E 67, 066203 (2003).
    Exact for infinitely many emitters at fixed g√N. Above the critical coupling the bosons are about the displaced
    state, and every energy is there twice.
    """

    name = "holstein-primakoff"
    systems = (EmittersInCavity,)
    properties = frozenset({"energy", "energies", "polariton_splitting", "photon_number"})
    Options = HolsteinOptions
    examples = ("holstein-primakoff",)

    def check_system(self, system: EmittersInCavity, properties: frozenset[str]) -> None:
        _two_levels(self.name, system)
        if classical(system).cosine < 1 and not system.counter_rotating:
            raise Unsupported(f"{self.name}: beyond the critical coupling a rotating-wave model has a soft mode")
        if "polariton_splitting" in properties:
            check_one_mode(self.name, [mode.coupling for mode in system.modes])

    def compute(
        self, system: EmittersInCavity, properties: frozenset[str], resources: qmbench.Resources
    ) -> qmbench.Result:
        start = classical(system)
        omega = np.array([*(mode.frequency for mode in system.modes), np.ptp(system.level_energies) / start.cosine])
        light = np.array([mode.coupling for mode in system.modes])
        modes = len(light)
        # H = Σ Ω a†a + ½ Σ C (a + a†)(a + a†), the emitters' boson last.
        c = np.zeros((modes + 1, modes + 1))
        c[:modes, :modes] = 2 * system.diamagnetic_strength * np.outer(light, light)
        coupling = light * system.transition[0, 1] * np.sqrt(system.emitters) * start.cosine
        c[:modes, modes] = c[modes, :modes] = coupling
        if system.counter_rotating:
            v = np.diag(omega**2) + 2 * np.sqrt(np.outer(omega, omega)) * c
            squares, vectors = np.linalg.eigh(v)
            # At the critical coupling itself the lower polariton has no energy.
            polaritons = np.sqrt(np.maximum(squares, 0.0))
            ground = start.energy + (polaritons.sum() - omega.sum()) / 2
        else:
            polaritons, ground = np.linalg.eigvalsh(np.diag(omega) + c), start.energy
        found: dict[str, Any] = {"energy": lambda: Quantity(float(ground), ENERGY)}

        def energies() -> Quantity:
            if system.counter_rotating and polaritons[0] < 1e-9 * omega.max():
                raise Unsupported(
                    f"{self.name}: at the critical coupling the lower polariton has no energy, and no state but the "
                    "lowest is discrete"
                )
            # Above it there are two displaced states, of either sign: each energy is there twice, as two states.
            twice = 2 if start.cosine < 1 else 1
            sums = np.repeat(_sums(polaritons, self.options.states), twice)[: self.options.states]
            return Quantity(labelled(ground + sums), ENERGY)

        found["energies"] = energies
        found["polariton_splitting"] = lambda: Quantity(float(polaritons[1] - polaritons[0]), ENERGY)

        def photons() -> Quantity:
            number = float(np.sum(start.field**2)) / 4
            if system.counter_rotating:
                if polaritons[0] < 1e-9 * omega.max():
                    raise qmbench.NotConverged(f"{self.name}: at the critical coupling the number of photons diverges")
                x2 = (vectors**2 @ (0.5 / polaritons))[:modes]
                p2 = (vectors**2 @ (0.5 * polaritons))[:modes]
                number += float(np.sum(omega[:modes] * x2 / 2 + p2 / omega[:modes] / 2 - 0.5))
            return Quantity(number, "")

        found["photon_number"] = photons
        return qmbench.Result({name: found[name]() for name in properties}, {"phase": _phase(start)})

    @classmethod
    def example_systems(cls) -> Sequence[qmbench.System]:
        return _both_phases()

    def label(self) -> str:
        return "Holstein–Primakoff"


def _both_phases() -> list[qmbench.System]:
    times = (0.0, 0.7, 1.9)
    return [
        EmittersInCavity(3, (Mode(1.0, 0.8, 1),), 0.9, excited=1, times=times, name="superradiant"),
        EmittersInCavity(2, (Mode(1.0, 0.1, 1),), 1.1, excited=1, times=times, name="normal"),
    ]


def _phase(found: Classical) -> str:
    return "normal" if found.cosine == 1 else "superradiant"


def _two_levels(name: str, system: EmittersInCavity) -> None:
    no_vibrations(f"{name}: the classical field and its bosons", system)
    if len(system.level_energies) != 2:
        raise Unsupported(f"{name}: emitters of two levels, not {len(system.level_energies)}")


def _sums(energies: np.ndarray, count: int) -> list[float]:
    """The lowest sums Σ n ε over numbers n ≥ 0."""
    heap: list[tuple[float, tuple[int, ...]]] = [(0.0, (0,) * len(energies))]
    seen = {heap[0][1]}
    found: list[float] = []
    while len(found) < count:
        total, numbers = heapq.heappop(heap)
        found.append(total)
        for k in range(len(energies)):
            more = (*numbers[:k], numbers[k] + 1, *numbers[k + 1 :])
            if more not in seen:
                seen.add(more)
                heapq.heappush(heap, (float(np.dot(more, energies)), more))
    return found


class MeanField(Method[EmittersInCavity]):
    """A classical field and classical spins: the Maxwell–Bloch equations, and their lowest energy; energies in E0.

    Over time the field starts as the coherent state with as many photons, real amplitudes, and the spins without
    transverse part: with all emitters excited in an empty cavity nothing moves, for there is no spontaneous emission.
    Haken, Laser Theory (1970); the energy: Hepp, Lieb, Ann. Phys. 76, 360 (1973).
    """

    name = "mean-field"
    systems = (EmittersInCavity,)
    properties = frozenset({"energy", "photon_number", "population", "photon_number_in_time"})
    distributions = ("scipy",)
    examples = ("mean-field",)

    def check_system(self, system: EmittersInCavity, properties: frozenset[str]) -> None:
        _two_levels(self.name, system)
        need_times(self.name, system.times, properties)

    def compute(
        self, system: EmittersInCavity, properties: frozenset[str], resources: qmbench.Resources
    ) -> qmbench.Result:
        lowest = classical(system)
        found = {
            "energy": Quantity(lowest.energy, ENERGY),
            "photon_number": Quantity(float(np.sum(lowest.field**2)) / 4, ""),
        }
        if properties & {"population", "photon_number_in_time"}:
            population, photons = _maxwell_bloch(system)
            times = np.array(system.times)
            found["population"] = Quantity(Curve(times, population, TIME), "")
            found["photon_number_in_time"] = Quantity(Curve(times, photons, TIME), "")
        return qmbench.Result({name: found[name] for name in properties}, {"phase": _phase(lowest)})

    @classmethod
    def example_systems(cls) -> Sequence[qmbench.System]:
        return _both_phases()

    def label(self) -> str:
        return "mean field"


def _maxwell_bloch(system: EmittersInCavity) -> tuple[np.ndarray, np.ndarray]:
    """Population of each emitter and photons at the times: i dα/dt = ∂H/∂α*, dS/dt = B × S."""
    from scipy.integrate import solve_ivp

    n, modes = system.emitters, len(system.modes)
    omega = np.array([mode.frequency for mode in system.modes])
    light = np.array([mode.coupling for mode in system.modes])
    g = light * system.transition[0, 1]
    gap, d = float(np.ptp(system.level_energies)), system.diamagnetic_strength

    def slope(_: float, y: np.ndarray) -> np.ndarray:
        alpha, spin = y[:modes] + 1j * y[modes : 2 * modes], y[2 * modes :]
        if system.counter_rotating:
            force = g * 2 * spin[0] + 2 * d * light * (light @ (2 * alpha.real))
            turn = np.array([2 * g @ (2 * alpha.real), 0.0, gap])
        else:
            force = g * (spin[0] - 1j * spin[1]) + 2 * d * light * (light @ alpha)
            turn = np.array([2 * g @ alpha.real, -2 * g @ alpha.imag, gap])
        change = -1j * (omega * alpha + force)
        return np.concatenate([change.real, change.imag, np.cross(turn, spin)])

    amplitudes = np.sqrt([float(mode.photons) for mode in system.modes])
    start = np.concatenate([amplitudes, np.zeros(modes), [0.0, 0.0, system.excited - n / 2]])
    times = np.array(system.times)
    if not times[-1]:
        path = start[:, None]
    else:
        path = solve_ivp(slope, (0.0, times[-1]), start, "DOP853", times, rtol=1e-11, atol=1e-13).y
    return path[-1] / n + 0.5, np.sum(path[: 2 * modes] ** 2, axis=0)
