"""Benchmarks and suites of strangers: what is ambiguous is refused, lint says everything, nothing hangs or escapes."""

from __future__ import annotations

import os
import time

import pandas as pd
import pytest

from qmbench import InputError, read_system
from qmbench.data import system_sources as module
from qmbench.data.benchmark import load_benchmark
from qmbench.data.identifiers import check_identifier, check_set_name
from qmbench.data.lint import freeze, lint_benchmark
from qmbench.data.suite import Suite, read_suite
from qmbench.data.target import find_target
from qmbench.domain.systems import files
from qmbench.domain.systems.files import load_toml
from qmbench.report.renderers.files import file_word, write_csv
from qmbench.running.lint import lint_path
from qmbench.running.plan import make_plan


def spoil(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def refused(folder):
    with pytest.raises(InputError) as caught:
        load_benchmark(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- what is there twice ---


@pytest.mark.parametrize(
    ("name", "column"), [("references.csv", "value"), ("references.csv", "unit"), ("entries.csv", "stoichiometry")]
)
def test_a_column_twice_is_refused(folder, name, column):
    path = folder / name
    path.write_text(
        "".join(f"{line},{column if not i else 1}\n" for i, line in enumerate(path.read_text().splitlines()))
    )
    assert f"{name}, line 1: the column '{column}' is there twice" in refused(folder)
    assert any("there twice" in f.message for f in lint_benchmark(folder))


def test_two_current_values_of_one_entry_and_set_are_refused(folder):
    path = folder / "references.csv"
    path.write_text(path.read_text() + "he,paper,-2.95,hartree,,,exact,10.1000/toy,Table 9,current,\n")
    assert "references.csv, line 7: entry 'he' has two current values in set paper, the other in line 4" in refused(
        folder
    )
    spoil(path, "Table 9,current", "Table 9,superseded")
    assert len([r for r in load_benchmark(folder).references if r.entry == "he"]) == 2


def test_a_system_twice_is_refused(folder):
    (folder / "systems.toml").write_text('[he]\nkind = "hubbard"\n')
    with pytest.raises(InputError, match=r"systems\.toml \[he\]: there is another system 'he'"):
        load_benchmark(folder).system("he")
    spoil(folder / "benchmark.toml", "version", 'provider = "atom"\nversion')
    (folder / "systems.toml").unlink()
    (folder / "systems.csv").write_text("id,source,charge,multiplicity\nne,Ne,0,1\nne,Ne,2,1\n")
    with pytest.raises(InputError, match=r"systems\.csv, line 3: there is another system 'ne'"):
        load_benchmark(folder).system("ne")
    freeze_path = folder / "hashes.csv"
    freeze_path.write_text("system,hash,hash,version\n")
    assert any("the column 'hash' is there twice" in f.message for f in lint_benchmark(folder))


def test_a_wrong_state_of_a_shipped_geometry_names_its_line(folder):
    spoil(folder / "benchmark.toml", "version", 'provider = "ase:g2"\nversion')
    (folder / "systems.csv").write_text("id,source,charge,multiplicity\nw,H2O,0,2\n")
    with pytest.raises(InputError, match=r"systems\.csv, line 2: .*multiplicity 2 is impossible with 10 electrons"):
        load_benchmark(folder).system("w")


def test_lint_finds_a_frozen_system_twice(folder):
    freeze(folder)
    path = folder / "hashes.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    assert [f.message for f in lint_benchmark(folder)] == [f"{path}, line 7: system 'ar' is there twice"]


@pytest.mark.parametrize("value", ["-2_9", "١", "1e400", "0x1"])
def test_what_only_python_takes_for_a_number_is_refused(folder, value):
    spoil(folder / "references.csv", "-2.9037", value)
    assert "references.csv, line 4: value must be a" in refused(folder)


def test_an_entry_that_means_nothing_is_refused_when_loaded(folder):
    spoil(folder / "entries.csv", "he,he:1,total_energy", "he,he:2,total_energy")
    assert "line 4: entry 'he': total_energy belongs to one system, with coefficient 1" in refused(folder)


def test_a_difference_that_does_not_balance_is_not_computed(folder, toys):
    """Lint says so; a run, which nobody linted, must not print the number."""
    spoil(folder / "entries.csv", "he,he:1,total_energy", "he,he:1 ar:-1,reaction_energy")
    path = folder.parent / "s.toml"
    path.write_text(
        f'id = "s"\ntitle = "S"\nbenchmarks = ["./{folder.name}"]\n[[levels]]\nlevel = "toy/x"\nbsse = "cp"\n'
    )
    planned = {p.entry: p for p in make_plan(read_suite(path)).entries}
    assert planned["he"].refused is not None
    assert planned["he"].refused.message == "entry 'he': the stoichiometry does not balance He, Ar"
    assert planned["he"].refused.kind == "input"
    assert planned["he2"].refused is None


# --- names ---

BAD = [
    "",
    ".",
    "..",
    "../x",
    "a/../../../x",
    "a/b",
    "/etc/x",
    "a\\b",
    "a b",
    "a\nb",
    "a:b",
    "-a",
    "a\x1b[31m",
    "é",
    "%2e",
    "x" * 81,
]


@pytest.mark.parametrize("name", BAD)
def test_what_can_be_no_name(name):
    with pytest.raises(InputError, match=r"can't be the name of a suite: that is letters, digits and _ \. \+ - \( \)"):
        check_identifier(name, "a suite", "x.toml")
    if name != "a/b":
        with pytest.raises(InputError, match="can't be the name of a reference set"):
            check_set_name(name if name != "a/../../../x" else "../x", "x.toml")


@pytest.mark.parametrize("name", ["be2+_3_1P", "h-", "nekr_2.00", "s22", "2-pyridone_(a)"])
def test_what_can_be_a_name(name):
    assert check_identifier(name, "an entry", "x") == name
    assert check_set_name("SEET_CI-HF_mix(4,SAO)/sto-6g*", "x")


@pytest.mark.parametrize(
    ("name", "old", "new", "what"),
    [
        ("benchmark.toml", '"toy_bench"', '"a/../../../x"', "'a/../../../x' can't be the name of a benchmark"),
        ("benchmark.toml", "small =", '"../small" =', "'../small' can't be the name of a subset"),
        ("benchmark.toml", "kind =", '"k/nd" =', "'k/nd' can't be the name of a tag"),
        (
            "benchmark.toml",
            "reference_sets.paper",
            'reference_sets."../p"',
            "'../p' can't be the name of a reference set",
        ),
        ("entries.csv", "he,he:1", "../he,he:1", "line 4: id: '../he' can't be the name of an entry"),
        ("entries.csv", "he,he:1", ",he:1", "line 4: id: '' can't be the name of an entry"),
        ("references.csv", "he,paper", "he,../paper", "line 4: '../paper' can't be the name of a reference set"),
    ],
)
def test_names_are_checked_when_they_are_read(folder, name, old, new, what):
    spoil(folder / name, old, new)
    assert what in refused(folder)
    assert any(what in f.message for f in lint_benchmark(folder))


def test_names_of_systems_are_checked(folder):
    (folder / "systems.toml").write_text('["../he"]\nkind = "hubbard"\n')
    with pytest.raises(InputError, match=r"'\.\./he' can't be the name of a system"):
        load_benchmark(folder).system("he")


def test_a_run_is_called_by_a_suite_with_a_name(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('id = "../../s"\ntitle = "S"\nbenchmarks = ["atoms"]\n')
    with pytest.raises(InputError, match=r"s\.toml: '\.\./\.\./s' can't be the name of a suite"):
        read_suite(path)
    with pytest.raises(InputError, match="can't be the name of a suite"):
        Suite.of("atoms", "hf/sto-3g", id="../x")


def test_no_name_leads_out_of_the_folder_of_a_report(tmp_path):
    """Also one from a store that another program wrote, which no reading of a folder has checked."""
    row = {"benchmark": "a/../../../evil", "observable": "../../o", "unit": "hartree", "n": 1}
    (path,) = write_csv(pd.DataFrame([row]), tmp_path / "deep" / "report", "statistics")
    assert path.parent == tmp_path / "deep" / "report"
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert path.name == "statistics-a%2F..%2F..%2F..%2Fevil-..%2F..%2Fo.csv"
    assert len(file_word("x/" * 500)) < 100
    assert file_word("nekr_2.00+(a)") == "nekr_2.00+(a)"


# --- types in TOML ---

TYPES = [
    ('[subsets]\nsmall = "few"\n', "", 'title = "Toy"', 'title = "Toy"\nsubsets = 3', "subsets must be a table, not 3"),
    ("", "", 'title = "Toy"', 'title = ["Toy"]', "title must be a text, not a list"),
    ("", "", 'unit = "kcal/mol"', "unit = { a = 1 }", "unit must be a text, not a table"),
    ("", "", 'version = "1.0.0"', "version = 1.0", "version must be a text, not 1.0"),
    ("", "", 'bsse = ["none", "cp"]', 'bsse = "none"', "bsse must be a list, not 'none'"),
    ("", "", 'bsse = ["none", "cp"]', "bsse = [true]", "unknown bsse true"),
    ("", "", 'small = "few"', "small = 3", "subsets.small must be a text, not 3"),
    ("", "", 'total_energy = "hartree"', "total_energy = 3", "units.total_energy must be a text, not 3"),
    ("", "", 'citations = [{ doi = "10.1000/toy", text = "Toy" }]', 'citations = ["x"]', "citations.1 must be a table"),
    ("", "", 'text = "Toy"', "text = 5", "citations.1.text must be a text, not 5"),
    ("", "", 'licence = "Apache-2.0"', "licence = 2026-01-01", "licence must be a text, not 2026-01-01"),
    (
        "",
        "",
        "[reference_sets.paper]\ntitle",
        "[reference_sets.paper]\nrole = 3\ntitle",
        "'paper': role must be a text, not 3",
    ),
    ("", "", "[reference_sets.paper]\n", "[reference_sets.paper]\nwithin = []\n", "within names an approximation"),
    ("", "", 'title = "Toy"', 'title = "Toy"\nprovider = "ase:s66"', "unknown provider 'ase:s66'"),
    ("", "", 'title = "Toy"', 'title = "Toy"\nobservables = 3', "observables must be a table, not 3"),
]


@pytest.mark.parametrize(("gone", "instead", "old", "new", "message"), TYPES, ids=[t[4] for t in TYPES])
def test_a_wrong_type_is_one_clear_line(folder, gone, instead, old, new, message):
    path = folder / "benchmark.toml"
    spoil(path, gone, instead)
    spoil(path, old, new)
    assert message in refused(folder)
    assert any(message in f.message for f in lint_benchmark(folder))


SUITES = [
    ("id = 3", "id must be a text, not 3"),
    ('benchmarks = "atoms"', "benchmarks must be a list, not 'atoms'"),
    ("benchmarks = [3]", 'a benchmark is "s22" or { id = "s22", subset = "small" }, not 3'),
    ("benchmarks = [{ id = 3 }]", "benchmarks.1.id must be a text, not 3"),
    ('benchmarks = [{ id = "atoms", entries = "he" }]', "benchmarks.1.entries must be a list, not 'he'"),
    ('benchmarks = [{ id = "atoms", subset = 3 }]', "benchmarks.1.subset must be a text, not 3"),
    ("levels = 3", "levels must be a list, not 3"),
    ("levels = [3]", "level 1: a level is a table"),
    ("levels = [{ level = 3 }]", "level 1: level must be a text, not 3"),
    ('levels = [{ level = "hf/x", bsse = 3 }]', "level 1: unknown bsse 3"),
    ('levels = [{ level = "hf/x", label = 3 }]', "level 1: label must be a text, not 3"),
    ('levels = [{ level = "hf/x", benchmarks = [3] }]', 'level 1: a benchmark is "s22"'),
    ("levels = [{}]", "level 1: 'level' is missing"),
]


@pytest.mark.parametrize(("line", "message"), SUITES, ids=[m for _, m in SUITES])
def test_a_wrong_type_in_a_suite_is_one_clear_line(tmp_path, line, message):
    path = tmp_path / "s.toml"
    lines = {"id": 'id = "s"', "title": 'title = "S"', "benchmarks": 'benchmarks = ["atoms"]'}
    lines[line.partition(" ")[0]] = line
    path.write_text("\n".join(lines.values()))
    with pytest.raises(InputError) as caught:
        read_suite(path)
    assert message in str(caught.value)
    assert message in lint_path(path)[0].message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "1" * 5000, "an integer of more than 64 bits"),
        ("x = 0x" + "f" * 5000, "an integer of more than 64 bits"),
        ("x = [{ y = 9223372036854775808 }]", "an integer of more than 64 bits"),
        ("x = " + "[" * 20_000 + "]" * 20_000, "nested more than 50 deep"),
        ("x = " + "[" * 60 + "]" * 60, "nested more than 50 deep"),
        (".".join(["x"] * 20_000) + " = 1", "nested more than 50 deep"),
        ("x = " + "{a=" * 20_000 + "1" + "}" * 20_000, "nested more than 50 deep"),
    ],
)
def test_toml_that_is_too_much(tmp_path, text, message):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=f"malformed TOML: {message}"):
        load_toml(path)
    assert any(message in f.message for f in lint_path(path))


