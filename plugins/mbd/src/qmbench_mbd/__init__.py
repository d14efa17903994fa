"""Dispersion from coupled oscillators on PySCF densities: TS, MBD@rsSCS and its relatives, MBD-NL.

Numerics that need no program (arrays in, arrays out) are in the modules `models`, `crystal`, `quanta`, `response` and
`large`; importing this module imports none of them. An MBD energy reads from `models.mbd_energy` on: `oscillators`,
`screening`, `radial` have the physics, `screening_equations`, `dipole`, `lapack` the matrices.
"""

from __future__ import annotations

from pathlib import Path

from qmbench import Method, Observable, Property, hookimpl

QMBENCH_API = 2

_LISTED = ("pbe+ts", "pbe+mbd", "pbe+mbd-nl", "ts", "mbd", "vdw-scaling")

PROPERTIES = (
    Property(
        "dispersion_forces",
        "hartree/bohr",
        "forces of the dispersion energy alone, the derivative of the ratios included",
        ("atoms", 3),
    ),
    Property(
        "dispersion_forces_fixed_ratios",
        "hartree/bohr",
        "forces of the dispersion energy alone at fixed ratios, which most programs call the dispersion force",
        ("atoms", 3),
    ),
    Property(
        "dispersion_ratio_gradient",
        "hartree",
        "derivative of the dispersion energy by the volume ratio of each atom, at fixed positions",
        "atoms",
    ),
    Property("hirshfeld_ratios", "", "Hirshfeld volume in the molecule over that of the free atom", "atoms"),
    Property("dispersion_modes", "hartree", "frequencies of the coupled dipole modes, ascending, (3 × atoms,)", ("*",)),
    Property("dispersion_mode_atoms", "", "number of atoms sharing each coupled mode, 1/Σ w², (3 × atoms,)", ("*",)),
    Property("dispersion_mode_energies", "hartree", "dispersion energy by coupled modes, (3 × atoms,)", ("*",)),
    Property("virtual_quanta", "", "mean number of virtual oscillator quanta on each atom", "atoms"),
    Property(
        "dispersion_pair_energies",
        "hartree",
        "dispersion energy by pairs of atoms, symmetric; its full sum is the dispersion energy",
        ("atoms", "atoms"),
    ),
    Property(
        "dispersion_correlations",
        "",
        "norm of the pair correlation of the oscillators of two atoms, by pairs of atoms",
        ("atoms", "atoms"),
    ),
    Property("vdw_radius", "bohr", "van der Waals radius of a free atom"),
    Property("fragment_entanglement", "", "entanglement entropy (nats) of each fragment with the rest", "fragments"),
)


@hookimpl
def qmbench_properties() -> tuple[Property, ...]:
    return PROPERTIES


@hookimpl
def qmbench_observables() -> tuple[Observable, ...]:
    return (Observable("vdw_radius", "vdw_radius", "value", "van der Waals radius of a free atom"),)


@hookimpl
def qmbench_benchmarks() -> list[Path]:
    return [Path(__file__).parent / "benchmarks"]


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    return [method for name in _LISTED if (method := qmbench_resolve_method(name)) is not None]


@hookimpl
def qmbench_resolve_method(name: str) -> type[Method] | None:
    """FUNCTIONAL+MODEL and the models alone (ts, mbd, mbd-scs, mbd-ts); Unsupported without published parameters."""
    from qmbench_mbd.alone import model_alone
    from qmbench_mbd.methods import dispersion_method

    if name == "vdw-scaling":
        from qmbench_mbd.scaling_law import ScalingLaw

        return ScalingLaw
    return dispersion_method(name) if "+" in name else model_alone(name)
