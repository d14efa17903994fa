"""Geometries of training molecules and of complexes made of two of them. Deterministic: every one has its own seed.

Lengths in bohr. Molecules come from MMFF94 (Halgren, J. Comput. Chem. 17, 490 (1996)) as RDKit has it: displaced
along their normal modes, or taken from a short Langevin run. Molecules without MMFF parameters are stretched.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from gdml_geometries import Forces, hessian, normal_modes, relax, thermal_sample
from training_systems import ATOMS, DIMER_MOLECULES, LARGEST_DIMER, MOLECULES, SMALL

from qmbench import Fragment, Molecule
from qmbench.domain.units import BOHR_IN_ANGSTROM, HARTREE_IN_EV, HARTREE_IN_KCAL_MOL
from qmbench_ml.delta.model import VDW_RADII

SEED = 8
ELECTRON_MASSES = 1822.888486209  # in one dalton, CODATA 2018
MODE_TEMPERATURE = 300.0  # kelvin; quantum statistics, so zero-point motion is on top
DYNAMICS_TEMPERATURE = 500.0
DYNAMICS_STEPS, DYNAMICS_STEP_FS = 400, 0.5
STRETCHES = (0.97, 1.06)  # of molecules without a force field
GRADIENT_STEP = 1e-4  # ångström
CONTACTS = (0.85, 1.5)  # closest contact of a complex, in sums of van der Waals radii


class MMFF(Calculator):
    """RDKit's MMFF94 as an ASE calculator: energy in eV and forces in eV/Å of the molecule it was made with."""

    implemented_properties = ("energy", "forces")

    def __init__(self, molecule: Any) -> None:
        from rdkit.Chem import AllChem

        super().__init__()
        self.field = AllChem.MMFFGetMoleculeForceField(molecule, AllChem.MMFFGetMoleculeProperties(molecule))

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        flat = self.atoms.positions.ravel()
        unit = HARTREE_IN_EV / HARTREE_IN_KCAL_MOL
        self.results = {"energy": self.field.CalcEnergy(flat.tolist()) * unit}
        if "forces" in properties:
            # By differences: RDKit's own gradient is not the derivative of its energy to better than 1e-2.
            ahead, behind = (self._energies(flat, step) for step in (GRADIENT_STEP, -GRADIENT_STEP))
            self.results["forces"] = ((behind - ahead) / (2 * GRADIENT_STEP)).reshape(-1, 3) * unit

    def _energies(self, flat: np.ndarray, step: float) -> np.ndarray:
        return np.array([self.field.CalcEnergy(row) for row in (flat + step * np.eye(len(flat))).tolist()])


def seed_of(*words: str) -> int:
    """A seed that depends on the words and on SEED alone."""
    return int.from_bytes(hashlib.sha256(" ".join((str(SEED), *words)).encode()).digest()[:4], "big")


@cache
def monomers(name: str) -> list[Molecule]:
    """The training geometries of one molecule: a thermal one first, then a hotter one; an atom has one."""
    if name in ATOMS:
        return [_molecule(Atoms(SMALL[name]), f"{name} 1")]
    if name in SMALL:
        return [_molecule(_stretched(name, s), f"{name} {i}") for i, s in enumerate(STRETCHES, 1)]
    start = _embedded(name)
    minimum, modes = _harmonic(start)
    rng = np.random.default_rng(seed_of(name, "modes"))
    displaced = start.copy()
    displaced.positions = thermal_sample(minimum, modes, MODE_TEMPERATURE, 1, rng)[0] * BOHR_IN_ANGSTROM
    start.positions = minimum * BOHR_IN_ANGSTROM
    return [_molecule(displaced, f"{name} 1"), _molecule(_after_dynamics(start, name), f"{name} 2")]


def _molecule(atoms: Any, name: str) -> Molecule:
    # Rounded, so that the last bits of another machine's arithmetic make no other geometry.
    positions = np.round(atoms.positions / BOHR_IN_ANGSTROM, 6)
    return Molecule(tuple(atoms.get_chemical_symbols()), tuple(map(tuple, positions.tolist())), 0, 1, name=name)


def _stretched(name: str, factor: float) -> Any:
    from ase.build import molecule

    atoms = molecule("N2O" if name == "nitrous oxide" else SMALL[name])
    atoms.positions *= factor
    return atoms


