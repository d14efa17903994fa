"""What goes into QCSchema, and what is read from it. https://molssi.github.io/QCElemental"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qmbench import InputError, Molecule, NotConverged, QmbenchError, ResourceError

SAME_ENERGY = 1e-8
"""Hartree within which two energies of one calculation are the same, written by the program twice."""


def document(
    molecule: Molecule, driver: str, model: dict[str, Any], keywords: dict[str, Any], program: str
) -> dict[str, Any]:
    """The input of one calculation. driver: `energy` or `gradient`. In version 2 of QCSchema; for programs that
    know version 1 alone, QCEngine rewrites it.

    The molecule stays where it is and as it is turned, so that vectors belong to the axes it was given in.
    """
    there: dict[str, Any] = {
        "symbols": list(molecule.symbols),
        "geometry": np.asarray(molecule.coordinates).ravel().tolist(),
        "molecular_charge": molecule.charge,
        "molecular_multiplicity": molecule.multiplicity,
        "fix_com": True,
        "fix_orientation": True,
        "fix_symmetry": "c1",
        "schema_name": "qcschema_molecule",
        "schema_version": 3,
    }
    if any(molecule.ghosts):
        there["real"] = [not ghost for ghost in molecule.ghosts]
    return {
        "schema_name": "qcschema_atomic_input",
        "schema_version": 2,
        "molecule": there,
        "specification": {
            "schema_name": "qcschema_atomic_specification",
            "program": program,
            "driver": driver,
            "model": model,
            "keywords": keywords,
        },
    }


def failure(title: str, error: Any) -> QmbenchError:
    """What an error of QCEngine is, in one line. error: with `error_type` and `error_message`."""
    kind = str(error.get("error_type", "unknown_error")).replace(" ", "_")
    lines = [line.strip() for line in str(error.get("error_message", "")).splitlines() if line.strip()]
    # Of a traceback, what was raised stands last.
    traced = any(line.startswith("Traceback") for line in lines)
    said = f"{title}: {' '.join(lines[-1:] if traced else lines)[:500] or kind}"
    low = " ".join(lines).lower()
    if "not converge" in low or "could not converge" in low or "convergence_error" in kind:
        return NotConverged(said)
    if kind == "input_error":
        return InputError(said)
    if kind == "resource_error":
        return ResourceError(said)
    return QmbenchError(said)


def energy_of(result: Mapping[str, Any]) -> float | None:
    """The energy that was asked for, hartree."""
    found = result["properties"].get("return_energy")
    return None if found is None else float(found)


def dipole_of(properties: Mapping[str, Any]) -> np.ndarray | None:
    """The dipole moment (3,), e bohr, of the very level whose energy was asked for; None where there is none.

    A correlated calculation also has the dipole moment of its mean field. So one is taken only where the energy of its
    name is the one that was asked for, or, from programs that name no energies, where there is but that of the mean
    field.
    """
    asked = properties.get("return_energy")
    totals = {k.removesuffix("_total_energy"): v for k, v in properties.items() if k.endswith("_total_energy")}
    totals = {kind: float(value) for kind, value in totals.items() if value is not None}
    for name, value in properties.items():
        kind = name.removesuffix("_dipole_moment")
        if value is None or kind == name:
            continue
        same = kind in totals and asked is not None and abs(totals[kind] - float(asked)) < SAME_ENERGY
        if same or (kind == "scf" and not totals):
            return np.array(value, dtype=float).reshape(3)
    return None
