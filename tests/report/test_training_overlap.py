"""Entries that a level was trained on are flagged in every format."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest
from rich.console import Console

from qmbench.judging.model import Evaluation
from qmbench.report import disagree_text
from qmbench.report.renderers.html import html_report, unpacked
from qmbench.report.renderers.markdown import escape_markdown, to_markdown
from qmbench.report.renderers.terminal import render_terminal
from qmbench.report.write import write_report

SAID = "† 3 of 8 entries were in the training data of good/<b> [cp]"


@pytest.fixture(scope="module")
def learned(made):
    results = made.results.copy()
    mine = results["level_of_theory"].eq("good/<b>") & results["entry"].isin(["e0", "e1", "e2"])
    results["training_overlap"] = mine.map({True: "same molecule: water (0.2)", False: ""})
    return Evaluation(made.run, {}, made.benchmarks, results, made.references)


def test_statistics_count_the_scored_entries(learned):
    whole = learned.statistics[learned.statistics["subset"] == "all"].set_index("level_of_theory")
    assert whole["n_training_overlap"].to_dict() == {"good/<b>": 3, "wild/b?x=1": 0, "hf/sto-3g": 0}


def test_entries_of_the_training_data_do_not_score_the_level(made, learned):
    before, after = (
        x.statistics[x.statistics["subset"] == "all"].set_index("level_of_theory").loc["good/<b>"]
        for x in (made, learned)
    )
    errors = made.scored[made.scored["level_of_theory"] == "good/<b>"].set_index("entry")["error"].abs()
    trained = ["e0", "e1", "e2"]
    assert before["n_scored"] == 8
    assert after["n_scored"] == 5
    assert after["mean_absolute_error"] == pytest.approx(errors.drop(trained).mean())
    assert after["in_sample_mean_absolute_error"] == pytest.approx(errors[trained].mean())


def test_terminal(learned):
    out = io.StringIO()
    render_terminal(learned.statistics, learned.scored, learned.benchmarks, Console(file=out, width=200))
    assert "5/8 †" in out.getvalue()
    assert SAID in out.getvalue()


def test_a_run_without_overlap_says_nothing(made):
    assert "†" not in to_markdown(made.statistics, made.scored, made.benchmarks)


@pytest.mark.parametrize(
    ("kind", "file", "says"),
    [
        ("md", "tables.md", ["5/8 †", escape_markdown(SAID)]),
        ("md", "disagreement.md", ["handmade/e0 †", "no independent witness"]),
        ("latex", "tables.tex", [r"5/8\textsuperscript{\dag}", r"\dag{}: 3 of 8 entries were in the training data"]),
        ("csv", "results-handmade-interaction_energy.csv", ["training_overlap", "same molecule: water (0.2)"]),
        ("csv", "statistics-handmade-interaction_energy.csv", ["n_training_overlap"]),
        ("json", "statistics.json", ['"n_training_overlap": 3']),
        ("json", "disagreement.json", ['"training_overlap":"same molecule: water (0.2)"']),
    ],
)
def test_files(learned, tmp_path, kind, file, says):
    write_report(learned, tmp_path, [kind])
    text = (tmp_path / file).read_text()
    for words in says:
        assert words in text


def test_parquet(learned, tmp_path):
    write_report(learned, tmp_path, ["parquet"])
    table = pd.read_parquet(tmp_path / "results.parquet")
    marked = table[table["training_overlap"] == "same molecule: water (0.2)"]
    assert set(zip(marked["level_of_theory"], marked["entry"], strict=True)) == {
        ("good/<b>", f"e{i}") for i in range(3)
    }
    assert 3 in set(pd.read_parquet(tmp_path / "statistics.parquet")["n_training_overlap"])


def test_page(learned):
    page = html_report(learned)
    assert "5/8 †" in page
    assert "3 of 8 entries were in the training data" in page
    assert "same molecule: water (0.2)" in unpacked(page)["words"]  # behind the cell


def test_disagreement_on_the_terminal(learned):
    out = io.StringIO()
    disagree_text.render_terminal(learned.disagreement, Console(file=out, width=200))
    assert "handmade/e0 †" in out.getvalue()
    assert "handmade/e7 †" not in out.getvalue()
    assert "no independent witness" in out.getvalue()


def test_votes_say_which_level_was_trained(learned):
    entry = next(x for x in learned.disagreement["entries"] if x["entry"] == "e0")
    assert {v["method"] for v in entry["votes"] if v["training_overlap"]} == {"good/<b>"}
    json.dumps(learned.disagreement, allow_nan=False)
