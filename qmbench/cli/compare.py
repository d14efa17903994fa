"""`qmbench compare`: our numbers against published ones of the same methods."""

from __future__ import annotations

from typing import Any

from qmbench.cli.common import console, print_json
from qmbench.cli.loaded import filter_lines, load_run
from qmbench.data.filters import EntryFilter
from qmbench.domain.errors import InputError


def compare(
    run: str | None, store: str | None, tolerance: float | None, most: int, json: bool, only: EntryFilter
) -> int:
    """The command: 0; 1 where a difference in the same basis is above `tolerance`; 2 where nothing can be compared.

    Differences between programs in one level count as such ones.
    """
    from qmbench.judging.implementations import implementation_line
    from qmbench.judging.items import rows_of
    from qmbench.judging.published import comparisons, differences

    if tolerance is not None and not tolerance > 0:
        raise InputError(f"--tolerance is positive, not {tolerance}")
    evaluation = load_run(run, store, only=only)
    found = differences(evaluation.scored)
    pairs = comparisons(found)
    worst = found.assign(_size=found["difference"].astype(float).abs()).sort_values("_size", ascending=False)
    largest = rows_of(worst.drop(columns="_size").head(most))
    limit = float("inf") if tolerance is None else tolerance
    above = found[found["same_basis"].astype(bool) & (found["difference"].astype(float).abs() > limit)]
    programs = evaluation.implementations
    exceeded = len(above) + sum(abs(row["largest"]) > limit for row in programs)
    if json:
        document = {
            "pairs": pairs,
            "implementations": programs,
            "largest": [_plain(row) for row in largest],
            "above_tolerance": exceeded,
        }
        print_json({**document, "filters": [f.to_json() for f in evaluation.filters]}, "compare")
    else:
        for line in filter_lines(evaluation):
            console().print(line, markup=False, soft_wrap=True)
        for row in programs:
            console().print(implementation_line(row), markup=False, soft_wrap=True)
        _print(pairs, largest, tolerance, exceeded)
    return 2 if not pairs and not programs else 1 if exceeded else 0


def _print(pairs: list[dict[str, Any]], largest: list[dict[str, Any]], tolerance: float | None, above: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from qmbench.report.model import decimals_for, level_text

    out = console()
    if not pairs:
        out.print("no computed level of this run has a published one of the same method")
        return
    table = Table(box=None, pad_edge=False, header_style="bold", title="computed less published", title_justify="left")
    columns = ("benchmark", "computed", "published", "n", "mean", "mean abs", "largest (entry)", "unit")
    for column in columns:
        justify = "right" if column in ("n", "mean", "mean abs") else "left"
        table.add_column(column, overflow="fold", justify=justify)  # type: ignore[arg-type]
    for row in pairs:
        decimals = decimals_for([row["mean_absolute"], row["largest"]])
        cells = (
            row["benchmark"],
            level_text(row["level_of_theory"], row["bsse"]),
            level_text(row["published"], row["published_bsse"]) + ("" if row["same_basis"] else ", other basis"),
            str(row["n"]),
            *(f"{row[name]:+.{decimals}f}" for name in ("mean_signed",)),
            f"{row['mean_absolute']:.{decimals}f}",
            f"{row['largest']:+.{decimals}f} ({row['largest_entry']})",
            row["unit"],
        )
        table.add_row(*map(Text, cells))
    out.print(table)
    out.print("\nlargest differences:")
    for row in largest:
        place = f"{row['benchmark']}/{row['entry']}, {level_text(row['level_of_theory'], row['bsse'])}"
        numbers = f"{row['value']:.6g} computed, {row['published_value']:.6g} published ({row['difference']:+.3g})"
        out.print(f"  {place}: {numbers} {row['unit']}", markup=False, soft_wrap=True)
    if any(not row["same_basis"] for row in pairs):
        out.print("other basis: the published values are in another basis or counterpoise treatment")
    if tolerance is not None:
        out.print(f"{above} differences in the same basis are larger than {tolerance:g}")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    from qmbench.report.renderers.files import plain

    return {str(key): plain(value) for key, value in row.items()}
