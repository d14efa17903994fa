"""Levels of theory that an ASE calculator computes."""

from __future__ import annotations

import contextlib
import json
from functools import lru_cache
from typing import Any, ClassVar

from qmbench import (
    Crystal,
    InputError,
    Method,
    Molecule,
    NotConverged,
    Options,
    QmbenchError,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
    did_you_mean,
)
from qmbench_ase.options import CalculatorOptions, EmtOptions, LennardJonesOptions
from qmbench_ase.probe import Calculator, calculator

ASE = "10.1088/1361-648X/aa680e"
GIVEN = {
    "energy": "energy",
    "forces": "forces",
    "stress": "stress",
    "dipole": "dipole",
    "charges": "calculator_charges",
}
"""ASE's name of a property -> ours."""

CHARGE_KEYWORDS = ("charge", "total_charge")
MULTIPLICITY_KEYWORDS = ("multiplicity", "spin_multiplicity")


class AseMethod(Method[Molecule | Crystal]):
    """Base of all. Lengths and energies are converted by ASE's own factors (CODATA 2014).

    A program behind a calculator converts them back by the same factors, and so gets the very numbers that were asked.
    """

    systems: ClassVar[tuple[type[System], ...]] = (Molecule, Crystal)
    distributions: ClassVar[tuple[str, ...]] = ("ase",)
    citations: ClassVar[tuple[str, ...]] = (ASE,)
    energy_zero = "arbitrary"
    options: Any

    def make(self, keywords: dict[str, Any]) -> Any:
        """The calculator, told `keywords` beside those of the level."""
        raise NotImplementedError

    def ways(self) -> tuple[str | None, str | None]:
        """How the calculator is told charge and multiplicity (`CalculatorOptions.charge_as`); None: not at all."""
        return None, None

    def doubts(self, system: Molecule | Crystal) -> list[str]:
        """What may be wrong with its numbers of `system`, for the warnings of a record."""
        return []

    def check_system(self, system: Molecule | Crystal, properties: frozenset[str]) -> None:
        name = system.name or system.formula
        if any(getattr(system, "ghosts", ())):
            raise Unsupported(f"{self.name} takes no ghost atoms")
        charge, multiplicity = self.ways()
        if charge is None and system.charge:
            raise Unsupported(
                f"{self.name} is not told the charge, so {name} with charge {system.charge} is refused; where the "
                "calculator takes one, say how by charge_as"
            )
        if multiplicity is None and system.multiplicity > 1 + system.n_electrons % 2:
            raise Unsupported(
                f"{self.name} is not told the multiplicity, so {name} with {system.multiplicity} is refused; where the "
                "calculator takes one, say how by multiplicity_as"
            )
        if "stress" in properties and not isinstance(system, Crystal):
            raise Unsupported(f"{self.name}: only a crystal has a stress, and {name} is none")
        if "dipole" in properties and system.charge:
            raise Unsupported(f"{self.name}: ASE does not say about which point the dipole of an ion is taken")
        if "dipole" in properties and isinstance(system, Crystal):
            raise Unsupported(f"{self.name}: a crystal has no dipole moment of its own")

    def compute(self, system: Molecule | Crystal, properties: frozenset[str], resources: Resources) -> Result:
        import numpy as np
        from ase import Atoms
        from ase.units import Bohr, Hartree

        keywords, info = self._told(system)
        periodic = isinstance(system, Crystal)
        atoms = Atoms(
            symbols=list(system.symbols),
            positions=system.coordinates * Bohr,
            cell=system.lattice_vectors * Bohr if isinstance(system, Crystal) else None,
            pbc=periodic,
            info=info,
        )
        size = {
            "energy": Hartree,
            "forces": Hartree / Bohr,
            "stress": Hartree / Bohr**3,
            "dipole": Bohr,
            "charges": 1.0,
        }
        units = {"energy": "hartree", "forces": "hartree/bohr", "stress": "hartree/bohr3", "dipole": "e bohr"}
        found = {}
        with self._honest(system), contextlib.chdir(resources.scratch):
            calculator = self.make(keywords)
            for theirs in (name for name, ours in GIVEN.items() if ours in properties):
                value = calculator.get_property(theirs, atoms)
                if value is None:
                    raise QmbenchError(f"{self.name} gives no {theirs} for {system.name or system.formula}")
                numbers = np.array(value, dtype=float) / size[theirs]
                if theirs == "stress" and numbers.shape == (6,):  # xx, yy, zz, yz, xz, xy
                    numbers = numbers[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]]
                found[GIVEN[theirs]] = Quantity(
                    float(numbers) if theirs == "energy" else numbers, units.get(theirs, "e")
                )
        name = f"{type(calculator).__module__}.{type(calculator).__qualname__}"
        return Result(found, {"calculator": name}, self.doubts(system))

    def _told(self, system: Molecule | Crystal) -> tuple[dict[str, Any], dict[str, Any]]:
        """(keywords, entries of Atoms.info) by which the calculator is told charge and multiplicity."""
        told: dict[str, dict[str, Any]] = {"keyword": {}, "info": {}}
        for way, value in zip(self.ways(), (system.charge, system.multiplicity), strict=True):
            if way and way != "ignored":
                kind, _, name = way.partition(":")
                told[kind.removeprefix("unpaired-")][name] = value - 1 if kind.startswith("unpaired-") else value
        return told["keyword"], told["info"]

    @contextlib.contextmanager
    def _honest(self, system: System) -> Any:
        """Whatever a calculator raises, in one line, and as what it is."""
        from ase.calculators import calculator as ase

        try:
            yield
        except (QmbenchError, MemoryError):
            raise
        except SystemExit as error:
            raise QmbenchError(f"{self.name}: the calculator tries to end the process ({error})") from None
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())[:500]
            name = getattr(system, "name", "") or getattr(system, "formula", "")
            if isinstance(error, ase.SCFError) or "not converge" in said.lower():
                raise NotConverged(f"{self.name} of {name}: {said}") from None
            if isinstance(error, ase.PropertyNotImplementedError):
                raise Unsupported(f"{self.name} of {name}: {said}") from None
            if isinstance(error, ase.InputError | ase.CalculatorSetupError):
                raise InputError(f"{self.name} of {name}: {said}") from None
            raise QmbenchError(f"{self.name} of {name}: {said}") from None

    def families(self) -> dict[str, str]:
        return {"program": f"ase:{self.name.removeprefix('ase:')}"}


