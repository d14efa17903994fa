"""Which disagreements are news: planted cases, and that names, order and units change nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmbench.data.benchmark import find_benchmark
from qmbench.data.entry import Entry, Term
from qmbench.data.reference_sets import check_reference_sets
from qmbench.domain.errors import InputError
from qmbench.domain.method import near_limit
from qmbench.judging.columns import Column, Group, _claiming, groups
from qmbench.judging.disagreement import disagreement
from qmbench.judging.frame import RESULT_COLUMNS, references_frame
from qmbench.judging.molecules import LEAST_CLASS, classes, molecules
from qmbench.judging.tiers import reference_threshold, weigh
from qmbench.plugging.registry import parse_level


def group(value, uncertainty, names, claims=("ref",), unit="kcal/mol"):
    value = np.asarray(value, dtype=float)
    n, shape = len(value), value.shape
    u = np.broadcast_to(np.asarray(uncertainty, dtype=float), shape).copy()
    columns = tuple(Column(x, "computed", x, is_default_reference=x == "ref", claims=x in claims) for x in names)
    return Group(
        benchmark="planted",
        observable="interaction_energy",
        unit=unit,
        entries=tuple(f"e{i}" for i in range(n)),
        columns=columns,
        value=value,
        uncertainty=u,
        kind=np.where(np.isfinite(u), "estimate", None),
        wall_s=np.full(shape, np.nan),
        status=np.full(shape, "ok", dtype=object),
        tags=((),) * n,
        subsets=((),) * n,
        curve=("",) * n,
        coordinate=np.full(n, np.nan),
    )


def weighed(g, rate=0.05):
    judged = disagreement([g], rate)
    return weigh(judged[0], rate, reference_threshold(judged, rate))


NAMES = ("ref", "pbe", "mp2", "hf", "ccsd")


def record(seed=1, n=30):
    """A level that is off by five as ever, and four that are not; stated uncertainties of 0.1."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-25.0, -15.0, (n, 1))
    return (
        truth + np.array([0.0, 0.3, -0.4, 5.0, 0.1]) + np.array([0.0, 0.3, 0.3, 0.5, 0.2]) * rng.standard_normal((n, 5))
    )


def test_an_outlier_that_is_off_as_ever_is_expected():
    w = weighed(group(record(), 0.1, NAMES))
    verdicts = {v.verdict for v in w.judged.verdicts}
    assert verdicts & {"one_outlier", "camps"}
    tiers = [t.tier for t in w.tiers]
    assert "surprising" not in tiers
    assert tiers.count("expected") >= 25
    for t in w.tiers:
        assert t.tier != "expected" or 3 in {x["column"] for x in t.explained_by}


def test_a_value_beyond_its_record_is_a_surprise_that_says_why():
    values = record()
    values[4, 3] -= 10.0  # Hartree–Fock that for once is lower than the others
    values[9, 1] += 4.0
    w = weighed(group(values, 0.1, NAMES))
    assert [e for e, t in enumerate(w.tiers) if t.tier == "surprising"] == [4, 9]
    assert w.tiers[4].who == (3,)
    assert w.tiers[9].who == (1,)
    assert w.tiers[4].surprise > 0.9
    assert "hf: its error is" in w.tiers[4].why
    assert "the other levels' errors here let expect" in w.tiers[4].why


def test_where_nothing_is_known_a_contradiction_stays_and_says_so():
    w = weighed(group(record(n=3), 0.1, NAMES))
    contradicted = [t for t in w.tiers if t.tier == "surprising"]
    assert contradicted
    assert all(t.unknown and "nothing is known of the errors of" in t.why for t in contradicted)


def test_beside_an_exact_value_what_is_off_errs_and_nothing_is_open():
    blank = group(record(n=3), 0.1, NAMES)
    reference = next(j for j, c in enumerate(blank.columns) if c.is_default_reference)
    columns = tuple(replace(c, exact=j == reference) for j, c in enumerate(blank.columns))
    open_ones, w = weighed(blank), weighed(replace(blank, columns=columns))
    assert any(t.unknown for t in open_ones.tiers)
    for e, (before, now) in enumerate(zip(open_ones.tiers, w.tiers, strict=True)):
        assert now.tier == ("expected" if before.unknown else before.tier)
        for x in now.explained_by:
            assert x["by"] == "exact value"
            assert x["bias"] == pytest.approx(blank.value[e, x["column"]] - blank.value[e, reference])
            assert abs(x["bias"]) > x["scatter"]


