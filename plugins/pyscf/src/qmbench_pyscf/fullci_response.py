"""Linear response of full CI at imaginary frequencies, as a sum over all states of the basis.

With −∂⟨V_a⟩/∂v_b = Σ_n 2 Ω_n/(Ω_n² + ω²) ⟨0|V_a|n⟩⟨n|V_b|0⟩: Fetter and Walecka, Quantum Theory of Many-Particle
Systems (1971), 5. An operator without spin leaves the spin of a state, so that all states of the determinants may be
summed over, whatever theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from qmbench import NotConverged, Unsupported
from qmbench_pyscf.fullci import SPIN_TOLERANCE, spin_square

# The Hamiltonian of so many is diagonalized in half a minute and 400 MB.
MOST_DETERMINANTS = 5000
# PySCF keeps the occupied orbitals of a determinant in 64 bits.
MOST_ORBITALS = 63
# Hartree: states this close to the lowest one are that one.
SAME = 1e-7


def check_states(problem: Any) -> None:
    """Unsupported where the orbitals or determinants are too many for all states to be found."""
    if problem.n > MOST_ORBITALS:
        raise Unsupported(
            f"the response of full CI takes {MOST_ORBITALS} orbitals at most, not {problem.n}; take a smaller basis"
        )
    count = problem.determinants()
    if count > MOST_DETERMINANTS:
        raise Unsupported(
            f"the response of full CI is a sum over all states, of {MOST_DETERMINANTS:,} determinants at most: here "
            f"are {count:,}; take a smaller basis"
        )


@dataclass(frozen=True)
class AllStates:
    """The lowest state of a multiplicity and all others: energies above it (m,) in hartree, vectors (determinants, m).

    ground: its vector (↑ strings, ↓ strings).
    """

    problem: Any
    n_up_down: tuple[int, int]
    ground: np.ndarray
    gaps: np.ndarray
    states: np.ndarray

    def density(self) -> np.ndarray:
        """(n, n) of the lowest state in the AO basis."""
        from pyscf import fci

        one = fci.direct_spin1.make_rdm1(self.ground, self.problem.n, self.n_up_down)
        return np.asarray(self.problem.orbitals @ one @ self.problem.orbitals.T)

    def response(self, operators: np.ndarray, frequencies: Sequence[float]) -> np.ndarray:
        """(frequencies, k, k) −∂⟨V_a⟩/∂v_b at imaginary frequencies in hartree.

        operators: V (k, n, n) in the AO basis, symmetric, the same for ↑ and ↓.
        """
        from pyscf import fci

        orbitals, n = self.problem.orbitals, self.problem.n
        inside = np.einsum("pi,kpq,qj->kij", orbitals, operators, orbitals, optimize=True)
        pushed = [fci.direct_spin1.contract_1e(v, self.ground, n, self.n_up_down).ravel() for v in inside]
        moments = np.array(pushed) @ self.states
        return np.array([(moments * (2 * self.gaps / (self.gaps**2 + w**2))) @ moments.T for w in frequencies])


def all_states(problem: Any, multiplicity: int) -> AllStates:
    """Of a problem without a frozen core, the lowest of `multiplicity` being the ground state. NotConverged where there
    is none; Unsupported, as `check_states`.
    """
    check_states(problem)
    up_down = problem.n_up_down
    up, down = (comb(problem.n, electrons) for electrons in up_down)
    levels, states = _diagonalized(problem)
    spin = (multiplicity**2 - 1) / 4
    for i, energy in enumerate(levels):
        ground = states[:, i].reshape(up, down)
        if abs(spin_square(problem, ground, up_down) - spin) < SPIN_TOLERANCE:
            others = np.abs(levels - energy) > SAME
            return AllStates(problem, up_down, ground, levels[others] - energy, states[:, others])
    raise NotConverged(f"fci: no state of multiplicity {multiplicity} among all")


def _diagonalized(problem: Any) -> tuple[np.ndarray, np.ndarray]:
    """Energies (m,) and states (determinants, m); of as many ↑ as ↓ those that are even under their exchange.

    Singlets are even, and an operator without spin leaves it so.
    """
    from pyscf import fci

    n_up_down = problem.n_up_down
    up, down = (comb(problem.n, electrons) for electrons in n_up_down)
    address, found = fci.direct_spin1.pspace(problem.h, problem.eri, problem.n, n_up_down, np=up * down)
    h = np.empty_like(found)
    h[np.ix_(address, address)] = found
    if n_up_down[0] != n_up_down[1]:
        levels, states = np.linalg.eigh(h)
        return levels, states
    i, j = np.triu_indices(up)
    length = np.where(i == j, 2.0, np.sqrt(2.0))
    one, other = i * up + j, j * up + i
    even = 2 * (h[np.ix_(one, one)] + h[np.ix_(one, other)]) / np.outer(length, length)
    levels, columns = np.linalg.eigh(even)
    states = np.zeros((up * down, len(i)))
    states[one] += columns / length[:, None]
    states[other] += columns / length[:, None]
    return levels, states
