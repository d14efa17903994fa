"""Discovery: a broken plugin is named with its reason, and takes nobody down with it."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import textwrap
from importlib import metadata

import pytest

from qmbench import InputError, Unsupported
from qmbench.plugging.registry import discover

GOOD = """
import qmbench
QMBENCH_API = 2
class {cls}(qmbench.Method):
    "A method."
    name = "{name}"
    systems = (qmbench.Molecule,)
    properties = frozenset({{"energy"}})
    def compute(self, system, properties, resources):
        return qmbench.Result({{"energy": qmbench.Quantity(0.0, "hartree")}})
@qmbench.hookimpl
def qmbench_methods():
    return [{cls}]
"""


COUNT = itertools.count()  # module names stay in sys.modules: each is used once


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Write modules, name them as entry points, and discover them."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def go(**sources: str):
        points = []
        for name, source in sources.items():
            module = f"plugin_under_test_{next(COUNT)}_{name}"
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
            points.append(metadata.EntryPoint(name, module, "qmbench"))
        return discover(points)

    return go


def good(name: str) -> str:
    return GOOD.format(cls=name.title().replace("-", ""), name=name)


def test_good_plugins_bring_their_methods(load):
    found = load(one=good("a"), two=good("b"))
    assert set(found.methods) == {"a", "b"}
    assert found.owner["a"].name == "one"
    assert [info.error for info in found.infos] == ["", ""]
    assert str(found.level("a")) == "a"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import there_is_no_such_module", "ModuleNotFoundError: No module named 'there_is_no_such_module'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(7)", r"exits while being imported \(7\)"),
        ("import sys; sys.exit('no licence')", r"exits while being imported \(no licence\)"),
        ("raise BaseException('odd')", "BaseException: odd"),
        (good("m") + "QMBENCH_API = 1", "speaks plugin API 1, this qmbench speaks 2; Method.check is the core's now"),
        (good("m") + "QMBENCH_API = 3", "speaks plugin API 3, this qmbench speaks 2$"),
        (good("m") + "QMBENCH_API = (3, 4)", "speaks plugin API 3 to 4, this qmbench speaks 2$"),
        (good("m") + "QMBENCH_API = '2'", r"QMBENCH_API is a number or \(lowest, highest\), not '2'"),
        (good("m").replace("QMBENCH_API = 2", ""), "does not state which plugin API .* QMBENCH_API = 2"),
        (good("m") + "qmbench_methods = lambda: 1 / 0", "its qmbench_methods is no hook: write @qmbench.hookimpl"),
        (good("m") + "qmbench_methods = qmbench.hookimpl(lambda: 1 / 0)", "ZeroDivisionError"),
        (
            good("m").replace("def compute", "def check(self, *a): ...\n    def compute"),
            "check is the core's own since plugin",
        ),
        (good("m").replace("return [M]", "return [M, M]"), "it defines method 'm' twice"),
        (good("m").replace("return [M]", "return [3]"), "qmbench_methods gave 3, not a Method class"),
        (good("m").replace("return [M]", "return None"), "qmbench_methods gave None, not a list"),
        (good("m").replace("return [M]", "return M"), "not a list"),
        (good("m").replace('name = "m"', 'name = "M"'), "method name 'M' must be lower case"),
        (good("m").replace('name = "m"', 'name = "a/b"'), "without / "),
        (good("m").replace('    name = "m"\n', ""), "method M has no 'name'"),
        (good("m").replace("    properties = ", "    props = "), "method M has no 'properties'"),
        (good("m").replace("def compute", "def comput"), "method M has no compute"),
        (good("m").replace("    name", "    data_files = '*.csv'\n    name"), "write a tuple of patterns"),
        (good("m").replace("def qmbench_methods", "def qmbench_method"), "unknown hook 'qmbench_method'"),
        (
            "import qmbench\nQMBENCH_API = 2\n@qmbench.hookimpl\ndef qmbench_properties():\n"
            "    return [qmbench.Property('energy', 'eV', 'another energy')]",
            "property 'energy' is defined twice",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_the_rest_works(load, source, reason):
    found = load(a_first=good("first"), broken=source, z_last=good("last"))
    assert set(found.methods) == {"first", "last"}
    errors = {info.name: info.error for info in found.infos}
    assert errors["a_first"] == errors["z_last"] == ""
    assert re.search(reason, errors["broken"]), errors["broken"]
    assert "\n" not in errors["broken"]
    assert found.level("last").make()
    with pytest.raises(InputError, match=r"unknown method 'm'.*plugins that could not be loaded: broken \("):
        found.method("m")


def test_a_range_of_plugin_apis_is_accepted(load):
    found = load(a=good("a") + "QMBENCH_API = (1, 2)", b=good("b") + "QMBENCH_API = (2, 5)")
    assert [info.error for info in found.infos] == ["", ""]


def test_a_level_is_built_from_values(load):
    option = "    class Options(qmbench.Options):\n        basis: str\n        scale: float = 1.0\n"
    option += "        cells: tuple[int, ...] = ()\n"
    found = load(m=good("m").replace("    def compute", option + "    def compute"))
    made = found.level("m", basis="STO-3G", scale=0.1 + 0.2, cells=(4, 4))
    assert made == found.level("m/sto-3g?cells=4,4&scale=0.30000000000000004")
    assert found.level(str(made)) == made
    bare = load(n=good("n"))
    assert bare.level("n", basis=None) == bare.level("n")
    with pytest.raises(InputError, match="n has no option 'basis'"):
        bare.level("n", basis="sto-3g")
    with pytest.raises(InputError, match="m has no option 'scael'; did you mean 'scale'"):
        found.level("m", basis="sto-3g", scael=1)
    with pytest.raises(InputError, match=r"m: scale: Input should be a valid number.*, not 'a'"):
        found.level("m", basis="sto-3g", scale="a")
    with pytest.raises(InputError, match=r"'m/sto-3g' says options already: .*all options by value"):
        found.level("m/sto-3g", scale=1.0)


def test_a_method_that_another_plugin_has_is_refused(load):
    found = load(one=good("same"), two=good("same"))
    assert found.owner["same"].name == "one"
    assert found.infos[1].error.endswith("method 'same' is already provided by plugin 'one'")


def test_two_plugins_of_one_name(load, tmp_path):
    (tmp_path / "twin_a.py").write_text(good("a"))
    (tmp_path / "twin_b.py").write_text(good("b"))
    found = discover([metadata.EntryPoint("twin", m, "qmbench") for m in ("twin_a", "twin_b")])
    assert set(found.methods) == {"a"}
    assert "another plugin has this name" in found.infos[1].error
    assert found.method("a")[1].name == "twin"


def test_a_plugin_is_in_whole_or_not_at_all(load):
    half = good("half") + (
        "\n@qmbench.hookimpl\ndef qmbench_properties():\n    return [qmbench.Property('magic', 'hartree', 'm')]"
        "\n@qmbench.hookimpl\ndef qmbench_benchmarks():\n    raise OSError('no data')\n"
    )
    found = load(half=half)
    assert not found.methods
    assert "magic" not in found.properties
    assert not found.benchmark_folders
    assert found.infos[0].error == "OSError: no data"


OBSERVABLE = (
    "\n@qmbench.hookimpl\ndef qmbench_properties():\n    return [qmbench.Property('magic', 'hartree', 'm')]"
    "\n@qmbench.hookimpl\ndef qmbench_observables():\n    return [{}]\n"
)


def test_own_observables_are_registered_beside_the_cores(load):
    from qmbench.domain.observables import OBSERVABLES

    made = "qmbench.Observable('magic_difference', 'magic', 'linear', 'm')"
    found = load(m=good("m") + OBSERVABLE.format(made))
    assert found.infos[0].error == ""
    assert found.observables["magic_difference"].prop == "magic"
    assert set(found.observables) == {*OBSERVABLES, "magic_difference"}
    with pytest.raises(InputError, match="unknown observable 'magic_diference'; did you mean 'magic_difference'"):
        found.observables["magic_diference"]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("qmbench.Observable('x', 'magik', 'value', 'm')", "unknown property 'magik'; did you mean 'magic'"),
        ("qmbench.Observable('x', 'magic', 'trace', 'm')", r"must have the shape \(3, 3\), not \(\)"),
        ("qmbench.Observable('x', 'magic', 'values', 'm')", "no formula 'values'; did you mean 'value'"),
        ("qmbench.Observable('c6', 'magic', 'value', 'm')", "observable 'c6' is defined twice"),
        ("'magic'", "qmbench_observables gave 'magic', not an Observable"),
    ],
)
def test_observables_that_can_not_be_are_refused(load, made, reason):
    found = load(a=good("a"), m=good("m") + OBSERVABLE.format(made))
    assert re.search(reason, found.infos[1].error), found.infos[1].error
    assert set(found.methods) == {"a"}
    assert "magic" not in found.properties
    assert "x" not in found.observables


def test_own_properties_and_benchmarks_are_registered(load, tmp_path):
    source = good("m").replace('{"energy"}', '{"energy", "magic"}') + (
        "\n@qmbench.hookimpl\ndef qmbench_properties():\n    return [qmbench.Property('magic', 'hartree', 'm')]"
        f"\n@qmbench.hookimpl\ndef qmbench_benchmarks():\n    return [{str(tmp_path)!r}]\n"
    )
    found = load(m=source)
    assert found.properties["magic"].unit == "hartree"
    assert found.benchmark_folders == [tmp_path]


FAMILY = """
import qmbench
QMBENCH_API = 2
from importlib import import_module
class X(qmbench.Method):
    "A family."
    name = "x-any"
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy"})
    def compute(self, system, properties, resources): ...
