"""What a report says in words before it shows anything: what was asked, which levels can be told apart, and so on.

The same sentences stand on the page, on the terminal and in Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qmbench.judging.bootstrap import MINIMUM_ENTRIES
from qmbench.judging.core_statistics import RANKED_BY, judged_by_method
from qmbench.judging.frame import computed
from qmbench.judging.statistics import ALL
from qmbench.report.model import Names, counted, is_missing, shown
from qmbench.report.once import names_in, once
from qmbench.report.tables import is_own_reference, ranked, ranking_error, shares_molecules

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.judging.model import Evaluation

MOST_NAMED = 6


@dataclass(frozen=True)
class Chapter:
    """One benchmark and observable. name: for people. told: which levels can be told apart and which not, in sentences;
    short: in a few words. rows: of statistics as `ranked` has them, those that are scored."""

    benchmark: str
    observable: str
    name: str
    unit: str
    told: str
    short: str
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Story:
    """asked: sentences. chapters: one per benchmark and observable with results, in the order of the report."""

    asked: tuple[str, ...]
    chapters: tuple[Chapter, ...]


@once
def tell(report: Evaluation, pairs: bool = True) -> Story:
    """The story of a report, made from its tables. pairs: also how many pairs of levels can be told apart, which takes
    longer than all the rest."""
    names = names_in(report)
    whole = report.statistics[report.statistics["subset"] == ALL]
    chapters = []
    for (benchmark, observable), part in whole.groupby(["benchmark", "observable"], sort=False):
        mine = None
        if pairs:
            league = report.league
            mine = league[(league["benchmark"] == benchmark) & (league["observable"] == observable)]
        chapters.append(_chapter(report, str(benchmark), str(observable), part, mine, names))
    return Story(tuple(_asked(report)), tuple(chapters))


def benchmark_name(report: Evaluation, benchmark: str, observable: str) -> str:
    """Its title, and the observable where the title does not say it."""
    info = report.benchmarks.get(benchmark)
    title = info.title if info is not None else benchmark
    said = observable.replace("_", " ")
    # "Interaction energies of …" says it, though in the plural.
    words = title.casefold()
    return title if all(re.search(_word(w), words) for w in said.split()) else f"{title}: {said}"


def _word(word: str) -> str:
    """A pattern that finds the word in either number; one of a letter or two as it is, since any text has those."""
    return rf"\b{re.escape(word)}\b" if len(word) < 3 else re.escape(word.removesuffix("y"))


def _asked(report: Evaluation) -> list[str]:
    mine = computed(report.scored)
    statistics = report.statistics
    levels = len(statistics[["level_of_theory", "bsse"]].drop_duplicates())
    entries = len(report.scored[["benchmark", "entry"]].drop_duplicates())
    benchmarks = report.scored["benchmark"].nunique()
    n_entries = counted(entries, "entry", "entries")
    if not levels:
        names, references = sorted(report.benchmarks), report.references
        sets = len(references[["benchmark", "set"]].drop_duplicates())
        there = len(references[["benchmark", "entry"]].drop_duplicates())
        return [
            f"How well do {counted(sets, 'reference set')} of {', '.join(names)} agree on"
            f" {counted(there, 'entry', 'entries')}? Nothing was computed."
        ]
    lines = [
        f"How well {'does' if levels == 1 else 'do'} {counted(levels, 'level')} of theory do on {n_entries} of"
        f" {counted(benchmarks, 'benchmark')}?"
    ]
    if len(mine):
        status = mine["status"].value_counts()
        bad = [f"{status[name]} {name}" for name in ("failed", "unsupported") if name in status]
        ok = int(status.get("ok", 0))
        said = f"{ok} of {len(mine)} results are there" + (f" ({', '.join(bad)})" if bad else "")
        lines.append(f"{said}; computing them took {duration(report.task_seconds)}, summed over all tasks.")
    published = len(report.scored) - len(mine)
    if published and len(mine):
        lines.append(f"Beside them {counted(published, 'published value')} of levels that were not computed here.")
    elif published:
        lines.append(f"All {published:,} values are published ones; nothing was computed.")
    return lines


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whatever reads best."""
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _chapter(
    report: Evaluation, benchmark: str, observable: str, part: pd.DataFrame, league: pd.DataFrame | None, names: Names
) -> Chapter:
    rows = [r for r in ranked(part) if r["n_scored"]]
    unit = str(part["unit"].iloc[0])
    name = benchmark_name(report, benchmark, observable)
    return Chapter(benchmark, observable, name, unit, told_apart(rows, league, names), in_short(rows), tuple(rows))


