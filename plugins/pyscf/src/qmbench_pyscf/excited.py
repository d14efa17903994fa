"""Excited states: linear response (TDHF, TDDFT), equation-of-motion CCSD, and their labels.

States of molecules are S1, S2, …, T1, … in the order of energy within their multiplicity. Two-electron atoms get
term labels, `2 3S` or `2 1P`: the degeneracy of a level says its L, its place in its series says n, and only
levels below the ionization limit in the same basis, well apart from each other, are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qmbench import Molecule, NotConverged, Unsupported

LETTERS = {1: "S", 2: "D", 3: "T", 4: "Q"}
# More roots than asked for: the highest roots of an iterative solver are the ones that get lost.
EXTRA_ROOTS = 4
# hartree; no excitation is as low as this.
SPURIOUS = 1e-7


def linear_response(molecule: Molecule, mf: Any, n_states: int, tda: bool) -> tuple[dict[str, float], dict[str, Any]]:
    """Excitation energies of a restricted closed shell by TDHF or TDDFT (tda: Tamm–Dancoff), and settings."""
    if mf.qmbench_settings.get("stability") == "saddle point" and not tda:
        raise Unsupported(
            "the restricted ground state is a saddle point, from which TDHF or TDDFT energies are imaginary; "
            "write tda=true"
        )
    if mf.qmbench_settings.get("external_instability") and not tda:
        raise Unsupported(
            "the restricted ground state is unstable towards triplets, whose TDHF or TDDFT energies are imaginary; "
            "write tda=true"
        )
    occupied, empty = int(np.sum(mf.mo_occ > 0)), int(np.sum(mf.mo_occ == 0))
    if occupied * empty == 0:
        raise Unsupported("no empty orbital to excite into; use a larger basis")
    wanted = _roots(molecule, n_states, occupied * empty)
    energies = {}
    for multiplicity, singlet in ((1, True), (3, False)):
        solver = mf.TDA() if tda else _full_response(mf)
        solver.singlet, solver.nstates, solver.conv_tol, solver.max_cycle = singlet, wanted, 1e-8, 300
        solver.verbose = 0
        solver.kernel()
        enough = min(wanted, n_states) if not is_two_electron_atom(molecule) else wanted
        found = np.asarray(solver.e)
        if not np.all(np.asarray(solver.converged)[:enough]) or len(found) < enough:
            raise NotConverged(f"linear response: not all of {enough} states of multiplicity {multiplicity} converged")
        energies[multiplicity] = np.sort(found) + mf.e_tot
    energies[1] = np.concatenate([[mf.e_tot], energies[1]])
    name = ("TDA" if tda else "linear response") + (" of " + mf.xc if getattr(mf, "xc", None) else " of Hartree–Fock")
    tolerance = 2e-5 if getattr(mf, "xc", None) else 1e-6
    return _labelled(molecule, energies, mf.e_tot, _one_electron(mf), tolerance, n_states), {"excitations": name}


def _full_response(mf: Any) -> Any:
    return mf.TDDFT() if getattr(mf, "xc", None) else mf.TDHF()


def equation_of_motion(molecule: Molecule, solver: Any, n_states: int) -> tuple[dict[str, float], dict[str, Any]]:
    """Excitation energies of a restricted closed shell by EOM-CCSD, and settings."""
    from pyscf.cc import eom_rccsd

    e0 = float(solver.e_tot)
    size = solver.t1.size
    energies: dict[int, np.ndarray] = {}
    for multiplicity, kind in ((1, eom_rccsd.EOMEESinglet), (3, eom_rccsd.EOMEETriplet)):
        eom = kind(solver)
        wanted = _roots(molecule, n_states, size)
        eom.conv_tol, eom.max_cycle, eom.max_space, eom.verbose = 1e-8, 300, 20 + 6 * wanted, 0
        values, _ = eom.kernel(nroots=wanted)
        values, done = np.atleast_1d(values), np.atleast_1d(eom.converged)
        # The triplet amplitudes are not independent; their combinations that mean nothing come as roots at zero.
        real = np.abs(values) > SPURIOUS
        values, done = values[real], done[real]
        enough = min(len(values), n_states) if not is_two_electron_atom(molecule) else len(values)
        if not np.all(done[:enough]):
            raise NotConverged(f"EOM-CCSD: not all of {enough} states of multiplicity {multiplicity} converged")
        energies[multiplicity] = np.sort(values) + e0
    energies[1] = np.concatenate([[e0], energies[1]])
    states = _labelled(molecule, energies, e0, _one_electron(solver._scf), 1e-6, n_states)
    return states, {"excitations": "EOM-CCSD"}


def _roots(molecule: Molecule, n_states: int, size: int) -> int:
    wanted = 6 * n_states if is_two_electron_atom(molecule) else n_states + EXTRA_ROOTS
    return max(1, min(wanted, size))


def _one_electron(mf: Any) -> float:
    """Energy of one electron in the field of the nuclei, in the same basis: where two electrons ionize."""
    from scipy.linalg import eigh

    return float(eigh(mf.get_hcore(), mf.get_ovlp(), eigvals_only=True)[0]) + float(mf.energy_nuc())


def is_two_electron_atom(molecule: Molecule) -> bool:
    """He, Li+, Be2+, … (ghosts break the symmetry, so they don't count)."""
    return len(molecule.symbols) == 1 and molecule.n_electrons == 2


def label_states(
    molecule: Molecule, energies: Mapping[int, np.ndarray], ground: float, problem: Any, tolerance: float, n_states: int
) -> dict[str, float]:
    """Labels for full-CI energies (multiplicity -> total energies, the ground state among them)."""
    limit = float(np.linalg.eigvalsh(problem.h)[0]) + problem.constant
    return _labelled(molecule, energies, ground, limit, tolerance, n_states)


def _labelled(
    molecule: Molecule, energies: Mapping[int, np.ndarray], ground: float, limit: float, tolerance: float, n_states: int
) -> dict[str, float]:
    if is_two_electron_atom(molecule):
        return term_labels(energies, ground, limit, tolerance, n_states)
    return label_multiplets(energies, ground, molecule.multiplicity, n_states)


def label_multiplets(
    energies: Mapping[int, np.ndarray], ground: float, multiplicity: int, n_states: int
) -> dict[str, float]:
    """{S1: …, T1: …}: excitation energies in order within each multiplicity; M5_1 and so on from quintets up."""
    states = {}
    for m, totals in sorted(energies.items()):
        excited = np.sort(totals)[1:] if m == multiplicity else np.sort(totals)
        for number, total in enumerate(excited[:n_states], start=1):
            states[f"{LETTERS[m]}{number}" if m in LETTERS else f"M{m}_{number}"] = float(total - ground)
    if not states:
        raise Unsupported("this basis holds no excited state")
    return states


def term_labels(
    energies: Mapping[int, np.ndarray], ground: float, limit: float, tolerance: float, n_states: int
) -> dict[str, float]:
    """{`2 3S`: …}: excitation energies of the terms of a two-electron atom below the ionization limit.

    energies: multiplicity (1, 3) -> total energies with their degeneracy, the 1 1S ground state among the singlets.
    tolerance: spread (hartree) within which energies are one level; levels nearer than ten times that are dropped.
    """
    states = {}
    for m, totals in sorted(energies.items()):
        levels = _levels(np.sort(totals), tolerance)
        count: dict[str, int] = {}
        kept = 0
        for position, (energy, degeneracy, clear) in enumerate(levels):
            letter = {1: "S", 3: "P", 5: "D", 7: "F"}.get(degeneracy)
            # The last level may have been cut off by the number of roots.
            if energy >= limit or position == len(levels) - 1 or kept == n_states:
                break
            if letter is None or not clear:
                # From here on the place in the series is not certain any more.
                break
            count[letter] = count.get(letter, 0) + 1
            lowest_n = {"S": 1 if m == 1 else 2, "P": 2, "D": 3, "F": 4}[letter]
            if m == 1 and letter == "S" and count[letter] == 1:
                continue
            states[f"{count[letter] + lowest_n - 1} {m}{letter}"] = float(energy - ground)
            kept += 1
    if not states:
        raise Unsupported("no clear term below the ionization limit in this basis; it needs diffuse functions")
    return states


def _levels(energies: np.ndarray, tolerance: float) -> list[tuple[float, int, bool]]:
    """(mean energy, degeneracy, well apart from its neighbours) of each group of sorted `energies`."""
    groups: list[list[float]] = []
    for energy in energies:
        if groups and energy - groups[-1][-1] < tolerance:
            groups[-1].append(float(energy))
        else:
            groups.append([float(energy)])
    levels = []
    for i, group in enumerate(groups):
        before = group[0] - groups[i - 1][-1] if i else np.inf
        after = groups[i + 1][0] - group[-1] if i + 1 < len(groups) else np.inf
        levels.append((float(np.mean(group)), len(group), bool(min(before, after) > 10 * tolerance)))
    return levels
