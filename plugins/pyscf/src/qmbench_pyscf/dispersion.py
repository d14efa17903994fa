"""D3(BJ) and D4 on top of functionals and of Hartree–Fock, by the dftd3 and dftd4 libraries of their authors' group.

Grimme, Ehrlich and Goerigk, J. Comput. Chem. 32, 1456 (2011); Caldeweyher et al., J. Chem. Phys. 150, 154122
(2019). Ghosts are no atoms here: they get no dispersion. The correction changes energies and forces alone.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from qmbench import Method, Molecule, Resources, System, Unsupported
from qmbench_pyscf.alchemy import ALCHEMICAL
from qmbench_pyscf.base import PYSCF, PyscfMethod
from qmbench_pyscf.dynamic import DYNAMIC
from qmbench_pyscf.hessians import HESSIAN
from qmbench_pyscf.meanfield import DensityFunctional, HartreeFock, functional_method, mean_field_point, reference_scf
from qmbench_pyscf.names import KNOWN
from qmbench_pyscf.options import (
    D4Options,
    DispersionOptions,
    HartreeFockD4Options,
    HartreeFockDispersionOptions,
)
from qmbench_pyscf.point import Point
from qmbench_pyscf.specification import Perturbation

SCHEMES = ("d3bj", "d4")
LABELS = {"d3bj": "D3(BJ)", "d4": "D4"}
SOURCES = {
    "d3bj": ("10.1002/jcc.21759", "10.1063/1.3382344", "10.21105/joss.07169"),
    "d4": ("10.1063/1.5090222", "10.1063/1.4993215"),
}

# These parameters were fitted to the functional without its VV10 part, which is therefore left out:
# Najibi and Goerigk, J. Chem. Theory Comput. 14, 5725 (2018).
_REPLACES_VV10 = {"wb97x-v": "wb97x", "wb97m-v": "wb97m", "b97m-v": "b97m"}
# What the libraries call functionals that go by another name here, per scheme.
_LIBRARY_NAMES = {
    ("lc-wpbe", "d3bj"): "lcwpbe",
    ("wb97x", "d4"): "wb97x-2008",
}
_WRONG_NAMES = {
    ("wb97x", "d3bj"): "the D3(BJ) parameters named wb97x belong to ωB97X-V without VV10; write wb97x-v+d3bj",
    ("wb97m", "d3bj"): "write wb97m-v+d3bj",
    ("b97m", "d3bj"): "write b97m-v+d3bj",
}


def dispersion_energy(molecule: Molecule, library_name: str, scheme: str, three_body: bool) -> float:
    """Energy in hartree of the real atoms of `molecule`.

    Unsupported when the library has no parameters under this name. D4 depends on the molecule's charge.
    """
    return float(_dispersion(molecule, library_name, scheme, three_body, False)["energy"])


def dispersion_forces(molecule: Molecule, library_name: str, scheme: str, three_body: bool) -> np.ndarray:
    """(centres, 3) in hartree/bohr, none on ghosts; see `dispersion_energy`."""
    forces = np.zeros((len(molecule.symbols), 3))
    gradient = _dispersion(molecule, library_name, scheme, three_body, True)["gradient"]
    forces[list(molecule.real)] = -np.asarray(gradient)
    return forces


def _dispersion(molecule: Molecule, library_name: str, scheme: str, three_body: bool, gradient: bool) -> dict[str, Any]:
    real = molecule.atomic_numbers > 0
    numbers, positions = molecule.atomic_numbers[real], molecule.coordinates[real]
    if scheme == "d3bj":
        from dftd3.interface import DispersionModel, RationalDampingParam

        try:
            parameters = RationalDampingParam(method=library_name, atm=three_body)
        except RuntimeError:
            raise Unsupported(_no_parameters("D3(BJ)", library_name)) from None
        return dict(DispersionModel(numbers, positions).get_dispersion(parameters, grad=gradient))
    from dftd4.interface import DampingParam
    from dftd4.interface import DispersionModel as D4Model

    try:
        damping = DampingParam(method=library_name, atm=three_body)
    except RuntimeError:
        raise Unsupported(_no_parameters("D4", library_name)) from None
    model = D4Model(numbers, positions, charge=float(molecule.charge))
    return dict(model.get_dispersion(damping, grad=gradient))


def _no_parameters(scheme: str, name: str) -> str:
    return f"no {scheme} parameters are published for '{name}' (none in the library of the scheme's authors)"


def library_name(functional: str, scheme: str) -> str:
    """What the dispersion library calls `functional`; Unsupported where the names mislead."""
    if (functional, scheme) in _WRONG_NAMES:
        raise Unsupported(f"{functional}+{scheme}: {_WRONG_NAMES[functional, scheme]}")
    own = _LIBRARY_NAMES.get((functional, scheme)) or _REPLACES_VV10.get(functional)
    return own or _library_spelling(functional, scheme)


@lru_cache(maxsize=512)
def _library_spelling(name: str, scheme: str) -> str:
    """`name`, or that without hyphens or libxc's own where the library knows the functional by it alone."""
    from qmbench_pyscf.functionals import functional

    hydrogen = Molecule(("H",), ((0.0, 0.0, 0.0),), 0, 2)
    found = functional(name, dispersion_follows=True) if name != "hf" else None
    for spelling in (name, name.replace("-", ""), *((found.xc.lower(),) if found else ())):
        try:
            dispersion_energy(hydrogen, spelling, scheme, False)
        except Unsupported:
            continue
        return spelling
    return name


