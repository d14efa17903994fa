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
