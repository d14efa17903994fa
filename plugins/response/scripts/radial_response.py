"""Makes systems.xyz, entries.csv and references.csv of benchmark `radial_response`:

    python plugins/response/scripts/radial_response.py FOLDER

References are two electrons exactly in unc-aug-cc-pVTZ: the singlets Σ C_pq φ_p φ_q by diagonalization in products of
orthogonal functions, without determinants, on radii and directions of their own. Only integrals and values of the
functions are PySCF's. The uncertainty is what twice as many radii change.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from tables import save

BASIS = "unc-aug-cc-pvtz"
ATOMS = {"hydride": ("H", -1), "helium": ("He", 0), "lithium_cation": ("Li", 1), "beryllium_dication": ("Be", 2)}
SCRIPT = "two electrons in products of orbitals, plugins/response/scripts/radial_response.py"
# Bohr⁻¹ hartree⁻¹ and the like: what diagonalization leaves.
ROUNDING = 1e-9


class TwoElectrons:
    """Ground state and excited singlets of an atom: C (states, n, n) symmetric, energies above the ground state."""

    def __init__(self, symbol: str, charge: int) -> None:
        from pyscf import gto

        self.mole = gto.M(atom=[(symbol, (0, 0, 0))], basis=BASIS, charge=charge, verbose=0)
        values, vectors = np.linalg.eigh(self.mole.intor("int1e_ovlp"))
        self.functions = vectors / np.sqrt(values)
        x, n = self.functions, len(values)
        one = x.T @ (self.mole.intor("int1e_kin") + self.mole.intor("int1e_nuc")) @ x
        two = np.einsum("pqrs,pi,qj,rk,sl->ikjl", self.mole.intor("int2e"), x, x, x, x, optimize=True)
        i, j = np.triu_indices(n)
        # Columns: products that are even under exchange of the electrons.
        even = np.zeros((n, n, len(i)))
        even[i, j, np.arange(len(i))] += 0.5
        even[j, i, np.arange(len(i))] += 0.5
        even /= np.linalg.norm(even, axis=(0, 1))
        pushed = np.tensordot(one, even, 1) + np.einsum("qs,psm->pqm", one, even)
        pushed += np.tensordot(two, even, 2)
        energies, columns = np.linalg.eigh(even.reshape(n * n, -1).T @ pushed.reshape(n * n, -1))
        states = np.einsum("pqm,mk->kpq", even, columns, optimize=True)
        self.ground, self.excited, self.gaps = states[0], states[1:], energies[1:] - energies[0]

    def transitions(self, operators: np.ndarray) -> np.ndarray:
        """(k, states) ⟨0| V(1) + V(2) |n⟩ of operators (k, n, n) in the basis of the atom."""
        inside = np.einsum("kpq,pi,qj->kij", operators, self.functions, self.functions, optimize=True)
        return np.asarray(2 * np.einsum("kij,jl,nil->kn", inside, self.ground, self.excited, optimize=True))

    def polarizability(self) -> float:
        """From dipole integrals, at frequency 0."""
        moments = self.transitions(self.mole.intor("int1e_r")[2:])[0]
        return float(np.sum(2 * moments**2 / self.gaps))

    def norm(self, l: int, points: int) -> float:
        """(∫∫ r² r′² χ_l² dr dr′)^½ at frequency 0."""
        from pyscf.dft import numint

        charge = float(self.mole.atom_charge(0))
        logs, steps = np.polynomial.legendre.leggauss(points)
        low, high = np.log(2e-4 / charge), np.log(120.0 / charge**0.5)
        radii = np.exp(low + (high - low) * (logs + 1) / 2)
        weights = radii * steps * (high - low) / 2
        cosines, rings = np.polynomial.legendre.leggauss(12)
        angles = 2 * np.pi * np.arange(16) / 16
        sines = np.sqrt(1 - cosines**2)
        directions = np.stack(
            [np.outer(sines, np.cos(angles)), np.outer(sines, np.sin(angles)), np.outer(cosines, np.ones(16))], axis=-1
        ).reshape(-1, 3)
        areas = np.repeat(rings * 2 * np.pi / 16, 16)
        harmonic = (np.ones(len(areas)), np.sqrt(3) * directions[:, 2])[l] / np.sqrt(4 * np.pi)
        values = numint.eval_ao(self.mole, (radii[:, None, None] * directions).reshape(-1, 3))
        values = values.reshape(points, len(areas), -1)
        shells = np.einsum("kop,o,koq->kpq", values, areas * harmonic, values, optimize=True)
        moments = self.transitions(shells) * (radii * np.sqrt(weights))[:, None]
        return float(np.linalg.norm((moments * 2 / self.gaps) @ moments.T))


def numbers(atom: TwoElectrons) -> dict[str, tuple[float, float, str]]:
    """Observable -> value, uncertainty, unit."""
    found: dict[str, Any] = {"polarizability": (atom.polarizability(), ROUNDING, "bohr3")}
    for l, name in enumerate(("monopole", "dipole")):
        coarse, fine = atom.norm(l, 120), atom.norm(l, 240)
        found[f"{name}_response_norm"] = (fine, abs(fine - coarse) + ROUNDING, "hartree-1 bohr-3")
    return found


def main(folder: Path) -> None:
    """Write the three files."""
    frames, entries, references = [], [], []
    for name, (symbol, charge) in ATOMS.items():
        frames.append(f"1\nname={name} charge={charge} multiplicity=1\n{symbol} 0 0 0\n")
        subset = "anion" if charge < 0 else "others"
        for what, (value, spread, unit) in numbers(TwoElectrons(symbol, charge)).items():
            entries.append([f"{name}_{what}", f"{name}:1", what, subset])
            row = [f"{name}_{what}", "FCI", f"{value:.9f}", unit, f"{spread:.1e}", "estimate"]
            references.append([*row, "FCI/unc-aug-cc-pVTZ", "", SCRIPT, "current"])
        for what in ("monopole_response_difference", "dipole_response_difference"):
            entries.append([f"{name}_{what}", f"{name}:1", what, subset])
            row = [f"{name}_{what}", "FCI", "0", "", "", ""]
            references.append([*row, "FCI/unc-aug-cc-pVTZ", "", "by definition", "current"])
    (folder / "systems.xyz").write_text("".join(frames))
    save(folder, entries, references)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