def test_references_are_asked_first_and_apart():
    values = np.column_stack([record(), record()[:, 0]])
    values[:, 5] += 0.05 * np.random.default_rng(2).standard_normal(30)
    values[11, 5] += 1.0
    w = weighed(group(values, 0.1, (*NAMES, "dmc"), claims=("ref", "dmc")))
    assert [e for e, t in enumerate(w.tiers) if {0, 5} <= set(t.who)] == [11]
    assert "both claim reference quality" in w.tiers[11].why
    assert w.tiers[11].settle.startswith("a third value")
    assert np.isnan(w.known.scatter[:, 5]).all()  # taken at its word, not by its record


def test_beside_an_exact_value_nothing_is_left_to_settle():
    values = np.column_stack([record(), record()[:, 0]])
    values[11, 5] += 1.0
    both = group(values, 0.1, (*NAMES, "afqmc"), claims=("ref", "afqmc"))
    columns = tuple(replace(c, exact=c.name == "ref") for c in both.columns)
    tier = weighed(replace(both, columns=columns)).tiers[11]
    assert tier.who in ((0, 5), (5, 0))
    assert tier.settle == "nothing is open where ref is exact: what afqmc states leaves out a bias"


def test_a_wrong_reference_is_found():
    values = record()
    values[6, 0] += 6.0
    values[:, 3] -= 4.7  # nobody is far off but the reference
    w = weighed(group(values, 0.3, NAMES))
    assert w.judged.verdicts[6].verdict == "suspect_reference"
    assert w.tiers[6].tier == "surprising"
    assert 0 in w.tiers[6].who
    assert w.surprises.common[6] == pytest.approx(-6.0, abs=1.0)


def test_what_the_basis_explains_is_put_down_to_it():
    g = group(record(), 0.1, NAMES)
    basis = np.full(g.value.shape, np.nan)
    basis[:, 3] = 0.45
    explained = [x for t in weighed(replace(g, basis=basis)).tiers for x in t.explained_by if x["column"] == 3]
    assert explained
    assert {x["by"] for x in explained} == {"basis"}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), factor=st.sampled_from([1.0, 4.184]))
def test_names_order_and_units_change_no_tier(seed, factor):
    values = record(seed)
    values[4, 3] -= 10.0
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(values)), rng.permutation(len(NAMES))
    one = weighed(group(values, 0.1, NAMES))
    unit = "kJ/mol" if factor != 1.0 else "kcal/mol"
    names = tuple("ref" if NAMES[j] == "ref" else f"x{j}" for j in columns)
    other = weighed(group(values[rows][:, columns] * factor, 0.1 * factor, names, unit=unit))
    assert [t.tier for t in other.tiers] == [one.tiers[i].tier for i in rows]
    assert [{int(columns[c]) for c in t.who} for t in other.tiers] == [set(one.tiers[i].who) for i in rows]


# --- who claims what, and which entries belong together ---


@pytest.mark.parametrize(
    ("level", "claims"),
    [
        ("fci", "reference"),
        ("fci/sto-6g", "exact /sto-6g"),
        ("fci/cc-pv5z", "exact"),
        ("fci/cc-pvdz?frozen_core=true", "reference /cc-pvdz"),
        ("ccsd(t)/aug-cc-pv5z", "reference"),
        ("ccsd(t)/cc-pvtz", "reference /cc-pvtz"),
        ("hf/cc-pv5z", ""),
        ("edft-exact", "reference"),
    ],
)
def test_what_a_level_claims(level, claims):
    assert parse_level(level).make().claims() == claims


