"""Dynamic polarizabilities at imaginary frequencies, C6 and C8 of a mean field: TDHF and TDDFT in linear response.

With A and B of the orbital rotations, and h the dipole moment between occupied and empty orbitals,

    [(A + B) + ω² (A − B)⁻¹] P = h,   α(iω) = 2 hᵀ P  (4 for a restricted determinant):

Casida, in Recent Advances in Density Functional Methods, part I, p. 155 (1995); Norman, Jiemchooroj and Sernelius,
J. Chem. Phys. 118, 9167 (2003). All frequencies and directions share one space of trial vectors, in which the equations
are small: a model of the response at every imaginary frequency, with an error of second order in what is left of the
equations. Functionals' kernels are adiabatic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qmbench import Curve, NotConverged, Quantity
from qmbench_pyscf.coupled_perturbed import Excitations, channels, on_few_points

DYNAMIC = frozenset({"c6", "c8", "dynamic_polarizability"})

# Gauss–Legendre points t, at ω = OMEGA (1 + t)/(1 − t): Amos, Handy, Knowles, Rice and Stone, J. Phys. Chem. 89, 2186
# (1985). The equations are solved at 0 and at the first number of them; the integral takes the second number.
OMEGA = 0.3
SOLVED, INTEGRATED = 12, 60
# Share of a polarizability that the rest of the equations may still change, estimated from above.
ACCURACY = 2e-6
ROUNDS = 30
# Directions of residuals that are shorter than this share of the longest one wait for the next round.
SHORT = 0.4
# Shorter parts of solutions on the coarse grid are no part of the space for the full one.
NEGLIGIBLE = 1e-3
# Electrons times bohr; moments of real excitations are some 0.1.
NO_DIPOLE = 1e-9
# What operators leave of an excitation that they do not reach, over the length of their rows. Orbitals are of one shell
# where their energies (hartree) are that close.
UNREACHED = 1e-7
SAME_SHELL = 1e-4
SADDLE_POINT = "the determinant is a saddle point: its response at imaginary frequencies is undefined"

Array = np.ndarray
Kernel = Literal["full", "hartree", "none"]


def frequency_grid(n: int) -> tuple[Array, Array]:
    """n imaginary frequencies in hartree, ascending, and their weights for ∫₀^∞ dω."""
    t, weight = np.polynomial.legendre.leggauss(n)
    return OMEGA * (1 + t) / (1 - t), 2 * OMEGA * weight / (1 - t) ** 2


FREQUENCIES = (0.0, *map(float, frequency_grid(SOLVED)[0]))


def dynamic_properties(mf: Any, quadrupoles: bool = False) -> tuple[dict[str, Quantity], dict[str, Any]]:
    """`dynamic_polarizability` and `c6` of a converged mean field, and settings; of an atom with `quadrupoles`, `c8`.

    NotConverged.
    """
    frequencies = np.array(FREQUENCIES)
    model = response_model(mf, frequencies, quadrupoles)
    curve = Curve(frequencies, model.mean(frequencies), "hartree")
    found = {"dynamic_polarizability": Quantity(curve, "bohr3"), "c6": Quantity(model.c6(), "hartree bohr6")}
    if quadrupoles:
        found["c8"] = Quantity(model.c8(), "hartree bohr8")
    name = "TDDFT, adiabatic kernel" if getattr(mf, "xc", None) else "TDHF"
    said = {
        "dynamic_polarizability": f"{name}: coupled-perturbed equations at {len(frequencies)} imaginary frequencies"
    }
    return found, said


@dataclass(frozen=True)
class ResponseModel:
    """The equations in a space of k trial vectors.

    source: h (k, 3), or (k, 8) with the moments r² C_2m after the dipole. plus: A + B (k, k). minus: A − B; inverted
    says that it is its inverse. factor: of hᵀP in α.
    """

    source: Array
    plus: Array
    minus: Array
    inverted: bool
    factor: float

    def solutions(self, frequency: float) -> tuple[Array, Array]:
        """P (k, 3) and ω (A − B)⁻¹ P; zeros for the latter where A − B is known outside."""
        k = len(self.plus)
        if self.inverted:
            found = np.linalg.solve(self.plus + frequency**2 * self.minus, self.source)
            return found, np.zeros_like(found)
        cross = frequency * np.eye(k)
        both = np.linalg.solve(
            np.block([[self.plus, cross], [-cross, self.minus]]), np.vstack([self.source, np.zeros_like(self.source)])
        )
        return both[:k], both[k:]

    def tensors(self, frequencies: Array) -> Array:
        """(n, 3, 3) polarizabilities at imaginary frequencies in hartree, bohr³; (n, 8, 8) with those of moments r²
        C_2m, bohr⁵."""
        found = np.array(
            [self.factor * self.source.T @ self.solutions(float(w))[0] for w in np.atleast_1d(frequencies)]
        )
        return np.asarray((found + found.transpose(0, 2, 1)) / 2)

    def mean(self, frequencies: Array) -> Array:
        """(n,) a third of the traces of the dipole polarizabilities."""
        return np.trace(self.tensors(frequencies)[:, :3, :3], axis1=1, axis2=2) / 3

    def mean_quadrupole(self, frequencies: Array) -> Array:
        """(n,) a fifth of the traces of those of the moments r² C_2m, bohr⁵: 15 for hydrogen at frequency 0."""
        return np.trace(self.tensors(frequencies)[:, 3:, 3:], axis1=1, axis2=2) / 5

    def c6(self) -> float:
        """3/π ∫ α(iω)² dω, in hartree bohr⁶: Casimir and Polder, Phys. Rev. 73, 360 (1948)."""
        frequencies, weights = frequency_grid(INTEGRATED)
        return float(3 / np.pi * weights @ self.mean(frequencies) ** 2)

    def c8(self) -> float:
        """15/π ∫ α₁(iω) α₂(iω) dω of two like atoms, in hartree bohr⁸: Tang, Norbeck and Certain, J. Chem. Phys. 64,
        3063 (1976)."""
        frequencies, weights = frequency_grid(INTEGRATED)
        both = self.mean(frequencies) * self.mean_quadrupole(frequencies)
        return float(15 / np.pi * weights @ both)


def response_model(mf: Any, frequencies: Array, quadrupoles: bool = False) -> ResponseModel:
    """The model of the response of `mf` that is converged at imaginary `frequencies` (hartree), to a field; with
    `quadrupoles` also to the moments r² C_2m about the first nucleus. NotConverged.
    """
    return _model(mf, frequencies, _moments(mf.mol, quadrupoles), (3, 5) if quadrupoles else (3,))


def response_to(mf: Any, operators: Array, frequency: float, kernel: Kernel = "full") -> Array:
    """(k, k) −∂⟨V_a⟩/∂v_b of a converged mean field with Σ v_b V_b at an imaginary frequency (hartree). NotConverged.

    operators: V (k, n, n) in the AO basis, symmetric, the same for ↑ and ↓. kernel: what answers the change of the
    density: everything that is in `mf`; hartree, its Coulomb potential alone; none, nothing: χ₀.
    """
    model = _model(mf, np.array([frequency]), operators, (1,) * len(operators), kernel)
    return np.asarray(model.tensors(np.array([frequency]))[0])


def response_of_shells(
    mf: Any, operators: Sequence[Array], frequencies: Sequence[float], kernel: Kernel = "full"
) -> list[Array]:
    """For each set of `operators` (k, n, n) what `response_to` gives at several frequencies: (frequencies, k, k).

    mf: of a spherical atom; each set: radial functions times one spherical harmonic. From one shell of orbitals into
    another these reach a single combination of excitations, whatever the radial function, and the equations keep to
    such combinations (Wigner and Eckart): they are solved whole among them, some tens. NotConverged.
    """
    found = []
    for some in operators:
        full = _Equations(mf, some, (1,) * len(some), kernel)
        if full.size == 0 or np.abs(full.source).max() < NO_DIPOLE:
            found.append(np.zeros((len(frequencies), len(some), len(some))))
            continue
        vectors = _between_shells(full)
        found.append(full.model(vectors).tensors(np.asarray(frequencies)))
    return found


def _between_shells(equations: _Equations) -> Array:
    """Orthonormal rows (k, size): for each pair of shells what the moments reach of their excitations."""
    lengths = np.linalg.norm(equations.source, axis=1)
    rows = equations.source[lengths > NO_DIPOLE * lengths.max()]
    rows = rows / np.linalg.norm(rows, axis=1)[:, None]
    kept = []
    for pair in np.unique(equations.shells):
        inside = np.flatnonzero(equations.shells == pair)
        _, sizes, directions = np.linalg.svd(rows[:, inside], full_matrices=False)
        directions = directions[sizes > UNREACHED]
        kept.append(np.zeros((len(directions), equations.size)))
        kept[-1][:, inside] = directions
    return np.vstack(kept)


def _model(
    mf: Any, frequencies: Array, moments: Array, ranks: tuple[int, ...], kernel: Kernel = "full"
) -> ResponseModel:
    """ranks: how many operators, one after another, belong together."""
    full = _Equations(mf, moments, ranks, kernel)
    # No empty orbital, or none that a moment reaches, as in a basis of s functions: nothing responds.
    if full.size == 0 or np.abs(full.source).max() < NO_DIPOLE:
        return ResponseModel(np.zeros((0, len(moments))), np.zeros((0, 0)), np.zeros((0, 0)), True, full.factor)
    quick = on_few_points(mf)
    if quick is mf or kernel != "full":
        return _solve(full, frequencies)[1]
    vectors, model = _solve(_Equations(quick, moments, ranks), frequencies)
    solved = [model.solutions(float(w)) for w in frequencies]
    parts = np.hstack([np.hstack(pair) for pair in solved]) if not model.inverted else np.hstack([p for p, _ in solved])
    return full.model(_independent(parts.T @ vectors, full.gaps, NEGLIGIBLE))


def _moments(mole: Any, quadrupoles: bool) -> Array:
    """(3, n, n) dipole integrals; (8, n, n) with r² C_2m about the first nucleus, C_2m Racah's real harmonics."""
    nucleus = int(np.argmax(mole.atom_charges() > 0))  # ghosts have none
    with mole.with_common_origin(mole.atom_coord(nucleus)):
        dipoles = mole.intor("int1e_r")
        if not quadrupoles:
            return np.asarray(dipoles)
        n = dipoles.shape[-1]
        square = mole.intor("int1e_rr").reshape(3, 3, n, n)
    root = np.sqrt(3)
    second = [
        root * square[0, 1],
        root * square[1, 2],
        root * square[0, 2],
        root / 2 * (square[0, 0] - square[1, 1]),
        (2 * square[2, 2] - square[0, 0] - square[1, 1]) / 2,
    ]
    return np.concatenate([dipoles, second])


