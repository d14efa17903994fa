"""Where an open-shell SCF starts from: several densities, so that the lowest solution is found.

For one atom, the guesses occupy its open shell by Hund's first rule, one choice of orbitals at a time: in a
partly filled p shell the odd orbital is the one along z, so that the solution is oriented reproducibly.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from qmbench import ATOMIC_NUMBERS, Molecule
from qmbench_pyscf.integrals import share_integrals

# A d or f shell has many ways to be partly filled; this many are tried.
MAX_CHOICES = 12


def guesses(mf: Any, molecule: Molecule) -> Iterator[tuple[str, np.ndarray]]:
    """(name, density) pairs for the unrestricted `mf`; density (2, n, n)."""
    shells = [(f"shell {text}", density) for text, density in atomic_shell_guesses(mf.mol, molecule)]
    yield from shells
    # An atom whose open shell was filled by hand needs only a second opinion.
    for name in ("minao",) if shells and shells[0][0][6] in "sp" else ("minao", "atom", "hcore"):
        yield name, _two(mf.get_init_guess(mf.mol, name))
    if molecule.n_parts > 1:
        yield "fractional", _fractional(mf)
        yield "alternating spins", alternating_spins(mf.mol, molecule)


def mixed_frontier(closed: Any) -> np.ndarray:
    """Density (2, n, n) in which highest occupied and lowest empty orbital are mixed, oppositely for ↑ and ↓.

    closed: a converged restricted mean field.
    """
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


def _two(density: np.ndarray) -> np.ndarray:
    density = np.asarray(density)
    return density if density.ndim == 3 else np.array([density / 2, density / 2])


def _fractional(mf: Any) -> np.ndarray:
    """A density with fractional occupations near the Fermi level, loosely converged."""
    from pyscf import scf

    share_integrals(mf)
    smeared = scf.addons.smearing(mf.copy(), sigma=0.02, method="fermi", fix_spin=True)
    smeared.conv_tol, smeared.max_cycle = 1e-4, 30
    smeared.kernel()
    return np.asarray(smeared.make_rdm1())


def alternating_spins(mole: Any, molecule: Molecule) -> np.ndarray:
    """Free atoms with parallel spins in their open shells, the spins of neighbours opposite: how bonds break.

    Density (2, n, n), block-diagonal and spherical on every atom.
    """
    from pyscf.scf import atom_hf

    atoms = atom_hf.get_atm_nrhf(mole)  # in spherical functions, whatever the molecule's are
    mole, back = _spherical(mole)
    density = np.zeros((2, mole.nao, mole.nao))
    for index, sign in enumerate(_alternating_signs(molecule)):
        if sign == 0:
            continue
        _, _, orbitals, occupation = atoms[mole.atom_symbol(index)]
        first, last = mole.aoslice_by_atom()[index][2:]
        # A shell holds parallel spins until each of its orbitals has one.
        major, minor = np.minimum(occupation, 1.0), np.maximum(occupation - 1.0, 0.0)
        for spin, part in enumerate((major, minor) if sign > 0 else (minor, major)):
            density[spin, first:last, first:last] = (orbitals * part) @ orbitals.T
    return back @ density @ back.T


def _spherical(mole: Any) -> tuple[Any, np.ndarray]:
    """The same Mole with spherical functions, and what these are in the functions of `mole`: (n, n_spherical)."""
    if not mole.cart:
        return mole, np.eye(mole.nao)
    spherical = mole.copy()
    spherical.cart = False
    return spherical, mole.cart2sph_coeff(normalized="sp")


def _alternating_signs(molecule: Molecule) -> list[int]:
    """+1 or -1 for real atoms, each opposite to the nearest atom that has its sign already; 0 for ghosts."""
    real = list(molecule.real)
    distance = np.linalg.norm(molecule.coordinates[:, None] - molecule.coordinates[None], axis=-1)
    signs = [0] * len(molecule.ghosts)
    signs[real[0]] = 1
    done, left = [real[0]], real[1:]
    while left:
        near = distance[np.ix_(left, done)]
        row, column = np.unravel_index(int(near.argmin()), near.shape)
        atom = left[int(row)]
        signs[atom] = -signs[done[int(column)]]
        done.append(atom)
        left.remove(atom)
    return signs


def atomic_shell_guesses(mole: Any, molecule: Molecule) -> Iterator[tuple[str, np.ndarray]]:
    """Densities of one real atom (ghosts allowed) for each choice of orbitals in its open shell."""
    from pyscf.scf import atom_hf

    if len(molecule.real) != 1 or mole.has_ecp():
        return
    (symbol,) = molecule.elements
    filling = shell_filling(symbol, molecule.charge, mole.nelec)
    if filling is None:
        return
    _, energies, orbitals, _ = atom_hf.get_atm_nrhf(mole)[mole.atom_symbol(molecule.real[0])]
    mole, back = _spherical(mole)
    first, last = mole.aoslice_by_atom()[molecule.real[0]][2:]
    angular = _angular_momenta(mole, first, last)
    for text, rows in _choices(filling):
        density = np.zeros((2, mole.nao, mole.nao))
        for spin in (0, 1):
            occupied = [_pick(orbitals, energies, angular, l, shell, m) for l, shell, m in rows[spin]]
            for orbital in occupied:
                density[spin, first:last, first:last] += np.outer(orbital, orbital)
        yield text, back @ density @ back.T


def shell_filling(
    symbol: str, charge: int, n_up_down: tuple[int, int]
) -> tuple[list[tuple[int, int]], tuple[int, int, int] | None] | None:
    """Closed shells [(l, number)] and the open one (l, ↑ electrons, ↓ electrons) by Hund's first rule.

    None where the ground configuration, thinned or filled up from outside for ions, does not give these numbers
    of ↑ and ↓ electrons with one open shell.
    """
    from pyscf.data.elements import NRSRHF_CONFIGURATION

    counts = list(NRSRHF_CONFIGURATION[ATOMIC_NUMBERS[symbol]])
    for _ in range(max(charge, 0)):
        counts[_outermost(counts)] -= 1
    for _ in range(max(-charge, 0)):
        counts[_next(counts)] += 1
    closed, open_shell = [], None
    for l, count in enumerate(counts):
        capacity = 2 * (2 * l + 1)
        closed += [(l, number) for number in range(count // capacity)]
        if left := count % capacity:
            if open_shell is not None:
                return None
            up = min(left, 2 * l + 1)
            open_shell = (l, up, left - up)
    n_closed = sum(2 * l + 1 for l, _ in closed)
    _, up, down = open_shell or (0, 0, 0)
    return (closed, open_shell) if (n_closed + up, n_closed + down) == tuple(n_up_down) else None


def _outermost(counts: list[int]) -> int:
    """The l of the shell that an atom with these s, p, d, f electrons loses an electron from."""
    n_s, n_p = -(-counts[0] // 2), (-(-counts[1] // 6) + 1 if counts[1] else 0)
    if n_p >= n_s:
        return 1
    return 0 if counts[0] else 2


def _next(counts: list[int]) -> int:
    """The l of the shell that takes one more electron."""
    if counts[0] % 2:
        return 0
    if counts[2] % 10:
        return 2
    return 1


def _choices(filling: tuple) -> Iterator[tuple[str, list[list[tuple[int, int, int]]]]]:
    closed, open_shell = filling
    core = [(l, number, m) for l, number in closed for m in range(2 * l + 1)]
    if open_shell is None:
        yield "closed", [core, core]
        return
    l, up, down = open_shell
    number = sum(1 for k, _ in closed if k == l)
    partial = up if down == 0 else down
    for chosen in _subsets(l, partial):
        part = [(l, number, m) for m in chosen]
        full = [(l, number, m) for m in range(2 * l + 1)]
        rows = [core + part, core] if down == 0 else [core + full, core + part]
        yield f"{'spdf'[l]}{up}{down} {chosen}", rows


def _subsets(l: int, k: int) -> list[tuple[int, ...]]:
    everything = list(combinations(range(2 * l + 1), k))
    if l == 1 and k in (1, 2):
        # PySCF orders p functions x, y, z: one electron along z, or a hole along z.
        return [(2,)] if k == 1 else [(0, 1)]
    return everything[:MAX_CHOICES]


def _angular_momenta(mole: Any, first: int, last: int) -> list[tuple[int, int]]:
    """(l, component) of every atomic function from `first` to `last`."""
    found: list[tuple[int, int]] = []
    for shell in range(mole.nbas):
        l = mole.bas_angular(shell)
        found += [(l, m) for _ in range(mole.bas_nctr(shell)) for m in range(2 * l + 1)]
    return found[first:last]


def _pick(orbitals: np.ndarray, energies: np.ndarray, angular: list, l: int, shell: int, m: int) -> np.ndarray:
    """The orbital number `shell` (from 0, by energy) of component (l, m) of a spherically averaged atom."""
    rows = np.array([key == (l, m) for key in angular])
    weight = np.linalg.norm(orbitals[rows], axis=0) / np.maximum(np.linalg.norm(orbitals, axis=0), 1e-300)
    matching = np.where(weight > 0.99)[0]
    return orbitals[:, matching[np.argsort(energies[matching], kind="stable")[shell]]]
