"""One converged, stability-checked self-consistent field, shared between the methods of a run.

A closed shell (multiplicity 1) is restricted: it is followed to a minimum among restricted determinants that have the
symmetry of the nuclei. A lower one without it (C2), and an instability towards unrestricted ones (stretched H2, F2),
are reported, not followed, unless reference='unrestricted' is asked for. An open shell is unrestricted: it is started
from several densities, and the lowest solution is followed downhill until the orbital Hessian has no negative
eigenvalue.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, Resources
from qmbench_pyscf.basis_extension import added_shells
from qmbench_pyscf.convergence import SAME_ENERGY, converge, descend, distinct, quick_solutions
from qmbench_pyscf.fitting import fitting_set_name
from qmbench_pyscf.integrals import share_integrals
from qmbench_pyscf.mean_field_object import coarsened, mean_field
from qmbench_pyscf.mole import pyscf_session
from qmbench_pyscf.orientation import free_axes, oriented
from qmbench_pyscf.smaller_basis import in_small_basis, open_shell_starts
from qmbench_pyscf.specification import NO_FIELD, AdaptiveExtension, ScfSpecification

# On a quadrature grid the energy of an atom depends on where its open shell points, by the grid's error (hartree).
SAME_ENERGY_ON_GRID = 1e-5
# Quick solutions within this (hartree) of the lowest may be the lowest.
RANKING_DOUBT = 2e-3

Settings = dict[str, Any]
Starts = Iterable[tuple[str, np.ndarray]]


def converged_scf(molecule: Molecule, spec: ScfSpecification, resources: Resources | None = None) -> Any:
    """The converged PySCF mean-field object (RHF, UHF, RKS or UKS) of `molecule`, rebuilt from its artifact.

    What was found out on the way is in `scf_settings(mf)`. Calculations that differ in nothing share one artifact.
    Unsupported for a restricted open shell, InputError for a basis that `to_mole` refuses, NotConverged when no guess
    converges or the descent from saddle points does not end, QmbenchError where a GPU was asked for and is missing or
    has not the processor's energy.
    """
    resources = resources or Resources()
    spec.check(molecule)
    with pyscf_session(resources):
        if isinstance(spec.extension, AdaptiveExtension):
            added, report = added_shells(molecule, spec, resources, converged_scf)
            mf = converged_scf(molecule, replace(spec, extension=added), resources)
            mf.qmbench_settings |= {"basis_extension": report}
            return mf
        mf = mean_field(molecule, spec, resources)
        path = resources.artifact(
            spec.artifact_key(molecule), lambda path: _save(path, *_solution(molecule, spec, resources))
        )
        return _load(path, mf)


def scf_settings(mf: Any) -> Settings:
    """JSON-ready facts about a mean-field object that `converged_scf` gave: basis size, ⟨S²⟩, guess, stability …"""
    return dict(mf.qmbench_settings)


def _solution(molecule: Molecule, spec: ScfSpecification, resources: Resources) -> tuple[Any, Settings]:
    """The converged mean field, and how it was found."""
    if spec.is_perturbed:
        start = converged_scf(molecule, replace(spec, field=NO_FIELD, charges=()), resources)
        mf = converge(mean_field(molecule, spec, resources), start.make_rdm1(), _title(molecule, spec))
        which = "field-free" if not any(spec.charges) else "unperturbed"
        return mf, {"guess": f"{which} solution", "stability": f"followed from the {which} solution"}
    find = _open_shell if spec.is_unrestricted(molecule) else _closed_shell
    if spec.backend == "cpu":
        return find(molecule, spec, resources)
    from qmbench_pyscf.gpu import gpu_facts, prove

    proof = prove(spec, spec.is_unrestricted(molecule))
    mf, settings = find(molecule, spec, resources)
    return mf, settings | gpu_facts(mf, proof)


def _closed_shell(molecule: Molecule, spec: ScfSpecification, resources: Resources) -> tuple[Any, Settings]:
    """The solution of the first guess that converges, followed to a minimum among restricted determinants."""
    title, failures = _title(molecule, spec), []
    for guess in ("minao", "atom", "hcore"):
        mf = mean_field(molecule, spec, resources)
        try:
            _converge_restricted(mf, mf.get_init_guess(mf.mol, guess), title)
            break
        except NotConverged as failure:
            failures.append(failure)
    else:
        raise failures[0]
    settings: Settings = {"guess": guess, "stability": "not looked at"}
    if spec.stability:
        settings |= descend(mf, title)
    return mf, settings


def _converge_restricted(mf: Any, density: np.ndarray, title: str) -> None:
    """A functional is converged on a coarse grid first; the fine one has only the rest to do. (A GPU has all of it to
    do: on the coarse grid, the processor would take longer.)"""
    from qmbench_pyscf.quasi_newton import COARSE_LEVEL, coarse_solution, refine

    is_refined = getattr(mf, "xc", None) and mf.grids.level > COARSE_LEVEL and mf.qmbench_backend == "cpu"
    coarse = coarse_solution(mf, density) if is_refined else None
    if coarse is None:
        converge(mf, density, title)
    elif not refine(mf, coarse):
        converge(mf, coarse.make_rdm1(), title)


def _open_shell(molecule: Molecule, spec: ScfSpecification, resources: Resources) -> tuple[Any, Settings]:
    """The lowest solution that several starting densities lead to, followed to a minimum."""

    def make() -> Any:
        return coarsened(mean_field(molecule, spec, resources))

    title = _title(molecule, spec)
    tried: list[str] = []
    ranked: list[tuple[str, Any]] = []
    for starts in _starts(molecule, spec, resources):
        some = list(starts)
        converged = quick_solutions(make, some)
        tried += [name for name, _ in some]
        ranked += converged
        if len(converged) == len(some):
            break
    if not ranked:
        raise NotConverged(f"{title}: the SCF converged from none of {', '.join(dict.fromkeys(tried))}")
    candidates = [
        (name, converge(mean_field(molecule, spec, resources), oriented(trial), title))
        for name, trial in distinct(ranked, RANKING_DOUBT)
    ]
    lowest = min(mf.e_tot for _, mf in candidates)
    same = SAME_ENERGY_ON_GRID if spec.xc else SAME_ENERGY
    guess, mf = next((name, mf) for name, mf in candidates if mf.e_tot < lowest + same)
    settings: Settings = {"guess": guess, "stability": "not looked at"}
    settings["guess_energies"] = {name: float(trial.e_tot) for name, trial in ranked}
    if spec.stability:
        settings |= descend(mf, title)
        if settings["descents"]:
            _turn(mf, title, same)
        if mf.e_tot > lowest + 2 * same:
            raise NotConverged(
                f"{title}: a guess reached {lowest:.8f} hartree, the stable solution only {mf.e_tot:.8f}"
            )
    return mf, settings


def _turn(mf: Any, title: str, same: float) -> None:
    """Turn the converged `mf` onto the axes of the frame where its nuclei allow it; where the SCF that this takes does
    not come back to the same energy (hartree, to `same`), it stays as it was."""
    if not len(free_axes(mf.mol)):
        return
    found = (mf.mo_coeff, mf.mo_occ, mf.mo_energy, mf.e_tot)
    with suppress(NotConverged):
        converge(mf, oriented(mf), title)
        if abs(mf.e_tot - found[-1]) < same:
            return
    mf.mo_coeff, mf.mo_occ, mf.mo_energy, mf.e_tot = found
    mf.converged = True


def _starts(molecule: Molecule, spec: ScfSpecification, resources: Resources) -> Iterator[Starts]:
    """(name, density (2, n, n)) to start an unrestricted SCF from; for a singlet, from its restricted solution.

    Should the SCF of any of them not converge, the next ones are to be tried too.
    """
    from qmbench_pyscf.guesses import alternating_spins, guesses, mixed_frontier

    if molecule.multiplicity > 1:
        mf = coarsened(mean_field(molecule, spec, resources))
        small = in_small_basis(molecule, spec, mf)
        if small is not None:
            yield open_shell_starts(molecule, small, mf)
        yield guesses(mf, molecule)
        return
    closed = converged_scf(molecule, replace(spec, reference="restricted"), resources)
    density = closed.make_rdm1() / 2
    starts = [("restricted solution", np.array([density, density]))]
    starts.append(("mixed frontier orbitals", mixed_frontier(closed)))
    if molecule.n_parts > 1:
        starts.append(("alternating spins", alternating_spins(closed.mol, molecule)))
    yield starts


def _title(molecule: Molecule, spec: ScfSpecification) -> str:
    """What messages call the calculation."""
    return f"{molecule.name or molecule.formula}: {spec.functional}/{spec.basis}"


def _save(path: Path, mf: Any, settings: Settings) -> None:
    """Write what `_load` needs to rebuild `mf`."""
    with open(path, "wb") as handle:
        np.savez(
            handle,
            mo_coeff=mf.mo_coeff,
            mo_occ=mf.mo_occ,
            mo_energy=mf.mo_energy,
            e_tot=mf.e_tot,
            settings=json.dumps(settings),
        )


def _load(path: Path, mf: Any) -> Any:
    """The fresh `mf`, filled with the artifact's solution."""
    with np.load(path) as data:
        mf.mo_coeff, mf.mo_occ, mf.mo_energy = data["mo_coeff"], data["mo_occ"], data["mo_energy"]
        mf.e_tot, settings = float(data["e_tot"]), json.loads(str(data["settings"]))
    mf.converged = True
    share_integrals(mf, compute=False)
    mf.qmbench_settings = settings | _facts(mf)
    return mf


