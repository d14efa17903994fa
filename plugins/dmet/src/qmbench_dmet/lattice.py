"""Lattices cut into fragments, and the impurity problems of the Hubbard model.

Site arrays number the sites with the last direction fastest. A lattice whose one-particle Hamiltonian repeats from
fragment to fragment is treated with Bloch sums over the fragments; any other one (open, inhomogeneous) densely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmbench import Unsupported

from .anderson import anderson_step
from .impurity import Impurity, electron_sectors
from .lowlevel import Cells, MeanField, Potentials, bloch_mean_field, dense_mean_field


def tiles(lattice: tuple[int, ...], fragment: tuple[int, ...]) -> np.ndarray:
    """Sites of each fragment, shape (n_fragments, sites per fragment).

    ``fragment`` gives the extent along each direction; directions left out at the end count 1. Unsupported if
    the fragments do not tile the lattice.
    """
    shape = "x".join(map(str, fragment))
    if len(fragment) > len(lattice) or min(fragment) < 1:
        raise Unsupported(f"a fragment of {shape} sites does not fit a lattice of {len(lattice)} dimensions")
    extent = tuple(fragment) + (1,) * (len(lattice) - len(fragment))
    if any(n % k for n, k in zip(lattice, extent, strict=True)):
        raise Unsupported(
            f"fragments of {'x'.join(map(str, extent))} sites do not tile a lattice of {'x'.join(map(str, lattice))}; "
            "each extent must divide the lattice's"
        )
    index = np.arange(np.prod(lattice)).reshape(lattice)
    cells = [n // k for n, k in zip(lattice, extent, strict=True)]
    out = []
    for cell in np.ndindex(*cells):
        window = tuple(slice(c * k, (c + 1) * k) for c, k in zip(cell, extent, strict=True))
        out.append(index[window].ravel())
    return np.array(out)


def boundary_phases(boundary: tuple[str, ...], twist: tuple[float, ...]) -> np.ndarray | None:
    """The factor of a Bloch sum after one turn around each direction; None if a direction is open."""
    if "open" in boundary:
        return None
    signs = np.array([-1.0 if b == "antiperiodic" else 1.0 for b in boundary], dtype=complex)
    return signs * np.exp(2j * np.pi * np.array(twist)) if any(twist) else signs


def bloch_cells(h: np.ndarray, sites: np.ndarray, cells: tuple[int, ...], phases: np.ndarray) -> Cells | None:
    """The Bloch sums over ``sites`` (n_cells, n_c), or None if ``h`` does not repeat from cell to cell."""
    positions = np.array(list(np.ndindex(*cells)))
    angles = (np.angle(phases)[None, :] + 2 * np.pi * positions) / np.array(cells)
    found = Cells(sites, np.exp(1j * angles @ positions.T))
    # proof that the Bloch sums block-diagonalize h: both sides applied to vectors without any symmetry
    probe = np.random.default_rng(0).standard_normal((sites.size, 4))
    rebuilt = found.to_sites(bloch_matrix(found, h) @ found.to_k(probe))
    return found if np.allclose(rebuilt, h @ probe, atol=1e-10 * max(1.0, np.abs(h).max())) else None


def bloch_matrix(cells: Cells, h: np.ndarray) -> np.ndarray:
    """h(K) of shape (n_k, n_c, n_c) from the columns of the first cell."""
    return np.sqrt(len(cells.wave)) * cells.to_k(h[:, cells.sites[0]])


@dataclass(frozen=True)
class Lattice:
    """A Hubbard lattice cut into fragments.

    ``h`` (N, N) is the one-particle Hamiltonian, ``u`` (N,) the on-site repulsion, ``sites`` (n_fragments, n_f) the
    fragments, ``cells`` the Bloch sums if the lattice repeats from fragment to fragment. ``electrons`` is
    (N_α, N_β), or (N/2,) when both spins share one density matrix.
    """

    h: np.ndarray
    u: np.ndarray
    sites: np.ndarray
    electrons: tuple[float, ...]
    cells: Cells | None

    @property
    def n_sites(self) -> int:
        return len(self.h)

    @property
    def n_electrons(self) -> float:
        """The number of electrons of both spins."""
        return 2.0 * self.electrons[0] if len(self.electrons) == 1 else sum(self.electrons)

    @property
    def unique(self) -> list[int]:
        """The fragments that have to be solved."""
        return [0] if self.cells is not None else list(range(len(self.sites)))

    @property
    def copies(self) -> int:
        return len(self.sites) if self.cells is not None else 1


def make_lattice(
    h: np.ndarray,
    u: float | np.ndarray,
    lattice: tuple[int, ...],
    boundary: tuple[str, ...],
    electrons: tuple[float, ...],
    fragment: tuple[int, ...],
    twist: tuple[float, ...] = (),
) -> Lattice:
    """Cut a lattice with one-particle Hamiltonian ``h`` into fragments; see `tiles` and `Lattice`."""
    sites = tiles(lattice, fragment)
    u = np.broadcast_to(np.asarray(u, dtype=float), (len(h),)).copy()
    phases = boundary_phases(boundary, twist)
    cells = None
    if phases is not None and np.allclose(u[sites], u[sites[0]]):
        extent = tuple(fragment) + (1,) * (len(lattice) - len(fragment))
        counts = tuple(n // k for n, k in zip(lattice, extent, strict=True))
        cells = bloch_cells(h, sites, counts, phases)
    return Lattice(h, u, sites, tuple(electrons), cells)


def low_level(lattice: Lattice, potentials: Potentials) -> list[MeanField]:
    """The low level, one per spin, in fragment-diagonal potentials.

    ``potentials[spin][i]`` (n_f, n_f) is the part of the mean field of the i-th unique fragment that is not in
    ``lattice.h``.
    """
    out: list[MeanField] = []
    for spin, electrons in enumerate(lattice.electrons):
        if lattice.cells is not None:
            fock = bloch_matrix(lattice.cells, lattice.h) + potentials[spin][0]
            out.append(bloch_mean_field(lattice.cells, fock, electrons, np.isrealobj(lattice.h)))
        else:
            full = np.array(lattice.h, dtype=np.result_type(lattice.h, *potentials[spin]))
            for block, sites in zip(potentials[spin], lattice.sites, strict=True):
                full[np.ix_(sites, sites)] += block
            out.append(dense_mean_field(full, electrons))
    return out


def hartree_fock(
    lattice: Lattice, tolerance: float = 2e-14, max_cycles: int = 600, magnetization: float = 0.3
) -> Potentials:
    """The potentials of the lattice's self-consistent Hartree–Fock state.

    Restricted if ``lattice.electrons`` has one entry. Unrestricted runs start from an alternating magnetization.
    The potential of a Hubbard model is diagonal, U ⟨n of the other spin⟩. Raises ArithmeticError if the iteration
    does not converge to 1e-11 (``tolerance`` is what it tries for: fragment energies are of first order in it).
    """
    n_spin, sites = len(lattice.electrons), lattice.sites[lattice.unique]
    u = lattice.u[sites]
    mean = np.array([e / lattice.n_sites for e in lattice.electrons])
    sign = np.where(np.arange(sites.size).reshape(sites.shape) % 2, -1.0, 1.0)
    density = np.broadcast_to(mean[:, None, None], (n_spin, *sites.shape)).copy()
    if n_spin == 2:
        density += 0.5 * magnetization * sign * np.array([1.0, -1.0])[:, None, None]
    inputs: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    stalled = 0
    best = np.inf
    for _ in range(max_cycles):
        potential = u * density[::-1]
        potentials = [[np.diag(v) for v in one] for one in potential]
        fields = low_level(lattice, potentials)
        new = np.array([f.site_density()[sites] for f in fields])
        error = new - density
        size = float(np.abs(error).max())
        best, stalled = (size, 0) if size < 0.5 * best else (best, stalled + 1)
        if size < tolerance or (size < 1e-11 and stalled > 8):
            return potentials
        inputs, errors = [*inputs[-7:], density], [*errors[-7:], error]
        density = anderson_step(inputs, errors, 0.4)
    raise ArithmeticError(f"the lattice mean field did not converge in {max_cycles} cycles")


def hubbard_impurity(
    lattice: Lattice,
    fragment: int,
    mean_fields: list[MeanField],
    orbitals: list[np.ndarray],
    potentials: Potentials,
    interacting: bool,
) -> Impurity:
    """The impurity of one fragment in its embedding orbitals C (N, m), one set per mean field.

    Interacting bath: U acts on every embedding orbital and the core acts through its mean field. Non-interacting
    bath: U acts on the fragment, and the bath feels the low level's ``potentials`` instead
    (Knizia and Chan, PRL 109, 186404 (2012)).
    """
    sites = lattice.sites[fragment]
    n_f = len(sites)
    low = [f.apply_density(c) for f, c in zip(mean_fields, orbitals, strict=True)]
    embedded = [c.conj().T @ d for c, d in zip(orbitals, low, strict=True)]
    pairs = [np.einsum("ip,iq->ipq", c.conj(), c).reshape(lattice.n_sites, -1) for c in orbitals]
    core = [f.site_density() - (p @ g.T.ravel()).real for f, p, g in zip(mean_fields, pairs, embedded, strict=True)]
    m = orbitals[0].shape[1]
    shape = (m, m, m, m)
    spin = (0, 0) if len(mean_fields) == 1 else (0, 1)
    h, eri = [], []
    for s, other in (spin, spin[::-1]):
        c = orbitals[s]
        one = c.conj().T @ (lattice.h @ c)
        if interacting:
            one = one + (pairs[s].T @ (lattice.u * core[other])).reshape(m, m)
        else:
            moved = _apply_potential(lattice, potentials[s], c)
            moved[sites] = 0.0
            one = one + c.conj().T @ moved
        h.append(0.5 * (one + one.conj().T))
    u = lattice.u.astype(float)
    if not interacting:
        u = np.where(np.isin(np.arange(lattice.n_sites), sites), u, 0.0)
    for a, b in ((spin[0], spin[0]), spin, (spin[1], spin[1])):
        # same-spin terms cancel in the determinants but keep restricted and unrestricted formulas alike
        eri.append((pairs[a].T @ (u[:, None] * pairs[b])).reshape(shape))
    electrons = tuple(float(np.trace(g).real) for g in embedded)
    sectors = electron_sectors((2.0 * electrons[0],) if len(electrons) == 1 else electrons, m)
    guess = np.array([embedded[spin[0]].T, embedded[spin[1]].T])
    return Impurity(np.array(h), np.array(eri), np.array(h), n_f, sectors, lattice.copies, len(mean_fields) == 1, guess)


def _apply_potential(lattice: Lattice, blocks: list[np.ndarray], columns: np.ndarray) -> np.ndarray:
    out = np.zeros(columns.shape, dtype=np.result_type(*blocks, columns))
    for i, sites in enumerate(lattice.sites):
        out[sites] = blocks[i if len(blocks) > 1 else 0] @ columns[sites]
    return out
