"""Density response of atoms by angular momentum: sum rules, hydrogen exactly, equations and potentials by hand."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from qmbench import InputError, Molecule, Unsupported, parse_level
from qmbench_pyscf import radial_response
from qmbench_pyscf.radial import radial_grid, shell_operators

HE = Molecule(("He",), ((0.3, -0.2, 0.1),), 0, 1, name="helium")
H = Molecule(("H",), ((0.0, 0.0, 0.2),), 0, 2, name="hydrogen")
LI = Molecule(("Li",), ((0.0, 0.0, 0.0),), 0, 2, name="lithium")
N = Molecule(("N",), ((0.0, 0.0, 0.0),), 0, 4, name="nitrogen")
NE = Molecule(("Ne",), ((0.1, 0.0, 0.0),), 0, 1, name="neon")


def of(level, atom, resources, **options):
    return radial_response(parse_level(level).make(), atom, resources, **options)


def polarizability(found, at=0):
    """−4π/3 ∫∫ r³ r′³ χ₁ dr dr′."""
    moment = found.weights * found.radii**3
    return -4 * np.pi / 3 * moment @ found.functions[1, at] @ moment


def mean_field(atom, resources, basis, xc=None, **more):
    from qmbench_pyscf.scf import converged_scf
    from qmbench_pyscf.specification import ScfSpecification

    return converged_scf(atom, ScfSpecification(basis, xc=xc, **more), resources)


@pytest.mark.parametrize(
    ("level", "atom", "kernel"),
    [(f"{level}/6-31g*", atom, kernel) for level in ("hf", "pbe") for atom in (NE, N) for kernel in ("full", "none")]
    + [("hf/6-31g*", NE, "hartree"), ("fci/cc-pvtz", HE, "full"), ("fci/6-31g*", LI, "full")],
)
def test_symmetric_negative_and_without_charge(level, atom, kernel, resources):
    """χ(r, r′) = χ(r′, r), below zero, and ∫ χ₀ r² dr = 0: no potential makes electrons, a constant one moves none."""
    found = of(level, atom, resources, frequencies=(0.0, 0.7), kernel=kernel)
    r, w = found.radii, found.weights
    for l in (0, 1):
        for chi in found.functions[l]:
            scaled = chi * np.outer(r, r)
            largest = np.abs(scaled).max()
            assert np.abs(scaled - scaled.T).max() < 1e-10 * largest
            root = np.sqrt(w) * r
            lowest, *_, highest = np.linalg.eigvalsh(chi * np.outer(root, root))
            assert highest < -1e-10 * lowest
            charge = np.abs((w * r**2) @ chi * r).max()
            # On the radii 1e-8 is left of charge that nothing makes. With l = 1 there is a dipole, not a charge.
            assert (charge < 5e-8 * largest) if l == 0 else (charge > 0.05 * largest)


@pytest.mark.parametrize(
    ("level", "atom", "more"),
    [
        ("hf/aug-cc-pvdz", HE, {}),
        ("hf/6-31g*", NE, {}),
        ("pbe/6-31g*?grid=2", NE, {"xc": "PBE", "grid": 2}),
        ("pbe0/6-31g*?grid=2", N, {"xc": "PBE0", "grid": 2}),
        ("hf/6-31g*?cartesian=false", N, {"cartesian": False}),
    ],
)
def test_its_dipole_moment_is_the_polarizability(level, atom, more, resources):
    """That of the atom from dipole integrals, by the iterative solver; to 2e-6, its accuracy."""
    from qmbench_pyscf.dynamic import response_model

    frequencies = np.array([0.0, 0.4, 3.0])
    found = of(level, atom, resources, frequencies=frequencies)
    mf = mean_field(atom, resources, level.partition("/")[2].partition("?")[0], **more)
    expected = response_model(mf, frequencies).tensors(frequencies)[:, 2, 2]
    assert [polarizability(found, i) for i in range(3)] == pytest.approx(expected, rel=5e-6)


@pytest.mark.parametrize("level", ["hf", "fci"])
def test_hydrogen_exactly(level, resources):
    """δn in the field z and by a larger charge, −1/r, from the exact wave function; in a large basis.

    ψ₁ = −(r + r²/2) cos θ ψ₀ (Landau and Lifshitz, Quantum Mechanics, § 76), and n = Z³ e^{−2Zr}/π by Z.
    """
    found = of(f"{level}/aug-cc-pvqz", H, resources)
    r, w = found.radii, found.weights
    density = np.exp(-2 * r) / np.pi
    dipole = found.functions[1, 0] @ (w * r**3)
    charge = found.functions[0, 0] @ (-w * r)
    for change, exact in ((dipole, -2 * (r + r**2 / 2) * density), (charge, (3 - 2 * r) * density)):
        # Gaussian functions have no cusp; in aug-cc-pVTZ the same are 0.010 and 0.016.
        assert np.sqrt(w * r**2 @ (change - exact) ** 2) < 6e-3 * np.sqrt(w * r**2 @ exact**2)
    assert polarizability(found) == pytest.approx(4.5, abs=5e-3)


def test_one_electron_has_no_correlation(resources):
    """Hartree–Fock and full CI, two ways through the same basis."""
    for atom in (H, Molecule(("He",), ((0, 0, 0),), 1, 2)):
        one = of("hf/aug-cc-pvdz", atom, resources, frequencies=(0.0, 0.5))
        exact = of("fci/aug-cc-pvdz", atom, resources, frequencies=(0.0, 0.5))
        assert one.radii == pytest.approx(exact.radii)
        assert one.functions == pytest.approx(exact.functions, abs=1e-7 * np.abs(exact.functions).max())
        bare = of("hf/aug-cc-pvdz", atom, resources, kernel="none").functions[1, 0]
        assert np.abs(bare - exact.functions[1, 0]).max() > 1e-3 * np.abs(bare).max()


def test_whole_functions(resources):
    """χ₀, RPA and TDHF of neon at all radii, from integrals and orbital energies by hand."""
    from pyscf import ao2mo

    mf = mean_field(NE, resources, "6-31g")
    occupied, empty = mf.mo_coeff[:, mf.mo_occ > 0], mf.mo_coeff[:, mf.mo_occ == 0]
    n = occupied.shape[1] * empty.shape[1]
    gaps = np.diag((mf.mo_energy[mf.mo_occ == 0] - mf.mo_energy[mf.mo_occ > 0][:, None]).ravel())
    coulomb = ao2mo.general(mf.mol, (occupied, empty, occupied, empty), compact=False).reshape(n, n)
    a, b = (part.reshape(n, n) for part in mf.TDHF().get_ab())
    for l in (0, 1):
        shells = shell_operators(mf.mol, l, radial_grid(mf.mol)[0])
        rows = np.einsum("kpq,pi,qa->kia", shells, occupied, empty).reshape(-1, n)
        for kernel, plus, minus in (
            ("none", gaps, gaps),
            ("hartree", gaps + 4 * coulomb, gaps),
            ("full", a + b, a - b),
        ):
            found = of("hf/6-31g", NE, resources, kernel=kernel, frequencies=(0.0, 0.3), angular=(l,)).functions[0]
            for w, chi in zip((0.0, 0.3), found, strict=True):
                expected = -4 * rows @ np.linalg.solve(plus + w**2 * np.linalg.inv(minus), rows.T)
                assert chi == pytest.approx(expected, abs=1e-8 * np.abs(expected).max()), (kernel, w, l)


def test_shells_have_the_density(resources):
    """Σ over the shells of l = 0 is the overlap matrix, of l = 1 that of z; n(r) on a shell is PySCF's at a point."""
    mf = mean_field(NE, resources, "cc-pvtz")
    radii, weights = radial_grid(mf.mol)
    every = np.einsum("k,kpq->pq", weights * radii**2, shell_operators(mf.mol, 0, radii)) * np.sqrt(4 * np.pi)
    # Functions of the core reach into the first radius: s by 1e-8.
    assert every == pytest.approx(mf.get_ovlp(), abs=1e-7)
    with mf.mol.with_common_origin(mf.mol.atom_coord(0)):
        z = mf.mol.intor("int1e_r")[2]
    moment = np.einsum("k,kpq->pq", weights * radii**3, shell_operators(mf.mol, 1, radii)) * np.sqrt(4 * np.pi / 3)
    assert moment == pytest.approx(z, abs=1e-7)
    from pyscf.dft import numint

    at = mf.mol.atom_coord(0) + np.array([0.6, 0.0, 0.8]) * 1.3
    there = numint.eval_rho(mf.mol, numint.eval_ao(mf.mol, at[None]), mf.make_rdm1())[0]
    shell = shell_operators(mf.mol, 0, np.array([1.3]))[0]
    assert np.sum(shell * mf.make_rdm1()) / np.sqrt(4 * np.pi) == pytest.approx(there, rel=1e-6)


