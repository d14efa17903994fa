"""One run, or published values alone, with everything that is judged of it: what commands and reports are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qmbench.data.filters import EntryFilter, Filtered, narrowed
from qmbench.domain.threads import one_thread
from qmbench.judging.basis_elsewhere import known_elsewhere
from qmbench.judging.frame import published_frame, references_frame, results_frame, task_seconds
from qmbench.running.stores import open_store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from qmbench.data.benchmark import Benchmark
    from qmbench.domain.record import Record
    from qmbench.judging.basis import BasisKnowledge
    from qmbench.judging.statistics import BenchmarkInfo
    from qmbench.running.run_document import Run
    from qmbench.running.stores import StoreProtocol


@dataclass(frozen=True)
class Evaluation:
    """Results beside references, and what follows from them, each made when it is first asked for.

    run: None for published values alone, whose reference sets are the methods. records: those of the run, by key.
    results, references: the tidy tables of `judging.frame`. reference_set: the one to judge by; None for each
    benchmark's default. filtered: what a filter of entries left of them, if there was one; it acted before everything
    that follows. weights: the user's own, of benchmarks and parts of them (`qmbench.data.weights`).
    """

    run: Run | None
    records: Mapping[str, Record]
    benchmarks: Mapping[str, BenchmarkInfo]
    results: pd.DataFrame
    references: pd.DataFrame
    reference_set: str | None = None
    filtered: Filtered | None = None
    weights: Mapping[str, float] | None = None

    @classmethod
    def of(
        cls,
        run: Run,
        records: Mapping[str, Record],
        benchmarks: Mapping[str, Benchmark],
        reference_set: str | None = None,
        elsewhere: BasisKnowledge | None = None,
        only: EntryFilter | None = None,
    ) -> Evaluation:
        """That of a run from its records. elsewhere: what other runs know of basis-set limits. only: of the entries
        that it keeps; InputError where it keeps none."""
        filtered = None
        if only:
            asked = {(planned.benchmark, planned.entry) for planned in run.entries}
            benchmarks, filtered = narrowed(benchmarks, only, asked)
        results = results_frame(run, records, benchmarks, elsewhere)
        references = references_frame(benchmarks.values())
        return cls(run, records, benchmarks, results, references, reference_set, filtered)

    @classmethod
    def published(
        cls, benchmarks: Iterable[Benchmark], reference_set: str | None = None, only: EntryFilter | None = None
    ) -> Evaluation:
        """Benchmarks without any computed result: published levels by references, reference sets by each other."""
        found, filtered = {b.id: b for b in benchmarks}, None
        if only:
            found, filtered = narrowed(found, only)
        results, references = published_frame(found.values()), references_frame(found.values())
        return cls(None, {}, found, results, references, reference_set, filtered)

    @property
    def filters(self) -> tuple[Filtered, ...]:
        """The filters of entries that acted: the run's own, and that of the evaluation."""
        return tuple(f for f in (self.run.filtered if self.run else None, self.filtered) if f is not None)

    @cached_property
    def made(self) -> dict[tuple[Any, ...], Any]:
        """What has been made of it for reading, which several formats of one report have: see `qmbench.report.once`."""
        return {}

    @cached_property
    def scored(self) -> pd.DataFrame:
        """The results beside their references: see `statistics.score`."""
        from qmbench.judging.statistics import score

        return score(self.results, self.references, self.benchmarks, self.reference_set, self.claims)

    @cached_property
    @one_thread()
    def statistics(self) -> pd.DataFrame:
        """Errors of each level per benchmark, observable and subset: see `statistics.statistics`."""
        from qmbench.judging.statistics import statistics

        return statistics(self.scored)

    @cached_property
    def disagreement(self) -> dict[str, Any]:
        """The `disagree` document at its usual significance."""
        return self.disagreement_at()

    @one_thread()
    def disagreement_at(self, significance: float = 0.05) -> dict[str, Any]:
        """Where values contradict each other: see `disagree_document`."""
        from qmbench.judging.disagree_document import disagree_document
        from qmbench.judging.error_trends import error_trends

        found = disagree_document(
            self.results, self.references, self.benchmarks, self.families, significance, self.claims
        )
        trends = error_trends(self.scored, self.benchmarks, significance)
        same = {"implementations": self.implementations} if self.run else {}
        return {**found, **same, "error_trends": trends, "filters": [f.to_json() for f in self.filters]}

    @cached_property
    def task_seconds(self) -> float:
        """Wall time of all tasks behind the results."""
        return task_seconds(self.run, self.records, self.results)

    @cached_property
    def implementations(self) -> list[dict[str, Any]]:
        """One level in two programs, and what they differ by: see `implementations.implementations`."""
        from qmbench.judging.implementations import implementations

        return implementations(self.scored, self.families)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """Every pair of levels on the entries both have: see `comparison.compare_levels`."""
        from qmbench.judging.comparison import compare_levels

        return compare_levels(self.scored)

    @cached_property
    @one_thread()
    def league(self) -> pd.DataFrame:
        """Every pair of levels over all entries, by the network of comparisons: see `league.league_table`."""
        from qmbench.judging.league import league_table

        return league_table(self.scored)

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """How probable each rank is for each level: see `comparison.ranking_probabilities`."""
        from qmbench.judging.comparison import ranking_probabilities

        return ranking_probabilities(self.scored)

    @cached_property
    def sets(self) -> pd.DataFrame:
        """Each level against every reference set: see `comparison.reference_sets`."""
        from qmbench.judging.comparison import reference_sets

        return reference_sets(self.results, self.references, self.benchmarks)

    @cached_property
    def leave_one_out(self) -> pd.DataFrame:
        """Mean absolute errors without any one entry: see `comparison.leave_one_out`."""
        from qmbench.judging.comparison import leave_one_out

        return leave_one_out(self.scored)

    @cached_property
    def totals(self) -> pd.DataFrame:
        """WTMAD-2 and WTMAD-4 over benchmarks: see `weighted.weighted_totals`."""
        from qmbench.judging.weighted import weighted_totals

        return weighted_totals(self.statistics, self.scored)

    @cached_property
    def user_totals(self) -> pd.DataFrame | None:
        """Totals by the user's own weights, None without: see `user_weights.user_totals`."""
        from qmbench.judging.user_weights import user_totals

        return None if self.weights is None else user_totals(self.statistics, self.scored, self.weights)

    @property
    def families(self) -> Mapping[str, Mapping[str, str]]:
        """level -> what it shares with others, as its method declared it when the run was made."""
        return self.run.families if self.run else {}

    @property
    def claims(self) -> Mapping[str, str]:
        """level -> `Method.claims` when the run was made."""
        return self.run.claims if self.run else {}

    @property
    def stochastic(self) -> set[str]:
        """Levels whose results differ from seed to seed."""
        return self.run.stochastic if self.run else set()

    @property
    def title(self) -> str:
        """What was run."""
        return (self.run.title if self.run else "") or "Published values compared"


