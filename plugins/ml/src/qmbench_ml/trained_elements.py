"""The elements that the models of dispersion-bound molecules, hirshfeld and delta, were trained on."""

from __future__ import annotations

from qmbench import Molecule, Unsupported

TRAINED = ("H", "C", "N", "O", "F", "Ne", "Ar")


def check_trained(method: str, molecule: Molecule) -> None:
    """Unsupported, in the name of `method`, for a molecule with other nuclei."""
    real = {symbol for symbol, ghost in zip(molecule.symbols, molecule.ghosts, strict=True) if not ghost}
    if unknown := sorted(real - set(TRAINED)):
        raise Unsupported(f"{method} was not trained on {', '.join(unknown)}; it was on {', '.join(TRAINED)}")
