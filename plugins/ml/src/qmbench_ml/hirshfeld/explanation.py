"""The table that says, atom by atom, what a prediction rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from qmbench import Explanation

if TYPE_CHECKING:
    from qmbench import Molecule
    from qmbench_ml.hirshfeld.model import HirshfeldModel, Prediction

_ALL_ROWS, _SOME_ROWS = 200, 50


def explanation(model: HirshfeldModel, molecule: Molecule, prediction: Prediction) -> Explanation:
    """Rows of atoms with their ratios, uncertainties and nearest training environments.

    Of more than 200 atoms only the 50 most uncertain.
    """
    atoms = np.arange(len(prediction.ratios))
    note = "similarity: scalar product of the two environments' descriptors, 1 for the same environment"
    if len(atoms) > _ALL_ROWS:
        atoms = np.argsort(-prediction.uncertainties, kind="stable")[:_SOME_ROWS]
        note += f"; the {_SOME_ROWS} most uncertain of {len(prediction.ratios)} atoms"
    rows = [
        (
            f"{molecule.symbols[atom]}{atom + 1}",
            round(float(prediction.ratios[atom]), 4),
            round(float(prediction.uncertainties[atom]), 4),
            "; ".join(
                f"{n.molecule} atom {n.atom} ({n.similarity:.4f})"
                for n in model.neighbours(int(molecule.atomic_numbers[atom]), prediction.environments.vectors[atom])
            ),
        )
        for atom in atoms.tolist()
    ]
    columns = ("atom", "ratio", "uncertainty", "nearest training environments")
    return Explanation(columns, tuple(rows), note)
