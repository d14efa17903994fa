"""How levels compare, as tables of text: all statistics with their intervals, level against level, over reference
sets, without single entries, weighted over benchmarks. Decided once here, for HTML and Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.data.reference_sets import holds_within
from qmbench.domain.statistic import Statistic
from qmbench.judging.core_statistics import RANKED_BY
from qmbench.judging.items import rows_of
from qmbench.judging.statistics import ALL
from qmbench.judging.summaries import entries_needed
from qmbench.plugging.registry import plugins
from qmbench.report.model import (
    SPELLINGS,
    Extra,
    Names,
    decimals_for,
    in_order,
    interval_text,
    is_missing,
    number,
    with_unit,
)
from qmbench.report.once import names_in, once
from qmbench.report.tables import telling

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.judging.model import Evaluation

MOST_ROWS = 40
MOST_SETS = 8
NAMES = ("reference_set", "level_of_theory")


@once
def tables_beside(evaluation: Evaluation, benchmark: str, observable: str) -> tuple[Extra, ...]:
    """The tables of one benchmark and observable that have something to say."""
    whole = _here(evaluation.statistics, benchmark, observable)
    names = names_in(evaluation)
    made = (
        all_statistics(whole[whole["subset"] == ALL], names),
        level_against_next(_here(evaluation.pairs, benchmark, observable), whole[whole["subset"] == ALL], names),
        league(_here(evaluation.league, benchmark, observable), names),
        rank_table(_here(evaluation.ranks, benchmark, observable), names),
        set_table(_here(evaluation.sets, benchmark, observable), *_roles(evaluation.references, benchmark), names),
        leave_one_out_table(_here(evaluation.leave_one_out, benchmark, observable), names),
    )
    return tuple(extra for extra in made if extra.rows)


def _here(table: pd.DataFrame, benchmark: str, observable: str) -> pd.DataFrame:
    return table[(table["benchmark"] == benchmark) & (table["observable"] == observable)]


def _roles(references: pd.DataFrame, benchmark: str) -> tuple[dict[str, str], dict[str, str]]:
    """reference set -> its role, and -> the approximation within which it holds; of those that say so."""
    mine = references[references["benchmark"] == benchmark].drop_duplicates("set")
    if "role" not in mine:
        return {}, {}
    sets = [str(name) for name in mine["set"]]
    return dict(zip(sets, mine["role"], strict=True)), dict(zip(sets, mine["within"], strict=True))


def all_statistics(whole: pd.DataFrame, names: Names = SPELLINGS) -> Extra:
    """Every statistic of every level with its interval over entries and its propagated uncertainty."""
    rows = rows_of(in_order(whole, f"common_{RANKED_BY}", RANKED_BY))
    rows = [r for r in rows if r["n_scored"]]
    listed = telling((s for s in plugins().statistics.values() if s.listed), rows)
    usual = decimals_for([r[RANKED_BY] for r in rows])
    decimals = [usual if s.unit is None else decimals_for([r.get(s.name) for r in rows]) for s in listed]
    table = []
    for r in rows:
        cells = [names.of(r["level_of_theory"], r["bsse"]), f"{r['n_scored']}/{r['n']}", f"{r['coverage']:.0%}"]
        for s, places in zip(listed, decimals, strict=True):
            text = number(r.get(s.name), places)
            ends = interval_text(r.get(f"{s.name}_low"), r.get(f"{s.name}_high"), places)
            u = r.get(f"{s.name}_uncertainty")
            text += "" if u is None or is_missing(u) else f" ± {u:.2g}"
            cells.append(f"{text} ({ends})" if ends else text)
        table.append(tuple(cells))
    note = "value ± propagated uncertainty of results and references, where stated (interval over entries). "
    note += f"Entries of different molecules that an interval needs: {_needed(listed)}."
    spelled = "; ".join(names.legend(r["level_of_theory"] for r in rows))
    labels = [with_unit(s.label, s.unit) for s in listed]
    columns = ("level of theory", "n", "coverage", *labels)
    numeric = (False, *(True,) * (len(columns) - 1))
    return Extra(
        "All statistics with their intervals", note + (f" {spelled}." if spelled else ""), columns, numeric, table
    )


def _needed(which: Sequence[Statistic]) -> str:
    """`7 for mean abs, 8 for rms, max has none`."""
    by_number: dict[int, list[str]] = {}
    for s in which:
        n = entries_needed(s.interval)
        if n is not None:
            by_number.setdefault(max(n, s.minimum), []).append(s.label)
    without = [s.label for s in which if s.interval is None]
    said = [f"{n} for {', '.join(labels)}" for n, labels in sorted(by_number.items())]
    said += [f"{', '.join(without)} {'has' if len(without) == 1 else 'have'} none"] if without else []
    return "; ".join(said)


def level_against_next(pairs: pd.DataFrame, whole: pd.DataFrame, names: Names = SPELLINGS) -> Extra:
    """Each level against the one that follows it by mean absolute error, on the entries both have."""
    order = in_order(whole, f"common_{RANKED_BY}", RANKED_BY)
    ordered = [names.of(a, b) for a, b in zip(order["level_of_theory"], order["bsse"], strict=True)]
    place = {name: i for i, name in enumerate(ordered)}
    found = []
    for r in rows_of(pairs):
        a, b = names.of(r["level_a"], r["bsse_a"]), names.of(r["level_b"], r["bsse_b"])
        if abs(place.get(a, -9) - place.get(b, 9)) == 1:
            found.append((min(place[a], place[b]), a, b, r))
    found.sort(key=lambda x: x[0])
    decimals = decimals_for([r["difference"] for _, _, _, r in found])
    rows = [
        (
            a,
            b,
            str(r["n_common"]),
            number(r["difference"], decimals),
            interval_text(r["difference_low"], r["difference_high"], decimals),
            _share(r["improvement_probability"]),
            _range(r["improvement_probability_low"], r["improvement_probability_high"]),
            _share(r["inversion_probability"]),
        )
        for _, a, b, r in found
    ]
    note = (
        "Each level against the next by mean absolute error, that of the basis set with it, on the entries both have: "
        "by how much it is smaller; how probable it is to err less on a new entry (systematic improvement "
        "probability); how often resampled entries turn the two round. Entries of one molecule are resampled together."
    )
    columns = ("level", "better than", "n", "difference", "interval", "P(better)", "interval ", "P(inversion)")
    return Extra("Level against level", note, columns, (False, False, *(True,) * 6), rows)


def _share(x: float) -> str:
    return "–" if is_missing(x) else f"{x:.0%}"


def _range(low: float, high: float) -> str:
    return "" if is_missing(low) else f"{_share(low)}–{_share(high)}"


MOST_IN_LEAGUE = 12


def league(table: pd.DataFrame, names: Names = SPELLINGS) -> Extra:
    """Level by level: by how much the mean absolute error of the row is smaller, with its interval."""
    records = rows_of(table)
    title = "League table"
    if len(records) < 2 or all(is_missing(r["difference_low"]) for r in records):
        return Extra(title, "", (), ())
    decimals = decimals_for([r["difference"] for r in records])
    found = {(names.of(r["level_a"], r["bsse_a"]), names.of(r["level_b"], r["bsse_b"])): r for r in records}
    levels = list(dict.fromkeys(name for pair in found for name in pair))[:MOST_IN_LEAGUE]
    rows = []
    for i, a in enumerate(levels[:-1]):
        cells = [a]
        for j, b in enumerate(levels[1:], 1):
            r = found.get((a, b))
            ends = "" if r is None else interval_text(r["difference_low"], r["difference_high"], decimals)
            cells.append(
                "" if r is None or j <= i else number(r["difference"], decimals) + (f" ({ends})" if ends else "")
            )
        rows.append(tuple(cells))
    note = (
        "By how much the adjusted mean absolute error of the row is smaller than that of the column, over all entries "
        "by the network of comparisons, with its interval; one that holds 0 tells nothing."
    )
    more = len({name for pair in found for name in pair}) - len(levels)
    note += f" The first {len(levels)}; {more} more are in league.csv." if more else ""
    return Extra(title, note, ("level of theory", *levels[1:]), (False, *(True,) * (len(levels) - 1)), rows)


def rank_table(ranks: pd.DataFrame, names: Names = SPELLINGS) -> Extra:
    """How sure each level's place is when entries are resampled."""
    rows = []
    for (level, bsse), part in ranks.groupby(["level_of_theory", "bsse"], sort=False):
        p, rank = part["probability"].to_numpy(float), part["rank"].to_numpy(int)
        order = np.argsort(rank)
        p, rank = p[order], rank[order]
        cumulative = np.cumsum(p)
        ends = [int(rank[np.searchsorted(cumulative, q)]) for q in (0.025 + 1e-9, 0.975 - 1e-9)]
        rows.append((float((p * rank).sum()), names.of(str(level), str(bsse)), _share(float(p[0])), ends))
    rows.sort(key=lambda r: r[0])
    table = [(name, f"{mean:.1f}", best, f"{ends[0]}–{ends[1]}") for mean, name, best, ends in rows]
    note = (
        "Over resamples of the entries that all levels share, those of one molecule together: the mean rank, how often "
        "best, and 95 % of the ranks."
    )
    return Extra("Ranks", note, ("level of theory", "mean rank", "best", "ranks"), (False, True, True, True), table)


