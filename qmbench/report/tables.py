"""The tables of a run: what each level of theory is worth on each benchmark, as text.

One table per (benchmark, observable, subset). What a table shows is decided once, in `table_blocks`; the
renderings (terminal, Markdown) differ in characters only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qmbench.domain.learned import MARK
from qmbench.domain.naming import PUBLISHED
from qmbench.domain.record import WARNED
from qmbench.domain.statistic import Statistic
from qmbench.judging.bootstrap import MINIMUM_ENTRIES
from qmbench.judging.core_statistics import RANKED_BY, judged_by_method
from qmbench.judging.items import rows_of
from qmbench.judging.statistics import ALL, BenchmarkInfo
from qmbench.plugging.registry import plugins
from qmbench.report.model import (
    SPELLINGS,
    Block,
    Names,
    Row,
    decimals_for,
    in_order,
    interval_text,
    is_missing,
    names_of,
    number,
    with_unit,
)

if TYPE_CHECKING:
    import pandas as pd


def table_blocks(
    statistics: pd.DataFrame,
    scored: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    subsets: bool = True,
    names: Names | None = None,
) -> Iterator[Block]:
    """The tables in order of benchmark; levels by adjusted mean absolute error.

    statistics, scored: from `qmbench.judging.statistics`. subsets: also one table per subset that is not the
    whole. names: of the levels; by default as the labels in `statistics` allow. Failures and unsupported rows are
    listed once, under the table of the whole benchmark.
    """
    names = names_of(statistics) if names is None else names
    for (benchmark, observable), part in statistics.groupby(["benchmark", "observable"], sort=False):
        whole = part[part["subset"] == ALL]
        mine = scored[(scored["benchmark"] == benchmark) & (scored["observable"] == observable)]
        for subset, rows in part.groupby("subset", sort=False):
            if subset != ALL and (not subsets or _same_size(rows, whole)):
                continue
            failures = failure_lines(mine, names=names) if subset == ALL else []
            warnings = warning_lines(mine, names=names) if subset == ALL else []
            info = benchmarks.get(str(benchmark))
            title = info.title if info else str(benchmark)
            yield _block(rows, title, str(subset), tuple(failures), tuple(warnings), names)


def failure_lines(rows: pd.DataFrame, entries_shown: int = 4, names: Names = SPELLINGS) -> list[str]:
    """One line per level, kind and message of what failed or is not supported, with the entries."""
    bad = rows[rows["status"] != "ok"]
    if bad.empty:
        return []
    bad = bad.assign(level=[names.of(a, b) for a, b in zip(bad["level_of_theory"], bad["bsse"], strict=True)])
    keys = ["level", "status", "failure_kind", "failure_message"]
    lines = []
    for (level, status, kind, message), part in bad.assign(**{k: bad[k].fillna("") for k in keys}).groupby(
        keys, sort=False
    ):
        entries = list(part["entry"])
        shown = ", ".join(entries[:entries_shown])
        more = f" and {len(entries) - entries_shown} more" if len(entries) > entries_shown else ""
        what = status if kind in ("", status) else f"{status} ({str(kind).replace('_', ' ')})"
        lines.append(f"{level}: {what} on {shown}{more}" + (f": {message}" if message else ""))
    return lines


def warning_lines(rows: pd.DataFrame, entries_shown: int = 4, names: Names = SPELLINGS) -> list[str]:
    """One line per warning, with the levels and the entries whose results it is of."""
    from qmbench.judging.statistics import warned

    mine = rows[warned(rows)]
    if mine.empty:
        return []
    mine = mine.assign(level=[names.of(a, b) for a, b in zip(mine["level_of_theory"], mine["bsse"], strict=True)])
    lines = []
    for message, part in mine.groupby("warnings", sort=False):
        said = []
        for level, own in part.groupby("level", sort=False):
            entries = list(own["entry"])
            more = f" and {len(entries) - entries_shown} more" if len(entries) > entries_shown else ""
            said.append(f"{level} on {', '.join(entries[:entries_shown])}{more}")
        lines.append(f"{WARNED} {message}: {'; '.join(said)}")
    return lines


def legend(statistics: pd.DataFrame) -> str:
    """What the columns of the tables mean, in one line to stand under the last of them."""
    confidence = statistics["confidence"].iloc[0] if len(statistics) else 0.95
    return (
        f"error = calculated - reference; n = scored / asked for; intervals cover {confidence:.0%}: scatter over "
        "entries, and uncertainties of references and results where stated"
    )


def _same_size(rows: pd.DataFrame, whole: pd.DataFrame) -> bool:
    return int(rows["n"].max()) == int(whole["n"].max())


def _columns(records: list[dict[str, Any]]) -> list[Column]:
    """The columns behind the level of theory: how many entries, then the statistics that are declared for here."""
    usual = decimals_for([r[RANKED_BY] for r in records])
    made = [Column("n", "entries with a result and a reference, of those asked for", _entries_cell)]
    for s in telling(plugins().statistics.main, records):
        decimals = usual if s.unit is None else decimals_for([r.get(s.name) for r in records])
        made.append(_value_column(s, decimals))
        ends = s.interval_columns
        if s.main_interval and ends is not None:
            name = "interval" if all(c.name != "interval" for c in made) else f"{s.label} interval"
            made.append(Column(name, f"of the {s.label}, over entries", _interval_cell(ends, decimals)))
    # Known for some entries of a level only, there is no such mean of it.
    if any(not is_missing(r.get("method_mean_absolute_error")) for r in records):
        for part, about in PARTS.items():
            made.append(Column(part, about, _part_cell(part, usual)))
    if records[0]["n_differs"]:
        label = plugins().statistics[RANKED_BY].label
        about = "what it would be over all entries, by those that levels have in common; levels are ranked by it"
        made.append(Column(f"adjusted {label}", about, lambda r: number(ranking_error(r), usual)))
    if any(r["n_training_overlap"] for r in records):
        about = "mean absolute error on entries of the training data (how many), which do not score the level"
        made.append(Column("in sample", about, _in_sample_cell(usual)))
    return made


PARTS = {
    "method": "mean absolute error of the method at its basis-set limit, where that is known for all entries",
    "basis": "mean absolute difference to that limit, or how uncertain the limit is where that is more",
}


def _part_cell(part: str, decimals: int) -> Callable[[Mapping[str, Any]], str]:
    return lambda r: number(r.get(f"{part}_mean_absolute_error"), decimals)


ADJUSTED = f"adjusted_{RANKED_BY}"


def ranking_error(r: Mapping[str, Any]) -> Any:
    """The error by which a table places a level, and that sentences name with it: what it would be over all entries,
    and of the method alone where its basis-set limit is known. r: of statistics; missing where it is not placed."""
    return r[ADJUSTED]


def is_own_reference(r: Mapping[str, Any]) -> bool:
    """Whether all references that a level is scored by are of its own method. r: of statistics."""
    return bool(r["n_scored"]) and bool(r.get("n_own_reference", 0) == r["n_scored"])


def _in_sample_cell(decimals: int) -> Callable[[Mapping[str, Any]], str]:
    def cell(r: Mapping[str, Any]) -> str:
        n = r["n_training_overlap"]
        return f"{number(r['in_sample_mean_absolute_error'], decimals)} ({n})" if n else ""

    return cell


@dataclass(frozen=True)
class Column:
    """A column of the main tables. cell: of a row of statistics. wide: whether it holds text that may fold."""

    name: str
    about: str
    cell: Callable[[Mapping[str, Any]], str]
    wide: bool = False


def telling(which: Iterable[Statistic], records: Sequence[Mapping[str, Any]]) -> list[Statistic]:
    """Those that mean something here: not NaN for every level in spite of enough entries."""
    return [
        s
        for s in which
        if any(not is_missing(r.get(s.name)) for r in records) or all(r["n_scored"] < s.minimum for r in records)
    ]


def _value_column(s: Statistic, decimals: int) -> Column:
    label = with_unit(s.label, s.unit)
    about = f"{s.symbol}: {s.description}"
    if not s.entry_column:
        return Column(label, about, lambda r: number(r.get(s.name), decimals))

    def cell(r: Mapping[str, Any]) -> str:
        entry = r.get(s.entry_column)
        return number(r.get(s.name), decimals) + ("" if is_missing(entry) else f" ({entry})")

    return Column(f"{label} (entry)", about, cell, wide=True)


def _interval_cell(ends: tuple[str, str], decimals: int) -> Callable[[Mapping[str, Any]], str]:
    return lambda r: interval_text(r.get(ends[0]), r.get(ends[1]), decimals)


def _entries_cell(r: Mapping[str, Any]) -> str:
    marks = [MARK] * bool(r["n_training_overlap"]) + [WARNED] * bool(r.get("n_warnings"))
    return " ".join([f"{r['n_scored']}/{r['n']}", *marks])


def _block(
    rows: pd.DataFrame, title: str, subset: str, failures: tuple[str, ...], warnings: tuple[str, ...], names: Names
) -> Block:
    records = ranked(rows)
    first = records[0]
    columns = _columns(records)
    table = tuple(
        Row(
            names.of(r["level_of_theory"], r["bsse"]),
            tuple(column.cell(r) for column in columns),
            r["among_best"] is True,
        )
        for r in records
    )
    return Block(
        str(first["benchmark"]),
        title,
        str(first["observable"]),
        subset,
        str(first["unit"]),
        tuple(column.name for column in columns),
        table,
        (*_notes(records, names), *warnings, *names.legend(r["level_of_theory"] for r in records)),
        failures,
        frozenset(column.name for column in columns if column.wide),
        {column.name: column.about for column in columns},
    )


def ranked(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of statistics, the smallest ADJUSTED first; levels with fewer than half of the entries stand last."""
    sample = rows[f"common_{RANKED_BY}"].isna() & rows[RANKED_BY].notna() & (rows["n_common"] > 0)
    sorted_rows = in_order(rows.assign(_sample=sample), "_sample", ADJUSTED, RANKED_BY)
    return rows_of(sorted_rows.drop(columns="_sample"))


