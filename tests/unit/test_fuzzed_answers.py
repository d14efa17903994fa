"""Whatever bytes stand in the place of a child's answer: an outcome that can be stored, or Unreadable; nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmbench.domain.record import Record
from qmbench.running.engine.answer import Unreadable, parse_outcome
from qmbench.running.engine.outcome import Outcome
from qmbench.running.store import _record, _row

COST = {"wall_s": 1.0, "cpu_s": 1.0, "peak_memory_mib": 10.0, "cores": 1}
QUANTITY = {"value": -2.0, "unit": "hartree", "uncertainty": 0.1, "uncertainty_kind": "model"}
OUTCOME: dict[str, Any] = {
    "status": "ok",
    "failure": None,
    "properties": {"energy": QUANTITY, "states": {**QUANTITY, "value": {"S1": 1.0}, "uncertainty": {"S1": 0.1}}},
    "settings": {"a": [1, {"b": None}]},
    "warnings": ["w"],
    "cost": COST,
    "started": "2026-01-01T00:00:00+00:00",
    "training_overlap": None,
    "explanation": None,
}
plain = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["\ud800", "ok"])
)
tree = st.recursive(plain, lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=8), x, max_size=4))


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    if draw(st.integers(0, 4)) == 0:
        return draw(st.binary(max_size=200))
    document = copy.deepcopy(OUTCOME)
    if draw(st.booleans()):
        document |= {
            "status": "failed",
            "failure": {"kind": "error", "message": "m", "log_tail": "l"},
            "properties": {},
        }
    for _ in range(draw(st.integers(1, 2))):
        place: Any = document
        key: Any = draw(st.sampled_from(sorted(document)))
        while isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
            place = place[key]
            key = draw(st.sampled_from(sorted(place)) if isinstance(place, dict) else st.integers(0, len(place) - 1))
        if draw(st.booleans()) or isinstance(place, list):
            place[key] = draw(tree)
        else:
            del place[key]
            document.setdefault(draw(st.sampled_from(sorted(OUTCOME))), draw(tree))
            document = {**copy.deepcopy(OUTCOME), **document} if draw(st.booleans()) else document
    text = json.dumps(document).encode()
    cut = draw(st.integers(0, len(text)))
    return text if draw(st.integers(0, 5)) else text[:cut] + draw(st.binary(max_size=3)) + text[cut + 1 :]


def check(data: bytes) -> None:
    try:
        outcome = parse_outcome(data, ("energy",))
    except Unreadable:
        return
    # What was taken can be told, stored and read again.
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json(), allow_nan=False))).status == outcome.status
    quantity = outcome.properties.get("energy")
    assert (outcome.status == "ok") == (quantity is not None) == (outcome.failure is None)
    provenance: dict[str, Any] = {
        "settings": dict(outcome.settings),
        "warnings": list(outcome.warnings),
        "started": outcome.started,
    }
    record = Record("k", "l", "s", "h", "energy", outcome.status, quantity, outcome.failure, provenance, outcome.cost)
    back = _record(_row(record), {}, {}.setdefault)  # as the store writes and reads it
    assert (back.status, back.cost, back.provenance["settings"]) == (record.status, record.cost, provenance["settings"])


@settings(max_examples=200, deadline=None)
@given(answers())
def test_some(data: bytes) -> None:
    check(data)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(answers())
def test_many(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize(
    "wrong", [None, True, "x", [1.0], {"a": 1.0}, {"coordinate": [1.0], "values": [1.0], "coordinate_unit": "bohr"}]
)
@pytest.mark.parametrize("part", ["value", "uncertainty"])
def test_a_state_without_a_number_is_named(wrong, part):
    document = copy.deepcopy(OUTCOME)
    document["properties"]["states"][part] = {"S1": wrong}
    with pytest.raises(Unreadable, match=rf"^properties\.states\.{part} holds"):
        parse_outcome(json.dumps(document).encode())
