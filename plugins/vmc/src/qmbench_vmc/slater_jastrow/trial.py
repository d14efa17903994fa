"""Trial wave functions: PySCF's orbitals, PyQMC's Slater determinants and Jastrow factor, cusps, optimization."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import InputError, Molecule, NotConverged, Resources
from qmbench_vmc.options import MonteCarloOptions
from qmbench_vmc.slater_jastrow.cusps import correct_cusps
from qmbench_vmc.slater_jastrow.random import OPTIMIZATION, seeded

# Electron-electron and electron-nucleus functions end here (bohr).
JASTROW_RADIUS = 7.5

Determinants = Sequence[tuple[float, Sequence[Sequence[int]]]]


@dataclass
class Trial:
    """A wave function ready to be sampled. timestep: proposals of this variance are accepted about 60 % of the time.

    wavefunction: PyQMC's; mole, mean_field: PySCF's. settings: facts for the record.
    """

    molecule: Molecule
    mole: Any
    mean_field: Any
    wavefunction: Any
    timestep: float
    settings: dict[str, Any]

    @property
    def electrons(self) -> int:
        return int(sum(self.mole.nelec))


def make_trial(
    molecule: Molecule,
    options: MonteCarloOptions,
    resources: Resources,
    *,
    mean_field: Any = None,
    determinants: Determinants | None = None,
    label: str = "",
) -> Trial:
    """The optimized trial wave function of `molecule`; its parameters are an artifact.

    mean_field, determinants: orbitals and occupations other than those of the ground state, with a `label` that
    says which. NotConverged when the SCF or the CASSCF is not, or when the optimization runs away.
    """
    mf = ground_state(molecule, options, resources) if mean_field is None else mean_field
    active = complete_active_space(mf, molecule, options) if determinants is None else None
    wavefunction, free, corrected = assemble(mf, active, determinants, options)
    key = json.dumps(identity(molecule, options, label), sort_keys=True)
    path = resources.artifact(key, lambda p: _optimize(p, mf.mol, wavefunction, free, options, molecule))
    with np.load(path) as data:
        for name in data.files:
            if name.startswith("parameter_"):
                wavefunction.parameters[name.removeprefix("parameter_")] = data[name]
        timestep, energies = float(data["timestep"]), data["energies"].tolist()
    count = len(np.atleast_1d(wavefunction.parameters["wf1det_coeff"]))
    settings: dict[str, Any] = {
        "ansatz": options.ansatz,
        "determinants": count,
        "jastrow_parameters": int(sum(np.sum(opt) for name, opt in free.items() if name.startswith("wf2"))),
        "optimization_energies": energies,
        "cusp_corrections": corrected,
        "orbitals_energy": _number(active.e_tot if active is not None else mf.e_tot),
        "n_basis_functions": int(mf.mol.nao),
        "seed": options.seed,
    }
    if mf.mol.has_ecp():
        settings["core_potential_electrons"] = int(sum(mf.mol.atom_nelec_core(i) for i in range(mf.mol.natm)))
    return Trial(molecule, mf.mol, mf, wavefunction, timestep, settings)


def ground_state(molecule: Molecule, options: MonteCarloOptions, resources: Resources) -> Any:
    """The converged mean field of `molecule`; InputError where basis and pseudopotential do not go together."""
    from qmbench_pyscf import converged_scf

    mf = converged_scf(molecule, options.specification(), resources)
    if options.pseudopotential == "none" and mf.mol.has_ecp():
        raise InputError(
            f"basis '{options.basis}' replaces core electrons of {molecule.name or molecule.formula} by a potential"
            " that is not made for Monte Carlo; use an all-electron basis, or pseudopotential=ccecp with ccecp-cc-pvtz"
        )
    return mf


def complete_active_space(mf: Any, molecule: Molecule, options: MonteCarloOptions) -> Any:
    """The converged CASSCF that multi-slater-jastrow takes its determinants from; None for other trial functions."""
    if options.ansatz != "multi-slater-jastrow":
        return None
    from pyscf import fci, mcscf, scf

    electrons, orbitals = options.electrons_orbitals
    mole = mf.mol
    what = f"active_space={options.active_space} of {molecule.name or molecule.formula}"
    if electrons > sum(mole.nelec) or (sum(mole.nelec) - electrons) % 2 or electrons < mole.spin:
        raise InputError(f"{what}: its {sum(mole.nelec)} electrons (multiplicity {mole.spin + 1}) leave no even core")
    if orbitals + (sum(mole.nelec) - electrons) // 2 > mf.mo_coeff.shape[-1] or electrons > 2 * orbitals:
        raise InputError(f"{what}: there are too few orbitals; use a larger basis or a smaller space")
    reference = mf
    if np.ndim(mf.mo_occ) == 2:
        reference = scf.ROHF(mole).set(verbose=0, conv_tol=1e-10, max_cycle=200)
        reference.kernel(mf.make_rdm1())
        if not reference.converged:
            raise NotConverged(f"{what}: the restricted open-shell reference does not converge")
    active = mcscf.CASSCF(reference, orbitals, electrons).set(verbose=0, conv_tol=1e-9, max_cycle_macro=200)
    spin = mole.spin / 2
    active.fcisolver = fci.direct_spin1.FCI(mole)
    fci.addons.fix_spin_(active.fcisolver, ss=spin * (spin + 1))
    active.kernel()
    if not active.converged:
        raise NotConverged(f"{what}: CASSCF does not converge")
    return active


def assemble(
    mf: Any, active: Any, determinants: Determinants | None, options: MonteCarloOptions
) -> tuple[Any, dict[str, np.ndarray], int]:
    """The wave function, which of its parameters are free, and the number of corrected cusps."""
    from pyqmc import wftools

    slater: dict[str, Any] = {"optimize_determinants": active is not None}
    if determinants is not None:
        slater["determinants"] = determinants
    elif active is not None:
        slater["tol"] = options.determinant_cutoff
    with quiet():
        # Cusps at nuclei are the orbitals' business: no cusp in the one-body part.
        wavefunction, free = wftools.generate_wf(
            mf.mol, mf, mc=active, jastrow_kws={"ion_cusp": [], "rcut": JASTROW_RADIUS}, slater_kws=slater
        )
    corrected = correct_cusps(wavefunction.wf_factors[0], mf.mol)
    for atom in range(mf.mol.natm):
        if mf.mol.atom_charge(atom) == 0:
            # A ghost lends basis functions, not a Jastrow factor of its own.
            free["wf2acoeff"][atom] = False
    up, down = mf.mol.nelec
    # Parameters of pairs and spins that are not there would only make the overlap matrix singular.
    free["wf2bcoeff"][:, 0] &= up > 1
    free["wf2bcoeff"][:, 1] &= up > 0 and down > 0
    free["wf2bcoeff"][:, 2] &= down > 1
    free["wf2acoeff"][:, :, 1] &= down > 0
    return wavefunction, {name: flags for name, flags in free.items() if np.any(flags)}, corrected


def one_thread() -> Any:
    """PySCF on one core while it lasts: orbitals of a few hundred points at a time are no work for two, which would
    wait for each other all the time."""
    from pyscf import lib

    return lib.with_omp_threads(1)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """PyQMC prints; a method's output is its result."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def identity(molecule: Molecule, options: MonteCarloOptions, label: str) -> dict[str, Any]:
    """All that a trial function depends on, and a stream of its samples with it: the start of their keys."""
    names = ("basis", "ansatz", "seed", "pseudopotential", "active_space", "walkers", "optimization_steps")
    chosen: dict[str, Any] = {name: getattr(options, name) for name in names}
    if options.ansatz == "multi-slater-jastrow":
        chosen["determinant_cutoff"] = options.determinant_cutoff
    system = {k: v for k, v in molecule.to_json().items() if k not in ("name", "fragments")}
    versions = [metadata.version(name) for name in ("pyqmc", "pyscf", "qmbench-vmc", "qmbench-pyscf", "numpy")]
    return {"what": "trial wave function", "system": system, "options": chosen, "label": label, "versions": versions}


