"""Commands in shell: numbers, forces, the JSON contract, what is shown, what is refused, what is in a key."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import numpy as np
import pytest

import qmbench.testing
from qmbench import (
    InputError,
    LocalEngine,
    NotConverged,
    QmbenchError,
    Resources,
    Task,
    Unsupported,
    parse_level,
    units,
)

JSON = """
description = "Answers by the JSON contract of qmbench"
command = ["sh", "-c", {body}]
systems = ["molecule", "crystal"]
[properties.energy]
unit = "eV"
[properties.forces]
unit = "eV/angstrom"
key = "f"
"""


def in_json(body):
    return JSON.format(body=json.dumps(body))


def exact(system, sigma):
    x = system.coordinates
    pairs = [(i, j) for i in range(len(x)) for j in range(i)]
    q = [(sigma / np.linalg.norm(x[i] - x[j])) ** 6 for i, j in pairs]
    return sum(4 * (p * p - p) for p in q)


@pytest.mark.parametrize("sigma", [1.5, 1.1])
def test_the_number_of_a_shell_script_is_the_formula(commands, run, systems, sigma):
    found = run(f"command:lj?sigma={sigma}", systems["pair"])
    assert found.properties["energy"].value == pytest.approx(exact(systems["pair"], sigma), rel=1e-10)
    assert found.settings["version"] == "version 1.0"
    assert found.settings["command"][-1] == str(sigma)


def test_forces_are_minus_the_derivative_of_the_energy(commands, run, systems):
    pair, h = systems["pair"], 1e-3
    forces = run("command:lj", pair, "forces").properties["forces"].value
    for atom in range(3):
        for axis in range(3):

            def energy(step, atom=atom, axis=axis):
                moved = np.array(pair.positions)
                moved[atom, axis] += step
                return run("command:lj", replace(pair, positions=tuple(map(tuple, moved)))).properties["energy"].value

            slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h)
            assert forces[atom, axis] == pytest.approx(-slope, rel=1e-6, abs=1e-8)


def test_conformance(commands):
    """The kit on a command of the user's, as `qmbench plugin check command` has it."""
    found = qmbench.testing.checks("command")
    assert {check.subject.method.name for check in found} == {"command:lj"}
    held = set()
    for check in found:
        with contextlib.suppress(qmbench.testing.NotApplicable):
            check()
            held.add(check.name)
    assert {"examples_compute", "options_alive", "forces_match_energy", "rotation", "writes_only_to_scratch"} <= held


def test_the_json_contract(commands, run, systems, tmp_path):
    commands(
        "echo",
        in_json(
            f'cat > {tmp_path}/asked.json; echo \'{{"energy": 2.0, "f": [[1,2,3]], "settings": {{"a": 1}}, '
            '"warnings": ["two  words"]}\''
        ),
    )
    found = run("command:echo", systems["cell"], "energy", "forces")
    assert found.properties["energy"].value == pytest.approx(2 / units.HARTREE_IN_EV, rel=1e-12)
    force = units.BOHR_IN_ANGSTROM / units.HARTREE_IN_EV
    assert np.allclose(found.properties["forces"].value, np.array([[1, 2, 3]]) * force, rtol=1e-12)
    assert found.settings["a"] == 1
    assert found.warnings == ["two words"]
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert asked == {
        **{"qmbench": 1, "kind": "crystal", "symbols": ["Ar"], "positions": [[0, 0, 0]], "unit": "bohr", "cores": 1},
        **{"charge": 0, "multiplicity": 1, "properties": ["energy", "forces"], "options": {}},
        "cell": [[7, 0, 0], [0, 7, 0], [0, 0, 7]],
    }


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ('echo \'{"error": {"kind": "not_converged", "message": "50 cycles"}}\'; exit 1', NotConverged, "50 cycles"),
        ('echo \'{"error": "no basis"}\'', QmbenchError, "the program says: no basis"),
        ("echo sorry >&2; exit 4", QmbenchError, "exit code 4; it said: sorry"),
        ("kill -11 $$$$", QmbenchError, "signal 11"),
        ("echo 'a b'; echo c", QmbenchError, "no JSON object; it ends: a b c"),
        ("echo '{\"e\": 1}'", QmbenchError, "has no 'energy'; it has e"),
        ('echo \'{"energy": "much"}\'', QmbenchError, "is not numbers: much"),
        ("echo '[1]'", QmbenchError, "a list"),
    ],
)
def test_how_a_program_can_fail(commands, run, systems, body, error, said):
    commands("bad", in_json(body))
    with pytest.raises(error) as found:
        run("command:bad", systems["pair"])
    assert said in str(found.value)
    assert "\n" not in str(found.value)


