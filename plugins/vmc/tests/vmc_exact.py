"""The exact ground state of one electron and one nucleus, with the methods that PyQMC asks of a wave function."""

from __future__ import annotations

from typing import Any

import numpy as np


class OneElectron:
    """ψ = exp(-Z r), with the nucleus at the origin."""

    dtype = float

    def __init__(self, charge: float):
        self.charge = charge
        self.parameters: dict[str, np.ndarray] = {}

    def recompute(self, configs: Any) -> tuple[np.ndarray, np.ndarray]:
        self.log = -self.charge * np.linalg.norm(configs.configs[:, 0], axis=1)
        return self.value()

    def value(self) -> tuple[np.ndarray, np.ndarray]:
        return np.ones_like(self.log), self.log

    def gradient(self, e: int, epos: Any) -> np.ndarray:
        x = epos.configs
        return -self.charge * (x / np.linalg.norm(x, axis=1)[:, None]).T

    def gradient_value(self, e: int, epos: Any) -> tuple[np.ndarray, np.ndarray, Any]:
        log = -self.charge * np.linalg.norm(epos.configs, axis=1)
        return self.gradient(e, epos), np.exp(log - self.log), log

    def gradient_laplacian(self, e: int, epos: Any) -> tuple[np.ndarray, np.ndarray]:
        r = np.linalg.norm(epos.configs, axis=1)
        return self.gradient(e, epos), self.charge**2 - 2 * self.charge / r

    def updateinternals(self, e: int, epos: Any, configs: Any, mask: Any = None, saved_values: Any = None) -> None:
        log = -self.charge * np.linalg.norm(epos.configs, axis=1)
        self.log = np.where(mask, log, self.log)