def _optimize(
    path: Path,
    mole: Any,
    wavefunction: Any,
    free: dict[str, np.ndarray],
    options: MonteCarloOptions,
    molecule: Molecule,
) -> None:
    import pyqmc.method.mc as mc

    from qmbench_vmc.slater_jastrow.optimize import stochastic_reconfiguration

    name = molecule.name or molecule.formula
    energies: list[float] = []
    with seeded(options.seed, OPTIMIZATION), quiet():
        walkers = mc.initial_guess(mole, options.walkers)
        timestep, walkers = tuned_timestep(wavefunction, walkers)
        if options.optimization_steps and free:
            try:
                energies = stochastic_reconfiguration(
                    mole, wavefunction, free, walkers, steps=options.optimization_steps, timestep=timestep
                )
            except (ValueError, np.linalg.LinAlgError) as error:
                raise NotConverged(f"{name}: the Jastrow factor's optimization failed: {error}") from None
    values: dict[str, Any] = {f"parameter_{k}": np.asarray(wavefunction.parameters[k]) for k in free}
    if not all(np.all(np.isfinite(v)) for v in (*values.values(), np.array(energies))):
        raise NotConverged(f"{name}: the Jastrow factor's optimization ran away; use more walkers")
    with open(path, "wb") as file:
        np.savez(file, timestep=timestep, energies=np.array(energies), **values)


def tuned_timestep(wavefunction: Any, walkers: Any) -> tuple[float, Any]:
    """The time step of VMC proposals that are accepted about 60 % of the time, and walkers on their way."""
    import pyqmc.method.mc as mc

    timestep = 0.3
    for _ in range(4):
        found, walkers = mc.vmc(wavefunction, walkers, tstep=timestep, nblocks=1, nsteps_per_block=8, accumulators={})
        acceptance = float(found["acceptance"][-1])
        if 0.55 <= acceptance <= 0.75:
            break
        timestep = float(np.clip(timestep * (acceptance / 0.65) ** 2, 0.3 * timestep, 2 * timestep))
        timestep = float(np.clip(timestep, 1e-4, 2.0))
    return timestep, walkers
