"""Self-consistent screening: the polarizability of every atom in the field of all the others.

SCS: A. Tkatchenko, R. A. DiStasio Jr., R. Car, M. Scheffler, Phys. Rev. Lett. 108, 236402 (2012).
Range-separated, rsSCS: A. Ambrosetti, A. M. Reilly, R. A. DiStasio Jr., A. Tkatchenko, J. Chem. Phys. 140, 18A508
(2014). In the order of the equations:

    α(iu) = α/(1 + (u/ω)²)                    `Oscillators.polarizability`
    σ = (√(2/π) α(iu)/3)^(1/3)                `radial.gaussian_widths`
    T = (1 − f) · −∇∇ erf(r/σ_AB)/r           `radial.gaussian`, `radial.fermi`; f = 0 in SCS
    α̃_A(iu) = ⅓ Tr Σ_B [(α⁻¹ + T)⁻¹]_AB       `screen`
    C6 = (3/π) ∫ α̃²(iu) du, R̃ = R (α̃/α)^(1/3)  `screened_oscillators`
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmbench_mbd.errors import PolarizationCatastrophe
from qmbench_mbd.oscillators import Array, Oscillators, casimir_polder, frequency_grid
from qmbench_mbd.screening_equations import RangeSeparation, ScreeningEquations


@dataclass(frozen=True)
class Screening:
    """Oscillators before (`bare`) and after screening, and what the gradient needs besides: α(iu) after it (n_u, N),
    and the equations that were solved."""

    bare: Oscillators
    oscillators: Oscillators
    screened: Array
    equations: ScreeningEquations


def screen(o: Oscillators, separation: RangeSeparation | None, keep_factors: bool = False) -> Screening:
    """Self-consistent screening of atomic polarizabilities.

    α̃_A(iu) = ⅓ Tr Σ_B [(α⁻¹ + T)⁻¹]_AB, Tkatchenko et al. (2012), eq 6; Ambrosetti et al. (2014), eqs 12 and 13.
    `separation` is that of rsSCS, None for SCS; `keep_factors` those of all frequencies, for a gradient. Raises
    PolarizationCatastrophe if the response is not positive.
    """
    u, _ = frequency_grid()
    equations = ScreeningEquations(o, u, separation, keep_factors)
    screened = np.empty_like(equations.alpha)
    for k in range(len(u)):
        y = equations.dipoles(k)  # of atom and component by direction of a uniform field
        screened[k] = y.T.reshape(3, 3, -1).trace() / 3
    return Screening(o, screened_oscillators(o, screened), screened, equations)


def screened_oscillators(o: Oscillators, screened: Array) -> Oscillators:
    """Oscillators from α̃(iu) (n_u, N) on the grid: C6 by Casimir–Polder, radii by the cube root of the static change.

    Raises PolarizationCatastrophe naming the atoms whose screened polarizability is not positive.
    """
    bad = np.flatnonzero((screened <= 0).any(0))
    if len(bad):
        names = ", ".join(str(i + 1) for i in bad[:10])
        raise PolarizationCatastrophe(
            f"polarization catastrophe: screened polarizability not positive on atoms {names}"
        )
    _, weights = frequency_grid()
    return Oscillators(
        o.positions, screened[0], casimir_polder(screened, weights), o.radii * np.cbrt(screened[0] / o.alpha)
    )
