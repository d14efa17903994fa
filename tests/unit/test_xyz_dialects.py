"""XYZ files as other programs and people write them: the right geometry, or a refusal that names the line."""

from __future__ import annotations

import re

import ase.io
import numpy as np
import pytest

from qmbench import Crystal, InputError, Molecule, read_system
from qmbench.domain.systems.files import SystemRegistry
from qmbench.domain.systems.xyz import parse_fragments
from qmbench.domain.systems.xyz_columns import real
from qmbench.domain.units import BOHR_IN_ANGSTROM
from qmbench.plugging.registry import plugins

STATE = "charge=0 multiplicity=1"
ATOMS = (("O", 0.0, 0.0, 0.11779), ("H", 0.0, 0.755453, -0.471161), ("H", 0.0, -0.755453, -0.471161))
PLAIN = "".join(f"{s} {x} {y} {z}\n" for s, x, y, z in ATOMS)
WATER = Molecule(tuple(a[0] for a in ATOMS), tuple(tuple(c / BOHR_IN_ANGSTROM for c in a[1:]) for a in ATOMS), 0, 1)
MASSES = {"O": 15.999, "H": 1.008}


def read(tmp_path, comment, atoms=PLAIN, name="x.xyz", count=3):
    path = tmp_path / name
    path.write_bytes(f"{count}\n{comment}\n{atoms}".encode())
    return read_system(path)


def refused(tmp_path, comment, atoms=PLAIN):
    with pytest.raises(InputError) as caught:
        read(tmp_path, comment, atoms)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(tmp_path / "x.xyz"))


def same(system, other=WATER):
    np.testing.assert_allclose(system.coordinates, other.coordinates, atol=1e-12)
    return system.symbols == other.symbols


def lines(row):
    return "".join(" ".join(map(str, row(*atom))) + "\n" for atom in ATOMS)


@pytest.mark.parametrize(
    ("properties", "row"),
    [
        ("species:S:1:pos:R:3", lambda s, x, y, z: (s, x, y, z)),
        ("species:S:1:mass:R:1:pos:R:3", lambda s, x, y, z: (s, MASSES[s], x, y, z)),
        ("pos:R:3:species:S:1", lambda s, x, y, z: (x, y, z, s)),
        ("id:I:1:species:S:1:pos:R:3:forces:R:3:velo:R:3", lambda s, x, y, z: (7, s, x, y, z, *range(6))),
        ("move_mask:L:1:forces:R:3:species:S:1:pos:R:3", lambda s, x, y, z: ("T", 9, 8, 7, s, x, y, z)),
        ("Z:I:1:pos:R:3", lambda s, x, y, z: ({"O": 8, "H": 1}[s], x, y, z)),
        ("species:S:1:pos:R:3:Z:I:1", lambda s, x, y, z: (s, x, y, z, {"O": 8, "H": 1}[s])),
        ("element:S:1:Position:R:3", lambda s, x, y, z: (s, x, y, z)),
    ],
)
def test_declared_columns_are_those_that_are_read(tmp_path, properties, row):
    assert same(read(tmp_path, f"Properties={properties} {STATE}", lines(row)))
    assert same(read(tmp_path, f'{STATE} properties="{properties}"', lines(row)))


def test_what_ase_writes_with_further_arrays_is_read_as_ase_reads_it(tmp_path):
    atoms = ase.Atoms([a[0] for a in ATOMS], [a[1:] for a in ATOMS], info={"charge": 0, "multiplicity": 1})
    atoms.set_masses([15.0, 1.0, 2.0])
    atoms.set_array("forces", np.full((3, 3), 5.0))
    atoms.set_velocities(np.full((3, 3), 2.0))
    columns = ["symbols", "positions", "masses", "forces", "momenta", "numbers"]
    ase.io.write(tmp_path / "x.extxyz", atoms, format="extxyz", columns=columns)
    assert "pos:R:3:masses:R:1" in (tmp_path / "x.extxyz").read_text()
    assert same(read_system(tmp_path / "x.extxyz"))


MASS = lines(lambda s, x, y, z: (s, MASSES[s], x, y, z))
TWICE = lines(lambda s, x, y, z: (s, x, y, z, x, y, z))


