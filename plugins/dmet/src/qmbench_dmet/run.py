"""From a qmbench system to an embedding, and from the embedding to properties and settings."""

from __future__ import annotations

from typing import Any

import numpy as np

from qmbench import LatticeModel, Molecule, Quantity, Resources, Result, Unsupported

from .alm import relaxed_self_consistent
from .embedding import Embedding, one_shot, self_consistent
from .errors import EmbeddingError
from .hubbard import hubbard_problem
from .impurity import Impurity, States
from .lattice import make_lattice
from .options import DmetOptions
from .problem import Problem, Settings


def embed(problem: Problem, options: DmetOptions) -> Embedding:
    """One-shot, self-consistent, or with the relaxed Aufbau principle, as the options say."""
    names = ("bath", "interaction", "solver", "mu_fit", "self_consistent", "fit", "max_iterations", "tolerance")
    settings = Settings(**{name: getattr(options, name) for name in names})
    if not options.self_consistent:
        return one_shot(problem, settings)
    return self_consistent(problem, settings) if options.aufbau else relaxed_self_consistent(problem, settings)


def lattice_result(
    system: LatticeModel, options: DmetOptions, fragment: tuple[int, ...], properties: frozenset[str]
) -> Result:
    """Embed a Hubbard lattice; ``fragment`` is the extent of a fragment along each direction."""
    alpha, beta = system.n_alpha_beta
    electrons = (float(alpha), float(beta)) if options.low_level == "uhf" else (system.electrons / 2,)
    lattice = make_lattice(
        system.hopping_matrix(), system.u, system.lattice, system.boundary, electrons, fragment, system.twist
    )
    try:
        problem = hubbard_problem(lattice)
    except ArithmeticError as error:
        raise EmbeddingError(str(error)) from error
    found = embed(problem, options)
    # with Bloch sums one impurity stands for every cell
    owners = found.owners if len(found.owners) == len(lattice.sites) else [0] * len(lattice.sites)
    pairs = sum(c * float(d.sum()) for c, d in zip(found.copies, found.double_occupancies, strict=True))
    values, settings, warnings = _common(found, options, owners, "t", properties)
    values |= {
        "energy_per_site": Quantity(found.energy / system.n_sites, "t"),
        "double_occupancy": Quantity(pairs / system.n_sites, ""),
    }
    return Result({p: values[p] for p in sorted(properties)}, settings, warnings)


def molecule_result(system: Molecule, options: DmetOptions, properties: frozenset[str], resources: Resources) -> Result:
    """Embed a molecule in localized orbitals."""
    from qmbench_pyscf import converged_scf, pyscf_session, scf_settings

    from .molecule import atom_groups, molecule_problem

    mf = converged_scf(system, options.specification(), resources)
    if mf.mo_coeff.shape[-1] < mf.mo_coeff.shape[-2]:
        raise Unsupported("dmet needs a basis without linear dependencies; use a smaller one")
    facts = scf_settings(mf)
    with pyscf_session(resources):
        # fragment energies are of first order in the density: a tighter one than an SCF energy needs
        mf.conv_tol, mf.conv_tol_grad, mf.max_cycle = 1e-13, 1e-9, 60
        mf.kernel(mf.make_rdm1())
        groups = atom_groups(system.symbols, system.coordinates, options.fragment, system.ghosts)
        found = embed(molecule_problem(mf, options.localization, groups), options)
        values, settings, warnings = _common(found, options, found.owners, "hartree", properties)
    settings |= {"scf_energy": float(mf.e_tot), "localization": options.localization}
    settings["scf"] = {k: facts[k] for k in ("guess", "stability", "external_instability") if k in facts}
    if facts.get("external_instability"):
        warnings.append("the restricted low level is unstable towards an unrestricted one")
    return Result({p: values[p] for p in sorted(properties)}, settings, warnings)


