"""Full configuration interaction of molecules and of Hubbard lattices, spin-pure and checked to be the ground state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmbench import (
    LatticeModel,
    Molecule,
    NotConverged,
    Quantity,
    ResourceError,
    Resources,
    Result,
    System,
    Unsupported,
)
from qmbench_pyscf.base import NO_FIELD, PYSCF, Field3, Point, PyscfMethod
from qmbench_pyscf.correlated import core_orbitals
from qmbench_pyscf.meanfield import density_dipole, reference_scf
from qmbench_pyscf.options import FullCIOptions

# Determinants beyond which no one waits; and, without a memory limit, the memory that is taken for granted.
MAX_DETERMINANTS = 50_000_000
DEFAULT_MEMORY_GIB = 4.0
# Below this number of determinants the Hamiltonian is diagonalized whole.
WHOLE = 400
# ⟨S²⟩ may be off by this much.
SPIN_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Problem:
    """Electrons in orthonormal orbitals: h (n, n), (pq|rs) in PySCF's packed form, constant energy.

    orbitals: AO coefficients (n_ao, n) of the active orbitals, core: AO density of the frozen ones (None: lattice).
    """

    h: np.ndarray
    eri: np.ndarray
    constant: float
    n_up_down: tuple[int, int]
    orbitals: np.ndarray | None = None
    core: np.ndarray | None = None
    mole: Any = None

    @property
    def n(self) -> int:
        return self.h.shape[0]

    def determinants(self, n_up_down: tuple[int, int] | None = None) -> int:
        up, down = n_up_down or self.n_up_down
        return math.comb(self.n, up) * math.comb(self.n, down)


@dataclass(frozen=True)
class Roots:
    """Energies and CI vectors (↑ strings, ↓ strings) of one multiplicity, lowest first."""

    energies: np.ndarray
    vectors: list[np.ndarray]
    n_up_down: tuple[int, int]


class FullCI(PyscfMethod):
    """Full configuration interaction: exact in the basis. Knowles and Handy, Chem. Phys. Lett. 111, 315 (1984).

    The spin is that of the multiplicity. The lowest root is looked for from the best determinants and from a
    random vector, so that a symmetry of the start can't hide the ground state. Frozen core orbitals are those of
    Hartree–Fock (open shells: its natural orbitals). Lattices (real hopping) are diagonalized in site orbitals.
    """

    name = "fci"
    systems = (Molecule, LatticeModel)
    properties = PyscfMethod.properties | {"energy_per_site"}
    citations = ("10.1016/0009-2614(84)85513-X", PYSCF)
    Options = FullCIOptions
    cost = (600.0, 8.0)

    def point(self, molecule: Molecule, electric_field: Field3, resources: Resources) -> Point:
        from qmbench_pyscf.scf import scf_settings

        mf = reference_scf(self, molecule, electric_field, resources)
        frozen = core_orbitals(molecule, mf.mol) if self.options.frozen_core else 0
        problem = molecular_problem(mf, frozen)
        roots = lowest_states(problem, molecule.multiplicity, 1, resources, self.options)
        if electric_field != NO_FIELD:
            degenerate = lowest_states(problem, molecule.multiplicity, 2, resources, self.options, must=False)
            if len(degenerate.energies) > 1 and np.diff(degenerate.energies[:2])[0] < 1e-5:
                raise Unsupported(
                    "the ground state is degenerate in space: its polarizability needs a component to be named"
                )
        scf = scf_settings(mf)
        settings = scf | {"frozen_core_orbitals": frozen, "determinants": problem.determinants()}
        settings["s_squared"] = spin_square(problem, roots.vectors[0], roots.n_up_down)
        energy = float(roots.energies[0])
        return Point(energy, settings, (), lambda: ci_dipole(problem, roots), (problem, roots))

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "reference": "exact in the basis"}

    def estimate(self, system: System, properties: frozenset[str]) -> float | None:
        if isinstance(system, LatticeModel):
            up, down = system.n_alpha_beta
            n = math.comb(system.n_sites, up) * math.comb(system.n_sites, down)
        else:
            from qmbench_pyscf.base import guess_basis_size

            assert isinstance(system, Molecule)
            size = guess_basis_size(system, self.options.basis)
            up, down = system.n_alpha_beta
            n = math.comb(max(size, up), up) * math.comb(max(size, down), down)
        return 0.5 + 3e-5 * min(n, MAX_DETERMINANTS) * (3 if "excitation_energies" in properties else 1)

    def excitations(
        self, molecule: Molecule, ground: Point, resources: Resources
    ) -> tuple[dict[str, float], dict[str, Any]]:
        from qmbench_pyscf.excited import label_states

        problem, _ = ground.state
        energies = excited_energies(
            problem, molecule.multiplicity, self.options.n_states, resources, self.options, molecule
        )
        return label_states(molecule, energies, ground.energy, problem, 1e-6, self.options.n_states), {
            "excitations": "FCI"
        }

    def lattice_result(self, model: LatticeModel, properties: frozenset[str], resources: Resources) -> Result:
        problem = lattice_problem(model)
        roots = lowest_states(problem, model.multiplicity, 1, resources, self.options)
        energy = float(roots.energies[0])
        found: dict[str, Quantity] = {}
        if "energy" in properties:
            found["energy"] = Quantity(energy, "t")
        if "energy_per_site" in properties:
            found["energy_per_site"] = Quantity(energy / model.n_sites, "t")
        if "excitation_energies" in properties:
            from qmbench_pyscf.excited import label_multiplets

            energies = excited_energies(problem, model.multiplicity, self.options.n_states, resources, self.options)
            found["excitation_energies"] = Quantity(
                label_multiplets(energies, energy, model.multiplicity, self.options.n_states), "t"
            )
        settings = {
            "determinants": problem.determinants(),
            "s_squared": spin_square(problem, roots.vectors[0], roots.n_up_down),
        }
        return Result(found, settings)


def molecular_problem(mf: Any, frozen: int) -> Problem:
    """The Hamiltonian in orbitals shared by ↑ and ↓ electrons, `frozen` of them doubly occupied and left alone."""
    from pyscf import ao2mo

    orbitals = common_orbitals(mf)
    core, active = orbitals[:, :frozen], orbitals[:, frozen:]
    hcore, constant = mf.get_hcore(), float(mf.energy_nuc())
    density = 2 * core @ core.T
    if frozen:
        from pyscf import scf

        j, k = scf.hf.get_jk(mf.mol, density) if getattr(mf, "with_df", None) is None else mf.with_df.get_jk(density)
        potential = j - k / 2
        constant += float(np.sum(density * (hcore + potential / 2)))
        hcore = hcore + potential
    h = active.T @ hcore @ active
    if getattr(mf, "with_df", None) is not None:
        eri = mf.with_df.ao2mo(active)
    else:
        eri = ao2mo.kernel(mf.mol, active)
    n = active.shape[1]
    up, down = mf.mol.nelec
    return Problem(h, ao2mo.restore(8, eri, n), constant, (up - frozen, down - frozen), active, density, mf.mol)


def common_orbitals(mf: Any) -> np.ndarray:
    """Restricted orbitals, or the natural orbitals of an unrestricted density, most occupied first."""
    if np.ndim(mf.mo_occ) == 1:
        return mf.mo_coeff
    overlap = mf.get_ovlp()
    up = mf.mo_coeff[0]
    density = up.T @ overlap @ sum(mf.make_rdm1()) @ overlap @ up
    occupations, rotation = np.linalg.eigh(density)
    return up @ rotation[:, np.argsort(-occupations, kind="stable")]


def lattice_problem(model: LatticeModel) -> Problem:
    """The Hubbard Hamiltonian in site orbitals."""
    from pyscf import ao2mo

    n = model.n_sites
    eri = np.zeros((n,) * 4)
    eri[(np.arange(n),) * 4] = model.u
    return Problem(np.real(model.hopping_matrix()), ao2mo.restore(8, eri, n), 0.0, model.n_alpha_beta)


def lowest_states(
    problem: Problem, multiplicity: int, n_roots: int, resources: Resources, options: Any, must: bool = True
) -> Roots:
    """The `n_roots` lowest states of `multiplicity` (fewer where there are fewer). NotConverged, ResourceError."""
    total = sum(problem.n_up_down)
    n_up_down = ((total + multiplicity - 1) // 2, (total - multiplicity + 1) // 2)
    size = problem.determinants(n_up_down)
    _guard(size, n_roots, resources)
    if size <= WHOLE:
        energies, vectors = _whole(problem, n_up_down)
    else:
        energies, vectors = _davidson(problem, n_up_down, multiplicity, n_roots, options)
    spin = (multiplicity**2 - 1) / 4
    kept = [i for i, v in enumerate(vectors) if abs(spin_square(problem, v, n_up_down) - spin) < SPIN_TOLERANCE][
        :n_roots
    ]
    if not kept and must:
        raise NotConverged(f"fci: no state of multiplicity {multiplicity} among the {len(vectors)} lowest")
    return Roots(np.array([energies[i] for i in kept]), [vectors[i] for i in kept], n_up_down)


def _guard(size: int, n_roots: int, resources: Resources) -> None:
    memory = resources.memory_gib or DEFAULT_MEMORY_GIB
    fits = int(memory * 2**30 / 8 / (30 + 4 * n_roots))
    limit = min(MAX_DETERMINANTS, fits)
    if size > limit:
        raise ResourceError(f"fci: {size:,} determinants; the limit is {limit:,} with {memory:g} GiB")


def _whole(problem: Problem, n_up_down: tuple[int, int]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Every state, by diagonalizing the Hamiltonian together with S² (so that degenerate spins come apart)."""
    from pyscf import fci

    shape = (math.comb(problem.n, n_up_down[0]), math.comb(problem.n, n_up_down[1]))
    size = shape[0] * shape[1]
    absorbed = fci.direct_spin1.absorb_h1e(problem.h, problem.eri, problem.n, n_up_down, 0.5)
    basis = np.eye(size).reshape(size, *shape)
    h = np.array([fci.direct_spin1.contract_2e(absorbed, row, problem.n, n_up_down).ravel() for row in basis])
    s2 = np.array([fci.spin_op.contract_ss(row, problem.n, n_up_down).ravel() for row in basis])
    h, s2 = (h + h.T) / 2, (s2 + s2.T) / 2
    spins, rotation = np.linalg.eigh(s2)
    energies, vectors = [], []
    for spin in np.unique(np.round(spins, 6)):
        block = rotation[:, np.abs(spins - spin) < 1e-4]
        e, v = np.linalg.eigh(block.T @ h @ block)
        energies += list(e + problem.constant)
        vectors += [(block @ column).reshape(shape) for column in v.T]
    order = np.argsort(energies, kind="stable")
    return np.array(energies)[order], [vectors[i] for i in order]