def set_table(
    sets: pd.DataFrame, roles: Mapping[str, str], within: Mapping[str, str], called: Names = SPELLINGS
) -> Extra:
    """The mean absolute error against every reference set, side by side, and whether the ranking survives."""
    apart = _judged_apart(sets, within)
    # An array, since an empty list would choose no columns instead of no rows.
    mine = [n not in apart or level in apart[n] for n, level in zip(*(sets[c] for c in NAMES), strict=True)]
    sets = sets[np.array(mine, dtype=bool)]
    # The default first, then those with the most to say.
    sizes = sets.groupby("reference_set", sort=False).agg(first=("is_default", "max"), n=("n", "sum"))
    names = list(sizes.sort_values(["first", "n"], ascending=False, kind="stable").index)
    left_out, names = names[MOST_SETS:], names[:MOST_SETS]
    title = "Against every reference set"
    if len(names) < 2:
        return Extra(title, "", (), ())
    records = rows_of(sets[sets["reference_set"].isin(names)])
    decimals = decimals_for([r["mean_absolute_error"] for r in records])
    cells = {(called.of(r["level_of_theory"], r["bsse"]), r["reference_set"]): r for r in records}
    levels = list(dict.fromkeys(level for level, _ in cells))
    rows = []
    for level in levels:
        row = [level]
        for name in names:
            r = cells.get((level, name))
            if r is None:
                row.append("–")
                continue
            rank = "" if name in apart or is_missing(r["rank"]) else f", rank {r['rank']:.0f}"
            place = ", its own method" if r["n_own_reference"] == r["n"] else rank
            row.append(f"{number(r['mean_absolute_error'], decimals)} (n {r['n']}{place})")
        rows.append(tuple(row))
    first = {name: next(r for r in records if r["reference_set"] == name) for name in names}
    said = [roles.get(n) or "estimate" for n in names]
    rows.append(
        (
            "role of the set",
            *(f"{r} within {within[n]}" if within.get(n) else r for r, n in zip(said, names, strict=True)),
        )
    )
    tau = {n: "–" if n in apart else number(first[n]["kendall_tau"], 2) for n in names}
    rows.append(("Kendall's tau with the default", *tau.values()))
    words = {True: "yes", False: "no", None: "–"}
    rows.append(("the best stays the best", *("–" if n in apart else words[first[n]["best_is_same"]] for n in names)))
    note = (
        "Mean absolute error against each set, over the entries it has; ranks over the entries that all levels and the "
        "default set share. A set that holds within the approximation of some of the levels judges those alone."
    )
    if any(r["n_own_reference"] for r in records):
        note += " Values of a level's own method tell how well they are reproduced, and place nobody."
    if left_out:
        note += f" Left out here, in reference_sets.csv: {', '.join(left_out)}."
    return Extra(title, note, ("level of theory", *names), (False, *(True,) * len(names)), rows)


