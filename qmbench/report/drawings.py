"""Pictures of the systems of a benchmark's entries, as images that a page holds itself."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from qmbench.data.benchmark import Benchmark
from qmbench.domain.errors import QmbenchError
from qmbench.domain.systems import Molecule, System
from qmbench.domain.systems.drawing import appearance, bonds
from qmbench.domain.units import BOHR_IN_ANGSTROM

if TYPE_CHECKING:
    from qmbench.judging.statistics import BenchmarkInfo

MOST_OF_AN_ENTRY = 4
ROOM = 400_000
"""Characters of all pictures of a page together."""


@dataclass(frozen=True)
class Drawing:
    """One system. id: of its image in the page; source: a data URI of an SVG picture, which runs no script.

    structure: of a molecule, what its view that turns is drawn from, see `structure_of`.
    """

    id: str
    name: str
    about: str
    source: str
    structure: dict[str, Any] | None = None


def structure_of(system: System) -> dict[str, Any] | None:
    """A molecule as its view that turns needs it: symbols, places (ångström) about their middle, bonds (from 0) and
    ghosts; None of what is no molecule, or of one atom, which looks the same from everywhere."""
    if not isinstance(system, Molecule) or len(system.symbols) < 2:
        return None
    places = system.coordinates * BOHR_IN_ANGSTROM
    real = [i for i, ghost in enumerate(system.ghosts) if not ghost]
    pairs = bonds([system.symbols[i] for i in real], system.coordinates[real])
    found = {
        "symbols": list(system.symbols),
        "places": [[round(x, 2) + 0.0 for x in row] for row in (places - places.mean(axis=0)).tolist()],
        "bonds": [[real[i], real[j]] for i, j in pairs],
    }
    ghosts = [i for i, ghost in enumerate(system.ghosts) if ghost]
    return found | ({"ghosts": ghosts} if ghosts else {})


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

    def structures(self) -> dict[str, Any]:
        """Those of all molecules by the id of their image, and how their atoms look: radius (ångström) and colour."""
        found = {d.id: d.structure for d in self.found.values() if d is not None and d.structure is not None}
        symbols = sorted({symbol for structure in found.values() for symbol in structure["symbols"]})
        return {"structures": found, "atoms": {symbol: appearance(symbol) for symbol in symbols}}

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
                    about, structure = system.describe(), structure_of(system)
                    self.found[key] = Drawing(f"s{len(self.found)}", name, about, source, structure)
                else:
                    self.left_out += 1
        return self.found[key]
