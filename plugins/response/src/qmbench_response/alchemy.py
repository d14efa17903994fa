"""A target from a start with the same electrons: energies, and their derivatives by fields and by positions, from
derivatives of the start by nuclear charges.

E_target = Σ_k ∂ᵏE/∂λᵏ / k! + V_nn(target): von Lilienfeld, J. Chem. Phys. 131, 164102 (2009); to high orders:
Domenichini, von Rudorff and von Lilienfeld, J. Chem. Phys. 153, 144118 (2020). Dipoles, polarizabilities and forces
have the same series, of derivatives of E by λ and by a field, two of them, or positions: Lesiuk, Balawender and
Zachara, J. Chem. Phys. 136, 034104 (2012).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from qmbench import (
    ATOMIC_NUMBERS,
    InputError,
    LevelOfTheory,
    Method,
    Molecule,
    Options,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
    parse_level,
)

# Of λ, from start to target. The stencil has three steps to each side, so that six derivatives come from it.
STEP = 0.1
SIDE = 3
UNITS = {"energy": "hartree", "dipole": "e bohr", "polarizability": "bohr3", "forces": "hartree/bohr"}


class AlchemyOptions(Options):
    """Where the expansion starts, how far it goes, and at which level of theory."""

    other_names: ClassVar[Mapping[str, str]] = {"from": "start"}

    start: str = Field(
        description="formula of the molecule that is computed, its elements in the order of the target's atoms (N2 for "
        "CO); its charge follows, since the electrons are the target's",
        examples=["Be"],
    )
    level: str = Field(
        description="level of theory of the start, such as hf/def2-tzvp; %26 stands for & in it",
        examples=["hf/sto-3g"],
    )
    order: int = Field(2, ge=1, le=4, description="highest derivative that is used")
    functions: Literal["start", "union"] = Field(
        "start", description="basis functions on each atom: those of the start's element, or of the target's as well"
    )

    @field_validator("start")
    @classmethod
    def _formula(cls, value: str) -> str:
        return capitalized(value)

    @field_validator("level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.lower().startswith("alchemy"):
            raise ValueError("an alchemy of an alchemy is none: name the level of the start")
        return value


def elements(formula: str) -> tuple[str, ...]:
    """The symbols of a formula from left to right, `C2H` as C, C, H. ValueError."""
    if not re.fullmatch(r"([A-Z][a-z]?([1-9][0-9]*)?)+", formula):
        raise ValueError(f"'{formula}' is no formula such as N2 or CNB2H6")
    found: list[str] = []
    for symbol, count in re.findall(r"([A-Z][a-z]?)([0-9]*)", formula):
        if symbol not in ATOMIC_NUMBERS:
            raise ValueError(f"'{symbol}' in '{formula}' is no element")
        found += [symbol] * int(count or 1)
    return tuple(found)


def capitalized(formula: str) -> str:
    """A formula as it is written, `N2` for `n2`. ValueError where it is none, or capitals would have to tell which."""
    found = [formula]
    if re.fullmatch(r"([a-z]+([1-9][0-9]*)?)+", formula):
        found = [""]
        for letters, count in re.findall(r"([a-z]+)([0-9]*)", formula):
            found = [start + part + count for start in found for part in _readings(letters)]
    if len(found) > 1:
        raise ValueError(f"'{formula}' may be {' or '.join(found)}: write it with capitals")
    elements(found[0] if found else formula)
    return found[0]


def _readings(letters: str) -> list[str]:
    """The ways in which small letters are symbols of elements, one after the other."""
    if not letters:
        return [""]
    heads = [n for n in (1, 2) if len(letters) >= n and letters[:n].capitalize() in ATOMIC_NUMBERS]
    return [letters[:n].capitalize() + rest for n in heads for rest in _readings(letters[n:])]


class Alchemy(Method[Molecule]):
    """Quantum alchemy: the energy of a molecule from derivatives by nuclear charges of another with the same electrons.

    Von Lilienfeld, J. Chem. Phys. 131, 164102 (2009). Energies in hartree, at the positions of the target; dipoles,
    polarizabilities and forces as the start's level has them, by the same series. The uncertainty is the size of the
    next two terms of the series, an estimate, the same for all components.
    """

    name = "alchemy"
    systems: ClassVar[tuple[type[System], ...]] = (Molecule,)
    properties = frozenset(UNITS)
    Options: ClassVar[type[Options]] = AlchemyOptions
    distributions = ("pyscf", "qmbench-pyscf")
    citations = ("10.1063/1.3249969", "10.1063/5.0023590", "10.1063/1.3674163")
    examples = ("alchemy?start=Li&order=4&functions=union&level=hf/6-31g",)
    label_options = frozenset({"start", "order", "level"})
    options: AlchemyOptions

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if any(system.ghosts):
            raise Unsupported("alchemy takes no ghost atoms: nobody has said whether their functions are the start's")
        inner = self._inner()
        inner.check(self._start(system), properties | {"alchemical_gradient"})

    def _inner(self) -> Any:
        """The method of the start's level; Unsupported where its nuclei can't have other charges."""
        level = parse_level(self.options.level)
        inner: Any = level.make() if isinstance(level, LevelOfTheory) else None
        if "alchemical_gradient" not in getattr(inner, "properties", ()) or not hasattr(inner, "point"):
            raise Unsupported(
                f"alchemy: {self.options.level} has no alchemical_gradient; hf, functionals, mp2, ccsd, ccsd(t) and "
                "fci of qmbench-pyscf have it"
            )
        return inner

    def _start(self, target: Molecule) -> Molecule:
        """The molecule that is computed: other elements, the same positions, electrons and spin."""
        others = elements(self.options.start)
        if len(others) != target.n_parts:
            raise Unsupported(
                f"alchemy: {self.options.start} has {len(others)} atoms, {target.name or target.formula} "
                f"{target.n_parts}; they are transmuted one by one"
            )
        protons = sum(ATOMIC_NUMBERS[symbol] for symbol in others)
        charge = target.charge + protons - int(sum(target.atomic_numbers))
        return replace(target, symbols=others, charge=charge, fragments=(), name=f"{self.options.start} (start)")

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_pyscf import properties_with_charges

        start = self._start(system)
        change = (system.atomic_numbers - start.atomic_numbers).astype(float)
        union = system.symbols if self.options.functions == "union" else ()
        reach = SIDE if np.any(change) else 0
        steps = np.arange(-reach, reach + 1)
        charges = [tuple(map(float, n * STEP * change)) for n in steps]
        values, settings, warnings = properties_with_charges(
            self._inner(), start, charges, properties, resources, functions=union
        )
        order = self.options.order
        said: dict[str, Any] = {
            "start": dict(settings),
            "start_charge": start.charge,
            "stencil": f"{len(steps)} calculations, {STEP:g} of the way apart",
        }
        found: dict[str, Quantity] = {}
        for name, unit in UNITS.items():
            if name not in properties:
                continue
            terms = series(values[name])
            value = terms[: order + 1].sum(axis=0) + of_nuclei(name, system) - of_nuclei(name, start)
            # Of all components one: a single one's next terms may be small by chance.
            left = terms[order + 1 : order + 3].reshape(2, -1)
            error = np.full(value.shape, np.linalg.norm(left, axis=1).sum())
            found[name] = (
                Quantity(float(value), unit, float(error), "estimate")
                if value.ndim == 0
                else Quantity(value, unit, error, "estimate")
            )
            said["terms" if name == "energy" else f"{name}_terms"] = terms.tolist()
        return Result(found, said, warnings)

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        try:
            once = self._inner().estimate(self._counted(system), properties)
        except (InputError, Unsupported):
            return None
        return None if once is None else (2 * SIDE + 1) * once

    def _counted(self, target: Molecule) -> Molecule:
        """The start with ghosts for the functions of the target's elements, far away: for estimates of time alone."""
        start = self._start(target)
        if self.options.functions == "start":
            return start
        others = [n for n, symbol in enumerate(target.symbols) if symbol != start.symbols[n]]
        far = 2 * np.abs(start.coordinates).max() + 10.0
        return replace(
            start,
            symbols=(*start.symbols, *(target.symbols[n] for n in others)),
            positions=(*start.positions, *((far, far, far + 5.0 * n) for n in others)),
            ghosts=(*start.ghosts, *[True] * len(others)),
        )

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "start": self.options.start}

    def label(self) -> str:
        return f"alchemy({self.options.order}) of {self.options.start}, {self.options.level}"


