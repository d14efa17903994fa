"""From a specification to PySCF's mean-field object, not yet converged: kind, grid, thresholds, field, basis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qmbench import InputError, Molecule, Resources, Unsupported
from qmbench_pyscf.diis import field_diis
from qmbench_pyscf.external import ExternalFunctional, integrator
from qmbench_pyscf.fitting import fitting_set
from qmbench_pyscf.mole import to_mole
from qmbench_pyscf.specification import AdaptiveExtension, ScfSpecification

# Combinations of basis functions whose overlap has a smaller eigenvalue are left out.
LINEAR_DEPENDENCE = 1e-8


def mean_field(molecule: Molecule, spec: ScfSpecification, resources: Resources) -> Any:
    """PySCF's RHF, UHF, RKS or UKS object as `spec` asks for it, not yet converged.

    InputError for an unknown basis, or one with fewer functions than electrons of one spin; Unsupported for functions
    that a GPU is not given.
    """
    from pyscf import scf

    if isinstance(spec.extension, AdaptiveExtension):
        raise TypeError("the shells that the rule adds are found by converged_scf")
    mole = to_mole(
        molecule,
        spec.basis,
        resources,
        potential=spec.potential,
        cartesian=spec.cartesian,
        functions=spec.functions,
        added=spec.extension,
    )
    mf = bare_mean_field(mole, spec, spec.is_unrestricted(molecule))
    if spec.density_fitting:
        mf = mf.density_fit(auxbasis=fitting_set(mole, "coulomb and exchange" if spec.is_hybrid else "coulomb"))
    mf.conv_tol, mf.max_cycle = spec.energy_tolerance, spec.max_cycle
    # Correlation energies, and dipoles in a field, have errors of first order in the orbital gradient.
    first_order = spec.xc is None or spec.is_perturbed
    mf.conv_tol_grad = spec.energy_tolerance**0.5 * (0.01 if first_order else 0.1)
    mf.chkfile = None
    mf.DIIS = field_diis()
    if any(spec.field):
        _add_field(mf, spec.field)
    if any(spec.charges):
        _add_charges(mf, spec.charges)
    if spec.cartesian == "d" and max(mole.bas_angular(i) for i in range(mole.nbas)) > 2:
        _keep_in(mf, spherical_beyond_d(mf.mol))
    elif spec.extension is not None:
        # PySCF by itself leaves out all below 1e-6, and with it much of what shells bring that are nearly in the basis.
        _keep_in(mf, np.eye(mole.nao))
    elif np.linalg.eigvalsh(mf.get_ovlp())[0] < LINEAR_DEPENDENCE:
        mf = scf.addons.remove_linear_dep_(mf, threshold=LINEAR_DEPENDENCE, lindep=LINEAR_DEPENDENCE)
    if spec.backend == "gpu" and "_eigh" in vars(mf):
        raise Unsupported(
            "backend=gpu does not do nearly dependent basis functions, nor Cartesian d with spherical f functions"
        )
    mf.qmbench_cartesian, mf.qmbench_perturbed = spec.cartesian, spec.is_perturbed
    mf.qmbench_backend = spec.backend
    n_orbitals = mf.get_ovlp().shape[0]
    if max(mole.nelec) > n_orbitals:
        raise InputError(
            f"basis '{spec.basis}' has {n_orbitals} functions for {molecule.name or molecule.formula}, too few for "
            f"{max(mole.nelec)} electrons of one spin; use a larger basis"
        )
    return mf


def bare_mean_field(mole: Any, spec: ScfSpecification, unrestricted: bool) -> Any:
    """PySCF's object of the kind and functional that `spec` asks for, of any Mole, and nothing else set."""
    from pyscf import dft, scf

    if spec.xc is None:
        return scf.uhf.UHF(mole) if unrestricted else scf.hf.RHF(mole)
    mf = dft.uks.UKS(mole) if unrestricted else dft.rks.RKS(mole)
    _set_functional(mf, spec)
    return mf


def _keep_in(mf: Any, kept: np.ndarray) -> None:
    """Let the orbitals of `mf` be of the combinations `kept` (n, k) of its functions, less those that depend linearly.

    For the spherical combinations from f functions on of a Cartesian one, since PySCF has spherical functions
    throughout or none: the rest of the space is left out as linear dependencies are.
    """
    from scipy.linalg import eigh

    values, vectors = np.linalg.eigh(kept.T @ mf.get_ovlp() @ kept)
    independent = values > LINEAR_DEPENDENCE
    orthogonal = kept @ vectors[:, independent] / np.sqrt(values[independent])

    def in_kept_space(h: np.ndarray, s: np.ndarray, overwrite: bool = False, x: Any = None) -> tuple[Any, Any]:
        energies, orbitals = eigh(orthogonal.T @ h @ orthogonal)
        return energies, orthogonal @ orbitals

    mf._eigh = in_kept_space
    mf.check_linear_dependency = lambda *_, **__: orthogonal  # in which DIIS measures its error, too


