"""Databases of ASE as systems and as data sets."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect

from qmbench.api.gathered import systems_of
from qmbench.data.atoms import write_database
from qmbench.data.target import find_target, target_of
from qmbench.domain.errors import InputError
from qmbench.domain.units import BOHR_IN_ANGSTROM


@pytest.fixture
def database(tmp_path):
    """Three rows, written by ASE alone: water with its state, OH with its state and a name, neon without."""
    path = tmp_path / "set.db"
    with connect(str(path)) as db:
        db.write(Atoms("OH2", [(0, 0, 0.12), (0, 0.76, -0.47), (0, -0.76, -0.47)]), charge=0, multiplicity=1)
        db.write(Atoms("OH", [(0, 0, 0), (0, 0, 0.97)]), charge=0, multiplicity=2, name="hydroxyl")
        db.write(Atoms("Ne", [(0, 0, 0)]))
    return path


def test_a_row_is_a_system(database):
    water = find_target(f"{database}@1").system
    assert (water.symbols, water.charge, water.multiplicity, water.name) == (("O", "H", "H"), 0, 1, "set@1")
    assert water.coordinates[0, 2] == 0.12 / BOHR_IN_ANGSTROM
    radical = find_target(f"{database}#hydroxyl").system
    assert (radical.multiplicity, radical.name) == (2, "hydroxyl")
    assert target_of(f"{database}@3", 1, 2).system.charge == 1


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("set.db", "has 3 rows; write"),
        ("set.db@9", "has no rows with the id 9"),
        ("set.db@x", "'@x' is no id of a row"),
        ("set.db#nobody", "has no rows with name=nobody"),
        ("set.db@3", "the charge is missing"),
        ("none.db@1", "there is no such file"),
        ("text.db@1", "is no database of ASE"),
        ("other.db@1", "is no database of ASE"),
    ],
)
def test_refused_in_one_line(database, named, said):
    import sqlite3

    (database.parent / "text.db").write_text("nothing")
    with sqlite3.connect(database.parent / "other.db") as other:
        other.execute("CREATE TABLE x (y)")
    before = (database.parent / "other.db").read_bytes()
    with pytest.raises(InputError) as caught:
        find_target(str(database.parent / named))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (database.parent / "other.db").read_bytes() == before


def test_a_data_set_is_of_all_rows(database):
    connect(str(database)).update(3, charge=0, multiplicity=1)
    assert [s.formula for s in systems_of([str(database)]).values()] == ["H2O", "HO", "Ne"]
    assert list(systems_of([f"{database}@2"])) == [f"{database}@2"]


def test_frames_come_back_from_a_database(tmp_path):
    """Energies and forces to the last bit; text that ASE would take for a number is in `data` alone."""
    forces = np.array([[0.1, -1 / 3, 0.0], [-0.1, 1 / 3, 0.0]])
    atoms = Atoms("OH", [(0, 0, 0), (0, 0, 0.97)], info={"name": "123", "charge": 0, "multiplicity": 2, "level": "x"})
    atoms.calc = SinglePointCalculator(atoms, energy=-1 / 7, forces=forces)
    write_database([atoms], tmp_path / "out.db")
    (row,) = connect(str(tmp_path / "out.db")).select()
    assert row.energy == -1 / 7
    assert np.array_equal(row.forces, forces)
    assert row.key_value_pairs == {"charge": 0, "multiplicity": 2, "level": "x"}
    assert row.data["name"] == "123"
    assert find_target(str(tmp_path / "out.db")).system.multiplicity == 2
