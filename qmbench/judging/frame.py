"""Records and references as tidy pandas tables: one row per (level, entry), one per reference value.

This is where compute ends and judging begins; nothing after this page runs physics.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from qmbench.data.benchmark import Benchmark, Entry
from qmbench.domain import recipe as recipes
from qmbench.domain.collector import collector_paused
from qmbench.domain.composite import parts_of_text
from qmbench.domain.errors import QmbenchError
from qmbench.domain.formulas import Place
from qmbench.domain.learned import overlap_text
from qmbench.domain.method import split_level
from qmbench.domain.observables import Observable, Part, evaluate
from qmbench.domain.quantity import Quantity, combine, scalar
from qmbench.domain.record import Failure, Record
from qmbench.domain.systems import System
from qmbench.judging.basis import (
    VARIANTS,
    BasisKnowledge,
    Steps,
    extrapolation_uncertainty,
    largest,
    last_step,
    next_largest,
    steps_uncertainty,
    with_basis_errors,
)
from qmbench.running.fragments import named_parts

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.running.plan import PlannedEntry
    from qmbench.running.run_document import Run


RESULT_COLUMNS = (
    "level_of_theory label method basis bsse benchmark entry observable state subsets tags curve coordinate "
    "coordinate_unit status failure_kind failure_message value unit uncertainty uncertainty_kind "
    "training_overlap warnings wall_s cpu_s cached published basis_uncertainty basis_source basis_limit "
    "basis_limit_level basis_error"
).split()
REFERENCE_COLUMNS = (
    "benchmark entry set value unit uncertainty uncertainty_kind level_of_theory source_doi source_place status note "
    "role within"
).split()


@collector_paused()
def results_frame(
    run: Run,
    records: Mapping[str, Record],
    benchmarks: Mapping[str, Benchmark],
    elsewhere: BasisKnowledge | None = None,
) -> pd.DataFrame:
    """One row per (level, bsse, benchmark, entry) of the run; values in the benchmark's unit.

    Columns: RESULT_COLUMNS. wall_s and cpu_s are sums over the entry's tasks. A row whose tasks were not all
    run is `failed` and says so. Behind them come the rows of the published levels of these benchmarks on the same
    entries, with `published` true; see `published_rows`. elsewhere: what other runs know of basis-set limits.
    """
    import pandas as pd

    entries = {(b.id, e.id): e for b in benchmarks.values() for e in b.entries}
    about = _About(run, records)
    asked: dict[str, set[str]] = {}
    rows: list[tuple[Any, ...]] = []
    steps: list[float | None] = []  # of what is extrapolated the last one
    for planned in run.entries:
        asked.setdefault(planned.benchmark, set()).add(planned.entry)
        benchmark = benchmarks[planned.benchmark]
        entry = entries.get((benchmark.id, planned.entry))
        if entry is None:  # the benchmark has lost this entry since the run
            continue
        row, step = _row(planned, entry, benchmark, about)
        rows.append(row)
        steps.append(step)
    for benchmark in benchmarks.values():
        rows += published_rows(benchmark, asked.get(benchmark.id, set()))
    steps += [None] * (len(rows) - len(steps))
    typed = _typed(pd.DataFrame(rows, columns=RESULT_COLUMNS))
    del rows
    last_steps = pd.Series(steps, index=typed.index, dtype=float)
    return with_basis_errors(typed, electrons_in(benchmarks), elsewhere, last_steps)


def task_seconds(run: Run | None, records: Mapping[str, Record], results: pd.DataFrame) -> float:
    """Wall time of all tasks behind the entries of `results`; one that gave several properties, or served several
    entries, once."""
    if run is None:
        return 0.0
    distinct = results[["benchmark", "entry"]].drop_duplicates()
    there = set(zip(distinct["benchmark"], distinct["entry"], strict=True))
    keys = {key for planned in run.entries if (planned.benchmark, planned.entry) in there for key in planned.keys}
    found = (record for key, record in records.items() if key in keys)  # as they lie in memory, which is faster
    tasks = {(r.level, r.system_hash, r.cost.wall_s, r.cost.cpu_s) for r in found if r.cost is not None}
    return math.fsum([wall for _, _, wall, _ in tasks])


def electrons_in(benchmarks: Mapping[str, Benchmark]) -> Callable[[str, str], float]:
    """(benchmark, entry) -> number of electrons of the largest system in the entry; each looked up once."""

    @cache
    def electrons(benchmark: str, entry: str) -> float:
        found = benchmarks[benchmark]
        try:
            numbers = [getattr(system, "n_electrons", 0) for system in found.systems_of(found.entry(entry))]
        except QmbenchError:  # a system that can't be read any more
            return float("nan")
        return float(max(numbers, default=0)) or float("nan")

    return electrons


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers as numbers also where a column is empty."""
    numbers = "value uncertainty coordinate wall_s cpu_s basis_uncertainty basis_limit basis_error".split()
    return frame.astype({name: float for name in numbers} | {"basis_limit_level": object})


