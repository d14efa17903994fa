"""Every format of the report: the numbers are there, the texts are escaped, nothing is fetched from anywhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from qmbench import InputError
from qmbench.report.charts import pareto_front
from qmbench.report.latex import escape_latex
from qmbench.report.provenance import bibtex
from qmbench.report.write import FORMATS, write_report


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
    assert Document(page).scripts == 3
    assert "<script>alert(1)" not in page
    assert "Eight &lt;made-up&gt; complexes &amp; a curve" in page


def test_a_reader_finds_the_summary_the_numbers_and_the_reasons(page, made):
    text = re.sub(r"<[^>]+>", " ", page.split('<script type="application/json"')[0])
    assert "23 of 24" in text
    assert "1 failed" in text
    assert "Hottest disagreements" in text
    assert "signal 11" in text
    assert "reference set best" in text
    row = made.statistics.query("subset == 'all' and method == 'good'").iloc[0]
    assert f"{row['mean_absolute_error']:.3f}" in text


def test_every_cell_of_a_heat_map_has_its_details(page):
    data = json.loads(re.search(r'id="qmbench-data">(.*?)</script>', page, re.S)[1])
    cells = [b["data-cell"].split(",") for b in Document(page).buttons if "data-cell" in b]
    assert cells
    for table, row, column in cells:
        assert data["cells"][table][int(row)][int(column)]
    assert set(data["charts"]) == {"b0-errors", "b0-parity", "b0-curves", "b0-cost"}


def test_sorted_columns_sort_by_number_not_by_text(page):
    sorts = re.findall(r'<td class="n" data-sort="([^"]*)">', page)
    assert sorts
    assert all(s == "" or float(s) is not None for s in sorts)


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
    pytest.importorskip("pyarrow")
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
    assert set(FORMATS) == {"html", "md", "latex", "csv", "json", "parquet", "figures"}


def test_pareto_front():
    cost, error = np.array([1.0, 2.0, 3.0, 2.5, 1.0]), np.array([5.0, 3.0, 1.0, 4.0, 6.0])
    assert pareto_front(cost, error).tolist() == [True, True, True, False, False]


def test_bibtex_keys_are_unique_and_sources_come_once():
    text = bibtex([("10.1000/182", "A & B"), ("", "A book without DOI"), ("10.1000/183", "")])
    keys = re.findall(r"@misc\{(\w+),", text)
    assert len(keys) == len(set(keys)) == 3
    assert r"A \& B" in text
    assert "doi = {10.1000/182}" in text
