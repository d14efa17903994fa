"""Observables that a benchmark folder or a plugin defines: planned, computed, judged and linted like the core's."""

from __future__ import annotations

import pytest
from toy_runs import computed

from qmbench import InputError, Molecule, Unsupported
from qmbench.data.benchmark import load_benchmark
from qmbench.data.lint import lint_benchmark

OWN = """
[observables.twice_s1]
property = "excitation_energies"
formula = "= 2 * S1"
description = "twice the first excitation energy"
[observables.ratio]
property = "energy"
formula = "= value['he2'] / value['he2@1']"
description = "E(dimer) over E(atom)"
unit = ""
"""


@pytest.fixture
def own(folder, toys):
    """The toy benchmark with observables of its own, and a trimer."""
    with open(folder / "benchmark.toml", "r+") as handle:
        text = handle.read().replace("[units]", '[units]\ntwice_s1 = "hartree"\nratio = ""')
        handle.seek(0)
        handle.write(text + OWN)
    (folder / "systems" / "he3.xyz").write_text(
        '3\ncharge=0 multiplicity=1 fragments="1:0:1 2:0:1 3:0:1"\nHe 0 0 0\nHe 0 0 3.0\nHe 0 2.5 1.0\n'
    )
    with open(folder / "entries.csv", "a") as handle:
        handle.write("gap,he:1,twice_s1,,,,,,,n\nratio,he2:1 he2@1:1,ratio,,,,,,,n\n")
        handle.write("he3,three_body,three_body_energy,,,,,,,n\n")
    return folder


def values(report):
    frame = report.results
    return {(row.entry, row.bsse): (row.value, row.unit, row.status) for row in frame.itertuples()}


def test_they_are_computed_with_everything_else(own):
    assert not [f for f in lint_benchmark(own) if f.severity == "error" and "hashes" not in f.message]
    report, _ = computed(own, "toy")
    found = values(report)
    assert found["gap", ""] == (1.0, "hartree", "ok")
    ratio = next(v for k, v in found.items() if k[0] == "ratio")
    he, pair = -0.5 * 4, -1e-3 * 4 / (3.0 / 0.529177210903) ** 6
    assert ratio[0] == pytest.approx((2 * he + pair) / he, rel=1e-14)


def test_what_is_pairwise_additive_has_no_three_body_energy(own):
    """An identity: E(ABC) − ΣE(AB) + ΣE(A) of pair potentials, to rounding; counterpoise too."""
    report, _ = computed(own, "toy")
    (value,) = (v for k, v in values(report).items() if k[0] == "he3")
    assert value[0] == pytest.approx(0.0, abs=1e-11)


def test_fragments_together_are_the_cluster():
    three = load_three()
    pair = three.fragment((3, 1), ghosts=False)
    assert (pair.symbols, pair.positions) == (("He", "He"), (three.positions[0], three.positions[2]))
    assert three.fragment((1, 2, 3), ghosts=False).hash == Molecule(three.symbols, three.positions, 0, 1).hash
    assert three.fragment((1, 3), ghosts=True).ghosts == (False, True, False)
    with pytest.raises(InputError, match="there is no fragment 4"):
        three.fragment((1, 4), ghosts=False)


def load_three():
    from qmbench import Fragment

    fragments = tuple(Fragment((i,), 0, 1) for i in range(3))
    return Molecule(("He",) * 3, ((0, 0, 0), (0, 0, 6), (0, 5, 2)), 0, 1, fragments, name="he3")


def test_several_open_shells_are_not_coupled_by_guessing():
    from qmbench import Fragment

    fragments = tuple(Fragment((i,), 0, 2 - i // 2) for i in range(3))
    both = Molecule(("H", "H", "He"), ((0, 0, 0), (0, 0, 6), (0, 5, 2)), 0, 1, fragments)
    assert both.fragment((1, 3), ghosts=False).multiplicity == 2
    with pytest.raises(InputError, match=r"fragments 1\+2 have unpaired electrons that may couple in several ways"):
        both.fragment((1, 2), ghosts=False)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("x = 3", "is described by a table"),
        ('[observables.x]\nproperty = "energy"\nformula = "= value"', "'description' is missing"),
        ('[observables.x]\nproperty = "enrgy"\nformula = "= value"\ndescription = "d"', "did you mean 'energy'"),
        ('[observables.x]\nproperty = "energy"\nformula = "valeu"\ndescription = "d"', "did you mean 'value'"),
        ('[observables.x]\nproperty = "energy"\nformula = "= 1 +"\ndescription = "d"', "is not an expression"),
        ('[observables.x]\nproperty = "energy"\nformula = "trace"\ndescription = "d"', "must have the shape"),
        ('[observables.x]\nproperty = "energy"\nformula = "value"\ndescription = "d"\nunit = "kcal"', "unknown unit"),
        ('[observables.c6]\nproperty = "c6"\nformula = "value"\ndescription = "d"', "exists already"),
        ('[observables.x]\nproprety = "c6"', "unknown key 'proprety'; did you mean 'property'"),
    ],
)
def test_a_wrong_definition_is_one_line_with_the_file(folder, table, says):
    with open(folder / "benchmark.toml", "a") as handle:
        handle.write(("[observables]\n" if table.startswith("x") else "") + table + "\n")
    with pytest.raises(InputError, match=says) as error:
        load_benchmark(folder)
    assert str(error.value).startswith(str(folder / "benchmark.toml"))
    assert "\n" not in str(error.value)


def test_what_the_formula_can_not_do_is_a_row_with_its_reason(own):
    text = (own / "benchmark.toml").read_text().replace("= 2 * S1", "= S1 / (S1 - 0.5)")
    (own / "benchmark.toml").write_text(text)
    report, _ = computed(own, "toy")
    row = report.results.query("entry == 'gap'").iloc[0]
    assert (row.status, row.failure_message) == ("unsupported", "'S1 / (S1 - 0.5)' divides by zero here")
    assert issubclass(Unsupported, Exception)
