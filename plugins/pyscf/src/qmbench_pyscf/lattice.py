"""Hartree–Fock of Hubbard lattices: several starts, broken spin symmetry where asked for, stability followed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from qmbench import LatticeModel, NotConverged, Quantity, Result
from qmbench_pyscf.convergence import SAME_ENERGY, converge, descend

RANDOM_STARTS = 4


def hartree_fock_lattice(model: LatticeModel, properties: frozenset[str], options: Any) -> Result:
    """The lowest stable determinant found; `options` are those of method hf."""
    what = f"{model.name or 'lattice'}: hf"
    unrestricted = model.multiplicity > 1 or options.reference == "unrestricted"
    found = []
    for name, density in starts(model, unrestricted):
        trial = lattice_mean_field(model, unrestricted, options)
        try:
            # Open shells of the free lattice make the plain iteration jump: second-order steps then go on.
            converge(trial, density, what)
        except NotConverged:
            continue
        found.append((name, trial))
    if not found:
        raise NotConverged(f"{what}: the SCF converged from no start in {options.max_cycle} iterations")
    lowest = min(trial.e_tot for _, trial in found)
    name, mf = next((n, t) for n, t in found if t.e_tot < lowest + SAME_ENERGY)
    settings: dict[str, Any] = {"guess": name, "reference": "unrestricted" if unrestricted else "restricted"}
    settings["guess_energies"] = {n: float(t.e_tot) for n, t in found}
    warnings: tuple[str, ...] = ()
    if options.stability:
        settings |= descend(mf, what)
        if settings.get("external_instability"):
            warnings = (
                "the restricted solution is not the lowest: spin order lowers the energy "
                "(reference=unrestricted follows that)",
            )
    settings["s_squared"] = float(mf.spin_square()[0])
    energy = float(mf.e_tot)
    values = {"energy": Quantity(energy, "t"), "energy_per_site": Quantity(energy / model.n_sites, "t")}
    return Result({k: v for k, v in values.items() if k in properties}, settings, warnings)


def lattice_mean_field(model: LatticeModel, unrestricted: bool, options: Any) -> Any:
    """A PySCF mean field with the lattice's Hamiltonian, in site orbitals."""
    from pyscf import gto, scf

    mole = gto.Mole()
    mole.verbose = 0
    mole.build(dump_input=False, parse_arg=False)
    mole.nelectron, mole.spin, mole.incore_anyway = model.electrons, model.multiplicity - 1, True
    mf = scf.uhf.UHF(mole) if unrestricted else scf.hf.RHF(mole)
    h, n, u = np.real(model.hopping_matrix()).copy(), model.n_sites, model.u

    def get_jk(mol: Any = None, dm: Any = None, hermi: int = 1, *_: Any, **__: Any) -> tuple[np.ndarray, np.ndarray]:
        # On one site, Coulomb and exchange are the same number.
        density = np.asarray(mf.make_rdm1() if dm is None else dm)
        potential = np.zeros_like(density)
        potential[..., range(n), range(n)] = u * density[..., range(n), range(n)]
        return potential, potential.copy()

    mf.get_hcore = lambda *_: h
    mf.get_ovlp = lambda *_: np.eye(n)
    mf.get_jk = get_jk
    mf.get_j = lambda *a, **k: get_jk(*a, **k)[0]
    mf.get_k = lambda *a, **k: get_jk(*a, **k)[1]
    mf.energy_nuc = lambda *_: 0.0
    mf.chkfile, mf.conv_tol, mf.max_cycle = None, options.energy_tolerance, options.max_cycle
    mf.conv_tol_grad = options.energy_tolerance**0.5 * 0.1
    return mf


def starts(model: LatticeModel, unrestricted: bool) -> Iterator[tuple[str, np.ndarray]]:
    """(name, density): free electrons, sublattice and stripe patterns, and random ones (fixed seeds)."""
    sites = np.array(list(np.ndindex(*model.lattice)))
    patterns = {"free electrons": np.zeros(model.n_sites), "sublattices": (-1.0) ** sites.sum(axis=1)}
    if len(model.lattice) > 1:
        patterns["stripes"] = (-1.0) ** sites[:, 0]
    for seed in range(RANDOM_STARTS):
        patterns[f"random {seed}"] = np.random.default_rng(seed).uniform(-1, 1, model.n_sites)
    strength = max(abs(model.u) / 2, abs(model.t), 0.1)
    for name, pattern in patterns.items():
        if unrestricted:
            yield (
                name,
                np.array(
                    [
                        _filled(model, s * strength * pattern, n)
                        for s, n in zip((-1, 1), model.n_alpha_beta, strict=True)
                    ]
                ),
            )
        else:
            yield name, 2 * _filled(model, strength * pattern, model.n_alpha_beta[0])


def _filled(model: LatticeModel, potential: np.ndarray, n: int) -> np.ndarray:
    """Density of the `n` lowest orbitals of the free lattice in a site potential."""
    _, orbitals = np.linalg.eigh(np.real(model.hopping_matrix()) + np.diag(potential))
    return orbitals[:, :n] @ orbitals[:, :n].T
