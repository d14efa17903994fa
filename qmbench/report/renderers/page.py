"""What the template of the HTML report is given of the story, its figures and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import markupsafe

from qmbench.report.disagree_text import expected_lines, probability, tier_text, where
from qmbench.report.drawings import Drawing, Gallery
from qmbench.report.tracks import Figure, axis_svg, key_svg, row_svg, surprise_figures

if TYPE_CHECKING:
    from qmbench.judging.model import Evaluation

SHOWN_SURPRISES = 5
"""Those that are not folded away; the others have their pictures, too."""


def figure_parts(figure: Figure) -> dict[str, Any]:
    """A figure of rows for the template: texts, and SVG elements as markup."""
    safe = markupsafe.Markup  # made of numbers and escaped texts alone
    return {
        "title": figure.title,
        "axis": figure.axis,
        "note": figure.note,
        "rows": [
            {"label": t.label, "text": t.text, "strong": t.strong, "svg": safe(row_svg(t, figure.rules))}
            for t in figure.tracks
        ],
        "scale": safe(axis_svg(figure)),
        "key": [{"svg": safe(key_svg(kind)), "text": text} for kind, text in figure.key],
    }


def drawings(found: list[Drawing]) -> list[dict[str, str]]:
    """Pictures for the template."""
    safe = markupsafe.Markup  # `data_uri` leaves no character that could end an attribute
    return [{"id": d.id, "name": d.name, "about": d.about, "source": safe(d.source)} for d in found]


def surprises(report: Evaluation, document: Mapping[str, Any], gallery: Gallery) -> dict[str, Any]:
    """The surprising entries of the labelled document, the first ones open, each with its forest plot; and the rest."""
    found = [x for x in document["entries"] if x["tier"] == "surprising"]
    items: list[dict[str, Any]] = []
    for x, figure in surprise_figures(document):
        drawn = gallery.of_entry(report.benchmarks.get(x["benchmark"]), x["entry"])
        chance = "" if x["nothing_known"] else f"probability {probability(x['surprise'])}"
        items.append(
            {
                "where": where(x),
                "tier": ", ".join(filter(None, [tier_text(x), chance])),
                "why": x["why_surprising"],
                "settle": x["to_settle"],
                "figure": figure_parts(figure) | ({"key": []} if items else {}),
                "drawings": drawings(drawn[:2]),
            }
        )
    known = sum(not x["nothing_known"] for x in found)
    said = (
        f"{known} of {document['summary']['entries']} entries with two values or more contradict what is known of "
        f"their levels; {len(found) - known} more have contradictions with levels of which nothing is known."
    )
    more = len(found) - len(items)
    if more:
        said += f" The first {len(items)} are shown, all are in disagreement.json."
    return {
        "said": said if found else "None: every contradiction is what known errors let expect.",
        "open": items[:SHOWN_SURPRISES],
        "folded": items[SHOWN_SURPRISES:],
        "expected": [line.removeprefix("expected: ") for line in expected_lines(document)],
    }
