"""Sweeps out of the training range of every learned level: errors in error bars, or that it refuses.

    python plugins/ml/benchmarks/out_of_range.py [gdml hirshfeld delta xc] [--store FOLDER] [--all]

References are computed at the level that each model was trained on, and kept in FOLDER, so that a second call is quick:
HF/def2-SVP, PBE+MBD/def2-TZVP, CCSD(T) with counterpoise, extrapolated CCSD(T). The geometries are none of those that
error bars were fitted to. --all prints every point, not only the sweeps' summaries.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))

from labels import BASELINE, BASELINE_PROPERTIES, Labeller
from make_perturbed import pushed_together
from train_gdml import label as hartree_fock
from xc_targets import extrapolated

from qmbench import Fragment, Molecule, QmbenchError, Resources, Unsupported, parse_level, units

ANGSTROM = 1 / units.BOHR_IN_ANGSTROM
RESOURCES = Resources(cores=1)
FUNCTIONAL = "ml-xc/cc-pvqz?grid=3&energy_tolerance=1e-6"
COVERED = 3.0


@dataclass(frozen=True)
class Point:
    """One geometry of a sweep; `base`: energies are relative to that one's."""

    sweep: str
    at: str
    molecule: Molecule
    base: Molecule | None = None


def molecule(symbols: str, positions: object, charge: int = 0, multiplicity: int = 1, split: int = 0) -> Molecule:
    """Symbols with spaces between; positions in ångström; `split`: atoms of the first fragment of a complex."""
    parts = tuple(symbols.split())
    halves = (range(split), range(split, len(parts))) if split else ()
    fragments = tuple(Fragment(tuple(half), 0, 1) for half in halves)
    bohr = np.round(np.asarray(positions, dtype=float) * ANGSTROM, 6)
    return Molecule(parts, tuple(map(tuple, bohr.tolist())), charge, multiplicity, fragments, name=symbols)


def known(name: str) -> tuple[str, np.ndarray]:
    """Symbols and positions (ångström) of ASE's table of small molecules."""
    from ase.build import molecule as of_table

    atoms = of_table(name)
    return " ".join(atoms.get_chemical_symbols()), atoms.positions


def water(first: float, second: float, angle: float) -> np.ndarray:
    half = np.radians(angle) / 2
    s, c = np.sin(half), np.cos(half)
    return np.array([(0, 0, 0), (first * s, 0, first * c), (-second * s, 0, second * c)])


def turned(positions: np.ndarray, moved: list[int], pivot: int, axis: np.ndarray, degrees: float) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    found = positions.copy()
    turn = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis))
    found[moved] = found[pivot] + turn.apply(found[moved] - found[pivot])
    return found


def stretched(positions: np.ndarray, moved: list[int], pivot: int, near: int, factor: float) -> np.ndarray:
    """With the bond from `pivot` to `near` times `factor`, the atoms `moved` carried along."""
    found = positions.copy()
    found[moved] += (factor - 1) * (found[near] - found[pivot])
    return found


