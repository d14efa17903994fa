"""The console on which everything is printed: what strangers wrote is seen there, and does nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from qmbench.domain.visible import visible

if TYPE_CHECKING:
    from rich.console import Console


def plain_console(**options: Any) -> Console:
    """A rich console (`options` are its own) that prints no control character but its own."""
    return _class()(**options)


@lru_cache(maxsize=1)
def _class() -> type[Console]:
    from rich.console import Console
    from rich.segment import Segment

    class PlainConsole(Console):
        def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
            for segment in super().render(*arguments, **options):
                # The console's own movements of the cursor are in `control`, its colours in `style`.
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

    return PlainConsole