@pytest.mark.parametrize(("atom", "basis", "electrons"), [(HE, "cc-pvdz", (1, 1)), (LI, "6-31g", (2, 1))])
def test_full_ci_by_finite_potentials(atom, basis, electrons, resources):
    """PySCF's own full CI with a shell of potential added; densities on all shells, and energies in a field."""
    from pyscf import ao2mo, fci, gto, scf

    mole = gto.M(
        atom=[(atom.symbols[0], atom.positions[0])], unit="bohr", basis=basis, spin=atom.multiplicity - 1, verbose=0
    )
    mf = scf.ROHF(mole).run(conv_tol=1e-12)
    c = mf.mo_coeff
    eri, n = ao2mo.kernel(mole, c), c.shape[1]
    solver = fci.direct_spin1.FCI()
    solver.conv_tol, solver.conv_tol_residual, solver.max_cycle = 1e-14, 1e-9, 500

    def solve(potential):
        h = c.T @ (mf.get_hcore() + potential) @ c
        energy, vector = solver.kernel(h, eri, n, electrons)
        return energy, c @ solver.make_rdm1(vector, n, electrons) @ c.T

    found = of(f"fci/{basis}", atom, resources)
    k = int(np.argmax(found.radii > 0.5))
    for l in (0, 1):
        shells = shell_operators(mole, l, found.radii)
        step = 2e-3
        ends = [solve(sign * step * shells[k])[1] for sign in (1, -1)]
        rows = np.einsum("kpq,pq->k", shells, ends[0] - ends[1]) / (2 * step)
        assert found.functions[l, 0, k] == pytest.approx(rows, abs=2e-5 * np.abs(rows).max()), l
    with mole.with_common_origin(mole.atom_coord(0)):
        z = mole.intor("int1e_r")[2]
    f = 1e-3
    energies = [solve(x * z)[0] for x in (-2 * f, -f, 0.0, f, 2 * f)]
    second = np.array([-1, 16, -30, 16, -1]) @ energies / (12 * f**2)
    assert polarizability(found) == pytest.approx(-second, rel=2e-4)


