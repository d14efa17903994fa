"""States of light and matter in a product of electronic states and photon numbers, and what is observed of them.

A state is an array (photon states, electronic states). The photon states are all products of 0 … N photons in each
mode. Operators of the field are small matrices, those of the electrons act through a function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from qmbench import Unsupported
from qmbench_light.two_polaritons import check_two_absorb

# Of the light that the ground state absorbs, the two polaritons and the other states found have at least this part.
SEEN = 0.9


@dataclass(frozen=True)
class PhotonSpace:
    """0 … `photons` photons in each of the modes. frequencies: (modes,), hartree."""

    photons: int
    frequencies: np.ndarray

    @property
    def occupations(self) -> np.ndarray:
        """(states, modes) photon numbers."""
        return np.array(list(product(range(self.photons + 1), repeat=len(self.frequencies))))

    @property
    def size(self) -> int:
        return int((self.photons + 1) ** len(self.frequencies))

    @property
    def energies(self) -> np.ndarray:
        """(states,) Σ ω n, hartree."""
        return np.asarray(self.occupations @ self.frequencies)

    @property
    def fields(self) -> np.ndarray:
        """(modes, states, states) matrices of b + b†."""
        one = np.diag(np.sqrt(np.arange(1.0, self.photons + 1)), 1)
        one, unit = one + one.T, np.eye(self.photons + 1)
        found = []
        for mode in range(len(self.frequencies)):
            matrix = np.eye(1)
            for other in range(len(self.frequencies)):
                matrix = np.kron(matrix, one if other == mode else unit)
            found.append(matrix)
        return np.array(found)


@dataclass(frozen=True)
class Light:
    """What the field is like in the states found. photon_numbers: (modes,) of the ground state. brightness: (states,)
    Σ_α |⟨k|b + b†|0⟩|². total: the sum of it over all states but the ground state. highest: weight of the ground state
    in the highest photon number kept."""

    photon_numbers: np.ndarray
    brightness: np.ndarray
    total: float
    highest: float


@dataclass(frozen=True)
class Polaritons:
    """Hartree. splitting: upper less lower polariton. rabi: 2g, what of it is coupling; detuning: the transition less
    the mode, what of it is not: splitting² = rabi² + detuning²."""

    splitting: float
    rabi: float
    detuning: float


def polaritons(energies: np.ndarray, light: Light) -> Polaritons:
    """Of the two brightest excited states. Unsupported where there are not two, or some are missing.

    Coupling and detuning are those of the two states of one photon and one excitation whose mixtures have the light
    that the polaritons have (Jaynes and Cummings), w of the lower and W of the upper one: 2g = splitting·2√(wW)/(w + W)
    and detuning = splitting·(w − W)/(w + W), positive where the lower one is more of a photon.
    """
    bright = light.brightness[1:]
    if bright.sum() < SEEN * light.total or len(bright) < 2:
        raise Unsupported(
            f"the {len(bright)} excited states computed have {bright.sum() / light.total:.0%} of the light that the "
            "ground state absorbs: raise n_states to find both polaritons"
        )
    first, second = sorted(1 + np.argsort(-bright)[:2])
    lower, upper = light.brightness[first], light.brightness[second]
    check_two_absorb(min(lower, upper), light.total)
    gap = float(energies[second] - energies[first])
    both = lower + upper
    return Polaritons(gap, gap * 2 * float(np.sqrt(lower * upper) / both), gap * float((lower - upper) / both))


def field_light(
    space: PhotonSpace,
    states: Sequence[np.ndarray],
    moved: Sequence[np.ndarray],
    squares: np.ndarray,
) -> Light:
    """The light of `states`, arrays (photon states, electronic states), the ground state first.

    moved: of each mode, λ·(μ − z) on the electrons of the ground state, an array like it. squares: (modes,)
    ⟨(λ·(μ − z))²⟩ of it. z is the dipole that the photon basis is displaced by. The photon number is that of the
    transverse electric field, ⟨(b − D)†(b − D)⟩ with D = λ·(μ − z)/√(2ω): in the length gauge b†b counts quanta of the
    displacement field, to which the molecule's own polarization belongs (Schäfer et al., ACS Photonics 7, 975 (2020)).
    """
    ground, occupations, fields = states[0], space.occupations, space.fields
    weight = np.einsum("pe,pe->p", ground, ground)
    counts = weight @ occupations
    along = np.array([np.einsum("pq,qe->pe", f, ground) for f in fields])
    mixed = np.array([np.sum(a * m) for a, m in zip(along, moved, strict=True)])
    numbers = counts - mixed / np.sqrt(2 * space.frequencies) + squares / (2 * space.frequencies)
    amplitudes = np.array([[np.sum(state * a) for a in along] for state in states])
    total = float(np.sum(along**2) - np.sum(amplitudes[0] ** 2))
    highest = float(weight[(occupations == space.photons).any(axis=1)].sum())
    return Light(numbers, np.sum(amplitudes**2, axis=1), total, highest)
