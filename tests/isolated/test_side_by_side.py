"""Two plugins that need two versions of one package, used side by side: one here, one in its own environment."""

from __future__ import annotations

import json

import pytest
import toy_projects

SUITE = """
id = "mine"
title = "Both"
benchmarks = ["left_bench", "right_bench"]
[[levels]]
level = "left?words=A"
[[levels]]
level = "right?words=A"
"""


@pytest.fixture(scope="module")
def both(here, tmp_path_factory):
    """`left` with toylib 1 in the installation itself, `right` with toylib 2 isolated."""
    folder = tmp_path_factory.mktemp("projects")
    here.ok("plugin", "add", toy_projects.clash(folder, "left", "toylib==1.0"))
    right = toy_projects.clash(folder, "right", "toylib==2.0", as_source=True)
    added = here.json("plugin", "add", right, "--isolated")
    assert added["plugins"] == ["right"]
    assert added["methods"] == ["right"]
    (here.work / "suite.toml").write_text(SUITE)
    return here


def test_each_computes_with_its_own_version(both):
    for name, version in (("left", 1), ("right", 2)):
        found = both.json("compute", f"{name}?words=A,b", "atoms:he", "-p", "energy", "-p", f"{name}_number")
        assert found["level_of_theory"] == f"{name}?words=a,b"
        assert found["properties"]["energy"]["value"] == -2.0 * version
        assert found["properties"][f"{name}_number"]["value"] == version
        assert found["provenance"]["versions"] == {f"qmbench-{name}": "1.0", "toylib": f"{version}.0"}
        assert found["provenance"]["settings"]["toylib"] == version
        assert found["provenance"]["warnings"] == ["a warning"]


def test_only_what_clashes_is_in_the_environment(both):
    (inside,) = both.plugins.glob("qmbench-right-*/lib/python*/site-packages")
    packages = {path.name for path in inside.iterdir() if not path.name.startswith(("_", "."))}
    assert packages == {
        *("qmbench_right.py", "qmbench_right_data", "qmbench_right-1.0.dist-info"),
        *("toylib.py", "toylib-2.0.dist-info", "zz-qmbench-shared.pth"),
    }
    # What was here before is still here, in its version.
    assert both.script("import toylib; print(toylib.VERSION)").strip() == "1"


def test_lists_treat_it_like_any_other(both):
    plugins = {row["name"]: row for row in both.json("list", "plugins")}
    assert plugins["left"]["environment"] == "this one"
    assert plugins["left"].pop("python") == str(both.python)
    assert plugins["right"].pop("python").startswith(str(both.plugins / "qmbench-right-"))
    assert plugins["right"] == {
        **{"name": "right", "distribution": "qmbench-right", "version": "1.0", "methods": 1},
        **{"environment": "its own", "status": "ok"},
    }
    methods = {row["name"]: row for row in both.json("list", "methods")}
    same = {"name": "left", "plugin": "left", "properties": ["energy", "left_number"]}
    assert methods["left"] == {**methods["right"], **same}
    assert "right_number" in {row["name"] for row in both.json("list", "properties")}
    assert {"left_bench", "right_bench"} <= {row["id"] for row in both.json("list", "benchmarks")}


def test_show_says_the_same_of_both(both):
    found = [both.json("show", f"{name}/sto-3g?words=A") for name in ("left", "right")]
    codes = {document.pop("code") for document in found}  # of two modules that say their own names
    assert {len(code) for code in codes} == {32}
    assert len(codes) == 2
    left, right = map(json.dumps, found)
    assert left.replace("left", "right").replace('"1.0"', '"2.0"') == right
    assert both.json("show", "right-7")["what"] == "The member right-7 of an open family (hartree)."


