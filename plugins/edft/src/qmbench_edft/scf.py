"""Self-consistent ensemble Kohn–Sham: local functionals, the optimized effective potential, and KLI.

The optimized effective potential solves δE/δv = 0 for E as a functional of the potential through its
orbitals; the step is the truncated inverse of the Kohn–Sham response applied to that gradient: Kümmel and
Perdew, Phys. Rev. B 68, 035103 (2003); Hirata et al., J. Chem. Phys. 115, 1635 (2001). KLI: Krieger, Li and
Iafrate, Phys. Rev. A 46, 5453 (1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmbench import NotConverged, Unsupported
from qmbench_edft.ensemble import Ensemble
from qmbench_edft.functionals import Functional, energy_and_derivatives
from qmbench_edft.grid import RadialGrid, lowest_orbitals, radial_grid

POTENTIAL_TOLERANCE = 1e-9  # hartree: density-weighted change of the potential at which a local one has converged
GRADIENT_TOLERANCE = 1e-10  # of δE/δv, density-weighted, in the space where the response can be inverted
RESPONSE_CUTOFF = 1e-11  # relative singular value of the response below which a direction is left alone
MAX_ITERATIONS = 200
MAX_NEWTON = 60
MAX_JACOBIANS = 12
DIFFERENCE = 1e-5  # step of the Jacobian by differences, in units in which the curvature is about one
TAIL = 1e-20  # radial density weight below which a quotient of densities is noise
LEAKED = 1e-7  # electrons an orbital may have in the outer fifth of the box


@dataclass(frozen=True, eq=False)
class Solution:
    """A converged ensemble. Energies in hartree; orbitals are DVR vectors in the order of ensemble.shells.

    residual: largest component of the stationarity condition that was iterated on. shift-free: potential → 0
    at infinity.
    """

    ensemble: Ensemble
    functional: Functional
    grid: RadialGrid
    z: float
    potential: np.ndarray
    orbitals: tuple[np.ndarray, ...]
    orbital_energies: np.ndarray
    energy: float
    kinetic: float
    external: float
    hxc: float
    iterations: int
    residual: float

    def rho(self) -> np.ndarray:
        """Radial weights Σ f c²; they sum to two."""
        return sum(f * c * c for f, c in zip(self.ensemble.occupations(), self.orbitals, strict=True))

    @property
    def v_hxc(self) -> np.ndarray:
        """The Hartree-exchange-correlation potential at the points."""
        return self.potential + self.z / self.grid.r

    def orbital(self, n: int, l: int) -> tuple[float, np.ndarray]:
        """Energy and vector of any orbital of the potential, occupied or not; Unsupported if it is unbound."""
        energies, vectors = lowest_orbitals(self.grid, l, self.potential)
        energy, vector = float(energies[n - l - 1]), vectors[:, n - l - 1]
        if energy >= 0 or leaks(self.grid, vector):
            raise Unsupported(
                f"{n}{'spdf'[l]} is not bound in the {self.functional.name} potential of this ensemble: "
                "a level of the box, not of the atom"
            )
        return energy, vector


def default_grid(z: float, n_highest: int = 2, wider: float = 1.0) -> RadialGrid:
    """A grid on which hydrogen-like shells up to `n_highest` outside a core of charge z−1 are exact to 1e-10."""
    charge = max(z - 1.0, 0.75)
    extent = {1: 34.0, 2: 45.0, 3: 72.0}.get(n_highest, 110.0) / charge * wider
    points = {1: 48, 2: 56, 3: 68}.get(n_highest, 84)
    return radial_grid(round(points * wider**0.5), extent, 4.0 / z)


def boxes(z: float, n_highest: int) -> list[RadialGrid]:
    """Ever wider grids, tried until no occupied orbital reaches the wall."""
    return [default_grid(z, n_highest, wider) for wider in (1.0, 2.0, 4.0)]


def leaks(grid: RadialGrid, vector: np.ndarray) -> bool:
    """Whether an orbital reaches the wall of the box."""
    return bool(np.sum(vector[grid.r > 0.8 * grid.r_max] ** 2) > LEAKED)


def solve(
    functional: Functional,
    ensemble: Ensemble,
    z: float,
    potential: str = "oep",
    grid: RadialGrid | None = None,
    start: np.ndarray | None = None,
) -> Solution:
    """The self-consistent ensemble. potential: "oep" or "kli" where the functional depends on orbitals.

    Raises NotConverged, and Unsupported when an occupied orbital is not bound.
    """
    n_highest = max(n for n, _ in ensemble.shells)
    grids = [grid] if grid is not None else boxes(z, n_highest)
    for box in grids:
        if functional.orbital_dependent:
            solution = _solve_orbital_dependent(functional, ensemble, z, box, potential, start, box is not grids[-1])
        else:
            solution = _solve_local(functional, ensemble, z, box, start)
        unbound = _unbound(box, ensemble, solution.orbital_energies, solution.orbitals)
        if not unbound:
            return solution
        start = None
    raise Unsupported(
        f"{', '.join(unbound)} is not bound in the {functional.name} potential of this ensemble (box of "
        f"{box.r_max:.0f} bohr): a level of the box, not of the atom"
    )


def _unbound(grid, ensemble, energies, orbitals) -> list[str]:  # type: ignore[no-untyped-def]
    """Names of the occupied orbitals that are not bound, or that this box can't tell from unbound ones."""
    return [
        f"{n}{'spdf'[l]}"
        for (n, l), e, c in zip(ensemble.shells, energies, orbitals, strict=True)
        if e >= 0 or leaks(grid, c)
    ]


