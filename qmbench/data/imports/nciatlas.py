"""Extended XYZ of the Non-Covalent Interactions Atlas: fragments, charges and interaction energies in the comment.

`charge=0 charge_a=0 charge_b=0 selection_a=1-3 selection_b=4-6 reference_value=-4.92` in the second line, energies in
kcal/mol; one file per complex or many frames in one. Where no multiplicity is said the least possible is meant, which
is listed as assumed. Řezáč, J. Chem. Theory Comput. 16, 2355 (2020).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath

from qmbench.data.imports.draft import SIGNS, Draft, Findings, Geometry, safe_name
from qmbench.data.imports.gmtkn55 import plain_xyz
from qmbench.data.imports.tree import Tree
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError
from qmbench.domain.systems.xyz import Fragment, parse_fragments
from qmbench.domain.systems.xyz_columns import real
from qmbench.domain.systems.xyz_comment import comment_words
from qmbench.domain.systems.xyz_frames import ENDINGS, split_frames

VALUES = ("reference_value", "benchmark_eint", "eint_ref", "e_int_ref", "interaction_energy")


def is_nciatlas(tree: Tree) -> bool:
    """Whether its first XYZ file names selections of atoms in its comment line."""
    first = next((name for name in tree if name.lower().endswith(ENDINGS)), None)
    return first is not None and "selection_a" in tree.lines(first)[1]


def read_nciatlas(tree: Tree, findings: Findings, only: str = "*") -> Iterator[Draft]:
    """One draft of all complexes in it whose file's name (without ending) fits `only`."""
    draft = Draft({})
    for file in tree:
        stem = PurePosixPath(file).stem
        if not file.lower().endswith(ENDINGS) or not fnmatch(stem, only):
            continue
        where = f"{tree.place}/{file}"
        try:
            frames = split_frames(tree.text(file), where)
        except InputError as error:
            findings.skip(file, error)
            continue
        for frame in frames:
            words = {k.lower(): v for k, v in comment_words(frame.text.split("\n", 2)[1], where).items()}
            wanted = words.get("name") or (stem if len(frames) == 1 else f"{stem}_{frame.number}")
            name = safe_name(wanted, draft.systems)
            try:
                geometry = _geometry(frame.text, words, where, name, findings)
                geometry.checked(name)
                key = next((k for k in VALUES if k in words), None)
                if key is None:
                    raise InputError(f"no interaction energy in its comment line ({', '.join(VALUES)})")
                real(words[key])
            except (InputError, ValueError) as error:
                findings.skip(f"{file}, frame {frame.number}", error)
                continue
            draft.systems[name] = geometry
            draft.entries.append({"id": name, "stoichiometry": f"interaction {name}"})
            place = f"{file}, frame {frame.number}"
            draft.references.append(
                {"entry": name, "set": "imported", "value": words[key], "unit": "kcal/mol"}
                | {"source_place": place, "status": "current"}
            )
    if not draft.entries:
        raise InputError(f"{tree.place}: no complex of it could be read")
    draft.meta = {
        "id": safe_name(tree.place.name.partition(".")[0]),
        "version": "1.0.0",
        "title": tree.place.name,
        "description": "Imported from extended XYZ in the form of the Non-Covalent Interactions Atlas.",
        "observable": "interaction_energy",
        "unit": "kcal/mol",
        "sign": SIGNS["interaction_energy"],
        "bsse": ["none", "cp"],
        "default_reference_set": "imported",
        "licence": "as its source says",
        "citations": [{"text": "imported from files; add the papers here"}],
        "reference_sets": {"imported": {"title": "as in the comment lines"}},
    }
    yield draft


def _geometry(text: str, words: Mapping[str, str], where: str, name: str, findings: Findings) -> Geometry:
    symbols, rows = plain_xyz(text, where)
    fragments = []
    for letter in "abcdefgh":
        if f"selection_{letter}" not in words:
            break
        atoms = _atoms(words[f"selection_{letter}"], where, len(symbols))
        charge = _whole(words, f"charge_{letter}", where)
        multiplicity = words.get(f"multiplicity_{letter}")
        if multiplicity is None:
            electrons = sum(ATOMIC_NUMBERS[symbols[i]] for i in atoms) - charge
            multiplicity = str(electrons % 2 + 1)
            findings.assumed.append(f"{name}: fragment {letter} says no multiplicity: {multiplicity}")
        fragments.append(Fragment(atoms, charge, int(multiplicity)))
    if len(fragments) < 2:
        raise InputError(f"{where}: selection_a and selection_b are needed")
    total = _whole(words, "charge", where)
    if "multiplicity" in words:
        return Geometry(symbols, rows, total, _whole(words, "multiplicity", where), tuple(fragments))
    high = [f.multiplicity for f in fragments if f.multiplicity > 1]
    if len(high) > 1:
        raise InputError(f"{where}: several fragments have unpaired electrons; the multiplicity of the whole is needed")
    whole = high[0] if high else 1
    findings.assumed.append(f"{name}: the whole says no multiplicity: {whole}")
    return Geometry(symbols, rows, total, whole, tuple(fragments))


def _atoms(text: str, where: str, count: int) -> tuple[int, ...]:
    cleaned = text.replace(" ", "").replace(";", ",")
    return parse_fragments(f"{cleaned}:0:1", where, count)[0].atoms


def _whole(words: Mapping[str, str], key: str, where: str) -> int:
    if key not in words or not re.fullmatch(r"[+-]?[0-9]{1,4}", words[key]):
        raise InputError(f"{where}: '{key}=' and a whole number are needed in the comment line")
    return int(words[key])
