"""The tables of a run: what each level of theory is worth on each benchmark, as text.

One table per (benchmark, observable, subset). What a table shows is decided once, in `table_blocks`; the
renderings (terminal, Markdown) differ in characters only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qmbench.domain.learned import MARK
from qmbench.judging.statistics import ALL, BenchmarkInfo

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from qmbench.judging.model import Evaluation
    from qmbench.report.comparisons import Extra

BASIS_FREE = ("", None)


@dataclass(frozen=True)
class Row:
    """One level of theory in a table. `cells` are strings in the order of `Block.columns`."""

    level: str
    cells: tuple[str, ...]
    best: bool = False


@dataclass(frozen=True)
class Block:
    """One table with what must be said beside it. notes and failures: one line each."""

    benchmark: str
    title: str
    observable: str
    subset: str
    unit: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    failures: tuple[str, ...]

    @property
    def heading(self) -> str:
        """Benchmark, observable and subset, in one line."""
        subset = "" if self.subset == ALL else f", subset {self.subset}"
        return f"{self.title} ({self.benchmark}{subset}): error of {self.observable.replace('_', ' ')} in {self.unit}"


def table_blocks(
    statistics: pd.DataFrame, scored: pd.DataFrame, benchmarks: Mapping[str, BenchmarkInfo], subsets: bool = True
) -> Iterator[Block]:
    """The tables in order of benchmark; levels by mean absolute error over the common entries, best first.

    statistics, scored: from `qmbench.judging.statistics`. subsets: also one table per subset that is not the
    whole. Failures and unsupported rows are listed once, under the table of the whole benchmark.
    """
    for (benchmark, observable), part in statistics.groupby(["benchmark", "observable"], sort=False):
        whole = part[part["subset"] == ALL]
        mine = scored[(scored["benchmark"] == benchmark) & (scored["observable"] == observable)]
        for subset, rows in part.groupby("subset", sort=False):
            if subset != ALL and (not subsets or _same_size(rows, whole)):
                continue
            failures = failure_lines(mine) if subset == ALL else []
            info = benchmarks.get(str(benchmark))
            yield _block(rows, info.title if info else str(benchmark), str(subset), tuple(failures))


def failure_lines(rows: pd.DataFrame, entries_shown: int = 4) -> list[str]:
    """One line per level, kind and message of what failed or is not supported, with the entries."""
    bad = rows[rows["status"] != "ok"]
    if bad.empty:
        return []
    bad = bad.assign(level=[level_text(a, b) for a, b in zip(bad["level_of_theory"], bad["bsse"], strict=True)])
    keys = ["level", "status", "failure_kind", "failure_message"]
    lines = []
    for (level, status, kind, message), part in bad.assign(**{k: bad[k].fillna("") for k in keys}).groupby(
        keys, sort=False
    ):
        names = list(part["entry"])
        shown = ", ".join(names[:entries_shown])
        more = f" and {len(names) - entries_shown} more" if len(names) > entries_shown else ""
        what = status if kind in ("", status) else f"{status} ({str(kind).replace('_', ' ')})"
        lines.append(f"{level}: {what} on {shown}{more}" + (f": {message}" if message else ""))
    return lines


def legend(statistics: pd.DataFrame) -> str:
    """What the columns of the tables mean, in one line to stand under the last of them."""
    confidence = statistics["confidence"].iloc[0] if len(statistics) else 0.95
    return (
        f"error = calculated - reference; n = scored / asked for; intervals cover {confidence:.0%}: scatter over "
        "entries, and uncertainties of references and results where stated"
    )


def level_text(level: str, bsse: str | None) -> str:
    """A level of theory with its counterpoise treatment, as one label."""
    return f"{level} [{bsse}]" if bsse not in BASIS_FREE and not is_missing(bsse) else level


def is_missing(x: Any) -> bool:
    """Whether x is None or NaN."""
    return x is None or (isinstance(x, float) and math.isnan(x))


def decimals_for(values: list[float]) -> int:
    """Decimals that show the smallest of the typical sizes with three significant digits (0 to 7)."""
    sizes = sorted(abs(v) for v in values if not is_missing(v) and v != 0.0)
    if not sizes:
        return 2
    typical = sizes[len(sizes) // 4]
    return min(7, max(0, 2 - math.floor(math.log10(typical))))


def number(x: float, decimals: int) -> str:
    """x with fixed decimals, or a dash when there is none."""
    # Adding zero turns what rounds to -0 into 0.
    return "–" if is_missing(x) else f"{round(x, decimals) + 0.0:.{decimals}f}"


def interval_text(low: float, high: float, decimals: int) -> str:
    """`0.12–0.34`; an end that the data can't bound is `?`; empty when neither is known."""
    if is_missing(low) and is_missing(high):
        return ""
    ends = ["?" if is_missing(x) else f"{x:.{decimals}f}" for x in (low, high)]
    return f"{ends[0]}–{ends[1]}" if not ends[0].startswith("-") and not ends[1].startswith("-") else " … ".join(ends)


