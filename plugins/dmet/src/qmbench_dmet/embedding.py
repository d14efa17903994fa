"""The embedding: low level → baths → impurities → chemical potential → energy, once or to self-consistency.

A `Problem` (a cut lattice, or a molecule in localized orbitals) supplies the low level and the impurities; everything
here is the same for both. Knizia and Chan, PRL 109, 186404 (2012); JCTC 9, 1428 (2013).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .anderson import anderson_step
from .chemical_potential import fit_chemical_potential
from .correlation import WantedBlock, fit_correlation_potential, fit_mask, pack, unpack
from .errors import EmbeddingError
from .fragments import EmbeddedFragments, embed_fragments
from .impurity import Impurity, double_occupancy, fragment_energy
from .lowlevel import idempotency_error, idempotent
from .multistate import Bundle, ChemicalPotential
from .problem import Problem, Settings

CLOSED_GAP = 1e-6  # a low-level gap below this has closed
REPRESENTABLE = 1e-5  # a fit of the fragment's block that ends above this residual has no exact solution
NEARLY_CLOSED_GAP = 1e-2  # below this, which of two determinants the low level is depends on little
PARTLY_FILLED = (
    "the low level has a partly filled shell: its density matrix is an ensemble's, and the bath one for ensembles"
)
HISTORY = 6  # correlation potentials that the next one is extrapolated from


@dataclass(frozen=True)
class Embedding:
    """A converged embedding. Energies in the problem's unit; lists run over the impurities that were solved.

    ``owners`` gives the impurity of every fragment. ``occupations[i]`` and ``double_occupancies[i]`` (n_f,) are of
    the fragment's orbitals, ``density_matrices[i]`` (2, m, m) holds ⟨a†_p a_q⟩ per spin in the embedding orbitals,
    ``spin_square`` is nan where spin is not a good quantum number. ``one_sided_energies`` are those just below and
    above a chemical potential at which states cross. ``iterations``, ``residual`` (of the correlation potential's
    fit, electrons) and ``v_representable`` say how self-consistency ended; ``residual`` is None without it.

    What tells of accuracy: ``bath`` is the kind of bath that was made, ``spectra`` and ``leaks`` are as in
    `EmbeddedFragments`, ``idempotency_error`` is Tr γ(1 − γ) of the low level (electrons, all spins), and
    ``density_mismatch`` the largest norm, over fragments and spins, of the difference between the fragment's density
    matrix in its impurity and in the low level (electrons).
    """

    energy: float
    chemical_potential: ChemicalPotential
    bundle: Bundle
    owners: list[int]
    one_sided_energies: tuple[float, ...]
    occupations: list[np.ndarray]
    double_occupancies: list[np.ndarray]
    density_matrices: list[np.ndarray]
    spin_square: list[float]
    low_level_gap: float
    low_level_idempotent: bool
    bath: str
    spectra: list[list[np.ndarray]]
    leaks: list[float]
    idempotency_error: float
    density_mismatch: float
    warnings: tuple[str, ...] = ()
    iterations: int = 0
    residual: float | None = None
    v_representable: bool = True

    @property
    def impurities(self) -> list[Impurity]:
        return self.bundle.impurities

    @property
    def copies(self) -> list[int]:
        return [impurity.copies for impurity in self.impurities]


def one_shot(problem: Problem, settings: Settings) -> Embedding:
    """Embed once in the initial low level; equivalent fragments are solved once."""
    potentials = problem.initial_potentials
    embedded = embed_fragments(problem, problem.low_level(potentials), potentials, settings, merge=True)
    return solve(problem, embedded, settings)


def self_consistent(problem: Problem, settings: Settings) -> Embedding:
    """Iterate the correlation potential until the low level that it makes is the one that it was fitted in.

    Raises `EmbeddingError` with the last change if that does not happen in ``settings.max_iterations``.
    """
    potentials, mu = problem.initial_potentials, 0.0
    inputs: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    for iteration in range(1, settings.max_iterations + 1):
        embedded = embed_fragments(problem, problem.low_level(potentials), potentials, settings)
        found = solve(problem, embedded, settings, mu)
        mu = found.chemical_potential.mu
        fitted, cost = fit_correlation_potential(
            potentials,
            problem.low_level,
            problem.fragments,
            wanted_blocks(found, embedded, settings.fit),
            diagonal=settings.fit == "density",
        )
        residual = float(np.sqrt(2.0 * cost))
        x = pack(potentials, diagonal=False)
        error = pack(fitted, diagonal=False) - x
        if np.abs(error).max() < settings.tolerance:
            return _converged(found, residual, iteration, settings)
        inputs, errors = [*inputs[1 - HISTORY :], x], [*errors[1 - HISTORY :], error]
        potentials = unpack(anderson_step(inputs, errors, 1.0), potentials, diagonal=False)
    raise EmbeddingError(
        f"the correlation potential still changes by {np.abs(error).max():.1e} after {iteration} iterations "
        f"(low-level gap {found.low_level_gap:.1e}, residual {residual:.1e})"
    )


def solve(problem: Problem, embedded: EmbeddedFragments, settings: Settings, start: float = 0.0) -> Embedding:
    """Fit the chemical potential, from ``start`` on, and measure in the ensembles that belong to it."""
    chemical_potential, bundle = fit_chemical_potential(embedded.impurities, problem.n_electrons, settings, start)
    impurities = bundle.impurities

    def energy(matrices: list[tuple[np.ndarray, np.ndarray]]) -> float:
        shares = (i.copies * fragment_energy(i, dm1, dm2) for i, (dm1, dm2) in zip(impurities, matrices, strict=True))
        return problem.constant + sum(shares)

    matrices = density_matrices(bundle, chemical_potential, chemical_potential.weights)
    closed_shells = all(idempotent(field) for field in embedded.mean_fields)
    return Embedding(
        energy=energy(matrices),
        chemical_potential=chemical_potential,
        bundle=bundle,
        owners=embedded.owners,
        one_sided_energies=tuple(
            energy(density_matrices(bundle, chemical_potential, weights)) for weights in chemical_potential.one_sided
        ),
        occupations=[
            np.einsum("spp->p", dm1).real[: i.n_fragment] for i, (dm1, _) in zip(impurities, matrices, strict=True)
        ],
        double_occupancies=[double_occupancy(i, dm2) for i, (_, dm2) in zip(impurities, matrices, strict=True)],
        density_matrices=[dm1 for dm1, _ in matrices],
        spin_square=[
            float(sum(np.dot(w, states.spin_square) for w, states in zip(weights, row, strict=True)))
            for weights, row in zip(chemical_potential.weights, chemical_potential.states, strict=True)
        ],
        low_level_gap=float(min(field.gap for field in embedded.mean_fields)),
        low_level_idempotent=closed_shells,
        bath=embedded.bath,
        spectra=embedded.spectra,
        leaks=embedded.leaks,
        idempotency_error=sum(map(idempotency_error, embedded.mean_fields))
        * (2 if len(embedded.mean_fields) == 1 else 1),
        density_mismatch=density_mismatch(embedded, [dm1 for dm1, _ in matrices]),
        warnings=_low_level_warnings(embedded, closed_shells),
    )


def density_mismatch(embedded: EmbeddedFragments, density_matrices: list[np.ndarray]) -> float:
    """The largest ‖P_ff − γ_ff‖ of fragments and spins, impurity (``density_matrices[i]`` (2, m, m)) and low level."""
    largest = 0.0
    for impurity, dm1, orbitals in zip(embedded.impurities, density_matrices, embedded.orbitals, strict=True):
        n = impurity.n_fragment
        for spin, (field, c) in enumerate(zip(embedded.mean_fields, orbitals, strict=True)):
            own = 0.5 * (dm1[0] + dm1[1]) if len(embedded.mean_fields) == 1 else dm1[spin]
            low = c[:, :n].conj().T @ field.apply_density(c[:, :n])
            largest = max(largest, float(np.linalg.norm(own[:n, :n].T - low)))  # impurities have ⟨a†_p a_q⟩
    return largest


def _low_level_warnings(embedded: EmbeddedFragments, closed_shells: bool) -> tuple[str, ...]:
    if not closed_shells:
        return (PARTLY_FILLED,)
    gap = min(field.gap for field in embedded.mean_fields)
    if CLOSED_GAP < gap < NEARLY_CLOSED_GAP:
        return (f"the low level's gap is only {gap:.1e}: another determinant is as good, and gives another energy",)
    return ()


def density_matrices(
    bundle: Bundle, chemical_potential: ChemicalPotential, weights: list[list[np.ndarray]]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(dm1, dm2) of every impurity, averaged over its states and sectors with ``weights`` [impurity][sector]."""
    averages = []
    for sectors, states, shares in zip(bundle.sectors, chemical_potential.states, weights, strict=True):
        dm1, dm2 = np.zeros(()), np.zeros(())
        for sector, here, share in zip(sectors, states, shares, strict=True):
            occupied = share > 0.0
            one, two = sector.density_matrices(here.vectors[:, occupied], share[occupied])
            dm1, dm2 = dm1 + one, dm2 + two
        averages.append((dm1, dm2))
    return averages


