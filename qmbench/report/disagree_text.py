"""The disagreement report as text: for the terminal and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qmbench.domain.learned import MARK
from qmbench.judging.disagree_document import has_numerical_bars
from qmbench.judging.implementations import implementation_line
from qmbench.report.model import counted, decimals_for, unique_names
from qmbench.report.renderers.markdown import escape_markdown

if TYPE_CHECKING:
    from rich.console import Console

SAID = {
    "agree": "agree",
    "one_outlier": "one outlier",
    "camps": "camps",
    "suspect_reference": "suspect reference",
    "inconclusive": "inconclusive",
}
MEANING = {
    "agree": "no difference beyond the uncertainties, or scatter where none are stated; one that matters would show",
    "one_outlier": "one value differs from all others, which agree",
    "camps": "groups of values that agree among themselves, not with each other",
    "suspect_reference": "the one that differs from all others is the reference",
    "inconclusive": "uncertainties, or scatter where none are stated, are too large to see a difference that matters",
}
MEANING_OF_TIERS = {
    "surprising": "a value is farther off than its level's errors elsewhere and those of other levels here let expect, "
    "whatever uncertainty it states; or values that claim reference quality contradict each other",
    "expected": "a contradiction, as known errors of the levels let expect",
    "unexplained": "a contradiction with a level of whose errors too little is known",
}
COLUMNS = ("entry", "verdict", "who", "spread", "max |z|", "consensus")


def labelled(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the labels of levels in the place of their names, for people; `level_of_theory` stays."""
    about = [c for m in document["methods"] for c in m["about"] if c["kind"] == "computed"]
    sets = [c["name"] for m in document["methods"] for c in m["about"] if c["kind"] == "reference"]
    labels = {c["level_of_theory"]: c["label"] for c in about if c.get("label")}
    names = unique_names(labels, [*(c["level_of_theory"] for c in about), *sets])
    called = {
        c["name"]: names.of(c["level_of_theory"], c["bsse"] if c["name"] != c["level_of_theory"] else "") for c in about
    }
    called = {name: text for name, text in called.items() if name != text}
    if not called:
        entries = [{**x, "reason": _camps(x)} if x["verdict"] == "camps" else x for x in document["entries"]]
        return {**document, "entries": entries}

    def said(x: Any) -> Any:
        if isinstance(x, str):
            return called.get(x, x)
        if isinstance(x, list):
            return [y if type(y) is float else said(y) for y in x]
        if isinstance(x, Mapping):
            # By far the most of a document is numbers, and texts that are no names.
            return {k: v if type(v) in BARE or k in UNTOUCHED or _is_known(k, v) else said(v) for k, v in x.items()}
        return x

    out = {key: said(document[key]) for key in document}
    spelled = "|".join(map(re.escape, sorted(called, key=len, reverse=True)))
    # A name ends where no character of a spelling goes on: "hf" is not in "hf/cc-pvdz", nor in another word.
    whole = re.compile(rf"(?<![\w/+?&=*-])(?:{spelled})(?![\w/+?&=*(-])")
    for entry in out["entries"]:
        for key in ("why_surprising", "to_settle"):
            entry[key] = whole.sub(lambda found: called[found[0]], entry[key])
        if entry["verdict"] == "camps":
            entry["reason"] = _camps(entry)
    return out


def _camps(entry: Mapping[str, Any]) -> str:
    return " against ".join("{" + ", ".join(camp) + "}" for camp in entry["camps"])


def _is_known(key: str, value: Any) -> bool:
    """Whether it is what is known of an entry: no name of a method is in it."""
    return key == "known" and isinstance(value, Mapping)


BARE = (float, int, bool, type(None))
UNTOUCHED = ("consensus", "distance", "level_of_theory", "label", "entry", "benchmark", "families")


def rows(document: Mapping[str, Any], most: int | None = None) -> list[tuple[str, ...]]:
    """Cells of the ranked entries, in the order of COLUMNS."""
    return [_row(x) for x in document["entries"][:most]]


def _row(x: Mapping[str, Any]) -> tuple[str, ...]:
    decimals = decimals_for([x["spread"] or 0.0])
    agreed = x["consensus"]
    return (
        where(x) + (f" {MARK}" if is_trained(x) else ""),
        verdict_text(x),
        who(x),
        f"{x['spread']:.{decimals}f} {x['unit']}".rstrip(),
        z_text(x),
        f"{agreed['value']:.{decimals}f} ± {agreed['uncertainty']:.{decimals}f}",
    )