def best_lines(records: list[dict[str, Any]], names: Names = SPELLINGS) -> Iterator[str]:
    """Which levels are not distinguishable from the best, and what it would take to tell the first two apart.

    records: of statistics, as `ranked` has them.
    """
    records = [r for r in records if not is_own_reference(r)]
    able = [r for r in records if r["among_best"] is not None]
    scored = [r for r in records if r["n_scored"]]
    if len(scored) < 2:
        return
    if len(able) < 2:
        yield (
            f"too few entries of different molecules to say which level is best ({MINIMUM_ENTRIES} are needed, for two "
            "levels at least)"
        )
        return
    among = [names.of(r["level_of_theory"], r["bsse"]) for r in able if r["among_best"]]
    percent = f"{able[0]['confidence']:.0%}".replace("%", " %")
    if len(among) == len(able):
        yield f"no level can be told from the best at {percent}, with {able[0]['n_scored']} entries"
    elif len(among) == 1:
        yield f"best at {percent}: {among[0]}"
    elif not among:
        yield "no level is called the best: the basis set limits all that could be"
    else:
        yield f"not distinguishable from the best at {percent} (bold): {', '.join(among)}"
    left_out = [names.of(r["level_of_theory"], r["bsse"]) for r in scored if r["among_best"] is None]
    if left_out:
        some = ", ".join(left_out)
        of = " of different molecules" if any(r["among_best"] is None and shares_molecules(r) for r in scored) else ""
        few = f"fewer than {MINIMUM_ENTRIES} entries{of} or half of the others', or none in common with them"
        yield f"not ranked, with {few}: {some}"
    needed = able[0]["entries_needed"]
    if not is_missing(needed):
        first, second = (names.of(r["level_of_theory"], r["bsse"]) for r in able[:2])
        yield f"to tell {first} from {second} would take about {_rounded(int(needed))} entries like these"