class _Equations:
    """A + B and A − B of a mean field, on rows of vectors over pairs of occupied and empty orbitals.

    moments: (k, n, n) operators in the AO basis whose response is asked for; ranks: how many of them, one after
    another, are judged by their mean. kernel: see `response_to`.
    """

    def __init__(self, mf: Any, moments: Array, ranks: tuple[int, ...], kernel: Kernel = "full") -> None:
        self.ranks = ranks
        self.spins = [Excitations(*channel) for channel in channels(mf)]
        self.restricted = len(self.spins) == 1
        self.sizes = np.cumsum([spin.size for spin in self.spins])
        self.size = int(self.sizes[-1])
        self.gaps = np.hstack([spin.gaps for spin in self.spins])
        self.shells = _pairs_of_shells(channels(mf))
        if self.size and self.gaps.min() <= 0:
            raise NotConverged(SADDLE_POINT)
        self.factor = 4.0 if self.restricted else 2.0
        # Without exact exchange A − B are the differences of orbital energies.
        self.diagonal = kernel != "full" or not _has_exact_exchange(mf)
        if kernel == "full":
            self._kernel = mf.gen_response(hermi=1 if self.diagonal else 0)
        else:
            self._kernel = _coulomb(mf, self.restricted) if kernel == "hartree" else np.zeros_like
        self.source = self._project(moments if self.restricted else np.array([moments] * 2))

    def products(self, vectors: Array) -> tuple[Array, Array]:
        """(A + B) v and (A − B) v."""
        parts = np.split(vectors, self.sizes[:-1], axis=1)
        each = [s.density(part) if self.diagonal else s.half(part) for s, part in zip(self.spins, parts, strict=True)]
        made = np.array([self.factor / 2 * density for density in each])
        field = np.asarray(self._kernel(made[0] if self.restricted else made))
        bare = self.gaps * vectors
        if self.diagonal:
            return bare + self._project(field), bare
        # Of excitations alone the field is that of A between empty and occupied orbitals, and of B the other way round.
        a, b = self._project(field), self._project(np.swapaxes(field, -1, -2))
        return bare + a + b, bare + a - b

    def model(self, vectors: Array) -> ResponseModel:
        """The equations within the space of orthonormal `vectors` (k, size)."""
        return self.reduced(vectors, *self.products(vectors))

    def reduced(self, vectors: Array, plus: Array, minus: Array) -> ResponseModel:
        """The same from (A + B) v and (A − B) v. NotConverged."""
        even = vectors @ plus.T
        odd = (vectors / self.gaps) @ vectors.T if self.diagonal else vectors @ minus.T
        even, odd = (even + even.T) / 2, (odd + odd.T) / 2
        if min(np.linalg.eigvalsh(even)[0], np.linalg.eigvalsh(odd)[0]) <= 0:
            raise NotConverged(SADDLE_POINT)
        return ResponseModel(vectors @ self.source.T, even, odd, self.diagonal, self.factor)

    def _project(self, matrices: Array) -> Array:
        each = matrices[None] if self.restricted else matrices
        return np.hstack([s.project(part) for s, part in zip(self.spins, each, strict=True)])


