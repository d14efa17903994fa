"""`qmbench disagree`, `check` and `report` as scripts meet them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

TOML = """
id = "planted"
version = "1.0.0"
title = "Planted"
observable = "interaction_energy"
unit = "kcal/mol"
sign = "negative: bound"
bsse = ["none"]
default_reference_set = "best"
licence = "CC0-1.0"
citations = [{ doi = "10.1000/182", text = "Nobody" }]
"""
VALUES = {
    "agreed": {"best": -5.0, "m1": -5.02, "m2": -4.98, "m3": -5.01},
    "odd": {"best": -5.0, "m1": -5.02, "m2": -7.0, "m3": -5.01},
    "split": {"best": -5.0, "m1": -5.02, "m2": -7.0, "m3": -7.01},
    "wrong": {"best": -9.0, "m1": -5.02, "m2": -4.98, "m3": -5.01},
    "mild": {"m1": -5.0, "m2": -5.2},
    "vague": {"m1": -5.0, "m2": -9.0, "m3": -2.0},
    "single": {"m1": -5.0},
}


@pytest.fixture
def planted(tmp_path):
    """A user's own benchmark of published values alone, with empty stoichiometries."""
    folder = tmp_path / "planted"
    folder.mkdir()
    (folder / "benchmark.toml").write_text(TOML)
    (folder / "entries.csv").write_text("id,stoichiometry\n" + "".join(f"{e},\n" for e in VALUES))
    lines = ["entry,set,value,unit,uncertainty,uncertainty_kind,level_of_theory,source_doi,source_place,status"]
    for entry, values in VALUES.items():
        u = 4.0 if entry == "vague" else 0.05
        lines += [f"{entry},{s},{x},kcal/mol,{u},estimate,,10.1000/182,t1,current" for s, x in values.items()]
    (folder / "references.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "suite.toml").write_text('id = "mine"\ntitle = "Mine"\nbenchmarks = ["./planted"]\n')
    return folder


@pytest.mark.parametrize("target", ["./planted", "suite.toml"])
def test_planted_verdicts_from_a_folder_or_a_suite_file(qmbench, planted, target):
    code, out, err = qmbench("disagree", target, "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    found = {x["entry"]: (x["verdict"], x["outliers"]) for x in document["entries"]}
    assert found == {
        "agreed": ("agree", []),
        "odd": ("one_outlier", ["m2"]),
        "split": ("camps", []),
        "wrong": ("suspect_reference", ["best"]),
        "mild": ("camps", []),
        "vague": ("inconclusive", []),
    }
    split = next(x for x in document["entries"] if x["entry"] == "split")
    assert sorted(map(sorted, split["camps"])) == [["best", "m1"], ["m2", "m3"]]
    assert document["summary"]["entries_with_one_value"] == 1


def test_a_suite_of_published_values_alone_runs_and_is_judged(qmbench, planted):
    code, out, err = qmbench("run", "suite", "suite.toml", "--json")
    assert code == 0, err
    assert json.loads(out)["records"] == []
    code, out, _ = qmbench("disagree", "--json")
    assert code == 0
    assert {x["entry"]: x["verdict"] for x in json.loads(out)["entries"]}["wrong"] == "suspect_reference"


def test_a_stricter_significance_finds_less(qmbench, planted):
    strict = json.loads(qmbench("disagree", "./planted", "--json", "--significance", "1e-6")[1])
    found = {x["entry"]: x["verdict"] for x in strict["entries"]}
    assert (found["mild"], found["odd"]) == ("agree", "one_outlier")
    code, _, err = qmbench("disagree", "./planted", "--significance", "2")
    assert code == 3
    assert "between 0 and 1" in err


def test_published_values_of_l7_need_no_store_and_no_calculation(qmbench):
    code, out, _ = qmbench("disagree", "l7")
    assert code == 0
    assert out.splitlines()[0].startswith("do the references agree? Not on 3 of 7 entries that have two")
    assert any("camps" in line for line in out.splitlines() if line.strip().startswith("l7/c2c2pd"))
    assert not Path("qmbench-data").exists()


def test_what_is_not_there_is_said_in_one_line(qmbench, planted):
    for arguments in (("disagree",), ("report",), ("check", "--baseline", "b.json")):  # no store, no baseline
        code, out, err = qmbench(*arguments)
        assert (code, out) == (3, "")
        assert err.count("\n") == 1
    assert "--update writes it" in err


def test_the_report_of_published_values(qmbench, planted):
    code, out, _ = qmbench("report", "./planted", "--format", "html", "--format", "md", "--report", "out")
    assert code == 0
    assert "one outlier" in Path("out/report.html").read_text()
    assert "suspect reference" in Path("out/disagreement.md").read_text()
    code, _, err = qmbench("report", "./planted", "--format", "docx")
    assert code == 3
    assert "unknown format 'docx'" in err


SUITE = """
id = "tiny"
title = "Tiny"
benchmarks = [{ id = "atoms", subset = "two_electron" }]
[[levels]]
level = "hf/sto-3g"
[[levels]]
level = "pbe/sto-3g"
"""


def test_the_gate_from_baseline_to_regression(qmbench, tmp_path):
    (tmp_path / "tiny.toml").write_text(SUITE)
    code, _, err = qmbench("run", "suite", "tiny.toml", "--level", "hf/sto-3g", "--workers", "1")
    assert code in (0, 1), err
    assert qmbench("check", "--baseline", "b.json", "--update")[0] == 0
    first = Path("b.json").read_text()
    code, out, _ = qmbench("check", "--baseline", "b.json", "--junit", "j.xml", "--markdown", "m.md", "--json")
    assert code == 0
    assert json.loads(out)["counts"]["unchanged"] >= 1
    assert ET.parse("j.xml").getroot().find("testsuite").get("failures") == "0"
    assert Path("m.md").read_text().startswith("## ✅")
    assert qmbench("check", "--baseline", "b.json", "--update")[1].startswith("nothing changed")
    assert Path("b.json").read_text() == first

    document = json.loads(first)
    helium = next(v for v in document["values"] if v["entry"] == "he")
    helium["value"] += 1e-3
    Path("b.json").write_text(json.dumps(document))
    code, out, _ = qmbench("check", "--baseline", "b.json", "--junit", "j.xml")
    assert code == 1
    assert "changed: atoms/he at hf/sto-3g" in out
    assert ET.parse("j.xml").getroot().find("testsuite").get("failures") == "1"

    for value in document["values"]:
        value["level_of_theory"] = "mp2/sto-3g"
    Path("b.json").write_text(json.dumps(document))
    assert qmbench("check", "--baseline", "b.json")[0] == 2

    code, out, _ = qmbench("report", "--report", "again")
    assert code == 0
    assert Path("again/report.html").stat().st_size < 2_000_000


def test_a_report_that_is_kept_tells_the_same_story_without_judging_again(qmbench, planted, monkeypatch):
    code, first, err = qmbench("run", "suite", "suite.toml")
    assert (code, err) == (0, "")
    assert "Unexplained: planted/wrong" in first or "urprising: planted/wrong" in first
    import qmbench.judging.disagree_document as judging

    monkeypatch.setattr(judging, "disagree_document", lambda *a, **k: pytest.fail("judged again"))
    code, again, _ = qmbench("run", "suite", "suite.toml")
    assert code == 0
    assert again.splitlines()[:8] == first.splitlines()[:8]


def test_the_command_report_prints_the_story_and_then_the_files(qmbench, planted):
    code, out, _ = qmbench("report", "./planted", "--format", "json", "--report", "out")
    assert code == 0
    story, _, files = out.rstrip().rpartition("\n\n")
    assert "Do the references agree?" in story
    assert files.split() == ["out/statistics.json", "out/disagreement.json"]


@pytest.mark.parametrize(
    "command", [("report", "./planted", "--report", "out"), ("disagree", "./planted"), ("run", "suite", "suite.toml")]
)
def test_judging_and_drawing_that_take_long_are_seen(qmbench, planted, monkeypatch, command):
    monkeypatch.setattr("qmbench.running.progress.LINE_SECONDS", 0.0)
    code, _, err = qmbench(*command)
    assert code == 0
    assert "0 of 1 observables of benchmarks judged" in err.splitlines()
    assert ("0 of 1 observables of benchmarks drawn" in err.splitlines()) == (command[0] != "disagree")
