"""The quantum Rabi model without diagonalization: zeros of Braak's transcendental functions."""

from __future__ import annotations

import numpy as np
from pydantic import Field

import qmbench
from qmbench import Method, NotConverged, Quantity, Unsupported
from qmbench_light.models.cavity import labelled, no_vibrations
from qmbench_light.models.emitters import EmittersInCavity
from qmbench_light.models.pieces import ENERGY

_POINTS = 400
"""Places within a unit of energy where signs are compared."""


class BraakOptions(qmbench.Options):
    """How much of the spectrum."""

    states: int = Field(10, ge=1, le=60, description="how many energies, the lowest")


class Braak(Method[EmittersInCavity]):
    """Energies of the quantum Rabi model as zeros of G±(x), Braak, Phys. Rev. Lett. 107, 100401 (2011), eqs. 3 and 4.

    One emitter of two levels, one mode, counter-rotating terms, no diamagnetic term; energies in the model's unit, E0.
    With exceptional (Juddian) energies nω − g²/ω, which two states share. No basis, and no cutoff of photons.
    """

    name = "braak"
    systems = (EmittersInCavity,)
    properties = frozenset({"energy", "energies"})
    Options = BraakOptions
    distributions = ("scipy",)
    claim = "reference"
    examples = ("braak",)

    def check_system(self, system: EmittersInCavity, properties: frozenset[str]) -> None:
        no_vibrations(f"{self.name}: Braak's conditions", system)
        two = len(system.level_energies) == 2
        if not (two and system.emitters == 1 and len(system.modes) == 1 and system.counter_rotating):
            raise Unsupported(f"{self.name}: Braak's condition is of one two-level emitter, one mode, no rotating wave")
        if system.diamagnetic or not system.modes[0].coupling:
            raise Unsupported(f"{self.name}: Braak's condition has no diamagnetic term, and a coupling that is not 0")

    def compute(
        self, system: EmittersInCavity, properties: frozenset[str], resources: qmbench.Resources
    ) -> qmbench.Result:
        mode = system.modes[0]
        low, high = system.level_energies
        g = abs(mode.coupling * float(system.transition[0, 1])) / mode.frequency
        if not g:
            raise Unsupported(f"{self.name}: the light couples to no transition")
        found = spectrum(g, (high - low) / 2 / mode.frequency, self.options.states)
        energies = mode.frequency * found + (low + high) / 2
        every = {
            "energy": Quantity(float(energies[0]), ENERGY),
            "energies": Quantity(labelled(energies), ENERGY),
        }
        return qmbench.Result({name: every[name] for name in properties})

    def label(self) -> str:
        return "Braak"


def spectrum(g: float, delta: float, states: int) -> np.ndarray:
    """The lowest `states` eigenvalues of a†a + Δσ_z + g σ_x (a + a†); NotConverged where zeros can't be told apart.

    x = E + g². Between neighbouring integers the functions are smooth; at an integer they have a pole, unless the
    energy n − g² is one of two states of different parity (Judd, J. Phys. C 12, 1685 (1979)).
    """
    from scipy.optimize import brentq

    found: list[float] = []
    # σ_x (a + a†) lowers a†a to −g² at most, and Δσ_z is −Δ at least.
    left, n = -delta - 1e-9, 0
    while len(found) < states:
        # Zeros crowd at the poles when g is small: nodes of Chebyshev's are dense there.
        nodes = left + (n - left) * (1 - np.cos(np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)) / 2
        for sign in (1, -1):
            values = np.array([_braak(x, g, delta, sign) for x in nodes])
            for k in np.nonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)[0]:
                found.append(brentq(_braak, nodes[k], nodes[k + 1], (g, delta, sign), xtol=1e-15, rtol=1e-14))
        if _exceptional(n, g, delta):
            found += [float(n), float(n)]
        left = float(n)
        n += 1
        if n > 4 * states + 20:
            raise NotConverged("braak: zeros of G are missing; the coupling is too weak for this search")
    # Two energies lie, on the average, within one unit: with fewer, zeros have been missed.
    if n > states / 2 + 6 + delta:
        raise NotConverged(f"braak: {n} units of energy have only {len(found)} zeros; two each are expected")
    return np.sort(found)[:states] - g * g


def _coefficients(x: float, g: float, delta: float, terms: int) -> list[float]:
    """K_0 … by Braak's recurrence: n K_n = f_{n-1} K_{n-1} − K_{n-2}, f_n = 2g + (n − x + Δ²/(x − n))/2g."""
    found = [1.0]
    before = 0.0
    for n in range(1, terms):
        m = n - 1
        f = 2 * g + (m - x + delta * delta / (x - m)) / (2 * g)
        found.append((f * found[-1] - before) / n)
        before = found[-2]
    return found


def _braak(x: float, g: float, delta: float, sign: int) -> float:
    """G±(x) = Σ K_n(x) (1 ∓ Δ/(x − n)) g^n, until it no longer changes."""
    before, k, total, power = 0.0, 1.0, 0.0, 1.0
    small = 0
    for n in range(2000):
        term = k * (1 - sign * delta / (x - n)) * power
        total += term
        small = small + 1 if abs(term) <= 1e-17 * abs(total) else 0
        if small > 4 and n > x:
            return total
        f = 2 * g + (n - x + delta * delta / (x - n)) / (2 * g)
        before, k = k, (f * k - before) / (n + 1)
        power *= g
    raise NotConverged(f"braak: the series for G did not converge at E = {x - g * g:g} ω")


def _exceptional(n: int, g: float, delta: float) -> bool:
    """Whether n − g² is an energy of two states: K_n(n) = 0 for Δ ≠ 0."""
    if n == 0:
        return False
    coefficients = _coefficients(float(n), g, delta, n + 1)
    return abs(coefficients[n]) < 1e-10 * max(1.0, max(map(abs, coefficients)))
