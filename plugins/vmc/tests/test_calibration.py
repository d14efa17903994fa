"""Whether the error bars mean what they say: many short independent runs against one long one."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import Molecule, Resources
from qmbench_vmc import driver
from qmbench_vmc.options import VmcOptions
from qmbench_vmc.slater_jastrow.sampling import VmcSampler
from qmbench_vmc.slater_jastrow.trial import make_trial

HELIUM = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="He")
HYDROGEN = Molecule(("H", "H"), ((0.0, 0.0, 0.0), (0.0, 0.0, 1.4)), 0, 1, name="H2")


@pytest.mark.slow
@pytest.mark.parametrize("molecule", [HELIUM, HYDROGEN], ids=["He", "H2"])
def test_short_runs_scatter_as_they_say(molecule, tmp_path, record_property):
    options = VmcOptions(basis="cc-pvdz", walkers=100, optimization_steps=8)
    trial = make_trial(molecule, options, Resources(artifacts=tmp_path / "artifacts"))
    # Seeds of the long run are its own: it shares no sample with the short ones.
    long = driver.sample(VmcSampler(trial, 1000, 10**6), target_error=1.5e-4, max_blocks=5000)
    short, refused = [], 0
    for seed in range(240):
        try:
            short.append(driver.sample(VmcSampler(trial, 100, seed), target_error=6e-3, max_blocks=60))
        except driver.NotConverged:
            refused += 1
    z = np.array([(s.value - long.value) / s.error for s in short])
    covered = np.mean(np.abs(z) < 1.96)
    p = np.array([s.agreement.p_value for s in short])
    text = f"{molecule.name}: std {z.std():.3f}, mean {z.mean():.3f}, covered {covered:.3f}, refused {refused}"
    print(text, f"p<0.05: {np.mean(p < 0.05):.3f}, long {long.value:.6f} ± {long.error:.6f}")
    record_property("calibration", text)
    assert refused <= 2
    assert 0.9 < z.std() < 1.1
    assert 0.92 < covered < 0.98
