"""Open families of methods with a prefix, and options that nobody declared."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qmbench
from qmbench.domain import families
from qmbench.domain.errors import InputError
from qmbench.domain.families import MethodFamily, split_head
from qmbench.domain.free_values import free_text, free_value
from qmbench.domain.method import build_level, level_of_values, split_level


@pytest.fixture
def family():
    """A family `qq:PROGRAM/METHOD` for the time of a test."""
    families.add_family(MethodFamily("qq:", "qq:PROGRAM/METHOD/BASIS", "a test's", 1))
    yield
    del families._slashes["qq:"]


@pytest.mark.parametrize(
    ("head", "method", "basis"),
    [
        ("HF/STO-3G", "hf", "sto-3g"),
        ("Qq:Psi4/HF/cc-pVDZ", "qq:Psi4/HF", "cc-pvdz"),
        ("qq:dftd4/PBE", "qq:dftd4/PBE", None),
        ("none:Some.Name/6-31G", "none:Some.Name", "6-31g"),
        ("qq:a/b/", "qq:a/b", ""),
    ],
)
def test_a_name_with_a_prefix_keeps_its_case_and_its_slashes(family, head, method, basis):
    assert split_head(head) == (method, basis)


class Anything(qmbench.OpenOptions):
    declared: int = 1


class Open(qmbench.Method):
    """Takes any option."""

    name = "qq:X.Y"
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy"})
    Options = Anything

    def compute(self, system, properties, resources): ...


def opened(text):
    return build_level(Open, split_level(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("3", 3), ("-3", -3), ("3.0", 3.0), ("1e-3", 1e-3), (".5", 0.5), ("true", True), ("False", False)),
        *(("none", None), ("abc", "abc"), ("007", 7.0), ("1e999", "1e999"), ("nan", "nan"), ("[1,2.5]", [1, 2.5])),
        *(('"3"', "3"), ("[1,", "[1,"), ('{"a":[true]}', {"a": [True]}), ("[NaN]", "[NaN]"), ("GFN2-xTB", "GFN2-xTB")),
    ],
)
def test_a_value_is_typed_by_how_it_is_written(text, value):
    found = free_value(text)
    assert found == value
    assert type(found) is type(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(json_values)
def test_every_value_is_read_back_from_its_spelling(value):
    from urllib.parse import unquote

    text = free_text(value)
    assert "&" not in text
    assert " " not in text
    found = free_value(unquote(text))
    if isinstance(value, int) and not isinstance(value, bool) and len(str(value)) >= 400:
        return
    assert found == value
    assert type(found) is type(value)


def test_options_that_nobody_declared_are_in_spelling_and_key():
    level = opened("qq:X.Y?sigma=3.0&name=a b&declared=1")
    assert level.options.passed_on == {"name": "a b", "sigma": 3.0}
    assert str(level) == "qq:X.Y?name=a%20b&sigma=3.0"
    assert str(opened(str(level))) == str(level)
    assert level.identity["options"] == {"declared": 1, "name": "a b", "sigma": 3.0}
    assert str(level_of_values(Open, {"name": "a b", "sigma": 3.0})) == str(level)
    assert opened("qq:X.Y?sigma=3").key_of("x", "energy") != opened("qq:X.Y?sigma=4").key_of("x", "energy")


@pytest.mark.parametrize("value", [object(), math.nan, {1, 2}])
def test_a_value_that_json_can_not_say_is_refused(value):
    with pytest.raises(InputError, match=r"sigma: .* is nothing that JSON can say"):
        level_of_values(Open, {"sigma": value})


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("q q:", "q q:X", "d"), "prefix of a family is"),
        (("qq", "qq:X", "d"), "prefix of a family is"),
        (("qq:", "X", "d"), "pattern begins with the prefix"),
        (("qq:", "qq:X", " "), "pattern begins with the prefix"),
        (("qq:", "qq:X", "d", -1), "slashes is a number"),
    ],
)
def test_a_family_that_can_not_be_used_is_refused(arguments, why):
    with pytest.raises(InputError, match=why):
        families.check_family(MethodFamily(*arguments))
