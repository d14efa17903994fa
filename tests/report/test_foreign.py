"""A foreign plugin's statistics, format and labels, in everything that a report writes; no core file knows them."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy.stats import binomtest

from qmbench import InputError, Statistic
from qmbench.cli.listing import list_things
from qmbench.domain.statistic import StatisticRegistry, registry_of
from qmbench.judging.model import Evaluation
from qmbench.judging.summaries import bare, evaluate
from qmbench.plugging.registry import canonical_level, discover, parse_level, plugins
from qmbench.report.model import names_of
from qmbench.report.renderers.html import unpacked
from qmbench.report.renderers.latex import to_latex
from qmbench.report.renderers.markdown import to_markdown
from qmbench.report.renderers.terminal import render_terminal
from qmbench.report.write import write_report

PLUGIN = Path(__file__).parent / "plugin"
STD, SHARE = "standard_deviation_of_errors", "within_chemical_accuracy"


@pytest.fixture
def foreign(known):
    """The plugin, installed."""
    known("qmbench_reporting", PLUGIN)
    canonical_level.cache_clear()
    yield plugins()
    canonical_level.cache_clear()


@pytest.fixture
def report(foreign, made):
    return Evaluation(made.run, {}, made.benchmarks, made.results, made.references)


def row_of(report, method="good"):
    return report.statistics.query("subset == 'all' and method == @method").iloc[0]


def test_the_plugin_is_whole(foreign):
    (info,) = [info for info in foreign.infos if info.name == "reporting"]
    assert info.error == ""
    assert list(foreign.statistics) == [
        "mean_signed_error",
        "mean_absolute_error",
        "root_mean_square_error",
        STD,
        "median_absolute_error",
        "percentile_95_absolute_error",
        "max_absolute_error",
        SHARE,
    ]


def test_the_numbers_are_right(report):
    for method in ("good", "wild", "hf"):
        row = row_of(report, method)
        errors = report.scored.query("method == @method")["error"].dropna().to_numpy()
        assert row[STD] == pytest.approx(np.std(errors, ddof=1))
        hits = int((np.abs(errors) <= 1.0).sum())
        assert row[SHARE] == pytest.approx(100 * hits / len(errors))
        exact = binomtest(hits, len(errors)).proportion_ci(0.95, "exact")
        assert (row[f"{SHARE}_low"], row[f"{SHARE}_high"]) == pytest.approx((100 * exact.low, 100 * exact.high))
    assert row_of(report)[f"{STD}_low"] < row_of(report)[STD] < row_of(report)[f"{STD}_high"]


def test_the_interval_of_a_standard_deviation_covers(foreign):
    """95 % intervals of 400 normal samples of 25: a declaration alone gets what the core's statistics have."""
    rng = np.random.default_rng(1)
    made = evaluate(bare(rng.normal(0.7, 2.0, (25, 400))), [foreign.statistics[STD]], 0.95, 2000)
    covered = (made[f"{STD}_low"] <= 2.0) & (made[f"{STD}_high"] >= 2.0)
    assert 0.92 <= covered.mean() <= 0.99


def test_they_are_in_every_format(report, tmp_path):
    row = row_of(report)
    out = io.StringIO()
    render_terminal(report.statistics, report.scored, report.benchmarks, Console(file=out, width=220))
    terminal = out.getvalue()
    assert "within 1 kcal/mol, %" in terminal
    share = f"{row[f'{SHARE}_low']:.1f}"
    assert share in terminal
    paths = {p.name: p for p in write_report(report, tmp_path, ["html", "md", "latex", "csv", "json"])}
    texts = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    spread = f"{row[STD]:.4f} ({row[f'{STD}_low']:.4f}–{row[f'{STD}_high']:.4f})"
    for name in ("tables.md", "report.html"):
        assert "within 1 kcal/mol, %" in texts[name]
        assert spread in texts[name]
    assert r"{within 1 kcal/mol / \%}" in texts["tables.tex"]
    body = texts["tables.tex"].split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert {line.count(" & ") for line in body} == {8}
    table = pd.read_csv(paths["statistics-handmade-interaction_energy.csv"])
    named = {f"{STD}_kcal_mol", f"{STD}_low_kcal_mol", f"{SHARE}_percent", f"{SHARE}_high_percent"}
    assert named <= set(table.columns)
    assert named <= set(json.loads(texts["statistics.json"])["statistics"][0])


