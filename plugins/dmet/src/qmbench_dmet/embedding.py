"""The embedding loop: low level → baths → impurities → chemical potential → energy, once or to self-consistency.

A *problem* (a cut lattice or a molecule in localized orbitals) supplies the low level and the impurities; everything
here is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from . import bath as baths
from . import conventional, multistate
from .correlation import FitTarget, fit_mask, fit_potential, pack, unpack
from .impurity import Impurity, SolverError, States, double_occupancy, fragment_energy
from .lattice import anderson_step
from .solvers import SOLVERS


class Problem(Protocol):
    """What the loop needs to know of a system."""

    @property
    def target(self) -> float: ...

    @property
    def constant(self) -> float: ...

    @property
    def fragments(self) -> list[np.ndarray]: ...

    @property
    def initial(self) -> list[list[np.ndarray]]: ...

    def low_level(self, potentials: list[list[np.ndarray]]) -> list[Any]: ...

    def impurity(
        self, fragment: int, fields: list[Any], bath: list[np.ndarray], potentials: list, interacting: bool
    ) -> tuple[Impurity, list[np.ndarray]]: ...

    def one_body(self, fragment: int) -> list[np.ndarray]: ...


class EmbeddingError(RuntimeError):
    """The embedding did not converge; the message says which part and how far it came."""


@dataclass(frozen=True)
class Settings:
    """Every choice that changes the number; names and meanings are those of the method's options."""

    bath: str = "svd"
    interaction: str = "interacting"
    solver: str = "fci"
    mu_fit: str = "multistate"
    self_consistent: bool = False
    fit: str = "fragment"
    max_iterations: int = 100
    tolerance: float = 1e-7
    bath_threshold: float = baths.ENTANGLED


@dataclass(frozen=True)
class Embedding:
    """A converged embedding. Energies in the problem's unit; lists run over the impurities that were solved.

    ``owners`` gives the impurity of every fragment of the problem.
    """

    energy: float
    fit: multistate.Fit
    fragment_energies: list[float]
    one_sided_energies: tuple[float, ...]
    double_occupancies: list[np.ndarray]
    occupations: list[np.ndarray]
    spin_square: list[float]
    density: list[list[np.ndarray]]
    copies: list[int]
    owners: list[int]
    gap: float
    idempotent: bool
    potentials: list[list[np.ndarray]]
    bundle: multistate.Bundle
    residual: float | None = None
    v_representable: bool = True
    iterations: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def impurities(self) -> list[Impurity]:
        return self.bundle.impurities


def make_bath(name: str, low_level: Any, fragment: np.ndarray, size: int, threshold: float) -> np.ndarray:
    """Bath orbitals (N, n_bath) of one spin by the method ``name``."""
    if name == "ensemble":
        return baths.ensemble_bath(low_level.density, fragment, size, threshold=threshold)
    if name == "csd":
        return baths.csd_bath(low_level.occupied(), fragment, threshold)
    unit = np.zeros((size, len(fragment)))
    unit[fragment, np.arange(len(fragment))] = 1.0
    if name == "eigenvectors":
        return baths.eigenvector_bath(low_level.density_matrix(), fragment, threshold)
    columns = low_level.density(unit)
    if name == "projection":
        return baths.projection_bath(columns, fragment, threshold)
    return baths.svd_bath(columns, fragment, threshold)


def build(problem: Problem, potentials: list[list[np.ndarray]], settings: Settings, merge: bool = False, fields=None):
    """Low level, impurities, embedding orbitals [fragment][spin] in the given potentials, and owners.

    ``fields`` takes the place of the low level that the potentials make. With ``merge``, fragments that symmetry makes
    equivalent share one impurity, whose ``copies`` counts them; ``owners`` gives the impurity of every fragment.
    """
    fields = problem.low_level(potentials) if fields is None else fields
    if settings.bath == "csd" and not all(_idempotent(f) for f in fields):
        raise EmbeddingError(
            "the cosine–sine bath needs an idempotent low level, but a shell is partly filled; use bath=ensemble"
        )
    impurities: list[Impurity] = []
    orbitals: list[list[np.ndarray]] = []
    owners: list[int] = []
    prints: list[np.ndarray] = []
    for i, sites in enumerate(problem.fragments):
        bath = [make_bath(settings.bath, f, sites, _size(f), settings.bath_threshold) for f in fields]
        if len({b.shape[1] for b in bath}) > 1:
            raise EmbeddingError("the two spins have baths of different size; another fragment or bath may do")
        if merge and len(problem.fragments) > 1:
            mark = fingerprint(problem, i, fields, bath)
            same = [k for k, p in enumerate(prints) if p.shape == mark.shape and np.allclose(p, mark, atol=EQUIVALENT)]
            if same:
                owners.append(same[0])
                impurities[same[0]] = replace(impurities[same[0]], copies=impurities[same[0]].copies + 1)
                continue
            prints.append(mark)
        impurity, c = problem.impurity(i, fields, bath, potentials, settings.interaction == "interacting")
        owners.append(len(impurities))
        impurities.append(impurity)
        orbitals.append(c)
    return fields, impurities, orbitals, owners


