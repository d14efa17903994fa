"""The tables of a run for papers: LaTeX with booktabs and siunitx."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmbench.judging.statistics import ALL
from qmbench.report.tables import decimals_for, is_missing, level_text, overlap_lines

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
    return "".join(_SPECIAL.get(c, c) for c in text)


LONG_NAME = 45
"""Characters from which the names of levels may be broken over lines."""


def level_latex(text: str) -> str:
    """A level's name that LaTeX may break after its separators."""
    for mark in "/?&=":
        text = text.replace(mark, mark + "\0")
    return escape_latex(text).replace("\0", r"\allowbreak{}")


def to_latex(statistics: pd.DataFrame, benchmarks: Mapping[str, BenchmarkInfo]) -> str:
    r"""One table per benchmark and observable (whole benchmark): n, mean absolute error with its interval, mean
    signed, root mean square and largest error, and below it what the numbers are.

    Numbers are in siunitx columns; \unit macros beyond the SI are named in the first lines.
    """
    parts = [PREAMBLE]
    whole = statistics[statistics["subset"] == ALL]
    for (benchmark, observable), part in whole.groupby(["benchmark", "observable"], sort=False):
        order = part.sort_values(["common_mean_absolute_error", "mean_absolute_error"], na_position="last")
        rows = [{str(k): v for k, v in r.items()} for r in order.to_dict("records")]
        parts.append(_table(str(benchmark), str(observable), rows, benchmarks))
    return "\n".join(parts)


def _table(benchmark: str, observable: str, rows: list[dict[str, Any]], benchmarks: Mapping[str, BenchmarkInfo]) -> str:
    unit = str(rows[0]["unit"])
    decimals = decimals_for([r["mean_absolute_error"] for r in rows])
    info = benchmarks.get(benchmark)
    title = escape_latex(info.title if info is not None else benchmark)
    shown = rf"\unit{{{_UNITS[unit]}}}" if unit in _UNITS else escape_latex(unit)
    widest = max((abs(r[k]) for r in rows for k in _NUMBERS if not is_missing(r[k])), default=1.0)
    column = f"S[table-format=-{max(1, 1 + math.floor(math.log10(max(widest, 1.0))))}.{decimals}]"
    long = max(len(level_text(r["level_of_theory"], r["bsse"])) for r in rows) > LONG_NAME
    first, name = (r"p{0.35\linewidth}", level_latex) if long else ("l", escape_latex)
    reference = next((r["reference_set"] for r in rows if not is_missing(r["reference_set"])), None)
    confidence = f"{rows[0]['confidence']:.0%}".replace("%", r"\%")
    said = f"reference set {escape_latex(str(reference))}" if reference else "no reference values"
    trained = [escape_latex(line) for line in overlap_lines(rows)]
    overlap = rf" \dag{{}}: {'; '.join(trained)}." if trained else ""
    lines = [
        r"\begin{table}",
        rf"\caption{{{title}: errors of the {escape_latex(observable.replace('_', ' '))} in {shown}, {said}. Errors "
        rf"are calculated minus reference; {confidence} intervals over entries with propagated uncertainties; n: "
        rf"entries scored of those asked for.{overlap}}}",
        rf"\label{{tab:{benchmark}-{observable}}}".replace("_", "-"),
        rf"\begin{{tabular}}{{{first}r{column}c{column}{column}{column}}}",
        r"\toprule",
        r"Level of theory & {$n$} & {mean abs.} & {interval} & {mean signed} & {rms} & {max.} \\",
        r"\midrule",
    ]
    for r in rows:
        ends = [r[f"mean_absolute_error_combined_{end}"] for end in ("low", "high")]
        interval = "" if any(is_missing(x) for x in ends) else f"{ends[0]:.{decimals}f}--{ends[1]:.{decimals}f}"
        numbers = ["{--}" if is_missing(r[k]) else f"{r[k]:.{decimals}f}" for k in _NUMBERS]
        cells = [
            name(level_text(r["level_of_theory"], r["bsse"])),
            f"{r['n_scored']}/{r['n']}" + (r"\textsuperscript{\dag}" if r["n_training_overlap"] else ""),
            numbers[0],
            interval,
            *numbers[1:],
        ]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


_NUMBERS = ("mean_absolute_error", "mean_signed_error", "root_mean_square_error", "max_absolute_error")