def evaluation_in(
    store: StoreProtocol,
    run_id: str | None = None,
    reference_set: str | None = None,
    only: EntryFilter | None = None,
) -> Evaluation:
    """A stored run, the latest when `run_id` is None; InputError names the runs there are. only: of these entries."""
    from qmbench.running.run_document import Run

    run = Run.from_json(store.run(run_id))
    elsewhere = known_elsewhere(store, run)
    return Evaluation.of(run, store.get(run.keys), run.find_benchmarks(), reference_set, elsewhere, only)


def load(
    store: str | Path,
    run: str | None = None,
    reference: str | None = None,
    *,
    elements: str | Sequence[str] = (),
    max_atoms: int | None = None,
    min_atoms: int | None = None,
    tags: str | Sequence[str] = (),
    charge: int | Sequence[int] | None = None,
) -> pd.DataFrame:
    """The tidy table of a run (the latest by default) in the store at path or URL `store`.

    One row per level of theory and entry, beside its reference value: of the set `reference` where a benchmark has it,
    otherwise of the benchmark's default. Columns as in `RESULT_COLUMNS`; reference_set, reference (NaN where there is
    none), reference_uncertainty and so on; error = value − reference, error_uncertainty, in the row's unit.
    elements, max_atoms, min_atoms, tags, charge: only entries of such systems, as in `run`.
    """
    only = EntryFilter.of(elements, max_atoms, min_atoms, tags, charge)
    with open_store(store, read_only=True) as opened:
        return evaluation_in(opened, run, reference, only).scored
