"""`qmbench.run`: a suite, computed as far as the store lacks it, and judged."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.data.benchmark import BSSE
from qmbench.data.filters import EntryFilter
from qmbench.data.suite import Suite, find_suite, restrict
from qmbench.domain.composite import CompositeLevel, Level
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.method import LevelOfTheory
from qmbench.domain.record import Record
from qmbench.judging.basis import BasisKnowledge
from qmbench.judging.basis_elsewhere import known_elsewhere
from qmbench.judging.frame import computed
from qmbench.judging.model import Evaluation
from qmbench.running.loop import Engine, Progress, records_of
from qmbench.running.plan import Plan, make_plan
from qmbench.running.run_document import Run
from qmbench.running.session import Session
from qmbench.running.stores import StoreProtocol

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("html", "md", "json", "csv")
"""What a report is written in unless somebody says otherwise."""

Names = str | Level | Sequence[str | Level]

WORTH_SECONDS = 10.0
"""A benchmark that is finished is shown at once where the run goes on for longer than this."""


@dataclass(frozen=True)
class RunResult:
    """What `run` gave. run: what was planned and done; evaluation: the results and all that is judged of them.

    computed: tasks that were run, the rest was in the store. stopped: whether `fail_fast` ended it early.
    """

    run: Run
    evaluation: Evaluation
    computed: int = 0
    stopped: bool = False

    @property
    def id(self) -> str:
        """The id under which the store keeps the run."""
        return self.run.id

    @property
    def results(self) -> pd.DataFrame:
        """One row per level of theory and entry: value, unit, uncertainty, status, cost.

        Those with `published` true are values that others published, taken from the benchmark.
        """
        return self.evaluation.results

    @property
    def references(self) -> pd.DataFrame:
        """One row per published value of the benchmarks."""
        return self.evaluation.references

    @property
    def scored(self) -> pd.DataFrame:
        """`results` beside their references, with the error of each."""
        return self.evaluation.scored

    @property
    def statistics(self) -> pd.DataFrame:
        """Statistics of the errors: one row per benchmark, observable, subset and level."""
        return self.evaluation.statistics

    @property
    def user_totals(self) -> pd.DataFrame | None:
        """Totals by the user's own weights: one row per level and part; None where none were given."""
        return self.evaluation.user_totals

    @property
    def disagreement(self) -> dict[str, Any]:
        """Where levels and references contradict each other: the document of `qmbench disagree --json`."""
        return self.evaluation.disagreement

    @property
    def records(self) -> Mapping[str, Record]:
        """What each task gave, by record key."""
        return self.evaluation.records

    @property
    def failed(self) -> int:
        """Number of results that failed; those that a level does not do (`unsupported`) are none."""
        return int(computed(self.results)["status"].eq("failed").sum())

    @property
    def summary(self) -> str:
        """Id and counts, in one line."""
        results = computed(self.results)
        counts = results["status"].value_counts()
        said = ", ".join(f"{counts[name]} {name}" for name in ("ok", "failed", "unsupported") if name in counts)
        if not said:
            return f"run {self.id}: no results"
        warned = int(results["warnings"].ne("").sum())
        return f"run {self.id}: {len(results)} results, {said}" + (f"; {warned} with warnings" if warned else "")

    def report(self, path: str | Path = "qmbench-report", formats: str | Sequence[str] = FORMATS) -> list[Path]:
        """Write the report into the folder `path`; returns its files. InputError for an unknown format."""
        from qmbench.report.write import write_report

        wanted = (formats,) if isinstance(formats, str) else formats
        return write_report(self.evaluation, Path(path), wanted)

    def __repr__(self) -> str:
        return f"<{self.summary}>"

    def _repr_html_(self) -> str:
        return _html(self)


