"""What several kinds of tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from json import loads
from pathlib import Path

import pytest
from hypothesis import settings

from qmbench.cli import run
from qmbench.domain.record import Task
from qmbench.domain.systems import Molecule
from qmbench.plugging.registry import parse_level, plugins

sys.path.insert(0, str(Path(__file__).parent))
SABOTAGE = Path(__file__).parent / "faults" / "plugin"

# An example that imports a library first, or runs beside other work, is slow and not wrong.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def published_schemas(monkeypatch):
    """Whatever any command prints as JSON in any test is held to the schema that `qmbench schema` publishes."""
    from qmbench.cli import common

    def checked(document: object, schema: str, escaped: bool) -> str:
        text = plain(document, schema, escaped)
        found = validator(schema).iter_errors(loads(text))
        wrong.extend(f"{schema}: {list(error.absolute_path)}: {error.message[:300]}" for error in found)
        return text

    wrong: list[str] = []
    plain = common.json_text
    monkeypatch.setattr(common, "json_text", checked)
    yield
    assert not wrong, "documents are not of their schemas"


@cache
def validator(schema):
    from jsonschema import Draft202012Validator

    from qmbench.api.documents import schema as published

    return Draft202012Validator(published(schema))


@pytest.fixture
def toys(monkeypatch):
    """The toy methods instead of the installed plugins."""
    from toys import toy_plugins

    plugins = toy_plugins()
    monkeypatch.setattr("qmbench.plugging.registry.plugins", lambda: plugins)
    return plugins


@pytest.fixture
def folder(toy_folder):
    """The toy benchmark; some parts of the tests have another `folder`."""
    return toy_folder


@pytest.fixture
def toy_folder(tmp_path):
    """A small, right benchmark folder that a test may spoil: He2 with two fragments, and a helium atom."""
    root = tmp_path / "toy_bench"
    (root / "systems").mkdir(parents=True)
    (root / "benchmark.toml").write_text(
        'id = "toy_bench"\nversion = "1.0.0"\ntitle = "Toy"\nobservable = "interaction_energy"\nunit = "kcal/mol"\n'
        'sign = "negative: bound"\nbsse = ["none", "cp"]\nlicence = "Apache-2.0"\ndefault_reference_set = "paper"\n'
        'citations = [{ doi = "10.1000/toy", text = "Toy" }]\n[units]\ntotal_energy = "hartree"\n'
        '[subsets]\nsmall = "few"\n[tags]\nkind = "what"\n[reference_sets.paper]\ntitle = "the paper"\n'
    )
    (root / "systems" / "he2.xyz").write_text(
        '2\ncharge=0 multiplicity=1 fragments="1:0:1 2:0:1"\nHe 0 0 0\nHe 0 0 3.0\n'
    )
    (root / "systems" / "he2_far.xyz").write_text(
        '2\ncharge=0 multiplicity=1 fragments="1:0:1 2:0:1"\nHe 0 0 0\nHe 0 0 5.0\n'
    )
    (root / "systems" / "lone.xyz").write_text("2\ncharge=0 multiplicity=1\nHe 0 0 0\nHe 0 0 2.5\n")
    (root / "systems" / "he.xyz").write_text("1\ncharge=0 multiplicity=1\nHe 0 0 0\n")
    (root / "systems" / "ar.xyz").write_text("1\ncharge=0 multiplicity=1\nAr 0 0 0\n")
    (root / "entries.csv").write_text(
        "id,stoichiometry,observable,state,subset,tags,curve,coordinate,coordinate_unit,note\n"
        "he2,interaction he2,,,small,kind:x,he2,3.0,angstrom,\n"
        "he2_far,interaction he2_far,,,,,he2,5.0,angstrom,\n"
        "he,he:1,total_energy,,small,,,,,\n"
        "ar,ar:1,total_energy,,,,,,,\n"
        "lone,lone:1,total_energy,,,,,,,no reference: it tests what needs none\n"
        "published,,,,,,,,,\n"
    )
    (root / "references.csv").write_text(
        "entry,set,value,unit,uncertainty,uncertainty_kind,level_of_theory,source_doi,source_place,status,note\n"
        "he2,paper,-0.02,kcal/mol,0.001,estimate,exact,10.1000/toy,Table 1,current,\n"
        "he2_far,paper,-0.1,kJ/mol,,,exact,10.1000/toy,Table 1,current,\n"
        "he,paper,-2.9037,hartree,,,exact,10.1000/toy,Table 2,current,\n"
        "ar,paper,-527.54,hartree,,,exact,10.1000/toy,Table 2,current,\n"
        "published,paper,-1.0,kcal/mol,,,exact,10.1000/toy,Table 3,current,\n"
    )
    return root


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the test: what it writes, and the store that it fills, are in no other test's way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QMBENCH_STORE", raising=False)
    return tmp_path


@pytest.fixture
def qmbench(empty_folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs one command in an empty folder; gives (exit code, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(a) for a in arguments])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`known(module, *folders)` makes the plugin in these folders known, here and in child processes."""
    modules = []

    def make(module: str, *folders: Path) -> None:
        modules.append(module)
        paths = [str(folder) for folder in folders]
        for path in paths:
            monkeypatch.syspath_prepend(path)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [*paths, os.environ.get("PYTHONPATH", "")])))
        plugins.cache_clear()

    yield make
    plugins.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def sabotage(known: Callable[..., None]) -> Callable[..., Task]:
    """Makes the plugin `sabotage` known here and in child processes; gives `task(do=…, n=…, properties=…)`."""
    known("qmbench_sabotage", SABOTAGE)
    helium = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="he")

    def task(do: str = "nothing", properties: tuple[str, ...] = ("energy",), **options: object) -> Task:
        text = "&".join(f"{name}={value}" for name, value in {"do": do, **options}.items())
        return Task(helium, parse_level(f"sabotage?{text}"), properties)

    return task
