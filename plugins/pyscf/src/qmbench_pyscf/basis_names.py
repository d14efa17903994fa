"""Basis sets by name: one canonical spelling each, and the functions that they were published with.

Imports no quantum-chemistry program, so that a level of theory is read without one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from qmbench import InputError, did_you_mean
from qmbench_pyscf.basis_table import ALIASES, NAMES

Cartesian = bool | Literal["d"]
"""Which functions of a shell: False, 2l+1 spherical ones throughout; "d", six Cartesian d functions, spherical ones
from f on; True, Cartesian functions throughout (six d, ten f, …)."""

# What people write most, for 'did you mean'.
COMMON_BASES = tuple(
    """
sto-3g sto-6g minao 3-21g 6-31g 6-31g(d) 6-31g(d,p) 6-31+g(d) 6-31+g(d,p) 6-31++g(d,p) 6-311g 6-311g(d) 6-311g(d,p)
6-311+g(d,p) 6-311++g(d,p) cc-pvdz cc-pvtz cc-pvqz cc-pv5z aug-cc-pvdz aug-cc-pvtz aug-cc-pvqz aug-cc-pv5z jul-cc-pvdz
jul-cc-pvtz jul-cc-pvqz cc-pcvdz cc-pcvtz cc-pcvqz cc-pcv5z cc-pwcvdz cc-pwcvtz cc-pwcvqz cc-pwcv5z aug-cc-pwcvdz
aug-cc-pwcvtz aug-cc-pwcvqz aug-cc-pwcv5z def2-svp def2-svpd def2-tzvp def2-tzvpd def2-tzvpp def2-tzvppd def2-qzvp
def2-qzvpd def2-qzvpp def2-qzvppd pc-0 pc-1 pc-2 pc-3 pc-4 aug-pc-1 aug-pc-2 aug-pc-3 aug-pc-4 pcseg-0 pcseg-1 pcseg-2
pcseg-3 pcseg-4 ano-rcc lanl2dz cc-pvdz-pp cc-pvtz-pp cc-pvqz-pp ma-def2-svp ma-def2-tzvp
""".split()
)

# Polarization functions that PySCF adds to these by parts: first of heavy atoms, then of hydrogen and helium.
_POLARIZED = re.compile(r"(631{1,2}\+{0,2})g\(((?:[23]?d)?f?)(?:,((?:[23]?p)?d?))?\)")
# Hydrogen and helium have no core: what is added to a valence set to correlate one is nothing for them, and tables of
# core-valence sets leave them out.
CORE_VALENCE = re.compile(r"(aug)?ccpw?cv([dtq56])z")
# Diffuse functions on all but hydrogen and helium: jul- in the calendar of Papajak and Truhlar, J. Chem. Theory Comput.
# 7, 10 (2011), heavy-aug- elsewhere. Elements of two sets of PySCF's table.
_JUL = re.compile(r"(?:jul|heavyaug)(ccp.*)")
_TIGHT_D = re.compile(r".*\([dtq56]\+d\)z")
# Gaussian's list of exceptions from spherical d functions (its f functions are spherical in all of them), which the
# Basis Set Exchange shares for those that it has with d functions: 3-21G, 6-31G, 6-31G*, 6-31G** and those with +.
_CARTESIAN_D = re.compile(r"(unc-)?((3-21|4-31|6-31)\+{0,2}g.*|dzp-dunning)")


def plain_name(name: str) -> str:
    """A basis name as PySCF looks it up."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    return {plain_name(name): name for name in NAMES} | ALIASES


@lru_cache(maxsize=512)
def canonical_basis(name: str) -> str:
    """The one spelling of a basis set that people write in several: `def2tzvp` is def2-tzvp, `6-31G**` 6-31g(d,p).

    InputError for a name that is not in PySCF's table, nor made of elements of two sets in it.
    """
    plain = plain_name(name)
    uncontracted = "unc-" if plain.startswith("unc") else ""
    plain = plain.removeprefix("unc")
    if plain in _known():
        return uncontracted + _known()[plain]
    if found := _POLARIZED.fullmatch(plain):
        family, heavy, light = found.groups()
        if heavy:
            return f"{uncontracted}6-{family[1:]}g({heavy}{',' + light if light else ''})"
    if (found := _JUL.fullmatch(plain)) and {found[1], "aug" + found[1]} <= _known().keys():
        return f"{uncontracted}jul-{_known()[found[1]]}"
    hint = did_you_mean(name, COMMON_BASES)
    if _TIGHT_D.fullmatch(plain):
        without = re.sub(r"\(([dtq56])\+d\)", r"\1", plain)
        hint = f"; PySCF has no sets with tight d functions, {_known().get(without, 'cc-pvtz')} is there"
    raise InputError(f"unknown basis '{name}'{hint}")


def pyscf_names(basis: str, symbol: str) -> tuple[str, ...]:
    """What PySCF calls a canonical `basis` on `symbol`, `unc-` aside, in the order in which to look.

    There are two names where each lacks elements that the other has. The core-valence sets of hydrogen and helium are
    their valence sets. Of a jul set they have no diffuse functions.
    """
    plain = plain_name(basis.removeprefix("unc-"))
    if found := _JUL.fullmatch(plain):
        plain = found[1] if symbol in ("H", "He") else "aug" + found[1]
    if symbol in ("H", "He") and (found := CORE_VALENCE.fullmatch(plain)):
        augmented, cardinal = found.groups()
        return (f"{augmented or ''}ccpv{cardinal}z",)
    starred = next((p for p, name in ALIASES.items() if "*" in p and plain_name(name) == plain), None)
    return (starred, plain) if starred else (plain,)


def published_functions(basis: str) -> Cartesian:
    """The functions that a canonical `basis` was published with; InputError where that is no one thing."""
    if not _CARTESIAN_D.fullmatch(basis):
        return False
    if "f" in basis.partition("(")[2]:
        raise InputError(
            f"{basis} is used with Cartesian d functions (cartesian=d, as in Gaussian) and with spherical ones "
            "(cartesian=false, as in the Basis Set Exchange): write which"
        )
    return "d"


def functions_matter(basis: str) -> bool:
    """Whether `published_functions` are Cartesian ones that light elements have, so that a level has to name them."""
    return bool(_CARTESIAN_D.fullmatch(basis)) and ("(" in basis or "*" in basis or "dunning" in basis)