def run(
    suite: str | Path | Suite = "starter",
    *,
    levels: Names = (),
    benchmarks: str | Sequence[str] = (),
    bsse: str | None = None,
    store: str | Path | StoreProtocol | None = None,
    engine: str | Engine = "local",
    workers: int | None = None,
    cores: int | None = None,
    task_timeout: float | None = None,
    task_memory: float | None = None,
    fail_fast: bool = False,
    fresh: bool = False,
    reference: str | None = None,
    elements: str | Sequence[str] = (),
    max_atoms: int | None = None,
    min_atoms: int | None = None,
    tags: str | Sequence[str] = (),
    charge: int | Sequence[int] | None = None,
    weights: str | Path | Mapping[str, float] | None = None,
    progress: bool | Callable[[Progress], None] = True,
) -> RunResult:
    """Compute what the store lacks of a suite, and compare the results with references and with each other.

    suite: the name of one, a .toml file, or a `Suite`. levels, benchmarks: only these; a level that the suite does
    not hold is added. bsse: `cp`, `none` or `vmfc`, instead of what the suite says. store: path, URL or open store; by
    default what QMBENCH_STORE names, or qmbench-data/store.sqlite here. engine: NAME[:ADDRESS], or an engine, which
    stays open. workers: tasks side by side, by default as many as there are cores, or as many as `cores` leaves room
    for. cores: threads of a task, by default an equal share, and no more than OMP_NUM_THREADS says where it is set.
    task_timeout in s, task_memory in GiB: longer or more is a failed result. fail_fast: stop at the first failure.
    fresh: compute again what the store has. reference: judge by this reference set where a benchmark has it.
    elements: only entries all of whose systems consist of these elements. max_atoms, min_atoms: whose largest system
    has so many atoms. tags: with one of these tags or subsets. charge: whose systems have this charge, or one of these.
    weights: of benchmarks or parts of them, for `RunResult.user_totals`: a TOML or CSV file, or `BENCHMARK[/PART]` ->
    weight. progress: False for silence; a function is called after each task.

    InputError when the request makes no sense. A result that fails raises nothing: see `failed`. Interrupted on
    Ctrl-C: what was finished is kept, and the same call goes on from there.
    """
    only = EntryFilter.of(elements, max_atoms, min_atoms, tags, charge)
    plan = plan_of(suite, levels, benchmarks, bsse, only)
    return run_plan(
        plan,
        Session(store, engine, workers, cores, task_timeout, task_memory, progress, fresh),
        fail_fast,
        reference,
        user_weights(weights),
    )


def user_weights(given: str | Path | Mapping[str, float] | None) -> dict[str, float] | None:
    """Weights from a file or a mapping; InputError where they are none."""
    from qmbench.data.weights import checked_weights, read_weights

    if given is None:
        return None
    return read_weights(Path(given)) if isinstance(given, str | Path) else checked_weights(given, "weights")


def plan_of(
    suite: str | Path | Suite = "starter",
    levels: Names = (),
    benchmarks: str | Sequence[str] = (),
    bsse: str | None = None,
    only: EntryFilter | None = None,
) -> Plan:
    """What `run` would compute, of the entries that `only` keeps; InputError when there is nothing."""
    if bsse is not None and bsse not in BSSE:
        raise InputError(f"bsse is {' or '.join(BSSE)}, not '{bsse}'")
    found = suite if isinstance(suite, Suite) else find_suite(str(suite))
    wanted = [levels] if isinstance(levels, str | LevelOfTheory | CompositeLevel) else levels
    chosen = [benchmarks] if isinstance(benchmarks, str) else benchmarks
    plan = make_plan(restrict(found, tuple(map(str, wanted)), tuple(chosen), bsse), only)
    if bsse is not None and plan.entries and not any(planned.bsse == bsse for planned in plan.entries):
        raise InputError(
            f"bsse={bsse}: suite {plan.suite.id} has no entry for it; it is for interaction energies of levels with a "
            "basis set, on benchmarks that offer it"
        )
    published = any(not e.terms for b in plan.benchmarks.values() for e in b.entries)
    if not plan.entries and not published:
        raise InputError(f"suite {plan.suite.id}: there is no entry that its levels could do")
    return plan


