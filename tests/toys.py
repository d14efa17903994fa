"""A toy method family for tests of the core: arithmetic that stands for quantum mechanics."""

from __future__ import annotations

import numpy as np
from pydantic import Field

import qmbench
from qmbench.plugging.registry import PluginInfo, Plugins, discover


class PairPotential(qmbench.Method):
    """Sum of -Z^2/2 over nuclei and -1e-3 Z_i Z_j / R^6 over pairs (hartree, bohr): additive and exact."""

    name = "toy"
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy", "dipole", "polarizability", "excitation_energies", "c6"})

    class Options(qmbench.Options):
        basis: str | None = None
        ghost_stabilization: float = Field(0.0, description="hartree per ghost centre")

    def compute(self, system, properties, resources):
        real = system.atomic_numbers > 0
        z, x = system.atomic_numbers[real], system.coordinates[real]
        energy = -0.5 * float(np.sum(z**2)) - self.options.ghost_stabilization * float(np.sum(~real))
        for i in range(len(z)):
            for j in range(i):
                energy -= 1e-3 * z[i] * z[j] / np.linalg.norm(x[i] - x[j]) ** 6
        values = {
            "energy": qmbench.Quantity(energy, "hartree"),
            "dipole": qmbench.Quantity(z @ x, "e bohr"),
            "polarizability": qmbench.Quantity(np.diag([1.0, 2.0, 6.0]), "bohr3"),
            "excitation_energies": qmbench.Quantity({"S1": 0.5}, "hartree"),
            "c6": qmbench.Quantity(1.5, "hartree bohr6"),
        }
        return qmbench.Result({name: values[name] for name in properties})


class Direct(PairPotential):
    """Gives the interaction energy of a complex itself, as a perturbation theory does (hartree)."""

    name = "toy-direct"
    properties = frozenset({"energy", "interaction_energy"})


class OnlyHelium(PairPotential):
    """Refuses everything but helium."""

    name = "toy-he"
    Options = qmbench.Options

    def check_system(self, system, properties):
        super().check_system(system, properties)
        if set(system.symbols) != {"He"}:
            raise qmbench.Unsupported("toy-he does helium only")


class Coreless(PairPotential):
    """Leaves two electrons of every argon to a pseudopotential (hartree)."""

    name = "toy-coreless"

    def removed_electrons(self, system):
        return 2 * system.symbols.count("Ar")


class OwnZero(PairPotential):
    """Counts its energies from somewhere else (hartree)."""

    name = "toy-own-zero"
    energy_zero = "arbitrary"


class Sampled(PairPotential):
    """The same energies as a mean over random samples of one hartree's spread, as quantum Monte Carlo has them."""

    name = "toy-vmc"
    properties = frozenset({"energy"})
    stochastic = True

    class Options(qmbench.Options):
        samples: int = Field(1000, gt=0)
        seed: int = 0
        model_error: float = Field(0.0, ge=0, description="hartree: of the trial function; 0 when it is not estimated")

    def compute(self, system, properties, resources):
        exact = PairPotential(PairPotential.Options()).compute(system, {"energy"}, resources).properties["energy"].value
        error = self.options.samples**-0.5
        rng = np.random.default_rng([self.options.seed, len(system.symbols), int(system.atomic_numbers.sum())])
        value = exact + error * rng.standard_normal()
        if self.options.model_error:
            total = float(np.hypot(error, self.options.model_error))
            return qmbench.Result({"energy": qmbench.Quantity(value, "hartree", total, "combined")})
        return qmbench.Result({"energy": qmbench.Quantity(value, "hartree", error, "statistical")})


class Learned(PairPotential):
    """The same energies with an error bar of the model; that of an atom may be of another kind."""

    name = "toy-learned"
    properties = frozenset({"energy"})

    class Options(qmbench.Options):
        error: float = Field(1e-3, gt=0, description="hartree")
        atom_kind: str = Field("model", description="kind of an atom's uncertainty; exact: it has none")

    def compute(self, system, properties, resources):
        exact = PairPotential(PairPotential.Options()).compute(system, {"energy"}, resources).properties["energy"].value
        kind = "model" if len(system.symbols) > 1 else self.options.atom_kind
        given = () if kind == "exact" else (self.options.error, kind)
        return qmbench.Result({"energy": qmbench.Quantity(exact, "hartree", *given)})


def toy_plugins() -> Plugins:
    """A plugin set that holds the toys, beside what the core itself brings, and nothing else."""
    found = discover([])
    found.properties.add(qmbench.Property("interaction_energy", "hartree", "given directly"))
    info = PluginInfo("toys", "qmbench", "0.1.0")
    found.infos.append(info)
    for method in (PairPotential, Direct, OnlyHelium, Coreless, OwnZero, Sampled, Learned):
        found.methods[method.name] = method
        found.owner[method.name] = info
    return found
