"""QED-CCSD-1: coupled cluster of electrons and photons, e^T with T = T1 + T2 + Σ_m (γ_m + S1_m + S2_m) b†_m.

Haugland, Ronca, Kjønstad, Rubio, Koch, Phys. Rev. X 10, 041043 (2020), section IV. For closed shells, in the coherent
states of QED-HF, where H = H_e + Σ_m [ω_m b†b + D_m (b + b†)]: H_e has the dipole self-energy, and D_m = −√(ω_m/2)
λ_m·(μ − ⟨μ⟩) has no expectation in the determinant.

With X̄ = e^(−T1−T2) X e^(T1+T2) and S_m = γ_m + S1_m + S2_m, what is to vanish is, in the determinant's singles and
doubles, and with one photon in mode m also in the determinant itself,

    no photon:   H̄_e + Σ_n D̄_n S_n
    one photon:  [H̄_e, S_m] + ω_m S_m + D̄_m + Σ_n [D̄_n, S_m] S_n

and the energy is the first line in the determinant. No more is needed than the projections of H̄_e (CCSD's, by PySCF)
and of D̄: a commutator with S is their derivative by T along S, exactly, and D̄ S = S D̄ + [D̄, S].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qmbench import NotConverged, ResourceError, Resources
from qmbench_light.molecules.hamiltonian import CavityIntegrals

# The derivative by a complex step has no cancellation: any step is good that is lost beside 1.
STEP = 1e-30
# Arrays as large as all two-electron integrals that are held at once: the integrals, their transformation and Wvvvv,
# which a complex derivative has twice.
ARRAYS = 5


class Cluster(NamedTuple):
    """Spin-adapted amplitudes of excitations, or projections onto them. scalar: of the determinant. singles: (o, v).

    doubles: (o, o, v, v), of i↑ → a↑ with j↓ → b↓, symmetric in the pairs (i, a), (j, b).
    """

    scalar: Any
    singles: np.ndarray
    doubles: np.ndarray

    def plus(self, other: Cluster, factor: Any = 1.0) -> Cluster:
        """This and `factor` times the other."""
        return Cluster(*(one + factor * two for one, two in zip(self, other, strict=True)))

    def times(self, other: Cluster) -> Cluster:
        """The product of two excitation operators, up to doubles."""
        (a, one, two), (b, uno, due) = self, other
        both = np.einsum("ia,jb->ijab", one, uno)
        return Cluster(a * b, a * uno + b * one, a * due + b * two + both + both.transpose(1, 0, 3, 2))

    def flat(self) -> np.ndarray:
        return np.concatenate([np.atleast_1d(self.scalar), self.singles.ravel(), self.doubles.ravel()])

    def shaped(self, flat: np.ndarray) -> Cluster:
        """The same from `flat`, with this one's shapes."""
        cut = 1 + self.singles.size
        return Cluster(flat[0], flat[1:cut].reshape(self.singles.shape), flat[cut:].reshape(self.doubles.shape))


@dataclass(frozen=True)
class CoupledCluster:
    """Energy in hartree. electrons: T1, T2 (its scalar is 0); photons: γ, S1, S2 of each mode."""

    energy: float
    electrons: Cluster
    photons: list[Cluster]
    iterations: int


def dipole_projections(operator: np.ndarray, occupied: int, cluster: Cluster) -> Cluster:
    """⟨·|e^(−T) D e^T|0⟩ of a one-electron operator (n, n) without expectation in the determinant."""
    _, t1, t2 = cluster
    oo, ov = operator[:occupied, :occupied], operator[:occupied, occupied:]
    vv = operator[occupied:, occupied:] - t1.T @ ov
    dressed = oo + ov @ t1.T
    singles = ov + t1 @ operator[occupied:, occupied:].T - dressed.T @ t1
    singles = singles + 2 * np.einsum("kc,ikac->ia", ov, t2) - np.einsum("kc,ikca->ia", ov, t2)
    doubles = np.einsum("bc,ijac->ijab", vv, t2) - np.einsum("kj,ikab->ijab", dressed, t2)
    return Cluster(2 * np.sum(ov * t1), singles, doubles + doubles.transpose(1, 0, 3, 2))