def test_a_statistic_that_means_nothing_here_has_no_column(report):
    lattice = Evaluation(
        report.run,
        {},
        report.benchmarks,
        report.results.assign(unit="t"),
        report.references.assign(unit="t"),
    )
    text = to_markdown(lattice.statistics, lattice.scored, lattice.benchmarks, comparisons=lattice)
    assert "within 1 kcal/mol" not in text
    assert "| std |" in text
    assert "within" not in to_latex(lattice.statistics, lattice.benchmarks)
    assert f"{SHARE}" in lattice.statistics


def test_a_format_is_written_by_its_name(report, tmp_path):
    (path,) = write_report(report, tmp_path / "new", ["jsonl"])
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == len(report.scored)
    assert rows[0]["entry"] == "e0"
    with pytest.raises(InputError, match=r"'jsnl'; did you mean 'jsonl'.* \(there are: html, md, .*jsonl\)"):
        write_report(report, tmp_path, ["jsnl"])


@pytest.mark.parametrize(("what", "name"), [("formats", "jsonl"), ("statistics", STD)])
def test_they_are_listed(foreign, capsys, what, name):
    assert list_things(what, json=True) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[name]["what"]


# --- what is refused ---


def statistic(name="some", label="some", **more):
    return Statistic(name, label, "S", "what", "f(e)", lambda s: s.error.mean(axis=0), **more)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (statistic("mean_absolute_error"), "'mean_absolute_error' is already there"),
        (statistic(label="rms"), "label 'rms' is empty or already there"),
        (statistic("Some"), "can't be the name of a statistic"),
        (statistic("error_low"), "can't be the name"),
        (statistic("max_entry"), "column 'max_entry'"),
        (statistic(unit="kcal"), "unknown unit 'kcal'"),
        (statistic(entry=lambda s: s), "go together"),
        ("text", "not a Statistic"),
    ],
)
def test_a_wrong_statistic_is_refused_in_one_line(wrong, message):
    known = StatisticRegistry(plugins().statistics)
    with pytest.raises(InputError) as caught:
        known.add(wrong)
    assert message in str(caught.value)


def test_a_plugin_that_repeats_a_format_is_left_out_whole():
    import qmbench

    def point(name, module):
        return SimpleNamespace(name=name, load=lambda: module, dist=None)

    twice = ModuleType("twice")
    twice.QMBENCH_API = 2
    twice.qmbench_statistics = qmbench.hookimpl(lambda: [statistic()])
    twice.qmbench_formats = qmbench.hookimpl(lambda: [qmbench.ReportFormat("html", ("x",), "x", lambda r, f: [])])
    found = discover([point("twice", twice)])
    assert "format 'html' is already there" in found.infos[0].error
    assert "some" not in found.statistics


def test_it_is_not_for_an_environment_of_its_own(foreign):
    from qmbench.plugging.isolated.companion import _plugin

    with pytest.raises(InputError, match=r"plugin 'reporting' brings statistics, .* without --isolated"):
        _plugin("reporting")


def test_a_statistic_that_raises_is_blank_and_the_others_stay():
    broken = statistic("broken", "broken", per_level=True)
    object.__setattr__(broken, "function", lambda s: 1 / 0)
    with pytest.warns(UserWarning, match="statistic 'broken': ZeroDivisionError"):
        made = evaluate(bare(np.ones((3, 2))), [broken, statistic()], 0.95, 0)
    assert np.isnan(made["broken"]).all()
    assert (made["some"] == 1.0).all()


def test_a_statistic_needs_its_number_of_entries():
    two = statistic(minimum=2)
    made = evaluate(bare(np.array([[1.0, 2.0], [3.0, np.nan]])), [two], 0.95, 0)
    assert made["some"][0] == 2.0
    assert np.isnan(made["some"][1])


def test_a_statistic_may_take_one_level_at_a_time():
    spread = Statistic("range_of_errors", "range", "R", "what", "f", lambda s: np.ptp(s.error), per_level=True)
    made = evaluate(bare(np.array([[1.0, 2.0], [4.0, np.nan], [2.0, 7.0]])), registry_of([spread]).values(), 0.95, 0)
    assert made["range_of_errors"].tolist() == [3.0, 5.0]


