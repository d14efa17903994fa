"""Makes systems.xyz, systems.toml, entries.csv and references.csv of benchmark `polarizability_size`:

    python plugins/response/scripts/polarizability_size.py FOLDER REPOSITORY

Radii are read from the benchmark `vdw_radii` of qmbench-mbd, geometries of molecules from `polarizabilities`, both in
the repository. References are laws (exponents), theorems (traps, hydrogen), that table, and for soft nuclei the exact
ratio on a finer and wider grid; its uncertainty is what the grid of the systems changes.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from tables import save

from qmbench_response.line.response import exact, polarizability
from qmbench_response.line.system import ElectronsOnALine

ATOMS = {"h": 2, "he": 1, "be": 1, "n": 4, "ne": 1, "mg": 1, "p": 4, "ar": 1, "ca": 1, "as": 4, "kr": 1}
NOBLE = ("he", "ne", "ar", "kr")
MOLECULES = ("h2", "n2", "co", "hf", "hcl", "cl2", "h2o", "nh3", "ch4", "co2", "c2h2", "c2h4", "sih4", "ph3")
LINES = {
    "soft_helium": ElectronsOnALine(charge=2.0, box=12.0, points=61),
    "soft_lithium_ion": ElectronsOnALine(charge=3.0, box=9.0, points=61),
    "soft_beryllium_dication": ElectronsOnALine(charge=4.0, box=8.0, points=61),
    "oscillators": ElectronsOnALine(omega=0.5, interaction=0.0, box=9.0, points=51),
    "trap_wide": ElectronsOnALine(omega=0.25, box=14.0, points=55),
    "trap": ElectronsOnALine(omega=0.5, box=9.0, points=51),
    "trap_strong": ElectronsOnALine(omega=0.5, interaction=5.0, box=11.0, points=55),
    "trap_tight": ElectronsOnALine(omega=1.0, box=7.0, points=51),
}
FINE = 101
ROUNDING = 1e-7
LAW = "R_vdW = 2.54 α^(1/7)"
TS = ("10.1103/PhysRevLett.102.073005", "column R_vdw(TS) of vdw-params.csv in the source of libMBD (public domain)")
SEVENTH = ("10.1103/PhysRevLett.121.183401", "abstract: R_vdW = const. α^(1/7)")
FOURTH = ("10.1103/PhysRevLett.128.070602", "abstract: α = C (4 μ q²/ħ²) L⁴")
SOLVED = ("", f"sum over all excited singlets with {FINE} points, plugins/response/scripts/polarizability_size.py")


def ratio(system: ElectronsOnALine) -> float:
    """C = N α/(4 M²) from the states themselves: M = Σ |⟨0|X|n⟩|²."""
    line = system.line
    found = exact(line)
    moments = line.x @ found.transitions
    return 2 * polarizability(line.x, found.response(0.0)) / (4 * float(np.sum(moments**2)) ** 2)


def rows(radii: dict[str, str]) -> tuple[list[list[str]], list[list[str]]]:
    """Entries and references."""
    entries: list[list[str]] = []
    references: list[list[str]] = []

    def add(name: str, terms: str, what: str, subset: str, value: str, unit: str, level: str, source: tuple[str, str],
            spread: str = "") -> None:  # fmt: skip
        entries.append([name, terms, what, subset])
        kind = "estimate" if spread else ""
        references.append([name, "expected", value, unit, spread, kind, level, *source, "current"])

    for atom in ATOMS:
        group = "atoms noble_gases" if atom in NOBLE else "atoms"
        add(f"{atom}_radius", f"{atom}:1", "law_radius", f"{group} radii", radii[atom], "bohr", "TS table", TS)
        add(f"{atom}_ratio", f"{atom}:1", "valence_ratio", f"{group} lengths", "1", "", "α = 4 L⁴", FOURTH)
    groups = {"noble_gases": NOBLE, "atoms": tuple(ATOMS)}
    for group, members in groups.items():
        terms, plain = (" ".join(f"{a}:{r}" for a, r in pairs) for pairs in (
            [(a, radii[a]) for a in members], [(a, "1") for a in members]))  # fmt: skip
        laws = (
            ("radius_exponent", terms, "radii", repr(1 / 7), SEVENTH),
            ("length_exponent", plain, "lengths", "4", FOURTH),
            ("radius_length_exponent", terms, "lengths", repr(4 / 7), ("", "α ∝ L⁴ and R ∝ α^(1/7) together")),
        )
        for what, of, subset, value, source in laws:
            add(f"{group}_{what}", of, what, f"{group} exponents {subset}", value, "", "law", source)
            zero = ("", "a perfect power law has no scatter")
            interval = f"{what}_interval"
            add(f"{group}_{interval}", of, interval, f"{group} intervals {subset}", "0", "", "law", zero)
    for name in MOLECULES:
        add(f"{name}_ratio", f"{name}:1", "valence_ratio", "molecules lengths", "1", "", "α = 4 L⁴", FOURTH)
    every = " ".join(f"{name}:1" for name in MOLECULES)
    add("molecules_length_exponent", every, "length_exponent", "molecules exponents lengths", "4", "", "law", FOURTH)
    add("molecules_length_exponent_interval", every, "length_exponent_interval", "molecules intervals lengths", "0", "",
        "law", ("", "a perfect power law has no scatter"))  # fmt: skip
    add("h_exact_ratio", "h:1", "length_ratio", "atoms lengths", "1.125", "", "exact",
        ("", "hydrogen: α = 9/2 bohr³ and ⟨z²⟩ = 1 bohr²"))  # fmt: skip
    for name, system in LINES.items():
        if system.omega:
            source = ("10.1103/PhysRevLett.73.2244", "harmonic potential theorem: one frequency has all the strength")
            add(f"{name}_ratio", f"{name}:1", "length_ratio", "models", "1", "", "exact", source)
            continue
        fine = ratio(replace(system, box=system.box * 1.15, points=FINE))
        spread = f"{abs(fine - ratio(system)) + ROUNDING:.1e}"
        add(f"{name}_ratio", f"{name}:1", "length_ratio", "models", f"{fine:.8f}", "", "exact", SOLVED, spread)
    traps = " ".join(f"{name}:1" for name, system in LINES.items() if system.omega)
    add("traps_length_exponent", traps, "length_exponent", "models", "4", "", "exact",
        ("10.1103/PhysRevLett.73.2244", "α = 4 L⁴ for all of them"))  # fmt: skip
    return entries, references


def main(folder: Path, repository: Path) -> None:
    """Write the four files."""
    with open(repository / "plugins/mbd/src/qmbench_mbd/benchmarks/vdw_radii/references.csv", newline="") as handle:
        radii = {row["entry"]: row["value"] for row in csv.DictReader(handle)}
    frames = [
        f"1\nname={name} charge=0 multiplicity={spin}\n{name.capitalize()} 0.0 0.0 0.0\n"
        for name, spin in ATOMS.items()
    ]
    for name in MOLECULES:
        lines = (repository / f"benchmarks/polarizabilities/systems/{name}.xyz").read_text().rstrip().splitlines()
        frames.append("\n".join([lines[0], f"name={name} {lines[1]}", *lines[2:]]) + "\n")
    (folder / "systems.xyz").write_text("".join(frames))
    keys = ("charge", "omega", "interaction", "softening", "box", "points")
    (folder / "systems.toml").write_text(
        "\n".join(
            f'[{name}]\nkind = "{system.kind}"\n' + "".join(f"{k} = {getattr(system, k)}\n" for k in keys)
            for name, system in LINES.items()
        )
    )
    entries, references = rows(radii)
    save(folder, entries, references)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
