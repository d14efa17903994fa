"""QED-CCSD-1: the ansatz written down in determinants and photon numbers, another program, and exact limits."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from qmbench import Molecule, ResourceError, Resources, Unsupported, parse_level
from qmbench_light.molecules.coupled import Cluster, CoupledCluster, solve
from qmbench_light.molecules.exact import Electrons
from qmbench_light.molecules.hamiltonian import cavity_integrals
from qmbench_light.molecules.meanfield import _couple, qed_mean_field
from qmbench_light.molecules.system import Mode, MoleculeInCavity
from qmbench_pyscf import ScfSpecification, to_mole

ANGSTROM = 1 / 0.529177210903
LIH = MoleculeInCavity(Molecule(("Li", "H"), ((0, 0, 0), (0, 0, 1.5 * ANGSTROM)), 0, 1), (Mode(0.12086, (0, 0, 0.05)),))
H4 = Molecule(("H",) * 4, ((0, 0, 0), (0, 0.2, 1.7), (1.0, 2.5, 0), (0.4, 2.3, 2.1)), 0, 1)
TURNED = Mode(0.3, (0.05, 0.1, 0.2))


def energy(level, system):
    return parse_level(level).make().run(system, ("energy",), Resources()).properties["energy"].value


def solved(system, basis="sto-3g") -> tuple[object, object, CoupledCluster]:
    mf, cavity = qed_mean_field(system, ScfSpecification(basis, energy_tolerance=1e-12), Resources())
    return mf, cavity, solve(mf, cavity, Resources(), 1e-10, 200)


def excitation(electrons: Electrons, i: int, a: int) -> np.ndarray:
    """The matrix of Σ_σ a†_aσ a_iσ in the determinants."""
    from pyscf.fci import cistring

    up, down = electrons.strings
    matrices = []
    for size, count in zip((up, down), electrons.nelec, strict=True):
        matrix = np.zeros((size, size))
        for column, links in enumerate(cistring.gen_linkstr_index(range(electrons.n), count)):
            for created, annihilated, row, sign in links:
                if (created, annihilated) == (a, i):
                    matrix[row, column] += sign
        matrices.append(matrix)
    return np.kron(matrices[0], np.eye(down)) + np.kron(np.eye(up), matrices[1])


def ranks(electrons: Electrons, occupied: int) -> np.ndarray:
    """(determinants,) electrons out of the occupied orbitals."""
    from pyscf.fci import cistring

    virtual = ~((1 << occupied) - 1)
    up, down = (
        np.array([(int(string) & virtual).bit_count() for string in cistring.make_strings(range(electrons.n), count)])
        for count in electrons.nelec
    )
    return (up[:, None] + down[None, :]).ravel()


@pytest.mark.parametrize(
    "system",
    [
        LIH,
        replace(LIH, modes=(Mode(0.2, (0.05, 0.1, 0.3)),)),
        MoleculeInCavity(H4, (TURNED, Mode(0.5, (0.1, 0.0, -0.1)))),
    ],
    ids=["weak", "strong", "two modes"],
)
def test_the_transformed_hamiltonian_vanishes_in_the_space_of_the_ansatz(system):
    """e^(−T) H e^T on the determinant, in all determinants times photon numbers, with nothing in common with the
    equations: its projections on up to two electrons and one photon, and the energy. Two photons suffice for that."""
    mf, cavity, found = solved(system)
    electrons = Electrons(mf, cavity, True, penalty=0.0)
    occupied = int(np.count_nonzero(mf.mo_occ))
    units = np.eye(int(np.prod(electrons.strings))).reshape(-1, *electrons.strings)

    def matrix(apply):
        return np.array([apply(v).ravel() for v in units]).T

    singles = {(i, a): excitation(electrons, i, occupied + a) for i, a in np.ndindex(found.electrons.singles.shape)}

    def operator(cluster: Cluster) -> np.ndarray:
        out = cluster.scalar * np.eye(len(units))
        for (i, a), one in singles.items():
            out = out + cluster.singles[i, a] * one
            out = out + 0.5 * one @ sum(cluster.doubles[i, j, a, b] * other for (j, b), other in singles.items())
        return out

    lowering, unit = np.diag(np.sqrt(np.arange(1.0, 3.0)), 1), np.eye(3)
    modes = range(len(cavity.frequencies))
    fields = [reduce(np.kron, [lowering if k == m else unit for k in modes]) for m in modes]
    photons = np.rint(np.diag(sum(b.T @ b for b in fields))).astype(int)
    inner = np.eye(len(units))
    h = np.kron(np.eye(len(photons)), matrix(electrons.hamiltonian))
    t = np.kron(np.eye(len(photons)), operator(found.electrons))
    for m, omega in enumerate(cavity.frequencies):
        b, moved = fields[m], matrix(lambda v, m=m: electrons.moved(m, v))
        h += omega * np.kron(b.T @ b, inner) - np.sqrt(omega / 2) * np.kron(b + b.T, moved)
        t += np.kron(b.T, operator(found.photons[m]))

    def exponential(sign, vector):
        out, term, k = vector, vector, 0
        while np.abs(term).max() > 0:  # T only excites, so that its powers end
            k += 1
            term = sign * t @ term / k
            out = out + term
        return out

    start = np.zeros(len(h))
    start[0] = 1.0
    result = exponential(-1.0, h @ exponential(1.0, start))
    assert result[0] == pytest.approx(found.energy, abs=1e-11)
    projections = result.reshape(len(photons), -1).copy()
    projections[0, 0] = 0.0
    rank = ranks(electrons, occupied)
    assert np.abs(projections[photons <= 1][:, rank <= 2]).max() < 1e-9
    assert np.abs(projections[photons <= 1][:, rank == 3]).max() > 1e-5  # beyond the ansatz they do not vanish


def test_water_in_another_program():
    """hilbert, tests/qed_ccsd (J. Chem. Phys. 154, 094112 (2021)): water in cc-pVDZ, 2 eV, λ = 0.05, orbitals with
    integrals fitted by cc-pVDZ-JKFIT, all energies with those fitted by cc-pVDZ-RI."""
    from pyscf import ao2mo, scf

    places = ((0, 0, -0.068516219320), (0, -0.790689573744, 0.543701060715), (0, 0.790689573744, 0.543701060715))
    water = Molecule(("O", "H", "H"), tuple(tuple(ANGSTROM * x for x in row) for row in places), 0, 1)
    mole = to_mole(water, "cc-pvdz")
    cavity = cavity_integrals(mole, [Mode(0.07349864501573, (0.0, 0.0, 0.05))])
    orbitals = scf.RHF(mole).density_fit("cc-pvdz-jkfit")
    orbitals.conv_tol = 1e-12
    orbitals.kernel()
    _couple(orbitals, cavity)
    orbitals.kernel(orbitals.make_rdm1())
    assert orbitals.e_tot == pytest.approx(-76.016334290632, abs=1e-9)
    fitted = scf.RHF(mole).density_fit("cc-pvdz-ri")
    _couple(fitted, cavity)
    fitted.mo_coeff, fitted.mo_occ, fitted.mo_energy = orbitals.mo_coeff, orbitals.mo_occ, orbitals.mo_energy
    fitted.e_tot = fitted.energy_tot(dm=orbitals.make_rdm1())
    integrals, transform = fitted.with_df.build().get_ao_eri(), ao2mo.kernel
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ao2mo, "kernel", lambda mole, orbitals: transform(integrals, orbitals))
        assert solve(fitted, cavity, Resources(), 1e-10, 200).energy == pytest.approx(-76.234654403465, abs=1e-9)


def test_without_coupling_it_is_ccsd():
    from pyscf import cc, scf

    system = MoleculeInCavity(H4, (Mode(0.3, (0.0, 0.0, 1e-9)), Mode(0.4, (1e-9, 0.0, 0.0))))
    mf = scf.RHF(to_mole(H4, "6-31g"))
    mf.conv_tol = 1e-12
    mf.kernel()
    program = cc.CCSD(mf)
    program.conv_tol, program.conv_tol_normt = 1e-12, 1e-9
    program.kernel()
    assert energy("qed-ccsd-1/6-31g", system) == pytest.approx(program.e_tot, abs=1e-9)


def test_of_two_electrons_the_error_is_of_fourth_order_in_the_coupling():
    """All determinants of two electrons are in the ansatz, and states of one photon: what is missing begins with two
    photons that are no product, λ⁴, where the correlation with the field is of λ²."""
    errors, effects = [], []
    for strength in (0.04, 0.08):
        h2 = MoleculeInCavity(
            Molecule(("H", "H"), ((0, 0, 0), (0.3, 0.2, 1.4)), 0, 1), (Mode(0.45, (0.0, 0.02, strength)),)
        )
        exact = energy("qed-fci/6-31g?photons=8&n_states=1&energy_tolerance=1e-12", h2)
        errors.append(energy("qed-ccsd-1/6-31g?energy_tolerance=1e-12", h2) - exact)
        alone = energy("fci/6-31g", h2.molecule)
        effects.append(exact - alone)
    assert abs(errors[1]) < 0.01 * abs(effects[1])
    assert np.log2(abs(errors[1] / errors[0])) == pytest.approx(4.0, abs=0.35)


def test_two_parallel_modes_of_one_frequency_are_one():
    one = energy("qed-ccsd-1/sto-3g", replace(LIH, modes=(Mode(0.2, (0.0, 0.03, 0.05)),)))
    half = Mode(0.2, (0.0, 0.03 / np.sqrt(2), 0.05 / np.sqrt(2)))
    assert energy("qed-ccsd-1/sto-3g", replace(LIH, modes=(half, half))) == pytest.approx(one, abs=1e-9)


def test_an_ion_is_independent_of_the_origin():
    ion = MoleculeInCavity(Molecule(("He", "H"), ((0, 0, 0), (0, 0, 1.45)), 1, 1), (TURNED,))
    away = ion.moved(shift=np.array([30.0, -20.0, 70.0]))
    assert energy("qed-ccsd-1/cc-pvdz", away) == pytest.approx(energy("qed-ccsd-1/cc-pvdz", ion), abs=1e-9)


def test_what_it_refuses():
    radical = replace(LIH, molecule=Molecule(("O", "H"), ((0, 0, 0), (0, 0, 1.8)), 0, 2))
    with pytest.raises(Unsupported, match="multiplicity 1, not 2"):
        energy("qed-ccsd-1/sto-3g", radical)
    mf, cavity = qed_mean_field(LIH, ScfSpecification("sto-3g"), Resources())
    with pytest.raises(ResourceError, match="6 orbitals"):
        solve(mf, cavity, replace(Resources(), memory_gib=1e-6), 1e-8, 10)
