"""The tables of a run in GitHub's Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from qmbench.domain.statistic import Statistic
from qmbench.judging.statistics import ALL, BenchmarkInfo
from qmbench.judging.summaries import entries_needed
from qmbench.report.comparisons import tables_beside, user_table, weighted_tables
from qmbench.report.model import Extra, names_of
from qmbench.report.once import names_in
from qmbench.report.story import tell
from qmbench.report.tables import legend, table_blocks

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.judging.model import Evaluation


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
    parts = [] if comparisons is None else [_story(comparisons)]
    names = names_of(statistics) if comparisons is None else names_in(comparisons)
    for block in table_blocks(statistics, scored, benchmarks, subsets):
        lines = [f"### {escape_markdown(block.heading)}", ""]
        lines.append("| level of theory | " + " | ".join(block.columns) + " |")
        lines.append("| --- |" + "".join(" --- |" if c in block.wide else " ---: |" for c in block.columns))
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
        if comparisons.user_totals is not None:
            own = user_table(comparisons.user_totals, names)
            parts.append("\n".join(_folded_table(own)).lstrip() + "\n")
        parts = [*(f"{escape_markdown(f.sentence)}\n" for f in comparisons.filters), *parts]
        parts += [
            "\n".join(_folded_table(extra)).lstrip() + "\n" for extra in weighted_tables(comparisons.totals, names)
        ]
    return "\n".join([*parts, escape_markdown(legend(statistics)) + "\n"])


def _story(report: Evaluation) -> str:
    story = tell(report)
    lines = [escape_markdown(" ".join(story.asked)), ""]
    lines += [f"- {escape_markdown(c.name)}: {escape_markdown(c.told)}" for c in story.chapters]
    return "\n".join(lines) + "\n"


def _folded(title: str, lines: list[str]) -> list[str]:
    return ["", f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]


def _folded_table(extra: Extra) -> list[str]:
    lines = ["| " + " | ".join(escape_markdown(c) for c in extra.columns) + " |"]
    lines.append("|" + "|".join(" ---: " if n else " --- " for n in extra.numeric) + "|")
    lines += ["| " + " | ".join(escape_markdown(c) for c in row) + " |" for row in extra.rows]
    return _folded(escape_markdown(extra.title), [*lines, "", escape_markdown(extra.note)])


def declarations_table(statistics: Iterable[Statistic]) -> str:
    """What statistics there are, from their declarations, for the documentation."""
    lines = [
        "| statistic | in tables | symbol | formula | what | interval over entries from | propagates uncertainties |"
    ]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for s in statistics:
        n = entries_needed(s.interval)
        start = "never" if s.interval is None else f"{max(n or 1, s.minimum)} entries"
        cells = (s.label, s.symbol, s.formula, s.description, start, "yes" if s.gradient is not None else "no")
        lines.append(f"| `{s.name}` | " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    return "\n".join(lines) + "\n"


def escape_markdown(text: str) -> str:
    """`text` such that Markdown shows it as it is, in a table cell too."""
    for character in "\\`*_|[]<>":
        text = text.replace(character, "\\" + character)
    return text.replace("\n", " ")
