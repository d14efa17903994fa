"""Atoms in molecules from a PySCF density: Hirshfeld volumes, and the Vydrov–Van Voorhis polarizability of MBD-NL.

Hirshfeld's free atoms are spherical, spin-restricted Kohn–Sham atoms with fractional occupations, of the molecule's own
functional and basis: the convention with which TS and MBD were parametrized, and the one in which the basis-set error
of the molecule's density cancels against the atom's. MBD-NL normalizes its polarizabilities to spin-polarized free
atoms instead. F. L. Hirshfeld, Theor. Chim. Acta 44, 129 (1977). Ghost centres have no free atom and take no share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import ATOMIC_NUMBERS, InputError, NotConverged
from qmbench_mbd.oscillators import Array, Oscillators, casimir_polder, frequency_grid
from qmbench_mbd.parameters import free_atom_arrays, from_volume_ratios

# Densities below this (per bohr³) are left out: they hold under 1e-6 electrons.
_TINY_DENSITY = 1e-12

# MBD-NL, Hermann and Tkatchenko, Phys. Rev. Lett. 124, 146401 (2020), with the C of O. A. Vydrov and T. Van Voorhis,
# Phys. Rev. A 81, 062708 (2010). The cutoff removes slowly varying density: local gap below 5 ± 1 eV, unless it is
# one orbital's.
_VV_C = 0.0093
_GAP_CENTRE = 5 / 27.211385
_GAP_WIDTH = 1 / 27.211385


@dataclass(frozen=True)
class FreeAtomDensities:
    """Free atoms of the real centres, in order: density matrices for Hirshfeld weights, and, for MBD-NL only,
    polarizabilities α(iu) (n_u, N) of the spin-polarized atoms."""

    matrices: tuple[Array, ...]
    vv: Array | None = None


@dataclass(frozen=True)
class AtomShares:
    """Per real atom (N of them, `elements`): Hirshfeld volumes ∫ w n |r−R|³ in the molecule and of the free atom
    (bohr³ electrons), and the free atoms that gave the weights w; for MBD-NL polarizabilities α(iu) (n_u, N) in bohr³
    in the molecule and of the free atom."""

    elements: tuple[str, ...]
    volumes: Array
    free_volumes: Array
    free: FreeAtomDensities
    vv: Array | None = None
    free_vv: Array | None = None

    @property
    def ratios(self) -> Array:
        """Hirshfeld volume ratios (N,)."""
        return self.volumes / self.free_volumes


def _atom(element: str, basis: Any, ecp: Any, spin: int | None) -> Any:
    from pyscf import gto

    mol = gto.Mole(atom=[[element, (0.0, 0.0, 0.0)]], basis={element: basis}, verbose=0)
    if ecp is not None:
        mol.ecp = {element: ecp}
    mol.spin = spin
    mol.build(parse_arg=False)
    return mol


def spherical_atom(element: str, basis: Any, ecp: Any, xc: str) -> Array:
    """Density matrix of the spherical, spin-restricted free atom in its own basis. Raises NotConverged."""
    from pyscf import dft
    from pyscf.scf import atom_hf

    class SphericalAtom(dft.rks.KohnShamDFT, atom_hf.AtomSphAverageRHF):
        """Kohn–Sham atom with PySCF's spherically averaged fractional occupations."""

        def __init__(self, mol: Any) -> None:
            atom_hf.AtomSphAverageRHF.__init__(self, mol)
            dft.rks.KohnShamDFT.__init__(self, xc)

        get_veff = dft.rks.get_veff
        energy_elec = dft.rks.energy_elec

    atom = SphericalAtom(_atom(element, basis, ecp, None))
    atom.grids.level = 4
    atom.max_cycle = 200
    atom.kernel()
    if not atom.converged:
        raise NotConverged(f"the free atom {element} ({xc}) did not converge, so there is no Hirshfeld reference")
    return np.asarray(atom.make_rdm1())


