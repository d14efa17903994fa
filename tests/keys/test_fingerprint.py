"""Which edits of a plugin change the key of which method: by its meaning, not by its text, and by no other method's."""

from __future__ import annotations

import itertools
import re
import sys
import textwrap
from importlib import import_module, invalidate_caches
from pathlib import Path

import pytest

import qmbench
from qmbench import InputError
from qmbench.plugging.fingerprint import code_behind, code_of
from qmbench.plugging.registry import plugins

sys.path.insert(0, str(Path(__file__).parent))
from little import FILES, edited, replaced, write

PACKAGE = "qmbench_little"
COUNT = itertools.count()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def codes(tmp_path, monkeypatch):
    """Installs the files as a plugin in a fresh folder; gives method -> its code."""

    def go(files):
        site = tmp_path / f"site{next(COUNT)}"
        write(site, PACKAGE, files)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(site))
            invalidate_caches()
            for name in [n for n in sys.modules if n.partition(".")[0] == PACKAGE]:
                del sys.modules[name]
            found = {m.name: code_of(m) for m in import_module(PACKAGE).qmbench_methods()}
            for name in [n for n in sys.modules if n.partition(".")[0] == PACKAGE]:
                del sys.modules[name]
        return found

    return go


def changed(codes, files):
    """The methods whose digest these files change."""
    before, after = codes(FILES), codes(files)
    assert before.keys() == after.keys()
    return {name for name in before if before[name].digest != after[name].digest}


SAME = {
    "comments and blank lines": replaced("scaling.py", ("FACTOR = 1.0", "# why\n\nFACTOR  =  1.00  # really")),
    "other quotes, other line breaks": replaced(
        "weights.py",
        ("'data'", '"data"'),
        ("def weight(name='one'):", 'def weight(\n    name="one",\n):'),
        ("f'weight_{name}.txt'", 'f"weight_{name}.txt"'),
    ),
    "docstrings": replaced(
        "methods.py", ('"""The energy."""', '"""What it is."""'), ('"""Alpha."""', '"""Alpha,\n    anew."""')
    ),
    "a docstring where there was none": replaced("shifts.py", ("x):\n", 'x):\n    """Shift."""\n')),
    "annotations": replaced("shifts.py", ("def shift(x):", "def shift(x: float) -> float:")),
    "what is for type checkers": replaced(
        "methods.py", ("import shift\n", "import shift\n    from typing import Any\n")
    ),
    "the description of an option": replaced("methods.py", ("how often", "how many times")),
    "citations": replaced("methods.py", ("10.1000/1", "10.1000/2")),
    "a function that nobody uses": replaced("shapes.py", ("return x\n", "return 2 * x\n")),
    "a data file that nobody opens": {**FILES, "data/unused.txt": "something else\n"},
    "a function moved to another file": edited(
        scaling="from PACKAGE.moved import FACTOR, scale\n", moved=FILES["scaling.py"]
    ),
    "a file renamed": {
        **replaced(
            "methods.py", ("PACKAGE.scaling", "PACKAGE.inner.factors"), ("PACKAGE.shifts", "PACKAGE.inner.moves")
        ),
        "scaling.py": "",
        "shifts.py": "",
        "inner/__init__.py": "",
        "inner/factors.py": FILES["scaling.py"],
        "inner/moves.py": FILES["shifts.py"],
    },
    "an import moved to the top": replaced(
        "methods.py",
        ("        from PACKAGE.scaling import scale\n", ""),
        ("from PACKAGE.tables", "from PACKAGE.scaling import scale\nfrom PACKAGE.tables"),
    ),
    "a relative import": replaced("methods.py", ("from PACKAGE.scaling", "from .scaling")),
    "numpy by another name": replaced("methods.py", ("import numpy as np", "import numpy"), ("np.sum", "numpy.sum")),
    "a module that nobody imports": edited(more="VALUE = 1\n"),
    "the hooks": replaced("__init__.py", ('"""A little plugin."""', "ABOUT = 1\n")),
}


@pytest.mark.parametrize("files", SAME.values(), ids=SAME)
def test_what_changes_no_number_changes_no_key(codes, files):
    assert changed(codes, files) == set()