@pytest.mark.parametrize(
    ("properties", "atoms", "message"),
    [
        ("species:S:1:pos:R:3", MASS, ", line 3: 5 columns where 'Properties=' declares 4"),
        ("species:S:1:mass:R:1:pos:R:3", PLAIN, ", line 3: 4 columns where 'Properties=' declares 5"),
        ("species:S:1:pos:R:3:unwrapped_pos:R:3", TWICE, "line 2: both 'pos' and 'unwrapped_pos' may be the positions"),
        ("species:S:1:pos:R:3:frac:R:3", TWICE, "line 2: both 'pos' and 'frac'"),
        ("species:S:1:pos:R:3:positions:R:3", TWICE, "line 2: Properties= declares two columns of positions"),
        ("species:S:1:pos:R:3:pos:R:3", TWICE, "line 2: Properties= declares the column 'pos' twice"),
        ("species:S:1:mass:R:3", PLAIN, "line 2: Properties= declares no column of positions (pos:R:3)"),
        ("mass:R:1:pos:R:3", PLAIN, "line 2: Properties= declares no column of elements (species:S:1)"),
        ("species:S:1:pos:R:2", PLAIN, "line 2: 'pos' is three numbers: pos:R:3"),
        ("species:S:1:pos:S:3", PLAIN, "line 2: 'pos' is three numbers: pos:R:3"),
        ("species:S:2:pos:R:3", MASS, "line 2: 'species' is one word: species:S:1"),
        ("species:S:1:pos", PLAIN, "line 2: Properties= is NAME:TYPE:COLUMNS"),
        ("species:S:1:pos:R:x", PLAIN, "line 2: Properties= is NAME:TYPE:COLUMNS"),
        ("species:S:1:pos:R:99999999999", PLAIN, "line 2: Properties= is NAME:TYPE:COLUMNS"),
        ("species:Q:1:pos:R:3", PLAIN, "line 2: Properties= is NAME:TYPE:COLUMNS"),
        ("", PLAIN, "line 2: Properties= is NAME:TYPE:COLUMNS"),
        ("pos:R:3:species:S:1", PLAIN, "line 3: an atom is a symbol and three numbers (columns 4 and 1 to 3)"),
        (
            "species:S:1:pos:R:3:ghost:L:1",
            lines(lambda *a: (*a, "F")),
            "line 2: the column 'ghost' may be about the nuc",
        ),
        ("species:S:1:pos:R:3:Z:I:1", lines(lambda *a: (*a, 1)), "line 3: 'O' has not the atomic number 1"),
    ],
)
def test_columns_that_are_not_clear_are_refused_with_their_line(tmp_path, properties, atoms, message):
    assert message in refused(tmp_path, f'{STATE} Properties="{properties}"', atoms)


@pytest.mark.parametrize(
    "word", ["units=bohr", "unit=Bohr", 'units="a.u."', "Units=au", "length_unit=bohr", "units = bohr"]
)
def test_a_file_in_bohr_is_read_in_bohr(tmp_path, word):
    bohr = lines(lambda s, x, y, z: (s, x / BOHR_IN_ANGSTROM, y / BOHR_IN_ANGSTROM, z / BOHR_IN_ANGSTROM))
    assert same(read(tmp_path, f"{STATE} {word}", bohr))
    assert same(read(tmp_path, f"{word} {STATE}", bohr))


