"""The neural wavefunction: backflow determinants times a Jastrow factor with exact cusps.

    ψ(r) = exp[Σ_iI J_eN(r_iI) + Σ_{i<j} J_ee(r_ij) + Σ_i f(h_i)] · Σ_k det[φ_kj(h_i) χ_kj(r_i)]

h_i is electron i's vector after layers that pass messages between electrons (filters of r_ij times the others'
vectors), so that every orbital φ_kj depends on all electrons and is symmetric in the others of one spin. The
determinants are dense: both spins stand in one N×N matrix. χ are exponential envelopes. Pfau et al., Phys. Rev. Res.
2, 033429 (2020) (backflow determinants, envelopes); Hermann, Schätzle & Noé, Nat. Chem. 12, 891 (2020) and Gerard
et al., NeurIPS (2022) (cusps, filters).

Cusps. Features are r·ln(1+|r|)/|r| for a nucleus, r·arsinh(|r|)/|r| for a pair, and ln(1+|r|²/(1+|r|)) for both; the
envelopes fall as exp[−ζ r²/(b+r)]. None has a spherical term linear in |r|, and those of a pair have no r|r| either,
which two equal spins would feel. So the whole cusp is in the Jastrow factor,
J_eN = −Z b r/(b+r) and J_ee = c a r/(a+r) with c = 1/2 for opposite and 1/4 for equal spins, whatever the parameters
(Kato, Commun. Pure Appl. Math. 10, 151 (1957); Pack & Byers Brown, J. Chem. Phys. 45, 556 (1966)). Since
b r/(b+r) + r²/(b+r) = r, one determinant with ζ = Z is the exact state of a one-electron atom.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from qmbench_vmc.neural import jets
from qmbench_vmc.neural.jets import Jet

Parameters = dict[str, Any]

# Exponentials of each nucleus; all orbitals of one spin share their exponents.
ENVELOPES = 3


@dataclass(frozen=True)
class Ansatz:
    """Shape of the wavefunction, and the nuclei that it stands on.

    positions (M, 3) bohr, charges (M,); spins (up, down); width of the electrons' vectors, layers of messages,
    determinants, pair_width of the hidden layer of the filters.
    """

    positions: tuple[tuple[float, float, float], ...]
    charges: tuple[float, ...]
    spins: tuple[int, int]
    width: int = 32
    layers: int = 2
    determinants: int = 2
    pair_width: int = 16

    @property
    def n_electrons(self) -> int:
        return sum(self.spins)

    def initial(self, seed: int) -> Parameters:
        """Random parameters, as NumPy arrays in double precision."""
        random = np.random.default_rng([seed, 1])
        n, m, k, d, p = self.n_electrons, len(self.charges), self.determinants, self.width, self.pair_width

        def weights(*shape: int, scale: float = 1.0) -> np.ndarray:
            return random.normal(size=shape) * scale / np.sqrt(shape[-2])

        spins = [number for number in self.spins if number]
        charges = np.array(self.charges)
        parameters: Parameters = {
            "embedding": {"w": weights(4 * m, d), "b": np.zeros(d)},
            "pairs": {"w": weights(4, p), "b": random.normal(size=p) * 0.5},
            "layers": [
                {
                    "self": weights(d, d),
                    "bias": np.zeros(d),
                    "send": weights(d, d),
                    "send_bias": random.normal(size=d) * 0.5,
                    "same": weights(p + 1, d, scale=n**-0.5),
                    "other": weights(p + 1, d, scale=n**-0.5),
                }
                for _ in range(self.layers)
            ],
            "jastrow": {"readout": np.zeros((d, 1)), "same": np.array(1.0), "other": np.array(1.0)},
            "orbitals": [
                {
                    "w": weights(d, k * n, scale=0.1),
                    "b": 1 + random.normal(size=k * n) * 0.1,
                    "envelope": np.ones((m * ENVELOPES, k * n)) / (m * ENVELOPES),
                    "decay": np.maximum(charges[:, None] / 2.0 ** np.arange(ENVELOPES), 0.3),
                }
                for _ in spins
            ],
        }
        if n == 1:
            # One exponential of each nucleus, exp(-Zr): for an atom, this is the exact state.
            parameters["orbitals"][0] |= {
                "w": np.zeros((d, k)),
                "b": np.ones(k),
                "envelope": np.repeat(np.tile(np.eye(1, ENVELOPES)[0], m)[:, None], k, axis=1),
            }
        return parameters

    def log_psi(self, parameters: Parameters, r: Array) -> Array:
        """ln|ψ| at the positions r (N, 3), bohr."""
        return self._log_psi(parameters, r, False).value

    def log_psi_jet(self, parameters: Parameters, r: Array) -> Jet:
        """ln|ψ|, its gradient (3N,) and Laplacian at r (N, 3)."""
        return self._log_psi(parameters, r, True)

    def orbitals(self, parameters: Parameters, r: Array) -> Array:
        """The matrices (K, N, N) of orbital j at electron i, the electron–nucleus cusps included; without J_ee."""
        matrices, cusps, _ = self._parts(parameters, r, False)
        return matrices.value * jnp.exp(cusps.value)

    def _log_psi(self, parameters: Parameters, r: Array, derivatives: bool) -> Jet:
        matrices, cusps, jastrow = self._parts(parameters, r, derivatives)
        determinant = jets.log_abs_sum_of_determinants(matrices)
        terms = [determinant, jets.total(jets.spread(cusps)), jastrow]
        if self.n_electrons > 1:
            terms.append(self._pair_jastrow(parameters["jastrow"], r, derivatives))
        return jets.add(*terms)

    def _parts(self, parameters: Parameters, r: Array, derivatives: bool) -> tuple[Jet, Jet, Jet]:
        """Matrices (K, N, N), cusp exponent Σ_I J_eN of each electron (N, 1; local), and Σ_i f(h_i)."""
        n, m, k = self.n_electrons, len(self.charges), self.determinants
        charges = jnp.asarray(self.charges, r.dtype)
        vector, distance = jets.vectors(r[:, None] - jnp.asarray(self.positions, r.dtype), derivatives)
        features = jets.reshape(_features(vector, distance, jnp.log1p), n, 4 * m)
        distance = jets.reshape(distance, n, m)
        reach = 1 / charges
        cusp = jets.linear(
            jets.elementwise(lambda x: x * reach / (reach + x), distance), -charges[:, None]
        )  # bounded by −1 for each nucleus
        fall = jets.elementwise(lambda x: x**2 / (reach + x), distance)

        h = jets.spread(jets.tanh(jets.linear(features, **_named(parameters["embedding"]))))
        if n > 1:
            hidden = self._pair_hidden(parameters["pairs"], r, derivatives)
        for layer in parameters["layers"]:
            terms = [jets.linear(h, layer["self"], layer["bias"])]
            if n > 1:
                filters = _filters(hidden, self.spins[0], layer)
                terms.append(jets.sum_over_pairs(filters, jets.linear(h, layer["send"], layer["send_bias"])))
            h = jets.add(h, jets.tanh(jets.add(*terms)))

        rows, start = [], 0
        for spin, number in enumerate(x for x in self.spins if x):
            weights = parameters["orbitals"][spin]
            chosen = slice(start, start + number)
            orbital = jets.linear(_rows(h, chosen), weights["w"], weights["b"])
            envelope = jets.linear(_envelopes(_rows(fall, chosen), weights["decay"]), weights["envelope"])
            rows.append(jets.multiply_local(orbital, envelope, start))
            start += number
        matrices = _stack(rows, n, k)
        jastrow = jets.total(jets.linear(h, parameters["jastrow"]["readout"]))
        return matrices, cusp, jastrow

    def _pair_hidden(self, parameters: Parameters, r: Array, derivatives: bool) -> Jet:
        """Hidden features (N, N, P + 1) of the pairs, the last of them 1."""
        vector, distance = jets.vectors(_differences(r), derivatives)
        hidden = jets.tanh(jets.linear(_features(vector, distance, jnp.arcsinh), **_named(parameters)))
        ones = jnp.ones_like(distance.value)
        constant = Jet(ones)
        if derivatives:
            constant = Jet(ones, jnp.zeros((3, *ones.shape), r.dtype), jnp.zeros_like(ones))
        return jets.concatenate(hidden, constant)

    def _pair_jastrow(self, parameters: Parameters, r: Array, derivatives: bool) -> Jet:
        same = jnp.asarray(self._same_spin())
        _, distance = jets.vectors(_differences(r), derivatives)
        reach = jnp.where(same, jnp.abs(parameters["same"]), jnp.abs(parameters["other"]))
        slope = jnp.where(same, 0.25, 0.5).astype(r.dtype)
        n = self.n_electrons
        return jets.pair_total(
            jets.elementwise(lambda x: slope * reach * x / (reach + x), jets.reshape(distance, n, n))
        )

    def _same_spin(self) -> np.ndarray:
        spin = np.repeat([0, 1], self.spins)
        return spin[:, None] == spin[None]


def _named(parameters: Parameters) -> dict[str, Array]:
    return {"weights": parameters["w"], "bias": parameters["b"]}


def _differences(r: Array) -> Array:
    """r_i − r_j (N, N, 3); a unit vector on the diagonal, which nothing uses, keeps the lengths differentiable."""
    return r[:, None] - r[None] + jnp.eye(r.shape[0], dtype=r.dtype)[..., None]


def _features(vector: Jet, distance: Jet, shortening: Callable[[Array], Array]) -> Jet:
    """(…, 4): the vector, shortened logarithmically, and a measure of its length without a spherical cusp."""
    shortened = jets.multiply(_repeat(jets.elementwise(lambda x: shortening(x) / x, distance)), vector)
    return jets.concatenate(shortened, jets.elementwise(lambda x: jnp.log1p(x**2 / (1 + x)), distance))


def _repeat(x: Jet) -> Jet:
    if x.gradient is None or x.laplacian is None:
        return x
    value, laplacian = jnp.repeat(x.value, 3, -1), jnp.repeat(x.laplacian, 3, -1)
    return Jet(value, jnp.repeat(x.gradient, 3, -1), laplacian)


def _filters(hidden: Jet, up: int, layer: Parameters) -> Jet:
    """Filters (N, N, width) of one layer; an electron sends nothing to itself."""
    n = hidden.value.shape[0]
    others = 1 - jnp.eye(n, dtype=hidden.value.dtype)[..., None]

    def chosen(x: Array | None) -> Array | None:
        if x is None:
            return None
        if up in (0, n):
            return others * (x @ layer["same"])
        upper = jnp.concatenate([x[..., :up, :up, :] @ layer["same"], x[..., :up, up:, :] @ layer["other"]], axis=-2)
        lower = jnp.concatenate([x[..., up:, :up, :] @ layer["other"], x[..., up:, up:, :] @ layer["same"]], axis=-2)
        return others * jnp.concatenate([upper, lower], axis=-3)

    return Jet(*map(chosen, hidden))


def _envelopes(fall: Jet, decay: Array) -> Jet:
    """exp(−ζ_Ie s(r_iI)) as (n, M·E), from s (n, M) and ζ (M, E)."""
    rate = -jnp.abs(decay).reshape(-1)

    def repeated(x: Array | None) -> Array | None:
        return None if x is None else jnp.repeat(x, decay.shape[1], axis=-1)

    return jets.elementwise(lambda x: jnp.exp(rate * x), Jet(*map(repeated, fall)))


def _rows(x: Jet, chosen: slice) -> Jet:
    if x.gradient is None or x.laplacian is None:
        return Jet(x.value[chosen])
    return Jet(x.value[chosen], x.gradient[:, chosen], x.laplacian[chosen])


def _stack(rows: list[Jet], n: int, k: int) -> Jet:
    """Rows (n_σ, K·N) of both spins as matrices (K, N, N)."""

    def matrices(parts: list[Array], axis: int) -> Array:
        joined = jnp.concatenate(parts, axis=axis)
        split = joined.reshape(*joined.shape[:-1], k, n)
        return jnp.moveaxis(split, -2, axis)

    value = matrices([x.value for x in rows], 0)
    if rows[0].gradient is None:
        return Jet(value)
    return Jet(value, matrices([x.gradient for x in rows], 1), matrices([x.laplacian for x in rows], 0))
