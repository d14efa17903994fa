"""Suites from TOML files: which benchmarks, or parts of them, and which levels of theory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qmbench.data.benchmark import Benchmark, Entry, data_folder
from qmbench.data.identifiers import check_identifier
from qmbench.data.schema import SuiteTable, check_schema
from qmbench.domain.composite import Composite, CompositeLevel, Level, check_composite, with_composites
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.naming import checked_label
from qmbench.domain.systems.files import load_toml
from qmbench.plugging.registry import parse_level, plugins


@dataclass(frozen=True)
class Selection:
    """Part of one benchmark: by subset, by observables, by entries; None or empty means all.

    subset: its name, or the path of a subset file, which ends in .toml.
    """

    benchmark: str
    subset: str | None = None
    observables: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()

    def of(self, benchmark: Benchmark) -> tuple[Entry, ...]:
        """The entries meant; InputError when a name is not the benchmark's."""
        chosen = benchmark.select(self.subset, self.observables)
        named = {benchmark.entry(name).id for name in self.entries}
        return tuple(e for e in chosen if not named or e.id in named)


@dataclass(frozen=True)
class SuiteLevel:
    """A level of theory as a suite asks for it. `selections` empty: every benchmark of the suite it can do.

    label: what reports call it, instead of the method's own label; empty: that.
    """

    text: str
    bsse: str | None = None
    selections: tuple[Selection, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class Suite:
    """A named choice of benchmarks and levels. `folder`: what relative benchmark paths are relative to."""

    id: str
    title: str
    selections: tuple[Selection, ...]
    levels: tuple[SuiteLevel, ...]
    folder: Path = field(default_factory=Path.cwd)

    def __post_init__(self) -> None:
        check_identifier(self.id, "a suite", "suite")  # it becomes part of the names of runs

    @classmethod
    def of(
        cls,
        benchmarks: str | Sequence[str],
        levels: str | Level | Sequence[str | Level],
        bsse: str | None = None,
        id: str = "python",
        title: str = "",
    ) -> Suite:
        """These levels (texts or `LevelOfTheory`s, one or several) on these benchmarks (ids or folders), all of each.

        bsse: `cp`, `none` or `vmfc`, for levels with a basis on benchmarks with fragments.
        """
        names = [benchmarks] if isinstance(benchmarks, str) else list(benchmarks)
        texts = [levels] if isinstance(levels, str | LevelOfTheory | CompositeLevel) else list(levels)
        title = title or f"{len(texts)} levels on {', '.join(names)}"
        return cls(id, title, tuple(map(Selection, names)), tuple(SuiteLevel(str(text), bsse) for text in texts))


def suite_files() -> dict[str, Path]:
    """id -> file of the suites shipped with qmbench or with a plugin."""
    folders = [data_folder(), *plugins().benchmark_folders]
    return {path.stem: path for root in reversed(folders) for path in sorted((root / "suites").glob("*.toml"))}


def find_suite(name: str) -> Suite:
    """A shipped suite by id, or a suite file (a path that ends in .toml)."""
    if name.endswith(".toml"):
        return read_suite(Path(name))
    files = suite_files()
    if name not in files:
        raise InputError(f"unknown suite '{name}'{did_you_mean(name, files)} (a file's name ends in .toml)")
    return read_suite(files[name])


def read_suite(path: Path) -> Suite:
    """Read and check a suite file; InputError names the file and what would be right."""
    table = load_toml(path)
    check_schema(table, SuiteTable, path)
    check_identifier(table["id"], "a suite", path)
    for key in ("title", "benchmarks"):
        if not table[key]:
            raise InputError(f"{path}: '{key}' is missing or empty")
    selections = tuple(_selection(item, path) for item in table["benchmarks"])
    composites = {name: Composite(name, **about) for name, about in table.get("composites", {}).items()}
    for composite in composites.values():
        check_composite(composite, str(path))
    known = {**plugins().composites, **composites}
    levels = []
    for number, item in enumerate(table.get("levels", ()), start=1):  # none: published values are compared alone
        chosen = tuple(_selection(b, path) for b in item.get("benchmarks", []))
        label = checked_label(item.get("label", ""), f"{path}, level {number}, label")
        named = composites.get(item["level"].strip().lower())
        label = label or (named.label or named.name if named else "")
        levels.append(SuiteLevel(with_composites(item["level"], known), item.get("bsse"), chosen, label))
    return Suite(table["id"], table["title"], selections, tuple(levels), path.resolve().parent)


def restrict(
    suite: Suite, levels: Sequence[str] = (), benchmarks: Sequence[str] = (), bsse: str | None = None
) -> Suite:
    """The suite with only these levels (ones it does not hold are added) and only these benchmarks.

    An added level takes `bsse`, or else the one treatment that all levels of the suite agree on.
    """
    chosen = suite.levels
    if levels:
        agreed = {level.bsse for level in suite.levels if level.bsse}
        common = bsse or (agreed.pop() if len(agreed) == 1 else None)
        by_text: dict[str, list[SuiteLevel]] = {}
        for wanted in suite.levels:
            by_text.setdefault(str(parse_level(wanted.text)), []).append(wanted)
        chosen = tuple(w for text in levels for w in by_text.get(str(parse_level(text)), [SuiteLevel(text, common)]))
    selections = suite.selections
    if benchmarks:
        known = {s.benchmark for s in suite.selections}
        for name in benchmarks:
            if name not in known:
                raise InputError(f"suite {suite.id} has no benchmark '{name}'{did_you_mean(name, known)}")
        selections = tuple(s for s in selections if s.benchmark in benchmarks)
        kept = [(w, tuple(s for s in w.selections if s.benchmark in benchmarks)) for w in chosen]
        chosen = tuple(replace(w, selections=own) for w, own in kept if own or not w.selections)
    if bsse:
        chosen = tuple(replace(w, bsse=bsse) for w in chosen)
    if not chosen and suite.levels:
        raise InputError(f"suite {suite.id}: no level is left that takes part in {', '.join(benchmarks)}")
    return Suite(suite.id, suite.title, selections, chosen, suite.folder)


def _selection(item: str | Mapping[str, Any], suite: Path) -> Selection:
    """A part of a benchmark; subset files are relative to the suite's."""
    if isinstance(item, str):
        return Selection(item)
    lists = {key: tuple(item.get(key, ())) for key in ("observables", "entries")}
    subset = item.get("subset")
    if subset is not None and subset.endswith(".toml"):
        subset = str(suite.resolve().parent / subset)
    return Selection(item["id"], subset, **lists)
