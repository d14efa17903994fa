"""Molecules, and what one level of theory gives for them, as QCSchema: versions 1 and 2, as QCElemental reads them.

Smith et al., WIREs Comput. Mol. Sci. 11, e1491 (2021). Lengths are in bohr, energies in hartree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from qmbench.api.gathered import gather
from qmbench.data.imports.export import qcschema_molecule
from qmbench.domain.composite import Level
from qmbench.domain.errors import InputError
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Record, Task
from qmbench.domain.systems import Molecule, System
from qmbench.running.session import Session

VERSIONS = (1, 2)
DRIVERS = {"energy": "energy", "forces": "gradient"}
"""What a result may be of, and how QCSchema calls it. A gradient has the energy beside it."""
LeftOut = list[tuple[str, str]]


def molecules(systems: Mapping[str, System], version: int) -> tuple[list[dict[str, Any]], LeftOut]:
    """Molecules of QCSchema, and (name, why) of what is none. version: of VERSIONS."""
    found: list[dict[str, Any]] = []
    left_out: LeftOut = []
    for name, system in systems.items():
        if isinstance(system, Molecule):
            found.append(qcschema_molecule(system, name, version))
        else:
            left_out.append((name, f"a {system.kind}, no molecule"))
    return found, left_out


def results(
    level: Level, systems: Mapping[str, System], properties: Iterable[str], session: Session, version: int
) -> tuple[list[dict[str, Any]], LeftOut]:
    """Results of QCSchema, of the driver `gradient` where `forces` are among `properties`; what the store lacks is
    computed. What is refused or fails is left out with the reason."""
    wanted = set(properties)
    for name in wanted - DRIVERS.keys():
        raise InputError(f"a result of QCSchema is of {' or '.join(DRIVERS)}, not of '{name}'")
    able = {name: s for name, s in systems.items() if isinstance(s, Molecule)}
    others = [(name, f"a {s.kind}, no molecule") for name, s in systems.items() if name not in able]
    made, left_out = gather(level, able, ("energy", *sorted(wanted - {"energy"})), session)
    found = [_result(name, task, records, version) for name, task, records in made]
    return found, others + left_out


def _result(name: str, task: Task, records: Mapping[str, Record], version: int) -> dict[str, Any]:
    from qmbench import __version__

    molecule, level = task.system, task.level
    assert isinstance(molecule, Molecule)
    numbers = {prop: r.quantity for prop, r in records.items() if r.quantity is not None}
    energy = float(_in(numbers["energy"], "hartree"))
    properties: dict[str, Any] = {"calcinfo_natom": len(molecule.symbols), "return_energy": energy}
    answer: Any = energy
    if "forces" in numbers:
        answer = (-_in(numbers["forces"], "hartree/bohr")).ravel().tolist()
        properties["return_gradient"] = answer
    driver = DRIVERS["forces" if "forces" in numbers else "energy"]
    drawn = qcschema_molecule(molecule, name, version)
    made_by = {"creator": "qmbench", "version": __version__, "routine": str(level)}
    about = records["energy"].provenance
    extras = {
        "level_of_theory": str(level),
        "records": {prop: r.key for prop, r in records.items()},
        "versions": dict(about.get("versions") or {}),
        "warnings": list(about.get("warnings") or ()),
    }
    model, keywords = _model(level)
    asked = {"driver": driver, "model": model, "keywords": keywords}
    rest = {
        "properties": properties,
        "return_result": answer,
        "success": True,
        "provenance": made_by,
        "extras": {"qmbench": extras},
    }
    if version == 1:
        return {"schema_name": "qcschema_output", "schema_version": 1, "molecule": drawn, **asked, **rest}
    specification = {"schema_name": "qcschema_atomic_specification", "program": "qmbench", **asked}
    question = {"schema_name": "qcschema_atomic_input", "schema_version": 2}
    return {
        "schema_name": "qcschema_atomic_result",
        "schema_version": 2,
        "input_data": {**question, "molecule": drawn, "specification": specification, "provenance": made_by},
        "molecule": drawn,
        **rest,
    }


def _model(level: LevelOfTheory) -> tuple[dict[str, Any], dict[str, Any]]:
    """Method and basis, and the other options as they were resolved."""
    options = level.options.model_dump(mode="json")
    return {"method": level.method.name, "basis": options.pop("basis", None)}, options


def _in(quantity: Quantity, unit: str) -> np.ndarray:
    return np.asarray(quantity.to(unit).value, dtype=float)
