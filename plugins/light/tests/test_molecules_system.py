"""The kind of system molecule_in_cavity: reading, refusing, lint, picture."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from qmbench import InputError, Molecule, read_system
from qmbench_light.molecules.system import Mode, MoleculeInCavity

XYZ = "2\ncharge=0 multiplicity=1\nLi 0 0 0\nH 0 0 1.5\n"
TOML = """kind = "molecule_in_cavity"
molecule = "sub/lih.xyz"

[[modes]]
frequency = 0.12086
coupling = [0, 0, 0.05]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "lih.xyz").write_text(XYZ)
    (tmp_path / "lih.toml").write_text(TOML)
    return tmp_path


def test_read(folder):
    system = read_system(folder / "lih.toml")
    assert isinstance(system, MoleculeInCavity)
    assert system.modes == (Mode(0.12086, (0.0, 0.0, 0.05)),)
    assert system.molecule.symbols == ("Li", "H")
    assert system.zero_point == pytest.approx(0.06043)
    assert "HLi, 4 electrons, singlet; cavity of one mode: ω 0.12086 hartree, λ (0, 0, 0.05)" in system.describe()
    assert system.composition == {"Li": 1, "H": 1}
    again = MoleculeInCavity.from_json(system.to_json())
    assert again == system
    assert again.hash == system.hash


def test_hash(folder):
    system = read_system(folder / "lih.toml")
    renamed = MoleculeInCavity(Molecule(("Li", "H"), system.molecule.positions, 0, 1, name="x"), system.modes, name="y")
    assert renamed.hash == system.hash
    others = [Mode(0.13, (0.0, 0.0, 0.05)), Mode(0.12086, (0.0, 0.05, 0.0))]
    assert len({MoleculeInCavity(system.molecule, (mode,)).hash for mode in others} | {system.hash}) == 3


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.12086", "-0.1", "lih.toml, line 5: mode 1: frequency must be positive"),
        ("0.12086", "nan", "line 5: mode 1: frequency must be positive"),
        ("0.12086", '"a"', "line 5: mode 1: frequency must be a number"),
        ("[0, 0, 0.05]", "[0, 0.05]", "line 6: mode 1: coupling has three components"),
        ("[0, 0, 0.05]", "0.05", "line 6: mode 1: coupling must be a list"),
        ("[0, 0, 0.05]", "[0, 0, inf]", "line 6: mode 1: coupling must be finite"),
        ("coupling", "lambda", "mode 1: unknown key 'lambda'"),
        ("coupling = [0, 0, 0.05]", "", "mode 1: missing coupling"),
        ("sub/lih.xyz", "nowhere.xyz", "line 2: can't read"),
        ("molecule = ", "molecul = ", "unknown key 'molecul'; did you mean 'molecule'?"),
        ('"sub/lih.xyz"', "3", "line 2: molecule is the name of a file"),
        ('"sub/lih.xyz"', '"dot.dot"', "line 2"),
        ("[[modes]]", "[modes]", "modes are tables, each under \\[\\[modes\\]\\]"),
        ("[[modes]]\nfrequency = 0.12086\ncoupling = [0, 0, 0.05]", "modes = []", "one mode or more"),
        (TOML[TOML.index("[[modes]]") :], "", "missing modes"),
    ],
)
def test_wrong(folder, old, new, message):
    assert old in TOML
    (folder / "lih.toml").write_text(TOML.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as error:
        read_system(folder / "lih.toml")
    assert "\n" not in str(error.value)


def test_a_second_mode_is_named_by_its_number(folder):
    (folder / "lih.toml").write_text(TOML + "\n[[modes]]\nfrequency = 0.0\ncoupling = [0, 0, 0.05]\n")
    with pytest.raises(InputError, match=r"lih\.toml: mode 2: frequency must be positive"):
        read_system(folder / "lih.toml")


def test_not_a_molecule(folder):
    with pytest.raises(InputError, match="no electrons"):
        MoleculeInCavity(Molecule(("H",), ((0, 0, 0),), 1, 1), (Mode(0.1, (0.0, 0.0, 0.1)),))
    crystal = 'charge=0 multiplicity=1 pbc="T T T" Lattice="5 0 0 0 5 0 0 0 5"'
    (folder / "sub" / "lih.xyz").write_text(f"1\n{crystal}\nAr 0 0 0\n")
    with pytest.raises(InputError, match="is a crystal, not a molecule"):
        read_system(folder / "lih.toml")


def test_oddities(folder):
    system = read_system(folder / "lih.toml")
    assert not list(system.oddities())
    odd = MoleculeInCavity(system.molecule, (Mode(4.75, (0.0, 0.0, 0.5)), Mode(0.1, (0.0, 0.0, 0.0))))
    frequency, coupling, zero = odd.oddities()
    assert "4.75 hartree, 129 eV" in frequency
    assert "a cavity of 50.3 bohr3" in coupling
    assert "mode 2 is not coupled" in zero


def test_picture(folder):
    picture = read_system(folder / "lih.toml").figure()
    root = ET.fromstring(picture)
    assert len([e for e in root if e.tag.endswith("rect")]) == 2
    text = "".join(root.itertext())
    assert "ω = 0.1209 hartree" in text
    inner = next(e for e in root if e.tag.endswith("svg"))
    assert float(inner.get("x")) + float(inner.get("width")) < float(root.get("width"))


def test_command_line(folder):
    command = [sys.executable, "-c", "from qmbench.cli import main; main()", "compute", "qed-hf/sto-3g", "lih.toml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "7.859286161" in done.stdout
    (folder / "lih.toml").write_text(TOML.replace("0.12086", "0"))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "lih.toml, line 5: mode 1: frequency must be positive" in done.stderr
    assert "Traceback" not in done.stderr
