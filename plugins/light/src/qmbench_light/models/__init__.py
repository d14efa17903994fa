"""Model systems of light and matter, and of open systems: their kinds, levels and observables."""

from __future__ import annotations

from pathlib import Path

from qmbench import Method, Observable, System

BENCHMARKS = Path(__file__).parent / "benchmarks"

OBSERVABLES = (
    Observable(
        "model_energy", "energies", "state", "energy of the state that the entry names, of a model of light and matter"
    ),
    Observable("polariton_splitting", "polariton_splitting", "value", "upper less lower polariton"),
    Observable("photon_number", "photon_number", "value", "photons in the ground state, all modes together"),
    Observable("population", "population", "at", "population at the entry's time"),
    Observable("photons", "photon_number_in_time", "at", "photons at the entry's time, all modes together"),
    Observable("coherence", "coherence", "at", "modulus of the coherence at the entry's time"),
    Observable(
        "steady_population", "steady_populations", "state", "population of the entry's level in the stationary state"
    ),
    Observable("light_matter_entropy", "entanglement_entropy", "value", "entanglement entropy of emitters and light"),
)


def systems() -> list[type[System]]:
    """The kinds of model systems."""
    from qmbench_light.models.emitters import EmittersInCavity
    from qmbench_light.models.open_system import OpenSystem

    return [EmittersInCavity, OpenSystem]


def levels() -> list[type[Method]]:
    """The levels of the model systems."""
    from qmbench_light.models.braak import Braak
    from qmbench_light.models.cavity import ExactCavity, RotatingWave
    from qmbench_light.models.open_methods import BlochRedfield, ExactOpen, Heom, Lindblad, Redfield
    from qmbench_light.models.quadratic import HolsteinPrimakoff, MeanField
    from qmbench_light.models.reductions import MemoryKernel, NakajimaZwanzig, Pseudomode

    cavity: list[type[Method]] = [ExactCavity, RotatingWave, Braak, HolsteinPrimakoff, MeanField]
    return [*cavity, ExactOpen, Lindblad, Redfield, BlochRedfield, Heom, NakajimaZwanzig, MemoryKernel, Pseudomode]
