"""The tables of a run on a terminal, by rich."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qmbench.judging.core_statistics import RANKED_BY
from qmbench.judging.statistics import BenchmarkInfo
from qmbench.report.model import Block, Extra, Names, decimals_for, interval_text, is_missing, number, with_unit
from qmbench.report.tables import legend, table_blocks
from qmbench.report.tracks import BASIS, parts_of
from qmbench.running.console import plain_console

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from qmbench.judging.model import Evaluation


def render_terminal(
    statistics: pd.DataFrame,
    scored: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    console: Console | None = None,
    subsets: bool = False,
    explained: bool = True,
) -> None:
    """Print the tables on `console` (default: standard output); on a narrow one a table goes on under itself.
    explained: whether the words are, below the tables."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = console or plain_console()
    for block in table_blocks(statistics, scored, benchmarks, subsets):
        console.print(Text("\n" + block.heading, style="bold"))
        for part in _parts_that_fit(block, console.width):
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
            table.add_column("level of theory", overflow="fold")
            for i in part:
                wide = block.columns[i] in block.wide
                least = min(_needed(block, i) - 2, console.width // 3) if wide else None
                table.add_column(
                    block.columns[i], justify="left" if wide else "right", no_wrap=not wide, min_width=least
                )
            for row in block.rows:
                table.add_row(Text(row.level), *(Text(row.cells[i]) for i in part), style="bold" if row.best else "")
            console.print(table)
        for note in block.notes:
            console.print(Text(note, style="dim"))
        for line in block.failures:
            console.print(Text(line, style="yellow"))
    if explained:
        console.print(Text("\n" + legend(statistics), style="dim"))


def render_extra(extra: Extra, console: Console) -> None:
    """Print one table with its title and note."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console.print(Text("\n" + extra.title, style="bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for name, numeric in zip(extra.columns, extra.numeric, strict=True):
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in extra.rows:
        table.add_row(*map(Text, row))
    console.print(table)
    console.print(Text(extra.note, style="dim"))


def render_story(
    report: Evaluation,
    console: Console | None = None,
    letters: Callable[[str], str] = str,
    document: Mapping[str, Any] | None = None,
) -> None:
    """Print in a screenful what a report says: what was asked, who can be told apart, with bars, and surprises.

    letters: turns a text into what the console can show, if that is less than everything; bars begin below each other.
    document: the `disagree` document, where it has been made before.
    """
    from rich.text import Text

    from qmbench.report.disagree_text import expected_summary, labelled, reference_line, surprise_lines
    from qmbench.report.once import names_in
    from qmbench.report.story import tell

    console = console or plain_console()
    story, document, names = (
        tell(report, pairs=False),
        labelled(document or report.disagreement),
        names_in(report),
    )
    console.print(Text(" ".join(story.asked)))
    chapters = [c for c in story.chapters if c.rows]
    shown = chapters[:MOST_CHAPTERS]
    most = max(2, min(MOST_BARS, SCREEN // max(1, len(shown))))
    shades: set[str] = set()
    for chapter in shown:
        first = "first" if most == 2 else f"first {most - 1}"
        left_out = f" (the {first} and the worst are shown)" if len(chapter.rows) > most else ""
        gap = "\n" if most > 2 else ""
        said = with_unit("", chapter.unit) + f": {chapter.short}{left_out}"
        console.print(Text.assemble(gap, (chapter.name, "bold"), said))
        for bar in bars(chapter.rows, names, most, console.width, letters):
            shades.update(bar.text)
            console.print(Text(bar.text, style="bold" if bar.strong else ""), no_wrap=True, overflow="crop")
    if len(chapters) > len(shown):
        console.print(Text(f"and {len(chapters) - len(shown)} more, in the tables", style="dim"))
    if BASIS_BAR in shades:
        console.print(
            Text(f"{BAR} error of the method, {BASIS_BAR} of the basis set where its limit is known", style="dim")
        )
    few = len(shown) > 4
    lines = [reference_line(document), *surprise_lines(document, 2 if few else 4, 1), *expected_summary(document)]
    console.print()
    for line in lines:
        console.print(Text(line[0].upper() + line[1:]))


BAR, BASIS_BAR, TRACE = "█", "▒", "▏"
MOST_CHAPTERS, MOST_BARS, SCREEN = 12, 12, 24
"""Benchmarks with bars, bars of a benchmark at most, and lines of bars together."""
WIDEST_BAR, WIDEST_LABEL = 30, 44


@dataclass(frozen=True)
class Bar:
    """A line of a bar chart. strong: whether the level can't be told from the best."""

    text: str
    strong: bool


def bars(
    rows: Sequence[Mapping[str, Any]], names: Names, most: int, width: int, letters: Callable[[str], str] = str
) -> list[Bar]:
    """The mean absolute errors of levels as lines of text: label, bar, number and interval.

    rows: of statistics as `ranked` has them; of more than `most` the first ones, and the largest error for comparison.
    Bars are drawn to scale from zero; what is too short to be seen is a thin line.
    """
    from rich.cells import cell_len, set_cell_size

    scored = [r for r in rows if not is_missing(r[RANKED_BY])]
    shown = scored[:most]
    if len(scored) > most:
        worst = max(scored, key=lambda r: float(r[RANKED_BY]))
        shown = [*scored[: most - 1], worst if worst not in shown[: most - 1] else scored[most - 1]]
    parts = [parts_of(r) for r in shown]
    longest = max([sum(size for _, size in p) for p in parts], default=0.0)
    decimals = decimals_for([r[RANKED_BY] for r in shown])
    labels = [letters(names.of(r["level_of_theory"], r["bsse"])) for r in shown]
    texts = [_bar_number(r, decimals) for r in shown]
    for_label = min(max(map(cell_len, labels), default=0), WIDEST_LABEL, max(12, width // 3))
    room = max(4, min(WIDEST_BAR, width - for_label - max(map(len, texts), default=0) - 6))
    out, dots = [], letters("…")
    for r, label, own, text in zip(shown, labels, parts, texts, strict=True):
        if cell_len(label) > for_label:
            label = set_cell_size(label, for_label - len(dots)) + dots
        drawn = _drawn(own, longest, room)
        out.append(Bar(f"  {set_cell_size(label, for_label)}  {drawn}  {text}", r["among_best"] is True))
    return out


def _drawn(parts: Sequence[tuple[str, float]], longest: float, room: int) -> str:
    """Parts one after the other, to scale, filled up to `room`."""
    scale = room / longest if longest > 0 else 0.0
    ends = [round(scale * sum(size for _, size in parts[: i + 1])) for i in range(len(parts))]
    cells = "".join(
        (BASIS_BAR if shade == BASIS else BAR) * (end - start)
        for (shade, _), start, end in zip(parts, [0, *ends], ends, strict=False)
    )
    if not cells and any(size > 0 for _, size in parts):
        cells = TRACE
    return cells + " " * (room - len(cells))


def _bar_number(r: Mapping[str, Any], decimals: int) -> str:
    ends = interval_text(r.get(f"{RANKED_BY}_low"), r.get(f"{RANKED_BY}_high"), decimals)
    return number(r[RANKED_BY], decimals) + (f" ({ends})" if ends else f", n = {r['n_scored']}")


NARROWEST_LABEL = 24


def _parts_that_fit(block: Block, width: int) -> list[list[int]]:
    """The columns in as few parts as fit `width`, beside the level of theory, which may fold to a third of it, and
    further where that saves a part."""
    longest, third = max(len(row.level) for row in block.rows), max(16, width // 3)
    caps = sorted({min(longest, cap) for cap in (third, *range(NARROWEST_LABEL, third, 2))}, reverse=True)
    return min((_parts(block, width - cap - 4) for cap in caps), key=len)


def _parts(block: Block, room: int) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    used = 0
    for i in sorted(range(len(block.columns)), key=lambda i: block.columns[i] in block.wide):
        needed = _needed(block, i)
        if parts[-1] and used + needed > room:
            parts.append([])
            used = 0
        parts[-1].append(i)
        used += needed
    return parts


def _needed(block: Block, i: int) -> int:
    return max(len(block.columns[i]), *(len(row.cells[i]) for row in block.rows)) + 2
