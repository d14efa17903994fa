"""Methods with one fault each; `FAULTS` says which check must find it, and how it must put it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field
from qmbench_pairs import PairPotential
from qmbench_toy import TightBinding

import qmbench

FAULTS: dict[str, tuple[str, str]] = {}
METHODS: list[type[qmbench.Method]] = []


def fault(check: str, message: str):
    """Register a sabotaged method: it gets its name and the toy's docstring unless it has its own."""

    def register(method):
        method.name = method.__name__.lower()
        if method.__doc__ is None:
            method.__doc__ = method.__mro__[1].__doc__
        FAULTS[method.name] = (check, message)
        METHODS.append(method)
        return method

    return register


def changed(result, **properties):
    """`result` with some properties replaced where they were asked for."""
    kept = {name: properties.get(name, quantity) for name, quantity in result.properties.items()}
    return replace(result, properties=kept)


def plus(quantity, amount):
    return replace(quantity, value=quantity.value + amount)


@fault("check_imports_no_program", r"check\(\) imports .*ase")
class ImportsInCheck(TightBinding):
    def check_system(self, system, properties):
        import ase  # noqa: F401

        super().check_system(system, properties)


@fault("docstring", "no docstring")
class Silent(TightBinding):
    __doc__ = ""


@fault("docstring", "unit of the result")
class Unitless(TightBinding):
    """Tight binding after Slater and Koster (1954)."""


@fault("docstring", "source")
class Sourceless(TightBinding):
    """Tight binding; total energy in hartree."""


@fault("options_documented", "option 'hidden' has no description")
class Undescribed(TightBinding):
    class Options(TightBinding.Options):
        hidden: int = 3


@fault("options_documented", "'basis' defaults to 'sto-3g'")
class DefaultBasis(TightBinding):
    class Options(TightBinding.Options):
        basis: str = "sto-3g"


@fault("options_alive", "option 'grid' is dead: 4, 5")
class DeadOption(TightBinding):
    class Options(TightBinding.Options):
        grid: int = Field(3, description="quadrature grid")


@fault("options_alive", "option 'grid' is dead")
class EchoedOption(DeadOption):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        return replace(result, settings={**result.settings, "grid": self.options.grid})


@fault("options_alive", r"give Field\(…, examples=\[…\]\)")
class UnguessableOption(TightBinding):
    class Options(TightBinding.Options):
        recipe: str = Field("plain", pattern="^(plain|rich)$", description="what no kit can guess")


@fault("canonical_string", "does not parse")
class UnparsableOption(TightBinding):
    class Options(TightBinding.Options):
        weights: dict[str, int] = Field({"s": 1}, description="weights", examples=[{"s": 2}])


@fault("canonical_string", "parses to another level")
class KeylessOption(TightBinding):
    class Options(TightBinding.Options):
        hopping: float = Field(0.2, description="strength of the hopping, hartree", exclude=True)


@fault("refuses_other_systems", r"check\(\) trips over cation \(KeyError: 1\); raise qmbench.Unsupported")
class TripsOverIons(TightBinding):
    def check_system(self, system, properties):
        {0: "neutral"}[system.charge]


