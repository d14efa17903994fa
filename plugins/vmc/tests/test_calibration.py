"""Whether the error bars mean what they say: many short independent runs against one long one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm
from vmc_cases import HELIUM, HYDROGEN, trial

from qmbench_vmc import driver
from qmbench_vmc.slater_jastrow.sampling import VmcSampler

RUNS = 240
EXACT = {"He": -2.903724377, "H2": -1.174475714}


def short_run(found, seed):
    """Forty steps of a hundred walkers, burn-in included: as short as the driver accepts."""
    return driver.sample(VmcSampler(found, 100, seed), target_error=1.0, max_blocks=40, min_blocks=4)


@pytest.mark.slow
@pytest.mark.parametrize("molecule", [HELIUM, HYDROGEN], ids=["He", "H2"])
def test_short_runs_scatter_as_they_say(molecule):
    found = trial(molecule, walkers=400, optimization_steps=8)
    # The seed of the long run is its own: it shares no sample with the short ones.
    long = driver.sample(VmcSampler(found, 1000, 10**6), target_error=3e-4, max_blocks=5000)
    print(f"\n{molecule.name}: long run {long.value:.6f} ± {long.error:.6f}", flush=True)
    short, refused = [], 0
    for seed in range(RUNS):
        try:
            short.append(short_run(found, seed))
        except driver.NotConverged:
            refused += 1
        if seed % 20 == 19:
            z = np.array([(s.value - long.value) / s.error for s in short])
            p = np.array([s.agreement.p_value for s in short])
            print(
                f"{seed + 1} runs: std {z.std():.3f}, mean {z.mean():.3f}, covered {np.mean(np.abs(z) < 1.96):.3f},"
                f" p < 0.05 in {np.mean(p < 0.05):.3f}, refused {refused},"
                f" mean error {np.mean([s.error for s in short]):.6f}",
                flush=True,
            )
    assert refused <= 2
    assert 0.9 < z.std() < 1.1
    assert 0.92 < np.mean(np.abs(z) < 1.96) < 0.98
    # An upper bound with noise: it falls below the exact energy as often as normal noise about its own mean does.
    errors = np.array([s.error for s in short])
    below = np.array([(s.value - EXACT[molecule.name]) / s.error for s in short])
    for threshold in (0.0, -1.0, -3.0):
        expected = float(np.mean(norm.cdf(threshold + (EXACT[molecule.name] - long.value) / errors)))
        count = int(np.sum(below < threshold))
        print(f"below exact by {-threshold:g} sigma: {count} of {len(below)}, expected {expected * len(below):.2f}")
        assert binom.sf(count - 1, len(below), expected) > 1e-3
