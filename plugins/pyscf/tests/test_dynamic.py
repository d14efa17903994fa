"""Response at imaginary frequencies: exact one-electron values, sums over states, finite fields, published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import InputError, LatticeModel, Molecule, NotConverged, Unsupported, parse_level
from qmbench_pyscf.dynamic import frequency_grid, response_model
from qmbench_pyscf.specification import ScfSpecification

IMIDOGEN = Molecule(("N", "H"), ((0, 0, 0), (0.1, 0.2, 1.9)), 0, 3)
GHOST = Molecule(("H", "O", "H"), ((2.5, 0, 0.5), (0, 0, 0), (0.1, 0.2, 1.9)), 0, 2, ghosts=(True, False, False))
FREQUENCIES = np.array([0.0, 0.1, 0.7, 3.0])


def of(run, level, system):
    found = run(level, system, "c6", "dynamic_polarizability").properties
    return found["c6"].value, found["dynamic_polarizability"].value


def test_helium_published(run, molecules, resources):
    """TDHF of helium: C6 1.3751, and oscillator strengths that sum to 2.003 in this basis."""
    from qmbench_pyscf.scf import converged_scf

    c6, curve = of(run, "hf/aug-cc-pvqz", "he")
    assert c6 == pytest.approx(1.3751, abs=5e-5)
    assert curve.coordinate_unit == "hartree"
    mf = converged_scf(molecules["he"], ScfSpecification("aug-cc-pvqz"), resources)
    assert response_model(mf, np.array([0.0, 1e3])).mean(1e3).item() * 1e6 == pytest.approx(2.003, abs=5e-4)


def test_one_electron_is_exact():
    """Hydrogen: α = 9/2 and C6 = 6.4990267 (Yan, Babb, Dalgarno and Drake, Phys. Rev. A 54, 2824 (1996))."""
    from pyscf import gto, scf

    wide = [[0, *[[0.01 * 2.0**k, 1.0]]] for k in range(24)] + [[1, [0.01 * 2.0**k, 1.0]] for k in range(14)]
    mole = gto.M(atom="H", spin=1, basis={"H": wide}, verbose=0)
    mf = scf.uhf.UHF(mole).set(conv_tol=1e-13, conv_tol_grad=1e-8).run()
    model = response_model(mf, np.append(0.0, frequency_grid(12)[0]))
    assert model.mean(0.0).item() == pytest.approx(4.5, abs=1e-5)
    assert model.c6() == pytest.approx(6.4990267, abs=2e-5)


def test_c8_of_hydrogen():
    """α₂ = 15 and C8 = 124.39908, exact for one electron (Yan et al., Phys. Rev. A 54, 2824 (1996))."""
    from pyscf import gto, scf

    wide = [[0, [0.01 * 2.0**k, 1.0]] for k in range(24)]
    wide += [[angular, [0.01 * 2.0**k, 1.0]] for angular in (1, 2) for k in range(14)]
    mole = gto.M(atom="H 0.3 -0.2 0.7", spin=1, basis={"H": wide}, verbose=0)
    mf = scf.uhf.UHF(mole).set(conv_tol=1e-13, conv_tol_grad=1e-8).run()
    model = response_model(mf, np.append(0.0, frequency_grid(12)[0]), quadrupoles=True)
    assert model.mean_quadrupole(0.0).item() == pytest.approx(15, abs=2e-4)
    assert model.c8() == pytest.approx(124.39908, abs=2e-3)
    assert model.c6() == pytest.approx(6.4990267, abs=2e-5)


@pytest.mark.parametrize("level", ["hf/aug-cc-pvdz", "pbe/aug-cc-pvdz?grid=3"])
def test_c8_is_the_same_everywhere(level, run):
    """Wherever the atom lies, and C6 is the one without quadrupoles."""
    here, there = (Molecule(("Ne",), (at,), 0, 1) for at in ((0, 0, 0), (1.3, -0.4, 2.0)))
    first = run(level, here, "c8", "c6").properties
    assert run(level, there, "c8").properties["c8"].value == pytest.approx(first["c8"].value, rel=1e-5)
    assert run(level, there, "c6").properties["c6"].value == pytest.approx(first["c6"].value, rel=1e-5)
    assert first["c8"].unit == "hartree bohr8"


def test_c8_by_whole_matrices(resources, molecules):
    """Quadrupoles of every component with PySCF's matrices A and B of neon."""
    from qmbench_pyscf.scf import converged_scf

    mf = converged_scf(Molecule(("Ne",), ((0, 0, 0),), 0, 1), ScfSpecification("aug-cc-pvdz"), resources)
    a, b = mf.TDHF().get_ab()
    size = a.shape[0] * a.shape[1]
    a, b = a.reshape(size, size), b.reshape(size, size)
    square = mf.mol.intor("int1e_rr").reshape(3, 3, mf.mol.nao, mf.mol.nao)
    trace = np.einsum("iipq->pq", square)
    theta = 1.5 * square - 0.5 * np.einsum("ij,pq->ijpq", np.eye(3), trace)
    occupied, empty = mf.mo_coeff[:, mf.mo_occ > 0], mf.mo_coeff[:, mf.mo_occ == 0]
    rows = np.einsum("uvpq,pi,qa->uvia", theta, occupied, empty).reshape(9, size)
    for w in (0.0, 0.5):
        # Σ over all nine components is 3/2 of that over the five r² C_2m.
        full = 4 * np.trace(rows @ np.linalg.solve(a + b + w**2 * np.linalg.inv(a - b), rows.T))
        model = response_model(mf, np.array([w]), quadrupoles=True)
        assert model.mean_quadrupole(w).item() == pytest.approx(full / 1.5 / 5, rel=3e-6)