def gdml_points(name: str) -> Iterator[Point]:
    """Bonds, angles and what else can be bent, from the middle of the training range far out of it."""
    if name == "water":
        for angle in np.arange(62, 181, 4.0):
            yield Point("H-O-H angle", f"{angle:.0f}°", molecule("O H H", water(0.95, 0.95, angle)))
        for r in np.arange(0.70, 1.41, 0.035):
            yield Point("both O-H bonds", f"{r:.3f} Å", molecule("O H H", water(r, r, 105.5)))
            yield Point("one O-H bond", f"{r:.3f} Å", molecule("O H H", water(r, 0.95, 105.5)))
        for s in np.arange(0.0, 0.21, 0.015):
            yield Point("bonds and angle", f"+{s:.3f} Å", molecule("O H H", water(0.95 + s, 0.95 + s, 105 + 180 * s)))
            yield Point(
                "narrow and long", f"+{s:.3f} Å", molecule("O H H", water(0.95 + s, 0.95 - s / 2, 105 - 150 * s))
            )
        yield Point("charge", "+1", molecule("O H H", water(0.95, 0.95, 105), 1, 2))
        return
    symbols, x = known({"formaldehyde": "H2CO", "methanol": "CH3OH"}[name])
    kinds = symbols.split()
    carbon, oxygen = kinds.index("C"), kinds.index("O")
    hydrogens = [i for i, s in enumerate(kinds) if s == "H"]
    on_oxygen = [i for i in hydrogens if np.linalg.norm(x[i] - x[oxygen]) < 1.2]
    on_carbon = [i for i in hydrogens if i not in on_oxygen]
    for f in np.arange(0.76, 1.43, 0.045):
        at = f"× {f:.3f}"
        yield Point("C-O bond", at, molecule(symbols, stretched(x, [oxygen, *on_oxygen], carbon, oxygen, f)))
        one = on_carbon[0]
        yield Point("one C-H bond", at, molecule(symbols, stretched(x, [one], carbon, one, f)))
        for h in on_oxygen:
            yield Point("O-H bond", at, molecule(symbols, stretched(x, [h], oxygen, h, f)))
    axis = np.cross(x[on_carbon[0]] - x[carbon], x[oxygen] - x[carbon])
    for degrees in np.arange(-42, 43, 6.0):
        at = f"{degrees:+.0f}°"
        one = on_carbon[0]
        yield Point("O-C-H angle", at, molecule(symbols, turned(x, [one], carbon, axis, degrees)))
        yield Point(
            "out of plane", at, molecule(symbols, turned(x, [oxygen, *on_oxygen], carbon, x[one] - x[carbon], degrees))
        )
        for h in on_oxygen:
            across = np.cross(x[h] - x[oxygen], x[carbon] - x[oxygen])
            yield Point("C-O-H angle", at, molecule(symbols, turned(x, [h], oxygen, across, degrees)))


def hirshfeld_points() -> Iterator[Point]:
    """Single molecules from crushed to broken, strangers, contacts, too many neighbours, other elements, ions."""
    for r in (0.2, 0.35, 0.5, 0.55, 0.62, 0.68, 0.78, 0.85, 1.0, 1.5, 2.5, 5.0):
        yield Point("H2", f"{r} Å", molecule("H H", [(0, 0, 0), (0, 0, r)]))
    for r in (0.5, 0.65, 0.75, 0.88, 1.05, 1.2, 1.35, 1.6):
        yield Point("water, bonds", f"{r} Å", molecule("O H H", water(r, r, 104.5)))
    for angle in (40, 60, 75, 90, 125, 150, 180):
        yield Point("water, angle", f"{angle}°", molecule("O H H", water(0.96, 0.96, angle)))
    for name in ("C2H4", "CO", "H2CO", "CH4", "NH3"):
        symbols, x = known(name)
        for f in (0.5, 0.7, 0.78, 0.95, 1.07, 1.16, 1.3, 1.45):
            yield Point(f"{name} scaled", f"× {f}", molecule(symbols, f * x))
    for name in (
        "NCCN",
        "HCN",
        "C2H2",
        "NH3",
        "CH4",
        "HCOOH",
        "CH3CN",
        "C3H6_D3h",
        "cyclobutene",
        "N2O",
        "CF3CN",
        "CH3NO2",
    ):
        yield Point("strangers", name, molecule(*known(name)))
    dimers = {"HF HF": ("F H F H", [(0, 0, 0), (0, 0, 0.92), (0, 0, 2.75), (0.6, 0, 3.4)], 2)}
    dimers["N2 Ar"] = ("N N Ar", [(0, 0, -0.55), (0, 0, 0.55), (3.6, 0, 0)], 2)
    symbols, x = known("CH4")
    dimers["CH4 Ne"] = (f"{symbols} Ne", [*x, (0, 0, 3.4)], 5)
    dimers["water dimer"] = (
        "O H H O H H",
        [*water(0.96, 0.96, 104.5), *(water(0.96, 0.96, 104.5) + np.array([1.9, 0, 2.2]))],
        3,
    )
    for name, (kinds, positions, split) in dimers.items():
        whole = molecule(kinds, positions, split=split)
        for contact in (0.35, 0.5, 0.57, 0.65, 0.7, 0.8, 0.95):
            at = pushed_together(whole, contact, back=3.0) * units.BOHR_IN_ANGSTROM
            yield Point(f"{name}, contact", f"{contact} vdW sums", molecule(kinds, at, split=split))
    star = np.array([(0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)])
    yield Point("neighbours", "C with 6 H", molecule("C H H H H H H", 1.15 * star))
    yield Point("neighbours", "O with 4 H", molecule("O H H H H", 1.05 * star[[0, 1, 2, 3, 5]]))
    yield Point("elements", "H2S", molecule(*known("SH2")))
    yield Point("charges", "water +1", molecule("O H H", water(0.96, 0.96, 104.5), 1, 2))


