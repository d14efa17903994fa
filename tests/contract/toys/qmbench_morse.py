"""Atoms held by Morse bonds: a method with total energies and forces that is meant well."""

from __future__ import annotations

import numpy as np
from pydantic import Field

import qmbench

RADII = {1: 0.7, 2: 1.3, 8: 1.1, 10: 1.5}


class Morse(qmbench.Method):
    """Atoms after Schwinger, Phys. Rev. A 24, 2353 (1981), with a Morse potential for each pair; hartree.

    An electron fewer costs half a hartree and an unpaired one a tenth: no good, but it counts them.
    """

    name = "morse"
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy", "forces"})

    class Options(qmbench.Options):
        depth: float = Field(0.17, gt=0, description="of each pair's well, hartree")

    def check_system(self, system, properties):
        super().check_system(system, properties)
        if not set(system.atomic_numbers.tolist()) <= {0, *RADII}:
            raise qmbench.Unsupported("morse does hydrogen, helium, oxygen and neon")

    def compute(self, system, properties, resources):
        real = list(system.real)
        x, z = system.coordinates[real], system.atomic_numbers[real].astype(float)
        energy = float(np.sum(-0.768745 * z ** (7 / 3) + 0.5 * z**2 - 0.2699 * z ** (5 / 3)))
        energy += 0.5 * system.charge + 0.1 * (system.multiplicity - 1)
        forces = np.zeros_like(x)
        for i in range(len(z)):
            for j in range(i):
                vector = x[i] - x[j]
                r = float(np.linalg.norm(vector))
                decay = np.exp(RADII[int(z[i])] + RADII[int(z[j])] - r)
                energy += self.options.depth * (decay**2 - 2 * decay)
                push = self.options.depth * (2 * decay**2 - 2 * decay) * vector / r
                forces[i] += push
                forces[j] -= push
        found = {
            "energy": qmbench.Quantity(energy, "hartree"),
            "forces": qmbench.Quantity(forces, "hartree/bohr"),
        }
        warnings = ["ghost atoms are ignored"] if any(system.ghosts) else []
        return qmbench.Result({name: found[name] for name in properties}, {"atoms": len(z)}, warnings)


QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [Morse]