def polarized_atom_vv(element: str, basis: Any, ecp: Any, xc: str) -> Array:
    """α(iu) (n_u,) in bohr³ of the free atom's spherically averaged, spin-polarized density, without cutoff.

    Hund's multiplicity. Raises NotConverged.
    """
    from ase.data import ground_state_magnetic_moments
    from pyscf import dft
    from pyscf.dft import numint

    mol = _atom(element, basis, ecp, round(ground_state_magnetic_moments[ATOMIC_NUMBERS[element]]))
    atom = dft.UKS(mol, xc=xc)
    atom.grids.level = 5
    atom.max_cycle = 100
    atom.kernel()
    if not atom.converged:
        atom = atom.newton()
        atom.kernel()
    if not atom.converged:
        raise NotConverged(f"the spin-polarized free atom {element} ({xc}) did not converge; MBD-NL has no reference")
    density = spherical_average(mol, spin_summed(atom.make_rdm1()))
    ao = numint.eval_ao(mol, atom.grids.coords, deriv=1)
    rho = numint.eval_rho(mol, ao, density, xctype="GGA", hermi=1)
    u, _ = frequency_grid()
    return local_polarizability(rho[0], np.linalg.norm(rho[1:4], axis=0), None, u) @ atom.grids.weights


def spherical_average(mol: Any, density: Array) -> Array:
    """An atom's density matrix averaged over rotations (spherical basis functions)."""
    out = np.zeros_like(density)
    starts = mol.ao_loc_nr()
    shells = [
        (mol.bas_angular(b), starts[b] + c * (2 * mol.bas_angular(b) + 1))
        for b in range(mol.nbas)
        for c in range(mol.bas_nctr(b))
    ]
    for l1, p in shells:
        for l2, q in shells:
            if l1 == l2:
                n = 2 * l1 + 1
                out[p : p + n, q : q + n] = np.eye(n) * np.trace(density[p : p + n, q : q + n]) / n
    return out


def free_atoms_of(
    mol: Any, xc: str, vv: bool = False, load: Callable[[str, Callable[[], Array]], Array] | None = None
) -> FreeAtomDensities:
    """Free atoms for the real centres of a PySCF Mole, in the Mole's basis.

    `load(key, make)` may fetch a stored array by a key that says everything it depends on; by default each is made.
    """
    import pyscf

    made: dict[str, Array] = {}

    def fetch(kind: str, make: Callable[[str, Any, Any, str], Array], i: int) -> Array:
        symbol, element = mol.atom_symbol(i), mol.atom_pure_symbol(i)
        basis, ecp = mol._basis[symbol], (mol._ecp or {}).get(symbol)
        key = f"{kind} {element} {xc} pyscf {pyscf.__version__} basis {basis!r} ecp {ecp!r}"
        if key not in made:

            def run() -> Array:
                return make(element, basis, ecp, xc)

            made[key] = run() if load is None else load(key, run)
        return made[key]

    real = real_atoms(mol)
    matrices = tuple(fetch("free atom", spherical_atom, i) for i in real)
    if not vv:
        return FreeAtomDensities(matrices)
    return FreeAtomDensities(matrices, np.array([fetch("free atom VV", polarized_atom_vv, i) for i in real]).T)


def partition(mol: Any, density: Array, free: FreeAtomDensities, grids: Any) -> AtomShares:
    """Hirshfeld shares of a converged density matrix (spin-summed) on a PySCF grid, block by block.

    With `free.vv` also the polarizabilities of MBD-NL. A neutral lone atom is its own free atom, whatever its spin, so
    that its ratios are 1: there is nothing else for its density to be compared with.
    """
    from pyscf.dft import numint

    real = real_atoms(mol)
    vv = free.vv is not None
    u, _ = frequency_grid()
    n = len(real)
    volumes, free_volumes, share = np.zeros(n), np.zeros(n), np.zeros((len(u), n))
    slices = mol.aoslice_by_atom()
    centres = mol.atom_coords()
    lone = n == 1 and mol.charge == 0
    ni = numint.NumInt()
    for ao, mask, weights, coords in ni.block_loop(mol, grids, mol.nao, deriv=1 if vv else 0):
        values = ao[0] if vv else ao
        rho = ni.eval_rho(mol, ao, density, mask, xctype="MGGA" if vv else "LDA", hermi=1, with_lapl=False)
        n_r = rho[0] if vv else rho
        own = [n_r] if lone else []
        for i, d in zip(real, free.matrices, strict=True):
            if not lone:
                phi = values[:, slices[i][2] : slices[i][3]]
                own.append(np.maximum(np.einsum("gi,gi->g", phi @ d, phi), 0.0))
        total = np.maximum(np.sum(own, 0), 1e-30)
        local = None
        if vv:
            local = local_polarizability(n_r, np.linalg.norm(rho[1:4], axis=0), rho[4], u) * weights
        for k, i in enumerate(real):
            cubed = weights * np.linalg.norm(coords - centres[i], axis=1) ** 3
            w = own[k] / total
            volumes[k] += np.dot(cubed * w, n_r)
            free_volumes[k] += np.dot(cubed, own[k])
            if local is not None:
                share[:, k] += local @ w
    elements = tuple(mol.atom_pure_symbol(i) for i in real)
    if not vv:
        return AtomShares(elements, volumes, free_volumes, free)
    return AtomShares(elements, volumes, free_volumes, free, share, share if lone else free.vv)


