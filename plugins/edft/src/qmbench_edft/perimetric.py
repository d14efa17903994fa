"""Two-electron atoms to spectroscopic accuracy: S and natural-parity P states in perimetric coordinates.

u = −r1 + r2 + r12, v = r1 − r2 + r12, w = r1 + r2 − r12 run independently from 0 to ∞. Spatial wave functions
are F(u, v, w) ± F(v, u, w) for S and **r1** F(u, v, w) ± **r2** F(v, u, w) for P, with F a sum of products of
Laguerre functions of total degree ≤ Ω. In them overlap and Hamiltonian are banded and every integral is exact,
so energies are upper bounds. Nucleus fixed, non-relativistic; hartree and bohr.

Pekeris, Phys. Rev. 112, 1649 (1958); Schiff, Lifson, Pekeris and Rabinowitz, Phys. Rev. 140, A1104 (1965).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from qmbench import NotConverged, Unsupported
from qmbench_edft.multiplets import Multiplet

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# A polynomial in (u, v, w): exponents → coefficient. A form: (derivative of F, derivative of F') → polynomial,
# derivatives numbered 0 none, 1 ∂u, 2 ∂v, 3 ∂w.
Polynomial = dict[tuple[int, int, int], float]
Form = dict[tuple[int, int], Polynomial]

_R1: Polynomial = {(0, 1, 0): 0.5, (0, 0, 1): 0.5}
_R2: Polynomial = {(1, 0, 0): 0.5, (0, 0, 1): 0.5}
_R12: Polynomial = {(1, 0, 0): 0.5, (0, 1, 0): 0.5}
# ∂/∂r1, ∂/∂r2, ∂/∂r12 as combinations of ∂u, ∂v, ∂w
_CHAIN = {"1": (-1.0, 1.0, 1.0), "2": (1.0, -1.0, 1.0), "12": (1.0, 1.0, -1.0)}


def _mul(*factors: Polynomial) -> Polynomial:
    product: Polynomial = {(0, 0, 0): 1.0}
    for factor in factors:
        new: Polynomial = {}
        for (a, b, c), x in product.items():
            for (d, e, f), y in factor.items():
                key = (a + d, b + e, c + f)
                new[key] = new.get(key, 0.0) + x * y
        product = new
    return product


def _add(*terms: tuple[float, Polynomial]) -> Polynomial:
    total: Polynomial = {}
    for scale, p in terms:
        for key, x in p.items():
            total[key] = total.get(key, 0.0) + scale * x
    return {key: x for key, x in total.items() if abs(x) > 1e-14}


def _derivatives(name: str) -> list[tuple[int, float]]:
    return [(0, 1.0)] if name == "" else [(i + 1, c) for i, c in enumerate(_CHAIN[name])]


def _form(terms: Iterable[tuple[str, str, Polynomial]]) -> Form:
    """Σ polynomial × ∂_left F × ∂_right F' with the derivatives named "", "1", "2", "12"."""
    form: Form = {}
    for left, right, p in terms:
        for i, x in _derivatives(left):
            for j, y in _derivatives(right):
                form[i, j] = _add((1.0, form.get((i, j), {})), (x * y, p))
    return {key: p for key, p in form.items() if p}


def _gradient_product(electron: str, weight: Polynomial) -> list[tuple[str, str, Polynomial]]:
    """weight × r1 r2 r12 × ∇_i F · ∇_i F' (weight must hold no more than polynomials)."""
    own, other = (_R1, _R2) if electron == "1" else (_R2, _R1)
    square = _mul(weight, _R1, _R2, _R12)
    # own · r12 · cos(angle between them) = (own² + r12² − other²)/2
    cosine = _mul(weight, other, _add((0.5, _mul(own, own)), (0.5, _mul(_R12, _R12)), (-0.5, _mul(other, other))))
    return [
        (electron, electron, square),
        ("12", "12", square),
        (electron, "12", cosine),
        ("12", electron, cosine),
    ]


