"""A kind of system in an environment of its own: the driver reads, plans, judges and draws it all the same."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import toy_projects

FOREIGN = Path(__file__).parents[1] / "foreign"

# What a system is on either side: its JSON, hash, one line, picture, and the record key at a level.
ABOUT = """
import json
from qmbench.data.benchmark import find_benchmark
from qmbench.plugging.registry import parse_level, plugins
found = plugins()
system = find_benchmark("quantum_dots").system("two")
again = found.systems.from_json(json.loads(json.dumps(system.to_json())))
print(json.dumps([
    system.to_json(), system.hash, again == system, again.hash, system.describe(), system.figure(), dict(system.axes),
    dict(system.composition), system.energy_unit, system.n_electrons, list(found.systems),
    found.systems["quantum_dot"].__name__, [s.hash for s in found.systems["quantum_dot"].samples()],
    parse_level("dot-exact").key(system, "energy"), found.properties["energy"].unit_for(system),
]))
"""


@pytest.fixture(scope="module")
def both(here):
    """What is said of a dot, plainly installed and isolated; the installation is left with the isolated one."""
    data = [path for path in (FOREIGN / "dot_benchmarks").rglob("*") if path.is_file()]
    files = {str(path.relative_to(FOREIGN)): path.read_text() for path in [FOREIGN / "qmbench_dot.py", *data]}
    # Statistics and formats work in the process that makes a report, so that such a plugin lives beside qmbench.
    hook = r"@qmbench\.hookimpl\ndef qmbench_(?:statistics|formats)\(\):\n(?:(?:    .*)?\n)+"
    files["qmbench_dot.py"] = re.sub(hook, "", files["qmbench_dot.py"])
    wheel = toy_projects.wheel(here.index, "qmbench-dot", "1.0", files, ("qmbench",), plugins={"dot": "qmbench_dot"})
    paths = [str(FOREIGN / "site"), str(FOREIGN)]
    plain = json.loads(here.script(f"import sys; sys.path[:0] = {paths!r}\n" + ABOUT))
    here.ok("plugin", "add", wheel, "--isolated")
    return plain, json.loads(here.script(ABOUT))


def test_both_say_the_same(both):
    plain, isolated = both
    assert plain == isolated
    assert [kind for kind in plain[10] if kind in ("molecule", "crystal", "lattice", "quantum_dot")] == [
        "molecule", "crystal", "lattice", "quantum_dot"
    ]  # fmt: skip


def test_it_is_computed_there_and_judged_here(both, here):
    found = here.json("run", "suite", "dots", "--report", "report")
    totals = [s for s in found["statistics"] if s["observable"] == "total_energy"]
    errors = {s["level_of_theory"]: s["mean_absolute_error_Ha"] for s in totals}
    assert errors["dot-exact"] == pytest.approx(0.0, abs=1e-10)
    assert errors["dot-first-order"] > errors["dot-gaussian"] > 0.1
    assert here.json("show", "quantum_dots:two", "--figure", "two.svg")["omega"] == 1.0
    assert "<circle" in (here.work / "two.svg").read_text()


def test_what_is_wrong_is_said_in_one_line(both, here):
    (here.work / "bad.toml").write_text('kind = "quantum_dot"\nelectrons = 2\nmultiplicity = 1\nomega = -1.0\n')
    assert here.wrong("compute", "dot-exact", "bad.toml") == "qmbench: bad.toml, line 4: omega must be positive, not -1"
    (here.work / "wide.dot").write_text("2 1 0.25 1.0\n")
    assert here.json("compute", "dot-exact", "wide.dot")["properties"]["energy"]["unit"] == "Ha*"
    done = here.run("compute", "dot-exact", "atoms:he")
    assert "dot-exact does not do molecule systems; it does: quantum_dot" in done.stdout


def test_the_conformance_kit_holds_the_method_to_the_kind_there(both, here):
    told = here.json("plugin", "check", "dot")
    assert told["summary"]["failed"] == 0
    fields = [row for row in told["checks"] if row["check"] == "quantum_dot_fields_used"]
    assert [row["outcome"] for row in fields] == ["passed"] * 3
    # What is skipped has nothing to hold against any of them: no iterations, no noise, no forces.
    skipped = {row["check"] for row in told["checks"] if row["outcome"] == "skipped"}
    assert "non_convergence_raises" in skipped
    assert not skipped & {"options_alive", "reproducible", "properties_delivered", "systems_stored"}
