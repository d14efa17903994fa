"""What NWChem is told beyond a level's own keywords, and which level of another plugin it then computes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from qmbench import Molecule

_FIELD = ("hf", "scf")
_FUNCTIONALS = ("pbe", "pbe0", "b3lyp")
_SAME_BASIS = ("cc-pvdz", "cc-pvtz", "aug-cc-pvdz", "def2-svp", "def2-tzvp")
"""Methods and basis sets in which NWChem was compared with PySCF."""
_CONVERGENCE = r"scf__(thresh|maxiter)|dft__iterations|dft__convergence__(energy|density|gradient)"


def told(program: str, method: str, keywords: Mapping[str, object], system: Molecule) -> dict[str, object]:
    """Keywords that are added to those of the level. They never replace one of its own.

    If nothing is said, NWChem takes Cartesian functions for every basis set, and a restricted open shell for
    Hartree–Fock. It is told spherical functions, an unrestricted open shell, as QCEngine tells Psi4, a tighter
    threshold of the self-consistent field, and for functionals that were compared a grid of its finer ones.
    """
    if program != "nwchem":
        return {}
    there = {keyword.lower() for keyword in keywords}
    added: dict[str, object] = {}
    if not there & {"basis__spherical", "basis__cartesian"}:
        added["basis__spherical"] = True
    if method in (*_FIELD, "mp2"):
        if "scf__thresh" not in there:
            added["scf__thresh"] = 1e-8
        if system.multiplicity > 1 and not there & {"scf__uhf", "scf__rohf", "scf__rhf"}:
            added["scf__uhf"] = True
    if method in _FUNCTIONALS:
        if not any(keyword.startswith("dft__grid") for keyword in there):
            added["dft__grid"] = "xfine"
        if not any(keyword.startswith("dft__convergence") for keyword in there):
            added["dft__convergence__energy"] = 1e-8
    return added


def same_in_pyscf(program: str, method: str, basis: str | None, keywords: Mapping[str, object]) -> str:
    """The level of the plugin of PySCF that this is, too; empty: none that was compared.

    Hartree–Fock, MP2 of NWChem, which correlates all electrons if not told otherwise, and functionals on a fine grid,
    which is no part of what a level is. Any keyword but those of convergence may make another level of it.
    """
    basis = (basis or "").lower()
    method = "hf" if method in _FIELD else method
    if program != "nwchem" or method not in ("hf", "mp2", *_FUNCTIONALS) or basis not in _SAME_BASIS:
        return ""
    for keyword, value in ((keyword.lower(), value) for keyword, value in keywords.items()):
        same = keyword == "basis__spherical" and value is True
        same |= keyword == "dft__grid" and value in ("fine", "xfine", "huge")
        if not same and not re.fullmatch(_CONVERGENCE, keyword):
            return ""
    return f"{method}/{basis}"
