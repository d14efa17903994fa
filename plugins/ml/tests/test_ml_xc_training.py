"""The fit of ml-xc: the labels, and that it finds the parameters that made the numbers it is given."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import train_xc
from ml_xc_cases import random_rho
from xc_densities import Density
from xc_targets import Target, targets

from qmbench_ml.xc.model import FILE, N_PARAMETERS, Model, energy

# Nonrelativistic energies in hartree, Chakravorty et al., Phys. Rev. A 47, 3649 (1993).
EXACT = {"He": -2.90372, "Li": -7.47806, "Be": -14.66736, "N": -54.5892, "Ne": -128.9376}


def test_extrapolated_totals_are_near_the_exact_ones():
    found = {t.name: t.value for t in targets() if t.kind == "total"}
    for name, exact in EXACT.items():
        assert found[name] == pytest.approx(exact, abs=2e-3)


def test_no_target_mixes_splits():
    """A difference belongs to the strictest split of its parts."""
    kinds = {(t.kind, t.name): t.split for t in targets()}
    assert kinds["dissociation", "LiH"] == "train"
    assert kinds["dissociation", "LiF"] == "calibration"
    assert kinds["dissociation", "CO"] == "test"
    assert kinds["ionization", "O"] == "test"


def test_the_fit_finds_the_most_probable_parameters():
    """The gradient of the posterior is zero there, by differences of its definition."""
    rng = np.random.default_rng(4)
    densities = {
        name: Density(random_rho(30, seed), rng.uniform(0, 1e-2, 30), np.zeros(30, int), -1.0, 0.0)
        for seed, name in enumerate("abcd")
    }
    true = 0.2 * rng.normal(size=N_PARAMETERS)
    given = [
        Target(name, "total", ((1.0, name),), d.rest + energy(true, d.rho, d.weights), "train")
        for name, d in densities.items()
    ]
    theta, covariance = train_xc.fit(given, densities, np.zeros(N_PARAMETERS))

    def minus_log_posterior(x):
        errors = [
            t.of({n: d.rest + energy(x, d.rho, d.weights) for n, d in densities.items()}) - t.value for t in given
        ]
        return 0.5 * (np.sum(np.square(errors)) / train_xc.TOLERANCE**2 + x @ x / train_xc.PRIOR**2)

    for step in 1e-4 * np.eye(N_PARAMETERS)[::4]:
        slope = (minus_log_posterior(theta + step) - minus_log_posterior(theta - step)) / 2e-4
        assert abs(slope) < 1e-4
    assert np.linalg.eigvalsh(covariance).max() <= train_xc.PRIOR**2 * (1 + 1e-9)


def test_the_calibration_factor_makes_the_mean_squared_deviation_one():
    rng = np.random.default_rng(6)
    d = Density(random_rho(30), rng.uniform(0, 1e-2, 30), np.zeros(30, int), 0.0, 0.0)
    theta, covariance = np.zeros(N_PARAMETERS), 0.01 * np.eye(N_PARAMETERS)
    exact = energy(theta, d.rho, d.weights)
    found, slopes = train_xc.linearized(theta, {"a": d})
    bar = 0.1 * np.linalg.norm(slopes["a"])
    off = [Target("a", "total", ((1.0, "a"),), exact + k * bar, "calibration") for k in (3.0, -4.0)]
    assert train_xc.calibration(theta, covariance, off, {"a": d}) == pytest.approx(np.sqrt(12.5))
    assert found["a"] == exact


def test_the_manifest_holds_the_hash_of_the_labels():
    assert json.loads(train_xc.MANIFEST.read_text())["xc"] == train_xc.description()


@pytest.mark.slow
def test_training_reproduces_the_shipped_model(tmp_path):
    again, kept = train_xc.train(tmp_path), Model.load(FILE)
    for field in dataclasses.fields(Model):
        a, b = getattr(again, field.name), getattr(kept, field.name)
        if a.dtype.kind == "f":
            np.testing.assert_allclose(a, b, atol=1e-8)
        else:
            np.testing.assert_array_equal(a, b)
