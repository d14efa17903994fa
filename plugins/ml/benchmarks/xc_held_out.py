"""ml-xc beside PBE and B3LYP on unseen atoms, ions and diatomics: python plugins/ml/benchmarks/xc_held_out.py.

Self-consistent energies in BASIS against extrapolated CCSD(T); energies are kept in a folder, so that it goes on where
it stopped. Prints a table of errors (kcal/mol), mean absolute errors, and how often the error bars cover.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))

from xc_systems import Case, cases
from xc_targets import Target, targets

from qmbench import Resources, parse_level, units
from qmbench_ml.xc.model import shipped

BASIS = "cc-pvqz"
LEVELS = ("ml-xc", "pbe", "b3lyp")
OPTIONS = "grid=3&stability=false&energy_tolerance=1e-6"
FOLDER = Path(__file__).parent.parent / "training" / "labels-cache" / "xc"
KCAL = units.HARTREE_IN_KCAL_MOL
NOMINAL = {1: 0.6827, 2: 0.9545}


def computed(level: str, case: Case) -> tuple[float, np.ndarray]:
    """Energy and modes of its uncertainty (hartree; empty where there is none)."""
    path = _path(level, case)
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        method = parse_level(f"{level}/{BASIS}?{OPTIONS}").make()
        found = method.compute(case.molecule(), frozenset({"energy"}), Resources())
        path.write_text(
            json.dumps([found.properties["energy"].value, list(found.settings.get("uncertainty_modes", []))])
        )
    energy, modes = json.loads(path.read_text())
    return energy, np.array(modes)


def _path(level: str, case: Case) -> Path:
    mark = f"-{shipped().theta.sum():.8f}" if level == "ml-xc" else ""
    return FOLDER / f"{case.name}-{level}{mark}.json"


def table(held: list[Target], found: Mapping[str, Mapping[str, tuple[float, np.ndarray]]]) -> str:
    lines = ["| unseen | reference | ml-xc | ± | PBE | B3LYP |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    errors = {level: np.array([_error(t, found[level]) for t in held]) for level in LEVELS}
    bars = np.array([_bar(t, found["ml-xc"]) for t in held])
    for i, t in enumerate(held):
        mine = f"{errors['ml-xc'][i]:.1f} | {bars[i]:.1f} | {errors['pbe'][i]:.1f} | {errors['b3lyp'][i]:.1f}"
        lines.append(f"| {t.kind} of {t.name} | {t.value * KCAL:.1f} | {mine} |")
    for kind in ("total", "ionization", "dissociation"):
        if chosen := [i for i, t in enumerate(held) if t.kind == kind]:
            means = [np.abs(errors[level][chosen]).mean() for level in LEVELS]
            row = f"{means[0]:.1f} | | {means[1]:.1f} | {means[2]:.1f}"
            lines.append(f"| mean absolute error, {kind} ({len(chosen)}) | | {row} |")
    for n, nominal in NOMINAL.items():
        covered = np.abs(errors["ml-xc"]) <= n * bars
        lines.append(f"\nwithin {n} error bars: {covered.sum()} of {len(held)} ({nominal:.0%} nominal)")
    return "\n".join(lines)


def _error(t: Target, found: Mapping[str, tuple[float, np.ndarray]]) -> float:
    return float(t.of({name: e for name, (e, _) in found.items()}) - t.value) * KCAL


def _bar(t: Target, found: Mapping[str, tuple[float, np.ndarray]]) -> float:
    return float(np.linalg.norm(t.of({name: m for name, (_, m) in found.items()}))) * KCAL


def main() -> None:
    """All of it; with `--kept`, the table of what was computed before."""
    held = [t for t in targets() if t.split == "test"]
    names = {s for t in held for _, s in t.terms}
    wanted = sorted((c for c in cases() if c.name in names), key=lambda c: c.molecule().n_electrons)
    if "--kept" in sys.argv:
        wanted = [c for c in wanted if all(_path(level, c).exists() for level in LEVELS)]
    found: dict[str, dict[str, tuple[float, np.ndarray]]] = {level: {} for level in LEVELS}
    for case in wanted:
        for level in LEVELS:
            found[level][case.name] = computed(level, case)
    print(table([t for t in held if {s for _, s in t.terms} <= found["ml-xc"].keys()], found))


if __name__ == "__main__":
    main()
