"""Exact ground states of the lattices of benchmarks/hubbard, and the Lieb–Wu energy of the infinite chain.

H = -t sum_{<ij>,s} (c+_is c_js + h.c.) + U sum_i n_iu n_id + sum_i e_i n_i, one bond from every site to its neighbour
in the positive sense of each direction; an antiperiodic direction flips the sign of the bonds that cross its edge.

The state is a matrix psi[up configuration, down configuration], so H psi = T_up psi + psi T_down^T + U (D psi), with
sparse one-spin hopping matrices T and the double occupancy D; its lowest eigenvalue comes from Lanczos iterations.

Run: python tools/references/hubbard.py [NAME …]
"""

import sys
import tomllib
from itertools import combinations, pairwise, product
from math import prod
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
WRAP = {"periodic": 1.0, "antiperiodic": -1.0, "open": 0.0}


def hopping(lattice, boundary, t=1.0, onsite=None):
    """One-particle matrix (n, n), last direction fastest."""
    sites = list(product(*(range(length) for length in lattice)))
    number = {site: i for i, site in enumerate(sites)}
    h = np.zeros((len(sites), len(sites)))
    for site in sites:
        for axis, length in enumerate(lattice):
            neighbour = list(site)
            neighbour[axis] = (site[axis] + 1) % length
            sign = 1.0 if site[axis] + 1 < length else WRAP[boundary[axis]]
            i, j = number[site], number[tuple(neighbour)]
            h[i, j] -= t * sign
            h[j, i] -= t * sign
    if onsite:
        h[np.diag_indices(len(sites))] += np.asarray(onsite, dtype=float)
    return h


def configurations(sites, electrons):
    """Bit patterns with `electrons` of `sites` set, ascending."""
    return sorted(sum(1 << i for i in chosen) for chosen in combinations(range(sites), electrons))


def one_spin_matrix(h, patterns):
    """Sparse matrix of sum_ij h_ij c+_i c_j in the basis `patterns` (Jordan–Wigner order: lowest site first)."""
    from scipy.sparse import csr_matrix

    index = {pattern: k for k, pattern in enumerate(patterns)}
    bonds = [(i, j, h[i, j]) for i, j in np.argwhere(h != 0)]
    rows, columns, values = [], [], []
    for column, pattern in enumerate(patterns):
        for i, j, amplitude in bonds:
            if not pattern >> j & 1:
                continue
            without = pattern & ~(1 << int(j))
            if without >> i & 1:
                continue
            low, high = sorted((int(i), int(j)))
            between = without & ((1 << high) - 1) & ~((1 << (low + 1)) - 1)
            rows.append(index[without | 1 << int(i)])
            columns.append(column)
            values.append(amplitude * (-1) ** between.bit_count())
    return csr_matrix((values, (rows, columns)), shape=(len(patterns), len(patterns)))


def lanczos(apply, start, tolerance=1e-12, steps=400):
    """Lowest eigenvalue and eigenvector of a symmetric operator on arrays like `start` (two passes, three vectors)."""
    from scipy.linalg import eigh_tridiagonal

    def iterate(weights=None):
        v, before = start / np.linalg.norm(start), np.zeros_like(start)
        alpha, beta, total = [], [], None if weights is None else weights[0] * v
        for step in range(steps):
            w = apply(v) - (beta[-1] * before if beta else 0.0)
            alpha.append(np.vdot(v, w).real)
            w -= alpha[-1] * v
            if weights is not None and step + 1 == len(weights):
                return total
            values, vectors = eigh_tridiagonal(alpha, beta, select="i", select_range=(0, 0))
            norm = float(np.linalg.norm(w))
            if weights is None and (norm * abs(vectors[-1, 0]) < tolerance**0.5 * 1e-2 or norm < 1e-13):
                return float(values[0]), vectors[:, 0]
            beta.append(norm)
            v, before = w / norm, v
            if weights is not None:
                total += weights[step + 1] * v
        raise RuntimeError(f"Lanczos not converged in {steps} steps")

    energy, weights = iterate()
    return energy, iterate(weights)


def total_spin_raised(psi, up, down, sites):
    """|S+ psi|^2 for a state with equal numbers of up and down electrons: 0 for a singlet."""
    if len(down) == 1:
        return 0.0
    ups, downs = up[0].bit_count(), down[0].bit_count()
    rows = {pattern: k for k, pattern in enumerate(configurations(sites, ups + 1))}
    columns = {pattern: k for k, pattern in enumerate(configurations(sites, downs - 1))}
    raised = np.zeros((len(rows), len(columns)))
    for site in range(sites):
        bit, below = 1 << site, (1 << site) - 1
        free = [(k, rows[p | bit], (-1) ** (p & below).bit_count()) for k, p in enumerate(up) if not p & bit]
        held = [(k, columns[p & ~bit], (-1) ** (p & below).bit_count()) for k, p in enumerate(down) if p & bit]
        source, target, sign = (np.array(x) for x in zip(*free, strict=True))
        source2, target2, sign2 = (np.array(x) for x in zip(*held, strict=True))
        raised[np.ix_(target, target2)] += psi[np.ix_(source, source2)] * sign[:, None] * sign2[None, :]
    return float(np.sum(raised**2))


