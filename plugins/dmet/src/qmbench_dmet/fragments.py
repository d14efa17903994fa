"""From the low level to the impurities: bath and embedded problem of every fragment."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .bath import bath_orbitals, embedding_orbitals
from .errors import Refused
from .impurity import Impurity
from .lowlevel import BlochMeanField, MeanField, Potentials, idempotent
from .problem import Problem, Settings

EQUIVALENT = 1e-7  # largest difference between the fingerprints of fragments that count as one


@dataclass(frozen=True)
class EmbeddedFragments:
    """The low level, one mean field per spin, and the impurities made from it.

    ``orbitals[i][spin]`` (N, m) are the embedding orbitals of impurity i, fragment first; ``owners[k]`` is the
    impurity that stands for fragment k.
    """

    mean_fields: list[MeanField]
    impurities: list[Impurity]
    orbitals: list[list[np.ndarray]]
    owners: list[int]


def embed_fragments(
    problem: Problem, mean_fields: list[MeanField], potentials: Potentials, settings: Settings, merge: bool = False
) -> EmbeddedFragments:
    """The impurities of all fragments in a low level, which ``potentials`` belong to.

    With ``merge``, fragments that symmetry makes equivalent share one impurity, whose ``copies`` counts them.
    `Refused` if the bath does not go with the low level.
    """
    if settings.bath == "csd" and not all(idempotent(field) for field in mean_fields):
        raise Refused(
            "the cosine–sine bath needs an idempotent low level, but a shell is partly filled; use bath=ensemble"
        )
    impurities: list[Impurity] = []
    orbitals: list[list[np.ndarray]] = []
    owners: list[int] = []
    fingerprints: list[np.ndarray] = []
    for k, sites in enumerate(problem.fragments):
        baths = [bath_orbitals(settings.bath, field, sites) for field in mean_fields]
        if len({bath.shape[1] for bath in baths}) > 1:
            raise Refused("the two spins have baths of different size; another fragment or bath may do")
        c = [embedding_orbitals(bath, sites) for bath in baths]
        if merge and len(problem.fragments) > 1:
            mark = fingerprint(problem, k, mean_fields, c)
            twin = next((i for i, known in enumerate(fingerprints) if equivalent(known, mark)), None)
            if twin is not None:
                owners.append(twin)
                impurities[twin] = replace(impurities[twin], copies=impurities[twin].copies + 1)
                continue
            fingerprints.append(mark)
        owners.append(len(impurities))
        impurities.append(problem.impurity(k, mean_fields, c, potentials, settings.interaction == "interacting"))
        orbitals.append(c)
    return EmbeddedFragments(mean_fields, impurities, orbitals, owners)


def fingerprint(
    problem: Problem, fragment: int, mean_fields: list[MeanField], orbitals: list[np.ndarray]
) -> np.ndarray:
    """Numbers that are equal for two fragments if a rotation of their embedding orbitals makes them one problem.

    Spectra of generic mixtures of the low-level Hamiltonian, its density matrix, the bare one-body matrices and the
    projector onto the fragment: for inequivalent fragments all of them agree only by accident.
    """
    spectra = []
    for field, c in zip(mean_fields, orbitals, strict=True):
        assert not isinstance(field, BlochMeanField)  # there one fragment stands for all
        matrices = [c.conj().T @ field.apply_density(c), c.conj().T @ field.fock @ c]
        matrices += [c.conj().T @ m @ c for m in problem.one_body(fragment)]
        projector = np.diag(np.arange(c.shape[1]) < len(problem.fragments[fragment])).astype(float)
        for k in range(3):
            mixture = (1.0 + 0.3 * k) * projector
            for j, matrix in enumerate(matrices):
                mixture = mixture + np.cos(1.0 + 2.3 * j + 1.7 * k) * matrix
            spectra.append(np.linalg.eigvalsh(mixture))
    return np.concatenate(spectra)


def equivalent(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two fingerprints are those of one problem."""
    return one.shape == other.shape and np.allclose(one, other, atol=EQUIVALENT)
