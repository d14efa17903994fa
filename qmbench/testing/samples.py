"""What the kit computes where a plugin states nothing: samples of its kinds of system, other values of an option."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pydantic

from qmbench.domain.method import Method, Options
from qmbench.domain.systems import Molecule, System


def kit_systems(method: type[Method]) -> list[System]:
    """The samples of the kinds that `method` declares, the most telling first."""
    return [system for kind in method.systems for system in kind.samples()]


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
    """Molecules near their equilibrium geometry: hydrogen, bound examples of the method, the kit's own."""
    yield Molecule(("H", "H"), ((0.1, 0.2, -0.3), (0.94, 1.04, 0.45)), 0, 1, name="hydrogen molecule")
    for system in systems:
        if isinstance(system, Molecule) and not any(system.ghosts) and _is_bonded(system):
            yield system
    yield from (m for m in Molecule.samples() if isinstance(m, Molecule) and _is_bonded(m))


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
            value = getattr(type(options).model_validate({**options.given(), name: candidate}), name)
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