def _embedded(name: str) -> Any:
    """The molecule as ASE atoms with an MMFF calculator, at distance-geometry positions."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    found = Chem.AddHs(Chem.MolFromSmiles(MOLECULES[name]))
    if AllChem.EmbedMolecule(found, randomSeed=seed_of(name) % 2**31) != 0:
        raise RuntimeError(f"{name}: no geometry was found")
    if not AllChem.MMFFHasAllMoleculeParams(found):
        raise RuntimeError(f"{name}: MMFF94 has no parameters for it")
    symbols = [a.GetSymbol() for a in found.GetAtoms()]
    return Atoms(symbols, found.GetConformer().GetPositions(), calculator=MMFF(found))


def _harmonic(atoms: Any) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """The minimum (N, 3) in bohr near `atoms`, and its normal modes."""
    calculator = atoms.calc

    def forces(x: np.ndarray) -> tuple[float, np.ndarray]:
        moved = Atoms(atoms.numbers, x * BOHR_IN_ANGSTROM, calculator=calculator)
        energy = moved.get_potential_energy() / HARTREE_IN_EV
        return energy, moved.get_forces() * BOHR_IN_ANGSTROM / HARTREE_IN_EV

    minimum = relax(forces, _downhill(forces, atoms), tolerance=1e-5)
    masses = atoms.get_masses() * ELECTRON_MASSES
    return minimum, normal_modes(hessian(forces, minimum), masses)


def _downhill(forces: Forces, atoms: Any) -> np.ndarray:
    """Start positions (bohr), pushed off planes of symmetry on which embedding may have put the atoms."""
    rng = np.random.default_rng(SEED)
    return atoms.positions / BOHR_IN_ANGSTROM + 0.02 * rng.standard_normal(atoms.positions.shape)


def _after_dynamics(atoms: Any, name: str) -> Any:
    from ase.md.langevin import Langevin
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

    rng = np.random.RandomState(seed_of(name, "dynamics"))
    MaxwellBoltzmannDistribution(atoms, temperature_K=DYNAMICS_TEMPERATURE, rng=rng)
    friction = 0.02 / units.fs
    step = DYNAMICS_STEP_FS * units.fs
    Langevin(atoms, step, temperature_K=DYNAMICS_TEMPERATURE, friction=friction, fixcm=False, rng=rng).run(
        DYNAMICS_STEPS
    )
    return atoms


def dimer_pairs() -> list[tuple[str, str]]:
    """Pairs of names, the cheapest for coupled cluster first, without two noble-gas atoms."""
    pairs = [(a, b) for i, a in enumerate(DIMER_MOLECULES) for b in DIMER_MOLECULES[i:] if not {a, b} <= set(ATOMS)]
    affordable = [p for p in pairs if functions(*p) <= LARGEST_DIMER]
    return sorted(affordable, key=lambda p: (functions(*p), p))


def functions(*names: str) -> int:
    """Basis functions of molecules in aug-cc-pVDZ: 9 for hydrogen, 27 for argon, 23 for the others here."""
    return sum({"H": 9, "Ar": 27}.get(s, 23) for name in names for s in monomers(name)[0].symbols)


def heavy_atoms(name: str) -> int:
    """Atoms of a training molecule other than hydrogen."""
    if name in SMALL:
        return sum(s != "H" for s in Atoms(SMALL[name]).get_chemical_symbols())
    return sum(c.isalpha() and c not in "Hh" for c in MOLECULES[name])


def placed_dimer(first: str, second: str, number: int) -> Molecule:
    """Two training geometries turned at random, at a random closest contact within CONTACTS."""
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(seed_of(first, second, str(number)))
    parts = []
    for name in (first, second):
        molecule = monomers(name)[0]
        turn = Rotation.random(random_state=np.random.RandomState(rng.integers(2**31))).as_matrix()
        parts.append((molecule.symbols, (molecule.coordinates - molecule.coordinates.mean(axis=0)) @ turn.T))
    radii = [np.array([VDW_RADII[s] for s in symbols]) / BOHR_IN_ANGSTROM for symbols, _ in parts]
    contact = rng.uniform(*CONTACTS)
    shift = _shift_to_contact(parts[0][1], parts[1][1], radii[0][:, None] + radii[1], contact)
    symbols = parts[0][0] + parts[1][0]
    positions = np.round(np.vstack([parts[0][1], parts[1][1] + [0, 0, shift]]), 6)
    n = len(parts[0][0])
    fragments = (Fragment(tuple(range(n)), 0, 1), Fragment(tuple(range(n, len(symbols))), 0, 1))
    return Molecule(symbols, tuple(map(tuple, positions.tolist())), 0, 1, fragments, name=f"{first}, {second} {number}")


def _shift_to_contact(a: np.ndarray, b: np.ndarray, sums: np.ndarray, contact: float) -> float:
    """How far `b` has to move along z until its closest contact with `a` is `contact`, coming from far away."""
    flat = np.linalg.norm((b[None] - a[:, None])[..., :2], axis=-1)
    along = (b[None] - a[:, None])[..., 2]
    reach = (contact * sums) ** 2 - flat**2
    return float(np.max(np.where(reach >= 0, np.sqrt(np.maximum(reach, 0)) - along, -np.inf)))
