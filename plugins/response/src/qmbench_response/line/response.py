"""Density response of two electrons on a line, exactly and approximately, on the grid of the system.

Grid points carry sinc functions (Colbert and Miller, J. Chem. Phys. 96, 1982 (1992)), so that local operators are
diagonal. Densities are numbers of electrons at the points, and X (n, n) takes potentials at the points to them: χ(x,
x′) is X over the square of the spacing. At an imaginary frequency X is real, symmetric and negative. Hartree and bohr.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

Array = np.ndarray

# Where the orbital is smaller than this part of its largest value the correlation potential goes on as a constant.
TAIL = 1e-5
ITERATIONS = 2000


@dataclass(frozen=True)
class Line:
    """x (n,), potential (n,) of the nuclei or the trap, interaction (n, n), kinetic energy (n, n)."""

    x: Array
    potential: Array
    interaction: Array

    @property
    def spacing(self) -> float:
        """Between two points, bohr."""
        return float(self.x[1] - self.x[0])

    @cached_property
    def kinetic(self) -> Array:
        """−½ d²/dx²."""
        n = np.arange(len(self.x))
        apart = n[:, None] - n
        squared = np.where(apart == 0, 1, apart**2)
        elements = np.where(apart == 0, np.pi**2 / 3, 2.0 / squared)
        return (-1.0) ** apart * elements / (2 * self.spacing**2)

    @property
    def core(self) -> Array:
        """The Hamiltonian of one electron."""
        return self.kinetic + np.diag(self.potential)


@dataclass(frozen=True)
class Exact:
    """Two electrons of opposite spin: energy, density (n,), excitation energies (m,), transition densities (n, m)."""

    energy: float
    density: Array
    excitations: Array
    transitions: Array

    def response(self, frequency: float) -> Array:
        """X (n, n): −Σ 2Ω/(Ω² + ω²) ρ ρᵀ over all excited singlets."""
        weights = 2 * self.excitations / (self.excitations**2 + frequency**2)
        return -(self.transitions * weights) @ self.transitions.T


def exact(line: Line) -> Exact:
    """All singlets, by diagonalization of even and odd ones apart; the potential has to be even."""
    even, odd = (_singlets(line, parity) for parity in (1, -1))
    ground = even[1][:, 0].reshape(len(line.x), -1)
    energy = float(even[0][0])
    density = 2 * np.sum(ground**2, axis=1)
    transitions, excitations = [], []
    for (energies, states), first in ((even, 1), (odd, 0)):
        for n in range(first, len(energies)):
            transitions.append(2 * np.sum(ground * states[:, n].reshape(ground.shape), axis=1))
            excitations.append(energies[n] - energy)
    return Exact(energy, density, np.array(excitations), np.array(transitions).T)


def _singlets(line: Line, parity: int) -> tuple[Array, Array]:
    """Energies (m,) ascending and states (n², m) symmetric under exchange and of one parity."""
    from scipy.linalg import eigh
    from scipy.sparse import csr_array, diags, identity, kron

    n = len(line.x)
    one = identity(n, format="csr")
    core = csr_array(line.core)
    h = kron(core, one) + kron(one, core) + diags(line.interaction.ravel())
    i, j = np.triu_indices(n)
    # Each pair with its image under exchange and under reflection, which has four members at most.
    images = np.array([i * n + j, j * n + i, (n - 1 - i) * n + n - 1 - j, (n - 1 - j) * n + n - 1 - i])
    kept = (images.min(axis=0) == i * n + j).nonzero()[0]
    signs = np.array([1, 1, parity, parity])
    columns = np.tile(np.arange(len(kept)), (4, 1))
    basis = csr_array(
        (np.repeat(signs, len(kept)).astype(float), (images[:, kept].ravel(), columns.ravel())), (n * n, len(kept))
    )
    lengths = np.sqrt(np.asarray(basis.multiply(basis).sum(axis=0)).ravel())
    basis = csr_array(basis[:, lengths > 0] @ diags(1 / lengths[lengths > 0]))
    energies, vectors = eigh((basis.T @ h @ basis).toarray())
    return energies, basis @ vectors


@dataclass(frozen=True)
class Orbitals:
    """One orbital with two electrons, and the empty ones: energies above it (m,), φ₀φ_a (n, m)."""

    gaps: Array
    products: Array

    def response(self, frequency: float) -> Array:
        """X₀ of independent electrons."""
        return -(self.products * (4 * self.gaps / (self.gaps**2 + frequency**2))) @ self.products.T


def kohn_sham(line: Line, density: Array) -> Orbitals:
    """The non-interacting electrons of this density: for two of them φ = √(n/2), and the potential follows from it.

    Far out, where the density has no digits, it is that of the Hartree and exchange potential v_H/2.
    """
    orbital = np.sqrt(density / 2)
    inside = orbital > TAIL * orbital.max()
    bare = line.potential + line.interaction @ density / 2
    correlation = np.zeros_like(bare)
    correlation[inside] = -(line.kinetic @ orbital)[inside] / orbital[inside] - bare[inside]
    first, last = np.flatnonzero(inside)[[0, -1]]
    correlation[:first], correlation[last + 1 :] = correlation[first], correlation[last]
    return _orbitals(line.kinetic + np.diag(bare + correlation))


def _orbitals(fock: Array) -> Orbitals:
    energies, vectors = np.linalg.eigh(fock)
    return Orbitals(energies[1:] - energies[0], vectors[:, :1] * vectors[:, 1:])


def with_kernel(bare: Array, kernel: Array) -> Array:
    """X = X₀ + X₀ K X."""
    found = np.linalg.solve(np.eye(len(bare)) - bare @ kernel, bare)
    return np.asarray((found + found.T) / 2)


@dataclass(frozen=True)
class HartreeFock:
    """The restricted determinant: energy, and what the response is made of."""

    energy: float
    density: Array
    plus: Array
    minus: Array
    products: Array

    def response(self, frequency: float) -> Array:
        """X of time-dependent Hartree–Fock: −4 D [(A + B) + ω² (A − B)⁻¹]⁻¹ Dᵀ with D = φ₀φ_a."""
        matrix = self.plus + frequency**2 * np.linalg.inv(self.minus)
        return -4 * self.products @ np.linalg.solve(matrix, self.products.T)


def hartree_fock(line: Line) -> HartreeFock | None:
    """The self-consistent determinant of one orbital; None where it is not reached."""
    orbital = np.linalg.eigh(line.core)[1][:, 0]
    share, before = 0.5, np.inf
    for _ in range(ITERATIONS):
        repulsion = line.interaction @ orbital**2
        fock = line.core + np.diag(repulsion)
        new = np.linalg.eigh(fock)[1][:, 0]
        new *= np.sign(new @ orbital)
        change = float(np.abs(new - orbital).max())
        if change < 1e-12:
            break
        if change > before:  # strong repulsion throws the electrons from one side to the other
            share = max(0.7 * share, 0.01)
        before = change
        mixed = share * new + (1 - share) * orbital
        orbital = mixed / np.linalg.norm(mixed)
    else:
        return None
    orbital = new
    repulsion = line.interaction @ orbital**2
    exchange = orbital[:, None] * line.interaction * orbital
    # For empty orbitals Fock's operator has two Coulomb terms and one of exchange; the occupied one sees the same.
    energies, vectors = np.linalg.eigh(line.core + 2 * np.diag(repulsion) - exchange)
    ground = int(np.argmax(np.abs(vectors.T @ orbital)))
    order = [ground, *(n for n in range(len(energies)) if n != ground)]
    energies, vectors = energies[order], vectors[:, order]
    empty, gaps = vectors[:, 1:], energies[1:] - energies[0]
    products = orbital[:, None] * empty
    pairs = products.T @ line.interaction @ products
    coulomb = empty.T @ (repulsion[:, None] * empty)
    a = np.diag(gaps) + 2 * pairs - coulomb
    energy = float(2 * orbital @ line.core @ orbital + orbital**2 @ repulsion)
    return HartreeFock(energy, 2 * orbital**2, a + pairs, a - pairs, products)


def polarizability(x: Array, response: Array) -> float:
    """α(iω) = −xᵀ X x, e² bohr²/hartree."""
    return -float(x @ response @ x)