# --- labels ---


def labelled(report, **labels):
    """The report with labels of its levels."""
    results = report.results.assign(label=[labels.get(m, "") for m in report.results["method"]])
    return Evaluation(report.run, {}, report.benchmarks, results, report.references)


def test_tables_show_the_label_and_say_once_what_it_stands_for(made):
    report = labelled(made, good="GOOD", hf="HF/STO-3G")
    text = to_markdown(report.statistics, report.scored, report.benchmarks, comparisons=report)
    main_table = text.split("<details>")[0]
    assert "GOOD \\[cp\\]" in main_table
    assert main_table.count("good/\\<b\\>") == 1
    assert "GOOD = good/\\<b\\>" in main_table
    assert "HF/STO-3G \\[cp\\]" in text
    assert "hf/sto-3g" not in main_table  # nothing but capitals: nobody needs to be told
    assert set(report.statistics["label"]) == {"GOOD", "HF/STO-3G", ""}
    assert set(report.statistics["level_of_theory"]) == set(made.statistics["level_of_theory"])


def test_two_levels_with_one_label_get_their_spellings(made):
    report = labelled(made, good="SAME", hf="same", wild="WILD")
    names = names_of(report.results)
    assert names.of("good/<b>") == "good/<b>"
    assert names.of("hf/sto-3g", "cp") == "hf/sto-3g [cp]"
    assert names.of("wild/b?x=1") == "WILD"
    taken = labelled(made, good="hf/sto-3g")
    assert names_of(taken.results).of("good/<b>") == "good/<b>"


def test_page_charts_heat_maps_and_disagreement_show_labels_and_details_the_spelling(made, tmp_path):
    report = labelled(made, wild="WILD")
    page, tables, ranking = write_report(report, tmp_path, ["html", "md"])
    text = page.read_text(encoding="utf-8")
    data = unpacked(text)
    drawn = re.findall(r'<div class="chart".*?</div>', text, re.S)
    assert len(drawn) == 4
    assert all("WILD [cp]" in chart for chart in drawn)
    assert not any("wild/b?x=1" in chart for chart in drawn)
    assert "wild/b?x=1" in data["words"]  # the details of a cell
    assert '<th scope="col">WILD</th>' in text
    assert "WILD" in ranking.read_text()
    assert "wild/b" not in ranking.read_text()
    assert "wild/b?x=1" in json.dumps(report.disagreement)
    assert "WILD" in tables.read_text()


def test_a_label_of_a_method_carries_basis_and_options(foreign):
    assert parse_level("labelled/aug-cc-pvtz").label == "LAB/aug-cc-pVTZ"
    assert parse_level("labelled?scale=2").label == "LAB (scale=2)"
    assert parse_level("labelled?kind=twin").label == "LAB"
    assert parse_level("labelled?kind=none-at-all").label == ""
    with pytest.raises(InputError, match="one line of at most"):
        _ = parse_level("labelled?kind=bad").label


def test_a_suite_may_name_its_levels(foreign, folder, tmp_path):
    from qmbench.data.suite import read_suite, restrict
    from qmbench.running.plan import make_plan

    path = tmp_path / "s.toml"

    def suite(*levels):
        path.write_text(
            'id = "s"\ntitle = "S"\nbenchmarks = ["atoms"]\n' + "".join(f"[[levels]]\n{x}\n" for x in levels)
        )
        return read_suite(path)

    plan = make_plan(suite('level = "labelled?scale=2"\nlabel = "Mine"', 'level = "labelled"'))
    assert plan.labels == {"labelled?scale=2.0": "Mine", "labelled": "LAB"}
    assert restrict(suite('level = "labelled"\nlabel = "Mine"'), bsse="cp").levels[0].label == "Mine"
    with pytest.raises(InputError, match="two labels in this suite, 'A' and 'B'"):
        make_plan(suite('level = "labelled"\nlabel = "A"', 'level = "labelled?scale=1"\nlabel = "B"'))
    with pytest.raises(InputError, match="level 1: label must be a text, not 3"):
        suite('level = "labelled"\nlabel = 3')
