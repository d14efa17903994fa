"""The level of theory delta-ccsd(t). Imports no numerics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from qmbench import (
    Explanation,
    Fragment,
    InputError,
    Method,
    Molecule,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
    require_neutral_singlet,
    single_level,
)

if TYPE_CHECKING:
    from qmbench_ml.delta.model import Contacts, Correction
    from qmbench_ml.domain import Ranges


class DeltaCoupledCluster(Method[Molecule]):
    """PBE+MBD with a learned short-range correction to CCSD(T) of the energy between separate molecules.

    Ramakrishnan et al., J. Chem. Theory Comput. 11, 2087 (2015), for learning a difference. Energy in hartree: of one
    molecule exactly PBE+MBD's, so that only interaction energies mean more, and those with the counterpoise
    correction. The correction is a sum over contacts and vanishes smoothly at twice the sum of van der Waals radii:
    the long range is PBE+MBD's. Molecules are told apart by bonds.
    """

    name = "delta-ccsd(t)"
    own_basis = "def2-tzvp"
    systems = (Molecule,)
    properties = frozenset({"energy"})
    distributions = ("pyscf", "qmbench-pyscf", "qmbench-mbd", "numpy", "scipy")
    citations = ("10.1021/acs.jctc.5b00099",)

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        """Hydrogen and neon, alone and together."""
        apart = ((0.0, 0.0, -0.7), (0.0, 0.0, 0.66), (0.3, 0.0, 6.2))
        halves = (Fragment((0, 1), 0, 1), Fragment((2,), 0, 1))
        return (
            Molecule(("H", "H"), apart[:2], 0, 1, name="hydrogen"),
            Molecule(("Ne",), apart[2:], 0, 1, name="neon"),
            Molecule(("H", "H", "Ne"), apart, 0, 1, halves, name="hydrogen and neon"),
        )

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        self._ranges().check_elements(self.name, system)
        require_neutral_singlet(system, self.name)
        if len(system.real) > 1:
            self._ranges().check(self.name, system)
        self._baseline().check(system, frozenset({"energy"}))

    def _ranges(self) -> Ranges:
        from qmbench_ml.delta.model import FILE
        from qmbench_ml.domain import ranges_in

        return ranges_in(FILE)

    def _baseline(self) -> Method:
        try:
            return single_level("pbe+mbd", basis=self.own_basis, density_fitting=True, stability=False).make()
        except InputError:
            raise Unsupported(f"{self.name} needs the plugins qmbench-mbd and qmbench-pyscf") from None

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        return self._baseline().estimate(system, properties)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "functional": "pbe", "dispersion": "mbd", "model": "delta-ccsd(t)"}

    def label(self) -> str:
        return "Δ-CCSD(T)"

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_ml.delta.model import contacts, shipped
        from qmbench_ml.training_set import shipped as training_set

        near = contacts(list(system.elements), system.coordinates[list(system.real)])
        model = shipped()
        if len(near.x) and near.x.min() < model.closest:
            raise Unsupported(
                f"{self.name}: two molecules are closer ({near.x.min():.2f} sums of van der Waals radii) than any it "
                f"was trained on ({model.closest:.2f})"
            )
        if (strength := float(model.strength(near)[0])) > 1:
            raise Unsupported(
                f"{self.name}: the molecules touch each other {strength:.1f} times as much, by the model's prior, as in"
                f" any complex it was trained on"
            )
        mean, spread = model.predict(near)
        ranges = self._ranges()
        added = float(ranges.totals(ranges.check(self.name, system)) @ ranges.growth) if len(system.real) > 1 else 0.0
        baseline = self._baseline().run(system, ["energy"], resources)
        energy = baseline.properties["energy"].value
        assert isinstance(energy, float)
        energy += float(mean[0])
        settings: dict[str, Any] = dict(baseline.settings) | {"correction": float(mean[0])}
        if any(system.ghosts):
            settings["ghosts_carry"] = f"the baseline's basis, {self.own_basis}"
        if not len(near.x):  # nothing learned is in the number
            return Result({"energy": Quantity(energy, "hartree")}, settings, baseline.warnings)
        found = {"energy": Quantity(energy, "hartree", math.hypot(float(spread[0]), added), "model")}
        overlap = training_set().overlap(system, parts=["dimers"])
        return Result(found, settings, baseline.warnings, overlap, _explanation(model, near))


def _explanation(model: Correction, near: Contacts) -> Explanation:
    """What every kind of contact adds to the correction, the largest first, with its uncertainty."""
    rows = []
    for kind in sorted(set(near.types.tolist())):
        mine = near.of_type(kind)
        value, spread = model.predict(mine)
        known = bool((model.trained.types == kind).any())
        rows.append(
            [kind, len(mine.x), float(mine.x.min()), float(value[0]), float(spread[0]), "yes" if known else "no"]
        )
    rows.sort(key=lambda row: -abs(row[3]))
    columns = (
        *("contact", "count", "closest (vdW sums)", "correction (hartree)", "uncertainty (hartree)"),
        "trained on",
    )
    note = "atoms with their bonded neighbours; the corrections add up, the uncertainties do not"
    return Explanation(columns, tuple(map(tuple, rows[:50])), note)


METHODS = (DeltaCoupledCluster,)