def test_output_that_says_so_is_no_convergence_and_output_without_the_end_is_a_failure(commands, run, systems):
    lj = (commands("x", "") / "lj.toml").read_text()
    commands("scf", lj.replace('success = "finished"', 'not_converged = "^total"'))
    with pytest.raises(NotConverged, match=r"the output says so: total energy"):
        run("command:scf", systems["pair"])
    commands("half", lj.replace('"finished"', '"all done"'))
    with pytest.raises(QmbenchError, match=r"nothing that matches 'all done'; it ends: .*finished"):
        run("command:half", systems["pair"])
    commands("few", lj.replace("^gradient", "^finish"))
    with pytest.raises(QmbenchError, match="forces: 9 numbers are wanted"):
        run("command:few", systems["pair"], "forces")


def test_files_for_input_and_output_and_numbers_of_fortran(commands, run, systems):
    commands(
        "fortran",
        """
description = "Copies its input, with an energy as Fortran writes it"
command = ["sh", "-c", "cp in.dat out.dat; echo 'E = -1.5D+01' >> out.dat"]
input = "$$ ${charge} ${multiplicity} ${unpaired} ${n_atoms}"
input_file = "in.dat"
output_file = "out.dat"
success = '\\$ 1 2 1 1'
[properties.energy]
unit = "kcal/mol"
regex = 'E = (\\S+)'
""",
    )
    found = run("command:fortran", systems["ion"]).properties["energy"].value
    assert found == pytest.approx(-15 / units.HARTREE_IN_KCAL_MOL, rel=1e-12)


def test_a_child_kills_what_hangs_and_says_what_failed(commands, systems, tmp_path):
    commands("hangs", in_json("sleep 60"))
    with LocalEngine(1, Resources(scratch=tmp_path, time_s=2.0)) as engine:
        tasks = [Task(systems["pair"], parse_level(text), ("energy",)) for text in ("command:hangs", "command:lj")]
        found = {str(task.level): outcome for task, outcome in engine.run(tasks)}
    assert found["command:hangs"].failure.kind == "timeout"
    assert found["command:lj"].status == "ok"


def test_show_says_exactly_what_will_be_run(commands, capsys):
    from qmbench.cli import show

    folder = commands("x", "")
    text = str(show.find("command:lj", None))
    for said in (f"sh {folder}/lj.sh ${{sigma}}", f"{folder}/lj.toml", "SHA-256", "sh -c echo version 1.0"):
        assert said in text, said


def test_what_counts_in_a_key(commands, systems):
    def key():
        from qmbench_command import methods

        methods._version.cache_clear()
        commands("x", "")  # as a new process finds them
        return parse_level("command:lj").key(systems["pair"], "energy")

    folder = commands("x", "")
    keys = [key()]
    description = (folder / "lj.toml").read_text()
    (folder / "lj.toml").write_text(description + "# a comment\n")
    keys.append(key())
    (folder / "lj.toml").write_text(description)
    assert key() == keys[0]
    script = (folder / "lj.sh").read_text()
    (folder / "lj.sh").write_text(script + "# edited\n")
    keys.append(key())
    (folder / "lj.sh").write_text(script)
    (folder / "version").write_text("1")
    commands("lj", description.replace('"echo version 1.0"', f'"cat {folder}/version"'))
    keys.append(key())
    (folder / "version").write_text("2")
    keys.append(key())
    assert len(set(keys)) == len(keys)


