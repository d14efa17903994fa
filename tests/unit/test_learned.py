"""What learned methods declare in their settings: checked when computed, carried into the tidy table."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench.domain.errors import InputError
from qmbench.domain.learned import Explanation, TrainingOverlap, overlap_text
from qmbench.domain.method import BadResult, Result
from qmbench.domain.quantity import Quantity
from qmbench.domain.systems import Molecule
from qmbench.running.engine.work import checked

ATOM = Molecule(("He",), np.zeros((1, 3)), charge=0, multiplicity=1)
SAME = {"molecule": "water", "distance": 0.25, "kind": "same molecule"}
VERY_SAME = {"molecule": "water", "distance": 0.001, "kind": "same geometry"}
TABLE = {"columns": ["atom", "share"], "rows": [["O1", -0.2], ["H2", 0.1]], "note": "hartree"}


def declared(**declarations):
    return checked(Result({"energy": Quantity(-2.9, "hartree")}, **declarations), ATOM)


def test_right_declarations_pass_and_survive_json():
    found = declared(training_overlap=TrainingOverlap(**VERY_SAME), explanation=Explanation(**TABLE))
    assert found.training_overlap.to_json() == VERY_SAME
    assert found.explanation.to_json() == TABLE


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        (TrainingOverlap, {**SAME, "kind": "alike"}, "same geometry"),
        (TrainingOverlap, {**SAME, "distance": float("nan")}, "distance"),
        (TrainingOverlap, {**SAME, "distance": -0.1}, "distance"),
        (TrainingOverlap, {**SAME, "distance": True}, "distance"),
        (TrainingOverlap, {**SAME, "molecule": ""}, "molecule"),
        (Explanation, {**TABLE, "rows": [["O1"]]}, "row 1"),
        (Explanation, {**TABLE, "rows": [["O1", [1]]]}, "row 1"),
        (Explanation, {**TABLE, "columns": []}, "columns"),
        (Explanation, {**TABLE, "note": 3}, "note"),
    ],
)
def test_a_malformed_declaration_is_one_clear_line(kind, fields, says):
    with pytest.raises(InputError, match=says) as error:
        kind(**fields)
    assert "\n" not in str(error.value)


def test_a_declaration_in_the_wrong_place_names_the_right_one():
    with pytest.raises(BadResult, match=r"'explanation' is a field of qmbench.Result, qmbench.Explanation\(…\)"):
        declared(settings={"explanation": TABLE})
    with pytest.raises(BadResult, match=r"training_overlap of a result is a qmbench.TrainingOverlap, or None"):
        declared(training_overlap=SAME)


def test_numbers_of_numpy_are_numbers_in_a_table():
    table = Explanation(("a",), ((np.float64(0.5),), (np.nan,)))
    assert table.to_json()["rows"] == [[0.5], ["nan"]]


def test_same_geometry_outranks_same_molecule():
    assert overlap_text([{}, {"training_overlap": SAME}]) == "same molecule: water (0.25)"
    assert overlap_text([{"training_overlap": SAME}, {"training_overlap": VERY_SAME}]) == "same geometry: water (0.001)"
    assert overlap_text([{}, {"grid": 3}]) == ""


def test_the_nearest_of_one_kind_is_named():
    near = {**SAME, "distance": 0.1, "molecule": "ammonia"}
    assert overlap_text([{"training_overlap": SAME}, {"training_overlap": near}]) == "same molecule: ammonia (0.1)"


def test_a_stored_declaration_of_another_shape_is_still_flagged():
    assert overlap_text([{"training_overlap": "yes"}]) == "training overlap"


def test_an_entry_of_several_tasks_carries_the_gravest_in_the_tidy_table(monkeypatch):
    from dataclasses import replace
    from types import SimpleNamespace

    from qmbench.domain.observables import OBSERVABLES
    from qmbench.domain.record import Cost, Record
    from qmbench.judging.frame import RESULT_COLUMNS, _About, _plain, _row
    from qmbench.running.plan import PlannedEntry

    def record(key, energy, settings):
        provenance = {"settings": {}, **settings}
        return Record(key, "m", key, key, "energy", "ok", Quantity(energy, "hartree"), provenance=provenance)

    records = {r.key: r for r in (record("ab", -2.0, {"training_overlap": SAME}), record("a", -0.9, {}))}
    entry = SimpleNamespace(id="e", observable="interaction_energy", state="", subsets=(), tags=(), curve="")
    entry.coordinate, entry.coordinate_unit = None, ""
    benchmark = SimpleNamespace(
        id="b",
        unit_of=lambda e: "hartree",
        observable_of=lambda e: OBSERVABLES["interaction_energy"],
        systems_of=lambda e: (),
    )
    planned = PlannedEntry("m", "none", "b", "e", ((1.0, "ab"), (-2.0, "a")))
    about = _About(SimpleNamespace(computed=(), levels={}), records)
    row = dict(zip(RESULT_COLUMNS, _row(planned, entry, benchmark, about)[0], strict=True))
    assert row["status"] == "ok"
    assert row["training_overlap"] == "same molecule: water (0.25)"
    assert _plain(planned, entry, benchmark, about) is None
    # One record's number, of which nothing is to be said, has a shorter way to the same row; no other has.
    told = {"c": record("c", -0.9, {}), "d": record("d", -0.9, {"warnings": ["hm"]}), "ab": records["ab"]}
    for key, uncertainty in (("c", None), ("d", None), ("ab", None), ("c", 0.1)):
        kind = None if uncertainty is None else "statistical"
        one = replace(told[key], quantity=Quantity(-0.9, "hartree", uncertainty, kind), cost=Cost(2.0, 1.0, 3.0))
        about = _About(SimpleNamespace(computed={"c"}, levels={}), {key: one})
        alone = PlannedEntry("m", "none", "b", "e", ((1.0, key),))
        short = _plain(alone, entry, benchmark, about)
        assert (short is not None) == ((key, uncertainty) == ("c", None))
        with monkeypatch.context() as patch:
            patch.setattr("qmbench.judging.frame._plain", lambda *given: None)
            long, step = _row(alone, entry, benchmark, about)
        assert step is None
        assert short in (None, long)
