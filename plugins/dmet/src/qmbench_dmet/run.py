"""From a qmbench system to an embedding, and from the embedding to properties and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench import LatticeModel, Molecule, Quantity, Resources, Result, Unsupported

from .embedding import Embedding, EmbeddingError, Problem, Settings, one_shot, self_consistent
from .hubbard import hubbard_problem
from .lattice import make_lattice

if TYPE_CHECKING:
    from .method import DmetOptions


def settings_of(options: DmetOptions) -> Settings:
    """The embedding's settings from the method's options."""
    names = ("bath", "interaction", "solver", "mu_fit", "self_consistent", "fit", "max_iterations", "tolerance")
    return Settings(**{name: getattr(options, name) for name in names})


def embed(problem: Problem, options: DmetOptions) -> Embedding:
    """One-shot, self-consistent, or with the relaxed Aufbau principle, as the options say."""
    settings = settings_of(options)
    if not options.self_consistent:
        return one_shot(problem, settings)
    if not options.aufbau:
        from .alm import relaxed_self_consistent

        return relaxed_self_consistent(problem, settings)
    return self_consistent(problem, settings)


def lattice_result(
    system: LatticeModel, options: DmetOptions, fragment: tuple[int, ...], properties: frozenset[str]
) -> Result:
    """Embed a Hubbard lattice."""
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
    result = _common(found, options, "t", properties)
    occupations = [float(found.occupations[k].sum()) for k in _owners(found, len(lattice.sites))]
    pairs = sum(c * float(d.sum()) for c, d in zip(found.copies, found.double_occupancies, strict=True))
    values = {
        "energy_per_site": Quantity(found.energy / system.n_sites, "t"),
        "double_occupancy": Quantity(pairs / system.n_sites, ""),
        "fragment_occupations": Quantity(np.array(occupations), "electrons"),
    }
    return _select(result, values, properties)


def molecule_result(system: Molecule, options: DmetOptions, properties: frozenset[str], resources: Resources) -> Result:
    """Embed a molecule in localized orbitals."""
    from qmbench_pyscf import converged_scf, pyscf_session, scf_settings

    from .molecule import atom_groups, molecule_problem

    reference = "unrestricted" if options.low_level == "uhf" else "restricted"
    mf = converged_scf(system, options.basis, reference=reference, energy_tolerance=1e-12, resources=resources)
    if mf.mo_coeff.shape[-1] < mf.mo_coeff.shape[-2]:
        raise Unsupported("dmet needs a basis without linear dependencies; use a smaller one")
    facts = scf_settings(mf)
    with pyscf_session(resources):
        # fragment energies are of first order in the density: a tighter one than an SCF energy needs
        mf.conv_tol, mf.conv_tol_grad, mf.max_cycle = 1e-13, 1e-9, 60
        mf.kernel(mf.make_rdm1())
        groups = atom_groups(system.symbols, system.coordinates, options.fragment, system.ghosts)
        problem = molecule_problem(mf, options.localization, groups)
        found = embed(problem, options)
        result = _common(found, options, "hartree", properties)
    settings = dict(result.settings) | {"scf_energy": float(mf.e_tot), "localization": options.localization}
    settings["scf"] = {k: facts[k] for k in ("guess", "stability", "external_instability") if k in facts}
    warnings = list(result.warnings)
    if facts.get("external_instability"):
        warnings.append("the restricted low level is unstable towards an unrestricted one")
    result = Result(result.properties, settings, warnings)
    occupations = [float(found.occupations[k].sum()) for k in found.owners]
    return _select(result, {"fragment_occupations": Quantity(np.array(occupations), "electrons")}, properties)


def _owners(found: Embedding, n_fragments: int) -> list[int]:
    # with Bloch sums one impurity stands for every cell
    return found.owners if len(found.owners) == n_fragments else [0] * n_fragments


def _select(result: Result, more: dict[str, Quantity], properties: frozenset[str]) -> Result:
    values = {**result.properties, **more}
    return Result({p: values[p] for p in sorted(properties)}, result.settings, result.warnings)


def _common(found: Embedding, options: DmetOptions, unit: str, properties: frozenset[str]) -> Result:
    fit = found.fit
    values: dict[str, Any] = {
        "energy": Quantity(found.energy, unit),
        "chemical_potential": Quantity(fit.mu, unit),
        "particle_number_error": Quantity(float(fit.number_error), "electrons"),
    }
    settings = certificate_settings(found)
    warnings = list(found.warnings)
    if not fit.certified:
        warnings.append(
            f"mu_fit={options.mu_fit} ended by its own rule with |ΔN| = {fit.number_error:.1e}; nothing certifies it"
        )
    if options.solver != "fci":
        warnings.append(f"with solver={options.solver} the electron number need not grow with the chemical potential")
    if properties & {"number_curve", "energy_curve"}:
        grid, number, energy = curves(found, options.curve_width, options.curve_points)
        settings["curve_chemical_potentials"] = grid.tolist()
        values["number_curve"] = Quantity(number, "electrons")
        values["energy_curve"] = Quantity(energy, unit)
    return Result(values, settings, warnings)


def certificate_settings(found: Embedding) -> dict[str, Any]:
    """What the record says about the chemical potential and the low level (JSON-ready)."""
    fit = found.fit
    kept = [
        [
            {
                "electrons": [na, nb],
                "weights": [float(x) for x in w[w > 0]],
                "fragment_electrons": [float(x) for x in here.numbers[w > 0]],
                "s_squared": [None if np.isnan(x) else round(float(x), 9) for x in here.spin_square[w > 0]],
            }
            for (_, na, nb), w, here in zip(impurity.sectors, weights, states, strict=True)
        ]
        for impurity, weights, states in zip(found.impurities, fit.weights, fit.states, strict=True)
    ]
    settings: dict[str, Any] = {
        "chemical_potential": float(fit.mu),
        "particle_number_error": float(fit.number_error),
        "certificate": fit.certificate,
        "duality_gap": float(fit.duality_gap) if np.isfinite(fit.duality_gap) else None,
        "one_sided_energies": [float(e) for e in found.one_sided_energies],
        "weights": [[sector["weights"] for sector in row] for row in kept],
        "impurity_states": kept,
        "s_squared": [None if np.isnan(s) else round(float(s), 9) for s in found.spin_square],
        "solves": int(fit.solves),
        "impurities_solved": len(found.copies),
        "copies": [int(c) for c in found.copies],
        "embedding_orbitals": [int(i.norb) for i in found.impurities],
        "low_level_gap": float(found.gap) if np.isfinite(found.gap) else None,
        "low_level_idempotent": bool(found.idempotent),
    }
    if found.residual is not None:
        settings["iterations"] = int(found.iterations)
        settings["fit_residual"] = float(found.residual)
        settings["v_representable"] = bool(found.v_representable)
    return settings


def curves(found: Embedding, width: float, points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """μ, N(μ) and Σ m E(μ) of the final impurities; degenerate states count equally."""
    grid = found.fit.mu + np.linspace(-width, width, points)
    number, energy = np.zeros(points), np.zeros(points)
    for k, mu in enumerate(grid):
        for f, s, share in found.bundle.shares():
            ground = found.bundle.sectors[f][s].states(float(mu), 1e-6).within(1e-9)
            number[k] += share * float(np.average(ground.numbers, weights=ground.multiplicities))
            energy[k] += share * float(ground.energies.min())
    return grid, number, energy