def _same_size(rows: pd.DataFrame, whole: pd.DataFrame) -> bool:
    return int(rows["n"].max()) == int(whole["n"].max())


COLUMNS = ("n", "mean abs", "interval", "mean signed", "rms", "max (entry)")


def _block(rows: pd.DataFrame, title: str, subset: str, failures: tuple[str, ...]) -> Block:
    order = ["common_mean_absolute_error", "mean_absolute_error", "level_of_theory"]
    ordered = rows.sort_values(order, na_position="last", kind="stable")
    records = [{str(k): v for k, v in r.items()} for r in ordered.to_dict("records")]
    first = records[0]
    decimals = decimals_for([r["mean_absolute_error"] for r in records])
    differs = bool(first["n_differs"])
    columns = COLUMNS + (("common mean abs",) if differs else ())
    best_key = "common_mean_absolute_error" if differs else "mean_absolute_error"
    compared = [r for r in records if not is_missing(r["common_mean_absolute_error"])]
    scores = [r[best_key] for r in compared if not is_missing(r[best_key])]
    best = min(scores) if len(scores) > 1 else None
    table = tuple(_row(r, decimals, differs, best is not None and r[best_key] == best) for r in records)
    return Block(
        str(first["benchmark"]),
        title,
        str(first["observable"]),
        subset,
        str(first["unit"]) or "1",
        columns,
        table,
        tuple(_notes(records, differs)),
        failures,
    )


def _row(r: Mapping[str, Any], decimals: int, differs: bool, best: bool) -> Row:
    worst = number(r["max_absolute_error"], decimals)
    if not is_missing(r["max_entry"]):
        worst += f" ({r['max_entry']})"
    cells = [
        f"{r['n_scored']}/{r['n']}" + (f" {MARK}" if r["n_training_overlap"] else ""),
        number(r["mean_absolute_error"], decimals),
        interval_text(r["mean_absolute_error_combined_low"], r["mean_absolute_error_combined_high"], decimals),
        number(r["mean_signed_error"], decimals),
        number(r["root_mean_square_error"], decimals),
        worst,
    ]
    if differs:
        cells.append(number(r["common_mean_absolute_error"], decimals))
    return Row(level_text(r["level_of_theory"], r["bsse"]), tuple(cells), best)


def _notes(records: list[dict[str, Any]], differs: bool) -> Iterator[str]:
    first = records[0]
    yield from (f"{MARK} {line}" for line in overlap_lines(records))
    reference = next((r["reference_set"] for r in records if not is_missing(r["reference_set"])), None)
    if reference is None:
        yield "no reference values: nothing can be scored"
        return
    said = max(r["n_reference_uncertainty"] for r in records)
    largest = max(r["n_scored"] for r in records)
    known = "none" if said == 0 else "all" if said == largest else f"{said} of {largest}"
    yield f"reference set {reference}; uncertainty stated for {known} of its values used here"
    if differs:
        yield (
            f"n differs between levels: compare them by their common mean abs, over the {first['n_common']} "
            "entries that all share"
        )
    if any(r["n_scored"] and is_missing(r["common_mean_absolute_error"]) for r in records):
        yield "levels with fewer than half of the entries stand last and are not compared with the others"
    if any(r["n_ok"] > r["n_scored"] for r in records):
        yield "n: entries that have a result and a reference / entries asked for"
    if all(is_missing(r["mean_absolute_error_low"]) for r in records) and largest:
        yield "too few entries for an interval (7 are needed)"


