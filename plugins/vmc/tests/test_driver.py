"""Sampling to a target: honest verdicts, and streams that are the same however often they were interrupted."""

from __future__ import annotations

import numpy as np
import pytest
from vmc_streams import AutoregressiveSampler

from qmbench import NotConverged
from qmbench_vmc import driver


def _same(a: driver.Estimate, b: driver.Estimate) -> bool:
    return a.settings() == b.settings() and (a.value, a.error) == (b.value, b.error)


def test_reaches_its_target():
    found = driver.sample(AutoregressiveSampler(), target_error=0.01, max_blocks=1000, electrons=2)
    assert found.error <= 0.01
    assert abs(found.value + 2) < 4 * found.error
    assert found.tau == pytest.approx(0.5 * 1.7 / 0.3, rel=0.3)
    assert found.variance == pytest.approx(0.25, rel=0.1)
    assert found.v_score == pytest.approx(2 * found.variance / found.value**2)
    assert found.acceptance == pytest.approx(0.6)
    assert found.samples == found.chains * (found.steps - found.equilibration_steps)


def test_continued_equals_uninterrupted(tmp_path):
    whole = driver.sample(AutoregressiveSampler(), target_error=0.004, max_blocks=1000, checkpoint=tmp_path / "whole")
    first = driver.sample(AutoregressiveSampler(), target_error=0.02, max_blocks=1000, checkpoint=tmp_path / "parts")
    again = AutoregressiveSampler()
    second = driver.sample(again, target_error=0.004, max_blocks=1000, checkpoint=tmp_path / "parts")
    assert min(again.calls) == first.blocks
    assert second.blocks > first.blocks
    assert _same(whole, second)
    assert np.array_equal(whole.series["energy"], second.series["energy"])


def test_larger_target_after_a_smaller_one_gives_its_own_answer(tmp_path):
    alone = driver.sample(AutoregressiveSampler(), target_error=0.02, max_blocks=1000)
    driver.sample(AutoregressiveSampler(), target_error=0.004, max_blocks=1000, checkpoint=tmp_path)
    again = AutoregressiveSampler()
    after = driver.sample(again, target_error=0.02, max_blocks=1000, checkpoint=tmp_path)
    assert _same(alone, after)
    assert not again.calls


def test_interrupted_at_any_block_gives_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "SAVE_EVERY", 0.0)
    whole = driver.sample(AutoregressiveSampler(), target_error=0.01, max_blocks=1000)

    class Killed(AutoregressiveSampler):
        def block(self, number):
            if number == self.last:
                raise KeyboardInterrupt
            return super().block(number)

    for last in (3, 9, 10):
        killed = Killed()
        killed.last = last
        with pytest.raises(KeyboardInterrupt):
            driver.sample(killed, target_error=0.01, max_blocks=1000, checkpoint=tmp_path)
    rest = AutoregressiveSampler()
    assert _same(whole, driver.sample(rest, target_error=0.01, max_blocks=1000, checkpoint=tmp_path))
    assert min(rest.calls) == 10


@pytest.mark.parametrize("damage", ["state.npz", "blocks"])
def test_a_damaged_checkpoint_is_made_again(tmp_path, damage):
    whole = driver.sample(AutoregressiveSampler(), target_error=0.01, max_blocks=1000, checkpoint=tmp_path)
    victim = tmp_path / damage if damage == "state.npz" else next(tmp_path.glob("*-*.npz"))
    victim.write_bytes(victim.read_bytes()[:100])
    assert _same(whole, driver.sample(AutoregressiveSampler(), target_error=0.01, max_blocks=1000, checkpoint=tmp_path))


def test_says_what_the_target_would_cost():
    with pytest.raises(NotConverged, match=r"reached ±\d.* mHa in \d+ blocks .*; ±1 mHa needs about \d+ more blocks"):
        driver.sample(AutoregressiveSampler(), target_error=0.001, max_blocks=20, name="vmc")


