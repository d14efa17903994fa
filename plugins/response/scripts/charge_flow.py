"""Makes systems.xyz, entries.csv and references.csv of benchmark `charge_flow`:

    python plugins/response/scripts/charge_flow.py FOLDER

References are full CI in 6-31G, of the level atomic-response; their uncertainty is that of the finite potentials.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from tables import save

from qmbench import Molecule, Resources, parse_level

BOHR = 0.529177210903
LEVEL = "atomic-response?level=fci/6-31g"
# Bohr. The distances of the diatomics are round ones near the measured equilibria, or stretched.
MOLECULES = {
    "h2": Molecule(("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 0, 1),
    "h2_stretched": Molecule(("H", "H"), ((0, 0, 0), (0, 0, 3.0)), 0, 1),
    "helium_hydride": Molecule(("He", "H"), ((0, 0, 0), (0, 0, 1.46)), 1, 1),
    "lih": Molecule(("Li", "H"), ((0, 0, 0), (0, 0, 3.0)), 0, 1),
    "lih_stretched": Molecule(("Li", "H"), ((0, 0, 0), (0, 0, 6.0)), 0, 1),
    "beh2": Molecule(("H", "Be", "H"), ((0, 0, -2.5), (0, 0, 0), (0, 0, 2.5)), 0, 1),
    "hf": Molecule(("H", "F"), ((0, 0, 0), (0, 0, 1.73)), 0, 1),
}
STRETCHED = ("h2_stretched", "lih_stretched")


def main(folder: Path) -> None:
    """Write the three files."""
    frames, entries, references = [], [], []
    for name, molecule in MOLECULES.items():
        frames.append(f"{molecule.n_parts}\nname={name} charge={molecule.charge} multiplicity=1\n")
        frames += [f"{s} {x * BOHR:.10f} {y * BOHR:.10f} {z * BOHR:.10f}\n"
                   for s, (x, y, z) in zip(molecule.symbols, molecule.positions, strict=True)]  # fmt: skip
        with tempfile.TemporaryDirectory() as scratch:
            resources = Resources(cores=1, artifacts=Path(scratch) / "artifacts", scratch=Path(scratch) / "scratch")
            found = parse_level(LEVEL).make().run(molecule, ("charge_flow", "charge_flow_norm", "polarizability"),
                                                  resources).properties  # fmt: skip
        flow, norm, alpha = (found[key] for key in ("charge_flow", "charge_flow_norm", "polarizability"))
        numbers = {
            "bond_flow": (-flow.value[0][1], flow.uncertainty[0][1], "e2/hartree"),
            "charge_flow_norm": (norm.value, norm.uncertainty, "e2/hartree"),
            "polarizability": (np.trace(alpha.value) / 3, np.linalg.norm(np.diag(alpha.uncertainty)) / 3, "bohr3"),
        }
        for what, (value, spread, unit) in numbers.items():
            subset = "stretched" if name in STRETCHED else "equilibrium"
            entries.append([f"{name}_{what}", f"{name}:1", what, subset])
            place = f"{LEVEL}, plugins/response/scripts/charge_flow.py"
            row = [f"{name}_{what}", "FCI", f"{value:.6f}", unit, f"{spread + 1e-6:.1e}", "estimate"]
            references.append([*row, "FCI/6-31G", "", place, "current"])
    (folder / "systems.xyz").write_text("".join(frames))
    save(folder, entries, references)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