def _guess(z: float, grid: RadialGrid) -> np.ndarray:
    """The nucleus screened by one 1s electron."""
    zeta = z - 0.3
    return -z / grid.r + (1 - np.exp(-2 * zeta * grid.r) * (1 + zeta * grid.r)) / grid.r


def _occupied(grid: RadialGrid, ensemble: Ensemble, v: np.ndarray):  # type: ignore[no-untyped-def]
    """Per shell energy and vector, and per l the full spectrum."""
    spectra = {l: lowest_orbitals(grid, l, v) for l in {l for _, l in ensemble.shells}}
    energies = np.array([spectra[l][0][n - l - 1] for n, l in ensemble.shells])
    orbitals = [spectra[l][1][:, n - l - 1] for n, l in ensemble.shells]
    return energies, orbitals, spectra


def _solve_local(
    functional: Functional, ensemble: Ensemble, z: float, grid: RadialGrid, start: np.ndarray | None
) -> Solution:
    v = _guess(z, grid) if start is None else start
    f = ensemble.occupations()
    mixer = Mixer()
    for iteration in range(1, MAX_ITERATIONS + 1):
        energies, orbitals, _ = _occupied(grid, ensemble, v)
        hxc, gradients = energy_and_derivatives(functional, ensemble, grid, orbitals)
        rho = sum(fi * c * c for fi, c in zip(f, orbitals, strict=True))
        # a functional of the density: every shell's derivative is the same potential times f c; take the
        # average where there is density, and any shell's where there is none
        top = int(np.argmax(energies))
        safe = np.where(rho > 1e-60, rho, 1.0)
        mean = sum(g * c for g, c in zip(gradients, orbitals, strict=True)) / safe
        new = np.where(rho > 1e-60, mean, _tail(grid, mean, rho)) - z / grid.r
        residual = new - v
        size = float(np.sqrt(np.sum(rho * residual**2)))
        if size < POTENTIAL_TOLERANCE:
            return _solution(functional, ensemble, z, grid, v, energies, orbitals, hxc, iteration, size, top)
        v = mixer.step(v, residual, np.sqrt(rho + 1e-12))
    raise NotConverged(f"{functional.name}: the potential still changes by {size:.1e} hartree after {MAX_ITERATIONS}")


