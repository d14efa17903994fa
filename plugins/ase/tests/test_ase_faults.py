"""What is refused while planning, what a calculator can do wrong, and what is in a record's key."""

from __future__ import annotations

import os

import pytest

from qmbench import InputError, LocalEngine, Resources, Task, Unsupported, parse_level, units
from qmbench.domain.errors import QmbenchError


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("ase:emtt", "did you mean 'emt'"),
        ("ase:tblite.ase.TBLit", "did you mean 'TBLite'"),
        ("ase:nowhere.at.All", "no module 'nowhere'"),
        ("ase:os.system", "'system' of os is no ASE calculator"),
        ("ase:ase.calculators.lj.np", "'np' of ase.calculators.lj is no ASE calculator"),
        ("ase:misbehaving.NoProperty", "does not say that it gives any of energy"),
        ("ase:misbehaving.Bad?weights=missing.pt", "there is no file missing.pt"),
        ("ase:misbehaving.Bad?settings=missing.toml", "can't read missing.toml"),
        ("ase:misbehaving.Bad?charge_as=magic", "write keyword:NAME, info:NAME"),
        ("ase:ase.calculators.mopac.MOPAC?command=ls", "'command' names a program to run"),
        ("ase:crashing.Calc", "ends the process"),
        ("ase:raising.Calc", "RuntimeError: two lines"),
        ("ase:lj?sigm=1", "did you mean 'sigma'"),
        ("ase:lj?sigma=-1", "greater than 0"),
    ],
)
def test_a_wrong_level_is_one_line_while_planning(bad, level, said):
    (bad / "crashing.py").write_text("import ctypes; print('noise'); ctypes.string_at(0)")
    (bad / "raising.py").write_text("raise RuntimeError('two\\nlines')")
    with pytest.raises(InputError) as error:
        parse_level(level)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("level", "system", "properties", "said"),
    [
        ("ase:lj", "hydroxide", ("energy",), "is not told the charge"),
        ("ase:lj", "oxygen", ("energy",), "is not told the multiplicity"),
        ("ase:misbehaving.Told", "hydroxide", ("energy",), "say how by charge_as"),
        ("ase:lj", "water", ("stress",), "only a crystal has a stress"),
        ("ase:emt", "copper", ("dipole",), "does not give dipole"),
        ("ase:tblite.ase.TBLite", "hydroxide", ("dipole",), "about which point"),
        ("ase:tblite.ase.TBLite?charge=1", "water", ("energy",), "leave out charge; it is the system's"),
        ("ase:tblite.ase.TBLite?methd=GFN1-xTB", "water", ("energy",), "did you mean 'method'"),
    ],
)
def test_what_a_calculator_is_not_told_is_refused(bad, level, system, properties, said, systems):
    with pytest.raises((Unsupported, InputError), match=said):
        parse_level(level).make().check(systems[system], frozenset(properties))


def test_the_lowest_spin_is_let_through(systems):
    parse_level("ase:lj").make().check(systems["OH"], frozenset({"energy"}))


def test_a_keyword_that_the_calculator_does_not_list_is_a_warning(run, bad, systems):
    assert "lists no keyword strange" in run("ase:misbehaving.Bad?strange=1", systems["water"]).warnings[0]


@pytest.mark.parametrize(
    ("how", "status", "kind", "said"),
    [
        ("", "ok", None, ""),
        ("prints", "ok", None, ""),
        ("moves", "ok", None, ""),
        ("segfaults", "failed", "crash", ""),
        ("exits", "failed", "error", "tries to end the process"),
        ("kills", "failed", "crash", ""),
        ("scf", "failed", "not_converged", "SCFError: no convergence after all"),
        ("raises", "failed", "error", "ValueError: a long story"),
        ("nan", "failed", "error", "nan"),
    ],
)
def test_whatever_a_calculator_does_is_its_own_record(bad, tmp_path, how, status, kind, said, systems):
    level = parse_level("ase:misbehaving.Bad?value=27.0" + (f"&how={how}" if how else ""))
    here = os.getcwd()
    good = parse_level("ase:lj")
    with LocalEngine(1, Resources(scratch=tmp_path)) as engine:  # the one after it is none the worse
        tasks = [Task(systems["water"], level, ("energy",)), Task(systems["water"], good, ("energy",))]
        found = {str(task.level): outcome for task, outcome in engine.run(tasks)}
    assert os.getcwd() == here
    assert found["ase:lj"].status == "ok"
    outcome = found[str(level)]
    assert outcome.status == status, outcome
    if status == "ok":
        assert outcome.properties["energy"].value == pytest.approx(27.0 / units.HARTREE_IN_EV, rel=1e-7)
    else:
        assert outcome.failure.kind == kind
        assert said in outcome.failure.message
        assert "\n" not in outcome.failure.message


