"""The level of theory delta-ccsd(t). Imports no numerics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qmbench import (
    Explanation,
    InputError,
    Method,
    Molecule,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
    parse_level,
)
from qmbench_ml.trained_elements import check_trained

if TYPE_CHECKING:
    from qmbench_ml.delta.model import Contacts, Correction

BASELINE = "pbe+mbd/def2-tzvp?density_fitting=true&stability=false"


class DeltaCoupledCluster(Method):
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

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        check_trained(self.name, system)
        if system.charge or system.multiplicity != 1:
            raise Unsupported(
                f"{self.name} was trained on neutral molecules of multiplicity 1, not charge {system.charge}, "
                f"multiplicity {system.multiplicity}"
            )
        self._baseline().check(system, frozenset({"energy"}))

    def _baseline(self) -> Method:
        try:
            return parse_level(BASELINE).make()
        except InputError:
            raise Unsupported(f"{self.name} needs the plugins qmbench-mbd and qmbench-pyscf") from None

    def estimate(self, system: System, properties: frozenset[str]) -> float | None:
        return self._baseline().estimate(system, properties)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "functional": "pbe", "dispersion": "mbd", "model": "delta-ccsd(t)"}

    def label(self) -> str:
        return "Δ-CCSD(T)"

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_ml.delta.model import CLOSEST, contacts, shipped
        from qmbench_ml.training_set import shipped as training_set

        real = [i for i, ghost in enumerate(system.ghosts) if not ghost]
        near = contacts([system.symbols[i] for i in real], system.coordinates[real])
        if len(near.x) and near.x.min() < CLOSEST:
            raise Unsupported(
                f"{self.name}: two molecules are closer ({near.x.min():.2f} sums of van der Waals radii) than any it "
                f"was trained on ({CLOSEST})"
            )
        model = shipped()
        if (strength := float(model.strength(near)[0])) > 1:
            raise Unsupported(
                f"{self.name}: the molecules touch each other {strength:.1f} times as much, by the model's prior, as in"
                f" any complex it was trained on"
            )
        mean, spread = model.predict(near)
        baseline = self._baseline().run(system, ["energy"], resources)
        energy = baseline.properties["energy"].value
        assert isinstance(energy, float)
        energy += float(mean[0])
        settings: dict[str, Any] = dict(baseline.settings) | {"correction": float(mean[0])}
        if any(system.ghosts):
            settings["ghosts_carry"] = "the baseline's basis, def2-tzvp"
        if not len(near.x):  # nothing learned is in the number
            return Result({"energy": Quantity(energy, "hartree")}, settings, baseline.warnings)
        found = {"energy": Quantity(energy, "hartree", float(spread[0]), "model")}
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
