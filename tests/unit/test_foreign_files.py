"""PDB, SDF, MOL and CIF files, which ASE reads: the same system, and both charge and multiplicity from whoever asks."""

import ase.build
import ase.io
import numpy as np
import pytest

from qmbench import InputError
from qmbench.data.target import find_target, target_of
from qmbench.domain.units import BOHR_IN_ANGSTROM

SDF = """water
  by hand

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.1178 O   0  0  0  0  0  0  0  0  0  0  0  0
    0.0000    0.7555   -0.4712 H   0  0  0  0  0  0  0  0  0  0  0  0
    0.0000   -0.7555   -0.4712 H   0  0  0  0  0  0  0  0  0  0  0  0
  1  2  1  0
  1  3  1  0
M  END
$$$$
"""
PLACES = np.array([[0, 0, 0.1178], [0, 0.7555, -0.4712], [0, -0.7555, -0.4712]])


@pytest.mark.parametrize("ending", [".sdf", ".mol"])
def test_mdl_files(tmp_path, ending):
    (tmp_path / f"water{ending}").write_text(SDF)
    system = find_target(str(tmp_path / f"water{ending}"), 0, 1).system
    assert system.symbols == ("O", "H", "H")
    np.testing.assert_allclose(system.coordinates * BOHR_IN_ANGSTROM, PLACES, atol=1e-12)
    assert system.name == "water"


def test_pdb_files(tmp_path):
    atoms = ase.build.molecule("CH3OH")
    ase.io.write(tmp_path / "methanol.pdb", atoms)
    system = target_of(tmp_path / "methanol.pdb", 0, 1).system
    assert system.symbols == tuple(atoms.get_chemical_symbols())
    np.testing.assert_allclose(system.coordinates * BOHR_IN_ANGSTROM, atoms.positions, atol=6e-4)  # three decimals
    assert target_of(tmp_path / "methanol.pdb", 1, 2).system.n_electrons == 17


def test_cif_files_are_crystals(tmp_path):
    atoms = ase.build.bulk("MgO", "rocksalt", a=4.21, cubic=True)
    ase.io.write(tmp_path / "mgo.cif", atoms)
    system = find_target(str(tmp_path / "mgo.cif"), 0, 1).system
    assert system.kind == "crystal"
    assert sorted(system.symbols) == sorted(atoms.get_chemical_symbols())
    volume = abs(np.linalg.det(system.lattice_vectors)) * BOHR_IN_ANGSTROM**3
    assert volume == pytest.approx(4.21**3, rel=1e-9)


def test_charge_and_multiplicity_are_asked_for(tmp_path):
    (tmp_path / "water.sdf").write_text(SDF)
    with pytest.raises(InputError, match="does not state the charge; say --charge"):
        find_target(str(tmp_path / "water.sdf"))
    with pytest.raises(InputError, match="does not state the multiplicity; say --multiplicity"):
        find_target(str(tmp_path / "water.sdf"), 0)
    with pytest.raises(InputError, match="multiplicity 2 is impossible"):
        find_target(str(tmp_path / "water.sdf"), 0, 2)


def test_what_can_not_be_read_is_one_line(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        find_target(str(tmp_path / "gone.pdb"), 0, 1)
    (tmp_path / "bad.cif").write_text("nothing of the kind")
    with pytest.raises(InputError, match=r"bad\.cif") as caught:
        find_target(str(tmp_path / "bad.cif"), 0, 1)
    assert "\n" not in str(caught.value)
    (tmp_path / "empty.pdb").write_text("")
    with pytest.raises(InputError, match=r"empty\.pdb"):
        find_target(str(tmp_path / "empty.pdb"), 0, 1)
    (tmp_path / "x.xyz").write_text("1\ncharge=0 multiplicity=1\nHe 0 0 0\n")
    with pytest.raises(InputError, match="others state their own"):
        target_of(str(tmp_path / "x.xyz"), 0, 1)


def test_a_file_of_several_structures_is_refused(tmp_path):
    ase.io.write(tmp_path / "two.pdb", [ase.build.molecule("H2O"), ase.build.molecule("NH3")])
    with pytest.raises(InputError, match=r"two\.pdb holds 2 structures"):
        find_target(str(tmp_path / "two.pdb"), 0, 1)


@pytest.mark.parametrize("state", [(), (0, 1)])
def test_mol2_files_are_refused_with_a_way_out(tmp_path, state):
    (tmp_path / "water.mol2").write_text("@<TRIPOS>MOLECULE\nwater\n")
    for find in (find_target, target_of):
        with pytest.raises(InputError, match=r"reads MOL2 files; make it SDF or XYZ first.*-O .*water\.sdf") as caught:
            find(str(tmp_path / "water.mol2"), *state)
        assert "\n" not in str(caught.value)
