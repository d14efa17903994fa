"""The learned correction from PBE+MBD to CCSD(T): training, calibration, held-out tests and learning curves.

    python plugins/ml/training/train_delta.py [--plot FILE]

Held-out predictions are made by a model that has seen neither of the two molecules, in no complex. Those of the
learning curves, which need more to train on, are for pairs that were left out as a whole.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from leakage import systems_of

from qmbench.domain.units import HARTREE_IN_KCAL_MOL
from qmbench_ml.delta.model import Contacts, Correction, Prior, contacts
from qmbench_ml.domain import KINDS, Ranges, deviations_wanted
from qmbench_ml.training_set import BOND

FOLDER = Path(__file__).parent / "data"
DATA, BEYOND = FOLDER / "dimers.npz", FOLDER / "beyond_delta.npz"
MOLECULES = ("monomers.npz", "dimers.npz", "contacts.npz")  # whose bonds are ordinary ones
SEED, SPLITS = 8, 10
START = Prior(shared=1e-7, element=1e-7, typed=1e-6, length=0.5, decay=6.0, noise=1e-9)
# Narrow where a dozen complexes say little: overlap of densities decays about so fast, and smoothly.
LOWEST, HIGHEST = (1e-10, 1e-10, 1e-10, 0.3, 4.0, 1e-9), (1e-4, 1e-4, 1e-4, 1.0, 10.0, 1e-7)
COVERAGE, QUANTILE = 0.9, 1.6449  # errors have longer tails than a normal distribution: one deviation says less
SIZES = (5, 8, 12, 18, 27, 40, 60)


def data() -> tuple[list[Contacts], np.ndarray, np.ndarray, np.ndarray]:
    """Contacts, CCSD(T) and PBE+MBD interaction energies in hartree, and the pair of molecules of every dimer."""
    with np.load(DATA, allow_pickle=False) as d:
        reference, baseline = d["interaction_ccsd_t"], d["interaction_pbe_mbd"]
    systems = systems_of(DATA)
    found = [contacts(m.symbols, m.coordinates) for m in systems]
    return found, reference, baseline, np.array([m.name.rpartition(" ")[0] for m in systems])


def most_likely(trained: Contacts, targets: np.ndarray) -> Prior:
    """The prior with the largest marginal likelihood."""
    from scipy.optimize import minimize

    def cost(logs: np.ndarray) -> float:
        fitted = Correction.fit(trained, targets, Prior(*np.exp(logs).tolist()))
        return float(0.5 * targets @ fitted.weights + np.sum(np.log(np.diag(fitted.factor))))

    bounds = list(zip(np.log(LOWEST), np.log(HIGHEST), strict=True))
    start = np.log(list(vars(START).values()))
    found = minimize(cost, start, method="L-BFGS-B", bounds=bounds)
    return Prior(*np.exp(found.x).tolist())


def trained_on(all_contacts: list[Contacts], targets: np.ndarray, seen: np.ndarray) -> Correction:
    """A model of the dimers with the numbers `seen`, its prior included."""
    trained = Contacts.joined([all_contacts[i] for i in seen])
    return Correction.fit(trained, targets[seen], most_likely(trained, targets[seen]))


def held_out(all_contacts: list[Contacts], targets: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and standard deviations (n,) for every dimer, by a model that has seen neither of its molecules."""
    mean, spread = np.empty(len(targets)), np.empty(len(targets))
    molecules = [set(pair.split(", ")) for pair in pairs]
    for pair in np.unique(pairs):
        out = np.flatnonzero(pairs == pair)
        seen = np.array([i for i, both in enumerate(molecules) if both.isdisjoint(pair.split(", "))])
        model = trained_on(all_contacts, targets, seen)
        mean[out], spread[out] = model.predict(Contacts.joined([all_contacts[i] for i in out]))
    return mean, spread


def calibrated(errors: np.ndarray, spread: np.ndarray, pairs: np.ndarray) -> tuple[float, float, int]:
    """The factor on the standard deviations from every second pair, and what share of the others their interval holds.

    The interval is that of nominal `COVERAGE`.
    """
    names = np.unique(pairs)
    np.random.default_rng(SEED).shuffle(names)
    first = np.isin(pairs, names[::2])
    factor = covering(errors[first], spread[first])
    return factor, float(np.mean(np.abs(errors[~first]) <= factor * QUANTILE * spread[~first])), int(np.sum(~first))


def covering(errors: np.ndarray, spread: np.ndarray) -> float:
    """The factor on the deviations with which their interval of nominal COVERAGE holds that share of the errors."""
    return float(np.quantile(np.abs(errors) / spread, COVERAGE)) / QUANTILE


