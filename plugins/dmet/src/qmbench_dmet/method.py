"""The method `dmet`: what it gives, what it refuses, and what it costs."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from qmbench import (
    InputError,
    LatticeModel,
    Method,
    Molecule,
    NotConverged,
    Resources,
    Result,
    System,
    Unsupported,
)
from qmbench_dmet.options import DmetOptions

_LATTICE_FRAGMENT = re.compile(r"[1-9]\d*(x[1-9]\d*)*")
CURVES = frozenset({"number_curve", "energy_curve"})


class Dmet(Method[Molecule | LatticeModel]):
    """Density matrix embedding with a certified multi-state chemical potential.

    Total energy in hartree (nuclear repulsion included), of lattices in units of t. Knizia and Chan, PRL 109, 186404
    (2012); JCTC 9, 1428 (2013). Where the fragments' electron number jumps, the ensemble of the states that cross
    has exactly the electrons of the system; an energy without that certificate is not returned. It certifies the number
    of electrons, not the energy, which is not variational; what tells of its accuracy stands beside it in the record.
    """

    name = "dmet"
    systems = (Molecule, LatticeModel)
    properties = frozenset(
        {
            "energy",
            "energy_per_site",
            "double_occupancy",
            "fragment_occupations",
            "chemical_potential",
            "particle_number_error",
        }
        | CURVES
    )
    Options = DmetOptions
    distributions = ("qmbench-dmet", "qmbench-pyscf", "pyscf", "numpy", "scipy")
    citations = (
        "10.1103/PhysRevLett.109.186404",
        "10.1021/ct301044e",
        "10.1021/acs.jctc.6b00316",
        "10.1021/acs.jctc.1c01061",
    )
    examples = (
        "dmet?fragment=2",
        "dmet/sto-6g?fragment=1",
        "dmet?fragment=2&self_consistent=true",
        "dmet/sto-6g?fragment=1&self_consistent=true",
    )
    # atoms that are rotated sit in another orientation of the localized orbitals' frame: the SCF's own tolerance
    tolerances = {"energy": 1e-7, "energy_per_site": 1e-8, "chemical_potential": 1e-6}

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        """A ring, an irregular open lattice, and a bent chain of hydrogens."""
        zigzag = ((0.1, 0.0, 0.2), (1.7, 0.4, 0.0), (3.3, -0.2, 0.5), (5.0, 0.3, 0.1))
        return [
            LatticeModel((6,), ("periodic",), 1.0, 2.0, 6, 1, name="ring"),
            LatticeModel((6,), ("open",), 1.0, 2.0, 4, 1, name="chain"),
            Molecule(("H",) * 4, zigzag, 0, 1, name="h4"),
        ]

    def check_system(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> None:
        if isinstance(system, LatticeModel):
            self._check_lattice(system)
        else:
            self._check_molecule(system, properties)
        self._check_options()

    def _check_options(self) -> None:
        o = self.options
        if not o.aufbau and not (o.self_consistent and o.fit == "fragment"):
            raise InputError("dmet: aufbau=false needs self_consistent=true and fit=fragment")
        if not o.aufbau and o.low_level == "uhf":
            raise Unsupported("dmet: aufbau=false is for low_level=rhf")
        if o.solver != "fci" and o.low_level == "uhf":
            raise Unsupported(f"dmet: solver={o.solver} is for low_level=rhf; use solver=fci")

    def _check_lattice(self, system: LatticeModel) -> None:
        from qmbench_dmet.lattice import tiles

        if self.options.basis is not None:
            raise InputError(f"dmet: a lattice has no basis; write dmet, not dmet/{self.options.basis}")
        if self.options.cartesian:
            raise InputError("dmet: a lattice has no basis functions; leave out cartesian")
        tiles(system.lattice, self.lattice_fragment())
        self._check_spin(system.multiplicity, system.electrons, system.name or "lattice")
        if any(system.twist) and self.options.solver != "fci":
            raise Unsupported(f"dmet: a twisted boundary needs solver=fci, not {self.options.solver}")

    def _check_molecule(self, system: Molecule, properties: frozenset[str]) -> None:
        from qmbench_dmet.molecule import atom_groups
        from qmbench_pyscf import check_basis

        if self.options.basis is None:
            raise InputError("dmet: a molecule needs a basis: write 'dmet/sto-6g', say")
        if self.options.cartesian:
            # Löwdin's orthogonalization of six d functions depends on how the molecule is turned.
            raise Unsupported(
                f"dmet: localized orbitals are made of spherical functions, and {self.options.basis} has Cartesian "
                "ones; add cartesian=false"
            )
        check_basis(self.options.basis, system)
        if lattice_only := properties & {"energy_per_site", "double_occupancy"}:
            raise Unsupported(f"dmet gives {', '.join(sorted(lattice_only))} for lattices only")
        atom_groups(system.symbols, system.coordinates, self.options.fragment, system.ghosts)
        self._check_spin(system.multiplicity, system.n_electrons, system.name or system.formula)
        if system.n_electrons % 2 and self.options.low_level == "rhf":
            raise Unsupported(
                f"dmet: {system.name or system.formula} has an odd number of electrons; use low_level=uhf"
            )

    def _check_spin(self, multiplicity: int, electrons: int, what: str) -> None:
        if electrons < 1:
            raise Unsupported(f"{what} has no electrons")
        if self.options.low_level == "rhf" and multiplicity != 1 + electrons % 2:
            raise Unsupported(
                f"dmet: low_level=rhf averages over spins, which is no state of multiplicity {multiplicity} "
                f"({what}); use low_level=uhf"
            )

    def lattice_fragment(self) -> tuple[int, ...]:
        """The extent of a fragment along each lattice direction; InputError if it is not written so."""
        if not _LATTICE_FRAGMENT.fullmatch(self.options.fragment):
            raise InputError(f"fragment of a lattice: write 2 or 2x2, not '{self.options.fragment}'")
        return tuple(int(n) for n in self.options.fragment.split("x"))

    def compute(self, system: Molecule | LatticeModel, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_dmet import run
        from qmbench_dmet.errors import EmbeddingError, Refused

        try:
            if isinstance(system, LatticeModel):
                return run.lattice_result(system, self.options, self.lattice_fragment(), properties)
            return run.molecule_result(system, self.options, properties, resources)
        except Refused as error:
            raise Unsupported(f"dmet: {error}") from error
        except EmbeddingError as error:
            raise NotConverged(f"dmet: {error}") from error

    def removed_electrons(self, system: Molecule | LatticeModel) -> int:
        from qmbench_pyscf import removed_electrons

        basis = self.options.basis
        return removed_electrons(system, basis) if isinstance(system, Molecule) and basis else 0

    def estimate(self, system: Molecule | LatticeModel, properties: frozenset[str]) -> float | None:
        if isinstance(system, LatticeModel):
            orbitals = 2 * math.prod(self.lattice_fragment())
            seconds = 0.01 + 1e-7 * math.comb(orbitals, orbitals // 2) ** 2 * orbitals
            return seconds * (20.0 if self.options.self_consistent else 5.0)
        return None

    def families(self) -> dict[str, str]:
        reference = f"hf/{self.options.basis}" if self.options.basis else "lattice mean field"
        return {"program": "qmbench-dmet", "reference": reference}

    def label(self) -> str:
        return "DMET"
