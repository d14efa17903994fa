"""Every format of the report: the numbers are there, the texts are escaped, nothing is fetched from anywhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from qmbench import InputError
from qmbench.plugging.registry import plugins
from qmbench.report.charts import pareto_front
from qmbench.report.comparisons import tables_beside
from qmbench.report.provenance import bibtex
from qmbench.report.renderers.html import unpacked
from qmbench.report.renderers.latex import escape_latex
from qmbench.report.write import write_report


@pytest.fixture(scope="module")
def page(made, tmp_path_factory):
    (path,) = write_report(made, tmp_path_factory.mktemp("html"), ["html"])
    return path.read_text(encoding="utf-8")


class Document(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.scripts, self.buttons = [], [], 0, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given[k] for k in ("href", "src") if given.get(k)]
        self.scripts += tag == "script"
        self.buttons += [given] if tag == "button" else []


def test_one_file_that_fetches_nothing_and_is_small(page):
    assert len(page.encode()) < 2_000_000
    document = Document(page)
    assert all(link.startswith("#") for link in document.links)
    assert "default-src 'none'" in page
    assert len(document.ids) == len(set(document.ids))
    assert {link[1:] for link in document.links} <= set(document.ids)


def test_texts_from_outside_are_escaped(page):
    assert Document(page).scripts == 2
    assert "<script>alert(1)" not in page
    assert "Eight &lt;made-up&gt; complexes &amp; a curve" in page


def test_a_reader_finds_the_summary_the_numbers_and_the_reasons(page, made):
    text = re.sub(r"<[^>]+>", " ", page.split('<script type="application/octet-stream"')[0])
    assert "23 of 24" in text
    assert "1 failed" in text
    assert "Do the references agree?" in text
    assert "signal 11" in text
    assert "reference set best" in text
    row = made.statistics.query("subset == 'all' and method == 'good'").iloc[0]
    assert f"{row['mean_absolute_error']:.3f}" in text


def test_every_cell_of_a_heat_map_has_its_details(page):
    data = unpacked(page)
    tables = re.findall(r'<table class="heat" data-heat="(\w+)">(.*?)</table>', page, re.S)
    assert len(tables) == 4
    for name, text in tables:
        rows = re.findall(r"<tr><th scope=.row.>(.*?)</tr>", text, re.S)
        assert len(rows) == len(data["cells"][name])
        for row, details in zip(rows, data["cells"][name], strict=True):
            cells = re.findall(r"<td>(.*?)</td>", row, re.S)
            assert [bool(d) for d in details] == ["<button" in cell for cell in cells]
    first = data["cells"]["b0h0"][0][0]
    opened = dict(zip(first[::2], first[1::2], strict=True))
    opened = {data["words"][k]: data["words"][v] for k, v in opened.items()}
    assert {"value", "uncertainty", "level of theory", "deviation from the others"} <= set(opened)
    entry = [data["words"][k] for k in data["rows"]["b0h0"][0][::2]]
    assert {"verdict", "consensus", "Birge ratio", "between methods"} <= set(entry)
    assert {f"b0-{name}" for name in ("errors", "parity", "curves", "cost")} <= set(Document(page).ids)


def test_figures_are_in_the_page_and_not_drawn_by_it(page):
    """No script stands between a reader and a figure; what a mark stands for is its title."""
    places = re.findall(r'<div class="chart".*?</div>', page, re.S)
    assert len(places) == 4
    assert all("<svg" in place for place in places)
    parity = next(place for place in places if 'id="b0-parity"' in place)
    assert parity.count("<title>") == 23  # one per result
    assert "<title>level hf/sto-3g [cp]; entry e0; reference −5; value −" in parity
    used = set(re.findall(r'href="#([^"]+)"', parity)) | set(re.findall(r"url\(#([^)]+)\)", parity))
    assert used <= set(re.findall(r' id="([^"]+)"', parity))
    assert len(page.encode()) < 400_000


def test_the_story_comes_first_and_a_figure_before_any_table(page):
    order = [
        "What was asked",
        "Which levels can be told apart",
        "Do the references agree?",
        "What is surprising",
        '<section id="b0"',
        '<figure class="rows">',
        '<table class="sortable" id="b0t0"',
        "More figures",
    ]
    begin = page.index("<main")
    places = [page.index(what, begin) for what in order]
    first_block = page.index('<section id="b0"')
    places[5] = page.index(order[5], first_block)
    assert places == sorted(places)


EXTRAS = (
    "All statistics with their intervals",
    "Level against level",
    "Ranks",
    "Against every reference set",
    "Without single entries",
    "Level by level",
    "Rank inversion",
)


@pytest.mark.parametrize("title", EXTRAS)
def test_how_levels_compare_is_folded_away_in_the_page(page, title):
    assert f"<summary>{title}</summary>" in page


def test_how_levels_compare_is_in_markdown_with_whole_tables(made, tmp_path):
    tables, _ = write_report(made, tmp_path, ["md"])
    text = tables.read_text(encoding="utf-8")
    for title in EXTRAS[:5]:
        assert f"<details><summary>{title}</summary>" in text
    assert text.count("<details>") == text.count("</details>")
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines()]
    for before, after in pairwise(widths):
        assert not before or not after or before == after
    row = made.pairs.iloc[0]
    assert f"{row['improvement_probability']:.0%}" in text


def test_a_statistic_shows_its_interval_and_its_propagated_uncertainty(made):
    extra = next(x for x in tables_beside(made, "handmade", "interaction_energy") if "All" in x.title)
    good = next(r for r in extra.rows if r[0].startswith("good"))
    row = made.statistics.query("subset == 'all' and method == 'good'").iloc[0]
    cell = dict(zip(extra.columns, good, strict=True))["rms"]
    low, high = (row[f"root_mean_square_error_{end}"] for end in ("low", "high"))
    u = row["root_mean_square_error_uncertainty"]
    assert cell == f"{row['root_mean_square_error']:.4f} ± {u:.2g} ({low:.4f}–{high:.4f})"
    assert "–" not in dict(zip(extra.columns, good, strict=True))["max"]


def test_what_is_sorted_by_another_number_than_the_shown_one_says_it(page):
    sorts = re.findall(r'<td class="n" data-sort="([^"]*)">', page)
    assert sorts
    assert all(float(s) is not None for s in sorts)


def test_latex_has_as_many_cells_in_every_row(made, tmp_path):
    (path,) = write_report(made, tmp_path, ["latex"])
    text = path.read_text(encoding="utf-8")
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 3
    assert {line.count(" & ") for line in body} == {6}
    assert r"wild/b?x=1 [cp]" in text
    assert escape_latex("a_b & 5% {x}") == r"a\_b \& 5\% \{x\}"


def test_csv_json_and_parquet_hold_the_same_numbers(made, tmp_path):
    paths = {p.name: p for p in write_report(made, tmp_path, ["csv", "json"])}
    statistics = pd.read_csv(paths["statistics-handmade-interaction_energy.csv"])
    rows = json.loads(paths["statistics.json"].read_text())["statistics"]
    name = "mean_absolute_error_kcal_mol"
    assert [r[name] for r in rows] == pytest.approx(statistics[name].tolist())
    document = json.loads(paths["disagreement.json"].read_text())
    assert {x["entry"] for x in document["entries"]} == {f"e{i}" for i in range(8)}
    assert {"pairs.csv", "ranks.csv", "reference_sets.csv", "leave_one_out.csv"} <= set(paths)
    write_report(made, tmp_path, ["parquet"])
    tidy = pd.read_parquet(tmp_path / "results.parquet")
    assert tidy["error"].to_numpy() == pytest.approx(made.scored["error"].to_numpy(), nan_ok=True)


def test_figures_are_written_in_every_kind(made, tmp_path):
    paths = write_report(made, tmp_path, ["figures"])
    heads = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<svg", ".json": b"{"}
    assert {p.suffix for p in paths} == set(heads)
    for path in paths:
        assert path.read_bytes().startswith(heads[path.suffix]), path


def test_an_unknown_format_is_named_with_the_right_ones(made, tmp_path):
    with pytest.raises(InputError, match="'htm'; did you mean 'html'"):
        write_report(made, tmp_path, ["htm"])
    assert set(plugins().formats) == {"html", "md", "latex", "csv", "json", "parquet", "figures"}


def test_pareto_front():
    cost, error = np.array([1.0, 2.0, 3.0, 2.5, 1.0]), np.array([5.0, 3.0, 1.0, 4.0, 6.0])
    assert pareto_front(cost, error).tolist() == [True, True, True, False, False]


def test_bibtex_keys_are_unique_and_sources_come_once():
    text = bibtex([("10.1000/182", "A & B"), ("", "A book without DOI"), ("10.1000/183", "")])
    keys = re.findall(r"@misc\{(\w+),", text)
    assert len(keys) == len(set(keys)) == 3
    assert r"A \& B" in text
    assert "doi = {10.1000/182}" in text


def test_a_limit_of_an_approximation_judges_only_its_levels(made):
    from qmbench.report.comparisons import set_table

    sets = made.sets
    table = set_table(sets, {"best": "estimate", "other": "limit"}, {"other": "hf"})
    column = table.columns.index("other")
    shown = {row[0].split(" ")[0]: row[column] for row in table.rows}
    assert shown["hf/sto-3g"] != "–"
    assert shown["good/<b>"] == shown["wild/b?x=1"] == "–"
    assert shown["role"] == "limit within hf"
    assert table.rows[-1][column] == "–"
    whole = set_table(sets, {}, {})
    assert all("–" not in row[column].split("(")[0] for row in whole.rows[:3])


def test_the_hottest_disagreements_are_the_most_surprising():
    """Of L7, where coupled cluster and Monte Carlo differ by more than both state, and not where MP2 overbinds as
    ever."""
    from qmbench.data.benchmark import find_benchmark
    from qmbench.judging.model import Evaluation
    from qmbench.report.drawings import Gallery
    from qmbench.report.renderers.page import surprises

    report = Evaluation.published([find_benchmark("l7")])
    shown = surprises(report, report.disagreement, Gallery())["open"]
    assert [x["where"] for x in shown] == ["l7/gcgc", "l7/c3gc", "l7/c2c2pd"]
    assert "both claim reference quality" in shown[0]["why"]
