"""Energies from the output files of programs (through cclib) and from QCSchema results: what they are of, and of whom.

cclib: Langner et al., J. Comput. Chem. 2024, and O'Boyle, Tenderholt and Langner, J. Comput. Chem. 29, 839 (2008).
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.data.imports.json_files import parsed_text
from qmbench.data.imports.qcschema import is_result, result
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError
from qmbench.domain.systems.files import read_text
from qmbench.domain.systems.xyz_columns import real

ENDINGS = (".out", ".log", ".output", ".qcout", ".json")
"""Of the files that are looked at in a folder."""
DUMMY = 0
"""Atomic number of what is no nucleus."""


@dataclass(frozen=True)
class Output:
    """One finished calculation.

    name: of the file, without ending; energy: hartree; kind: which energy it is; numbers: of the nuclei; positions: (n,
    3) in ångström; charge, multiplicity: None where the file does not state them; program: with its version.
    """

    file: str
    name: str
    sha256: str
    program: str
    said: str
    kind: str
    energy: float
    numbers: tuple[int, ...]
    positions: tuple[tuple[float, float, float], ...]
    charge: int | None
    multiplicity: int | None


def output_files(place: Path) -> tuple[list[Path], int]:
    """(the files that may be outputs, how many others there are) of a file or a folder, with all folders in it."""
    if not place.exists():
        raise InputError(f"there is no {place}")
    if not place.is_dir():
        return [place], 0
    files = sorted(p for p in place.rglob("*") if p.is_file())
    chosen = [p for p in files if p.suffix.lower() in ENDINGS]
    if not chosen:
        raise InputError(f"{place} has no output; files that end in {', '.join(ENDINGS)} are looked at")
    return chosen, len(files) - len(chosen)


def read_outputs(path: Path, shown: str, assumed: list[str]) -> Iterator[Output]:
    """The calculations in a file (a JSON file may hold several); InputError where it holds none that can be used."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"can't read {shown}: {error.strerror or error}") from None
    digest = hashlib.sha256(data).hexdigest()
    if path.suffix.lower() == ".json":
        items = parsed_text(read_text(path), shown)
        items = items if isinstance(items, list) else [items]
        if not items or not all(map(is_result, items)):
            raise InputError(f"{shown}: no result of QCSchema")
        for number, item in enumerate(items, start=1):
            where = shown if len(items) == 1 else f"{shown}, result {number}"
            name = path.stem if len(items) == 1 else f"{path.stem}_{number}"
            found = result(item, where, assumed)
            geometry = found.geometry
            rows = tuple((real(x), real(y), real(z)) for x, y, z in geometry.coordinates)
            numbers = tuple(ATOMIC_NUMBERS[s] for s in geometry.symbols)
            state = geometry.charge, geometry.multiplicity
            kind = found.level.partition("/")[0]
            yield Output(where, name, digest, found.program, found.level, kind, found.energy, numbers, rows, *state)
        return
    yield _by_cclib(path, shown, digest, data.decode("utf-8", errors="replace"))


def _by_cclib(path: Path, shown: str, digest: str, text: str) -> Output:
    try:
        import cclib
    except ModuleNotFoundError:
        raise InputError("outputs of programs are read by cclib: pip install 'qmbench[outputs]'") from None
    log = logging.getLogger("cclib")
    log.disabled, before = True, log.disabled  # what it says of other people's files is said here in one line
    try:
        data = cclib.io.ccread(str(path), loglevel=logging.CRITICAL + 1)
    except Exception as error:  # its parsers raise whatever the text makes them
        raise InputError(f"{shown}: cclib can't read it: {' '.join(str(error).split())[:120]}") from None
    finally:
        log.disabled = before
    if data is None:
        raise InputError(f"{shown}: no output of a program that cclib knows")
    about = getattr(data, "metadata", {})
    program = " ".join(str(about.get(key, "")) for key in ("package", "package_version")).strip()
    if about.get("success") is False:
        raise InputError(f"{shown}: {program or 'the program'} did not end normally")
    numbers, positions = getattr(data, "atomnos", None), getattr(data, "atomcoords", None)
    if numbers is None or positions is None or not len(positions):
        raise InputError(f"{shown}: no geometry in it")
    nuclei = tuple(int(n) for n in numbers)
    rows = tuple((float(x), float(y), float(z)) for x, y, z in positions[-1])
    if DUMMY in nuclei:
        raise InputError(f"{shown}: a calculation with ghost atoms")
    kind, energy = _energy(data, text, str(about.get("package", "")))
    if kind is None or not math.isfinite(energy):
        raise InputError(f"{shown}: no energy in it")
    method = about.get("functional") or next(iter((about.get("methods") or ())[-1:]), None)
    words = [method, about.get("basis_set")]
    said = "/".join(dict.fromkeys(str(word) for word in words if word))
    charge, multiplicity = (_whole(getattr(data, key, None)) for key in ("charge", "mult"))
    name = path.name.rpartition(".")[0] or path.name
    return Output(shown, name, digest, program, said, kind, energy, nuclei, rows, charge, multiplicity)


def _energy(data: Any, text: str, program: str) -> tuple[str | None, float]:
    """(which energy, hartree): the highest rung that the file has, or the one that the program itself calls final.

    ORCA's final single point energy has what cclib does not add: counterpoise of the composite methods, second order of
    the double hybrids. Gaussian's double hybrids print theirs in a line of its own.
    """
    kind, energy = None, math.nan
    if len(getattr(data, "scfenergies", ())):
        kind, energy = "scf", _hartree(data.scfenergies[-1])
    if len(getattr(data, "mpenergies", ())) and len(data.mpenergies[-1]):
        order = len(data.mpenergies[-1]) + 1
        kind, energy = f"mp{order}", _hartree(data.mpenergies[-1][-1])
        if "DFT" in data.metadata.get("methods", ()):
            kind = "double hybrid"
    if len(getattr(data, "ccenergies", ())):
        methods = [str(m).lower() for m in data.metadata.get("methods", ()) if str(m).upper().startswith(("CC", "QCI"))]
        kind, energy = methods[-1] if methods else "coupled cluster", _hartree(data.ccenergies[-1])
    final = re.findall(r"^FINAL SINGLE POINT ENERGY\s+(-?[0-9.]+)", text, re.MULTILINE)
    if program == "ORCA" and final:
        energy = float(final[-1])
        kind = kind or "scf"
    double = re.findall(r"^ E2\([^)]*\)\s*=\s*\S+\s+E\([^)]*\)\s*=\s*(\S+)", text, re.MULTILINE)
    if program == "Gaussian" and double:
        kind, energy = "double hybrid", real(double[-1])
    return kind, energy


def _hartree(value: float) -> float:
    """cclib gives energies in eV, by a factor of its own."""
    from cclib.parser.utils import convertor

    return float(convertor(float(value), "eV", "hartree"))


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


Shape = tuple[tuple[tuple[int, int], ...], list[float]]


def shape(numbers: Sequence[int], positions: Any) -> Shape:
    """What turning, shifting and another order of atoms leave: pairs of elements, sorted, and their distances (Å)."""
    import numpy as np

    points = np.asarray(positions, float).reshape(-1, 3)
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    pairs = sorted(
        ((min(a, b), max(a, b)), float(distances[i, i + 1 + j]))
        for i, a in enumerate(numbers)
        for j, b in enumerate(numbers[i + 1 :])
    )
    alone = ((numbers[0], 0),) if len(numbers) == 1 else ()
    return alone + tuple(pair for pair, _ in pairs), [d for _, d in pairs]