def _davidson(
    problem: Problem, n_up_down: tuple[int, int], multiplicity: int, n_roots: int, options: Any
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Lowest states with other spins pushed up; started from the best determinants and from random vectors."""
    from pyscf import fci

    shape = (math.comb(problem.n, n_up_down[0]), math.comb(problem.n, n_up_down[1]))
    # Two roots more than asked: the top of a block Davidson is where roots get lost.
    wanted = min(n_roots + 2, shape[0] * shape[1] // 2)
    spin = (multiplicity**2 - 1) / 4
    random = np.random.default_rng(7).standard_normal((2, *shape))
    shift = 0.5
    for _ in range(4):
        solver = fci.addons.fix_spin_(fci.direct_spin1.FCI(), shift=shift, ss=spin)
        solver.verbose, solver.max_cycle, solver.max_space = 0, 40 * options.max_cycle // 10, 12 + 4 * wanted
        solver.conv_tol, solver.nroots, solver.pspace_size = options.energy_tolerance, wanted, WHOLE
        solver.conv_tol_residual = 1e-6
        guess = solver.get_init_guess(
            problem.n, n_up_down, wanted, solver.make_hdiag(problem.h, problem.eri, problem.n, n_up_down)
        )
        start = [np.asarray(g).reshape(shape) for g in guess]
        start += [_purified(r, problem.n, n_up_down, spin, multiplicity) for r in random]
        energies, vectors = solver.kernel(
            problem.h, problem.eri, problem.n, n_up_down, ci0=[g.ravel() for g in start], ecore=problem.constant
        )
        energies, vectors = np.atleast_1d(energies), vectors if wanted > 1 else [vectors]
        vectors = [np.asarray(v).reshape(shape) for v in vectors]
        right = [abs(spin_square(problem, v, n_up_down) - spin) < SPIN_TOLERANCE for v in vectors]
        if all(right[:n_roots]):
            done = np.atleast_1d(solver.converged)
            if not all(done[:n_roots]):
                raise NotConverged(f"fci: Davidson not converged to {options.energy_tolerance:g} hartree")
            return energies, vectors
        shift *= 3
    raise NotConverged(f"fci: the lowest states could not be brought to multiplicity {multiplicity}")


def _purified(vector: np.ndarray, n: int, n_up_down: tuple[int, int], spin: float, multiplicity: int) -> np.ndarray:
    """`vector` with the next two higher spins projected out (Löwdin)."""
    from pyscf import fci

    for other in (multiplicity + 2, multiplicity + 4):
        wrong = (other**2 - 1) / 4
        vector = (fci.spin_op.contract_ss(vector, n, n_up_down).reshape(vector.shape) - wrong * vector) / (spin - wrong)
    return vector / np.linalg.norm(vector)


def excited_energies(
    problem: Problem,
    multiplicity: int,
    n_states: int,
    resources: Resources,
    options: Any,
    molecule: Molecule | None = None,
) -> dict[int, np.ndarray]:
    """multiplicity -> total energies, lowest first, of the ground multiplicity and its two neighbours.

    For two-electron atoms enough states to fill whole terms.
    """
    from qmbench_pyscf.excited import is_two_electron_atom

    count = 6 * n_states if molecule is not None and is_two_electron_atom(molecule) else n_states
    energies = {}
    for m in (multiplicity - 2, multiplicity, multiplicity + 2):
        if m < 1 or m - 1 > sum(problem.n_up_down) or sum(problem.n_up_down) + m - 1 > 2 * problem.n:
            continue
        extra = 1 if m == multiplicity else 0
        energies[m] = lowest_states(problem, m, count + extra, resources, options, must=False).energies
    return energies


def spin_square(problem: Problem, vector: np.ndarray, n_up_down: tuple[int, int]) -> float:
    """⟨S²⟩ of a CI vector."""
    from pyscf import fci

    return float(fci.spin_op.spin_square0(vector, problem.n, n_up_down)[0])


def ci_dipole(problem: Problem, roots: Roots) -> np.ndarray:
    """(3,) dipole of the lowest root, core and nuclei included."""
    from pyscf import fci

    one = fci.direct_spin1.make_rdm1(roots.vectors[0], problem.n, roots.n_up_down)
    assert problem.orbitals is not None
    density = problem.orbitals @ one @ problem.orbitals.T + problem.core
    return np.asarray(density_dipole(problem.mole, density))
