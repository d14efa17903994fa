"""Levels made of levels: how they are written, which calculations they need, and what is refused."""

from __future__ import annotations

import pytest

from qmbench import InputError, Method, Molecule, Options, Quantity, Result, Unsupported
from qmbench.domain import recipe
from qmbench.domain.composite import Composite, CompositeLevel, composite_level, is_composite, with_composites
from qmbench.domain.method import LevelOfTheory, build_level, split_level


class Base(Method):
    systems = (Molecule,)
    properties = frozenset({"energy", "dipole", "excitation_energies"})

    class Options(Options):
        basis: str
        frozen: bool = False
        tight: bool = False

    def compute(self, system, properties, resources):
        return Result({"energy": Quantity(0.0, "hartree")})

    def label(self):
        return self.name.upper()


class MeanField(Base):
    name = "hf"
    mean_field = True

    class Options(Options):
        basis: str
        tight: bool = False


class Correlated(Base):
    name = "cc(t)"
    reference_method = "hf"


class Apart(Base):
    name = "apart"
    properties = frozenset({"energy", "reference_energy", "correlation_energy"})


class Undeclared(Base):
    name = "odd"


METHODS = {m.name: m for m in (MeanField, Correlated, Apart, Undeclared)}


def single(text):
    parts = split_level(text)
    if parts.method not in METHODS:
        raise InputError(f"unknown method '{parts.method}'")
    return build_level(METHODS[parts.method], parts)


def level(text):
    return composite_level(text, single)


def calculations(text, prop="energy"):
    return {f"{part} {p}": round(c, 6) for (part, p), c in recipe.coefficients(level(text).recipe(prop)).items()}


@pytest.mark.parametrize(
    "text",
    [
        "a/b + c/d",
        "hf/cc-pv[tq]z",
        "2 * hf/cc-pvdz",
        "-1.5*hf/cc-pvdz",
        "(hf/cc-pvdz)",
        "- hf/cc-pvdz",
        "hf/cc-pv([tq]+d)z?x=1",
    ],
)
def test_what_is_made_of_levels(text):
    assert is_composite(text)


@pytest.mark.parametrize(
    "text", ["pbe+d4/def2-svp", "hf/6-31+g(d)", "ccsd(t)/cc-pvdz?list=[1,2]", "vmc?x=a - b", "ml-hirshfeld+mbd", "hf"]
)
def test_what_is_one_level(text):
    assert is_composite(text) == (" - " in text)


def test_rearrangements_are_one_level_with_the_same_calculations():
    a = "hf/cc-pv[tq]z + cc(t)/cc-pvdz - hf/cc-pvdz"
    for b in (
        "cc(t)/cc-pvdz - hf/cc-pvdz + hf/cc-pv[tq]z",
        "hf/cc-pv[tq]z - (hf/cc-pvdz - cc(t)/cc-pvdz)",
        "0.5 * (2*hf/cc-pv[tq]z + 2 * (cc(t)/cc-pvdz - hf/cc-pvdz))",
        "- hf/cc-pvdz + CC(T)/CC-PVDZ + HF/cc-pv[TQ]z",
    ):
        assert str(level(b)) == str(level(a))
        assert calculations(b) == calculations(a)
        assert level(b) == level(a)
    assert str(level(str(level(a)))) == str(level(a))


def test_one_level_with_coefficient_one_is_itself():
    assert isinstance(level("(hf/cc-pvdz)"), LevelOfTheory)
    assert str(level("hf/cc-pvdz + hf/cc-pvtz - hf/cc-pvtz")) == "hf/cc-pvdz"


def test_the_parts_of_a_correlated_level_are_extrapolated_apart():
    x = level("cc(t)/cc-pv[tq]z?frozen=true&tight=true")
    assert str(x) == "cc(t)/cc-pv[tq]z?frozen=true&tight=true"
    # the options that the mean field has are passed on, those that it has not are not
    assert [str(p) for p in x.parts] == [
        "cc(t)/cc-pvtz?frozen=true&tight=true",
        "cc(t)/cc-pvqz?frozen=true&tight=true",
        "hf/cc-pvtz?tight=true",
        "hf/cc-pvqz?tight=true",
    ]
    found = calculations("cc(t)/cc-pv[tq]z")
    assert found["cc(t)/cc-pvqz energy"] == pytest.approx(64 / 37, abs=1e-6)
    assert found["cc(t)/cc-pvtz energy"] == pytest.approx(-27 / 37, abs=1e-6)
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)


def test_a_method_that_tells_its_parts_needs_no_other():
    x = level("apart/cc-pv[tq]z")
    assert [str(p) for p in x.parts] == ["apart/cc-pvtz", "apart/cc-pvqz"]
    assert {k.split()[1] for k in calculations("apart/cc-pv[tq]z")} == {"reference_energy", "correlation_energy"}
    with pytest.raises(Unsupported, match="only energies"):
        x.recipe("dipole")


