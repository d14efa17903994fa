"""Installed plainly or isolated, a plugin has the same levels, record keys, refusals, values and errors."""

from __future__ import annotations

import json

import pytest
import toy_projects

# Everything that the core asks of a plugin, for levels right and wrong, as one JSON document.
QUESTIONS = """
import itertools, json
from qmbench.running.engine.local import LocalEngine
from qmbench.plugging.isolated.described import describe
from qmbench.plugging.registry import parse_level, plugins
from qmbench.domain.record import Task
from qmbench.domain.systems import LatticeModel, Molecule

atom = lambda symbol, charge=0, multiplicity=1: Molecule((symbol,), ((0.0, 0.1, 0.2),), charge, multiplicity, name="x")
systems = [atom("He"), atom("Xe"), atom("Ne"), atom("Li", 0, 2), LatticeModel((2,), ("open",), 1.0, 1.0, 2, 1)]
wishes = [("energy",), ("left_number",), ("energy", "left_number"), ("dipole",)]
texts = ["left", "LEFT/STO-3G", "left?words=B,a", "left?words=()", "left?factor=2.50", "left-3/def2-svp",
         "left?words=noise", "left?factor=0", "left?factor=x", "left?nothing=1", "left-9", "lef",
         "left/", "left?words=%26,=", "left?factor=1e-3&words=a",
         "LEFT:part/Member/STO-3G?other=1.50&factor=2&basis_of=\\"3\\"", "left:part/member", "left:",
         "left:part/Member?factor=x"]

def answer(question):
    try:
        return question()
    except Exception as error:
        return [type(error).__name__, str(error)]

def about(text):
    level = parse_level(text)
    method = level.make()
    rows = []
    for system, wanted in itertools.product(systems, wishes):
        wanted = frozenset(wanted)
        keys = [level.key(system, prop) for prop in sorted(wanted)]
        refusal = answer(lambda: method.check(system, wanted))
        cores = answer(lambda: method.removed_electrons(system))
        rows.append([keys, refusal, answer(lambda: method.estimate(system, wanted)), cores])
    told = plugins().method(level.method.name)[0]
    return {"text": str(level), "identity": level.identity, "families": method.families(),
            "stochastic": method.is_stochastic(), "basis": getattr(level.options, "basis", None),
            "options": level.options.model_dump(mode="json"), "plugin": level.plugin, "rows": rows,
            "method": getattr(told, "described", None) or describe(told),
            "schema": told.Options.model_json_schema(),
            "systems": [kind.__name__ for kind in told.systems], "tolerances": dict(told.tolerances),
            "observable": repr(plugins().observables["left_value"]),
            "required": [name for name, field in told.Options.model_fields.items() if field.is_required()]}

answers = {text: answer(lambda: about(text)) for text in texts}
level = parse_level("left?words=b")
tasks = [Task(system, parse_level(text), ("energy", "left_number"))
         for text in ("left?words=B,a", "left-3/def2-svp?factor=2") for system in systems[:4]]
outcomes = {}
with LocalEngine(1) as engine:
    for task, outcome in engine.run(tasks):
        document = outcome.to_json()
        outcomes[json.dumps(task.keys)] = {k: document[k] for k in ("status", "properties", "settings", "warnings")}
        outcomes[json.dumps(task.keys)]["message"] = (document["failure"] or {}).get("message")
from qmbench import Quantity
from qmbench.domain.observables import evaluate
number = Quantity(3.0, "electrons", 0.1, "statistical")
square = evaluate(plugins().observables["left_square"], "", [(1.0, number)]).to_json()
direct = level.make().compute(systems[0], frozenset({"energy"}), __import__("qmbench").Resources())
energy = direct.properties["energy"].to_json()
print(json.dumps({"answers": answers, "outcomes": outcomes, "direct": energy, "square": square}))
"""


@pytest.fixture(scope="module")
def answers(here, tmp_path_factory):
    """The answers of the plugin installed plainly, and isolated."""
    folder = toy_projects.clash(tmp_path_factory.mktemp("projects"), "left", "toylib==2.0")
    here.ok("plugin", "add", folder)
    plain = json.loads(here.script(QUESTIONS))
    here.ok("plugin", "remove", "left")
    here.ok("plugin", "add", folder, "--isolated")
    return plain, json.loads(here.script(QUESTIONS))


def test_levels_keys_refusals_and_errors_are_the_same(answers):
    plain, isolated = (found["answers"] for found in answers)
    for text, answer in plain.items():
        assert isolated[text] == answer, text
    kinds = {answer[0] for answer in plain.values() if isinstance(answer, list)}
    assert kinds == {"InputError", "Unsupported"}
    assert sum(isinstance(answer, dict) for answer in plain.values()) == 9


def test_outcomes_are_the_same(answers):
    plain, isolated = (found["outcomes"] for found in answers)
    assert isolated == plain
    assert {outcome["status"] for outcome in plain.values()} == {"ok", "unsupported", "failed"}


def test_a_function_of_an_observable_is_the_same(answers):
    """x² with σ = 0.1 at 3, times the version 2.0 that only the plugin's own interpreter knows."""
    plain, isolated = (found["square"] for found in answers)
    assert isolated == plain
    assert (plain["value"], plain["uncertainty"]) == (18.0, pytest.approx(1.2))


def test_compute_from_python_is_the_same(answers):
    plain, isolated = (found["direct"] for found in answers)
    assert isolated == plain
    assert plain["value"] == -4.0
