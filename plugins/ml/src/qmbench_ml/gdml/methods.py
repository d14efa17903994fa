"""The level of theory `gdml?model=NAME|FILE`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from qmbench import (
    Explanation,
    Method,
    Molecule,
    Options,
    Quantity,
    Resources,
    Result,
    System,
    TrainingOverlap,
    Unsupported,
)
from qmbench_ml.gdml import shipped

if TYPE_CHECKING:
    import numpy as np

    from qmbench_ml.gdml.model import ForceField

# Nearer than this to a training geometry (in `ForceField.distances`), it is the same one.
SAME_GEOMETRY = 1e-3
NEAREST, ATOMS = 5, 50  # rows of an explanation


class GdmlOptions(Options):
    """Which force field."""

    model: str = Field(
        description="a shipped model (water, formaldehyde, methanol), or a file that qmbench_ml.gdml.train wrote",
        examples=["formaldehyde", "methanol"],
    )

    @field_validator("model")
    @classmethod
    def _resolve(cls, value: str) -> str:
        return shipped.resolved(value)


class Gdml(Method[Molecule]):
    """Gradient-domain kernel force field of one molecule, symmetrised over its atoms' permutations (sGDML).

    Energies in hartree, forces their exact gradient, each with a calibrated deviation of a Gaussian process. Chmiela et
    al., Sci. Adv. 3, e1603015 (2017); Nat. Commun. 9, 3887 (2018).
    """

    name = "gdml"
    systems = (Molecule,)
    properties = frozenset({"energy", "forces"})
    Options = GdmlOptions
    distributions = ("numpy", "scipy")
    citations = ("10.1126/sciadv.1603015", "10.1038/s41467-018-06169-2")
    examples = ("gdml?model=water", "gdml?model=formaldehyde")

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        """A water and a formaldehyde molecule a little off their minima."""
        water = ((0.0, 0.0, 0.2), (0.05, 1.45, -0.9), (-0.1, -1.4, -0.95))
        formaldehyde = ((0.02, 0.05, -1.0), (0.0, -0.03, 1.24), (0.05, 1.8, -2.1), (-0.05, -1.76, -2.12))
        return (
            Molecule(("O", "H", "H"), water, 0, 1, name="water"),
            Molecule(("C", "O", "H", "H"), formaldehyde, 0, 1, name="formaldehyde"),
        )

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        self._placed(system)

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        return 1.0

    def families(self) -> dict[str, str]:
        return {"program": "qmbench-ml", "reference": shipped.load(self.options.model).level}

    def label(self) -> str:
        return "GDML"

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        model, order = self._placed(system)
        positions = system.coordinates[None, order]
        energy_bars, force_bars = model.errors(positions)
        if energy_bars[0] > model.largest_bar:
            raise Unsupported(
                f"{self.name}: the error bar of the energy, {energy_bars[0]:.2g} hartree, is larger than any on which"
                f" error bars of {model.name} were calibrated ({model.largest_bar:.2g}): far from the training data"
            )
        found = {}
        if "energy" in properties:
            energy = float(model.energies(positions)[0])
            found["energy"] = Quantity(energy, "hartree", float(energy_bars[0]), "model")
        if "forces" in properties:
            back = order.argsort()
            forces = model.forces(positions)[0, back]
            found["forces"] = Quantity(forces, "hartree/bohr", force_bars[0, back], "model")
        settings = {
            "labels": model.level,
            "training_geometries": len(model.positions),
            "permutations": len(model.permutations),
        }
        return Result(found, settings, (), *_rests_on(model, system, order, positions, force_bars[0]))

    def _placed(self, system: Molecule) -> tuple[ForceField, np.ndarray]:
        """The model, and which atom of the system is each of the model's."""
        model = shipped.load(self.options.model)
        try:
            return model, model.order_in(system)
        except Unsupported as error:
            raise Unsupported(f"{self.name}: {error}") from None


def _rests_on(
    model: ForceField, molecule: Molecule, order: np.ndarray, positions: np.ndarray, bars: np.ndarray
) -> tuple[TrainingOverlap, Explanation]:
    """What of the training data the prediction rests on, and how uncertain the force on each atom is."""
    distances, shares = model.distances(positions)[0], model.shares(positions)
    nearest = [int(i) for i in distances.argsort(kind="stable")[:NEAREST]]
    rows: list[list[Any]] = [
        [f"training geometry {i + 1}", float(distances[i]), float(shares[i]), None] for i in nearest
    ]
    by_atom = [(float((bars[k] ** 2).sum() ** 0.5), int(i)) for k, i in enumerate(order)]
    chosen = sorted(sorted(by_atom, reverse=True)[:ATOMS], key=lambda row: row[1])
    rows += [[f"{molecule.symbols[i]}{i + 1}", None, None, bar] for bar, i in chosen]
    closest = float(distances[nearest[0]])
    kind = "same geometry" if closest < SAME_GEOMETRY else "same molecule"
    note = (
        "distances from training geometries in standard deviations of them; shares of the"
        " absolute contributions to the energy; errors of the force on each atom"
    )
    columns = ("of", "distance", "share of the energy", "force_error_hartree_bohr")
    return TrainingOverlap(model.name, closest, kind), Explanation(columns, tuple(map(tuple, rows)), note)


METHODS = (Gdml,)
