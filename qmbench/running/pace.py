"""How long the rest of a run takes, learned while it runs.

A method's estimates are off by a factor, and that factor is another one for each level of theory. Long tasks are
started first, so what ends early in a run is of few levels and says little of the others. Each level has a factor r,

    ln r(level) = (n ln(spent/expected) + ln r₀) / (n + 1)

after n of its tasks, with r₀ the geometric mean of spent/expected over the levels of which a task has ended. A level of
which less than a second was expected counts as that part of one: where nearly all of a task was thought to be made by
others, it takes a thousand times as long as nothing, and hours elsewhere are not off by that.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

ENOUGH = 0.05
"""The part of a run that has to have ended before anything is said of how long the rest takes."""
LEAST_SECONDS = 1e-3


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
        usual = math.fsum(w * math.log(of.factor) for w, of in zip(counts, known, strict=True)) / math.fsum(counts)
        rest = math.fsum(
            max(0.0, of.waiting) * math.exp((of.n * math.log(of.factor) + usual) / (of.n + 1) if of.n else usual)
            for of in self._levels.values()
        )
        return elapsed * rest / spent