def delta_points() -> Iterator[Point]:
    """Contacts from crushed to loose, molecules never seen, stretched ones."""
    pairs = {
        "Ne Ne": ("Ne Ne", [(0, 0, 0), (0, 0, 3.1)], 1),
        "Ne HF": ("Ne F H", [(0, 0, 0), (0, 0, 3.1), (0, 0, 4.02)], 1),
    }
    pairs["H2 H2"] = ("H H H H", [(0, 0, 0), (0, 0, 0.74), (2.8, 0, 0.3), (3.54, 0, 0.3)], 2)
    pairs["water Ne (unseen)"] = ("O H H Ne", [*water(0.96, 0.96, 104.5), (0.4, 3.2, 0)], 3)
    symbols, x = known("NH3")
    pairs["NH3 H2 (unseen)"] = (f"{symbols} H H", [*x, (0, 0, 3.3), (0, 0, 4.04)], 4)
    for name, (kinds, positions, split) in pairs.items():
        whole = molecule(kinds, positions, split=split)
        for contact in (0.6, 0.75, 0.84, 0.88, 0.95, 1.05, 1.3):
            at = pushed_together(whole, contact, back=4.0) * units.BOHR_IN_ANGSTROM
            yield Point(f"{name}, contact", f"{contact} vdW sums", molecule(kinds, at, split=split))
    for r in (0.4, 0.55, 0.62, 0.68, 0.77, 0.85, 1.0, 1.3, 2.0):
        yield Point("H2 in H2 Ne", f"{r} Å", molecule("H H Ne", [(0, 0, 0), (0, 0, r), (0, 0, r + 3.0)], split=2))
    for angle in (60, 80, 98, 112, 125, 160):
        at = [*water(0.96, 0.96, angle), (0.0, 3.2, 0.0)]
        yield Point("water in water Ne", f"{angle}°", molecule("O H H Ne", at, split=3))
    yield Point("elements", "Ne He", molecule("Ne He", [(0, 0, 0), (0, 0, 3.0)], split=1))
    yield Point("charges", "Ne Ne +1", molecule("Ne Ne", [(0, 0, 0), (0, 0, 3.0)], 1, 2))


def xc_points() -> Iterator[Point]:
    """Dissociation curves, a molecule of three atoms, contacts, ions."""
    for symbols, length, factors in (
        ("H H", 0.74144, (0.4, 0.55, 0.8, 0.93, 1.1, 1.3, 1.4, 1.6, 2.0, 3.0, 6.0)),
        ("F H", 0.91681, (0.6, 0.8, 0.93, 1.1, 1.3, 1.6, 2.5)),
        ("N N", 1.09768, (0.8, 1.1, 1.3, 1.6, 2.5)),
    ):
        base = molecule(symbols, [(0, 0, 0), (0, 0, length)])
        for f in factors:
            yield Point(symbols, f"× {f}", molecule(symbols, [(0, 0, 0), (0, 0, f * length)]), base)
    for r in (0.6, 0.8, 1.15, 1.35):
        base = molecule("O H H", water(0.958, 0.958, 104.5))
        yield Point("water, bonds", f"{r} Å", molecule("O H H", water(r, r, 104.5)), base)
    for angle in (60, 130, 180):
        base = molecule("O H H", water(0.958, 0.958, 104.5))
        yield Point("water, angle", f"{angle}°", molecule("O H H", water(0.958, 0.958, angle)), base)
    for r in (1.0, 1.5, 2.0, 3.0):
        base = molecule("He He", [(0, 0, 0), (0, 0, 8.0)])
        yield Point("He He, contact", f"{r} Å", molecule("He He", [(0, 0, 0), (0, 0, r)]), base)
    for what, symbols, length, charge, multiplicity in (
        ("H2+", "H H", 1.058, 1, 2),
        ("H2+, stretched", "H H", 4.0, 1, 2),
        ("HeH+", "He H", 0.774, 1, 1),
        ("OH-", "O H", 0.964, -1, 1),
    ):
        yield Point("charges", what, molecule(symbols, [(0, 0, 0), (0, 0, length)], charge, multiplicity))
    yield Point("charges", "F-", molecule("F", [(0, 0, 0)], -1, 1))
    yield Point("charges", "Be 2+", molecule("Be", [(0, 0, 0)], 2, 1))