def test_lists_and_help_start_no_other_interpreter(both):
    code = (
        "import subprocess\n"
        "def no(*a, **k): raise SystemExit('a process was started')\n"
        "subprocess.Popen.__init__ = no\n"
        "from qmbench.cli import run\n"
        "codes = [run(a) for a in (['list', 'methods'], ['list', 'plugins'], ['--help'])]\n"
        "from qmbench.plugging.registry import plugins\n"
        "schema = plugins().methods['right'].Options.model_json_schema()\n"
        "print(codes, schema['properties']['factor']['exclusiveMinimum'])\n"
    )
    assert both.script(code).strip().endswith("\n[0, 0, 0] 0")


def test_suite_with_a_crash_gives_the_rest(both):
    done = both.run("run", "suite", "suite.toml", "--json")
    assert done.returncode == 1
    records = {(r["level_of_theory"], r["benchmark"], r["entry"]): r for r in json.loads(done.stdout)["records"]}
    for name, version in (("left", 1), ("right", 2)):
        for bench in ("left_bench", "right_bench"):
            assert records[f"{name}?words=a", bench, "he"]["observable"]["value"] == -2.0 * version
            refused = records[f"{name}?words=a", bench, "xe"]
            assert refused["failure"] == {"kind": "unsupported", "message": f"{name} does not do xenon"}
            assert records[f"{name}?words=a", bench, "ar"]["failure"]["kind"] == "crash"
    again = json.loads(both.run("run", "suite", "suite.toml", "--json").stdout)["records"]
    assert all(r["cached"] for r in again if r["entry"] != "ar")


def test_failures_come_through_as_what_they_are(both):
    slow = both.run("compute", "right", "right_bench:kr", "--task-timeout", "0.5", "--json")
    assert slow.returncode == 1
    assert json.loads(slow.stdout)["failure"]["kind"] == "timeout"
    neon = both.run("compute", "right", "atoms:ne", "--json")
    assert neon.returncode == 1
    assert json.loads(neon.stdout)["failure"]["message"] == "neon goes round in circles"
    for name in ("left", "right"):
        assert both.wrong("compute", f"{name}?factr=2", "atoms:he").endswith("did you mean 'factor'?")
        message = f"qmbench: {name}: factor: Input should be greater than 0, not '-1'"
        assert both.wrong("compute", f"{name}?factor=-1", "atoms:he") == message
        assert both.wrong("compute", f"{name}-9", "atoms:he") == f"qmbench: {name} ends at 8"


def test_conformance_kit_runs_in_its_environment(both):
    done = both.run("plugin", "check", "right", "--method", "right", "--json")
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads(done.stdout)
    # Its energies are no energies, and it is told so.
    failed = [row["check"] for row in found["checks"] if row["outcome"] == "failed"]
    assert failed == ["energy_magnitude", "lengths_in_bohr"]
    assert found["summary"]["passed"] >= 16


@pytest.mark.slow
def test_dask_engine_starts_the_same_interpreter(both):
    arguments = ("--engine", "dask", "--workers", "1", "--json", "--store", "dask.sqlite", "--level", "right?words=A")
    done = both.run("run", "suite", "suite.toml", *arguments)
    records = json.loads(done.stdout)["records"]
    assert [r["observable"]["value"] for r in records if r["entry"] == "he"] == [-4.0, -4.0]
    assert {r["failure"]["kind"] for r in records if r["entry"] == "ar"} == {"crash"}


def test_a_plugin_does_not_see_itself_as_isolated(both):
    (python,) = both.plugins.glob("qmbench-right-*/bin/python")
    code = (
        "from qmbench.plugging.registry import plugins; print([(i.name, i.isolated, i.error) for i in plugins().infos])"
    )
    assert "('right', True, '')" in both.script(code)
    there = both.script(
        "import subprocess; from qmbench.plugging.isolated import place\n"
        f"print(subprocess.check_output([{str(python)!r}, '-c', {code!r}], env=place.environment(), text=True))",
        QMBENCH_PLUGINS=str(both.plugins),
    )
    assert "('right', False, '')" in there
    assert "('left', False, '')" in there
