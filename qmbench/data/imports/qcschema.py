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
from qmbench.domain.systems import Molecule
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
    """Whether it looks like a result of QCSchema, of version 1 or 2."""
    if not isinstance(data, Mapping) or not is_molecule(data.get("molecule")):
        return False
    asked = _asked(data)
    return "model" in asked and "driver" in asked


def _asked(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a result says what was asked for: the result itself in version 1, in version 2 its specification."""
    question = data.get("input_data")
    asked = question.get("specification") if isinstance(question, Mapping) else None
    return asked if isinstance(asked, Mapping) else data


def result(data: Mapping[str, Any], where: str, assumed: list[str]) -> Result:
    """A result; InputError where it failed, or has no energy."""
    if data.get("success") is not True:
        reason = data.get("error")
        text = reason.get("error_message", "") if isinstance(reason, Mapping) else ""
        raise InputError(f"{where}: the calculation did not succeed{f': {text[:120]}' if text else ''}")
    properties = data.get("properties") if isinstance(data.get("properties"), Mapping) else {}
    driver = _asked(data).get("driver")
    energy = data.get("return_result") if driver == "energy" else (properties or {}).get("return_energy")
    if energy is None or not is_number(energy):
        raise InputError(f"{where}: no energy in it (driver {driver!r})")
    made_by = data.get("provenance") if isinstance(data.get("provenance"), Mapping) else {}
    program = " ".join(str((made_by or {}).get(key, "")) for key in ("creator", "version")).strip()
    return Result(
        geometry(data["molecule"], where, assumed),
        level_of(_asked(data)["model"]),
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
    symbols, flat, charge, multiplicity = _parts(data, where, assumed)
    if not all(data.get("real") or [True]):
        raise InputError(f"{where}: a molecule with ghost atoms, which qmbench makes itself")
    said = [f"{x * BOHR_IN_ANGSTROM:.12f}" for x in flat]
    rows = tuple((said[i], said[i + 1], said[i + 2]) for i in range(0, len(said), 3))
    return Geometry(symbols, rows, charge, multiplicity, _fragments(data, where, len(symbols)))


def molecule(data: Any, where: str, name: str) -> Molecule:
    """A molecule, or that of a result, to the last bit of its bohr, ghost atoms included.

    Its `notes` say what the schema fills in, and that isotopes are left aside. InputError as for `geometry`.
    """
    data = data["molecule"] if is_result(data) else data
    notes: list[str] = []
    symbols, flat, charge, multiplicity = _parts(data, where, notes)
    real = data.get("real") or [True] * len(symbols)
    if not isinstance(real, Sequence) or len(real) != len(symbols) or not all(isinstance(x, bool) for x in real):
        raise InputError(f"{where}: real must be true or false for each atom")
    isotopes = zip(symbols, data.get("mass_numbers") or (), strict=False)
    if any(symbol == "H" and is_number(mass) and mass > 1 for symbol, mass in isotopes):
        notes.append(f"{where}: deuterium and tritium are hydrogen, since no property depends on the mass of a nucleus")
    rows = tuple((float(flat[i]), float(flat[i + 1]), float(flat[i + 2])) for i in range(0, len(flat), 3))
    fragments = _fragments(data, where, len(symbols))
    ghosts = tuple(not x for x in real)
    try:
        return Molecule(symbols, rows, charge, multiplicity, fragments, ghosts, name, tuple(notes))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _parts(data: Any, where: str, assumed: list[str]) -> tuple[tuple[str, ...], list[float], int, int]:
    """Symbols, coordinates in bohr one after another, charge and multiplicity."""
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
    state = []
    for key, default in (("molecular_charge", 0), ("molecular_multiplicity", 1)):
        value = data.get(key)
        if value is None:
            assumed.append(f"{where}: no {key}, for which QCSchema has {default}")
            value = default
        state.append(_whole(value, where, key))
    return tuple(s.title() for s in symbols), list(flat), state[0], state[1]


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
