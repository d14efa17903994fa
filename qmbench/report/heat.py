"""Heat maps as tables: what each method says of each entry, and how far methods are from each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.learned import MARK
from qmbench.judging.items import rows_of
from qmbench.report.disagree_text import is_trained, z_text
from qmbench.report.model import SPELLINGS, Names, is_missing

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.domain.record import Record
    from qmbench.running.run_document import Run

PICTURES = "pictures"
"""What a row opens beside its facts: ids of images in the page, blanks between them."""
MOST_ROWS = 60
MOST_COLUMNS = 40
SHADES = 40
"""Of each colour: more can't be told apart, and a page names each once."""
_LOW, _MIDDLE, _HIGH = (86, 180, 233), (247, 247, 247), (230, 159, 0)  # sky blue and orange of Okabe & Ito


@dataclass(frozen=True)
class Heat:
    """A table of coloured cells. cells: {"text", "colour"} or None; details: what a cell opens, same shape.

    row_details: what the name of a row opens, if anything. folded: whether it is shown when asked for only.
    """

    title: str
    note: str
    columns: list[str]
    rows: list[str]
    cells: list[list[dict[str, str] | None]]
    details: list[list[dict[str, Any] | None]]
    row_details: list[dict[str, Any]] = field(default_factory=list)
    folded: bool = False


def colour(x: float) -> str:
    """From blue (−1) over near white (0) to orange (+1); black text can be read on all of them."""
    end = _HIGH if x > 0 else _LOW
    share = round(min(abs(x), 1.0) ** 0.5 * SHADES) / SHADES
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(_MIDDLE, end, strict=True))


def entry_heat(
    entries: Sequence[Mapping[str, Any]],
    methods: Mapping[str, Any],
    scored: pd.DataFrame,
    details: tuple[Run | None, Mapping[str, Record], list[dict[str, Any]]],
) -> Heat | None:
    """Entry × method: each value's deviation from the consensus of all the other methods.

    entries: of the disagree document, for one benchmark and observable; the first MOST_ROWS are shown. details:
    the run, its records, and the list that collects settings, which cells refer to by index.
    """
    shown = list(entries[:MOST_ROWS])
    columns = [c for c in methods["order"] if any(v["method"] == c for x in shown for v in x["votes"])][:MOST_COLUMNS]
    if not shown or len(columns) < 2:
        return None
    about = {c["name"]: c for c in methods["about"]}
    behind = _Behind(scored[scored["entry"].isin([x["entry"] for x in shown])], *details)
    sizes = [abs(v["deviation_from_others"] or 0.0) for x in shown for v in x["votes"]]
    scale = float(np.quantile([s for s in sizes if s > 0] or [1.0], 0.9))
    cells, detail = [], []
    for x in shown:
        votes = {v["method"]: v for v in x["votes"]}
        pairs = [_vote_cell(x, votes[c], about[c], scale, behind) if c in votes else (None, None) for c in columns]
        cells.append([a for a, _ in pairs])
        detail.append([b for _, b in pairs])
    more = f" The {MOST_ROWS} largest disagreements of {len(entries)} entries." if len(entries) > MOST_ROWS else ""
    unit = methods["unit"]
    note = (
        f"Deviation from the consensus of all other methods, in {unit}; blue lower, orange higher. A cell opens its "
        f"value, uncertainty, settings and source; the name of an entry its verdict and consensus.{more}"
        + (f" {MARK}: the method was trained on the entry." if any(map(is_trained, shown)) else "")
    )
    within = f", within {methods['within']}" if methods["within"] else ""
    rows = [x["entry"] for x in shown]
    return Heat(f"Entries by methods{within}", note, columns, rows, cells, detail, [_entry_detail(x) for x in shown])


def _entry_detail(x: Mapping[str, Any]) -> dict[str, Any]:
    agreed, unit = x["consensus"], x["unit"]
    pair = x["max_pair"]
    parts = ", ".join(f"{u:.3g} {kind}" for kind, u in pair["uncertainty_by_kind"].items())
    found = {
        "verdict": x["verdict"].replace("_", " "),
        "because": x["reason"],
        "undecided": ", ".join(x["undecided"]),
        "consensus": f"{agreed['value']:.6g} ± {agreed['uncertainty']:.2g} {unit} ({agreed['n']} values)",
        "between methods": f"{agreed['between_method_deviation']:.3g} {unit}",
        "Birge ratio": f"{agreed['birge_ratio']:.3g}",
        "median": f"{agreed['median']:.6g} ± {agreed['median_uncertainty']:.2g} {unit}",
        "largest |z|": f"{z_text(x)}: {pair['a']} − {pair['b']} = {pair['difference']:.4g} {unit}",
        "its uncertainty": f"{parts} ({unit})",
        "significant pairs": x["significant_pairs"],
    }
    return {k: v for k, v in found.items() if v != ""}


