"""Makes systems.toml, entries.csv and references.csv of benchmark `response_models`:

    python plugins/response/scripts/response_models.py FOLDER

Polarizabilities in traps are 2/ω², whatever the interaction (Kohn, Phys. Rev. 123, 1242 (1961); Dobson, Phys. Rev.
Lett. 73, 2244 (1994)). Everything else is exact by diagonalization on a finer and wider grid than that of the systems,
101 points; the uncertainty is what the grid of the systems changes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from tables import save

from qmbench_response.line.methods import norm
from qmbench_response.line.response import exact, polarizability
from qmbench_response.line.system import ElectronsOnALine

SYSTEMS = {
    "soft_helium": ElectronsOnALine(charge=2.0, box=12.0, points=61),
    "soft_lithium_ion": ElectronsOnALine(charge=3.0, box=9.0, points=61),
    "soft_beryllium_dication": ElectronsOnALine(charge=4.0, box=8.0, points=61),
    "trap_weak": ElectronsOnALine(omega=0.5, interaction=0.2, box=9.0, points=51),
    "trap": ElectronsOnALine(omega=0.5, box=9.0, points=51),
    "trap_strong": ElectronsOnALine(omega=0.5, interaction=5.0, box=11.0, points=55),
    "trap_wide": ElectronsOnALine(omega=0.25, box=14.0, points=55),
    "trap_tight": ElectronsOnALine(omega=1.0, box=7.0, points=51),
}
SCRIPT = "exact diagonalization with 101 points, plugins/response/scripts/response_models.py"
THEOREM = "harmonic potential theorem: 2 over the square of the trap's frequency"
# Hartree: what diagonalization and the finite box leave.
ROUNDING = 1e-9


def numbers(system: ElectronsOnALine) -> tuple[float, float, float]:
    """Energy, static polarizability and norm of the static response."""
    line = system.line
    found = exact(line)
    response = found.response(0.0)
    return found.energy, polarizability(line.x, response), norm(line, response / line.spacing**2)


def main(folder: Path) -> None:
    """Write the three files."""
    tables, entries, references = [], [], []
    for name, system in SYSTEMS.items():
        keys = {k: getattr(system, k) for k in ("charge", "omega", "interaction", "softening", "box", "points")}
        tables.append(f'[{name}]\nkind = "{system.kind}"\n' + "".join(f"{k} = {v}\n" for k, v in keys.items()))
        own, fine = numbers(system), numbers(replace(system, box=system.box * 1.15, points=101))
        subset = "traps" if system.omega else "atoms"
        units = ("hartree", "bohr3", "hartree-1 bohr-1")
        whats = ("total_energy", "dynamic_polarizability", "response_norm")
        for what, unit, value, here in zip(whats, units, fine, own, strict=True):
            entry, at, level = f"{name}_{what}", ("0", "hartree"), "exact"
            spread = f"{abs(value - here) + ROUNDING * max(1.0, abs(value)):.1e}"
            place, text, kind = SCRIPT, f"{value:.9f}", "estimate"
            if what == "dynamic_polarizability" and system.omega:
                place, text, spread, kind = THEOREM, f"{2 / system.omega**2:g}", "", ""
            entries.append([entry, f"{name}:1", what, subset, *(at if what == "dynamic_polarizability" else ("", ""))])
            references.append([entry, "exact", text, unit, spread, kind, level, "", place, "current", ""])
        entry = f"{name}_response_difference"
        entries.append([entry, f"{name}:1", "response_difference", subset, "", ""])
        references.append([entry, "exact", "0", "", "", "", "exact", "", "by definition", "current", ""])
    (folder / "systems.toml").write_text("\n".join(tables))
    save(folder, entries, references, (",coordinate,coordinate_unit", ",note"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
