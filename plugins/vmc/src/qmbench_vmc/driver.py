"""Sampling until the error bar is as small as asked, with a verdict on whether it can be believed.

The stream of blocks is a function of the sampler and the block numbers alone, and so is the decision when to stop:
a run that goes on from a checkpoint gives, to the last bit, what one that was never interrupted gives.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qmbench import NotConverged
from qmbench_vmc import statistics

# A chain shorter than this many autocorrelation times says little about its own error.
CHAIN_LENGTH = 20
# Independent samples below which an error bar is itself uncertain by more than about a tenth.
EFFECTIVE_SAMPLES = 200
# False alarms: one run in ten thousand whose chains agree is refused for each of these.
P_VALUE = 1e-4
TREND = 4.0
# Among thousands of walkers the most deviating one of a healthy run stays below this many standard deviations.
WORST_CHAIN = 7.0
R_HAT = 1.1
SAVE_EVERY = 5.0


class Sampler(Protocol):
    """An equilibratable stream of local energies. All randomness comes from (seed, block number).

    chains: independent Markov chains (walkers, or whole populations). walkers_per_chain: walkers averaged in each
    number of a series (1 but for populations).
    """

    chains: int
    walkers_per_chain: int

    def block(self, number: int) -> Mapping[str, np.ndarray]:
        """One block of `steps` steps; blocks are asked for in order, from 0 or from where `restore` stands.

        energy: (steps, chains) local energies, hartree. acceptance: (steps,). Optionally weight: (steps, chains),
        and energy_variance: (steps, chains) where energy is a mean over walkers; any further series has shape
        (steps, chains, …).
        """
        ...

    def state(self) -> Mapping[str, np.ndarray]:
        """Everything that `restore` needs (walker positions …)."""
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> None: ...


@dataclass(frozen=True)
class Estimate:
    """A mean energy with everything that is needed to judge it. Energies in hartree, times in steps.

    series: what was measured after equilibration, by name, shape (steps, chains, …).
    """

    value: float
    error: float
    variance: float
    v_score: float | None
    tau: float
    tau_error: float
    acceptance: float
    samples: int
    effective_samples: float
    blocks: int
    steps: int
    chains: int
    equilibration_steps: int
    reblocked_error: float
    block_length: int
    agreement: statistics.ChainAgreement
    trend: float
    weight_efficiency: float
    bounded: bool
    series: Mapping[str, np.ndarray] = field(repr=False)

    def settings(self) -> dict[str, Any]:
        """What the record keeps, ready for JSON."""
        number = statistics.json_number
        return {
            "energy_variance": number(self.variance),
            "v_score": None if self.v_score is None else number(self.v_score),
            "autocorrelation_time_steps": number(self.tau),
            "autocorrelation_time_error": number(self.tau_error),
            "acceptance": number(self.acceptance),
            "samples": self.samples,
            "effective_samples": number(self.effective_samples),
            "blocks": self.blocks,
            "steps": self.steps,
            "chains": self.chains,
            "equilibration_steps": self.equilibration_steps,
            "reblocked_error": number(self.reblocked_error),
            "reblocking_length": self.block_length,
            "r_hat": number(self.agreement.r_hat),
            "chains_chi2_per_dof": number(self.agreement.chi2_per_dof),
            "chains_p_value": number(self.agreement.p_value),
            "worst_chain_sigma": number(self.agreement.worst),
            "trend_sigma": number(self.trend),
            "weight_efficiency": number(self.weight_efficiency),
        }

    def expectation(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard error of the series `name`, each of the shape that one sample of it has."""
        series = self.series[name]
        shape = series.shape[2:]
        flat = series.reshape(*series.shape[:2], -1)
        values = [self.of_mean(flat[..., i]) for i in range(flat.shape[-1])]
        return (
            np.array([v.value for v in values]).reshape(shape),
            np.array([v.error for v in values]).reshape(shape),
        )

    def of_mean(self, series: np.ndarray) -> statistics.MeanError:
        """Weighted mean of a (steps, chains) series and its error."""
        return statistics.mean_error(statistics.weighted_series(series, self.series.get("weight"))[1])