def _pairs_of_shells(spins: list[tuple[Any, Any, Any]]) -> Array:
    """(size,) a number for each excitation, the same where spin, occupied and empty shell are."""
    found: list[Array] = []
    for spin, (_, energies, occupations) in enumerate(spins):
        order = np.argsort(energies)
        shell = np.empty(len(energies), int)
        shell[order] = np.cumsum(np.append(0, np.diff(energies[order]) > SAME_SHELL))
        n = len(energies)
        pairs = shell[occupations == 0][:, None] * n + shell[occupations > 0]
        found.append(spin * n**2 + pairs.ravel())
    return np.hstack(found)


def _has_exact_exchange(mf: Any) -> bool:
    return not getattr(mf, "xc", None) or bool(mf._numint.libxc.is_hybrid_xc(mf.xc))


def _solve(equations: _Equations, frequencies: Array) -> tuple[Array, ResponseModel]:
    """Trial vectors (k, size), orthonormal, and the model in them."""
    gaps, source = equations.gaps, equations.source
    vectors = plus = minus = np.zeros((0, equations.size))
    fresh = np.vstack([source * gaps / (gaps**2 + w**2) for w in frequencies])
    for _ in range(ROUNDS):
        new = _independent(fresh, gaps, SHORT, besides=vectors)
        more = equations.products(new)
        vectors, plus, minus = (np.vstack(pair) for pair in ((vectors, new), (plus, more[0]), (minus, more[1])))
        model = equations.reduced(vectors, plus, minus)
        left: list[float] = []
        steps: list[Array] = []
        for w, tensor in zip(frequencies, model.tensors(frequencies), strict=True):
            p, q = model.solutions(float(w))
            if equations.diagonal:
                even, odd = source - p.T @ plus - w**2 * (p.T @ vectors) / gaps, np.zeros_like(source)
            else:
                even, odd = source - p.T @ plus - w * (q.T @ vectors), w * (p.T @ vectors) - q.T @ minus
            weight = gaps / (gaps**2 + w**2)
            scale = _scales(tensor, equations.ranks)
            left.append(equations.factor * np.max(np.sum(weight * (even**2 + odd**2), axis=1) / scale))
            if left[-1] > ACCURACY:
                both = [weight * even - w / gaps * weight * odd, weight * odd + w / gaps * weight * even]
                steps += [step / np.sqrt(scale)[:, None] for step in both[: 1 if equations.diagonal else 2]]
        if not steps or len(vectors) == equations.size:
            return vectors, model
        fresh = np.vstack(steps)
    raise NotConverged(f"dynamic polarizability: {max(left):.1e} of it are left after {ROUNDS} rounds")


