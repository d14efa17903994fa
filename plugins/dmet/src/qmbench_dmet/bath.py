"""Bath orbitals: the part of the environment that a fragment is entangled with in the low-level state.

Every function takes the one-spin density matrix γ through its columns or its orbitals and returns an orthonormal
``bath`` of shape (N, n_bath) that vanishes on the fragment. For an idempotent γ all of them span the same space
(Knizia and Chan, PRL 109, 186404 (2012)); for an ensemble only `ensemble_bath` spans a space that γ leaves
invariant, which is what makes the embedding of a non-interacting open shell exact.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .lowlevel import MeanField

ENTANGLED = 1e-7  # a bath orbital whose singular value (√ of its variance) is below this is a core or virtual orbital


def bath_orbitals(method: str, mean_field: MeanField, fragment: np.ndarray) -> np.ndarray:
    """Bath orbitals of one spin by the method of that name; ``fragment`` (n_f,) holds the fragment's sites."""
    if method == "ensemble":
        return ensemble_bath(mean_field.apply_density, fragment, mean_field.n_sites)
    if method == "csd":
        return csd_bath(mean_field.occupied(), fragment)
    if method == "eigenvectors":
        return eigenvector_bath(mean_field.density_matrix(), fragment)
    gamma_fragment = mean_field.apply_density(unit_columns(mean_field.n_sites, fragment))
    return {"svd": svd_bath, "projection": projection_bath}[method](gamma_fragment, fragment)


def unit_columns(size: int, sites: np.ndarray) -> np.ndarray:
    """The columns of the unit matrix (``size``, ``size``) that belong to ``sites``."""
    columns = np.zeros((size, len(sites)))
    columns[sites, np.arange(len(sites))] = 1.0
    return columns


def embedding_orbitals(bath: np.ndarray, fragment: np.ndarray) -> np.ndarray:
    """The fragment's sites, then its bath: (N, n_f + n_bath)."""
    return np.column_stack([unit_columns(len(bath), fragment), bath])


def _environment(columns: np.ndarray, fragment: np.ndarray) -> np.ndarray:
    out = np.array(columns)
    out[fragment] = 0.0
    return out


def svd_bath(gamma_fragment: np.ndarray, fragment: np.ndarray, threshold: float = ENTANGLED) -> np.ndarray:
    """Left singular vectors of the environment–fragment block; ``gamma_fragment`` is γ[:, fragment] (N, n_f)."""
    u, s, _ = np.linalg.svd(_environment(gamma_fragment, fragment), full_matrices=False)
    return _environment(u[:, s > threshold], fragment)


def projection_bath(gamma_fragment: np.ndarray, fragment: np.ndarray, threshold: float = ENTANGLED) -> np.ndarray:
    """Successive projection: the column of largest norm, projected out of the others, until nothing is left."""
    block = _environment(gamma_fragment, fragment)
    bath = np.zeros((block.shape[0], 0), dtype=block.dtype)
    while bath.shape[1] < len(fragment):
        norms = np.linalg.norm(block, axis=0)
        best = int(np.argmax(norms))
        if norms[best] <= threshold:
            break
        vector = block[:, best] / norms[best]
        for _ in range(2):  # a second pass restores orthogonality lost to cancellation
            vector = vector - bath @ (bath.conj().T @ vector)
        vector /= np.linalg.norm(vector)
        bath = np.column_stack([bath, vector])
        block = block - np.outer(vector, vector.conj() @ block)
    return _environment(bath, fragment)


def csd_bath(occupied: np.ndarray, fragment: np.ndarray, threshold: float = ENTANGLED) -> np.ndarray:
    """Cosine–sine decomposition of the occupied orbitals (N, n_occ) between fragment and environment.

    With C_F = U cos θ V†, the environment part of C V has norms sin θ; its normalized columns with
    0 < θ < π/2 are the bath.
    """
    _, cosines, vh = np.linalg.svd(occupied[fragment], full_matrices=False)
    tails = _environment(occupied @ vh.conj().T, fragment)
    sines = np.linalg.norm(tails, axis=0)
    keep = (sines * cosines > threshold) & (sines > threshold)
    return _environment(np.linalg.qr(tails[:, keep] / sines[keep])[0], fragment)


def eigenvector_bath(gamma: np.ndarray, fragment: np.ndarray, threshold: float = ENTANGLED) -> np.ndarray:
    """Eigenvectors of γ (N, N) restricted to the environment whose eigenvalue is neither 0 nor 1."""
    environment = np.setdiff1d(np.arange(len(gamma)), fragment)
    values, vectors = np.linalg.eigh(gamma[np.ix_(environment, environment)])
    spread = np.sqrt(np.clip(values * (1.0 - values), 0.0, None))
    keep = np.argsort(spread)[::-1][: len(fragment)]
    keep = keep[spread[keep] > threshold]
    bath = np.zeros((len(gamma), len(keep)), dtype=vectors.dtype)
    bath[environment] = vectors[:, keep]
    return bath


def ensemble_bath(
    density: Callable[[np.ndarray], np.ndarray],
    fragment: np.ndarray,
    size: int,
    order: int = 2,
    threshold: float = ENTANGLED,
) -> np.ndarray:
    """Block Krylov space of γ on the fragment, F, γF, γ²F, … γ^order F, without F itself.

    ``density`` applies γ to columns (``size``, k). With eigenvalues 0, f and 1 the space closes at order 2 and
    holds up to 2 n_f bath orbitals; an idempotent γ closes at order 1, with the usual bath. The block Householder
    form of this construction: Yalouz et al., JCP 157, 214112 (2022).
    """
    space = unit_columns(size, fragment)
    newest = space
    for _ in range(order):
        block = density(newest)
        for _ in range(2):
            block = block - space @ (space.conj().T @ block)
        u, s, _ = np.linalg.svd(block, full_matrices=False)
        newest = u[:, s > threshold]
        if newest.shape[1] == 0:
            break
        newest = np.linalg.qr(newest - space @ (space.conj().T @ newest))[0]
        space = np.column_stack([space, newest])
    return _environment(space[:, len(fragment) :], fragment)