def estimate(series: Mapping[str, np.ndarray], *, blocks: int, electrons: int | None, walkers: int = 1) -> Estimate:
    """The estimate from all steps so far. electrons: for the V-score, N Var(E)/E²."""
    energy = statistics.as_series(series["energy"])
    weight = series.get("weight")
    start = statistics.equilibration(
        energy if weight is None else (np.sum(weight * energy, axis=1) / np.sum(weight, axis=1))
    )
    kept = {name: values[start:] for name, values in series.items()}
    energy, weight = kept["energy"], kept.get("weight")
    value, unweighted = statistics.weighted_series(energy, weight)
    found = statistics.mean_error(unweighted)
    reblocked, length = statistics.reblocked_error(unweighted)
    within = kept.get("energy_variance")
    variance = float(np.average((energy - value) ** 2, weights=weight))
    if within is not None:
        variance += float(np.average(within, weights=weight))
    return Estimate(
        value=value,
        error=found.error,
        variance=variance,
        v_score=electrons * variance / value**2 if electrons and value else None,
        tau=found.tau,
        tau_error=found.tau_error,
        acceptance=float(np.mean(kept["acceptance"])),
        samples=energy.size * walkers,
        effective_samples=found.effective,
        blocks=blocks,
        steps=len(energy) + start,
        chains=energy.shape[1],
        equilibration_steps=start,
        reblocked_error=reblocked,
        block_length=length,
        agreement=statistics.chain_agreement(unweighted),
        trend=statistics.trend(unweighted),
        weight_efficiency=statistics.weight_efficiency(weight),
        bounded=found.bounded,
        series=kept,
    )


def doubts(found: Estimate) -> list[str]:
    """Why the error bar of `found` can't be believed; empty when it can."""
    kept = found.steps - found.equilibration_steps
    reasons = []
    if 2 * found.equilibration_steps > found.steps:
        reasons.append(f"not equilibrated: {found.equilibration_steps} of {found.steps} steps look like the start")
    if not found.bounded or kept < CHAIN_LENGTH * found.tau:
        reasons.append(
            f"chains of {kept} steps are too short for an autocorrelation time of {found.tau:.3g} steps"
            f" (at least {CHAIN_LENGTH} times that)"
        )
    if found.effective_samples < EFFECTIVE_SAMPLES:
        reasons.append(f"{found.effective_samples:.0f} independent samples are fewer than {EFFECTIVE_SAMPLES}")
    agreement = found.agreement
    if agreement.p_value < P_VALUE:
        reasons.append(
            f"independent chains disagree: chi2/dof = {agreement.chi2_per_dof:.1f}, p = {agreement.p_value:.1g}"
        )
    elif agreement.worst > WORST_CHAIN:
        reasons.append(
            f"chain {agreement.worst_chain} stays apart from the others by {agreement.worst:.0f} standard deviations"
        )
    elif agreement.r_hat > (limit := R_HAT * np.sqrt(1 + 4 * found.tau / max(kept, 1))):
        reasons.append(f"R-hat is {agreement.r_hat:.2f} (at most {limit:.2f})")
    if abs(found.trend) > TREND:
        reasons.append(f"the energy drifts: the halves differ by {abs(found.trend):.1f} standard errors")
    return reasons


