"""The level atomic-response: what it says is what the core of it computes, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import InputError, Molecule, Resources, Unsupported, parse_level

LIH = Molecule(("Li", "H"), ((0.2, 0.1, 0.0), (0.5, 0.1, 3.0)), 0, 1)
ALL = ("charge_flow", "charge_by_field", "atomic_polarizabilities", "charge_flow_norm", "polarizability")


def compute(level, *properties, molecule=LIH):
    return parse_level(level).make().run(molecule, properties, Resources()).properties


@pytest.mark.parametrize("kernel", ["full", "hartree", "none"])
def test_parts_add_up_to_the_polarizability(kernel):
    """α = Σ (R_a α₀₀ R_b + R_a α₀ + α₀ᵀ R_b + α), and no charge is made."""
    found = compute(f"atomic-response?kernel={kernel}&level=hf/6-31g", *ALL)
    flow, mixed, own = (found[name].value for name in ALL[:3])
    at = LIH.coordinates
    total = at.T @ flow @ at + np.einsum("aibj->ij", own)
    cross = np.einsum("ax,aby->xy", at, mixed)
    assert total + cross + cross.T == pytest.approx(found["polarizability"].value, abs=1e-9)
    assert np.abs(flow.sum(axis=0)).max() < 1e-10
    assert np.abs(mixed.sum(axis=0)).max() < 1e-10
    assert found["charge_flow_norm"].value == pytest.approx(np.sqrt(np.sum(flow**2)))


def test_full_ci_states_its_uncertainty_and_differs():
    """Correlated and not: further apart than the finite potentials leave open; the polarizability is the level's."""
    exact = compute("atomic-response?level=fci/sto-3g", *ALL)
    one = compute("atomic-response?level=hf/sto-3g", *ALL)
    gap = abs(exact["charge_flow_norm"].value - one["charge_flow_norm"].value)
    assert gap > 10 * exact["charge_flow_norm"].uncertainty > 0
    own = compute("fci/sto-3g", "polarizability")["polarizability"]
    apart = np.abs(own.value - exact["polarizability"].value)
    assert np.all(apart < np.asarray(own.uncertainty) + np.asarray(exact["polarizability"].uncertainty) + 1e-3)


def test_signs_of_charge_and_field():
    """A field along the bond drives positive charge along it: from lithium at 0 to hydrogen at 3 bohr."""
    found = compute("atomic-response?level=hf/6-31g", *ALL)
    field = LIH.coordinates[:, 2]
    charges = found["charge_flow"].value @ field + found["charge_by_field"].value[:, :, 2].sum(axis=1)
    assert charges[1] > 0 > charges[0]


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("atomic-response?level=mp2/sto-3g", "no density here that responds"),
        ("atomic-response?level=pbe+d3bj/sto-3g", "no density here that responds"),
        ("atomic-response?frequency=0.1&level=fci/sto-3g", "frequency 0 only"),
        ("atomic-response?kernel=none&level=fci/sto-3g", "leave kernel out"),
        ("atomic-response?level=fci/sto-3g?frozen_core=true", "frozen_core"),
        ("atomic-response?kernel=half&level=hf/sto-3g", "kernel"),
        ("atomic-response?level=atomic-response", "whose density"),
    ],
)
def test_what_is_refused(level, text):
    with pytest.raises((InputError, Unsupported), match=text):
        parse_level(level).make().check(LIH, frozenset({"charge_flow"}))


def test_ghosts_and_bare_nuclei_are_refused():
    ghost = Molecule(("H", "He"), ((0, 0, 0), (0, 0, 2.0)), 0, 1, ghosts=(True, False))
    protons = Molecule(("H", "H"), ((0, 0, 0), (0, 0, 2.0)), 2, 1)
    alone = Molecule(("He",), ((0, 0, 0),), 0, 1)
    for molecule, text in ((ghost, "ghost"), (protons, "no electrons"), (alone, "single atom")):
        with pytest.raises(Unsupported, match=text):
            parse_level("atomic-response?level=hf/sto-3g").make().check(molecule, frozenset({"charge_flow"}))
