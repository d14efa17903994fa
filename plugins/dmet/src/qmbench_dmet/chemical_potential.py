"""One chemical potential for all impurities: certified with all their low states, or searched with one state each."""

from __future__ import annotations

import numpy as np

from . import conventional, multistate
from .errors import EmbeddingError, SolverError
from .impurity import Impurity, States
from .multistate import Bundle, ChemicalPotential
from .problem import Settings
from .solvers import SOLVERS

NUMBER_TOLERANCE = 1e-7  # |ΔN| at which a single state of every impurity counts as having the right number


def fit_chemical_potential(
    impurities: list[Impurity], n_electrons: float, settings: Settings, start: float = 0.0
) -> tuple[ChemicalPotential, Bundle]:
    """The chemical potential that gives ``n_electrons`` on all fragments, and the bundle that holds the solvers.

    `EmbeddingError` if it cannot be certified (multistate), or if the search does not meet its own stopping rule
    (secant, brentq).
    """
    bundle = Bundle(impurities, SOLVERS[settings.solver])
    try:
        if settings.mu_fit == "multistate" and settings.solver == "fci":
            found = multistate.fit_multistate(bundle, n_electrons, start)
            if not found.certified:
                raise EmbeddingError(f"the chemical potential could not be certified: {found.note}")
        else:
            found = fit_single_states(bundle, n_electrons, settings, start)
    except (SolverError, conventional.SearchFailed) as error:
        raise EmbeddingError(str(error)) from error
    return found, bundle


def fit_single_states(bundle: Bundle, n_electrons: float, settings: Settings, start: float) -> ChemicalPotential:
    """The chemical potential by a search that sees the lowest state of every impurity only.

    With ``mu_fit=multistate`` (for solvers that give one state) it is certified by |ΔN| alone, since the energy of
    such a solver need not be concave; by a root search it is not certified.
    """
    solved: dict[float, list[list[States]]] = {}
    solves = 0

    def energy_and_number(mu: float) -> tuple[float, float]:
        """Σ m E(μ) and N(μ)."""
        nonlocal solves
        solves += 1
        states = solved[mu] = bundle.states(mu)
        energy = sum(share * states[f][s].energies[0] for f, s, share in bundle.shares())
        return energy, _number(bundle, states)

    if settings.mu_fit == "multistate":
        mu, reached = conventional.cutting_lines(energy_and_number, n_electrons, start)
        if not reached:
            raise EmbeddingError(
                f"the chemical potential could not be certified: the {settings.solver} impurity solver gives one state "
                f"only, and no chemical potential gives {n_electrons:g} electrons with it"
            )
        certificate = "number"
    else:
        search = conventional.secant if settings.mu_fit == "secant" else conventional.brentq
        mu = search(lambda x: energy_and_number(x)[1], n_electrons, start)
        certificate = "none"
    if mu not in solved:
        energy_and_number(mu)
    states = solved[mu]
    number = _number(bundle, states)
    if certificate == "number" and abs(number - n_electrons) > NUMBER_TOLERANCE:
        raise EmbeddingError(
            f"the impurity solver gives different states at one μ: |ΔN| = {abs(number - n_electrons):.1e}"
        )
    return ChemicalPotential(
        mu, n_electrons, number, certificate, np.inf, solves, states, _lowest_only(bundle.impurities, states)
    )


def _number(bundle: Bundle, states: list[list[States]]) -> float:
    """Electrons on all fragments with every impurity in its lowest state."""
    return sum(share * float(states[f][s].numbers[0]) for f, s, share in bundle.shares())


def _lowest_only(impurities: list[Impurity], states: list[list[States]]) -> list[list[np.ndarray]]:
    """Weights that give the lowest state of every sector the sector's whole share."""
    return [
        [
            np.eye(1, len(here.energies)).ravel() * weight
            for (weight, _, _), here in zip(impurity.sectors, row, strict=True)
        ]
        for impurity, row in zip(impurities, states, strict=True)
    ]
