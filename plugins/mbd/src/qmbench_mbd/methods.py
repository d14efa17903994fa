"""Levels of theory: a density functional with TS, MBD or MBD-NL dispersion, after the self-consistent field."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from qmbench import Fragment, Method, Molecule, Options, Quantity, Resources, Result, System, Unsupported, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qmbench_mbd.parameters import Array, Damping, Oscillators

# What PySCF calls the functionals for which dispersion parameters were published.
FUNCTIONALS = {
    "pbe": "PBE",
    "pbe0": "PBE0",
    "hse06": "HYB_GGA_XC_HSE06",
    "blyp": "BLYP",
    "b3lyp": "B3LYP",
    "revpbe": "REVPBE",
}

MODELS = {
    "ts": "Tkatchenko–Scheffler pairwise dispersion, Phys. Rev. Lett. 102, 073005 (2009)",
    "mbd": "MBD@rsSCS, Ambrosetti et al., J. Chem. Phys. 140, 18A508 (2014)",
    "mbd-scs": "MBD@SCS, Tkatchenko et al., Phys. Rev. Lett. 108, 236402 (2012)",
    "mbd-ts": "MBD with unscreened oscillators (MBD@TS), Ambrosetti et al., J. Chem. Phys. 140, 18A508 (2014)",
    "mbd-nl": "MBD-NL, Hermann and Tkatchenko, Phys. Rev. Lett. 124, 146401 (2020)",
}

_PAIRWISE = frozenset(
    {"energy", "dispersion_energy", "c6", "polarizability", "dynamic_polarizability", "hirshfeld_ratios"}
)
_COUPLED = _PAIRWISE | {
    "dispersion_modes",
    "dispersion_mode_atoms",
    "dispersion_mode_energies",
    "virtual_quanta",
    "dispersion_pair_energies",
    "dispersion_correlations",
    "fragment_entanglement",
}


class DispersionOptions(Options):
    """The self-consistent field below the dispersion; the dispersion model has its published parameters."""

    basis: str = Field(description="basis set, such as def2-tzvp; free atoms are computed in it too")
    reference: Literal["auto", "restricted", "unrestricted"] = Field(
        "auto", description="determinant: auto is restricted for multiplicity 1, unrestricted otherwise"
    )
    density_fitting: bool = Field(False, description="fit two-electron densities in PySCF's default auxiliary set")
    energy_tolerance: float = Field(1e-10, gt=0, le=1e-5, description="SCF convergence in the energy, hartree")
    max_cycle: int = Field(100, ge=1, description="iterations after which an SCF is given up")
    stability: bool = Field(True, description="look at the orbital Hessian, and leave saddle points downhill")
    grid: int = Field(
        4, ge=0, le=9, description="PySCF's level of the quadrature grid, for the SCF and the partitioning"
    )


class Dispersion(Method):
    """Base of the levels FUNCTIONAL+MODEL; `functional` and `model` are filled in by `dispersion_method`."""

    systems = (Molecule,)
    Options = DispersionOptions
    distributions = ("pyscf", "qmbench-pyscf")
    functional: ClassVar[str]
    model: ClassVar[str]

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        """A small complex with fragments, for the conformance kit."""
        positions = ((0.0, 0.1, -0.2), (0.3, 1.2, 0.7), (4.0, -2.0, 1.0))
        return (
            Molecule(("H", "H", "He"), positions, 0, 1, (Fragment((0, 1), 0, 1), Fragment((2,), 0, 1)), name="h2-he"),
        )

    def check(self, system: System, properties: frozenset[str]) -> None:
        from qmbench_mbd.parameters import free_atoms

        super().check(system, properties)
        assert isinstance(system, Molecule)
        real = {s for s, ghost in zip(system.symbols, system.ghosts, strict=True) if not ghost}
        missing = sorted(real - set(free_atoms()))
        if missing:
            raise Unsupported(f"{self.name}: no published free-atom polarizability for {', '.join(missing)}")
        if "fragment_entanglement" in properties and len(system.fragments) < 2:
            raise Unsupported("fragment_entanglement needs a system with at least two fragments")

    def estimate(self, system: System, properties: frozenset[str]) -> float | None:
        if not isinstance(system, Molecule):
            return None
        heavy = sum(s != "H" for s in system.symbols) + 0.25 * system.symbols.count("H")
        size = {"s": 0.5, "d": 0.7, "t": 1.0, "q": 2.2}.get(_zeta(self.options.basis), 1.0)
        return 1.0 + 0.5 * (heavy * size) ** 3 * (1.0 if system.multiplicity == 1 else 3.0)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "functional": self.functional, "dispersion": self.model}

    def compute(self, system: System, properties: frozenset[str], resources: Resources) -> Result:
        self.check(system, properties)
        assert isinstance(system, Molecule)
        mf, settings = self._scf(system, resources)
        oscillators, ratios = self._oscillators(system, mf, resources)
        found, more = dispersion_properties(system, oscillators, self.model, self.damping(), properties)
        if "energy" in properties:
            found["energy"] = Quantity(float(mf.e_tot) + more["dispersion_energy"], "hartree")
        if "hirshfeld_ratios" in properties:
            found["hirshfeld_ratios"] = Quantity(ratios, "")
        return Result(found, settings | more)

    @classmethod
    def damping(cls) -> Damping:
        """The published damping parameter of this functional and model."""
        from qmbench_mbd.parameters import DAMPING

        return DAMPING[cls.model][cls.functional]

    def _scf(self, molecule: Molecule, resources: Resources) -> tuple[Any, dict[str, Any]]:
        from qmbench_pyscf import converged_scf, scf_settings

        given = self.options
        mf = converged_scf(
            molecule,
            given.basis,
            FUNCTIONALS[self.functional],
            reference=given.reference,
            density_fitting=given.density_fitting,
            grid=given.grid,
            energy_tolerance=given.energy_tolerance,
            max_cycle=given.max_cycle,
            stability=given.stability,
            resources=resources,
        )
        return mf, scf_settings(mf)

    def _oscillators(self, molecule: Molecule, mf: Any, resources: Resources) -> tuple[Oscillators, Array]:
        from qmbench_mbd import atoms_in_molecules as aim
        from qmbench_pyscf import pyscf_session

        vv = self.model == "mbd-nl"
        with pyscf_session(resources):
            if mf.grids.coords is None:
                mf.grids.build(with_non0tab=True)
            free = aim.free_atoms_of(mf.mol, mf.xc, vv, load=_stored(resources))
            shares = aim.partition(mf.mol, aim.spin_summed(mf.make_rdm1()), free, mf.grids)
        positions = molecule.coordinates[molecule.atomic_numbers > 0]
        make = aim.nl_oscillators if vv else aim.ts_oscillators
        return make(shares, positions), shares.ratios


def dispersion_properties(
    molecule: Molecule, o: Oscillators, model: str, damping: Damping, properties: frozenset[str]
) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """Properties of a dispersion model on given oscillators (of the real atoms), and JSON-ready settings."""
    from qmbench_mbd import models, quanta, response

    settings: dict[str, Any] = {
        "dispersion_model": model,
        "damping_parameter": damping.value,
        "damping_steepness": damping.steepness,
        "damping_doi": damping.doi,
    }
    u, _ = models.frequency_grid()
    found: dict[str, Quantity] = {}
    if model == "ts":
        energy = models.ts_energy(o, damping.value, damping.steepness)
        alpha = models.dynamic_polarizability(o.alpha, o.omega, u).sum(1)
        c6 = float(models.combined_c6(o.alpha, o.c6).sum())
        tensor = alpha[0] * _identity()
    else:
        coupling = "exponential" if model == "mbd-scs" else "fermi"
        if model in ("mbd", "mbd-scs"):
            o = models.screen(o, (damping.value, damping.steepness) if model == "mbd" else None).oscillators
        energy = models.coupled_energy(o, damping.value, damping.steepness, coupling)
        modes, strengths = response.spectrum(o, damping.value, damping.steepness, coupling)
        tensors = response.polarizability(modes, strengths, u)
        alpha, tensor = tensors.trace(axis1=1, axis2=2) / 3, tensors[0]
        c6 = response.molecular_c6(modes, strengths)
        found["dispersion_modes"] = Quantity(modes, "hartree")
        if properties & _COUPLED - _PAIRWISE:
            b = quanta.bogoliubov(o, damping.value, damping.steepness, coupling)
            found |= {
                "dispersion_mode_atoms": Quantity(quanta.participation(b), ""),
                "dispersion_mode_energies": Quantity(quanta.mode_energies(b).sum(1), "hartree"),
                "virtual_quanta": Quantity(quanta.virtual_quanta(b), ""),
                "dispersion_pair_energies": Quantity(quanta.pair_energies(b), "hartree"),
                "dispersion_correlations": Quantity(quanta.pair_correlations(b), ""),
            }
            if "fragment_entanglement" in properties:
                found["fragment_entanglement"] = Quantity(_entropies(molecule, b), "")
    settings |= {"dispersion_energy": energy, "imaginary_frequencies_hartree": u.tolist()}
    found |= {
        "dispersion_energy": Quantity(energy, "hartree"),
        "c6": Quantity(c6, "hartree bohr6"),
        "polarizability": Quantity(tensor, "bohr3"),
        "dynamic_polarizability": Quantity(alpha, "bohr3"),
    }
    return {name: quantity for name, quantity in found.items() if name in properties}, settings


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
            "properties": _PAIRWISE if model == "ts" else _COUPLED,
            # MBD-NL cuts off slowly varying density sharply, which the grid resolves to a few parts in a thousand.
            "tolerances": {"c6": 0.05, "polarizability": 0.05} if model == "mbd-nl" else {},
            "citations": tuple(dict.fromkeys((damping.doi, _CITATIONS[model]))),
        },
    )


_CITATIONS = {
    "ts": "10.1103/PhysRevLett.102.073005",
    "mbd": "10.1063/1.4865104",
    "mbd-scs": "10.1103/PhysRevLett.108.236402",
    "mbd-ts": "10.1063/1.4865104",
    "mbd-nl": "10.1103/PhysRevLett.124.146401",
}


def _stored(resources: Resources) -> Callable[[str, Callable[[], Array]], Array]:
    """Free-atom arrays as artifacts, each computed once and kept with the basis it belongs to."""

    def load(key: str, make: Callable[[], Array]) -> Array:
        import numpy as np

        def write(path: Path) -> None:
            with open(path, "wb") as handle:
                np.save(handle, make())

        return np.load(resources.artifact(key, write))

    return load


def _entropies(molecule: Molecule, b: Any) -> Array:
    """Entanglement entropy of every fragment's real atoms with the rest, (fragments,)."""
    import numpy as np

    from qmbench_mbd.quanta import entanglement_entropy

    number = {atom: k for k, atom in enumerate(np.flatnonzero(molecule.atomic_numbers > 0).tolist())}
    parts = [[number[i] for i in fragment.atoms if i in number] for fragment in molecule.fragments]
    return np.array([entanglement_entropy(b, part) if part else 0.0 for part in parts])


def _identity() -> Array:
    import numpy as np

    return np.eye(3)


def _zeta(basis: str) -> str:
    name = basis.replace("-", "")
    return next((z for z in "qtds" if z + "z" in name or z + "v" in name), "t")
