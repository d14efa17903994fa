"""Equilibrium geometries and harmonic vibrations, from the energies and forces of any method.

What a method with `energy` and `forces` does not give itself is derived here: its own equilibrium geometry by ASE's
BFGS (Larsen et al., J. Phys.: Condens. Matter 29, 273002 (2017)), second derivatives by central differences of forces,
and harmonic vibrations about the equilibrium by the normal modes of the nuclei (Wilson, Decius and Cross, Molecular
Vibrations (1955), ch. 2), translations and rotations projected out (Miller, Handy and Adams, J. Chem. Phys. 72, 99
(1980), eq. 2.6).
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qmbench.domain.errors import NotConverged, Unsupported
from qmbench.domain.quantity import Quantity, scalar
from qmbench.domain.resources import Resources
from qmbench.domain.systems import Molecule, System
from qmbench.domain.systems.nuclei import rows_of
from qmbench.domain.units import (
    ATOMIC_MASS_IN_ELECTRON_MASSES,
    BOHR_IN_ANGSTROM,
    HARTREE_IN_CM1,
    HARTREE_IN_EV,
)

_BOTH = frozenset({"energy", "forces"})
DERIVED: Mapping[str, frozenset[str]] = {
    "equilibrium_geometry": _BOTH,
    "equilibrium_energy": _BOTH,
    "relaxation_energy": _BOTH,
    "harmonic_frequencies": _BOTH,
    "zero_point_energy": _BOTH,
    "hessian": frozenset({"forces"}),
}
"""What is derived here, and what a method has to give for it."""

LARGEST_FORCE = 1.5e-5
"""hartree/bohr, on every nucleus of a converged geometry. A bond of 0.3 hartree/bohr² is then within 5e-5 bohr."""
MOST_STEPS = 300
BONDED = 1.3
"""Times the sum of covalent radii up to which two nuclei are taken to be of one part; parts are pulled at."""
PULLS, BOND_PULLS = (0.3, 0.6, 0.9), (0.05, 0.1, 0.2)
"""bohr, by which parts, and the nuclei of a diatomic molecule, are moved apart and together to see what holds them: up
to the first from which they come back."""
LEAST_PULL = LARGEST_FORCE / 2
"""hartree/bohr with which they have to come back: a minimum that holds with less is none that such a threshold shows.
The bound pair of helium atoms, of 3.5e-5 hartree, passes."""
STEP = 0.005
"""bohr, of the differences of forces: their error is that of the fourth derivative of the energy times STEP²/6."""
LINEAR = 1e-3
"""A molecule is linear where turning it about an axis moves its nuclei less than this part of what the others do."""


class Evaluated(Protocol):
    """What a method gave, such as `Result`."""

    @property
    def properties(self) -> Mapping[str, Quantity]: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    @property
    def warnings(self) -> Sequence[str]: ...


Evaluate = Callable[[Molecule, frozenset[str]], Evaluated]


def derivable(given: frozenset[str]) -> frozenset[str]:
    """What is derived for a method that gives the properties `given`, beyond these."""
    return frozenset(name for name, needed in DERIVED.items() if needed <= given and name not in given)


def needed(asked: Iterable[str]) -> frozenset[str]:
    """What a method is asked for when all that is `asked` of it is derived."""
    return frozenset(name for prop in asked for name in DERIVED[prop])


def geometries(system: System, asked: Iterable[str], given: frozenset[str]) -> int:
    """About how many geometries have to be computed, for a method that gives the properties `given`."""
    n = len(getattr(system, "symbols", ()))
    found = 0 if set(asked) == {"hessian"} else 6 + 2 * n
    return found + (6 * (n - 1) if takes_hessian(asked) and "hessian" not in given else 0)


def takes_hessian(asked: Iterable[str]) -> bool:
    """Whether second derivatives are needed for what is asked."""
    return bool(set(asked) & {"hessian", "harmonic_frequencies", "zero_point_energy"})


def refuse(name: str, system: System, asked: Iterable[str], stochastic: bool) -> None:
    """Unsupported where nothing can be derived: no molecule, ghosts, numbers with noise, one atom to vibrate."""
    if not isinstance(system, Molecule):
        raise Unsupported(f"{name}: equilibrium geometries are those of molecules, not of {system.kind} systems")
    if any(system.ghosts):
        raise Unsupported(f"{name}: a molecule with ghost atoms has no equilibrium geometry of its own")
    if stochastic:
        raise Unsupported(f"{name}: forces with sampling noise have no geometry at which they vanish")
    if "harmonic_frequencies" in asked and len(system.symbols) < 2:
        raise Unsupported(f"{name}: {system.formula} is one atom, which does not vibrate")


@lru_cache(maxsize=1)
def identity() -> dict[str, str]:
    """What a record's key holds of the way in which its property was derived: this code, and ASE's version."""
    tree = ast.parse(Path(__file__).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return {"code": hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:32], "ase": metadata.version("ase")}


@dataclass(frozen=True)
class Derived:
    """Derived properties, with the settings and warnings of the last calculation and of the derivation."""

    properties: Mapping[str, Quantity]
    settings: Mapping[str, Any]
    warnings: tuple[str, ...]


def derive(
    evaluate: Evaluate, given: frozenset[str], molecule: Molecule, asked: frozenset[str], resources: Resources, key: str
) -> Derived:
    """The properties `asked`, all in DERIVED. evaluate: properties of a geometry; given: which it has.

    key: what says which level it is, for the geometry that tasks share. NotConverged when no geometry is found.
    """
    found: dict[str, Quantity] = {}
    settings: dict[str, Any] = {}
    warnings: list[str] = []
    if "hessian" in asked:
        second, how = _hessian(evaluate, given, molecule)
        found["hessian"] = Quantity(second, "hartree/bohr2")
        settings["hessian"] = how
    if asked - {"hessian"}:
        relaxed = _shared(evaluate, molecule, resources, key)
        settings |= {**relaxed.settings, "geometry_optimization": relaxed.told()}
        warnings += relaxed.warnings
        found["equilibrium_geometry"] = (
            Quantity(relaxed.positions, "bohr")
            if relaxed.uncertainty is None
            else Quantity(relaxed.positions, "bohr", relaxed.uncertainty, "estimate")
        )
        found["equilibrium_energy"] = Quantity(relaxed.energy, "hartree")
        found["relaxation_energy"] = Quantity(relaxed.start - relaxed.energy, "hartree")
        if asked & {"harmonic_frequencies", "zero_point_energy"}:
            at = replace(molecule, positions=rows_of(relaxed.positions))
            second, settings["hessian"] = _hessian(evaluate, given, at)
            found |= _vibrations(at, second, warnings)
            settings["masses"] = "of the most abundant isotopes"
    return Derived({name: found[name] for name in asked}, settings, tuple(warnings))


def _vibrations(molecule: Molecule, second: np.ndarray, warnings: list[str]) -> dict[str, Quantity]:
    frequencies = harmonic_frequencies(second, molecule.coordinates, masses(molecule.symbols))
    imaginary = int(np.sum(frequencies < 0))
    if imaginary:
        start = "one of lower symmetry" if len(molecule.symbols) > 2 else "another distance"
        warnings.append(
            f"the geometry is no minimum: {imaginary} of {len(frequencies)} vibrations are imaginary (written as "
            f"negative numbers, down to {frequencies[0]:.0f} cm-1); start from {start}"
        )
    zero_point = float(np.sum(frequencies[frequencies > 0])) / 2 / HARTREE_IN_CM1
    return {
        "harmonic_frequencies": Quantity(frequencies, "cm-1"),
        "zero_point_energy": Quantity(zero_point, "hartree"),
    }


@dataclass(frozen=True)
class Relaxed:
    """positions: (n, 3) in bohr; energy there and at the start, hartree; largest force on a nucleus, hartree/bohr.

    uncertainty: (n, 3) in bohr, of the distances between parts that are not bonded; None where there is one part.
    """

    positions: np.ndarray
    energy: float
    start: float
    force: float
    steps: int
    settings: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    uncertainty: np.ndarray | None = None

    def told(self) -> dict[str, Any]:
        """What a record says of it."""
        return {"optimizer": "ASE BFGS", "steps": self.steps, "largest_force_hartree_bohr": self.force}

    def to_json(self) -> dict[str, Any]:
        uncertainty = None if self.uncertainty is None else self.uncertainty.tolist()
        arrays = {"positions": self.positions.tolist(), "uncertainty": uncertainty}
        return {**vars(self), **arrays, "settings": dict(self.settings)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Relaxed:
        uncertainty = None if data["uncertainty"] is None else np.array(data["uncertainty"])
        arrays = {"positions": np.array(data["positions"]), "uncertainty": uncertainty}
        return cls(**{**data, **arrays, "warnings": tuple(data["warnings"])})


def _shared(evaluate: Evaluate, molecule: Molecule, resources: Resources, key: str) -> Relaxed:
    """The equilibrium, found once for all tasks that want something of it."""

    def write(path: Path) -> None:
        path.write_text(json.dumps(relax(evaluate, molecule).to_json(), default=_plain))

    own = replace(resources, code_behind=None)  # `key` and `identity` say which code it is
    said = json.dumps({"equilibrium": identity(), "level": key, "molecule": molecule.hash}, sort_keys=True)
    return Relaxed.from_json(json.loads(own.artifact(said, write).read_text()))


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def relax(evaluate: Evaluate, molecule: Molecule) -> Relaxed:
    """The nearest stationary geometry downhill from `molecule`, by ASE's BFGS.

    NotConverged after MOST_STEPS, and where forces vanish because parts are far from each other: see `_held`.
    """
    from ase import Atoms
    from ase.calculators.calculator import Calculator, all_changes
    from ase.optimize import BFGS

    last: list[Evaluated] = []
    energies: list[float] = []

    class Level(Calculator):
        implemented_properties = ["energy", "forces"]

        def calculate(self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes) -> None:
            super().calculate(atoms, properties, system_changes)
            here = replace(molecule, positions=rows_of(atoms.get_positions() / BOHR_IN_ANGSTROM))
            try:
                made = evaluate(here, _BOTH)
            except NotConverged as error:
                raise NotConverged(f"geometry {len(energies) + 1} of the optimization: {error}") from None
            last[:] = [made]
            energies.append(scalar(made.properties["energy"]))
            self.results = {
                "energy": energies[-1] * HARTREE_IN_EV,
                "forces": np.asarray(made.properties["forces"].value) * (HARTREE_IN_EV / BOHR_IN_ANGSTROM),
            }

    atoms = Atoms(molecule.symbols, positions=molecule.coordinates * BOHR_IN_ANGSTROM, calculator=Level())
    to_bohr = BOHR_IN_ANGSTROM / HARTREE_IN_EV
    steps = BFGS(atoms, logfile=None)
    converged = steps.run(fmax=LARGEST_FORCE / to_bohr, steps=MOST_STEPS)
    force = float(np.linalg.norm(atoms.get_forces(), axis=1).max()) * to_bohr
    if not converged:
        raise NotConverged(
            f"no equilibrium geometry after {MOST_STEPS} steps: the largest force is {force:.2g} hartree/bohr, not "
            f"below {LARGEST_FORCE:g}"
        )
    positions = np.asarray(atoms.get_positions()) / BOHR_IN_ANGSTROM
    ended, found = last[0], energies[-1]
    uncertainty = _held(_forces(evaluate, molecule), molecule.symbols, positions)
    return Relaxed(
        positions, found, energies[0], force, steps.nsteps, dict(ended.settings), tuple(ended.warnings), uncertainty
    )


def _forces(evaluate: Evaluate, molecule: Molecule) -> Callable[[np.ndarray], np.ndarray]:
    """Forces (n, 3) in hartree/bohr of `molecule` at positions (n, 3) in bohr."""

    def forces(positions: np.ndarray) -> np.ndarray:
        moved = replace(molecule, positions=rows_of(positions))
        return np.asarray(evaluate(moved, frozenset({"forces"})).properties["forces"].value)

    return forces


def _held(
    forces: Callable[[np.ndarray], np.ndarray], symbols: Sequence[str], positions: np.ndarray
) -> np.ndarray | None:
    """How well the distances between parts are known, (n, 3) in bohr: LARGEST_FORCE over the force constant.

    Each part that is not bonded to the others (and one nucleus of a diatomic molecule) is moved away from, and towards,
    the nearest nucleus of the others, until a force brings it back. NotConverged where none does: then forces are small
    since there is hardly any interaction, and not since there is a minimum. None for a molecule in one part.
    """
    parts = _parts(symbols, positions)
    bond = len(parts) == 1 and len(symbols) == 2
    if bond:
        parts = [np.array([True, False]), np.array([False, True])]
    found = np.zeros_like(positions)
    for part in parts[1:] if len(parts) == 2 else parts if len(parts) > 2 else ():
        apart = positions[part][:, None] - positions[~part]
        distance = np.linalg.norm(apart, axis=2)
        i, j = np.unravel_index(distance.argmin(), distance.shape)
        axis = apart[i, j] / distance[i, j]
        stretch, constant = 0.0, 0.0
        for sign, where in ((1, "farther apart"), (-1, "nearer")):
            for by in BOND_PULLS if bond else PULLS:
                moved = positions + np.outer(part, sign * by * axis)
                back = -sign * float((forces(moved)[part] @ axis).sum())
                if back >= LEAST_PULL:
                    break
            else:
                first, other = (symbols[int(np.flatnonzero(mask)[at])] for mask, at in ((part, i), (~part, j)))
                raise NotConverged(
                    f"no equilibrium geometry: forces are below {LARGEST_FORCE:g} hartree/bohr, but {first} and "
                    f"{other}, {distance[i, j]:.2f} bohr apart, are not held there: {by:g} bohr {where}, the force "
                    f"back is {back:.1e}. The level does not bind them, or the minimum is elsewhere; start nearer to it"
                )
            stretch, constant = stretch + by, constant + back
        known = LARGEST_FORCE * stretch / constant
        found = np.maximum(found, known / np.sqrt(2) * np.abs(axis))
    return found if found.any() else None


def _parts(symbols: Sequence[str], positions: np.ndarray) -> list[np.ndarray]:
    """Masks (n,) of the nuclei that hang together by bonds."""
    from ase.data import atomic_numbers, covalent_radii
    from scipy.sparse.csgraph import connected_components

    radii = covalent_radii[[atomic_numbers[s] for s in symbols]] / BOHR_IN_ANGSTROM
    distance = np.linalg.norm(positions[:, None] - positions, axis=2)
    number, which = connected_components(distance <= BONDED * (radii[:, None] + radii))
    return [which == part for part in range(number)]


def _hessian(evaluate: Evaluate, given: frozenset[str], molecule: Molecule) -> tuple[np.ndarray, str]:
    """(n, 3, n, 3) in hartree/bohr², and how it was found."""
    if "hessian" in given:
        made = evaluate(molecule, frozenset({"hessian"}))
        return np.asarray(made.properties["hessian"].value), str(made.settings.get("hessian", "by the method"))
    return hessian(_forces(evaluate, molecule), molecule.coordinates), f"central differences of forces, {STEP:g} bohr"


def hessian(forces: Callable[[np.ndarray], np.ndarray], positions: np.ndarray) -> np.ndarray:
    """∂²E/∂r∂r, (n, 3, n, 3), from forces at 6 (n − 1) geometries, symmetrized.

    A shift of all nuclei changes no force, so the rows of the last nucleus are those that the others leave.
    """
    n = len(positions)
    found = np.zeros((n, 3, n, 3))
    for i in range(n - 1):
        for axis in range(3):
            step = np.zeros((n, 3))
            step[i, axis] = STEP
            found[i, axis] = -(forces(positions + step) - forces(positions - step)) / (2 * STEP)
    found[n - 1] = -found[: n - 1].sum(axis=0)
    return (found + found.transpose(2, 3, 0, 1)) / 2


def masses(symbols: Sequence[str]) -> np.ndarray:
    """(n,) masses of the most abundant isotopes, in electron masses; of elements without stable ones ASE's choice."""
    from ase.data import atomic_masses_common, atomic_numbers

    return np.array([atomic_masses_common[atomic_numbers[s]] for s in symbols]) * ATOMIC_MASS_IN_ELECTRON_MASSES


