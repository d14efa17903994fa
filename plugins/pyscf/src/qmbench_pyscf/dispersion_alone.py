"""D3 and D4 as levels of theory of their own: a dispersion energy without electronic structure.

The libraries of the authors' group, dftd3 and dftd4, have the parameters by the functional's name. Such a level has no
`energy`; its forces are those of its dispersion energy. `pbe+d4` less `pbe` is `d4?functional=pbe`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from pydantic import Field, field_validator

from qmbench import (
    ATOMIC_NUMBERS,
    ELEMENTS,
    Method,
    Molecule,
    Options,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
    require_elements,
)
from qmbench_pyscf.dispersion import SOURCES, library_name

# Both libraries have reference systems for hydrogen to lawrencium. Beyond, dftd3 gives 0 or crashes, and says nothing.
LARGEST = 103
KNOWN = tuple(symbol for symbol in ELEMENTS if 0 < ATOMIC_NUMBERS[symbol] <= LARGEST)
_D3 = "10.1063/1.3382344"
_LIBRARY = "10.21105/joss.07169"


@dataclass(frozen=True)
class Damping:
    """A model with one kind of damping. label: as the literature has it. parameters: what dftd3 calls the class of its
    parameters; empty: dftd4 has them. citations: who damps so first."""

    label: str
    description: str
    parameters: str
    citations: tuple[str, ...]


DAMPINGS = {
    "d3bj": Damping(
        "D3(BJ)", "D3 dispersion with rational (Becke–Johnson) damping", "RationalDampingParam", SOURCES["d3bj"]
    ),
    "d3zero": Damping("D3(0)", "D3 dispersion with zero damping", "ZeroDampingParam", (_D3, _LIBRARY)),
    "d3mbj": Damping(
        "D3M(BJ)",
        "D3 dispersion, rational damping refitted",
        "ModifiedRationalDampingParam",
        ("10.1021/acs.jpclett.6b00780", _D3, _LIBRARY),
    ),
    "d3mzero": Damping(
        "D3M(0)",
        "D3 dispersion, zero damping modified and refitted",
        "ModifiedZeroDampingParam",
        ("10.1021/acs.jpclett.6b00780", _D3, _LIBRARY),
    ),
    "d3op": Damping(
        "D3(op)",
        "D3 dispersion with optimized power damping",
        "OptimizedPowerDampingParam",
        ("10.1021/acs.jctc.7b00176", _D3, _LIBRARY),
    ),
    "d3cso": Damping(
        "D3(CSO)",
        "D3 dispersion, C6 alone with an adjusted damping",
        "CSODampingParam",
        ("10.1021/acs.jctc.5b00400", _D3, _LIBRARY),
    ),
    "d4": Damping("D4", "D4 dispersion, by atomic charges, with rational damping", "", SOURCES["d4"]),
}

# ωB97X-D3 is a functional of its own (Lin, Li, Mao and Chai, J. Chem. Theory Comput. 9, 263 (2013)), whose zero damping
# the library calls wb97x.
_ZERO = {"wb97x-d3": "wb97x"}
_WRONG_ZERO = {"wb97x": "the parameters of that name belong to ωB97X-D3; write functional=wb97x-d3"}


class D3AloneOptions(Options):
    """D3: without the three-body term, as published."""

    functional: str = Field(
        description="density functional whose published damping is used, such as pbe; hf for Hartree–Fock",
        examples=["b3lyp", "pbe0"],
    )
    three_body: bool = Field(
        False, description="add the Axilrod–Teller–Muto term, which the published dampings of D3 leave off"
    )

    @field_validator("functional")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.strip().lower()


class D4AloneOptions(D3AloneOptions):
    """D4: with the three-body term, as published."""

    three_body: bool = Field(True, description="the Axilrod–Teller–Muto term, part of the published D4")


class DispersionAlone(Method[Molecule]):
    """Base of the models; `scheme` is filled in by `dispersion_alone`."""

    systems: ClassVar[tuple[type[System], ...]] = (Molecule,)
    scheme: ClassVar[str]
    options: Any
    label_options = frozenset({"functional"})

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        """A triangle of unlike atoms: all terms, no symmetry."""
        return (Molecule(("Ne", "C", "O"), ((0.0, 0.1, -0.2), (5.3, 1.2, 0.7), (5.9, -0.8, 1.1)), 0, 1, name="ne-co"),)

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if any(system.ghosts):
            raise Unsupported(f"{self.name} has no basis, so there are no ghosts")
        require_elements(system, KNOWN, self.name, "has no reference systems for")
        if system.charge and self.scheme != "d4":
            raise Unsupported(
                f"{self.name} knows no charge: it is for neutral molecules; d4 depends on the charge, and "
                f"FUNCTIONAL+{self.name} takes ions"
            )
        lowest = 1 + system.n_electrons % 2
        if system.multiplicity != lowest:
            raise Unsupported(
                f"{self.name} knows no spin: {system.name or system.formula} has the same dispersion in every "
                f"multiplicity; ask with multiplicity {lowest}"
            )

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        parameters, used = self._parameters()
        found, more = self._model(system, parameters)
        result = {
            "dispersion_energy": Quantity(float(found["energy"]), "hartree"),
            "forces": Quantity(-found["gradient"], "hartree/bohr"),
        }
        if more is not None:
            result["c6"] = Quantity(float(more["c6 coefficients"].sum()), "hartree bohr6")
        return Result(result, {"dispersion_parameters": used})

    def _model(self, molecule: Molecule, parameters: Any) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The energy with its gradient; of D4 also what it says of the atoms."""
        if self.scheme != "d4":
            from dftd3.interface import DispersionModel

            d3 = DispersionModel(molecule.atomic_numbers, molecule.coordinates)
            return d3.get_dispersion(parameters, grad=True), None
        from dftd4.interface import DispersionModel as D4Model

        d4 = D4Model(molecule.atomic_numbers, molecule.coordinates, charge=float(molecule.charge))
        return d4.get_dispersion(parameters, grad=True), d4.get_properties()

    def _parameters(self) -> tuple[Any, str]:
        """The library's object of the published parameters, and by which name it has them."""
        functional = self.options.functional
        if self.scheme == "d4":
            from dftd4.interface import DampingParam as kind
        else:
            import dftd3.interface

            kind = getattr(dftd3.interface, DAMPINGS[self.scheme].parameters)
        for name in self._names(functional):
            try:
                return kind(method=name, atm=self.options.three_body), name
            except RuntimeError:
                continue
        raise Unsupported(f"no {DAMPINGS[self.scheme].label} parameters are published for '{functional}'")

    def _names(self, functional: str) -> Iterator[str]:
        """What the library may call the functional, the likeliest first; Unsupported where a name misleads."""
        if self.scheme in ("d3bj", "d4"):
            yield library_name(functional, self.scheme)
            return
        if self.scheme == "d3zero" and functional in _WRONG_ZERO:
            raise Unsupported(f"{self.name}?functional={functional}: {_WRONG_ZERO[functional]}")
        yield _ZERO.get(functional, functional)
        yield functional.replace("-", "")
        with suppress(Unsupported):  # a name that misleads in D3(BJ)
            yield library_name(functional, "d3bj")

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        return 0.001 + 2e-8 * system.n_parts**3

    def families(self) -> dict[str, str]:
        return {"program": "dftd4" if self.scheme == "d4" else "dftd3", "dispersion": self.scheme}

    def label(self) -> str:
        from qmbench_pyscf.names import functional_label

        return f"{DAMPINGS[self.scheme].label}[{functional_label(self.options.functional)}]"


@lru_cache(maxsize=16)
def dispersion_alone(scheme: str) -> type[Method]:
    """The method class of one of `DAMPINGS`; nothing is imported to make it."""
    made = DAMPINGS[scheme]
    doc = (
        f"{made.description}, alone. DOI {made.citations[0]}\n\n"
        "Dispersion energy in hartree, with the forces of it, by the damping that was published for a functional."
    )
    is_d4 = scheme == "d4"
    members = {
        "__doc__": doc,
        "__module__": __name__,
        "name": scheme,
        "scheme": scheme,
        "Options": D4AloneOptions if is_d4 else D3AloneOptions,
        "properties": frozenset({"dispersion_energy", "forces", *({"c6"} if is_d4 else ())}),
        "citations": made.citations,
        "distributions": ("dftd4" if is_d4 else "dftd3",),
        "examples": (f"{scheme}?functional=pbe",),
    }
    return type(f"DispersionAlone_{scheme}", (DispersionAlone,), members)
