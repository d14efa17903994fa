"""What qmbench writes as QCSchema is what QCElemental reads, and what QCEngine writes qmbench reads."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from qmbench.cli import run

LEVEL = "gfn2-xtb"


@pytest.fixture
def cli(tmp_path, monkeypatch, capfd, systems):
    """Runs one command in a folder with water, hydroxide and OH as XYZ files; gives (exit code, output, errors)."""
    monkeypatch.chdir(tmp_path)
    for name in ("water", "hydroxide", "OH"):
        m = systems[name]
        rows = "\n".join(f"{s} {' '.join(repr(x) for x in p)}" for s, p in zip(m.symbols, m.positions, strict=True))
        head = f"units=bohr charge={m.charge} multiplicity={m.multiplicity}"
        (tmp_path / f"{name}.xyz").write_text(f"{len(m.symbols)}\n{head}\n{rows}\n")

    def call(*arguments):
        code = run([str(a) for a in arguments])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


def models(version):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from qcelemental.models import v1, v2
    return {1: v1, 2: v2}[version]


@pytest.mark.parametrize("version", [1, 2])
def test_molecules_are_what_qcelemental_reads(cli, tmp_path, systems, version):
    code, out, _ = cli("export", "qcschema", "water.xyz", "OH.xyz", "--to", "m.json", "--schema-version", version)
    assert (code, out) == (0, "m.json: 2 molecules\n")
    for data, name in zip(json.loads((tmp_path / "m.json").read_text()), ("water", "OH"), strict=True):
        read = models(version).Molecule(**data)
        wanted = systems[name]
        assert np.abs(np.asarray(read.geometry) - wanted.coordinates).max() < 1e-8  # QCElemental keeps eight decimals
        assert (read.molecular_charge, read.molecular_multiplicity) == (wanted.charge, wanted.multiplicity)
        assert tuple(read.symbols) == wanted.symbols
        assert read.schema_version == version + 1


def test_fragments_and_ghosts(cli, tmp_path, systems):
    from qmbench.data.imports.export import qcschema_molecule

    ghost = models(1).Molecule(**qcschema_molecule(systems["ghost"], "ghost"))
    assert list(ghost.real) == [True, True, False]
    assert cli("export", "qcschema", "s22:water_dimer", "--to", "d.json")[0] == 0
    dimer = models(1).Molecule(**json.loads((tmp_path / "d.json").read_text()))
    assert [list(map(int, f)) for f in dimer.fragments] == [[0, 1, 2], [3, 4, 5]]
    assert list(dimer.fragment_charges) == [0.0, 0.0]


@pytest.mark.parametrize("version", [1, 2])
def test_results_are_what_qcelemental_reads(cli, tmp_path, systems, version):
    """Energy and gradient against qmbench's own record, and against tblite behind QCEngine's harness for xtb."""
    to = ("--level", LEVEL, "--schema-version", version, "--to")
    assert cli("export", "qcschema", "hydroxide.xyz", *to, "g.json", "-p", "forces")[0] == 0
    data = json.loads((tmp_path / "g.json").read_text())
    read = models(version).AtomicResult(**data)
    asked = read if version == 1 else read.input_data.specification
    assert (str(asked.driver.value), asked.model.method, asked.model.basis) == ("gradient", LEVEL, None)
    assert read.success is True
    assert read.provenance.creator == "qmbench"
    told = json.loads(cli("compute", LEVEL, "hydroxide.xyz", "-p", "energy", "-p", "forces", "--json")[1])
    assert read.properties.return_energy == told["properties"]["energy"]["value"]
    assert np.array_equal(np.asarray(read.return_result), -np.array(told["properties"]["forces"]["value"]))
    assert data["extras"]["qmbench"]["records"] == told["records"]

    import qcengine

    molecule = {**data["molecule"], "schema_version": 2}
    question = {"molecule": molecule, "driver": "gradient", "model": {"method": "GFN2-xTB"}, "keywords": {}}
    theirs = qcengine.compute(question, "xtb", return_dict=True)
    assert read.properties.return_energy == pytest.approx(theirs["properties"]["return_energy"], abs=1e-6)
    assert np.abs(np.asarray(read.return_result).ravel() - np.ravel(theirs["return_result"])).max() < 1e-5

    assert cli("export", "qcschema", "water.xyz", "OH.xyz", *to, "e.json")[0] == 0
    for one in json.loads((tmp_path / "e.json").read_text()):
        assert isinstance(models(version).AtomicResult(**one).return_result, float)


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_written_is_read_back(cli, tmp_path, version):
    """A molecule keeps its hash, so that its records are found again; a result becomes a published level."""
    named = "s22:water_dimer"
    assert cli("export", "qcschema", named, "--to", "m.json", "--schema-version", version)[0] == 0
    first = json.loads(cli("compute", LEVEL, named, "--json")[1])
    again = json.loads(cli("compute", LEVEL, "m.json", "--json")[1])
    assert again["system"]["hash"] == first["system"]["hash"]
    assert again["cached"] is True
    assert json.loads(cli("show", "m.json", "--json")[1])["fragments"] == 2

    result = ("export", "qcschema", named, "--level", LEVEL, "--schema-version", version, "--to", "r.json")
    assert cli(*result)[0] == 0
    assert json.loads(cli("compute", LEVEL, "r.json", "--json")[1])["system"]["hash"] == first["system"]["hash"]
    code, out, err = cli("benchmark", "import", "r.json", "--as", "mine", "--json")
    assert code == 0, err + out
    listed = (tmp_path / "mine" / "references.csv").read_text() + (tmp_path / "mine" / "benchmark.toml").read_text()
    assert repr(first["properties"]["energy"]["value"]) in listed
    assert LEVEL in listed


def test_an_answer_of_qcengine_is_a_system(cli, tmp_path, systems):
    """As QCEngine writes it to a file, of both versions of QCSchema."""
    import qcengine

    for version in (1, 2):
        question = json.loads((tmp_path / "q.json").read_text()) if version == 2 else None
        if question is None:
            assert cli("export", "qcschema", "OH.xyz", "--to", "q.json")[0] == 0
            question = json.loads((tmp_path / "q.json").read_text())
        asked = {"molecule": question, "driver": "energy", "model": {"method": "GFN2-xTB"}, "keywords": {}}
        answer = qcengine.compute(asked, "xtb", return_version=version, return_dict=False)
        assert answer.success
        text = answer.json() if version == 1 else answer.model_dump_json()
        (tmp_path / f"answer{version}.json").write_text(text)
        shown = json.loads(cli("show", f"answer{version}.json", "--json")[1])
        assert (shown["charge"], shown["multiplicity"]) == (0, 2)
        assert np.abs(np.array(shown["positions bohr"]) - systems["OH"].coordinates).max() < 1e-8


def test_refused_and_left_out(cli, tmp_path):
    assert (
        "QCSchema has the versions 1 and 2"
        in cli(*("export", "qcschema", "water.xyz", "--to", "m.json", "--schema-version", 3))[2]
    )
    assert "give --level" in cli("export", "qcschema", "water.xyz", "--to", "m.json", "-p", "energy")[2]
    assert "QCSchema is JSON" in cli("export", "qcschema", "water.xyz", "--to", "m.xyz")[2]
    level = ("--level", "gfn2-xtb?max_iterations=2", "--to", "f.json")
    code, out, _ = cli("export", "qcschema", "water.xyz", *level)
    assert code == 2
    assert out.startswith("left out: water.xyz: ")
    assert not (tmp_path / "f.json").exists()
    code, out, _ = cli("export", "qcschema", "water.xyz", "hubbard:chain2_u4", "--to", "m.json")
    assert code == 1
    assert "left out: hubbard:chain2_u4: a lattice, no molecule" in out
