"""A saddle point is never reported as the ground state, and non-convergence is never a number."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule, NotConverged, Resources, Unsupported, level
from qmbench_pyscf import ScfSpecification, converged_scf, scf_settings, to_mole


def first_solution(molecule, basis):
    """What an unrestricted SCF from PySCF's default guess ends in, and whether PySCF calls it stable."""
    from pyscf import scf

    mf = scf.UHF(to_mole(molecule, basis)).set(conv_tol=1e-10, max_cycle=200).run()
    _, _, stable, _ = mf.stability(return_status=True)
    return mf.e_tot, stable


def stable_by_pyscf(mf):
    return mf.stability(return_status=True)[2]


def test_known_saddle_of_oxygen_cation(resources):
    """O+ as a doublet: the default guess converges to a saddle point 0.1 hartree above the minimum."""
    molecule = Molecule(("O",), ((0, 0, 0),), 1, 2)
    naive, stable = first_solution(molecule, "cc-pvdz")
    mf = converged_scf(molecule, ScfSpecification("cc-pvdz"), resources=resources)
    assert not stable
    assert mf.e_tot < naive - 0.05
    assert stable_by_pyscf(mf)


def test_known_saddle_of_oxygen_molecule(resources, molecules):
    naive, stable = first_solution(molecules["o2"], "sto-3g")
    mf = converged_scf(molecules["o2"], ScfSpecification("sto-3g"), resources=resources)
    assert not stable
    assert mf.e_tot < naive - 1e-4
    assert stable_by_pyscf(mf)


@pytest.mark.parametrize(("symbol", "multiplicity"), [("B", 2), ("C", 3), ("O", 3), ("F", 2), ("Al", 2), ("S", 3)])
def test_atoms_are_minima(symbol, multiplicity, resources):
    atom = Molecule((symbol,), ((0, 0, 0),), 0, multiplicity)
    mf = converged_scf(atom, ScfSpecification("6-31g"), resources=resources)
    assert scf_settings(mf)["stability"] == "minimum"
    assert stable_by_pyscf(mf)


def test_stretched_nitrogen_restricted_and_unrestricted(run, molecules):
    restricted = run("hf/sto-3g", "n2_long")
    unrestricted = run("hf/sto-3g?reference=unrestricted", "n2_long")
    assert restricted.settings["external_instability"]
    assert any("reference=unrestricted" in line for line in restricted.warnings)
    assert restricted.settings["s_squared"] == pytest.approx(0.0, abs=1e-10)
    # Near dissociation: two quartet atoms, ⟨S²⟩ close to 3 and the energy close to theirs.
    atom = run("hf/sto-3g", Molecule(("N",), ((0, 0, 0),), 0, 4)).properties["energy"].value
    energy = unrestricted.properties["energy"].value
    assert energy < restricted.properties["energy"].value - 0.2
    assert energy == pytest.approx(2 * atom, abs=0.02)
    assert 2.5 < unrestricted.settings["s_squared"] < 3.1
    assert not unrestricted.warnings


def test_fluorine_molecule_is_unstable_at_its_bond_length(run):
    f2 = Molecule(("F", "F"), ((0, 0, 0), (0, 0, 2.668)), 0, 1)
    result = run("hf/6-31g", f2)
    assert result.settings["external_instability"]
    lower = run("hf/6-31g?reference=unrestricted", f2).properties["energy"].value
    assert lower < result.properties["energy"].value - 1e-3


def test_bound_water_is_stable(run):
    result = run("hf/6-31g?reference=unrestricted", "water")
    restricted = run("hf/6-31g", "water")
    assert not restricted.settings["external_instability"]
    assert not restricted.warnings
    assert result.properties["energy"].value == pytest.approx(restricted.properties["energy"].value, abs=1e-8)


def test_stability_switched_off_says_so(run):
    assert run("hf/sto-3g?stability=false", "water").settings["stability"] == "not looked at"


@pytest.mark.parametrize("level", ["hf/6-31g?max_cycle=1", "pbe/sto-3g?max_cycle=1&grid=0", "ccsd/6-31g?max_cycle=3"])
@pytest.mark.parametrize("system", ["water", "oh"])
def test_no_convergence_raises(level, system, run):
    with pytest.raises(NotConverged):
        run(level, system)


