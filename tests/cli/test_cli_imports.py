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
