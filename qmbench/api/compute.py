"""`qmbench.compute`: one level of theory on one system, or on one entry of a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.data.benchmark import BSSE, Benchmark, Entry
from qmbench.data.target import Target, adhoc_entry, says_its_terms, target_of
from qmbench.domain import recipe as recipes
from qmbench.domain.composite import CompositeLevel, Level
from qmbench.domain.errors import (
    InputError,
    NotConverged,
    QmbenchError,
    ResourceError,
    Unsupported,
    did_you_mean,
)
from qmbench.domain.learned import MARK, overlap_text
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import KEY_DIGITS, Cost, Failure, Record, Status, Task
from qmbench.domain.systems import System
from qmbench.judging.frame import entry_value
from qmbench.plugging.registry import parse_level, plugins
from qmbench.running.loop import Engine, Progress
from qmbench.running.plan import PlannedEntry, plan_entry, recipe_for
from qmbench.running.session import Session
from qmbench.running.stores import StoreProtocol

if TYPE_CHECKING:
    from ase import Atoms

ERRORS: Mapping[str, type[QmbenchError]] = {
    "input": InputError,
    "unsupported": Unsupported,
    "not_converged": NotConverged,
    "memory": ResourceError,
    "timeout": ResourceError,
}
"""Failure kind -> the error that `compute` raises; QmbenchError for what is not here (a crash, a fault of a method)."""


@dataclass(frozen=True)
class Computation:
    """What `compute` gave.

    name: of the system or entry, as it was asked for. properties: name -> quantity, of what was asked for; those that
    there are when `status` is not ok. failure: why it is not. records: what it was made from. coefficients: of an
    observable that is made of several calculations, by record key. computed: keys of the records that were not in the
    store before. bsse, benchmark, entry: of an observable, empty for properties of a system. made_of_levels:
    whether the level is composite, so that properties of one system are made of several records.
    """

    level: str
    name: str
    asked: tuple[str, ...]
    system: System | None = None
    benchmark: str = ""
    entry: str = ""
    bsse: str = ""
    expected_unit: str | None = None  # of an observable; None where nobody said
    status: Status = "ok"
    failure: Failure | None = None
    properties: Mapping[str, Quantity] = field(default_factory=dict)
    records: tuple[Record, ...] = ()
    coefficients: Mapping[str, float] = field(default_factory=dict)
    computed: frozenset[str] = frozenset()
    identity: Mapping[str, Any] = field(default_factory=dict)
    made_of_levels: bool = False

    @property
    def composed(self) -> bool:
        """Whether it is an observable made of calculations, not properties of one system."""
        return bool(self.entry)

    @property
    def quantity(self) -> Quantity | None:
        """The one quantity that was asked for, None where there is none; InputError when it was several."""
        if len(self.asked) != 1:
            raise InputError(f"several properties were asked for; take .properties['{self.asked[0]}'], say")
        return self.properties.get(self.asked[0])

    @property
    def value(self) -> Any:
        """Value of the one property: a float, an array, or {state: float}; None unless `ok`."""
        return None if self.quantity is None else self.quantity.value

    @property
    def unit(self) -> str | None:
        """Unit of the one property; None unless `ok`."""
        return None if self.quantity is None else self.quantity.unit

    @property
    def uncertainty(self) -> Any:
        """Uncertainty of the one property, shaped like its value; None where there is none."""
        return None if self.quantity is None else self.quantity.uncertainty

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Versions, resolved options and settings, warnings and start, of the first record; of the level before any."""
        return self.records[0].provenance if self.records else self.identity

    @property
    def cost(self) -> Cost | None:
        """What the first record's task took."""
        return self.records[0].cost if self.records else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the method warned of, each once."""
        return tuple(dict.fromkeys(str(w) for r in self.records for w in r.provenance.get("warnings") or ()))

    @property
    def training_overlap(self) -> str:
        """What of it was in the training data of the level; empty for none."""
        return overlap_text(r.provenance for r in self.records)

    @property
    def cached(self) -> bool:
        """Whether everything came from the store."""
        return bool(self.records) and not any(r.key in self.computed for r in self.records)

    def check(self) -> Computation:
        """Itself when `ok`; else raise the error that says why, with the end of the log as a note."""
        if self.status == "ok":
            return self
        failure = self.failure or Failure("error", "no reason recorded")
        error = ERRORS.get(failure.kind, QmbenchError)(f"{self.level} on {self.name}: {failure.message}")
        if failure.log_tail and failure.kind not in ("input", "unsupported", "not_converged"):
            error.add_note(failure.log_tail)
        raise error

    def __repr__(self) -> str:
        said = ", ".join(_brief(name, quantity) for name, quantity in self.properties.items())
        if self.failure is not None:
            said = f"{self.status} ({self.failure.kind}): {self.failure.message}"
        return f"<{self.level} on {self.name}: {said}>"

    def _repr_html_(self) -> str:
        return _html(self)


def compute(
    level: str | Level,
    system: str | Path | System | Atoms,
    properties: str | Sequence[str] = (),
    *,
    charge: int | None = None,
    multiplicity: int | None = None,
    bsse: str | None = None,
    store: str | Path | StoreProtocol | None = None,
    engine: str | Engine = "local",
    cores: int | None = None,
    task_timeout: float | None = None,
    task_memory: float | None = None,
    fresh: bool = False,
    progress: bool | Callable[[Progress], None] = False,
    check: bool = True,
) -> Computation:
    """Compute properties of a system, or an entry's observable, in a supervised process; the store is asked first.

    level: such as `pbe+d4/def2-svp`. system: a path to an .xyz or .toml file, `BENCHMARK:SYSTEM`, `BENCHMARK/ENTRY`, a
    qmbench system, or ASE's atoms with `charge` and `multiplicity` 2S+1 (or in `atoms.info`). properties: a name or
    several, `energy` when empty; or one observable, such as `interaction_energy` of a molecule with fragments. bsse:
    `cp`, `none` or `vmfc`, where it matters. store: path, URL or open store; by default what QMBENCH_STORE names, or
    qmbench-data/store.sqlite here. engine: NAME[:ADDRESS] or an engine. cores: threads, all by default. task_timeout
    in s and task_memory in GiB, per task. fresh: compute again what the store has. progress: True shows it, a function
    is called after each task.

    A request that makes no sense raises InputError. What fails is raised as InputError, Unsupported, NotConverged,
    ResourceError (time or memory) or QmbenchError (a crash), or returned as `status` and `failure` with check=False.
    Interrupted on Ctrl-C; StoreError when the result can't be kept.
    """
    if bsse is not None and bsse not in BSSE:
        raise InputError(f"bsse is {' or '.join(BSSE)}, not '{bsse}'")
    target = target_of(system, charge, multiplicity)
    wanted = (properties,) if isinstance(properties, str) else tuple(dict.fromkeys(properties))
    parsed = parse_level(level) if isinstance(level, str) else level
    session = alone(Session(store, engine, None, cores, task_timeout, task_memory, progress, fresh))
    made = computation(parsed, target, wanted, bsse, session)
    return made.check() if check else made


def _identity(level: Level) -> dict[str, Any]:
    if isinstance(level, CompositeLevel):
        return {"parts": [str(part) for part in level.parts], "versions": level.versions}
    return {**level.identity, "versions": level.versions}


def alone(session: Session) -> Session:
    """The session with one task at a time, which gets all cores; a cluster at an address has workers of its own."""
    elsewhere = not isinstance(session.engine, str) or ":" in session.engine
    return session if elsewhere else replace(session, workers=1)


def computation(
    level: Level, target: Target, wanted: tuple[str, ...], bsse: str | None, session: Session
) -> Computation:
    """As `compute`, of what is resolved already, without raising what failed."""
    if target.entry is not None and target.benchmark is not None:
        _check_bsse(bsse, target.name, target.benchmark, target.entry)
        if wanted and wanted != (target.entry.observable,):
            raise InputError(
                f"{target.name} is an entry: its observable is {target.entry.observable}; ask for no property"
            )
        return _observable(level, target, target.benchmark, target.entry, bsse, session)
    assert target.system is not None
    known, observables = plugins().properties, plugins().observables
    wanted = wanted or ("energy",)
    composed = [name for name in wanted if name not in known and name in observables]
    if composed:
        if len(wanted) > 1:
            raise InputError(f"{composed[0]} is made of several calculations: ask for it alone")
        if not says_its_terms(observables[composed[0]]):
            raise InputError(f"{composed[0]} needs an entry that says of which systems it is made")
        made = adhoc_entry(target.system, composed[0])
        _check_bsse(bsse, composed[0], *made)
        return _observable(level, target, *made, bsse, session)
    _check_bsse(bsse, ", ".join(wanted))
    for name in wanted:
        if name not in known:
            raise InputError(f"unknown property '{name}'{did_you_mean(name, [*known, 'interaction_energy'])}")
    return _properties(level, target.name, target.system, wanted, session)


def _check_bsse(bsse: str | None, what: str, benchmark: Benchmark | None = None, entry: Entry | None = None) -> None:
    """InputError where a counterpoise treatment was asked for that nothing could come of."""
    if bsse is None:
        return
    if entry is None or benchmark is None or not any(term.of_fragments for term in entry.terms):
        raise InputError(
            f"bsse={bsse} is for what is made of a complex and its fragments, and {what} is not; ask for an "
            "interaction_energy, or leave it out"
        )
    if bsse not in benchmark.treatments:
        raise InputError(f"{benchmark.id} is for bsse {' or '.join(benchmark.treatments)}, not {bsse}")


def _properties(level: Level, name: str, system: System, wanted: tuple[str, ...], session: Session) -> Computation:
    empty = Computation(str(level), name, wanted, system, identity=_identity(level))
    if isinstance(level, CompositeLevel):
        return _composite_properties(level, empty, system, wanted, session)
    try:
        level.make().check(system, frozenset(wanted))
    except InputError:
        raise
    except QmbenchError as error:
        return replace(empty, status="unsupported", failure=Failure(error.kind, str(error)))
    task = Task(system, level, wanted)
    records, computed = _computed([task], session)
    used = tuple(records[key] for key in task.keys.values() if key in records)
    bad = next((r for r in used if r.status != "ok"), None)
    return replace(
        empty,
        status=bad.status if bad else "ok",
        failure=bad.failure if bad else None,
        properties={r.prop: r.quantity for r in used if r.quantity},
        records=used,
        computed=computed,
    )


def _composite_properties(
    level: CompositeLevel, empty: Computation, system: System, wanted: tuple[str, ...], session: Session
) -> Computation:
    try:
        level.check(system, frozenset(wanted))
    except InputError:
        raise
    except QmbenchError as error:
        return replace(empty, status="unsupported", failure=Failure(error.kind, str(error)))
    tasks: dict[str, Task] = {}
    made = {prop: recipe_for(level, system, prop, tasks) for prop in wanted}
    records, computed = _computed(list(tasks.values()), session)
    keys = recipes.keys_in(made.values())
    used = tuple(records[key] for key in keys if key in records)
    empty = replace(empty, records=used, computed=computed, made_of_levels=True)
    bad = next((r for r in used if r.status != "ok"), None)
    if bad:
        return replace(empty, status=bad.status, failure=bad.failure)
    quantities = {r.key: r.quantity for r in used if r.quantity}
    try:
        found = {prop: recipes.quantity(recipe, quantities) for prop, recipe in made.items()}
    except QmbenchError as error:
        failure = Failure(error.kind, str(error))
        return replace(empty, status=_status(failure), failure=failure)
    coefficients = recipes.coefficients(made[wanted[0]]) if len(wanted) == 1 else None
    return replace(empty, properties=found, coefficients=coefficients or {})


def _observable(
    level: Level, target: Target, benchmark: Benchmark, entry: Entry, bsse: str | None, session: Session
) -> Computation:
    tasks: dict[str, Task] = {}
    planned = plan_entry(level, bsse, benchmark, entry, tasks)
    unit = benchmark.unit_of(entry) or None
    empty = Computation(
        level=str(level),
        name=target.name,
        asked=(entry.observable,),
        system=target.system,
        benchmark=benchmark.id,
        entry=entry.id,
        bsse=planned.bsse,
        expected_unit=unit,
        identity=_identity(level),
    )
    if planned.refused:
        return replace(empty, status=_status(planned.refused), failure=planned.refused)
    if not planned.terms:
        raise InputError(f"{benchmark.id}/{entry.id} consists of reference values alone: there is nothing to compute")
    records, computed = _computed(list(tasks.values()), session)
    quantity, failure, used = entry_value(planned.terms, benchmark, entry, planned.bsse, records)
    return replace(
        empty,
        status=_status(failure),
        failure=failure,
        properties={entry.observable: quantity} if quantity else {},
        records=tuple(used),
        coefficients=_coefficients(planned),
        computed=computed,
    )


def _coefficients(planned: PlannedEntry) -> dict[str, float]:
    """Of each record, where the observable is linear in all of them; else those of none."""
    return recipes.coefficients(recipes.Sum(planned.terms)) or {}


def _computed(tasks: list[Task], session: Session) -> tuple[Mapping[str, Record], frozenset[str]]:
    """Records by key, and the keys that were computed just now.

    With the notes on how these systems were read: whoever computed a record may have read another file.
    """
    with session.opened() as store:
        summary = session.compute(tasks, store)
    records = dict(summary.records)
    for task in tasks:
        for key in task.keys.values() if task.system.notes else ():
            if key in records:
                records[key] = _noted(records[key], task.system.notes)
    return records, frozenset(records) - summary.cached


def _noted(record: Record, notes: Sequence[str]) -> Record:
    warnings = [*notes, *(record.provenance.get("warnings") or ())]
    return replace(record, provenance={**record.provenance, "warnings": list(dict.fromkeys(warnings))})


def _status(failure: Failure | None) -> Status:
    if failure is None:
        return "ok"
    return "unsupported" if failure.kind == "unsupported" else "failed"


def _brief(name: str, quantity: Quantity) -> str:
    if isinstance(quantity.value, float):
        error = "" if quantity.uncertainty is None else f" ± {quantity.uncertainty:.2g}"
        return f"{name} {quantity.value:.10g}{error} {quantity.unit}"
    return f"{name} [{quantity.unit}]"


def _html(made: Computation) -> str:
    """The values with their units, or why there are none."""
    from qmbench.api.html import small_table
    from qmbench.report.values import unit_text, value_lines

    head = f"{made.level} on {made.name}" + (f", bsse {made.bsse}" if made.bsse else "")
    if made.failure is not None:
        return small_table(head, [], [[f"{made.status} ({made.failure.kind})", made.failure.message]], [])
    rows = []
    for name, quantity in made.properties.items():
        data = quantity.to_json()
        rows += [[label, text, unit_text(data)] for label, text in value_lines(name, data)]
    for key, coefficient in made.coefficients.items():
        record = next(r for r in made.records if r.key == key)
        if record.quantity is not None:
            data = record.quantity.to_json()
            (_, text), *_ = value_lines("", data)
            rows.append([f"  {coefficient:+g} × {record.system_name}", text, unit_text(data)])
    notes = [f"{MARK} in the training data of this level: {made.training_overlap}"] if made.training_overlap else []
    notes += [f"warning: {warning}" for warning in made.warnings]
    notes.append("records: " + ", ".join(r.key[:KEY_DIGITS] for r in made.records))
    return small_table(head, [], rows, [*notes, *(["from the store"] if made.cached else [])])
