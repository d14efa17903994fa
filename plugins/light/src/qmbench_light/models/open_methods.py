"""Open systems: master equations, the hierarchical equations of motion, closed solutions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

import qmbench
from qmbench import Curve, Method, NotConverged, Quantity, Unsupported
from qmbench_light.models.cavity import need_times, numbers, with_uncertainty
from qmbench_light.models.open_system import OpenSystem
from qmbench_light.models.pieces import TIME

CURVES = ("population", "coherence", "photon_number_in_time")


class OpenMethod(Method[OpenSystem]):
    """Base: something that gives density matrices at the system's times."""

    systems = (OpenSystem,)
    properties = frozenset(CURVES[:2])
    distributions: ClassVar[tuple[str, ...]] = ("scipy",)

    def check_system(self, system: OpenSystem, properties: frozenset[str]) -> None:
        need_times(self.name, system.times, properties)
        pieces: list[Any] = [*system.hamiltonian, *system.decays, *system.baths]
        names = {str(piece.operator) for piece in pieces}
        if "photon_number_in_time" in properties and not names & {"lowering", "raising", "number"}:
            raise Unsupported(f"{self.name}: photons are of an oscillator: the operators lowering, raising or number")

    def states(self, system: OpenSystem) -> np.ndarray:
        """(times, levels, levels) density matrices."""
        raise NotImplementedError

    def compute(self, system: OpenSystem, properties: frozenset[str], resources: qmbench.Resources) -> qmbench.Result:
        asked = properties & set(CURVES)
        return qmbench.Result(curves(system, self.states(system), asked) if asked else {})

    @classmethod
    def example_systems(cls) -> Sequence[qmbench.System]:
        return OpenSystem.samples()


def curves(system: OpenSystem, states: np.ndarray, asked: frozenset[str] | set[str]) -> dict[str, Quantity]:
    """Population, coherence and photons at the system's times."""
    one, other = (n - 1 for n in system.observed)
    values = {
        "population": states[:, one, one].real,
        "coherence": np.abs(states[:, one, other]),
        "photon_number_in_time": np.einsum("tii,i->t", states, np.arange(system.levels)).real,
    }
    return {name: Quantity(Curve(np.array(system.times), values[name], TIME), "") for name in asked}