def test_cost_is_right():
    """The blocks named in the refusal are about those that the target then takes."""
    with pytest.raises(NotConverged) as refused:
        driver.sample(AutoregressiveSampler(), target_error=0.003, max_blocks=30)
    more = int(str(refused.value).split("needs about ")[1].split(" more")[0])
    found = driver.sample(AutoregressiveSampler(), target_error=0.003, max_blocks=10000)
    assert found.blocks == pytest.approx(30 + more, rel=0.35)


def test_far_out_of_reach_is_said_early():
    sampler = AutoregressiveSampler()
    with pytest.raises(NotConverged, match="more than max_blocks=1000 allows"):
        driver.sample(sampler, target_error=1e-5, max_blocks=1000)
    assert len(sampler.calls) < 50


def test_time_limit_stops_and_the_next_run_goes_on(tmp_path):
    class Slow(AutoregressiveSampler):
        def block(self, number):
            import time

            time.sleep(0.02)
            return super().block(number)

    with pytest.raises(NotConverged, match="the time limit"):
        driver.sample(Slow(), target_error=0.004, max_blocks=1000, checkpoint=tmp_path, time_s=0.3)
    rest = AutoregressiveSampler()
    found = driver.sample(rest, target_error=0.004, max_blocks=1000, checkpoint=tmp_path)
    assert min(rest.calls) > 2
    assert _same(found, driver.sample(AutoregressiveSampler(), target_error=0.004, max_blocks=1000))


def test_chain_stuck_elsewhere_is_not_converged():
    with pytest.raises(NotConverged, match="chains disagree"):
        driver.sample(AutoregressiveSampler(shifts=(1.0,)), target_error=0.02, max_blocks=60)


def test_drifting_energy_is_not_converged():
    class Drifting(AutoregressiveSampler):
        def block(self, number):
            block = dict(super().block(number))
            block["energy"] = block["energy"] - 0.05 * number
            return block

    with pytest.raises(NotConverged, match=r"drifts|equilibrated|too short"):
        driver.sample(Drifting(), target_error=0.1, max_blocks=60)


def test_short_chains_are_not_converged():
    with pytest.raises(NotConverged, match="too short"):
        driver.sample(AutoregressiveSampler(phi=0.995), target_error=10.0, max_blocks=10)


def test_non_finite_energy_is_not_converged():
    class Broken(AutoregressiveSampler):
        def block(self, number):
            block = dict(super().block(number))
            block["energy"][0, 0] = np.nan
            return block

    with pytest.raises(NotConverged, match="1 local energies of block 0 are not finite"):
        driver.sample(Broken(), target_error=0.1, max_blocks=60)


def test_weights_enter_the_mean():
    class Weighted(AutoregressiveSampler):
        def block(self, number):
            block = dict(super().block(number))
            return block | {"weight": np.exp(0.6 * (block["energy"] + 2))}

    found = driver.sample(Weighted(), target_error=0.01, max_blocks=1000)
    # A normal variable of variance 0.25 weighted by exp(0.6 x) has its mean moved by 0.15.
    assert abs(found.value + 1.85) < 4 * found.error
    assert found.weight_efficiency < 0.99


def test_further_observables():
    class Dipole(AutoregressiveSampler):
        def block(self, number):
            block = dict(super().block(number))
            x = block["energy"] + 2
            return block | {"dipole": np.stack([x, 2 * x, np.ones_like(x)], axis=-1)}

    found = driver.sample(Dipole(), target_error=0.01, max_blocks=1000)
    value, error = found.expectation("dipole")
    assert value.shape == error.shape == (3,)
    assert value[0] == pytest.approx(found.value + 2)
    assert error[0] == pytest.approx(found.error)
    assert error[1] == pytest.approx(2 * found.error)
    assert (value[2], error[2]) == (1, 0)


def test_calibration_on_a_stream_of_known_mean():
    """Standardized deviations from the exact mean: spread 0.9-1.1, 95 % intervals cover 92-98 %."""
    found = [
        driver.sample(AutoregressiveSampler(seed=seed, steps=25), target_error=0.03, max_blocks=400)
        for seed in range(300)
    ]
    z = np.array([(f.value + 2) / f.error for f in found])
    assert 0.9 < z.std() < 1.1
    assert 0.92 < np.mean(np.abs(z) < 1.96) < 0.98
