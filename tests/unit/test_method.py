"""Levels of theory: one canonical spelling, wrong options named with the right ones, keys that mean something."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from qmbench import InputError, LatticeModel, Method, Molecule, Options, Quantity, Resources, Result, Unsupported
from qmbench.domain.method import build_level, level_of_values, split_level

HYDROGEN = Molecule(("H",), ((0.0, 0.0, 0.0),), 0, 2, name="h")


class Many(Method):
    """One option of each type."""

    name = "many"
    systems = (Molecule,)
    properties = frozenset({"energy"})

    class Options(Options):
        basis: str
        frozen_core: bool = False
        grid: int = Field(3, ge=0, le=9)
        tolerance: float = Field(1e-10, gt=0)
        solver: Literal["fci", "ccsd"] = "fci"
        functional: str | None = None
        auxiliary_basis: str = "weigend+etb"
        charge_shift: int | None = None
        distances: tuple[float, ...] = (1.0,)
        correlation: Literal["none", "pw92"] | None = None

    def compute(self, system, properties, resources):
        return Result({"energy": Quantity(0.0, "hartree")})


class Plain(Many):
    """No options at all."""

    name = "plain"
    Options = Options


def level(text: str, method=Many):
    return build_level(method, split_level(text))


@pytest.mark.parametrize(
    ("text", "method", "basis", "options"),
    [
        ("hf", "hf", None, ()),
        ("HF/cc-pVDZ", "hf", "cc-pvdz", ()),
        (" hf/sto-3g ", "hf", "sto-3g", ()),
        ("ccsd(t)/aug-cc-pvtz?frozen_core=true", "ccsd(t)", "aug-cc-pvtz", (("frozen_core", "true"),)),
        ("wb97x-v/def2-tzvp?a=1&b=x", "wb97x-v", "def2-tzvp", (("a", "1"), ("b", "x"))),
        ("pbe+mbd/6-31+g*", "pbe+mbd", "6-31+g*", ()),
        ("edft?functional=sehx", "edft", None, (("functional", "sehx"),)),
    ],
)
def test_split(text, method, basis, options):
    parts = split_level(text)
    assert (parts.method, parts.basis, parts.options) == (method, basis, options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a level of theory"),
        ("/sto-3g", "is not a level of theory"),
        ("hf/", "is not a level of theory"),
        ("hf/sto-3g?", "is not a level of theory"),
        ("hf?grid", "'grid' in .* is not option=value"),
        ("hf?grid=", "is not option=value"),
        ("hf?=3", "is not option=value"),
        ("hf?a=1&&b=2", "is not option=value"),
        ("hf?a=1&a=2", "a given twice"),
        ("hf?basis=sto-3g", "the basis is written behind the slash"),
        ("hf/sto 3g", "blanks"),
        ("h f/sto-3g", "blanks"),
    ],
)
def test_split_refuses(text, message):
    with pytest.raises(InputError, match=message):
        split_level(text)


def test_defaults_are_left_out_and_options_sorted():
    assert str(level("many/sto-3g")) == "many/sto-3g"
    assert str(level("MANY/STO-3G?grid=3&frozen_core=false")) == "many/sto-3g"
    assert str(level("many/sto-3g?tolerance=1e-8&frozen_core=1")) == "many/sto-3g?frozen_core=true&tolerance=1e-08"


def test_two_spellings_of_one_level_share_a_key():
    a, b = (
        level("many/STO-3G?grid=3&tolerance=0.001&frozen_core=yes"),
        level("many/sto-3g?frozen_core=true&tolerance=1e-3"),
    )
    assert str(a) == str(b)
    assert a.options == b.options
    assert a.key(HYDROGEN, "energy") == b.key(HYDROGEN, "energy")


def test_key_depends_on_level_system_property_and_version(monkeypatch):
    base = level("many/sto-3g")
    keys = {
        base.key(HYDROGEN, "energy"),
        base.key(HYDROGEN, "dipole"),
        base.key(Molecule(("He",), ((0, 0, 0),), 0, 1), "energy"),
        level("many/sto-3g?grid=4").key(HYDROGEN, "energy"),
        level("many/3-21g").key(HYDROGEN, "energy"),
        level("plain", Plain).key(HYDROGEN, "energy"),
    }
    assert len(keys) == 6
    monkeypatch.setattr(Many, "distributions", ("numpy",))
    assert level("many/sto-3g").key(HYDROGEN, "energy") not in keys


def test_a_program_that_an_option_brings_in_is_in_the_key_of_the_levels_that_have_it(monkeypatch):
    class Helped(Many):
        def programs(self):
            return ("numpy", "pydantic") if self.options.solver == "ccsd" else ("numpy",)

    def of(solver):
        found = level(f"many/sto-3g?solver={solver}", Helped)
        return found.key(HYDROGEN, "energy"), found.versions

    installed = {"numpy": "1", "pydantic": "1", "hypothesis": "1"}
    monkeypatch.setattr("qmbench.domain.method.metadata.version", installed.__getitem__)
    (plain, _), (helped, _) = of("fci"), of("ccsd")
    installed["pydantic"] = "2"
    assert of("fci") == (plain, {"numpy": "1"})
    assert of("ccsd")[0] != helped
    assert of("ccsd")[1] == {"numpy": "1", "pydantic": "2"}


def test_a_key_is_the_hash_of_one_json_document():
    """As the stores of earlier versions have it: written in parts it must be the same text."""
    found = level("many/sto-3g?functional=%C3%A9%22")
    document = {"system": HYDROGEN.hash, "level": found.identity, "property": 'odd "name" é'}
    text = json.dumps(document, sort_keys=True)
    assert found.key(HYDROGEN, document["property"]) == hashlib.sha256(text.encode()).hexdigest()[:32]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "frozen_core": st.booleans(),
            "grid": st.integers(0, 9),
            "tolerance": st.floats(1e-300, 1e300),
            "solver": st.sampled_from(["fci", "ccsd"]),
            "functional": st.sampled_from(["pbe", "b3lyp", "0.25*hf+0.75*pbe,pbe", "a&b", "a=b", "50%", "x?y", "é"]),
            "auxiliary_basis": st.text(min_size=1, max_size=8),
            "charge_shift": st.integers(-3, 3),
            "correlation": st.sampled_from(["none", "pw92"]),
            "distances": st.lists(st.floats(0.1, 9.0), max_size=3).map(tuple),
        },
    )
)
def test_canonical_string_round_trip(values):
    from qmbench.domain.method import LevelOfTheory

    first = LevelOfTheory(Many, Many.Options(basis="sto-3g", **values))
    again = level(str(first))
    assert again.options == first.options
    assert str(again) == str(first)


@given(st.text(max_size=30))
def test_splitting_anything_gives_parts_or_an_input_error(text):
    try:
        parts = split_level(text)
    except InputError as error:
        method, message = "", str(error)
    else:
        method, message = parts.method, ""
    assert method or message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("many/sto-3g?gird=4", "many has no option 'gird'; did you mean 'grid'"),
        ("many/sto-3g?zzz=4", "many has no option 'zzz'; there is auxiliary_basis, charge_shift, correlation"),
        ("many/sto-3g?grid=fine", "many: grid: .*not 'fine'"),
        ("many/sto-3g?grid=10", "many: grid: .*less than or equal to 9, not '10'"),
        ("many/sto-3g?tolerance=0", "many: tolerance: .*greater than 0, not '0'"),
        ("many/sto-3g?tolerance=nan", "many: tolerance: .*not 'nan'"),
        ("many/sto-3g?tolerance=inf", "many: tolerance: .*finite.*not 'inf'"),
        ("many/sto-3g?solver=fcii", "many: solver: .*'fci' or 'ccsd', not 'fcii'"),
        ("many/sto-3g?frozen_core=maybe", "many: frozen_core: .*not 'maybe'"),
        ("many", "many needs a basis: write 'many/cc-pvdz', say"),
    ],
)
def test_wrong_options_are_named_with_the_right_ones(text, message):
    with pytest.raises(InputError, match=message) as caught:
        level(text)
    assert "\n" not in str(caught.value)


def test_none_and_lists_can_be_written():
    assert level("many/sto-3g?functional=pbe").options.functional == "pbe"
    assert level("many/sto-3g?functional=None").options.functional is None
    assert level("many/sto-3g?distances=1.0,2.5").options.distances == (1.0, 2.5)
    assert str(level("many/sto-3g?distances=2,3")) == "many/sto-3g?distances=2.0,3.0"
    assert level("many/sto-3g?auxiliary_basis=none").options.auxiliary_basis == "none"
    assert level("many/sto-3g?correlation=none").options.correlation == "none"


def test_method_without_options_or_basis():
    assert str(level("plain", Plain)) == "plain"
    with pytest.raises(InputError, match="plain takes no basis: write 'plain', not 'plain/sto-3g'"):
        level("plain/sto-3g", Plain)
    with pytest.raises(InputError, match="plain has no option 'grid'; it has no options"):
        level("plain?grid=3", Plain)


def test_options_are_frozen():
    with pytest.raises(Exception, match="frozen"):
        level("many/sto-3g").options.grid = 4


def test_check_refuses_what_is_not_declared():
    method = level("many/sto-3g").make()
    method.check(HYDROGEN, frozenset({"energy"}))
    with pytest.raises(Unsupported, match="many does not do lattice systems; it does: molecule"):
        method.check(LatticeModel((2,), ("open",), 1.0, 1.0, 2, 1), frozenset({"energy"}))
    with pytest.raises(Unsupported, match="many does not give dipole; it gives: energy"):
        method.check(HYDROGEN, frozenset({"energy", "dipole"}))


def test_artifact_is_made_once_under_concurrency(tmp_path):
    resources = Resources(artifacts=tmp_path / "artifacts")
    made, paths = [], []

    def write(path):
        made.append(path)
        path.write_text("content")

    threads = [threading.Thread(target=lambda: paths.append(resources.artifact("scf", write))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(paths)) == 1
    assert paths[0].read_text() == "content"
    assert resources.artifact("other scf", write) != paths[0]


def test_artifact_that_fails_leaves_nothing(tmp_path):
    resources = Resources(artifacts=tmp_path)

    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        resources.artifact("scf", fail)
    assert [p for p in tmp_path.iterdir() if p.suffix != ".lock"] == []
    path = resources.artifact("scf", lambda p: p.write_text("whole"))
    assert path.read_text() == "whole"


def test_checkpoint_outlives_the_task(tmp_path):
    resources = Resources(artifacts=tmp_path / "runs-artifacts")
    with resources.checkpoint("walkers") as folder:
        assert folder.parent == tmp_path / "runs-checkpoints"
        assert not list(folder.iterdir())
        (folder / "state").write_text("42")
    with Resources(artifacts=tmp_path / "runs-artifacts", cores=4).checkpoint("walkers") as again:
        assert (again / "state").read_text() == "42"
    with resources.checkpoint("other walkers") as other:
        assert not list(other.iterdir())


def test_checkpoint_survives_a_failure(tmp_path):
    resources = Resources(artifacts=tmp_path / "artifacts")

    def fail():
        with resources.checkpoint("walkers") as folder:
            (folder / "state").write_text("half way")
            raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        fail()
    with resources.checkpoint("walkers") as folder:
        assert (folder / "state").read_text() == "half way"


def test_checkpoint_has_one_user_at_a_time(tmp_path):
    resources = Resources(artifacts=tmp_path / "artifacts")
    inside, most = [], []

    def use():
        with resources.checkpoint("walkers") as folder:
            inside.append(folder)
            most.append(len(inside))
            count = folder / "count"
            count.write_text(str(int(count.read_text()) + 1 if count.exists() else 1))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    with resources.checkpoint("walkers") as folder:
        assert (folder / "count").read_text() == "6"


def test_checkpoint_without_a_store_is_private():
    with Resources().checkpoint("walkers") as folder:
        assert folder.is_dir()
        assert "qmbench-" in str(folder)
    with Resources().checkpoint("walkers") as again:
        assert again == folder


def test_a_wrong_default_is_the_fault_of_the_method():
    """Not of whoever asked for it without the option."""

    class Wrong(Method):
        """A method whose author wrote a text where a number has to be."""

        name = "wrong-default"
        systems = (Molecule,)
        properties = frozenset({"energy"})

        class Options(Options):
            samples: int = Field("many", description="how many")
            seed: int = Field(1, description="where it starts")

    said = r"wrong-default: its option 'samples' has a default that is wrong \(Input should be a valid integer"
    with pytest.raises(InputError, match=said + ".* not 'many'\\); that is a fault of the plugin qmbench-wrong"):
        level_of_values(Wrong, {}, "qmbench-wrong")
    with pytest.raises(InputError, match=r"wrong-default: samples: Input should be a valid integer.*, not 'x'"):
        level_of_values(Wrong, {"samples": "x"}, "qmbench-wrong")
    assert level_of_values(Wrong, {"samples": 3}, "qmbench-wrong").options.samples == 3
