"""What the kit computes where a plugin states nothing: small systems, and other values of an option."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pydantic

from qmbench.domain.method import Method, Options
from qmbench.domain.systems import Crystal, LatticeModel, Molecule, System

# Experimental-like geometries turned to no axis, so that a method that assumes a standard orientation shows.
_WATER = ((0.11, -0.07, 0.19), (1.72, 0.41, -0.36), (-0.68, 1.51, 0.52))
_HYDROXYL = ((0.0, 0.0, 0.0), (0.87, -1.02, 1.25))
# A cell without any symmetry but that of a lattice.
_CELL = ((6.9, 0.3, -0.4), (0.8, 7.4, 0.5), (-0.6, 1.1, 8.1))
_CRYSTAL = ((0.2, -0.1, 0.4), (3.6, 4.1, 4.7))

Nuclei = Molecule | Crystal
Variant = Callable[[Nuclei], Nuclei | None]

# An axis that is no symmetry axis of anything and an angle that is no fraction of a turn.
ROTATION_AXIS = np.array([0.36, 0.48, 0.80])
ROTATION_ANGLE = 0.9
SHIFT = np.array([0.7, -1.3, 2.1])


def kit_systems(method: type[Method]) -> list[System]:
    """The kit's own systems of the kinds that `method` declares, the most telling first."""
    molecules: list[System] = [
        Molecule(("O", "H", "H"), _WATER, 0, 1, name="water"),
        Molecule(("O", "H"), _HYDROXYL, 0, 2, name="hydroxyl"),
        Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="helium"),
    ]
    lattices: list[System] = [
        LatticeModel((6,), ("periodic",), 1.0, 2.0, 6, 1, name="ring"),
        LatticeModel((3, 2), ("open", "open"), 1.0, 2.0, 4, 1, name="ladder"),
    ]
    crystals: list[System] = [Crystal(("Ne", "He"), _CRYSTAL, _CELL, 0, 1, name="mixed crystal")]
    return [s for s in molecules + crystals + lattices if isinstance(s, method.systems)]


def example_systems(method: type[Method]) -> list[System]:
    """The systems that the method states, or the kit's own."""
    return list(method.example_systems()) or kit_systems(method)


def example_levels(method: type[Method]) -> list[str]:
    """The levels that the method states, or its name, with sto-3g where it takes a basis (and both where it may)."""
    if method.examples:
        return list(method.examples)
    basis = method.Options.model_fields.get("basis")
    levels = [f"{method.name}/sto-3g"] if basis else []
    return levels if basis and basis.is_required() else [*levels, method.name]


def rotation_matrix() -> np.ndarray:
    """(3, 3) proper rotation by ROTATION_ANGLE about ROTATION_AXIS (Rodrigues' formula)."""
    x, y, z = ROTATION_AXIS
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(ROTATION_ANGLE) * cross + (1 - math.cos(ROTATION_ANGLE)) * cross @ cross


def moved(system: Nuclei, rotation: np.ndarray | None = None, shift: np.ndarray | None = None) -> Nuclei:
    """`system` turned about the origin, its cell too, and then shifted (bohr)."""
    positions = system.coordinates if rotation is None else system.coordinates @ rotation.T
    positions = positions if shift is None else positions + shift
    if rotation is not None and isinstance(system, Crystal):
        system = replace(system, cell=_rows(system.lattice_vectors @ rotation.T))
    return replace(system, positions=_rows(positions))


def _rows(array: np.ndarray) -> tuple[tuple[float, float, float], ...]:
    return tuple((float(x), float(y), float(z)) for x, y, z in array)


def other_images(crystal: Crystal) -> Crystal:
    """The same crystal, every second atom named by another of its images."""
    steps = np.array([(1, -1, 2), (0, 0, 0)] * crystal.n_parts)[: crystal.n_parts]
    return replace(crystal, positions=_rows(crystal.coordinates + steps @ crystal.lattice_vectors))