@qmbench.hookimpl
def qmbench_resolve_method(name):
    if name == "x-forbidden":
        raise qmbench.Unsupported("x-forbidden has no energy")
    if name == "x-broken":
        raise RuntimeError("the program is not installed")
    return X if name.startswith("x-") else None
"""


def test_open_family_answers_for_its_names(load):
    found = load(family=FAMILY, other=good("other"))
    method, info = found.method("x-any")
    assert (method.name, info.name) == ("x-any", "family")
    with pytest.raises(Unsupported, match="x-forbidden has no energy"):
        found.method("x-forbidden")
    with pytest.raises(InputError, match="unknown method 'y'"):
        found.method("y")


def test_a_family_that_breaks_while_asked_is_named_and_the_rest_works(load):
    found = load(family=FAMILY.replace('name == "x-broken"', "True"), other=good("other"))
    assert found.method("other")
    with pytest.raises(InputError, match=r"unknown method 'y'.*family \(RuntimeError: the program is not installed\)"):
        found.method("y")


WITH_PREFIX = (
    FAMILY.replace('name.startswith("x-")', 'name == "zz:Known/Part"')
    + """
@qmbench.hookimpl
def qmbench_method_families():
    return [qmbench.MethodFamily("zz:", "zz:NAME/PART", "whatever", 1)]