def ground_state(table, seed=1):
    """(E, |S+ psi|^2) of one table of systems.toml, M_S = 0, total energy in units of t."""
    sites = prod(table["lattice"])
    if table["multiplicity"] != 1:
        raise ValueError("only singlets are computed here")
    electrons = table["electrons"] // 2
    patterns = configurations(sites, electrons)
    h = hopping(table["lattice"], table["boundary"], table["t"], table.get("onsite"))
    kinetic = one_spin_matrix(h, patterns)
    occupied = np.array([[pattern >> site & 1 for site in range(sites)] for pattern in patterns], dtype=float)
    double = table["u"] * (occupied @ occupied.T)

    def apply(psi):
        return kinetic @ psi + (kinetic @ psi.T).T + double * psi

    start = np.random.default_rng(seed).normal(size=(len(patterns), len(patterns)))
    # psi^T = (-1)^S psi for M_S = 0, so a symmetric start leaves odd S out; the caller sees |S+ psi|^2 for the rest.
    energy, psi = lanczos(apply, start + start.T)
    return energy, total_spin_raised(psi, patterns, patterns, sites)


def lieb_wu(u, t=1.0):
    """Energy per site of the infinite half-filled chain. Lieb and Wu, Phys. Rev. Lett. 20, 1445 (1968), eq. (20).

    E/(L t) = -4 int_0^inf J_0(x) J_1(x) / (x (1 + exp(x U / 2t))) dx.
    """
    from scipy.integrate import quad
    from scipy.special import expit, j0, j1

    def integrand(x):
        return (j0(x) * j1(x) / x if x > 0 else 0.5) * expit(-x * u / (2 * t))

    cut = 80.0 * t / u
    edges = np.linspace(0.0, cut, 41)
    return -4 * t * sum(quad(integrand, a, b, epsabs=1e-15)[0] for a, b in pairwise(edges))


def bethe_ansatz(u, filling, points=80):
    """Energy per site (t = 1) of the infinite unmagnetized chain with 0 < `filling` < 1 electrons per site.

    rho(k) = 1/2pi + cos k int_-Q^Q R(sin k - sin q) rho(q) dq, R(x) = int_0^inf cos(w x) / (1 + exp(w u / 2)) dw / pi;
    filling = int rho, E/L = -2 int cos k rho: Essler et al., The One-Dimensional Hubbard Model, ch. 6 (2005).
    """
    from scipy.optimize import brentq

    w, w_weights = np.polynomial.legendre.leggauss(400)
    top = 80.0 / u
    w, w_weights = (w + 1) * top / 2, w_weights * top / 2
    damped = w_weights / (np.pi * (1 + np.exp(w * u / 2)))
    x, x_weights = np.polynomial.legendre.leggauss(points)

    def density(edge):
        k, weights = edge * x, edge * x_weights
        kernel = np.cos((np.sin(k)[:, None] - np.sin(k)[None, :])[:, :, None] * w) @ damped
        rho = np.linalg.solve(np.eye(points) - np.cos(k)[:, None] * kernel * weights, np.full(points, 0.5 / np.pi))
        return float(weights @ rho), float(-2 * weights @ (np.cos(k) * rho))

    edge = brentq(lambda q: density(q)[0] - filling, 1e-3, np.pi - 1e-6, xtol=1e-13)
    return density(edge)[1]


def main(names):
    tables = tomllib.loads((REPOSITORY / "benchmarks/hubbard/systems.toml").read_text(encoding="utf-8"))
    for name in names or tables:
        energy, spin = ground_state(tables[name])
        sites = prod(tables[name]["lattice"])
        print(f"{name},{energy:.12f},{energy / sites:.12f},{spin:.1e}", flush=True)
    if not names:
        for u in (2.0, 4.0, 8.0):
            print(f"infinite chain U={u:g},,{lieb_wu(u):.12f},")
        for u, filling in ((4.0, 0.5), (4.0, 0.875), (8.0, 0.5)):
            print(f"infinite chain U={u:g} n={filling:g},,{bethe_ansatz(u, filling):.12f},")


if __name__ == "__main__":
    main(sys.argv[1:])