def local_polarizability(n: Array, gradient: Array, tau: Array | None, u: Array) -> Array:
    """Vydrov–Van Voorhis polarizability density α(r, iu) (n_u, points) of density `n` (per bohr³) and |∇n|.

    With the kinetic energy density `tau` (½ Σ|∇φ|²) the slowly varying regions are cut off as in MBD-NL; without it
    nothing is.
    """
    from scipy.special import expit

    keep = n > _TINY_DENSITY
    safe = np.where(keep, n, 1.0)
    slope = gradient / safe
    static = 4 * np.pi / 3 * safe + _VV_C * slope**4
    if tau is None:
        cut = keep.astype(float)
    else:
        gap = slope**2 / 8
        uniform = 0.3 * (3 * np.pi**2) ** (2 / 3) * safe ** (5 / 3)
        chi = (tau - gap * safe) / uniform
        fast = expit(4 / _GAP_WIDTH * (gap - _GAP_CENTRE))
        x = chi - 3 * np.sqrt(gap)
        inside = np.clip(x, 0.0, 1.0 - 1e-12)
        single = np.where(x <= 0, 1.0, np.where(x >= 1, 0.0, np.exp(-0.1 * inside / (1 - inside))))
        cut = keep * (1 - (1 - fast) * (1 - single))
    return cut * safe / (static + u[:, None] ** 2)


def ts_oscillators(shares: AtomShares, positions: Array) -> Oscillators:
    """Oscillators of the TS and MBD models from Hirshfeld ratios; `positions` (N, 3) bohr of the real atoms."""
    return from_volume_ratios(positions, list(shares.elements), shares.ratios)


def nl_oscillators(shares: AtomShares, positions: Array) -> Oscillators:
    """Oscillators of MBD-NL: α and C6 of the reference atom scaled by the VV values of the atom in the molecule over
    those of the free atom; radii ⁵⁄₂ α_free^(1/7) scaled by the cube root of the ratio of polarizabilities."""
    if shares.vv is None or shares.free_vv is None:
        raise InputError("MBD-NL needs a partition made with the free atoms' VV polarizabilities")
    _, weights = frequency_grid()
    alpha, c6, _ = free_atom_arrays(list(shares.elements))
    alpha_ratio = shares.vv[0] / shares.free_vv[0]
    c6_ratio = casimir_polder(shares.vv, weights) / casimir_polder(shares.free_vv, weights)
    return Oscillators(positions, alpha * alpha_ratio, c6 * c6_ratio, 2.5 * alpha ** (1 / 7) * np.cbrt(alpha_ratio))


def spin_summed(density: Array) -> Array:
    """A restricted density matrix as it is, an unrestricted one summed over spins."""
    density = np.asarray(density)
    return density if density.ndim == 2 else density.sum(0)


def real_atoms(mol: Any) -> list[int]:
    """Indices of the centres of a PySCF Mole that carry a nucleus."""
    return [i for i in range(mol.natm) if not mol.atom_symbol(i).upper().startswith(("GHOST", "X-"))]