def _vote_cell(
    x: Mapping[str, Any], vote: Mapping[str, Any], about: Mapping[str, Any], scale: float, behind: _Behind
) -> tuple[dict[str, str], dict[str, Any]]:
    deviation = vote["deviation_from_others"]
    text = "–" if deviation is None else f"{deviation:+.3g}"
    if vote["training_overlap"]:
        text += f" {MARK}"
    cell = {"text": text, "colour": colour((deviation or 0.0) / scale)}
    unit = x["unit"]
    detail: dict[str, Any] = {
        "value": f"{vote['value']:.8g} {unit}",
        "uncertainty": _uncertainty(vote, unit),
        "deviation from the others": None if deviation is None else f"{deviation:+.4g} {unit}",
        "in the training data": vote["training_overlap"],
        "verdict on the entry": x["verdict"].replace("_", " "),
        "level of theory": about["level_of_theory"],
        "counterpoise": about["bsse"],
        "approximation": about["approximation"],
        "shares with others": ", ".join(f"{k} {v}" for k, v in about["families"].items()),
        "source": f"https://doi.org/{about['source_doi']}" if about["source_doi"] else "",
        **behind.facts(about["level_of_theory"], about["bsse"], x["entry"]),
    }
    return cell, {k: v for k, v in detail.items() if v not in ("", None)}


def _uncertainty(vote: Mapping[str, Any], unit: str) -> str:
    if vote["uncertainty"] is None:
        return f"not stated; {vote['assumed_uncertainty']:.3g} {unit} assumed"
    return f"{vote['uncertainty']:.3g} {unit} ({vote['uncertainty_kind']})"


_FACTS = (
    *("level_of_theory", "bsse", "entry", "unit", "published", "wall_s"),
    *("error", "reference", "reference_set", "reference_doi"),
)


class _Behind:
    """What lies behind a computed value: its reference, error, cost and resolved settings."""

    def __init__(
        self,
        scored: pd.DataFrame,
        run: Run | None,
        records: Mapping[str, Record],
        settings: list[dict[str, Any]],
    ) -> None:
        names = [name for name in _FACTS if name in scored]
        self.rows = {(r["level_of_theory"], r["bsse"] or "", r["entry"]): r for r in rows_of(scored[names])}
        benchmark = scored["benchmark"].iloc[0] if len(scored) else None
        self.keys = {
            (p.level, p.bsse or "", p.entry): p.keys[0]
            for p in (run.entries if run else ())
            if p.benchmark == benchmark and p.terms
        }
        self.records, self.settings = records, settings

    def facts(self, level: str, bsse: str, entry: str) -> dict[str, Any]:
        row = self.rows.get((level, bsse, entry))
        if row is None:
            return {}
        unit = row["unit"]
        published = row.get("published") is True
        found: dict[str, Any] = {} if published else {"computing time": f"{row['wall_s']:.3g} s"}
        if not math.isnan(row["error"]):
            found["reference"] = f"{row['reference']:.8g} {unit} ({row['reference_set']})"
            found["error"] = f"{row['error']:+.4g} {unit}"
            if isinstance(row["reference_doi"], str) and row["reference_doi"]:
                found["source of the reference"] = f"https://doi.org/{row['reference_doi']}"
        record = self.records.get(self.keys.get((level, bsse, entry), ""))
        if record is not None:
            found["settings"] = self._index(record)
        return found

    def _index(self, record: Record) -> int:
        facts = {**dict(record.provenance.get("options") or {}), **dict(record.provenance.get("settings") or {})}
        facts = {str(k): v for k, v in facts.items() if isinstance(v, str | int | float | bool)}
        facts = {k: v for k, v in facts.items() if not (isinstance(v, float) and not math.isfinite(v))}
        versions = record.provenance.get("versions") or {}
        facts["versions"] = ", ".join(f"{k} {v}" for k, v in versions.items())
        warnings = record.provenance.get("warnings") or []
        if warnings:
            facts["warnings"] = "; ".join(str(w) for w in warnings)
        if facts not in self.settings:
            self.settings.append(facts)
        return self.settings.index(facts)


