"""The tables of a run for papers: LaTeX with booktabs and siunitx."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from qmbench.domain.record import WARNED
from qmbench.domain.statistic import Statistic
from qmbench.judging.core_statistics import RANKED_BY
from qmbench.judging.statistics import ALL
from qmbench.plugging.registry import plugins
from qmbench.report.model import Names, decimals_for, is_missing, names_of, number
from qmbench.report.tables import overlap_lines, ranked, telling

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.judging.statistics import BenchmarkInfo

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    "−": "$-$",
}
_UNITS = {
    "hartree": r"\hartree",
    "millihartree": r"\milli\hartree",
    "microhartree": r"\micro\hartree",
    "eV": r"\electronvolt",
    "meV": r"\milli\electronvolt",
    "kcal/mol": r"\kcal\per\mol",
    "kJ/mol": r"\kilo\joule\per\mol",
    "cm-1": r"\per\centi\metre",
    "bohr": r"\bohr",
    "bohr3": r"\bohr\cubed",
    "angstrom3": r"\angstrom\cubed",
    "debye": r"\debye",
}

PREAMBLE = r"""% needs: \usepackage{booktabs,siunitx}
% \DeclareSIUnit\hartree{\ensuremath{E_\mathrm{h}}} \DeclareSIUnit\bohr{\ensuremath{a_0}}
% \DeclareSIUnit\kcal{kcal} \DeclareSIUnit\debye{D} \DeclareSIUnit\angstrom{\text{\AA}}
"""


def escape_latex(text: str) -> str:
    """`text` such that LaTeX prints it as it is."""
    return "".join(_SPECIAL[c] if c in _SPECIAL else c if c.isascii() else _beyond_ascii(c) for c in text)


_RAISED = {"<super>": "textsuperscript", "<sub>": "textsubscript"}
_GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (\w+)")


def _beyond_ascii(c: str) -> str:
    """Greek letters, and raised and lowered digits, of which labels have some and pdfLaTeX knows none."""
    if m := _GREEK.fullmatch(unicodedata.name(c, "")):
        name = m[2].lower().replace("lamda", "lambda")
        return rf"$\{name if m[1] == 'SMALL' else name.capitalize()}$"
    kind, _, code = unicodedata.decomposition(c).partition(" ")
    return rf"\{_RAISED[kind]}{{{chr(int(code, 16))}}}" if kind in _RAISED and " " not in code else c


LONG_NAME = 45
"""Characters from which the names of levels may be broken over lines."""


def level_latex(text: str) -> str:
    """A level's name that LaTeX may break after its separators."""
    for mark in "/?&=":
        text = text.replace(mark, mark + "\0")
    return escape_latex(text).replace("\0", r"\allowbreak{}")


def to_latex(statistics: pd.DataFrame, benchmarks: Mapping[str, BenchmarkInfo], names: Names | None = None) -> str:
    r"""One table per benchmark and observable (whole benchmark): n and the statistics of the main tables, and in the
    caption what the numbers are.

    names: of the levels; by default as the labels in `statistics` allow. Numbers are in siunitx columns; \unit macros
    beyond the SI are named in the first lines.
    """
    parts = [PREAMBLE]
    names = names_of(statistics) if names is None else names
    whole = statistics[statistics["subset"] == ALL]
    for (benchmark, observable), part in whole.groupby(["benchmark", "observable"], sort=False):
        parts.append(_table(str(benchmark), str(observable), ranked(part), benchmarks, names))
    return "\n".join(parts)


