"""The tables of a run on a terminal, by rich."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from qmbench.judging.statistics import BenchmarkInfo
from qmbench.report.model import Block, Extra
from qmbench.report.tables import legend, table_blocks
from qmbench.running.console import plain_console

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console


def render_terminal(
    statistics: pd.DataFrame,
    scored: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    console: Console | None = None,
    subsets: bool = False,
) -> None:
    """Print the tables on `console` (default: standard output); on a narrow one a table goes on under itself."""
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
                table.add_column(block.columns[i], justify="left" if wide else "right", no_wrap=not wide)
            for row in block.rows:
                table.add_row(Text(row.level), *(Text(row.cells[i]) for i in part), style="bold" if row.best else "")
            console.print(table)
        for note in block.notes:
            console.print(Text(note, style="dim"))
        for line in block.failures:
            console.print(Text(line, style="yellow"))
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


def _parts_that_fit(block: Block, width: int) -> list[list[int]]:
    """The columns in as few parts as fit `width`, beside the level of theory (which may fold to a third of it)."""
    room = width - min(max(len(row.level) for row in block.rows), max(16, width // 3)) - 4
    parts: list[list[int]] = [[]]
    used = 0
    for i in sorted(range(len(block.columns)), key=lambda i: block.columns[i] in block.wide):
        needed = max(len(block.columns[i]), *(len(row.cells[i]) for row in block.rows)) + 2
        if parts[-1] and used + needed > room:
            parts.append([])
            used = 0
        parts[-1].append(i)
        used += needed
    return parts
