"""Long work that is not tasks, such as a report of a whole database, is seen to go on; short work says nothing."""

from __future__ import annotations

import io

import pytest

from qmbench.domain.steps import listening, told
from qmbench.running import progress
from qmbench.running.progress import steps_shown


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_who_listens_is_told_before_each_how_many_are_done():
    heard: list[tuple[str, int, int]] = []
    assert list(told("eggs boiled", "abc")) == ["a", "b", "c"]
    with listening(lambda *step: heard.append(step)):
        assert list(told("eggs boiled", "abc")) == ["a", "b", "c"]
    assert list(told("eggs boiled", "ab")) == ["a", "b"]
    assert heard == [("eggs boiled", 0, 3), ("eggs boiled", 1, 3), ("eggs boiled", 2, 3)]


@pytest.mark.parametrize("kind", [io.StringIO, _Terminal])
def test_short_work_says_nothing(kind):
    stream = kind()
    with steps_shown(stream):
        list(told("eggs boiled", range(5)))
    assert stream.getvalue() == ""


@pytest.mark.parametrize("kind", [io.StringIO, _Terminal])
def test_long_work_is_seen(kind, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = kind()
    with steps_shown(stream):
        for _ in told("eggs boiled", range(8)):
            now[0] += 4.0
    if stream.isatty():
        assert "eggs boiled" in stream.getvalue()
        assert "7/8" in stream.getvalue()
    else:
        assert stream.getvalue().splitlines() == ["3 of 8 eggs boiled", "6 of 8 eggs boiled"]


def test_work_that_fails_leaves_no_bar(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = _Terminal()

    def boil() -> None:
        for n in told("eggs boiled", range(3)):
            now[0] += 4.0
            1 / (2 - n)

    with steps_shown(stream), pytest.raises(ZeroDivisionError):
        boil()
    assert stream.getvalue().endswith(("\x1b[2K", "\x1b[?25h", "\x1b[1A\x1b[2K"))
