"""From the low level to the impurities: bath and embedded problem of every fragment."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .bath import bath_orbitals, embedding_orbitals, unit_columns
from .errors import Refused
from .impurity import Impurity
from .lowlevel import BlochMeanField, MeanField, Potentials, idempotent
from .problem import Problem, Settings

EQUIVALENT = 1e-7  # largest difference between the fingerprints of fragments that count as one


@dataclass(frozen=True)
class EmbeddedFragments:
    """The low level, one mean field per spin, and the impurities made from it.

    ``orbitals[i][spin]`` (N, m) are the embedding orbitals of impurity i, fragment first; ``owners[k]`` is the
    impurity that stands for fragment k. ``bath`` is the kind of bath that was made. ``spectra[i][spin]`` (n_f,) are the
    singular values of the low level's density matrix between environment and fragment, from 0 (no entanglement) to
    1/2; ``leaks[i]`` (electrons) is the norm of what the density matrix, applied to the embedding orbitals of impurity
    i, has outside of them: 0 where the low level is embedded exactly.
    """

    mean_fields: list[MeanField]
    impurities: list[Impurity]
    orbitals: list[list[np.ndarray]]
    owners: list[int]
    bath: str
    spectra: list[list[np.ndarray]]
    leaks: list[float]


def chosen_bath(asked: str, mean_fields: list[MeanField]) -> str:
    """The kind of bath that is made: ``asked``, or for "auto" the one that goes with the low level.

    `Refused` where a shell is partly filled and the bath is one for closed shells: it is not exact without interaction
    either, and energies come out a tenth too low.
    """
    closed = all(idempotent(field) for field in mean_fields)
    if asked == "auto":
        return "svd" if closed else "ensemble"
    if asked != "ensemble" and not closed:
        raise Refused(
            f"bath={asked} is for closed shells, and the low level has a partly filled one; use bath=ensemble"
        )
    return asked


def spectrum(mean_field: MeanField, fragment: np.ndarray) -> np.ndarray:
    """Singular values (n_f,) of the density matrix between environment and ``fragment``."""
    columns = np.array(mean_field.apply_density(unit_columns(mean_field.n_sites, fragment)))
    columns[fragment] = 0.0
    return np.asarray(np.linalg.svd(columns, compute_uv=False))


def leak(mean_field: MeanField, orbitals: np.ndarray) -> float:
    """‖γC − C C†γC‖ for embedding orbitals C (N, m), electrons."""
    image = mean_field.apply_density(orbitals)
    return float(np.linalg.norm(image - orbitals @ (orbitals.conj().T @ image)))


def embed_fragments(
    problem: Problem, mean_fields: list[MeanField], potentials: Potentials, settings: Settings, merge: bool = False
) -> EmbeddedFragments:
    """The impurities of all fragments in a low level, which ``potentials`` belong to.

    With ``merge``, fragments that symmetry makes equivalent share one impurity, whose ``copies`` counts them.
    `Refused` if the bath does not go with the low level.
    """
    kind = chosen_bath(settings.bath, mean_fields)
    impurities: list[Impurity] = []
    orbitals: list[list[np.ndarray]] = []
    owners: list[int] = []
    fingerprints: list[np.ndarray] = []
    spectra: list[list[np.ndarray]] = []
    leaks: list[float] = []
    for k, sites in enumerate(problem.fragments):
        baths = [bath_orbitals(kind, field, sites) for field in mean_fields]
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
        spectra.append([spectrum(field, sites) for field in mean_fields])
        leaks.append(max(leak(field, one) for field, one in zip(mean_fields, c, strict=True)))
    return EmbeddedFragments(mean_fields, impurities, orbitals, owners, kind, spectra, leaks)


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