def _judged_apart(sets: pd.DataFrame, within: Mapping[str, str]) -> dict[str, set[str]]:
    """reference set -> the levels of the approximation within which it holds, where that leaves some levels out."""
    levels = set(sets["level_of_theory"])
    found = {}
    for name in sets["reference_set"].unique():
        mine = {level for level in levels if within.get(name) and holds_within(level, within[name])}
        if mine and mine != levels:
            found[str(name)] = mine
    return found


def leave_one_out_table(table: pd.DataFrame, names: Names = SPELLINGS) -> Extra:
    """What the mean absolute error becomes without any one entry."""
    records = rows_of(table)
    decimals = decimals_for([r["mean_absolute_error"] for r in records])
    rows = [
        (
            names.of(r["level_of_theory"], r["bsse"]),
            str(r["n"]),
            number(r["mean_absolute_error"], decimals),
            f"{number(r['lowest'], decimals)}–{number(r['highest'], decimals)}",
            r["most_influential"],
            f"{r['change']:+.{decimals}f}",
        )
        for r in records
        if r["n"] >= 3
    ]
    decisive = records[0]["best_changes_without"] if records else ""
    note = "The mean absolute error without any one entry, and the entry that changes it most. "
    note += f"Another level would be the best without {', '.join(decisive.split())}." if decisive else ""
    columns = ("level of theory", "n", "mean abs", "without one entry", "most influential", "change")
    return Extra("Without single entries", note, columns, (False, True, True, True, False, True), rows)


