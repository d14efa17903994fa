"""The scaling law of van der Waals radii as a level of theory, for the benchmark `vdw_radii`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qmbench import Method, Molecule, Options, Quantity, Resources, Result, System, Unsupported


class ScalingLaw(Method):
    """R_vdW = 2.54 α^(1/7), Fedorov, Sadhukhan, Stöhr, Tkatchenko, Phys. Rev. Lett. 121, 183401 (2018).

    Van der Waals radius in bohr of a free atom from its tabulated dipole polarizability α in bohr3. Where the table
    states an uncertainty of α, the radius has a seventh of it, relatively.
    """

    name = "vdw-scaling"
    systems = (Molecule,)
    properties = frozenset({"vdw_radius"})
    citations = ("10.1103/PhysRevLett.121.183401",)
    examples = ("vdw-scaling?polarizability=ts", "vdw-scaling?polarizability=recommended")

    class Options(Options):
        """Whose polarizabilities."""

        polarizability: Literal["ts", "recommended"] = Field(
            description="table of α: ts, that of Tkatchenko and Scheffler, which has the radii too (10.1103/"
            "PhysRevLett.102.073005); or recommended, Schwerdtfeger and Nagle's (10.1080/00268976.2018.1535143)"
        )

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        """A few atoms."""
        states = {"He": 1, "H": 2, "N": 4}
        return tuple(Molecule((s,), ((0.1, 0.2, 0.3),), 0, m, name=s.lower()) for s, m in states.items())

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        from qmbench_mbd.parameters import free_atoms

        super().check_system(system, properties)
        if len(system.symbols) != 1 or any(system.ghosts) or system.charge:
            raise Unsupported(f"{self.name} is about single neutral atoms, not {system.formula or 'ghosts'}")
        atom = free_atoms().get(system.symbols[0])
        if atom is None:
            raise Unsupported(f"{self.name}: no tabulated polarizability of {system.symbols[0]}")
        if system.multiplicity != atom.multiplicity:
            raise Unsupported(
                f"{self.name}: the table is of ground states, multiplicity {atom.multiplicity} of {system.symbols[0]}"
            )

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_mbd.parameters import free_atoms
        from qmbench_mbd.scaling import EXPONENT, PREFACTOR, recommended_polarizabilities

        element, u = system.symbols[0], None
        if self.options.polarizability == "ts":
            alpha = free_atoms()[element].alpha
        else:
            alpha, u = recommended_polarizabilities()[element]
        radius = PREFACTOR * alpha**EXPONENT
        spread = EXPONENT * radius * u / alpha if u else None
        found = Quantity(radius, "bohr", spread, "estimate" if spread else None)
        return Result({"vdw_radius": found}, {"alpha_bohr3": alpha, "source_doi": _DOI[self.options.polarizability]})

    def estimate(self, system: System, properties: frozenset[str]) -> float | None:
        return 0.001

    def families(self) -> dict[str, str]:
        return {"approximation": "scaling law", "polarizability": self.options.polarizability}

    def label(self) -> str:
        return "vdW scaling law"


_DOI = {"ts": "10.1103/PhysRevLett.102.073005", "recommended": "10.1080/00268976.2018.1535143"}