def test_c8_is_about_the_nucleus_and_not_a_ghost(run):
    """The same centres in another order."""
    at = ((0.0, 0.0, 0.0), (0.0, 0.5, 2.5))
    first = Molecule(("Ne", "H"), at, 0, 1, ghosts=(False, True))
    other = Molecule(("H", "Ne"), at[::-1], 0, 1, ghosts=(True, False))
    found, turned = (run("hf/6-31g(d,p)", m, "c8").properties["c8"].value for m in (first, other))
    assert turned == pytest.approx(found, rel=1e-6)


def test_c8_is_of_atoms(molecules, run):
    with pytest.raises(Unsupported, match="single atoms"):
        parse_level("hf/sto-3g").make().check(molecules["water"], frozenset({"c8"}))
    assert run("hf/6-31g", "he", "c8").properties["c8"].value == 0


def test_sum_over_states(resources, molecules):
    """All states of PySCF's own TDHF: α(iω) = Σ f / (Ω² + ω²)."""
    from qmbench_pyscf.scf import converged_scf

    mf = converged_scf(molecules["water"], ScfSpecification("6-31g"), resources)
    states = mf.TDHF().set(nstates=int(np.sum(mf.mo_occ > 0) * np.sum(mf.mo_occ == 0)), verbose=0)
    states.kernel()
    strengths = states.oscillator_strength(gauge="length")
    expected = [np.sum(strengths / (states.e**2 + w**2)) for w in FREQUENCIES]
    assert response_model(mf, FREQUENCIES).mean(FREQUENCIES) == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize("xc", [None, "PBE", "PBE0", "R2SCAN", "WB97X"])