Found = tuple[float, float]
Ask = Callable[[Point], Found]


def run(level: str, system: Molecule, *properties: str) -> dict[str, Found]:
    """Values and error bars of a learned level; Unsupported."""
    result = parse_level(level).make().run(system, list(properties), RESOURCES)
    return {name: (q.value, q.uncertainty) for name, q in result.properties.items() if name in properties}  # type: ignore[misc]


class Sweeps:
    """Errors in error bars of every kind of point; ValueError: the reference did not converge."""

    def __init__(self, store: Path) -> None:
        self.labels, self.store = Labeller(store), store

    def label(self, level: str, system: Molecule, *properties: str) -> dict[str, np.ndarray]:
        found = self.labels.compute(level, system, properties)
        if "values" not in found:
            raise ValueError(found["error"])
        return {name: np.asarray(found["values"][name]) for name in properties} | {
            "hf": np.asarray(found["settings"].get("reference_energy", np.nan))
        }

    def gdml(self, name: str) -> Ask:
        def ask(point: Point) -> Found:
            found = run(f"gdml?model={name}", point.molecule, "energy", "forces")
            path = self.store / f"hf-{point.molecule.hash[:24]}.json"
            if not path.exists():
                energy, forces = hartree_fock("".join(point.molecule.symbols), point.molecule.coordinates)
                path.write_text(json.dumps([energy, forces.tolist()]))
            true = json.loads(path.read_text())
            return _ratio(found["energy"], true[0]), _ratio(found["forces"], np.array(true[1]))

        return ask

    def hirshfeld(self, point: Point) -> Found:
        found = run("ml-hirshfeld+mbd", point.molecule, "dispersion_energy", "hirshfeld_ratios")
        true = self.label(BASELINE, point.molecule, *BASELINE_PROPERTIES)
        return (
            _ratio(found["dispersion_energy"], true["dispersion_energy"]),
            _ratio(found["hirshfeld_ratios"], true["hirshfeld_ratios"]),
        )

    def delta(self, point: Point) -> Found:
        system = point.molecule
        parts = [system, *(system.fragment(k, ghosts=True) for k in (1, 2))] if system.fragments else [system]
        energies = [run("delta-ccsd(t)", part, "energy")["energy"] for part in parts]
        true = self.labels.interaction(replace(system, name=f"{point.sweep} {point.at}"))
        if true is None:
            raise ValueError("the reference did not converge")
        found = energies[0][0] - sum(e for e, _ in energies[1:])
        return _ratio((found, energies[0][1]), true["ccsd_t"]), float("nan")

    def xc(self, point: Point) -> Found:
        whole, modes = self._functional(point.molecule)
        true = self._extrapolated(point.molecule)
        if point.base is None:
            return _ratio((whole, float(np.linalg.norm(modes))), true), float("nan")
        base, others = self._functional(point.base)
        bar = float(np.linalg.norm(_padded(modes) - _padded(others)))
        return _ratio((whole - base, bar), true - self._extrapolated(point.base)), float("nan")

    def _functional(self, system: Molecule) -> tuple[float, np.ndarray]:
        method = parse_level(FUNCTIONAL).make()
        method.check(system, frozenset({"energy"}))
        path = self.store / f"xc-{system.hash[:24]}.json"
        if not path.exists():
            try:
                result = method.run(system, ["energy"], RESOURCES)
                kept = [result.properties["energy"].value, result.settings["uncertainty_modes"]]
            except Unsupported as error:
                kept = [None, str(error)]
            path.write_text(json.dumps(kept))
        energy, modes = json.loads(path.read_text())
        if energy is None:
            raise Unsupported(modes)
        return energy, np.array(modes)

    def _extrapolated(self, system: Molecule) -> float:
        small, large = (self.label(f"ccsd(t)/cc-pv{x}z?frozen_core=true", system, "energy") for x in "tq")
        return extrapolated(float(small["hf"]), float(large["hf"]), float(small["energy"]), float(large["energy"]))


