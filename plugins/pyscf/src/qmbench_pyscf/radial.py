"""Response of the density of an atom, by angular momentum: χ(r, r′, iω) = Σ χ_l(r, r′) Y_lm(r̂) Y_lm(r̂′).

A spherical atom in a potential v(r) Y_lm has the density of the same angular dependence, δn_l(r) = ∫ χ_l(r, r′) v(r′)
r′² dr′. The operators are shells: δ(|r| − r_k)/r_k² Y_l0 in the functions of the basis, whose angular integrals a
Lebedev grid has exactly. Nothing is smeared: χ_l at two radii is that of the basis itself. Bohr and hartree.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import InputError, Molecule, Resources, Unsupported
from qmbench_pyscf.dynamic import Kernel

# Of two neighbouring radii: the trapezoidal rule in log r then leaves about 1e-8 of integrals over Gaussian functions.
RATIO = 1.2
# The first radius, in 1/Z bohr, and what the most diffuse function has left at the last one.
FIRST, LEFT = 2e-3, 1e-6
# Of r² n(r) on a sphere, over its largest value. Quadrature grids leave 1e-6, an open p shell 0.1.
SPHERICAL = 1e-3


@dataclass(frozen=True)
class RadialResponse:
    """radii (k,) in bohr; weights (k,) of ∫ f(r) dr = Σ w f(r). functions (l, frequencies, k, k): χ_l(r, r′, iω) in
    hartree⁻¹ bohr⁻⁶ for each l and frequency that was asked for, negative and symmetric. settings: for the record.
    """

    radii: np.ndarray
    weights: np.ndarray
    functions: np.ndarray
    settings: dict[str, Any]


def radial_response(
    method: Any,
    molecule: Molecule,
    resources: Resources,
    *,
    angular: Sequence[int] = (0, 1),
    frequencies: Sequence[float] = (0.0,),
    kernel: Kernel = "full",
) -> RadialResponse:
    """Of a single atom with a spherical density, at imaginary `frequencies` (hartree), for each l of `angular`.

    method: `hf`, a functional or `fci` of this plugin. kernel: what answers the change of the density of a mean field:
    everything; hartree, its Coulomb potential alone (RPA); or none (χ₀). Full CI is a sum over all its states. Radii
    depend on the basis alone. Tasks that ask for the same share it. InputError for more than one atom, NotConverged;
    Unsupported for a density that is not spherical, and where the determinants are too many.
    """
    from qmbench_pyscf.mole import pyscf_session

    if molecule.n_parts != 1 or any(molecule.ghosts):
        raise InputError("a radial response is that of a single atom")
    what = {
        "what": "radial response",
        "system": {k: v for k, v in molecule.to_json().items() if k not in ("name", "fragments")},
        "method": method.name,
        "options": method.options.model_dump(mode="json"),
        "angular": list(angular),
        "frequencies": [float(w) for w in frequencies],
        "kernel": kernel,
        "versions": {name: metadata.version(name) for name in ("numpy", "pyscf")},
    }

    def write(path: Path) -> None:
        if method.name == "fci":
            found = _full_ci(method, molecule, resources, angular, frequencies)
        else:
            found = _mean_field(method, molecule, resources, angular, frequencies, kernel)
        with open(path, "wb") as handle:
            np.savez(handle, **(vars(found) | {"settings": json.dumps(found.settings)}))

    with pyscf_session(resources), np.load(resources.artifact(json.dumps(what, sort_keys=True), write)) as data:
        settings = json.loads(str(data["settings"]))
        return RadialResponse(data["radii"], data["weights"], data["functions"], settings)


def _mean_field(
    method: Any,
    molecule: Molecule,
    resources: Resources,
    angular: Sequence[int],
    frequencies: Sequence[float],
    kernel: Kernel,
) -> RadialResponse:
    from qmbench_pyscf.dynamic import response_of_shells
    from qmbench_pyscf.specification import UNPERTURBED

    point = method.point(molecule, UNPERTURBED, resources)
    mf = point.state
    radii, weights = radial_grid(mf.mol)
    _check_spherical(molecule, mf.mol, np.atleast_3d(mf.make_rdm1()).reshape(-1, mf.mol.nao, mf.mol.nao), radii)
    found = response_of_shells(mf, [shell_operators(mf.mol, l, radii) for l in angular], frequencies, kernel)
    said = {"full": "coupled", "hartree": "Hartree kernel (RPA)", "none": "uncoupled (χ₀)"}[kernel]
    return RadialResponse(radii, weights, -np.array(found), dict(point.settings) | {"response": said})


def _full_ci(
    method: Any, molecule: Molecule, resources: Resources, angular: Sequence[int], frequencies: Sequence[float]
) -> RadialResponse:
    from qmbench_pyscf.fullci import molecular_problem
    from qmbench_pyscf.fullci_response import all_states
    from qmbench_pyscf.meanfield import reference_scf
    from qmbench_pyscf.scf import scf_settings
    from qmbench_pyscf.specification import UNPERTURBED

    mf = reference_scf(method, molecule, UNPERTURBED, resources)
    problem = molecular_problem(mf, 0)
    states = all_states(problem, molecule.multiplicity)
    radii, weights = radial_grid(mf.mol)
    _check_spherical(molecule, mf.mol, states.density()[None], radii)
    found = [states.response(shell_operators(mf.mol, l, radii), frequencies) for l in angular]
    settings = scf_settings(mf) | {"determinants": problem.determinants(), "response": "sum over all states of full CI"}
    return RadialResponse(radii, weights, -np.array(found), settings)


def radial_grid(mole: Any) -> tuple[np.ndarray, np.ndarray]:
    """Radii (k,) of equal ratios and their weights for ∫ dr, by the charge of the nucleus and the widest function."""
    widest = min(float(mole.bas_exp(i).min()) for i in range(mole.nbas))
    charge = max(1, mole.atom_nelec_core(0) + int(mole.atom_charge(0)))
    last = np.sqrt(-np.log(LEFT) / widest)
    count = int(np.ceil(np.log(last * charge / FIRST) / np.log(RATIO))) + 1
    radii = FIRST / charge * RATIO ** np.arange(count)
    return radii, np.log(RATIO) * radii


def shell_operators(mole: Any, l: int, radii: np.ndarray) -> np.ndarray:
    """(k, n, n) in the AO basis: δ(|r| − r_k)/r_k² Y_l0(r̂) about the nucleus, ∫ Y_l0 of the density at each radius."""
    from scipy.special import eval_legendre

    directions, weights, orbitals = _on_spheres(mole, l, radii)
    harmonic = np.sqrt((2 * l + 1) / (4 * np.pi)) * eval_legendre(l, directions[:, 2])
    return np.asarray(np.einsum("kop,o,koq->kpq", orbitals, weights * harmonic, orbitals, optimize=True))


def _on_spheres(mole: Any, l: int, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions (o, 3), weights (o,) of ∫ dΩ, exact for products of two functions and Y_l, and orbitals (k, o, n)."""
    from pyscf.dft import gen_grid, numint

    degree = 2 * max(mole.bas_angular(i) for i in range(mole.nbas)) + l
    count = next(n for order, n in sorted(gen_grid.LEBEDEV_ORDER.items()) if order >= max(degree, 3))
    grid = gen_grid.MakeAngularGrid(count)
    points = mole.atom_coord(0) + radii[:, None, None] * grid[:, :3]
    orbitals = numint.eval_ao(mole, points.reshape(-1, 3)).reshape(len(radii), count, mole.nao)
    return grid[:, :3], 4 * np.pi * grid[:, 3], orbitals


def _check_spherical(molecule: Molecule, mole: Any, densities: np.ndarray, radii: np.ndarray) -> None:
    """Unsupported where one of the densities (s, n, n) depends on the direction."""
    _, _, orbitals = _on_spheres(mole, 1, radii)
    on_spheres = np.einsum("kop,spq,koq->sko", orbitals, densities, orbitals, optimize=True) * radii[:, None] ** 2
    spread = np.ptp(on_spheres, axis=2).max() / np.abs(on_spheres).max()
    if spread > SPHERICAL:
        raise Unsupported(
            f"the density of {molecule.name or molecule.formula} is not spherical ({spread:.0%} of its largest value): "
            "its response does not keep to one angular momentum; closed and half-filled shells do"
        )