def weighted_tables(totals: pd.DataFrame, called: Names = SPELLINGS) -> list[Extra]:
    """WTMAD-2 and WTMAD-4, one table per set of parts that levels share, with what each part adds."""
    out = []
    for parts, table in totals.groupby("parts", sort=False):
        names = str(parts).split()
        rows = []
        for (level, bsse), mine in table.groupby(["level_of_theory", "bsse"], sort=False):
            first = mine.iloc[0]
            shares = {r["part"]: r for r in rows_of(mine)}
            cells = [called.of(str(level), str(bsse))]
            for kind in ("wtmad2", "wtmad4"):
                cells.append(number(first[kind], 2))
                cells += [_percent(shares[p][f"{kind}_share"], first[kind]) for p in names]
            rows.append((float(first["wtmad2"]), tuple(cells)))
        rows.sort(key=lambda r: r[0])
        columns = ("level of theory", "WTMAD-2", *names, "WTMAD-4", *(f"{n} " for n in names))
        note = (
            "Weighted total mean absolute deviations in kcal/mol over the parts that these levels share, with the "
            "share of each part: WTMAD-2 weights a part by its entries over its mean absolute reference energy, "
            "WTMAD-4 every part alike by the error that is usual in it. Total energies have no scale and are left out, "
            "and so is of each level what is judged by references of its own method."
        )
        numeric = (False, *(True,) * (len(columns) - 1))
        out.append(Extra(f"Over {len(names)} benchmarks", note, columns, numeric, [cells for _, cells in rows]))
    return out


