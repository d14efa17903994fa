"""Lattice models: the one-band Hubbard model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from qmbench.domain.errors import did_you_mean
from qmbench.domain.properties import Property
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems.base import Change, KindCheck, System, field_changes
from qmbench.domain.systems.fields import FieldError, check_spin, number, numbers, sequence, whole

BOUNDARIES = ("periodic", "antiperiodic", "open")
"""Properties that grow with all energies of the model."""


@dataclass(frozen=True)
class LatticeModel(System):
    """A one-band Hubbard model on a hypercubic lattice; energies in units of the hopping scale `t` given.

    H = −t Σ_{bonds,σ} (c†_i c_j + h.c.) + U Σ_i n_i↑ n_i↓ + Σ_i ε_i n_i, every site having one bond to its
    neighbour in the positive sense of each direction (so a periodic direction of length 2 has two bonds
    between its sites). `antiperiodic` flips the sign of the bonds that cross the boundary. `twist`
    (optional, one per direction, in units of 2π) multiplies them by exp(2πi·twist).
    Hubbard, Proc. R. Soc. A 276, 238 (1963).
    """

    lattice: tuple[int, ...]
    boundary: tuple[str, ...]
    t: float
    u: float
    electrons: int
    multiplicity: int
    onsite: tuple[float, ...] = ()
    twist: tuple[float, ...] = ()
    name: str = field(default="", compare=False)
    kind: ClassVar[str] = "lattice"
    table_kind: ClassVar[str | None] = "hubbard"
    energy_unit: ClassVar[str] = "t"
    parts: ClassVar[str] = "sites"

    def __post_init__(self) -> None:
        what = self.name or "lattice"
        lengths = tuple(whole(n, "lattice", what) for n in sequence(self.lattice, "lattice", what))
        object.__setattr__(self, "lattice", lengths)
        object.__setattr__(self, "boundary", tuple(sequence(self.boundary, "boundary", what)))
        self.coerce(whole, "electrons", "multiplicity")
        self.coerce(number, "t", "u")
        for key, right in (("onsite", self.n_sites), ("twist", len(lengths))):
            values = numbers(getattr(self, key), key, what)
            # All zeros, if they are as many as they should be, are the same as none.
            object.__setattr__(self, key, values if any(values) or len(values) != right else ())
        _check(self, what)

    @property
    def n_sites(self) -> int:
        return math.prod(self.lattice)

    @property
    def n_parts(self) -> int:
        return self.n_sites

    @property
    def n_electrons(self) -> int:
        return self.electrons

    @property
    def n_alpha_beta(self) -> tuple[int, int]:
        """Numbers of spin-up and spin-down electrons at M_S = S."""
        unpaired = self.multiplicity - 1
        return (self.electrons + unpaired) // 2, (self.electrons - unpaired) // 2

    def hopping_matrix(self) -> np.ndarray:
        """One-particle Hamiltonian (n_sites, n_sites), units of energy as `t`; complex only with a twist.

        Sites are numbered with the last direction fastest (C order of `lattice`).
        """
        n = self.n_sites
        h = np.zeros((n, n), dtype=complex if any(self.twist) else float)
        index = np.arange(n).reshape(self.lattice)
        for axis, (length, boundary) in enumerate(zip(self.lattice, self.boundary, strict=True)):
            left = np.moveaxis(index, axis, 0)
            phase = np.exp(2j * np.pi * self.twist[axis]) if any(self.twist) else 1.0
            wrap = {"periodic": 1.0, "antiperiodic": -1.0, "open": 0.0}[boundary] * phase
            for k in range(length):
                amplitude = -self.t * (1.0 if k + 1 < length else wrap)
                for i, j in zip(left[k].ravel(), left[(k + 1) % length].ravel(), strict=True):
                    h[i, j] += amplitude
                    h[j, i] += np.conj(amplitude)
        if self.onsite:
            h[np.diag_indices(n)] += np.array(self.onsite)
        return h

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "model": "hubbard",
            "lattice": list(self.lattice),
            "boundary": list(self.boundary),
            "t": self.t,
            "u": self.u,
            "electrons": self.electrons,
            "multiplicity": self.multiplicity,
            "onsite": list(self.onsite),
            "twist": list(self.twist),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{key: value for key, value in data.items() if key not in ("kind", "model")})

    def describe(self) -> str:
        """`Hubbard 4x4 periodic, U/t 8, 16 electrons, multiplicity 1`."""
        shape = "x".join(map(str, self.lattice))
        ends = self.boundary[0] if len(set(self.boundary)) == 1 else "-".join(self.boundary)
        scale = f"U/t {self.u / self.t:g}" if self.t else f"U {self.u:g} without hopping"
        more = [word for word, given in (("site energies", self.onsite), ("a twist", self.twist)) if given]
        text = f"Hubbard {shape} {ends}, {scale}, {self.electrons} electrons, multiplicity {self.multiplicity}"
        return text + (f", with {' and '.join(more)}" if more else "")

    def figure(self) -> str | None:
        from qmbench.domain.systems.drawing import lattice_picture

        return lattice_picture(self.lattice, self.boundary, self.onsite)

    @classmethod
    def samples(cls) -> Sequence[System]:
        return [
            cls((6,), ("periodic",), 1.0, 2.0, 6, 1, name="ring"),
            cls((3, 2), ("open", "open"), 1.0, 2.0, 4, 1, name="ladder"),
        ]

    def variants(self) -> Iterator[tuple[str, System]]:
        n = self.n_sites
        yield "u", replace(self, u=2.0 * self.u + 1.0)
        yield "t", replace(self, t=1.5 * self.t)
        yield "onsite", replace(self, onsite=tuple(0.4 * (-1.0) ** i + 0.1 * i for i in range(n)))
        if self.electrons >= 2:
            yield "electrons", replace(self, electrons=self.electrons - 2, multiplicity=1 + self.electrons % 2)
        if self.electrons >= self.multiplicity + 1 and self.multiplicity + 1 <= 2 * n - self.electrons:
            yield "multiplicity", replace(self, multiplicity=self.multiplicity + 2)
        if "periodic" in self.boundary:
            yield "boundary", replace(self, boundary=tuple("open" for _ in self.boundary))
            yield "twist", replace(self, twist=tuple(0.13 for _ in self.lattice))

    @classmethod
    def checks(cls) -> Mapping[str, KindCheck]:
        used = "U, t, electrons, multiplicity, boundary, site energies and twist change the number, or are refused."
        return {
            "lattice_fields_used": KindCheck(used, field_changes),
            "lattice_energy_scales": KindCheck("Doubling t, U and the site energies doubles every energy.", _doubled),
            "lattice_sites_renumbered": KindCheck(
                "Mirroring the lattice, site energies and all, leaves the energy alone.", _mirrored
            ),
        }


def _doubled(m: LatticeModel) -> Iterable[Change]:
    def twice(prop: Property, quantity: Quantity) -> Quantity | None:
        if not _is_energy(prop, m):
            return None
        value = quantity.value
        value = {k: 2.0 * v for k, v in value.items()} if isinstance(value, dict) else 2.0 * np.asarray(value)
        return Quantity(value, quantity.unit, quantity.uncertainty, quantity.uncertainty_kind)

    after = replace(m, t=2 * m.t, u=2 * m.u, onsite=tuple(2 * e for e in m.onsite))
    yield Change("given with all its energies doubled", after, expected=twice)


def _mirrored(m: LatticeModel) -> Iterable[Change]:
    def same_energy(prop: Property, quantity: Quantity) -> Quantity | None:
        return quantity if _is_energy(prop, m) else None

    energies = np.linspace(-0.3, 0.5, m.n_sites) ** 2
    before = replace(m, onsite=tuple(energies.tolist()))
    after = replace(m, onsite=tuple(energies.reshape(m.lattice)[::-1].ravel().tolist()))
    yield Change("mirrored", after, before, same_energy, refusable=True)


def _is_energy(prop: Property, m: LatticeModel) -> bool:
    """Whether it is an energy of the lattice; one over a coordinate need not scale, for the coordinate may be one."""
    return prop.unit_for(m) == m.energy_unit and prop.shape not in ("any", "curve") and "*" not in prop.axes


def _check(m: LatticeModel, what: str) -> None:
    if not m.lattice or min(m.lattice) < 1:
        raise FieldError(f"{what}: lattice must be one or more positive lengths, such as [10] or [4, 4]", "lattice")
    if len(m.boundary) != len(m.lattice):
        wrong = f"one boundary condition per direction ({len(m.lattice)}), not {len(m.boundary)}"
        raise FieldError(f"{what}: {wrong}", "boundary")
    for boundary in m.boundary:
        if boundary not in BOUNDARIES:
            raise FieldError(f"{what}: unknown boundary '{boundary}'{did_you_mean(boundary, BOUNDARIES)}", "boundary")
    if m.onsite and len(m.onsite) != m.n_sites:
        raise FieldError(f"{what}: onsite needs one energy per site ({m.n_sites}), not {len(m.onsite)}", "onsite")
    if m.twist and len(m.twist) != len(m.lattice):
        raise FieldError(f"{what}: twist needs one phase per direction ({len(m.lattice)}), not {len(m.twist)}", "twist")
    if any(angle and kind == "open" for angle, kind in zip(m.twist, m.boundary, strict=False)):
        raise FieldError(f"{what}: an open direction has no bond to twist; its twist must be 0", "twist")
    for key, values in (("t", (m.t,)), ("u", (m.u,)), ("onsite", m.onsite), ("twist", m.twist)):
        if not all(map(math.isfinite, values)):
            raise FieldError(f"{what}: {key} must be finite", key)
    if m.electrons > 2 * m.n_sites:
        raise FieldError(f"{what}: {m.electrons} electrons do not fit on {m.n_sites} sites", "electrons")
    check_spin(m.electrons, m.multiplicity, None, what)
    holes = 2 * m.n_sites - m.electrons
    if m.multiplicity - 1 > holes:
        raise FieldError(f"{what}: multiplicity {m.multiplicity} needs more empty sites than there are", "multiplicity")
