"""Quantum dots for qmbench, by a stranger: a kind of system, methods for it, and a benchmark, in one file.

Nothing in the core knows of it. Energies are in effective hartree (Ha*), lengths in effective bohr.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

import qmbench
from qmbench import fields

QMBENCH_API = 2


@dataclass(frozen=True)
class QuantumDot(qmbench.System):
    """Electrons in a two-dimensional harmonic trap; energies in effective hartree (Ha*).

    H = Σ_i (−∇_i²/2 + ω² r_i²/2) + κ Σ_{i<j} 1/r_ij. omega: ħω in Ha*. kappa: strength of the repulsion, 1 where the
    units are those of the material.
    """

    electrons: int
    multiplicity: int
    omega: float
    kappa: float = 1.0
    name: str = field(default="", compare=False)
    kind: ClassVar[str] = "quantum_dot"
    endings: ClassVar[tuple[str, ...]] = (".dot",)
    energy_unit: ClassVar[str] = "Ha*"
    units: ClassVar = {"Ha*": ("effective energy", 1.0), "mHa*": ("effective energy", 1e-3)}
    parts: ClassVar[str] = "electrons"

    def __post_init__(self) -> None:
        self.coerce(fields.whole, "electrons", "multiplicity")
        self.coerce(fields.number, "omega", "kappa")
        what = self.name or self.kind
        for key, right, wrong in (("omega", self.omega > 0, "positive"), ("kappa", self.kappa >= 0, "0 or positive")):
            if not right or not math.isfinite(getattr(self, key)):
                raise qmbench.FieldError(f"{what}: {key} must be {wrong}, not {getattr(self, key):g}", key)
        if self.electrons < 1:
            raise qmbench.FieldError(f"{what}: a dot holds one electron or more, not {self.electrons}", "electrons")
        fields.check_spin(self.electrons, self.multiplicity, None, what)

    @classmethod
    def from_text(cls, text: str, where: str, name: str) -> "QuantumDot":
        """A `.dot` file: one line with the electrons, the multiplicity, ħω and κ."""
        words = text.split()
        try:
            electrons, multiplicity = map(int, words[:2])
            omega, kappa = map(float, words[2:])
        except ValueError:
            raise qmbench.InputError(
                f"{where}: write ELECTRONS MULTIPLICITY OMEGA KAPPA, not '{text.strip()}'"
            ) from None
        try:
            return cls(electrons, multiplicity, omega, kappa, name=name)
        except qmbench.InputError as error:
            raise qmbench.InputError(f"{where}: {error}") from None

    @property
    def n_parts(self) -> int:
        return self.electrons

    @property
    def n_electrons(self) -> int:
        return self.electrons

    @property
    def composition(self) -> dict[str, float]:
        return {"electrons": self.electrons}

    def describe(self) -> str:
        spin = {1: "singlet", 2: "doublet", 3: "triplet"}.get(self.multiplicity, f"multiplicity {self.multiplicity}")
        return f"{self.electrons} electrons in a 2D trap of {self.omega:.4g} Ha*, {spin}"

    def figure(self) -> str:
        """The trap as circles of one, two and three oscillator lengths."""
        circles = "".join(f'<circle cx="70" cy="70" r="{20 * n}" fill="none" stroke="#555555"/>' for n in (1, 2, 3))
        return f'<svg xmlns="http://www.w3.org/2000/svg" width="140" height="140">{circles}</svg>\n'

    @classmethod
    def samples(cls) -> list["QuantumDot"]:
        return [cls(2, 1, 0.7, name="helium dot"), cls(1, 2, 0.5, name="hydrogen dot")]

    def variants(self) -> Iterator[tuple[str, "QuantumDot"]]:
        yield "omega", replace(self, omega=1.5 * self.omega)
        yield "electrons", replace(self, electrons=self.electrons + 1, multiplicity=1 + (self.electrons + 1) % 2)
        if self.electrons > 1:
            yield "kappa", replace(self, kappa=2.0 * self.kappa + 1.0)
            yield "multiplicity", replace(self, multiplicity=self.multiplicity + 2)


class OneOrTwo(qmbench.Method[QuantumDot]):
    """Base of the methods: one electron, or two as a singlet or a triplet."""

    systems = (QuantumDot,)
    properties = frozenset({"energy"})

    def check_system(self, system, properties):
        if system.electrons > 2:
            raise qmbench.Unsupported(f"{self.name} does one electron or two, not {system.electrons}")

    def compute(self, system, properties, resources):
        energy = system.omega if system.electrons == 1 else self.two(system)
        return qmbench.Result({"energy": qmbench.Quantity(energy, "Ha*")})

    def two(self, system: QuantumDot) -> float:
        """Energy of two electrons (Ha*)."""
        raise NotImplementedError


class Exact(OneOrTwo):
    """Two electrons, the relative motion diagonalized in r^m r^k exp(-omega r^2/4); energies in Ha*.

    With all powers k, the cusp included, it is exact where Taut's solutions end: J. Phys. A 27, 1045 (1994).
    """

    name = "dot-exact"

    class Options(qmbench.Options):
        functions: int = Field(10, ge=2, le=12, description="powers k, from 0", examples=[3])

    def two(self, system):
        from scipy.linalg import eigh
        from scipy.special import gamma

        # (−∇² + ω²r²/4 + κ/r) R = E R with R = r^m Σ a_k r^k exp(−ωr²/4); the centre of mass has ω on top.
        m, omega = (system.multiplicity - 1) // 2, system.omega
        k = np.arange(self.options.functions)
        total = k[:, None] + k[None, :] + 2 * m

        def radial(power):
            """∫ r^power exp(−ωr²/2) r dr"""
            return 0.5 * gamma((power + 2) / 2) * (2 / omega) ** ((power + 2) / 2)

        overlap = radial(total)
        # −∇² on r^(m+k) exp(−ωr²/4): −k(k+2m) r^(m+k−2) + ω(k+m+1) r^(m+k) − ω²/4 r^(m+k+2), times the Gaussian.
        falling = np.where(k > 0, k * (k + 2 * m), 0)[None, :]
        with np.errstate(invalid="ignore"):
            lowest = np.where(falling > 0, falling * radial(np.maximum(total - 2, -1)), 0.0)
        h = -lowest + omega * (k + m + 1)[None, :] * overlap + system.kappa * radial(total - 1.0)
        scale = 1 / np.sqrt(np.diag(overlap))
        values = eigh(scale[:, None] * 0.5 * (h + h.T) * scale, scale[:, None] * overlap * scale, eigvals_only=True)
        return float(values[0]) + omega


class Gaussian(OneOrTwo):
    """Two electrons in one Gaussian of the best width, an upper bound without correlation; energies in Ha*.

    Taut, J. Phys. A 27, 1045 (1994) has the exact energies that it lies above.
    """

    name = "dot-gaussian"

    def check_system(self, system, properties):
        super().check_system(system, properties)
        if system.multiplicity > 2:
            raise qmbench.Unsupported(f"{self.name} has one orbital, which holds no triplet")

    def two(self, system):
        from scipy.optimize import minimize_scalar

        def energy(alpha):
            return alpha + system.omega**2 / alpha + system.kappa * math.sqrt(math.pi * alpha / 2)

        best = minimize_scalar(
            energy, bounds=(1e-3 * system.omega, system.omega), method="bounded", options={"xatol": 1e-10}
        )
        return float(best.fun)


class FirstOrder(OneOrTwo):
    """Two electrons to first order in the repulsion; energies in Ha*. Taut, J. Phys. A 27, 1045 (1994)."""

    name = "dot-first-order"

    def two(self, system):
        # <1/r> of the relative motion with angular momentum m: (omega/2)^(1/2) Γ(m + 1/2)/m!
        m = (system.multiplicity - 1) // 2
        mean = math.sqrt(system.omega / 2) * math.gamma(m + 0.5) / math.factorial(m)
        return (2 + m) * system.omega + system.kappa * mean


@qmbench.hookimpl
def qmbench_systems():
    return [QuantumDot]


@qmbench.hookimpl
def qmbench_methods():
    return [Exact, Gaussian, FirstOrder]


@qmbench.hookimpl
def qmbench_benchmarks():
    return [Path(__file__).parent / "dot_benchmarks"]
