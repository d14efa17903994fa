"""Plans: fragments shared, counterpoise chosen by whoever asks, refusals kept with their reason."""

import pytest

from qmbench import InputError, Quantity, parse_level
from qmbench.data.suite import find_suite, read_suite, restrict
from qmbench.domain.recipe import Sum
from qmbench.domain.record import Cost, Failure, Record, Task
from qmbench.domain.units import HARTREE_IN_KCAL_MOL
from qmbench.judging.frame import references_frame, results_frame
from qmbench.running.plan import PlannedEntry, make_plan
from qmbench.running.run_document import Run

pytestmark = pytest.mark.usefixtures("toys")


def suite_file(folder, levels, benchmarks='["./toy_bench"]'):
    path = folder.parent / "suite.toml"
    path.write_text(f'id = "s"\ntitle = "S"\nbenchmarks = {benchmarks}\n{levels}')
    return path


def plan_of(folder, levels, **kwargs):
    return make_plan(read_suite(suite_file(folder, levels, **kwargs)))


LEVEL = '[[levels]]\nlevel = "{}"\nbsse = "{}"\n'


def test_bare_fragments_are_computed_once(folder):
    plan = plan_of(folder, LEVEL.format("toy/x", "none"))
    # he2, he2_far, lone and ar are four systems; the fragments of both dimers and the entry `he` are one atom.
    assert len(plan.tasks) == 5
    assert len(plan.entries) == 5


def test_ghosts_make_fragments_their_own_but_for_the_halves_of_a_symmetric_dimer(folder):
    plan = plan_of(folder, LEVEL.format("toy/x", "cp"))
    ghosted = [t.system for t in plan.tasks if any(t.system.ghosts)]
    assert len(ghosted) == 2
    assert all(s.n_electrons == 2 for s in ghosted)
    assert len(plan.tasks) == 7


def test_two_spellings_of_a_level_are_one(folder):
    levels = LEVEL.format("toy/X", "none") + LEVEL.format("TOY/x?ghost_stabilization=0.0", "none")
    plan = plan_of(folder, levels)
    assert len(plan.tasks) == len(plan.entries) == 5
    assert [str(level) for level in plan.levels] == ["toy/x"]
    assert plan.notes == ("'toy/X', 'TOY/x?ghost_stabilization=0.0' are one level of theory, toy/x: it has one row",)
    assert plan_of(folder, LEVEL.format("toy/X", "none")).notes == ()


def test_a_method_without_a_basis_has_no_counterpoise(folder):
    plan = plan_of(folder, LEVEL.format("toy", "cp"))
    assert {p.bsse for p in plan.entries} == {""}
    assert len(plan.tasks) == 5


def test_a_basis_that_a_method_always_has_is_one_too(folder, monkeypatch):
    monkeypatch.setattr(parse_level("toy").method, "own_basis", "x")
    plan = plan_of(folder, LEVEL.format("toy", "cp"))
    assert {p.bsse for p in plan.entries} == {"cp", ""}
    with pytest.raises(InputError, match="say bsse = 'none' or 'cp'"):
        plan_of(folder, '[[levels]]\nlevel = "toy"\n')


def test_counterpoise_has_no_silent_default(folder):
    with pytest.raises(InputError, match="say bsse = 'none' or 'cp'"):
        plan_of(folder, '[[levels]]\nlevel = "toy/x"\n')


def test_a_direct_method_is_not_expanded(folder):
    plan = plan_of(folder, LEVEL.format("toy-direct", "cp"))
    by_entry = {p.entry: p for p in plan.entries}
    ((coefficient, key),) = by_entry["he2"].terms
    task = next(t for t in plan.tasks if key in t.keys.values())
    assert coefficient == 1
    assert task.properties == ("interaction_energy",)


def test_what_a_method_refuses_is_unsupported_with_its_reason(folder):
    plan = plan_of(folder, LEVEL.format("toy-he", "none"))
    refused = {p.entry: p.refused for p in plan.entries if p.refused}
    assert set(refused) == {"ar"}
    assert refused["ar"].kind == "unsupported"
    assert "helium only" in refused["ar"].message


def test_total_energies_without_cores_are_not_compared(folder):
    (folder / "systems" / "ar2.xyz").write_text(
        '2\ncharge=0 multiplicity=1 fragments="1:0:1 2:0:1"\nAr 0 0 0\nAr 0 0 3.8\n'
    )
    with open(folder / "entries.csv", "a") as file:
        file.write("ar2,interaction ar2,,,,,,,,cores cancel\n")
    plan = plan_of(folder, LEVEL.format("toy-coreless", "none"))
    refused = {p.entry: p.refused for p in plan.entries if p.refused}
    # Helium has no core to lose, and in the dimer of argon the cores cancel.
    assert set(refused) == {"ar"}
    assert refused["ar"].kind == "unsupported"
    assert "stand for 2 core electrons" in refused["ar"].message