def run_plan(
    plan: Plan,
    session: Session,
    fail_fast: bool = False,
    reference: str | None = None,
    weights: Mapping[str, float] | None = None,
    finished: Callable[[Evaluation], None] | None = None,
) -> RunResult:
    """Compute what the store lacks of a plan, and judge the results.

    finished: called with the evaluation of each benchmark that is finished well before the others.
    """
    known = {b.id for b in plan.benchmarks.values()}
    for name in weights or ():
        if name.partition("/")[0] not in known:
            near = did_you_mean(name.partition("/")[0], known)
            raise InputError(f"weights: suite {plan.suite.id} has no benchmark '{name.partition('/')[0]}'{near}")
    with session.opened() as store:
        elsewhere = _Once(store)
        early = _Early(plan, store, reference, elsewhere, finished, session.fresh) if finished else None
        run, summary = session.run(plan, store, fail_fast, early)
        # What is at hand is not read again. What failed is: another run may have been luckier in the meantime; but not
        # what failed when it was computed afresh, of which the store keeps what it had.
        at_hand = {key: r for key, r in summary.records.items() if session.fresh or r.status == "ok"}
        records = {**at_hand, **store.get(run.keys - at_hand.keys())}
        known_limits = elsewhere.of(run)
    evaluation = replace(Evaluation.of(run, records, plan.benchmarks, reference, known_limits), weights=weights)
    return RunResult(run, evaluation, summary.computed, summary.stopped)


class _Once:
    """What other runs know of basis-set limits, looked up when it is first asked for."""

    def __init__(self, store: StoreProtocol) -> None:
        self._store = store
        self._found: BasisKnowledge | None = None

    def of(self, run: Run) -> BasisKnowledge:
        if self._found is None:
            self._found = known_elsewhere(self._store, run)
        return self._found


@dataclass
class _Early:
    """Judges each benchmark when it is finished, if the run goes on for longer than that is worth."""

    plan: Plan
    store: StoreProtocol
    reference: str | None
    elsewhere: _Once
    show: Callable[[Evaluation], None]
    fresh: bool = False
    failed: dict[str, Record] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    def __call__(self, run: Run, progress: Progress) -> None:
        if self.fresh and progress.finished and progress.outcome and progress.outcome.status != "ok":
            # The store keeps what it had.
            self.failed.update((r.key, r) for r in records_of(progress.finished, progress.outcome))
        self.waiting += progress.reached
        # As long as nobody knows how long the run takes, it may be over in a second.
        if not self.waiting or progress.remaining_s is None or progress.remaining_s < WORTH_SECONDS:
            return
        names, self.waiting = self.waiting, []
        for name in names:
            # What is wrong is raised when the run is judged; until then it computes on.
            with contextlib.suppress(Exception):
                part = run.of_benchmark(name)
                records = {**self.store.get(part.keys), **self.failed}
                benchmarks = {name: self.plan.benchmarks[name]}
                self.show(Evaluation.of(part, records, benchmarks, self.reference, self.elsewhere.of(run)))


def _html(made: RunResult) -> str:
    """The tables that the command line prints, without those of subsets."""
    from html import escape

    from qmbench.api.html import small_table
    from qmbench.report.tables import legend, table_blocks

    statistics = made.statistics
    parts = [small_table(made.evaluation.title, [], [], [made.summary])]
    for block in table_blocks(statistics, made.scored, made.evaluation.benchmarks, subsets=False):
        rows = [[row.level, *row.cells] for row in block.rows]
        parts.append(
            small_table(block.heading, ["level of theory", *block.columns], rows, [*block.notes, *block.failures])
        )
    return "".join([*parts, f"<p><small>{escape(legend(statistics))}</small></p>" if len(statistics) else ""])