def test_a_level_of_theory_can_bring_no_program_in(commands, tmp_path):
    (tmp_path / "evil.toml").write_text(in_json("touch /tmp/evil"))
    for name in (f"command:{tmp_path}/evil.toml", "command:evil", "command:../evil", "command:evil.toml"):
        with pytest.raises(InputError, match="put there by you"):
            parse_level(name)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("description =", "descriptio =", "description: Field required"),
        ('"${sigma}"]', '"${sgma}"]', "command[2]: nothing is called ${sgma}"),
        ("${xyz_bohr}", "${xyz} $ 5", "a $ that is no place such as ${xyz} is written $$"),
        ('unit = "hartree"', 'unit = "hartre"', "is no unit of it; hartree is one"),
        (r"energy:\s+(\S+)", r"energy:\s+\S+", "has no group"),
        (r"energy:\s+(\S+)", r"energy:\s+(", "no regular expression"),
        ("[options.sigma]", "[options.charge]", "'charge' can't be the name of an option"),
        ("charges = false", "charges = maybe", "is no TOML"),
        ("charges = false", 'charges = "no"', "charges: Input should be a valid boolean, which 'no' is not"),
        ("charges = false", "charges = 0", "charges: Input should be a valid boolean, which 0 is not"),
        ("spins = false", "spins = [false]", "spins: Input should be a valid boolean, which [False] is not"),
        (
            'unit = "hartree"',
            'unit = "hartree"\nscale = true',
            "scale: Input should be a valid number, which True is not",
        ),
        (
            'unit = "hartree"',
            'unit = "hartree"\nscale = "2"',
            "scale: Input should be a valid number, which '2' is not",
        ),
        ("default = 1.5", "default = 1.5\nchoices = [1, 2]", "default: 1.5 is none of the choices 1, 2"),
        ("default = 1.5", 'default = 1.5\nchoices = [1.5, "2"]', "choices: '2' is of another kind than the default"),
        ("[properties.energy]", "[properties.dipole_derivative]", "can be read by a regular expression"),
        ('success = "finished"', 'success = "finished"\noutput_file = "../x"', "is a name without folders"),
    ],
)
def test_a_wrong_description_is_one_line(commands, old, new, said):
    text = (commands("x", "") / "lj.toml").read_text()
    assert old in text
    commands("wrong", text.replace(old, new, 1))
    with pytest.raises(InputError) as error:
        parse_level("command:wrong")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert "wrong.toml" in str(error.value)


@pytest.mark.parametrize(
    ("system", "said"),
    [("ion", "is not told the charge"), ("oxygen", "is not told the multiplicity"), ("cell", "does not do")],
)
def test_systems_that_a_description_excludes_are_refused(commands, systems, system, said):
    with pytest.raises(Unsupported, match=said):
        parse_level("command:lj").make().check(systems[system], frozenset({"energy"}))


def test_a_program_that_is_not_there_is_said_while_planning(commands, systems):
    commands("gone", in_json("true").replace('["sh"', '["no-such-program"'))
    with pytest.raises(Unsupported, match="there is no program no-such-program"):
        parse_level("command:gone").make().check(systems["pair"], frozenset({"energy"}))


def test_options_have_types_and_choices(commands):
    text = (commands("x", "") / "lj.toml").read_text()
    commands("lj", text.replace("default = 1.5", "default = 1.5\nchoices = [1.5, 2.0]"))
    with pytest.raises(InputError, match="sigma"):
        parse_level("command:lj?sigma=3.0")
    assert str(parse_level("command:lj?sigma=2.0")) == "command:lj?sigma=2.0"


@pytest.mark.parametrize("value", ["a b", "$(touch x)", "; true", "-o", "x/../y", "a\nb"])
def test_a_text_that_a_program_could_read_as_something_else_is_refused(commands, run, systems, value):
    commands("text", in_json("echo '{\"energy\": 1}' ${name}") + "[options.name]\ndefault = 'b3lyp'\n")
    with pytest.raises(InputError, match="takes letters, digits"):
        qmbench.level("command:text", name=value)
    assert str(qmbench.level("command:text", name="cam-B3LYP(vv10)")) == "command:text?name=cam-B3LYP(vv10)"
