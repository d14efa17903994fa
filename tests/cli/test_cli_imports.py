"""`qmbench benchmark import`, `benchmark export` and `import results` as scripts meet them."""

import json

import pytest

STATE = "charge=0 multiplicity=1"
FILES = {
    "values.csv": "id,stoichiometry,E\nbound,he2:1 he:-2,-0.02\ngone,ne:1,1\n",
    "he2.xyz": f"2\n{STATE}\nHe 0 0 0\nHe 0 0 3\n",
    "he.xyz": f"1\n{STATE}\nHe 0 0 0\n",
}


@pytest.fixture
def source(empty_folder):
    folder = empty_folder / "source"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def test_import_says_what_it_left_out_and_its_exit_code_too(source, qmbench):
    code, out, _ = qmbench("benchmark", "import", "source", "--as", "mine", "--map", "value=E")
    assert code == 1
    assert "values.csv, line 3 (gone): there is no XYZ file of 'ne'" in out
    assert "mine: 1 benchmark, 1 entries, 2 systems; 1 things left out" in out
    assert qmbench("lint", "mine")[1].strip() == "mine: 0 errors, 0 warnings"


def test_all_of_it_is_exit_code_0(source, qmbench):
    (source / "values.csv").write_text(FILES["values.csv"].replace("gone,ne:1,1\n", ""))
    code, out, _ = qmbench("benchmark", "import", "source", "--as", "mine", "--map", "value=E", "--json")
    assert code == 0
    assert json.loads(out) == {
        "folders": ["mine"],
        "entries": 1,
        "systems": 2,
        "assumed": [],
        "changed": [],
        "left_out": [],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as", "mine"], "which column is the reference value? Say --map value=COLUMN"),
        (["--as", "mine", "--map", "value"], "write FIELD=COLUMN"),
        (["--as", "a/b", "--map", "value=E"], "can't be the name of a benchmark"),
        (["--as", "mine", "--map", "value=E", "--unit", "kcal"], "unknown unit 'kcal'"),
        (["--as", "mine", "--map", "value=E", "--format", "xlsx"], "unknown form 'xlsx'"),
        (["--as", "mine", "--map", "value=E", "--observable", "enthalpy"], "enthalpy"),
    ],
)
def test_a_wrong_request_is_one_line(source, qmbench, arguments, message):
    code, _, err = qmbench("benchmark", "import", "source", *arguments)
    assert code == 3
    assert message in err
    assert len(err.strip().split("\n")) == 1
    assert not (source.parent / "mine").exists()


def test_there_and_back_and_a_level_of_ones_own(source, qmbench, empty_folder):
    qmbench("benchmark", "import", "source", "--as", "mine", "--map", "value=E", "--only", "bound")
    code, out, _ = qmbench("benchmark", "export", "./mine", "--to", "out", "--format", "gmtkn55")
    assert code == 0
    assert "out: 1 of 1 entries" in out
    assert (empty_folder / "out/mine/.res").read_text() == "tmer2++ he2/$f he/$f x 1 -2 $w -0.02\n"
    (empty_folder / "r.csv").write_text("entry,value\nbound,-0.03\n")
    code, out, _ = qmbench("import", "results", "r.csv", "--benchmark", "./mine", "--level", "pbe0/def2-svp")
    assert code == 0
    assert "1 values of pbe0/def2-svp" in out
    code, _, _ = qmbench("report", "./mine", "--format", "md", "--report", "rep")
    assert code == 0
    text = "".join(p.read_text() for p in (empty_folder / "rep").iterdir())
    assert "pbe0/def2-svp‡" in text
    assert "0.0100" in text


