"""Levels of theory: a density functional with TS, MBD or MBD-NL dispersion, after the self-consistent field."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from qmbench import (
    Fragment,
    Method,
    Molecule,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
    did_you_mean,
    require_elements,
)
from qmbench_mbd.families import CITATIONS, COUPLED, FUNCTIONALS, MATRIX_FREE, MODELS, RESPONSE, SolverOptions
from qmbench_pyscf import KohnShamOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qmbench_mbd.atoms_in_molecules import AtomShares
    from qmbench_mbd.oscillators import Array, Oscillators
    from qmbench_mbd.parameters import Damping

_PAIRWISE = (
    frozenset(
        {
            "energy",
            "forces",
            "dispersion_energy",
            "dispersion_forces",
            "dispersion_forces_fixed_ratios",
            "hirshfeld_ratios",
        }
    )
    | RESPONSE
)
_STOCHASTIC = frozenset({"energy", "dispersion_energy", "hirshfeld_ratios"})
# Properties that contain the derivative of the ratios.
_RESPONDING = frozenset({"forces", "dispersion_forces"})


class DispersionOptions(KohnShamOptions):
    """The self-consistent field below the dispersion; the dispersion model has its published parameters."""

    basis: str = Field(description="basis set, such as def2-tzvp; free atoms are computed in it too")
    grid: int = Field(
        4, ge=0, le=9, description="PySCF's level of the quadrature grid, for the SCF and the partitioning"
    )


class CoupledOptions(SolverOptions, DispersionOptions):
    """A functional with coupled oscillators, with the choice of a solver."""


class Dispersion(Method[Molecule]):
    """Base of the levels FUNCTIONAL+MODEL; `functional` and `model` are filled in by `dispersion_method`."""

    systems = (Molecule,)
    Options = DispersionOptions
    distributions = ("pyscf", "qmbench-pyscf")
    mean_field = True
    functional: ClassVar[str]
    model: ClassVar[str]

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        """A small complex with fragments, for the conformance kit."""
        positions = ((0.0, 0.1, -0.2), (0.3, 1.2, 0.7), (4.0, -2.0, 1.0))
        return (
            Molecule(("H", "H", "He"), positions, 0, 1, (Fragment((0, 1), 0, 1), Fragment((2,), 0, 1)), name="h2-he"),
        )

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        from qmbench_mbd.parameters import free_atoms
        from qmbench_pyscf import check_basis

        if self.options.cartesian:
            raise Unsupported(
                f"{self.name}: the free atoms are made of spherical functions, and {self.options.basis} has Cartesian "
                "ones; add cartesian=false"
            )
        require_elements(system, free_atoms(), self.name, "has no published free-atom polarizability for")
        check_basis(self.options.basis, system)
        if self.is_stochastic() and (missing := sorted(properties - _STOCHASTIC)):
            raise Unsupported(f"{self.name}: solver=stochastic gives energies only, not {', '.join(missing)}")
        if wrong := sorted(properties & _RESPONDING):
            self._check_forces(system, ", ".join(wrong))
        if "fragment_entanglement" in properties and len(system.fragments) < 2:
            raise Unsupported("fragment_entanglement needs a system with at least two fragments")

    def _check_forces(self, molecule: Molecule, wrong: str) -> None:
        instead = "dispersion_forces_fixed_ratios is there"
        if molecule.multiplicity != 1 or self.options.reference == "unrestricted":
            raise Unsupported(f"{self.name}: {wrong} with the ratios' derivative need a restricted density; {instead}")
        if any(molecule.ghosts):
            raise Unsupported(f"{self.name}: {wrong} would leave out the forces on ghost centres; {instead}")

    def removed_electrons(self, system: Molecule) -> int:
        from qmbench_pyscf import removed_electrons

        return removed_electrons(system, self.options.basis)

    def is_stochastic(self) -> bool:
        """Whether the energy comes from random vectors."""
        return getattr(self.options, "solver", "dense") == "stochastic"

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        return 0.5 + self._field_seconds(system)

    def _field_seconds(self, system: Molecule) -> float:
        from qmbench_pyscf import scf_seconds

        return scf_seconds(system, self.options.basis, self.options.density_fitting)

    def shared_seconds(self, system: Molecule, properties: frozenset[str]) -> dict[str, float]:
        if system.n_electrons == 0:
            return {}
        specification = self.options.specification(None)
        if specification.grid == type(self.options).model_fields["grid"].default:
            # What a functional of this kind has by itself, so that `pbe` and `pbe+mbd` have one name for one field.
            specification = replace(specification, grid=None)
        return {specification.planned_name(system, self.functional): self._field_seconds(system)}

    def estimate_memory(self, system: Molecule, properties: frozenset[str]) -> float | None:
        from qmbench_pyscf import scf_memory

        return scf_memory(system, self.options.basis, self.options.density_fitting)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "functional": self.functional, "dispersion": self.model}

    def label(self) -> str:
        from qmbench_pyscf import functional_label

        return f"{functional_label(self.functional)}+{self.model.upper()}"

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_mbd.dispersion import dispersion_properties, stochastic_properties

        mf, settings = self._scf(system, resources)
        shares = self._shares(mf, resources)
        oscillators = self._oscillators(system, shares)
        if self.is_stochastic():
            given = self.options
            found, more = stochastic_properties(oscillators, self.model, self.damping(), given.probes, given.seed)
        else:
            found, more = dispersion_properties(system, oscillators, self.model, self.damping(), properties)
        if "energy" in properties:
            d = found.get("dispersion_energy", Quantity(more["dispersion_energy"], "hartree"))
            total = float(mf.e_tot) + more["dispersion_energy"]
            found["energy"] = Quantity(total, "hartree", d.uncertainty, d.uncertainty_kind)
        if "hirshfeld_ratios" in properties:
            found["hirshfeld_ratios"] = Quantity(shares.ratios, "")
        if properties & (_RESPONDING | {"dispersion_forces_fixed_ratios"}):
            found |= self._forces(mf, shares, oscillators, properties, resources)
        return Result(found, settings | more)

    def _forces(
        self, mf: Any, shares: AtomShares, o: Oscillators, properties: frozenset[str], resources: Resources
    ) -> dict[str, Quantity]:
        """Those of the dispersion energy at fixed ratios and with their derivative, and those of the total energy."""
        from qmbench_mbd.atoms_in_molecules import real_atoms
        from qmbench_mbd.dispersion import dispersion_gradient
        from qmbench_mbd.ratio_gradients import ratio_gradient
        from qmbench_pyscf import pyscf_session

        g = dispersion_gradient(o, self.model, self.damping())
        found = {"dispersion_forces_fixed_ratios": -g.positions}
        with pyscf_session(resources):
            if properties & _RESPONDING:
                by_position = ratio_gradient(mf, shares.free, mf.grids)
                found["dispersion_forces"] = -g.with_ratios(o, shares.ratios, by_position)
            if "forces" in properties:
                nuclear = mf.nuc_grad_method()
                nuclear.grid_response = True  # the grid moves with the atoms, and the energy with the grid
                found["forces"] = found["dispersion_forces"] - nuclear.kernel()[real_atoms(mf.mol)]
        return {name: Quantity(value, "hartree/bohr") for name, value in found.items()}

    @classmethod
    def damping(cls) -> Damping:
        """The published damping parameter of this functional and model."""
        from qmbench_mbd.parameters import DAMPING

        return DAMPING[cls.model][cls.functional]

    def _scf(self, molecule: Molecule, resources: Resources) -> tuple[Any, dict[str, Any]]:
        from qmbench_pyscf import converged_scf, scf_settings

        mf = converged_scf(molecule, self.options.specification(FUNCTIONALS[self.functional]), resources)
        return mf, scf_settings(mf)

    def _shares(self, mf: Any, resources: Resources) -> AtomShares:
        """Atoms in the molecule, from its density."""
        from qmbench_mbd.atoms_in_molecules import free_atoms_of, partition, spin_summed
        from qmbench_pyscf import pyscf_session

        with pyscf_session(resources):
            if mf.grids.coords is None:
                mf.grids.build(with_non0tab=True)
            free = free_atoms_of(mf.mol, mf.xc, vv=self.model == "mbd-nl", load=_stored(resources))
            return partition(mf.mol, spin_summed(mf.make_rdm1()), free, mf.grids)

    def _oscillators(self, molecule: Molecule, shares: AtomShares) -> Oscillators:
        from qmbench_mbd.atoms_in_molecules import nl_oscillators, ts_oscillators

        positions = molecule.coordinates[molecule.atomic_numbers > 0]
        return nl_oscillators(shares, positions) if self.model == "mbd-nl" else ts_oscillators(shares, positions)


@cache
def dispersion_method(name: str) -> type[Method] | None:
    """The method FUNCTIONAL+MODEL; None for other names, Unsupported where there are no published parameters."""
    from qmbench_mbd.parameters import DAMPING

    functional, plus, model = name.partition("+")
    if not plus or model not in MODELS:
        return None
    if functional not in DAMPING[model]:
        known = sorted(f"{f}+{model}" for f in DAMPING[model])
        raise Unsupported(
            f"{name}: no damping parameter of {model} was published for '{functional}'; there is {', '.join(known)}"
            + (did_you_mean(name, known) if len(known) > 20 else "")
        )
    damping = DAMPING[model][functional]
    text = f"{functional.upper()} with {MODELS[model]}.\n\nEnergy in hartree: the functional's plus the dispersion."
    return type(
        f"{functional}_{model}".replace("-", "_"),
        (Dispersion,),
        {
            "__doc__": text,
            "__module__": __name__,
            "name": name,
            "functional": functional,
            "model": model,
            "Options": CoupledOptions if model in MATRIX_FREE else DispersionOptions,
            "examples": (f"{name}/sto-3g", f"{name}/sto-3g?solver=stochastic") if model in MATRIX_FREE else (),
            "properties": _properties(model),
            # MBD-NL cuts off slowly varying density sharply, which the grid resolves to a few parts in a thousand.
            "tolerances": {"c6": 0.05, "polarizability": 0.05} if model == "mbd-nl" else {},
            "citations": tuple(dict.fromkeys((damping.doi, CITATIONS[model]))),
        },
    )


def _stored(resources: Resources) -> Callable[[str, Callable[[], Array]], Array]:
    """Free-atom arrays as artifacts, each computed once and kept with the basis it belongs to."""

    def load(key: str, make: Callable[[], Array]) -> Array:
        import numpy as np

        def write(path: Path) -> None:
            with open(path, "wb") as handle:
                np.save(handle, make())

        return np.load(resources.artifact(key, write))

    return load


def _properties(model: str) -> frozenset[str]:
    found = _PAIRWISE if model == "ts" else _PAIRWISE | COUPLED
    # The derivative of MBD-NL's polarizabilities is not done, and so its forces are those at fixed ones.
    return found - _RESPONDING if model == "mbd-nl" else found
