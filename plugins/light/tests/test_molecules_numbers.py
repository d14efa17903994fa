"""Molecules in cavities against numbers of other programs.

The values of QED-HF and QED-FCI without another source are those that were agreed on for this plugin.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from qmbench import Molecule, Resources, parse_level
from qmbench_light.molecules.system import Mode, MoleculeInCavity

ANGSTROM = 1 / 0.529177210903


def in_cavity(symbols, angstrom, charge, *modes, multiplicity=1):
    positions = tuple(tuple(ANGSTROM * x for x in row) for row in angstrom)
    return MoleculeInCavity(Molecule(tuple(symbols), positions, charge, multiplicity), modes, name="it")


def diatomic(first, second, distance, charge, *modes):
    return in_cavity((first, second), ((0, 0, 0), (0, 0, distance)), charge, *modes)


def run(level, system, *properties):
    result = parse_level(level).make().run(system, properties or ("energy",), Resources())
    values = {name: quantity.value for name, quantity in result.properties.items()}
    return (values if properties else values["energy"]), result


def states(level, system):
    return np.array(list(run(level, system, "energies")[0]["energies"].values()))


# Geometry and energy: psi4numpy, Polaritonic-Quantum-Chemistry/CQED_RHF.py, from hilbert, J. Chem. Phys. 154, 094112
# (2021).
WATER = in_cavity(
    "OHH",
    ((0, 0, -0.068516219320), (0, -0.790689573744, 0.543701060715), (0, 0.790689573744, 0.543701060715)),
    0,
    Mode(0.3, (0.0, 0.0, 0.05)),
)
H2 = diatomic("H", "H", 0.74, 0, Mode(0.466751, (0.0, 0.0, 0.05)))
LIH = diatomic("Li", "H", 1.5, 0, Mode(0.12086, (0.0, 0.0, 0.05)))


def test_qed_hf_of_water():
    assert run("qed-hf/cc-pvdz", WATER)[0] == pytest.approx(-76.016355284146, abs=1e-9)


def test_qed_hf_and_qed_fci_of_hydrogen():
    assert run("qed-hf/cc-pvdz", H2)[0] == pytest.approx(-1.12614593968, abs=1e-10)
    assert run("qed-fci/cc-pvdz?photons=6", H2)[0] == pytest.approx(-1.16218657, abs=5e-9)


def test_qed_fci_of_lithium_hydride_with_one_photon():
    # mapol-chem/qed-ci, tests: LiH at 1.5 Å, coherent-state basis; the third state is a triplet.
    values, result = run("qed-fci/sto-3g?photons=1", LIH, "energies")
    found = list(values["energies"].values())[:3]
    assert found == pytest.approx([-7.878792424, -7.7601800101, -7.7547250121], abs=1e-9)
    assert list(result.properties["energies"].degeneracies.values())[:3] == [1, 1, 3]
    same = list(run("qed-fci/sto-3g?photons=1&spin=same", LIH, "energies")[0]["energies"].values())
    assert same[:2] == pytest.approx(found[:2], abs=1e-10)
    assert same[2] > found[2] + 0.01


def test_qed_fci_of_lithium_hydride_with_six_photons():
    # The same source: full diagonalization, ten states.
    published = [-7.878802702, -7.7614561393, -7.75645532, -7.7361601158, -7.7083528272]
    published += [-7.7083528272, -7.6868798814, -7.6868798814, -7.6427875594, -7.6372558418]
    assert states("qed-fci/sto-3g?photons=6&n_states=10", LIH) == pytest.approx(published, abs=1e-9)


def test_qed_fci_in_the_number_basis():
    # The same source: LiH at 1.4 Å, ten photons in the number basis.
    shorter = diatomic("Li", "H", 1.4, 0, *LIH.modes)
    published = [-7.8749559054562726, -7.756654252046298, -7.747674819146274, -7.729087280855876]
    published += [-7.701685049223775, -7.7016850492237685, -7.678038607940438]
    found = states("qed-fci/sto-3g?photons=10&photon_basis=number&n_states=7", shorter)
    assert found == pytest.approx(published, abs=1e-9)


def test_qed_cis_of_mgh():
    """MgH+ in the cc-pVDZ of Psi4, whose functions of Mg have one primitive more than those that PySCF ships."""
    from pyscf import gto, scf

    from qmbench_light.molecules.hamiltonian import cavity_integrals
    from qmbench_light.molecules.meanfield import _couple
    from qmbench_light.molecules.singles import qed_singles

    exponents = [47390, 7108, 1618, 458.4, 149.3, 53.59, 20.7, 8.384, 2.542, 0.8787, 0.1077, 0.03999]
    s = np.array(
        [
            [3.46023e-4, -8.77839e-5, 1.69628e-5],
            [2.68077e-3, -6.74725e-4, 1.29865e-4],
            [1.38367e-2, -3.55603e-3, 6.88831e-4],
            [5.51767e-2, -1.42154e-2, 2.73533e-3],
            [0.16966, -4.76748e-2, 9.31224e-3],
            [0.364703, -0.114892, 2.23265e-2],
            [0.406856, -0.200676, 4.11195e-2],
            [0.135089, -3.41224e-2, 5.45642e-3],
            [4.90884e-3, 0.570454, -0.134012],
            [2.8646e-4, 0.542309, -0.256176],
            [2.6459e-5, 2.18128e-2, 0.605856],
            [-1.12708e-5, -8.2770e-3, 0.509446],
        ]
    )
    p = np.array(
        [
            [179.9, 42.14, 13.13, 4.628, 1.67, 0.5857, 0.1311, 0.04112],
            [5.38161e-3, 3.92418e-2, 0.157445, 0.358535, 0.457226, 0.215918, 6.64948e-3, -1.25304e-4],
            [-8.65948e-4, -6.15978e-3, -2.61519e-2, -5.70647e-2, -8.73906e-2, -1.2299e-2, 0.502085, 0.597245],
        ]
    )
    magnesium = [[0, *np.c_[exponents, s].tolist()], [0, [0.03999, 1.0]], [1, *p.T.tolist()], [1, [0.04112, 1.0]]]
    magnesium.append([2, [0.1932, 1.0]])
    basis = {"Mg": magnesium, "H": "cc-pvdz"}
    atoms = [("Mg", (0, 0, 0)), ("H", (0, 0, 2.2 * ANGSTROM))]
    mole = gto.M(atom=atoms, unit="bohr", basis=basis, charge=1, verbose=0)
    mf = scf.RHF(mole)
    mf.conv_tol = 1e-12
    # mapol-chem/qed-ci, tests: the ground states with and without the field, and the polaritons.
    assert mf.kernel() == pytest.approx(-199.8639591041915, abs=1e-9)
    cavity = cavity_integrals(mole, [Mode(4.75 / 27.21138602, (0.0, 0.0, 0.0125))])
    _couple(mf, cavity)
    mf.kernel()
    found = qed_singles(mf, cavity, 1, 3)
    published = [-199.86358254419457, -199.69776087489558, -199.68066502792058]
    assert found.energies == pytest.approx(published, abs=3e-9)


def test_no_field_is_the_molecule():
    """λ → 0: the molecule's own levels, and the same once more for every photon."""
    free = replace(LIH, modes=(Mode(0.12086, (0.0, 0.0, 1e-9)),))
    molecule = LIH.molecule
    hf, fci = (run(f"{name}/sto-3g", molecule)[0] for name in ("hf", "fci"))
    assert run("qed-hf/sto-3g", free)[0] == pytest.approx(hf, abs=1e-10)
    excited = run("fci/sto-3g?n_states=2", molecule, "excitation_energies")[0]["excitation_energies"]
    levels = [fci, *(fci + x for x in excited.values()), fci + 0.12086]
    found = states("qed-fci/sto-3g?photons=2&n_states=10", free)
    for level in levels:
        assert np.abs(found - level).min() < 1e-8
    cis = run("hf/sto-3g?tda=true&n_states=3", molecule, "excitation_energies")[0]["excitation_energies"]
    singlets = [0.0, *(x for label, x in cis.items() if label.startswith("S")), 0.12086]
    found = states("qed-cis/sto-3g?n_states=10", free)
    for level in singlets:
        assert np.abs(found - hf - level).min() < 1e-8


@pytest.mark.slow
def test_qed_hf_takes_no_longer_than_the_hartree_fock_it_follows(tmp_path):
    from pyscf import lib, scf

    from qmbench_light.molecules.meanfield import qed_mean_field
    from qmbench_pyscf import ScfSpecification, converged_scf, to_mole

    system = in_cavity("COHH", ((0, 0, -0.6), (0, 0, 0.61), (0, 0.94, -1.18), (0, -0.94, -1.18)), 0, *WATER.modes)
    spec, times = ScfSpecification("cc-pvtz"), []
    for attempt in range(3):
        resources = Resources(artifacts=tmp_path / str(attempt))
        converged_scf(system.molecule, spec, resources)
        with lib.with_omp_threads(1):
            start = time.process_time()
            mf = scf.RHF(to_mole(system.molecule, spec.basis))
            mf.conv_tol, mf.conv_tol_grad = spec.energy_tolerance, 1e-7
            mf.kernel()
            alone = time.process_time() - start
            start = time.process_time()
            qed_mean_field(system, spec, resources)
            times.append((time.process_time() - start) / alone)
    assert min(times) < 1.3
