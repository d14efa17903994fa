"""The levels of theory: three parametrizations of extended tight binding."""

from __future__ import annotations

from typing import Any, ClassVar

from qmbench import (
    InputError,
    Method,
    Molecule,
    Options,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
    require_elements,
)
from qmbench_xtb.electrons import PARAMETRIZED, unpaired_in_cores, valence_electrons
from qmbench_xtb.options import SOLVATION_MODELS, GFN1Options, GFN2Options, XtbOptions

REVIEW = "10.1002/wcms.1493"
SPIN = "10.1002/jcc.27185"
ALPB = "10.1021/acs.jctc.1c00471"
NUMERICAL = ("accuracy", "max_iterations", "field_strength")
"""Options by which no physics changes, so that they are no part of the level that other programs compute as well."""


class ExtendedTightBinding(Method[Molecule]):
    """Base of the parametrizations. The basis set is part of each, minimal and without ghosts."""

    systems: ClassVar[tuple[type[System], ...]] = (Molecule,)
    properties = frozenset({"energy", "forces", "dipole", "polarizability", "mulliken_charges"})
    distributions = ("tblite",)
    energy_zero = "arbitrary"
    label_options = frozenset({*SOLVATION_MODELS, "spin_polarization"})
    # What turning a molecule within the angular grids of its cavity in a solvent may change; in vacuum nothing.
    tolerances = {"energy": 5e-6, "dipole": 5e-4, "mulliken_charges": 5e-4, "forces": 1e-4}
    options: Any
    # What the library and the literature call it.
    hamiltonian: ClassVar[str]

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if any(system.ghosts):
            raise Unsupported(f"{self.name} takes no ghost atoms: its minimal basis set is part of it")
        require_elements(system, PARAMETRIZED, self.name, "is not parametrized for")
        self._unpaired(system)

    def _unpaired(self, molecule: Molecule) -> int:
        """Unpaired electrons among those that the calculation has; InputError where there can't be so many."""
        name = molecule.name or molecule.formula
        electrons = sum(map(valence_electrons, molecule.symbols)) - molecule.charge
        if electrons < 0:
            raise InputError(
                f"{self.name}: charge {molecule.charge} of {name} would take electrons from the cores, which are no "
                "part of the calculation"
            )
        in_cores = unpaired_in_cores(molecule.symbols)
        unpaired = molecule.multiplicity - 1 - in_cores
        if unpaired < 0:
            raise Unsupported(
                f"{self.name} has the 4f electrons in the cores, those of each atom with parallel spins: the "
                f"multiplicity of {name} is at least {in_cores + 1}, not {molecule.multiplicity}"
            )
        if unpaired > electrons:
            raise InputError(
                f"{self.name}: multiplicity {molecule.multiplicity} of {name} needs {unpaired} unpaired valence "
                f"electrons; there are {electrons}"
            )
        return unpaired

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        import numpy as np

        from qmbench_xtb.program import FIELD_ACCURACY, polarizability, single_point

        unpaired = self._unpaired(system)
        point = single_point(system, self.hamiltonian, unpaired, self.options)
        found = {
            "energy": Quantity(point.energy, "hartree"),
            "forces": Quantity(-point.gradient, "hartree/bohr"),
            "dipole": Quantity(point.dipole, "e bohr"),
            "mulliken_charges": Quantity(point.charges, "e"),
        }
        most = 2.0 if len(point.occupations) == 1 else 1.0
        settings: dict[str, Any] = {
            "n_orbitals": int(point.occupations.shape[1]),
            "valence_electrons": round(float(point.occupations.sum())),
            "unpaired_valence_electrons": unpaired,
            "reference": "unrestricted" if len(point.occupations) == 2 else "restricted open shell",
            "fractional_occupations": int(np.sum(np.minimum(point.occupations, most - point.occupations) > 1e-3)),
        }
        if "polarizability" in properties:
            accuracy = min(self.options.accuracy, FIELD_ACCURACY)

            def dipole(field: tuple[float, float, float]) -> np.ndarray:
                return single_point(system, self.hamiltonian, unpaired, self.options, field, accuracy).dipole

            found["polarizability"] = polarizability(dipole, self.options.field_strength)
            settings["polarizability"] = "derivative of the dipole by finite field"
        return Result(found, settings)

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        once = 0.005 + 5e-8 * sum(4.0 if s != "H" else 1.0 for s in system.symbols) ** 3
        return once * (13.0 if "polarizability" in properties else 1.0)

    def families(self) -> dict[str, str]:
        shared = {"program": "tblite", "approximation": "GFN-xTB"}
        fields = type(self.options).model_fields
        chosen = {name: getattr(self.options, name) for name in sorted(fields) if name not in NUMERICAL}
        parts = [
            f"{name}={str(value).lower() if isinstance(value, bool) else value}"
            for name, value in chosen.items()
            if value != fields[name].default
        ]
        return {**shared, "level": f"{self.name}?{'&'.join(parts)}".rstrip("?")}

    def label(self) -> str:
        spin = "sp" if self.options.spin_polarization else ""
        solvation = [f"[{model.upper()}({getattr(self.options, model)})]" for model in self.options.models()]
        return f"{spin}{self.hamiltonian}{''.join(solvation)}"


