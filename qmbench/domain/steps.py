"""How far long work in this process is: who works says it, and who shows it listens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
Listener = Callable[[str, int, int], None]
"""Called with what is done, how many of it are, and how many there are."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def told(what: str, items: Collection[T]) -> Iterator[T]:
    """The items, one after the other; whoever listens is told before each how many are done. what: `12 of 137 …`."""
    listener, total = _listener.get(), len(items)
    for number, item in enumerate(items):
        if listener is not None:
            listener(what, number, total)
        yield item


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within, `listener` is told how far the work is."""
    before = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(before)
