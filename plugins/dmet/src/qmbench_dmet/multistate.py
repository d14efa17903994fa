"""The chemical potential of an embedding from a concave dual, with a certificate.

For fragments f with multiplicities m_f and impurity ground-state energies E_f(μ) of H_f − μ N_f, the dual

    g(μ) = Σ_f m_f E_f(μ) + μ N

is concave, and N − Σ_f m_f N_f is its superdifferential. Where a fragment's ground state changes at a crossing,
N(μ) jumps and no root exists, but the superdifferential fills the jump: the maximizer μ* exists for every number of
electrons that the fragments can hold, and an ensemble of the states that cross has exactly N electrons.

The maximizer is found with a bundle. Every solve leaves its low states behind. For full CI the model of E_f(μ) is the
lowest eigenvalue of H_f − μ N_f in the space of all states seen so far (an upper bound that is exact, with its slope,
wherever a solve was made); its maximum is the next μ. The gap between the model and the true dual bounds the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .impurity import DEGENERATE_STATES, Impurity, States

WINDOW = 1e-6  # every root this close to the lowest must have been found before a ground state is believed
MU_LIMIT = 1e6


@dataclass(frozen=True)
class ChemicalPotential:
    """A chemical potential and the ensembles that belong to it.

    ``certificate`` is "smooth", "crossing", "number" (|ΔN| alone, for solvers without a concave energy) or "none".
    ``weights[f][s]`` are the weights of ``states[f][s]`` (impurity f, electron-number sector s), which sum to the
    sector's share. ``one_sided`` holds the weights just below and above μ* at a crossing.
    """

    mu: float
    target: float
    number: float
    certificate: str
    duality_gap: float
    solves: int
    states: list[list[States]]
    weights: list[list[np.ndarray]]
    one_sided: tuple[list[list[np.ndarray]], ...] = ()
    note: str = ""

    @property
    def number_error(self) -> float:
        return abs(self.number - self.target)

    @property
    def certified(self) -> bool:
        return self.certificate in ("smooth", "crossing", "number")


@dataclass(frozen=True)
class Evaluation:
    """All impurities solved at one μ: ``dual`` is Σ m E(μ); ``low`` and ``high`` bound the number of electrons."""

    mu: float
    dual: float
    number: float
    low: float
    high: float
    states: list[list[States]]


class Bundle:
    """The impurities, their solvers, and the space of every state seen so far."""

    def __init__(self, impurities: list[Impurity], solver: Callable[[Impurity, tuple[int, int]], Any]):
        self.impurities = impurities
        self.sectors = [[solver(imp, (na, nb)) for _, na, nb in imp.sectors] for imp in self.impurities]
        self.spaces: list[list[tuple | None]] = [[None for _ in row] for row in self.sectors]

    def shares(self) -> Iterator[tuple[int, int, float]]:
        """(impurity index, sector index, copies × weight of the sector)."""
        for f, imp in enumerate(self.impurities):
            for s, (weight, _, _) in enumerate(imp.sectors):
                yield f, s, imp.copies * weight

    def states(self, mu: float) -> list[list[States]]:
        """The low states of every impurity and sector at ``mu``."""
        return [[sector.states(mu, WINDOW) for sector in row] for row in self.sectors]

    def evaluate(self, mu: float) -> Evaluation:
        """Solve everything at ``mu``, and keep the states for the model."""
        states = self.states(mu)
        dual = number = low = high = 0.0
        for f, s, share in self.shares():
            found = states[f][s].within(DEGENERATE_STATES)
            dual += share * found.energies.min()
            number += share * float(np.average(found.numbers, weights=found.multiplicities))
            low += share * found.numbers.min()
            high += share * found.numbers.max()
            self._learn(f, s, states[f][s])
        return Evaluation(mu, dual, number, low, high, states)

    def _learn(self, f: int, s: int, states: States) -> None:
        sector, old = self.sectors[f][s], self.spaces[f][s]
        new = states.vectors
        basis = np.zeros((len(new), 0)) if old is None else old[0]
        block = new
        for _ in range(2):
            block = block - basis @ (basis.conj().T @ block)
        u, singular, _ = np.linalg.svd(block, full_matrices=False)
        # even a change of 1e-11 has a direction: the response to μ, which the model needs near the solution
        u = u[:, singular > 1e-11]
        if u.shape[1] == 0:
            return
        u = np.linalg.qr(u - basis @ (basis.conj().T @ u))[0]
        hu = sector.apply(u)
        basis_all = np.column_stack([basis, u])
        image = hu if old is None else np.column_stack([old[1], hu])
        h = basis_all.conj().T @ image
        n = basis_all.conj().T @ (sector.number_diagonal[:, None] * basis_all)
        self.spaces[f][s] = (basis_all, image, 0.5 * (h + h.conj().T), n)

    def model(self, mu: float) -> tuple[float, float, float]:
        """The model's Σ m E(μ) and the interval of its number of electrons."""
        dual = low = high = 0.0
        for f, s, share in self.shares():
            known = self.spaces[f][s]
            assert known is not None  # evaluate comes first
            _, _, h, n = known
            energies, vectors = np.linalg.eigh(h - mu * n)
            ground = vectors[:, energies - energies[0] < 1e-12 * max(1.0, abs(energies[0]))]
            numbers = np.linalg.eigvalsh(ground.conj().T @ n @ ground)
            dual += share * energies[0]
            low += share * numbers[0]
            high += share * numbers[-1]
        return dual, low, high

    def maximize_model(self, left: float, right: float, target: float) -> float:
        """The μ in [left, right] where the model's number of electrons passes ``target``, to machine precision."""
        lo, hi = left, right
        for _ in range(200):
            middle = 0.5 * (lo + hi)
            if middle in (lo, hi):
                break
            _, low, high = self.model(middle)
            if low <= target <= high:
                return middle
            if high < target:
                lo = middle
            else:
                hi = middle
        return 0.5 * (lo + hi)


