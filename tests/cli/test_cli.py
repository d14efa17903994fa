"""The command line as scripts and people meet it: documents, exit codes, one-line complaints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qmbench.running.store import Store

HF_HE_STO3G = -2.807783957539


def complaint(result, code=3):
    """The one line of a refused request."""
    assert result[0] == code
    assert result[1] == ""
    assert result[2].startswith("qmbench: ")
    assert result[2].count("\n") == 1
    return result[2]


def test_compute_document_and_cache(qmbench):
    code, out, err = qmbench("compute", "HF/STO-3G", "atoms:he", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["level_of_theory"] == "hf/sto-3g"
    assert set(document["system"]) == {"id", "hash"}
    assert document["system"]["id"] == "atoms:he"
    assert document["status"] == "ok"
    assert document["failure"] is None
    energy = document["properties"]["energy"]
    assert energy["value"] == pytest.approx(HF_HE_STO3G, abs=1e-9)
    assert (energy["unit"], energy["uncertainty"], energy["uncertainty_kind"]) == ("hartree", None, None)
    assert set(document["cost"]) >= {"wall_s", "cpu_s", "peak_memory_mib"}
    assert document["provenance"]["versions"]["pyscf"]
    assert document["cached"] is False
    again = json.loads(qmbench("compute", "hf/sto-3g", "atoms:he", "--json")[1])
    assert again["cached"] is True
    assert again["properties"] == document["properties"]
    assert Path("qmbench-data/store.sqlite").exists()


def test_counterpoise_of_a_file_equals_the_three_calculations(qmbench):
    Path("hene.xyz").write_text('2\ncharge=0 multiplicity=1 fragments="1:0:1 2:0:1"\nHe 0 0 0\nNe 0 0 2.5\n')
    code, out, _ = qmbench("compute", "hf/6-31g", "hene.xyz", "-p", "interaction_energy", "--bsse", "cp", "--json")
    document = json.loads(out)
    assert code == 0
    total = sum(t["coefficient"] * t["quantity"]["value"] for t in document["tasks"])
    assert document["observable"]["value"] == pytest.approx(total * 627.5094740631, abs=1e-9)
    assert document["observable"]["unit"] == "kcal/mol"
    assert len(document["tasks"]) == 3
    bare = json.loads(
        qmbench("compute", "hf/6-31g", "hene.xyz", "-p", "interaction_energy", "--bsse", "none", "--json")[1]
    )
    # The fragments gain from the ghosts' functions, so counterpoise makes the complex less bound.
    assert bare["observable"]["value"] < document["observable"]["value"]
    assert "say bsse = 'none' or 'cp'" in complaint(
        qmbench("compute", "hf/6-31g", "hene.xyz", "-p", "interaction_energy")
    )


def test_an_entry(qmbench):
    code, out, _ = qmbench("compute", "hf/sto-3g", "diatomics/h2", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["observable"]["name"] == "dissociation_energy"
    assert sorted(t["coefficient"] for t in document["tasks"]) == [-1.0, 2.0]


def test_a_lattice_file(qmbench):
    Path("dimer.toml").write_text(
        'kind = "hubbard"\nlattice = [2]\nboundary = ["open"]\nt = 1.0\nu = 4.0\nelectrons = 2\nmultiplicity = 1\n'
    )
    document = json.loads(qmbench("compute", "fci", "dimer.toml", "-p", "energy", "--json")[1])
    # Two sites, two electrons: E = (U - sqrt(U^2 + 16 t^2)) / 2.
    assert document["properties"]["energy"]["value"] == pytest.approx((4 - 32**0.5) / 2, abs=1e-10)
    assert document["properties"]["energy"]["unit"] == "t"


WRONG = [
    (("compute", "hf/sto-3g", "atoms:hee"), "has no system 'hee'; did you mean 'he'"),
    (("compute", "hf/sto-3g", "atms:he"), "unknown benchmark 'atms'; did you mean 'atoms'"),
    (("compute", "hff/sto-3g", "atoms:he"), "unknown method 'hff'; did you mean 'hf'"),
    (("compute", "hf/sto-33g", "atoms:he"), "unknown basis 'sto-33g'"),
    (("compute", "hf/sto-3g?densty_fitting=true", "atoms:he"), "did you mean 'density_fitting'"),
    (("compute", "hf/sto-3g?density_fitting=perhaps", "atoms:he"), "not 'perhaps'"),
    (("compute", "hf/sto-3g", "nowhere.xyz"), "can't read nowhere.xyz: No such file"),
    (("compute", "hf/sto-3g", "helium"), "is not a system; write BENCHMARK:SYSTEM"),
    (("compute", "hf/sto-3g", "atoms:he", "-p", "enrgy"), "unknown property 'enrgy'; did you mean 'energy'"),
    (("compute", "hf/sto-3g", "atoms:he", "--bsse", "full"), "--bsse is none or cp or vmfc, not 'full'"),
    (("run", "suite", "starters"), "unknown suite 'starters'; did you mean 'starter'"),
    (("run", "suite", "none.toml"), "can't read none.toml"),
    (
        ("run", "suite", "quick", "--engine", "slurm"),
        "unknown engine 'slurm'; there is dask, local, written NAME or NAME:ADDRESS",
    ),
    (("run", "suite", "quick", "--store", "mysql://x"), "mysql"),
    (("list", "methds"), "did you mean 'methods'"),
    (("show", "atomz"), "did you mean 'atoms'"),
    (("lint", "nowhere"), "neither a benchmark folder nor a suite file"),
    (("frobnicate",), "No such command"),
    (("run", "suite", "--lvel", "hf"), "No such option"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(a) for a, _ in WRONG])
def test_a_wrong_request_is_one_line_and_exit_code_3(qmbench, arguments, message):
    code, out, err = qmbench(*arguments)
    assert code == 3
    assert message in out + err
    assert "Traceback" not in out + err


SYSTEMS = [
    ("1\nmultiplicity=1\nHe 0 0 0\n", "line 2: 'charge=' is missing"),
    ("1\ncharge=0\nHe 0 0 0\n", "line 2: 'multiplicity=' is missing"),
    ("1\ncharge=0 multiplicity=2\nHe 0 0 0\n", "multiplicity 2 is impossible with 2 electrons; possible: 1, 3"),
    ("2\ncharge=0 multiplicity=1\nHe 0 0 0\n", "line 1: 2 atoms announced, 1 lines"),
    ("1\ncharge=0 multiplicity=1\nHe 0 nan 0\n", "position of atom 1 is not a finite number"),
    ("2\ncharge=0 multiplicity=1\nHe 0 0 0\nHe 0 0 0\n", "atoms 1 and 2 are on one spot"),
    ("1\ncharge=0 multiplicity=1\nHx 0 0 0\n", "unknown element 'Hx'"),
    ("1\ncharge=0 multiplicity=1\nHe 0 zero 0\n", "line 3: an atom is a symbol and three numbers"),
]


@pytest.mark.parametrize(("text", "message"), SYSTEMS, ids=[m for _, m in SYSTEMS])
def test_a_wrong_geometry_is_one_line(qmbench, text, message):
    Path("x.xyz").write_text(text)
    assert message in complaint(qmbench("compute", "hf/sto-3g", "x.xyz"))


def test_what_a_method_does_not_do_is_unsupported(qmbench):
    code, out, _ = qmbench("compute", "ccsd(t)/sto-3g", "atoms:he", "-p", "excitation_energies", "--json")
    document = json.loads(out)
    assert code == 1
    assert document["status"] == "unsupported"
    assert "excitation_energies" in document["failure"]["message"]


def test_no_convergence_is_a_failure_and_not_a_number(qmbench):
    code, out, _ = qmbench("compute", "hf/sto-3g?max_cycle=1", "diatomics:n2", "--json")
    document = json.loads(out)
    assert code == 1
    assert document["failure"]["kind"] == "not_converged"
    assert document["properties"] == {}


SUITE = """
id = "mine"
title = "Mine"
benchmarks = [{ id = "atoms", subset = "small" }, "./toy_bench"]
[[levels]]
level = "hf/sto-3g"
bsse = "cp"
"""


@pytest.fixture
def suite(folder, qmbench):
    """A user's own suite with a folder of their own."""
    path = Path("suite.toml")
    path.write_text(SUITE.replace("./toy_bench", str(folder)))
    return path


