"""Dispersion in crystals: energy per cell, analytic forces and stress, for TS and the MBD variants.

Energies in hartree per cell, lengths in bohr; stress is (1/V) dE/dε in hartree/bohr³. MBD in reciprocal space:
A. Ambrosetti et al., J. Chem. Phys. 140, 18A508 (2014); T. Bučko, S. Lebègue, T. Gould, J. G. Ángyán,
J. Phys.: Condens. Matter 28, 045201 (2016).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qmbench_mbd.dipole import Pairs, per_atom
from qmbench_mbd.errors import PolarizationCatastrophe, refuse_imaginary, refuse_negative_response
from qmbench_mbd.ewald import (
    Coupling,
    PeriodicOscillators,
    Splitting,
    contract_lattice,
    dipole_matrices,
    images,
    k_points,
    lattice_points,
    splitting,
)
from qmbench_mbd.models import COUPLING_OF_VARIANT, check_variant, combined_c6, range_separation
from qmbench_mbd.oscillators import Array, Gradient, frequency_grid
from qmbench_mbd.parameters import MBD_STEEPNESS, TS_STEEPNESS
from qmbench_mbd.radial import exponential, fermi, gaussian, gaussian_widths, long_range, short_range
from qmbench_mbd.screening import screened_oscillators
from qmbench_mbd.screening_equations import RangeSeparation, short_range_part
from qmbench_mbd.screening_gradient import through_screened_oscillators

# A damping tail is dropped below exp(-34), twice the digits of a double.
_TAIL = 34.0


@dataclass(frozen=True)
class CrystalGradient(Gradient):
    """Derivatives of the energy per cell, also dE/dε (3, 3) in hartree, at fixed volume ratios."""

    strain: Array


def _coupling(c: PeriodicOscillators, beta: float, steepness: float, kind: str) -> Coupling:
    length = c.oscillators.damping_lengths(beta)
    if kind == "fermi":
        reach = float(length.max()) * (1 + _TAIL / steepness)
        return Coupling(lambda p, d: long_range(p.distance, length, steepness, d), reach, True)
    reach = float(length.max()) * (_TAIL + 4) ** (1 / steepness)
    return Coupling(lambda p, d: exponential(p.distance, length, steepness, d), reach, True)


def _screening_coupling(c: PeriodicOscillators, alpha: Array, separation: RangeSeparation | None) -> Coupling:
    sigma = gaussian_widths(alpha)
    width = np.sqrt(sigma[:, None] ** 2 + sigma[None, :] ** 2)
    if separation is None:
        return Coupling(lambda p, d: gaussian(p.distance, width, d), 7 * float(width.max()), True)
    beta, steepness = separation
    length = c.oscillators.damping_lengths(beta)
    reach = float(length.max()) * (1 + _TAIL / steepness)
    return Coupling(lambda p, d: short_range(p.distance, length, steepness, width, d), reach, False)


_GAMMA = np.zeros((1, 3))


def _screened_response(c: PeriodicOscillators, alpha: Array, coupling: Coupling, s: Splitting, u: float) -> tuple:
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    n = len(alpha)
    matrix = dipole_matrices(c, coupling, _GAMMA, s)[0].real.reshape(3 * n, 3 * n)
    matrix = matrix + np.diag(np.tile(1 / alpha, 3))
    try:
        factor = cho_factor(matrix, lower=True)
    except LinAlgError:
        refuse_negative_response(matrix, alpha, u)
    return factor, cho_solve(factor, np.kron(np.eye(3), np.ones((n, 1))))


def _screen(c: PeriodicOscillators, separation: RangeSeparation | None, s: Splitting) -> tuple:
    """The crystal with screened oscillators, and their α̃(iu), (n_u, N)."""
    u, _ = frequency_grid()
    alpha = c.oscillators.polarizability(u)
    screened = np.empty_like(alpha)
    for k in range(len(u)):
        _, y = _screened_response(c, alpha[k], _screening_coupling(c, alpha[k], separation), s, float(u[k]))
        screened[k] = np.einsum("cic->i", y.reshape(3, -1, 3)) / 3
    return replace(c, oscillators=screened_oscillators(c.oscillators, screened)), screened


def _modes(
    c: PeriodicOscillators, coupling: Coupling, s: Splitting, ks: Array, vectors: bool
) -> tuple[Array, Array, Array]:
    """Dipole matrices, ω² and modes at all k."""
    o = c.oscillators
    n = len(o.alpha)
    t = dipole_matrices(c, coupling, ks, s)
    strength = np.tile(o.strength, 3)
    v = t.reshape(len(ks), 3 * n, 3 * n) * np.outer(strength, strength) + np.diag(np.tile(o.omega**2, 3))
    squared, modes = (np.linalg.eigh(v)) if vectors else (np.linalg.eigvalsh(v), np.empty(0))
    for i, values in enumerate(squared):
        try:
            if values[0] <= 0:
                refuse_imaginary(values, modes[i] if vectors else np.linalg.eigh(v[i])[1], n)
        except PolarizationCatastrophe as error:
            raise PolarizationCatastrophe(f"at k = {np.round(ks[i], 4).tolist()}: {error}") from None
    return t, squared, modes


def crystal_mbd_energy(
    c: PeriodicOscillators, beta: float, steepness: float = MBD_STEEPNESS, variant: str = "rsscs", scale: float = 2.5
) -> float:
    """MBD energy per cell in hartree; `variant` as in `models.mbd_energy`. `scale` sets the Ewald splitting and
    changes nothing but the time. Raises PolarizationCatastrophe."""
    check_variant(variant)
    s = splitting(c.lattice, scale)
    if variant != "plain":
        c, _ = _screen(c, range_separation(beta, steepness, variant), s)
    ks = k_points(c.k_grid)
    _, squared, _ = _modes(c, _coupling(c, beta, steepness, COUPLING_OF_VARIANT[variant]), s, ks, False)
    return float(0.5 * np.sqrt(squared).sum() / len(ks) - 1.5 * c.oscillators.omega.sum())


def crystal_mbd_gradient(
    c: PeriodicOscillators, beta: float, steepness: float = MBD_STEEPNESS, variant: str = "rsscs", scale: float = 2.5
) -> tuple[float, CrystalGradient]:
    """MBD energy per cell (hartree) with forces' and strain derivatives at fixed volume ratios."""
    check_variant(variant)
    s = splitting(c.lattice, scale)
    if variant == "plain":
        return _coupled_gradient(c, beta, steepness, COUPLING_OF_VARIANT[variant], s)
    separation = range_separation(beta, steepness, variant)
    inner, screened = _screen(c, separation, s)
    energy, outer = _coupled_gradient(inner, beta, steepness, COUPLING_OF_VARIANT[variant], s)
    return energy, _through_screening(c, inner, s, separation, screened, outer)


