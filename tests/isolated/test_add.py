"""`qmbench plugin add` and `remove`: whole or not at all, and one line that says what is wrong."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest
import toy_projects

from qmbench import InputError
from qmbench.plugging.isolated import sources
from qmbench.plugging.isolated.carry import carry


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """A wheel of `right` 1.0."""
    return toy_projects.clash(tmp_path_factory.mktemp("wheels"), "right", "toylib>=1")


@pytest.fixture(scope="module")
def added(here, right):
    """The installation with `right` 1.0 isolated: what each failure has to leave alone."""
    here.ok("plugin", "add", right, "--isolated")
    return here


def test_what_is_no_plugin_is_refused(added, right, tmp_path):
    (tmp_path / "empty").mkdir()
    before = added.state()
    assert added.wrong("plugin", "add", "./nowhere").endswith("there is no folder or file ./nowhere")
    assert "is not a plugin package: it has no pyproject.toml" in added.wrong("plugin", "add", tmp_path / "empty")
    assert added.wrong("plugin", "add", "no-such-thing", "--isolated").endswith(
        "the package index has no no-such-thing"
    )
    assert "neither a folder nor the name" in added.wrong("plugin", "add", "a b")
    library = toy_projects.wheel(tmp_path, "library", "1.0", {"library.py": ""})
    message = added.wrong("plugin", "add", library, "--isolated")
    assert message.endswith("is not a plugin: library has no entry point of group 'qmbench'")
    assert "there is no constraints file" in added.wrong("plugin", "add", right, "--constraint", "nothing.txt")
    assert "--with is for --isolated" in added.wrong("plugin", "add", right, "--with", "toylib")
    assert "--with names a package" in added.wrong("plugin", "add", right, "--isolated", "--with=--pre")
    assert "--full is for --isolated" in added.wrong("plugin", "add", right, "--full")
    said = added.wrong("plugin", "remove", "rigth")  # `light` is near, too, where it is installed
    assert re.search(r"no plugin 'rigth' is installed; did you mean 'right'( or 'light')?\?$", said)
    assert added.state() == before


@pytest.mark.parametrize(
    ("needs", "source", "message"),
    [
        ("toylib==9.0", toy_projects.TOY, "could not be installed: the package index has no toylib==9.0"),
        ("toylib==1.0", "import there_is_no_such_module", "plugin 'right' of qmbench-right can't be loaded: ModuleNot"),
        pytest.param(
            *("toylib==1.0", "import os; os._exit(7)", "the process of plugin qmbench-right died (exit code 7)"),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["requirement", "import", "exit"],
)
def test_a_failed_update_leaves_the_former_state(added, tmp_path, needs, source, message):
    before = added.state()
    worse = toy_projects.clash(tmp_path, "right", needs, version="1.1", source=source)
    assert message in added.wrong("plugin", "add", worse, "--isolated")
    assert added.state() == before
    assert {row["name"]: row["status"] for row in added.json("list", "plugins")}["right"] == "ok"


def test_update_with_a_constraint_and_an_extra(added, tmp_path):
    newer = toy_projects.clash(tmp_path, "right", "toylib>=1", version="1.5", as_source=True)
    limits = tmp_path / "constraints.txt"
    limits.write_text("toylib==2.0\n")
    (before,) = added.plugins.glob("qmbench-right-*")
    (added.plugins / "orphan").mkdir()
    (added.plugins / "orphan" / "made-by-qmbench").touch()  # what an installer that was killed leaves behind
    (added.plugins / "mine").mkdir()
    added.ok("plugin", "add", f"{newer}[more]", "--isolated", "--constraint", limits)
    (after,) = added.plugins.glob("qmbench-right-*")
    assert after != before
    assert not (added.plugins / "orphan").exists()
    (added.plugins / "mine").rmdir()
    assert list(after.glob("lib/python*/site-packages/toyextra.py"))
    found = added.json("compute", "right", "atoms:he")
    assert found["provenance"]["versions"] == {"qmbench-right": "1.5", "toylib": "2.0"}
    description = json.loads((added.plugins / "qmbench-right.json").read_text())
    assert description["source"] == f"{newer}[more]"


def test_a_package_beside_the_plugin(added, right):
    added.ok("plugin", "add", right, "--isolated", "--with", "toyextra")
    (folder,) = added.plugins.glob("qmbench-right-*")
    assert list(folder.glob("lib/python*/site-packages/toyextra.py"))
    added.ok("plugin", "add", right, "--isolated")
    (folder,) = added.plugins.glob("qmbench-right-*")
    assert not list(folder.glob("lib/python*/site-packages/toyextra.py"))


def test_here_or_there_but_not_both(added, right):
    before = added.state()
    message = added.wrong("plugin", "add", right)
    assert "plugin 'right' has an environment of its own (qmbench-right 1." in message
    assert message.endswith("remove it first: qmbench plugin remove right")
    assert added.state() == before


def test_a_name_from_the_index(added, tmp_path):
    toy_projects.clash(added.index, "named", "toylib")
    added.ok("plugin", "add", "qmbench-named", "--isolated")
    assert "named" in {row["name"] for row in added.json("list", "methods")}
    added.ok("plugin", "remove", "named")
    assert not [name for name in added.state() if "named" in name]
    assert "named" not in {row["name"] for row in added.json("list", "plugins")}


@pytest.mark.slow
def test_what_another_one_needs_is_not_removed(added, tmp_path):
    toy_projects.clash(added.index, "low", "toylib")
    added.ok("plugin", "add", "qmbench_low==1.0")
    added.ok("plugin", "add", toy_projects.clash(tmp_path, "high", "qmbench-low"), "--isolated")
    message = added.wrong("plugin", "remove", "low")
    assert message.endswith("qmbench-low is needed by qmbench-high: remove qmbench-high first")
    message = added.wrong("plugin", "add", toy_projects.clash(tmp_path, "low", "toylib"), "--isolated")
    assert message.endswith("remove it first: qmbench plugin remove low")
    added.ok("plugin", "remove", "qmbench-high")
    added.ok("plugin", "remove", "low")
    assert not {"low", "high"} & {row["name"] for row in added.json("list", "plugins")}


def test_a_folder_that_cannot_be_written(added, right, tmp_path):
    (tmp_path / "file").touch()
    done = added.run("plugin", "add", right, "--isolated", QMBENCH_PLUGINS=str(tmp_path / "file" / "below"))
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
    assert wheels["qmbench"].version == "9.0"
    assert wheels["qmbench-low"].plugins == ("low",)
    with zipfile.ZipFile(wheels["qmbench-high"].file) as archive:
        assert archive.read("qmbench_high.py") == b"# high\n"
        assert not any(Path(name).name == "INSTALLER" for name in archive.namelist())


def test_an_editable_plugin_follows_its_source(here, tmp_path):
    folder = toy_projects.clash(tmp_path, "draft", "toylib>=1", as_source=True)
    assert "--editable needs the folder" in here.wrong("plugin", "add", "qmbench-draft", "--isolated", "--editable")
    said = here.ok("plugin", "add", folder, "--isolated", "--editable").stdout
    assert "in an environment of its own, which imports it from its folder" in said
    source = folder / "src" / "qmbench_draft.py"
    shown = here.json("show", "draft")
    described = here.plugins / "qmbench-draft.json"
    before = described.read_text()
    assert here.json("show", "draft") == shown
    assert described.read_text() == before
    first = source.read_text()
    assert "    name = NAME" in first
    source.write_text(first.replace("    name = NAME", "    name = NAME + '-renamed'"))
    assert "draft-renamed" in [row["name"] for row in here.json("list", "methods")]
    assert json.loads(described.read_text())["editable"] == str(folder)
    source.write_text("1 / 0\n" + first)
    (row,) = [row for row in here.json("list", "plugins") if row["name"] == "draft"]
    assert "ZeroDivisionError" in row["status"]
    source.write_text(first)
    assert here.json("show", "draft") == shown
    here.ok("plugin", "remove", "draft")
