"""Gross–Oliveira–Kohn ensembles of two-electron multiplets: weights, occupations, what the theory allows.

A weight w_k is always *per state*: a multiplet k of degeneracy g_k carries g_k w_k, and Σ_k g_k w_k = 1.
Gross, Oliveira and Kohn, Phys. Rev. A 37, 2805 (1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qmbench import InputError, Unsupported
from qmbench_edft.multiplets import GROUND, TWO_S_SQUARED, Multiplet, multiplets_up_to


@dataclass(frozen=True)
class Ensemble:
    """Multiplets with one weight per state. InputError unless the weights are non-negative and sum to one."""

    multiplets: tuple[Multiplet, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(set(self.multiplets)) != len(self.multiplets) or len(self.multiplets) != len(self.weights):
            raise InputError("an ensemble needs distinct multiplets and one weight for each")
        total = sum(s.degeneracy * w for s, w in zip(self.multiplets, self.weights, strict=True))
        if min(self.weights) < -1e-12 or abs(total - 1) > 1e-9:
            raise InputError(
                f"weights per state must be non-negative and, times the degeneracies, sum to 1, not {total}"
            )

    @cached_property
    def shells(self) -> tuple[tuple[int, int], ...]:
        """The (n, l) of every orbital that an occupied configuration uses, 1s first."""
        used = {shell for s, w in zip(self.multiplets, self.weights, strict=True) if w > 0 for shell in s.shells}
        return tuple(sorted(used, key=lambda nl: (nl[0], nl[1])))

    @cached_property
    def multiplet_weights(self) -> np.ndarray:
        """g_k w_k of every multiplet; read-only."""
        totals = np.array([s.degeneracy * w for s, w in zip(self.multiplets, self.weights, strict=True)])
        totals.setflags(write=False)
        return totals

    @cached_property
    def occupations(self) -> np.ndarray:
        """Electrons in each of `shells`, summed over spin and magnetic quantum number; read-only."""
        f = occupations(self.multiplets, self.multiplet_weights, self.shells)
        f.setflags(write=False)
        return f


def occupations(
    multiplets: tuple[Multiplet, ...], multiplet_weights: np.ndarray, shells: tuple[tuple[int, int], ...]
) -> np.ndarray:
    """Electrons per shell; `multiplet_weights` may be any real numbers, differentials of weights too."""
    f = np.zeros(len(shells))
    for s, w in zip(multiplets, multiplet_weights, strict=True):
        for shell, electrons in s.shells.items():
            if shell in shells:
                f[shells.index(shell)] += w * electrons
    return f


def ground_ensemble() -> Ensemble:
    """The ground state alone."""
    return Ensemble((GROUND,), (1.0,))


def pure_multiplet(s: Multiplet) -> Ensemble:
    """One multiplet alone, each of its states equally likely."""
    return Ensemble((s,), (1 / s.degeneracy,))


def bi_ensemble(target: Multiplet, weight: float) -> Ensemble:
    """The ground state and one multiplet; `weight` from 0 (ground state) to 1 (all states equally likely).

    Unless the target is 2 3S this is a *symmetry-restricted* ensemble: the variational principle holds inside
    the spaces of given L and S, in which both are the lowest. Unsupported where the target is not the lowest
    of its symmetry (the 1S space may hold its two lowest).
    """
    refuse_resonance(target)
    lowest = (target.n == target.l + 1) if target.l else target.n == 2
    if not lowest:
        below = (
            f"2 {target.multiplicity}S"
            if target.l == 0
            else str(Multiplet(target.l + 1, target.l, target.multiplicity))
        )
        raise Unsupported(
            f"a bi-ensemble of 1 1S and {target} leaves out {below}, which lies below in the same symmetry; "
            "Gross–Oliveira–Kohn ensembles need every lower state: use ensemble=gok1 or gok2, or extraction=dec"
        )
    return gok1_ensemble((GROUND, target), weight)


def gok1_ensemble(multiplets: tuple[Multiplet, ...], weight: float) -> Ensemble:
    """GOK's first kind: the states of the highest multiplet weigh w = weight/M, all lower states share the rest.

    weight 1 is the equiensemble of all, weight 0 the equiensemble of all but the highest (the ground state
    alone when there are two multiplets). Gross, Oliveira and Kohn, Phys. Rev. A 37, 2809 (1988).
    """
    _check_weight(weight)
    m, g = _size(multiplets), multiplets[-1].degeneracy
    w = weight / m
    rest = (1 - g * w) / (m - g)
    return Ensemble(multiplets, (rest,) * (len(multiplets) - 1) + (w,))


def gok2_ensemble(multiplets: tuple[Multiplet, ...], weight: float) -> Ensemble:
    """GOK's second kind: every excited state weighs w = weight/M, the ground state the rest."""
    _check_weight(weight)
    m = _size(multiplets)
    w = weight / m
    return Ensemble(multiplets, (1 - (m - 1) * w,) + (w,) * (len(multiplets) - 1))


def gok_multiplets(target: Multiplet) -> tuple[Multiplet, ...]:
    """All multiplets from the ground state up to `target`; Unsupported for the resonance 2s²."""
    refuse_resonance(target)
    return multiplets_up_to(target)


def check_monotone(ensemble: Ensemble) -> None:
    """InputError unless the weights fall (or stay) from each multiplet to the next, as the theory demands."""
    if any(a < b - 1e-12 for a, b in zip(ensemble.weights, ensemble.weights[1:], strict=False)):
        raise InputError("the weights must not increase with energy: E(w) is then no upper bound to anything")


def refuse_resonance(target: Multiplet) -> None:
    """Unsupported for 2s²."""
    if target == TWO_S_SQUARED:
        raise Unsupported(
            "2s² is a resonance above the ionization threshold: infinitely many bound states and a continuum lie "
            "below it, so no Gross–Oliveira–Kohn ensemble holds it; extraction=delta_scf treats it as a "
            "stationary, not a minimal, state"
        )


def _size(multiplets: tuple[Multiplet, ...]) -> int:
    return sum(s.degeneracy for s in multiplets)


def _check_weight(weight: float) -> None:
    if not 0 <= weight <= 1:
        raise InputError(f"weight runs from 0 (ground state) to 1 (equiensemble), not {weight}")