@lru_cache(maxsize=2)
def _forms(l: int) -> dict[str, Form]:
    """The forms of overlap, kinetic energy, electron–nucleus attraction per unit charge, repulsion; direct and
    (P states) crossed with the exchanged function. All are multiplied by the volume element r1 r2 r12."""
    one: Polynomial = {(0, 0, 0): 1.0}
    volume = _mul(_R1, _R2, _R12)
    nuclear = _add((-1.0, _mul(_R2, _R12)), (-1.0, _mul(_R1, _R12)))
    repulsion = _mul(_R1, _R2)
    if l == 0:
        kinetic = [(a, b, _mul({(0, 0, 0): 0.5}, p)) for e in "12" for a, b, p in _gradient_product(e, one)]
        return {
            "overlap": _form([("", "", volume)]),
            "kinetic": _form(kinetic),
            "nuclear": _form([("", "", nuclear)]),
            "repulsion": _form([("", "", repulsion)]),
        }
    half: Polynomial = {(0, 0, 0): 0.5}
    square = _mul(_R1, _R1)
    dot = _add((0.5, square), (0.5, _mul(_R2, _R2)), (-0.5, _mul(_R12, _R12)))
    # volume × r1·∇1 F = r1 r2 r12 (r1 F_1 + F_12 (r1² − r1·r2)/r12)
    along = [("1", _mul(volume, _R1)), ("12", _mul(_R1, _R2, _add((1.0, square), (-1.0, dot))))]
    direct = [("", "", _mul({(0, 0, 0): 1.5}, volume))]
    for name, p in along:
        direct += [("", name, _mul(half, p)), (name, "", _mul(half, p))]
    for e in "12":
        direct += [(a, b, _mul(half, p)) for a, b, p in _gradient_product(e, square)]
    # volume × r2·∇1 G and volume × r1·∇2 F
    cross: list[tuple[str, str, Polynomial]] = [
        ("", "1", _mul(half, _R2, _R12, dot)),
        ("", "12", _mul(half, _R1, _R2, _add((1.0, dot), (-1.0, _mul(_R2, _R2))))),
        ("2", "", _mul(half, _R1, _R12, dot)),
        ("12", "", _mul(half, _R1, _R2, _add((1.0, dot), (-1.0, square)))),
    ]
    for e in "12":
        cross += [(a, b, _mul(half, p)) for a, b, p in _gradient_product(e, dot)]
    return {
        "overlap": _form([("", "", _mul(volume, square))]),
        "kinetic": _form(direct),
        "nuclear": _form([("", "", _mul(nuclear, square))]),
        "repulsion": _form([("", "", _mul(repulsion, square))]),
        "overlap crossed": _form([("", "", _mul(volume, dot))]),
        "kinetic crossed": _form(cross),
        "nuclear crossed": _form([("", "", _mul(nuclear, dot))]),
        "repulsion crossed": _form([("", "", _mul(repulsion, dot))]),
    }


@lru_cache(maxsize=8)
def _one_dimensional(size: int) -> dict[tuple[int, int, int], np.ndarray]:
    """(power, d, d') → ∫₀^∞ x^power φ_i^(d) φ_j^(d') dx of Laguerre functions φ_i = L_i(x) e^(−x/2), exactly."""
    from scipy.special import roots_laguerre

    x, weight = roots_laguerre(size + 5)
    values = laguerre(size, x)
    slopes = laguerre_slope(size, x) - 0.5 * values
    functions = (values, slopes)
    return {
        (p, d, e): (functions[d] * (weight * x**p)) @ functions[e].T
        for p in range(6)
        for d in range(2)
        for e in range(2)
    }


def laguerre(size: int, x: np.ndarray) -> np.ndarray:
    """L_0 … L_{size−1} at x: (size, len(x))."""
    table = np.ones((size, len(x)))
    if size > 1:
        table[1] = 1 - x
    for n in range(1, size - 1):
        table[n + 1] = ((2 * n + 1 - x) * table[n] - n * table[n - 1]) / (n + 1)
    return table


def laguerre_slope(size: int, x: np.ndarray) -> np.ndarray:
    """d/dx of `laguerre`: L_n' = −Σ_{k<n} L_k."""
    table = laguerre(size, x)
    return np.vstack([np.zeros_like(x), -np.cumsum(table[:-1], axis=0)])


