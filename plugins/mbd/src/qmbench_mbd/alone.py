"""Levels of theory that are a dispersion model alone: no electronic structure, the ratios of its atoms are given.

The energy of such a level is a dispersion energy, so it has no `energy`; its forces and stress are of that energy.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, create_model, field_validator

from qmbench import Crystal, InputError, Method, Molecule, Options, Quantity, Resources, Result, System, Unsupported
from qmbench_mbd.families import CITATIONS, COUPLED, MATRIX_FREE, MODELS, RESPONSE, SolverOptions

if TYPE_CHECKING:
    from qmbench_mbd.oscillators import Array, Oscillators
    from qmbench_mbd.parameters import Damping

MODELS_ALONE = ("ts", "mbd", "mbd-scs", "mbd-ts")
_OF_CRYSTALS = frozenset({"dispersion_energy", "forces", "stress"})
# Properties that come from the derivatives of a molecule's energy.
_DERIVED = frozenset({"forces", "dispersion_ratio_gradient"})
_OF_MOLECULES = frozenset({"dispersion_energy"}) | _DERIVED | RESPONSE


class AloneOptions(Options):
    """Where the oscillators come from; `damping`, the functional whose published parameter is used, is added below."""

    ratios: Literal["free"] | tuple[float, ...] = Field(
        description="volume ratios: free (every atom is a free atom), or one number an atom, such as 0.94,0.59,0.59",
        examples=[(0.9, 0.8, 0.7)],
    )

    @field_validator("ratios", mode="before")
    @classmethod
    def _ratios(cls, value: Any) -> Any:
        if value in ("free", ["free"], ("free",)):
            return "free"
        wrong = "one positive number an atom with commas between, or the word free"
        try:
            numbers = tuple(float(x) for x in ([value] if isinstance(value, str) else value))
        except (TypeError, ValueError):
            raise ValueError(wrong) from None
        if not numbers or not all(0 < x < 100 for x in numbers):
            raise ValueError(wrong)
        return numbers


class CoupledAloneOptions(AloneOptions):
    """Coupled oscillators of a crystal need k points."""

    k_grid: tuple[int, int, int] | None = Field(
        None,
        description="numbers of k points along the reciprocal vectors, such as 4,4,4: for crystals, and only for them",
        examples=[(1, 1, 2)],
    )

    @field_validator("k_grid", mode="before")
    @classmethod
    def _k_grid(cls, value: Any) -> Any:
        if value is None:
            return None
        wrong = "three numbers of k points with commas between, such as 4,4,4"
        try:
            counts = tuple(int(n) for n in value)
        except (TypeError, ValueError):
            raise ValueError(wrong) from None
        if len(counts) != 3 or min(counts) < 1:
            raise ValueError(wrong)
        return counts


class SolverAloneOptions(SolverOptions, CoupledAloneOptions):
    """The models alone with the choice of a solver."""


class Alone(Method):
    """Base of the models alone; `model` is filled in by `model_alone`."""

    systems = (Molecule, Crystal)
    distributions = ("numpy", "scipy")
    model: ClassVar[str]

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        """A small complex with fragments and a crystal of low symmetry, for the conformance kit."""
        from qmbench import Fragment

        positions = ((0.0, 0.1, -0.2), (0.3, 1.2, 0.7), (4.0, -2.0, 1.0))
        cell = ((6.9, 0.3, -0.4), (0.8, 7.4, 0.5), (-0.6, 1.1, 8.1))
        return (
            Molecule(("H", "H", "He"), positions, 0, 1, (Fragment((0, 1), 0, 1), Fragment((2,), 0, 1)), name="h2-he"),
            Crystal(("Ne", "Ar", "He"), ((0.2, -0.1, 0.4), (3.6, 4.1, 4.7), (3.3, 0.4, 5.0)), cell, 0, 1, name="mixed"),
        )

    def check_system(self, system: Molecule | Crystal, properties: frozenset[str]) -> None:
        from qmbench_mbd.parameters import free_atoms

        super().check_system(system, properties)
        missing = sorted(set(system.symbols) - set(free_atoms()))
        if missing:
            raise Unsupported(f"{self.name}: no published free-atom polarizability for {', '.join(missing)}")
        if isinstance(system, Molecule):
            self._check_molecule(system, properties)
        elif wrong := sorted(properties - _OF_CRYSTALS):
            raise Unsupported(f"{self.name} gives no {', '.join(wrong)} of crystals; {', '.join(sorted(_OF_CRYSTALS))}")
        elif self.is_stochastic():
            raise Unsupported(f"{self.name}: solver=stochastic is for molecules")
        elif self.model != "ts" and self.options.k_grid is None:
            raise InputError(f"{self.name}: a crystal needs k points; write k_grid=4,4,4, say, and converge it")
        if self.options.ratios == "free":
            self._check_state(system)
        elif len(self.options.ratios) != system.n_parts:
            given, name = len(self.options.ratios), system.name or system.formula
            raise InputError(f"{self.name}: {given} ratios for the {system.n_parts} atoms of {name}")

    def _check_molecule(self, molecule: Molecule, properties: frozenset[str]) -> None:
        if any(molecule.ghosts):
            raise Unsupported(f"{self.name} has no basis, so there are no ghosts")
        if "stress" in properties:
            raise Unsupported("stress belongs to a crystal; a molecule has none")
        if getattr(self.options, "k_grid", None) is not None:
            raise InputError(f"{self.name}: k_grid belongs to crystals; leave it out for a molecule")
        if self.is_stochastic() and (missing := sorted(properties - {"dispersion_energy"})):
            raise Unsupported(f"{self.name}: solver=stochastic gives dispersion_energy only, not {', '.join(missing)}")
        if "fragment_entanglement" in properties and len(molecule.fragments) < 2:
            raise Unsupported("fragment_entanglement needs a system with at least two fragments")

    def _check_state(self, system: Molecule | Crystal) -> None:
        """Free atoms are neutral and in their ground states: of another state they know nothing."""
        from qmbench_mbd.parameters import free_atoms

        right = 1 + system.n_electrons % 2
        if isinstance(system, Molecule) and system.n_parts == 1:
            right = free_atoms()[system.symbols[0]].multiplicity
        if system.charge or system.multiplicity != right:
            raise Unsupported(
                f"{self.name}: ratios=free stands for charge 0 and multiplicity {right} of {system.formula}; for other "
                "states give the ratios of their density, or take a level that has one, such as pbe+mbd/def2-tzvpd"
            )

    def is_stochastic(self) -> bool:
        """Whether the energy comes from random vectors."""
        return getattr(self.options, "solver", "dense") == "stochastic"

    def estimate(self, system: System, properties: frozenset[str]) -> float | None:
        scale = (system.n_parts / 1000) ** 3 * (20.0 if self.model != "ts" else 0.1)
        k_grid = getattr(self.options, "k_grid", None) or (1, 1, 1)
        return 0.05 + scale * k_grid[0] * k_grid[1] * k_grid[2]

    def families(self) -> dict[str, str]:
        return {"dispersion": self.model, "program": "qmbench-mbd"}

    def label(self) -> str:
        return self.model.upper()

    def damping(self) -> Damping:
        """The published damping parameter for this model with the functional that the level names."""
        from qmbench_mbd.parameters import DAMPING

        return DAMPING[self.model][self.options.damping]

    def compute(self, system: Molecule | Crystal, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_mbd.dispersion import (
            crystal_properties,
            dispersion_gradient,
            dispersion_properties,
            stochastic_properties,
        )

        ratios, given = self._ratios(system), self.options
        o = self._oscillators(system, ratios)
        if isinstance(system, Crystal):
            k_grid = getattr(given, "k_grid", None)
            return Result(*crystal_properties(system, o, k_grid, self.model, self.damping(), properties))
        if self.is_stochastic():
            return Result(*stochastic_properties(o, self.model, self.damping(), given.probes, given.seed))
        found, settings = dispersion_properties(system, o, self.model, self.damping(), properties)
        if properties & _DERIVED:
            g = dispersion_gradient(o, self.model, self.damping())
            found["forces"] = Quantity(-g.positions, "hartree/bohr")
            found["dispersion_ratio_gradient"] = Quantity(g.by_ratios(o, ratios), "hartree")
        return Result({name: q for name, q in found.items() if name in properties}, settings)

    def _ratios(self, system: Molecule | Crystal) -> Array:
        import numpy as np

        return np.ones(system.n_parts) if self.options.ratios == "free" else np.array(self.options.ratios)

    def _oscillators(self, system: Molecule | Crystal, ratios: Array) -> Oscillators:
        from qmbench_mbd.parameters import from_volume_ratios

        return from_volume_ratios(system.coordinates, list(system.symbols), ratios)


@cache
def model_alone(name: str) -> type[Method] | None:
    """The method that is the model `name` alone; None for other names, Unsupported for a model that needs a density."""
    if name == "mbd-nl":
        raise Unsupported("mbd-nl takes its polarizabilities from a density: write pbe+mbd-nl/def2-tzvpd, say")
    if name not in MODELS_ALONE:
        return None
    from qmbench_mbd.parameters import DAMPING

    base = AloneOptions if name == "ts" else SolverAloneOptions if name in MATRIX_FREE else CoupledAloneOptions
    functionals = tuple(DAMPING[name])
    about = f"density functional whose published damping parameter is used: {', '.join(functionals)}"
    options = create_model(
        f"{name.title().replace('-', '')}Options",
        __base__=base,
        __module__=__name__,
        damping=(Literal[functionals], Field(description=about)),
    )
    first = f"{name}?damping=pbe&ratios=free"
    levels = [first] if name == "ts" else [first, f"{name}?damping=pbe&k_grid=1,1,2&ratios=free"]
    text = (
        f"{MODELS[name]}, alone.\n\nDispersion energy in hartree, of a crystal per cell, with forces and stress of it."
    )
    return type(
        name.replace("-", "_") + "_alone",
        (Alone,),
        {
            "__doc__": text,
            "__module__": __name__,
            "name": name,
            "model": name,
            "Options": options,
            "properties": _OF_MOLECULES | _OF_CRYSTALS if name == "ts" else _OF_MOLECULES | _OF_CRYSTALS | COUPLED,
            "examples": (*levels, f"{first}&solver=stochastic") if name in MATRIX_FREE else tuple(levels),
            "citations": (CITATIONS[name],),
        },
    )
