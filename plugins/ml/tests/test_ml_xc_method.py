"""The level ml-xc with the shipped model: its result, error bar, declarations and refusals."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from qmbench import Molecule, Resources, Unsupported, parse_level
from qmbench_ml.xc.model import N_PARAMETERS, Model, shipped

LEVEL = "ml-xc/sto-3g?grid=1&stability=false"
LIH = Molecule(("Li", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 3.0)), 0, 1, name="lih")


def refuses(molecule: Molecule, level: str = LEVEL) -> str:
    with pytest.raises(Unsupported) as caught:
        parse_level(level).make().check(molecule, frozenset({"energy"}))
    return str(caught.value)


def atom(symbol: str, charge: int = 0, multiplicity: int = 1) -> Molecule:
    return Molecule((symbol,), ((0.0, 0.0, 0.0),), charge, multiplicity)


def test_energy_with_its_error_bar_and_what_it_is_made_of() -> None:
    found = parse_level(LEVEL).make().compute(LIH, frozenset({"energy"}), Resources())
    energy = found.properties["energy"]
    assert energy.uncertainty_kind == "model"
    assert energy.uncertainty == pytest.approx(np.linalg.norm(found.settings["uncertainty_modes"]))
    assert found.training_overlap.molecule == "LiH"
    assert found.training_overlap.kind == "same geometry"
    rows = found.explanation.rows
    assert sorted(row[0] for row in rows) == ["H2", "Li1"]
    assert sum(row[1] for row in rows) == pytest.approx(4, abs=1e-3)
    # Exchange and correlation: near those of Li and H, and all of the functional's energy.
    assert -2.3 < sum(row[2] for row in rows) < -2.0
    assert -0.2 < sum(row[3] for row in rows) < -0.03


def test_what_it_cannot_do_is_refused_with_the_reason() -> None:
    assert "not tested on Fe" in refuses(atom("Fe", multiplicity=5))
    assert "no electrons" in refuses(atom("H", 1))
    assert "core potential" in refuses(atom("Si", multiplicity=3), "ml-xc/lanl2dz")
    assert "multiplicity 1" in refuses(atom("N", multiplicity=4), "ml-xc/sto-3g?reference=restricted")


def test_without_the_plugin_it_rests_on_it_is_not_there_and_says_why(monkeypatch) -> None:
    import qmbench_ml

    assert "ml-xc" in {method.name for method in qmbench_ml.qmbench_methods()}
    monkeypatch.setitem(sys.modules, "qmbench_pyscf", None)  # as if it were not installed
    names = {method.name for method in qmbench_ml.qmbench_methods()}
    assert "gdml" in names
    assert "ml-xc" not in names
    with pytest.raises(Unsupported, match="ml-xc needs the plugin qmbench-pyscf"):
        qmbench_ml.qmbench_resolve_method("ml-xc")


def test_options_are_those_of_every_scf_with_a_looser_tolerance() -> None:
    from qmbench_pyscf import KohnShamOptions, ScfSpecification

    options = parse_level("ml-xc/cc-pvdz").make().options
    assert set(type(options).model_fields) == set(KohnShamOptions.model_fields)
    assert options.specification() == ScfSpecification("cc-pvdz", energy_tolerance=1e-9)


def test_overlap_knows_charges_and_strangers() -> None:
    assert shipped().overlap(atom("He", 1, 2)).kind == "same geometry"
    assert shipped().overlap(atom("Ne", 2, 3)).kind == "same molecule"
    assert shipped().overlap(atom("Cl", multiplicity=2)) is None


def test_the_model_is_small_and_loads_fast(tmp_path) -> None:
    model = shipped()
    assert model.theta.shape == (N_PARAMETERS,)
    assert model.modes.shape == (N_PARAMETERS, N_PARAMETERS)
    model.save(tmp_path / "xc.npz")
    start = time.process_time()
    again = Model.load(tmp_path / "xc.npz")
    assert time.process_time() - start < 1
    np.testing.assert_array_equal(again.theta, model.theta)
