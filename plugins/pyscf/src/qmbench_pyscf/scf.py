"""One converged, stability-checked self-consistent field, shared between the methods of a run.

A closed shell (multiplicity 1) is restricted: it is followed to a minimum among restricted determinants, and an
instability towards unrestricted ones (stretched H2, F2) is reported, not followed, unless reference='unrestricted'
is asked for. An open shell is unrestricted: it is started from several densities, and the lowest solution is
followed downhill until the orbital Hessian has no negative eigenvalue.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from qmbench import InputError, Molecule, NotConverged, Resources, Unsupported
from qmbench_pyscf.external import ExternalFunctional, integrator
from qmbench_pyscf.mole import pyscf_session, to_mole

Reference = Literal["auto", "restricted", "unrestricted"]
# A functional of libxc by name, one of another plugin, or None for Hartree–Fock.
XC = str | ExternalFunctional | None

# Solutions nearer than this (hartree) are one solution seen twice: the first guess that led there is kept.
SAME_ENERGY = 1e-6
# On a quadrature grid the energy of an atom depends on where its open shell points, by the grid's error.
SAME_ENERGY_ON_GRID = 1e-5
# Quick solutions are the same within the first (hartree), and may be the lowest within the second.
RANKING_TIE = 3e-5
RANKING_DOUBT = 2e-3
MAX_DESCENTS = 12
SECOND_ORDER_GRADIENT = 5e-6


@dataclass(frozen=True)
class ScfOptions:
    """Everything beyond molecule, basis and functional that the SCF's numbers depend on.

    grid: PySCF's level of the quadrature grid, 0 to 9. energy_tolerance: hartree. field: uniform electric field
    in atomic units; the solution is then the one that grows out of the field-free one. max_cycle: iterations of
    one SCF. stability: whether the orbital Hessian is looked at (and followed). nlc: False leaves out the VV10
    part of a functional that has one. potential: core potential instead of the basis set's own, see `to_mole`.
    """

    reference: Reference = "auto"
    density_fitting: bool = False
    grid: int = 4
    energy_tolerance: float = 1e-10
    max_cycle: int = 100
    stability: bool = True
    nlc: bool = True
    field: tuple[float, float, float] = (0.0, 0.0, 0.0)
    potential: str | None = None


def converged_scf(
    molecule: Molecule,
    basis: str,
    xc: XC = None,
    *,
    reference: Reference = "auto",
    density_fitting: bool = False,
    grid: int | None = None,
    energy_tolerance: float = 1e-10,
    max_cycle: int = 100,
    stability: bool = True,
    nlc: bool = True,
    field: Sequence[float] = (0.0, 0.0, 0.0),
    potential: str | None = None,
    resources: Resources | None = None,
) -> Any:
    """The converged PySCF mean-field object (RHF, UHF, RKS or UKS) of `molecule`, rebuilt from its artifact.

    xc: name of a libxc functional as PySCF spells it, an `ExternalFunctional`, or None for Hartree–Fock. The other
    options are those of `ScfOptions`; grid=None: see `resolved_grid`. What was found out on the way is in
    `scf_settings(mf)`.
    NotConverged when no guess converges or the descent from saddle points does not end. Calculations that differ
    in nothing share one artifact.
    """
    options = ScfOptions(
        reference,
        density_fitting,
        resolved_grid(xc, grid),
        energy_tolerance,
        max_cycle,
        stability,
        nlc,
        (float(field[0]), float(field[1]), float(field[2])),
        potential,
    )
    resources = resources or Resources()
    if molecule.multiplicity > 1 and reference == "restricted":
        raise Unsupported(
            f"restricted determinants are for multiplicity 1, not {molecule.multiplicity}; leave out reference, "
            "or write reference=unrestricted"
        )
    if molecule.n_electrons == 0:
        raise Unsupported(f"{molecule.formula} has no electrons")
    with pyscf_session(resources):
        mf = _mean_field(molecule, basis, xc, options, resources)
        path = resources.artifact(
            scf_key(molecule, basis, xc, options), lambda p: _write(p, molecule, basis, xc, options, resources)
        )
        return _read(path, mf)


def scf_settings(mf: Any) -> dict[str, Any]:
    """JSON-ready facts about a mean-field object that `converged_scf` gave: basis size, ⟨S²⟩, guess, stability …"""
    return dict(mf.qmbench_settings)


def resolved_grid(xc: XC, grid: int | None) -> int:
    """The grid level meant by None: 4, which is good to 1e-6 hartree for LDA, GGA and hybrids of them, or 5 for
    meta-GGAs (1e-6 for most, 2e-5 for SCAN, which needs a grid beyond PySCF's levels). 0 for Hartree–Fock.
    """
    if xc is None:
        return 0
    if grid is not None:
        return grid
    if isinstance(xc, ExternalFunctional):
        return 5 if xc.kind == "MGGA" else 4
    from pyscf.dft import libxc

    return 5 if libxc.xc_type(xc) == "MGGA" else 4


def scf_key(molecule: Molecule, basis: str, xc: XC, options: ScfOptions) -> str:
    """All that a converged SCF depends on, as text."""
    from importlib import metadata

    system = {k: v for k, v in molecule.to_json().items() if k not in ("name", "fragments")}
    data: dict[str, Any] = {"what": "scf", "system": system, "basis": basis, "options": asdict(options)}
    data["xc"] = xc.key if isinstance(xc, ExternalFunctional) else xc
    data["versions"] = [metadata.version("pyscf"), metadata.version("qmbench-pyscf")]
    return json.dumps(data, sort_keys=True)


def _label(xc: XC) -> str:
    return xc.name if isinstance(xc, ExternalFunctional) else xc or "hf"


def is_unrestricted(molecule: Molecule, reference: Reference) -> bool:
    """Whether ↑ and ↓ electrons have orbitals of their own."""
    return molecule.multiplicity > 1 or reference == "unrestricted"


def _mean_field(molecule: Molecule, basis: str, xc: XC, options: ScfOptions, resources: Resources) -> Any:
    from pyscf import dft, scf

    mole = to_mole(molecule, basis, resources, potential=options.potential)
    unrestricted = is_unrestricted(molecule, options.reference)
    if xc is None:
        mf = scf.uhf.UHF(mole) if unrestricted else scf.hf.RHF(mole)
    else:
        mf = dft.uks.UKS(mole) if unrestricted else dft.rks.RKS(mole)
        if isinstance(xc, ExternalFunctional):
            mf._numint = integrator(xc)
        mf.xc = _label(xc)
        mf.grids.level = options.grid
        if not options.nlc:
            mf.nlc = False
        # The VV10 double integral is smooth: two levels less change it by less than the main grid's own error.
        mf.nlcgrids.level = max(options.grid - 2, 0)
    if options.density_fitting:
        mf = mf.density_fit()
    mf.conv_tol, mf.max_cycle = options.energy_tolerance, options.max_cycle
    # Correlation energies, and dipoles in a field, have errors of first order in the orbital gradient.
    first_order = xc is None or any(options.field)
    mf.conv_tol_grad = options.energy_tolerance**0.5 * (0.01 if first_order else 0.1)
    mf.chkfile = None
    if any(options.field):
        add_field(mf, options.field)
    if np.linalg.eigvalsh(mf.get_ovlp())[0] < 1e-8:
        mf = scf.addons.remove_linear_dep_(mf, threshold=1e-8, lindep=1e-8)
    n_orbitals = mf.get_ovlp().shape[0]
    if max(mole.nelec) > n_orbitals:
        raise InputError(
            f"basis '{basis}' has {n_orbitals} functions for {molecule.name or molecule.formula}, too few for "
            f"{max(mole.nelec)} electrons of one spin; use a larger basis"
        )
    return mf


def add_field(mf: Any, field: Sequence[float]) -> None:
    """Put `mf` into a uniform electric field (atomic units): E(F) = E − μ·F − …, dipole about the origin."""
    mole = mf.mol
    f = np.asarray(field)
    with mole.with_common_origin((0.0, 0.0, 0.0)):
        hcore = mf.get_hcore() + np.einsum("x,xij->ij", f, mole.intor("int1e_r"))
    nuclear = mf.energy_nuc() - float(mole.atom_charges() @ mole.atom_coords() @ f)
    mf.get_hcore = lambda *_: hcore
    mf.energy_nuc = lambda *_: nuclear


def _write(path: Path, molecule: Molecule, basis: str, xc: XC, options: ScfOptions, resources: Resources) -> None:
    def make() -> Any:
        return _mean_field(molecule, basis, xc, options, resources)

    what = f"{molecule.name or molecule.formula}: {_label(xc)}/{basis}"
    if any(options.field):
        start = converged_scf(molecule, basis, xc, **{**asdict(options), "field": (0.0, 0.0, 0.0)}, resources=resources)
        mf, settings = make(), {"guess": "field-free solution", "stability": "followed from the field-free solution"}
        _converge(mf, start.make_rdm1(), what)
    elif is_unrestricted(molecule, options.reference):
        mf, settings = _open_shell(make, molecule, basis, xc, options, resources, what)
    else:
        mf, settings = _closed_shell(make, what, options)
    save_scf(path, mf, settings)


def save_scf(path: Path, mf: Any, settings: dict[str, Any]) -> None:
    """Write what `_read` needs to rebuild `mf`."""
    with open(path, "wb") as handle:
        np.savez(
            handle,
            mo_coeff=mf.mo_coeff,
            mo_occ=mf.mo_occ,
            mo_energy=mf.mo_energy,
            e_tot=mf.e_tot,
            settings=json.dumps(settings),
        )


def _read(path: Path, mf: Any) -> Any:
    """Fill the fresh `mf` with the artifact's solution."""
    with np.load(path) as data:
        mf.mo_coeff, mf.mo_occ, mf.mo_energy = data["mo_coeff"], data["mo_occ"], data["mo_energy"]
        mf.e_tot, settings = float(data["e_tot"]), json.loads(str(data["settings"]))
    mf.converged = True
    spin_square, _ = mf.spin_square()
    settings |= {"n_basis_functions": int(mf.mo_coeff.shape[-2]), "n_orbitals": int(mf.mo_coeff.shape[-1])}
    settings |= {"reference": "unrestricted" if mf.mo_occ.ndim == 2 else "restricted", "s_squared": float(spin_square)}
    settings |= {"energy_tolerance": float(mf.conv_tol)}
    if getattr(mf, "mol", None) is not None and mf.mol.has_ecp():
        settings["core_potential_electrons"] = int(sum(mf.mol.atom_nelec_core(i) for i in range(mf.mol.natm)))
    if getattr(mf, "with_df", None) is not None:
        settings["density_fitting"] = True
    if getattr(mf, "xc", None):
        mf.grids.build()
        settings |= {"grid_level": int(mf.grids.level), "n_grid_points": int(mf.grids.coords.shape[0])}
    mf.qmbench_settings = settings
    return mf


def _closed_shell(make: Any, what: str, options: ScfOptions) -> tuple[Any, dict[str, Any]]:
    from qmbench_pyscf.stability import external_instability, threshold

    mf, reasons = None, None
    for guess in ("minao", "atom", "hcore"):
        trial = make()
        try:
            _converge(trial, trial.get_init_guess(trial.mol, guess), what)
        except NotConverged as error:
            reasons = reasons or error
            continue
        mf = trial
        break
    if mf is None:
        raise reasons or NotConverged(f"{what}: no guess converged")
    settings: dict[str, Any] = {"guess": guess, "stability": "not looked at"}
    if options.stability:
        settings |= descend(mf, what)
        lowest = external_instability(mf)
        settings |= {"external_instability": lowest < threshold(mf), "external_eigenvalue": lowest}
    return mf, settings


def _open_shell(
    make: Any, molecule: Molecule, basis: str, xc: XC, options: ScfOptions, resources: Resources, what: str
) -> tuple[Any, dict[str, Any]]:
    from qmbench_pyscf.guesses import alternating_spins, guesses

    if molecule.multiplicity == 1:
        closed = converged_scf(
            molecule, basis, xc, **{**asdict(options), "reference": "restricted"}, resources=resources
        )
        density = closed.make_rdm1() / 2
        starts = [("restricted solution", np.array([density, density]))]
        starts.append(("mixed frontier orbitals", _mixed(closed)))
        if molecule.n_parts > 1:
            starts.append(("alternating spins", alternating_spins(closed.mol, molecule)))
    else:
        starts = list(guesses(_coarse(make()), molecule))
    found = [(name, trial) for name, density in starts if (trial := _loosely(make(), density, options)) is not None]
    if not found:
        raise NotConverged(f"{what}: the SCF converged from none of {', '.join(name for name, _ in starts)}")
    candidates = [(name, _tightly(make(), trial, what)) for name, trial in _distinct(found)]
    lowest = min(trial.e_tot for _, trial in candidates)
    same = SAME_ENERGY_ON_GRID if xc else SAME_ENERGY
    name, mf = next((name, trial) for name, trial in candidates if trial.e_tot < lowest + same)
    settings: dict[str, Any] = {"guess": name, "stability": "not looked at"}
    settings["guess_energies"] = {name: float(trial.e_tot) for name, trial in found}
    if options.stability:
        settings |= descend(mf, what)
        if mf.e_tot > lowest + 2 * same:
            raise NotConverged(f"{what}: a guess reached {lowest:.8f} hartree, the stable solution only {mf.e_tot:.8f}")
    return mf, settings


def _distinct(found: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The solutions that may be the lowest, each once (the first guess that led there)."""
    lowest = min(trial.e_tot for _, trial in found)
    kept: list[tuple[str, Any]] = []
    for name, trial in found:
        near = trial.e_tot < lowest + RANKING_DOUBT
        if near and all(abs(trial.e_tot - other.e_tot) > RANKING_TIE for _, other in kept):
            kept.append((name, trial))
    return kept


def _coarse(mf: Any) -> Any:
    """`mf` on a coarse grid and without VV10: guesses are ranked with it, nothing is reported from it."""
    if getattr(mf, "xc", None):
        mf.grids.level, mf.nlc = min(mf.grids.level, 2), False
    return mf


def _tightly(mf: Any, loose: Any, what: str) -> Any:
    _converge(mf, loose.make_rdm1(), what)
    return mf


def _mixed(closed: Any) -> np.ndarray:
    """Density (2, n, n) in which highest occupied and lowest empty orbital are mixed, oppositely for ↑ and ↓."""
    occupied = np.where(closed.mo_occ > 0)[0]
    empty = np.where(closed.mo_occ == 0)[0]
    densities = []
    for angle in (np.pi / 4, -np.pi / 4):
        orbitals = closed.mo_coeff[:, occupied].copy()
        if empty.size:
            top = orbitals[:, -1].copy()
            orbitals[:, -1] = np.cos(angle) * top + np.sin(angle) * closed.mo_coeff[:, empty[0]]
        densities.append(orbitals @ orbitals.T)
    return np.array(densities)


def _loosely(mf: Any, density: np.ndarray, options: ScfOptions) -> Any:
    """`mf` after a quick SCF, good enough to rank guesses; None when it does not converge."""
    mf = _coarse(mf)
    mf.conv_tol, mf.conv_tol_grad, mf.max_cycle = 1e-7, 1e-3, min(options.max_cycle, 60)
    try:
        mf.kernel(density)
    except np.linalg.LinAlgError:
        return None
    return mf if mf.converged else None


def _converge(mf: Any, density: np.ndarray, what: str) -> None:
    """SCF with DIIS; where that fails, second-order steps. NotConverged when both do."""
    try:
        mf.kernel(density)
    except np.linalg.LinAlgError:
        # A singular DIIS: take the orbitals of the starting density from here.
        mf.converged = False
        mf.mo_energy, mf.mo_coeff = mf.eig(mf.get_fock(dm=density), mf.get_ovlp())
        mf.mo_occ = mf.get_occ(mf.mo_energy, mf.mo_coeff)
    if not mf.converged:
        _second_order(mf, mf.mo_coeff, mf.mo_occ)
    if not mf.converged or not np.isfinite(mf.e_tot):
        raise NotConverged(
            f"{what}: SCF not converged to {mf.conv_tol:g} hartree in {mf.max_cycle} iterations, "
            "nor by second-order steps"
        )


def _second_order(mf: Any, orbitals: np.ndarray, occupation: np.ndarray) -> None:
    """Second-order steps from `orbitals`, then plain iterations for the last digits of the gradient.

    PySCF's second-order solver stalls near a gradient of 1e-6; where the plain iterations leave its solution or
    do not settle, it stands.
    """
    solver = mf.newton()
    solver.conv_tol_grad = max(SECOND_ORDER_GRADIENT, mf.conv_tol_grad or 0.0)
    solver.kernel(orbitals, occupation)
    found = (solver.mo_coeff, solver.mo_occ, solver.mo_energy, solver.e_tot)
    if solver.converged:
        try:
            mf.kernel(mf.make_rdm1(solver.mo_coeff, solver.mo_occ))
        except np.linalg.LinAlgError:
            mf.converged = False
        if mf.converged and abs(mf.e_tot - solver.e_tot) < SAME_ENERGY:
            return
    mf.mo_coeff, mf.mo_occ, mf.mo_energy, mf.e_tot = found
    mf.converged = solver.converged


def descend(mf: Any, what: str) -> dict[str, Any]:
    """Leave saddle points downhill until the orbital Hessian has no negative eigenvalue; the facts as settings."""
    from qmbench_pyscf.stability import internal_instability

    for descents in range(MAX_DESCENTS):
        eigenvalue, lower = internal_instability(mf)
        if lower is None:
            return {"stability": "minimum", "lowest_hessian_eigenvalue": eigenvalue, "descents": descents}
        before = mf.e_tot
        _second_order(mf, lower, mf.mo_occ)
        if not mf.converged:
            raise NotConverged(f"{what}: the SCF did not converge on the way down from a saddle point")
        if mf.e_tot > before + SAME_ENERGY:
            raise NotConverged(f"{what}: the way down from a saddle point led upwards")
    raise NotConverged(f"{what}: still on a saddle point after {MAX_DESCENTS} descents")
