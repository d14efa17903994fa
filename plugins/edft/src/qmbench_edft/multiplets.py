"""Multiplets of two-electron atoms: their names, configurations, degeneracies and order."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qmbench import InputError, did_you_mean

LETTERS = "SPD"
HIGHEST_N = 4


@dataclass(frozen=True, order=True)
class Multiplet:
    """The multiplet of 1s² (n = 1) or 1s nl with total spin (`multiplicity` 1 or 3); 2s² has n_inner = 2.

    Its name is `n MULTIPLICITY L`: `1 1S`, `2 3S`, `2 1P` …; 2s² is `2s2 1S`.
    """

    n: int
    l: int
    multiplicity: int
    n_inner: int = 1

    def __str__(self) -> str:
        if self.n_inner > 1:
            return f"{self.n}s2 {self.multiplicity}S"
        return f"{self.n} {self.multiplicity}{LETTERS[self.l]}"

    @property
    def degeneracy(self) -> int:
        """Number of states in the multiplet, (2S+1)(2L+1)."""
        return self.multiplicity * (2 * self.l + 1)

    @property
    def closed(self) -> bool:
        """Whether both electrons are in one orbital."""
        return self.n == self.n_inner and self.l == 0

    @property
    def outer(self) -> tuple[int, int]:
        """(n, l) of the excited electron."""
        return self.n, self.l

    @property
    def shells(self) -> dict[tuple[int, int], int]:
        """(n, l) → number of electrons."""
        inner = (self.n_inner, 0)
        return {inner: 2} if self.closed else {inner: 1, self.outer: 1}


def shell_name(n: int, l: int) -> str:
    """`1s`, `2p` …"""
    return f"{n}{LETTERS[l].lower()}"


GROUND = Multiplet(1, 0, 1)
TWO_S_SQUARED = Multiplet(2, 0, 1, n_inner=2)

# From the lowest upwards, the same for every Z ≥ 2: Drake, in Springer Handbook of Atomic, Molecular, and Optical
# Physics (2006), ch. 11; for n = 4 the singlet P lies above the D states as it does for n = 3.
_ORDER = "1 1S, 2 3S, 2 1S, 2 3P, 2 1P, 3 3S, 3 1S, 3 3P, 3 3D, 3 1D, 3 1P"


def multiplet(name: str) -> Multiplet:
    """The multiplet of this name. InputError names what is allowed."""
    text = " ".join(name.split())
    if text.lower() == "2s2 1s":
        return TWO_S_SQUARED
    match = re.fullmatch(rf"(\d+) ([13])([{LETTERS}])", text)
    if not match:
        raise InputError(
            f"'{name}' is not a state of a two-electron atom{did_you_mean(text, ORDER_NAMES)} (written as in '2 3S')"
        )
    n, multiplicity, l = int(match[1]), int(match[2]), LETTERS.index(match[3])
    if l >= n or n > HIGHEST_N or (n == 1 and multiplicity == 3):
        raise InputError(f"there is no state '{text}' here: n ≤ {HIGHEST_N}, L < n, and 1s² is a singlet")
    return Multiplet(n, l, multiplicity)


ORDER_NAMES = tuple(_ORDER.split(", "))
ORDER = tuple(multiplet(name) for name in ORDER_NAMES)


def multiplets_up_to(target: Multiplet) -> tuple[Multiplet, ...]:
    """The ground state and every multiplet up to `target`, in order of the exact energies."""
    if target not in ORDER:
        raise InputError(f"the order of the levels is known here up to {ORDER[-1]}; {target} is not among them")
    return ORDER[: ORDER.index(target) + 1]