class _Corrected(PyscfMethod):
    """The energy of a mean field plus dispersion."""

    scheme: ClassVar[str]
    functional: ClassVar[str]

    def label(self) -> str:
        return f"{super().label()}+{LABELS[self.scheme]}"

    def _with_dispersion(self, molecule: Molecule, point: Point) -> Point:
        name = library_name(self.functional, self.scheme)
        correction = dispersion_energy(molecule, name, self.scheme, self.options.three_body)
        settings = dict(point.settings) | {
            "dispersion": self.scheme,
            "dispersion_parameters": name,
            "dispersion_energy": correction,
            "three_body": self.options.three_body,
        }
        bare = point.forces

        def forces() -> np.ndarray:
            if bare is None:
                raise NotImplementedError
            return np.asarray(bare()) + dispersion_forces(molecule, name, self.scheme, self.options.three_body)

        return replace(point, energy=point.energy + correction, settings=settings, forces=forces)


class CorrectedFunctional(_Corrected, DensityFunctional):
    """A functional plus dispersion."""

    properties = DensityFunctional.properties - ALCHEMICAL - DYNAMIC - HESSIAN
    # Dispersion of a fractional nucleus is undefined; C6 of the response and of the correction are two.

    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        from qmbench_pyscf.functionals import functional

        found = functional(self.functional, dispersion_follows=True)
        if found is None:
            raise Unsupported(f"{self.functional} is not in the libxc that PySCF was built with")
        if found.nlc and self.with_nlc:
            raise Unsupported(f"{self.functional} has VV10 dispersion already")
        mf = reference_scf(self, molecule, perturbation, resources, xc=found.xc, nlc=self.with_nlc)
        point = mean_field_point(mf)
        vv10 = "none" if self.with_nlc else "VV10 left out, as published"
        settings = dict(point.settings) | {"xc": dict(found.parts), "nonlocal_correlation": vv10}
        return self._with_dispersion(molecule, replace(point, settings=settings))

    @property
    def with_nlc(self) -> bool:
        return self.functional not in _REPLACES_VV10


class CorrectedHartreeFock(_Corrected, HartreeFock):
    """Hartree–Fock plus dispersion."""

    systems: ClassVar[tuple[type[System], ...]] = (Molecule,)
    properties = PyscfMethod.properties - ALCHEMICAL  # the energy is no longer that of the determinant
    functional = "hf"

    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        return self._with_dispersion(molecule, super().point(molecule, perturbation, resources))


@lru_cache(maxsize=512)
def corrected_method(name: str, scheme: str) -> type[Method]:
    """The class of `name+scheme`; nothing is imported to make it."""
    base: type = CorrectedHartreeFock if name == "hf" else CorrectedFunctional
    options = {
        ("d3bj", True): HartreeFockDispersionOptions,
        ("d4", True): HartreeFockD4Options,
        ("d3bj", False): DispersionOptions,
        ("d4", False): D4Options,
    }[scheme, name == "hf"]
    own = HartreeFock.citations if name == "hf" else functional_method(name).citations
    what = "Hartree–Fock" if name == "hf" else KNOWN[name].description if name in KNOWN else f"libxc functional {name}"
    doc = (
        f"{what}, with {LABELS[scheme]} dispersion. DOI {SOURCES[scheme][0]}\n\n"
        "The dispersion energy (hartree) is added to that of the converged density, which it does not change; so it\n"
        f"changes forces, and no other property. The three-body term is {'on' if scheme == 'd4' else 'off'}, as\n"
        "published, unless three_body says otherwise."
    )
    members = {
        "__doc__": doc,
        "__module__": __name__,
        "name": f"{name}+{scheme}",
        "functional": name,
        "scheme": scheme,
        "Options": options,
        "citations": (*SOURCES[scheme], *(c for c in own if c != PYSCF), PYSCF),
        "distributions": ("pyscf", "dftd3" if scheme == "d3bj" else "dftd4"),
    }
    return type(f"Corrected_{name}_{scheme}", (base,), members)


def resolve_corrected(name: str, scheme: str) -> type[Method] | None:
    """The class of `name+scheme` after looking whether functional and parameters exist; None for no such functional."""
    from qmbench_pyscf.functionals import canonical_functional, functional

    if scheme not in SCHEMES:
        return None
    if name != "hf":
        name = canonical_functional(name, dispersion_follows=True) or name
        found = functional(name, dispersion_follows=True)
        if found is None:
            return None
        if found.nlc and name not in _REPLACES_VV10:
            raise Unsupported(f"{name}+{scheme}: {name} has VV10 dispersion already")
    hydrogen = Molecule(("H",), ((0.0, 0.0, 0.0),), 0, 2)
    dispersion_energy(hydrogen, library_name(name, scheme), scheme, False)
    return corrected_method(name, scheme)
