"""What a check against a baseline found: for the terminal, as Markdown, and as JUnit XML."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from qmbench.judging.regression import BAD, Check, Finding
from qmbench.report.model import level_text
from qmbench.report.renderers.markdown import escape_markdown

if TYPE_CHECKING:
    from rich.console import Console

MARKDOWN_LIMIT = 900_000
"""Bytes; step summaries of CI services end at 1 MiB."""

SAID = {
    "unchanged": "unchanged",
    "changed": "changed",
    "inconclusive": "inconclusive",
    "newly_failed": "newly failed",
    "newly_unsupported": "newly unsupported",
    "missing": "missing",
    "still_not_ok": "not ok, as before",
    "recovered": "recovered",
    "new": "not in the baseline",
}


def headline(check: Check) -> str:
    """The outcome in one line."""
    counts = check.counts
    said = ", ".join(f"{counts[name]} {text}" for name, text in SAID.items() if counts.get(name)) or "nothing"
    judged = {0: "passed", 1: "regressed", 2: "nothing could be judged"}[check.exit_code]
    return f"{judged}: {said}"


def name_of(finding: Finding) -> str:
    """`BENCHMARK/ENTRY at LEVEL`."""
    level, bsse, benchmark, entry = finding.key
    return f"{benchmark}/{entry} at {level_text(level, bsse)}"


def shown(check: Check) -> list[Finding]:
    """The findings that need a reader, the worst first."""
    order = (*BAD, "inconclusive", "recovered")
    picked = [f for f in check.findings if f.outcome in order]
    return sorted(picked, key=lambda f: (order.index(f.outcome), f.key))


def time_lines(check: Check) -> list[str]:
    """One line per slow finding."""
    how = "slower than allowed" if check.slow_counts else "slower (a warning)"
    return [f"{name_of(f)}: {f.time_ratio:.1f} times the baseline's time, {how}" for f in check.slow]


def render_terminal(check: Check, console: Console, most: int = 50) -> None:
    """Print what needs a reader, then the headline."""
    from rich.text import Text

    colour = {"changed": "red", "newly_failed": "red", "newly_unsupported": "red", "missing": "red"}
    found = shown(check)
    for f in found[:most]:
        console.print(Text(f"{SAID[f.outcome]}: {name_of(f)}: {f.message}", style=colour.get(f.outcome, "yellow")))
    if len(found) > most:
        console.print(Text(f"… and {len(found) - most} more", style="dim"))
    for line in time_lines(check)[:10]:
        console.print(Text(line, style="dim"))
    console.print(Text(headline(check), style="bold"))


def to_markdown(check: Check, limit: int = MARKDOWN_LIMIT) -> str:
    """A summary for a pull request or a CI step, shorter than `limit` bytes."""
    sign = {0: "✅", 1: "❌", 2: "⚠️"}[check.exit_code]
    lines = [f"## {sign} qmbench check {escape_markdown(headline(check))}", ""]
    found = shown(check)
    if found:
        lines += ["| | entry | level of theory | |", "| --- | --- | --- | --- |"]
    size = sum(len(line.encode()) + 1 for line in lines)
    room = limit - 4000  # for the lines below
    for i, f in enumerate(found):
        level, bsse, benchmark, entry = f.key
        cells = (SAID[f.outcome], f"{benchmark}/{entry}", level_text(level, bsse), f.message)
        line = "| " + " | ".join(escape_markdown(c) for c in cells) + " |"
        size += len(line.encode()) + 1
        if size > room:
            lines += ["", f"… and {len(found) - i} more, left out to keep this summary short"]
            break
        lines.append(line)
    times = time_lines(check)
    if times:
        lines += ["", *(f"- {escape_markdown(line)}"[:300] for line in times[:10])]
    return "\n".join(lines) + "\n"


def to_junit(check: Check) -> str:
    """JUnit XML: a suite per benchmark, a case per (level, entry); inconclusive and new ones are `skipped`."""
    root = ET.Element("testsuites", name="qmbench check")
    groups: dict[str, list[Finding]] = {}
    for f in check.findings:
        groups.setdefault(f.key[2], []).append(f)
    for benchmark, found in sorted(groups.items()):
        bad = sum(f.outcome in BAD for f in found)
        skipped = sum(f.outcome in ("inconclusive", "new", "still_not_ok") for f in found)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=benchmark,
            tests=str(len(found)),
            failures=str(bad),
            errors="0",
            skipped=str(skipped),
            time=f"{sum(f.wall_s or 0.0 for f in found):.3f}",
        )
        for f in found:
            level, bsse, _, entry = f.key
            case = ET.SubElement(
                suite,
                "testcase",
                classname=_xml(f"{benchmark}.{level_text(level, bsse)}"),
                name=_xml(entry),
                time=f"{f.wall_s or 0.0:.3f}",
            )
            if f.outcome in BAD:
                ET.SubElement(case, "failure", type=f.outcome, message=_xml(f.message)).text = _xml(name_of(f))
            elif f.outcome in ("inconclusive", "new", "still_not_ok"):
                ET.SubElement(case, "skipped", message=_xml(f"{SAID[f.outcome]}: {f.message}"))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    """Without the control characters that XML can't hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]", "�", text)
