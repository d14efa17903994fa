"""Quadrupole moments and hyperpolarizabilities: symmetry, charges by hand, derivatives of analytic polarizabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import InputError, LatticeModel, Molecule, Unsupported, parse_level
from qmbench_pyscf.coupled_perturbed import response_matrix
from qmbench_pyscf.specification import ScfSpecification

HF = Molecule(("H", "F"), ((0, 0, 0), (0, 0, 1.7328)), 0, 1)
# No mirror of this one is a plane of the axes.
TURNED = Molecule(("H", "F"), ((0, 0, 0), (0.8, 1.1, 1.0)), 0, 1)


def beta(run, level, system):
    found = run(level, system, "hyperpolarizability").properties["hyperpolarizability"]
    assert found.unit == "bohr5/e"
    return found.value, np.asarray(found.uncertainty)


@pytest.mark.parametrize("level", ["hf/6-31g", "pbe/6-31g?grid=2", "fci/sto-3g"])
def test_what_symmetry_leaves(level, run, molecules):
    """β is symmetric in its indices, and zero where there is a centre; the quadrupole of an atom is zero."""
    found, _ = beta(run, level, HF)
    for order in ((1, 0, 2), (0, 2, 1), (2, 1, 0)):
        assert np.array_equal(found, found.transpose(order))
    assert np.abs(found[2, 2, 2]) > 0.1
    h2, spread = beta(run, level, "h2")
    assert np.all(np.abs(h2) <= spread)  # the rounding of dipoles over the field's square
    assert spread.max() < 1e-2
    quadrupole = run(level, "he", "quadrupole").properties["quadrupole"].value
    assert np.abs(quadrupole).max() < 1e-9


@pytest.mark.parametrize("xc", [None, "PBE"])
@pytest.mark.parametrize("system", ["hf", "water", "turned", "nh"])
def test_derivative_of_coupled_perturbed_polarizabilities(xc, system, run, molecules, resources):
    """β as ∂α/∂F of analytic α in fields: another way, and inside the uncertainty that is stated."""
    from qmbench_pyscf.scf import converged_scf

    molecule = {"turned": TURNED}.get(system) or molecules[system]
    level = "hf/6-31g" if xc is None else "pbe/6-31g?grid=2"
    found, spread = beta(run, level, molecule)
    spec = ScfSpecification("6-31g", xc=xc, grid=2 if xc else None)

    def alpha(field):
        mf = converged_scf(molecule, replace(spec, field=field), resources)
        return -response_matrix(mf, mf.mol.intor("int1e_r"))

    h = 2e-3
    for axis in range(3):
        unit = np.eye(3)[axis]
        one, two = ((alpha(tuple(n * h * unit)) - alpha(tuple(-n * h * unit))) / (2 * n * h) for n in (1, 2))
        expected = (4 * one - two) / 3
        assert np.all(np.abs(found[axis] - expected) < spread[axis] + 2e-3)
        assert found[axis] == pytest.approx(expected, abs=2e-2)


def test_uncertainty_is_no_empty_word(run):
    """It is small beside the value, and covers what a field of half the strength changes."""
    found, spread = beta(run, "hf/6-31g", HF)
    half, _ = beta(run, "hf/6-31g?field_strength=0.001&energy_tolerance=1e-13", HF)
    assert 0 < spread.max() < 0.05
    assert np.all(np.abs(found - half) < spread)


@pytest.mark.parametrize("level", ["hf/6-31g", "pbe/6-31g", "fci/sto-3g"])
def test_quadrupole_follows_the_frame(level, run):
    """Traceless and symmetric; shifting a dipole μ by d changes Θ by 3/2 (μ d + d μ) − μ·d 1."""
    first = run(level, HF, "quadrupole", "dipole").properties
    shift = np.array([0.4, -0.3, 0.7])
    moved = replace(HF, positions=tuple(map(tuple, HF.coordinates + shift)))
    theta = run(level, moved, "quadrupole").properties["quadrupole"].value
    mu = first["dipole"].value
    change = 1.5 * (np.outer(mu, shift) + np.outer(shift, mu)) - mu @ shift * np.eye(3)
    assert theta == pytest.approx(first["quadrupole"].value + change, abs=5e-5)
    assert np.trace(theta) == pytest.approx(0, abs=1e-12)
    assert theta == pytest.approx(theta.T, abs=1e-12)


def test_quadrupole_by_a_charge_far_away(run, molecules):
    """−∂E/∂q of a point charge at −R and R: the potential of the moments, Θ_zz/R³ of a centred molecule without dipole.

    N2 has a negative moment along its axis: electrons lie outside the nuclei there."""
    from pyscf import gto, qmmm, scf

    n2 = Molecule(("N", "N"), ((0, 0, -1.034), (0, 0, 1.034)), 0, 1)
    theta = run("hf/6-31g(d)", n2, "quadrupole").properties["quadrupole"].value[2, 2]
    assert theta < 0
    mole = gto.M(atom="N 0 0 -1.034; N 0 0 1.034", unit="bohr", basis="6-31g(d)", verbose=0)
    at, q = 25.0, 1e-3

    def energy(charge):
        far = qmmm.mm_charge(scf.RHF(mole), [(0, 0, at), (0, 0, -at)], [charge, charge], unit="bohr")
        return far.set(conv_tol=1e-13).kernel()

    slope = (energy(q) - energy(-q)) / (2 * q)
    hexadecapole = 30 / at**2  # of the order of the next moment
    assert slope * at**3 / 2 == pytest.approx(theta, abs=hexadecapole)
    assert slope * at**3 / 2 == pytest.approx(theta, rel=0.1)


def test_bare_nuclei(run):
    protons = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 2.0)), 2, 1)
    found = run("hf/sto-3g", protons, "quadrupole", "hyperpolarizability").properties
    assert found["quadrupole"].value == pytest.approx(np.diag([-2.0, -2.0, 4.0]))
    assert not found["hyperpolarizability"].value.any()


@pytest.mark.parametrize("level", ["mp2/sto-3g", "ccsd/sto-3g", "b2plyp/sto-3g", "r2scan-3c"])
@pytest.mark.parametrize("what", ["quadrupole", "hyperpolarizability"])
def test_who_has_no_density(level, what, molecules):
    with pytest.raises((InputError, Unsupported), match=what):
        parse_level(level).make().check(molecules["water"], frozenset({what}))


def test_a_lattice_has_none():
    with pytest.raises(Unsupported, match="quadrupole"):
        parse_level("hf").make().check(LatticeModel((4,), ("periodic",), 1.0, 2.0, 4, 1), frozenset({"quadrupole"}))