def _padded(modes: np.ndarray) -> np.ndarray:
    return np.pad(modes, (0, 21 - len(modes)))


def _ratio(found: Found, true: object) -> float:
    """The largest error in error bars."""
    errors, bars = np.abs(np.asarray(found[0]) - true), np.asarray(found[1])
    return float(np.max(errors / bars))


def sweep(title: str, points: Iterator[Point], ask: Ask, second: str, everything: bool) -> None:
    """Ask for every point and print what came; of each sweep the answered points and their largest error."""
    rows: dict[str, list[tuple[str, Found | str]]] = {}
    for point in points:
        try:
            found: Found | str = ask(point)
        except Unsupported as error:
            found = f"refused: {error}"
        except (ValueError, QmbenchError) as error:
            found = f"no reference: {error}"
        rows.setdefault(point.sweep, []).append((point.at, found))
        if everything:
            told = found if isinstance(found, str) else f"{found[0]:6.2f} {found[1]:6.2f}"
            print(f"    {point.sweep:24} {point.at:14} {told}", flush=True)
    head = f"{'sweep':24} {'points':>6} {'answered':>8} {'largest error/σ':>16} {second:>16}"
    print(f"{title}\n  {head}")
    answered = []
    for name, found_rows in rows.items():
        own = [f for _, f in found_rows if not isinstance(f, str)]
        answered += own
        asked = sum(not (isinstance(f, str) and f.startswith("no reference")) for _, f in found_rows)
        largest = [f"{max(f[k] for f in own):.2f}" if own and not np.isnan(own[0][k]) else "-" for k in (0, 1)]
        print(f"  {name:24} {asked:6} {len(own):8} {largest[0]:>16} {largest[1]:>16}")
    beyond = [sum(f[k] > COVERED for f in answered) for k in (0, 1)]
    print(
        f"  {len(answered)} answered; beyond {COVERED:.0f} σ: {beyond[0]}, of {second or 'nothing else'} {beyond[1]}\n",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Sweeps out of the training range of every learned level.")
    parser.add_argument("models", nargs="*", default=["gdml", "hirshfeld", "delta", "xc"])
    parser.add_argument("--store", type=Path, default=Path(__file__).parent.parent / "training" / "labels-cache")
    parser.add_argument("--all", action="store_true", help="print every point")
    parser.add_argument("--sweep", default="", help="only sweeps with this in their name")
    given = parser.parse_args()
    sweeps = Sweeps(given.store)

    def wanted(points: Iterator[Point]) -> Iterator[Point]:
        return (point for point in points if given.sweep in point.sweep)

    for name in ("water", "formaldehyde", "methanol"):
        if "gdml" in given.models:
            sweep(f"gdml?model={name}", wanted(gdml_points(name)), sweeps.gdml(name), "force components", given.all)
    for name, points, ask, second in (
        ("hirshfeld", hirshfeld_points(), sweeps.hirshfeld, "ratios"),
        ("delta", delta_points(), sweeps.delta, ""),
        ("xc", xc_points(), sweeps.xc, ""),
    ):
        if name in given.models:
            sweep(name, wanted(points), ask, second, given.all)


if __name__ == "__main__":
    main()
