"""Every document is of the form that its published schema says; a schema does not change without its version."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from qmbench.api.documents import DOCUMENTS, computing, disagreeing, judging, pieces, schema
from qmbench.domain.errors import InputError

GOLDEN = Path(__file__).parents[1] / "golden" / "schemas.json"


def problems(name: str, document: Any) -> list[str]:
    """What is wrong with a document, as an outsider's validator says it; it must be JSON first."""
    found = Draft202012Validator(schema(name)).iter_errors(json.loads(json.dumps(document, allow_nan=False)))
    return [f"{list(error.absolute_path)}: {error.message[:300]}" for error in found]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_is_one(name):
    made = schema(name)
    Draft202012Validator.check_schema(made)
    assert made["$id"] == f"urn:qmbench:schema:{name}:{DOCUMENTS[name].version}"


def test_a_schema_does_not_change_without_its_version():
    """What a schema asks for, descriptions aside: after a change count `version` in DOCUMENTS up, and write the new
    digest, which the failure shows, into tests/golden/schemas.json."""

    def without_words(x: Any, names: bool = False) -> Any:
        """names: whether the keys of x are those of documents, not of the schema."""
        if isinstance(x, dict):
            kept = {k: v for k, v in x.items() if names or k not in ("description", "title", "$id")}
            return {k: without_words(v, not names and k in ("properties", "$defs")) for k, v in kept.items()}
        return [without_words(v) for v in x] if isinstance(x, list) else x

    def digest(name: str) -> str:
        return hashlib.sha256(json.dumps(without_words(schema(name)), sort_keys=True).encode()).hexdigest()[:16]

    assert {n: [d.version, digest(n)] for n, d in DOCUMENTS.items()} == json.loads(GOLDEN.read_text())


def test_words_are_those_that_the_code_writes():
    from qmbench.domain.learned import OVERLAP_KINDS
    from qmbench.domain.record import Status
    from qmbench.judging.disagreement import VERDICTS
    from qmbench.judging.regression import BAD, COMPARED, FORMAT
    from qmbench.judging.tiers import TIERS
    from qmbench.judging.user_weights import USER_TOTAL_COLUMNS

    assert get_args(disagreeing.Verdict) == VERDICTS
    assert get_args(disagreeing.Tier) == TIERS
    assert {*BAD, *COMPARED} <= set(get_args(judging.Outcome))
    assert get_args(pieces.Status) == get_args(Status)
    assert schema("baseline")["properties"]["format"]["const"] == FORMAT
    assert schema("record")["$defs"]["Overlap"]["properties"]["kind"]["enum"] == list(OVERLAP_KINDS)
    assert list(computing.UserTotal.__annotations__) == USER_TOTAL_COLUMNS


def test_unknown_and_missing_keys_are_seen():
    finding = {"where": "x", "message": "y", "severity": "error"}
    assert problems("lint", [finding]) == []
    assert problems("lint", [finding | {"more": 1}])
    assert problems("lint", [{"where": "x", "message": "y"}])
    assert problems("lint", [finding | {"severity": "grave"}])


def test_what_a_store_keeps(toys, folder, tmp_path):
    """Runs and records as they are written, with states, curves and failures among them."""
    import numpy as np
    from toy_runs import computed

    from qmbench.domain.quantity import Curve, Quantity
    from qmbench.domain.record import Cost, Failure, Record

    report, _ = computed(folder, "toy")
    assert problems("run", report.run.to_json()) == []
    quantities = (
        Quantity(1.0, "hartree", 0.1, "model"),
        Quantity(np.eye(3), "bohr3"),
        Quantity({"S1": 1.0}, "eV", {"S1": 0.1}, "statistical", {"S1": 1}),
        Quantity(Curve(np.array([0.0, 1.0]), np.array([1.0, 2.0]), "bohr"), "hartree"),
    )
    made = [Record("0" * 32, "toy", "he", "f" * 24, "energy", "ok", q, cost=Cost(1.0, 1.0, 1.0)) for q in quantities]
    made.append(Record("0" * 32, "toy", "he", "f" * 24, "energy", "failed", failure=Failure("crash", "died")))
    made += report.records.values()
    for record in made:
        assert problems("record", record.to_json()) == []


def test_files_of_a_report(toys, folder, tmp_path):
    from toy_runs import computed

    report, _ = computed(folder, "toy", "toy?ghost_stabilization=0.5")
    from qmbench.report.formats import _json

    for path in _json(report, tmp_path):
        assert problems(path.stem, json.loads(path.read_text())) == []


