"""What the registry of kinds of system takes and refuses, what a kind gets for nothing, and pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from qmbench import Crystal, FieldError, InputError, LatticeModel, Molecule, System
from qmbench.domain.systems import CORE_KINDS
from qmbench.domain.systems.drawing import bonds
from qmbench.domain.systems.files import SystemRegistry
from qmbench.domain.units import UNITS


@dataclass(frozen=True)
class Rotor(System):
    """A particle on a ring."""

    mass: float
    radii: tuple[float, ...] = (1.0,)
    name: str = field(default="", compare=False)
    kind: ClassVar[str] = "rotor"

    def __post_init__(self) -> None:
        object.__setattr__(self, "radii", tuple(map(float, self.radii)))
        if self.mass <= 0:
            raise FieldError(f"{self.name}: mass must be positive", "mass")


@pytest.fixture
def kinds():
    found = SystemRegistry()
    for kind in (*CORE_KINDS, Rotor):
        found.add(kind)
    return found


def variant(**changes):
    """Another class with some of its attributes changed."""
    return dataclass(frozen=True)(type("Other", (Rotor,), {"kind": "other", **changes}))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (object, "is not a class of systems; derive it from qmbench.System"),
        (type("Bare", (System,), {}), "Bare.kind must be a lower-case word, such as quantum_dot, not None"),
        (variant(kind="A rotor"), "Other.kind must be a lower-case word"),
        (type("Loose", (System,), {"kind": "loose"}), "Loose must be a frozen dataclass"),
        (variant(kind="rotor"), "the kind of system 'rotor' (Other) is already that of Rotor"),
        (variant(table_kind="hubbard"), "the kind of system 'other' (Other) is already that of LatticeModel"),
        (variant(energy_unit="erg"), "energy_unit 'erg' of Other is no unit; define it in `units`"),
        (variant(units={"eV": ("energy", 1.0)}), "unit 'eV' is already 0.0367493 of dimension 'energy'"),
        (variant(units={"erg": ("energy", 0.0)}), "'erg' is no unit; write name: (dimension, size greater than 0)"),
        (variant(endings=("rot",)), "'rot' of Other can't be the ending of its files"),
        (variant(endings=(".toml",)), "'.toml' of Other can't be the ending of its files"),
    ],
)
def test_a_class_that_is_no_kind_is_refused(kinds, kind, message):
    before = dict(kinds)
    with pytest.raises(InputError) as caught:
        kinds.add(kind)
    assert message in str(caught.value)
    assert dict(kinds) == before


def test_units_are_defined_only_when_the_whole_plugin_is_taken(kinds):
    kinds.add(variant(energy_unit="erg", units={"erg": ("energy", 2.3e10)}))
    assert "erg" not in UNITS


def test_a_dataclass_has_json_hash_table_and_description_for_nothing(kinds):
    rotor = kinds.from_table({"kind": "rotor", "mass": 2.0, "radii": [1, 2.5]}, "here", "r")
    assert rotor == Rotor(2.0, (1.0, 2.5))
    assert kinds.from_json(rotor.to_json()) == rotor
    assert rotor.to_json() == {"kind": "rotor", "name": "r", "mass": 2.0, "radii": [1.0, 2.5]}
    assert rotor.hash == Rotor(2.0, (1.0, 2.5), name="other label").hash != Rotor(2.0).hash
    assert rotor.describe() == "mass 2, radii (1, 2.5)"
    assert (rotor.axes, rotor.composition, rotor.figure(), list(rotor.oddities())) == ({}, {}, None, [])
    with pytest.raises(InputError, match="r has no fragments"):
        rotor.fragment(1, ghosts=False)


def test_an_error_that_the_kind_did_not_put_into_words_is_one_line_all_the_same(kinds):
    with pytest.raises(InputError) as caught:
        kinds.from_table({"kind": "rotor", "mass": 1.0, "radii": ["x"]}, "here", "r")
    assert str(caught.value).startswith("here: this can't be read as rotor: ValueError: could not convert")
    with pytest.raises(InputError, match=r"this is no rotor as qmbench writes it: .*'radius'"):
        kinds.from_json({"kind": "rotor", "mass": 1.0, "radius": 1.0})
    with pytest.raises(InputError, match="unknown kind of system 'top'; there is molecule, crystal, lattice, rotor"):
        kinds.from_json({"kind": "top"})


WATER, CRYSTAL = Molecule.samples()[0], Crystal.samples()[0]


def drawn(system):
    root = ET.fromstring(system.figure())
    return [element.tag.rpartition("}")[2] for element in root], root


@pytest.mark.parametrize(
    ("system", "circles", "lines"),
    [
        (WATER, 3, 2),
        (Molecule.samples()[2], 1, 0),
        (Molecule(("He", "He"), ((0.0,) * 3, (0.0, 0.0, 6.0)), 0, 1, ghosts=(False, True)), 2, 0),
        (CRYSTAL, 2, 12),
        (LatticeModel((6,), ("open",), 1.0, 1.0, 6, 1), 6, 5),
        (LatticeModel((6,), ("periodic",), 1.0, 1.0, 6, 1), 6, 7),
        (LatticeModel((3, 4), ("periodic", "antiperiodic"), 1.0, 1.0, 2, 1), 12, 2 * 4 + 3 * 3 + 2 * 4 + 2 * 3),
        (LatticeModel((2, 2, 2), ("open",) * 3, 1.0, 1.0, 2, 1), 8, 12),
    ],
)
def test_pictures_have_every_atom_or_site_and_every_bond(system, circles, lines):
    tags, root = drawn(system)
    bonds = sum(element.get("d", "").count("M") for element in root)
    assert (tags.count("circle"), bonds) == (circles, lines)
    width, height = float(root.get("width")), float(root.get("height"))
    for circle in root.iter("{http://www.w3.org/2000/svg}circle"):
        assert 0 <= float(circle.get("cx")) <= width
        assert 0 <= float(circle.get("cy")) <= height


def test_a_lattice_that_no_page_can_hold_has_no_picture():
    assert LatticeModel((2,) * 4, ("open",) * 4, 1.0, 1.0, 2, 1).figure() is None
    assert LatticeModel((1000,), ("open",), 1.0, 1.0, 2, 1).figure() is None


def test_bonds_are_those_of_a_chemist():
    assert bonds(WATER.symbols, WATER.coordinates) == [(0, 1), (0, 2)]
    assert bonds(("Ne", "Ne"), Molecule(("Ne", "Ne"), ((0.0,) * 3, (0.0, 0.0, 5.8)), 0, 1).coordinates) == []


@pytest.mark.parametrize(
    ("system", "text"),
    [
        (WATER, "H2O, 10 electrons, singlet"),
        (Molecule.samples()[1], "HO, 9 electrons, doublet"),
        (
            Molecule(("He", "He"), ((0.0,) * 3, (0.0, 0.0, 6.0)), 0, 1, ghosts=(False, True)),
            "He, 2 electrons, singlet, 1 ghost",
        ),
        (CRYSTAL, "HeNe, 12 electrons, singlet, cell of 405.6 bohr3"),
        (
            LatticeModel((4, 4), ("periodic",) * 2, 2.0, 4.0, 16, 1),
            "Hubbard 4x4 periodic, U/t 2, 16 electrons, multiplicity 1",
        ),
    ],
)
def test_a_system_is_described_in_a_line(system, text):
    assert system.describe() == text
