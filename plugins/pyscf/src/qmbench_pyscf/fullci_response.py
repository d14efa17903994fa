"""Linear response of full CI at imaginary frequencies, as a sum over all states of the basis.

With −∂⟨V_a⟩/∂v_b = Σ_n 2 Ω_n/(Ω_n² + ω²) ⟨0|V_a|n⟩⟨n|V_b|0⟩ (Fetter and Walecka, Quantum Theory of Many-Particle Systems
(1971), 5). An operator without spin leaves the spin of a state, so that all states of the determinants may be summed
over, whatever theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmbench import Unsupported

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
            f"the response of full CI is a sum over all states, of {MOST_DETERMINANTS:,} determinants at most: here are "
            f"{count:,}; take a smaller basis"
        )


def response_by_states(
    problem: Any, roots: Any, operators: Sequence[np.ndarray], frequencies: Sequence[float]
) -> list[np.ndarray]:
    """For each set of `operators` (frequencies, k, k) −∂⟨V_a⟩/∂v_b of the lowest root, frequencies in hartree.

    problem: of all electrons, without a frozen core. operators: V (k, n, n) in the AO basis, symmetric, the same for ↑
    and ↓. Unsupported, as `check_states`.
    """
    from pyscf import fci

    check_states(problem)
    levels, states = _all_states(problem, roots.n_up_down)
    vector = roots.vectors[0]
    ground = states.T @ vector.ravel()
    energy = roots.energies[0] - problem.constant
    same = np.abs(levels - energy) < SAME
    lowest = states[:, same] @ ground[same]
    lowest = (lowest / np.linalg.norm(lowest)).reshape(vector.shape)
    gaps = levels[~same] - energy
    found = []
    for some in operators:
        inside = np.einsum("pi,kpq,qj->kij", problem.orbitals, some, problem.orbitals, optimize=True)
        pushed = [fci.direct_spin1.contract_1e(v, lowest, problem.n, roots.n_up_down).ravel() for v in inside]
        moments = (np.array(pushed) @ states)[:, ~same]
        found.append(np.array([(moments * (2 * gaps / (gaps**2 + w**2))) @ moments.T for w in frequencies]))
    return found


def _all_states(problem: Any, n_up_down: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Energies (m,) and states (determinants, m); of as many ↑ as ↓ those that are even under their exchange.

    Singlets are even, and an operator without spin leaves it so.
    """
    from math import comb

    from pyscf import fci

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