@pytest.mark.parametrize("bsse", ["none", "cp"])
def test_energies_with_a_zero_of_their_own_are_compared_where_the_nuclei_cancel(folder, bsse):
    plan = plan_of(folder, LEVEL.format("toy-own-zero/x", bsse))
    refused = {p.entry: p.refused for p in plan.entries if p.refused}
    assert set(refused) == {"he", "ar", "lone"}  # atoms and a fragment; the dimers' interaction energies are planned
    assert "he2" in {p.entry for p in plan.entries}
    assert refused["he"].kind == "unsupported"
    assert refused["he"].message.startswith("toy-own-zero: its energies have a zero of their own, so that this total_e")


def test_subsets_of_the_suite_and_of_the_level_are_intersected(folder):
    levels = LEVEL.format("toy", "none") + 'benchmarks = [{ id = "./toy_bench", observables = ["total_energy"] }]\n'
    plan = plan_of(folder, levels, benchmarks='[{ id = "./toy_bench", subset = "small" }]')
    assert [p.entry for p in plan.entries] == ["he"]


def test_entries_by_name(folder):
    plan = plan_of(folder, LEVEL.format("toy", "none"), benchmarks='[{ id = "./toy_bench", entries = ["ar", "he"] }]')
    assert [p.entry for p in plan.entries] == ["he", "ar"]
    with pytest.raises(InputError, match="no entry 'hee'"):
        plan_of(folder, LEVEL.format("toy", "none"), benchmarks='[{ id = "./toy_bench", entries = ["hee"] }]')


def test_restrict(folder):
    suite = read_suite(suite_file(folder, LEVEL.format("toy/x", "cp") + LEVEL.format("toy-he", "none")))
    assert [w.text for w in restrict(suite, ["TOY/X"]).levels] == ["toy/x"]
    with pytest.raises(InputError, match="counterpoise"):
        make_plan(restrict(suite, ["toy/y"]))
    assert {p.bsse for p in make_plan(restrict(suite, ["toy/y"], bsse="cp")).entries} == {"cp", ""}
    with pytest.raises(InputError, match="no benchmark 'tyo'"):
        restrict(suite, benchmarks=["tyo"])


BAD_SUITES = [
    ('[[levels]]\nlevel = "tpy"\nbsse = "cp"\n', "unknown method 'tpy'; did you mean 'toy'"),
    ('[[levels]]\nlevel = "toy/x"\nbsse = "counterpoise"\n', "level 1: unknown bsse 'counterpoise'"),
    ('[[levels]]\nlvl = "toy/x"\n', "level 1: unknown key 'lvl'; did you mean 'level'"),
    ("levels = 3 4\n", "malformed TOML"),
    ("", "'levels' is missing"),
    ('[[levels]]\nlevel = "toy/x?ghost=1"\nbsse="cp"\n', "no option 'ghost'; there is ghost_stabilization"),
]


@pytest.mark.parametrize(("levels", "message"), BAD_SUITES, ids=[m for _, m in BAD_SUITES])
def test_a_wrong_suite_is_one_clear_line(folder, levels, message):
    with pytest.raises(InputError, match=message) as caught:
        plan_of(folder, levels)
    assert "\n" not in str(caught.value)


def test_unknown_suite():
    with pytest.raises(InputError, match="unknown suite 'startr'"):
        find_suite("startr")


def records_of(plan, energies=lambda system: -1.0):
    made = {}
    for task in plan.tasks:
        for prop, key in task.keys.items():
            q = Quantity(energies(task.system), "hartree")
            made[key] = Record(
                key, str(task.level), task.system.name, task.system.hash, prop, "ok", q, cost=Cost(1.0, 2.0, 3.0)
            )
    return made


