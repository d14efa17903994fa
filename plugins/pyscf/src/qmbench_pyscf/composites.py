"""3c composites: a functional in a small basis set of its own, with dispersion and a correction for that basis.

E = E_SCF + E_dispersion + E_gCP. The geometrical counterpoise correction (Kruse and Grimme, J. Chem. Phys. 136, 154101
(2012)) and the short-range one of B97-3c come from the dftd3 library of the authors' group. They stand for
counterpoise, so there are no ghosts here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

from qmbench import LatticeModel, Method, Molecule, Resources, Unsupported
from qmbench_pyscf.alchemy import ALCHEMICAL
from qmbench_pyscf.base import PYSCF, PyscfMethod
from qmbench_pyscf.dispersion import SOURCES
from qmbench_pyscf.meanfield import mean_field_point
from qmbench_pyscf.options import CompositeOptions
from qmbench_pyscf.point import Point
from qmbench_pyscf.specification import Perturbation

GCP = "10.1063/1.3700154"


@dataclass(frozen=True)
class Composite:
    """What a composite adds up.

    xc: as PySCF spells it. scheme: of dispersion. damping: its parameters as published; s9 is the factor of the
    three-body term. charge_scaling: height and steepness g_a, g_c of the charge dependence of D4, where it is not the
    published one. gcp: what the dftd3 library calls the correction for the basis set.
    """

    label: str
    description: str
    xc: str
    basis: str
    scheme: str
    damping: Mapping[str, float]
    gcp: str
    citations: tuple[str, ...]
    charge_scaling: tuple[float, float] | None = None


COMPOSITES: dict[str, Composite] = {
    # Grimme, Hansen, Ehlert and Mewes, J. Chem. Phys. 154, 064103 (2021).
    "r2scan-3c": Composite(
        "r²SCAN-3c",
        "Composite of r²SCAN, def2-mTZVPP, D4 and geometrical counterpoise",
        "R2SCAN",
        "def2-mtzvpp",
        "d4",
        # By the method's name the dftd4 library gives s9 = 1.
        {"s6": 1.0, "s8": 0.0, "a1": 0.42, "a2": 5.65, "s9": 2.0},
        "r2scan3c",
        ("10.1063/5.0040021", "10.1021/acs.jpclett.0c02405"),
        (2.0, 1.0),
    ),
    # Brandenburg, Bannwarth, Hansen and Grimme, J. Chem. Phys. 148, 064104 (2018).
    "b97-3c": Composite(
        "B97-3c",
        "Composite of a refitted B97, def2-mTZVP, D3(BJ) and a short-range correction of bond lengths",
        "GGA_XC_B97_3C",
        "def2-mtzvp",
        "d3bj",
        {"s6": 1.0, "s8": 1.5, "a1": 0.37, "a2": 4.1, "s9": 1.0},
        "b973c",
        ("10.1063/1.5012601",),
    ),
}
_NO_BASIS = "{name}: PySCF lacks its basis set, {basis}; r2scan-3c and b97-3c are here"
REFUSED: Mapping[str, str] = {
    "pbeh-3c": _NO_BASIS.format(name="pbeh-3c", basis="def2-mSVP"),
    "hf-3c": _NO_BASIS.format(name="hf-3c", basis="MINIX"),
    "wb97x-3c": _NO_BASIS.format(name="wb97x-3c", basis="vDZP with its core potentials"),
}


def dispersion_energy(molecule: Molecule, composite: Composite) -> float:
    """Dispersion energy of a composite in hartree, of a molecule without ghosts."""
    numbers, places = molecule.atomic_numbers, molecule.coordinates
    if composite.scheme == "d3bj":
        from dftd3.interface import DispersionModel, RationalDampingParam

        model = DispersionModel(numbers, places)
        return float(model.get_dispersion(RationalDampingParam(**composite.damping), grad=False)["energy"])
    from dftd4.interface import DampingParam
    from dftd4.interface import DispersionModel as D4Model

    scaling = dict(zip(("ga", "gc"), composite.charge_scaling or (3.0, 2.0), strict=True))
    d4 = D4Model(numbers, places, charge=float(molecule.charge), **scaling)
    return float(d4.get_dispersion(DampingParam(**composite.damping), grad=False)["energy"])


def basis_correction(molecule: Molecule, method: str) -> float:
    """Geometrical counterpoise (or short-range) correction in hartree of a molecule without ghosts.

    method: such as `r2scan3c`, of those in `COMPOSITES`: of a name that it does not know the library gives 0.
    """
    from dftd3.interface import GeometricCounterpoise

    model = GeometricCounterpoise(molecule.atomic_numbers, molecule.coordinates, method=method)
    return float(model.get_counterpoise(grad=False)["energy"])


class CompositeMethod(PyscfMethod):
    """A 3c composite, energies in hartree."""

    properties = PyscfMethod.properties - {"excitation_energies"} - ALCHEMICAL
    Options = CompositeOptions
    # What turning a molecule on the default quadrature grid may change.
    tolerances = {"energy": 5e-6, "dipole": 1e-4, "polarizability": 2e-2}
    cost = (2.0, 2.7)
    composite: ClassVar[Composite]

    @property
    def basis(self) -> str:
        return self.composite.basis

    def check_system(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if isinstance(system, Molecule) and any(system.ghosts):
            raise Unsupported(f"{self.name} takes no ghost atoms: its own correction stands for counterpoise")

    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        from qmbench_pyscf.scf import converged_scf

        made = self.composite
        spec = self.options.specification(made.xc, basis=made.basis, **perturbation.fields())
        point = mean_field_point(converged_scf(molecule, spec, resources))
        dispersion = dispersion_energy(molecule, made)
        correction = basis_correction(molecule, made.gcp)
        settings = dict(point.settings) | {
            "xc": made.xc,
            "basis": made.basis,
            "scf_energy": point.energy,
            "dispersion": made.scheme,
            "dispersion_energy": dispersion,
            "basis_correction_energy": correction,
        }
        energy = point.energy + dispersion + correction
        return replace(point, energy=energy, settings=settings, state=None, forces=None)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "functional": self.name}

    def label(self) -> str:
        return self.composite.label


@lru_cache(maxsize=8)
def composite_method(name: str) -> type[Method]:
    """The method class of a composite; nothing is imported to make it."""
    made = COMPOSITES[name]
    doc = (
        f"{made.description}. DOI {made.citations[0]}\n\n"
        f"The basis set {made.basis} belongs to it, and its correction stands for counterpoise, so that it takes\n"
        "neither a basis set nor ghosts. Restricted for singlets, unrestricted otherwise; energies in hartree, and\n"
        "corrections that change no other property."
    )
    members = {
        "__doc__": doc,
        "__module__": __name__,
        "name": name,
        "composite": made,
        "citations": (*made.citations, GCP, *SOURCES[made.scheme], "10.1016/j.softx.2017.11.002", PYSCF),
        "distributions": ("pyscf", "dftd3", *(("dftd4",) if made.scheme == "d4" else ())),
    }
    return type(f"Composite_{name}", (CompositeMethod,), members)


def refuse_composite(name: str) -> None:
    """Unsupported, with the reason, for a 3c composite that can't be computed here."""
    plain = re.sub(r"[-_]?3c$", "-3c", name)
    if plain in REFUSED:
        raise Unsupported(REFUSED[plain])
