"""Response and quantum alchemy: `alchemy`, energies from derivatives by nuclear charges of a neighbouring molecule,
`atomic-response`, the density response of molecules on their atoms, `radial-response`, that of atoms over the radius,
the response functions of two electrons on a line, exactly and by four more levels, and laws between polarizability and
size."""

from __future__ import annotations

from pathlib import Path

from qmbench import Method, Observable, Property, System, hookimpl
from qmbench_response.angular import ANGULAR

QMBENCH_API = 2


def _radial(l: int, name: str) -> tuple[Property, ...]:
    chi = f"r r′ χ_{l}(r, r′)"
    return (
        Property(
            f"{name}_response",
            "hartree-1 bohr-4",
            f"{chi}, density response of an atom with angular momentum {l} at an imaginary frequency, an option of the "
            "level, on radii that the record has",
            ("*", "*"),
        ),
        Property(
            f"{name}_response_norm", "hartree-1 bohr-3", f"norm of {name}_response, the root of ∫∫ (r r′ χ)² dr dr′"
        ),
        Property(
            f"{name}_response_difference",
            "",
            f"norm of the difference of {name}_response and that of full CI in the same functions, over the norm of "
            "the latter",
        ),
    )


PROPERTIES = (
    Property(
        "response_function",
        "hartree-1 bohr-2",
        "density response χ(x, x′) at an imaginary frequency, an option of the level, on the points of the system",
        ("points", "points"),
    ),
    Property("response_norm", "hartree-1 bohr-1", "norm of response_function, the root of ∫∫ χ² dx dx′"),
    Property(
        "response_difference", "", "norm of the difference of response_function and the exact one, over the exact norm"
    ),
    Property(
        "charge_flow",
        "e2/hartree",
        "change of the electrons in an atom by a potential on another, positive on the diagonal; columns sum to 0",
        ("atoms", "atoms"),
    ),
    Property(
        "charge_by_field",
        "e2 bohr/hartree",
        "change of the charge of the first atom by an electric field on the second, in x, y, z",
        ("atoms", "atoms", 3),
    ),
    Property(
        "atomic_polarizabilities",
        "bohr3",
        "change of the dipole of an atom about its nucleus by an electric field on another",
        ("atoms", 3, "atoms", 3),
    ),
    Property("charge_flow_norm", "e2/hartree", "root of the sum of the squares of charge_flow"),
    *(prop for l, name in enumerate(ANGULAR) for prop in _radial(l, name)),
)


@hookimpl
def qmbench_properties() -> tuple[Property, ...]:
    return PROPERTIES


@hookimpl
def qmbench_observables() -> list[Observable]:
    return [
        Observable(
            "dynamic_polarizability", "dynamic_polarizability", "at", "polarizability at an imaginary frequency"
        ),
        Observable("response_norm", "response_norm", "value", "norm of the density response"),
        Observable(
            "response_difference", "response_difference", "value", "distance of the response from the exact one"
        ),
        Observable("charge_flow_norm", "charge_flow_norm", "value", "norm of the flow of charge between atoms"),
        *(observable for name in ANGULAR for observable in _of_atoms(name)),
        *_sizes(),
    ]


def _of_atoms(name: str) -> tuple[Observable, ...]:
    norm, difference = f"{name}_response_norm", f"{name}_response_difference"
    return (
        Observable(norm, norm, "value", f"norm of the {name} part of an atom's density response"),
        Observable(difference, difference, "value", "distance of that part from that of full CI in the same functions"),
    )


def _sizes() -> list[Observable]:
    """Laws between polarizability and size; entries of the exponents name several systems."""
    from qmbench_response import sizes

    about = {
        "length_ratio": "C of α = 4 C L⁴, L from the spread of the dipole and all electrons; 1 at least",
        "valence_ratio": "C of α = 4 C L⁴, L from the spread of the dipole and the electrons outside the cores",
        "radius_exponent": "x of R ∝ α^x; coefficients of the entry are the radii R",
        "length_exponent": "x of α ∝ L^x, L from the spread of the dipole and the electrons outside the cores",
        "radius_length_exponent": "x of R ∝ L^x; coefficients of the entry are the radii R",
    }
    found = []
    for name, text in about.items():
        prop = "polarizability" if name == "radius_exponent" else "dynamic_polarizability"
        found.append(Observable(name, prop, getattr(sizes, name), text, unit=""))
        if name.endswith("exponent"):
            half = f"{name}_interval"
            text = f"half of the 95 % interval of {name}, from the scatter of the systems; 0 for a perfect power law"
            found.append(Observable(half, prop, getattr(sizes, half), text, unit=""))
    return found


@hookimpl
def qmbench_systems() -> list[type[System]]:
    from qmbench_response.line.system import ElectronsOnALine

    return [ElectronsOnALine]


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    from qmbench_response.alchemy import Alchemy
    from qmbench_response.atoms import AtomicResponse
    from qmbench_response.line.methods import LEVELS
    from qmbench_response.radial import RadialResponse

    return [Alchemy, AtomicResponse, RadialResponse, *LEVELS]


@hookimpl
def qmbench_benchmarks() -> list[Path]:
    return [Path(__file__).parent / "benchmarks"]
