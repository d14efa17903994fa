"""Families of basis sets whose members converge to one limit: which names belong together, and their cardinal numbers.

`aug-cc-pv[tq]z` stands for aug-cc-pVTZ and aug-cc-pVQZ. No program is asked: a member that a program lacks is refused
when its calculation is planned or run.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qmbench.domain.errors import InputError

LETTERS = {"d": 2, "t": 3, "q": 4, "5": 5, "6": 6, "7": 7, "8": 8, "9": 9}
"""Cardinal numbers X of the correlation-consistent sets and of those named after their number of zeta."""

_BRACKET = re.compile(r"\[([^\]\[]*)\]")


@dataclass(frozen=True)
class Family:
    """pattern: of a name in which @ stands for the letter. numbers: letter -> cardinal number. member: gives the name
    from the text before the letter, the letter, and the text after it. written: an example, for messages."""

    pattern: str
    numbers: dict[str, int]
    written: str
    member: Callable[[str, str, str], str] = lambda before, letter, after: before + letter + after


def _ahlrichs(before: str, letter: str, after: str) -> str:
    """The double-zeta member of def2-TZVP, def2-TZVPP, def2-TZVPD, … is def2-SVP, def2-SVPD with diffuse functions."""
    if letter == "d":
        return before + "svp" + ("d" if after.endswith("d") else "")
    return before + letter + after


_VALENCE = {letter: LETTERS[letter] for letter in "dtq"}
FAMILIES = (
    Family(r"(heavy-)?([dt]-)?((aug|jul|jun|may|apr)-)?cc-pw?c?v@z(-(pp|dk|dkh))?", LETTERS, "aug-cc-pv[tq]z"),
    Family(r"((aug|jul|jun|may|apr)-)?cc-pv\(@\+d\)z", LETTERS, "cc-pv([tq]+d)z"),
    Family(r"ccecp-(aug-)?cc-pc?v@z", LETTERS, "ccecp-cc-pv[tq]z"),
    Family(r"(ma-)?def2-@zvpp?d?", _VALENCE, "def2-[tq]zvpp", _ahlrichs),
    # Jensen's pc-n has functions up to angular momentum n + 1, as cc-pVXZ has up to X (for Li to Ne).
    Family(r"(aug-)?pc(seg)?-@", {str(n): n + 1 for n in range(1, 5)}, "pc-[23]"),
    Family(r"ano-rcc-v@zp", _VALENCE, "ano-rcc-v[tq]zp"),
)


@dataclass(frozen=True)
class Member:
    """One basis set of a family. cardinal: the number by which energies are extrapolated."""

    name: str
    cardinal: int


def is_template(basis: str) -> bool:
    """Whether a basis stands for several, `cc-pv[tq]z`."""
    return "[" in basis or "]" in basis


def members(template: str) -> tuple[Member, ...]:
    """The basis sets that `template` stands for, ascending. InputError says what would be right."""
    found = _BRACKET.findall(template)
    if len(found) != 1 or template.count("[") != 1 or template.count("]") != 1:
        raise InputError(f"'{template}': the members of a family stand in one pair of brackets, such as cc-pv[tq]z")
    letters = found[0].lower()
    before, after = _BRACKET.split(template)[::2]
    family = next((f for f in FAMILIES if re.fullmatch(f.pattern, f"{before}@{after}")), None)
    if family is None:
        known = ", ".join(f.written for f in FAMILIES)
        raise InputError(f"'{template}' is no family of basis sets that can be extrapolated; there are {known}")
    for letter in letters:
        if letter not in family.numbers:
            right = ", ".join(family.numbers)
            raise InputError(f"'{template}' has no member '{letter}'; members are {right}")
    numbers = [family.numbers[letter] for letter in letters]
    if len(numbers) not in (2, 3) or any(b <= a for a, b in itertools.pairwise(numbers)):
        raise InputError(f"'{template}': name two or three members in ascending order, such as [tq] or [tq5]")
    return tuple(Member(family.member(before, x, after), n) for x, n in zip(letters, numbers, strict=True))


def family_of(basis: str) -> tuple[str, int] | None:
    """The family of a single basis set as a template with @, and the cardinal number; None where it is in none."""
    for family in FAMILIES:
        for letter, number in family.numbers.items():
            for at in _places(basis, letter):
                template = f"{basis[:at]}@{basis[at + len(letter) :]}"
                if re.fullmatch(family.pattern, template):
                    return template, number
    ahlrichs = re.fullmatch(r"((?:ma-)?def2-)svp(d?)", basis)
    return (f"{ahlrichs[1]}@zvp{ahlrichs[2]}", 2) if ahlrichs else None


def _places(text: str, letter: str) -> Sequence[int]:
    return [i for i in range(len(text)) if text.startswith(letter, i)]
