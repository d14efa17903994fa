"""GMTKN55-style trees: one folder per set with a `.res` file, one folder per molecule with `coord` or `struc.xyz`.

A line of `.res` names molecules, an `x`, their coefficients, `$w` and the reference value in kcal/mol:
`tmer2++ {li8,li2}/$f x -1 4 $w 86.47`. `.CHRG` holds a molecule's charge and `.UHF` its unpaired electrons; where one
is missing, 0 and the least possible are meant, which is listed as assumed. Goerigk et al., PCCP 19, 32184 (2017).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch

from qmbench.data.imports.draft import Draft, Findings, Geometry, observable_of, safe_name, signs_of
from qmbench.data.imports.tree import Tree
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError
from qmbench.domain.systems.nuclei import nucleus
from qmbench.domain.systems.xyz_columns import real
from qmbench.domain.units import BOHR_IN_ANGSTROM

RES = ".res"


def is_gmtkn55(tree: Tree) -> bool:
    """Whether it has a `.res` file."""
    return any(name == RES or name.endswith("/" + RES) for name in tree)


def read_gmtkn55(tree: Tree, findings: Findings, only: str = "*") -> Iterator[Draft]:
    """One draft per folder with a `.res` whose name fits `only`."""
    folders = sorted(name.removesuffix(RES) for name in tree if name == RES or name.endswith("/" + RES))
    named = {folder: folder.rstrip("/").rpartition("/")[2] or tree.place.name for folder in folders}
    chosen = [folder for folder in folders if fnmatch(named[folder], only)]
    if not chosen:
        raise InputError(f"{tree.place}: none of its {len(folders)} sets is called '{only}'")
    for folder in chosen:
        yield _draft(tree, folder, named[folder], findings)


def _draft(tree: Tree, folder: str, name: str, findings: Findings) -> Draft:
    draft = Draft({})
    names: dict[str, str] = {}
    where = f"{tree.place}/{folder}{RES}"
    number = 0
    for line_number, line in enumerate(tree.text(folder + RES).split("\n"), start=1):
        words = line.split("#")[0].replace("$f", "").split()
        if "x" not in words or len(words) < 4:
            continue
        number += 1
        try:
            molecules, coefficients, value = _reaction(words, f"{where}, line {line_number}")
            geometries = []
            for molecule in molecules:
                if molecule not in names:
                    geometry = _molecule(tree, folder, molecule, name, findings)
                    made = safe_name(molecule, draft.systems)
                    geometry.checked(made)
                    names[molecule], draft.systems[made] = made, geometry
                geometries.append(draft.systems[names[molecule]])
        except InputError as error:
            findings.skip(f"{name}: entry {number}", error)
            continue
        entry = f"{safe_name(name)}_{number}"
        draft.entries.append(
            {
                "id": entry,
                "stoichiometry": " ".join(f"{names[m]}:{c:g}" for m, c in zip(molecules, coefficients, strict=True)),
                "observable": observable_of(coefficients, geometries),
            }
        )
        draft.references.append(
            {
                "entry": entry,
                "set": "imported",
                "value": value,
                "unit": "kcal/mol",
                "source_place": f"{folder}{RES}, line {line_number}",
                "status": "current",
            }
        )
    if not draft.entries:
        findings.skip(f"{name}: the whole set", f"no line of {RES} could be read")
    observables = [e["observable"] for e in draft.entries] or ["reaction_energy"]
    main = max(dict.fromkeys(observables), key=observables.count)
    draft.meta = {
        "id": safe_name(name),
        "version": "1.0.0",
        "title": name,
        "description": "Imported from a GMTKN55-style tree.",
        "observable": main,
        "unit": "kcal/mol",
        "sign": signs_of(observables),
        "bsse": ["none"],
        "default_reference_set": "imported",
        "licence": "as its source says",
        "citations": [{"text": "imported from files; add the papers here"}],
        "reference_sets": {"imported": {"title": f"as in {RES}"}},
    }
    return draft


def _reaction(words: Sequence[str], where: str) -> tuple[list[str], list[float], str]:
    """(molecules, coefficients, reference value as text) of a line of `.res`."""
    at = words.index("x")
    molecules: list[str] = []
    for word in words[:at]:
        braces = re.fullmatch(r"(.*)\{(.*)\}(.*)", word)
        each = [braces[1] + inner + braces[3] for inner in braces[2].split(",")] if braces else [word]
        molecules += [m.strip("/") for m in each if not re.fullmatch(r"\$?tmer\S*", m)]
    tail = [w for w in words[at + 1 :] if w != "$w"]
    try:
        numbers = [real(w) for w in tail[: len(molecules) + 1]]
    except ValueError:
        numbers = []
    if not molecules or len(numbers) != len(molecules) + 1:
        raise InputError(f"{where}: {len(molecules)} molecules need as many coefficients and a value behind 'x'")
    return molecules, numbers[:-1], repr(numbers[-1])


def _molecule(tree: Tree, folder: str, molecule: str, name: str, findings: Findings) -> Geometry:
    place = f"{folder}{molecule}/"
    if place + "coord" in tree:
        symbols, rows = turbomole_coordinates(tree.text(place + "coord"), f"{tree.place}/{place}coord")
    elif (xyz := next((place + n for n in ("struc.xyz", f"{molecule}.xyz") if place + n in tree), "")) or (
        xyz := f"{folder}{molecule}.xyz"
    ) in tree:
        symbols, rows = plain_xyz(tree.text(xyz), f"{tree.place}/{xyz}")
    else:
        raise InputError(f"{tree.place}/{place} has neither coord nor struc.xyz")
    charge = _whole(tree, place + ".CHRG")
    unpaired = _whole(tree, place + ".UHF")
    if charge is None:
        charge = 0
        findings.assumed.append(f"{name}: {molecule} has no .CHRG: charge 0")
    electrons = sum(ATOMIC_NUMBERS[s] for s in symbols) - charge
    if unpaired is None:
        unpaired = electrons % 2
        findings.assumed.append(f"{name}: {molecule} has no .UHF: multiplicity {unpaired + 1}")
    return Geometry(symbols, rows, charge, unpaired + 1)


def _whole(tree: Tree, name: str) -> int | None:
    if name not in tree:
        return None
    text = tree.text(name).strip()
    if not re.fullmatch(r"[+-]?[0-9]{1,4}", text):
        raise InputError(f"{tree.place}/{name}: a whole number is needed, not '{text[:80]}'")
    return int(text)


def turbomole_coordinates(text: str, where: str) -> tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    """(symbols, coordinates in ångström as texts) of Turbomole's `coord`, whose lengths are in bohr."""
    lines = text.split("\n")
    start = next((i for i, line in enumerate(lines) if line.strip().lower().startswith("$coord")), None)
    if start is None:
        raise InputError(f"{where}: there is no $coord")
    scale = 1.0 if "angs" in lines[start].lower() else BOHR_IN_ANGSTROM
    symbols, rows = [], []
    for number, line in enumerate(lines[start + 1 :], start=start + 2):
        if line.strip().startswith("$"):
            break
        words = line.split()
        if not words:
            continue
        try:
            x, y, z = (real(w) * scale for w in words[:3])
            symbol = nucleus(words[3])[0]
            if symbol not in ATOMIC_NUMBERS:
                raise ValueError
        except (ValueError, IndexError):
            raise InputError(
                f"{where}, line {number}: an atom is three numbers and a symbol, not '{line.strip()}'"
            ) from None
        symbols.append(symbol)
        rows.append((f"{x:.12f}", f"{y:.12f}", f"{z:.12f}"))
    return tuple(symbols), tuple(rows)


def plain_xyz(text: str, where: str) -> tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    """(symbols, coordinates as texts) of an XYZ file in ångström, whatever its second line says."""
    lines = text.rstrip().split("\n")
    try:
        count = int(lines[0])
    except ValueError:
        raise InputError(f"{where}, line 1: the first line of an XYZ file is the number of atoms") from None
    symbols, rows = [], []
    for number, line in enumerate(lines[2:], start=3):
        words = line.split()
        try:
            texts = (words[1], words[2], words[3])
            for word in texts:
                real(word)
        except (ValueError, IndexError):
            raise InputError(
                f"{where}, line {number}: an atom is a symbol and three numbers, not '{line.strip()}'"
            ) from None
        symbol = nucleus(words[0])[0]
        if symbol not in ATOMIC_NUMBERS:
            raise InputError(f"{where}, line {number}: unknown element '{words[0]}'")
        symbols.append(symbol)
        rows.append(texts)
    if len(symbols) != count:
        raise InputError(f"{where}, line 1: {count} atoms announced, {len(symbols)} lines of atoms found")
    return tuple(symbols), tuple(rows)