def test_tda_is_needed_on_an_unstable_reference(run, molecules):
    with pytest.raises(Unsupported, match="tda=true"):
        run("hf/sto-3g", "n2_long", "excitation_energies")


def linear(a, b, angstrom, multiplicity=1):
    return Molecule((a, b), ((0, 0, 0), (0, 0, angstrom / 0.529177210903)), 0, multiplicity)


def lowest_by_pyscf_response(mf, singlet):
    """The lowest eigenvalue of a restricted solution's Hessian, every column of it evaluated on the SCF's own grid."""
    import numpy as np

    o, v = mf.mo_coeff[:, mf.mo_occ > 0], mf.mo_coeff[:, mf.mo_occ == 0]
    respond = mf.gen_response(singlet=singlet, hermi=1)
    columns = []
    for x in np.eye(o.shape[1] * v.shape[1]).reshape(-1, v.shape[1], o.shape[1]):
        density = 2 * v @ x @ o.T
        columns.append((v.T @ respond(density + density.T) @ o).ravel())
    energies = mf.mo_energy[mf.mo_occ == 0][:, None] - mf.mo_energy[mf.mo_occ > 0]
    return np.linalg.eigvalsh(np.array(columns) + np.diag(energies.ravel()))[0]


@pytest.mark.parametrize("xc", [None, "pbe", "b3lyp", "r2scan", "cam_b3lyp"])
@pytest.mark.parametrize("distance", [1.1, 1.9])
def test_cheap_verdicts_are_those_of_the_full_hessian(xc, distance, resources):
    from qmbench_pyscf.mean_field_object import mean_field
    from qmbench_pyscf.stability import DOUBT, threshold, verdicts

    mf = mean_field(linear("C", "O", distance), ScfSpecification("6-31g", xc, grid=2), resources).run()
    found = verdicts(mf)
    full = [lowest_by_pyscf_response(mf, singlet) for singlet in (None, False)][: len(found)]
    assert [verdict.stable for verdict in found] == [value >= threshold(mf) for value in full]
    assert all(abs(v.eigenvalue - value) < DOUBT["ks" if xc else "hf"] for v, value in zip(found, full, strict=True))
    assert all("fitted" in verdict.how for verdict in found)


@pytest.mark.parametrize("xc", [None, "svwn", "pbe", "b3lyp", "r2scan", "hyb_gga_xc_hse06", "cam_b3lyp"])
@pytest.mark.parametrize("system", ["water", "oh"])
def test_cheap_products_are_nearly_those_of_the_full_hessian(xc, system, resources, molecules):
    """With LDA, GGA, meta-GGA, global, screened and long-range exact exchange; in both channels of a closed shell."""
    import numpy as np

    from qmbench_pyscf.coarse_hessian import CoarseHessian
    from qmbench_pyscf.mean_field_object import mean_field
    from qmbench_pyscf.stability import FullHessian

    mf = mean_field(molecules[system], ScfSpecification("6-31g*", xc, grid=2, cartesian=False), resources).run()
    full, cheap = FullHessian(mf), CoarseHessian(mf)
    x = np.random.default_rng(0).normal(size=(3, full.differences.size))
    x /= np.linalg.norm(x, axis=1)[:, None]
    products = cheap.products(x)
    assert len(products) == full.channels
    for channel, product in enumerate(products):
        assert product == pytest.approx(full.products(x, channel), abs=5e-3)
        assert np.abs(product - cheap.differences * x).max() > 0.02


def test_turning_an_atom_in_space_is_no_doubt(resources):
    """The zero of the Hessian that belongs to the direction of the p hole is known beforehand."""
    import numpy as np

    from qmbench_pyscf.coarse_hessian import CoarseHessian
    from qmbench_pyscf.mean_field_object import mean_field
    from qmbench_pyscf.stability import FullHessian, turns_in_space, verdicts

    fluorine = Molecule(("F",), ((0.3, 0, 0),), 0, 2)
    mf = mean_field(fluorine, ScfSpecification("6-31g*"), resources).run(conv_tol=1e-12)
    full = FullHessian(mf)
    turns = turns_in_space(mf, full)
    assert len(turns) == 2
    assert np.abs(full.products(turns)).max() < 1e-5
    assert np.abs(CoarseHessian(mf).products(turns)[0]).max() < 5e-3
    (verdict,) = verdicts(mf)
    assert verdict.stable
    assert verdict.how.endswith("turns in space")
    closed = mean_field(linear("N", "N", 1.1), ScfSpecification("6-31g"), resources).run()
    assert len(turns_in_space(closed, FullHessian(closed))) == 0