def stretched(crystal: Crystal, axis: int) -> Crystal:
    """`crystal` with the lattice vector number `axis` a tenth longer and every atom where it was."""
    scale = np.ones((3, 1))
    scale[axis] = 1.1
    return replace(crystal, cell=_rows(crystal.lattice_vectors * scale), name="longer cell")


def reordered(molecule: Nuclei) -> tuple[Nuclei, list[int]]:
    """`molecule` with its centres in reverse order, and where each new centre was before."""
    order = list(range(len(molecule.symbols)))[::-1]
    if isinstance(molecule, Crystal):
        symbols, positions = molecule.symbols[::-1], molecule.positions[::-1]
        return replace(molecule, symbols=symbols, positions=positions), order
    fragments = tuple(replace(f, atoms=tuple(sorted(order.index(i) for i in f.atoms))) for f in molecule.fragments)
    turned = replace(
        molecule,
        symbols=tuple(molecule.symbols[i] for i in order),
        positions=tuple(molecule.positions[i] for i in order),
        ghosts=tuple(molecule.ghosts[i] for i in order),
        fragments=fragments,
    )
    return turned, order


def ionized(system: Nuclei) -> Nuclei | None:
    """One electron fewer, in the lowest multiplicity; None when there is no electron to take."""
    if system.n_electrons < 2:
        return None
    multiplicity = 1 if system.n_electrons % 2 else 2
    return _state(system, charge=system.charge + 1, multiplicity=multiplicity, name="cation")


def excited(system: Nuclei) -> Nuclei | None:
    """The next higher multiplicity; None when there are not electrons enough."""
    if system.n_electrons < system.multiplicity + 1:
        return None
    return _state(system, multiplicity=system.multiplicity + 2, name="higher multiplicity")


def _state(system: Nuclei, **fields: Any) -> Nuclei:
    # Fragments have charges and multiplicities of their own, which would not add up any more.
    return replace(system, fragments=(), **fields) if isinstance(system, Molecule) else replace(system, **fields)


def with_ghost(symbol: str) -> tuple[Molecule, Molecule]:
    """The atom `symbol` alone, and the same atom with the basis functions of a hydrogen 2.5 bohr away."""
    multiplicity = {"He": 1, "Ne": 1, "Be": 1, "H": 2, "Li": 2}[symbol]
    bare = Molecule((symbol,), ((0.0, 0.0, 0.0),), 0, multiplicity, name=symbol)
    both = Molecule(
        (symbol, "H"),
        ((0.0, 0.0, 0.0), (0.3, -0.4, 2.45)),
        0,
        multiplicity,
        ghosts=(False, True),
        name=f"{symbol} and a ghost",
    )
    return bare, both


def ghosted(molecule: Molecule) -> Molecule:
    """`molecule` with the basis functions of a hydrogen 4 bohr from its centre."""
    x, y, z = molecule.coordinates.mean(axis=0)
    return replace(
        molecule,
        symbols=(*molecule.symbols, "H"),
        positions=(*molecule.positions, (x + 1.6, y - 2.3, z + 2.9)),
        ghosts=(*molecule.ghosts, True),
        fragments=(),
        name=f"{molecule.name} and a ghost",
    )


def bonded(systems: Iterable[System]) -> Iterator[Molecule]:
    """Molecules near their equilibrium geometry: hydrogen, examples of the method that are bound, water."""
    yield Molecule(("H", "H"), ((0.1, 0.2, -0.3), (0.94, 1.04, 0.45)), 0, 1, name="hydrogen molecule")
    for system in systems:
        if isinstance(system, Molecule) and not any(system.ghosts) and _is_bonded(system):
            yield system
    yield Molecule(("O", "H", "H"), _WATER, 0, 1, name="water")


