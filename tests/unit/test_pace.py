"""The time that is left of a run, as it is learned from what has ended."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench.running.pace import DOUBT, WORTH_SECONDS, Pace, tempered

# (level, tasks, expected seconds of each, what each takes), in the order in which they are started: expected long ones
# first. As in recorded runs, one level is thought of too badly, and another one too well.
LEVELS = (("slow", 9, 2.4, 0.45), ("mean", 20, 0.5, 0.4), ("quick", 40, 0.2, 0.6))


def simulated(pace: Pace) -> list[tuple[float, float | None]]:
    """(time, what is left by then as it is told) after each task but the last."""
    for level, n, expected, _ in LEVELS:
        for _ in range(n):
            pace.expect(level, expected)
    time, told = 0.0, []
    for level, n, expected, takes in LEVELS:
        for _ in range(n):
            time += takes
            pace.end(level, expected, takes)
            told.append((time, pace.remaining(time)))
    return told


def test_the_rest_is_told_within_a_factor_from_half_time_on() -> None:
    told = simulated(Pace())
    total = told[-1][0]
    late = [(total - time, left) for time, left in told[:-1] if time >= total / 2]
    assert len(late) > 20
    assert all(left is not None and 1 / 1.5 < left / truth < 1.5 for truth, left in late)
    assert told[-1][1] == pytest.approx(0.0, abs=1e-9)
    # One factor for all levels, by what ended first, is too low there.
    expected = {level: n * each for level, n, each, _ in LEVELS}
    ended = expected["slow"] + expected["mean"] + 3 * 0.2
    time = 9 * 0.45 + 20 * 0.4 + 3 * 0.6
    assert time * (sum(expected.values()) / ended - 1) < (total - time) / 1.5


def test_a_factor_that_all_levels_share_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmbench.running.pace.DOUBT", 0.0)
    pace = Pace()
    for level, seconds in (("a", 3.0), ("a", 3.0), ("b", 1.0)):
        pace.expect(level, seconds)
    pace.end("a", 3.0, 6.0)
    assert pace.remaining(6.0) == pytest.approx(8.0)
    assert pace.remaining(3.0) == pytest.approx(4.0)  # two tasks side by side


def test_nothing_is_told_before_enough_has_ended() -> None:
    pace = Pace()
    for _ in range(100):
        pace.expect("a", 1.0)
    for _ in range(4):
        pace.end("a", 1.0, 1.0)
    assert pace.remaining(4.0) is None
    pace.end("a", 1.0, 1.0)
    assert pace.remaining(5.0) == pytest.approx(95.0)


def test_tasks_whose_time_is_not_known_go_as_those_that_ended() -> None:
    pace = Pace()
    for _ in range(4):
        pace.expect("a", 1.0)
    pace.end("a", 1.0, None)
    assert pace.remaining(3.0) == pytest.approx(9.0)


def test_a_level_of_which_nothing_was_expected_says_nothing_of_hours() -> None:
    """Corrections on top of a field that another task has made: a few seconds each, where a thousandth was expected."""
    pace = Pace()
    for level, seconds, n in (("field", 100.0, 2), ("correction", 0.001, 2), ("other", 500.0, 1)):
        for _ in range(n):
            pace.expect(level, seconds)
    for level, expected, spent in (("field", 100.0, 50.0), ("correction", 0.001, 3.0)):
        pace.end(level, expected, spent)
    # By the field alone, which took half of what was expected; and a few seconds of the correction.
    usual = 0.5 ** (1.0 / (1.0 + DOUBT))
    assert pace.remaining(53.0) == pytest.approx(100.0 * (0.5 * usual) ** 0.5 + 500.0 * usual, rel=0.02)


def test_one_level_that_is_off_says_a_part_of_that_of_others() -> None:
    pace = Pace()
    for level in ("a", "a", "b"):
        pace.expect(level, 2.0)
    pace.end("a", 2.0, 6.0)
    usual = 3.0 ** (1.0 / (1.0 + DOUBT))
    of_a = 3.0 ** ((1.0 + 1.0 / (1.0 + DOUBT)) / 2.0)
    assert pace.remaining(6.0) == pytest.approx(2.0 * of_a + 2.0 * usual)


def test_estimates_that_scatter_are_drawn_towards_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tasks whose true times and estimates are both log-normal, with that slope: the tempered ones are right on the
    average, among the longest by estimate and among the shortest alike; the estimates themselves are not."""
    slope = 0.8
    monkeypatch.setattr("qmbench.running.pace.SLOPE", slope)
    rng = np.random.default_rng(2)
    truth = rng.normal(1.0, 1.5, 20_000)
    guess = truth + rng.normal(0.0, 1.5 * (1.0 / slope - 1.0) ** 0.5, truth.size)
    kept = guess > np.log(WORTH_SECONDS)
    truth, guess = truth[kept], guess[kept]
    found = np.log(tempered(np.exp(guess).tolist(), [False] * truth.size))
    order = np.argsort(guess)
    for some in (order[: truth.size // 4], order[-truth.size // 4 :]):
        assert abs((found - truth)[some].mean()) < 0.05
        assert abs((guess - truth)[some].mean()) > 0.2


def test_what_was_recorded_is_not_tempered() -> None:
    assert tempered([1.0, 100.0, 7.0], [False, False, True])[2] == 7.0
    assert tempered([1.0, 100.0, 7.0], [True] * 3) == [1.0, 100.0, 7.0]
    assert tempered([3.0], [False]) == pytest.approx([3.0])
    assert tempered([5.0, 5.0, 0.0], [False] * 3)[:2] == pytest.approx([5.0, 5.0])