def ranged(model: Correction) -> Correction:
    """With the ranges of bonds, angles and neighbours, and the growth of error bars outside them, from BEYOND.

    Bonds and angles are those of all molecules here. What is bonded to what has to be known from the complexes:
    held-out molecules are predicted well on average, and yet ammonia, like none of them, was off by four error bars.
    """
    ordinary = [molecule for file in MOLECULES for molecule in systems_of(FOLDER / file)]
    lengths = Ranges.of(((m.symbols, m.coordinates) for m in ordinary), BOND).only("bond", "angle", "neighbours")
    known = Ranges.of(((m.symbols, m.coordinates) for m in systems_of(DATA)), BOND).only("environment")
    ranges = lengths.joined(known)
    systems = systems_of(BEYOND)
    with np.load(BEYOND, allow_pickle=False) as d:
        targets = d["interaction_ccsd_t"] - d["interaction_pbe_mbd"]
    outside = [ranges.outside(m.symbols, m.coordinates) for m in systems]
    excesses = np.array([ranges.totals(o) for o in outside])
    single = np.array([ranges.excesses(m.n_parts, o).max(axis=0) for m, o in zip(systems, outside, strict=True)])
    whole = excesses[:, KINDS.index("neighbours")] == 0  # the others have a broken bond and are refused
    mean, own = model.predict(Contacts.joined([contacts(m.symbols, m.coordinates) for m in systems]))
    print(f"  outside the ranges: {np.max(np.abs(mean - targets)[whole] / own[whole]):.1f} error bars at most")
    wanted = deviations_wanted(mean - targets, own)
    return replace(model, ranges=ranges.with_growth(excesses[whole], wanted[whole], single[whole]))


def learning_curve(all_contacts: list[Contacts], targets: np.ndarray, pairs: np.ndarray) -> list[tuple[int, float]]:
    """Numbers of training dimers and mean absolute errors (hartree) on pairs not among them, over random splits."""
    rng = np.random.default_rng(SEED)
    found = []
    for size in (s for s in SIZES if s <= 0.75 * len(targets)):
        errors = []
        for _ in range(SPLITS):
            order = rng.permutation(np.unique(pairs))
            rank = np.argsort(np.argsort([np.flatnonzero(order == p)[0] for p in pairs], kind="stable"))
            seen = np.flatnonzero(rank < size)
            test = np.flatnonzero(~np.isin(pairs, pairs[seen]))
            model = trained_on(all_contacts, targets, seen)
            mean, _ = model.predict(Contacts.joined([all_contacts[i] for i in test]))
            errors.append(np.mean(np.abs(mean - targets[test])))
        found.append((size, float(np.mean(errors))))
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path, help="file for a picture of the learning curves")
    parser.add_argument("--ranges", action="store_true", help="keep the fit, make the ranges again")
    given = parser.parse_args(argv)
    if given.ranges:
        keep(ranged(Correction.load()))
        return
    from scipy.stats import wilcoxon

    found, reference, baseline, pairs = data()
    everything = Contacts.joined(found)
    curves = {}
    for title, targets in (("delta", reference - baseline), ("direct", reference)):
        prior = most_likely(everything, targets)
        mean, spread = held_out(found, targets, pairs)
        errors = mean - targets
        curves[title] = learning_curve(found, targets, pairs)
        factor, coverage, tested = calibrated(errors, spread, pairs)
        mae = np.mean(np.abs(errors)) * HARTREE_IN_KCAL_MOL
        print(f"{title}: {len(targets)} dimers of {len(np.unique(pairs))} pairs; {prior}")
        print(f"  held-out mean absolute error {mae:.3f} kcal/mol, calibration {factor:.2f}")
        print(f"  coverage of the interval of {COVERAGE:.0%} on {tested} other dimers: {coverage:.2f}")
        for size, error in curves[title]:
            print(f"  {size:4d} dimers: {error * HARTREE_IN_KCAL_MOL:.3f} kcal/mol")
        if title == "delta":
            own = np.abs(baseline - reference)
            test = wilcoxon(np.abs(errors), own, alternative="less")
            wins, before = np.mean(np.abs(errors) < own), np.mean(own) * HARTREE_IN_KCAL_MOL
            print(f"  PBE+MBD: {before:.3f} kcal/mol; delta is better for {wins:.0%} of the dimers,")
            print(f"  Wilcoxon signed-rank p = {test.pvalue:.2g}")
            whole = covering(errors, spread)
            print(f"  calibration from all of them {whole:.2f}")
            factor = max(whole, 1.0)
            keep(ranged(Correction.fit(everything, targets, prior, factor)))
    if given.plot:
        plot(curves, given.plot)


def keep(model: Correction) -> None:
    """Write the shipped model, and say how error bars grow."""
    assert model.ranges is not None
    for kind, growth, limit in zip(KINDS, model.ranges.growth, model.ranges.limit, strict=True):
        print(f"  {kind}: the deviation grows by {growth:.2g} hartree for an excess of 1, up to {limit:.3f}")
    model.save()


def plot(curves: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Mean absolute errors against the number of training dimers, both axes logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    for title, points in curves.items():
        sizes, errors = zip(*points, strict=True)
        axes.loglog(sizes, np.array(errors) * HARTREE_IN_KCAL_MOL, "o-", label=title)
    axes.set(xlabel="training dimers", ylabel="mean absolute error on unseen pairs, kcal/mol")
    axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