def told_apart(rows: list[dict[str, Any]], league: pd.DataFrame | None, names: Names) -> str:
    """Which levels can't be told from the best, which are certainly worse, and how many pairs can be told apart.

    rows: scored levels as `ranked` has them; league: of the same benchmark and observable.
    """
    if not rows:
        return "No reference values: nothing can be scored."
    own, rows = [r for r in rows if is_own_reference(r)], [r for r in rows if not is_own_reference(r)]
    if own and len(rows) == 1:
        r = rows[0]
        said = f"{names.of(r['level_of_theory'], r['bsse'])} errs by {_error(r, r[RANKED_BY])} on average."
        return f"{said} {_of_own(own, names)}"
    if own:
        return f"{told_apart(rows, league, names)} {_of_own(own, names)}" if rows else _of_own(own, names)
    if len(rows) == 1:
        r = rows[0]
        return f"{names.of(r['level_of_theory'], r['bsse'])} alone has values: {_error(r, r[RANKED_BY])}."
    able = [r for r in rows if r["among_best"] is not None]
    if len(able) < 2:
        said = f"Too few entries of different molecules to tell levels apart ({MINIMUM_ENTRIES} are needed)"
        # Those with a few entries stand last in the table, too: these may be easy ones.
        sampled = [bool(r["n_common"]) and is_missing(r[f"common_{RANKED_BY}"]) for r in rows]
        comparable = [r for r, few in zip(rows, sampled, strict=True) if not few and not is_missing(ranking_error(r))]
        limited = [r for r in rows if r.get("basis_limited") is True]
        if not any(sampled) and len(comparable) < 2:
            return f"{said}, and no two levels share one.{_of_basis(limited, names)}"
        return said + _smallest(sorted(comparable, key=ranking_error), limited, names)
    among = [r for r in able if r["among_best"]]
    limited = [r for r in able if not r["among_best"] and r.get("basis_limited") is True]
    worse = [r for r in able if not r["among_best"] and r.get("basis_limited") is not True]
    if not among:
        said = "No level can be called the best: the basis set limits all that could be."
    elif len(among) == len(able):
        said = f"None of {len(able)} levels can be told from the best ({_range(among)})."
    elif len(among) == 1:
        said = f"{_named(among, names)} is the best of {len(able)} ({_range(among)})."
    else:
        said = f"{_named(among, names)} can't be told from the best ({_range(among)})."
    if worse:
        said += f" Worse at {_percent(able[0]['confidence'])}: {_named(worse, names)} ({_range(worse)})."
    said += _of_basis(limited, names) + _of_unknown_basis(among, names)
    lows = [] if league is None else [x for x in league["difference_low"].astype(float) if not is_missing(x)]
    # Intervals of differences say less than the set of the best, which compares ratios: "none" would seem to deny it.
    if len(lows) > 1 and (any(x > 0 for x in lows) or not worse):
        said += f" Of {len(lows)} pairs of levels, {sum(x > 0 for x in lows) or 'none'} can be told apart."
    left_out = len(rows) - len(able)
    if left_out:
        alike = any(r["among_best"] is None and shares_molecules(r) for r in rows)
        few = "entries of different molecules" if alike else "entries"
        said += f" {left_out} {'has' if left_out == 1 else 'have'} too few {few} to be ranked."
    return said