SUITE = """
id = "s"
title = "S"
benchmarks = [{ id = "rare_gas", entries = ["he2_1.00", "hene_1.00"] }, { id = "atoms", entries = ["he"] }]
[[levels]]
level = "hf/sto-3g"
bsse = "cp"
[[levels]]
level = "mp2/sto-3g"
bsse = "cp"
"""
ENTRY = "rare_gas/he2_1.00"


@pytest.mark.slow
def test_every_command_writes_what_its_schema_says(qmbench, empty_folder, monkeypatch):
    """Each command with `--json` once at least; the fixture `published_schemas` holds what it prints to the schema."""
    from qmbench.cli import common

    seen: dict[str, list[Any]] = {}
    checked = common.json_text

    def noted(document: Any, name: str, escaped: bool) -> str:
        text = checked(document, name, escaped)
        seen.setdefault(name, []).append(json.loads(text))
        return text

    monkeypatch.setattr(common, "json_text", noted)
    (empty_folder / "s.toml").write_text(SUITE)

    def call(*arguments: str, code: tuple[int, ...] = (0,)) -> None:
        found = qmbench(*arguments, "--json")
        assert found[0] in code, (arguments, found)

    call("run", "suite", "s.toml", "--dry-run", "--elements", "He,Ne")
    call("run", "suite", "s.toml", "--elements", "He,Ne")
    call("compute", "hf/sto-3g", "atoms:he", "-p", "energy", "-p", "dipole")
    call("compute", "hf/sto-3g", ENTRY, "--bsse", "cp")
    call("compute", "mp2/sto-3g - hf/sto-3g", "atoms:he")
    call("compute", "hf/sto-3g", "atoms:u", code=(1, 3))
    call("compute", "hf/nothing", "atoms:he", code=(1, 3))
    for command in (("disagree",), ("compare",), ("store", "prune", "--dry-run")):
        call(*command, code=(0, 1, 2))
    assert qmbench("check", "--baseline", "b.json", "--update")[0] == 0
    assert problems("baseline", json.loads((empty_folder / "b.json").read_text())) == []
    call("check", "--baseline", "b.json")
    for what in ("methods", "benchmarks", "suites", "systems", "properties", "statistics", "formats", "plugins"):
        call("list", what)
    key = next(iter(seen["compute"][0]["records"].values()))
    run = seen["run-suite"][0]["run"]
    for thing in (
        "rare_gas",
        ENTRY,
        "atoms:he",
        "quick",
        "s.toml",
        "hf/sto-3g",
        "fci",
        "mp2/sto-3g - hf/sto-3g",
        key,
        run,
    ):
        call("show", thing)
    call("subset", "s66", "--size", "8", "--seed", "1")
    shipped = Path(__file__).parents[2] / "benchmarks"
    call("lint", str(shipped / "s12l"))
    call("plugin", "check", "edft", "--check", "prints_nothing")
    assert qmbench("benchmark", "export", "rare_gas", "--to", "out")[0] in (0, 1)
    call("benchmark", "import", "out", "--as", "mine", code=(0, 1))
    assert qmbench("report", "--format", "json", "--report", "r")[0] == 0
    for name in ("statistics", "disagreement"):
        assert problems(name, json.loads((empty_folder / "r" / f"{name}.json").read_text())) == []
    files = {"statistics", "disagreement", "baseline", "record", "run"}
    assert set(seen) == set(DOCUMENTS) - files - {"plugin-add"}  # installing is for the tests of isolated plugins


def test_the_page_names_all_of_them():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "schemas.md").read_text()
    rows = [line.split("|")[1:4] for line in page.splitlines() if line.startswith("| `")]
    told = [tuple(cell.strip().replace("`", "") for cell in row) for row in rows]
    assert told == [(name, document.version, document.written_by) for name, document in DOCUMENTS.items()]


def test_the_command(qmbench):
    code, out, _ = qmbench("schema")
    assert code == 0
    assert all(name in out for name in DOCUMENTS)
    code, out, _ = qmbench("schema", "compare")
    assert code == 0
    assert json.loads(out) == schema("compare")
    code, _, err = qmbench("schema", "comparee")
    assert code == 3
    assert "did you mean 'compare'" in err
    with pytest.raises(InputError, match="no document"):
        schema("nothing")