def series(values: np.ndarray) -> np.ndarray:
    """(n, …) terms ∂ᵏ/∂λᵏ / k! of the polynomial through values (n, …) at λ = …, −STEP, 0, STEP, …; n is odd."""
    values = np.asarray(values)
    side = len(values) // 2
    nodes = np.arange(-side, side + 1)
    # The constant is taken out before, so that it rounds nothing off.
    middle = values[side]
    rows = (values - middle).reshape(len(nodes), -1)
    terms = np.linalg.solve(np.vander(nodes, increasing=True).astype(float), rows)
    terms = (terms / STEP ** np.arange(len(nodes))[:, None]).reshape(values.shape)
    terms[0] += middle
    return np.asarray(terms)


def of_nuclei(name: str, molecule: Molecule) -> np.ndarray:
    """What the nuclei alone add to a property, in its unit: repulsion, its forces (n, 3), and their dipole (3,)."""
    z, x = molecule.atomic_numbers.astype(float), molecule.coordinates
    if name == "dipole":
        return np.asarray(z @ x)
    if name == "polarizability":
        return np.zeros((3, 3))
    if name == "energy":
        return np.asarray(repulsion(molecule))
    apart = x[:, None] - x[None]
    distances = np.linalg.norm(apart, axis=-1) + np.diag(np.full(len(z), np.inf))
    return np.asarray(np.einsum("ij,ijk->ik", z[:, None] * z[None] / distances**3, apart))


def repulsion(molecule: Molecule) -> float:
    """Σ Z Z' / R of the nuclei, hartree."""
    z, x = molecule.atomic_numbers, molecule.coordinates
    i, j = np.triu_indices(len(z), 1)
    return float(np.sum(z[i] * z[j] / np.linalg.norm(x[i] - x[j], axis=1)))