def test_run_suite(qmbench, suite):
    code, out, err = qmbench("run", "suite", suite, "--json")
    document = json.loads(out)
    assert code == 0, err
    assert {"level_of_theory", "benchmark", "entry", "status", "failure", "observable", "cached"} <= set(
        document["records"][0]
    )
    assert all(r["status"] == "ok" and not r["cached"] for r in document["records"])
    assert any(r["benchmark"] == "toy_bench" and r["bsse"] == "cp" for r in document["records"])
    row = next(r for r in document["statistics"] if r["observable"] == "ionization_energy" and r["subset"] == "all")
    assert row["n_ok"] == row["n"] > 0
    for name in ("tables.md", "statistics.json"):
        assert Path("qmbench-report", name).stat().st_size > 0
    code, out, _ = qmbench("run", "suite", suite)
    assert code == 0
    assert "HF/STO-3G" in out
    assert "hf/sto-3g" not in out
    assert "reference set nonrelativistic" in out
    again = json.loads(qmbench("run", "suite", suite, "--json", "--report", "elsewhere")[1])
    assert all(r["cached"] for r in again["records"])
    assert Path("elsewhere/tables.md").exists()


def test_a_report_is_made_again_only_when_its_numbers_change(qmbench, suite):
    qmbench("run", "suite", suite, "--benchmark", "atoms")
    page = Path("qmbench-report/report.html")
    before = page.stat().st_mtime_ns
    qmbench("run", "suite", suite, "--benchmark", "atoms")
    assert page.stat().st_mtime_ns == before
    qmbench("run", "suite", suite, "--benchmark", "atoms", "--reference", "HF-limit")
    assert page.stat().st_mtime_ns > before
    page.unlink()
    qmbench("run", "suite", suite, "--benchmark", "atoms", "--reference", "HF-limit")
    assert page.exists()


