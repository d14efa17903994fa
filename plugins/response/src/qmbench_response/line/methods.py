"""Levels for two electrons on a line: exact, and what approximations make of the response of the density."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from qmbench import Curve, Method, NotConverged, Options, Quantity, Resources, Result, System
from qmbench_response.line.system import ElectronsOnALine

RESPONSE = frozenset({"dynamic_polarizability", "response_function", "response_norm", "response_difference"})
# Gauss–Legendre points of ∫₀^∞ dω, mapped by 0.3 (1 + t)/(1 − t) hartree as everywhere here, and zero.
FREQUENCIES = np.append(0.0, [0.3 * (1 + t) / (1 - t) for t in np.polynomial.legendre.leggauss(12)[0]])


class LineOptions(Options):
    """At which frequency the response function is."""

    frequency: float = Field(
        0.0,
        ge=0,
        le=100,
        description="imaginary frequency of response_function, response_norm and response_difference, hartree",
        examples=[0.5],
    )


class LineMethod(Method[ElectronsOnALine]):
    """Base: a level says what X is at an imaginary frequency."""

    systems: ClassVar[tuple[type[System], ...]] = (ElectronsOnALine,)
    properties = RESPONSE
    Options: ClassVar[type[Options]] = LineOptions
    distributions = ("scipy",)
    options: LineOptions

    def solve(self, line: Any, exact: Callable[[], Any]) -> tuple[Callable[[float], np.ndarray], float | None]:
        """ω -> X (n, n), and the energy in hartree where the level has one. exact: gives the exact solution."""
        raise NotImplementedError

    def compute(self, system: ElectronsOnALine, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_response.line.response import exact, polarizability

        line = system.line
        true = cache(lambda: exact(line))
        response, energy = self.solve(line, true)
        found: dict[str, Quantity] = {}
        if "energy" in properties and energy is not None:
            found["energy"] = Quantity(energy, "hartree")
        if "dynamic_polarizability" in properties:
            values = np.array([polarizability(line.x, response(float(w))) for w in FREQUENCIES])
            found["dynamic_polarizability"] = Quantity(Curve(FREQUENCIES, values, "hartree"), "bohr3")
        wanted = properties & {"response_function", "response_norm", "response_difference"}
        function = response(self.options.frequency) / line.spacing**2 if wanted else np.zeros(0)
        if "response_function" in properties:
            found["response_function"] = Quantity(function, "hartree-1 bohr-2")
        if "response_norm" in properties:
            found["response_norm"] = Quantity(norm(line, function), "hartree-1 bohr-1")
        if "response_difference" in properties:
            reference = true().response(self.options.frequency) / line.spacing**2
            found["response_difference"] = Quantity(norm(line, function - reference) / norm(line, reference), "")
        return Result(found, {"grid_bohr": line.x.tolist(), "frequency_hartree": self.options.frequency})

    def estimate(self, system: ElectronsOnALine, properties: frozenset[str]) -> float | None:
        return 0.05 + 9.0 * (system.points / 81) ** 6

    def label(self) -> str:
        name = self.name.removesuffix("-line")
        return name if name == "exact" else name.upper()

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        return ElectronsOnALine.samples()


def norm(line: Any, function: np.ndarray) -> float:
    """(∫∫ f(x, x′)² dx dx′)^½."""
    return float(np.linalg.norm(function) * line.spacing)


class ExactLine(LineMethod):
    """Two electrons on a line exactly: all singlets on the grid by diagonalization; energy in hartree.

    χ(x, x′, iω) = −Σ 2Ω/(Ω² + ω²) ρ(x) ρ(x′): Fetter and Walecka, Quantum Theory of Many-Particle Systems (1971), 5.
    """

    name = "exact-line"
    claim = "reference"
    properties = RESPONSE | {"energy"}

    def solve(self, line: Any, exact: Callable[[], Any]) -> tuple[Callable[[float], np.ndarray], float | None]:
        found = exact()
        return found.response, found.energy


class HartreeFockLine(LineMethod):
    """Time-dependent Hartree–Fock of two electrons on a line: response of the restricted determinant. Hartree, bohr.

    McLachlan and Ball, Rev. Mod. Phys. 36, 844 (1964).
    """

    name = "hf-line"
    properties = RESPONSE | {"energy"}

    def solve(self, line: Any, exact: Callable[[], Any]) -> tuple[Callable[[float], np.ndarray], float | None]:
        from qmbench_response.line.response import ITERATIONS, hartree_fock

        found = hartree_fock(line)
        if found is None:
            raise NotConverged(f"hf-line: the self-consistent field did not converge in {ITERATIONS} iterations")
        return found.response, found.energy


class KohnShamLine(LineMethod):
    """The exact Kohn–Sham system of two electrons on a line, by inversion of the exact density: its χ₀. Hartree, bohr.

    For two electrons φ = √(n/2). Nothing responds to the change of the density. Runge and Gross, Phys. Rev. Lett. 52,
    997 (1984).
    """

    name = "ks-line"
    kernel: ClassVar[float] = 0.0

    def solve(self, line: Any, exact: Callable[[], Any]) -> tuple[Callable[[float], np.ndarray], float | None]:
        from qmbench_response.line.response import kohn_sham, with_kernel

        orbitals = kohn_sham(line, exact().density)
        if not self.kernel:
            return orbitals.response, None
        kernel = self.kernel * line.interaction
        return lambda frequency: with_kernel(orbitals.response(frequency), kernel), None


class RandomPhaseLine(KohnShamLine):
    """Random-phase approximation on the exact Kohn–Sham system: χ = χ₀ + χ₀ w χ, without exchange and correlation.

    Bohm and Pines, Phys. Rev. 92, 609 (1953). Hartree and bohr.
    """

    name = "rpa-line"
    kernel = 1.0


class ExactExchangeLine(KohnShamLine):
    """Exact-exchange kernel on the exact Kohn–Sham system, −w/2 for two electrons: χ = χ₀ + χ₀ (w/2) χ.

    Petersilka, Gossmann and Gross, Phys. Rev. Lett. 76, 1212 (1996). Hartree and bohr.
    """

    name = "exx-line"
    kernel = 0.5


LEVELS = (ExactLine, HartreeFockLine, KohnShamLine, RandomPhaseLine, ExactExchangeLine)