def test_the_record_says_how_stability_was_found(run):
    settings = run("pbe/6-31g?grid=1", "water").settings
    assert settings["stability"] == "minimum"
    assert settings["stability_checked"] == "coarse grid, fitted integrals"
    assert settings["external_stability_checked"] == "coarse grid, fitted integrals"
    one = run("hf/6-31g", "h").settings
    assert one["stability_checked"].startswith("one electron")


@pytest.mark.parametrize("xc", ["pbe", "b3lyp", "r2scan", "wb97x_v"])
def test_a_solution_does_not_depend_on_the_coarse_grid_it_came_from(xc, resources, molecules):
    from qmbench_pyscf.mean_field_object import mean_field
    from qmbench_pyscf.quasi_newton import coarse_solution, refine

    spec = ScfSpecification("6-31g", xc, grid=2)
    plain = mean_field(molecules["water"], spec, resources).run()
    mf = mean_field(molecules["water"], spec, resources)
    coarse = coarse_solution(mf, mf.get_init_guess(mf.mol, "minao"))
    assert abs(coarse.e_tot - plain.e_tot) > 1e-5
    assert refine(mf, coarse)
    assert mf.e_tot == pytest.approx(plain.e_tot, abs=1e-9)
    assert mf.mo_energy == pytest.approx(plain.mo_energy, abs=1e-6)


@pytest.mark.parametrize("xc", [None, "pbe", "b3lyp"])
@pytest.mark.parametrize(
    ("symbols", "multiplicity", "basis"),
    [
        (("H", "H"), 3, "sto-3g"),  # no empty orbital of ↑, no electron of ↓
        (("H", "H"), 3, "6-31g"),  # no electron of ↓
        (("O", "H"), 2, "sto-3g"),
        (("Be",), 5, "sto-3g"),  # ↑ in all but one orbital, no electron of ↓
    ],
)
def test_spins_without_electrons_or_without_empty_orbitals(xc, symbols, multiplicity, basis, resources):
    import numpy as np

    from qmbench_pyscf.coarse_hessian import CoarseHessian
    from qmbench_pyscf.mean_field_object import mean_field
    from qmbench_pyscf.stability import FullHessian, verdicts

    molecule = Molecule(symbols, ((0, 0, 0), (0, 0, 2.5))[: len(symbols)], 0, multiplicity)
    mf = mean_field(molecule, ScfSpecification(basis, xc, grid=2), resources).run()
    full = FullHessian(mf)
    assert len(verdicts(mf)) == 1
    if full.differences.size:
        x = np.eye(full.differences.size)
        assert CoarseHessian(mf).products(x)[0] == pytest.approx(full.products(x), abs=5e-3)


def test_where_the_cheap_hessian_is_not_finite_the_full_one_decides(resources, monkeypatch, tmp_path):
    """It happened, once, to PBE's hydrogen atom, whose kernel is 1e12 where there are no electrons of one spin."""
    from qmbench_pyscf.coarse_hessian import CoarseHessian

    hydrogen = Molecule(("H",), ((0, 0, 0),), 0, 2)
    usual = converged_scf(hydrogen, ScfSpecification("cc-pvdz", xc="pbe"), resources).e_tot
    products = CoarseHessian.products
    monkeypatch.setattr(CoarseHessian, "products", lambda self, v: products(self, v) * np.nan)
    # Artifacts of its own: a solution that another test left would not be looked at again.
    found = level("pbe/cc-pvdz").make().compute(hydrogen, frozenset({"energy"}), Resources(artifacts=tmp_path))
    assert found.properties["energy"].value == pytest.approx(usual, abs=1e-10)
    assert found.settings["stability_checked"] == "full Hessian; the cheap one is not finite here"
    assert found.settings["stability"] == "minimum"