def _coupled_gradient(
    c: PeriodicOscillators, beta: float, steepness: float, kind: str, s: Splitting
) -> tuple[float, CrystalGradient]:
    """Energy per cell and derivatives of coupled oscillators taken as they are: dE/dV = ¼ V^(−½) at every k."""
    o = c.oscillators
    n = len(o.alpha)
    ks = k_points(c.k_grid)
    coupling = _coupling(c, beta, steepness, kind)
    t, squared, modes = _modes(c, coupling, s, ks, True)
    energy = 0.5 * np.sqrt(squared).sum() / len(ks) - 1.5 * o.omega.sum()
    half = modes * squared[:, None, :] ** -0.25
    by_v = (0.25 / len(ks) * half @ half.conj().transpose(0, 2, 1)).reshape(len(ks), 3, n, 3, n)
    scale = (o.strength[:, None] * o.strength[None, :])[None, :, None, :]
    g = contract_lattice(c, coupling, ks, s, by_v * scale)
    by_strength = 2 * np.einsum("kcidj,kcidj,j->i", by_v.conj(), t, o.strength).real
    by_omega = 2 * o.omega * np.einsum("kcici->i", by_v).real - 1.5
    by_alpha, by_c6 = o.through_coupling(by_strength, by_omega)
    by_radii = beta * (g.by_parameter + g.by_parameter.T).sum(1)
    return float(energy), CrystalGradient(g.positions, by_alpha, by_c6, by_radii, g.strain)


