"""The explanations of learned levels in reports: the most uncertain first, and not more than a report can hold."""

from __future__ import annotations

import re
from dataclasses import replace

from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Record
from qmbench.judging.model import Evaluation
from qmbench.report.explanations import MOST_EXPLAINED, MOST_ROWS, explanation_line, explanations
from qmbench.report.renderers.html import html_report
from qmbench.report.write import write_report
from qmbench.running.plan import PlannedEntry

LEVEL = "good/<b>"


def key(entry):
    return f"{entry}".ljust(32, "a")


def record(entry, rows=2, **settings):
    table = {"columns": ["atom", "share"], "rows": [[f"O{i} | <i>", -0.5] for i in range(rows)], "note": "<hartree>"}
    provenance = {"settings": {}, "explanation": table, **settings}
    quantity = Quantity(-1.0, "hartree", 0.01, "model")
    return Record(key(entry), LEVEL, f"system {entry}", "0", "energy", "ok", quantity, provenance=provenance)


def report(made, records, uncertainty, kind="model", results=None):
    """`made` with `records` behind the entries of LEVEL, whose uncertainties are uncertainty(number of the entry)."""
    results = (made.results if results is None else results).copy()
    mine = results["level_of_theory"].eq(LEVEL)
    results.loc[mine, "uncertainty"] = [uncertainty(int(e[1:])) for e in results.loc[mine, "entry"]]
    results.loc[mine, "uncertainty_kind"] = kind
    entries = tuple(PlannedEntry(LEVEL, "cp", "handmade", e, ((1.0, key(e)),)) for e in results.loc[mine, "entry"])
    return Evaluation(
        replace(made.run, entries=entries), {r.key: r for r in records}, made.benchmarks, results, made.references
    )


def shown(report):
    return [re.search(r"handmade/(\w+):", t.title)[1] for t in explanations(report).tables]


def test_the_most_uncertain_come_first_whatever_they_are_worth(made):
    # Relative to what matters, a tenth of the value: e7 is the largest number, and e0 the smallest.
    found = report(made, [record(e) for e in ("e0", "e3", "e7")], lambda i: {0: 0.5, 3: 0.9, 7: 1.0}.get(i, 9.0))
    assert shown(found) == ["e3", "e0", "e7"]
    assert explanations(found).key == key("e3")


def test_without_an_uncertainty_of_a_model_it_comes_last(made):
    found = report(made, [record("e0"), record("e1")], lambda i: float("nan") if i == 0 else 1e-9)
    assert shown(found) == ["e1", "e0"]
    assert "±" not in explanations(found).tables[1].title
    assert shown(report(made, [record("e0"), record("e1")], lambda i: 1.0 + i, kind="statistical")) == ["e0", "e1"]


def test_long_tables_are_cut_and_say_so(made):
    table = explanations(report(made, [record("e0", rows=50)], lambda i: 1.0)).tables[0]
    assert len(table.rows) == MOST_ROWS
    assert f"the first {MOST_ROWS} of 50 rows" in table.note
    assert f"in full: qmbench show {key('e0')[:12]}" in table.note
    assert table.numeric == (False, True)


def test_an_overlap_is_said_beside_the_explanation(made):
    overlap = {"molecule": "water", "distance": 0.2, "kind": "same molecule"}
    table = explanations(report(made, [record("e0", training_overlap=overlap)], lambda i: 1.0)).tables[0]
    assert "in the training data: same molecule: water (0.2)" in table.note


def test_the_page_folds_them_and_counts_what_it_leaves_out(made, monkeypatch):
    monkeypatch.setattr("qmbench.report.explanations.MOST_EXPLAINED", 3)
    page = html_report(report(made, [record(f"e{i}") for i in range(8)], lambda i: 1.0 + i))
    section = page[page.index('<section id="explanations"') : page.index('<section id="failures"')]
    assert section.count("<table") == 3
    assert section.count("<details>") == 4
    assert "<details open" not in section
    assert "5 more predictions" in section
    assert "O0 | &lt;i&gt;" in section
    assert "&lt;hartree&gt;" in section
    assert "<i>" not in section


def test_a_report_of_many_long_explanations_stays_small(made):
    bare, full = (
        len(html_report(report(made, [record(f"e{i}", rows) for i in range(8)] if rows else [], lambda i: 1.0)))
        for rows in (0, 200)
    )
    # Eight with 200 rows each; the most there can be is MOST_EXPLAINED.
    assert (full - bare) / 8 * MOST_EXPLAINED < 100_000


def test_markdown_has_one_line(made, tmp_path):
    found = report(made, [record("e0"), record("e1")], lambda i: 1.0 + i)
    write_report(found, tmp_path, ["md"])
    lines = [x for x in (tmp_path / "tables.md").read_text().splitlines() if "qmbench show" in x]
    assert lines == [explanation_line(found)]
    assert lines[0].startswith("2 predictions hold a table")


def test_a_run_without_explanations_says_nothing(made, tmp_path):
    assert explanation_line(made) == ""
    assert 'id="explanations"' not in html_report(made)
    spoiled = record("e0", explanation={"columns": []})
    assert explanations(report(made, [spoiled], lambda i: 1.0)).tables == ()