def test_a_hessian_that_is_nowhere_finite_is_said(monkeypatch, tmp_path):
    from qmbench_pyscf.coarse_hessian import CoarseHessian
    from qmbench_pyscf.stability import FullHessian

    hydrogen = Molecule(("H",), ((0, 0, 0),), 0, 2)
    monkeypatch.setattr(CoarseHessian, "products", lambda self, v: np.full((1, *v.shape), np.nan))
    monkeypatch.setattr(FullHessian, "products", lambda self, v, channel=0: np.full_like(v, np.nan))
    with pytest.raises(NotConverged, match="stability=false leaves it out"):
        level("pbe/6-31g").make().compute(hydrogen, frozenset({"energy"}), Resources(artifacts=tmp_path))


CARBON = Molecule(("C", "C"), ((0.1, -0.2, 0.3), (0.1 + 1.2, -0.2 + 1.2, 0.3 + 1.6248)), 0, 1)


def test_a_closed_shell_keeps_the_symmetry_of_the_nuclei(run):
    """C2: two electrons taken out of one π orbital into σ have a lower determinant, on which coupled cluster is 0.08
    hartree too high. PySCF with its point groups is the second implementation."""
    from pyscf import cc, gto, scf

    mole = gto.M(atom=[("C", (0, 0, 0)), ("C", (0, 0, float(np.linalg.norm([1.2, 1.2, 1.6248]))))], unit="bohr")
    mole.build(basis="cc-pvdz", symmetry="D2h", verbose=0)
    mf = scf.RHF(mole).set(irrep_nelec={"Ag": 4, "B1u": 4, "B2u": 2, "B3u": 2}).run(conv_tol=1e-12)
    broken = scf.RHF(mole).set(irrep_nelec={"Ag": 6, "B1u": 4, "B2u": 2}).run(conv_tol=1e-12)
    solver = cc.CCSD(mf).run(conv_tol=1e-10)
    found, level = run("hf/cc-pvdz", CARBON), run("ccsd(t)/cc-pvdz", CARBON)
    assert found.properties["energy"].value == pytest.approx(mf.e_tot, abs=1e-8)
    assert level.properties["energy"].value == pytest.approx(solver.e_tot + solver.ccsd_t(), abs=1e-7)
    assert found.settings["stability"] == "saddle point"
    # The lowest has less symmetry still.
    assert -1e-7 < found.settings["lower_by"] - (mf.e_tot - broken.e_tot) < 1e-4
    assert found.settings["external_instability"]
    assert any("without the symmetry of the nuclei is lower by 0.0" in line for line in level.warnings)
    unrestricted = run("hf/cc-pvdz?reference=unrestricted", CARBON).properties["energy"].value
    assert unrestricted < broken.e_tot
    with pytest.raises(Unsupported, match="saddle point"):
        run("hf/cc-pvdz", CARBON, "excitation_energies")


def test_the_symmetry_of_a_density(resources):
    """Broken along a bond, about an axis, and not at all."""
    from pyscf import scf

    from qmbench_pyscf.symmetry import is_symmetric

    for molecule in (CARBON, Molecule(("Be",), ((0.3, 0.0, 0.0),), 0, 1)):
        mf = converged_scf(molecule, ScfSpecification("6-31g"), resources=resources)
        assert is_symmetric(mf)
    square = Molecule(("H",) * 4, ((0, 0, 0), (2.5, 0, 0), (2.5, 2.5, 0), (0, 2.5, 0)), 0, 1)
    assert not is_symmetric(scf.RHF(to_mole(square, "sto-3g")).run(conv_tol=1e-10))
    mf = scf.RHF(to_mole(CARBON, "6-31g")).run(conv_tol=1e-10)
    occupied = mf.mo_occ > 0
    occupied[5], occupied[6] = False, True  # one of two π orbitals
    mf.mo_occ = 2.0 * occupied
    assert not is_symmetric(mf)


@pytest.mark.parametrize(("symbol", "distance", "expected"), [("B", 3.0, True), ("O", 2.28, False)])
def test_spin_contamination_of_an_open_shell_is_said(symbol, distance, expected, run):
    """The lowest determinant of triplet B2 is nearly a mixture of triplet and quintet; that of O2 is a triplet."""
    pair = Molecule((symbol, symbol), ((0, 0, 0), (0.0, 0.0, distance)), 0, 3)
    for asked in ("hf/6-31g", "mp2/6-31g"):
        made = run(asked, pair)
        assert made.settings["s_squared_of_pure_spin"] == 2.0
        assert any(line.startswith("spin contamination: ⟨S²⟩ = 2.") for line in made.warnings) == expected