@fault("properties_delivered", "property 'dipole' was asked for and is missing")
class LeavesOut(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        return replace(result, properties={k: v for k, v in result.properties.items() if k != "dipole"})


@fault("properties_delivered", "property 'dipole' was asked for and is missing from the result; it has nothing")
class NotAlone(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        if properties == {"dipole"}:
            return replace(result, properties={})
        return result


@fault("properties_delivered", "unknown property 'magic'; .*hook qmbench_properties")
class Unregistered(TightBinding):
    properties = TightBinding.properties | {"magic"}


@fault("properties_delivered", "declares c6, but delivers it for no example")
class NeverDelivers(TightBinding):
    properties = TightBinding.properties | {"c6"}

    def check_system(self, system, properties):
        super().check_system(system, properties)
        if "c6" in properties:
            raise qmbench.Unsupported("no c6 today")


@fault("properties_delivered", "compute returned dict")
class ReturnsDict(TightBinding):
    def compute(self, system, properties, resources):
        return dict(super().compute(system, properties, resources).properties)


@fault("units_and_shapes", "none of its examples computes")
class AlwaysFails(TightBinding):
    def compute(self, system, properties, resources):
        raise qmbench.NotConverged("never converges")


@fault("units_and_shapes", "must be in 'hartree', not 'eV'")
class WrongUnit(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        if system.kind == "lattice":
            return result
        return changed(result, energy=qmbench.Quantity(result.properties["energy"].value, "eV"))


@fault("units_and_shapes", "must have shape")
class WrongShape(TightBinding):
    def compute(self, system, properties, resources):
        return changed(super().compute(system, properties, resources), dipole=qmbench.Quantity(0.7, "e bohr"))


@fault("units_and_shapes", "is not finite")
class NotANumber(TightBinding):
    def compute(self, system, properties, resources):
        return changed(super().compute(system, properties, resources), energy=qmbench.Quantity(np.nan, "hartree"))


@fault("settings_are_json", "no JSON")
class ArraySettings(TightBinding):
    def compute(self, system, properties, resources):
        return replace(super().compute(system, properties, resources), settings={"s2": np.zeros(2)})


@fault("settings_are_json", "use strings as keys")
class NumberedSettings(TightBinding):
    def compute(self, system, properties, resources):
        return replace(super().compute(system, properties, resources), settings={"occupations": {1: 2.0}})


@fault("settings_are_json", "training_overlap is a field of qmbench.Result")
class MisplacedOverlap(TightBinding):
    def compute(self, system, properties, resources):
        overlap = {"molecule": "water", "distance": 0.1, "kind": "similar"}
        return replace(super().compute(system, properties, resources), settings={"training_overlap": overlap})


@fault("settings_are_json", "explanation is a field of qmbench.Result")
class MisplacedExplanation(TightBinding):
    def compute(self, system, properties, resources):
        table = {"columns": ["atom", "share"], "rows": [["O1", -0.2], ["H2"]], "note": "hartree"}
        return replace(super().compute(system, properties, resources), settings={"explanation": table})


@fault("settings_are_json", "a warning must be one line")
class TalkativeWarnings(TightBinding):
    def compute(self, system, properties, resources):
        return replace(super().compute(system, properties, resources), warnings=["one\ntwo"])


_runs = itertools.count(1)


@fault("reproducible", "two runs of one task differ")
class Drifts(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        return changed(result, energy=plus(result.properties["energy"], 1e-5 * next(_runs)))


@fault("reproducible", "no statistical uncertainty")
class StochasticInSilence(TightBinding):
    stochastic = True


@fault("reproducible", "more than four combined standard deviations")
class StochasticOverconfident(TightBinding):
    stochastic = True

    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        kept = {}
        for name, quantity in result.properties.items():
            value = quantity.value
            spread = {k: 1e-6 for k in value} if isinstance(value, dict) else 1e-6 * np.ones(np.shape(value))
            kept[name] = qmbench.Quantity(value, quantity.unit, spread, "statistical")
        kept["energy"] = plus(kept["energy"], 1e-3 * next(_runs))
        return replace(result, properties=kept)


@fault("reproducible", r"is_stochastic\(\) says that it has none")
class NoisyInSilence(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        energy = result.properties["energy"]
        return changed(result, energy=qmbench.Quantity(energy.value, energy.unit, 1e-6, "statistical"))


@fault("reproducible", "is stochastic, but energy has no statistical uncertainty")
class StochasticBySomeOptions(TightBinding):
    def is_stochastic(self):
        return True


@fault("resources_change_nothing", "differs between one core and two")
class CountsCores(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        return changed(result, energy=plus(result.properties["energy"], 1e-4 * resources.cores))


@fault("charge_used", "charge 1 instead of 0 gives the same")
class IgnoresCharge(TightBinding):
    def compute(self, system, properties, resources):
        if system.kind == "molecule" and system.charge:
            system = replace(system, charge=0, multiplicity=1 + sum(system.atomic_numbers) % 2)
        return super().compute(system, properties, resources)


@fault("multiplicity_used", "multiplicity 3 instead of 1 gives the same")
class IgnoresMultiplicity(TightBinding):
    def compute(self, system, properties, resources):
        if system.kind == "molecule":
            system = replace(system, multiplicity=1 + system.n_electrons % 2)
        return super().compute(system, properties, resources)


@fault("ghosts_add_no_electrons", "it adds charge or electrons")
class GhostsAreReal(TightBinding):
    def compute(self, system, properties, resources):
        if system.kind == "molecule" and any(system.ghosts):
            n = sum(qmbench.ATOMIC_NUMBERS[s] for s in system.symbols) - system.charge
            system = replace(system, ghosts=(), multiplicity=1 + n % 2)
        return super().compute(system, properties, resources)


@fault("ghosts_add_no_electrons", "a ghost raises the energy of He")
class GhostsRepel(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        ghosts = sum(system.ghosts) if system.kind == "molecule" else 0
        return changed(result, energy=plus(result.properties["energy"], 0.01 * ghosts))


@fault("ghosts_add_no_electrons", "has a basis, but refuses ghost atoms")
class RefusesGhosts(TightBinding):
    def check_system(self, system, properties):
        super().check_system(system, properties)
        if system.kind == "molecule" and any(system.ghosts):
            raise qmbench.Unsupported("no ghosts here")


@fault("ghosts_add_no_electrons", "has no basis and accepts ghosts in silence")
class BasisFree(TightBinding):
    class Options(qmbench.Options):
        hopping: float = Field(0.2, gt=0, description="strength of the hopping, hartree")
        hardness: float = Field(0.3, ge=0, description="energy of one more electron, hartree")

    def __init__(self, options):
        super().__init__(TightBinding.Options(basis="sto-3g", **options.model_dump()))


@fault("non_convergence_raises", "returns a .* that is not converged")
class GivesUpQuietly(TightBinding):
    def solve(self, *model):
        try:
            return super().solve(*model)
        except qmbench.NotConverged:
            loose = self.Options(**{**self.options.model_dump(), "max_cycles": 2, "energy_tolerance": 1e10})
            h, _, centres, neutral, electrons, constant = model
            toy = TightBinding(loose)
            energy, q, levels, cycles = toy.solve(h, 0.0, centres, neutral, electrons, constant)
            return energy, q, levels, cycles


@fault("non_convergence_raises", "raises ResourceError; raise NotConverged")
class WrongError(TightBinding):
    def compute(self, system, properties, resources):
        try:
            return super().compute(system, properties, resources)
        except qmbench.NotConverged as error:
            raise qmbench.ResourceError(str(error)) from None


@fault("non_convergence_raises", "for none of the examples")
class NeverGivesUp(TightBinding):
    def __init__(self, options):
        super().__init__(type(options)(**{**options.model_dump(), "max_cycles": 500}))


@fault("translation", "energy of water is off by .* when the molecule is shifted")
class KnowsItsPlace(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        here = 1e-4 * system.positions[0][2] if system.kind == "molecule" else 0.0
        return changed(result, energy=plus(result.properties["energy"], here))


@fault("translation", "dipole of cation is off by .* when the molecule is shifted")
class MovesTheOrigin(TightBinding):
    def dipole(self, molecule, occupations):
        z = molecule.atomic_numbers
        centre = z @ molecule.coordinates / z.sum()
        return super().dipole(molecule, occupations) - molecule.charge * centre


@fault("rotation", "energy of water is off by .* when the molecule is turned")
class KnowsUpFromDown(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        height = 1e-4 * np.ptp(system.coordinates[:, 2]) if system.kind == "molecule" else 0.0
        return changed(result, energy=plus(result.properties["energy"], height))


@fault("rotation", "dipole of water is off by .* when the molecule is turned")
class StandardOrientation(TightBinding):
    def dipole(self, molecule, occupations):
        return np.array([0.0, 0.0, np.linalg.norm(super().dipole(molecule, occupations))])


@fault("rotation", "polarizability of water is off by .* when the molecule is turned")
class DiagonalOnly(TightBinding):
    def polarizability(self, molecule, strength=1e-3):
        return np.diag(np.diag(super().polarizability(molecule, strength)))


@fault("permutation", "energy of water is off by .* when the molecule is renumbered")
class FirstAtomFirst(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        bonus = 1e-4 * system.atomic_numbers[0] if system.kind == "molecule" else 0.0
        return changed(result, energy=plus(result.properties["energy"], bonus))


def turned_wrong(check, message, name, change):
    """A method for molecules and crystals that spoils one of its properties by `change`, a function of the array."""

    class Spoils(PairPotential):
        def compute(self, system, properties, resources):
            result = super().compute(system, properties, resources)
            value = change(result.properties[name].value) if name in properties else None
            return changed(
                result, **{name: replace(result.properties[name], value=value)} if name in properties else {}
            )

    Spoils.__name__ = f"Spoils{name}{check}".replace("_", "")
    return fault(check, message)(Spoils)


turned_wrong("rotation", "forces of .* is off by .* is turned", "forces", lambda f: np.abs(f))
turned_wrong(
    "rotation", "stress of mixed crystal is off by .* crystal is turned", "stress", lambda s: np.diag(np.diag(s))
)
turned_wrong("permutation", "forces of water is off", "forces", lambda f: f[np.argsort(f[:, 0])])
turned_wrong("permutation", "pair_energies of water is off", "pair_energies", lambda e: np.sort(e, axis=1))


@fault("translation", "energy of mixed crystal is off by .* when the crystal is shifted")
class CrystalKnowsItsPlace(PairPotential):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        here = 1e-4 * system.positions[0][2] if system.kind == "crystal" else 0.0
        return changed(result, energy=plus(result.properties["energy"], here)) if "energy" in properties else result


@fault("charge_used", "mixed crystal: charge 1 instead of 0 gives the same")
class IgnoresCellCharge(PairPotential):
    def check_system(self, system, properties):
        if system.kind == "crystal":
            system = replace(system, charge=0, multiplicity=1 + sum(system.atomic_numbers) % 2)
        super().check_system(system, properties)


@fault("crystal_images", "when the crystal is given by other images of its atoms")
class NearestCellsOnly(PairPotential):
    def shifts(self, system):
        if system.kind == "molecule":
            return super().shifts(system)
        steps = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
        return steps @ system.lattice_vectors


@fault("crystal_cell_used", "a cell that is longer along vector 1 gives the same energy")
class IgnoresTheCell(PairPotential):
    def shifts(self, system):
        return np.zeros((1, 3))


def ignoring(name, **fields):
    """A method that computes a lattice as if one of its fields had this value."""

    class Ignores(TightBinding):
        def compute(self, system, properties, resources):
            if system.kind == "lattice":
                system = replace(system, **fields)
            return super().compute(system, properties, resources)

    Ignores.__name__ = f"IgnoresLattice{name}"
    return fault("lattice_fields_used", f"another '{name}' gives the same")(Ignores)


ignoring("twist", twist=())
ignoring("onsite", onsite=())
ignoring("u", u=2.0)
ignoring("t", t=1.0)
ignoring("electrons", electrons=6)
ignoring("multiplicity", multiplicity=1)
ignoring("boundary", boundary=("periodic",))


@fault("lattice_energy_scales", "energy of ring is off by .* when the lattice is given with all its energies doubled")
class UnitsOfT(TightBinding):
    def compute(self, system, properties, resources):
        result = super().compute(system, properties, resources)
        if system.kind == "molecule":
            return result
        return changed(result, energy=qmbench.Quantity(result.properties["energy"].value / system.t, "t"))


@fault("lattice_sites_renumbered", "when the lattice is mirrored")
class FirstSiteFirst(TightBinding):
    def lattice(self, model):
        h, *rest = super().lattice(model)
        h[0, 0] += 0.01
        return h, *rest


@dataclass(frozen=True)
class Forgetful(qmbench.LatticeModel):
    """A lattice whose JSON leaves the twist out."""

    kind: ClassVar[str] = "forgetful"
    table_kind: ClassVar[str] = ""

    def to_json(self):
        return {**super().to_json(), "twist": []}


@dataclass(frozen=True)
class Hashless(Forgetful):
    """A lattice whose hash leaves the twist out, and nothing else does."""

    kind: ClassVar[str] = "hashless"

    def to_json(self):
        return qmbench.LatticeModel.to_json(self)

    @property
    def hash(self):
        return str(hash((self.lattice, self.boundary, self.t, self.u, self.electrons, self.multiplicity, self.onsite)))


@dataclass(frozen=True)
class Arrays(Forgetful):
    """A lattice whose JSON holds an array."""

    kind: ClassVar[str] = "arrays"

    def to_json(self):
        return {**qmbench.LatticeModel.to_json(self), "twist": np.array(self.twist)}


KINDS = [Forgetful, Hashless, Arrays]


def stored(message, kind):
    """A method for one of the kinds that are stored wrongly."""

    class Stores(TightBinding):
        systems = (kind,)
        properties = frozenset({"energy"})

    Stores.__name__ = f"Stores{kind.__name__}"
    return fault("systems_stored", message)(Stores)


stored("Forgetful.from_json makes another system of what to_json wrote of ring", Forgetful)
stored("ring with another 'twist' has the same hash; put it into to_json", Hashless)
stored("Arrays.to_json gives no JSON", Arrays)


QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_systems():
    return KINDS


@qmbench.hookimpl
def qmbench_methods():
    return METHODS