@pytest.mark.parametrize("system", ["water", "nh"])
def test_whole_matrices(xc, system, resources, molecules):
    """The equations with PySCF's matrices A and B, on the grid of the mean field."""
    from qmbench_pyscf.scf import converged_scf

    spec = ScfSpecification("sto-3g", xc=xc, grid=1 if xc else None)
    mf = converged_scf(molecules[system], spec, resources)
    a, b = (mf.TDDFT() if xc else mf.TDHF()).get_ab()
    dipoles = mf.mol.intor("int1e_r")
    if system == "water":
        size = a.shape[0] * a.shape[1]
        a, b = a.reshape(size, size), b.reshape(size, size)
        channels, factor = [(mf.mo_coeff, mf.mo_occ)], 4
    else:
        a, b = (
            np.block([[aa.reshape(n, n), ab.reshape(n, m)], [ab.reshape(n, m).T, bb.reshape(m, m)]])
            for aa, ab, bb in (a, b)
            for n, m in ((aa.shape[0] * aa.shape[1], bb.shape[0] * bb.shape[1]),)
        )
        channels, factor = list(zip(mf.mo_coeff, mf.mo_occ, strict=True)), 2
    source = np.hstack(
        [np.einsum("xpq,pi,qa->xia", dipoles, c[:, o > 0], c[:, o == 0]).reshape(3, -1) for c, o in channels]
    )
    expected = [factor * source @ np.linalg.solve(a + b + w**2 * np.linalg.inv(a - b), source.T) for w in FREQUENCIES]
    found = response_model(mf, FREQUENCIES).tensors(FREQUENCIES)
    assert found == pytest.approx(np.array(expected), abs=3e-6)


@pytest.mark.parametrize(
    ("level", "system", "tolerance"),
    [
        ("hf/6-31g", "water", 1e-4),
        ("hf/6-31g", IMIDOGEN, 1e-4),
        ("hf/6-31g?density_fitting=true", "water", 1e-4),
        ("hf/6-31g", GHOST, 1e-4),
        ("pbe/sto-3g?grid=2&energy_tolerance=1e-12", "oh", 1e-4),
        ("wb97x-v/sto-3g?grid=1&energy_tolerance=1e-12", "water", 1e-4),
    ],
)
def test_static_limit_is_the_polarizability(level, system, tolerance, run):
    found = run(level, system, "polarizability", "dynamic_polarizability").properties
    curve = found["dynamic_polarizability"].value
    assert curve.coordinate[0] == 0
    assert curve.values[0] == pytest.approx(np.trace(found["polarizability"].value) / 3, abs=tolerance)
    assert np.all(np.diff(curve.values) < 0)


def test_c6_is_the_integral_of_the_curve(run):
    """The points of the curve are those of a Gauss–Legendre rule."""
    for system in ("water", "li"):
        c6, curve = of(run, "hf/6-31g", system)
        assert 3 / np.pi * frequency_grid(12)[1] @ curve.values[1:] ** 2 == pytest.approx(c6, rel=2e-5)


def test_nothing_that_responds(run):
    protons = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 2.0)), 2, 1)
    # Of helium and hydrogen 6-31G has s functions alone, which a dipole does not connect.
    cases = (("hf/sto-3g", protons), ("hf/sto-3g", "he"), ("hf/6-31g", "he"), ("hf/6-31g", "h"), ("pbe/6-31g", "he"))
    for level, system in cases:
        c6, curve = of(run, level, system)
        assert c6 == 0
        assert not curve.values.any()


def test_a_saddle_point_is_said():
    from pyscf import gto, scf

    mf = scf.uhf.UHF(gto.M(atom="He", basis="6-31g**", verbose=0)).run()
    mf.mo_occ = mf.mo_occ[:, ::-1]  # two electrons in the highest orbital
    with pytest.raises(NotConverged, match="saddle point"):
        response_model(mf, FREQUENCIES)


@pytest.mark.parametrize("level", ["pbe+d4/sto-3g", "hf+d3bj/sto-3g", "mp2/sto-3g", "b2plyp/sto-3g", "r2scan-3c"])
def test_who_has_no_response_of_its_own(level, molecules):
    with pytest.raises((InputError, Unsupported), match="c6"):
        parse_level(level).make().check(molecules["water"], frozenset({"c6"}))


def test_a_lattice_has_none():
    with pytest.raises(Unsupported, match="c6"):
        parse_level("hf").make().check(LatticeModel((4,), ("periodic",), 1.0, 2.0, 4, 1), frozenset({"c6"}))