class EffectiveMedium(AseMethod):
    """Effective medium theory for Ni, Cu, Pd, Ag, Pt, Au, Al, and roughly H, C, N, O. DOI 10.1016/0039-6028(96)00816-3

    Jacobsen, Stoltze and Nørskov, Surf. Sci. 366, 394 (1996), as ASE has it. Energies in hartree, from the zero of the
    metal in its crystal.
    """

    name = "ase:emt"
    properties = frozenset({"energy", "forces", "stress"})
    Options: ClassVar[type[Options]] = EmtOptions
    citations = ("10.1016/0039-6028(96)00816-3", ASE)
    elements: ClassVar[tuple[str, ...]] = ("H", "C", "N", "O", "Al", "Ni", "Cu", "Pd", "Ag", "Pt", "Au")

    def check_system(self, system: Molecule | Crystal, properties: frozenset[str]) -> None:
        missing = sorted(set(system.symbols) - {*self.elements, "X"})
        if missing:
            raise Unsupported(f"{self.name} is not parametrized for {', '.join(missing)}")
        super().check_system(system, properties)

    def doubts(self, system: Molecule | Crystal) -> list[str]:
        rough = [symbol for symbol in ("H", "C", "N", "O") if symbol in system.symbols]
        if not rough:
            return []
        return [f"{self.name} has parameters of {', '.join(rough)} for trying things out, not for numbers to be used"]

    def make(self, keywords: dict[str, Any]) -> Any:
        from ase.calculators.emt import EMT

        return EMT(asap_cutoff=self.options.asap_cutoff)

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        copper = tuple(((3.4 * i, 3.4 * j, 0.1 * i * j)) for i in (0, 1) for j in (0, 1))
        a = 6.82
        cell = ((a, 0.1, 0.0), (0.0, a, 0.2), (0.3, 0.0, a))
        fcc = ((0.1, 0.0, 0.0), (a / 2, a / 2, 0.0), (a / 2, 0.0, a / 2), (0.2, a / 2, a / 2))
        return (
            Molecule(("Cu", "Cu", "Au", "H"), tuple((4.4 / 3.4 * x, 4.4 / 3.4 * y, z) for x, y, z in copper), 0, 1),
            Crystal(("Cu", "Cu", "Cu", "Ag"), fcc, cell, 0, 1),
        )


