"""From a file as another program writes it to the energy: the number is that of the geometry that the file declares."""

from __future__ import annotations

import pytest

from qmbench import read_system

ATOMS = (
    ("O", 15.999, 0.0, 0.0, 0.11779),
    ("H", 1.008, 0.0, 0.755453, -0.471161),
    ("H", 1.008, 0.0, -0.755453, -0.471161),
)
BOHR = 0.529177210903


@pytest.mark.parametrize(
    ("words", "row"),
    [
        ("", lambda s, m, *x: (s, *x)),
        ("Properties=species:S:1:mass:R:1:pos:R:3", lambda s, m, *x: (s, m, *x)),
        ("Properties=pos:R:3:Z:I:1", lambda s, m, *x: (*x, {"O": 8, "H": 1}[s])),
        ("units=bohr", lambda s, m, *x: (s, *(c / BOHR for c in x))),
    ],
)
def test_water_has_one_energy(tmp_path, run, words, row):
    """-74.96315 hartree, RHF/STO-3G; with the masses read as x it was -74.569."""
    path = tmp_path / "water.xyz"
    lines = "\n".join(" ".join(map(str, row(*atom))) for atom in ATOMS)
    path.write_text(f"3\n{words} charge=0 multiplicity=1\n{lines}\n")
    assert run("hf/sto-3g", read_system(path)).properties["energy"].value == pytest.approx(-74.9631468, abs=2e-6)