def test_the_cell_of_a_file_in_bohr_is_in_bohr(tmp_path):
    crystal = read(tmp_path, f'{STATE} units=bohr pbc="T T T" Lattice="9 0 0 0 9 0 0 0 9"', "Ar 1 2 3\n", count=1)
    assert isinstance(crystal, Crystal)
    assert (crystal.cell[0], crystal.positions[0]) == ((9.0, 0.0, 0.0), (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    "word", ["units=angstrom", "unit=Å", 'units="Angstroms"', "energy_unit=hartree", "force_units=bohr"]
)
def test_a_file_in_angstrom_may_say_so(tmp_path, word):
    assert same(read(tmp_path, f"{STATE} {word}"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("units=nm", "line 2: the unit of length is units=angstrom or units=bohr, not units=nm"),
        ("units=", "line 2: the unit of length is units=angstrom or units=bohr, not units="),
        ("units=bohr units=bohr", "line 2: 'units=' is given twice"),
        ("units=bohr unit=angstrom", "line 2: 'units=' is given twice"),
        ("units=bohr length_unit=angstrom", "line 2: two units of length are given, by units and length_unit"),
        ("unitsystem=si", "line 2: what 'unitsystem=si' is the unit of is not clear"),
        ("all coordinates in bohr", "line 2: 'bohr' in the comment line may be about the coordinates"),
        ("(Bohr)", "line 2: '(Bohr)' in the comment line may be about the coordinates"),
        ("geometry in a.u.", "line 2: 'a.u.' in the comment line may be about the coordinates"),
        ('title="water, in bohr"', "line 2: 'bohr' in the comment line may be about the coordinates"),
        ("positions{atomic_unit}", "line 2: 'positions{atomic_unit}' in the comment line may be about"),
        ("coordinates=fractional", "line 2: 'coordinates=fractional' may be about the geometry"),
        ('cell="10 10 10"', "line 2: 'cell=10 10 10' may be about the geometry"),
        ("scale=1.1", "line 2: 'scale=1.1' may be about the geometry"),
        ("CELL(abcABC): 10 10 10 90 90 90", "line 2: 'CELL(abcABC):' in the comment line may be about the geometry"),
        ("fractional", "line 2: 'fractional' in the comment line may be about the geometry"),
    ],
)
def test_words_that_may_be_about_the_geometry_are_refused(tmp_path, words, message):
    assert message in refused(tmp_path, f"{STATE} {words}")


@pytest.mark.parametrize(
    "comment",
    [
        f"{STATE} Hund's rule, the author's geometry",
        f"{STATE} title=O'Neil's",
        f"{STATE} title='the atom'",
        f"the 'second' water; {STATE} energy=-76.4 forces in hartree/bohr",
        "charge=0.0 multiplicity=1.0",
        "charge=+0 multiplicity=1.",
        "Charge = 0 MULTIPLICITY = 1",
        'charge="0" multiplicity="1"',
        f"{STATE} gap in hartree, units=angstrom energy -76.4 a.u.",
        f'\t{STATE}\tdipole={{1 2 3}} stress=[1, 2] virial="1 2 3"',
        f"{STATE} coordinates=cartesian",
    ],
)
def test_comment_lines_as_people_write_them(tmp_path, comment):
    system = read(tmp_path, comment)
    assert same(system)
    assert (system.charge, system.multiplicity) == (0, 1)


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("charge=0.5 multiplicity=1", "line 2: charge must be a whole number, not '0.5'"),
        ("charge=0_0 multiplicity=1", "line 2: charge must be a whole number, not '0_0'"),
        ("charge=0 multiplicity=" + "1" * 5000, "line 2: multiplicity must be a whole number"),
        ("charge=0 multiplicity=1 Charge=1", "line 2: 'charge=' is given twice"),
        ('charge=0 multiplicity=1 title="water', "line 2: 'title=' in the comment line has no closing \""),
        ("charge= multiplicity=1", "line 2: charge must be a whole number, not ''"),
        ("a = charge=0", "line 2: 'multiplicity=' is missing"),
    ],
)
def test_comment_lines_that_are_wrong(tmp_path, comment, message):
    assert message in refused(tmp_path, comment)