def functions_per_shell(mf: Any) -> dict[str, int]:
    """By letter from d on, how many functions a shell of the basis has in the orbitals: {"d": 6, "f": 7}, say."""
    mole = mf.mol
    found = {}
    for l in sorted({mole.bas_angular(shell) for shell in range(mole.nbas)} - {0, 1}):
        cartesian = mole.cart and (l == 2 or mf.qmbench_cartesian is True)
        found["spdfghiklmn"[l]] = (l + 1) * (l + 2) // 2 if cartesian else 2 * l + 1
    return found


def _facts(mf: Any) -> Settings:
    """What a record should say of a converged `mf`, however it was found."""
    facts: Settings = {
        "n_basis_functions": int(mf.mo_coeff.shape[-2]),
        "n_orbitals": int(mf.mo_coeff.shape[-1]),
        "functions_per_shell": functions_per_shell(mf),
        "reference": "unrestricted" if mf.mo_occ.ndim == 2 else "restricted",
        "s_squared": float(mf.spin_square()[0]),
        "s_squared_of_pure_spin": (spin := abs(mf.mol.spin) / 2) * (spin + 1),
        "energy_tolerance": float(mf.conv_tol),
    }
    if mf.mol.has_ecp():
        facts["core_potential_electrons"] = int(sum(mf.mol.atom_nelec_core(i) for i in range(mf.mol.natm)))
    if getattr(mf, "with_df", None) is not None:
        facts |= {"density_fitting": True, "fitting_set": fitting_set_name(mf.with_df.auxbasis)}
    if getattr(mf, "xc", None):
        mf.grids.build()
        facts |= {"grid_level": int(mf.grids.level), "n_grid_points": int(mf.grids.coords.shape[0])}
    return facts