def _tail(grid: RadialGrid, v: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """v with its part beyond the density replaced by charge/r, continuous."""
    last = int(np.max(np.nonzero(rho > TAIL)))
    return np.where(np.arange(grid.size) > last, v[last] * grid.r[last] / grid.r, v)


def kli_potential(
    grid: RadialGrid,
    f: np.ndarray,
    energies: np.ndarray,
    orbitals: list[np.ndarray],
    gradients: list[np.ndarray],
) -> np.ndarray:
    """The Krieger–Li–Iafrate potential of the orbital derivatives, → 0 at infinity (hartree)."""
    rho = sum(fi * c * c for fi, c in zip(f, orbitals, strict=True))
    safe = np.maximum(rho, 1e-60)
    slater = sum(c * g for c, g in zip(orbitals, gradients, strict=True)) / safe
    top = int(np.argmax(energies))
    others = [i for i in range(len(f)) if i != top]
    shift = np.zeros(len(f))
    if others:
        square = np.array([c * c for c in orbitals])
        mean = square @ slater - np.array([c @ g for c, g in zip(orbitals, gradients, strict=True)]) / f
        overlap = (square / safe) @ (square * f[:, None]).T
        block = np.ix_(others, others)
        shift[others] = np.linalg.solve((np.eye(len(f)) - overlap)[block], mean[others])
    v = slater + sum(fi * c * c * s for fi, c, s in zip(f, orbitals, shift, strict=True)) / safe
    return _tail(grid, v, rho)


def _solve_orbital_dependent(
    functional: Functional,
    ensemble: Ensemble,
    z: float,
    grid: RadialGrid,
    potential: str,
    start: np.ndarray | None,
    can_widen: bool,
) -> Solution:
    f = ensemble.occupations()
    nucleus = -z / grid.r
    v = _guess(z, grid) if start is None else start
    mixer = Mixer()
    # a few KLI iterations bring the potential, its tail above all, to where the response can take over
    kli_tolerance = POTENTIAL_TOLERANCE if potential == "kli" else 1e-3
    for iteration in range(1, MAX_ITERATIONS + 1):  # noqa: B007
        energies, orbitals, spectra = _occupied(grid, ensemble, v)
        hxc, gradients = energy_and_derivatives(functional, ensemble, grid, orbitals)
        rho = sum(fi * c * c for fi, c in zip(f, orbitals, strict=True))
        residual = kli_potential(grid, f, energies, orbitals, gradients) + nucleus - v
        size = float(np.sqrt(np.sum(rho * residual**2)))
        if size < kli_tolerance:
            break
        v = mixer.step(v, residual, np.sqrt(rho + 1e-12))
    else:
        raise NotConverged(f"KLI: the potential still changes by {size:.1e} hartree after {MAX_ITERATIONS} iterations")
    top = int(np.argmax(energies))
    if potential == "kli" or (can_widen and _unbound(grid, ensemble, energies, orbitals)):
        return _solution(functional, ensemble, z, grid, v, energies, orbitals, hxc, iteration, size, top)
    v, later, size = _stationary_potential(functional, ensemble, grid, f, nucleus, v, spectra)
    energies, orbitals, _ = _occupied(grid, ensemble, v)
    top = int(np.argmax(energies))
    _, gradients = energy_and_derivatives(functional, ensemble, grid, orbitals)
    v = v + _constant(f, top, orbitals, gradients, v - nucleus)
    energies, orbitals, _ = _occupied(grid, ensemble, v)
    return _solution(functional, ensemble, z, grid, v, energies, orbitals, hxc, iteration + later, size, top)


def _constant(f, top, orbitals, gradients, v_hxc) -> float:  # type: ignore[no-untyped-def]
    """The shift that makes the potential vanish at infinity: the highest orbital's mean equals its functional's."""
    c = orbitals[top]
    return float(c @ gradients[top] / f[top] - c @ (v_hxc * c))


def _stationary_potential(functional, ensemble, grid, f, nucleus, v, spectra):  # type: ignore[no-untyped-def]
    """Newton's method for δE/δv = 0 in the space of potentials that the response can see.

    The Jacobian is taken once by differences, which also holds where the response is a bad model of the
    curvature (two open shells: their rotation into each other changes the energy, not the density), and then
    updated after Broyden, Math. Comp. 19, 577 (1965).
    """
    basis = potential_basis(
        grid,
        ensemble,
        f,
        spectra,
        sum(fi * spectra[l][1][:, n - l - 1] ** 2 for (n, l), fi in zip(ensemble.shells, f, strict=True)),
    )

    def gradient(potential: np.ndarray) -> np.ndarray:
        _, orbitals, now = _occupied(grid, ensemble, potential)
        _, gradients = energy_and_derivatives(functional, ensemble, grid, orbitals)
        return basis.T @ _energy_gradient(grid, ensemble, f, nucleus, potential, now, orbitals, gradients)

    g = gradient(v)
    inverse, jacobians = None, 0
    for iteration in range(1, MAX_NEWTON + 1):
        size = float(np.linalg.norm(g))
        if size < GRADIENT_TOLERANCE:
            return v, iteration, size
        if inverse is None:
            jacobians += 1
            if jacobians > MAX_JACOBIANS:
                break
            jacobian = np.array([(gradient(v + DIFFERENCE * m) - g) / DIFFERENCE for m in basis.T]).T
            inverse = np.linalg.pinv(jacobian, rcond=1e-9)
            fresh = True
        step = -inverse @ g
        scale = 1.0
        while True:
            trial = gradient(v + basis @ (scale * step))
            if np.linalg.norm(trial) < size or scale < 1e-3:
                break
            scale *= 0.4
        if not np.linalg.norm(trial) < 0.3 * size and not fresh:
            inverse = None  # the Jacobian has aged
            continue
        if not np.linalg.norm(trial) < size:
            raise NotConverged(f"OEP: δE/δv stays at {size:.1e}: no step along Newton's direction lowers it")
        taken, change = scale * step, trial - g
        v, g = v + basis @ taken, trial
        if scale < 1.0:
            inverse = None
        else:
            fresh = False
            back = inverse @ change
            inverse = inverse + np.outer(taken - back, taken @ inverse) / (taken @ back)
    raise NotConverged(f"OEP: δE/δv is still {np.linalg.norm(g):.1e} after {iteration} Newton steps")


def _energy_gradient(grid, ensemble, f, nucleus, v, spectra, orbitals, gradients):  # type: ignore[no-untyped-def]
    """dE/dv at the points, (N,), through the first-order change of every orbital."""
    total = np.zeros(grid.size)
    for (n, l), fi, c, g in zip(ensemble.shells, f, orbitals, gradients, strict=True):
        energies, vectors = spectra[l]
        keep = np.arange(grid.size) != n - l - 1
        others = vectors[:, keep]
        # (f h_0 + ½∂E_Hxc/∂c) − f h_s acting on c: only the potentials' difference survives
        mismatch = others.T @ (g - fi * (v - nucleus) * c)
        total += 2 * c * (others @ (mismatch / (energies[n - l - 1] - energies[keep])))
    return total


def potential_basis(grid, ensemble, f, spectra, rho, cutoff=RESPONSE_CUTOFF) -> np.ndarray:  # type: ignore[no-untyped-def]
    """(N, K) changes of the potential, to each of which the orbitals respond with unit strength.

    Each is the Coulomb potential of a neutral charge cloud no wider than the density, hence smooth and without
    effect on the −1/r tail. They are the modes of the response in that space, every shell's response taken with
    a positive sign, down to `cutoff` times the strongest.
    """
    response = np.zeros((grid.size, grid.size))
    for (n, l), fi in zip(ensemble.shells, f, strict=True):
        energies, vectors = spectra[l]
        keep = np.arange(grid.size) != n - l - 1
        products = vectors[:, keep] * vectors[:, [n - l - 1]]
        response += 2 * fi * (products / np.abs(energies[n - l - 1] - energies[keep])) @ products.T
    root = np.sqrt(rho)
    neutral = np.eye(grid.size) - np.outer(root, root) / float(root @ root)
    clouds = grid.kernels[0] @ (root[:, None] * neutral)
    values, modes = np.linalg.eigh(clouds.T @ response @ clouds)
    keep = values > cutoff * values[-1]
    return clouds @ (modes[:, keep] / np.sqrt(values[keep]))


def _solution(functional, ensemble, z, grid, v, energies, orbitals, hxc, iterations, residual, top):  # type: ignore[no-untyped-def]
    f = ensemble.occupations()
    hxc, _ = energy_and_derivatives(functional, ensemble, grid, orbitals)
    kinetic = sum(
        fi * float(c @ grid.kinetic(l) @ c) for fi, c, (_, l) in zip(f, orbitals, ensemble.shells, strict=True)
    )
    external = sum(fi * float(c @ (c * (-z / grid.r))) for fi, c in zip(f, orbitals, strict=True))
    return Solution(
        ensemble,
        functional,
        grid,
        z,
        v,
        tuple(orbitals),
        energies,
        kinetic + external + hxc,
        kinetic,
        external,
        hxc,
        iterations,
        residual,
    )


class Mixer:
    """Anderson's extrapolation over the last few potentials. Anderson, J. ACM 12, 547 (1965)."""

    def __init__(self, memory: int = 8) -> None:
        self.memory = memory
        self.inputs: list[np.ndarray] = []
        self.residuals: list[np.ndarray] = []

    def step(self, x: np.ndarray, residual: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The next potential from `x` and its residual; the fit is weighted by `weight` (N,)."""
        self.inputs = [*self.inputs, x][-self.memory :]
        self.residuals = [*self.residuals, residual][-self.memory :]
        if len(self.inputs) == 1:
            return x + residual
        dx = np.array([a - x for a in self.inputs[:-1]])
        dr = np.array([a - residual for a in self.residuals[:-1]])
        gamma = np.linalg.lstsq((dr * weight).T, -residual * weight, rcond=1e-10)[0]
        return x + residual + gamma @ (dx + dr)
