"""What a force field is trained on: geometries of one molecule with their energies and forces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qmbench import InputError, units
from qmbench_ml.gdml.kernel import Array


@dataclass(frozen=True)
class Labels:
    """Geometries of one molecule: positions (M, N, 3), energies (M,) and forces (M, N, 3) in atomic units.

    InputError for other shapes, for numbers that are not finite, and for a single atom.
    """

    symbols: tuple[str, ...]
    positions: Array
    energies: Array
    forces: Array

    def __post_init__(self) -> None:
        count, atoms = len(self.energies), len(self.symbols)
        for what in ("positions", "forces"):
            if np.shape(getattr(self, what)) != (count, atoms, 3):
                raise InputError(f"{what} must have the shape {(count, atoms, 3)}: geometries, atoms, 3")
        if not all(np.isfinite(a).all() for a in (self.positions, self.energies, self.forces)):
            raise InputError("positions, energies and forces must be finite numbers")
        if atoms < 2:
            raise InputError("a force field needs a molecule of two atoms or more")

    def __len__(self) -> int:
        return len(self.energies)

    def __getitem__(self, which: Array | slice) -> Labels:
        return Labels(self.symbols, self.positions[which], self.energies[which], self.forces[which])

    @classmethod
    def read(cls, path: str | Path) -> Labels:
        """From an extended XYZ file as ASE writes it: ångström, `energy` in eV, `forces` in eV/ångström."""
        from ase.io import read

        try:
            frames = read(path, index=":", format="extxyz")
            energies = np.array([frame.get_potential_energy() for frame in frames])
            forces = np.array([frame.get_forces() for frame in frames])
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise InputError(f"{path}: no extended XYZ file with energy and forces in every frame ({error})") from None
        names = {tuple(frame.get_chemical_symbols()) for frame in frames}
        if len(names) != 1:
            raise InputError(f"{path}: the frames must hold the same atoms in the same order")
        positions = np.array([frame.positions for frame in frames]) / units.BOHR_IN_ANGSTROM
        energies *= units.factor("eV", "hartree")
        forces *= units.factor("eV/angstrom", "hartree/bohr")
        return cls(names.pop(), positions, energies, forces)

    def split(self, held_out: float, seed: int) -> tuple[Labels, Labels]:
        """The geometries to train on and the fraction `held_out` of them, drawn at random, each in the given order."""
        order = np.random.default_rng(seed).permutation(len(self))
        kept = len(self) - round(held_out * len(self))
        return self[np.sort(order[:kept])], self[np.sort(order[kept:])]

    def turned(self) -> Labels:
        """Every geometry turned at random, always in the same way."""
        from scipy.spatial.transform import Rotation

        turns = Rotation.random(len(self), np.random.default_rng(0)).as_matrix().transpose(0, 2, 1)
        return Labels(self.symbols, self.positions @ turns, self.energies, self.forces @ turns)
