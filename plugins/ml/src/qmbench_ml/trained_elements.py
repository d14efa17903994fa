"""The elements that the models of dispersion-bound molecules, hirshfeld and delta, were trained on."""

from __future__ import annotations

from qmbench import Molecule, require_elements

TRAINED = ("H", "C", "N", "O", "F", "Ne", "Ar")


def check_trained(method: str, molecule: Molecule) -> None:
    """Unsupported, in the name of `method`, for a molecule with other nuclei."""
    require_elements(molecule, TRAINED, method, "was not trained on")
