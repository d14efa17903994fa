"""Which exact constraints ml-xc, PBE and B3LYP satisfy, in numbers: python plugins/ml/benchmarks/xc_constraints.py.

Each number is the largest violation over wide ranges of the variables, 0 for an exact constraint that holds. Of B3LYP
its semilocal exchange is looked at (0.1 Slater + 0.9 Becke, which 80 % of the functional's exchange is): exact exchange
obeys all of these. PBE and B3LYP are libxc's, through PySCF.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qmbench_ml.xc import correlation, exchange, functional
from qmbench_ml.xc.model import shipped

Energy = Callable[[np.ndarray], np.ndarray]
SCALING = np.array([3, 4, 4, 4, 5])[:, None]
BOUNDS = (exchange.LIEB_OXFORD, exchange.ONE_ORBITAL)


@dataclass(frozen=True)
class Functional:
    """Exchange and correlation energies per volume of rho (2, 5, N): n, ∇n, τ for ↑ and ↓."""

    name: str
    exchange: Energy
    correlation: Energy


def learned() -> Functional:
    x, c = functional.parts(shipped().theta.tolist())
    return Functional(
        "ml-xc",
        lambda rho: functional.evaluate(x, lambda up, *_: 0.0 * up, rho, 0)[0],
        lambda rho: functional.evaluate(lambda n, *_: 0.0 * n, c, rho, 0)[0],
    )


def of_libxc(name: str, exchange_code: str, correlation_code: str) -> Functional:
    from pyscf.dft import libxc

    def energy(code: str) -> Energy:
        return lambda rho: rho[:, 0].sum(0) * libxc.eval_xc(code, list(rho[:, :4]), spin=1, deriv=0)[0]

    return Functional(name, energy(exchange_code), energy(correlation_code))


def functionals() -> list[Functional]:
    return [
        learned(),
        of_libxc("PBE", "GGA_X_PBE,", ",GGA_C_PBE"),
        of_libxc("B3LYP", "0.1*SLATER + 0.9*B88,", ",0.81*LYP + 0.19*VWN_RPA"),
    ]


def points(n_points: int = 2000) -> np.ndarray:
    """(2, 5, N) with s up to about 20 and every α: densities of any shape."""
    rng = np.random.default_rng(11)
    n = np.exp(rng.uniform(-5, 3, (2, n_points)))
    direction = rng.normal(size=(2, 3, n_points))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    gradient = direction * (10 ** rng.uniform(-2, 2, (2, 1, n_points))) * n[:, None] ** (4 / 3)
    excess = 10 ** rng.uniform(-3, 2, n.shape) * exchange.TAU_UNIFORM * n ** (5 / 3)
    return np.concatenate([n[:, None], gradient, ((gradient**2).sum(1) / (8 * n) + excess)[:, None]], axis=1)


def uniform(zeta: float) -> np.ndarray:
    n = np.logspace(-2, 3, 50)
    rho = np.zeros((2, 5, n.size))
    rho[:, 0] = n * np.array([[1 + zeta], [1 - zeta]]) / 2
    rho[:, 4] = 0.5 * exchange.TAU_UNIFORM * (2 * rho[:, 0]) ** (5 / 3)
    return rho


def hydrogen() -> tuple[np.ndarray, np.ndarray]:
    """rho (2, 5, N) and weights (N,) of the hydrogen atom."""
    x, w = np.polynomial.legendre.leggauss(400)
    r, weights = 6 * (1 + x), 6 * w
    n = np.exp(-2 * r) / np.pi
    rho = np.zeros((2, 5, r.size))
    rho[0, 0], rho[0, 1], rho[0, 4] = n, -2 * n, n / 2
    return rho, weights * 4 * np.pi * r**2


def _relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.max(np.abs(found / expected - 1)))


def uniform_gas_exchange(f: Functional) -> float:
    gases = [uniform(zeta) for zeta in (0.0, 0.4, 0.8)]
    exact = [0.5 * sum(exchange.uniform_energy(2 * channel[0]) for channel in gas) for gas in gases]
    return max(_relative(f.exchange(gas), e) for gas, e in zip(gases, exact, strict=True))


def uniform_gas_correlation(f: Functional) -> float:
    worst = 0.0
    for zeta in (0.0, 0.4, 0.8):
        gas = uniform(zeta)
        n = gas[:, 0].sum(0)
        rs = (3 / (4 * np.pi * n)) ** (1 / 3)
        spins = (np.full_like(n, 1 + zeta), np.full_like(n, 1 - zeta))
        worst = max(worst, _relative(f.correlation(gas), n * correlation.uniform(rs, np.full_like(n, zeta), spins)))
    return worst


def spin_scaling(f: Functional) -> float:
    rho = points()
    halves = sum(0.5 * f.exchange(np.array([channel, channel])) for channel in rho)
    return _relative(f.exchange(rho), np.asarray(halves))


def uniform_scaling(f: Functional) -> float:
    rho = points()
    return max(_relative(f.exchange(rho * k**SCALING), k**4 * f.exchange(rho)) for k in (0.5, 2.0, 10.0))


def factors(f: Functional, one_orbital: bool) -> np.ndarray:
    """Enhancement factors F over s up to 100 and every α, or α = 0 alone."""
    s, y = (
        x.ravel() for x in np.meshgrid(np.logspace(-3, 2, 200), [1.0] if one_orbital else np.linspace(-0.99, 1, 60))
    )
    rho = np.zeros((5, s.size))
    rho[0] = 1.0
    rho[1] = 2 * (3 * np.pi**2) ** (1 / 3) * s
    rho[4] = rho[1] ** 2 / 8 + (1 - y) / (1 + y) * exchange.TAU_UNIFORM
    half = np.array([0.5 * rho, 0.5 * rho])
    return f.exchange(half) / exchange.uniform_energy(rho[0])


def lieb_oxford(f: Functional) -> float:
    return max(0.0, float(factors(f, False).max()) - BOUNDS[0])


def lieb_oxford_one_orbital(f: Functional) -> float:
    return max(0.0, float(factors(f, True).max()) - BOUNDS[1])


def one_electron_correlation(f: Functional) -> float:
    rho, weights = hydrogen()
    return float(abs(f.correlation(rho) @ weights))


def hydrogen_exchange(f: Functional) -> float:
    rho, weights = hydrogen()
    return float(abs(f.exchange(rho) @ weights + 0.3125))


def positive_correlation(f: Functional) -> float:
    rho = points()
    return max(0.0, float((f.correlation(rho) / rho[:, 0].sum(0)).max()))


def high_density_correlation(f: Functional) -> float:
    """Change of ε_c (hartree) between scaling by 1e6 and 1e8; finite limits make it vanish."""
    rho = points(300)
    per_electron = [f.correlation(rho * k**SCALING) / (rho[:, 0].sum(0) * k**3) for k in (1e6, 1e8)]
    return float(np.median(np.abs(per_electron[1] - per_electron[0])))


ROWS: tuple[tuple[str, Callable[[Functional], float]], ...] = (
    ("uniform gas: exchange, relative", uniform_gas_exchange),
    ("uniform gas: correlation of Perdew and Wang, relative", uniform_gas_correlation),
    ("spin scaling of exchange, relative", spin_scaling),
    ("uniform scaling of exchange, relative", uniform_scaling),
    ("Lieb–Oxford: F above 1.804", lieb_oxford),
    ("Lieb–Oxford, α = 0: F above 1.174", lieb_oxford_one_orbital),
    ("correlation of hydrogen's electron, hartree", one_electron_correlation),
    ("exchange of hydrogen against −5/16 hartree", hydrogen_exchange),
    ("positive correlation energy per electron, hartree", positive_correlation),
    ("high-density limit of ε_c: drift, hartree", high_density_correlation),
)


def table() -> str:
    """Markdown: constraints down, functionals across."""
    columns = functionals()
    lines = ["| constraint, largest violation | " + " | ".join(f.name for f in columns) + " |"]
    lines.append("| --- |" + " ---: |" * len(columns))
    for name, measure in ROWS:
        lines.append(f"| {name} | " + " | ".join(f"{measure(f):.1e}" for f in columns) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
