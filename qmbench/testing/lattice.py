"""Checks of methods for lattice models: every field of the model counts, and the energy has the unit it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qmbench.domain.errors import InputError, QmbenchError, Unsupported
from qmbench.domain.method import Result
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems import LatticeModel
from qmbench.testing import samples
from qmbench.testing.subject import NotApplicable, Subject, distance


def lattice_fields_used(subject: Subject) -> None:
    """U, t, electrons, multiplicity, boundary, site energies and twist each change the number, or are refused."""
    level, system = subject.example(LatticeModel)
    for name, other in samples.lattice_variants(system):
        if subject.alike(level, system, other) is not None:
            raise subject.fail(f"{system.name}: it ignores '{name}' of the lattice; use it, or raise Unsupported")


def lattice_energy_scales(subject: Subject) -> None:
    """Doubling t, U and the site energies doubles every energy."""
    level, system = subject.example(LatticeModel)
    doubled = replace(system, t=2 * system.t, u=2 * system.u, onsite=tuple(2 * e for e in system.onsite))
    first = subject.compute(level, system)
    try:
        second = subject.compute(level, doubled)
    except QmbenchError as error:
        raise subject.fail(f"computes {system.name}, but not with all energies doubled: {error}") from None
    for prop in _energies(subject, first):
        if prop in second.properties:
            wanted = _scaled(first.properties[prop], 2.0)
            off = distance(wanted, second.properties[prop])
            if off > subject.tolerance(prop):
                raise subject.fail(f"{prop} is off by {off:.3g} when t and U are doubled; it must double")


def lattice_sites_renumbered(subject: Subject) -> None:
    """Mirroring the lattice, site energies and all, leaves the energy alone."""
    level, system = subject.example(LatticeModel)
    energies = np.linspace(-0.3, 0.5, system.n_sites) ** 2
    plain = replace(system, onsite=tuple(energies.tolist()))
    mirrored = replace(system, onsite=tuple(energies.reshape(system.lattice)[::-1].ravel().tolist()))
    try:
        first, second = subject.compute(level, plain), subject.compute(level, mirrored)
    except (Unsupported, InputError) as error:
        raise NotApplicable(f"{subject.method.name} refuses site energies: {error}") from None
    except QmbenchError as error:
        raise subject.fail(f"computes {system.name}, but not with site energies: {error}") from None
    for prop in _energies(subject, first):
        if prop in second.properties:
            off = distance(first.properties[prop], second.properties[prop])
            if off > subject.tolerance(prop):
                raise subject.fail(f"{prop} is off by {off:.3g} when the lattice is mirrored")


def _energies(subject: Subject, result: Result) -> list[str]:
    """The properties in units of t, but those over a coordinate or of no declared length, which may be in t as well."""
    infos = [subject.plugins.properties[prop] for prop in result.properties]
    return [
        i.name for i in infos if i.unit_for("lattice") == "t" and i.shape not in ("curve", "any") and "*" not in i.axes
    ]


def _scaled(quantity: Quantity, scale: float) -> Quantity:
    value = quantity.value
    value = {k: scale * v for k, v in value.items()} if isinstance(value, dict) else scale * np.asarray(value)
    return Quantity(value, quantity.unit, quantity.uncertainty, quantity.uncertainty_kind)