def test_full_ci_of_two_electrons_in_products_of_orbitals(resources):
    """Linear equations for the first-order function Σ C_pq φ_p φ_q, without states or determinants."""
    from pyscf import gto

    mole = gto.M(atom=[("He", HE.positions[0])], unit="bohr", basis="cc-pvdz", verbose=0)
    s, x = np.linalg.eigh(mole.intor("int1e_ovlp"))
    x = x / np.sqrt(s)
    n = mole.nao
    h = x.T @ (mole.intor("int1e_kin") + mole.intor("int1e_nuc")) @ x
    eri = np.einsum("pqrs,pi,qj,rk,sl->ikjl", mole.intor("int2e"), x, x, x, x, optimize=True).reshape(n * n, n * n)
    whole = np.kron(h, np.eye(n)) + np.kron(np.eye(n), h) + eri
    swapped = np.arange(n * n).reshape(n, n).T.ravel()
    even = (np.eye(n * n) + np.eye(n * n)[swapped]) / 2
    levels, states = np.linalg.eigh(whole + 1e3 * (np.eye(n * n) - even))
    ground, energy = states[:, 0], levels[0]
    found = of("fci/cc-pvdz", HE, resources, frequencies=(0.0, 0.6))
    for l in (0, 1):
        shells = np.einsum("kpq,pi,qj->kij", shell_operators(mole, l, found.radii), x, x)
        pushed = np.array([(np.kron(v, np.eye(n)) + np.kron(np.eye(n), v)) @ ground for v in shells])
        pushed -= np.outer(pushed @ ground, ground)
        shifted = whole - energy * np.eye(n * n)
        for w, chi in zip((0.0, 0.6), found.functions[l], strict=True):
            matrix = shifted @ shifted + w**2 * np.eye(n * n) + 1e3 * (np.eye(n * n) - even) + np.outer(ground, ground)
            expected = -2 * pushed @ np.linalg.solve(matrix, shifted @ pushed.T)
            assert chi == pytest.approx(expected, abs=1e-7 * np.abs(expected).max()), (l, w)