ALL = {"alpha", "beta", "gamma"}
OTHER = {
    "a constant": (replaced("scaling.py", ("1.0", "1.001")), {"alpha"}),
    "the sign in a helper": (replaced("shifts.py", ("+ 0.5", "- 0.5")), {"beta"}),
    "the default of an argument": (replaced("scaling.py", ("factor=FACTOR", "factor=2.0")), {"alpha"}),
    "one method": (replaced("methods.py", ("-module.shift", "-2 * module.shift")), {"beta"}),
    "the base of all": (replaced("methods.py", ("self.energy(system)", "2 * self.energy(system)")), ALL),
    "a constant of two": (replaced("methods.py", ("START = 1.0", "START = 1.001")), {"alpha", "beta"}),
    "an option's default": (replaced("methods.py", ("Field(1,", "Field(2,")), {"alpha"}),
    # What is done when a module is imported counts for all that import it.
    "a function that a decorator enters in a table": (replaced("shapes.py", ("x * x", "x * x * x")), ALL),
    "another one entered": (replaced("shapes.py", ("def unused", "@entered\ndef unused")), ALL),
    "a foreign function": (replaced("methods.py", ("np.sum", "np.prod")), {"alpha"}),
    "a value given to a class made by a call": (replaced("__init__.py", ("2.0", "2.001")), {"gamma"}),
    "the content of a data file": ({**FILES, "data/weight_one.txt": "1.001\n"}, {"alpha"}),
    "one more file that may be opened": ({**FILES, "data/weight_two.txt": "2.0\n"}, {"alpha"}),
    "what importing a module does": (
        edited(shifts=FILES["shifts.py"] + "from PACKAGE import scaling\nscaling.FACTOR = 2.0\n"),
        {"beta"},
    ),
    "two functions of one name exchanged": (
        {
            **replaced(
                "methods.py",
                ("import PACKAGE.shifts as module", "from PACKAGE import left, right"),
                ("module.shift(START)", "(left.f(START) - right.f(START))"),
            ),
            "left.py": "def f(x):\n    return x\n",
            "right.py": "def f(x):\n    return 2 * x\n",
        },
        {"beta"},
    ),
}


@pytest.mark.parametrize(("files", "methods"), OTHER.values(), ids=OTHER)
def test_what_changes_a_number_changes_the_keys_of_those_that_use_it(codes, files, methods):
    assert changed(codes, files) == methods


def test_functions_of_one_name_are_told_apart(codes):
    files = OTHER["two functions of one name exchanged"][0]
    first, second = codes(files), codes({**files, "left.py": files["right.py"], "right.py": files["left.py"]})
    assert first["beta"].digest != second["beta"].digest


def test_what_cannot_be_followed_counts_whole(codes):
    dynamic = {
        "importlib": "    import importlib\n\n    return importlib.import_module('PACKAGE.' + 'more').VALUE + x\n",
        "a module as a value": "    from PACKAGE import more\n\n    return getattr(more, 'VALUE') + x\n",
        "a star": "    return VALUE + x\n",
    }
    for name, body in dynamic.items():
        star = "from PACKAGE.more import *\n\n\n" if name == "a star" else ""
        one = edited(shifts=f"{star}def shift(x):\n{body}", more="VALUE = 1.0\n")
        other = {**one, "more.py": "VALUE = 1.001\n"}
        first, second = codes(one), codes(other)
        assert first["beta"].digest != second["beta"].digest, name
        assert first["alpha"].digest == second["alpha"].digest or name == "importlib"


@pytest.fixture
def two_packages(tmp_path, monkeypatch):
    """Codes of the plugin when its distribution has a second package, installed, or only pointed to (editable)."""

    def go(half, editable):
        site = tmp_path / f"site{half}{editable}"
        source = tmp_path / f"src{half}" if editable else site
        imported = "from little_helpers.more import HALF\n\n\ndef shift"
        write(site, PACKAGE, replaced("shifts.py", ("def shift", imported), ("0.5", "HALF")))
        (source / "little_helpers").mkdir(parents=True)
        (source / "little_helpers" / "__init__.py").write_text("")
        (source / "little_helpers" / "more.py").write_text(f"HALF = {half}\n")
        listed = ["__editable__.little.pth"] if editable else ["little_helpers/__init__.py", "little_helpers/more.py"]
        (site / "__editable__.little.pth").write_text(f"{source}\n")
        (site / f"{PACKAGE}-1.0.dist-info" / "RECORD").write_text("".join(f"{name},,\n" for name in listed))
        with monkeypatch.context() as patch:
            for path in (site, source):
                patch.syspath_prepend(str(path))
            invalidate_caches()
            for name in [n for n in sys.modules if n.partition(".")[0] in (PACKAGE, "little_helpers")]:
                del sys.modules[name]
            found = {m.name: code_of(m) for m in import_module(PACKAGE).qmbench_methods()}
        assert "little_helpers/more.py" in found["beta"].files
        return found["alpha"].digest, found["beta"].digest

    return go


def test_a_second_package_of_the_distribution_is_followed(two_packages):
    installed, editable = ([two_packages(half, how) for half in (0.5, 0.6)] for how in (False, True))
    assert installed == editable
    assert [a == b for a, b in zip(*installed, strict=True)] == [True, False]


def test_declared_data_files_count_and_no_others(codes):
    files = replaced("methods.py", ('name = "beta"', 'name = "beta"\n    data_files = ("data/u*.txt",)'))
    first, second = codes(files), codes({**files, "data/unused.txt": "other\n"})
    assert first["beta"].digest != second["beta"].digest
    assert "qmbench_little/data/unused.txt" in first["beta"].files
    assert first["alpha"].digest == second["alpha"].digest