def overlap_lines(records: list[dict[str, Any]]) -> Iterator[str]:
    """For each level that was trained on entries it is scored on, how many those are. records: of statistics."""
    for r in records:
        if r["n_training_overlap"]:
            level = level_text(r["level_of_theory"], r["bsse"])
            yield f"{r['n_training_overlap']} of {r['n_scored']} entries were in the training data of {level}"


def render_terminal(
    statistics: pd.DataFrame,
    scored: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    console: Console | None = None,
    subsets: bool = False,
) -> None:
    """Print the tables on `console` (default: standard output); on a narrow one a table goes on under itself."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = console or Console()
    for block in table_blocks(statistics, scored, benchmarks, subsets):
        console.print(Text("\n" + block.heading, style="bold"))
        for part in _parts_that_fit(block, console.width):
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
            table.add_column("level of theory", overflow="fold")
            for i in part:
                wide = block.columns[i] == "max (entry)"
                table.add_column(block.columns[i], justify="left" if wide else "right", no_wrap=not wide)
            for row in block.rows:
                table.add_row(Text(row.level), *(Text(row.cells[i]) for i in part), style="bold" if row.best else "")
            console.print(table)
        for note in block.notes:
            console.print(Text(note, style="dim"))
        for line in block.failures:
            console.print(Text(line, style="yellow"))
    console.print(Text("\n" + legend(statistics), style="dim"))


def _parts_that_fit(block: Block, width: int) -> list[list[int]]:
    """The columns in as few parts as fit `width`, beside the level of theory (which may fold to a third of it)."""
    room = width - min(max(len(row.level) for row in block.rows), max(16, width // 3)) - 4
    parts: list[list[int]] = [[]]
    used = 0
    for i in sorted(range(len(block.columns)), key=lambda i: block.columns[i] == "max (entry)"):
        needed = max(len(block.columns[i]), *(len(row.cells[i]) for row in block.rows)) + 2
        if parts[-1] and used + needed > room:
            parts.append([])
            used = 0
        parts[-1].append(i)
        used += needed
    return parts


def to_markdown(
    statistics: pd.DataFrame,
    scored: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    subsets: bool = True,
    comparisons: Evaluation | None = None,
) -> str:
    """The tables in GitHub's Markdown; the best level of each table is bold.

    comparisons: folded away under each benchmark, how its levels compare with each other and over reference sets.
    """
    from qmbench.report.comparisons import tables_beside, weighted_tables

    parts = []
    for block in table_blocks(statistics, scored, benchmarks, subsets):
        lines = [f"### {escape_markdown(block.heading)}", ""]
        lines.append("| level of theory | " + " | ".join(block.columns) + " |")
        lines.append("| --- |" + "".join(" ---: |" if c != "max (entry)" else " --- |" for c in block.columns))
        for row in block.rows:
            name = f"**{escape_markdown(row.level)}**" if row.best else escape_markdown(row.level)
            lines.append(f"| {name} | " + " | ".join(escape_markdown(c) for c in row.cells) + " |")
        lines += ["", *(f"{escape_markdown(note)}  " for note in block.notes)]
        if block.failures:
            lines += _folded(
                f"{len(block.failures)} kinds of missing results", [f"- {escape_markdown(x)}" for x in block.failures]
            )
        if comparisons is not None and block.subset == ALL:
            for extra in tables_beside(comparisons, block.benchmark, block.observable):
                lines += _folded_table(extra)
        parts.append("\n".join(lines).rstrip() + "\n")
    if comparisons is not None:
        parts += ["\n".join(_folded_table(extra)).lstrip() + "\n" for extra in weighted_tables(comparisons.totals)]
    return "\n".join([*parts, escape_markdown(legend(statistics)) + "\n"])


def _folded(title: str, lines: list[str]) -> list[str]:
    return ["", f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]


def _folded_table(extra: Extra) -> list[str]:
    lines = ["| " + " | ".join(escape_markdown(c) for c in extra.columns) + " |"]
    lines.append("|" + "|".join(" ---: " if n else " --- " for n in extra.numeric) + "|")
    lines += ["| " + " | ".join(escape_markdown(c) for c in row) + " |" for row in extra.rows]
    return _folded(escape_markdown(extra.title), [*lines, "", escape_markdown(extra.note)])


def escape_markdown(text: str) -> str:
    """`text` such that Markdown shows it as it is, in a table cell too."""
    for character in "\\`*_|[]<>":
        text = text.replace(character, "\\" + character)
    return text.replace("\n", " ")