def test_dry_run_computes_nothing(qmbench, suite):
    code, out, _ = qmbench("run", "suite", suite, "--dry-run", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["in_store"] == 0
    # The helium atom of one benchmark is that of the other.
    assert 10 < document["tasks"] == sum(row["tasks"] for row in document["levels"]) - 1
    assert not Path("qmbench-data").exists()
    assert document["learned_from"] == 0
    assert [task["estimated_cpu_s"] for task in document["dearest"]][:1] == [document["critical_path_s"]]
    assert len(document["dearest"]) == 10


def test_dry_run_knows_what_things_cost_once_they_ran(qmbench, suite):
    first = json.loads(qmbench("run", "suite", suite, "--benchmark", "atoms", "--dry-run", "--json")[1])
    qmbench("run", "suite", suite, "--benchmark", "atoms", "--json")
    with Store("qmbench-data/store.sqlite", read_only=True) as store:
        costs = {r.key: r.cost.cpu_s for r in store.records(status="ok")}
    arguments = ("run", "suite", suite, "--benchmark", "atoms", "--dry-run", "--fresh")
    again = json.loads(qmbench(*arguments, "--json", "--workers", 3)[1])
    assert again["tasks"] == first["tasks"] == again["learned_from"]
    assert again["estimated_cpu_s"] == pytest.approx(sum(costs.values()), rel=1e-9)
    assert again["critical_path_s"] == pytest.approx(max(costs.values()), rel=1e-9)
    assert again["estimated_wall_s"] == pytest.approx(max(sum(costs.values()) / 3, max(costs.values())), rel=1e-9)
    assert sum(row["estimated_cpu_s"] for row in again["levels"]) == pytest.approx(again["estimated_cpu_s"])
    said = qmbench(*arguments)[1]
    assert f"estimates by {len(costs)} recorded costs" in said
    assert "the dearest tasks:" in said


def test_failed_and_unsupported_entries(qmbench, suite):
    suite.write_text(suite.read_text().replace("hf/sto-3g", "hf/sto-3g?max_cycle=1&stability=false"))
    code, out, err = qmbench("run", "suite", suite, "--json", "--benchmark", "atoms")
    rows = json.loads(out)["records"]
    failed = [r for r in rows if r["status"] == "failed"]
    assert code == 1
    assert {r["failure"]["kind"] for r in failed} == {"not_converged"}
    assert all(r["observable"] is None for r in failed)


def test_list_and_show(qmbench):
    for what in ("methods", "benchmarks", "suites", "systems", "properties", "plugins"):
        code, out, _ = qmbench("list", what, "--json")
        assert code == 0
        assert len(json.loads(out)) > 0
        assert qmbench("list", what)[0] == 0
    for thing in ("hf", "hf/sto-3g?density_fitting=true", "atoms", "atoms/he", "quick"):
        code, out, _ = qmbench("show", thing, "--json")
        assert code == 0
        assert json.loads(out)
        assert qmbench("show", thing)[0] == 0
    assert "S22B" in qmbench("show", "s22/water_dimer")[1]


def test_show_a_run(qmbench, suite):
    run_id = json.loads(qmbench("run", "suite", suite, "--json", "--benchmark", "atoms")[1])["run"]
    assert json.loads(qmbench("show", run_id, "--json")[1])["suite"]["id"] == "mine"


def test_help_and_listing_import_no_quantum_chemistry_program():
    for arguments in (["--help"], ["list", "methods"], ["run", "suite", "quick", "--dry-run"]):
        code = (
            "import sys\nfrom qmbench.cli import run\n"
            f"run({arguments!r})\n"
            "programs = {'pyscf', 'ase', 'dftd3', 'dftd4', 'jax', 'torch'}\n"
            "print(sorted(programs & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stderr.strip().splitlines()[-1] == "[]"


def test_listing_methods_loads_none_of_what_judges_and_reports():
    code = (
        "import sys\nfrom qmbench.cli import run\nrun(['list', 'methods'])\n"
        "rooms = ('qmbench.data.benchmark', 'qmbench.judging.statistics', 'qmbench.report.model', 'pandas', 'scipy')\n"
        "print([m for m in rooms if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_a_reader_that_goes_away_is_no_failure():
    command = f"{sys.executable} -c 'from qmbench.cli import main; main()' list systems | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""


def test_a_closed_store_folder_is_said_plainly(qmbench, tmp_path):
    (tmp_path / "file").write_text("")
    message = complaint(qmbench("compute", "hf/sto-3g", "atoms:he", "--store", tmp_path / "file" / "store.sqlite"))
    assert "store.sqlite" in message
