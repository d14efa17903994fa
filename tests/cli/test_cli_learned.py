"""A learned level on the command line: its training overlap in every output, and its records in full."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest

DIMER = '2\ncharge=0 multiplicity=1 fragments="1:0:1 2:0:1"\nHe 0 0 0\nHe 0 0 {}\n'
SUITE = """
id = "learned"
title = "Learned"
benchmarks = [{ id = "FOLDER", observables = ["interaction_energy"] }]
[[levels]]
level = "remembering"
bsse = "none"
"""


@pytest.fixture
def dimer(remembering):
    """Files of the helium dimer by distance in ångström."""

    def write(distance):
        path = Path(f"he2_{distance}.xyz")
        path.write_text(DIMER.format(distance))
        return path

    return write


@pytest.fixture
def suite(folder, remembering, qmbench):
    path = Path("suite.toml")
    path.write_text(SUITE.replace("FOLDER", str(folder)))
    return path


def complaint(result):
    assert (result[0], result[1]) == (3, "")
    assert result[2].count("\n") == 1
    return result[2]


def test_compute_says_what_the_level_was_trained_on(qmbench, dimer):
    code, out, err = qmbench("compute", "remembering", dimer(3.0))
    assert code == 0
    assert re.search(r"energy +-5\.8000200000 ± 1e-05 † +hartree \(model\)", out)
    assert "† in the training data of this level: same geometry: helium dimer (0)" in out
    assert re.search(r"^record: qmbench show [0-9a-f]{12}  # energy$", err, re.M)


def test_the_compute_document_of_a_system_and_of_an_interaction(qmbench, dimer):
    document = json.loads(qmbench("compute", "remembering", dimer(3.5), "--json")[1])
    assert document["training_overlap"] == "same molecule: helium dimer (0.5)"
    assert re.fullmatch("[0-9a-f]{32}", document["records"]["energy"])
    arguments = ("-p", "interaction_energy", "--bsse", "none", "--json")
    document = json.loads(qmbench("compute", "remembering", dimer(3.0), *arguments)[1])
    assert document["training_overlap"] == "same geometry: helium dimer (0)"
    assert document["observable"]["uncertainty_kind"] == "model"
    assert document["tasks"][0]["provenance"]["explanation"]["note"] == "hartree"


def test_no_overlap_no_mark(qmbench, remembering):
    Path("he.xyz").write_text("1\ncharge=0 multiplicity=1\nHe 0 0 0\n")
    assert "†" not in qmbench("compute", "remembering", "he.xyz")[1]
    assert json.loads(qmbench("compute", "remembering", "he.xyz", "--json")[1])["training_overlap"] is None


def test_run_suite(qmbench, suite):
    document = json.loads(qmbench("run", "suite", suite, "--json")[1])
    found = {
        r["entry"]: (r["training_overlap"], (r["observable"] or {}).get("uncertainty_kind"))
        for r in document["records"]
    }
    assert found["he2"] == ("same geometry: helium dimer (0)", "model")
    assert found["he2_far"] == ("same molecule: helium dimer (1)", "model")
    assert {row["n_training_overlap"] for row in document["statistics"] if row["subset"] == "all"} == {2}
    said = qmbench("run", "suite", suite)[1]
    assert "0/2 †" in said  # what it was trained on does not score it
    assert "2 of 2 entries were in the training data of remembering" in said


def test_tables_for_machines(qmbench, suite):
    qmbench("run", "suite", suite)
    assert qmbench("report", "--format", "csv", "--format", "parquet", "--report", "made")[0] == 0
    rows = list(csv.DictReader(io.StringIO(Path("made/results-toy_bench-interaction_energy.csv").read_text())))
    want = {"he2": "same geometry: helium dimer (0)", "he2_far": "same molecule: helium dimer (1)"}
    assert {r["entry"]: r["training_overlap"] for r in rows} == want
    assert {r["uncertainty_kind"] for r in rows} == {"model"}
    table = pd.read_parquet("made/results.parquet")
    assert dict(zip(table["entry"], table["training_overlap"], strict=True)) == want
    assert set(pd.read_parquet("made/statistics.parquet")["n_training_overlap"]) == {2, 1}


def test_the_report_explains(qmbench, suite):
    qmbench("run", "suite", suite, "--report", "made")
    page = Path("made/report.html").read_text()
    # The far dimer is a whole ångström from the data, so it comes first.
    far, near = (page.index(f"remembering on toy_bench/{e}: interaction energy") for e in ("he2_far", "he2"))
    assert page.index('id="explanations"') < far < near
    line = next(x for x in Path("made/tables.md").read_text().splitlines() if "qmbench show" in x)
    assert line.startswith("2 predictions hold a table")
    key = re.search("show ([0-9a-f]{12})", line)[1]
    assert "he2_far" in qmbench("show", key)[1]


def test_show_a_record(qmbench, dimer):
    document = json.loads(qmbench("compute", "remembering", dimer(3.5), "--json", "--cores", "1")[1])
    key = document["records"]["energy"]
    code, out, _ = qmbench("show", key[:6].upper())
    assert code == 0
    for words in (
        f"record: {key}",
        "level of theory: remembering",
        "system: he2_3.5 (",
        "property: energy",
        "status: ok",
        "value: -5.8000200000 ± 1.5e-05 hartree (model)",
        "in the training data: same molecule: helium dimer (0.5)",
        "versions: ",
        "1 core\n",
    ):
        assert words in out
    assert "explanation" not in out[: out.index("\nexplanation\n")]  # not among the settings as well
    assert re.search(r"^atom +share +nearest *$", out, re.M)
    assert re.search(r"^He2 +-2.90001 +He2 at 3.0$", out, re.M)
    assert out.rstrip().endswith("hartree")
    whole = json.loads(qmbench("show", key, "--json")[1])
    assert whole["key"] == key
    assert whole["quantity"] == document["properties"]["energy"]
    assert whole["provenance"]["settings"] == document["provenance"]["settings"]


def test_show_records_of_other_shapes_and_failures(qmbench):
    document = json.loads(
        qmbench("compute", "hf/sto-3g", "diatomics:n2", "-p", "dipole", "-p", "polarizability", "--json")[1]
    )
    for key in document["records"].values():
        code, out, _ = qmbench("show", key)
        assert code == 0
        assert "basis sto-3g" in out
    assert re.search(r"value: \[\[.*bohr3", out, re.S)
    failed = json.loads(qmbench("compute", "hf/sto-3g?max_cycle=1", "diatomics:n2", "--json")[1])
    out = qmbench("show", failed["records"]["energy"])[1]
    assert "status: failed" in out
    assert "failure: not_converged: " in out


def test_a_key_that_names_no_record_or_several_is_one_line(qmbench, tmp_path):
    from qmbench.domain.quantity import Quantity
    from qmbench.domain.record import Record
    from qmbench.running.store import Store

    assert "there is no store at qmbench-data/store.sqlite" in complaint(qmbench("show", "abcdef"))
    keys = ["abcdef" + end * 26 for end in "0123"]
    with Store(tmp_path / "s.sqlite") as store:
        store.put(Record(k, "m", f"s{k[-1]}", "0", "energy", "ok", Quantity(1.0, "hartree")) for k in keys)
    place = ("--store", tmp_path / "s.sqlite")
    said = complaint(qmbench("show", "abcdef", *place))
    assert f"{keys[0]} (energy of s0), {keys[1]} (energy of s1), {keys[2]} (energy of s2), …" in said
    assert "give more digits" in said
    assert f"record: {keys[1]}" in qmbench("show", "abcdef1", *place)[1]
    assert "no record of" in complaint(qmbench("show", "abcdef9", *place))
    assert "no method, benchmark, entry, system, suite, run or record" in complaint(qmbench("show", "abcde", *place))