def wanted_blocks(found: Embedding, embedded: EmbeddedFragments, fit: str) -> list[list[WantedBlock]]:
    """What the low level is asked to reproduce, [spin][fragment]; ``fit`` says in which block."""
    spins = range(len(embedded.mean_fields))
    wanted: list[list[WantedBlock]] = [[] for _ in spins]
    for impurity, dm1, orbitals in zip(found.impurities, found.density_matrices, embedded.orbitals, strict=True):
        mask = fit_mask(fit, impurity.norb, impurity.n_fragment)
        for spin in spins:
            # low-level matrices are ⟨a†_q a_p⟩; both spins are averaged when they share one low level
            gamma = 0.5 * (dm1[0] + dm1[1]).T if len(spins) == 1 else dm1[spin].T
            wanted[spin].append(WantedBlock(orbitals[spin], gamma, mask))
    return wanted


def _converged(found: Embedding, residual: float, iterations: int, settings: Settings) -> Embedding:
    warnings = found.warnings
    if found.low_level_gap < CLOSED_GAP:
        warnings += ("the low-level gap has closed",)
    # what an exact match of the fragment block would need; a fit of the bath block cannot be matched exactly
    representable = settings.fit == "fragment+bath" or residual < REPRESENTABLE
    if not representable:
        warnings += (
            "the fragment's density matrix is not pure-state v-representable by the low level: "
            f"residual {residual:.1e}",
        )
    return replace(found, residual=residual, v_representable=representable, iterations=iterations, warnings=warnings)
