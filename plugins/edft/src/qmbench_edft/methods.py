"""The two methods, as qmbench sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from qmbench import Method, Molecule, Options, Quantity, Resources, Result, System, Unsupported
from qmbench_edft.options import CURVE_WEIGHTS, ORBITAL_DEPENDENT, OWN_CORRELATION, EnsembleOptions, usual_weight

if TYPE_CHECKING:
    from qmbench_edft.extraction import Approximation, Excitation
    from qmbench_edft.multiplets import Multiplet

LOW_STATES = ("2 3S", "2 1S", "2 3P", "2 1P")
HIGHER_STATES = ("3 3S", "3 1S", "3 3P", "3 1P")

# what an extraction gives: state → excitation energy (hartree), settings for the record, warnings
Answer = tuple[dict[str, float], dict[str, Any], list[str]]
Engine = Callable[[EnsembleOptions, float], Answer]


def nuclear_charge(system: Molecule, name: str) -> float:
    """Z of a two-electron atom; Unsupported for anything else."""
    if any(system.ghosts) or len(system.symbols) != 1:
        raise Unsupported(f"{name} does one atom at a time, without ghosts: it has no basis set")
    if system.n_electrons != 2:
        raise Unsupported(
            f"{name} does two-electron atoms (H-, He, Li+, Be2+ …); this one has {system.n_electrons} electrons"
        )
    if system.multiplicity != 1:
        raise Unsupported(f"{name} starts from the singlet ground state; triplets are among its excited states")
    return float(system.atomic_numbers[0])


def helium() -> Molecule:
    """The helium atom."""
    return Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="He")


class EnsembleDFT(Method[Molecule]):
    """Excitation energies of two-electron atoms from ensemble density functional theory.

    In hartree, from 1 1S to 2 3S, 2 1S, 2 3P, 2 1P (and 3 3S, 3 1S, 3 3P, 3 1P with dec and delta_scf),
    non-relativistic, nucleus fixed. Weights count per state: a multiplet of degeneracy g in an ensemble of M
    states carries g weight/M. States whose orbital the approximate potential does not bind are left out with a warning.
    With curve=true the same extraction at weight 0.25, 0.5, 0.75 and 1.0 comes along, labelled `2 3S w=0.25` and so on.
    Gross, Oliveira and Kohn, Phys. Rev. A 37, 2805 (1988).
    """

    name = "edft"
    systems = (Molecule,)
    properties = frozenset({"excitation_energies"})
    distributions = ("qmbench-edft",)
    citations = (
        "10.1103/PhysRevA.37.2805",
        "10.1103/PhysRevA.37.2809",
        "10.1103/PhysRevA.37.2821",
        "10.1103/PhysRevA.34.737",
        "10.1103/PhysRevLett.88.033003",
        "10.1063/1.4872255",
        "10.1103/PhysRevLett.119.033003",
        "10.1103/PhysRevX.14.041045",
    )
    Options = EnsembleOptions
    label_options = frozenset({"functional"})
    examples = (
        "edft?functional=sehx",
        "edft?functional=lda&extraction=lim",
        "edft?functional=gic&extraction=dec",
        "edft?functional=gic&curve=true",
    )

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        return [helium()]

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if nuclear_charge(system, self.name) <= 1:
            raise Unsupported("H- has no bound excited state 1snl, so no excitation energy")

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        o = self.options
        if o.extraction == "dec":
            return 0.8 if o.ground_state == "exact" else 0.3
        factor = {"gap": 1.0, "slope": 5.0, "lim": 2.0, "ladder": 1.0, "delta_scf": 4.0}[o.extraction]
        per_ensemble = 0.15 if o.functional in ORBITAL_DEPENDENT else 0.03
        return 0.2 + factor * per_ensemble * (len(CURVE_WEIGHTS) if o.curve else 1)

    def families(self) -> dict[str, str]:
        o = self.options
        return {"program": "qmbench-edft", "functional": o.functional, "extraction": o.extraction}

    def label(self) -> str:
        return str(self.options.functional).upper()

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        z = nuclear_charge(system, self.name)
        engine = _ENGINES.get(self.options.extraction, _each)
        found, settings, warnings = _curve(engine, self.options, z) if self.options.curve else engine(self.options, z)
        if not found:
            raise Unsupported(warnings[0])
        settings |= _what_was_averaged(self.options, found)
        values = {name: float(value) for name, value in found.items()}
        return Result({"excitation_energies": Quantity(values, "hartree")}, settings, warnings)


def _what_was_averaged(o: EnsembleOptions, found: Mapping[str, float]) -> dict[str, Any]:
    """What a reader of the record must know of the ensembles: how weights count, and which leave lower states out."""
    if o.ensemble is None:
        return {}
    names = dict.fromkeys(label.partition(" w=")[0] for label in found)
    restricted = [s for s in names if o.ensemble == "bi" and s != LOW_STATES[0]]
    return {"weight_counts": "per state", "symmetry_restricted_ensembles": restricted}


def _curve(engine: Engine, o: EnsembleOptions, z: float) -> Answer:
    """Every weight of the curve; the plain labels are those of the weight that is taken where none is given."""
    points: dict[float, Answer] = {}
    for weight in CURVE_WEIGHTS:
        try:
            points[weight] = engine(o.model_copy(update={"curve": False, "weight": weight}), z)
        except Unsupported as reason:
            points[weight] = {}, {}, [str(reason)]
    plain = usual_weight(o.extraction)
    found, parts = dict(points[plain][0]), dict(points[plain][1].get("parts_hartree", {}))
    warnings = list(points[plain][2])
    for weight, (values, settings, reasons) in points.items():
        found |= {f"{name} w={weight}": value for name, value in values.items()}
        parts |= {f"{name} w={weight}": part for name, part in settings.get("parts_hartree", {}).items()}
        warnings += [f"weight {weight}: {reason}" for reason in reasons]
    # the options of a curve have no weight, so that of the plain labels is said here
    return found, {"weight": plain} | ({"parts_hartree": parts} if parts else {}), warnings


def _approximation(o: EnsembleOptions) -> Approximation:
    from qmbench_edft.extraction import Approximation

    # with dec, `own` is left standing for any functional: there it makes no difference
    correlation = "none" if o.correlation == "own" and o.functional not in OWN_CORRELATION else o.correlation
    return Approximation(
        functional=o.functional,
        correlation=correlation,
        equation=o.potential or "oep",
        ensemble=o.ensemble or "bi",
        weight=o.weight if o.weight else 0.5,
    )


def _collect(names: Sequence[str], compute: Callable[[Multiplet], Excitation]) -> Answer:
    """Each state by itself; one that is not bound is left out with a warning."""
    from qmbench_edft.multiplets import multiplet

    found: dict[str, float] = {}
    parts: dict[str, dict[str, float]] = {}
    warnings: list[str] = []
    for name in names:
        try:
            excitation = compute(multiplet(name))
        except Unsupported as reason:
            warnings.append(f"{name}: {reason}")
            continue
        found[name] = excitation.value
        if excitation.ks_gap is not None and excitation.xc_derivative is not None:
            parts[name] = {"kohn_sham_gap": excitation.ks_gap, "xc_derivative": float(excitation.xc_derivative)}
    return found, {"parts_hartree": parts} if parts else {}, warnings


def _each(o: EnsembleOptions, z: float) -> Answer:
    """gap, slope, lim, delta_scf: state by state."""
    from qmbench_edft import extraction as ex

    a = _approximation(o)
    ways: dict[str, Callable[[Multiplet], Excitation]] = {
        "gap": lambda target: ex.gap(a, z, target)[0],
        "slope": lambda target: ex.slope(a, z, target),
        "lim": lambda target: ex.lim(a, z, target),
        "delta_scf": lambda target: ex.delta_scf(a, z, target),
    }
    if o.extraction == "lim" and o.ensemble != "bi":
        return _ladder(o, z)
    names = LOW_STATES + (HIGHER_STATES if o.extraction == "delta_scf" else ())
    return _collect(names, ways[o.extraction])


def _ladder(o: EnsembleOptions, z: float) -> Answer:
    from qmbench_edft import extraction as ex
    from qmbench_edft.multiplets import multiplet

    rungs = ex.ladder(_approximation(o), z, multiplet(LOW_STATES[-1]), secant=o.extraction == "lim")
    missing = [name for name in LOW_STATES if multiplet(name) not in rungs]
    warnings = (
        [f"{', '.join(missing)}: the ladder ends where the next ensemble has an unbound orbital"] if missing else []
    )
    return {str(s): x.value for s, x in rungs.items()}, {}, warnings


def _dec(o: EnsembleOptions, z: float) -> Answer:
    from qmbench_edft import extraction as ex
    from qmbench_edft.ensemble import ground_ensemble
    from qmbench_edft.functionals import Functional
    from qmbench_edft.grid import default_grid
    from qmbench_edft.scf import solve

    grid = default_grid(z, 3)
    whose = o.ground_state or "exx"
    if whose == "exact":
        from qmbench_edft.inversion import exact_ground_state

        potential = exact_ground_state(z, grid=grid).potential
    else:
        ground = Functional("sehx") if whose == "exx" else Functional("lda", "pw92")
        potential = solve(ground, ground_ensemble(), z, grid=grid).potential
    a = _approximation(o)
    sizes = {1 + g for g in (1, 3, 9)}
    functional = a.resolve(z, sizes)
    return _collect(LOW_STATES + HIGHER_STATES, lambda target: ex.dec(functional, target, potential, grid, whose))


_ENGINES: dict[str, Engine] = {"ladder": _ladder, "dec": _dec}


class ExactOptions(Options):
    """Options of `edft-exact`."""

    degree: int = Field(
        20,
        ge=8,
        le=26,
        description="total degree of the Laguerre expansion: 20 gives 1e-8 hartree or better",
        examples=[11],
    )


class ExactTwoElectron(Method[Molecule]):
    """Exact non-relativistic states of two-electron atoms, by expansion in perimetric coordinates.

    Energy and excitation energies in hartree, nucleus fixed; variational, so energies are upper bounds. The uncertainty
    is the change from the expansion of four degrees less. Pekeris, Phys. Rev. 112, 1649 (1958); Schiff, Lifson, Pekeris
    and Rabinowitz, Phys. Rev. 140, A1104 (1965).
    """

    name = "edft-exact"
    claim = "reference"
    systems = (Molecule,)
    properties = frozenset({"energy", "excitation_energies"})
    distributions = ("qmbench-edft",)
    citations = ("10.1103/PhysRev.112.1649", "10.1103/PhysRev.140.A1104")
    Options = ExactOptions
    examples = ("edft-exact?degree=10",)

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        return [helium()]

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if nuclear_charge(system, self.name) <= 1 and "excitation_energies" in properties:
            raise Unsupported("H- has no bound excited state 1snl: only its energy can be asked for")

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        return (5.0 if "excitation_energies" in properties else 0.5) * (self.options.degree / 20) ** 4

    def families(self) -> dict[str, str]:
        return {"program": "qmbench-edft", "reference": "exact"}

    def label(self) -> str:
        return "exact"

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_edft.multiplets import GROUND, multiplet
        from qmbench_edft.perimetric import solve_state

        z = nuclear_charge(system, self.name)
        degree = self.options.degree
        energy, change = {}, {}
        excited = LOW_STATES + HIGHER_STATES if "excitation_energies" in properties else ()
        virials = {}
        for target in [GROUND, *map(multiplet, excited)]:
            best = solve_state(z, target, degree)
            energy[str(target)], virials[str(target)] = best.energy, best.virial
            change[str(target)] = abs(solve_state(z, target, degree - 4).energy - best.energy)
        ground = str(GROUND)
        given: dict[str, Quantity] = {}
        if "energy" in properties:
            given["energy"] = Quantity(energy[ground], "hartree", change[ground], "estimate")
        if excited:
            given["excitation_energies"] = Quantity(
                {s: energy[s] - energy[ground] for s in excited},
                "hartree",
                {s: change[s] + change[ground] for s in excited},
                "estimate",
            )
        return Result(given, {"virial_defect": virials, "energies_hartree": energy})
