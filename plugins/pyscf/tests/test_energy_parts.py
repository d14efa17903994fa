"""What the energy of a wave function is made of: parts of one calculation against calculations of their own."""

from __future__ import annotations

import itertools

import pytest

from qmbench import LatticeModel, Molecule, Resources, Unsupported, parse_level
from qmbench_pyscf.base import ENERGY_PARTS

OPTIONS = ("6-31g", "6-31g?frozen_core=true", "cc-pvdz?density_fitting=true")


def parts(run, level, system, resources=None):
    wanted = parse_level(level).method.properties & (ENERGY_PARTS | {"energy"})
    found = run(level, system, *wanted, with_resources=resources)
    return {name: quantity.value for name, quantity in found.properties.items()}


@pytest.fixture
def alone(tmp_path):
    """alone() -> resources in which nobody has kept anything"""
    folders = itertools.count()
    return lambda: Resources(cores=1, artifacts=tmp_path / str(next(folders)) / "artifacts", scratch=tmp_path)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("system", ["water", "oh", "nh", "li"])
def test_one_triples_calculation_answers_for_all(options, system, run, alone):
    whole = parts(run, f"ccsd(t)/{options}", system, alone())
    mp2 = parts(run, f"mp2/{options}", system, alone())
    ccsd = parts(run, f"ccsd/{options}", system, alone())
    assert whole["reference_energy"] == parts(run, f"hf/{options.replace('?frozen_core=true', '')}", system)["energy"]
    assert whole["mp2_correlation_energy"] == pytest.approx(mp2["correlation_energy"], abs=1e-9)
    assert ccsd["mp2_correlation_energy"] == pytest.approx(mp2["correlation_energy"], abs=1e-9)
    assert whole["ccsd_correlation_energy"] == pytest.approx(ccsd["correlation_energy"], abs=1e-9)
    assert whole["energy"] == pytest.approx(
        whole["reference_energy"] + whole["ccsd_correlation_energy"] + whole["triples_correction"], abs=1e-12
    )
    for found in (whole, mp2, ccsd):
        assert found["energy"] == pytest.approx(found["reference_energy"] + found["correlation_energy"], abs=1e-12)
    if (system, options) != ("li", OPTIONS[1]):  # one active electron
        assert whole["mp2_correlation_energy"] < -1e-5
        assert whole["triples_correction"] < 0


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("system", ["water", "oh", "one_spin"])
def test_what_came_on_the_way_is_not_computed_again(options, system, run, alone, monkeypatch):
    """MP2 after CCSD, MP2 and CCSD after CCSD(T): the numbers and settings of calculations of their own."""
    from qmbench_pyscf import correlated

    if system == "one_spin":  # which PySCF has as spin orbitals
        if "density_fitting" in options:
            pytest.skip("PySCF has no coupled cluster of spin orbitals with fitted integrals")
        options = options.replace("6-31g", "cc-pvtz")  # where such a pair is correlated
        system = Molecule(("He",), ((0, 0, 0),), 0, 3, name="he_triplet")
    own = {name: run(f"{name}/{options}", system, *asked(name), with_resources=alone()) for name in ("mp2", "ccsd")}
    assert all(found.properties["correlation_energy"].value < -1e-4 for found in own.values())
    shared, other = alone(), alone()
    run(f"ccsd(t)/{options}", system, with_resources=shared)
    run(f"ccsd/{options}", system, with_resources=other)

    def refuse(*_, **__):
        raise AssertionError("computed again")

    monkeypatch.setattr(correlated, "solved_cluster", refuse)
    monkeypatch.setattr(correlated, "pair_energies", refuse)
    for name, resources in (("mp2", shared), ("ccsd", shared), ("mp2", other)):
        found = run(f"{name}/{options}", system, *asked(name), with_resources=resources)
        for prop, quantity in own[name].properties.items():
            assert found.properties[prop].value == pytest.approx(quantity.value, abs=2e-10), (name, prop)
        assert found.settings.keys() == own[name].settings.keys()
    if isinstance(system, str) and "fitting" not in options:  # of one spin alone forces are differences of energies
        with pytest.raises(AssertionError, match="computed again"):  # what only the amplitudes tell
            run(f"ccsd/{options}", system, "forces", with_resources=shared)