class LennardJones(AseMethod):
    """The Lennard-Jones potential, the same between all atoms: 4ε((σ/r)¹² − (σ/r)⁶). DOI 10.1098/rspa.1924.0082

    As ASE has it, with a cutoff. Options in Å and eV, as in all of ASE; results in hartree and bohr.
    """

    name = "ase:lj"
    properties = frozenset({"energy", "forces", "stress"})
    Options: ClassVar[type[Options]] = LennardJonesOptions
    citations = ("10.1098/rspa.1924.0082", ASE)
    examples = ("ase:lj", "ase:lj?smooth=true", "ase:lj?rc=4.5")

    def make(self, keywords: dict[str, Any]) -> Any:
        from ase.calculators.lj import LennardJones

        given = self.options.model_dump()
        return LennardJones(**{name: value for name, value in given.items() if value is not None})

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        cell = ((4.2, 0.1, 0.0), (0.0, 4.4, 0.2), (0.3, 0.0, 4.6))
        return (
            Molecule(
                ("Ar", "Ar", "Ne"), ((0.0, 0.1, 0.0), (2.0, 0.3, 0.1), (0.4, 2.2, 0.7)), 0, 1, name="argon and neon"
            ),
            Crystal(("Ar", "Ne"), ((0.1, 0.0, 0.0), (2.0, 2.1, 2.3)), cell, 0, 1, name="argon and neon"),
        )


class AnyCalculator(AseMethod):
    """Base of the calculators that are named by module and class."""

    Options: ClassVar[type[Options]] = CalculatorOptions
    path: ClassVar[str]
    told: ClassVar[Calculator]

    def ways(self) -> tuple[str | None, str | None]:
        known = self.told.takes
        charge = next((f"keyword:{word}" for word in CHARGE_KEYWORDS if word in known), None)
        spin = next((f"keyword:{word}" for word in MULTIPLICITY_KEYWORDS if word in known), None)
        return self.options.charge_as or charge, self.options.multiplicity_as or spin

    def check_system(self, system: Molecule | Crystal, properties: frozenset[str]) -> None:
        for option, words in (("charge_as", CHARGE_KEYWORDS), ("multiplicity_as", MULTIPLICITY_KEYWORDS)):
            known = [word for word in words if word in self.told.takes]
            # Nobody sees whether a calculator reads Atoms.info; one that has the keyword would compute the neutral.
            if known and "info:" in (getattr(self.options, option) or ""):
                raise InputError(f"{self.name} takes the keyword {known[0]}: leave out {option}")
        ours = {way.partition(":")[2] for way in self.ways() if way and "keyword:" in way}
        for name in self.options.keywords:
            if name in ours:
                raise InputError(f"{self.name}: leave out {name}; it is the system's")
            near = did_you_mean(name, sorted(self.told.takes))
            if name not in self.told.takes and (not self.told.anything or "did you mean" in near):
                raise InputError(f"{self.name} has no keyword '{name}'{near}")
        super().check_system(system, properties)

    def doubts(self, system: Molecule | Crystal) -> list[str]:
        strange = [name for name in self.options.keywords if self.told.takes and name not in self.told.takes]
        return [f"{self.name} lists no keyword {', '.join(strange)}; it may be ignored"] if strange else []

    def make(self, keywords: dict[str, Any]) -> Any:
        given = {**self.options.keywords, **keywords}
        if self.options.reuse:
            return _kept(self.path, json.dumps(given, sort_keys=True))
        return _made(self.path, given)


def _made(path: str, keywords: dict[str, Any]) -> Any:
    from importlib import import_module

    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**keywords)


@lru_cache(maxsize=2)
def _kept(path: str, keywords: str) -> Any:
    return _made(path, json.loads(keywords))


@lru_cache(maxsize=256)
def calculator_method(path: str) -> type[Method]:
    """The method of a calculator `MODULE.CLASS`; InputError where there is none, or it has no property of ours."""
    for listed in (EffectiveMedium, LennardJones):
        if listed.name == f"ase:{path.lower()}":
            return listed
    told = calculator(path)
    properties = frozenset(ours for theirs, ours in GIVEN.items() if theirs in told.properties)
    if not properties:
        raise InputError(f"ase:{path} does not say that it gives any of {', '.join(GIVEN)}")
    what = " ".join(told.what.split()) or "A calculator of the Atomic Simulation Environment"
    attributes = {
        "__doc__": f"{what.rstrip('.')} (ASE calculator {path}). DOI {ASE}\n\n    Units: hartree and bohr outside, "
        "eV and Å in its keywords.",
        "__module__": __name__,
        "name": f"ase:{path}",
        "properties": properties,
        "distributions": tuple(dict.fromkeys(("ase", *told.distributions))),
        "path": path,
        "told": told,
    }
    # A name that the module does not define, so that what it is made of (the hash in `told`) counts in a key.
    return type(f"Calculator_{path.replace('.', '_')}", (AnyCalculator,), attributes)
