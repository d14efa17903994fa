"""One mode of the field of a cavity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mode:
    """One mode of the field. frequency: ħω in hartree. coupling: λ, its polarization times √(4π/V), atomic units."""

    frequency: float
    coupling: tuple[float, float, float]

    @property
    def strength(self) -> float:
        """|λ|"""
        return math.hypot(*self.coupling)

    def to_json(self) -> dict[str, Any]:
        return {"frequency": self.frequency, "coupling": list(self.coupling)}