def published_frame(benchmarks: Iterable[Benchmark]) -> pd.DataFrame:
    """The rows of the published levels of benchmarks, as `results_frame` has them, on all their entries."""
    import pandas as pd

    rows = [row for b in benchmarks for row in published_rows(b)]
    return _typed(pd.DataFrame(rows, columns=RESULT_COLUMNS))


def published_rows(benchmark: Benchmark, asked: Collection[str] | None = None) -> list[tuple[Any, ...]]:
    """One row per current value of a published level, on the entries `asked` (None: all), in the order of entries.

    Their levels of theory end in PUBLISHED, so that none is mistaken for a computed one; they took no time here.
    """
    values = {(r.set, r.entry): r for r in benchmark.published if r.status == "current"}
    rows: list[tuple[Any, ...]] = []
    for level in benchmark.published_levels.values():
        text = split_level(level.level)
        for entry in benchmark.entries:
            value = values.get((level.set, entry.id))
            if value is None or (asked is not None and entry.id not in asked):
                continue
            rows.append(
                (
                    *(level.name, level.shown, text.method, text.basis, level.bsse, benchmark.id),
                    *_entry_cells(entry),
                    *("ok", None, None),
                    *_value_cells(value.quantity, benchmark, entry),
                    *("", "", None, None, True, True),
                    *(None, "", None, None, None),
                )
            )
    return rows