def where(x: Mapping[str, Any]) -> str:
    """The benchmark and entry, and the approximation inside which its values were weighed, if any."""
    return f"{x['benchmark']}/{x['entry']}" + (f" within {x['within']}" if x["within"] else "")


def is_trained(x: Mapping[str, Any]) -> bool:
    """Whether a level of theory that has a value of this entry was trained on it."""
    return any(v["training_overlap"] for v in x["votes"])


NUMERICAL = "beyond numerical bars"
MOST_Z = 1000.0
"""A larger |z| is no more surprising."""


def z_text(x: Mapping[str, Any]) -> str:
    """The largest |z| of an entry for reading: no digits that mean nothing, and none beside bars of rounding and
    convergence."""
    if has_numerical_bars(x):
        return NUMERICAL
    z = x["max_z"]
    return f"{z:.1f}" if z < 100 else f"{z:.0f}" if z < MOST_Z else f"> {MOST_Z:.0f}"


def who(x: Mapping[str, Any], longest: int = 4) -> str:
    """The outliers or camps of an entry in one line."""
    if x["verdict"] in ("one_outlier", "suspect_reference"):
        return ", ".join(x["outliers"])
    if x["verdict"] == "camps":
        camps = []
        for camp in x["camps"]:
            more = f" +{len(camp) - longest}" if len(camp) > longest else ""
            camps.append("{" + ", ".join(camp[:longest]) + more + "}")
        return " vs ".join(camps)
    return ""


def tier_text(x: Mapping[str, Any]) -> str:
    """`surprising`, `expected`, or `unexplained` where nothing is known that could explain a contradiction or not."""
    return "unexplained" if x["nothing_known"] else str(x["tier"])


def verdict_text(x: Mapping[str, Any]) -> str:
    """The verdict on an entry and its tier. What agrees, or can't be told apart, may hold a surprise all the same."""
    said = SAID[x["verdict"]]
    if x["tier"] == "none":
        return said
    but = "but " if x["tier"] == "surprising" and x["verdict"] in ("agree", "inconclusive") else ""
    return f"{said}, {but}{tier_text(x)}"


def legend_lines(document: Mapping[str, Any]) -> list[str]:
    """What the words of the table mean, of those that are in it."""
    verdicts = {x["verdict"] for x in document["entries"]}
    tiers = {tier_text(x) for x in document["entries"]}
    lines = [f"{SAID[v]}: {meaning}" for v, meaning in MEANING.items() if v in verdicts]
    return lines + [f"{tier}: {meaning}" for tier, meaning in MEANING_OF_TIERS.items() if tier in tiers]


def reference_line(document: Mapping[str, Any]) -> str:
    """Whether the references agree."""
    asked = document["references"]
    n = asked["compared"]
    if not n:
        return (
            "do the references agree? Not asked: no entry has two values of reference quality with stated uncertainties"
        )
    apart = [f"{x['benchmark']}/{x['entry']}" for x in asked["contradictions"]]
    if not apart:
        on = "the one entry that has two" if n == 1 else f"all {n} entries that have two"
        return f"do the references agree? Yes, within their uncertainties, on {on}"
    some = ", ".join(apart[:5]) + (f" and {len(apart) - 5} more" if len(apart) > 5 else "")
    of = "the one entry that has two" if n == 1 else f"{len(apart)} of {n} entries that have two"
    return f"do the references agree? Not on {of}: {some}"


def surprise_lines(document: Mapping[str, Any], most: int = 5, unexplained: int = 2) -> list[str]:
    """The first surprises, each with why it is one and what would settle it, and the first that nothing explains."""
    lines = []
    for blank, limit in ((False, most), (True, unexplained)):
        found = [x for x in document["entries"] if x["tier"] == "surprising" and x["nothing_known"] == blank]
        for x in found[:limit]:
            chance = "" if blank else f" (probability {probability(x['surprise'])})"
            lines.append(f"{tier_text(x)}: {where(x)}{chance}: {x['why_surprising']}. To settle it: {x['to_settle']}")
        if len(found) > limit:
            lines.append(f"and {len(found) - limit} more that {'nothing explains' if blank else 'are surprising'}")
    return lines


def probability(p: float) -> str:
    return "over 99 %" if p > 0.99 else f"{100 * p:.0f} %"


EXPLAINED = {
    "known error": "as its known error says",
    "basis": "as its basis set says",
    "exact value": "which is its error, beside an exact value",
}


