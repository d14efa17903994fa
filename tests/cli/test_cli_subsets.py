"""`qmbench subset`, subset files in suites, and filters and weights of the commands on results."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from qmbench.data.benchmark import find_benchmark, load_benchmark
from qmbench.data.lint import lint_benchmark
from qmbench.data.suite import read_suite

SHIPPED = Path(__file__).parents[2] / "benchmarks"


def test_the_choice_its_file_and_a_suite_that_names_it(qmbench, tmp_path):
    code, out, err = qmbench("subset", "s66", "--size", "5", "--as", "five.toml", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    written = tomllib.loads((tmp_path / "five.toml").read_text())
    assert written["entries"] == document["entries"]
    assert len(set(document["entries"])) == 5
    assert document["of"] == 66
    assert document["folds"] == 16
    assert document["cross_validated"]["mean"] > document["fitted"]["mean"]
    assert document["fitted"]["mean"] < document["random"]["mean"]
    # The statistics of the subset are those that the report of a suite with it has.
    (tmp_path / "s.toml").write_text(
        'id = "mine"\ntitle = "Mine"\nbenchmarks = [{ id = "s66", subset = "five.toml" }]\n'
        '[[levels]]\nlevel = "hf/sto-3g"\nbsse = "none"\n'
    )
    suite = read_suite(tmp_path / "s.toml")
    assert [e.id for e in suite.selections[0].of(find_benchmark("s66"))] == written["entries"]
    code, out, _ = qmbench("run", "suite", "s.toml", "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["levels"][0]["entries"] == 5
    # In words, the same.
    code, out, _ = qmbench("subset", "s66", "--size", "5", "--as", "five.toml")
    assert code == 0
    assert "methods left out in 16 folds" in out
    assert "random subsets of this size" in out
    assert tomllib.loads((tmp_path / "five.toml").read_text()) == written


def test_shipped_subsets_are_named_by_their_name():
    for name, sizes in (("s66", (8, 20)), ("atomization", (8, 20))):
        b = find_benchmark(name)
        for size in sizes:
            assert len(b.select(f"representative-{size}")) == size


@pytest.mark.slow
@pytest.mark.parametrize("size", [8, 20])
@pytest.mark.parametrize("name", ["s66", "atomization"])
def test_shipped_subsets_are_what_the_command_makes(qmbench, tmp_path, name, size):
    code, _, err = qmbench("subset", name, "--size", size, "--as", "new.toml")
    assert (code, err) == (0, "")
    assert (tmp_path / "new.toml").read_text() == (
        SHIPPED / name / "subsets" / f"representative-{size}.toml"
    ).read_text()


def test_candidates_levels_and_statistics(qmbench):
    options = ("--size", 4, "--levels", "pbe0,b3lyp,BMK", "--levels", "m06-2x/def2-qzvppd", "--max-atoms", 12)
    code, out, err = qmbench("subset", "s66", *options, "--statistic", "root_mean_square_error", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    b = find_benchmark("s66")
    assert all(b.system(e).n_parts <= 12 for e in document["entries"])
    assert len(document["levels"]) == 4
    assert document["folds"] == 4
    assert document["chosen_from"] == "at most 12 atoms"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("s66", "--size", 66), "the whole has 66, so that it takes 1 to 65"),
        (("s66", "--size", 5, "--levels", "pbe0,b3lyp,bmk"), "errors of 3 methods are known"),
        (("s66", "--size", 5, "--levels", "nope"), "nothing is known of the level 'nope'"),
        (("s66", "--size", 5, "--statistic", "mean"), "unknown statistic 'mean'"),
        (("s66", "--size", 5, "--as", "x.csv"), "the name of a subset file ends in .toml"),
        (("s66", "--size", 5, "--observable", "x"), "benchmark s66 has no observable 'x'"),
        (("s66", "--size", 9, "--max-atoms", 9), "a subset of 9 entries: there are 5 to choose from"),
        (("rare_gas", "--size", 2), "no level's errors of interaction energy are known on rare_gas"),
    ],
)
def test_what_can_not_be_chosen_is_one_line(qmbench, arguments, said):
    code, out, err = qmbench("subset", *arguments)
    assert (code, out) == (3, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('benchmark = "other"\nentries = ["he2"]\n', "a subset of 'other', not of toy_bench"),
        ('benchmark = "toy_bench"\nentries = ["he22"]\n', "has no entry 'he22'; did you mean 'he2'"),
        ('benchmark = "toy_bench"\nentries = ["he2", "he2"]\n', "entry 'he2' is there twice"),
        ('benchmark = "toy_bench"\nentries = []\n', "'entries' is empty"),
        ('benchmark = "toy_bench"\nentry = ["he2"]\n', "unknown key 'entry'; did you mean 'entries'"),
        ('benchmark = "toy_bench"\n', "missing entries"),
    ],
)
def test_subset_files_that_are_wrong_are_said_by_suite_and_lint(qmbench, toy_folder, tmp_path, text, said):
    (toy_folder / "subsets").mkdir()
    (toy_folder / "subsets" / "few.toml").write_text(text)
    assert any(said in f.message for f in lint_benchmark(toy_folder) if f.severity == "error")
    (tmp_path / "s.toml").write_text(
        'id = "s"\ntitle = "S"\nbenchmarks = [{ id = "./toy_bench", subset = "few" }]\n'
        '[[levels]]\nlevel = "hf/sto-3g"\n'
    )
    code, _, err = qmbench("run", "suite", "s.toml", "--dry-run")
    assert code == 3
    assert said in err


def test_lint_knows_subset_files(toy_folder):
    folder = toy_folder / "subsets"
    folder.mkdir()
    (folder / "small.toml").write_text('benchmark = "toy_bench"\nbenchmark_version = "0.9.0"\nentries = ["he2"]\n')
    found = [(f.severity, f.message) for f in lint_benchmark(toy_folder) if "subsets" in f.where]
    assert ("error", "'small' is a subset in benchmark.toml, too") in found
    assert ("warning", "chosen from version 0.9.0, and the benchmark is 1.0.0") in found
    # The one in benchmark.toml goes first.
    assert [e.id for e in load_benchmark(toy_folder).select("small")] == ["he2", "he"]


def test_filters_of_reports_and_disagreements(qmbench, tmp_path):
    options = ("--elements", "H,O", "--max-atoms", 12)
    b = find_benchmark("s66")
    inside = {e.id for e in b.entries if set(b.system(e.id).elements) <= {"H", "O"} and b.system(e.id).n_parts <= 12}
    said = f"only entries with elements H, O alone; at most 12 atoms: {len(inside)} of 66 entries"
    code, out, err = qmbench("disagree", "s66", *options, "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert {x["entry"] for x in document["entries"]} == inside
    assert document["filters"] == [
        {
            "only": {"elements": ["H", "O"], "max_atoms": 12},
            "words": "elements H, O alone; at most 12 atoms",
            "kept": len(inside),
            "entries": 66,
        }
    ]
    code, out, _ = qmbench("disagree", "s66", *options)
    assert out.splitlines()[0] == said
    code, out, _ = qmbench("report", "s66", *options, "--format", "md", "--format", "json", "--format", "html")
    assert code == 0
    assert out.splitlines()[0] == said
    assert (tmp_path / "qmbench-report" / "tables.md").read_text().startswith(said)
    assert said[1:] in (tmp_path / "qmbench-report" / "report.html").read_text()
    statistics = json.loads((tmp_path / "qmbench-report" / "statistics.json").read_text())
    assert statistics["filters"][0]["kept"] == len(inside)
    assert {r["n"] for r in statistics["statistics"] if r["subset"] == "all"} == {len(inside)}


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("disagree", ("--elements", "He"), "no entry is left: of 66 none has elements He alone"),
        ("report", ("--tags", "smal"), "no entry has the tag or subset 'smal'; did you mean 'small'"),
        ("report", ("--elements", "Xq"), "'Xq' is no chemical element"),
        ("disagree", ("--charge", "x"), "a charge is a whole number"),
        ("report", ("--weights", "w.toml"), "no benchmark 's67' has statistics here; did you mean 's66'"),
    ],
)
def test_filters_and_weights_that_make_no_sense_are_one_line(qmbench, tmp_path, command, arguments, said):
    (tmp_path / "w.toml").write_text("s67 = 1\n")
    code, out, err = qmbench(command, "s66", *arguments)
    assert (code, out) == (3, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "qmbench-report").exists()


def test_user_weights_stand_in_every_document(qmbench, tmp_path):
    (tmp_path / "w.toml").write_text('s66 = 2\n"s66/dispersion" = 1\natomization = 1\n')
    (tmp_path / "s.toml").write_text('id = "p"\ntitle = "P"\nbenchmarks = ["s66", "atomization"]\n')
    formats = ("--format", "md", "--format", "json", "--format", "csv", "--format", "html")
    code, _, err = qmbench("report", "s.toml", "--weights", "w.toml", *formats)
    assert (code, err) == (0, "")
    folder = tmp_path / "qmbench-report"
    document = json.loads((folder / "statistics.json").read_text())
    assert document["weights"] == {"s66": 2.0, "s66/dispersion": 1.0, "atomization": 1.0}
    errors = {
        (r["level_of_theory"], r["benchmark"], r["subset"]): r["mean_absolute_error_kcal_mol"]
        for r in document["statistics"]
    }
    level = "pbe0/def2-qzvppd‡"
    total = next(r["total"] for r in document["user_totals"] if r["level_of_theory"] == level)
    a, b, c = (errors[level, *part] for part in (("s66", "all"), ("s66", "dispersion"), ("atomization", "all")))
    assert total == pytest.approx((2 * a + b + c) / 4, rel=1e-12)
    for name in ("tables.md", "report.html"):
        assert "s66 0.5, s66/dispersion 0.25, atomization 0.25" in (folder / name).read_text()
    assert (folder / "user_totals.csv").read_text().count(level) == 3
    assert (folder / "weighted_totals.csv").exists()  # WTMAD stays
