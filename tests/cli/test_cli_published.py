"""`qmbench compare` and `qmbench show FILE@N` as scripts meet them; the published values are PySCF's own."""

import json

import pytest

TOML = """
id = "he2"
version = "1.0.0"
title = "Helium dimers"
observable = "interaction_energy"
unit = "hartree"
sign = "negative: bound"
bsse = ["cp", "none"]
default_reference_set = "made-up"
licence = "CC0-1.0"
citations = []
[reference_sets.made-up]
[reference_sets.theirs]
role = "level"
level = "hf/6-31g"
bsse = "cp"
place = "computed by PySCF alone"
"""
DISTANCES = {"near": 2.0, "far": 3.0}


def interaction(distance):
    """Counterpoise-corrected Hartree–Fock interaction energy of two helium atoms by PySCF (hartree)."""
    from pyscf import gto, scf

    def energy(atoms):
        mol = gto.M(atom=atoms, basis="6-31g", unit="angstrom", verbose=0)
        return scf.RHF(mol).run(conv_tol=1e-12).e_tot

    dimer = energy(f"He 0 0 0; He 0 0 {distance}")
    alone = energy(f"He 0 0 0; ghost-He 0 0 {distance}") + energy(f"ghost-He 0 0 0; He 0 0 {distance}")
    return float(dimer - alone)


@pytest.fixture
def suite(qmbench, empty_folder):
    folder = empty_folder / "he2"
    folder.mkdir()
    (folder / "benchmark.toml").write_text(TOML)
    frames = (
        f'2\nname={name} charge=0 multiplicity=1 fragments="1:0:1 2:0:1"\nHe 0 0 0\nHe 0 0 {x}\n'
        for name, x in DISTANCES.items()
    )
    (folder / "systems.xyz").write_text("".join(frames))
    (folder / "entries.csv").write_text("id,stoichiometry\nnear,interaction\nfar,interaction\n")
    rows = "".join(f"{name},made-up,-1e-5,hartree,current,made up\n" for name in DISTANCES)
    (folder / "references.csv").write_text("entry,set,value,unit,status,source_place\n" + rows)
    values = {name: interaction(x) for name, x in DISTANCES.items()}
    rows = "".join(f"{name},{value!r}\n" for name, value in values.items())
    (folder / "levels.csv").write_text("entry,theirs\n" + rows)
    (empty_folder / "s.toml").write_text(
        'id = "s"\ntitle = "S"\nbenchmarks = ["./he2"]\n[[levels]]\nlevel = "hf/6-31g"\nbsse = "cp"\n'
    )
    code, _, err = qmbench("run", "suite", "s.toml")
    assert code == 0, err
    return folder


def test_our_numbers_beside_the_published_ones(suite, qmbench):
    code, out, _ = qmbench("compare", "--tolerance", "1e-8", "--json")
    assert code == 0
    document = json.loads(out)
    (pair,) = document["pairs"]
    assert (pair["level_of_theory"], pair["published"], pair["n"]) == ("hf/6-31g", "hf/6-31g‡", 2)
    assert abs(pair["largest"]) < 1e-8
    assert (
        document["largest"][0]["published_value"] == pytest.approx(interaction(2.0), abs=1e-9)
        or document["largest"][0]["entry"] == "far"
    )


def test_a_difference_above_the_tolerance_is_exit_code_1(suite, qmbench):
    path = suite / "levels.csv"
    path.write_text("entry,theirs\nnear," + repr(interaction(2.0) + 1e-4) + "\n")
    code, out, _ = qmbench("compare", "--tolerance", "1e-5")
    assert code == 1
    assert "he2/near, hf/6-31g [cp]" in out
    assert "1 differences in the same basis are larger than 1e-05" in out
    assert qmbench("compare")[0] == 0


def test_nothing_to_compare_is_exit_code_2(suite, qmbench):
    (suite / "levels.csv").unlink()
    code, out, _ = qmbench("compare")
    assert code == 2
    assert "no computed level of this run has a published one" in out


def test_published_levels_stand_in_the_tables_and_are_not_counted_as_results(suite, qmbench):
    code, out, _ = qmbench("run", "suite", "s.toml")
    assert code == 0
    assert "hf/6-31g‡" in out
    assert "2 results, 2 ok" in out
    document = json.loads(qmbench("run", "suite", "s.toml", "--json")[1])
    assert {r["level_of_theory"] for r in document["records"]} == {"hf/6-31g"}
    code, out, _ = qmbench("check", "--baseline", "b.json", "--update")
    assert "2 values" in out


def test_a_benchmark_shows_its_published_levels(suite, qmbench):
    code, out, _ = qmbench("show", "./he2/systems.xyz#far")
    assert code == 0
    assert "He2, 4 electrons" in out


def test_filters_of_compare(qmbench, suite):
    code, out, err = qmbench("compare", "--min-atoms", 2, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["pairs"][0]["n"] == 2
    assert [(f["words"], f["kept"], f["entries"]) for f in document["filters"]] == [("at least 2 atoms", 2, 2)]
    code, out, _ = qmbench("compare", "--elements", "He")
    assert code == 0
    assert out.startswith("only entries with elements He alone: 2 of 2 entries")
    code, _, err = qmbench("compare", "--max-atoms", 1)
    assert code == 3
    assert "no entry is left: of 2 none has at most 1 atom" in err


def test_computed_levels_of_the_store_choose_subsets_too(qmbench, suite):
    code, _, err = qmbench("subset", "./he2", "--size", 1)
    assert code == 3
    assert "errors of 1 method is known" in err
    levels = ["hf/6-31g", "pbe/6-31g", "mp2/6-31g", "b3lyp/6-31g"]
    assert qmbench("run", "suite", "s.toml", *(x for level in levels for x in ("--level", level)))[0] == 0
    code, out, err = qmbench("subset", "./he2", "--size", 1, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert {x["level_of_theory"] for x in document["levels"]} == {*levels, "hf/6-31g‡"}
    assert document["folds"] == 4


def test_a_run_with_filter_and_weights_says_so(qmbench, suite, empty_folder):
    (empty_folder / "w.csv").write_text("name,weight\nhe2,2\n")
    options = ("--elements", "He", "--weights", "w.csv", "--report", "other")
    code, out, err = qmbench("run", "suite", "s.toml", *options, "--json")
    assert code == 0
    assert "only entries with elements He alone: 2 of 2 entries" in err
    document = json.loads(out)
    assert document["weights"] == {"he2": 2.0}
    error = next(r for r in document["statistics"] if r["level_of_theory"] == "hf/6-31g")
    total = next(r for r in document["user_totals"] if r["level_of_theory"] == "hf/6-31g")
    assert total["unit"] == "kcal/mol"
    assert total["total"] == pytest.approx(627.5094740631 * error["mean_absolute_error_hartree"], rel=1e-9)
    # The run keeps its filter.
    code, out, _ = qmbench("report", "--format", "md")
    assert out.startswith("only entries with elements He alone: 2 of 2 entries")
    code, out, _ = qmbench("run", "suite", "s.toml", *options)
    assert code == 0
    assert "Weighted by the user" in out
    (empty_folder / "w.csv").write_text("name,weight\nhe3,2\n")
    code, _, err = qmbench("run", "suite", "s.toml", *options)
    assert code == 3
    assert "weights: suite s has no benchmark 'he3'; did you mean 'he2'" in err