class Equations:
    """The equations on a converged restricted QED-HF `mf`. ResourceError where its integrals are too many."""

    def __init__(self, mf: Any, cavity: CavityIntegrals, resources: Resources) -> None:
        from pyscf import ao2mo, cc
        from pyscf.cc import rccsd

        c = mf.mo_coeff
        self.occupied, n = int(np.count_nonzero(mf.mo_occ)), c.shape[1]
        needed = ARRAYS * 8.0 * n**4
        if needed > (resources.memory_gib or 4.0) * 2**30:
            raise ResourceError(f"QED-CCSD-1 of {n} orbitals needs {needed / 2**30:.1f} GiB, more than there is")
        self.frequencies = cavity.frequencies
        dipoles = np.array([c.T @ d @ c for d in cavity.dipole])
        self.couplings = -np.sqrt(cavity.frequencies / 2)[:, None, None] * dipoles
        integrals = ao2mo.restore(1, ao2mo.kernel(mf.mol, c), n)
        integrals += np.einsum("apq,ars->pqrs", dipoles, dipoles, optimize=True)
        self._program = cc.rccsd.RCCSD(mf)
        o, v = slice(0, self.occupied), slice(self.occupied, n)
        eris = rccsd._ChemistsERIs()
        eris.fock = c.T @ mf.get_fock(dm=mf.make_rdm1()) @ c
        eris.mo_energy = np.diag(eris.fock).copy()
        spaces = {"o": o, "v": v}
        for block in ("oooo", "ovoo", "ovov", "oovv", "ovvo", "ovvv", "vvvv"):
            setattr(eris, block, integrals[tuple(spaces[letter] for letter in block)].copy())
        self._eris = eris
        energies = eris.mo_energy
        gaps = energies[v][None, :] - energies[o][:, None]
        self.gaps = Cluster(0.0, gaps, gaps[:, None, :, None] + gaps[None, :, None, :])

    def zero(self) -> Cluster:
        """No excitation."""
        return Cluster(0.0, np.zeros(self.gaps.singles.shape), np.zeros(self.gaps.doubles.shape))

    def electrons(self, cluster: Cluster) -> Cluster:
        """⟨·|e^(−T) H_e e^T|0⟩ less the QED-HF energy: CCSD's energy and residuals, also of complex amplitudes."""
        from pyscf.cc import rccsd

        _, t1, t2 = cluster
        new = rccsd.update_amps(self._program, t1, t2, self._eris)
        tau = t2 + np.einsum("ia,jb->ijab", t1, t1)
        exchanged = 2 * tau - tau.transpose(0, 1, 3, 2)
        energy = 2 * np.sum(self._eris.fock[: self.occupied, self.occupied :] * t1)
        energy = energy + np.einsum("ijab,iajb->", exchanged, self._eris.ovov)
        # PySCF's new amplitudes are the old ones less residuals over gaps.
        return Cluster(energy, -(new[0] - t1) * self.gaps.singles, -(new[1] - t2) * self.gaps.doubles)

    def dipole(self, mode: int) -> Callable[[Cluster], Cluster]:
        """D̄ of a mode, as a function of the cluster."""
        return lambda cluster: dipole_projections(self.couplings[mode], self.occupied, cluster)

    def residuals(self, electrons: Cluster, photons: Sequence[Cluster]) -> tuple[Cluster, list[Cluster]]:
        """What is to vanish without a photon (but for the scalar, the energy) and with one photon in each mode."""
        none = self.electrons(electrons)
        one = []
        for mode, (omega, s) in enumerate(zip(self.frequencies, photons, strict=True)):
            commutator = _complex_step(self.electrons, electrons, s)
            one.append(commutator.plus(s, omega).plus(self.dipole(mode)(electrons)))
        for n, s in enumerate(photons):
            dipole = self.dipole(n)
            none = none.plus(s.times(dipole(electrons))).plus(_slope(dipole, electrons, s))
            for m, other in enumerate(photons):
                here, there = _slope(dipole, electrons, other), _slope(dipole, electrons.plus(s), other)
                one[m] = one[m].plus(s.times(here)).plus(there).plus(here, -1.0)
        return none, one


def _complex_step(function: Callable[[Cluster], Cluster], at: Cluster, along: Cluster) -> Cluster:
    """The derivative of `function`, which is analytic, at `at` along a direction; exact to rounding."""
    found = function(Cluster(*(np.asarray(one) + 1j * STEP * two for one, two in zip(at, along, strict=True))))
    return Cluster(*(np.imag(part) / STEP for part in found))


def _slope(function: Callable[[Cluster], Cluster], at: Cluster, along: Cluster) -> Cluster:
    """The same of a function of second degree, as D̄ is of T: half a difference, exactly."""
    ahead, behind = function(at.plus(along)), function(at.plus(along, -1.0))
    return Cluster(*(0.5 * (one - two) for one, two in zip(ahead, behind, strict=True)))


def solve(mf: Any, cavity: CavityIntegrals, resources: Resources, tolerance: float, max_cycle: int) -> CoupledCluster:
    """QED-CCSD-1 on a converged restricted QED-HF `mf`, all residuals below `tolerance` (norm). NotConverged."""
    from pyscf import lib

    equations = Equations(mf, cavity, resources)
    electrons = equations.zero()
    photons = [equations.zero() for _ in equations.frequencies]
    gaps = equations.gaps.flat()
    gaps[0] = np.inf  # T has no scalar
    scales = np.concatenate([gaps, *(equations.gaps.flat() + omega for omega in equations.frequencies)])
    size, diis, last = len(gaps), lib.diis.DIIS(), np.inf
    diis.space, diis.verbose = 10, 0
    for cycle in range(1, max_cycle + 1):
        none, one = equations.residuals(electrons, photons)
        energy = float(none.scalar)
        residual = np.concatenate([x.flat() for x in (none._replace(scalar=0.0), *one)])
        norm = float(np.linalg.norm(residual))
        if not np.isfinite(norm):
            break
        if norm < tolerance and abs(energy - last) < tolerance:
            return CoupledCluster(mf.e_tot + energy, electrons, photons, cycle)
        last = energy
        step = -residual / scales
        vector = diis.update(np.concatenate([x.flat() for x in (electrons, *photons)]) + step, step)
        electrons, *photons = (electrons.shaped(part) for part in np.split(vector, len(vector) // size))
    raise NotConverged(f"QED-CCSD-1: residuals not below {tolerance:g} in {max_cycle} iterations")
