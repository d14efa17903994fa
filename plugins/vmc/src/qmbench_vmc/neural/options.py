"""Options of the neural wavefunction and their defaults, which grow with the system. Imports no JAX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from qmbench import InputError, Molecule, Options


class NeuralOptions(Options):
    """Shape and optimization of the neural wavefunction; None: a value that grows with the number of electrons."""

    width: int | None = Field(None, ge=4, le=512, description="neural: length of each electron's vector", examples=[8])
    layers: int | None = Field(None, ge=1, le=8, description="neural: layers of messages between the electrons")
    determinants: int | None = Field(None, ge=1, le=64, description="neural: dense backflow determinants")
    iterations: int | None = Field(None, ge=0, le=1_000_000, description="neural: natural-gradient (SPRING) steps")
    learning_rate: float = Field(0.1, gt=0, le=1, description="neural: first step in imaginary time, 1/hartree")
    momentum: float = Field(0.95, ge=0, lt=1, description="neural: share of the last step that SPRING keeps")
    damping: float = Field(1e-3, gt=0, description="neural: what SPRING adds to the diagonal of its kernel")
    pretraining: int = Field(
        100, ge=0, le=100_000, description="neural: Adam steps towards the Hartree-Fock orbitals before all else"
    )


@dataclass(frozen=True)
class NeuralSettings:
    """All of `NeuralOptions` with every value known, seed and number of walkers."""

    seed: int
    walkers: int
    width: int
    layers: int
    determinants: int
    iterations: int
    learning_rate: float
    momentum: float
    damping: float
    pretraining: int


def resolve(molecule: Molecule, options: Any) -> NeuralSettings:
    """The settings meant by `options` (anything with the fields of `NeuralOptions`, `seed` and `walkers`)."""
    n = molecule.n_electrons
    if n == 0:
        raise InputError(f"{molecule.name or molecule.formula} has no electrons; vmc needs at least one")

    def value(name: str, default: int) -> int:
        given = getattr(options, name)
        return default if given is None else given

    return NeuralSettings(
        seed=options.seed,
        walkers=options.walkers,
        width=value("width", 16 if n == 1 else 24 if n == 2 else 32),
        layers=value("layers", 2),
        determinants=value("determinants", 1 if n == 1 else 2 if n == 2 else 4),
        iterations=value("iterations", 200 + 200 * n),
        learning_rate=options.learning_rate,
        momentum=options.momentum,
        damping=options.damping,
        pretraining=options.pretraining if n > 1 else 0,
    )