"""
)


def test_a_prefix_belongs_to_one_plugin_which_alone_is_asked(load):
    greedy = FAMILY.replace("if name ==", "assert not name.startswith('zz:')\n    if name ==", 1)
    found = load(a_greedy=greedy, family=WITH_PREFIX)
    method, info = found.method("zz:Known/Part")
    assert (method.name, info.name) == ("x-any", "family")
    with pytest.raises(InputError, match="unknown method 'zz:known': write zz:NAME/PART"):
        found.method("zz:known")


def test_a_family_with_a_prefix_that_breaks_says_so_in_one_line(load):
    found = load(family=WITH_PREFIX.replace('name == "x-broken"', "True"))
    with pytest.raises(
        InputError, match=r"'zz:Known/Part': plugin family can't tell what it is \(RuntimeError: the pro"
    ):
        found.method("zz:Known/Part")


def test_a_second_plugin_with_the_same_prefix_is_left_out(load):
    found = load(a=WITH_PREFIX, b=WITH_PREFIX)
    assert [info.error for info in found.infos] == ["", "InputError: names with 'zz:' are already those of plugin 'a'"]


def test_families_without_a_resolver_are_refused(load):
    source = good("m") + (
        "\n@qmbench.hookimpl\ndef qmbench_method_families():\n"
        "    return [qmbench.MethodFamily('zz:', 'zz:NAME', 'whatever')]\n"
    )
    assert "no qmbench_resolve_method" in load(m=source).infos[0].error


def test_unknown_method_names_the_nearest(load):
    with pytest.raises(InputError, match="unknown method 'hff'; did you mean 'hf'"):
        load(one=good("hf")).method("hff")


def test_ctrl_c_during_an_import_is_not_swallowed(load):
    with pytest.raises(KeyboardInterrupt):
        load(one="raise KeyboardInterrupt")


def test_importing_qmbench_is_light():
    """No plugin, no program, not even NumPy, until a name is used."""
    code = (
        "import qmbench, sys; print([m for m in ('numpy', 'pydantic', 'pandas', 'ase', 'pyscf') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    import qmbench

    for name in qmbench.__all__:
        assert getattr(qmbench, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Metod'"):
        qmbench.Metod  # noqa: B018
    assert set(qmbench.__all__) <= set(dir(qmbench))


UNITS_OF_ITS_OWN = """
import qmbench
QMBENCH_API = 2
@qmbench.hookimpl
def qmbench_properties():
    return [
        qmbench.Property("third_moment", "e bohr3", "a moment"),
        qmbench.Property("fourth_moment", "e bohr4", "another, whose unit nobody defined"),
    ]
