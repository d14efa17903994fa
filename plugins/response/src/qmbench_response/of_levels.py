"""What methods have in common that give the response of a level's density: options, and which levels have one."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from qmbench import LevelOfTheory, Method, Molecule, Options, System, Unsupported, parse_level


class ResponseOptions(Options):
    """Whose response, of what kind, and where."""

    level: str = Field(
        description="level of theory whose density responds, such as pbe/def2-svp; %26 stands for & in it",
        examples=["hf/sto-3g"],
    )
    kernel: Literal["full", "hartree", "none"] = Field(
        "full",
        description="what answers the change of the density: all of the level (TDHF, TDDFT), its Coulomb potential "
        "alone (RPA), or nothing (χ₀)",
    )
    frequency: float = Field(0.0, ge=0, le=100, description="imaginary frequency, hartree", examples=[0.5])

    @field_validator("level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.lower().startswith(("atomic-response", "radial-response")):
            raise ValueError("name the level whose density responds")
        return value


class ResponseOfLevel(Method[Molecule]):
    """The density response of Hartree–Fock, functionals and full CI of qmbench-pyscf."""

    systems: ClassVar[tuple[type[System], ...]] = (Molecule,)
    Options: ClassVar[type[Options]] = ResponseOptions
    distributions = ("pyscf", "qmbench-pyscf")
    label_options = frozenset({"level", "kernel", "frequency"})
    # What the label calls the response.
    called: ClassVar[str] = "response"
    options: ResponseOptions

    def inner(self) -> Any:
        """The method of the level; Unsupported where its density does not respond here."""
        options = self.options
        level = parse_level(options.level)
        inner: Any = level.make() if isinstance(level, LevelOfTheory) else None
        responds = "dynamic_polarizability" in getattr(inner, "properties", ()) or getattr(inner, "name", "") == "fci"
        if not hasattr(inner, "point") or not responds:
            raise Unsupported(
                f"{self.name}: {options.level} has no density here that responds; hf, functionals without dispersion "
                "and fci of qmbench-pyscf have one"
            )
        if inner.name == "fci":
            if options.kernel != "full":
                raise Unsupported("fci has no orbitals whose response could go without a kernel; leave kernel out")
            if inner.options.frozen_core:
                raise Unsupported(f"{self.name} of fci needs all electrons to respond: leave frozen_core out")
        return inner

    def responding(self, system: Molecule) -> Any:
        """The method of the level; Unsupported where it has no density of this system that responds."""
        if system.n_electrons == 0:
            raise Unsupported(f"{system.name or system.formula} has no electrons: nothing responds")
        inner = self.inner()
        inner.check(system, frozenset({"energy", "quadrupole"}))
        return inner

    def families(self) -> dict[str, str]:
        correlated = self.inner().name == "fci"
        return {"program": "pyscf", "response": "correlated" if correlated else "of one determinant"}

    def label(self) -> str:
        kind = {"full": "", "hartree": "RPA on ", "none": "χ₀ of "}[self.options.kernel]
        return f"{self.called}, {kind}{self.options.level}"
