"""A small method that is meant well: self-consistent tight binding for molecules and mean field for lattices.

Energies are no good, but every symmetry, sum rule and refusal that the conformance kit asks for is exact.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

import qmbench


class TightBinding(qmbench.Method):
    """Self-consistent tight binding: hydrogenic levels on every centre, hopping that decays with distance.

    Energies in hartree, or in units of t for a Hubbard lattice. Slater and Koster, Phys. Rev. 94, 1498 (1954);
    charge self-consistency as in Elstner et al., Phys. Rev. B 58, 7260 (1998).
    """

    name = "toy"
    energy_zero = "arbitrary"
    systems = (qmbench.Molecule, qmbench.LatticeModel)
    properties = frozenset({"energy", "dipole", "polarizability", "excitation_energies", "energy_per_site"})

    class Options(qmbench.Options):
        basis: str = Field(pattern="^(sto-3g|3-21g)$")
        hopping: float = Field(0.2, gt=0, description="strength of the hopping between centres, hartree")
        hardness: float = Field(0.3, ge=0, description="energy of one more electron on a centre, hartree")
        energy_tolerance: float = Field(1e-11, gt=0, description="self-consistency of the energy, hartree")
        max_cycles: int = Field(500, ge=1, description="iterations before it gives up")

    def check_system(self, system, properties):
        super().check_system(system, properties)
        wrong = {"energy_per_site"} if system.kind == "molecule" else {"dipole", "polarizability"}
        if properties & wrong:
            raise qmbench.Unsupported(f"toy does not give {', '.join(properties & wrong)} of a {system.kind} system")

    def compute(self, system, properties, resources):
        model = self.molecule(system) if system.kind == "molecule" else self.lattice(system)
        energy, occupations, levels, cycles = self.solve(*model)
        unit = "hartree" if system.kind == "molecule" else "t"
        found = {"energy": qmbench.Quantity(energy, unit)}
        if "energy_per_site" in properties:
            found["energy_per_site"] = qmbench.Quantity(energy / system.n_parts, "t")
        if "excitation_energies" in properties:
            found["excitation_energies"] = qmbench.Quantity(self.gaps(levels, system.n_alpha_beta), unit)
        if "dipole" in properties:
            found["dipole"] = qmbench.Quantity(self.dipole(system, occupations), "e bohr")
        if "polarizability" in properties:
            found["polarizability"] = qmbench.Quantity(self.polarizability(system), "bohr3")
        chosen = {prop: found[prop] for prop in properties}
        return qmbench.Result(chosen, settings={"orbitals": len(model[0]), "cycles": cycles})

    def orbitals(self, molecule):
        """Centre and level energy of every orbital: hydrogenic, with one shell more in the larger basis."""
        extra = 2 if self.options.basis == "sto-3g" else 3
        rows = []
        for centre, symbol in enumerate(molecule.symbols):
            z, ghost = qmbench.ATOMIC_NUMBERS[symbol], molecule.ghosts[centre]
            rows += [(centre, 1.0 if ghost else -0.5 * (z / n) ** 2) for n in range(1, z // 2 + extra)]
        return np.array([c for c, _ in rows]), np.array([e for _, e in rows])

    def molecule(self, molecule, electric_field=(0.0, 0.0, 0.0)):
        """One-particle matrix, hardness of each orbital's centre, centres, electrons, constant energy."""
        centres, energies = self.orbitals(molecule)
        r = molecule.coordinates
        distance = np.linalg.norm(r[:, None] - r[None, :], axis=-1)
        potential = r @ np.array(electric_field)
        h = -self.options.hopping * np.exp(-distance)[np.ix_(centres, centres)]
        h[centres[:, None] == centres[None, :]] = 0.0
        h += np.diag(energies + potential[centres])
        z = molecule.atomic_numbers
        nuclear = sum(z[i] * z[j] * np.exp(-distance[i, j]) / distance[i, j] for i in range(len(z)) for j in range(i))
        constant = nuclear - float(z @ potential)
        return h, self.options.hardness, centres, z.astype(float), molecule.n_alpha_beta, constant

    def lattice(self, model):
        sites = np.arange(model.n_sites)
        return model.hopping_matrix(), model.u, sites, np.zeros(model.n_sites), model.n_alpha_beta, 0.0

    def solve(self, h, hardness, centres, neutral, electrons, constant):
        """Iterate the mean field of the opposite spin's (lattice) or all electrons' (molecule) density."""
        n_centres, molecular = len(neutral), neutral.any()
        density = np.array([np.full(n_centres, n / n_centres) for n in electrons])
        previous = None
        for cycle in range(1, self.options.max_cycles + 1):
            new, band, levels = [], 0.0, []
            for spin, n in enumerate(electrons):
                mean = density.sum(axis=0) - neutral if molecular else density[1 - spin]
                e, c = np.linalg.eigh(h + np.diag(hardness * mean[centres]))
                weights = (np.abs(c[:, :n]) ** 2).sum(axis=1)
                new.append(np.bincount(centres, weights, n_centres))
                band += e[:n].sum()
                levels.append(e)
            q = np.array(new)
            if molecular:
                old, dq = density.sum(axis=0) - neutral, q.sum(axis=0) - neutral
                energy = band - hardness * (old @ q.sum(axis=0)) + 0.5 * hardness * (dq @ dq)
            else:
                mixed = density[1] @ q[0] + density[0] @ q[1]
                energy = band - hardness * mixed + hardness * (q[0] @ q[1])
            step = np.abs(q - density).max()
            density = 0.6 * density + 0.4 * q
            if previous is not None and abs(energy - previous) < self.options.energy_tolerance and step < 1e-6:
                return float(energy + constant), q, levels, cycle
            previous = energy
        raise qmbench.NotConverged(f"toy: the energy still moves after {self.options.max_cycles} cycles")

    def gaps(self, levels, electrons):
        """The lowest vertical gap of each spin that has one."""
        names = ("S1", "T1")
        return {
            name: float(e[n] - e[n - 1]) for name, e, n in zip(names, levels, electrons, strict=True) if 0 < n < len(e)
        }

    def dipole(self, molecule, occupations):
        return (molecule.atomic_numbers - occupations.sum(axis=0)) @ molecule.coordinates

    def polarizability(self, molecule, strength=1e-3):
        alpha = np.zeros((3, 3))
        for axis in range(3):
            for sign in (1, -1):
                field = np.zeros(3)
                field[axis] = sign * strength
                _, occupations, _, _ = self.solve(*self.molecule(molecule, field))
                alpha[:, axis] += sign * self.dipole(molecule, occupations) / (2 * strength)
        return 0.5 * (alpha + alpha.T)


QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [TightBinding]
