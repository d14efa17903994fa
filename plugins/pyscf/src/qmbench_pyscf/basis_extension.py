"""Shells that a basis set lacks in a molecule: what each would bring, and those that are worth it.

A candidate is a shell of another basis set, the pool, on a centre of the molecule. In what it has beyond the present
basis, and beyond shells that were chosen before it, the orbitals of the present basis are not stationary. With the Fock
matrix F of the converged density, which surrounds the shell as it is in the molecule, the energy is lower to second
order in the mixing by

    Σ_i n_i gᵢᵀ Kᵢ⁻¹ gᵢ,   gᵢ = ⟨χ|F|i⟩,   Kᵢ = ⟨χ|F − εᵢ|χ⟩,

where the empty orbitals, and the chosen shells, are free to follow (they are folded into g and K), and the change of
F is left out. It is the step from a small to a large basis set of dual-basis methods, shell by shell: Wolinski and
Pulay, J. Chem. Phys. 118, 9497 (2003). For a polarizability, F|i⟩ is replaced by what is left of the first-order
equation of an orbital in a field, F⁽¹⁾|i⟩ + (F − εᵢ)|i⁽¹⁾⟩, and twice the gain is what is lacking in α, after
Hylleraas' functional.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import Molecule, Resources
from qmbench_pyscf.extension_checks import extended_system
from qmbench_pyscf.mean_field_object import bare_mean_field
from qmbench_pyscf.mole import pool_shells
from qmbench_pyscf.specification import NO_FIELD, AdaptiveExtension, AddedShells, Field3, ScfSpecification, along

Array = np.ndarray
Solve = Callable[[Molecule, ScfSpecification, Resources], Any]
"""(molecule, specification, resources) -> the converged mean field."""

# Combinations of a shell's functions of which the present basis lacks less than this, as a squared norm, are in it.
DEPENDENT = 1e-7
# What is chosen with one Fock matrix brings at least this part of the best of its candidates; then there is a new one.
ROUND = 0.1
# Equal shells on two atoms that bring the same within this part are added to both: they are equivalent by symmetry.
# A quadrature grid breaks that by a hundredth of it.
TIE = 1e-3
# Energies by which an orbital that F would put below an occupied one still counts as empty, hartree.
SMALLEST_GAP = 0.02
# Of the response to a field, atomic units.
FIELD = 0.001


@dataclass(frozen=True)
class Source:
    """What mixes orbitals of one spin with new functions.

    fock: (n, n) in all functions, hartree. occupied: (n, o), energies: (o,), of electrons each. residuals: each (n, o).
    """

    fock: Array
    occupied: Array
    energies: Array
    electrons: float
    residuals: tuple[Array, ...]


@dataclass(frozen=True)
class Candidate:
    """A shell of the pool: its centre, its number there, its functions among all."""

    centre: int
    shell: int
    functions: slice


def added_shells(
    molecule: Molecule, spec: ScfSpecification, resources: Resources, solve: Solve
) -> tuple[AddedShells, dict[str, Any]]:
    """The shells that the rule in `spec` adds, and what a record says of them. solve: see `Solve`."""
    rule = spec.extension
    assert isinstance(rule, AdaptiveExtension)
    whole = extended_system(molecule)
    # The basis set of a molecule in a field, or with charged nuclei, is that of the molecule.
    spec = replace(spec, field=NO_FIELD, charges=())

    def write(path: Path) -> None:
        path.write_text(json.dumps(_search(whole, spec, rule, resources, solve)))

    key = json.dumps({"what": "basis extension", "of": spec.artifact_key(whole)})
    found = json.loads(resources.artifact(key, write).read_text())
    return AddedShells(rule.pool, tuple(map(tuple, found["shells"]))), found["report"]


def _search(
    molecule: Molecule, spec: ScfSpecification, rule: AdaptiveExtension, resources: Resources, solve: Solve
) -> dict[str, Any]:
    """Shells by centre, and the report: rounds of choosing with one Fock matrix, and converging in the new basis."""
    chosen: list[list[int]] = [[] for _ in molecule.symbols]
    rounds: list[dict[str, Any]] = []
    while True:
        spec = replace(spec, extension=AddedShells(rule.pool, tuple(map(tuple, chosen))))
        mf = solve(molecule, spec, resources)
        space = CandidateSpace(molecule, spec, rule, mf, resources, solve)
        rounds.append(
            {
                "functions": int(mf.mol.nao),
                "energy": float(mf.e_tot),
                "largest_estimate": max(space.gains().tolist(), default=0.0),
                "whole_pool_estimate": space.whole_pool(),
            }
        )
        new = space.choose(rule.threshold)
        for candidate in new:
            chosen[candidate.centre].append(candidate.shell)
        if not new:
            break
        if rule.threshold == 0.0:  # nothing is left to be looked at
            spec = replace(spec, extension=AddedShells(rule.pool, tuple(map(tuple, chosen))))
            mf = solve(molecule, spec, resources)
            left = {"largest_estimate": 0.0, "whole_pool_estimate": 0.0}
            rounds.append({"functions": int(mf.mol.nao), "energy": float(mf.e_tot), **left})
            break
    shells = [sorted(numbers) for numbers in chosen]
    report = {
        "pool": rule.pool,
        "target": rule.target,
        "threshold": rule.threshold,
        "unit": "hartree" if rule.target == "energy" else "bohr3",
        "added": {
            f"{symbol}{i + 1}": _letters(rule.pool, symbol, shells[i])
            for i, symbol in enumerate(molecule.symbols)
            if shells[i]
        },
        "functions_added": [
            sum(2 * pool_shells(rule.pool, symbol)[k][0] + 1 for k in numbers)
            for symbol, numbers in zip(molecule.symbols, shells, strict=True)
        ],
        "rounds": rounds,
        "found_in": f"charge {molecule.charge:+d}, multiplicity {molecule.multiplicity}, all centres real",
    }
    return {"shells": shells, "report": report}


def _letters(pool: str, symbol: str, numbers: list[int]) -> str:
    """Shells by letter, `2s1p`."""
    momenta = [int(pool_shells(pool, symbol)[k][0]) for k in numbers]
    return "".join(f"{momenta.count(l)}{'spdfghik'[l]}" for l in sorted(set(momenta)))


class CandidateSpace:
    """All shells of the pool that a molecule does not have yet, and what they bring."""

    def __init__(
        self,
        molecule: Molecule,
        spec: ScfSpecification,
        rule: AdaptiveExtension,
        mf: Any,
        resources: Resources,
        solve: Solve,
    ) -> None:
        present = spec.extension
        assert isinstance(present, AddedShells)
        self.molecule = molecule
        self.candidates, mole = _with_candidates(molecule, present, mf.mol)
        self.weight = 1.0
        if not self.candidates:
            self.sources: list[Source] = []
            self.empty: list[Array] = []
            return
        self.overlap = mole.intor_symmetric("int1e_ovlp")
        fock = _fock_builder(mf, mole, spec, molecule)
        if rule.target == "energy":
            self.sources = _energy_sources(mf, fock, len(self.overlap))
        else:
            self.weight = 2.0 / 3.0
            in_field = [
                [solve(molecule, replace(spec, field=along(axis, sign * FIELD)), resources) for sign in (1, -1)]
                for axis in range(3)
            ]
            self.sources = _field_sources(mf, in_field, fock, self.overlap)
        self.empty = [self._empty(source, mf, spin) for spin, source in enumerate(self.sources)]

    def _empty(self, source: Source, mf: Any, spin: int) -> Array:
        """(n, v) the empty orbitals of the present basis."""
        orbitals, occupations = _of_spin(mf.mo_coeff, spin, 2), _of_spin(mf.mo_occ, spin, 1)
        return _padded(orbitals[:, occupations == 0], len(source.fock))

    def gains(self) -> Array:
        """(candidates,) what each shell would bring, per function, in hartree or bohr³."""
        found = np.zeros(len(self.candidates))
        for source, empty in zip(self.sources, self.empty, strict=True):
            found += self.weight * self._gains(source, empty)
        return found / np.array([c.functions.stop - c.functions.start for c in self.candidates] or [1])[: len(found)]

    def _gains(self, source: Source, empty: Array) -> Array:
        """(candidates,) of one spin, of whole shells."""
        functions = self.candidates
        orthogonal = _beyond(np.eye(len(self.overlap)), np.hstack([source.occupied, empty]), self.overlap)
        levels, turn = np.linalg.eigh(empty.T @ source.fock @ empty)
        empty = empty @ turn
        gaps = np.maximum(levels[:, None] - source.energies[None], SMALLEST_GAP)
        answers = [(empty.T @ residual) / gaps for residual in source.residuals]
        coupling = source.fock @ empty
        found = np.zeros(len(functions))
        for number, candidate in enumerate(functions):
            new = _orthonormal(orthogonal[:, candidate.functions], self.overlap)
            if not new.shape[1]:
                continue
            inner, across = new.T @ source.fock @ new, new.T @ coupling
            matrices = inner[None] - source.energies[:, None, None] * np.eye(len(inner))
            matrices = matrices - np.einsum("av,vi,bv->iab", across, 1 / gaps, across)
            values, vectors = np.linalg.eigh(matrices)
            values = np.maximum(values, SMALLEST_GAP)
            for residual, answer in zip(source.residuals, answers, strict=True):
                gradient = new.T @ residual - across @ answer
                along = np.einsum("iab,ai->ib", vectors, gradient)
                found[number] += source.electrons * float(np.sum(along**2 / values))
        return found

    def whole_pool(self) -> float:
        """What all candidates together would bring, in hartree or bohr³."""
        total = 0.0
        for source, empty in zip(self.sources, self.empty, strict=True):
            space = self._joined(source, empty, self.candidates)
            levels, turn = np.linalg.eigh(space.T @ source.fock @ space)
            gaps = np.maximum(levels[:, None] - source.energies[None], SMALLEST_GAP)
            for residual in source.residuals:
                total += source.electrons * float(np.sum((turn.T @ space.T @ residual) ** 2 / gaps))
        return self.weight * total

    def choose(self, threshold: float) -> list[Candidate]:
        """Shells in the order in which they are chosen, with this Fock matrix; none where no shell is worth it.

        Each is counted beyond those chosen before it. threshold 0 chooses all.
        """
        if threshold == 0.0:
            return list(self.candidates)
        chosen: list[Candidate] = []
        least = threshold
        while self.candidates:
            gains = self.gains()
            best = int(np.argmax(gains))
            if gains[best] < least:
                break
            least = max(threshold, ROUND * gains[best]) if not chosen else least
            kind = self._kind(self.candidates[best])
            new = [
                c
                for c, gain in zip(self.candidates, gains, strict=True)
                if self._kind(c) == kind and gain > gains[best] * (1 - TIE)
            ]
            self.empty = [self._joined(s, e, new) for s, e in zip(self.sources, self.empty, strict=True)]
            self.candidates = [c for c in self.candidates if c not in new]
            chosen += new
        return chosen

    def _kind(self, candidate: Candidate) -> tuple[str, int]:
        return self.molecule.symbols[candidate.centre], candidate.shell

    def _joined(self, source: Source, empty: Array, new: list[Candidate]) -> Array:
        """(n, v) `empty`, and what the functions of `new` have beyond it, orthonormal."""
        columns = [np.arange(c.functions.start, c.functions.stop) for c in new]
        if not columns:
            return empty
        raw = np.eye(len(self.overlap))[:, np.concatenate(columns)]
        present = np.hstack([source.occupied, empty])
        return np.hstack([empty, _orthonormal(_beyond(raw, present, self.overlap), self.overlap)])


def _beyond(functions: Array, present: Array, overlap: Array) -> Array:
    """`functions` less their projections on the orthonormal `present`; columns are functions."""
    for _ in range(2):  # the second takes out what the first rounded off
        functions = functions - present @ (present.T @ (overlap @ functions))
    return functions


def _orthonormal(functions: Array, overlap: Array) -> Array:
    """An orthonormal basis of what the columns span, without directions that are too short."""
    values, vectors = np.linalg.eigh(functions.T @ overlap @ functions)
    kept = values > DEPENDENT
    return functions @ (vectors[:, kept] / np.sqrt(values[kept]))


def _with_candidates(molecule: Molecule, present: AddedShells, mole: Any) -> tuple[list[Candidate], Any]:
    """The shells that are not there yet, and a Mole that has their functions behind those of `mole`."""
    from pyscf import gto

    candidates, atoms, table = [], [], {}
    place = int(mole.nao)
    for centre, (symbol, position) in enumerate(zip(molecule.symbols, molecule.positions, strict=True)):
        shells = pool_shells(present.pool, symbol)
        left = [number for number in range(len(shells)) if number not in present.shells[centre]]
        if not left:
            continue
        label = f"GHOST-{symbol}{centre + 1}"
        atoms.append((label, position))
        table[label] = [shells[number] for number in left]
        for number in left:
            end = place + 2 * int(shells[number][0]) + 1
            candidates.append(Candidate(centre, number, slice(place, end)))
            place = end
    if not candidates:
        return [], mole
    ghosts = gto.Mole()
    ghosts.atom, ghosts.unit, ghosts.basis, ghosts.verbose = atoms, "bohr", table, 0
    ghosts.build(dump_input=False, parse_arg=False)
    joined = gto.conc_mol(mole, ghosts)
    joined.max_memory = mole.max_memory
    return candidates, joined


def _fock_builder(mf: Any, mole: Any, spec: ScfSpecification, molecule: Molecule) -> Callable[[Any, Any], Array]:
    """fock(density, field) in all functions of `mole`, (spins, n, n), of a density in the functions of `mf` alone."""
    full = bare_mean_field(mole, spec, spec.is_unrestricted(molecule))
    # All integrals at once would be far more than those that such a density needs.
    full._is_mem_enough = lambda: False
    if getattr(mf, "xc", None):
        for grid in ("grids", "nlcgrids"):
            # The points of the molecule itself; those of the joined Mole would be others.
            own = getattr(mf, grid)
            if own.coords is None:
                own.build()
            getattr(full, grid).coords, getattr(full, grid).weights = own.coords, own.weights
    hcore = full.get_hcore()
    with mole.with_common_origin((0.0, 0.0, 0.0)):
        dipoles = mole.intor_symmetric("int1e_r", comp=3)

    def fock(density: Any, field: Field3 = NO_FIELD) -> Array:
        density = np.asarray(density)
        padded = np.zeros((*density.shape[:-2], len(hcore), len(hcore)))
        inside = density.shape[-1]
        padded[..., :inside, :inside] = density
        found = hcore + np.einsum("x,xij->ij", np.asarray(field), dipoles) + np.asarray(full.get_veff(mole, padded))
        return found if found.ndim == 3 else found[None]

    return fock


def _of_spin(values: Any, spin: int, dimensions: int) -> Array:
    """Orbitals (two dimensions) or their occupations and energies (one) of a spin, or of both where they are shared."""
    values = np.asarray(values)
    return np.asarray(values if values.ndim == dimensions else values[spin])


def _padded(orbitals: Array, n: int) -> Array:
    """(n, k) the same orbitals among n functions, of which they have the first ones."""
    found = np.zeros((n, orbitals.shape[1]))
    found[: len(orbitals)] = orbitals
    return found


def _occupied(mf: Any, spin: int, n: int) -> tuple[Array, Array, float]:
    """Occupied orbitals (n, o), their energies (o,), and electrons in each."""
    occupations = _of_spin(mf.mo_occ, spin, 1)
    orbitals = _of_spin(mf.mo_coeff, spin, 2)[:, occupations > 0]
    restricted = np.asarray(mf.mo_occ).ndim == 1
    return _padded(orbitals, n), _of_spin(mf.mo_energy, spin, 1)[occupations > 0], 2.0 if restricted else 1.0


def _energy_sources(mf: Any, fock: Callable[..., Array], n: int) -> list[Source]:
    found = []
    for spin, matrix in enumerate(fock(mf.make_rdm1())):
        occupied, energies, electrons = _occupied(mf, spin, n)
        found.append(Source(matrix, occupied, energies, electrons, (matrix @ occupied,)))
    return found


def _field_sources(mf: Any, in_field: list[list[Any]], fock: Callable[..., Array], overlap: Array) -> list[Source]:
    """in_field: by axis, the mean fields in the fields +FIELD and −FIELD."""
    free = fock(mf.make_rdm1())
    n = len(overlap)
    inside = mf.mol.nao
    moved: list[list[list[tuple[Array, Array]]]] = []  # by axis and sign: of each spin, Fock matrix and projector
    for axis, pair in enumerate(in_field):
        ends = []
        for sign, point in zip((1, -1), pair, strict=True):
            matrices = fock(point.make_rdm1(), along(axis, sign * FIELD))
            ends.append([(matrix, _occupied(point, spin, n)[0]) for spin, matrix in enumerate(matrices)])
        moved.append(ends)
    found = []
    for spin, matrix in enumerate(free):
        occupied, energies, electrons = _occupied(mf, spin, n)
        there = overlap[:, :inside] @ occupied[:inside]
        residuals = []
        for plus, minus in moved:
            orbitals = [c @ (c.T @ there) for _, c in (plus[spin], minus[spin])]
            change = (plus[spin][0] @ orbitals[0] - minus[spin][0] @ orbitals[1]) / (2 * FIELD)
            first = (orbitals[0] - orbitals[1]) / (2 * FIELD)
            residuals.append(change - overlap @ (first * energies))
        found.append(Source(matrix, occupied, energies, electrons, tuple(residuals)))
    return found
