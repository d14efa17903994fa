"""Molecules in cavities: identities of the Pauli–Fierz Hamiltonian, and a second way of writing it down."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from qmbench import Molecule, NotConverged, ResourceError, Resources, Unsupported, parse_level
from qmbench_light.molecules.system import Mode, MoleculeInCavity

HEH = Molecule(("He", "H"), ((0.2, 0.1, 0.0), (0.5, -0.2, 1.4)), 1, 1)
H2 = Molecule(("H", "H"), ((0.0, 0.0, 0.0), (0.3, 0.2, 1.4)), 0, 1)
LIH = Molecule(("Li", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 2.9)), 0, 1)
OH = Molecule(("O", "H"), ((0.1, 0.0, 0.0), (0.3, 0.1, 1.8)), 0, 2)
STRONG = Mode(0.4, (0.05, 0.1, 0.2))
GROUND = ("energy", "energy_with_zero_point", "dipole", "photon_number")


def run(level, system, *properties):
    result = parse_level(level).make().run(system, properties or ("energy",), Resources())
    values = {name: quantity.value for name, quantity in result.properties.items()}
    return values if properties else values["energy"]


def states(level, system):
    return np.array(list(run(level, system, "energies")["energies"].values()))


def by_hand(molecule, modes, photons):
    """Energies and photon number of the Pauli–Fierz Hamiltonian in second quantization: matrices of creation and
    annihilation operators (Jordan and Wigner) on all of Fock space, μ about the origin of the coordinates."""
    from qmbench_pyscf import to_mole

    mole = to_mole(molecule, "sto-3g")
    values, vectors = np.linalg.eigh(mole.intor("int1e_ovlp"))
    x = vectors / np.sqrt(values) @ vectors.T
    n = len(x)
    spin, z, lower = np.eye(2), np.diag([1.0, -1.0]), np.array([[0.0, 1.0], [0.0, 0.0]])
    total = 2 * n
    a = [reduce(np.kron, [z] * k + [lower] + [spin] * (total - k - 1)) for k in range(total)]

    def one(matrix):
        m = x.T @ matrix @ x
        return sum(m[p, q] * a[2 * p + s].T @ a[2 * q + s] for p in range(n) for q in range(n) for s in (0, 1))

    eri = np.einsum("pqrs,pi,qj,rk,sl->ijkl", mole.intor("int2e"), x, x, x, x, optimize=True)
    electronic = one(mole.intor("int1e_kin") + mole.intor("int1e_nuc")) + mole.energy_nuc() * np.eye(2**total)
    for p, q, r, s in np.ndindex(n, n, n, n):
        for u, v in np.ndindex(2, 2):
            term = a[2 * p + u].T @ a[2 * r + v].T @ a[2 * s + v] @ a[2 * q + u]
            electronic = electronic + 0.5 * eri[p, q, r, s] * term
    count = sum(op.T @ op for op in a)
    mask = np.isclose(np.diag(count), molecule.n_electrons)
    unit = np.eye(int(mask.sum()))
    electronic = electronic[np.ix_(mask, mask)]
    b = np.diag(np.sqrt(np.arange(1.0, photons + 1)), 1)
    size = photons + 1
    dim = size ** len(modes)
    h = np.kron(np.eye(dim), electronic)
    number = np.zeros_like(h)
    with mole.with_common_origin((0.0, 0.0, 0.0)):
        r1, r2 = mole.intor("int1e_r"), mole.intor("int1e_rr").reshape(3, 3, mole.nao, mole.nao)
    for k, mode in enumerate(modes):
        lam = np.array(mode.coupling)
        nuclear = lam @ (molecule.atomic_numbers @ molecule.coordinates)
        matrix = -np.einsum("x,xpq->pq", lam, r1)
        d = one(matrix)[np.ix_(mask, mask)]
        # What the square of one electron's dipole is beyond the square of its matrix in the basis.
        inverse = x @ x.T
        extra = one(np.einsum("x,xypq,y->pq", lam, r2, lam) - matrix @ inverse @ matrix)[np.ix_(mask, mask)]
        mu = d + nuclear * unit
        square = mu @ mu + extra
        lowering = reduce(np.kron, [b if j == k else np.eye(size) for j in range(len(modes))])
        photon, field = np.kron(lowering.T @ lowering, unit), np.kron(lowering + lowering.T, mu)
        h += mode.frequency * photon - np.sqrt(mode.frequency / 2) * field
        h += 0.5 * np.kron(np.eye(dim), square)
        number += photon - field / np.sqrt(2 * mode.frequency) + np.kron(np.eye(dim), square) / (2 * mode.frequency)
    energies, vectors = np.linalg.eigh(h)
    return energies, float(vectors[:, 0] @ number @ vectors[:, 0])


@pytest.mark.parametrize("modes", [(STRONG,), (STRONG, Mode(0.7, (0.1, 0.0, -0.1)))], ids=["one", "two"])
def test_qed_fci_is_the_hamiltonian_written_in_second_quantization(modes):
    # μ of a neutral molecule does not depend on where it is counted from, so that the cut-off is the same one.
    photons = 5 if len(modes) == 1 else 3
    energies, number = by_hand(H2, modes, photons)
    level = f"qed-fci/sto-3g?photons={photons}&photon_basis=number&n_states=8"
    system = MoleculeInCavity(H2, modes)
    found = states(level, system)
    assert found[0] == pytest.approx(energies[0], abs=1e-10)
    every = np.unique(np.round(energies, 9))  # each multiplet once
    assert np.abs(every[:, None] - found[None, :]).min(axis=0).max() < 2e-9
    assert np.unique(np.round(found, 9)) == pytest.approx(every[: len(np.unique(np.round(found, 9)))], abs=2e-9)
    assert run(level, system, "photon_number")["photon_number"] == pytest.approx(number, abs=1e-9)


def test_an_ion_has_the_same_limit_wherever_its_dipole_is_counted_from():
    energies, number = by_hand(HEH, (STRONG,), 24)
    system = MoleculeInCavity(HEH, (STRONG,))
    for basis in ("coherent", "number"):
        found = run(f"qed-fci/sto-3g?photon_basis={basis}", system, "energy", "photon_number")
        assert found["energy"] == pytest.approx(energies[0], abs=1e-8)
        assert found["photon_number"] == pytest.approx(number, abs=1e-6)


@pytest.mark.parametrize("molecule", [H2, HEH], ids=["H2", "HeH+"])
def test_qed_cis_is_qed_fci_within_single_excitations(molecule):
    """The matrix of QED-FCI, restricted to the determinant and its singlet singles: no formula in common."""
    from qmbench_light.molecules.exact import Electrons
    from qmbench_light.molecules.meanfield import qed_mean_field
    from qmbench_pyscf import ScfSpecification

    system = MoleculeInCavity(molecule, (STRONG,))
    mf, cavity = qed_mean_field(system, ScfSpecification("cc-pvdz"), Resources())
    electrons = Electrons(mf, cavity, True)
    n = electrons.n
    vectors = [np.zeros((n, n)) for _ in range(n)]
    vectors[0][0, 0] = 1.0
    for k in range(1, n):
        vectors[k][0, k] = vectors[k][k, 0] = np.sqrt(0.5)
    flat = np.array(vectors).reshape(n, -1)
    h = flat @ np.array([electrons.hamiltonian(v).ravel() for v in vectors]).T
    d = flat @ np.array([electrons.moved(0, v).ravel() for v in vectors]).T
    assert np.abs(h[0, 1:]).max() < 1e-6  # Brillouin
    field = np.diag(np.sqrt([1.0, 2.0]), 1)
    whole = np.kron(np.eye(3), h) + np.kron(np.diag([0, 0.4, 0.8]), np.eye(n))
    whole -= np.sqrt(0.2) * np.kron(field + field.T, d)
    found = states("qed-cis/cc-pvdz?photons=2&n_states=12", system)
    assert found == pytest.approx(np.linalg.eigvalsh(whole)[:12], abs=1e-8)


@pytest.mark.parametrize("far", [10.0, 1000.0])
def test_an_ion_is_the_same_everywhere(far):
    system = MoleculeInCavity(HEH, (STRONG, Mode(0.8, (0.0, 0.1, 0.05))))
    shift = far * np.array([0.7, -0.3, 0.5])
    levels = ["qed-hf/cc-pvdz", "qed-cis/cc-pvdz", "qed-fci/cc-pvdz?photons=2"]
    for level in [*levels, "qed-fci/cc-pvdz?photons=2&photon_basis=number"]:
        here, there = (run(level, s, *GROUND) for s in (system, system.moved(shift=shift)))
        for name in ("energy", "energy_with_zero_point", "photon_number"):
            assert there[name] == pytest.approx(here[name], abs=1e-9), (level, name)
        assert there["dipole"] == pytest.approx(here["dipole"] + shift, abs=1e-6)


def test_photons_only_lower_the_energy_and_both_bases_meet():
    system = MoleculeInCavity(LIH, (Mode(0.12, (0.0, 0.0, 0.1)),))
    limit = run("qed-fci/sto-3g", system)
    for basis in ("coherent", "number"):
        energies = [run(f"qed-fci/sto-3g?photons={n}&photon_basis={basis}", system) for n in (1, 2, 3, 5, 9, 14)]
        assert (np.diff(energies) <= 1e-11).all()
        assert energies[0] > limit + 1e-6
        assert energies[-1] == pytest.approx(limit, abs=2e-8)
    coherent, number = (run(f"qed-fci/sto-3g?photons=1&photon_basis={b}", system) for b in ("coherent", "number"))
    assert number > coherent + 1e-3  # a polar molecule displaces the field


def test_without_a_dipole_both_bases_are_one():
    """One photon, no dipole moment: nothing is displaced."""
    system = MoleculeInCavity(H2, (STRONG,))
    for level in ("qed-fci/cc-pvdz?photons=1", "qed-fci/cc-pvdz?photons=2"):
        assert states(level, system) == pytest.approx(states(f"{level}&photon_basis=number", system), abs=1e-9)


def test_each_level_lies_above_the_next():
    system = MoleculeInCavity(LIH, (Mode(0.12, (0.03, 0.0, 0.05)),))
    levels = ("qed-hf/sto-3g", "qed-cis/sto-3g", "qed-fci/sto-3g?photons=1", "qed-fci/sto-3g")
    energies = [run(level, system) for level in levels]
    assert (np.diff(energies) < -1e-6).all()


def test_modes_of_one_frequency_can_be_turned_into_one():
    """Two modes of one frequency and parallel polarizations are one with √(λ₁² + λ₂²), and one that is not coupled."""
    first, second = np.array([0.015, 0.0, 0.045]), np.array([0.02, 0.0, 0.06])
    two = MoleculeInCavity(LIH, (Mode(0.2, tuple(first)), Mode(0.2, tuple(second))))
    one = MoleculeInCavity(LIH, (Mode(0.2, tuple(first * 5 / 3)),))
    assert run("qed-hf/sto-3g", two) == pytest.approx(run("qed-hf/sto-3g", one), abs=1e-9)
    fine = "qed-fci/sto-3g?photons=5"
    a, b = (run(fine, s, "energy", "photon_number", "dipole") for s in (two, one))
    assert a["energy"] == pytest.approx(b["energy"], abs=1e-7)
    assert a["photon_number"] == pytest.approx(b["photon_number"], abs=1e-6)
    assert a["dipole"] == pytest.approx(b["dipole"], abs=1e-5)


def test_of_one_electron_the_self_energy_is_a_potential():
    """Hydrogen: no dipole and nobody to exchange with, so that QED-UHF is the lowest eigenvalue of h + (λ·r)²/2."""
    from scipy.linalg import eigh

    from qmbench_pyscf import to_mole

    atom = Molecule(("H",), ((0.3, 0.0, -0.2),), 0, 2)
    mole = to_mole(atom, "cc-pvtz")
    lam = np.array(STRONG.coupling)
    with mole.with_common_origin(atom.positions[0]):
        rr = mole.intor("int1e_rr").reshape(3, 3, mole.nao, mole.nao)
    h = mole.intor("int1e_kin") + mole.intor("int1e_nuc") + 0.5 * np.einsum("x,xypq,y->pq", lam, rr, lam)
    exact = eigh(h, mole.intor("int1e_ovlp"), eigvals_only=True)[0]
    assert run("qed-hf/cc-pvtz", MoleculeInCavity(atom, (STRONG,))) == pytest.approx(exact, abs=1e-9)


def test_the_photons_of_qed_hf_are_its_dipole_self_energy():
    """⟨H⟩ = ⟨H_e⟩ + ω n with the photon number of the transverse field; ⟨H_e⟩ by PySCF from the density."""
    from qmbench_light.molecules.meanfield import qed_mean_field
    from qmbench_pyscf import ScfSpecification

    for molecule in (LIH, OH):
        system = MoleculeInCavity(molecule, (STRONG,))
        found = run("qed-hf/6-31g", system, *GROUND)
        mf, _ = qed_mean_field(system, ScfSpecification("6-31g"), Resources())
        fresh = mf.__class__(mf.mol)
        electrons = fresh.energy_tot(dm=mf.make_rdm1())
        assert found["energy"] - electrons == pytest.approx(0.4 * found["photon_number"], abs=1e-9)
        assert found["energy_with_zero_point"] - found["energy"] == pytest.approx(0.2, abs=1e-12)
        assert found["dipole"] == pytest.approx(fresh.dip_moment(dm=mf.make_rdm1(), unit="AU", verbose=0), abs=1e-6)


def test_at_resonance_the_polaritons_are_split_by_the_transition_dipole():
    """Small λ at resonance: the splitting is √(2ω) λ·μ₀₁ (twice the coupling), from the transition dipole by FCI."""
    from pyscf import ao2mo, fci, scf

    from qmbench_pyscf import to_mole

    mole = to_mole(H2, "6-31g")
    mf = scf.RHF(mole).run(conv_tol=1e-12)
    solver = fci.direct_spin0.FCI(mole)
    c = mf.mo_coeff
    energies, vectors = solver.kernel(
        c.T @ mf.get_hcore() @ c, ao2mo.kernel(mole, c), c.shape[1], 2, nroots=4, conv_tol=1e-12
    )
    # The first excited singlet is that of the bond's direction.
    along = np.array(H2.positions[1]) / np.linalg.norm(H2.positions[1])
    r = np.einsum("x,xpq->pq", along, mole.intor("int1e_r"))
    transition = abs(np.sum(solver.trans_rdm1(vectors[0], vectors[1], c.shape[1], 2) * (c.T @ r @ c)))
    omega = energies[1] - energies[0]
    assert transition > 0.5
    system = MoleculeInCavity(H2, (Mode(float(omega), tuple(1e-3 * along)),))
    for level in ("qed-fci/6-31g", "qed-fci/6-31g?photons=1&n_states=4"):
        splitting = run(level, system, "polariton_splitting")["polariton_splitting"]
        assert splitting == pytest.approx(np.sqrt(2 * omega) * 1e-3 * transition, rel=1e-4)
    # Out of resonance the coupling is the same, and the detuning is told apart from it, with its sign.
    for shift in (1.002, 0.997):
        system = MoleculeInCavity(H2, (Mode(float(shift * omega), tuple(1e-3 * along)),))
        found = run("qed-fci/6-31g", system, "polariton_splitting", "rabi_splitting", "polariton_detuning")
        rabi = np.sqrt(2 * shift * omega) * 1e-3 * transition
        assert found["rabi_splitting"] == pytest.approx(rabi, rel=3e-3)
        assert found["polariton_detuning"] == pytest.approx((1 - shift) * omega, rel=5e-3)
        assert found["polariton_splitting"] == pytest.approx(np.hypot(rabi, (1 - shift) * omega), rel=1e-3)


def test_a_splitting_needs_both_polaritons():
    system = MoleculeInCavity(LIH, (Mode(2.5, (0.0, 0.0, 0.05)),))
    with pytest.raises(Unsupported, match="raise n_states"):
        run("qed-fci/sto-3g?photons=1", system, "polariton_splitting")
    with pytest.raises(Unsupported, match="n_states=3"):
        run("qed-fci/sto-3g?n_states=2", system, "polariton_splitting")
    dark = MoleculeInCavity(LIH, (Mode(0.12, (0.0, 0.0, 0.05)), Mode(0.12, (0.0, 0.0, 0.0))))
    with pytest.raises(Unsupported, match="more than two polaritons"):
        run("qed-fci/sto-3g?photons=1", dark, "polariton_splitting")


def test_a_cut_off_that_is_not_reached_is_said(monkeypatch):
    from qmbench_light.molecules import exact

    system = MoleculeInCavity(LIH, (Mode(0.02, (0.0, 0.0, 0.2)),))
    monkeypatch.setattr(exact, "MOST_PHOTONS", 4)
    with pytest.raises(NotConverged, match="photons in each mode"):
        run("qed-fci/sto-3g", system)


def test_large_vectors_are_found_as_whole_matrices_are(monkeypatch):
    from qmbench_light.molecules import exact

    system = replace(MoleculeInCavity(LIH, (Mode(0.12, (0.03, 0.0, 0.05)),)))
    level = "qed-fci/sto-3g?photons=3&n_states=6"
    whole = states(level, system)
    monkeypatch.setattr(exact, "WHOLE", 0)
    assert states(level, system) == pytest.approx(whole, abs=1e-8)


def test_what_is_too_large_is_refused_before_it_fills_the_memory(monkeypatch):
    from pyscf import ao2mo

    from qmbench_light.molecules import singles

    def never(*_, **__):
        raise AssertionError("integrals were made")

    water = Molecule(("O", "H", "H"), ((0.1, 0.0, 0.12), (0.3, 1.43, -0.97), (-0.2, -1.43, -0.99)), 0, 1)
    monkeypatch.setattr(ao2mo, "kernel", never)
    with pytest.raises(ResourceError, match="determinants"):
        run("qed-fci/cc-pvdz", MoleculeInCavity(water, (STRONG,)))
    monkeypatch.setattr(singles, "LARGEST", 100)
    with pytest.raises(ResourceError, match="configurations"):
        run("qed-cis/cc-pvdz", MoleculeInCavity(water, (STRONG,)))


def test_memory_is_kept_to():
    method = parse_level("qed-fci/6-31g?photons=3").make()
    with pytest.raises(ResourceError, match="memory"):
        method.run(MoleculeInCavity(LIH, (STRONG,)), ("energy",), Resources(memory_gib=0.001))


def test_what_is_refused():
    doublet = MoleculeInCavity(OH, (STRONG,))
    with pytest.raises(Unsupported, match="multiplicity 1"):
        run("qed-cis/sto-3g", doublet)
    with pytest.raises(Unsupported, match="does not do molecule systems"):
        run("qed-hf/sto-3g", OH)