@lru_cache(maxsize=4)
def _index_set(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 3) degrees (i, j, k) with i + j + k ≤ degree, and the lookup table of their numbers (−1: none)."""
    triples = np.array([(i, j, d - i - j) for d in range(degree + 1) for i in range(d + 1) for j in range(d + 1 - i)])
    lookup = np.full((degree + 1,) * 3, -1)
    lookup[tuple(triples.T)] = np.arange(len(triples))
    return triples, lookup


def _matrix(form: Form, degree: int, a: float, c: float) -> csr_matrix:
    """The form in the basis φ_i(a u) φ_j(a v) φ_k(c w), as a sparse matrix without the common factor 1/(a² c)."""
    from scipy.sparse import csr_matrix

    triples, lookup = _index_set(degree)
    tables = _one_dimensional(degree + 1)
    n, reach = len(triples), MAX_POWER
    # couplings[di, dj, dk] of every function to the one whose degrees differ by (di, dj, dk) − reach
    couplings = np.zeros((2 * reach + 1,) * 3 + (n,))
    diagonals = {key: _diagonals(table, reach) for key, table in tables.items()}
    for (left, right), polynomial in form.items():
        for powers, coefficient in polynomial.items():
            factors = []
            for q, scale in enumerate((a, a, c)):
                p, d, e = powers[q], int(left == q + 1), int(right == q + 1)
                # a factor x^p couples degrees that differ by at most p
                band = diagonals[p, d, e][reach - p : reach + p + 1]
                factors.append(scale ** (d + e - p) * band[:, triples[:, q]])
            window = tuple(slice(reach - p, reach + p + 1) for p in powers)
            couplings[window] += coefficient * np.einsum("an,bn,cn->abcn", *factors, optimize=True)
    rows, columns, data = [], [], []
    for offset in np.argwhere(np.abs(couplings).max(axis=-1) > 0):
        target = triples + (offset - reach)
        inside = np.all(target >= 0, axis=1) & (target.sum(axis=1) <= degree)
        rows.append(np.nonzero(inside)[0])
        columns.append(lookup[tuple(target[inside].T)])
        data.append(couplings[tuple(offset)][inside])
    return csr_matrix((np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape=(n, n))


def _diagonals(table: np.ndarray, reach: int) -> np.ndarray:
    """(2 reach + 1, size): table[i, i + d − reach], zero outside."""
    size = len(table)
    padded = np.pad(table, reach)
    i = np.arange(size) + reach
    return np.array([padded[i, i + d] for d in range(-reach, reach + 1)])


@lru_cache(maxsize=4)
def _exchange_permutation(degree: int) -> np.ndarray:
    """Number of (j, i, k) for each (i, j, k)."""
    triples, lookup = _index_set(degree)
    return lookup[triples[:, 1], triples[:, 0], triples[:, 2]]


@dataclass(frozen=True, eq=False)
class ExactState:
    """A bound state. Energies in hartree; `coefficients` (i, j, k) of φ_i(a u) φ_j(a v) φ_k(c w).

    The wave function is normalised to one over all space. kinetic + nuclear + repulsion = energy.
    """

    z: float
    multiplet: Multiplet
    energy: float
    kinetic: float
    nuclear: float
    repulsion: float
    scales: tuple[float, float]
    coefficients: np.ndarray = field(repr=False)
    exchange_sign: float

    @property
    def virial(self) -> float:
        """−V/T − 2: how far the basis is from the best scale (0 at the exact state)."""
        return -(self.nuclear + self.repulsion) / self.kinetic - 2


MAX_POWER = 5  # highest power of one coordinate in any form
COARSE = 9  # degree at which the whole spectrum is found, to say near which energy the larger basis is searched


def _scales(z: float, n: int) -> tuple[float, float]:
    """Scales (a of u and v, c of w): the outer electron's decay, and both electrons' together. Tuned by energy."""
    if n == 1:
        return 2 * z - 1.3, 2.2 * z
    outer = (z - 1) / n
    return (2.1 if n == 2 else 2.2) * outer, 1.1 * (z + outer)


def solve_state(z: float, multiplet: Multiplet, degree: int = 18) -> ExactState:
    """The bound state of `multiplet` of nuclear charge z in all functions of total degree ≤ degree.

    The energy is an upper bound to that of the state. Unsupported for states that do not exist or are not of
    the kind treated here; NotConverged when the level found is not bound.
    """
    if multiplet.n_inner > 1 or multiplet.l > 1:
        raise Unsupported(f"the exact branch treats 1sns and 1snp states, not {multiplet}")
    if z <= 1 and multiplet.n > 1:
        raise Unsupported(
            "H⁻ has no bound excited state of 1snl: only 1s² is bound (Hill, Phys. Rev. Lett. 38, 643 (1977))"
        )
    a, c = _scales(z, multiplet.n)
    level = _level(z, multiplet, min(degree, COARSE), (a, c))
    if degree > COARSE:
        level = _level(z, multiplet, degree, (a, c), near=level.energy)
    vector, matrices = level.vector, level.matrices
    overlap = matrices["overlap"]
    norm = float(vector @ (overlap @ vector))
    energy = float(vector @ (matrices["total"] @ vector)) / norm
    if energy >= -z * z / 2:
        raise NotConverged(f"{multiplet} at Z = {z:g} is not bound in this basis: {energy:.6f} hartree; raise degree")
    parts = [float(vector @ (matrices[k] @ vector)) / norm for k in ("kinetic", "nuclear", "repulsion")]
    full = level.project @ vector
    triples, _ = _index_set(degree)
    # 8π² × Jacobian 1/4 × the scaled volume element; the P state's sum over both functions, its mean over M
    scale = 8 * np.pi**2 / 4 / (a * a * c) * norm * (2 / 3 if multiplet.l else 1.0)
    cube = np.zeros((degree + 1,) * 3)
    cube[tuple(triples.T)] = full / np.sqrt(scale)
    return ExactState(
        z,
        multiplet,
        energy,
        parts[0],
        z * parts[1],
        parts[2],
        (a, c),
        cube,
        1.0 if multiplet.multiplicity == 1 else -1.0,
    )


@dataclass(frozen=True, eq=False)
class _Level:
    """A level of the matrices: energy, vector (in the symmetrised basis), and `project` from that basis to all."""

    energy: float
    vector: np.ndarray
    matrices: dict[str, csr_matrix]
    project: csr_matrix


def _level(
    z: float, multiplet: Multiplet, degree: int, scales: tuple[float, float], near: float | None = None
) -> _Level:
    """The level of `multiplet`: counted from the lowest, or the one next to `near`, its energy in a smaller basis."""
    from scipy.linalg import eigh
    from scipy.sparse import csr_matrix, identity
    from scipy.sparse.linalg import eigsh

    sign = 1.0 if multiplet.multiplicity == 1 else -1.0
    matrices = {name: _matrix(form, degree, *scales) for name, form in _forms(multiplet.l).items()}
    permutation = _exchange_permutation(degree)
    n = len(permutation)
    if multiplet.l:
        for name in ("overlap", "kinetic", "nuclear", "repulsion"):
            crossed = matrices.pop(name + " crossed")[:, permutation]
            matrices[name] = matrices[name] + 0.5 * sign * (crossed + crossed.T)
        project = identity(n, format="csr")
    else:
        chosen = np.nonzero(np.arange(n) <= permutation if sign > 0 else np.arange(n) < permutation)[0]
        weight = np.where(permutation[chosen] == chosen, 0.5, 1.0)
        columns = np.arange(len(chosen))
        entries = (np.concatenate([chosen, permutation[chosen]]), np.concatenate([columns, columns]))
        project = csr_matrix((np.concatenate([weight, sign * weight]), entries), shape=(n, len(chosen)))
        matrices = {name: (project.T @ m @ project).tocsr() for name, m in matrices.items()}
    matrices["total"] = matrices["kinetic"] + z * matrices["nuclear"] + matrices["repulsion"]
    if near is not None:
        energies, vectors = eigsh(
            matrices["total"].tocsc(), 1, matrices["overlap"].tocsc(), sigma=near, v0=np.ones(project.shape[1])
        )
        return _Level(float(energies[0]), vectors[:, 0], matrices, project)
    above = multiplet.n - 1 if (multiplet.l == 0 and multiplet.multiplicity == 1) else multiplet.n - 2
    energies, vectors = eigh(matrices["total"].toarray(), matrices["overlap"].toarray(), subset_by_index=[0, above])
    return _Level(float(energies[above]), vectors[:, above], matrices, project)