def spherical_beyond_d(mole: Any) -> np.ndarray:
    """(n_cartesian, n) combinations of Cartesian functions: those up to d themselves, spherical ones from f on."""
    from pyscf.gto import cart2sph
    from scipy.linalg import block_diag

    blocks = []
    for shell in range(mole.nbas):
        l = mole.bas_angular(shell)
        block = np.eye((l + 1) * (l + 2) // 2) if l < 3 else cart2sph(l, normalized="sp")
        blocks += [block] * mole.bas_nctr(shell)
    return np.asarray(block_diag(*blocks))


def _set_functional(mf: Any, spec: ScfSpecification) -> None:
    if isinstance(spec.xc, ExternalFunctional):
        mf._numint = integrator(spec.xc)
    mf.xc = spec.functional
    if not spec.nlc:
        mf.nlc = False
    mf.grids.level = spec.grid_level
    # The VV10 double integral is smooth: two levels less change it by less than the main grid's own error.
    mf.nlcgrids.level = max(spec.grid_level - 2, 0)


def _add_field(mf: Any, field: Sequence[float]) -> None:
    """Put `mf` into a uniform electric field (atomic units): E(F) = E − μ·F − …, dipole about the origin."""
    mole = mf.mol
    f = np.asarray(field)
    with mole.with_common_origin((0.0, 0.0, 0.0)):
        hcore = mf.get_hcore() + np.einsum("x,xij->ij", f, mole.intor("int1e_r"))
    nuclear = mf.energy_nuc() - float(mole.atom_charges() @ mole.atom_coords() @ f)
    mf.get_hcore = lambda *_: hcore
    mf.energy_nuc = lambda *_: nuclear


def _add_charges(mf: Any, charges: Sequence[float]) -> None:
    """Let electrons feel `charges` (elementary charges) on top of those of the nuclei, centre by centre."""
    from pyscf import lib

    hcore = mf.get_hcore() + np.einsum("a,aij->ij", np.asarray(charges), nuclear_attraction(mf.mol))
    mf.get_hcore = lambda *_: hcore
    mf.qmbench_charges = tuple(charges)
    lib.set_class(mf, (_WithCharges, mf.__class__), name=type(mf).__name__)


class _WithCharges:
    """A mean field whose gradient knows its added charges; classes, lest objects hold themselves in memory."""

    def nuc_grad_method(self) -> Any:
        from pyscf import lib

        gradient = super().nuc_grad_method()  # type: ignore[misc]
        return lib.set_class(gradient, (_GradientWithCharges, gradient.__class__), name=type(gradient).__name__)


class _GradientWithCharges:
    """A gradient whose core Hamiltonian has the attraction by the charges that were added to its mean field."""

    base: Any
    mol: Any

    def hcore_generator(self, mol: Any = None) -> Any:
        mole = self.mol if mol is None else mol
        nuclei = super().hcore_generator(mole)  # type: ignore[misc]
        points = attraction_derivatives(mole, self.base.qmbench_charges)
        return lambda centre: nuclei(centre) + points(centre)


def nuclear_attraction(mole: Any) -> np.ndarray:
    """(centres, n, n) in hartree: −⟨μ|1/|r−R||ν⟩ for a unit charge on each centre, ghosts included."""
    found = []
    for position in mole.atom_coords():
        with mole.with_rinv_origin(position):
            found.append(-mole.intor("int1e_rinv"))
    return np.array(found)


def attraction_derivatives(mole: Any, charges: Sequence[float]) -> Callable[[int], np.ndarray]:
    """centre -> (3, n, n) in hartree/bohr: the derivative of the attraction by `charges` on the centres (elementary
    charges) when one of these is moved with its functions, as PySCF's `hcore_generator` gives that of the nuclei."""
    rows = mole.aoslice_by_atom()[:, 2:]
    parts = []  # ⟨∇μ|q/|r−R||ν⟩
    for position, charge in zip(mole.atom_coords(), charges, strict=True):
        with mole.with_rinv_origin(position):
            parts.append(charge * mole.intor("int1e_iprinv", comp=3))
    total = np.sum(parts, axis=0)

    def derivative(centre: int) -> np.ndarray:
        first, last = rows[centre]
        half = -parts[centre]
        half[:, first:last] += total[:, first:last]
        return half + half.transpose(0, 2, 1)

    return derivative


def coarsened(mf: Any) -> Any:
    """`mf`, on a coarse grid and without VV10 from now on: guesses are ranked with it, nothing is reported from it."""
    if getattr(mf, "xc", None):
        mf.grids.level, mf.nlc = min(mf.grids.level, 2), False
    return mf