class MasterEquation(OpenMethod):
    """Base: a generator that does not depend on time."""

    properties = frozenset({*CURVES[:2], "steady_populations"})

    def check_system(self, system: OpenSystem, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if system.baths and system.levels > 12:
            raise Unsupported(f"{self.name}: baths act on 12 levels at most, not {system.levels}")
        if "steady_populations" in properties and system.levels > 40:
            raise Unsupported(f"{self.name}: stationary states are of 40 levels at most, not {system.levels}")

    def generator(self, system: OpenSystem) -> Any:
        """(levels², levels²)"""
        raise NotImplementedError

    def states(self, system: OpenSystem) -> np.ndarray:
        from qmbench_light.models.generators import propagate

        return propagate(self.generator(system), system.state, system.times)

    def compute(self, system: OpenSystem, properties: frozenset[str], resources: qmbench.Resources) -> qmbench.Result:
        from qmbench_light.models.generators import stationary

        found = dict(super().compute(system, properties, resources).properties)
        lowest = 0.0
        if "steady_populations" in properties:
            steady = stationary(self.generator(system), system.levels)
            lowest = float(np.linalg.eigvalsh(steady)[0])
            populations = np.diag(steady).real
            found["steady_populations"] = Quantity({str(n): float(p) for n, p in enumerate(populations, start=1)}, "")
        said = [f"the stationary state has a negative eigenvalue, {lowest:.1e}"] if lowest < -1e-9 else []
        return qmbench.Result(found, warnings=said)


class Lindblad(MasterEquation):
    """The Lindblad equation: losses as they are, baths by Born, Markov and the secular approximation; times in hbar/E0.

    Davies, Commun. Math. Phys. 39, 91 (1974); Lindblad, Commun. Math. Phys. 48, 119 (1976). The Lamb shift is in it.
    """

    name = "lindblad"
    properties = frozenset({*CURVES, "steady_populations"})
    examples = ("lindblad",)

    def generator(self, system: OpenSystem) -> Any:
        from qmbench_light.models.generators import secular, without_baths

        return secular(system) if system.baths else without_baths(system)

    def label(self) -> str:
        return "Lindblad"


class Redfield(MasterEquation):
    """The Redfield equation: baths by Born and Markov, not secular, the Lamb shift in it; times in hbar/E0.

    Redfield, IBM J. Res. Dev. 1, 19 (1957). It need not keep a density matrix positive; a stationary state says so.
    """

    name = "redfield"
    examples = ("redfield",)

    def generator(self, system: OpenSystem) -> Any:
        from qmbench_light.models.generators import redfield, without_baths

        return redfield(system) if system.baths else without_baths(system)

    def label(self) -> str:
        return "Redfield"


class BlochRedfieldOptions(qmbench.Options):
    """Which terms are kept."""

    secular: bool = Field(
        False, description="whether only terms between transitions of one frequency are kept (QuTiP's cutoff of 0.1)"
    )


class BlochRedfield(MasterEquation):
    """The Bloch–Redfield equation by QuTiP, secular or not, without the Lamb shift; times in hbar/E0.

    Lambert et al., QuTiP 5, arXiv:2412.04705 (2024); Breuer, Petruccione (2002), sec. 3.3. `redfield` and `lindblad`
    are the same with the Lamb shift, by this plugin's own code. Baths act on Hermitian operators.
    """

    name = "bloch-redfield"
    Options = BlochRedfieldOptions
    distributions = ("qutip",)
    examples = ("bloch-redfield", "bloch-redfield?secular=true")
    label_options = frozenset({"secular"})

    def check_system(self, system: OpenSystem, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        for bath in system.baths:
            operator = system.operator(bath)
            if not np.allclose(operator, operator.conj().T):
                raise Unsupported(f"{self.name}: baths act on Hermitian operators; on others redfield does")
        matrices = [system.hamiltonian_matrix, *map(system.operator, system.baths)]
        # QuTiP 5.3's tensor that is not secular changes with the basis where it is complex, which no equation does.
        if system.baths and not self.options.secular and any(np.abs(m.imag).max() > 0 for m in matrices):
            raise Unsupported(f"{self.name}: not secular, it is right for real matrices only; redfield does the others")

    def generator(self, system: OpenSystem) -> Any:
        from qmbench_light.models.generators import bloch_redfield, without_baths

        return bloch_redfield(system, self.options.secular) if system.baths else without_baths(system)

    def label(self) -> str:
        return "Bloch–Redfield" + (", secular" if self.options.secular else "")


class ExactOpen(OpenMethod):
    """Closed solutions of open systems, where there are: no bath, pure dephasing, a damped emitter; times in hbar/E0.

    Pure dephasing, all operators diagonal: Breuer, Petruccione (2002), sec. 4.2; damping by a Lorentzian bath in the
    vacuum: sec. 10.1.1, eq. 10.31. Without baths the Lindblad equation itself is exact. All else is refused.
    """

    name = "exact-open"
    properties = frozenset(CURVES)
    claim = "reference"
    examples = ("exact-open",)

    def check_system(self, system: OpenSystem, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if self.case(system) is None:
            raise Unsupported(
                f"{self.name}: there is a closed solution without baths, where all operators are diagonal (pure "
                "dephasing), and for one emitter with a Lorentzian bath on sigma_minus"
            )

    def case(self, system: OpenSystem) -> str | None:
        """Which closed solution; None for none."""
        if not system.baths:
            return "lindblad"
        if system.decays or not _diagonal(system.hamiltonian_matrix):
            return None
        if all(bath.density == "drude-lorentz" and _diagonal(system.operator(bath)) for bath in system.baths):
            return "dephasing"
        lowering = np.array([[0, 0], [1, 0]])
        one = len(system.baths) == 1 and system.baths[0].density == "lorentzian" and system.levels == 2
        return "damping" if one and np.array_equal(system.operator(system.baths[0]), lowering) else None

    def states(self, system: OpenSystem) -> np.ndarray:
        from qmbench_light.models.generators import propagate, without_baths

        case = self.case(system)
        if case == "lindblad":
            return propagate(without_baths(system), system.state, system.times)
        return _dephasing(system) if case == "dephasing" else _damping(system)

    def label(self) -> str:
        return "exact"


def _diagonal(matrix: np.ndarray) -> bool:
    return bool(np.array_equal(matrix, np.diag(np.diag(matrix))))


def _dephasing(system: OpenSystem) -> np.ndarray:
    """ρ_ij exp(−iω_ij t − (s_i − s_j)(s_i g(t) − s_j g*(t))), g the double integral of C, for each bath."""
    from qmbench_light.models.baths import couplings
    from qmbench_light.models.generators import TERMS

    energies = np.diag(system.hamiltonian_matrix).real
    times = np.array(system.times)[:, None]
    found = system.state * np.exp(-1j * times[..., None] * (energies[:, None] - energies[None, :]))
    for coupling in couplings(system, TERMS):
        nu, c = coupling.rates, coupling.weights
        g = np.sum(c * (np.exp(-nu * times) - 1 + nu * times) / nu**2, axis=1)[:, None, None]
        s = np.diag(coupling.operator).real
        found = found * np.exp(-(s[:, None] - s[None, :]) * (s[:, None] * g - s[None, :] * g.conj()))
    return found


def _damping(system: OpenSystem) -> np.ndarray:
    """The upper level's amplitude: c'(t) = −∫ ds C(s) exp(iω₀s) c(t − s) with one exponential, in closed form."""
    (bath,) = system.baths
    upper, lower = np.diag(system.hamiltonian_matrix).real
    times = np.array(system.times)
    # In the frame of the emitter C(s) exp(iω₀s) = c exp(−νs); c'' + ν c' + c₀ c = 0.
    nu = bath.width + 1j * (bath.centre - (upper - lower))
    d = np.sqrt(nu**2 - 2 * bath.rate * bath.width + 0j)
    half = d * times / 2
    ratio = nu * times / 2 * np.sinc(1j * half / np.pi)  # (ν/d) sinh(dt/2), also where d = 0
    amplitude = np.exp(-nu * times / 2) * (np.cosh(half) + ratio)
    p = system.state[0, 0].real * np.abs(amplitude) ** 2
    coherence = system.state[0, 1] * amplitude * np.exp(-1j * (upper - lower) * times)
    found = np.empty((len(times), 2, 2), dtype=complex)
    found[:, 0, 0], found[:, 1, 1] = p, 1 - p
    found[:, 0, 1], found[:, 1, 0] = coherence, coherence.conj()
    return found


def _moved(before: dict[str, Quantity], after: dict[str, Quantity]) -> dict[str, np.ndarray]:
    return {name: np.abs(numbers(after[name]) - numbers(before[name])) for name in after}


class HeomOptions(qmbench.Options):
    """How far the hierarchy goes."""

    depth: int | None = Field(
        None, ge=1, le=16, description="tiers; without it, from 3 on in twos until converged", examples=[6]
    )
    terms: int | None = Field(
        None, ge=1, le=8, description="Padé terms of the temperature of a Drude–Lorentz bath; without it, from 1 on"
    )
    tolerance: float = Field(
        1e-5, ge=1e-9, le=1e-2, description="what two more tiers and one more term may change, added up"
    )


class Heom(OpenMethod):
    """The hierarchical equations of motion by QuTiP, converged in tiers and Padé terms; times in hbar/E0.

    Tanimura, Kubo, J. Phys. Soc. Jpn. 58, 101 (1989); Lambert et al., Phys. Rev. Research 5, 013181 (2023). What
    two more tiers and one more Padé term change is the uncertainty; beyond `tolerance` it is not converged.
    """

    name = "heom"
    Options = HeomOptions
    distributions = ("qutip",)
    claim = "reference"
    examples = ("heom",)

    def check_system(self, system: OpenSystem, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        for bath in system.baths:
            operator = system.operator(bath)
            if not np.allclose(operator, operator.conj().T):
                raise Unsupported(
                    f"{self.name}: baths act on Hermitian operators; on others pseudomode does a Lorentzian one"
                )
        if not system.baths:
            raise Unsupported(f"{self.name}: there is no bath; lindblad does losses without memory")
        if system.levels > 12:
            raise Unsupported(f"{self.name}: 12 levels at most, not {system.levels}")

    def compute(self, system: OpenSystem, properties: frozenset[str], resources: qmbench.Resources) -> qmbench.Result:
        from qmbench_light.models.hierarchy import evolve

        depth, terms = self.options.depth or 3, self.options.terms or 1
        at = lru_cache(lambda depth, terms: curves(system, evolve(system, depth, terms), properties))
        while True:
            here = at(depth, terms)
            deeper, finer = _moved(here, at(depth + 2, terms)), _moved(here, at(depth, terms + 1))
            by_tiers, by_terms = (max(float(values.max()) for values in change.values()) for change in (deeper, finer))
            if by_tiers + by_terms <= self.options.tolerance:
                break
            if by_tiers >= by_terms and not self.options.depth and depth < 14:
                depth += 2
            elif by_terms > self.options.tolerance / 4 and not self.options.terms and terms < 8:
                terms += 1
            else:
                raise NotConverged(
                    f"{self.name}: two tiers more than {depth} change {by_tiers:.1e}, one Padé term more than {terms} "
                    f"{by_terms:.1e}; asked is {self.options.tolerance:g}"
                )
        return qmbench.Result(
            {n: with_uncertainty(here[n], deeper[n] + finer[n] + 1e-9) for n in here},
            {"depth": depth, "terms": terms, "change_by_tiers": by_tiers, "change_by_terms": by_terms},
        )

    def estimate(self, system: OpenSystem, properties: frozenset[str]) -> float | None:
        return 5.0

    def label(self) -> str:
        return "HEOM"