def basis_lines(records: list[dict[str, Any]], names: Names = SPELLINGS) -> Iterator[str]:
    """Which levels are judged by their method error, and which are limited by their basis set."""
    records = [r for r in records if not is_own_reference(r)]
    open_ones = [names.of(r["level_of_theory"], r["bsse"]) for r in records if r.get("n_basis_unknown")]
    if open_ones:
        yield (
            "how far these are from their basis-set limits is not known, so that they are judged as levels, not as "
            f"methods: {', '.join(open_ones)}"
        )
    known = [r for r in records if judged_by_method(r)]
    if not known:
        return
    if len(known) == len(records):
        yield "levels are ranked by the error of their method at its basis-set limit"
    else:
        are, their = ("is", "its") if len(known) == 1 else ("are", "their")
        yield (
            f"{len(known)} of {len(records)} levels {are} ranked by the error of {their} method at its basis-set "
            "limit, the others, whose limit is not known, as they are"
        )
    limited = [names.of(r["level_of_theory"], r["bsse"]) for r in known if r["basis_limited"]]
    if limited:
        some = ", ".join(limited)
        yield f"basis-limited (the error of the basis set is larger than the method's), never called best: {some}"


def _rounded(n: int) -> str:
    """Two digits: more would say that it is known."""
    digits = max(0, len(str(n)) - 2)
    return f"{round(n, -digits):,}"