def _scales(tensor: Array, ranks: tuple[int, ...]) -> Array:
    """For each moment the mean polarizability of those of its rank; 1 where there is none."""
    parts = np.split(np.diag(tensor), np.cumsum(ranks)[:-1])
    means = np.hstack([np.full(len(part), part.mean()) for part in parts])
    return np.where(means > NO_DIPOLE, means, 1.0)


def _coulomb(mf: Any, restricted: bool) -> Callable[[Array], Array]:
    """The Coulomb potential of first-order densities (k, n, n), or of (2, k, n, n) for ↑ and ↓."""

    def potential(densities: Array) -> Array:
        field = np.asarray(mf.get_j(mf.mol, densities if restricted else densities.sum(axis=0), hermi=1))
        return field if restricted else np.array([field, field])

    return potential


def _independent(rows: Array, gaps: Array, share: float, besides: Array | None = None) -> Array:
    """Orthonormal rows, orthogonal to those of `besides`, that span `rows` up to what is shorter than `share` of the
    longest of their directions; lengths are those of energies, Σ gaps v²."""
    if besides is not None and len(besides):
        rows = rows - (rows @ besides.T) @ besides
    weight = np.sqrt(gaps)
    _, lengths, directions = np.linalg.svd(rows * weight, full_matrices=False)
    found = directions[lengths > share * lengths[0]] / weight
    if besides is not None and len(besides):
        found = found - (found @ besides.T) @ besides
    q, r = np.linalg.qr(found.T)
    kept = np.abs(np.diag(r)) > 1e-10
    found = q[:, kept].T
    if besides is not None and len(besides):  # once more, against rounding
        found = found - (found @ besides.T) @ besides
        found = np.linalg.qr(found.T)[0].T
    return np.asarray(found)