def ensemble(
    bundle: Bundle, states: list[list[States]], target: float, window: float
) -> tuple[list[list[np.ndarray]], float]:
    """Weights ρ ∝ exp(λ P N_F P) of the states within ``window``, one λ for all, such that Σ N_f = ``target``.

    The zero-temperature limit of the grand-canonical ensemble (each state counted with its spin multiplicity).
    Returns the weights and the number of electrons that they give.
    """
    kept = [[s.energies <= s.energies.min() + window for s in row] for row in states]

    def weights_at(lam: float) -> tuple[list[list[np.ndarray]], float]:
        out, number = [[np.zeros(0) for _ in row] for row in states], 0.0
        for f, s, share in bundle.shares():
            here, keep = states[f][s], kept[f][s]
            exponent = np.where(keep, lam * here.numbers, -np.inf)
            w = here.multiplicities * np.exp(exponent - exponent[keep].max())
            w /= w.sum()
            out[f][s] = w * bundle.impurities[f].sectors[s][0]
            number += share * float(w @ here.numbers)
        return out, number

    lo, hi = -1.0, 1.0
    middle, number = weights_at(0.0)
    if abs(number - target) < 1e-13:
        return middle, number
    while weights_at(lo)[1] > target and lo > -1e9:
        lo *= 4.0
    while weights_at(hi)[1] < target and hi < 1e9:
        hi *= 4.0
    for _ in range(200):
        lam = 0.5 * (lo + hi)
        if lam in (lo, hi):
            break
        if weights_at(lam)[1] < target:
            lo = lam
        else:
            hi = lam
    return weights_at(lam)


def _finish(bundle: Bundle, at: Evaluation, target: float, solves: int, kind: str) -> ChemicalPotential:
    weights, number = ensemble(bundle, at.states, target, DEGENERATE_STATES)
    gap = (number - target) * at.mu  # primal minus dual: Σ m Tr ρ(H − μN) + μN_ρ − g(μ)
    for f, s, _ in bundle.shares():
        here = at.states[f][s]
        gap += bundle.impurities[f].copies * float(weights[f][s] @ (here.energies - here.energies.min()))
    sides: tuple[list[list[np.ndarray]], ...] = ()
    if kind == "crossing":
        sides = tuple(ensemble(bundle, at.states, end, DEGENERATE_STATES)[0] for end in (-np.inf, np.inf))
    return ChemicalPotential(at.mu, target, number, kind, abs(gap), solves, at.states, weights, sides)