def expected_lines(document: Mapping[str, Any], most: int = 8) -> list[str]:
    """One line per level whose contradictions are explained by what is known of it."""
    rows = document["expected"]
    lines = [
        f"expected: {r['method']}, {counted(r['entries'], 'entry', 'entries')}, {EXPLAINED.get(r['by'], r['by'])}"
        for r in rows[:most]
    ]
    if len(rows) > most:
        lines.append(f"and {len(rows) - most} more levels with expected contradictions")
    return lines


def expected_summary(document: Mapping[str, Any], most: int = 4) -> list[str]:
    """All that was to be expected in one line; [] where nothing was."""
    n = document["summary"]["tiers"]["expected"]
    if not n:
        return []
    levels: dict[str, int] = {}
    for r in document["expected"]:
        levels[r["method"]] = max(levels.get(r["method"], 0), r["entries"])
    some = ", ".join(f"{name} ({entries})" for name, entries in list(levels.items())[:most])
    more = f" and {len(levels) - most} more" if len(levels) > most else ""
    disagree = "1 entry disagrees" if n == 1 else f"{n} entries disagree"
    return [f"as expected from what is known of levels, {disagree}: {some}{more}"]


def story_lines(document: Mapping[str, Any]) -> list[str]:
    """Whether the references agree, what is surprising, and what was to be expected."""
    return [
        *filter_lines(document),
        reference_line(document),
        *surprise_lines(document),
        *map(implementation_line, document.get("implementations", ())),
        *expected_lines(document),
        *error_trend_lines(document),
    ]


def filter_lines(document: Mapping[str, Any]) -> list[str]:
    """Which filters of entries acted, and what they left."""
    return [
        f"only entries with {f['words']}: {f['kept']} of {f['entries']} entries" for f in document.get("filters", ())
    ]


NUMBERS = {"electrons": "electron", "atoms": "atom", "charge": "unit of charge"}


def error_trend_lines(document: Mapping[str, Any], most: int = 6) -> list[str]:
    """On what the errors of levels depend: of each level and benchmark its surest trend, in words."""
    first: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for t in document.get("error_trends", ()):
        first.setdefault((t["benchmark"], t["observable"], t["method"]), t)
    lines = [error_trend_text(t) for t in list(first.values())[:most]]
    if len(first) > most:
        lines.append(f"and {len(first) - most} more levels whose errors depend on what is computed")
    return lines


def error_trend_text(t: Mapping[str, Any]) -> str:
    """One trend of the errors of a level, as a sentence."""
    decimals = decimals_for([t["slope"]])
    slope, low, high = (f"{t[key]:+.{decimals}f}" for key in ("slope", "slope_low", "slope_high"))
    what = f"errors of {t['method']}" if t["of"] == "error" else f"the sizes of the errors of {t['method']}"
    unit = f" {t['unit']}" if t["unit"] else ""
    if t["kind"] in NUMBERS:
        ends = t["at_low"], t["at_high"]
        name = "the largest charge" if t["kind"] == "charge" else f"the number of {t['on']}"
        if ends[0] * ends[1] < 0 and min(map(abs, ends)) > 0.2 * max(map(abs, ends)):
            digits = decimals_for(list(ends))
            how = f"go from {ends[0]:+.{digits}f} to {ends[1]:+.{digits}f}{unit} with {name}"
        else:
            how = f"{'grow' if abs(ends[1]) > abs(ends[0]) else 'shrink'} with {name}"
        how += f" by {slope} ({low} … {high}){unit} per {NUMBERS[t['kind']]}"
    else:
        where = f"with the element {t['on']}" if t["kind"] == "element" else f"of '{t['on']}'"
        more = ("more positive", "more negative") if t["of"] == "error" else ("larger", "smaller")
        if t["slope"] < 0:
            low, high = high, low
        slope, low, high = (text[1:] if t["slope"] * float(text) > 0 else f"−{text[1:]}" for text in (slope, low, high))
        how = f"are {more[t['slope'] < 0]} by {slope} ({low} … {high}){unit} in entries {where}"
    said = f"{t['benchmark']}: {what} {how}"
    return said + (f", which explains {t['explained']} of the {t['largest']} largest" if t["explained"] else "")


