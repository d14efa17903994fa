"""How long the rest of a run takes, learned while it runs.

A method's estimates are off by a factor, and that factor is another one for each level of theory. The cheapest
benchmark or the longest tasks come first, so what ends early in a run is of few levels and says little of the others.
Each level has a factor r,

    ln r(level) = (n ln(spent/expected) + ln r₀) / (n + 1)

after n of its tasks, with r₀ the geometric mean of spent/expected over the levels of which a task has ended, and over
`DOUBT` more of factor 1. A level of which less than a second was expected counts as that part of one: where nearly all
of a task was thought to be made by others, it takes a thousand times as long as nothing, and hours elsewhere are not
off by that. Estimates that nobody has checked are drawn towards their mean before: see `tempered`.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

ENOUGH = 0.05
"""The part of a run that has to have ended before anything is said of how long the rest takes."""
LEAST_SECONDS = 1e-3
DOUBT = 5.0
"""Levels whose estimates are right, that are thought of beside those of which a task has ended."""
SLOPE = 0.9
"""Of the regression of ln(spent) on ln(estimate), by methods' own estimates: 0.80 to 1.04 in runs of `starter`, 0.84 in
one of `core`. With 0.9 what is told of `starter` from half-time on is 0.85 to 1.27 of the truth benchmark by benchmark,
and 0.72 to 1.09 with the longest tasks first."""
WORTH_SECONDS = 0.02
"""Shorter tasks, and what others are expected to make, say nothing of how long tasks are."""


@dataclass
class _Level:
    """waiting, ended: expected seconds of tasks that have not ended, and of those that have; n, learned, spent: of
    those whose time is known: how many, what was expected, what they took."""

    waiting: float = 0.0
    ended: float = 0.0
    n: int = 0
    learned: float = 0.0
    spent: float = 0.0

    @property
    def factor(self) -> float:
        return max(self.spent, LEAST_SECONDS) / max(self.learned, LEAST_SECONDS)


def tempered(seconds: Sequence[float], recorded: Sequence[bool]) -> list[float]:
    """Estimates drawn towards their geometric mean, but for those learned from records of the level.

    Whatever scatters about the truth makes what it puts first too long, and what it puts last too short. Without this
    the end of a run, where the short ones are, comes later than told.
    """
    logs = [math.log(s) for s, known in zip(seconds, recorded, strict=True) if s > WORTH_SECONDS and not known]
    if not logs:
        return list(seconds)
    mean = statistics.fmean(logs)
    return [
        s if known else math.exp(mean + SLOPE * (math.log(max(s, LEAST_SECONDS)) - mean))
        for s, known in zip(seconds, recorded, strict=True)
    ]


@dataclass
class Pace:
    """Expected seconds of the tasks of a run, level by level, and what they took."""

    _levels: dict[str, _Level] = field(default_factory=lambda: defaultdict(_Level))

    def expect(self, level: str, seconds: float) -> None:
        """A task of this level is to be run."""
        self._levels[level].waiting += max(seconds, LEAST_SECONDS)

    def end(self, level: str, seconds: float, spent: float | None) -> None:
        """A task has ended. seconds: as it was expected; spent: what it took, None if that is not known."""
        of, seconds = self._levels[level], max(seconds, LEAST_SECONDS)
        of.waiting -= seconds
        of.ended += seconds
        if spent is not None:
            of.n += 1
            of.learned += seconds
            of.spent += spent

    def remaining(self, elapsed: float) -> float | None:
        """Seconds to go, with as many tasks side by side as in the `elapsed` ones; None as long as too little ended."""
        waiting = math.fsum(max(0.0, of.waiting) for of in self._levels.values())
        ended = math.fsum(of.ended for of in self._levels.values())
        if not ended or ended < ENOUGH * (waiting + ended):
            return None
        known = [of for of in self._levels.values() if of.n]
        spent = math.fsum(of.spent for of in known)
        if not spent:
            return elapsed * waiting / ended
        counts = [min(1.0, of.learned) for of in known]
        logs = math.fsum(w * math.log(of.factor) for w, of in zip(counts, known, strict=True))
        usual = logs / (math.fsum(counts) + DOUBT)
        rest = math.fsum(
            max(0.0, of.waiting) * math.exp((of.n * math.log(of.factor) + usual) / (of.n + 1) if of.n else usual)
            for of in self._levels.values()
        )
        return elapsed * rest / spent