def _failed(at: Evaluation, target: float, solves: int, note: str) -> ChemicalPotential:
    return ChemicalPotential(at.mu, target, at.number, "none", np.inf, solves, at.states, [], note=note)


def fit_multistate(
    bundle: Bundle,
    target: float,
    mu: float = 0.0,
    number_tolerance: float = 1e-10,
    gap_tolerance: float = 1e-10,
    max_solves: int = 60,
    first_step: float = 0.5,
) -> ChemicalPotential:
    """Maximize the dual over μ for ``target`` electrons on all fragments together.

    The certificate of the returned one is "smooth" (one state per fragment, |ΔN| below ``number_tolerance``),
    "crossing" (an ensemble; the duality gap is below ``gap_tolerance``) or "none", with a note saying why.
    """
    low = sum(imp.copies * imp.reachable()[0] for imp in bundle.impurities)
    high = sum(imp.copies * imp.reachable()[1] for imp in bundle.impurities)
    if not low - 1e-9 <= target <= high + 1e-9:
        note = f"{target:g} electrons asked for, but the fragments can hold {low:g} to {high:g}"
        return ChemicalPotential(mu, target, np.nan, "none", np.inf, 0, [], [], note=note)
    left = right = None  # the nearest chemical potentials with too few, with too many electrons
    ends: dict[float, float] = {}
    step, predicted, misses, nearest = first_step, None, 0, np.inf
    for solves in range(1, max_solves + 1):
        at = bundle.evaluate(mu)
        scale = max(1.0, abs(at.dual))
        gap = np.inf if predicted is None else max(0.0, predicted - at.dual)
        tight = max(number_tolerance, 4e-14 * scale)
        if abs(at.number - target) <= tight and at.high - at.low < 1e-7:
            return _finish(bundle, at, target, solves, "smooth")
        inside = at.low - tight <= target <= at.high + tight
        exhausted = left is not None and right is not None and right - left <= 1e-12 * max(1.0, abs(mu))
        if inside and (gap <= gap_tolerance * scale or exhausted):
            return _finish(bundle, at, target, solves, "crossing")
        if exhausted:
            break
        if not inside and at.high < target:
            left = mu
        elif not inside:
            right = mu
        ends[mu] = at.number - target
        misses = 0 if abs(at.number - target) < 0.5 * nearest else misses + 1
        nearest = min(nearest, abs(at.number - target))
        previous = mu
        if inside:  # states met by luck before the model knew them: once more, with the model that they improved
            mu = bundle.maximize_model(mu - 1e-6, mu + 1e-6, target)
        elif left is not None and right is not None:
            mu = bundle.maximize_model(left, right, target)
            if misses and misses % 2 == 0:  # a model that stalls is helped by a chord, and that by a halving
                chord = (left * ends[right] - right * ends[left]) / (ends[right] - ends[left])
                mu = chord if misses % 4 == 2 else 0.5 * (left + right)
        else:  # no bracket yet: as far as the model says, within a growing step
            edge = mu + (step if right is None else -step)
            step *= 3.0
            if abs(edge) > MU_LIMIT:
                return _failed(at, target, solves, f"no |μ| up to {abs(mu):.1e} gives {target:g} electrons")
            low_n, high_n = bundle.model(edge)[1:]
            reached = high_n >= target if right is None else low_n <= target
            mu = bundle.maximize_model(min(mu, edge), max(mu, edge), target) if reached else edge
        if mu == previous and not inside:
            break
        predicted = bundle.model(mu)[0]
    return _failed(at, target, solves, f"{at.number:.10f} electrons for {target:g} after {solves} solves")