def test_a_system_that_is_no_table(folder):
    (folder / "systems.toml").write_text("ring = 3\n")
    with pytest.raises(InputError, match=r"systems\.toml \[ring\]: a system is a table of keys and values, not 3"):
        load_benchmark(folder).system("ring")


# --- what is no file, and too much of it ---


def within_a_second(call):
    started = time.perf_counter()
    with pytest.raises(InputError) as caught:
        call()
    assert time.perf_counter() - started < 1.0
    return str(caught.value)


@pytest.mark.parametrize("name", ["x.xyz", "x.toml"])
def test_pipes_devices_and_links_to_themselves_are_no_files(tmp_path, name):
    path = tmp_path / name
    os.mkfifo(path)
    assert "is a pipe or a device, not a file" in within_a_second(lambda: read_system(path))
    assert "is a pipe or a device" in within_a_second(lambda: find_target(str(path)))
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "is a pipe or a device, not a file" in within_a_second(lambda: read_system(path))
    path.unlink()
    path.symlink_to(path)
    assert "Too many levels of symbolic links" in within_a_second(lambda: read_system(path))


@pytest.mark.parametrize(
    "name", ["benchmark.toml", "entries.csv", "references.csv", "hashes.csv", "systems/he.xyz", "systems.toml"]
)
def test_a_pipe_anywhere_in_a_benchmark_is_found_and_not_waited_for(folder, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    started = time.perf_counter()
    findings = lint_path(folder.parent)
    assert time.perf_counter() - started < 5.0
    assert any(name.rpartition("/")[2] in f.message and f.severity == "error" for f in findings)


def test_a_folder_that_links_to_itself(folder):
    (folder / "systems" / "loop").symlink_to(folder / "systems")
    (folder.parent / "loop").symlink_to(folder.parent)
    assert [f.severity for f in lint_path(folder.parent)] == ["warning"]


def test_more_files_than_are_looked_at(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST_FILES", 4)
    message = f"{folder / 'systems'} holds more than the 4 files that are looked at"
    assert any(message in f.message for f in lint_benchmark(folder))
    for number in range(5):
        (folder.parent / f"{number}").touch()
    with pytest.raises(InputError, match="holds more than the 4 files"):
        lint_path(folder.parent)


def test_a_text_that_is_too_large(tmp_path):
    path = tmp_path / "x.xyz"
    with open(path, "wb") as handle:
        handle.truncate(files.LARGEST_TEXT + 1)  # sparse: it takes no space
    with pytest.raises(InputError, match=r"x\.xyz: larger than the 100 MB that are read of a text"):
        read_system(path)


# --- lint says everything ---


def test_one_mistake_hides_no_other(folder):
    toml = folder / "benchmark.toml"
    spoil(toml, 'unit = "kcal/mol"', 'unit = "kcal/mole"')
    spoil(toml, 'small = "few"', "small = 3")
    spoil(toml, 'licence = "Apache-2.0"\n', "")
    spoil(folder / "systems" / "he.xyz", "multiplicity=1", "multiplicity=2")
    spoil(folder / "systems" / "ar.xyz", "Ar 0 0 0", "Ag 0 0 x")
    spoil(folder / "systems" / "lone.xyz", "2\n", "3\n")
    spoil(folder / "entries.csv", "he2_far,interaction he2_far,,", "he2_far,interactn he2_far,,")
    spoil(folder / "entries.csv", "3.0,angstrom", "x,angstrom")
    spoil(folder / "references.csv", "he,paper,-2.9037", "he,paper,nan")
    spoil(folder / "references.csv", "\nar,paper", "\narr,paper")
    said = [f.message for f in lint_benchmark(folder) if f.severity == "error"]
    for part in (
        "unknown unit 'kcal/mole'",
        "subsets.small must be a text, not 3",
        "missing licence",
        "multiplicity 2 is impossible with 2 electrons",
        "ar.xyz, line 3: an atom is a symbol",
        "lone.xyz, line 1: 3 atoms announced",
        "entries.csv, line 3: 'interactn' is not a term",
        "entries.csv, line 2: coordinate must be a number, not 'x'",
        "references.csv, line 4: value must be a finite number",
        "references.csv, line 5: no entry 'arr'",
    ):
        assert len([text for text in said if part in text]) == 1, (part, said)
    # Nothing that merely follows from the others is added; 'ar' has lost its value indeed.
    assert len(said) == 11
    assert "entry 'ar' has no reference value; add one, or say why in its note" in said


def test_a_benchmark_that_is_no_toml_still_has_its_systems_read(folder):
    spoil(folder / "benchmark.toml", "id =", "id = [")
    spoil(folder / "systems" / "he.xyz", "multiplicity=1", "multiplicity=2")
    said = [f.message for f in lint_benchmark(folder) if f.severity == "error"]
    assert len(said) == 2
    assert any("malformed TOML" in text for text in said)
    assert any("multiplicity 2 is impossible" in text for text in said)


def test_every_wrong_level_and_benchmark_of_a_suite_is_named(folder, toys):
    path = folder.parent / "s.toml"
    levels = "".join(f'[[levels]]\nlevel = "{level}"\n' for level in ("no_such/x", "toy/x", "neither"))
    path.write_text(f'id = "s"\ntitle = "S"\nbenchmarks = ["./{folder.name}"]\n{levels}')
    said = [f.message for f in lint_path(path)]
    assert len(said) == 3
    assert "unknown method 'no_such'" in said[0]
    assert "unknown method 'neither'" in said[1]
    assert "needs a counterpoise treatment" in said[2]
    path.write_text('id = "s"\ntitle = "S"\nbenchmarks = ["nowhere", { id = "atoms", subset = "smal" }]\n' + levels)
    said = [f.message for f in lint_path(path)]
    assert ["nowhere" in text for text in said] == [True, False, False, False]
    assert "no subset 'smal'" in said[1]


def test_every_wrong_key_of_a_suite_is_named(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('id = 3\ntitle = []\nbenchmark = 1\nlevels = [{ level = 3 }, { lvl = "hf" }]\n')
    said = [f.message for f in lint_path(path)]
    for part in (
        "id must be",
        "title must be",
        "unknown key 'benchmark'",
        "level 1: level must",
        "level 2: unknown key 'lvl'",
    ):
        assert len([text for text in said if part in text]) == 1, (part, said)


def test_deuterium_is_a_warning_of_lint(folder):
    (folder / "systems" / "hd.xyz").write_text("2\ncharge=0 multiplicity=1\nH 0 0 0\nD 0 0 0.74\n")
    found = [f for f in lint_benchmark(folder) if "deuterium" in f.message]
    assert [f.severity for f in found] == ["warning"]