class GFN1(ExtendedTightBinding):
    """GFN1-xTB: tight binding for geometries, frequencies and non-covalent interactions. DOI 10.1021/acs.jctc.7b00118

    Grimme, Bannwarth and Shushkov, J. Chem. Theory Comput. 13, 1989 (2017): isotropic electrostatics, D3(BJ), a
    correction for halogen bonds. Energies in hartree, counted from the method's own zero; with the entropy of electrons
    at 300 K. Hydrogen to radon.
    """

    name = "gfn1-xtb"
    hamiltonian = "GFN1-xTB"
    Options: ClassVar[type[Options]] = GFN1Options
    citations = ("10.1021/acs.jctc.7b00118", REVIEW, ALPB, SPIN)
    examples = ("gfn1-xtb", "gfn1-xtb?alpb=water")


class GFN2(ExtendedTightBinding):
    """GFN2-xTB: tight binding with multipoles and self-consistent D4 dispersion. DOI 10.1021/acs.jctc.8b01176

    Bannwarth, Ehlert and Grimme, J. Chem. Theory Comput. 15, 1652 (2019): anisotropic electrostatics and exchange from
    atomic multipoles, D4 by the charges of each iteration. Energies in hartree, counted from the method's own zero;
    with the entropy of electrons at 300 K. Hydrogen to radon.
    """

    name = "gfn2-xtb"
    hamiltonian = "GFN2-xTB"
    Options: ClassVar[type[Options]] = GFN2Options
    citations = ("10.1021/acs.jctc.8b01176", REVIEW, ALPB, SPIN)
    examples = ("gfn2-xtb", "gfn2-xtb?alpb=water")


class IPEA1(ExtendedTightBinding):
    """IPEA1-xTB: GFN1-xTB refitted for ionization potentials and electron affinities. DOI 10.1039/c7sc00601b

    Ásgeirsson, Bauer and Grimme, Chem. Sci. 8, 4879 (2017), with diffuse s functions on light atoms. Energies in
    hartree, counted from the method's own zero. Differences of energies are as they are; from an ionization potential
    the program xtb still subtracts an empirical 4.8455 eV. ALPB and GBSA have no parameters for it.
    """

    name = "ipea1-xtb"
    hamiltonian = "IPEA1-xTB"
    Options: ClassVar[type[Options]] = XtbOptions
    citations = ("10.1039/c7sc00601b", REVIEW, SPIN)
    examples = ("ipea1-xtb", "ipea1-xtb?cpcm=water")
