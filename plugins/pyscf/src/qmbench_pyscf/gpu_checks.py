"""What is refused of backend=gpu before anything is computed, and which packages it computes by."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from qmbench import Molecule, Unsupported

# By CUDA's version. The last of each are what one builds oneself.
GPU4PYSCF = ("gpu4pyscf-cuda12x", "gpu4pyscf-cuda13x", "gpu4pyscf-cuda11x", "gpu4pyscf")
CUPY = ("cupy-cuda12x", "cupy-cuda13x", "cupy-cuda11x", "cupy")
INSTALL = f"pip install {GPU4PYSCF[0]} (of CUDA 12; {GPU4PYSCF[1]} of CUDA 13)"

# They need determinants in fields, or with other nuclear charges.
OF_PERTURBED = frozenset({"hyperpolarizability", "alchemical_forces"})


def installed() -> dict[str, str]:
    """Versions of what is installed of these packages."""
    found = {}
    for name in (*GPU4PYSCF, *CUPY):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def check_gpu(name: str, molecule: Molecule, options: Any, properties: frozenset[str]) -> None:
    """Unsupported where `molecule` can't be computed with backend=gpu; nothing is imported for that."""
    if not set(GPU4PYSCF) & set(installed()):
        raise Unsupported(f"{name}: backend=gpu needs gpu4pyscf, which is not installed: {INSTALL}")
    fields = sorted(properties & (OF_PERTURBED | ({"polarizability"} if options.field_strength else frozenset())))
    if fields:
        raise Unsupported(f"{name}: backend=gpu gives no {', '.join(fields)} by finite fields or charges; leave it out")
    if molecule.n_electrons:
        options.specification().check(molecule)
