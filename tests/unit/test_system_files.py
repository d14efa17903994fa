"""Files: what is read is what was written, and every complaint names the file and the line."""

from __future__ import annotations

import re

import ase.io
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmbench import Crystal, Fragment, InputError, LatticeModel, Molecule, read_system
from qmbench.domain.systems.files import key_lines
from qmbench.domain.systems.xyz import parse_fragments, parse_xyz
from qmbench.domain.units import BOHR_IN_ANGSTROM

WATER = """3
charge=0 multiplicity=1
O  0.000000  0.000000  0.117790
H  0.000000  0.755453 -0.471161
H  0.000000 -0.755453 -0.471161
"""
DIMER = '3\ncharge=1 multiplicity=1 fragments="1:1:1 2-3:0:1"\nLi 0 0 0\nH 0 0 2\nH 0 0 2.74\n'
HUBBARD = """kind = "hubbard"
lattice = [4, 2]
boundary = ["periodic", "open"]
t = 1.0
u = 4.0
electrons = 6
multiplicity = 1
"""


def write(tmp_path, text, name="x.xyz"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_xyz_is_read_in_bohr(tmp_path):
    path = write(tmp_path, WATER, "water.xyz")
    system = read_system(path)
    assert isinstance(system, Molecule)
    assert system.name == "water"
    assert (system.symbols, system.charge, system.multiplicity) == (("O", "H", "H"), 0, 1)
    atoms = ase.io.read(path, format="xyz")
    np.testing.assert_allclose(system.coordinates * BOHR_IN_ANGSTROM, atoms.positions, atol=1e-12)


def test_fragments_are_read(tmp_path):
    system = read_system(write(tmp_path, DIMER))
    assert system.fragments == (Fragment((0,), 1, 1), Fragment((1, 2), 0, 1))
    assert system.charge == 1


def test_trailing_blank_lines_extra_columns_and_unknown_keys_do_no_harm(tmp_path):
    text = "1\ncharge=0 multiplicity=2 title='the atom'\nH 0 0 0 0.1 0.2\n\n\n"
    assert read_system(write(tmp_path, text)).multiplicity == 2


def test_windows_line_ends_and_byte_order_mark_do_no_harm(tmp_path):
    path = tmp_path / "dos.xyz"
    path.write_bytes(b"\xef\xbb\xbf" + WATER.replace("\n", "\r\n").encode())
    assert read_system(path).symbols == ("O", "H", "H")


@given(st.lists(st.tuples(*[st.floats(-9, 9)] * 3), min_size=1, max_size=4))
def test_written_coordinates_come_back(positions):
    positions = [(10.0 * i + x / 9, y, z) for i, (x, y, z) in enumerate(positions)]
    text = f"{len(positions)}\ncharge=0 multiplicity=1\n"
    text += "".join(f"He {x!r} {y!r} {z!r}\n" for x, y, z in positions)
    read = np.array(parse_xyz(text, "text", "t").positions) * BOHR_IN_ANGSTROM
    np.testing.assert_allclose(read, positions, rtol=1e-15, atol=1e-300)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "the first line of an XYZ file is the number of atoms"),
        ("water\n" + WATER, 1, "the first line of an XYZ file is the number of atoms"),
        (WATER.replace("3\n", "4\n", 1), 1, "4 atoms announced, 3 lines of atoms found"),
        (WATER.replace("3\n", "2\n", 1), 1, "2 atoms announced, 3 lines of atoms found"),
        ("-1\ncharge=0 multiplicity=1\n", 1, "one atom or more"),
        ("0\ncharge=0 multiplicity=1\n", 1, "one atom or more"),
        ("3\n", 1, "3 atoms announced, 0 lines"),
        (WATER.replace("charge=0 ", ""), 2, "'charge=' is missing"),
        (WATER.replace(" multiplicity=1", ""), 2, "'multiplicity=' is missing"),
        (WATER.replace("charge=0", "charge=neutral"), 2, "charge must be a whole number, not 'neutral'"),
        (WATER.replace("charge=0", "charge=0.5"), 2, "charge must be a whole number, not '0.5'"),
        (WATER.replace("multiplicity=1", "multiplicity=singlet"), 2, "multiplicity must be a whole number"),
        (WATER.replace("multiplicity=1", 'multiplicity=1 title="water'), 2, "comment line"),
        (WATER.replace("charge=0", "charge=0 charge=1"), 2, "'charge=' is given twice"),
        (WATER.replace("multiplicity=1", "multiplicity=2"), 2, "multiplicity 2 is impossible with 10 electrons"),
        (WATER.replace("charge=0", "charge=11"), 2, "charge 11 leaves -1 electrons"),
        (WATER.replace("0.117790", "nan"), 3, "not a finite number"),
        (WATER.replace("0.755453 ", "inf "), 4, "not a finite number"),
        (WATER.replace("0.755453 ", "0,755453 "), 4, "a symbol and three numbers"),
        (WATER.replace("H  0.000000  0.755453 -0.471161", "H  0.000000  0.755453"), 4, "a symbol and three numbers"),
        (WATER.replace("H  0.000000  0.755453 -0.471161", ""), 4, "a symbol and three numbers"),
        (WATER.replace("H  0.000000 -0.755453", "H  0.000000  0.755453"), 5, "atoms 2 and 3 are on one spot"),
        (WATER.replace("O ", "Q "), 3, "unknown element 'Q'"),
        (WATER.replace("O ", "Oo "), 3, "unknown element 'Oo'; did you mean 'O'"),
        (DIMER.replace("2-3:0:1", "2-4:0:1"), 2, "names atoms outside 1-3"),
        (DIMER.replace("2-3:0:1", "0-3:0:1"), 2, "names atoms outside 1-3"),
        (DIMER.replace("2-3:0:1", "2-3:0"), 2, "a fragment is ATOMS:CHARGE:MULTIPLICITY"),
        (DIMER.replace("2-3:0:1", "2:0:2"), 2, "each of the 3 atoms exactly once"),
        (DIMER.replace("2-3:0:1", "3-2:0:1"), 2, "3-2"),
        (DIMER.replace("2-3:0:1", "2-3:1:2"), 2, "charges add up to 2"),
        (DIMER.replace("2-3:0:1", "2-3:0:2"), 2, "fragment 2: multiplicity 2 is impossible with 2 electrons"),
        (DIMER.replace("2-3:0:1", "2-3-4:0:1"), 2, "atom numbers"),
        (DIMER.replace("2-3:0:1", ",:0:1"), 2, "atom numbers"),
    ],
)
def test_a_malformed_xyz_names_file_and_line(tmp_path, text, line, message):
    path = write(tmp_path, text, "bad.xyz")
    with pytest.raises(InputError) as caught:
        read_system(path)
    assert str(caught.value).startswith(f"{path}, line {line}: "), str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lattice_is_read(tmp_path):
    system = read_system(write(tmp_path, HUBBARD, "h.toml"))
    assert system == LatticeModel((4, 2), ("periodic", "open"), 1.0, 4.0, 6, 1)
    assert system.name == "h"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("t = 1.0", "t = ", 4, "malformed TOML"),
        ("lattice = [4, 2]", "lattice = [4, 2", 3, "malformed TOML"),
        ("u = 4.0", "v = 4.0", 5, "unknown key 'v'"),
        ("electrons = 6", "electron = 6", 6, "unknown key 'electron'; did you mean 'electrons'"),
        ("electrons = 6", "electrons = 6.5", 6, "electrons must be a whole number, not 6.5"),
        ("electrons = 6", "electrons = true", 6, "electrons must be a whole number, not True"),
        ("electrons = 6", "electrons = 60", 6, "60 electrons do not fit on 8 sites"),
        ("multiplicity = 1", "multiplicity = 2", 7, "multiplicity 2 is impossible with 6 electrons"),
        ("lattice = [4, 2]", "lattice = [4.5, 2]", 2, "must be a whole number, not 4.5"),
        ("lattice = [4, 2]", "lattice = 8", 2, "lattice must be a list"),
        ('["periodic", "open"]', '["periodic"]', 3, "one boundary condition per direction (2), not 1"),
        ('["periodic", "open"]', '"periodic"', 3, "boundary must be a list"),
        ('["periodic", "open"]', '["periodic", "opne"]', 3, "unknown boundary 'opne'; did you mean 'open'"),
        ("u = 4.0", "u = nan", 5, "must be finite"),
        ("u = 4.0", 'u = "four"', 5, "u must be a number, not 'four'"),
        ("u = 4.0", "u = true", 5, "u must be a number, not True"),
        ("u = 4.0", "u = 4.0\nonsite = [1.0]", 6, "onsite needs one energy per site (8), not 1"),
        ("u = 4.0", "u = 4.0\nonsite = 'up'", 6, "onsite must be a list, not 'up'"),
        ("u = 4.0", "u = 4.0\ntwist = [0.1, 0.1]", 6, "open direction"),
    ],
)
def test_a_malformed_lattice_names_file_and_line(tmp_path, old, new, line, message):
    path = write(tmp_path, HUBBARD.replace(old, new), "bad.toml")
    with pytest.raises(InputError) as caught:
        read_system(path)
    assert str(caught.value).startswith(f"{path}"), str(caught.value)
    assert f"line {line}" in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_kind_names_those_there_are(tmp_path):
    path = write(tmp_path, HUBBARD.replace('kind = "hubbard"', 'kind = "heisenberg"'), "bad.toml")
    with pytest.raises(InputError) as caught:
        read_system(path)
    others = r'( or "\w+")*'  # of installed plugins
    assert re.fullmatch(f"{path}, line 1: kind = \"hubbard\"{others} is needed, not 'heisenberg'", str(caught.value))