def asked(name):
    return parse_level(f"{name}/6-31g").method.properties & (ENERGY_PARTS | {"energy"})


@pytest.mark.parametrize("frozen", [0, 1])
@pytest.mark.parametrize("system", ["water", "nh"])
def test_pairs_of_spins_by_hand(system, frozen, run, molecules):
    """The sums over spin orbitals themselves, from integrals over orbitals of each spin."""
    import numpy as np
    from pyscf import ao2mo, scf

    from qmbench_pyscf import to_mole

    mol = to_mole(molecules[system], "6-31g")
    mf = scf.UHF(mol).set(conv_tol=1e-12, conv_tol_grad=1e-8)
    mf.kernel()
    sums = {}
    for one, other in ((0, 0), (1, 1), (0, 1)):
        occupied = [mf.mo_coeff[s][:, frozen : mol.nelec[s]] for s in (one, other)]
        empty = [mf.mo_coeff[s][:, mol.nelec[s] :] for s in (one, other)]
        shape = (occupied[0].shape[1], empty[0].shape[1], occupied[1].shape[1], empty[1].shape[1])
        iajb = ao2mo.general(mol, (occupied[0], empty[0], occupied[1], empty[1]), compact=False).reshape(shape)
        gaps = [
            np.subtract.outer(mf.mo_energy[s][frozen : mol.nelec[s]], mf.mo_energy[s][mol.nelec[s] :])
            for s in (one, other)
        ]
        denominator = gaps[0][:, :, None, None] + gaps[1][None, None]
        exchanged = iajb - iajb.transpose(0, 3, 2, 1) if one == other else iajb
        sums[one, other] = (0.5 if one == other else 1.0) * np.sum(iajb * exchanged / denominator)
    found = parts(run, f"mp2/6-31g{'?frozen_core=true' if frozen else ''}", system)
    assert found["same_spin_correlation_energy"] == pytest.approx(sums[0, 0] + sums[1, 1], abs=1e-8)
    assert found["opposite_spin_correlation_energy"] == pytest.approx(sums[0, 1], abs=1e-8)


def test_electrons_of_one_spin_have_no_opposite_pairs(run):
    """Triplet H2 at a short distance: one pair ↑↑, in a basis with enough functions of one symmetry to correlate."""
    triplet = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 0, 3, name="h2_triplet")
    found = parts(run, "mp2/6-31g**", triplet)
    assert found["opposite_spin_correlation_energy"] == 0
    assert found["same_spin_correlation_energy"] == found["correlation_energy"] < -1e-5
    assert parts(run, "ccsd(t)/6-31g**", triplet)["mp2_correlation_energy"] == pytest.approx(
        found["correlation_energy"], abs=1e-9
    )
    with pytest.raises(Unsupported, match="one spin alone"):
        run("ccsd/6-31g**?density_fitting=true", triplet)


def test_full_ci_counts_from_hartree_fock(run):
    for system in ("lih", "oh"):
        found = parts(run, "fci/sto-3g", system)
        assert found["reference_energy"] == parts(run, "hf/sto-3g", system)["energy"]
        assert found["correlation_energy"] == pytest.approx(found["energy"] - found["reference_energy"], abs=1e-12)
        assert found["correlation_energy"] < -1e-3


def test_where_there_is_nothing_to_correlate(run):
    found = parts(run, "ccsd(t)/sto-3g", "h")
    assert found["energy"] == found["reference_energy"]
    assert {found[name] for name in ENERGY_PARTS & set(found) - {"reference_energy"}} == {0.0}
    proton = Molecule(("H",), ((0, 0, 0),), 1, 1)
    assert set(parts(run, "mp2/sto-3g", proton).values()) == {0.0}


@pytest.mark.parametrize("name", ["pbe", "b3lyp+d4", "hf+d3bj"])
def test_functionals_and_dispersion_have_no_such_parts(name):
    assert not parse_level(f"{name}/sto-3g").method.properties & ENERGY_PARTS


@pytest.mark.parametrize("name", ["hf", "fci"])
def test_not_of_lattices(name):
    with pytest.raises(Unsupported, match="reference_energy of a lattice"):
        parse_level(name).make().check(
            LatticeModel((4,), ("periodic",), 1.0, 4.0, 4, 1), frozenset({"reference_energy"})
        )
