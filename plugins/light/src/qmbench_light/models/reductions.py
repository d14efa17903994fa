"""Reduced equations of open systems with memory: Nakajima–Zwanzig, transfer tensors, pseudomodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

import qmbench
from qmbench import Curve, NotConverged, Quantity, Unsupported
from qmbench_light.models.cavity import numbers, with_uncertainty
from qmbench_light.models.open_methods import CURVES, OpenMethod, curves
from qmbench_light.models.open_system import Bath, OpenSystem
from qmbench_light.models.pieces import ENERGY, TIME

KERNEL_UNIT = f"{ENERGY}^2"


def _few_levels(name: str, system: OpenSystem, most: int) -> None:
    if not system.baths:
        raise Unsupported(f"{name}: there is no bath; lindblad does losses without memory")
    if system.levels > most:
        raise Unsupported(f"{name}: {most} levels at most, not {system.levels}")


class NakajimaZwanzigOptions(qmbench.Options):
    """Order and form."""

    order: Literal["2", "4"] = Field("2", description="of the coupling to the baths")
    form: Literal["convolution", "convolutionless"] = Field(
        "convolution", description="with a memory integral (TC), or local in time (TCL)"
    )


class NakajimaZwanzig(OpenMethod):
    """The Nakajima–Zwanzig equation to second or fourth order, with or without convolution; times in hbar/E0.

    Nakajima, Prog. Theor. Phys. 20, 948 (1958); Zwanzig, J. Chem. Phys. 33, 1338 (1960); without convolution: Shibata,
    Takahashi, Hashitsume, J. Stat. Phys. 17, 171 (1977). What twice the Padé terms (and, without convolution, twice the
    time steps) change is the uncertainty. The kernel is that of the
    form with convolution, at times above 0: that of a Drude–Lorentz bath diverges there.
    """

    name = "nakajima-zwanzig"
    properties = frozenset({*CURVES[:2], "memory_kernel"})
    Options = NakajimaZwanzigOptions
    examples = ("nakajima-zwanzig", "nakajima-zwanzig?order=4&form=convolutionless")

    def check_system(self, system: OpenSystem, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        _few_levels(self.name, system, 4)
        if "memory_kernel" in properties and self.options.form != "convolution":
            raise Unsupported(f"{self.name}: without convolution there is no memory kernel")
        if "memory_kernel" in properties and not system.times[-1]:
            raise qmbench.InputError(f"{self.name}: the memory kernel is at times above 0")

    def compute(self, system: OpenSystem, properties: frozenset[str], resources: qmbench.Resources) -> qmbench.Result:
        rough, fine = self._at(system, properties, 2, 50), self._at(system, properties, 4, 100)
        change = {name: np.abs(numbers(fine[name]) - numbers(rough[name])) for name in fine}
        worst = max(
            float(values.max() / max(1.0, np.abs(numbers(fine[name])).max())) for name, values in change.items()
        )
        if not worst <= 1e-2:
            raise NotConverged(f"{self.name}: twice the Padé terms and steps change {worst:.1e}; the bath is too cold")
        return qmbench.Result({name: with_uncertainty(fine[name], change[name] + 1e-10) for name in fine})

    def _at(self, system: OpenSystem, properties: frozenset[str], terms: int, points: int) -> dict[str, Quantity]:
        from qmbench_light.models.projection import convolved, kernel_norms, time_local

        order = int(self.options.order)
        found = {}
        asked = properties & set(CURVES)
        if asked and self.options.form == "convolution":
            found = curves(system, convolved(system, order, terms), asked)
        elif asked:
            found = curves(system, time_local(system, order, terms, points), asked)
        if "memory_kernel" in properties:
            later = replace(system, times=tuple(time for time in system.times if time > 0))
            norms = kernel_norms(later, order, terms)
            found["memory_kernel"] = Quantity(Curve(np.array(later.times), norms, TIME), KERNEL_UNIT)
        return found

    def estimate(self, system: OpenSystem, properties: frozenset[str]) -> float | None:
        return 2.0

    def label(self) -> str:
        return ("NZ" if self.options.form == "convolution" else "TCL") + self.options.order

    label_options = frozenset({"order", "form"})


class PseudomodeOptions(qmbench.Options):
    """The cutoff."""

    quanta: int | None = Field(
        None, ge=1, le=32, description="of a pseudomode; without it, doubled from 1 until converged"
    )


class Pseudomode(OpenMethod):
    """A Lorentzian bath as one damped oscillator, exactly; times in hbar/E0.

    Garraway, Phys. Rev. A 55, 2290 (1997): coupling √(rate·width/2), decay rate 2·width. Other densities are refused.
    """

    name = "pseudomode"
    Options = PseudomodeOptions
    claim = "reference"
    examples = ("pseudomode",)

    def check_system(self, system: OpenSystem, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        _few_levels(self.name, system, 12)
        if any(bath.density != "lorentzian" for bath in system.baths):
            raise Unsupported(f"{self.name}: one pseudomode is exact for a lorentzian bath; heom does the others")

    def compute(self, system: OpenSystem, properties: frozenset[str], resources: qmbench.Resources) -> qmbench.Result:
        quanta = self.options.quanta or 1
        before = curves(system, pseudomodes(system, quanta), properties)
        while True:
            after = curves(system, pseudomodes(system, 2 * quanta), properties)
            change = {name: np.abs(numbers(after[name]) - numbers(before[name])) for name in after}
            worst = max(float(values.max()) for values in change.values())
            if worst <= 1e-8:
                break
            if self.options.quanta or quanta >= 16:
                raise NotConverged(f"{self.name}: from {quanta} to {2 * quanta} quanta the numbers move by {worst:.1e}")
            before, quanta = after, 2 * quanta
        return qmbench.Result({n: with_uncertainty(after[n], change[n] + 1e-11) for n in after}, {"quanta": 2 * quanta})

    @classmethod
    def example_systems(cls) -> Sequence[qmbench.System]:
        """With counter-rotating terms: without them one quantum is enough."""
        damped = OpenSystem.samples()[1]
        bath = Bath("sigma_x", "lorentzian", rate=0.2, width=1.5, centre=1.0)
        return [replace(damped, baths=(bath,), name="counter-rotating"), damped]  # type: ignore[type-var]

    def label(self) -> str:
        return "pseudomode"


def pseudomodes(system: OpenSystem, quanta: int, initial: np.ndarray | None = None) -> np.ndarray:
    """(times, d, d) with each Lorentzian bath as a mode of at most `quanta` quanta, from `initial` (the system's)."""
    from qmbench_light.models.generators import decays, local, propagate

    sizes = [system.levels] + [quanta + 1] * len(system.baths)
    if np.prod(sizes) > 200:
        raise NotConverged(
            f"{len(system.baths)} pseudomodes of {quanta} quanta are {np.prod(sizes)} states, more than 200"
        )

    def spread(operator: np.ndarray, place: int) -> np.ndarray:
        return np.kron(np.kron(np.eye(int(np.prod(sizes[:place]))), operator), np.eye(int(np.prod(sizes[place + 1 :]))))

    a = np.diag(np.sqrt(np.arange(1, quanta + 1)), 1).astype(complex)
    h = spread(system.hamiltonian_matrix, 0)
    jumps = [(rate, spread(jump, 0)) for rate, jump in decays(system)]
    for place, bath in enumerate(system.baths, start=1):
        mode = spread(a, place)
        exchange = np.sqrt(bath.rate * bath.width / 2) * spread(system.operator(bath), 0) @ mode.conj().T
        h = h + bath.centre * mode.conj().T @ mode + exchange + exchange.conj().T
        jumps.append((2 * bath.width, mode))
    vacuum = np.zeros((int(np.prod(sizes[1:])),) * 2)
    vacuum[0, 0] = 1.0
    start = np.kron(system.state if initial is None else initial, vacuum)
    states = propagate(local(h, jumps, sparse=True), start, system.times)
    rest = len(vacuum)
    return np.einsum("tikjk->tij", states.reshape(-1, system.levels, rest, system.levels, rest))


class MemoryKernelOptions(qmbench.Options):
    """Where the exact data end."""

    memory: float | None = Field(
        None, gt=0, description="time (hbar/E0) up to which exact data are used; without it, doubled until it suffices"
    )
    tolerance: float = Field(1e-4, ge=1e-8, le=1e-1, description="what twice the memory may change")


class MemoryKernel(OpenMethod):
    """The memory kernel from exact short-time data by transfer tensors, and what follows from it; times in hbar/E0.

    Cerrillo, Cao, Phys. Rev. Lett. 112, 110401 (2014). Exact data: pseudomodes where all baths are Lorentzian, the
    hierarchical equations of motion elsewhere. The system's times are 0, h, 2h, … without gaps; the kernel is T_n/h² of
    the transfer tensors, a discretization of that of the Nakajima–Zwanzig equation with an error of the order of h.
    """

    name = "memory-kernel"
    properties = frozenset({*CURVES[:2], "memory_kernel"})
    Options = MemoryKernelOptions
    distributions = ("qutip", "scipy")
    examples = ("memory-kernel",)

    def check_system(self, system: OpenSystem, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        _few_levels(self.name, system, 4)
        lorentzian = [bath.density == "lorentzian" for bath in system.baths]
        hermitian = [np.allclose(o, o.conj().T) for o in map(system.operator, system.baths)]
        if not all(lorentzian) and not all(hermitian):
            raise Unsupported(f"{self.name}: baths all Lorentzian, or all on Hermitian operators")
        times = np.array(system.times)
        if len(times) < 5 or times[0] or np.ptp(np.diff(times)) > 1e-9 * times[-1]:
            raise Unsupported(f"{self.name}: times must be equidistant from 0 on, five at least")

    def compute(self, system: OpenSystem, properties: frozenset[str], resources: qmbench.Resources) -> qmbench.Result:
        step = system.times[1]
        count = len(system.times) - 1
        steps = round(self.options.memory / step) if self.options.memory else max(2, count // 8)
        if not 1 <= 2 * steps <= count:
            raise NotConverged(
                f"{self.name}: data are needed up to twice the memory; the times end at {system.times[-1]:g}"
            )
        while True:
            tensors = transfer_tensors(dynamical_maps(system, 2 * steps))
            one, two = (_from_tensors(system, tensors[:n], properties, step) for n in (steps, 2 * steps))
            change = {name: np.abs(numbers(two[name]) - numbers(one[name])) for name in two if name in CURVES}
            worst = max((float(values.max()) for values in change.values()), default=0.0)
            if not change:
                norms = numbers(two["memory_kernel"])
                worst = float(norms[steps:].max() / norms.max())
            if worst <= self.options.tolerance:
                break
            if self.options.memory or 4 * steps > count:
                raise NotConverged(
                    f"{self.name}: twice a memory of {steps * step:g} changes {worst:.1e}, more than "
                    f"{self.options.tolerance:g}; longer memory, or times"
                )
            steps *= 2
        found = {n: with_uncertainty(q, change[n] + 1e-6) if n in change else q for n, q in two.items()}
        return qmbench.Result(found, {"memory": 2 * steps * step})

    @classmethod
    def example_systems(cls) -> Sequence[qmbench.System]:
        times = tuple(0.5 * n for n in range(41))
        return [replace(OpenSystem.samples()[1], times=times)]  # type: ignore[type-var]

    def estimate(self, system: OpenSystem, properties: frozenset[str]) -> float | None:
        return 10.0

    def label(self) -> str:
        return "transfer tensors"


def dynamical_maps(system: OpenSystem, steps: int) -> np.ndarray:
    """(steps + 1, d², d²) E(t_n), exact: what a density matrix at 0 is at t_n."""
    from qmbench_light.models.hierarchy import evolve

    early = replace(system, times=system.times[: steps + 1])
    d = system.levels
    found = np.empty((steps + 1, d * d, d * d), dtype=complex)
    exact = all(bath.density == "lorentzian" for bath in system.baths)
    for column in range(d * d):
        start = np.zeros((d, d), dtype=complex)
        start[divmod(column, d)] = 1.0
        states = pseudomodes(early, 4, start) if exact else evolve(early, 6, 2, start)
        found[:, :, column] = states.reshape(steps + 1, -1)
    return found


def transfer_tensors(maps: np.ndarray) -> np.ndarray:
    """(steps, d², d²) T_1 …: E_n = Σ_m T_m E_{n−m}. Cerrillo, Cao (2014), eq. 3."""
    found: list[np.ndarray] = []
    for n in range(1, len(maps)):
        found.append(maps[n] - sum((found[m - 1] @ maps[n - m] for m in range(1, n)), np.zeros_like(maps[0])))
    return np.array(found)


def _from_tensors(
    system: OpenSystem, tensors: np.ndarray, properties: frozenset[str], step: float
) -> dict[str, Quantity]:
    states = [system.state.ravel()]
    for n in range(1, len(system.times)):
        memory = min(n, len(tensors))
        states.append(sum((tensors[m - 1] @ states[n - m] for m in range(1, memory + 1)), np.zeros_like(states[0])))
    found = curves(system, np.array(states).reshape(-1, system.levels, system.levels), properties & set(CURVES))
    if "memory_kernel" in properties:
        norms = np.array([np.linalg.norm(tensor) for tensor in tensors[1:]]) / step**2
        times = np.array(system.times)[2 : len(tensors) + 1]
        found["memory_kernel"] = Quantity(Curve(times, norms, TIME), KERNEL_UNIT)
    return found
