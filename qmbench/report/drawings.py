"""Pictures of the systems of a benchmark's entries, as images that a page holds itself."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from qmbench.data.benchmark import Benchmark
from qmbench.domain.errors import QmbenchError

if TYPE_CHECKING:
    from qmbench.judging.statistics import BenchmarkInfo

MOST_OF_AN_ENTRY = 4
ROOM = 400_000
"""Characters of all pictures of a page together."""


@dataclass(frozen=True)
class Drawing:
    """One system. id: of its image in the page; source: a data URI of an SVG picture, which runs no script."""

    id: str
    name: str
    about: str
    source: str


def data_uri(svg: str) -> str:
    """An SVG picture as an address that holds it, without a character that HTML or an address reads otherwise."""
    # Either quotation mark does in XML, and one of them stands for itself in the attribute of a page.
    text = svg if "'" in svg else svg.replace('"', "'")
    return f"data:image/svg+xml,{quote(text.strip(), safe=_AS_THEY_ARE)}"


_AS_THEY_ARE = " '=/:,;.()!*@$|"


@dataclass
class Gallery:
    """The pictures of a page, each system's once; `room` is what is left for more."""

    room: int = ROOM
    found: dict[tuple[str, str], Drawing | None] = field(default_factory=dict)
    left_out: int = 0
    taken: set[str] = field(default_factory=set)

    def of_entry(self, info: BenchmarkInfo | None, entry: str) -> list[Drawing]:
        """Pictures of the systems that an entry compares, the first ones of its stoichiometry; [] without any."""
        if not isinstance(info, Benchmark):
            return []
        with suppress(QmbenchError):
            names = dict.fromkeys(term.system for term in info.entry(entry).terms)
            drawn = (self._of_system(info, name) for name in list(names)[:MOST_OF_AN_ENTRY])
            return [drawing for drawing in drawn if drawing is not None]
        return []

    def take(self, drawings: Iterable[Drawing]) -> list[Drawing]:
        """Those that were not taken before: an image has one place in a page."""
        fresh = {d.id: d for d in drawings if d.id not in self.taken}
        self.taken.update(fresh)
        return list(fresh.values())

    def _of_system(self, benchmark: Benchmark, name: str) -> Drawing | None:
        key = (benchmark.id, name)
        if key not in self.found:
            system = benchmark.system(name)
            picture = system.figure()
            self.found[key] = None
            if picture is not None:
                source = data_uri(picture)
                if len(source) <= self.room:
                    self.room -= len(source)
                    self.found[key] = Drawing(f"s{len(self.found)}", name, system.describe(), source)
                else:
                    self.left_out += 1
        return self.found[key]