def _table(
    benchmark: str, observable: str, rows: list[dict[str, Any]], benchmarks: Mapping[str, BenchmarkInfo], names: Names
) -> str:
    unit = str(rows[0]["unit"])
    within = f" in {_unit(unit)}" if unit else ""
    info = benchmarks.get(benchmark)
    title = escape_latex(info.title if info is not None else benchmark)
    long = max(len(names.of(r["level_of_theory"], r["bsse"])) for r in rows) > LONG_NAME
    first, name = (r"p{0.35\linewidth}", level_latex) if long else ("l", escape_latex)
    reference = next((r["reference_set"] for r in rows if not is_missing(r["reference_set"])), None)
    confidence = f"{rows[0]['confidence']:.0%}".replace("%", r"\%")
    said = f"reference set {escape_latex(str(reference))}" if reference else "no reference values"
    trained = [escape_latex(line) for line in overlap_lines(rows, names)]
    overlap = rf" \dag{{}}: {'; '.join(trained)}." if trained else ""
    if any(r.get("n_warnings") for r in rows):
        overlap += f" {WARNED}: with results that the method warned of."
    spelled = [escape_latex(line) for line in names.legend(r["level_of_theory"] for r in rows)]
    legend = f" {'; '.join(spelled)}." if spelled else ""
    columns = _columns(rows)
    headings = " & ".join(["{$n$}", *(f"{{{c.heading}}}" for c in columns)])
    lines = [
        r"\begin{table}",
        rf"\caption{{{title}: errors of the {escape_latex(observable.replace('_', ' '))}{within}, {said}. "
        rf"Errors are calculated minus reference; {confidence} intervals over entries with propagated uncertainties; "
        rf"n: entries scored of those asked for.{overlap}{legend}}}",
        rf"\label{{tab:{benchmark}-{observable}}}".replace("_", "-"),
        rf"\begin{{tabular}}{{{first}r{''.join(c.kind for c in columns)}}}",
        r"\toprule",
        rf"Level of theory & {headings} \\",
        r"\midrule",
    ]
    for r in rows:
        cells = [
            name(names.of(r["level_of_theory"], r["bsse"])),
            f"{r['n_scored']}/{r['n']}"
            + (r"\textsuperscript{\dag}" if r["n_training_overlap"] else "")
            + (rf"\textsuperscript{{{WARNED}}}" if r.get("n_warnings") else ""),
            *(column.cell(r) for column in columns),
        ]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


@dataclass(frozen=True)
class _Column:
    heading: str
    kind: str
    cell: Callable[[Mapping[str, Any]], str]


def _unit(unit: str) -> str:
    return rf"\unit{{{_UNITS[unit]}}}" if unit in _UNITS else escape_latex(unit)


def _columns(rows: list[dict[str, Any]]) -> list[_Column]:
    """The columns behind n: siunitx columns for numbers, which share their width where they share the unit."""
    main = telling(plugins().statistics.main, rows)
    usual = [s for s in main if s.unit is None]
    shared = _numbers_column(rows, usual, decimals_for([r[RANKED_BY] for r in rows]))
    columns: list[_Column] = []
    for s in main:
        own = decimals_for([r.get(s.name) for r in rows])
        kind, decimals = shared if s.unit is None else _numbers_column(rows, [s], own)
        unit = f" / {_unit(s.unit)}" if s.unit else ""
        columns.append(_Column((s.heading or escape_latex(s.label)) + unit, kind, partial(_cell, s.name, decimals)))
        if s.main_interval and s.interval_columns is not None:
            columns.append(_Column("interval", "c", partial(_interval, s.interval_columns, decimals)))
    return columns


def _numbers_column(rows: list[dict[str, Any]], which: list[Statistic], decimals: int) -> tuple[str, int]:
    numbers = [abs(r[s.name]) for r in rows for s in which if not is_missing(r.get(s.name))]
    digits = max(1, 1 + math.floor(math.log10(max(numbers, default=1.0)))) if max(numbers, default=1.0) >= 1 else 1
    return f"S[table-format=-{digits}.{decimals}]", decimals


def _cell(name: str, decimals: int, r: Mapping[str, Any]) -> str:
    return "{--}" if is_missing(r.get(name)) else number(r[name], decimals)


def _interval(ends: tuple[str, str], decimals: int, r: Mapping[str, Any]) -> str:
    low, high = (r.get(end) for end in ends)
    return "" if is_missing(low) or is_missing(high) else f"{low:.{decimals}f}--{high:.{decimals}f}"
