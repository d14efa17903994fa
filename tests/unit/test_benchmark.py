"""Benchmark folders: what is read, and that every mistake is named with file and line."""

import pytest

from qmbench import InputError
from qmbench.data.benchmark import Term, benchmark_folders, find_benchmark, load_benchmark, parse_stoichiometry
from qmbench.data.lint import freeze, lint_benchmark
from qmbench.domain.units import HARTREE_IN_KCAL_MOL, HARTREE_IN_KJ_MOL
from qmbench.running.lint import lint_path


def test_values_are_in_the_unit_of_their_observable(folder):
    b = load_benchmark(folder)
    by_entry = {r.entry: r.quantity for r in b.references}
    assert by_entry["he2_far"].unit == "kcal/mol"
    assert by_entry["he2_far"].value == pytest.approx(-0.1 * HARTREE_IN_KCAL_MOL / HARTREE_IN_KJ_MOL)
    assert by_entry["he"].unit == "hartree"
    assert b.entry("he2").subsets == ("small",)
    assert b.entry("he2").coordinate == 3.0
    assert b.entry("published").terms == ()


def test_stoichiometry():
    assert parse_stoichiometry("n2:-1 n:2", "x") == (Term("n2", -1.0), Term("n", 2.0))
    assert parse_stoichiometry("d:1 d@2:-1", "x") == (Term("d", 1.0), Term("d", -1.0, (2,)))
    assert parse_stoichiometry("interaction", "dimer") == (Term("dimer", 1.0), Term("dimer", -1.0, (0,)))
    pairs = tuple(Term("t", -1.0, pair) for pair in ((1, 2), (1, 3), (2, 3)))
    singles = tuple(Term("t", 1.0, (n,)) for n in (1, 2, 3))
    assert parse_stoichiometry("three_body", "t") == (Term("t", 1.0), *pairs, *singles)
    assert parse_stoichiometry("t@1+3:-1", "x") == (Term("t", -1.0, (1, 3)),)
    with pytest.raises(InputError, match="SYSTEM:COEFFICIENT"):
        parse_stoichiometry("n2*3", "x")


SPOILS = [
    ("benchmark.toml", "unit =", "unit = [", r"benchmark\.toml: malformed TOML.*line 6"),
    ("benchmark.toml", "kcal/mol", "kcal/mole", r"unknown unit 'kcal/mole'; did you mean 'kcal/mol'"),
    ("benchmark.toml", "sign =", "sgn =", r"unknown key 'sgn'; did you mean 'sign'"),
    ("benchmark.toml", '"interaction_energy"', '"interaction_enrgy"', r"did you mean 'interaction_energy'"),
    ("entries.csv", "he2,interaction he2,,", "he2,interaction he2,", r"entries\.csv, line 2: 9 fields"),
    ("entries.csv", "he,he:1", "he2,he:1", r"entries\.csv, line 4: entry he2 is there twice"),
    ("entries.csv", "small,kind:x", "smal,kind:x", r"line 2: subset 'smal'"),
    ("entries.csv", "3.0,angstrom", ",angstrom", r"line 2: a point of a curve"),
    ("references.csv", "-0.02", "-0,02", r"references\.csv, line 2: 12 fields"),
    ("references.csv", "-0.02", "nan", r"line 2: value must be a finite number"),
    ("references.csv", "0.001,estimate", "0,estimate", r"line 2: an uncertainty is positive"),
    ("references.csv", "0.001,estimate", "0.001,", r"line 2: uncertainty and uncertainty_kind go together"),
    ("references.csv", "he,paper", "hee,paper", r"line 4: no entry 'hee'; did you mean"),
    ("references.csv", "10.1000/toy,Table 1,current,\nhe2_far", ",,current,\nhe2_far", r"line 2: .* needs its source"),
    ("references.csv", "-2.9037,hartree", "-2.9037,bohr", r"line 4: can't convert 'bohr'"),
    ("references.csv", "current,\nhe2_far", "curent,\nhe2_far", r"line 2: status is current"),
]


@pytest.mark.parametrize(("name", "old", "new", "message"), SPOILS, ids=[s[3] for s in SPOILS])
def test_a_mistake_is_named_with_file_and_line(folder, name, old, new, message):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        load_benchmark(folder)


LINTS = [
    ("systems/he.xyz", "multiplicity=1", "multiplicity=2", "multiplicity 2 is impossible with 2 electrons"),
    ("systems/he2.xyz", '"1:0:1 2:0:1"', '"1:0:1"', "each of the 2 atoms exactly once"),
    ("systems/he2.xyz", '"1:0:1 2:0:1"', '"1:1:2 2:0:1"', "charges add up to 1"),
    ("systems/lone.xyz", "He 0 0 2.5", "He 0 0 0.3", "only 0.57 bohr apart"),
    ("systems/he2.xyz", "He 0 0 3.0", "He 0 0 5.0", "are the same"),
    ("systems/he2.xyz", "2\ncharge", "3\ncharge", "line 1: 3 atoms announced, 2 lines"),
    ("entries.csv", "he,he:1,total_energy", "he,he:1 ar:-1,reaction_energy", "does not balance He, Ar"),
    ("entries.csv", "he,he:1", "he,hee:1", "names the system 'hee'"),
    ("references.csv", "10.1000/toy,Table 2", "toy,Table 2", "'toy' is not a DOI"),
    ("references.csv", "he,paper,-2.9037", "he2,paper,-2.9037", "has two current values in set paper"),
    ("references.csv", "he,paper,-2.9037", "ar,paper,-2.9037", "entry 'he' has no reference value"),
    ("benchmark.toml", "reference_sets.paper", "reference_sets.other", "'paper' is not described"),
]


def test_a_right_folder_has_nothing_but_missing_hashes(folder):
    assert [f.severity for f in lint_benchmark(folder)] == ["warning"]
    freeze(folder)
    assert list(lint_benchmark(folder)) == []


@pytest.mark.parametrize(("name", "old", "new", "message"), LINTS, ids=[s[3] for s in LINTS])
def test_lint_finds(folder, name, old, new, message):
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert any(message in f.message and f.severity == "error" for f in lint_benchmark(folder))


def test_lint_sees_a_geometry_that_changed_under_a_released_version(folder):
    freeze(folder)
    path = folder / "systems" / "he2.xyz"
    path.write_text(path.read_text().replace("3.0", "3.0000001"))
    assert ["changed since version 1.0.0" in f.message for f in lint_benchmark(folder)] == [True]


def test_lint_of_something_else(tmp_path):
    with pytest.raises(InputError, match="holds no benchmark"):
        lint_path(tmp_path)


def test_names(folder):
    with pytest.raises(InputError, match="unknown benchmark 'tos'"):
        find_benchmark("tos")
    assert find_benchmark(str(folder)).id == "toy_bench"
    b = load_benchmark(folder)
    with pytest.raises(InputError, match="did you mean 'he2'"):
        b.system("he22")
    with pytest.raises(InputError, match="no subset 'smal'; did you mean 'small'"):
        b.select("smal")


@pytest.mark.parametrize("name", sorted(benchmark_folders()))
def test_shipped_benchmarks_are_clean(name):
    findings = [f for f in lint_benchmark(benchmark_folders()[name]) if f.severity == "error"]
    assert findings == []
