"""Atoms in molecules from a PySCF density: Hirshfeld volumes, and the Vydrov–Van Voorhis polarizability of MBD-NL.

Free atoms are spherical, spin-restricted Kohn–Sham atoms with fractional occupations, of the molecule's own functional
and basis: the convention with which TS and MBD were parametrized, and the one in which the basis-set error of the
molecule's density cancels against the atom's. F. L. Hirshfeld, Theor. Chim. Acta 44, 129 (1977). Ghost centres have no
free atom and take no share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import NotConverged
from qmbench_mbd.models import frequency_grid
from qmbench_mbd.parameters import Array, Oscillators, free_atom_arrays

# Densities below this (per bohr³) are left out: they hold under 1e-6 electrons.
_TINY_DENSITY = 1e-12

# MBD-NL, Hermann and Tkatchenko, Phys. Rev. Lett. 124, 146401 (2020), with the C of O. A. Vydrov and T. Van Voorhis,
# Phys. Rev. A 81, 062708 (2010). The cutoff removes slowly varying density: local gap below 5 ± 1 eV, unless it is
# one orbital's.
_VV_C = 0.0093
_GAP_CENTRE = 5 / 27.211385
_GAP_WIDTH = 1 / 27.211385


@dataclass(frozen=True)
class AtomShares:
    """Per real atom: `volumes` (N,) ∫ w n |r−R|³ and, where asked for, `vv` (n_u, N) polarizability α(iu) in bohr³;
    the same of the free atoms. `indices` are the centres of the Mole that they belong to."""

    indices: tuple[int, ...]
    elements: tuple[str, ...]
    volumes: Array
    free_volumes: Array
    vv: Array
    free_vv: Array

    @property
    def ratios(self) -> Array:
        """Hirshfeld volume ratios (N,)."""
        return self.volumes / self.free_volumes


def free_atom_density(element: str, basis: Any, ecp: Any, xc: str) -> Array:
    """Density matrix of the spherical, spin-restricted free atom in its own basis. Raises NotConverged."""
    from pyscf import dft, gto
    from pyscf.scf import atom_hf

    class SphericalAtom(dft.rks.KohnShamDFT, atom_hf.AtomSphAverageRHF):  # type: ignore[misc]
        """Kohn–Sham atom with PySCF's spherically averaged fractional occupations."""

        def __init__(self, mol: Any) -> None:
            atom_hf.AtomSphAverageRHF.__init__(self, mol)
            dft.rks.KohnShamDFT.__init__(self, xc)

        get_veff = dft.rks.get_veff
        energy_elec = dft.rks.energy_elec

    mol = gto.Mole(atom=[[element, (0.0, 0.0, 0.0)]], basis={element: basis}, verbose=0)
    if ecp is not None:
        mol.ecp = {element: ecp}
    mol.build(spin=None, parse_arg=False)
    atom = SphericalAtom(mol)
    atom.grids.level = 4
    atom.max_cycle = 200
    atom.kernel()
    if not atom.converged:
        raise NotConverged(f"the free atom {element} ({xc}) did not converge, so there is no Hirshfeld reference")
    return np.asarray(atom.make_rdm1())


def free_atom_densities(mol: Any, xc: str, load: Callable[[str, Callable[[], Array]], Array] | None = None) -> list[Array]:
    """Free-atom density matrices for the real atoms of a PySCF Mole, in the Mole's basis.

    `load(key, make)` may fetch a stored matrix by a key that says everything it depends on; by default each is made.
    """
    import pyscf

    made: dict[str, Array] = {}
    out = []
    for i in _real(mol):
        symbol, element = mol.atom_symbol(i), mol.atom_pure_symbol(i)
        basis = mol._basis[symbol]
        ecp = (mol._ecp or {}).get(symbol)
        key = f"free atom {element} {xc} pyscf {pyscf.__version__} basis {basis!r} ecp {ecp!r}"
        if key not in made:
            def make(element: str = element, basis: Any = basis, ecp: Any = ecp) -> Array:
                return free_atom_density(element, basis, ecp, xc)

            made[key] = make() if load is None else load(key, make)
        out.append(made[key])
    return out


