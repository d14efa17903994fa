"""Molecules of QCSchema as files of systems: read exactly, refused in one line. QCElemental's own are in qcengine's."""

from __future__ import annotations

import json

import pytest

from qmbench.data.target import find_target
from qmbench.domain.errors import InputError

WATER = {"symbols": ["O", "h", "H"], "geometry": [0.1, 0, 0.12, 0.3, 1.43, -0.97, -0.2, -1.43, -0.99]}
STATE = {"molecular_charge": 0.0, "molecular_multiplicity": 1}


def read(folder, data):
    path = folder / "m.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return find_target(str(path)).system


def test_a_molecule_to_the_last_bit(tmp_path):
    found = read(tmp_path, WATER | STATE)
    assert found.symbols == ("O", "H", "H")
    assert found.coordinates.ravel().tolist() == WATER["geometry"]
    assert (found.charge, found.multiplicity, found.name, found.notes) == (0, 1, "m", ())
    nested = WATER | STATE | {"geometry": found.coordinates.tolist()}
    assert read(tmp_path, nested) == found


def test_what_the_schema_fills_in_is_said(tmp_path):
    found = read(tmp_path, WATER | {"mass_numbers": [16, 2, 1]})
    assert (found.charge, found.multiplicity) == (0, 1)
    assert [note.partition(": ")[2] for note in found.notes] == [
        "no molecular_charge, for which QCSchema has 0",
        "no molecular_multiplicity, for which QCSchema has 1",
        "deuterium and tritium are hydrogen, since no property depends on the mass of a nucleus",
    ]


def test_ghosts_and_fragments(tmp_path):
    fragments = {"fragments": [[0, 1], [2]], "fragment_charges": [-1, 1], "fragment_multiplicities": [1, 1]}
    found = read(tmp_path, WATER | STATE | fragments)
    assert [(f.atoms, f.charge, f.multiplicity) for f in found.fragments] == [((0, 1), -1, 1), ((2,), 1, 1)]
    ghosts = read(tmp_path, WATER | {"molecular_charge": -1, "molecular_multiplicity": 1, "real": [True, True, False]})
    assert ghosts.ghosts == (False, False, True)
    assert ghosts.n_electrons == 10


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{", "malformed JSON"),
        ("[" * 100_000, "malformed JSON"),
        ("[]", "no molecule of QCSchema"),
        ('{"a": 1}', "no molecule of QCSchema"),
        (WATER | STATE | {"symbols": ["O", "Q", "H"]}, "not all chemical elements"),
        (WATER | STATE | {"geometry": [0.0]}, "geometry must be 9 numbers"),
        (WATER | STATE | {"geometry": ["a"] * 9}, "geometry must be 9 numbers"),
        (WATER | STATE | {"molecular_charge": 0.5}, "molecular_charge must be a whole number"),
        (WATER | STATE | {"molecular_multiplicity": 2}, "multiplicity"),
        (WATER | STATE | {"molecular_multiplicity": True}, "molecular_multiplicity must be a whole number"),
        (WATER | STATE | {"real": [True]}, "real must be true or false for each atom"),
        (WATER | STATE | {"real": [1, 1, 0]}, "real must be true or false for each atom"),
        (WATER | STATE | {"fragments": [[0], [1, 2]]}, "fragments state no charge and multiplicity"),
    ],
)
def test_refused_in_one_line(tmp_path, data, said):
    with pytest.raises(InputError) as caught:
        read(tmp_path, data)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "m.json"))
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="can't read"):
        find_target(str(tmp_path / "none.json"))