@pytest.mark.parametrize("key", ["lattice", "boundary", "t", "u", "electrons", "multiplicity"])
def test_every_key_of_a_lattice_is_required(tmp_path, key):
    text = "".join(line + "\n" for line in HUBBARD.splitlines() if not line.startswith(f"{key} "))
    path = write(tmp_path, text, "bad.toml")
    with pytest.raises(InputError, match=f"bad.toml: missing {key}"):
        read_system(path)


def test_missing_unreadable_binary_and_unknown_files(tmp_path):
    with pytest.raises(InputError, match=r"can't read .*none\.xyz: No such file"):
        read_system(tmp_path / "none.xyz")
    (tmp_path / "folder.xyz").mkdir()
    with pytest.raises(InputError, match=r"can't read .*folder\.xyz: Is a directory"):
        read_system(tmp_path / "folder.xyz")
    (tmp_path / "binary.xyz").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match=r"binary\.xyz: not a text file"):
        read_system(tmp_path / "binary.xyz")
    with pytest.raises(InputError, match=r"an \.xyz or an \.extxyz or a \.toml file"):
        read_system(write(tmp_path, WATER, "water.pdb"))


def test_parse_fragments():
    assert parse_fragments("1-3:0:1 4,6-8:-1:2 5:1:1", "w", 8) == (
        Fragment((0, 1, 2), 0, 1),
        Fragment((3, 5, 6, 7), -1, 2),
        Fragment((4,), 1, 1),
    )
    assert parse_fragments("", "w", 3) == ()