EQUIVALENT = 1e-7


def fingerprint(problem: Problem, fragment: int, fields: list[Any], baths_of_spins: list[np.ndarray]) -> np.ndarray:
    """Numbers that are equal for two fragments if a rotation of their embedding orbitals makes them one problem.

    Spectra of generic mixtures of the low-level Hamiltonian, its density matrix, the bare one-body matrices and the
    projector onto the fragment: for inequivalent fragments all of them agree only by accident.
    """
    sites = problem.fragments[fragment]
    out = []
    for low, bath in zip(fields, baths_of_spins, strict=True):
        unit = np.zeros((bath.shape[0], len(sites)), dtype=bath.dtype)
        unit[sites, np.arange(len(sites))] = 1.0
        c = np.column_stack([unit, bath])
        matrices = [c.conj().T @ low.density(c), c.conj().T @ low.fock @ c]
        matrices += [c.conj().T @ m @ c for m in problem.one_body(fragment)]
        projector = np.diag(np.arange(c.shape[1]) < len(sites)).astype(float)
        for k in range(3):
            mixture = (1.0 + 0.3 * k) * projector
            for j, matrix in enumerate(matrices):
                mixture = mixture + np.cos(1.0 + 2.3 * j + 1.7 * k) * matrix
            out.append(np.linalg.eigvalsh(mixture))
    return np.concatenate(out)


def _size(low_level: Any) -> int:
    return len(low_level.site_density())


def _idempotent(low_level: Any) -> bool:
    return bool(np.all(np.minimum(low_level.occupations, 1.0 - low_level.occupations) < 1e-10))


def fit_chemical_potential(
    impurities: list[Impurity], target: float, settings: Settings, mu: float = 0.0
) -> tuple[multistate.Fit, multistate.Bundle]:
    """The chemical potential of all impurities together. Returns the `Fit` and the bundle that holds the solvers.

    Raises `EmbeddingError` if it cannot be certified (multi-state), or if the search does not meet its own stopping
    rule (secant, brentq).
    """
    bundle = multistate.Bundle(impurities, SOLVERS[settings.solver])
    try:
        if settings.mu_fit == "multistate" and settings.solver == "fci":
            fit = multistate.fit_multistate(bundle, target, mu)
            if not fit.certified:
                raise EmbeddingError(f"the chemical potential could not be certified: {fit.note}")
            return fit, bundle
        return _search(bundle, target, settings, mu), bundle
    except SolverError as error:
        raise EmbeddingError(str(error)) from error
    except conventional.SearchFailed as error:
        raise EmbeddingError(str(error)) from error


def _search(bundle: multistate.Bundle, target: float, settings: Settings, mu: float) -> multistate.Fit:
    """Fits that see one state per fragment."""
    history: list[tuple[float, float]] = []
    seen: dict[float, list[list[States]]] = {}

    def evaluate(x: float) -> tuple[float, float]:
        states = [[sector.states(x, multistate.WINDOW) for sector in row] for row in bundle.sectors]
        energy = sum(share * states[f][s].energies[0] for f, s, share in bundle.shares())
        number = sum(share * float(states[f][s].numbers[0]) for f, s, share in bundle.shares())
        history.append((x, number))
        seen[x] = states
        return energy, number

    if settings.mu_fit == "multistate":
        root, _, done = conventional.lines(evaluate, target, mu)
        if not done:
            raise EmbeddingError(
                f"the chemical potential could not be certified: the {settings.solver} impurity solver gives one state "
                f"only, and no chemical potential gives {target:g} electrons with it"
            )
        certificate = "number"  # |ΔN| alone: the energy of this solver need not be concave
    else:
        search = conventional.secant if settings.mu_fit == "secant" else conventional.brentq
        root, _ = search(lambda x: evaluate(x)[1], target, mu)
        certificate = "none"
    if root not in seen:
        evaluate(root)
    states = seen[root]
    weights = [
        [np.eye(1, len(here.energies)).ravel() * imp.sectors[s][0] for s, here in enumerate(row)]
        for imp, row in zip(bundle.impurities, states, strict=True)
    ]
    number = sum(share * float(states[f][s].numbers[0]) for f, s, share in bundle.shares())
    if certificate == "number" and abs(number - target) > 1e-7:
        raise EmbeddingError(f"the impurity solver gives different states at one μ: |ΔN| = {abs(number - target):.1e}")
    return multistate.Fit(root, target, number, certificate, np.inf, len(history), states, weights, (), history)


