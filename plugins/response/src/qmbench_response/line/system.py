"""Two electrons on a line: the kind of system."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from qmbench import FieldError, System, fields

MOST_POINTS = 101


@dataclass(frozen=True)
class ElectronsOnALine(System):
    """Two electrons of opposite spin on a line, in a soft nucleus, a harmonic trap, or both; hartree and bohr.

    H = Σ_i [−½ ∂²/∂x_i² − Z/√(x_i² + a²) + ½ ω² x_i²] + λ/√((x₁ − x₂)² + a²), with Z `charge`, ω `omega`, λ
    `interaction` and a `softening`. It is the model on `points` equidistant points from −`box` to `box`, sinc functions
    on them: no level has another grid. Javanainen, Eberly and Su, Phys. Rev. A 38, 3430 (1988).
    """

    charge: float = 0.0
    omega: float = 0.0
    interaction: float = 1.0
    softening: float = 1.0
    box: float = 10.0
    points: int = 61
    name: str = field(default="", compare=False)
    kind: ClassVar[str] = "electrons_on_a_line"
    n_electrons: ClassVar[int] = 2
    parts: ClassVar[str] = "points"

    def __post_init__(self) -> None:
        what = self.name or self.kind
        self.coerce(fields.number, "charge", "omega", "interaction", "softening", "box")
        self.coerce(fields.whole, "points")
        for key in ("charge", "omega", "interaction", "softening", "box"):
            value = getattr(self, key)
            if not (math.isfinite(value) and value >= 0):
                raise FieldError(f"{what}: {key} must be 0 or positive, not {value:g}", key)
        for key in ("softening", "box"):
            if getattr(self, key) == 0:
                raise FieldError(f"{what}: {key} must be positive, not 0", key)
        if not self.charge and not self.omega:
            raise FieldError(f"{what}: nothing holds the electrons: give a charge, or omega of a trap", "charge")
        if not 11 <= self.points <= MOST_POINTS:
            raise FieldError(f"{what}: points must be 11 to {MOST_POINTS}, not {self.points}", "points")

    @property
    def n_parts(self) -> int:
        return self.points

    @property
    def x(self) -> np.ndarray:
        """(points,) in bohr."""
        return np.linspace(-self.box, self.box, self.points)

    @property
    def part_labels(self) -> Sequence[str]:
        return [f"{x:.3g}" for x in self.x]

    @property
    def part_positions(self) -> np.ndarray:
        return np.stack([self.x, np.zeros(self.points), np.zeros(self.points)], axis=1)

    @property
    def line(self) -> Any:
        """The operators on the grid (`response.Line`)."""
        from qmbench_response.line.response import Line

        x, a = self.x, self.softening
        potential = 0.5 * self.omega**2 * x**2 - self.charge / np.sqrt(x**2 + a**2)
        return Line(x, potential, self.interaction / np.sqrt((x[:, None] - x) ** 2 + a**2))

    def oddities(self) -> Iterable[str]:
        if 2 * self.box / (self.points - 1) > 0.6:
            yield "points are more than 0.6 bohr apart, which is coarse"

    def describe(self) -> str:
        held = [f"a soft nucleus of charge {self.charge:g}"] * bool(self.charge)
        held += [f"a trap of ω = {self.omega:g} hartree"] * bool(self.omega)
        return (
            f"two electrons on a line in {' and '.join(held)}, interaction {self.interaction:g}, softening "
            f"{self.softening:g} bohr, {self.points} points to ±{self.box:g} bohr"
        )

    def figure(self) -> str:
        """The potential as a line, with the width of the grid."""
        values = self.line.potential
        inner = values[np.abs(self.x) <= max(self.box / 2, 3.0)]
        low, high = float(inner.min()), float(inner.max())
        heights = 110 - 90 * np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.1)
        spots = " ".join(
            f"{20 + 220 * (x + self.box) / (2 * self.box):.1f},{y:.1f}" for x, y in zip(self.x, heights, strict=True)
        )
        return (
            '<svg xmlns="http://www.w3.org/2000/svg" width="260" height="130" viewBox="0 0 260 130">\n'
            '<line x1="20" y1="118" x2="240" y2="118" stroke="#444444"/>\n'
            f'<polyline points="{spots}" fill="none" stroke="#2060a0" stroke-width="2"/>\n</svg>\n'
        )

    @classmethod
    def samples(cls) -> Sequence[System]:
        return [cls(charge=2.0, box=8.0, points=31, name="atom"), cls(omega=0.5, box=8.0, points=31, name="trap")]

    def variants(self) -> Iterable[tuple[str, System]]:
        yield "charge", replace(self, charge=self.charge + 0.5)
        yield "omega", replace(self, omega=self.omega + 0.3)
        yield "interaction", replace(self, interaction=self.interaction + 0.5)
        yield "softening", replace(self, softening=1.5 * self.softening)