def test_lines_of_keys_know_their_section():
    text = '# a comment\n[ring]\nkind = "hubbard"\nu = 1.0\n\n["ladder"]  # another\nkind = "hubbard"\nu = 2.0\n'
    assert key_lines(text, "ring") == {"kind": 3, "u": 4}
    assert key_lines(text, "ladder") == {"kind": 7, "u": 8}
    assert key_lines(text) == {}


ARGON = '1\ncharge=0 multiplicity=1 pbc="T T T" Lattice="0.0 2.63 2.63 2.63 0.0 2.63 2.63 2.63 0.0"\nAr 0.1 0.2 0.3\n'


def test_a_crystal_is_what_ase_reads_and_writes(tmp_path):
    path = write(tmp_path, ARGON)
    crystal, atoms = read_system(path), ase.io.read(path, format="extxyz")
    assert isinstance(crystal, Crystal)
    assert (crystal.symbols, crystal.charge, crystal.multiplicity) == (("Ar",), 0, 1)
    np.testing.assert_allclose(crystal.lattice_vectors * BOHR_IN_ANGSTROM, atoms.cell[:], atol=1e-12)
    np.testing.assert_allclose(crystal.coordinates * BOHR_IN_ANGSTROM, atoms.positions, atol=1e-12)
    atoms.info = {"charge": 0, "multiplicity": 1}
    ase.io.write(tmp_path / "again.xyz", atoms, format="extxyz")
    assert read_system(tmp_path / "again.xyz") == crystal


def test_a_box_around_a_molecule_is_left_aside(tmp_path):
    assert isinstance(read_system(write(tmp_path, ARGON.replace("T T T", "F F F"))), Molecule)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('pbc="T T T"', "", "line 2: 'Lattice=' without 'pbc='"),
        ('pbc="T T T"', 'pbc="T T F"', "line 2: only crystals"),
        ('pbc="T T T"', 'pbc="yes"', 'line 2: pbc is "T T T" for a crystal or "F F F" for a molecule, not "yes"'),
        ("Lattice=", "Latice=", "line 2: a crystal needs Lattice="),
        (" 2.63 2.63 0.0", " 2.63 2.63", 'nine numbers in ångström, not "0.0 2.63'),
        (" 2.63 2.63 0.0", " 2.63 2.63 x", "nine numbers in ångström, not"),
        ("pbc=", 'pbc="T T T" pbc=', "line 2: 'pbc=' is given twice"),
        ("pbc=", 'fragments="1:0:1" pbc=', "line 2: a crystal has no fragments"),
        ("0.0 2.63 2.63 2.63 0.0 2.63", "0.0 2.63 2.63 0.0 2.63 2.63", "line 2: the cell has no room"),
        ("Ar 0.1", "Aq 0.1", "line 3: unknown element 'Aq'"),
    ],
)
def test_wrong_crystals_are_refused_with_their_line(tmp_path, old, new, message):
    with pytest.raises(InputError) as caught:
        read_system(write(tmp_path, ARGON.replace(old, new)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