def test_a_claim_in_a_small_basis_holds_for_questions_within_it():
    column = Column("fci/sto-6g", "computed", "fci/sto-6g")
    claims = {"fci/sto-6g": "reference /sto-6g"}
    assert _claiming(column, "/sto-6g", claims).claims
    assert not _claiming(column, "", claims).claims
    assert not _claiming(column, "/6-31g", claims).claims
    assert not _claiming(column, "/sto-6g", {}).claims
    assert _claiming(column, "/sto-6g", {"fci/sto-6g": "exact /sto-6g"}).claims
    assert _claiming(column, "", {"fci/sto-6g": "exact"}).claims


@pytest.mark.parametrize(
    ("level", "more", "claims"),
    [
        ("UCCSD(T)/CBS", {}, False),
        ("CCSD(T)/CBS", {}, False),  # as the name of a method: a set has to say it
        ("CCSD(T)/CBS", {"of_claim": "reference"}, True),
        ("CCSD(T)/CBS", {"is_default_reference": True}, True),
        ("CCSD(T)/CBS", {"is_default_reference": True, "of_claim": ""}, False),
        ("auxiliary-field quantum Monte Carlo, sign-problem free", {"of_claim": "reference"}, True),
        ("hf limit", {"exact": True}, True),
        ("exact nonrelativistic, infinite nuclear mass", {}, True),
        ("estimated exact nonrelativistic, as quoted", {}, True),
        ("experiment, direct potential fit", {}, True),
        ("fit to experiment", {}, False),
        ("inexact", {}, False),
        ("", {"set": "experiment"}, True),
    ],
)
def test_which_reference_sets_claim_reference_quality(level, more, claims):
    column = Column("x", "reference", level, **more)
    assert _claiming(column, "", {}).claims == claims


def test_what_a_set_claims_is_read_with_its_benchmark():
    chains = find_benchmark("hydrogen_chains")
    frame = references_frame([chains])
    found = {
        c.name: c.claims
        for g in groups(pd.DataFrame(columns=RESULT_COLUMNS), frame, {chains.id: chains})
        for c in g.columns
    }
    assert {name for name, claims in found.items() if claims} >= {"AFQMC/CBS", "SBDMRG/CBS", "FCI/sto-6g", "exact"}
    assert not any(found[name] for name in ("UCCSD(T)/CBS", "RCCSD(T)/CBS", "RCCSD/CBS", "MRCI+Q/sto-6g", "UHF/sto-6g"))


@pytest.mark.parametrize("claim", ["exact", 1, True])
def test_a_set_can_claim_nothing_else(tmp_path, claim):
    with pytest.raises(InputError, match=r"reference set 's': claim is \"reference\" or empty, not"):
        check_reference_sets({"reference_sets": {"s": {"claim": claim}}}, tmp_path)


@pytest.mark.parametrize(
    ("basis", "near"),
    [("cc-pv5z", True), ("aug-cc-pcv6z", True), ("cc-pvqz", False), ("def2-qzvppd", False), ("6-31g", False)],
)
def test_bases_near_their_limit(basis, near):
    assert near_limit(basis) == near


def test_entries_of_one_molecule():
    def entry(name, *systems, curve=""):
        return Entry(name, "energy", tuple(Term(s, 1.0) for s in systems), curve=curve)

    sizes = {"ts": 5, "a": 3, "b": 3, "h": 1, "x": 2, "y": 2, "d1": 2, "d2": 2, "he": 1}
    benchmark = SimpleNamespace(
        entries=(entry("there", "a", "ts"), entry("back", "ts", "b"), entry("x", "x", "h"), entry("y", "y", "h"),
                 entry("p1", "d1", curve="c"), entry("p2", "d2", curve="c"), entry("s1", "he"), entry("s2", "he")),
        system=lambda name: SimpleNamespace(n_parts=sizes[name]),
    )  # fmt: skip
    found = molecules(benchmark)
    assert found["there"] == found["back"] == "system ts"
    assert found["p1"] == found["p2"]
    assert found["s1"] == found["s2"]
    assert found["x"] != found["y"]  # an atom that both fall apart into makes no molecule


def test_small_classes_are_taken_together():
    many = LEAST_CLASS
    subsets = [("large", "x")] * many + [("small",)] * 3 + [()] * 2
    tags = [()] * (many + 3) + [("number:3",)] * 2
    assert classes(subsets, tags) == ("large",) * many + ("",) * 5
