"""The comment line of an extended XYZ file: its `key=value` words, and what it says of the unit of length."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from qmbench.domain.errors import InputError
from qmbench.domain.units import BOHR_IN_ANGSTROM

COMMENT_KEYS = ("charge", "multiplicity", "fragments", "Lattice", "pbc", "Properties", "units", "name")
_OF_NO_UNIT = frozenset(COMMENT_KEYS) - {"units"}
_SPELT = {key.lower(): key for key in COMMENT_KEYS} | {"unit": "units"}

# key = value; a value is quoted, in brackets, or one word. An apostrophe inside a word is a letter like any other.
_WORD = re.compile(
    r"""(?P<key>[^\s="'{}\[\]]+)\s*=(?:\s+(?=["'{\[]|[^\s=]+(?:\s|$)))?
        (?:"(?P<double>[^"]*)"(?=\s|$)|'(?P<single>[^']*)'(?=\s|$)|\{(?P<braces>[^{}]*)\}|\[(?P<brackets>[^\[\]]*)\]
        |(?P<bare>\S*))|(?P<word>\S+)""",
    re.VERBOSE,
)

# Lines that say nothing but charge and multiplicity: of Gaussian and ORCA, and of Turbomole.
_CHARGE_MULTIPLICITY = re.compile(r"\s*(?:\*\s*xyz\s+)?([+-]?[0-9]{1,3})[\s,]+([0-9]{1,2})\s*", re.IGNORECASE)
_CHARGE_UNPAIRED = re.compile(r"\s*-+chrg[\s=]+([+-]?[0-9]{1,3})\s+-+uhf[\s=]+([0-9]{1,2})\s*", re.IGNORECASE)

_LENGTHS = dict.fromkeys(
    ("angstrom", "angstroms", "ångström", "ångströms", "ångstrom", "å", "ang", "a"), BOHR_IN_ANGSTROM
)
_LENGTHS |= dict.fromkeys(("bohr", "bohrs", "a.u.", "au", "a0", "atomic", "atomic_unit", "atomic_units"), 1.0)
_UNIT_OF_ANOTHER = re.compile(
    r"(energy|energies|force|forces|stress|virial|virials|dipole|charge|mass|time|velocity|velocities|velo|momenta|"
    r"momentum|temperature|pressure|frequency|frequencies|polarizability)[_-]?units?"
)
_LENGTH_KEY = re.compile(r"(length|pos|positions?|coord|coords|coordinates?)s?[_-]?units?")
# Words of a remark that may say the unit of the coordinates; i-PI writes positions{angstrom}.
_MAY_BE_A_UNIT = re.compile(r"(in:)?(bohrs?|a\.u\.?|au|atomic|nanomet(er|re)s?|picomet(er|re)s?)\.?|positions?\{.*")
# Keys that other programs write beside or instead of Lattice and positions, and whose meaning is not agreed upon.
_GEOMETRY = re.compile(
    r"(unit_?)?cell([_-]?(vec\w*|lengths?|angles?|parameters?))?|box|scale|scaling|scale_?factor|frac|fractional|direct|"
    r"coord(s|inates?)([_-]?(system|type))?|position(s|_type)?|lattice_?(constant|parameters?)|celldm|ghosts?|cell\(\w*\):?"
)


def comment_words(comment: str, where: str) -> dict[str, str]:
    """The `key=value` words of the comment line; the keys of COMMENT_KEYS in any case, spelt as they are there.

    Other words are left aside. InputError for a quotation without an end, and for one of COMMENT_KEYS given twice.
    """
    pairs: dict[str, str] = {}
    for written, bare, value in _words(comment)[0]:
        key = _SPELT.get(written.lower(), written)
        if bare and bare[0] in '"{[':
            raise InputError(f"{where}: '{key}=' in the comment line has no closing {bare[0]}")
        if key in pairs and (key in COMMENT_KEYS or _is_about_geometry(key)):
            raise InputError(f"{where}: '{key}=' is given twice")
        # Some write commas between the words: charge=0, multiplicity=1
        pairs[key] = value.rstrip(",") if bare and key in ("charge", "multiplicity") else value
    return pairs


def stated_state(comment: str, pairs: dict[str, str]) -> tuple[dict[str, str], str]:
    """(the words, a note) with charge and multiplicity from a line that has nothing but them: `0 1` of Gaussian's input
    files, `* xyz 0 1` of ORCA's, `-chrg 0 -uhf 0` beside Turbomole's. The note, empty otherwise, says so.
    """
    plain = _CHARGE_MULTIPLICITY.fullmatch(comment)
    unpaired = _CHARGE_UNPAIRED.fullmatch(comment)
    if plain is None and unpaired is None:
        return pairs, ""
    match = plain or unpaired
    assert match is not None
    charge, multiplicity = int(match[1]), int(match[2]) + (plain is None)
    note = f"charge {charge} and multiplicity {multiplicity} were read from '{' '.join(comment.split())}' in line 2"
    return {"charge": str(charge), "multiplicity": str(multiplicity)}, note


@lru_cache(maxsize=8)
def _words(comment: str) -> tuple[list[tuple[str, str | None, str]], list[str]]:
    """(key, value if it is written bare, value) of each pair, and the words that belong to no key; of one line, which
    is looked at several times, one after the other."""
    pairs, free = [], []
    for match in _WORD.finditer(comment):
        if match.lastgroup == "word":
            free.append(match["word"])
        else:
            pairs.append((match["key"], match["bare"], match[match.lastgroup or "bare"]))
    return pairs, free


@lru_cache(maxsize=1024)
def _is_about_geometry(key: str) -> bool:
    return _GEOMETRY.fullmatch(key.lower()) is not None


def coordinate_unit(pairs: Mapping[str, str], comment: str, where: str) -> float:
    """How many of its units of length are a bohr: those of an ångström unless the comment line says `units=bohr`.

    InputError for another unit, for a key that may be about lengths, and for a word such as `bohr` where the comment
    line does not say the unit as well.
    """
    right = "the unit of length is units=angstrom or units=bohr"
    given: dict[float, str] = {}
    said = list(_words(comment)[1])
    for key, value in pairs.items():
        if key in _OF_NO_UNIT:
            continue
        if key == "units" or _LENGTH_KEY.fullmatch(key.lower()):
            if value.strip().lower() not in _LENGTHS:
                raise InputError(f"{where}: {right}, not {key}={value}")
            given[_LENGTHS[value.strip().lower()]] = key
        elif "unit" in key.lower() and not _UNIT_OF_ANOTHER.fullmatch(key.lower()):
            raise InputError(f"{where}: what '{key}={value}' is the unit of is not clear; {right}")
        elif "unit" not in key.lower():
            said += value.split()
    if len(given) > 1:
        raise InputError(f"{where}: two units of length are given, by {' and '.join(given.values())}")
    for word in said if not given else ():
        if _MAY_BE_A_UNIT.fullmatch(word.strip("()[],;:").lower()) and word.strip("()[],;:") != "Au":
            raise InputError(f"{where}: '{word}' in the comment line may be about the coordinates; say which: {right}")
    return next(iter(given), BOHR_IN_ANGSTROM)


def refuse_unknown_geometry(pairs: Mapping[str, str], comment: str, where: str) -> None:
    """InputError for words that may be about cell or positions and are none that qmbench reads."""
    cartesian = ("cartesian", "cart")
    for key, value in pairs.items():
        if _is_about_geometry(key) and value.strip().lower() not in cartesian:
            raise InputError(
                f"{where}: '{key}={value}' may be about the geometry and is not understood; positions are Cartesian, "
                "and a crystal has Lattice= and pbc="
            )
    for word in _words(comment)[1]:
        if re.fullmatch(r"(fractional|frac|cell\(\w*\):?|cell\{.*)", word.strip(",.;").lower()):
            raise InputError(
                f"{where}: '{word}' in the comment line may be about the geometry and is not understood; positions are "
                "Cartesian, and a crystal has Lattice= and pbc="
            )
