"""Calls of former versions that other plugins still make: to be removed with the last of them."""

from __future__ import annotations

from typing import Any

from qmbench import Molecule, Resources
from qmbench_pyscf import scf
from qmbench_pyscf.external import ExternalFunctional
from qmbench_pyscf.specification import ScfSpecification


def converged_scf(
    molecule: Molecule,
    spec: ScfSpecification | str,
    xc: str | ExternalFunctional | None = None,
    *,
    resources: Resources | None = None,
    **options: Any,
) -> Any:
    """`scf.converged_scf(molecule, spec, resources)`.

    Deprecated, to be removed: a basis instead of the specification, with xc and the specification's other fields, as
    in converged_scf(molecule, "cc-pvdz", "pbe", reference="unrestricted").
    """
    if isinstance(spec, str):
        if "field" in options:
            options["field"] = tuple(map(float, options["field"]))
        spec = ScfSpecification(spec, xc, **options)
    elif xc is not None or options:
        raise TypeError("converged_scf takes a specification or its fields, not both")
    return scf.converged_scf(molecule, spec, resources)
