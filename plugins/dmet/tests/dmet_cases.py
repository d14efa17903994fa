"""Systems that several tests share."""

from __future__ import annotations

import numpy as np

from qmbench import LatticeModel
from qmbench_dmet.embedding import Embedding, one_shot, self_consistent
from qmbench_dmet.fragments import EmbeddedFragments, embed_fragments
from qmbench_dmet.hubbard import hubbard_problem
from qmbench_dmet.lattice import Lattice, hartree_fock, low_level, make_lattice
from qmbench_dmet.problem import Settings

PBC, APBC, OPEN = "periodic", "antiperiodic", "open"


def hubbard(lattice, boundary, electrons, u, fragment, onsite=(), twist=(), spins=None):
    """The embedding problem of a Hubbard lattice with t = 1."""
    model = LatticeModel(lattice, boundary, 1.0, u, electrons, 1 + electrons % 2, onsite, twist)
    numbers = (electrons / 2,) if spins is None else tuple(float(n) for n in spins)
    return hubbard_problem(make_lattice(model.hopping_matrix(), u, lattice, boundary, numbers, fragment, twist))


def embed(problem, **settings) -> Embedding:
    choice = Settings(**settings)
    return (self_consistent if choice.self_consistent else one_shot)(problem, choice)


def embedded(problem, **settings) -> EmbeddedFragments:
    """Every fragment's impurity in the initial low level."""
    potentials = problem.initial_potentials
    return embed_fragments(problem, problem.low_level(potentials), potentials, Settings(**settings))


def hartree_fock_energy(lattice: Lattice) -> float:
    """Σ of the occupied levels, less the repulsion that they count twice."""
    fields = low_level(lattice, hartree_fock(lattice))
    band = sum(float(np.sum(f.energies * f.occupations)) for f in fields)
    n = [f.site_density() for f in fields]
    return (2.0 * band if len(fields) == 1 else band) - float(lattice.u @ (n[0] * n[-1]))


def free_energy(h: np.ndarray, electrons: int) -> float:
    """Exact ground-state energy of non-interacting electrons, both spins."""
    levels = np.repeat(np.linalg.eigvalsh(h), 2)
    return float(np.sort(levels)[:electrons].sum())


def full_ci(h: np.ndarray, u: float, electrons: int) -> float:
    """Exact ground-state energy of a small Hubbard lattice (PySCF, lowest S_z)."""
    from pyscf import fci

    n = len(h)
    eri = np.zeros((n, n, n, n))
    eri[(np.arange(n),) * 4] = u
    nelec = ((electrons + 1) // 2, electrons // 2)
    solver = fci.direct_spin1.FCISolver()
    solver.conv_tol, solver.max_cycle = 1e-13, 300
    return float(min(np.atleast_1d(solver.kernel(h, eri, n, nelec, nroots=2, verbose=0)[0])))
