"""Which auxiliary functions two-electron densities are fitted in.

The sets that PySCF's table assigns to a basis: one for Coulomb alone where there is no exact exchange (the universal
set of Weigend, Phys. Chem. Chem. Phys. 8, 1057 (2006), for the def2 family), one for Coulomb and exchange together
(Weigend, J. Comput. Chem. 29, 167 (2008)), and one for products of occupied and empty orbitals (Weigend, Köhn and
Hättig, J. Chem. Phys. 116, 3175 (2002)).
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

Purpose = Literal["coulomb", "coulomb and exchange", "correlation"]


def fitting_set(mole: Any, purpose: Purpose) -> dict[str, Any]:
    """By atom label, the name of the fitting set that belongs to the atom's basis set.

    Where no set for Coulomb alone belongs to it, the one for Coulomb and exchange; where none at all does,
    even-tempered functions that span the products of the basis (shells instead of a name).
    """
    from pyscf import df

    with warnings.catch_warnings():
        # PySCF advises on an optional package where it lacks a set.
        warnings.simplefilter("ignore")
        if purpose == "correlation":
            return dict(df.make_auxbasis(mole, mp2fit=True))
        both = dict(df.make_auxbasis(mole, xc="hf"))
        if purpose == "coulomb":
            alone = df.make_auxbasis(mole, xc="pbe")
            both |= {label: name for label, name in alone.items() if isinstance(name, str)}
        return both


def fitting_set_name(chosen: dict[str, Any]) -> str:
    """What a record calls a set that `fitting_set` gave."""
    names = {label.removeprefix("GHOST-"): _name(functions) for label, functions in sorted(chosen.items())}
    if len(set(names.values())) == 1:
        return next(iter(names.values()))
    return ", ".join(f"{name} ({symbol})" for symbol, name in names.items())


def _name(functions: Any) -> str:
    return functions if isinstance(functions, str) else "even-tempered"
