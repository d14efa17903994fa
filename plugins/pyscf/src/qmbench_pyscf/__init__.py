"""Methods computed by PySCF, and a small library that other plugins build on.

Public names for other plugins: `to_mole`, `check_basis`, `removed_electrons`, `pyscf_session`; `ScfSpecification` (all
that an SCF depends on), `BasisOptions`, `ScfOptions` and `KohnShamOptions` (options of a method that computes one),
`converged_scf`, `scf_settings`, `scf_memory`, `scf_seconds`, `ExternalFunctional`,
`functional_label`, `properties_with_charges`, `atomic_response`, `radial_response`. They are imported when first used:
importing this module imports no quantum-chemistry program.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qmbench import Method, Observable, Property, hookimpl
from qmbench_pyscf import blas

QMBENCH_API = 2

blas.install()

_PUBLIC = {
    "check_basis": "mole",
    "to_mole": "mole",
    "atomic_response": "on_atoms",
    "functional_label": "names",
    "properties_with_charges": "alchemy",
    "radial_response": "radial",
    "removed_electrons": "mole",
    "pyscf_session": "mole",
    "ExternalFunctional": "external",
    "ScfSpecification": "specification",
    "BasisOptions": "options",
    "ScfOptions": "options",
    "KohnShamOptions": "options",
    "converged_scf": "scf",
    "scf_memory": "base",
    "scf_seconds": "base",
    "scf_settings": "scf",
}

if TYPE_CHECKING:
    from qmbench_pyscf.alchemy import properties_with_charges as properties_with_charges
    from qmbench_pyscf.base import scf_memory as scf_memory
    from qmbench_pyscf.base import scf_seconds as scf_seconds
    from qmbench_pyscf.external import ExternalFunctional as ExternalFunctional
    from qmbench_pyscf.mole import check_basis as check_basis
    from qmbench_pyscf.mole import pyscf_session as pyscf_session
    from qmbench_pyscf.mole import removed_electrons as removed_electrons
    from qmbench_pyscf.mole import to_mole as to_mole
    from qmbench_pyscf.names import functional_label as functional_label
    from qmbench_pyscf.on_atoms import atomic_response as atomic_response
    from qmbench_pyscf.options import BasisOptions as BasisOptions
    from qmbench_pyscf.options import KohnShamOptions as KohnShamOptions
    from qmbench_pyscf.options import ScfOptions as ScfOptions
    from qmbench_pyscf.radial import radial_response as radial_response
    from qmbench_pyscf.scf import converged_scf as converged_scf
    from qmbench_pyscf.scf import scf_settings as scf_settings
    from qmbench_pyscf.specification import ScfSpecification as ScfSpecification

__all__ = ["QMBENCH_API", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'qmbench_pyscf' has no attribute '{name}'")
    return getattr(import_module(f"qmbench_pyscf.{_PUBLIC[name]}"), name)


PROPERTIES = (
    Property("c8", "hartree bohr8", "isotropic dispersion coefficient of an atom with itself, E = -C6/R^6 - C8/R^8"),
    Property(
        "quadrupole",
        "e bohr2",
        "traceless electric quadrupole moment about the origin of the input coordinates, sum of q (3 r r - r^2)/2",
        (3, 3),
        origin="dependent",
    ),
    Property(
        "hyperpolarizability",
        "bohr5/e",
        "first static electric dipole hyperpolarizability, beta_ijk = -d3E/dF_i dF_j dF_k",
        (3, 3, 3),
    ),
)


@hookimpl
def qmbench_properties() -> tuple[Property, ...]:
    """What levels of this plugin give beyond the core's properties."""
    return PROPERTIES


@hookimpl
def qmbench_observables() -> tuple[Observable, ...]:
    """Of a number each."""
    return (Observable("c8", "c8", "value", "isotropic dispersion coefficient C8"),)


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    """Hartree–Fock, functionals by the names people ask for, some with D3(BJ) and D4, double hybrids, MP2, CC, FCI, and
    dispersion alone."""
    from qmbench_pyscf.composites import COMPOSITES, composite_method
    from qmbench_pyscf.correlated import CCSD, CCSDT, MP2, SCSMP2, SOSMP2
    from qmbench_pyscf.dispersion import SCHEMES, corrected_method
    from qmbench_pyscf.dispersion_alone import DAMPINGS, dispersion_alone
    from qmbench_pyscf.double_hybrids import double_hybrid_methods
    from qmbench_pyscf.fullci import FullCI
    from qmbench_pyscf.meanfield import HartreeFock, functional_method
    from qmbench_pyscf.names import KNOWN, LISTED_WITH_DISPERSION

    corrected = [corrected_method(name, scheme) for name in ("hf", *LISTED_WITH_DISPERSION) for scheme in SCHEMES]
    functionals = [*map(functional_method, KNOWN), *corrected, *double_hybrid_methods()]
    functionals += map(composite_method, COMPOSITES)
    alone = map(dispersion_alone, DAMPINGS)
    return [HartreeFock, *functionals, MP2, SCSMP2, SOSMP2, CCSD, CCSDT, FullCI, *alone]


@hookimpl
def qmbench_resolve_method(name: str) -> type[Method] | None:
    """Any other functional of libxc, alone or with `+d3bj` or `+d4`; names that people write for any of them."""
    from qmbench_pyscf.composites import refuse_composite
    from qmbench_pyscf.dispersion import resolve_corrected
    from qmbench_pyscf.double_hybrids import DOUBLE_HYBRIDS, resolve_double_hybrid
    from qmbench_pyscf.meanfield import functional_method
    from qmbench_pyscf.names import KNOWN, everyday_name

    refuse_composite(name)
    base, plus, scheme = everyday_name(name).partition("+")
    if base in DOUBLE_HYBRIDS:
        return resolve_double_hybrid(base, scheme)
    if plus:
        return resolve_corrected(base, scheme)
    if base in KNOWN:
        return functional_method(base)
    from qmbench_pyscf.functionals import canonical_functional, check_zero_damping

    check_zero_damping(base)
    found = canonical_functional(base)
    return functional_method(found) if found is not None else None
