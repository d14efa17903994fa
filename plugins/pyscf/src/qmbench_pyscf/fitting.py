"""Which auxiliary functions two-electron densities are fitted in.

The sets that PySCF's table assigns to a basis: one for Coulomb alone where there is no exact exchange (the universal
set of Weigend, Phys. Chem. Chem. Phys. 8, 1057 (2006), for the def2 family), one for Coulomb and exchange together
(Weigend, J. Comput. Chem. 29, 167 (2008)), and one for products of occupied and empty orbitals (Weigend, Köhn and
Hättig, J. Chem. Phys. 116, 3175 (2002)).
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

from qmbench_pyscf.basis_names import CORE_VALENCE
from qmbench_pyscf.mole import named_shells

Purpose = Literal["coulomb", "coulomb and exchange", "correlation"]


def fitting_set(mole: Any, purpose: Purpose) -> dict[str, str | Shells]:
    """By atom label, the name of the fitting set that belongs to the atom's basis set.

    Where no set for Coulomb alone belongs to it, the one for Coulomb and exchange. Where none at all does,
    even-tempered functions (shells instead of a name): those that span the products of the basis as PySCF has them, or
    those of Stoychev, Auer and Neese, J. Chem. Theory Comput. 13, 554 (2017), whichever are more. But for Coulomb and
    exchange the largest JKFIT set of the family serves core-valence sets, which have none of their own.
    """
    from pyscf import df

    with warnings.catch_warnings():
        # PySCF advises on an optional package where it lacks a set.
        warnings.simplefilter("ignore")
        if purpose == "correlation":
            chosen = dict(df.make_auxbasis(mole, mp2fit=True))
        else:
            chosen = dict(df.make_auxbasis(mole, xc="hf"))
            if purpose == "coulomb":
                alone = df.make_auxbasis(mole, xc="pbe")
                chosen |= {label: name for label, name in alone.items() if isinstance(name, str)}
        for label in [label for label, functions in chosen.items() if not isinstance(functions, str)]:
            named = "" if purpose == "correlation" else _of_the_family(mole, label)
            chosen[label] = named or _even_tempered(_element(label), mole._basis[label])
    return chosen


def _element(label: str) -> str:
    return label.removeprefix("GHOST-").rstrip("0123456789")


def _even_tempered(element: str, shells: list) -> Shells:
    """The larger of the two even-tempered sets for `shells`, of an atom alone: for a ghost PySCF makes other ones."""
    from pyscf import df, gto

    atom = gto.M(atom=[(element, (0.0, 0.0, 0.0))], basis={element: shells}, spin=None, verbose=0)
    plain, other = df.aug_etb(atom)[element], df.autoaux(atom)[element]
    return max(Shells("even-tempered", plain), Shells("autoaux", other), key=lambda found: found.size)


class Shells(list):
    """Primitive shells in PySCF's format, under a name."""

    def __init__(self, name: str, shells: list) -> None:
        super().__init__(shells)
        self.name = name

    @property
    def size(self) -> int:
        """The number of spherical functions."""
        return sum(2 * int(shell[0]) + 1 for shell in self)


LARGEST_JKFIT = "cc-pv5z-jkfit"


def _of_the_family(mole: Any, label: str) -> str:
    """LARGEST_JKFIT for an atom in a core-valence set without diffuse functions; empty where it is not for that."""
    name = mole.basis[label]
    found = CORE_VALENCE.fullmatch(name) if isinstance(name, str) else None
    if found is None or found[1] or found[2] == "6":
        return ""
    return LARGEST_JKFIT if named_shells(LARGEST_JKFIT, _element(label)) else ""


def fitting_set_name(chosen: dict[str, str | Shells]) -> str:
    """What a record calls a set that `fitting_set` gave."""
    names = {label.removeprefix("GHOST-"): _name(functions) for label, functions in sorted(chosen.items())}
    if len(set(names.values())) == 1:
        return next(iter(names.values()))
    return ", ".join(f"{name} ({symbol})" for symbol, name in names.items())


def _name(functions: str | Shells) -> str:
    return functions if isinstance(functions, str) else functions.name
