"""What a self-consistent field depends on. Importing this module imports no quantum-chemistry program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from qmbench import Molecule, Unsupported
from qmbench_pyscf.basis_names import Cartesian, canonical_basis, published_functions
from qmbench_pyscf.external import ExternalFunctional
from qmbench_pyscf.gpu_checks import installed

Reference = Literal["auto", "restricted", "unrestricted"]
Backend = Literal["cpu", "gpu"]
Field3 = tuple[float, float, float]
NO_FIELD: Field3 = (0.0, 0.0, 0.0)


def along(axis: int, strength: float) -> Field3:
    """A field of `strength` along x, y or z (0, 1, 2)."""
    x, y, z = (strength if axis == k else 0.0 for k in range(3))
    return x, y, z


@dataclass(frozen=True)
class Perturbation:
    """What is added to the Hamiltonian of a molecule, its electrons and its basis staying as they are.

    field: uniform electric field, atomic units. charges: added to the charge of each centre, ghosts included, in
    elementary charges; empty for none. Electrons feel them; the repulsion of the nuclei stays that of the molecule.
    functions: for each centre, an element whose basis functions are there as well; empty for none.
    """

    field: Field3 = NO_FIELD
    charges: tuple[float, ...] = ()
    functions: tuple[str, ...] = ()

    @property
    def in_field(self) -> bool:
        """Whether there is an electric field."""
        return any(self.field)

    def fields(self) -> dict[str, Any]:
        """The same as fields of `ScfSpecification`."""
        return {"field": self.field, "charges": self.charges, "functions": self.functions}


UNPERTURBED = Perturbation()


@dataclass(frozen=True)
class AdaptiveExtension:
    """A rule by which shells are added to the basis set of a molecule: see `basis_extension`.

    pool: basis set that the shells are from. threshold: of what a function of a shell is expected to bring, hartree for
    the target `energy`, bohr³ for `polarizability`.
    """

    pool: str
    threshold: float
    target: Literal["energy", "polarizability"] = "energy"


@dataclass(frozen=True)
class AddedShells:
    """Shells of the basis set `pool` that are there as well: for each centre their numbers, as in `pool_shells`."""

    pool: str
    shells: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ScfSpecification:
    """All that the numbers of a self-consistent field depend on, apart from the molecule and the versions of programs.

    basis: name of the basis set; it is kept in its canonical spelling. xc: functional as libxc names it and PySCF
    spells it, an `ExternalFunctional`, or None for Hartree–Fock. reference: auto is restricted for multiplicity 1,
    unrestricted otherwise. grid: PySCF's level of the quadrature grid, 0 to 9; None: see `grid_level`.
    energy_tolerance: hartree. max_cycle: iterations of one SCF. stability: whether the orbital Hessian is looked at,
    and saddle points left downhill. nlc: False leaves out the VV10 part of a functional that has one. field: uniform
    electric field in atomic units; the solution is then the one that grows out of the field-free one. charges,
    functions: added to the nuclei, and to the basis; see `Perturbation`. potential: core
    potential instead of the basis set's own, see `to_mole`. extension: shells that are added to the basis set, or the
    rule by which they are found. cartesian: spherical or Cartesian basis functions, see
    `Cartesian`; None becomes what the basis set was published with. backend: cpu, or gpu, by gpu4pyscf (see `gpu`).
    InputError for an unknown basis, or one that was published with both.
    """

    basis: str
    xc: str | ExternalFunctional | None = None
    reference: Reference = "auto"
    density_fitting: bool = False
    grid: int | None = None
    energy_tolerance: float = 1e-10
    max_cycle: int = 100
    stability: bool = True
    nlc: bool = True
    field: Field3 = NO_FIELD
    potential: str | None = None
    cartesian: Cartesian | None = None
    charges: tuple[float, ...] = ()
    functions: tuple[str, ...] = ()
    extension: AdaptiveExtension | AddedShells | None = None
    backend: Backend = "cpu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "basis", canonical_basis(self.basis))
        if self.cartesian is None:
            object.__setattr__(self, "cartesian", published_functions(self.basis))

    def check(self, molecule: Molecule) -> None:
        """Unsupported where `molecule` has no such determinant."""
        if molecule.multiplicity > 1 and self.reference == "restricted":
            raise Unsupported(
                f"restricted determinants are for multiplicity 1, not {molecule.multiplicity}; leave out reference, "
                "or write reference=unrestricted"
            )
        if molecule.n_electrons == 0:
            raise Unsupported(f"{molecule.formula} has no electrons")
        if self.extension is not None and self.cartesian:
            raise Unsupported(
                f"basis_extension adds spherical functions, and those of {self.basis} are Cartesian; write "
                "cartesian=false, or take another basis set"
            )
        if self.extension is not None and self.density_fitting:
            raise Unsupported("no fitting set belongs to an extended basis; leave out density_fitting")
        if self.backend == "gpu":
            self._check_gpu()

    def _check_gpu(self) -> None:
        """Unsupported for what is not handed to gpu4pyscf."""
        lacking = {
            "a functional that is not libxc's": isinstance(self.xc, ExternalFunctional),
            "finite fields, or charges added to nuclei": self.is_perturbed or bool(self.functions),
            "basis_extension": self.extension is not None,
        }
        for what, is_asked in lacking.items():
            if is_asked:
                raise Unsupported(f"backend=gpu does not do {what}; leave it out")

    def is_unrestricted(self, molecule: Molecule) -> bool:
        """Whether ↑ and ↓ electrons of `molecule` have orbitals of their own."""
        return molecule.multiplicity > 1 or self.reference == "unrestricted"

    @property
    def functional(self) -> str:
        """The functional's name, hf for Hartree–Fock."""
        return self.xc.name if isinstance(self.xc, ExternalFunctional) else self.xc or "hf"

    @property
    def grid_level(self) -> int:
        """`grid`, or the level meant by None: 4, good to 1e-6 hartree for LDA, GGA and hybrids of them, or 5 for
        meta-GGAs (1e-6 for most, 2e-5 for SCAN, which needs a grid beyond PySCF's levels). 0 for Hartree–Fock.
        """
        if self.xc is None:
            return 0
        if self.grid is not None:
            return self.grid
        if isinstance(self.xc, ExternalFunctional):
            return 5 if self.xc.kind == "MGGA" else 4
        from pyscf.dft import libxc

        return 5 if libxc.xc_type(self.xc) == "MGGA" else 4

    @property
    def is_hybrid(self) -> bool:
        """Whether there is exact exchange, as in Hartree–Fock."""
        if self.xc is None or isinstance(self.xc, ExternalFunctional):
            return self.xc is None
        from pyscf.dft import libxc

        return bool(libxc.is_hybrid_xc(self.xc))

    @property
    def is_perturbed(self) -> bool:
        """Whether there is an electric field, or a charge added to a nucleus."""
        return any(self.field) or any(self.charges)

    def planned_name(self, molecule: Molecule, functional: str = "hf") -> str:
        """A name of the SCF before it is made, for `Method.shared_seconds`; functional: by qmbench's name, in the place
        of `xc`, which libxc would have to be asked for. What has one name has one `artifact_key`."""
        system = {k: v for k, v in molecule.to_json().items() if k not in ("name", "fragments", "notes")}
        return json.dumps(["scf", functional, repr(self), system])

    def artifact_key(self, molecule: Molecule) -> str:
        """All that the converged SCF of `molecule` depends on, as text: the key of its artifact (`Resources.artifact`).

        Names of molecules are not in it, nor their division into fragments. What is made from this SCF and depends on
        nothing else may be kept under a text that holds this one.
        """
        from importlib import metadata

        options = {**vars(self), "grid": self.grid_level}
        if self.extension is None:  # as it was before there was one
            del options["extension"]
        else:
            options["extension"] = {"what": type(self.extension).__name__, **vars(self.extension)}
        del options["basis"], options["xc"]
        if not self.cartesian:  # as it was before there was a choice
            del options["cartesian"]
        if self.backend == "cpu":  # as it was before there was another one
            del options["backend"]
        for name in ("charges", "functions"):
            if not options[name]:
                del options[name]
        if self.density_fitting:
            options["density_fitting"] = "coulomb and exchange" if self.is_hybrid else "coulomb"
        content = {
            "what": "scf",
            "system": {k: v for k, v in molecule.to_json().items() if k not in ("name", "fragments")},
            "basis": self.basis,
            "xc": self.xc.key if isinstance(self.xc, ExternalFunctional) else self.xc,
            "options": options,
            "versions": [metadata.version("pyscf"), metadata.version("qmbench-pyscf")],
        }
        if self.backend == "gpu":
            content["gpu"] = installed()
        return json.dumps(content, sort_keys=True)