def harmonic_frequencies(second: np.ndarray, positions: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Harmonic wavenumbers in cm-1, from the lowest: 3n − 6 of them, 3n − 5 of a linear molecule; imaginary ones as
    negative numbers. second: (n, 3, n, 3) in hartree/bohr²; positions: (n, 3), bohr; mass: (n,), electron masses."""
    n = len(mass)
    root = np.sqrt(np.repeat(mass, 3))
    weighted = second.reshape(3 * n, 3 * n) / np.outer(root, root)
    basis = _motions(positions, mass)
    left = np.linalg.svd(np.eye(3 * n) - basis @ basis.T)[0][:, : 3 * n - basis.shape[1]]
    squares = np.linalg.eigvalsh(left.T @ weighted @ left)
    return np.sign(squares) * np.sqrt(np.abs(squares)) * HARTREE_IN_CM1


def _motions(positions: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """(3n, 5 or 6): orthonormal mass-weighted translations and rotations (of one atom 3 translations)."""
    root = np.sqrt(mass)[:, None]
    centred = positions - mass @ positions / mass.sum()
    shifts = np.array([(root * axis).ravel() for axis in np.eye(3)]) / np.sqrt(mass.sum())
    turns = np.array([(root * np.cross(axis, centred)).ravel() for axis in np.eye(3)])
    if not np.any(turns):
        return shifts.T
    _, size, rows = np.linalg.svd(turns, full_matrices=False)
    return np.concatenate([shifts, rows[size > LINEAR * size[0]]]).T
