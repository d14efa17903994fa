"""The calls of the tblite library: one self-consistent calculation, and polarizabilities of several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, QmbenchError, Quantity
from qmbench_xtb.options import PARAMETRIZED_MODELS, XtbOptions

BOLTZMANN = 3.166808578545117e-6
"""Hartree per kelvin, as the library has it: its own temperature is 300 K by this. (CODATA 2018: 3.1668115635e-6.)"""

FIELD_ACCURACY = 1e-4
"""Dipoles in a field are converged so far that their differences are good to about 1e-6 bohr³."""

LARGEST_STEP_ERROR = 0.2
"""Relative disagreement of the steps h and 2h beyond which a derivative is no derivative any more."""


@dataclass(frozen=True)
class Point:
    """What one calculation gives. energy in hartree; gradient (atoms, 3) in hartree/bohr; dipole (3,) in e bohr;
    charges (atoms,) in e; occupations (orbitals,)."""

    energy: float
    gradient: np.ndarray
    dipole: np.ndarray
    charges: np.ndarray
    occupations: np.ndarray


def single_point(
    molecule: Molecule,
    hamiltonian: str,
    unpaired: int,
    options: XtbOptions,
    field: tuple[float, float, float] | None = None,
    accuracy: float | None = None,
) -> Point:
    """One self-consistent calculation.

    hamiltonian: the library's name, such as GFN2-xTB. unpaired: electrons without partner, of those that it counts.
    field: uniform electric field, atomic units. accuracy: another one than the options have. Raises NotConverged, and
    QmbenchError with what the library says otherwise.
    """
    from tblite.exceptions import TBLiteRuntimeError
    from tblite.interface import Calculator

    title = f"{molecule.name or molecule.formula}: {hamiltonian}"
    try:
        calculator = Calculator(
            hamiltonian,
            molecule.atomic_numbers,
            molecule.coordinates,
            charge=float(molecule.charge),
            uhf=unpaired,
            color=False,
            logger=_silent,
        )
        calculator.set("verbosity", 0)
        calculator.set("accuracy", options.accuracy if accuracy is None else accuracy)
        calculator.set("max-iter", options.max_iterations)
        calculator.set("temperature", options.electronic_temperature * BOLTZMANN)
        for interaction in _interactions(options, field):
            calculator.add(*interaction)
        found = calculator.singlepoint()
    except TBLiteRuntimeError as error:
        said = " ".join(str(error).split())
        if "not converged" in said:
            raise NotConverged(
                f"{title}: not self-consistent after {options.max_iterations} iterations; a higher "
                "electronic_temperature or max_iterations may help"
            ) from None
        raise QmbenchError(f"{title}: tblite says: {said}") from None
    return Point(
        energy=float(found.get("energy")),
        gradient=np.asarray(found.get("gradient")),
        dipole=np.asarray(found.get("dipole")),
        charges=np.asarray(found.get("charges")),
        occupations=np.atleast_2d(found.get("orbital-occupations")),
    )


def _interactions(options: XtbOptions, field: tuple[float, float, float] | None) -> list[tuple[Any, ...]]:
    """What is added to the Hamiltonian, as the library's `Calculator.add` takes it."""
    added: list[tuple[Any, ...]] = []
    if field is not None:
        added.append(("electric-field", list(field)))
    if options.spin_polarization:
        added.append(("spin-polarization", 1.0))
    for model in options.models():
        solvent: str = getattr(options, model)
        if model in PARAMETRIZED_MODELS:
            added.append((f"{model}-solvation", solvent, options.solution_state))  # type: ignore[attr-defined]
        else:
            added.append(("ddX-solvation", _number_or_name(solvent), model))
    return added


def _number_or_name(solvent: str) -> float | str:
    try:
        return float(solvent)
    except ValueError:
        return solvent


def _silent(message: str) -> None:
    """What the library reports of its iterations is of no use here."""


def polarizability(dipole: Callable[[tuple[float, float, float]], np.ndarray], step: float) -> Quantity:
    """α (3, 3) in bohr³ from dipoles in fields ±h, ±2h along each axis.

    dipole(F): (3,) in e bohr in the field F. Central differences, combined by Richardson's rule; how far that moves
    them is the uncertainty. Cohen and Roothaan, J. Chem. Phys. 43, S34 (1965). NotConverged when h and 2h disagree.
    """

    def derivative(h: float) -> np.ndarray:
        fields = [tuple(sign * h * float(axis == i) for i in range(3)) for axis in range(3) for sign in (1, -1)]
        mu = [dipole((x, y, z)) for x, y, z in fields]
        alpha = np.array([(mu[2 * axis] - mu[2 * axis + 1]) / (2 * h) for axis in range(3)])
        return (alpha + alpha.T) / 2

    fine, coarse = derivative(step), derivative(2 * step)
    if np.abs(coarse - fine).max() > LARGEST_STEP_ERROR * max(np.abs(fine).max(), 1e-2):
        raise NotConverged(
            f"finite field: steps of {step:g} and {2 * step:g} give {np.round(fine, 4).tolist()} and "
            f"{np.round(coarse, 4).tolist()} bohr3; try a smaller field_strength"
        )
    value = (4 * fine - coarse) / 3
    return Quantity(value, "bohr3", np.abs(value - fine), "estimate")