PAIR = """
dbse = "PAIR"
RXNM = {"PAIR-1": {"PAIR-1-dimer": 1, "PAIR-1-a": -1, "PAIR-1-b": -1}}
ACTV = {"PAIR-1": ["PAIR-1-dimer", "PAIR-1-a", "PAIR-1-b"]}
BIND = {}
BIND["PAIR-1"] = -0.02
GEOS = {}
GEOS["PAIR-1-dimer"] = qcdb.Molecule('''
0 1
He 0 0 0
--
0 1
He 0 0 3
''')
GEOS["PAIR-1-a"] = GEOS["PAIR-1-dimer"].extract_fragments(1)
GEOS["PAIR-1-b"] = GEOS["PAIR-1-dimer"].extract_fragments(2)
"""
LATTICE = """| Energy | Sigma | Energy Variance | DOF | Einf | Method |
|---|---|---|---|---|---|
| -0.8284271247 | | | 2 | 2.0 | Exact diagonalization |
| -0.80 | 0.01 | 0.1 | 2 | 2.0 | VMC |
"""
HELIUM = {
    "symbols": ["He"],
    "geometry": [0.0, 0.0, 0.0],
    "molecular_charge": 0,
    "molecular_multiplicity": 1,
}
DATASET = {
    "name": "helium",
    "entries": [{"name": "he", "molecule": HELIUM}],
    "contributed_values": {"exact": {"values": [-2.9037], "index": ["he"], "units": "hartree"}},
}
STATES = [{"Molecule": "Hydrogen", "State": "^1S", "Spin": 1, "V/R": "R", "TBE/AVTZ": 20.6, "CC3": 20.5}]


@pytest.mark.parametrize(
    ("files", "level", "shown"),
    [
        ({"PAIR.py": PAIR}, "hf/6-31g", "1 of 1 entries"),
        ({"Hubbard/chain_2_O_1_4.md": LATTICE}, "fci", "0 of 1 entries"),
        ({"set.json": json.dumps(DATASET)}, "hf/6-31g", "1 of 1 entries"),
        (
            {"h.json": json.dumps(STATES), "Hydrogen.xyz": "2\nunits=bohr\nH 0 0 0\nH 0 0 1.4\n"},
            "pbe/6-31g",
            "1 of 1 entries",
        ),
        (
            {
                "two.din": "-1\ndi\n2\nhe\n0\n0.02\n",
                "di.xyz": "2\n0 1\nHe 0 0 0\nHe 0 0 3\n",
                "he.xyz": "1\n0 1\nHe 0 0 0\n",
            },
            "hf/6-31g",
            "1 of 1 entries",
        ),
    ],
)
def test_what_came_in_runs_reports_and_goes_out(files, level, shown, qmbench, empty_folder):
    for name, text in files.items():
        path = empty_folder / "db" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    code, out, err = qmbench("benchmark", "import", "db", "--as", "mine")
    assert code == 0, out + err
    assert qmbench("lint", "mine")[1].strip() == "mine: 0 errors, 0 warnings"
    (empty_folder / "s.toml").write_text(
        f'id = "s"\ntitle = "S"\nbenchmarks = ["./mine"]\n[[levels]]\nlevel = "{level}"\nbsse = "none"\n'
    )
    code, out, err = qmbench("run", "suite", "s.toml", "--report", "rep")
    assert code == 0, out + err
    assert "1 results, 1 ok" in out
    assert list((empty_folder / "rep").iterdir())
    code, out, _ = qmbench("benchmark", "export", "./mine", "--to", "out")
    assert shown in out


def test_a_dry_run_shows_an_extrapolated_level_whole(qmbench, empty_folder):
    (empty_folder / "s.toml").write_text(
        'id = "s"\ntitle = "S"\nbenchmarks = [{ id = "atoms", entries = ["he"] }]\n'
        '[[levels]]\nlevel = "hf/cc-pv[dt]z"\n'
    )
    code, out, _ = qmbench("run", "suite", "s.toml", "--dry-run")
    assert code == 0
    assert "hf/cc-pv[dt]z" in out


@pytest.mark.parametrize("name", ["nci", "thermochemistry", "response", "strong_correlation"])
def test_a_suite_for_a_night_plans_and_says_how_long(name, qmbench, empty_folder):
    """Hours of processor time, and no level that is wrong for anything but learned ones out of their range."""
    code, out, _ = qmbench("run", "suite", name, "--dry-run", "--json")
    assert code == 0
    document = json.loads(out)
    seconds = document["estimated_cpu_s"]
    assert 3600 < seconds < 24 * 3600
    refused = {row["level_of_theory"] for row in document["levels"] if row["refused"]}
    assert refused <= {"ml-hirshfeld+mbd", "dmet?fragment=2"}
