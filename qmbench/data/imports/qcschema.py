"""Molecules and results of QCSchema: lengths in bohr, energies in hartree.

Smith et al., WIREs Comput. Mol. Sci. 11, e1491 (2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qmbench.data.imports.draft import Geometry
from qmbench.data.imports.json_files import is_number
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError
from qmbench.domain.systems.xyz import Fragment
from qmbench.domain.units import BOHR_IN_ANGSTROM


@dataclass(frozen=True)
class Result:
    """A finished calculation. level: METHOD/BASIS; energy: hartree; program: name and version."""

    geometry: Geometry
    level: str
    energy: float
    program: str


def is_molecule(data: Any) -> bool:
    """Whether it looks like a molecule of QCSchema."""
    return isinstance(data, Mapping) and "symbols" in data and "geometry" in data


def is_result(data: Any) -> bool:
    """Whether it looks like a result of QCSchema."""
    return isinstance(data, Mapping) and is_molecule(data.get("molecule")) and "model" in data and "driver" in data


def result(data: Mapping[str, Any], where: str, assumed: list[str]) -> Result:
    """A result; InputError where it failed, or has no energy."""
    if data.get("success") is not True:
        reason = data.get("error")
        text = reason.get("error_message", "") if isinstance(reason, Mapping) else ""
        raise InputError(f"{where}: the calculation did not succeed{f': {text[:120]}' if text else ''}")
    properties = data.get("properties") if isinstance(data.get("properties"), Mapping) else {}
    energy = data.get("return_result") if data.get("driver") == "energy" else (properties or {}).get("return_energy")
    if energy is None or not is_number(energy):
        raise InputError(f"{where}: no energy in it (driver {data.get('driver')!r})")
    made_by = data.get("provenance") if isinstance(data.get("provenance"), Mapping) else {}
    program = " ".join(str((made_by or {}).get(key, "")) for key in ("creator", "version")).strip()
    return Result(
        geometry(data["molecule"], where, assumed),
        level_of(data["model"]),
        float(energy),
        program,
    )


def level_of(model: Any) -> str:
    """METHOD/BASIS in lower case, of a table with `method` and `basis`."""
    if not isinstance(model, Mapping):
        return ""
    basis = model.get("basis")
    if isinstance(basis, Mapping):
        basis = basis.get("name")
    words = [str(model.get("method") or ""), str(basis or "")]
    return "/".join("".join(word.lower().split()) for word in words if word)


def geometry(data: Any, where: str, assumed: list[str]) -> Geometry:
    """A molecule in ångström, with its fragments; what the schema fills in when it is not said goes to `assumed`.

    InputError for ghost atoms, charges that are no whole numbers, unknown elements, and what is no molecule.
    """
    if not is_molecule(data):
        raise InputError(f"{where}: no molecule of QCSchema (symbols, geometry)")
    symbols, flat = data["symbols"], data["geometry"]
    if not isinstance(symbols, Sequence) or not all(
        isinstance(s, str) and s.title() in ATOMIC_NUMBERS for s in symbols
    ):
        raise InputError(f"{where}: symbols are not all chemical elements")
    if isinstance(flat, Sequence) and all(isinstance(row, Sequence) and not isinstance(row, str) for row in flat):
        flat = [x for row in flat for x in row]
    if not isinstance(flat, Sequence) or len(flat) != 3 * len(symbols) or not all(map(is_number, flat)):
        raise InputError(f"{where}: geometry must be {3 * len(symbols)} numbers, three for each atom (bohr)")
    if not all(data.get("real") or [True]):
        raise InputError(f"{where}: a molecule with ghost atoms, which qmbench makes itself")
    said = [f"{x * BOHR_IN_ANGSTROM:.12f}" for x in flat]
    rows = tuple((said[i], said[i + 1], said[i + 2]) for i in range(0, len(said), 3))
    state = []
    for key, default in (("molecular_charge", 0), ("molecular_multiplicity", 1)):
        value = data.get(key)
        if value is None:
            assumed.append(f"{where}: no {key}, for which QCSchema has {default}")
            value = default
        state.append(_whole(value, where, key))
    names = tuple(s.title() for s in symbols)
    return Geometry(names, rows, state[0], state[1], _fragments(data, where, len(symbols)))


def _fragments(data: Mapping[str, Any], where: str, atoms: int) -> tuple[Fragment, ...]:
    groups = data.get("fragments")
    if not groups or len(groups) < 2:
        return ()
    charges, multiplicities = data.get("fragment_charges"), data.get("fragment_multiplicities")
    if not charges or not multiplicities or not len(groups) == len(charges) == len(multiplicities):
        raise InputError(f"{where}: its fragments state no charge and multiplicity each")
    made = []
    for group, charge, multiplicity in zip(groups, charges, multiplicities, strict=True):
        if not group or not all(isinstance(i, int) and 0 <= i < atoms for i in group):
            raise InputError(f"{where}: a fragment names atoms that are not there")
        state = _whole(charge, where, "fragment_charges"), _whole(multiplicity, where, "fragment_multiplicities")
        made.append(Fragment(tuple(sorted(group)), *state))
    return tuple(made)


def _whole(value: Any, where: str, key: str) -> int:
    if not is_number(value) or value != int(value):
        raise InputError(f"{where}: {key} must be a whole number, not {str(value)[:40]}")
    return int(value)
