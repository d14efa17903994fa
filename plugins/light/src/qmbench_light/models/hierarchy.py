"""The hierarchical equations of motion, by QuTiP."""

from __future__ import annotations

import numpy as np

from qmbench import NotConverged, ResourceError
from qmbench_light.models.baths import couplings
from qmbench_light.models.generators import decays
from qmbench_light.models.open_system import OpenSystem

LARGEST = 400_000
"""Numbers in all auxiliary density matrices together, at most."""


def evolve(system: OpenSystem, depth: int, terms: int, initial: np.ndarray | None = None) -> np.ndarray:
    """(times, levels, levels) density matrices at the system's times, from `initial` (the system's own)."""
    from math import comb

    import qutip
    from qutip.solver.heom import BosonicBath, HEOMSolver
    from scipy.sparse.linalg import expm_multiply

    baths, exponents = [], 0
    for bath, coupling in zip(system.baths, couplings(system, terms), strict=True):
        c, nu = coupling.weights, coupling.rates
        if bath.density == "lorentzian":
            # Real and imaginary part of c exp(−νt) each as two exponentials, of ν and ν*.
            both, half = [complex(nu[0]), complex(nu[0].conj())], complex(c[0]) / 2
            one = BosonicBath(qutip.Qobj(coupling.operator), [half, half], both, [-1j * half, 1j * half], both)
        else:
            one = BosonicBath(
                qutip.Qobj(coupling.operator), list(c.real), list(nu.real), [float(c[0].imag)], [float(nu[0].real)]
            )
        exponents += len(one.exponents)
        baths.append(one)
    size = comb(exponents + depth, depth) * system.levels**2
    if size > LARGEST:
        raise ResourceError(
            f"heom: depth {depth} with {exponents} exponentials has {size} unknowns, more than {LARGEST}"
        )
    h = qutip.Qobj(system.hamiltonian_matrix)
    jumps = [np.sqrt(rate) * qutip.Qobj(jump) for rate, jump in decays(system)]
    generator = qutip.liouvillian(h, jumps)
    solver = HEOMSolver(generator, baths, max_depth=depth, options={"progress_bar": ""})
    # The generator is constant: its exponential on the state is faster than steps that its fast rates keep short.
    rhs = solver.rhs(0).data.as_scipy().tocsr()
    vector = np.zeros(rhs.shape[0], dtype=complex)
    vector[: system.levels**2] = (
        system.state if initial is None else initial
    ).T.ravel()  # QuTiP writes column by column
    now, states = 0.0, []
    for time in system.times:
        if time > now:
            vector = expm_multiply((time - now) * rhs, vector)
        now = time
        states.append(vector[: system.levels**2].reshape(system.levels, system.levels).T)
    found = np.array(states)
    if not np.isfinite(found).all():
        raise NotConverged(f"heom: depth {depth} diverges")
    return found