def summary_lines(document: Mapping[str, Any], most: int = 5) -> list[str]:
    """What was found, in a few lines; of trends and of what to compute next, the first `most`."""
    found = document["summary"]
    verdicts = ", ".join(f"{n} {SAID[v]}" for v, n in found["verdicts"].items() if n)
    tiers = found["tiers"]
    unexplained = sum(x["nothing_known"] for x in document["entries"])
    lines = [
        f"{counted(found['entries'], 'entry', 'entries')} with two values or more: {verdicts or 'none'}",
        f"of these {tiers['surprising'] - unexplained} are surprising, {tiers['expected']} disagree as known errors "
        f"say, {unexplained} disagree where nothing is known",
    ]
    lines += legend_lines(document)
    if found["entries_with_one_value"]:
        alone = found["entries_with_one_value"]
        have = "1 entry has" if alone == 1 else f"{alone} entries have"
        lines.append(f"{have} one value: nothing to compare it with")
    lines.append(f"pairs and trends are significant at a false discovery rate of {100 * document['significance']:g}%")
    if any(map(has_numerical_bars, document["entries"])):
        lines.append(
            f"{NUMERICAL}: both values are uncertain by a thousandth of a difference that matters, or less, as by "
            "rounding and convergence alone, so that |z| would count digits"
        )
    if any(v["assumed_uncertainty"] is not None for x in document["entries"] for v in x["votes"]):
        lines.append("where no uncertainty is stated, the scatter of the entry stands in for it")
    trained = sum(is_trained(x) for x in document["entries"])
    if trained:
        were = "was" if trained == 1 else "were"
        lines.append(
            f"{MARK} {trained} of {found['entries']} entries {were} in the training data of a level that has a value "
            "of them: it counts as no independent witness there, but takes part in the consensus"
        )
    lines += trend_lines(document, most)
    for s in document["next_calculations"][:most]:
        lines.append(
            f"next: {s['method']} on {s['benchmark']}/{s['entry']} ({s['verdict']}), about "
            f"{s['estimated_wall_s']:.0f} s: {s['why']}"
        )
    return lines


def trend_lines(document: Mapping[str, Any], most: int) -> list[str]:
    """How differences depend on what is computed, once for columns that say the same to all digits shown."""
    told: dict[tuple[str, str], list[str]] = {}
    for t in document["trends"]:
        along = f"from other entries to {t['on']} ones" if t["kind"] == "class" else f"per unit of {t['on']}"
        if t["on"] == "magnitude":
            along = f"per {t['unit']} of the reference value's size"
        by = (
            f"by {t['slope']:.3g} ({t['slope_low']:.3g} … {t['slope_high']:.3g}) {t['unit']} {along} "
            f"(n = {t['n']}, p = {t['p']:.1g})"
        )
        told.setdefault((t["benchmark"], by), []).append(f"{t['a']} − {t['b']}")
    lines = []
    for (benchmark, by), alike in list(told.items())[:most]:
        change = "changes" if len(alike) == 1 else "change"
        lines.append(f"{benchmark}: {' and '.join(alike)} {change} {by}")
    return lines


def render_terminal(document: Mapping[str, Any], console: Console, most: int = 30) -> None:
    """Print what was found in words, the ranking, and the summary."""
    document = labelled(document)
    from rich import box
    from rich.table import Table
    from rich.text import Text

    # A narrow terminal has room for who contradicts whom or for the consensus, not for both.
    shown = COLUMNS if console.width >= 160 else COLUMNS[:-1]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for name in shown:
        right = name in ("spread", "max |z|", "consensus")
        table.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=name != "who")
    for cells in rows(document, most):
        table.add_row(*(Text(cell) for cell in cells[: len(shown)]))
    for line in story_lines(document):
        console.print(Text(line), soft_wrap=False)
    if document["entries"]:
        console.print(table)
    left_out = len(document["entries"]) - most
    if left_out > 0:
        console.print(Text(f"and {counted(left_out, 'more entry', 'more entries')}, all in --json", style="dim"))
    for line in summary_lines(document):
        console.print(Text(line, style="dim"), soft_wrap=False)


def to_markdown(document: Mapping[str, Any], most: int = 50) -> str:
    """What was found in words, the ranking and the summary in GitHub's Markdown."""
    document = labelled(document)
    lines = ["## Where methods disagree", "", *(f"- {escape_markdown(line)}" for line in story_lines(document)), ""]
    if document["entries"]:
        lines += [
            "| " + " | ".join(escape_markdown(c) for c in COLUMNS) + " |",
            "| --- | --- | --- | ---: | ---: | ---: |",
        ]
        lines += ["| " + " | ".join(escape_markdown(c) for c in cells) + " |" for cells in rows(document, most)]
        if len(document["entries"]) > most:
            lines.append(f"\n… and {len(document['entries']) - most} more")
        lines.append("")
    return "\n".join([*lines, *(f"- {escape_markdown(line)}" for line in summary_lines(document))]) + "\n"