def test_weights_and_settings_count_by_content_and_not_by_place(bad, tmp_path, monkeypatch, systems):
    def key(level):
        return parse_level(level).key(systems["water"], "energy")

    (bad / "a.pt").write_bytes(b"one")
    (bad / "b.pt").write_bytes(b"two")
    (bad / "s.toml").write_text("value = 2.0\nweights = 'a.pt'\n")
    monkeypatch.chdir(bad)
    weights = key("ase:misbehaving.Bad?weights=a.pt")
    assert weights != key("ase:misbehaving.Bad?weights=b.pt")
    level = parse_level("ase:misbehaving.Bad?settings=s.toml")
    assert str(level) == "ase:misbehaving.Bad?settings=s.toml"
    assert level.options.keywords == {"value": 2.0, "weights": str(bad / "a.pt")}
    before = level.key(systems["water"], "energy")
    (bad / "deeper").mkdir()
    for name in ("a.pt", "s.toml"):
        (bad / "deeper" / name).write_bytes((bad / name).read_bytes())
    assert key("ase:misbehaving.Bad?settings=deeper/s.toml") == before
    (bad / "a.pt").write_bytes(b"other")
    assert key("ase:misbehaving.Bad?weights=a.pt") != weights
    assert key("ase:misbehaving.Bad?settings=s.toml") != before
    with pytest.raises(InputError, match=r"'value' is in s.toml, too"):
        parse_level("ase:misbehaving.Bad?settings=s.toml&value=3.0")


def test_files_are_found_by_the_child_from_the_users_folder(bad, monkeypatch, systems):
    (bad / "work").mkdir()
    (bad / "work" / "s.toml").write_text("value = 27.211386\n")
    monkeypatch.chdir(bad / "work")
    with LocalEngine(1, Resources(scratch=bad)) as engine:
        level = parse_level("ase:misbehaving.Bad?settings=s.toml")
        ((_, outcome),) = engine.run([Task(systems["water"], level, ("energy",))])
    assert outcome.properties["energy"].value == pytest.approx(1.0, rel=1e-6)


def test_edited_code_of_a_calculator_is_another_key(bad, systems):
    from qmbench_ase import methods, probe

    before = parse_level("ase:misbehaving.Bad").key(systems["water"], "energy")
    with open(bad / "misbehaving.py", "a") as file:
        file.write("VALUE = 2\n")
    methods.calculator_method.cache_clear()
    probe.calculator.cache_clear()
    assert parse_level("ase:misbehaving.Bad").key(systems["water"], "energy") != before


def test_a_missing_element_is_said(systems):
    with pytest.raises(QmbenchError, match="not parametrized for Ar"):
        parse_level("ase:emt").make().check(
            systems["copper"].__class__(("Ar",), ((0, 0, 0),), systems["copper"].cell, 0, 1), frozenset({"energy"})
        )


def test_properties_that_a_constructor_says(bad, run, systems):
    """As MACE's and SevenNet's calculators do; what it says and then does not have is unsupported."""
    (bad / "later.py").write_text(
        "from ase.calculators.calculator import Calculator\n"
        "class Later(Calculator):\n"
        "    implemented_properties = []\n"
        "    def __init__(self, kind='energy', **more):\n"
        "        super().__init__(**more)\n"
        "        if kind == 'energy':\n"
        "            self.implemented_properties = ['energy', 'free_energy']\n"
        "        if kind == 'all':\n"
        "            self.implemented_properties = ['energy']\n"
        "            self.implemented_properties.extend(['dipole'])\n"
        "    def calculate(self, *args, **kwargs):\n"
        "        self.results = {'energy': 27.211386024367243, 'dipole': [0.0, 0.0, 1.0]}\n"
    )
    level = parse_level("ase:later.Later")
    assert level.method.properties == {"energy", "dipole"}
    assert run("ase:later.Later", systems["water"], "energy").properties["energy"].value == pytest.approx(
        1.0, abs=1e-12
    )
    with pytest.raises(Unsupported, match="dipole"):
        run("ase:later.Later", systems["water"], "dipole")
    assert run("ase:later.Later?kind=all", systems["water"], "dipole").properties["dipole"].unit == "e bohr"