def test_results_are_in_the_entrys_unit_and_failures_stay_visible(folder):
    plan = plan_of(folder, LEVEL.format("toy/x", "none"))
    records = records_of(plan, lambda s: -2.001 if s.n_parts == 2 else -1.0)
    run = Run.of(plan, "r", "now")
    frame = results_frame(run, records, plan.benchmarks).set_index("entry")
    assert frame.loc["he2", "value"] == pytest.approx(-0.001 * HARTREE_IN_KCAL_MOL)
    assert frame.loc["he2", "unit"] == "kcal/mol"
    assert frame.loc["he", "value"] == -1.0
    assert frame.loc["he", "unit"] == "hartree"
    assert frame.loc["he2", "wall_s"] == 2.0  # the dimer, and the atom that serves for both fragments

    dimer = next(p.terms[0][1] for p in plan.entries if p.entry == "he2")
    failed = records[dimer]
    records[dimer] = Record(
        failed.key,
        failed.level,
        "he2",
        failed.system_hash,
        "energy",
        "failed",
        failure=Failure("not_converged", "no luck"),
    )
    atom = next(p.terms[0][1] for p in plan.entries if p.entry == "ar")
    del records[atom]
    frame = results_frame(run, records, plan.benchmarks).set_index("entry")
    assert frame.loc["he2", ["status", "failure_kind"]].tolist() == ["failed", "not_converged"]
    assert frame.loc["ar", "status"] == "failed"
    assert "interrupted" in frame.loc["ar", "failure_message"]


def test_references_frame(folder):
    plan = plan_of(folder, LEVEL.format("toy/x", "none"))
    frame = references_frame(plan.benchmarks.values()).set_index("entry")
    assert frame.loc["he2", "uncertainty"] == 0.001
    assert frame.loc["he", "unit"] == "hartree"


def test_systems_are_read_and_fragments_made_once_for_all_levels(folder, monkeypatch):
    """Planning is linear in the entries: what a level needs of a system was made for the first one already."""
    from qmbench.data import benchmark as data
    from qmbench.domain.systems import Molecule
    from qmbench.domain.systems.files import SystemRegistry

    calls = {"listed": 0, "read": 0, "fragment": 0}

    def counted(name, function):
        def wrapper(*args, **kwargs):
            calls[name] += 1
            return function(*args, **kwargs)

        return wrapper

    monkeypatch.setattr(data, "system_sources", counted("listed", data.system_sources))
    monkeypatch.setattr(SystemRegistry, "read", counted("read", SystemRegistry.read))
    monkeypatch.setattr(Molecule, "fragment", counted("fragment", Molecule.fragment))
    levels = "".join(LEVEL.format(f"toy/{x}", "cp") for x in "abcde")
    plan = plan_of(folder, levels)
    assert len(plan.entries) == 25
    # he2, he2_far, he, ar and lone; two fragments of each of the two dimers.
    assert calls == {"listed": 1, "read": 5, "fragment": 4}


def test_a_fragment_that_is_not_checked_again_is_the_same_molecule():
    from qmbench.domain.systems import Molecule
    from qmbench.domain.systems.xyz import Fragment

    parts = (Fragment((0, 2), 0, 1), Fragment((1,), 1, 1), Fragment((3,), 0, 2))
    whole = Molecule(("H", "Li", "H", "H"), ((0, 0, 0), (5, 0, 0), (1.4, 0, 0), (0, 9, 0)), 1, 2, parts, name="x")
    for number, ghosts in ((1, True), (1, False), ((1, 2), True), ((2, 3), False), (2, False)):
        made = whole.fragment(number, ghosts)
        fields = ("symbols", "positions", "charge", "multiplicity", "fragments", "ghosts")
        again = Molecule(**{key: getattr(made, key) for key in fields}, name=made.name)
        assert made == again
        assert made.hash == again.hash
        assert made.n_electrons == again.n_electrons
        numbers = (number,) if isinstance(number, int) else number
        assert dict(whole.fragment_composition(numbers)) == dict(made.composition)


def test_the_keys_of_an_entry_are_those_of_its_recipes_each_once():
    one, two = "a" * 32, "b" * 32
    assert PlannedEntry("toy", "", "bench", "entry").keys == ()
    assert PlannedEntry("toy", "", "bench", "entry", ((2.0, one),)).keys == (one,)
    several = ((1.0, two), (-1.0, Sum(((1.0, one), (0.5, two)))), (-1.0, one))
    assert PlannedEntry("toy", "", "bench", "entry", several).keys == (two, one)
    assert PlannedEntry("toy", "", "bench", "entry", ((1.0, Sum(((1.0, one), (0.5, two)))),)).keys == (one, two)


def test_a_plan_has_the_tasks_of_its_entries_and_no_others(folder):
    levels = LEVEL.format("toy/x", "none") + LEVEL.format("toy/x", "cp") + LEVEL.format("toy/X", "cp")
    plan = plan_of(folder, levels)
    keys = [key for task in plan.tasks for key in task.keys.values()]
    assert len(keys) == len(set(keys))
    assert set(keys) == {key for planned in plan.entries for key in planned.keys}
    assert len({(p.level, p.bsse, p.entry) for p in plan.entries}) == len(plan.entries)
    assert [task.keys for task in plan.tasks] == [Task(t.system, t.level, t.properties).keys for t in plan.tasks]
