"""Generators of open systems as matrices on density matrices written row by row: vec(AρB) = (A ⊗ Bᵀ) vec ρ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmbench import NotConverged
from qmbench_light.models.baths import Coupling, couplings
from qmbench_light.models.open_system import OpenSystem

TERMS = 24
"""Padé terms of the temperature where they cost nothing: all digits, down to T of a few hundredths of the energies."""
_DENSE = 12
"""Levels from which on generators are sparse."""


def left(a: np.ndarray) -> np.ndarray:
    """ρ → aρ"""
    return np.kron(a, np.eye(len(a)))


def right(a: np.ndarray) -> np.ndarray:
    """ρ → ρa"""
    return np.kron(np.eye(len(a)), a.T)


def local(hamiltonian: np.ndarray, jumps: Sequence[tuple[float, np.ndarray]], sparse: bool = False) -> Any:
    """−i[H, ρ] + Σ rate (LρL† − {L†L, ρ}/2). Gorini et al., J. Math. Phys. 17, 821 (1976); Lindblad, CMP 48, 119."""
    if not sparse:
        found = -1j * (left(hamiltonian) - right(hamiltonian))
        for rate, jump in jumps:
            both = jump.conj().T @ jump
            found = found + rate * (np.kron(jump, jump.conj()) - 0.5 * left(both) - 0.5 * right(both))
        return found
    from scipy.sparse import csr_array, identity, kron

    one = identity(len(hamiltonian), format="csr")
    h = csr_array(hamiltonian)
    found = -1j * (kron(h, one) - kron(one, h.T))
    for rate, jump in jumps:
        l, both = csr_array(jump), csr_array(jump.conj().T @ jump)
        found = found + rate * (kron(l, l.conj()) - 0.5 * kron(both, one) - 0.5 * kron(one, both.T))
    return csr_array(found)


def decays(system: OpenSystem) -> list[tuple[float, np.ndarray]]:
    """(rate, jump operator) of the losses without memory."""
    found = []
    for decay in system.decays:
        operator = system.operator(decay)
        found.append((decay.rate * (decay.occupation + 1), operator))
        if decay.occupation:
            found.append((decay.rate * decay.occupation, operator.conj().T))
    return [(rate, jump) for rate, jump in found if rate]


def without_baths(system: OpenSystem) -> Any:
    """The Hamiltonian and the losses; sparse where there are many levels."""
    return local(system.hamiltonian_matrix, decays(system), system.levels > _DENSE)


def redfield(system: OpenSystem) -> np.ndarray:
    """The Redfield generator with its Lamb shift, not secular. Redfield, IBM J. Res. Dev. 1, 19 (1957).

    dρ/dt = L ρ − Σ [S†, Λρ] + h.c., Λ = ∫_0^∞ ds C(s) S(−s); Breuer, Petruccione (2002), eq. 3.118.
    """
    found = local(system.hamiltonian_matrix, decays(system))
    energies, vectors = np.linalg.eigh(system.hamiltonian_matrix)
    gaps = energies[:, None] - energies[None, :]
    for coupling in couplings(system, TERMS):
        in_eigenbasis = vectors.conj().T @ coupling.operator @ vectors
        lam = vectors @ (in_eigenbasis * _half_transform(coupling, gaps)) @ vectors.conj().T
        later = coupling.operator.conj().T
        found = found - left(later @ lam) + np.kron(lam, later.T)
        found = found - right((later @ lam).conj().T) + np.kron(later.conj().T, lam.conj())
    return found


def _half_transform(coupling: Coupling, gaps: np.ndarray) -> np.ndarray:
    """∫_0^∞ ds C(s) exp(−i gap s)"""
    return np.sum(coupling.weights / (coupling.rates + 1j * gaps[..., None]), axis=-1)


def secular(system: OpenSystem) -> np.ndarray:
    """The Lindblad generator of weak coupling with its Lamb shift. Davies, Commun. Math. Phys. 39, 91 (1974).

    Parts of S with one transition frequency each; frequencies closer than 1e-9 of the largest are one.
    """
    energies, vectors = np.linalg.eigh(system.hamiltonian_matrix)
    gaps = energies[:, None] - energies[None, :]
    hamiltonian, jumps = system.hamiltonian_matrix, decays(system)
    close = 1e-9 * max(1e-300, float(np.abs(gaps).max()))
    values = np.sort(gaps.ravel())
    frequencies = values[np.concatenate([[True], np.diff(values) > close])]
    for coupling in couplings(system, TERMS):
        in_eigenbasis = vectors.conj().T @ coupling.operator @ vectors
        for frequency in frequencies:
            chosen = (gaps >= frequency - close) & (gaps <= frequency + 2 * close)
            part = vectors @ (in_eigenbasis * chosen) @ vectors.conj().T
            if not np.abs(part).max() > 0:
                continue
            rate = complex(_half_transform(coupling, np.array(frequency)))
            hamiltonian = hamiltonian + rate.imag * (part.conj().T @ part)
            jumps.append((2 * rate.real, part))
    return local(hamiltonian, jumps)


def bloch_redfield(system: OpenSystem, only_secular: bool) -> np.ndarray:
    """The Bloch–Redfield generator by QuTiP: rates of the baths' power spectra 2 Re ∫_0^∞ dt C(t) exp(iωt), no shifts.

    QuTiP writes density matrices column by column.
    """
    import qutip

    def power(coupling: Coupling) -> Any:
        return lambda w: float(2 * np.real(np.sum(coupling.weights / (coupling.rates - 1j * w))))

    def operator(matrix: np.ndarray) -> Any:
        return qutip.Qobj(matrix)

    tensor = qutip.bloch_redfield_tensor(
        operator(system.hamiltonian_matrix),
        [(operator(coupling.operator), power(coupling)) for coupling in couplings(system, TERMS)],
        [np.sqrt(rate) * operator(jump) for rate, jump in decays(system)],
        sec_cutoff=0.1 if only_secular else -1,
        fock_basis=True,
    ).full()
    d = system.levels
    return np.asarray(tensor.reshape(d, d, d, d).transpose(1, 0, 3, 2).reshape(d * d, d * d))


def propagate(generator: Any, state: np.ndarray, times: Sequence[float]) -> np.ndarray:
    """(times, levels, levels) exp(generator t) on a density matrix."""
    from scipy.linalg import expm
    from scipy.sparse.linalg import expm_multiply

    steps: dict[float, np.ndarray] = {}
    now, vector, found = 0.0, state.ravel().astype(complex), []
    for time in times:
        step = round(time - now, 13)
        if step and isinstance(generator, np.ndarray):
            if step not in steps:
                steps[step] = expm(generator * step)
            vector = steps[step] @ vector
        elif step:
            vector = expm_multiply(generator * step, vector)
        now = time
        found.append(vector[: state.size].reshape(state.shape))
    return np.array(found)


def stationary(generator: Any, levels: int) -> np.ndarray:
    """(levels, levels) the density matrix that the generator leaves alone; NotConverged where there are several."""
    from scipy.linalg import svd

    dense = generator if isinstance(generator, np.ndarray) else generator.toarray()
    if levels > 40:
        raise NotConverged(f"a stationary state of {levels} levels is too large; 40 at most")
    _, sizes, rows = svd(dense)
    if sizes[-2] < 1e-11 * sizes[0]:
        raise NotConverged("there is more than one stationary state; it depends on the initial one")
    found = rows[-1].conj().reshape(levels, levels)
    found = found / np.trace(found)
    return (found + found.conj().T) / 2