def sample(
    sampler: Sampler,
    *,
    target_error: float,
    max_blocks: int,
    checkpoint: Path | None = None,
    min_blocks: int = 8,
    electrons: int | None = None,
    time_s: float | None = None,
    name: str = "",
    progress: Callable[[str], None] | None = None,
) -> Estimate:
    """Sample blocks until the energy's standard error is at most `target_error` (hartree) and can be believed.

    checkpoint: folder for this sampler's stream, to go on from and to leave behind (None: nothing is kept).
    min_blocks: blocks before the first look. electrons: for the V-score. time_s: seconds after which to stop with
    what was reached. name: starts error messages. progress: called with one line now and then.

    NotConverged says what was reached and what the rest would cost, or why the error bar can't be believed.
    """
    journal = Journal(checkpoint)
    deadline = None if time_s is None else time.monotonic() + time_s
    if journal.blocks:
        sampler.restore(journal.state)
    wanted = min(min_blocks, max_blocks)
    while True:
        _extend(sampler, journal, wanted, deadline, name, progress, target_error, electrons)
        found = estimate(journal.series(wanted), blocks=wanted, electrons=electrons, walkers=sampler.walkers_per_chain)
        reasons = doubts(found)
        if progress is not None:
            progress(f"{found.value:.6f} ± {found.error:.6f} hartree in {wanted} blocks")
        if not reasons and found.error <= target_error:
            journal.save(sampler)
            return found
        needed = _needed(found, target_error)
        if wanted >= max_blocks or (not reasons and needed > 2 * max_blocks):
            journal.save(sampler)
            raise NotConverged(_refusal(name, found, reasons, target_error, journal, f"max_blocks={max_blocks}"))
        # Looking too often would favour errors that happen to look small; a bad verdict needs a longer look.
        step = max(1, wanted // 10)
        goal = int(1.5 * wanted) + 1 if reasons else min(max(needed, wanted + step), 3 * wanted)
        wanted = min(max(goal, wanted + step), max_blocks)


def _extend(
    sampler: Sampler,
    journal: Journal,
    wanted: int,
    deadline: float | None,
    name: str,
    progress: Callable[[str], None] | None,
    target_error: float,
    electrons: int | None,
) -> None:
    """Blocks up to `wanted`; NotConverged when the time is over before."""
    told = time.monotonic()
    while journal.blocks < wanted:
        now = time.monotonic()
        if deadline is not None and now + journal.seconds_per_block > deadline:
            journal.save(sampler)
            if journal.blocks < 2:
                raise NotConverged(f"{name}: no time for two blocks of samples; a later run continues from here")
            found = estimate(journal.series(journal.blocks), blocks=journal.blocks, electrons=electrons)
            raise NotConverged(_refusal(name, found, doubts(found), target_error, journal, "the time limit"))
        started = time.monotonic()
        block = {key: np.asarray(value) for key, value in sampler.block(journal.blocks).items()}
        if not np.all(np.isfinite(block["energy"])):
            bad = int(np.sum(~np.isfinite(block["energy"])))
            raise NotConverged(f"{name}: {bad} local energies of block {journal.blocks} are not finite")
        journal.append(block, time.monotonic() - started, sampler)
        if progress is not None and time.monotonic() - told > 10:
            told = time.monotonic()
            progress(f"block {journal.blocks} of {wanted} before the next look")


def _needed(found: Estimate, target_error: float) -> int:
    """Blocks in all that the target takes: the error falls with the square root of what is kept."""
    kept = max(found.steps - found.equilibration_steps, 1)
    steps = found.equilibration_steps + kept * (found.error / target_error) ** 2
    return int(np.ceil(1.02 * steps * found.blocks / found.steps))


def _refusal(name: str, found: Estimate, reasons: list[str], target_error: float, journal: Journal, limit: str) -> str:
    spent = f"{found.blocks} blocks ({_duration(found.blocks * journal.seconds_per_block)})"
    goes_on = "; a later run continues from here" if journal.folder is not None else ""
    if reasons:
        return f"{name}: stopped by {limit} after {spent}: {'; '.join(reasons)}{goes_on}"
    more = max(_needed(found, target_error) - found.blocks, 1)
    return (
        f"{name}: reached ±{1000 * found.error:.3g} mHa in {spent}; ±{1000 * target_error:.3g} mHa needs about"
        f" {more} more blocks, about {_duration(more * journal.seconds_per_block)}, which is more than"
        f" {limit} allows{goes_on}"
    )


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s"


class Journal:
    """The blocks of one stream in a folder, appended as they come; everything after the last save is lost at worst.

    Files: `FIRST-LAST.npz` (blocks stacked along a new first axis), `state.npz` (the sampler after block `next`).
    """

    def __init__(self, folder: Path | None):
        self.folder = folder
        self._blocks: list[Mapping[str, np.ndarray]] = []
        self._saved = 0
        self._seconds = 0.0
        self._last_save = time.monotonic()
        self.state: Mapping[str, np.ndarray] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._load(folder)

    @property
    def blocks(self) -> int:
        return len(self._blocks)

    @property
    def seconds_per_block(self) -> float:
        return self._seconds / len(self._blocks) if self._blocks else 0.0

    def series(self, blocks: int) -> dict[str, np.ndarray]:
        """The first `blocks` blocks, joined: name -> (steps, …)."""
        return {name: np.concatenate([block[name] for block in self._blocks[:blocks]]) for name in self._blocks[0]}

    def append(self, block: Mapping[str, np.ndarray], seconds: float, sampler: Sampler) -> None:
        self._blocks.append(block)
        self._seconds += seconds
        if time.monotonic() - self._last_save > SAVE_EVERY:
            self.save(sampler)

    def save(self, sampler: Sampler) -> None:
        """Write what is new, and where the sampler stands."""
        self._last_save = time.monotonic()
        if self.folder is None or self._saved == len(self._blocks):
            return
        new = self._blocks[self._saved :]
        stacked = {name: np.stack([block[name] for block in new]) for name in new[0]}
        _write(self.folder / f"{self._saved:08d}-{len(self._blocks):08d}.npz", stacked)
        state = {f"state_{key}": np.asarray(value) for key, value in sampler.state().items()}
        _write(self.folder / "state.npz", state | {"next": np.array(self.blocks), "seconds": np.array(self._seconds)})
        self._saved = len(self._blocks)

    def _load(self, folder: Path) -> None:
        try:
            with np.load(folder / "state.npz") as file:
                content = {key: file[key] for key in file.files}
            blocks: list[Mapping[str, np.ndarray]] = []
            for path in sorted(folder.glob("*-*.npz")):
                first, last = (int(part) for part in path.stem.split("-"))
                if first == len(blocks) and last <= int(content["next"]):
                    with np.load(path) as file:
                        stacked = {key: file[key] for key in file.files}
                    blocks += [{key: value[i] for key, value in stacked.items()} for i in range(last - first)]
            if len(blocks) != int(content["next"]):
                raise ValueError("blocks are missing")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            # The same stream can be made again; half a checkpoint can't be trusted.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            return
        self._blocks, self._saved, self._seconds = blocks, len(blocks), float(content["seconds"])
        self.state = {key.removeprefix("state_"): value for key, value in content.items() if key.startswith("state_")}


def _write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """All or nothing: an interrupted write leaves the file that was there."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