def distance_heat(methods: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]]) -> Heat | None:
    """Method × method: root mean square difference, neighbours alike; a cell opens what is known of the pair."""
    names = [c for c in methods["order"]][:MOST_COLUMNS]
    index = {name: i for i, name in enumerate(methods["columns"])}
    key = (methods["benchmark"], methods["observable"], methods["within"])
    known = {frozenset((p["a"], p["b"])): p for p in pairs if (p["benchmark"], p["observable"], p["within"]) == key}
    distance = methods["distance"]
    values = [d for row in distance for d in row if d]
    scale = max(values) if values else 1.0
    cells: list[list[dict[str, str] | None]] = []
    detail: list[list[dict[str, Any] | None]] = []
    for a in names:
        row: list[dict[str, str] | None] = []
        row_detail: list[dict[str, Any] | None] = []
        for b in names:
            d, pair = distance[index[a]][index[b]], known.get(frozenset((a, b)))
            if d is None or pair is None or a == b:
                row.append(None)
                row_detail.append(None)
                continue
            row.append({"text": f"{d:.3g}", "colour": colour(d / scale)})
            row_detail.append(_pair_detail(pair, a))
        cells.append(row)
        detail.append(row_detail)
    note = f"Root mean square difference over shared entries, {methods['unit']}; methods that are alike stand together."
    alike = [f"{_some(a)} with {_some(b)} ({d:.3g})" for a, b, d in methods["merges"][:3]]
    if len(names) > 2:
        note += f" The closest: {'; '.join(alike)}."
    within = f", within {methods['within']}" if methods["within"] else ""
    return Heat(f"Methods by methods{within}", note, names, names, cells, detail)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")


def improvement_heat(pairs: pd.DataFrame, names: Names = SPELLINGS) -> Heat | None:
    """Level × level: how probable the row is to err less than the column on a new entry; a cell opens the pair."""
    if pairs.empty:
        return None
    found_names: dict[str, None] = {}
    known: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
    for row in rows_of(pairs.sort_values("mean_absolute_error_a")):
        a, b = names.of(row["level_a"], row["bsse_a"]), names.of(row["level_b"], row["bsse_b"])
        found_names.update({a: None, b: None})
        unit, p = row["unit"], float(row["improvement_probability"])
        ends = ""
        if not is_missing(row["improvement_probability_low"]):
            ends = f" ({row['improvement_probability_low']:.0%}–{row['improvement_probability_high']:.0%})"
        found: dict[str, Any] = {
            "better": a,
            "entries both have": int(row["n_common"]),
            "mean absolute errors": f"{row['mean_absolute_error_a']:.4g} and {row['mean_absolute_error_b']:.4g} {unit}",
            "difference": f"{row['difference']:.3g} {unit}",
            "probability to err less": f"{p:.0%}{ends}",
        }
        if not is_missing(row["difference_low"]):
            found["difference"] += f" ({row['difference_low']:.3g} … {row['difference_high']:.3g})"
        for key, what in (("mean_gain", "mean gain where it wins"), ("mean_loss", "mean loss where it does not")):
            if not is_missing(row[key]):
                found[what] = f"{row[key]:.3g} {unit}"
        if not is_missing(row["inversion_probability"]):
            found["probability that their ranks are inverted"] = f"{row['inversion_probability']:.1%}"
        known[a, b], known[b, a] = (p, found), (1.0 - p, found)
    order = list(found_names)[:MOST_COLUMNS]
    cells = [
        [
            {"text": f"{known[a, b][0]:.0%}", "colour": colour(2.0 * known[a, b][0] - 1.0)} if (a, b) in known else None
            for b in order
        ]
        for a in order
    ]
    detail = [[known[a, b][1] if (a, b) in known else None for b in order] for a in order]
    note = (
        "How probable the level of the row is to err less than that of the column on a new entry (systematic "
        "improvement probability; orange: more often). A cell opens the pair: the difference of the mean absolute "
        "errors with its interval, gains and losses, and how probable it is that their ranks are inverted."
    )
    return Heat("Level by level", note, order, order, cells, detail, folded=True)


def inversion_heat(pairs: pd.DataFrame, names: Names = SPELLINGS) -> Heat | None:
    """Level × level: how probable it is that the ranking of the two turns round with other entries."""
    made = improvement_heat(pairs[pairs["inversion_probability"].notna()], names)
    if made is None:
        return None
    key = "probability that their ranks are inverted"
    cells = [
        [None if d is None else {"text": d[key], "colour": colour(2.0 * float(d[key].rstrip("%")) / 100)} for d in row]
        for row in made.details
    ]
    note = (
        "How probable it is that the two levels change places when the entries are drawn again; 50 % is a toss-up "
        "(rank inversion matrix of Pernot and Savin)."
    )
    return Heat("Rank inversion", note, made.columns, made.rows, cells, made.details, folded=True)


def _pair_detail(pair: Mapping[str, Any], a: str) -> dict[str, Any]:
    sign = 1.0 if pair["a"] == a else -1.0
    unit = pair["unit"]
    found = {
        "entries both have": pair["n"],
        "mean difference": f"{sign * pair['mean_difference']:+.4g} {unit}",
        "mean absolute difference": f"{pair['mean_absolute_difference']:.4g} {unit}",
        "largest |z|": f"{pair['max_z']:.2f} on {pair['max_z_entry']}",
        "entries with a significant difference": pair["n_significant"],
    }
    if pair["max_z_statistical"] is not None:
        found["largest |z| by statistical uncertainty alone"] = f"{pair['max_z_statistical']:.2f}"
    return found
