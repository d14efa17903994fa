"""Numbers of basis functions by name against PySCF's own basis sets."""

from __future__ import annotations

import pytest

from qmbench import InputError
from qmbench_pyscf.mole import basis_functions
from qmbench_pyscf.sizes import OTHERS, sizes

DUNNING = [f"{more}cc-pv{zeta}z" for more in ("", "aug-", "jul-") for zeta in "dtq5"]
CORE = [f"cc-pcv{zeta}z" for zeta in "dtq5"]


def counted(basis: str, symbol: str) -> int | None:
    """Spherical functions; None where PySCF has none for this element."""
    try:
        shells = basis_functions(basis, symbol)
    except InputError:
        return None
    rows = [(shell[0], shell[2] if isinstance(shell[1], int) else shell[1]) for shell in shells]
    return sum((2 * momentum + 1) * (len(primitive) - 1) for momentum, primitive in rows)


@pytest.mark.parametrize("basis", [*OTHERS, *DUNNING, *CORE])
def test_functions_of_each_row(basis: str) -> None:
    found = {symbol: counted(basis, symbol) for symbol in ("H", "O", "Cl", "Br")}
    assert found["H"] is not None
    for (symbol, number), told in zip(found.items(), sizes(basis), strict=True):
        assert number in (None, told), symbol