@qmbench.hookimpl
def qmbench_units():
    return {"e bohr3": ("third moment", 1.0), "debye angstrom2": ("third moment", 1.40489)}
@qmbench.hookimpl
def qmbench_observables():
    return [
        qmbench.Observable("third_moment_of_it", "third_moment", "value", "m"),
        qmbench.Observable("fourth_moment_of_it", "fourth_moment", "value", "m"),
    ]
"""


@pytest.fixture
def units_as_before(monkeypatch):
    from qmbench.domain import units

    before = dict(units.UNITS)
    yield
    units.UNITS.clear()
    units.UNITS.update(before)


@pytest.mark.parametrize(
    ("observable", "unit", "given"),
    [
        ("third_moment_of_it", "debye angstrom2", "e bohr3"),
        ("third_moment_of_it", "e bohr3", "debye angstrom2"),
        ("fourth_moment_of_it", "e bohr4", "e bohr4"),
    ],
)
def test_a_unit_of_a_plugin_is_a_unit_of_benchmarks(
    load, folder, monkeypatch, units_as_before, observable, unit, given
):
    from qmbench.data.benchmark import load_benchmark
    from qmbench.data.lint import lint_benchmark

    found = load(own=UNITS_OF_ITS_OWN)
    assert found.infos[0].error == ""
    for module in ("data.meta", "data.benchmark", "data.system_sources", "plugging.registry"):
        monkeypatch.setattr(f"qmbench.{module}.plugins", lambda: found, raising=False)
    toml = folder / "benchmark.toml"
    text = toml.read_text().replace('"kcal/mol"', f'"{unit}"').replace('"interaction_energy"', f'"{observable}"')
    toml.write_text(text.replace('[units]\ntotal_energy = "hartree"\n', ""))
    (folder / "entries.csv").write_text("id,stoichiometry\nhe,he:1\n")
    (folder / "references.csv").write_text(
        "entry,set,value,unit,uncertainty,uncertainty_kind,level_of_theory,source_doi,source_place,status,note\n"
        f"he,paper,2.0,{given},,,exact,10.1000/toy,Table 1,current,\n"
    )
    assert [f.message for f in lint_benchmark(folder) if f.severity == "error"] == []
    factor = {"debye angstrom2": 1 / 1.40489, "e bohr3": 1.40489, "e bohr4": 1.0}[unit]
    assert load_benchmark(folder).references[0].quantity.value == pytest.approx(2.0 * factor)


def test_a_unit_keeps_its_meaning(load, units_as_before):
    found = load(own=UNITS_OF_ITS_OWN.replace('{"e bohr3"', '{"debye": ("dipole", 1.0), "e bohr3"'))
    assert "unit 'debye' is already" in found.infos[0].error
    wrong = load(own=UNITS_OF_ITS_OWN.replace('("third moment", 1.0)', "3"))
    assert "not names with (dimension, size)" in wrong.infos[0].error