def _through_screening(
    c: PeriodicOscillators,
    inner: PeriodicOscillators,
    s: Splitting,
    separation: RangeSeparation | None,
    screened: Array,
    outer: CrystalGradient,
) -> CrystalGradient:
    """As `screening_gradient.through_screening`, of a crystal `c` whose screened oscillators are `inner`."""
    from scipy.linalg import cho_solve

    o = c.oscillators
    n = len(o.alpha)
    u, _ = frequency_grid()
    alpha = o.polarizability(u)
    by_screened, by_alpha, by_radii = through_screened_oscillators(o, inner.oscillators, screened, outer)
    positions, strain = outer.positions.copy(), outer.strain.copy()
    by_dynamic = np.zeros_like(alpha)
    for k in range(len(u)):
        coupling = _screening_coupling(c, alpha[k], separation)
        factor, y = _screened_response(c, alpha[k], coupling, s, float(u[k]))
        x = cho_solve(factor, np.kron(np.eye(3), by_screened[k][:, None]))
        response = -(x @ y.T) / 3
        response = (0.5 * (response + response.T)).reshape(1, 3, n, 3, n)
        by_dynamic[k] = -np.einsum("cici->i", response[0]) / alpha[k] ** 2
        sigma = gaussian_widths(alpha[k])
        width = np.sqrt(sigma[:, None] ** 2 + sigma[None, :] ** 2)

        def by_length(p: Pairs, by_a: Array, by_b: Array, width: Array = width) -> Array:
            t = gaussian(p.distance, width)
            _, _, g_s = short_range_part(o, p.distance, separation, True)
            return (by_a * t.a + by_b * t.b) * g_s

        g = contract_lattice(c, coupling, _GAMMA, s, response, by_length if separation else None)
        positions += g.positions
        strain += g.strain
        by_dynamic[k] += ((g.by_parameter + g.by_parameter.T) / width).sum(1) * sigma**2 / (3 * alpha[k])
        if separation is not None:
            by_radii += separation.beta * (g.extra + g.extra.T).sum(1)
    dynamic_alpha, by_c6 = o.through_polarizability(u, by_dynamic)
    return CrystalGradient(positions, by_alpha + dynamic_alpha, by_c6, by_radii, strain)


def crystal_ts_gradient(
    c: PeriodicOscillators, s_r: float, steepness: float = TS_STEEPNESS, scale: float = 2.5
) -> tuple[float, Array, Array]:
    """TS energy per cell (hartree), dE/dr (N, 3), dE/dε (3, 3), at fixed volume ratios.

    r⁻⁶ = ½ ∫ t² exp(−r²t) dt is split at t = η²; N. Karasawa and W. A. Goddard, J. Phys. Chem. 93, 7320 (1989).
    """
    from scipy.special import erfc

    o = c.oscillators
    n = len(o.alpha)
    s = splitting(c.lattice, scale)
    c6 = combined_c6(o.alpha, o.c6)
    length = o.damping_lengths(s_r)
    energy, positions, strain = 0.0, np.zeros((n, 3)), np.zeros((3, 3))
    for _, p in images(c, max(s.real, float(length.max()) * (1 + _TAIL / steepness))):
        r, z2 = p.distance, (s.eta * p.distance) ** 2
        f, f_r, _ = fermi(r, length, steepness, True)
        gauss = np.exp(-z2)
        shape = gauss * (1 + z2 + z2 * z2 / 2) + f - 1
        slope = -gauss * z2**3 / r + f_r
        inv6 = p.mask / r**6
        energy -= 0.5 * float(np.sum(c6 * shape * inv6))
        pull = -0.5 * c6 * inv6 * (slope - 6 * shape / r) / r
        gradient = pull * p.vector
        positions += per_atom(gradient.sum(1))
        strain += np.einsum("alij,blij->ab", gradient, p.vector)
    reciprocal = 2 * np.pi * np.linalg.inv(c.lattice).T
    for triple in lattice_points(reciprocal, s.reciprocal):
        q = triple @ reciprocal
        b = float(np.linalg.norm(q)) / (2 * s.eta)
        front = np.pi**1.5 * s.eta**3 / (3 * c.volume)
        value = front * ((1 - 2 * b * b) * np.exp(-b * b) + 2 * np.sqrt(np.pi) * b**3 * erfc(b))
        slope = front * (6 * np.sqrt(np.pi) * b * b * erfc(b) - 6 * b * np.exp(-b * b))
        phase = np.exp(1j * (o.positions @ q))
        side = c6 @ phase.conj() * phase
        total = -0.5 * float(side.sum().real)
        energy += total * value
        positions += -0.5 * value * 2 * np.real(1j * side)[:, None] * q
        strain -= np.eye(3) * total * value
        if b > 0:
            strain -= total * slope * np.outer(q, q) / (4 * s.eta**2 * b)
    energy += float(np.sum(np.diag(c6))) * s.eta**6 / 12
    return float(energy), positions, strain
