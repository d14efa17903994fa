"""Model systems of light and matter, and of open systems: their kinds, levels and observables."""

from __future__ import annotations

from qmbench import Method, Observable, System

SYSTEMS: list[type[System]] = []
OBSERVABLES: list[Observable] = []


def methods() -> list[type[Method]]:
    """The levels of the model systems."""
    return []
