"""Spellings and labels: nothing is written that a method takes by itself, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any, Literal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import model_validator

from qmbench import InputError, Method, Molecule, Options
from qmbench.domain.method import build_level, split_level
from qmbench.domain.naming import basis_typography, checked_label
from qmbench.judging import regression


class Filling(Options):
    """Options whose validator fills in what others imply, as ensemble functionals do."""

    basis: str | None = None
    kind: Literal["plain", "rich"] = "plain"
    weight: float | None = None
    potential: Literal["oep", "kli"] | None = None
    flag: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, values: Any) -> Any:
        values = dict(values)
        if values.get("weight") is None:
            values["weight"] = 1.0 if values.get("kind") == "rich" else 0.5
        if values.get("kind") == "rich":
            values["potential"] = values.get("potential") or "oep"
        elif values.get("potential"):
            raise ValueError("potential belongs to kind=rich")
        values.setdefault("flag", values.get("kind") == "rich")
        return values


class Toy(Method):
    """A toy."""

    name = "toy"
    systems = (Molecule,)
    properties = frozenset({"energy"})
    Options = Filling
    label_options = frozenset({"kind"})

    def label(self):
        return "TOY"

    def compute(self, system, properties, resources):
        raise NotImplementedError


def level(text):
    return build_level(Toy, split_level(text))


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("toy?weight=0.5", "toy"),
        ("toy?kind=plain&flag=false", "toy"),
        ("toy?kind=rich&weight=1&potential=oep&flag=true", "toy?kind=rich"),
        ("toy?kind=rich&weight=0.5", "toy?kind=rich&weight=0.5"),
        ("toy/cc-pvdz?potential=kli&kind=rich", "toy/cc-pvdz?kind=rich&potential=kli"),
        # the default of the class is not what the method takes here, so it has to be said
        ("toy?kind=rich&flag=none", "toy?flag=none&kind=rich"),
    ],
)
def test_what_the_method_takes_by_itself_is_not_written(written, canonical):
    assert str(level(written)) == canonical
    assert level(canonical).identity == level(written).identity


@given(
    kind=st.sampled_from(["plain", "rich"]),
    weight=st.sampled_from([None, 0.25, 0.5, 1.0]),
    potential=st.sampled_from([None, "oep", "kli"]),
    flag=st.sampled_from(["true", "false", None]),
    basis=st.sampled_from(["", "/cc-pvdz"]),
)
def test_a_spelling_says_everything(kind, weight, potential, flag, basis):
    given_ = {"kind": kind, "weight": weight, "potential": potential if kind == "rich" else None, "flag": flag}
    query = "&".join(f"{name}={value}" for name, value in given_.items() if value is not None)
    first = level(f"toy{basis}?{query}")
    again = level(str(first))
    assert again.options == first.options
    assert str(again) == str(first)


@pytest.mark.parametrize(("names", "canonical"), [(("a",), "toy"), (("a", "b"), "toy?a=7&b=7")])
def test_options_that_refuse_their_own_values(names, canonical):
    """One is left out; of several none can be left out alone, and they are written as the record has them."""

    class Stubborn(Options):
        a: int | None = None
        b: int | None = None

        @model_validator(mode="before")
        @classmethod
        def _resolve(cls, values: Any) -> Any:
            if any(values.get(name) == 7 for name in names):
                raise ValueError("7 is what is taken when it is left out")
            return {**values, **{name: values.get(name) or 7 for name in names}}

    toy = type("Stubborn", (Toy,), {"Options": Stubborn, "label_options": frozenset()})
    assert str(build_level(toy, split_level("toy"))) == canonical


def test_a_label_tells_what_is_not_usual():
    assert level("toy/aug-cc-pvtz?kind=rich").label == "TOY/aug-cc-pVTZ"
    assert level("toy?kind=rich&weight=0.25").label == "TOY (weight=0.25)"


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("cc-pvdz", "cc-pVDZ"),
        ("aug-cc-pvtz", "aug-cc-pVTZ"),
        ("d-aug-cc-pvqz", "d-aug-cc-pVQZ"),
        ("cc-pv(t+d)z", "cc-pV(T+d)Z"),
        ("cc-pcvtz", "cc-pCVTZ"),
        ("ccecp-cc-pvtz", "ccECP-cc-pVTZ"),
        ("cc-pwcv5z", "cc-pwCV5Z"),
        ("cc-pvtz-f12", "cc-pVTZ-F12"),
        ("jun-cc-pvdz", "jun-cc-pVDZ"),
        ("def2-svp", "def2-SVP"),
        ("def2-mtzvp", "def2-mTZVP"),
        ("ma-def2-qzvpp", "ma-def2-QZVPP"),
        ("sto-3g", "STO-3G"),
        ("6-311++g(2d,2p)", "6-311++G(2d,2p)"),
        ("6-31g*", "6-31G*"),
        ("pcseg-2", "pcseg-2"),
        ("lanl2dz", "LANL2DZ"),
        ("something-else", "something-else"),
    ],
)
def test_basis_sets_are_printed_as_in_papers(name, printed):
    assert basis_typography(name) == printed


@pytest.mark.parametrize("label", ["two\nlines", " blank", "x" * 61, 3, None])
def test_a_label_is_one_short_line(label):
    with pytest.raises(InputError, match="here: a label is one line of at most 60 characters"):
        checked_label(label, "here")


# --- baselines that spelled a level otherwise ---

OLD, NEW = "edft?correlation=none&ensemble=bi&functional=sehx&potential=oep&weight=0.5", "edft?functional=sehx"


def rows(level_of_theory, value=0.75):
    row = {"level_of_theory": level_of_theory, "bsse": "", "benchmark": "b", "entry": "e", "observable": "energy"}
    row |= {"unit": "hartree", "value": value, "uncertainty": None, "uncertainty_kind": None, "status": "ok"}
    return pd.DataFrame([row | {"wall_s": 1.0, "failure_message": None}])


@pytest.fixture
def spellings(monkeypatch):
    monkeypatch.setattr(regression, "canonical_level", lambda text: NEW if text == OLD else text)


def test_a_baseline_with_the_longer_spelling_still_matches(spellings):
    before = json.loads(regression.baseline_text(regression.make_baseline(rows(OLD), {})))
    before = regression.parse_baseline(json.dumps(before), "here")
    assert regression.check(rows(NEW), before).counts == {"unchanged": 1}
    assert regression.check(rows(NEW, 0.76), before).counts == {"changed": 1}
    again = regression.make_baseline(rows(NEW), {})
    assert regression.describe_update(before, again) == ["nothing changed"]
    # and a run from before against a baseline of now
    assert regression.check(rows(OLD), again).counts == {"unchanged": 1}


def test_levels_that_cannot_be_read_are_compared_as_they_are(spellings):
    before = regression.parse_baseline(json.dumps(regression.make_baseline(rows("gone?x=1"), {})), "here")
    assert regression.check(rows("gone?x=2"), before).counts == {"missing": 1, "new": 1}