@pytest.mark.parametrize(
    "atoms",
    [
        PLAIN.replace("O", "o").replace("H", "h"),
        PLAIN.replace("O", "8").replace("H", "1"),
        PLAIN.replace("O 0.0", "O 0.0D+00").replace("0.755453", "7.55453D-01").replace("0.471161", "47.1161d-2"),
        PLAIN.replace(" ", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN + "\n  \n\t\n",
        PLAIN.replace("O ", "   O    "),
        PLAIN.replace("0.0 ", ".0 ").replace("0.755453", ".755453"),
    ],
)
def test_lines_of_atoms_as_programs_write_them(tmp_path, atoms):
    assert same(read(tmp_path, STATE, atoms))


@pytest.mark.parametrize("symbol", ["CL", "cl", "Cl", "17"])
def test_symbols_of_two_letters_in_any_case(tmp_path, symbol):
    assert read(tmp_path, STATE, f"H 0 0 0\n{symbol} 0 0 1.27\n", count=2).symbols == ("H", "Cl")


@pytest.mark.parametrize(
    ("old", "new"),
    [("O ", "0 "), ("O ", "119 "), ("O ", "O1 "), ("O ", "Bq "), ("O ", "X "), ("O ", "8.0 "), ("O ", "-8 ")],
)
def test_what_is_no_element_is_refused(tmp_path, old, new):
    assert f"line 3: unknown element '{new.strip()}'" in refused(tmp_path, STATE, PLAIN.replace(old, new))


@pytest.mark.parametrize("word", ["0_1", "0x1", "1,5", "1.0-102", "١", "--1"])
def test_what_is_no_number_is_refused(tmp_path, word):
    atoms = PLAIN.replace("O 0.0", f"O {word}")
    assert "line 3: an atom is a symbol and three numbers" in refused(tmp_path, STATE, atoms)


def test_deuterium_and_tritium_are_hydrogen_and_that_is_said(tmp_path):
    heavy = read(tmp_path, STATE, PLAIN.replace("H", "D", 1).replace("H", "t", 1))
    assert same(heavy)
    assert [note.split(" is ")[0] for note in heavy.notes] == ["deuterium (D)", "tritium (T)"]
    assert heavy.hash == WATER.hash
    assert heavy == WATER
    again = plugins().systems.from_json(heavy.to_json())
    assert again.notes == heavy.notes
    assert WATER.notes == ()
    assert "notes" not in WATER.to_json()


def test_a_note_on_a_file_is_said_of_that_file_alone(tmp_path):
    """Both files are one system and share the record, whoever came first; only of one there is something to say."""
    import qmbench

    (tmp_path / "light.xyz").write_text("2\ncharge=0 multiplicity=1\nH 0 0 0\nH 0 0 0.74\n")
    (tmp_path / "heavy.xyz").write_text("2\ncharge=0 multiplicity=1\nH 0 0 0\nD 0 0 0.74\n")
    for first, second in (("light", "heavy"), ("heavy", "light")):
        store = tmp_path / f"{first}.sqlite"
        made = {name: qmbench.compute("hf/sto-3g", tmp_path / f"{name}.xyz", store=store) for name in (first, second)}
        assert made[second].cached
        assert made["light"].warnings == ()
        assert [w.split(" is ")[0] for w in made["heavy"].warnings] == ["deuterium (D)"]


@pytest.mark.parametrize("name", ["water.XYZ", "water.extxyz", "water.ExtXYZ", "water.xyz"])
def test_endings_in_any_case(tmp_path, name):
    from qmbench.data.target import find_target

    read(tmp_path, STATE, name=name)
    assert same(find_target(str(tmp_path / name)).system)


def test_fragments_beyond_the_atoms_are_refused_at_once():
    for text in ("1-999999999999:0:1", "1-" + "9" * 5000 + ":0:1", "0:0:1", "9" * 30 + ":0:1"):
        with pytest.raises(InputError, match=r"^w: (fragment|atom numbers|a fragment)"):
            parse_fragments(text, "w", 3)


def test_more_atoms_than_are_read(tmp_path):
    with pytest.raises(InputError, match="line 1: 100001 atoms are more than the 100000 that are read"):
        read(tmp_path, STATE, "", count=100_001)
    with pytest.raises(InputError, match="line 1: the first line of an XYZ file is the number of atoms"):
        read(tmp_path, STATE, "", count="1" * 5000)


def test_the_registry_knows_the_endings():
    assert isinstance(plugins().systems, SystemRegistry)
    assert {".xyz", ".extxyz"} <= set(plugins().systems.endings)


@pytest.mark.parametrize(
    "comment", ["0 1", " +0  1 ", "* xyz 0 1", "*xyz 0 1", "0, 1", "-chrg 0 -uhf 0", "--chrg=0 --uhf=0"]
)
def test_a_line_of_charge_and_multiplicity_alone(tmp_path, comment):
    """As input files of Gaussian, ORCA and Turbomole's companions have it; a note says where they came from."""
    system = read(tmp_path, comment)
    assert same(system)
    assert (system.charge, system.multiplicity) == (0, 1)
    (note,) = system.notes
    assert note == f"charge 0 and multiplicity 1 were read from '{' '.join(comment.split())}' in line 2"


def test_unpaired_electrons_are_not_the_multiplicity(tmp_path):
    assert read(tmp_path, "-chrg 0 -uhf 2").multiplicity == 3
    assert read(tmp_path, "0 3").multiplicity == 3


@pytest.mark.parametrize("comment", ["0", "0 1 2", "0 1 water", "0.0 1", "frame 0 1", "* xyzfile 0 1"])
def test_other_numbers_are_no_charge(tmp_path, comment):
    assert "'charge=' is missing" in refused(tmp_path, comment)


def test_an_impossible_pair_is_refused(tmp_path):
    assert "multiplicity 2 is impossible with 10 electrons" in refused(tmp_path, "0 2")


def test_commas_between_words(tmp_path):
    assert same(read(tmp_path, "charge=0, multiplicity=1, basis=def2-QZVPPD"))
    assert read(tmp_path, "charge=0, multiplicity=3,").multiplicity == 3


@pytest.mark.parametrize(
    "word",
    ["1", "+1.", "-.5", "1.0D-02", "1d2", "2E3", "nan", "-NaN", "inf", "+Infinity", "1_0", "0x1", "", ".", "1e", "d"],
)
def test_a_number_is_read_as_programs_write_it(word):
    lowered = word.lower()
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([ed][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)", lowered):
        with pytest.raises(ValueError, match=f"^{re.escape(word)}$"):
            real(word)
        return
    expected = float(lowered if "n" in lowered else lowered.replace("d", "e"))
    assert repr(real(word)) == repr(expected)