def _common(
    found: Embedding, options: DmetOptions, owners: list[int], unit: str, properties: frozenset[str]
) -> tuple[dict[str, Quantity], dict[str, Any], list[str]]:
    """Properties, settings and warnings of lattices and molecules alike; ``owners`` as in `Embedding`."""
    chemical_potential = found.chemical_potential
    values = {
        "energy": Quantity(found.energy, unit),
        "chemical_potential": Quantity(chemical_potential.mu, unit),
        "particle_number_error": Quantity(float(chemical_potential.number_error), "electrons"),
        "fragment_occupations": Quantity(np.array([float(found.occupations[i].sum()) for i in owners]), "electrons"),
    }
    settings = certificate_settings(found)
    warnings = list(found.warnings)
    if not chemical_potential.certified:
        warnings.append(
            f"mu_fit={options.mu_fit} ended by its own rule with |ΔN| = {chemical_potential.number_error:.1e}; "
            "nothing certifies it"
        )
    if options.solver != "fci":
        warnings.append(f"with solver={options.solver} the electron number need not grow with the chemical potential")
    if properties & {"number_curve", "energy_curve"}:
        grid, number, energy = curves(found, options.curve_width, options.curve_points)
        settings["curve_chemical_potentials"] = grid.tolist()
        values["number_curve"] = Quantity(number, "electrons")
        values["energy_curve"] = Quantity(energy, unit)
    return values, settings, warnings


def certificate_settings(found: Embedding) -> dict[str, Any]:
    """What the record says about the chemical potential and the low level (JSON-ready)."""
    chemical_potential = found.chemical_potential
    kept = [
        _kept_states(*of_impurity)
        for of_impurity in zip(found.impurities, chemical_potential.weights, chemical_potential.states, strict=True)
    ]
    settings: dict[str, Any] = {
        "chemical_potential": float(chemical_potential.mu),
        "particle_number_error": float(chemical_potential.number_error),
        "particle_number_certificate": chemical_potential.certificate,
        "duality_gap": float(chemical_potential.duality_gap) if np.isfinite(chemical_potential.duality_gap) else None,
        "one_sided_energies": [float(e) for e in found.one_sided_energies],
        "weights": [[sector["weights"] for sector in row] for row in kept],
        "impurity_states": kept,
        "s_squared": [_spin_number(s) for s in found.spin_square],
        "solves": int(chemical_potential.solves),
        "impurities_solved": len(found.copies),
        "copies": [int(c) for c in found.copies],
        "embedding_orbitals": [int(i.norb) for i in found.impurities],
        "low_level_gap": float(found.low_level_gap) if np.isfinite(found.low_level_gap) else None,
        "low_level_idempotent": found.low_level_idempotent,
        "bath_made": found.bath,
        "idempotency_error": found.idempotency_error,
        "bath_spectrum": [[[float(x) for x in spin] for spin in row] for row in found.spectra],
        "embedding_leak": max(found.leaks),
        "density_mismatch": found.density_mismatch,
    }
    if found.residual is not None:
        settings["iterations"] = int(found.iterations)
        settings["fit_residual"] = float(found.residual)
        settings["v_representable"] = bool(found.v_representable)
    return settings


def _kept_states(impurity: Impurity, weights: list[np.ndarray], states: list[States]) -> list[dict[str, Any]]:
    """The states of one impurity that have a weight, by sector."""
    return [
        {
            "electrons": [n_alpha, n_beta],
            "weights": [float(x) for x in w[w > 0]],
            "fragment_electrons": [float(x) for x in here.numbers[w > 0]],
            "s_squared": [_spin_number(x) for x in here.spin_square[w > 0]],
        }
        for (_, n_alpha, n_beta), w, here in zip(impurity.sectors, weights, states, strict=True)
    ]


def _spin_number(spin_square: float) -> float | None:
    return None if np.isnan(spin_square) else round(float(spin_square), 9)


def curves(found: Embedding, width: float, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """μ, N(μ) and Σ m E(μ) of the final impurities; degenerate states count equally."""
    grid = found.chemical_potential.mu + np.linspace(-width, width, points)
    number, energy = np.zeros(points), np.zeros(points)
    for k, mu in enumerate(grid):
        for f, s, share in found.bundle.shares():
            ground = found.bundle.sectors[f][s].states(float(mu), 1e-6).within(1e-9)
            number[k] += share * float(np.average(ground.numbers, weights=ground.multiplicities))
            energy[k] += share * float(ground.energies.min())
    return grid, number, energy
