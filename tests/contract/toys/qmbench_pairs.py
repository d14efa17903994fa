"""A pair potential for molecules and crystals that is meant well: forces, stress and pair energies are exact."""

from __future__ import annotations

from itertools import product

import numpy as np
from pydantic import Field

import qmbench


class PairPotential(qmbench.Method):
    """Gaussian attraction of all pairs, −Z Z' exp(−r²/w²)/1000 hartree, summed over images to rounding.

    Nothing that anybody published (2026); forces and stress are its derivatives.
    """

    name = "pairs"
    energy_zero = "arbitrary"
    systems = (qmbench.Molecule, qmbench.Crystal)
    properties = frozenset({"energy", "forces", "stress", "pair_energies"})

    class Options(qmbench.Options):
        width: float = Field(2.5, gt=0, description="width of the Gaussian, bohr")

    def check_system(self, system, properties):
        super().check_system(system, properties)
        if system.kind == "molecule" and ("stress" in properties or any(system.ghosts)):
            raise qmbench.Unsupported("pairs: a molecule has no stress, and a ghost has no potential")
        if system.charge or system.multiplicity > 1 + system.n_electrons % 2:
            raise qmbench.Unsupported("pairs knows neither charge nor spin")

    def compute(self, system, properties, resources):
        x, z = system.coordinates, system.atomic_numbers
        pairs, forces, virial = np.zeros((len(z), len(z))), np.zeros_like(x), np.zeros((3, 3))
        for shift in self.shifts(system):
            vector = x[:, None] - x[None, :] + shift
            square = (vector**2).sum(-1)
            energy = -1e-3 * np.outer(z, z) * np.exp(-square / self.options.width**2)
            energy[square < 1e-12] = 0.0
            pull = -2 / self.options.width**2 * energy[:, :, None] * vector
            pairs += 0.5 * energy
            forces -= pull.sum(1)
            virial += 0.5 * np.einsum("ijc,ijd->cd", pull, vector)
        found = {
            "energy": qmbench.Quantity(float(pairs.sum()), "hartree"),
            "forces": qmbench.Quantity(forces, "hartree/bohr"),
            "pair_energies": qmbench.Quantity(pairs, "hartree"),
        }
        if "stress" in properties:
            found["stress"] = qmbench.Quantity(virial / system.volume, "hartree/bohr3")
        return qmbench.Result({name: found[name] for name in properties})

    def shifts(self, system):
        """Lattice vectors that may bring an image within the potential's reach."""
        if system.kind == "molecule":
            return np.zeros((1, 3))
        size = np.linalg.norm(np.ptp(system.coordinates, axis=0)) + 7 * self.options.width
        counts = np.ceil(size * np.linalg.norm(np.linalg.inv(system.lattice_vectors), axis=0)).astype(int)
        return np.array(list(product(*(range(-n, n + 1) for n in counts)))) @ system.lattice_vectors


QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [PairPotential]


@qmbench.hookimpl
def qmbench_properties():
    return [qmbench.Property("pair_energies", "hartree", "energy by pairs of atoms", ("atoms", "atoms"))]
