"""What many methods ask of a molecule, refused in the same words."""

from __future__ import annotations

from collections.abc import Collection

from qmbench.domain.errors import Unsupported
from qmbench.domain.systems import Molecule

FEW = 20
"""Up to so many known elements are named where one is not among them."""


def require_neutral_singlet(molecule: Molecule, who: str, instead: str = "") -> None:
    """Unsupported, in the name of `who`, unless the charge is 0 and the multiplicity 1. instead: what does others."""
    if molecule.charge or molecule.multiplicity != 1:
        hint = f"; {instead}" if instead else ""
        raise Unsupported(
            f"{who} is for neutral molecules of multiplicity 1, not charge {molecule.charge}, "
            f"multiplicity {molecule.multiplicity}{hint}"
        )


def require_elements(molecule: Molecule, known: Collection[str], who: str, why: str = "does not do") -> None:
    """Unsupported, in the name of `who`, when a nucleus is of an element that is not among the `known` ones.

    Ghosts are no nuclei. why: what it has not done with the others, such as "was not trained on".
    """
    if unknown := sorted(set(molecule.elements) - set(known)):
        named = f"; it knows {', '.join(known)}" if len(known) <= FEW else ""
        raise Unsupported(f"{who} {why} {', '.join(unknown)}{named}")