def partition(mol: Any, density: Array, free: list[Array], grids: Any, vv: bool = False) -> AtomShares:
    """Hirshfeld shares of a converged density matrix (spin-summed) on a PySCF grid, block by block.

    `free`: from `free_atom_densities`. A neutral lone atom is its own free atom, whatever its spin, so that it has
    ratio 1: there is nothing else for its density to be compared with. `vv` adds the polarizabilities of MBD-NL.
    """
    from pyscf.dft import numint

    real = _real(mol)
    u, _ = frequency_grid()
    n, n_u = len(real), len(u) if vv else 0
    volumes, free_volumes = np.zeros(n), np.zeros(n)
    share, free_share = np.zeros((n_u, n)), np.zeros((n_u, n))
    slices = mol.aoslice_by_atom()
    centres = mol.atom_coords()
    lone = n == 1 and mol.charge == 0
    ni = numint.NumInt()
    for ao, mask, weights, coords in ni.block_loop(mol, grids, mol.nao, deriv=1 if vv else 0):
        values = ao[0] if vv else ao
        rho = ni.eval_rho(mol, ao, density, mask, xctype="MGGA" if vv else "LDA", hermi=1, with_lapl=False)
        n_r = rho[0] if vv else rho
        own, gradients = [], []
        for i, d in zip(real, free, strict=True):
            block = slice(slices[i][2], slices[i][3])
            phi = values[:, block] @ d
            own.append(np.maximum(np.einsum("gi,gi->g", phi, values[:, block]), 0.0))
            if vv:
                gradients.append(2 * np.einsum("gi,xgi->xg", phi, ao[1:4, :, block]))
        if lone:
            own = [n_r]
        total = np.maximum(np.sum(own, 0), 1e-30)
        local = local_polarizability(n_r, np.linalg.norm(rho[1:4], axis=0), rho[4], u) * weights if vv else None
        for k, i in enumerate(real):
            cubed = weights * np.linalg.norm(coords - centres[i], axis=1) ** 3
            w = own[k] / total
            volumes[k] += np.dot(cubed * w, n_r)
            free_volumes[k] += np.dot(cubed, own[k])
            if local is not None:
                share[:, k] += local @ w
                gradient = rho[1:4] if lone else gradients[k]
                plain = local_polarizability(own[k], np.linalg.norm(gradient, axis=0), None, u)
                free_share[:, k] += plain @ weights
    elements = tuple(mol.atom_pure_symbol(i) for i in real)
    return AtomShares(tuple(real), elements, volumes, free_volumes, share, free_share)


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
    from qmbench_mbd.parameters import from_volume_ratios

    return from_volume_ratios(positions, list(shares.elements), shares.ratios)


def nl_oscillators(shares: AtomShares, positions: Array) -> Oscillators:
    """Oscillators of MBD-NL: α and C6 of the reference atom scaled by the VV values of the atom in the molecule over
    those of the free atom; radii ⁵⁄₂ α_free^(1/7) scaled by the cube root of the ratio of polarizabilities."""
    _, weights = frequency_grid()
    alpha, c6, _ = free_atom_arrays(list(shares.elements))
    alpha_ratio = shares.vv[0] / shares.free_vv[0]
    c6_ratio = (weights @ shares.vv**2) / (weights @ shares.free_vv**2)
    return Oscillators(positions, alpha * alpha_ratio, c6 * c6_ratio, 2.5 * alpha ** (1 / 7) * np.cbrt(alpha_ratio))


def _real(mol: Any) -> list[int]:
    return [i for i in range(mol.natm) if not mol.atom_symbol(i).upper().startswith(("GHOST", "X-"))]


def spin_summed(density: Array) -> Array:
    """A restricted density matrix as it is, an unrestricted one summed over spins."""
    density = np.asarray(density)
    return density if density.ndim == 2 else density.sum(0)


def check_elements(elements: Mapping[str, object] | list[str]) -> None:
    """Raise KeyError naming elements without published free-atom parameters."""
    free_atom_arrays(list(elements))