@pytest.mark.parametrize(("level", "atom", "count"), [("hf", HE, 2), ("fci", HE, 2), ("pbe", HE, 2), ("hf", NE, 10)])
def test_sum_of_oscillator_strengths(level, atom, count, resources):
    """Thomas, Reiche and Kuhn: ω² α(iω) → N, as far as the basis is complete."""
    found = of(f"{level}/aug-cc-pvqz", atom, resources, frequencies=(0.0, 1e6))
    # Helium's are complete to 0.2 %; the core of neon lacks tight functions.
    assert 1e12 * polarizability(found, 1) == pytest.approx(count, rel=0.004 if atom is HE else 0.06)


@pytest.mark.parametrize(
    ("level", "atom", "text"),
    [
        ("hf/6-31g", Molecule(("O",), ((0, 0, 0),), 0, 3, name="oxygen"), "not spherical"),
        ("hf/6-31g", Molecule(("C",), ((0, 0, 0),), 0, 1, name="singlet carbon"), "not spherical"),
        ("fci/6-31g", Molecule(("B",), ((0, 0, 0),), 0, 2, name="boron"), "not spherical"),
        ("fci/cc-pvtz", Molecule(("Be",), ((0, 0, 0),), 0, 1), "5,000 determinants at most"),
        ("fci/aug-cc-pv5z", H, "63 orbitals at most"),
    ],
)
def test_what_has_no_such_response(level, atom, text, resources):
    with pytest.raises(Unsupported, match=text):
        of(level, atom, resources)


def test_molecules_are_refused(resources):
    with pytest.raises(InputError, match="single atom"):
        of("hf/6-31g", Molecule(("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 0, 1), resources)


def test_states_of_as_many_up_as_down_are_halved(resources):
    """Even ones alone: n(n + 1)/2 of n² determinants of two electrons."""
    from qmbench_pyscf.fullci import molecular_problem
    from qmbench_pyscf.fullci_response import all_states

    problem = molecular_problem(mean_field(HE, resources, "cc-pvdz"), 0)
    found = all_states(problem, 1)
    vectors = np.hstack([found.ground.reshape(-1, 1), found.states])
    assert vectors.shape == (25, comb(6, 2))
    assert vectors.T @ vectors == pytest.approx(np.eye(15), abs=1e-12)


def test_tasks_share_it(tmp_path, monkeypatch):
    """Made once for the same question, and anew for another kernel, frequency or system."""
    from qmbench import Resources
    from qmbench_pyscf import radial

    here = Resources(cores=1, artifacts=tmp_path / "artifacts", scratch=tmp_path)
    first = of("hf/6-31g", HE, here)
    made = []
    inner = radial._mean_field
    monkeypatch.setattr(radial, "_mean_field", lambda *given: made.append(given) or inner(*given))
    again = of("hf/6-31g", HE, here)
    assert not made
    assert np.array_equal(again.functions, first.functions)
    assert again.settings == first.settings
    for options in ({"kernel": "none"}, {"frequencies": (0.1,)}, {"angular": (0,)}):
        of("hf/6-31g", HE, here, **options)
    of("hf/6-31g", Molecule(("He",), ((0, 0, 0),), 0, 1), here)
    of("hf/cc-pvdz", HE, here)
    assert len(made) == 5