def computed(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of `results` that were computed, not published by others; tables from before the column: all."""
    return results[~results["published"].eq(True)] if "published" in results else results


@collector_paused()
def references_frame(benchmarks: Iterable[Benchmark]) -> pd.DataFrame:
    """One row per reference value, superseded ones included. Columns: REFERENCE_COLUMNS."""
    import pandas as pd

    benchmarks = list(benchmarks)
    roles = {(b.id, name): b.role_of(name) for b in benchmarks for name in {r.set for r in b.references}}
    rows = [
        (
            b.id,
            r.entry,
            r.set,
            r.quantity.value,
            r.quantity.unit,
            r.quantity.uncertainty,
            r.quantity.uncertainty_kind,
            r.level_of_theory,
            r.source_doi,
            r.source_place,
            r.status,
            r.note,
            roles[b.id, r.set].role,
            roles[b.id, r.set].within,
        )
        for b in benchmarks
        for r in b.references
    ]
    frame = pd.DataFrame(rows, columns=REFERENCE_COLUMNS)
    return frame.astype({"value": float, "uncertainty": float})


def entry_value(
    planned_terms: Iterable[tuple[float, recipes.Recipe]],
    benchmark: Benchmark,
    entry: Entry,
    bsse: str,
    records: Mapping[str, Record],
    keys: Sequence[str] | None = None,
) -> tuple[Quantity | None, Failure | None, list[Record]]:
    """An entry's observable, in its unit, from its records, or why there is none; and the records it used.

    keys: of the records in the terms, where they are known already.
    """
    terms = list(planned_terms)
    if keys is None:
        keys = recipes.keys_in(recipe for _, recipe in terms)
    used = [records[key] for key in keys if key in records]
    bad = [r for r in used if r.status != "ok"]
    if bad:
        worst = next((r for r in bad if r.status == "failed"), bad[0])
        failure = worst.failure or Failure("error", "no reason recorded")
        return None, Failure(failure.kind, f"{worst.system_name}: {failure.message}", failure.log_tail), used
    if len(used) < len(keys):
        return None, Failure("error", "not computed yet: the run was interrupted; run it again to go on"), used
    try:
        observable, unit = benchmark.observable_of(entry), benchmark.unit_of(entry)
        plain = _number_itself(terms, used, observable)
        if plain is not None:
            return (plain.to(unit) if unit else plain), None, used
        parts = list(_parts(terms, benchmark, entry, bsse, {r.key: r.quantity for r in used}))
        if used[0].prop == observable.name != observable.prop:  # the method gives it directly
            value = combine((p.coefficient, p.quantity) for p in parts)
        else:
            value = evaluate(observable, Place(entry.state, entry.coordinate, entry.coordinate_unit), parts)
        return (value.to(unit) if unit else value), None, used
    except QmbenchError as error:
        return None, Failure(error.kind, str(error)), used


def _number_itself(
    terms: Sequence[tuple[float, recipes.Recipe]], used: Sequence[Record], observable: Observable
) -> Quantity | None:
    """The observable where it is one record's number without an uncertainty, as very often; None where it is not."""
    if len(terms) != 1 or terms[0][0] != 1.0 or observable.how not in ("linear", "value"):
        return None
    found = used[0].quantity
    if not isinstance(terms[0][1], str) or found is None or type(found.value) is not float:
        return None
    return found if found.uncertainty is None and found.degeneracies is None else None


def _parts(
    terms: list[tuple[float, recipes.Recipe]],
    benchmark: Benchmark,
    entry: Entry,
    bsse: str,
    quantities: Mapping[str, Quantity | None],
) -> Iterator[Part]:
    """The terms of an entry with their quantities (of records, by key); names and systems only where a formula may
    look at them."""
    observable = benchmark.observable_of(entry)
    named: list[tuple[str, float, System]] = []
    if observable.how not in ("linear", "value") and not observable.of_one_system:
        named = list(named_parts(benchmark, entry, bsse))
    for i, (coefficient, recipe) in enumerate(terms):
        name, system = (named[i][0], named[i][2]) if len(named) == len(terms) else ("", None)
        if isinstance(recipe, str):
            quantity, key = quantities[recipe], recipe
        else:
            quantity = recipes.quantity(recipe, quantities)  # type: ignore[arg-type]
            key = json.dumps(recipes.to_json(recipe))
        assert quantity is not None  # its status is ok
        yield Part(coefficient, quantity, name, system, key)


def _extrapolation(
    planned: PlannedEntry,
    benchmark: Benchmark,
    entry: Entry,
    records: Mapping[str, Record],
    quantity: Quantity | None,
) -> tuple[float | None, float | None]:
    """One standard deviation of what is extrapolated in it over basis sets, and by its last steps alone; None where
    nothing is."""
    if quantity is None or all(isinstance(recipe, str) for _, recipe in planned.terms):
        return None, None
    found = [limit for _, recipe in planned.terms for limit in recipes.limits(recipe)]
    if not found:
        return None, None

    def other(change: Callable[[recipes.Limit], recipes.Limit], kind: str = "") -> float | None:
        """With all limits, or those of a kind of energy, changed."""
        chosen = change if not kind else lambda limit: change(limit) if limit.of == kind else limit
        terms = [(c, recipes.varied(recipe, chosen)) for c, recipe in planned.terms]
        made, _, _ = entry_value(terms, benchmark, entry, planned.bsse, records)
        return None if made is None else scalar(made)

    value, steps = scalar(quantity), []
    for kind in dict.fromkeys(limit.of for limit in found):
        in_largest, before = other(largest, kind), other(next_largest, kind)
        if in_largest is None or before is None:
            return None, None
        cardinal = min(limit.cardinals[-1] for limit in found if limit.of == kind)
        steps.append(Steps(value, in_largest, before, last_step(planned.level, kind, cardinal)))
    others = [varied for change in VARIANTS if (varied := other(change)) is not None]
    added = [recipes.correction_beside_limits(recipe) for _, recipe in planned.terms]
    uncorrected = 0.0
    if any(added):
        better = [(c, pair[0]) for (c, _), pair in zip(planned.terms, added, strict=True) if pair]
        corrected, _, _ = entry_value(better, benchmark, entry, planned.bsse, records)
        uncorrected = float("nan") if corrected is None else value - scalar(corrected)
    step = steps_uncertainty(steps)
    return extrapolation_uncertainty(value, step, others, uncorrected), step


def warnings_text(records: Iterable[Record], notes: Iterable[str] = ()) -> str:
    """What methods warned of in the records that a result is made of, and how its systems were read where that needs
    saying (`notes` of its systems); each once, in one line, empty where nothing."""
    said = list(notes)
    said += [str(w) for r in records for w in r.provenance.get("warnings") or ()]
    return "; ".join(dict.fromkeys(" ".join(text.split()) for text in said))


def _row(
    planned: PlannedEntry, entry: Entry, benchmark: Benchmark, about: _About
) -> tuple[tuple[Any, ...], float | None]:
    """The cells of RESULT_COLUMNS, and what `_extrapolation` says of the last steps."""
    if (plain := _plain(planned, entry, benchmark, about)) is not None:
        return plain, None
    quantity: Quantity | None = None
    used: list[Record] = []
    failure = planned.refused
    if failure is None:
        quantity, failure, used = entry_value(
            planned.terms, benchmark, entry, planned.bsse, about.records, planned.keys
        )
    costs = [r.cost for r in used if r.cost]  # a fragment that occurs twice was computed once, and has one key
    basis_uncertainty, step = _extrapolation(planned, benchmark, entry, about.records, quantity)
    status = "ok" if failure is None else "unsupported" if failure.kind == "unsupported" else "failed"
    cells = about.cells(
        planned,
        entry,
        (status, failure.kind if failure else None, failure.message if failure else None),
        _value_cells(quantity, benchmark, entry),
        (
            overlap_text(r.provenance for r in used),
            warnings_text(used, about.notes(benchmark, entry) if used else ()),
        ),
        (sum(c.wall_s for c in costs), sum(c.cpu_s for c in costs)),
        basis_uncertainty,
    )
    return cells, step


def _plain(planned: PlannedEntry, entry: Entry, benchmark: Benchmark, about: _About) -> tuple[Any, ...] | None:
    """The cells of an entry that is one record's number as it is, of which nothing more is to be said: by far most of a
    large run. None of any other."""
    if len(planned.terms) != 1 or planned.refused is not None:
        return None
    ((coefficient, recipe),) = planned.terms
    record = about.records.get(recipe) if coefficient == 1.0 and isinstance(recipe, str) else None
    if record is None or record.status != "ok" or record.cost is None:
        return None
    quantity, said, cost = record.quantity, record.provenance, record.cost
    unit = about.unit_of_number(benchmark, entry)
    if quantity is None or unit is None or quantity.unit != unit or type(quantity.value) is not float:
        return None
    if quantity.uncertainty is not None or quantity.degeneracies is not None:
        return None
    if said.get("training_overlap") or said.get("warnings"):
        return None
    value = (quantity.value, unit, None, None)
    return about.cells(planned, entry, _OK, value, _NOTHING_SAID, (cost.wall_s, cost.cpu_s))


_OK = ("ok", None, None)
_NOTHING_SAID = ("", "")


class _About:
    """What rows are made from, and what is the same of an entry for all levels or of a level for all entries, found
    once. Entries and benchmarks go by identity: somebody else keeps them alive.
    """

    def __init__(self, run: Run, records: Mapping[str, Record]) -> None:
        self.records = records
        self._computed = frozenset(run.computed)
        self._labels = {name: level.label for name, level in run.levels.items()}
        self._levels: dict[str, tuple[str, str, str, str | None]] = {}
        self._entries: dict[int, tuple[Any, ...]] = {}
        self._notes: dict[int, tuple[str, ...]] = {}
        self._units: dict[int, str | None] = {}

    def cells(
        self,
        planned: PlannedEntry,
        entry: Entry,
        status: tuple[str, str | None, str | None],
        value: tuple[Any, ...],
        said: tuple[str, str],
        seconds: tuple[float, float],
        basis_uncertainty: float | None = None,
    ) -> tuple[Any, ...]:
        """Those of RESULT_COLUMNS. status: with kind and message of a failure; value: as of `_value_cells`; said: of
        training data, and warnings; seconds: wall, processor."""
        cached = self._computed.isdisjoint(planned.keys)
        where = (planned.bsse, planned.benchmark)
        # Sums of tuples, which are made faster than one of many parts.
        about = self._level(planned.level) + where + self._entry(entry)
        return about + status + value + said + seconds + (cached, False, basis_uncertainty, "", None, None, None)

    def _level(self, name: str) -> tuple[str, str, str, str | None]:
        """The cells from `level_of_theory` to `basis`."""
        if name not in self._levels:
            text = parts_of_text(name)
            self._levels[name] = (name, self._labels.get(name, ""), text.method, text.basis)
        return self._levels[name]

    def unit_of_number(self, benchmark: Benchmark, entry: Entry) -> str | None:
        """The unit of an entry that is a number of a record as it is, of whose systems nothing need be said; None of
        any other."""
        if id(entry) not in self._units:
            is_number = benchmark.observable_of(entry).how in ("linear", "value")
            plain = is_number and not self.notes(benchmark, entry)
            self._units[id(entry)] = benchmark.unit_of(entry) if plain else None
        return self._units[id(entry)]

    def _entry(self, entry: Entry) -> tuple[Any, ...]:
        """The cells from `entry` to `coordinate_unit`."""
        if id(entry) not in self._entries:
            self._entries[id(entry)] = _entry_cells(entry)
        return self._entries[id(entry)]

    def notes(self, benchmark: Benchmark, entry: Entry) -> tuple[str, ...]:
        """How its systems were read, where that needs saying."""
        if id(entry) not in self._notes:
            self._notes[id(entry)] = tuple(note for s in benchmark.systems_of(entry) for note in s.notes)
        return self._notes[id(entry)]


def _entry_cells(entry: Entry) -> tuple[Any, ...]:
    """The cells from `entry` to `coordinate_unit`."""
    words = (" ".join(entry.subsets), " ".join(entry.tags))
    return (entry.id, entry.observable, entry.state, *words, entry.curve, entry.coordinate, entry.coordinate_unit)


def _value_cells(quantity: Quantity | None, benchmark: Benchmark, entry: Entry) -> tuple[Any, ...]:
    """The cells from `value` to `uncertainty_kind`."""
    unit = benchmark.unit_of(entry)
    if quantity is None:
        return (None, unit, None, None)
    return (quantity.value, unit, quantity.uncertainty, quantity.uncertainty_kind)
