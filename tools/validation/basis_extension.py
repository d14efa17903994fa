"""Adaptively extended basis sets beside plain ones: errors against a large basis set over the number of functions.

Water, nitrogen and the helium dimer, by Hartree–Fock and PBE, from cc-pVDZ with shells of a larger set of the family;
of the dimer also its counterpoise-corrected interaction energy. Prints a table, and draws the figure of the docs.

    python tools/validation/basis_extension.py [--methods hf pbe] [--systems water nitrogen helium] [--store FOLDER]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qmbench

FIGURE = Path(__file__).parents[2] / "docs" / "reference" / "basis-extension.svg"
# Geometries in bohr: water near its equilibrium, nitrogen at 2.068, helium atoms at 5.6.
WATER = qmbench.Molecule(
    ("O", "H", "H"), ((0.0, 0.0, 0.2217), (0.0, 1.4309, -0.8867), (0.0, -1.4309, -0.8867)), 0, 1, name="water"
)
NITROGEN = qmbench.Molecule(("N", "N"), ((0.0, 0.0, 0.0), (0.0, 0.0, 2.068)), 0, 1, name="nitrogen")
HELIUM = qmbench.Molecule(("He", "He"), ((0.0, 0.0, 0.0), (0.0, 0.0, 5.6)), 0, 1, name="helium dimer")
HALF = qmbench.Molecule(HELIUM.symbols, HELIUM.positions, 0, 1, ghosts=(False, True), name="helium, ghost")


@dataclass(frozen=True)
class Case:
    """A curve: thresholds in hartree per function; plain sets beside it; the set that stands for the limit."""

    molecule: qmbench.Molecule
    pool: str
    thresholds: tuple[float, ...]
    plain: tuple[str, ...]
    limit: str
    half: qmbench.Molecule | None = None


PLAIN = ("cc-pvdz", "cc-pvtz", "cc-pvqz", "cc-pv5z")
CASES = {
    "water": Case(WATER, "cc-pv5z", (3e-4, 1e-4, 3e-5), PLAIN, "pc-4"),
    "nitrogen": Case(NITROGEN, "cc-pv5z", (3e-4, 1e-4, 3e-5), PLAIN, "pc-4"),
    "helium": Case(HELIUM, "cc-pv5z", (3e-4, 1e-4, 1e-7), PLAIN, "aug-pc-4"),
    "helium, interaction": Case(
        HELIUM,
        "aug-cc-pv5z",
        (3e-4, 1e-4, 1e-7),
        ("cc-pvdz", "cc-pvtz", "cc-pvqz", "aug-cc-pvdz", "aug-cc-pvtz", "aug-cc-pvqz"),
        "aug-pc-4",
        HALF,
    ),
}


def value(case: Case, level: str, resources: qmbench.Resources) -> tuple[float, int, dict[str, Any]]:
    """Energy (or interaction energy) in hartree, functions, and what the record says of the extension."""
    method: Any = qmbench.level(level).make()  # type: ignore[union-attr]
    whole = method.run(case.molecule, ("energy",), resources)
    energy = whole.properties["energy"].value
    if case.half is not None:
        energy -= 2 * method.run(case.half, ("energy",), resources).properties["energy"].value
    return energy, whole.settings["n_basis_functions"], whole.settings.get("basis_extension", {})


def curves(method: str, case: Case, resources: qmbench.Resources) -> dict[str, list[dict[str, Any]]]:
    """`plain` and `adaptive`: rows with level, functions and error against the limit in millihartree."""
    more = "stability=false"
    limit, size, _ = value(case, f"{method}/{case.limit}?{more}", resources)
    print(f"{method} {case.molecule.name}: {limit:.8f} hartree in {case.limit}, {size} functions", flush=True)
    levels = [("plain", basis, f"{method}/{basis}?{more}") for basis in case.plain]
    levels += [
        ("adaptive", f"{x:g}", f"{method}/cc-pvdz?basis_extension=adaptive&extension_pool={case.pool}"
         f"&extension_threshold={x:g}&{more}")
        for x in case.thresholds
    ]  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {"plain": [], "adaptive": []}
    for kind, name, level in levels:
        energy, functions, told = value(case, level, resources)
        row = {"name": name, "functions": functions, "error": 1e3 * (energy - limit), "added": told.get("added", {})}
        if told:
            row["estimated"] = 1e3 * told["rounds"][-1]["whole_pool_estimate"]
        found[kind].append(row)
        print(
            f"  {kind:8} {name:12} {functions:4} {row['error']:12.5f}  {row.get('estimated', '')}  {row['added']}",
            flush=True,
        )
    return found


def draw(found: dict[str, dict[str, list[dict[str, Any]]]], path: Path) -> None:
    """One panel for each curve, error over functions."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "basis extension"
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        2, (len(found) + 1) // 2, figsize=(3.2 * ((len(found) + 1) // 2), 5.4), squeeze=False
    )
    for panel, (title, rows) in zip(panels.flat, found.items(), strict=False):
        for kind, mark in (("plain", "s--"), ("adaptive", "o-")):
            panel.semilogy(
                [row["functions"] for row in rows[kind]],
                [abs(row["error"]) for row in rows[kind]],
                mark,
                label=kind,
                ms=4,
            )
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("functions", fontsize=8)
        panel.set_ylabel("|error| / millihartree", fontsize=8)
        panel.tick_params(labelsize=7)
        panel.legend(fontsize=7)
    for panel in panels.flat[len(found) :]:
        panel.set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--methods", nargs="+", default=["hf", "pbe"])
    parser.add_argument("--systems", nargs="+", choices=sorted(CASES), default=list(CASES))
    parser.add_argument("--store", type=Path, default=Path("qmbench-data/basis-extension"))
    asked = parser.parse_args()
    resources = qmbench.Resources(artifacts=asked.store / "artifacts", scratch=asked.store / "scratch")
    record = asked.store / "curves.json"
    found = json.loads(record.read_text()) if record.exists() else {}
    for method in asked.methods:
        for name in asked.systems:
            found[f"{method.upper()}, {name}"] = curves(method, CASES[name], resources)
            record.write_text(json.dumps(found, indent=1))
    draw(found, FIGURE)


if __name__ == "__main__":
    main()