def _of_own(own: list[dict[str, Any]], names: Names) -> str:
    is_, errors = ("is", "its errors tell") if len(own) == 1 else ("are", "their errors tell")
    told = f"{errors} how well these are reproduced, and nothing of the method"
    return f"{_named(own, names)} {is_} of the method of the references: {told}."


def _smallest(rows: list[dict[str, Any]], limited: list[dict[str, Any]], names: Names) -> str:
    """Which level of those that are compared on too few entries has the smallest error, by the number and in the order
    of the table (rows). One that its basis set limits may stand first there, and is said to do so, and no more."""
    best = next((r for r in rows if r.get("basis_limited") is not True), None)
    if best is None:
        return "." + _of_basis(limited, names)
    first = rows[: next(k for k, r in enumerate(rows) if r is best)]
    name, size = names.of(best["level_of_theory"], best["bsse"]), _error(best, ranking_error(best))
    size += " of its method at the basis-set limit" if judged_by_method(best) else ""
    of = " of the others" if first else ""
    which = f"{name} alone has half of them or more" if len(rows) == 1 else f"the smallest error{of} is that of {name}"
    said = f"; {which} ({size}, n = {best['n_scored']})."
    if first:
        stand = "is" if len(first) == 1 else "are"
        by = "limited by the basis set, which says nothing of the method"
        said = f"; first in the table {stand} {_named(first, names)}, {by}{said}"
    later = [r for r in limited if not any(r is one for one in first)]
    return said + _of_basis(later, names) + _of_unknown_basis([best], names)


def _of_basis(limited: list[dict[str, Any]], names: Names) -> str:
    if not limited:
        return ""
    return f" Limited by the basis set, which says nothing of the method: {_named(limited, names)}."


def _of_unknown_basis(first: list[dict[str, Any]], names: Names) -> str:
    """first: the levels that come out as the best."""
    unknown = [r for r in first if r.get("n_basis_unknown")]
    if not unknown:
        return ""
    which = "its error" if len(first) == 1 else f"the error of {_named(unknown, names)}"
    return f" What the basis set adds to {which} is not known, so that this is said of levels, not of methods."


def in_short(rows: list[dict[str, Any]]) -> str:
    """How many levels can't be told from the best, in a few words."""
    if rows and all(map(is_own_reference, rows)):
        return "references of the same method"
    rows = [r for r in rows if not is_own_reference(r)]
    able = [r for r in rows if r["among_best"] is not None]
    among = sum(r["among_best"] is True for r in able)
    if not rows:
        return "no reference values"
    if len(rows) == 1:
        return "one level"
    if len(able) < 2:
        alike = max(r["n_scored"] for r in rows) >= MINIMUM_ENTRIES
        return f"too few {'different molecules' if alike else 'entries'} to tell {len(rows)} levels apart"
    if not among:
        return "none is best: basis-limited"
    if among == 1:
        return f"one of {len(able)} is best"
    return f"{among if among < len(able) else 'all'} of {len(able)} can't be told from the best"


def _error(r: Mapping[str, Any], size: float) -> str:
    return "no error" if is_missing(size) else f"{shown(size):.3g} {r['unit']}".rstrip()


def _range(rows: list[dict[str, Any]]) -> str:
    sizes = [shown(ranking_error(r)) for r in rows if not is_missing(ranking_error(r))]
    low, high = f"{min(sizes):.3g}", f"{max(sizes):.3g}"
    return (low if low == high else f"{low}–{high}") + f" {rows[0]['unit']}".rstrip()


def _percent(confidence: float) -> str:
    return f"{confidence:.0%}".replace("%", " %")


def _named(rows: list[dict[str, Any]], names: Names) -> str:
    said = [names.of(r["level_of_theory"], r["bsse"]) for r in rows]
    if len(said) > MOST_NAMED:
        return ", ".join(said[:MOST_NAMED]) + f" and {len(said) - MOST_NAMED} more"
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))