def test_schemes_are_options_and_those_that_differ_are_written():
    assert str(level("hf/cc-pv[tq]z?hf_scheme=karton-martin")) == "hf/cc-pv[tq]z"
    assert str(level("cc(t)/cc-pv[tq]z?correlation_power=3")) == "cc(t)/cc-pv[tq]z"
    text = "cc(t)/cc-pv[tq]z?correlation_power=2.4&frozen=true&hf_scheme=largest"
    assert str(level(text)) == text
    limits = {limit.of: limit for limit in recipe.limits(level(text).recipe("energy"))}
    assert (limits["reference"].scheme, limits["correlation"].power) == ("largest", 2.4)
    three = next(recipe.limits(level("hf/cc-pv[tq5]z").recipe("energy")))
    assert (three.scheme, three.cardinals) == ("feller", (3, 4, 5))
    assert next(recipe.limits(level("hf/cc-pv[tq5]z").recipe("dipole"))).scheme == "karton-martin"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hf/cc-pv[tq]z?hf_scheme=feller", "takes three members"),
        ("hf/cc-pv[tq]z?hf_scheme=fellr", "did you mean 'feller'"),
        ("hf/cc-pv[tq]z?correlation_power=3", "no correlation energy apart"),
        ("cc(t)/cc-pv[tq]z?correlation_power=x", "a number above 0"),
        ("cc(t)/cc-pv[tq]z?correlation_power=-1", "a number above 0"),
        ("cc(t)/cc-pv[tq]z?correlation_scheme=largest&correlation_power=2", "no meaning"),
        ("odd/cc-pv[tq]z", "can't be extrapolated"),
        ("hf/cc-pv[tq]z +", "'hf/cc-pv[tq]z +': a level of theory was expected"),
        ("hf/cc-pvdz + + hf/cc-pvtz", "'+', at column 14"),
        ("hf/cc-pvdz hf/cc-pvtz + hf/cc-pvqz", "'hf/cc-pvtz', at column 12"),
        ("2 hf/cc-pvdz + hf/cc-pvtz", "followed by *"),
        ("(hf/cc-pvdz + hf/cc-pvtz", "closing bracket is missing"),
        ("hf/cc-pvdz + nosuch/cc-pvtz", "'nosuch/cc-pvtz', at column 14"),
        ("hf/cc-pvdz - hf/cc-pvtz)", "an operator between blanks"),
        ("1e999 * hf/cc-pvdz", "is not a finite number"),
        ("hf/cc-pvdz + " * 200 + "hf/cc-pvdz", "at most 1000 characters"),
    ],
)
def test_a_wrong_expression_is_told_with_its_place(text, said):
    with pytest.raises(InputError) as error:
        level(text)
    assert said in str(error.value)


def test_excitations_are_not_extrapolated():
    with pytest.raises(Unsupported, match="not excitation_energies"):
        level("hf/cc-pv[tq]z").recipe("excitation_energies")


def test_labels_in_the_fields_typography():
    assert level("cc(t)/aug-cc-pv[tq]z").label == "CC(T)/aug-cc-pV[TQ]Z"
    assert level("hf/def2-[tq]zvp + cc(t)/def2-svp - hf/def2-svp").label == (
        "CC(T)/def2-SVP + HF/def2-[TQ]ZVP − HF/def2-SVP"
    )
    assert level("0.5 * hf/cc-pvdz").label == "0.5·HF/cc-pVDZ"


def test_names_stand_for_expressions():
    known = {
        "base": Composite("base", "hf/cc-pv[tq]z"),
        "fp": Composite("fp", "base + cc(t)/cc-pvdz - hf/cc-pvdz"),
        "snake": Composite("snake", "snake + hf/cc-pvdz"),
    }
    assert with_composites("hf/cc-pvdz", known) == "hf/cc-pvdz"
    whole = level(with_composites("fp", known))
    assert str(whole) == str(level("hf/cc-pv[tq]z + cc(t)/cc-pvdz - hf/cc-pvdz"))
    assert str(level(with_composites("2*fp - base", known))) == str(
        level("hf/cc-pv[tq]z + 2*cc(t)/cc-pvdz - 2*hf/cc-pvdz")
    )
    with pytest.raises(InputError, match="made of itself: snake → snake"):
        with_composites("snake", known)


def test_levels_with_lists_among_their_options_are_leaves_too():
    class Listing(Base):
        name = "listing"

        class Options(Options):
            basis: str
            grid: list[int] = []

    a = build_level(Listing, split_level("listing/cc-pvdz?grid=1,2"))
    b = build_level(Listing, split_level("listing/cc-pvdz?grid=1,2"))
    assert a == b
    assert len({a.recipe("energy"), b.recipe("energy")}) == 1


def test_families_are_what_all_parts_share():
    assert isinstance(level("hf/cc-pv[tq]z"), CompositeLevel)
    assert level("hf/cc-pv[tq]z").families() == {}
