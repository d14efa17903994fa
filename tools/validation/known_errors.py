"""Whether what is said of levels of theory holds on values that were held out, left out or shifted on purpose.

Uses the published values of 16 density functionals on 355 entries (S66, A24, ionic complexes, barriers, atomization
energies) and prints, for each of the five sets and for all together,

- how many held-out errors the predictive 95 % intervals cover (each fifth of the entries is held out in turn);
- Kendall's tau of the ranking from two fifths of the cells, missing at random and missing more the harder the entry,
  with the ranking from all; beside it, what two fifths of the entries, complete, would give;
- of values shifted by 4 known scatters, one in twenty, how many are found, and how many of those that are called
  surprising were not shifted; the same for shifts by one known scatter, which are no news.

    python tools/validation/known_errors.py [--repeats N]
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from qmbench.data.benchmark import find_benchmark
from qmbench.judging.columns import Group, groups
from qmbench.judging.comparison import kendall_tau
from qmbench.judging.disagreement import disagreement
from qmbench.judging.known_errors import NORMAL_95, known_errors
from qmbench.judging.model import Evaluation
from qmbench.judging.molecules import classes
from qmbench.judging.network import adjusted_means
from qmbench.judging.tiers import weigh

SETS = ("s66", "a24", "ionic", "barriers", "atomization")
FOLDS = 5
DELETED = 0.6
SHIFTED, SHIFT = 0.05, 4.0


def published(name: str) -> Group:
    """The published levels of a benchmark and its default reference set, alone."""
    found = Evaluation.published([find_benchmark(name)])
    (group,) = (g for g in groups(found.results, found.references, found.benchmarks) if not g.within)
    keep = [j for j, c in enumerate(group.columns) if c.kind == "computed" or c.is_default_reference]
    arrays = ("value", "uncertainty", "kind", "wall_s", "status", "overlap")
    parts = {a: getattr(group, a)[:, keep] for a in arrays}
    return replace(group, columns=tuple(group.columns[j] for j in keep), **parts)


def errors(group: Group) -> np.ndarray:
    """(entries, levels) errors of the levels."""
    reference = next(j for j, c in enumerate(group.columns) if c.is_default_reference)
    levels = [j for j in range(len(group.columns)) if j != reference]
    return group.value[:, levels] - group.value[:, [reference]]


def coverage(group: Group, rng: np.random.Generator) -> np.ndarray:
    """Whether the interval of each held-out error holds it."""
    e, names = errors(group), list(dict.fromkeys(group.molecules))
    fold = dict(zip(names, rng.permutation(len(names)) % FOLDS, strict=True))
    at = np.array([fold[m] for m in group.molecules])
    hit = np.zeros(e.shape, bool)
    for k in range(FOLDS):
        known = known_errors(
            np.where((at == k)[:, None], np.nan, e), classes(group.subsets, group.tags), group.molecules
        )
        hit[at == k] = np.abs(known.standardized(e)[at == k]) <= NORMAL_95
    return hit


def recovered(absolute: np.ndarray, rng: np.random.Generator, hard: bool) -> float:
    """Kendall's tau of the ranking with cells deleted and the full one."""
    hardness = np.argsort(np.argsort(absolute.mean(axis=1))) / (len(absolute) - 1.0)
    chance = 0.2 + 0.8 * hardness if hard else np.full(len(absolute), DELETED)
    gone = rng.random(absolute.shape) < chance[:, None]
    return kendall_tau(adjusted_means(np.where(gone, np.nan, absolute)), absolute.mean(axis=0))


def subsample(absolute: np.ndarray, rng: np.random.Generator) -> float:
    """The same from as many entries with all of their cells: what the table itself allows."""
    some = rng.choice(len(absolute), round((1.0 - DELETED) * len(absolute)), replace=False)
    return kendall_tau(absolute[some].mean(axis=0), absolute.mean(axis=0))


def planted(group: Group, rng: np.random.Generator, scatters: float) -> np.ndarray:
    """(found, shifted, called without a shift) when values are shifted by so many known scatters."""
    (judged,) = disagreement([group])
    scatter = weigh(judged).known.scatter
    where = (rng.random(group.value.shape) < SHIFTED) & np.isfinite(scatter)
    sign = rng.choice([-1.0, 1.0], group.value.shape)
    shifted = np.where(where, group.value + sign * scatters * np.nan_to_num(scatter), group.value)
    (judged,) = disagreement([replace(group, value=shifted)])
    weighed = weigh(judged)
    called = np.zeros(where.shape, bool)
    for e, tier in enumerate(weighed.tiers):
        called[e, list(tier.who)] = True
    return np.array([(called & where).sum(), where.sum(), (called & ~where).sum()])


def line(name: str, numbers: list[float]) -> str:
    return f"{name:12}" + "".join(f"{x:9.3f}" if x == x else f"{'–':>9}" for x in numbers)


def main(repeats: int) -> None:
    rng = np.random.default_rng(2026)
    sets = {name: published(name) for name in SETS}
    n = sum(len(g.entries) for g in sets.values())
    print(f"{n} entries, {errors(sets['s66']).shape[1]} published levels, {repeats} repeats\n")
    print(f"{'':12}{'covered':>9}{'lowest':>9}{'highest':>9}   predictive 95 % intervals, held-out errors; over levels")
    for name, g in sets.items():
        hits = np.mean([coverage(g, rng).mean(axis=0) for _ in range(max(3, repeats // 4))], axis=0)
        print(line(name, [hits.mean(), hits.min(), hits.max()]))
    print(f"\n{'':12}{'random':>9}{'hard':>9}{'entries':>9}   Kendall's tau, {DELETED:.0%} of the cells deleted")
    tables = {name: np.abs(errors(g)) for name, g in sets.items()}
    tables["together"] = np.concatenate([t / t.mean() for t in tables.values()])
    for name, t in tables.items():
        taus = [[recovered(t, rng, False), recovered(t, rng, True), subsample(t, rng)] for _ in range(4 * repeats)]
        print(line(name, np.mean(taus, axis=0).tolist()))
    about = f"shifts by {SHIFT:g} known scatters; shifts by one called news"
    print(f"\n{'':12}{'recall':>9}{'false':>9}{'by one':>9}   {about}")
    total = np.zeros((2, 3))
    for name, g in sets.items():
        many = repeats if len(g.entries) < 100 else max(2, repeats // 4)
        counts = np.sum([[planted(g, rng, SHIFT), planted(g, rng, 1.0)] for _ in range(many)], axis=0)
        total += counts / many
        print(line(name, _shares(counts)), flush=True)
    print(line("together", _shares(total)))


def _shares(counts: np.ndarray) -> list[float]:
    (found, shifted, false), (small, all_small, _) = counts
    return [found / shifted, false / max(found + false, 1e-9), small / all_small]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    main(parser.parse_args().repeats)