def _notes(records: list[dict[str, Any]], names: Names) -> Iterator[str]:
    first = records[0]
    yield from (f"{MARK} {line}" for line in overlap_lines(records, names))
    if any(str(r["level_of_theory"]).endswith(PUBLISHED) for r in records):
        yield f"{PUBLISHED} published values, not computed here; sources: qmbench show {first['benchmark']}"
    reference = next((r["reference_set"] for r in records if not is_missing(r["reference_set"])), None)
    if reference is None:
        yield "no reference values: nothing can be scored"
        return
    said = max(r["n_reference_uncertainty"] for r in records)
    largest = max(r["n_scored"] for r in records)
    known = "none" if said == 0 else "all" if said == largest else f"{said} of {largest}"
    yield f"reference set {reference}; uncertainty stated for {known} of its values used here"
    yield from own_reference_lines(records, names)
    if first["n_differs"]:
        yield (
            "n differs between levels: compare them by their adjusted mean abs, what it would be over all entries; "
            f"they share {first['n_common']}"
        )
    if any(r["n_scored"] and is_missing(r["common_mean_absolute_error"]) for r in records):
        yield "levels with fewer than half of the entries stand last and are not compared with the others"
    if any(r["n_ok"] > r["n_scored"] for r in records):
        yield "n: entries that have a result and a reference / entries asked for"
    if all(is_missing(r["mean_absolute_error_low"]) for r in records) and largest:
        also = ", and to say which level is best" if sum(r["n_scored"] > 0 for r in records) > 1 else ""
        yield _too_few(records, also)
    else:
        yield from _alike_lines(records, names)
        yield from best_lines(records, names)
    yield from basis_lines(records, names)


def shares_molecules(r: Mapping[str, Any]) -> bool:
    """Whether a level's scored entries are of fewer molecules than there are entries. r: of statistics."""
    return bool(r.get("n_molecules", r["n_scored"]) < r["n_scored"])


def _alike_lines(records: list[dict[str, Any]], names: Names) -> Iterator[str]:
    """Which levels have no interval though others have, since their entries are of too few molecules."""
    without = [
        names.of(r["level_of_theory"], r["bsse"])
        for r in records
        if is_missing(r["mean_absolute_error_low"]) and r["n_scored"] >= MINIMUM_ENTRIES and shares_molecules(r)
    ]
    if without:
        yield (
            f"no interval, with too few different molecules ({MINIMUM_ENTRIES} are needed, none with more than a third "
            f"of the entries): {', '.join(without)}"
        )


def _too_few(records: list[dict[str, Any]], also: str) -> str:
    """Why no level has an interval; also: what else it takes that for."""
    n = max(r["n_scored"] for r in records)
    molecules = max(r.get("n_molecules", r["n_scored"]) for r in records)
    if n < MINIMUM_ENTRIES:
        return f"too few entries for an interval ({MINIMUM_ENTRIES} are needed){also}"
    if molecules < MINIMUM_ENTRIES:
        of = f"{n} entries of {molecules} molecule{'' if molecules == 1 else 's'}"
        return f"too few different molecules for an interval ({MINIMUM_ENTRIES} are needed){also}: {of}"
    return f"one molecule has too many of the entries for an interval (a third at most){also}"


def own_reference_lines(records: list[dict[str, Any]], names: Names = SPELLINGS) -> Iterator[str]:
    """Which levels are scored by references of their own method, on all entries or on some. records: of statistics."""
    own = [names.of(r["level_of_theory"], r["bsse"]) for r in records if is_own_reference(r)]
    if own:
        yield (
            "of the method of the references, so that the errors tell how well these are reproduced, and nothing of "
            f"the method; not ranked: {', '.join(own)}"
        )
    for r in records:
        if r.get("n_own_reference") and not is_own_reference(r):
            level, n = names.of(r["level_of_theory"], r["bsse"]), r["n_own_reference"]
            yield f"{n} of {r['n_scored']} references of {level} are of its own method and don't rank it"


def overlap_lines(records: list[dict[str, Any]], names: Names = SPELLINGS) -> Iterator[str]:
    """For each level that was trained on entries with a reference, how many those are. records: of statistics."""
    for r in records:
        if r["n_training_overlap"]:
            level = names.of(r["level_of_theory"], r["bsse"])
            n = r["n_training_overlap"]
            were, do = ("was", "does") if n == 1 else ("were", "do")
            entries = "entry" if n + r["n_scored"] == 1 else "entries"
            yield f"{n} of {n + r['n_scored']} {entries} {were} in the training data of {level} and {do} not score it"