def _is_bonded(molecule: Molecule) -> bool:
    """Whether each distance to the nearest atom is a single or multiple bond's (radii of Cordero 2008, bohr)."""
    radii = {"H": 0.59, "C": 1.44, "N": 1.34, "O": 1.25, "F": 1.08}
    if molecule.n_parts < 2 or not set(molecule.symbols) <= set(radii):
        return False
    r = np.array([radii[symbol] for symbol in molecule.symbols])
    x = molecule.coordinates
    ratio = np.linalg.norm(x[:, None] - x[None, :], axis=-1) / (r[:, None] + r[None, :])
    nearest = (ratio + 1e9 * np.eye(len(r))).min(axis=1)
    return bool((nearest > 0.7).all() and (nearest < 1.25).all())


def ghost_atoms(systems: Iterable[System]) -> list[str]:
    """Atoms to try with a ghost: those of the examples that the kit knows, then the light closed shells."""
    own = [s.symbols[0] for s in systems if isinstance(s, Molecule) and len(s.symbols) == 1]
    return list(dict.fromkeys([s for s in own if s in ("He", "Ne", "Be", "H", "Li")] + ["He", "H", "Ne"]))


def lattice_variants(lattice: LatticeModel) -> Iterator[tuple[str, LatticeModel]]:
    """(field, the same lattice with that field changed) for every field that changes the physics."""
    n = lattice.n_sites
    yield "u", replace(lattice, u=2.0 * lattice.u + 1.0)
    yield "t", replace(lattice, t=1.5 * lattice.t)
    yield "onsite", replace(lattice, onsite=tuple(0.4 * (-1.0) ** i + 0.1 * i for i in range(n)))
    if lattice.electrons >= 2:
        yield "electrons", replace(lattice, electrons=lattice.electrons - 2, multiplicity=1 + lattice.electrons % 2)
    if lattice.electrons >= lattice.multiplicity + 1 and lattice.multiplicity + 1 <= 2 * n - lattice.electrons:
        yield "multiplicity", replace(lattice, multiplicity=lattice.multiplicity + 2)
    if "periodic" in lattice.boundary:
        yield "boundary", replace(lattice, boundary=tuple("open" for _ in lattice.boundary))
        yield "twist", replace(lattice, twist=tuple(0.13 for _ in lattice.lattice))


def other_values(options: Options, name: str) -> list[Any]:
    """Values of option `name` other than the present one, the author's own (`Field(examples=[…])`) first.

    Only values that the option's own checks accept are given.
    """
    info = type(options).model_fields[name]
    present = getattr(options, name)
    candidates = [*(info.examples or []), *_choices(info.annotation), *_guesses(present, info.annotation, name)]
    found: list[Any] = []
    for candidate in candidates:
        try:
            value = getattr(type(options).model_validate({**options.model_dump(), name: candidate}), name)
        except pydantic.ValidationError:
            continue
        if value != present and value not in found:
            found.append(value)
    return found


def _choices(annotation: Any) -> list[Any]:
    """The choices of a Literal or an enumeration, also inside a union."""
    found: list[Any] = []
    for argument in get_args(annotation):
        if get_args(argument):
            found += _choices(argument)
        elif not isinstance(argument, type):
            found.append(argument)
    return found + (list(annotation) if hasattr(annotation, "__members__") else [])


def _guesses(present: Any, annotation: Any, name: str) -> list[Any]:
    if name == "basis":
        return ["6-31g", "3-21g", "def2-svp", "cc-pvdz"]
    if is_limit(name):
        return [1, 2]
    kinds = set(get_args(annotation) or (annotation,))
    if isinstance(present, bool) or bool in kinds:
        return [not present]
    if isinstance(present, int) or (present is None and int in kinds):
        return [(present or 0) + step for step in (1, 2, -1)] + [2 * (present or 1), 0]
    if isinstance(present, float) or (present is None and float in kinds):
        return [(present or 1.0) * scale for scale in (1e4, 1e2, 2.0, 0.5, 1e-2)] + [0.1]
    return []


def is_limit(name: str) -> bool:
    """Whether an option limits the iterations of a method, by its name (`max_cycles`, `max_blocks` …)."""
    return name.startswith("max_") and any(word in name for word in ("cycle", "iter", "sweep", "macro", "block"))
