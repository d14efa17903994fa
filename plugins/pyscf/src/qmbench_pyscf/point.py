"""One calculation of a molecule in a uniform electric field: what methods compute, and properties are derived from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Point:
    """One calculation; energy in hartree. dipole: the expectation value (3,) in e bohr as a function, None where the
    density is not at hand.

    parts: what the energy is made of, property -> hartree. forces: (centres, 3) in hartree/bohr as a function, None
    where there is no analytic gradient; NotImplementedError where it turns out that there is none.
    hessian: (centres, 3, centres, 3) in hartree/bohr² as a function, the same.
    quadrupole: (3, 3) traceless quadrupole moment about the origin in e bohr² as a function, None as for the dipole.
    charge_gradient: (centres,) dE/dZ of the electronic energy in hartree/e as a function, None where the density is not
    at hand; charge_hessian: (centres, centres) in hartree/e², the same. charge_dipole: (centres, 3) in bohr, the
    derivatives of the electrons' dipole by Z from coupled-perturbed equations as a function, None where there are none.
    polarizability: (3, 3) in bohr³ from coupled-perturbed equations as a function, None where there are none.
    state: what excited states start from (a mean field, a cluster expansion, a CI vector).
    """

    energy: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    dipole: Callable[[], np.ndarray] | None = None
    state: Any = None
    parts: Mapping[str, float] = field(default_factory=dict)
    forces: Callable[[], np.ndarray] | None = None
    hessian: Callable[[], np.ndarray] | None = None
    charge_gradient: Callable[[], np.ndarray] | None = None
    charge_hessian: Callable[[], np.ndarray] | None = None
    charge_dipole: Callable[[], np.ndarray] | None = None
    polarizability: Callable[[], np.ndarray] | None = None
    quadrupole: Callable[[], np.ndarray] | None = None