def fragment_densities(
    bundle: multistate.Bundle, fit: multistate.Fit, weights: list[list[np.ndarray]]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(dm1, dm2) of every impurity, averaged over its states and sectors."""
    out = []
    for row, states, w in zip(bundle.sectors, fit.states, weights, strict=True):
        dm1, dm2 = np.zeros(()), np.zeros(())
        for sector, here, share in zip(row, states, w, strict=True):
            keep = share > 0.0
            one, two = sector.density_matrices(here.vectors[:, keep], share[keep])
            dm1, dm2 = dm1 + one, dm2 + two
        out.append((dm1, dm2))
    return out


def measure(
    problem: Problem,
    bundle: multistate.Bundle,
    fit: multistate.Fit,
    fields: list[Any],
    potentials: list[list[np.ndarray]],
    owners: list[int],
) -> Embedding:
    """Energies and expectation values of a finished chemical-potential fit."""
    impurities = bundle.impurities

    def total(weights: list[list[np.ndarray]]) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[float], float]:
        densities = fragment_densities(bundle, fit, weights)
        energies = [fragment_energy(imp, *d) for imp, d in zip(impurities, densities, strict=True)]
        return (
            densities,
            energies,
            problem.constant + sum(i.copies * e for i, e in zip(impurities, energies, strict=True)),
        )

    densities, energies, energy = total(fit.weights)
    spin = [
        float(sum(np.dot(w, s.spin_square) for w, s in zip(ws, states, strict=True)))
        for ws, states in zip(fit.weights, fit.states, strict=True)
    ]
    warnings = []
    idempotent = all(_idempotent(f) for f in fields)
    gap = min(f.gap for f in fields)
    if not idempotent:
        warnings.append("the low level has a partly filled shell: its density matrix is an ensemble's")
    return Embedding(
        energy=energy,
        fit=fit,
        fragment_energies=energies,
        one_sided_energies=tuple(total(w)[2] for w in fit.one_sided),
        double_occupancies=[double_occupancy(i, d[1]) for i, d in zip(impurities, densities, strict=True)],
        occupations=[
            np.einsum("spp->p", d[0]).real[: i.n_fragment] for i, d in zip(impurities, densities, strict=True)
        ],
        spin_square=spin,
        density=[list(d[0]) for d in densities],
        copies=[i.copies for i in impurities],
        owners=owners,
        gap=float(gap),
        idempotent=idempotent,
        potentials=potentials,
        bundle=bundle,
        warnings=warnings,
    )


def one_shot(problem: Problem, settings: Settings, mu: float = 0.0) -> Embedding:
    """Embed once in the given low level and fit the chemical potential."""
    fields, impurities, _, owners = build(problem, problem.initial, settings, merge=True)
    fit, bundle = fit_chemical_potential(impurities, problem.target, settings, mu)
    return measure(problem, bundle, fit, fields, problem.initial, owners)


def fit_targets(
    embedding: Embedding, orbitals: list[list[np.ndarray]], fragments: list[np.ndarray], fit: str, n_spin: int
) -> list[list[FitTarget]]:
    """What the low level is asked to reproduce, [spin][fragment]."""
    targets: list[list[FitTarget]] = []
    for spin in range(n_spin):
        row = []
        for dm, c, sites in zip(embedding.density, orbitals, fragments, strict=True):
            # low-level matrices are ⟨a†_q a_p⟩; both spins are averaged when they share one low level
            gamma = 0.5 * (dm[0] + dm[1]).T if n_spin == 1 else dm[spin].T
            row.append(FitTarget(c[spin], gamma, fit_mask(fit, c[spin].shape[1], len(sites))))
        targets.append(row)
    return targets


def self_consistent(problem: Problem, settings: Settings, mu: float = 0.0) -> Embedding:
    """Iterate the correlation potential until the low level that it makes is the one that it was fitted in.

    Raises `EmbeddingError` with the last change if that does not happen in ``settings.max_iterations``.
    """
    potentials = problem.initial
    diagonal = settings.fit == "density"
    inputs: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    for iteration in range(1, settings.max_iterations + 1):
        fields, impurities, orbitals, owners = build(problem, potentials, settings)
        fit, bundle = fit_chemical_potential(impurities, problem.target, settings, mu)
        mu = fit.mu
        embedding = measure(problem, bundle, fit, fields, potentials, owners)
        targets = fit_targets(embedding, orbitals, problem.fragments, settings.fit, len(fields))
        new, residual = fit_potential(potentials, problem.low_level, problem.fragments, targets, diagonal)
        x = pack(potentials, False)
        change = pack(new, False) - x
        if np.abs(change).max() < settings.tolerance:
            return _converged(embedding, residual, iteration, settings)
        inputs, errors = [*inputs[-5:], x], [*errors[-5:], change]
        potentials = unpack(anderson_step(inputs, errors, 1.0), potentials, False)
    raise EmbeddingError(
        f"the correlation potential still changes by {np.abs(change).max():.1e} after {iteration} iterations "
        f"(low-level gap {embedding.gap:.1e}, residual {np.sqrt(2 * residual):.1e})"
    )


def _converged(embedding: Embedding, residual: float, iteration: int, settings: Settings) -> Embedding:
    norm = float(np.sqrt(2.0 * residual))
    warnings = list(embedding.warnings)
    if embedding.gap < 1e-6:
        warnings.append("the low-level gap has closed")
    # what an exact match of the fragment block would need; a fit of the bath block cannot be matched exactly
    representable = settings.fit == "fragment+bath" or norm < 1e-5
    if not representable:
        warnings.append(
            f"the fragment's density matrix is not pure-state v-representable by the low level: residual {norm:.1e}"
        )
    return replace(embedding, residual=norm, v_representable=representable, iterations=iteration, warnings=warnings)