def user_table(totals: pd.DataFrame, called: Names = SPELLINGS) -> Extra:
    """Totals by the user's own weights, with what each part adds; levels that lack a part have none, and come last."""
    about = totals.drop_duplicates("part").set_index("part")["weight"]
    parts, unit = [str(part) for part in about.index], str(totals["unit"].iloc[0]) if len(totals) else ""
    decimals = decimals_for([*totals["mean_absolute_error"], *totals["total"]])
    rows = []
    for (level, bsse), mine in totals.groupby(["level_of_theory", "bsse"], sort=False):
        first, errors = mine.iloc[0], dict(zip(mine["part"], mine["mean_absolute_error"], strict=True))
        cells = [called.of(str(level), str(bsse)), number(first["total"], decimals)]
        cells += [number(errors.get(part), decimals) for part in parts]
        rows.append((is_missing(float(first["total"])), float(first["total"]), tuple(cells)))
    rows.sort(key=lambda r: (r[0], r[1]) if not r[0] else (True, 0.0))
    note = (
        f"Weighted mean of mean absolute errors in {unit or '1'}, by the weights that were given: "
        f"{', '.join(f'{part} {weight:.3g}' for part, weight in about.items())} (of 1). A level that lacks entries of "
        "a part, or is judged by references of its own method there, has no total."
    )
    columns = ("level of theory", "total", *parts)
    numeric = (False, *(True,) * (len(columns) - 1))
    return Extra("Weighted by the user", note, columns, numeric, [cells for *_, cells in rows[:MOST_ROWS]])


def _percent(share: float, total: float) -> str:
    return "–" if is_missing(share) or is_missing(total) or total == 0 else f"{share / total:.0%}"


def trend_table(trends: Sequence[Mapping[str, Any]]) -> Extra:
    """On what the differences between methods depend."""
    told: dict[tuple[str, ...], list[str]] = {}
    for t in trends:
        cells = (
            t["benchmark"] + (f" within {t['within']}" if t["within"] else ""),
            f"{t['on']} or not" if t["kind"] == "class" else t["on"],
            f"{t['slope']:.3g}",
            f"{t['slope_low']:.3g} … {t['slope_high']:.3g}",
            t["unit"],
            str(t["n"]),
            f"{t['p']:.1g}",
        )
        told.setdefault(cells, []).append(f"{t['a']} − {t['b']}")
    # Of columns that say the same to all digits shown, as two references of one origin do, once.
    rows = [(where, " and ".join(alike), *rest) for (where, *rest), alike in list(told.items())[:MOST_ROWS]]
    note = (
        "Slope of the difference over a number (per unit of it), or the difference of means inside and outside a "
        "class, with its 95 % interval; smallest p first. Magnitude: the size of the reference value. Entries of one "
        "molecule are one point of n. Weighted by uncertainties; far points count less, p and interval hold without "
        "the point that carries the trend most, and p by ranks, too. Over all that were tried the false discovery rate "
        "is kept."
    )
    columns = ("benchmark", "difference", "over", "slope", "interval", "unit", "n", "p")
    return Extra("What the differences depend on", note, columns, (False,) * 3 + (True, True, False, True, True), rows)


def next_table(suggestions: Sequence[Mapping[str, Any]]) -> Extra:
    """The cheapest runs that would settle what is open."""
    rows = [
        (f"{s['benchmark']}/{s['entry']}", s["verdict"].replace("_", " "), s["method"], _time(s), s["why"])
        for s in suggestions
    ]
    note = "By recorded cost, the cheapest first: runs that would settle an inconclusive or divided entry."
    columns = ("entry", "verdict", "compute", "seconds", "why")
    return Extra("What to compute next", note, columns, (False, False, False, True, False), rows)


def _time(s: Mapping[str, Any]) -> str:
    return f"{s['estimated_wall_s']:.3g}"


def mismatch_lines(methods: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the compared levels differ in besides the method, from their parsed levels; one line per benchmark."""
    for m in methods:
        said = []
        for name, values in m["level_differences"].items():
            sizes = sorted(((len(who), value) for value, who in values.items()), reverse=True)
            said.append(f"{name.replace('_', ' ')} ({', '.join(f'{value}: {size}' for size, value in sizes[:6])})")
        if said:
            where = f"{m['benchmark']} {m['observable'].replace('_', ' ')}"
            within = f" within {m['within']}" if m["within"] else ""
            yield f"{where}{within}: the levels differ not by the method alone, but in {'; '.join(said)}"
