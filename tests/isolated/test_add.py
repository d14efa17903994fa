"""`qmbench plugin add` and `remove`: whole or not at all, and one line that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toy_projects

from qmbench import InputError
from qmbench.isolated import sources
from qmbench.isolated.carry import carry


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("projects")


@pytest.fixture(scope="module")
def added(here, folder):
    """The installation with `right` 1.0 isolated: what each failure has to leave alone."""
    here.ok("plugin", "add", toy_projects.clash(folder / "right", "right", "toylib>=1"), "--isolated")
    return here


def test_not_a_package(added, folder):
    (folder / "empty").mkdir()
    before = added.state()
    assert added.wrong("plugin", "add", "./nowhere").endswith("there is no folder or file ./nowhere")
    assert "is not a plugin package: it has no pyproject.toml" in added.wrong("plugin", "add", folder / "empty")
    assert added.wrong("plugin", "add", "no-such-thing", "--isolated").endswith(
        "the package index has no no-such-thing"
    )
    assert "neither a folder nor the name" in added.wrong("plugin", "add", "a b")
    library = toy_projects.project(folder / "library", name="library", version="1.0", files={"library.py": ""})
    message = added.wrong("plugin", "add", library, "--isolated")
    assert message.endswith("is not a plugin: library has no entry point of group 'qmbench'")
    assert "there is no constraints file" in added.wrong(
        "plugin", "add", folder / "right", "--constraint", "nothing.txt"
    )
    assert "--full is for --isolated" in added.wrong("plugin", "add", folder / "right", "--full")
    assert added.state() == before


@pytest.mark.parametrize(
    ("needs", "source", "message"),
    [
        ("toylib==9.0", toy_projects.TOY, "could not be installed: the package index has no toylib==9.0"),
        ("toylib==1.0", "import there_is_no_such_module", "plugin 'right' of qmbench-right can't be loaded: ModuleNot"),
        ("toylib==1.0", "import os; os._exit(7)", "the process of plugin qmbench-right died (exit code 7)"),
    ],
    ids=["requirement", "import", "exit"],
)
def test_a_failed_update_leaves_the_former_state(added, tmp_path, needs, source, message):
    before = added.state()
    worse = toy_projects.clash(tmp_path / "right", "right", needs, version="1.1", source=source)
    assert message in added.wrong("plugin", "add", worse, "--isolated")
    assert added.state() == before
    assert added.json("compute", "right", "atoms:he")["status"] == "ok"


def test_update_with_a_constraint_and_an_extra(added, folder, tmp_path):
    toy_projects.clash(tmp_path / "right", "right", "toylib>=1", version="1.5")
    limits = tmp_path / "constraints.txt"
    limits.write_text("toylib==2.0\n")
    (before,) = added.plugins.glob("qmbench-right-*")
    added.ok("plugin", "add", f"{tmp_path / 'right'}[more]", "--isolated", "--constraint", limits)
    (after,) = added.plugins.glob("qmbench-right-*")
    assert after != before
    assert list(after.glob("lib/python*/site-packages/toyextra.py"))
    found = added.json("compute", "right", "atoms:he")
    assert found["provenance"]["versions"] == {"qmbench-right": "1.5", "toylib": "2.0"}
    description = json.loads((added.plugins / "qmbench-right.json").read_text())
    assert description["source"] == f"{tmp_path / 'right'}[more]"
    # Without the constraint the newest is taken, and the extra is gone again.
    added.ok("plugin", "add", folder / "right", "--isolated")
    assert added.json("compute", "right", "atoms:he")["provenance"]["versions"]["toylib"] == "3.0"


def test_here_or_there_but_not_both(added, folder):
    before = added.state()
    assert added.wrong("plugin", "add", folder / "right").endswith(
        "plugin 'right' has an environment of its own (qmbench-right 1.0); remove it first: qmbench plugin remove right"
    )
    assert added.state() == before


def test_name_from_the_index_and_remove(added, folder, tmp_path):
    toy_projects.wheel(
        added.index,
        "qmbench-named",
        "1.0",
        {"qmbench_named.py": toy_projects.TOY.replace('NAME = "NAME"', 'NAME = "named"')},
        ("qmbench", "toylib"),
        plugins={"named": "qmbench_named"},
    )
    added.ok("plugin", "add", "qmbench-named", "--isolated")
    assert "named" in {row["name"] for row in added.json("list", "methods")}
    added.ok("plugin", "remove", "named")
    added.ok("plugin", "add", "qmbench_named==1.0")
    needing = toy_projects.clash(tmp_path / "needing", "needing", "qmbench-named")
    added.ok("plugin", "add", needing, "--isolated")
    assert "is needed by qmbench-needing: remove qmbench-needing first" in added.wrong("plugin", "remove", "named")
    added.ok("plugin", "remove", "qmbench-needing")
    added.ok("plugin", "remove", "named")
    assert added.wrong("plugin", "remove", "namde").startswith("qmbench: no plugin 'namde' is installed")
    assert {row["name"] for row in added.json("list", "plugins")} & {"named", "needing"} == set()
    assert sorted(name for name in added.state() if not name.startswith("qmbench-right")) == []


def test_interrupted_installations_are_swept_up_and_nothing_else(added, folder):
    for name, marked in (("orphan-12345678", True), ("mine", False)):
        (added.plugins / name).mkdir()
        (added.plugins / name / "pyvenv.cfg").touch()
        if marked:
            (added.plugins / name / "made-by-qmbench").touch()
    added.ok("plugin", "add", folder / "right", "--isolated")
    assert not (added.plugins / "orphan-12345678").exists()
    assert (added.plugins / "mine").is_dir()
    (added.plugins / "mine" / "pyvenv.cfg").unlink()
    (added.plugins / "mine").rmdir()


def test_a_folder_that_cannot_be_written(added, folder, tmp_path):
    (tmp_path / "file").touch()
    done = added.run("plugin", "add", folder / "right", "--isolated", QMBENCH_PLUGINS=str(tmp_path / "file" / "below"))
    assert done.returncode == 3
    assert "name a folder that can be written with QMBENCH_PLUGINS" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("qmbench-vmc", "qmbench-vmc"),
        ("qmbench-vmc[neural]", "qmbench-vmc[neural]"),
        ("qmbench-vmc[a,b]>=1,<2", "qmbench-vmc[a,b]>=1,<2"),
        ("qmbench-vmc == 1.0", "qmbench-vmc== 1.0"),
    ],
)
def test_names_as_pip_reads_them(text, requirement):
    assert str(sources.parse_source(text)) == requirement


@pytest.mark.parametrize(
    "text", ["", "-r requirements.txt", "--index-url=x", "a/b", "./x[neural]", "x.whl", "[neural]"]
)
def test_what_is_no_source(text):
    with pytest.raises(InputError):
        sources.parse_source(text)


def test_full_takes_along_qmbench_and_the_plugins_that_are_needed(tmp_path, monkeypatch):
    """Wheels made of installed files hold what was installed."""
    site = tmp_path / "site"
    for name, needs in (("low", ()), ("high", ("qmbench-low>=1", "toylib")), ("other", ())):
        file = toy_projects.wheel(
            tmp_path,
            f"qmbench-{name}",
            "1.0",
            {f"qmbench_{name}.py": f"# {name}\n"},
            needs,
            plugins={name: f"qmbench_{name}"},
        )
        import zipfile

        zipfile.ZipFile(file).extractall(site)
        (site / f"qmbench_{name}-1.0.dist-info" / "INSTALLER").write_text("tests")
    (site / "qmbench-9.0.dist-info").mkdir(parents=True)
    (site / "qmbench-9.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: qmbench\nVersion: 9.0\n")
    (site / "qmbench-9.0.dist-info" / "RECORD").write_text("qmbench-9.0.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(str(site))
    wanted = toy_projects.wheel(tmp_path, "qmbench-new", "1.0", {}, ("qmbench-high",), plugins={"new": "qmbench_new"})
    said: list[str] = []
    carried = carry(sources.read_wheel(wanted), tmp_path / "carried", said.append)
    wheels = {read.distribution: read for read in map(sources.read_wheel, carried.glob("*.whl"))}
    assert set(wheels) == {"qmbench", "qmbench-high", "qmbench-low"}
    assert wheels["qmbench-low"].plugins == ("low",)
    with zipfile.ZipFile(wheels["qmbench-high"].file) as archive:
        assert archive.read("qmbench_high.py") == b"# high\n"
        assert not any(Path(name).name == "INSTALLER" for name in archive.namelist())
