"""Markup of every language, in every text that a file, a method or a run can bring, stays text in every output."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from dataclasses import replace

import pytest
from toy_runs import computed

from qmbench.domain.record import Failure
from qmbench.domain.visible import visible
from qmbench.judging.model import evaluation_in
from qmbench.report.renderers.files import csv_text, write_json_object
from qmbench.report.write import write_report
from qmbench.running.store import Store

PAYLOAD = (
    "=cmd|'/C calc'!A0 <script>window.hit=1</script><img src=x onerror=window.hit=1> | [bold red]rich[/] "
    "\\input{/etc/passwd} $x$ %c {{7*7}} ![i](http://evil/x) `q` \x1b[31mred\x1b]0;title\x07\x9b1m \u202eback"
)
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
TOML = json.dumps(PAYLOAD)


@pytest.fixture
def hostile(toys, tmp_path, toy_folder):
    """A store with a run in which every text is hostile, and the folder of its benchmark."""
    folder = toy_folder
    toml = folder / "benchmark.toml"
    text = toml.read_text()
    for key, old in (("title", "Toy"), ("title", "the paper"), ("small", "few"), ("kind", "what"), ("text", "Toy")):
        assert f'{key} = "{old}"' in text
        text = text.replace(f'{key} = "{old}"', f"{key} = {TOML}")
    text = text.replace('"negative: bound"', TOML).replace('"Apache-2.0"', TOML)
    toml.write_text(text)
    path = folder / "references.csv"
    head, *rows = csv.reader(io.StringIO(path.read_text()))
    for row in rows:
        row[6] = row[8] = row[10] = PAYLOAD
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows([head, *rows])
    evaluation, _ = computed(folder, "toy/x")
    levels = {
        name: replace(level, label=PAYLOAD, citations=(PAYLOAD,), families={"program": PAYLOAD})
        for name, level in evaluation.run.levels.items()
    }
    run = replace(evaluation.run, title=PAYLOAD, levels=levels)
    records = []
    for record in evaluation.records.values():
        if record.system_name.endswith("ar"):
            record = replace(record, status="failed", quantity=None, failure=Failure("error", PAYLOAD, PAYLOAD))
        told = {**record.provenance, "warnings": [PAYLOAD], "settings": {"a": PAYLOAD, PAYLOAD: 1}}
        records.append(replace(record, provenance=told))
    store = tmp_path / "qmbench-data" / "store.sqlite"
    with Store(store) as made:
        made.put(records)
        made.save_run(run.to_json())
    return store, folder, [record.key for record in records]


@pytest.fixture
def files(hostile, tmp_path):
    """name -> text of each file of the report."""
    with Store(hostile[0], read_only=True) as store:
        evaluation = evaluation_in(store)
    paths = write_report(evaluation, tmp_path / "report", ["html", "md", "latex", "csv", "json", "figures"])
    return {
        p.name: p.read_text(encoding="utf-8") for p in paths if p.suffix in (".html", ".md", ".tex", ".csv", ".json")
    }


def test_nothing_acts_in_any_file(files):
    assert {"report.html", "tables.md", "tables.tex", "statistics.json"} <= set(files)
    for name, text in files.items():
        assert not CONTROL.search(text), name
        told = name.endswith((".html", ".md", ".tex")) or name.startswith("results-")
        assert not told or "=cmd" in text, name  # it is there, as text


def test_html(files):
    page = files["report.html"]
    assert "<script>window" not in page
    assert "<img src=x" not in page
    assert "49" not in re.findall(r"<title>(.*?)</title>", page)[0]


def test_markdown(files):
    """Each | that is no border, [ and < is escaped, so that a row keeps its columns and nothing is a link or a tag."""
    text = files["tables.md"]
    assert not re.search(r"(?<!\\)<(script|img)", text)
    assert not re.search(r"(?<!\\)\]\(http", text)
    columns = 0
    for line in text.splitlines():
        here = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not columns or not here or here == columns
        columns = here


def test_latex(files):
    text = files["tables.tex"]
    assert r"\input" not in text
    assert "=cmd" in text


def test_csv(files):
    found = 0
    for name, text in files.items():
        for row in csv.reader(io.StringIO(text)) if name.endswith(".csv") else ():
            for cell in row:
                if cell[:1] in ("=", "+", "@", "-"):
                    assert re.fullmatch(r"[+-]\d[\d.]*(e[+-]?\d+)?", cell), (name, cell)  # a number
                found += cell.startswith("'=cmd")
    assert found > 10


def test_numbers_stay_numbers_in_csv():
    import pandas as pd

    table = pd.DataFrame(
        {"x": [-1.5, 2.0], "text": ["-1+1", "a-b"], "mixed": [-3, "=1"], "n": [-1, 1], "none": [None, "@"]}
    )
    assert csv_text(table) == "x,text,mixed,n,none\n-1.5,'-1+1,-3,-1,\n2,a-b,'=1,1,'@\n"


def test_csv_is_that_of_pandas_but_for_formulas(monkeypatch):
    import numpy as np
    import pandas as pd

    from qmbench.report.renderers import files

    monkeypatch.setattr(files, "AT_ONCE", 2)  # several parts, the last one shorter
    nan = float("nan")
    table = pd.DataFrame(
        {
            "number": [1 / 3, -1e-20, 1e300, nan, 5.0],
            "single": np.array([0.1, nan, 1.0, -np.inf, 3e7], dtype=np.float32),
            "integer": [1, -2, 3, 10**15, 0],
            "perhaps": pd.array([1, None, 3, -4, 5], dtype="Int64"),
            "yes": [True, False, True, True, False],
            "maybe": pd.array([True, None, False, None, True], dtype="boolean"),
            "text": ["a,b", 'say "it"', None, "two\nlines", ""],
            "kind": pd.Categorical(["x", "y", None, "x", "y"]),
            "mixed": [1, 2.5, "three", None, True],
        }
    )
    assert csv_text(table) == table.to_csv(index=False, float_format="%.12g", lineterminator="\n")
    assert csv_text(table.iloc[:0]) == table.iloc[:0].to_csv(index=False, lineterminator="\n")


def test_json_in_pieces_says_what_it_is_given(tmp_path):
    acting = "\x1b[31m\x7f\x85\u202eé ’"
    document = {"none": [], "some": [{"x": 1e-300, acting: [acting, None, True]}, 2], "one": {"n": 3}, acting: 0.1}
    path = tmp_path / "some.json"
    write_json_object(path, {**document, "no number": [float("nan"), float("inf")]})
    text = path.read_text()
    assert json.loads(text) == {**document, "no number": [None, None]}
    assert visible(text) == text  # nothing that acts, other than escaped
    assert "é ’" in text
    # Halves of surrogate pairs are no characters of UTF-8, and come from names of files, say.
    broken = {"a\udcff": ["b\ud800", {"c\udc00": 1.5}], "plain": 1}
    write_json_object(path, broken)
    assert json.loads(path.read_text()) == broken
    write_json_object(path, {})
    assert path.read_text() == "{}\n"


@pytest.mark.parametrize("command", ["report", "disagree", "show run", "show record", "lint", "json", "prune"])
def test_terminal(qmbench, hostile, command):
    store, folder, keys = hostile
    arguments = {
        "report": [("report", "r", "--format", "csv")],
        "disagree": [("disagree", "r")],
        "show run": [("show", "r")],
        "show record": [("show", key) for key in keys],
        "lint": [("lint", folder)],
        "json": [("disagree", "r", "--json"), ("show", keys[0], "--json")],
        "prune": [("store", "prune", "--dry-run")],
    }[command]
    for call in arguments:
        code, out, err = qmbench(*call, *(() if command == "lint" else ("--store", store)))
        assert code in (0, 1), err
        assert not CONTROL.search(out + err)
        if command == "show record":
            assert "[bold red]rich[/]" in " ".join(out.split())
        if command == "json":
            json.loads(out)


CHROMIUM = os.environ.get("QMBENCH_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium; apt-get install chromium")
def test_in_a_browser(hostile, tmp_path):
    from playwright.sync_api import sync_playwright

    with Store(hostile[0], read_only=True) as store:
        (path,) = write_report(evaluation_in(store), tmp_path / "report", ["html"])
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda r: asked.append(r.url) if r.url != path.as_uri() else None)
        page.goto(path.as_uri())
        for detail in page.locator("details").all():
            detail.evaluate("d => d.open = true")
        assert page.evaluate("window.hit") is None
        assert page.locator("img[src=x]").count() == 0
        assert page.evaluate("document.body.innerText").count("<script>window.hit=1</script>") > 3
        assert asked == []
        browser.close()
