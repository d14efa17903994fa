"""Make entries.csv and references.csv of the benchmark helium_excitations.

    python plugins/edft/scripts/exact_references.py benchmarks/helium_excitations

`exact` is computed here (degree 24, uncertainty: change from degree 20); `literature` is typed in below. Helium's
weight curves repeat `exact` at every weight: the slope of the exact ensemble energy does not depend on it.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from qmbench_edft.multiplets import GROUND, multiplet
from qmbench_edft.options import CURVE_WEIGHTS
from qmbench_edft.perimetric import solve_state

SYSTEMS = {"he": 2.0, "li+": 3.0, "be2+": 4.0}
STATES = ("2 3S", "2 1S", "2 3P", "2 1P", "3 3S", "3 1S", "3 3P", "3 1P")
DEGREE, SMALLER = 24, 20

# G. W. F. Drake, Springer Handbook of Atomic, Molecular, and Optical Physics (2006), ch. 11: nonrelativistic total
# energies of helium, hartree, infinite nuclear mass
DRAKE = {
    "1 1S": -2.903724377034,
    "2 3S": -2.175229378237,
    "2 1S": -2.145974046054,
    "2 3P": -2.133164190779,
    "2 1P": -2.123843086498,
    "3 3S": -2.068689067472,
    "3 1S": -2.061271989741,
    "3 3P": -2.058081084274,
    "3 1P": -2.055146362092,
}
CURVE_NOTE = "the exact E(w) is linear in the weight, so its slope is this excitation energy at every weight"
LEVEL = "exact nonrelativistic, infinite nuclear mass"


def entry(system: str, name: str) -> str:
    return f"{system}_{name.replace(' ', '_')}"


def exact(z: float, name: str) -> tuple[float, float]:
    """Total energy and its uncertainty, hartree."""
    energy = solve_state(z, multiplet(name), DEGREE).energy
    return energy, abs(energy - solve_state(z, multiplet(name), SMALLER).energy)


def write(folder: Path) -> None:
    entries, references, curves = [], [], []
    for system, z in SYSTEMS.items():
        ground, ground_error = exact(z, str(GROUND))
        for name in STATES:
            subsets = ["low" if name.startswith("2") else "rydberg", "helium" if system == "he" else "ions"]
            if subsets == ["low", "helium"]:
                subsets.append("small")
            tags = ["triplet" if "3" in name.split()[1] else "singlet", "s_state" if name.endswith("S") else "p_state"]
            entries.append([entry(system, name), f"{system}:1", name, " ".join(subsets), " ".join(tags), "", "", ""])
            energy, error = exact(z, name)
            references.append(
                [
                    entry(system, name),
                    "exact",
                    f"{energy - ground:.10f}",
                    "hartree",
                    f"{max(error + ground_error, 1e-10):.1e}",
                    "estimate",
                    LEVEL,
                    "10.1103/PhysRev.112.1649",
                    f"edft-exact?degree={DEGREE}, this project",
                    "current",
                    "",
                ]
            )
            if "small" in subsets:
                for weight in CURVE_WEIGHTS:
                    point, curve = f"{entry(system, name)}_w{weight}", entry(system, name)
                    label = f"{name} w={weight}"
                    curves.append([point, f"{system}:1", label, "weight_curves", " ".join(tags), curve, weight, ""])
                    references.append([point, *references[-1][1:-1], CURVE_NOTE])
            print(entry(system, name), f"{energy - ground:.10f} ± {error + ground_error:.1e}", flush=True)
            if system == "he":
                value = DRAKE[name] - DRAKE["1 1S"]
                references.append(
                    [
                        entry(system, name),
                        "literature",
                        f"{value:.12f}",
                        "hartree",
                        "1e-12",
                        "rounding",
                        LEVEL,
                        "10.1007/978-0-387-26308-3_11",
                        f"tables of total energies: E({name}) - E(1 1S)",
                        "current",
                        "",
                    ]
                )
    header = "id stoichiometry state subset tags curve coordinate coordinate_unit"
    save(folder / "entries.csv", header.split(), entries + curves)
    columns = "entry set value unit uncertainty uncertainty_kind level_of_theory source_doi source_place status note"
    save(folder / "references.csv", columns.split(), sorted(references, key=lambda row: row[1]))


def save(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with open(path, "w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
