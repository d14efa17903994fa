"""Open shells whose direction the nuclei leave free are turned onto the axes of the frame."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

import qmbench
from qmbench import Molecule
from qmbench_pyscf import scf
from qmbench_pyscf.mean_field_object import mean_field
from qmbench_pyscf.orientation import free_axes, oriented, turns
from qmbench_pyscf.specification import ScfSpecification

FLUORINE = Molecule(("F",), ((0.3, 0.1, 0),), 0, 2, name="F")
HYDROXYL = Molecule(("O", "H"), ((0, 0, 0), (0, 0, 1.8324)), 0, 2, name="OH")
SKEW = Molecule(("O", "H"), ((0.2, 0, 0), (0.7, 1.1, 1.3)), 0, 2, name="OH")


def moments(mole, density):
    with mole.with_common_origin(mole.atom_coord(0)):
        return np.einsum("xyij,sji->xy", mole.intor("int1e_rr").reshape(3, 3, *density.shape[1:]), density)


def turned(mf, vector):
    """What `oriented` looks at of a mean field whose density is turned by `vector` (3,), rad."""
    turn = expm(-np.linalg.solve(mf.get_ovlp(), turns(mf.mol, vector[None])[0]))
    density = turn @ mf.make_rdm1() @ turn.T
    return SimpleNamespace(mol=mf.mol, get_ovlp=mf.get_ovlp, make_rdm1=lambda: density)


@pytest.mark.parametrize("cartesian", [False, True])
@pytest.mark.parametrize("molecule", [FLUORINE, HYDROXYL, SKEW], ids=["atom", "along z", "skew"])
def test_from_all_directions_one_density(molecule, cartesian, resources):
    """And no energy: Hartree–Fock does not know the frame."""
    mf = mean_field(molecule, ScfSpecification("6-31g*", cartesian=cartesian), resources).run(conv_tol=1e-12)
    axes = free_axes(mf.mol)
    found = oriented(mf)
    assert mf.energy_tot(dm=found) == pytest.approx(mf.e_tot, abs=1e-10)
    for vector in np.array([[0.3, 0.9, -0.5], [2.0, -1.0, 0.4], [-0.2, 0.1, 2.9]]):
        about = vector @ axes.T @ axes
        other = turned(mf, about)
        rotation = Rotation.from_rotvec(about).as_matrix()
        expected = rotation @ moments(mf.mol, mf.make_rdm1()) @ rotation.T
        assert moments(mf.mol, other.make_rdm1()) == pytest.approx(expected, abs=1e-9)
        # To what an SCF leaves of the symmetry of its own density.
        assert oriented(other) == pytest.approx(found, abs=2e-6)


def test_which_axes(resources):
    """The hole of fluorine is along z, of OH along y; the more electrons, the larger the second moment."""
    atom = mean_field(FLUORINE, ScfSpecification("6-31g*"), resources).run()
    sizes = moments(atom.mol, oriented(atom))
    assert sizes == pytest.approx(np.diag(np.diag(sizes)), abs=1e-6)
    assert sizes[0, 0] == pytest.approx(sizes[1, 1], abs=1e-6)
    assert sizes[2, 2] < sizes[0, 0] - 0.1
    pair = mean_field(HYDROXYL, ScfSpecification("6-31g*"), resources).run()
    sizes = moments(pair.mol, oriented(pair))
    assert sizes == pytest.approx(np.diag(np.diag(sizes)), abs=1e-6)
    assert sizes[1, 1] < sizes[0, 0] - 0.1


def test_what_has_no_direction_stays(resources):
    """Half a shell, and what is not linear."""
    nitrogen = Molecule(("N",), ((0, 0, 0),), 0, 4)
    water = Molecule(("O", "H", "H"), ((0, 0, 0), (0, 1.43, 1.1), (0, -1.43, 1.1)), 1, 2)
    for molecule, axes in ((nitrogen, 3), (water, 0)):
        mf = mean_field(molecule, ScfSpecification("6-31g"), resources).run()
        assert len(free_axes(mf.mol)) == axes
        assert np.array_equal(oriented(mf), mf.make_rdm1())


def test_a_molecule_along_another_axis_of_the_grid_has_the_same_energy():
    """Quadrature grids have the symmetry of the octahedron; the hole pointed anywhere, for 1e-6 hartree."""
    found = [
        qmbench.level("pbe/6-31g").make().run(molecule, ["energy", "dipole", "polarizability"], qmbench.Resources())
        for molecule in (
            HYDROXYL,
            Molecule(("O", "H"), ((0, 0, 0), (1.8324, 0, 0)), 0, 2),
            Molecule(("O", "H"), ((0, 0, 0), (0, -1.8324, 0)), 0, 2),
        )
    ]
    energies = [result.properties["energy"].value for result in found]
    assert energies == pytest.approx([energies[0]] * 3, abs=1e-8)
    tensors = np.array([result.properties["polarizability"].value for result in found])
    assert np.abs(tensors[:, ~np.eye(3, dtype=bool)]).max() < 1e-3
    assert np.linalg.eigvalsh(tensors[0]) == pytest.approx(np.linalg.eigvalsh(tensors[1]), abs=1e-3)


def test_after_a_descent_a_solution_is_turned_or_kept(resources, monkeypatch):
    """What the SCF of a turned solution does not come back to stays; so does what is not linear, without an SCF."""
    spec = ScfSpecification("6-31g")
    mf = turned_scf(HYDROXYL, spec, resources)
    energy = mf.e_tot
    scf._turn(mf, "OH", 1e-7)
    assert mf.e_tot == pytest.approx(energy, abs=1e-9)
    sizes = moments(mf.mol, mf.make_rdm1())
    assert sizes == pytest.approx(np.diag(np.diag(sizes)), abs=1e-5)

    def elsewhere(mf, density, what):
        mf.e_tot, mf.mo_coeff = 0.0, None

    monkeypatch.setattr(scf, "converge", elsewhere)
    mf = turned_scf(HYDROXYL, spec, resources)
    before = mf.make_rdm1()
    scf._turn(mf, "OH", 1e-7)
    assert np.array_equal(mf.make_rdm1(), before)
    assert mf.e_tot == pytest.approx(energy, abs=1e-9)

    bent = mean_field(
        Molecule(("N", "H", "H"), ((0, 0, 0), (0, 1.5, 1.2), (0, -1.5, 1.2)), 0, 2), spec, resources
    ).run()
    found = bent.e_tot
    scf._turn(bent, "NH2", 1e-7)
    assert bent.e_tot == found


def turned_scf(molecule, spec, resources):
    """A converged mean field of which the open shell points between the axes."""
    mf = mean_field(molecule, spec, resources).run(conv_tol=1e-12)
    turn = expm(-np.linalg.solve(mf.get_ovlp(), turns(mf.mol, np.array([[0.0, 0.0, 0.3]]))[0]))
    mf.mo_coeff = turn @ mf.mo_coeff
    return mf
