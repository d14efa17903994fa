"""Response of the density of atoms over the radius, by angular momentum, and its distance from full CI.

The numbers are made by `qmbench_pyscf.radial_response`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from qmbench import Curve, Molecule, Quantity, Resources, Result, System, Unsupported, parse_level
from qmbench_response.angular import ANGULAR
from qmbench_response.of_levels import ResponseOfLevel

# Hartree⁻¹ bohr⁻³: norms of a response below this are rounding.
NOTHING = 1e-10
DIFFERENCES = frozenset(f"{name}_response_difference" for name in ANGULAR)
PROPERTIES = DIFFERENCES | {"polarizability", "dynamic_polarizability"}
PROPERTIES |= {f"{name}_response{what}" for name in ANGULAR for what in ("", "_norm")}


class RadialResponse(ResponseOfLevel):
    """Density response r r′ χ_l(r, r′, iω) of a spherical atom with angular momentum l = 0 and 1, on a grid of radii.

    Coupled (TDHF, TDDFT), RPA or uncoupled response of Hartree–Fock and functionals, and that of full CI as a sum over
    all its states: Fetter and Walecka, Quantum Theory of Many-Particle Systems (1971), 5. Polarizabilities are −4π/3 ∫∫
    r³ r′³ χ_1 dr dr′; differences are norms of the difference from full CI in the same functions. Hartree and bohr.
    """

    name = "radial-response"
    called = "radial response"
    properties = PROPERTIES
    citations = ("10.1103/RevModPhys.36.844",)
    examples = ("radial-response?level=hf/cc-pvdz", "radial-response?kernel=none&frequency=0.3&level=pbe/cc-pvdz")
    # What quadrature of a functional's kernel may change, where the atom is not at the origin.
    tolerances: ClassVar[dict[str, float]] = dict.fromkeys(PROPERTIES, 1e-5)

    @classmethod
    def example_systems(cls) -> Sequence[System]:
        """Two electrons, two in an ion, and one."""
        return [
            Molecule(("He",), ((0.1, 0.0, 0.2),), 0, 1, name="helium"),
            Molecule(("Li",), ((0.0, 0.0, 0.0),), 1, 1, name="lithium cation"),
            Molecule(("H",), ((0.0, 0.3, 0.0),), 0, 2, name="hydrogen"),
        ]

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        if any(system.ghosts):
            raise Unsupported(
                "radial-response takes no ghost atoms: functions off the nucleus have no angular momentum"
            )
        if system.n_parts != 1:
            raise Unsupported("radial-response is of single atoms; atomic-response is of molecules")
        inner = self.responding(system)
        if properties & DIFFERENCES:
            if getattr(inner.options, "basis_extension", None) not in (None, "none"):
                raise Unsupported("a difference from full CI needs a basis that is one set: leave basis_extension out")
            self._exact(inner).check(system, frozenset({"energy"}))

    def _exact(self, inner: Any) -> Any:
        """Full CI in the functions of the level."""
        if inner.name == "fci":
            return inner
        cartesian = inner.options.cartesian
        said = "" if cartesian is None else f"?cartesian={str(cartesian).lower()}"
        level: Any = parse_level(f"fci/{inner.basis}{said}")
        return level.make()

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        from qmbench_pyscf import radial_response
        from qmbench_response.line.methods import FREQUENCIES

        options, inner = self.options, self.inner()
        frequencies = [options.frequency]
        exact = None
        if properties & DIFFERENCES and inner.name != "fci":
            # First: what is too large for it is refused before anything else is computed.
            exact = radial_response(self._exact(inner), system, resources, frequencies=frequencies).functions
        if "dynamic_polarizability" in properties:
            frequencies += map(float, FREQUENCIES)
        found = radial_response(inner, system, resources, frequencies=frequencies, kernel=options.kernel)
        exact = found.functions if exact is None else exact
        r, weights = found.radii, found.weights
        alphas = -4 * np.pi / 3 * np.einsum("i,wij,j->w", weights * r**3, found.functions[1], weights * r**3)

        def norm(function: np.ndarray) -> float:
            """(∫∫ r² r′² χ² dr dr′)^½."""
            return float(np.sqrt(np.einsum("i,ij,j", weights * r**2, function**2, weights * r**2)))

        values: dict[str, Quantity] = {"polarizability": Quantity(alphas[0] * np.eye(3), "bohr3")}
        if "dynamic_polarizability" in properties:
            values["dynamic_polarizability"] = Quantity(Curve(FREQUENCIES, alphas[1:], "hartree"), "bohr3")
        for l, name in enumerate(ANGULAR):
            chi = found.functions[l, 0]
            values[f"{name}_response"] = Quantity(chi * np.outer(r, r), "hartree-1 bohr-4")
            values[f"{name}_response_norm"] = Quantity(norm(chi), "hartree-1 bohr-3")
            if f"{name}_response_difference" in properties:
                whole = norm(exact[l, 0])
                if whole < NOTHING:
                    raise Unsupported(f"full CI in {inner.basis} has no {name} response that a difference could be of")
                values[f"{name}_response_difference"] = Quantity(norm(chi - exact[l, 0]) / whole, "")
        settings = dict(found.settings) | {"frequency_hartree": options.frequency}
        settings |= {"grid_bohr": r.tolist(), "grid_weights_bohr": weights.tolist()}
        return Result({name: values[name] for name in properties}, settings)

    def estimate(self, system: Molecule, properties: frozenset[str]) -> float | None:
        once = self.inner().estimate(system, frozenset({"energy"}))
        return None if once is None else 1.0 + 5.0 * once
