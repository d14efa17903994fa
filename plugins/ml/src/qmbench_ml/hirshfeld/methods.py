"""Levels of theory: learned Hirshfeld ratios, and many-body dispersion on them. Imports no numerics."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from qmbench import (
    Explanation,
    InputError,
    Method,
    Molecule,
    Quantity,
    Resources,
    Result,
    TrainingOverlap,
    Unsupported,
    require_neutral_singlet,
    single_level,
)
from qmbench_ml.hirshfeld.options import LearnedDispersionOptions

if TYPE_CHECKING:
    from qmbench_ml.domain import Ranges
    from qmbench_ml.hirshfeld.model import Prediction

MOST_UNCERTAIN, MOST_UNKNOWN, CERTAIN = 0.4, 0.8, 0.05
"""A ratio is refused if its standard deviation exceeds the first number; or exceeds the third, and is more than the
second times what it would be without any training: then the model knows next to nothing."""


class LearnedRatios(Method[Molecule]):
    """Hirshfeld volume ratios of PBE densities, learned: a Gaussian process on SOAP descriptors of each atom.

    Bartók, Kondor and Csányi, Phys. Rev. B 87, 184115 (2013); the ratios: Tkatchenko and Scheffler, Phys. Rev. Lett.
    102, 073005 (2009). No electronic structure calculation. Closed-shell neutral molecules and free atoms. A ratio of
    volumes, bohr³ over bohr³: dimensionless; positions are in bohr.
    """

    name = "ml-hirshfeld"
    systems = (Molecule,)
    properties = frozenset({"hirshfeld_ratios"})
    distributions = ("featomic", "numpy", "scipy", "qmbench-mbd")
    citations: ClassVar[tuple[str, ...]] = ("10.1103/PhysRevB.87.184115", "10.1103/PhysRevLett.102.073005")

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if any(system.ghosts):
            raise Unsupported(f"{self.name} has no basis, so there are no ghosts")
        self._ranges().check_elements(self.name, system)
        if system.n_parts > 1:
            require_neutral_singlet(system, self.name, "pbe+mbd/def2-tzvpd, say, takes any")
            self._ranges().check(self.name, system)
        self._check_with_free_atoms(system)

    def _ranges(self) -> Ranges:
        from qmbench_ml.domain import ranges_in
        from qmbench_ml.hirshfeld.model import FILE

        return ranges_in(FILE)

    def _check_with_free_atoms(self, molecule: Molecule) -> None:
        """The plugin that defines the ratios has to be there, and an atom alone in its ground state."""
        try:
            free = single_level("ts", damping="pbe", ratios="free")
        except InputError:
            raise Unsupported(f"{self.name} needs the plugin qmbench-mbd: pip install qmbench-mbd") from None
        if molecule.n_parts == 1:
            try:
                free.make().check(molecule, frozenset({"c6"}))
            except Unsupported as error:
                raise Unsupported(f"{self.name} has free atoms in their ground states only: {error}") from None

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        return 0.1 + 0.002 * system.n_parts

    def families(self) -> dict[str, str]:
        return {"program": "featomic", "functional": "pbe", "model": "ml-hirshfeld"}

    def label(self) -> str:
        return "ML-Hirshfeld"

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_ml.hirshfeld.model import shipped_hash

        prediction = self._predict(system, gradients=False)
        found = {"hirshfeld_ratios": Quantity(prediction.ratios, "", prediction.uncertainties, "model")}
        return Result(found, {"model": shipped_hash()}, (), *self._rests_on(system, prediction))

    def _predict(self, molecule: Molecule, *, gradients: bool) -> Prediction:
        """The prediction, or Unsupported where it would be a guess."""
        from qmbench_ml.hirshfeld.model import shipped

        prediction = shipped().predict(molecule.atomic_numbers, molecule.coordinates, gradients=gradients)
        deviations = prediction.uncertainties
        unknown = (deviations > CERTAIN) & (deviations > MOST_UNKNOWN * prediction.prior)
        if (refused := (deviations > MOST_UNCERTAIN) | unknown).any():
            worst = int((deviations * refused).argmax())
            raise Unsupported(
                f"{self.name}: the ratio of atom {worst + 1} ({molecule.symbols[worst]}) would be uncertain by "
                f"{deviations[worst]:.2f}: nothing like it is in the training set"
            )
        if molecule.n_parts == 1:
            return prediction
        ranges = self._ranges()
        return prediction.widened(ranges.added(molecule.n_parts, ranges.check(self.name, molecule)))

    def _rests_on(self, molecule: Molecule, prediction: Prediction) -> tuple[TrainingOverlap | None, Explanation]:
        from qmbench_ml import training_set
        from qmbench_ml.hirshfeld.explanation import explanation
        from qmbench_ml.hirshfeld.model import shipped

        overlap = training_set.shipped().overlap(molecule, ("monomers", "dimers", "contacts"))
        return overlap, explanation(shipped(), molecule, prediction)


class LearnedDispersion(LearnedRatios):
    """Many-body dispersion, MBD@rsSCS, on learned Hirshfeld ratios: no electronic structure calculation.

    Dispersion energy in hartree. Ambrosetti et al., J. Chem. Phys. 140, 18A508 (2014). `forces` and
    `dispersion_forces` are of that energy, the derivative of the ratios included.
    """

    name = "ml-hirshfeld+mbd"
    Options = LearnedDispersionOptions
    properties = frozenset(
        {"hirshfeld_ratios", "dispersion_energy", "c6", "polarizability", "forces", "dispersion_forces"}
    )
    examples = ("ml-hirshfeld+mbd", "ml-hirshfeld+mbd?solver=stochastic")
    citations = (*LearnedRatios.citations, "10.1063/1.4865104")

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        super().check_system(system, properties)
        if self.is_stochastic() and (missing := sorted(properties - {"dispersion_energy"})):
            raise Unsupported(f"{self.name}: solver=stochastic gives dispersion_energy only, not {', '.join(missing)}")

    def is_stochastic(self) -> bool:
        return self.options.solver == "stochastic"

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        return 0.1 + (60.0 if not self.is_stochastic() else 5.0) * (system.n_parts / 1000) ** 3

    def families(self) -> dict[str, str]:
        return {**super().families(), "dispersion": "mbd"}

    def label(self) -> str:
        return "ML-Hirshfeld+MBD"

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_ml.hirshfeld.dispersion import dispersion
        from qmbench_ml.hirshfeld.model import shipped_hash

        prediction = self._predict(system, gradients=bool(properties & {"forces", "dispersion_forces"}))
        found, settings = dispersion(system, prediction, self.options, properties, resources)
        found["hirshfeld_ratios"] = Quantity(prediction.ratios, "", prediction.uncertainties, "model")
        settings["model"] = shipped_hash()
        return Result(found, settings, (), *self._rests_on(system, prediction))


METHODS = (LearnedRatios, LearnedDispersion)
