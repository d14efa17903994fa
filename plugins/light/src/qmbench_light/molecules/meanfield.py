"""QED-HF: one determinant and a coherent state of each mode, self-consistent.

In coherent states that belong to the determinant's own dipole ⟨μ⟩ the field's expectation vanishes, and what is left of
the field is the dipole self-energy ½⟨(λ·(μ − ⟨μ⟩))²⟩: with D the density of each spin, ½ Σ_α [tr(D q_α) −
Σ_σ tr(D_σ d_α D_σ d_α)]. The energy does not depend on the frequencies.
Haugland et al., Phys. Rev. X 10, 041043 (2020).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import NotConverged, Resources
from qmbench_light.molecules.hamiltonian import CavityIntegrals, cavity_integrals
from qmbench_light.molecules.system import MoleculeInCavity


def qed_mean_field(system: MoleculeInCavity, spec: Any, resources: Resources) -> tuple[Any, CavityIntegrals]:
    """The converged QED-HF of `system` as a PySCF mean-field object, and the integrals of its field.

    spec: `qmbench_pyscf.ScfSpecification`. It starts from the molecule's own Hartree–Fock solution, shared with every
    other level of the run. Raises what `converged_scf` raises; NotConverged.
    """
    from qmbench_pyscf import converged_scf, pyscf_session

    mf = converged_scf(system.molecule, spec, resources)
    with pyscf_session(resources):
        cavity = cavity_integrals(mf.mol, system.modes)
        _couple(mf, cavity)
        title = f"{system.name or system.molecule.formula}: QED-HF/{spec.basis}"
        couplings = json.dumps([mode.coupling for mode in system.modes])  # frequencies are not in it
        key = f"qed-hf {couplings} {spec.artifact_key(system.molecule)}"
        path = resources.artifact(key, lambda path: _save(path, _converge(mf, title)))
        with np.load(path) as data:
            for name in ("mo_coeff", "mo_occ", "mo_energy"):
                setattr(mf, name, data[name])
            mf.e_tot = float(data["e_tot"])
        mf.converged = True
    return mf, cavity


def self_energies(cavity: CavityIntegrals, densities: np.ndarray) -> np.ndarray:
    """(modes,) hartree: ½⟨(λ·(μ − ⟨μ⟩))²⟩ of a determinant with densities (2, n, n) of each spin."""
    one = np.einsum("apq,sqp->a", cavity.quadrupole, densities)
    dressed = np.einsum("apq,sqr->aspr", cavity.dipole, densities)
    return np.asarray(0.5 * (one - np.einsum("aspq,asqp->a", dressed, dressed)))


def spin_densities(mf: Any) -> np.ndarray:
    """(2, n, n) densities of ↑ and ↓ electrons."""
    density = np.asarray(mf.make_rdm1())
    return density if density.ndim == 3 else np.array([density, density]) / 2


def _couple(mf: Any, cavity: CavityIntegrals) -> None:
    """Put the dipole self-energy into `mf`: into its core Hamiltonian and its effective potential."""
    core = mf.get_hcore() + 0.5 * cavity.quadrupole.sum(axis=0)
    plain_veff, last = mf.get_veff, [0]

    def get_veff(mol: Any = None, dm: Any = None, dm_last: Any = 0, vhf_last: Any = 0, hermi: int = 1) -> Any:
        dm = mf.make_rdm1() if dm is None else dm
        # PySCF may add the change of the density alone to the last potential, which must be its own.
        plain = plain_veff(mol, dm, dm_last, last[0] if np.ndim(dm_last) else 0, hermi)
        last[0] = plain
        return np.asarray(plain) - _exchange(cavity, np.asarray(dm))

    mf.get_hcore = lambda *_: core
    mf.get_veff = get_veff


def _exchange(cavity: CavityIntegrals, density: np.ndarray) -> np.ndarray:
    """Σ_α d_α D_σ d_α: half of it for the total density of a closed shell."""
    if density.ndim == 2:
        return np.asarray(0.5 * sum(d @ density @ d for d in cavity.dipole))
    return np.array([sum(d @ one @ d for d in cavity.dipole) for one in density])


def _converge(mf: Any, title: str) -> Any:
    """`mf` after an SCF from the solution that it holds: with DIIS; where that fails, damped and shifted."""
    start = mf.make_rdm1()
    for damping, shift in ((0.0, 0.0), (0.3, 0.3)):
        mf.damp, mf.level_shift = damping, shift
        mf.kernel(start)
        if mf.converged and np.isfinite(mf.e_tot):
            return mf
    raise NotConverged(f"{title}: not converged to {mf.conv_tol:g} hartree in {mf.max_cycle} iterations")


def _save(path: Path, mf: Any) -> None:
    with open(path, "wb") as handle:
        np.savez(handle, mo_coeff=mf.mo_coeff, mo_occ=mf.mo_occ, mo_energy=mf.mo_energy, e_tot=mf.e_tot)