def test_a_single_module_has_the_files_beside_it_that_it_names(tmp_path, monkeypatch):
    source = """
        import qmbench
        from pathlib import Path

        class Single(qmbench.Method):
            name = "single"
            systems, properties = (qmbench.Molecule,), frozenset({"energy"})

            def compute(self, system, properties, resources):
                return float((Path(__file__).parent / "single.txt").read_text())
    """
    digests = []
    for number, other in ((1.0, "a"), (1.0, "b"), (2.0, "b")):
        site = tmp_path / f"single{number}{other}"
        site.mkdir()
        (site / "a_single_module.py").write_text(textwrap.dedent(source))
        (site / "single.txt").write_text(str(number))
        (site / "other.txt").write_text(other)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(site))
            invalidate_caches()
            sys.modules.pop("a_single_module", None)
            digests.append(code_of(import_module("a_single_module").Single).digest)
    assert digests[0] == digests[1] != digests[2]


def test_data_files_that_are_not_there_are_told(codes):
    files = replaced("methods.py", ('name = "beta"', 'name = "beta"\n    data_files = ("date/*.txt",)'))
    there = "there is data/unused.txt, data/weight_one.txt"
    with pytest.raises(
        InputError, match=re.escape(f"data_files: no file of {PACKAGE} is called 'date/*.txt'; {there}")
    ):
        codes(files)


def test_a_file_that_no_text_names_counts_with_all_its_folder(codes):
    weights = (
        "from pathlib import Path\n\n\ndef weight():\n    return sum(1.0 for _ in Path(__file__).parent.iterdir())\n"
    )
    first = codes(edited(weights=weights))
    second = codes({**edited(weights=weights), "data/unused.txt": "other\n"})
    assert first["alpha"].digest != second["alpha"].digest
    assert first["beta"].digest == second["beta"].digest


def test_the_files_it_came_from(codes):
    found = codes(FILES)
    assert found["beta"].files == tuple(
        f"{PACKAGE}/{name}" for name in ("methods.py", "shapes.py", "shifts.py", "tables.py")
    )
    assert f"{PACKAGE}/data/weight_one.txt" in found["alpha"].files


def test_the_same_from_the_cache(tmp_path, monkeypatch):
    site = tmp_path / "site"
    write(site, "qmbench_cached", FILES)
    monkeypatch.syspath_prepend(str(site))
    methods = import_module("qmbench_cached").qmbench_methods()
    monkeypatch.setattr("qmbench.plugging.sources.RECENT_SECONDS", -1.0)
    first = [code_of.__wrapped__(method) for method in methods]
    monkeypatch.setattr("qmbench.plugging.sources._parsed", {})
    with monkeypatch.context() as patch:
        patch.setattr("qmbench.plugging.sources.read_module", None)  # it must not be read again
        assert [code_of.__wrapped__(method) for method in methods] == first
    write(site, "qmbench_cached", replaced("scaling.py", ("1.0", "2.0")))  # of the same size
    again = [code_of.__wrapped__(method) for method in methods]
    assert [a == b for a, b in zip(first, again, strict=True)] == [False, True, True]


def test_no_folder_for_a_cache_is_no_error(codes, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert codes(FILES)["alpha"].digest


def test_code_that_is_in_no_file():
    def method(body):
        scope: dict = {"qmbench": qmbench, "__name__": "a_notebook"}
        exec(f"class M(qmbench.Method):\n    name = 'm'\n    def compute(self, a, b, c):\n        {body}\n", scope)
        return code_of(scope["M"]).digest

    assert method("return 1.0") == method("return 1.0  # one")
    assert method("return 1.0") != method("return 1.001")


def test_intermediates_are_told_apart_by_what_makes_them(tmp_path):
    def maker(value):
        scope: dict = {"__name__": "a_notebook"}
        exec(f"def write(path):\n    path.write_text('{value}')\n", scope)
        return scope["write"]

    resources = qmbench.Resources(artifacts=tmp_path / "artifacts", code_behind=code_behind)
    texts = [resources.artifact("key", maker(value)).read_text() for value in ("old", "new", "old")]
    assert texts == ["old", "new", "old"]


def test_levels_are_keyed_by_code_and_not_by_the_versions_of_plugins():
    level = plugins().level("hf/sto-3g")
    assert level.identity["code"] == code_of(level.method).digest
    assert set(level.identity["versions"]) == {"pyscf"}
    assert set(level.versions) == {"qmbench-pyscf", "pyscf"}
    on_another_plugin = plugins().level("pbe+mbd/sto-3g")
    assert set(on_another_plugin.identity["versions"]) == {"pyscf"}
    assert set(on_another_plugin.versions) == {"qmbench-mbd", "qmbench-pyscf", "pyscf"}
    assert "qmbench_pyscf/scf.py" in on_another_plugin.code.files


def test_methods_of_one_plugin_do_not_all_share_their_code():
    digests = {name: code_of(plugins().methods[name]).digest for name in ("hf", "pbe", "pbe0", "mp2", "ccsd", "fci")}
    assert len(set(digests.values())) == len(digests)
    files = set(code_of(plugins().methods["hf"]).files)
    assert not files & {"qmbench_pyscf/fullci.py", "qmbench_pyscf/correlated.py", "qmbench_pyscf/dispersion.py"}
