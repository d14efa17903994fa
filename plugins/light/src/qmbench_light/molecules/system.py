"""The kind of system: a molecule, and modes of the field that it is coupled to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from qmbench import (
    Change,
    FieldError,
    InputError,
    KindCheck,
    Molecule,
    Property,
    Quantity,
    System,
    did_you_mean,
    read_system,
    units,
)
from qmbench import fields as checked
from qmbench_light.molecules.mode import Mode
from qmbench_light.molecules.picture import cavity_picture

LARGEST_USUAL_COUPLING = 0.3
LARGEST_USUAL_FREQUENCY = 1.5
_MODE_KEYS = ("frequency", "coupling")


@dataclass(frozen=True)
class MoleculeInCavity(System):
    """A molecule and the modes of a cavity, coupled by dipole in the length gauge; energies in hartree.

    H = H_e + Σ_α [ω_α b†b − √(ω_α/2) (λ_α·μ)(b + b†) + (λ_α·μ)²/2], the field's zero-point energy left out. The nuclei
    stand still; μ has their part. InputError for a mode without frequency, no mode, or a molecule without electrons.
    """

    molecule: Molecule
    modes: tuple[Mode, ...]
    name: str = field(default="", compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
    kind: ClassVar[str] = "molecule_in_cavity"
    parts: ClassVar[str] = "atoms"

    def __post_init__(self) -> None:
        what = self.name or self.kind
        if not isinstance(self.molecule, Molecule):
            raise FieldError(f"{what}: molecule must be a molecule, not a {type(self.molecule).__name__}", "molecule")
        if self.molecule.n_electrons == 0:
            raise FieldError(f"{what}: {self.molecule.formula} has no electrons", "molecule")
        modes = tuple(_mode(mode, number, what) for number, mode in enumerate(_list(self.modes, what), start=1))
        if not modes:
            raise FieldError(f"{what}: a cavity has one mode or more: write [[modes]]", "modes")
        object.__setattr__(self, "modes", modes)
        # Fragments are no part of what is computed here.
        object.__setattr__(self, "molecule", replace(self.molecule, fragments=(), notes=()))

    # --- what it is made from -----------------------------------------------------------------------------------------

    @classmethod
    def from_table(cls, table: Mapping[str, Any], where: str, name: str, lines: Mapping[str, int]) -> Self:
        """molecule: an XYZ file, by its path from the folder of the table. modes: tables of frequency and coupling."""

        def wrong(key: str, message: str) -> InputError:
            return InputError(f"{where}{f', line {lines[key]}' if key in lines else ''}: {message}")

        for key in table:
            if key not in ("molecule", "modes"):
                raise wrong(key, f"unknown key '{key}'{did_you_mean(key, ('molecule', 'modes'))}")
        missing = [key for key in ("molecule", "modes") if key not in table]
        if missing:
            raise InputError(f"{where}: missing {', '.join(missing)}")
        file = table["molecule"]
        if not isinstance(file, str):
            raise wrong("molecule", f'molecule is the name of a file, such as "water.xyz", not {file!r}')
        try:
            molecule = read_system(_beside(where, file))
        except InputError as error:
            raise wrong("molecule", str(error)) from None
        if not isinstance(molecule, Molecule):
            raise wrong("molecule", f"{file} is a {molecule.kind}, not a molecule")
        try:
            return cls(molecule, table["modes"], name=name, notes=tuple(molecule.notes))
        except FieldError as error:
            text = str(error).removeprefix(f"{name}: ")
            # Lines are those of the first mode; a later one is named by its number.
            known = error.field in lines and not re.match(r"mode [2-9]|mode \d\d", text)
            raise wrong(error.field if known else "", text) from None

    def to_json(self) -> dict[str, Any]:
        molecule = {key: value for key, value in self.molecule.to_json().items() if key not in ("name", "notes")}
        return {
            "kind": self.kind,
            "name": self.name,
            "molecule": molecule,
            "modes": [mode.to_json() for mode in self.modes],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        molecule = Molecule.from_json({"name": "", **data["molecule"]})
        return cls(molecule, data["modes"], name=data.get("name", ""))

    # --- what is asked of it ------------------------------------------------------------------------------------------

    @property
    def charge(self) -> int:
        return self.molecule.charge

    @property
    def multiplicity(self) -> int:
        return self.molecule.multiplicity

    @property
    def n_electrons(self) -> int:
        return self.molecule.n_electrons

    @property
    def zero_point(self) -> float:
        """½ Σ ω, hartree: what `energy` leaves out."""
        return 0.5 * sum(mode.frequency for mode in self.modes)

    @property
    def n_parts(self) -> int:
        return self.molecule.n_parts

    @property
    def part_labels(self) -> Sequence[str]:
        return self.molecule.part_labels

    @property
    def part_positions(self) -> np.ndarray | None:
        return self.molecule.part_positions

    @property
    def composition(self) -> Mapping[str, float]:
        return self.molecule.composition

    def oddities(self) -> Iterable[str]:
        yield from self.molecule.oddities()
        ev = units.factor("hartree", "eV")
        for number, mode in enumerate(self.modes, start=1):
            if mode.frequency > LARGEST_USUAL_FREQUENCY:
                yield (
                    f"mode {number} has a frequency of {mode.frequency:g} hartree, {mode.frequency * ev:.3g} eV; "
                    "frequencies are in hartree"
                )
            if mode.strength > LARGEST_USUAL_COUPLING:
                yield (
                    f"mode {number} has a coupling |λ| of {mode.strength:g} a.u., a cavity of "
                    f"{4 * math.pi / mode.strength**2:.3g} bohr3; λ is usually below {LARGEST_USUAL_COUPLING:g}"
                )
            if mode.strength == 0.0:
                yield f"mode {number} is not coupled: its λ is zero"

    def describe(self) -> str:
        modes = [
            f"ω {mode.frequency:.6g} hartree, λ ({', '.join(f'{x:g}' for x in mode.coupling)})" for mode in self.modes
        ]
        count = "one mode" if len(modes) == 1 else f"{len(modes)} modes"
        return f"{self.molecule.describe()}; cavity of {count}: {'; '.join(modes)}"

    def figure(self) -> str | None:
        return cavity_picture(self.molecule.figure(), self.modes)

    # --- for the conformance kit --------------------------------------------------------------------------------------

    @classmethod
    def samples(cls) -> Sequence[System]:
        ion = Molecule(("He", "H"), ((0.2, 0.1, 0.0), (0.5, -0.2, 1.4)), 1, 1)
        hydride = Molecule(("Li", "H"), ((0.0, 0.0, 0.0), (0.3, 0.2, 2.8)), 0, 1)
        hydrogen = Molecule(("H", "H"), ((0.1, 0.0, 0.0), (0.3, 0.2, 1.4)), 0, 1)
        water = Molecule(("O", "H", "H"), ((0.1, 0.0, 0.12), (0.3, 1.43, -0.97), (-0.2, -1.43, -0.99)), 0, 1)
        two = (Mode(0.9, (0.01, 0.0, 0.08)), Mode(1.0, (0.03, 0.02, 0.06)))
        return [
            cls(ion, (Mode(0.9, (0.02, 0.04, 0.06)),), name="HeH+ in a cavity"),
            cls(hydrogen, two, name="H2 in a cavity of two modes"),
            cls(hydride, (Mode(0.12, (0.02, 0.01, 0.05)),), name="LiH in a cavity"),
            cls(water, (Mode(0.3, (0.03, 0.05, 0.02)),), name="water in a cavity"),
        ]

    def variants(self) -> Iterator[tuple[str, System]]:
        # No frequency: the energy of QED-HF does not depend on it, and that is no fault.
        first, rest = self.modes[0], self.modes[1:]
        coupling = tuple(2 * x + 0.01 for x in first.coupling)
        yield "coupling", replace(self, modes=(Mode(first.frequency, coupling), *rest))  # type: ignore[arg-type]
        yield "modes", replace(self, modes=(*self.modes, Mode(1.3 * first.frequency, (0.05, 0.0, -0.03))))
        molecule = self.molecule
        if molecule.n_electrons > 1:
            odd = molecule.n_electrons % 2
            yield "charge", replace(self, molecule=molecule.in_state(molecule.charge + 1, 1 if odd else 2, ""))
        if molecule.n_electrons > molecule.multiplicity:
            higher = molecule.in_state(molecule.charge, molecule.multiplicity + 2, "")
            yield "multiplicity", replace(self, molecule=higher)

    @classmethod
    def checks(cls) -> Mapping[str, KindCheck]:
        kind = cls.kind
        return {
            **super().checks(),
            f"{kind}_moved": KindCheck(
                "Shifting the molecule changes nothing but an ion's dipole moment; no place in a cavity is another.",
                lambda system: [Change("shifted", system.moved(shift=_SHIFT), expected=_shifted(system.charge))],
                everywhere=True,
            ),
            f"{kind}_turned": KindCheck(
                "Turning the molecule and the polarizations together turns vectors and changes nothing else.",
                lambda system: [Change("turned", system.moved(rotation=_TURN), expected=_turned)],
            ),
            f"{kind}_reversed": KindCheck(
                "The sign of a coupling is the phase of a mode, and changes nothing.",
                lambda system: [Change("reversed", system.reversed(), expected=lambda prop, quantity: quantity)],
            ),
        }

    def moved(self, rotation: np.ndarray | None = None, shift: np.ndarray | None = None) -> MoleculeInCavity:
        """The molecule turned about the origin by `rotation` (3, 3), the couplings too, then shifted (bohr)."""
        modes = self.modes
        if rotation is not None:
            modes = tuple(replace(m, coupling=tuple(rotation @ np.array(m.coupling))) for m in modes)
        return replace(self, molecule=self.molecule.moved(rotation, shift), modes=modes)

    def reversed(self) -> MoleculeInCavity:
        """The same with the sign of the first coupling changed."""
        first = self.modes[0]
        turned = Mode(first.frequency, tuple(-x for x in first.coupling))  # type: ignore[arg-type]
        return replace(self, modes=(turned, *self.modes[1:]))


_SHIFT = np.array([0.7, -1.3, 2.1])
# A quarter turn about (1, 1, 1)/√3 and a mirror-free permutation would leave too much alike; these are two turns.
_A, _B = 0.9, 0.4
_TURN = np.array([[math.cos(_A), -math.sin(_A), 0], [math.sin(_A), math.cos(_A), 0], [0, 0, 1]]) @ np.array(
    [[1, 0, 0], [0, math.cos(_B), -math.sin(_B)], [0, math.sin(_B), math.cos(_B)]]
)


def _shifted(charge: int) -> Any:
    def expected(prop: Property, quantity: Quantity) -> Quantity | None:
        if prop.origin == "dependent":
            return None
        if prop.origin == "free":
            return quantity
        return Quantity(np.asarray(quantity.value) + charge * _SHIFT, quantity.unit)

    return expected


def _turned(prop: Property, quantity: Quantity) -> Quantity:
    value: Any = quantity.value
    for position, axis in enumerate(prop.axes):
        if axis == 3:
            value = np.moveaxis(np.tensordot(_TURN, np.asarray(value), axes=(1, position)), 0, position)
    return Quantity(value, quantity.unit)


def _list(value: Any, what: str) -> list[Any]:
    if isinstance(value, Mapping | str) or not hasattr(value, "__iter__"):
        raise FieldError(f"{what}: modes are tables, each under [[modes]], not {str(value)[:40]!r}", "modes")
    return list(value)


def _mode(given: Any, number: int, what: str) -> Mode:
    """A mode from a table, or from a `Mode`; FieldError that names what is wrong."""
    if isinstance(given, Mode):
        given = {"frequency": given.frequency, "coupling": given.coupling}
    here = f"{what}: mode {number}"
    if not isinstance(given, Mapping):
        raise FieldError(f"{here} must have frequency and coupling, not be {str(given)[:40]!r}", "modes")
    for key in given:
        if key not in _MODE_KEYS:
            raise FieldError(f"{here}: unknown key '{key}'{did_you_mean(key, _MODE_KEYS)}", key)
    missing = [key for key in _MODE_KEYS if key not in given]
    if missing:
        raise FieldError(f"{here}: missing {', '.join(missing)}", "modes")
    frequency = checked.number(given["frequency"], "frequency", here)
    coupling = checked.numbers(given["coupling"], "coupling", here)
    if not 0 < frequency < math.inf:
        raise FieldError(f"{here}: frequency must be positive (hartree), not {frequency:g}", "frequency")
    if len(coupling) != 3:
        raise FieldError(f"{here}: coupling has three components, x, y and z, not {len(coupling)}", "coupling")
    if not all(map(math.isfinite, coupling)):
        raise FieldError(f"{here}: coupling must be finite, not {list(coupling)}", "coupling")
    return Mode(frequency, coupling)


def _beside(where: str, file: str) -> Path:
    """`file` from the folder of the table that `where` names: a TOML file, or `FILE [TABLE]`."""
    return Path(re.sub(r" \[[^\[\]]*\]$", "", where)).parent / file
