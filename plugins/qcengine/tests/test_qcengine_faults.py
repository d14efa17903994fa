"""What is refused while planning, what fails as a record, and what is in a record's key."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from qmbench import InputError, LocalEngine, Resources, Task, Unsupported, parse_level
from qmbench_qcengine.probe import Found


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("qc:psi4/hf/cc-pvdz", "qc:psi4: the program is not installed here"),
        ("qc:mopac/pm7", "qc:mopac: the program is not installed here"),
        ("qc:psy4/hf/cc-pvdz", "did you mean 'psi4'"),
        ("qc:xtb", "write qc:PROGRAM/METHOD"),
        ("qc:xtb/", "write qc:PROGRAM/METHOD"),
        ("qc:/hf", "write qc:PROGRAM/METHOD"),
        ("qc:xtb/gfn2;xtb", "no name of a method"),
        ("qc:xtb/gfn2-xtb/sto-3g", "takes no basis"),
        ("qc:dftd4/pbe-d4", "write the functional alone"),
        ("qc:s-dftd3/pbe-d3", "write the functional alone"),
        ('qc:xtb/gfn2-xtb?solvent="wa\\nter"', "has to be one line"),
    ],
)
def test_a_wrong_level_is_one_line_while_planning(level, said, monkeypatch, tmp_path):
    """Also where the programs are installed: none is on the path here."""
    from qmbench_qcengine import methods, probe

    monkeypatch.setenv("PATH", str(tmp_path))
    probe.installed.cache_clear()
    methods.program_method.cache_clear()
    with pytest.raises(InputError) as error:
        parse_level(level)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("printed", "version"), [("MOPAC version 22.0.6 commit unknown", "22.0.6"), ("", "unknown, 2016 or later")]
)
def test_the_version_of_mopac_is_its_own(monkeypatch, tmp_path, printed, version):
    """QCEngine says 2016 of any; a record's key has to tell versions apart."""
    from qmbench_qcengine.probe import installed

    program = tmp_path / "mopac"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && echo '{printed}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    installed.cache_clear()
    assert installed("mopac") == Found("mopac", version)
    installed.cache_clear()


def test_nwchem_without_what_reads_its_output_is_said(monkeypatch, tmp_path):
    """A program that is there is not called missing, and the message names a package and not conda's way to it."""
    from qmbench_qcengine import probe

    program = tmp_path / "nwchem"
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    find = probe.importlib.util.find_spec
    monkeypatch.setattr(
        probe.importlib.util,
        "find_spec",
        lambda name, package=None: None if name == "networkx" else find(name, package),
    )
    answer = probe.look_for("nwchem")
    assert answer["found"] is False
    monkeypatch.setattr(probe, "in_own_process", lambda *asked, **how: answer)
    probe.installed.cache_clear()
    with pytest.raises(InputError, match="the Python package networkx, which is not; install") as error:
        probe.installed("nwchem")
    assert "\n" not in str(error.value)
    probe.installed.cache_clear()


@pytest.mark.parametrize(
    ("version", "said"), [("1.3.2", "it takes 1.4 or later"), ("1.4", ""), ("1.10a1.dev1", ""), ("undefined", "")]
)
def test_a_psi4_that_qcengine_can_not_talk_to_is_said_while_planning(monkeypatch, version, said):
    from qmbench_qcengine import methods

    monkeypatch.setattr(methods, "installed", lambda program: Found(program, version))
    methods.program_method.cache_clear()
    if said:
        with pytest.raises(InputError, match=said):
            parse_level("qc:psi4/hf/cc-pvdz")
    else:
        assert parse_level("qc:psi4/hf/cc-pvdz").method.found.version == version
    methods.program_method.cache_clear()


def test_what_needs_bonds_is_refused(monkeypatch):
    monkeypatch.setattr("qmbench_qcengine.methods.installed", lambda program: Found(program, "1"))
    with pytest.raises(InputError, match="needs the bonds"):
        parse_level("qc:rdkit/uff")


@pytest.mark.parametrize(
    ("level", "system", "properties", "said"),
    [
        ("qc:xtb/gfn2-xtb?acuracy=1", "water", ("energy",), "did you mean 'accuracy'"),
        ("qc:xtb/gfn2-xtb?solvent=watr", "water", ("energy",), "no solvent 'watr'"),
        ("qc:xtb/gfn2-xtb", "ghost", ("energy",), "takes no ghost atoms"),
        ("qc:xtb/gfn2-xtb", "hydroxide", ("dipole",), "about which point"),
        ("qc:dftd4/pbe", "water", ("energy",), "does not give energy"),
        ("qc:dftd4/pbe", "oxygen", ("dispersion_energy",), "is not told the multiplicity"),
        ("qc:s-dftd3/pbe", "hydroxide", ("dispersion_energy",), "is not told the charge"),
        ("qc:s-dftd3/pbe?level_hnt=d3bj", "water", ("dispersion_energy",), "did you mean 'level_hint'"),
    ],
)
def test_what_a_program_is_not_told_is_refused(systems, level, system, properties, said):
    with pytest.raises((Unsupported, InputError), match=said):
        parse_level(level).make().check(systems[system], frozenset(properties))


@pytest.mark.parametrize(
    ("level", "properties", "kind", "said"),
    [
        ("qc:xtb/gfn2-xtb?max_iterations=1", ("energy",), "not_converged", "did not converge"),
        ("qc:xtb/nonsense", ("energy",), "input", "Invalid method nonsense"),
        ("qc:dftd4/nonsense", ("dispersion_energy",), "input", "not known"),
        ("qc:s-dftd3/pbe?level_hint=d9", ("dispersion_energy",), "input", "'d9' is invalid"),
    ],
)
def test_what_fails_is_one_line_and_the_next_task_none_the_worse(systems, tmp_path, level, properties, kind, said):
    good = parse_level("qc:dftd4/pbe")
    with LocalEngine(1, Resources(scratch=tmp_path)) as engine:
        tasks = [
            Task(systems["water"], parse_level(level), properties),
            Task(systems["water"], good, ("dispersion_energy",)),
        ]
        found = {str(task.level): outcome for task, outcome in engine.run(tasks)}
    assert found[str(good)].status == "ok"
    failed = next(outcome for name, outcome in found.items() if name != str(good))
    assert failed.failure.kind == kind, failed
    assert said in failed.failure.message
    assert "\n" not in failed.failure.message


def test_case_tells_no_levels_apart(systems):
    levels = [parse_level(text) for text in ("qc:xtb/gfn2-xtb", "QC:XTB/GFN2-xTB")]
    assert {str(level) for level in levels} == {"qc:xtb/gfn2-xtb"}
    assert levels[0].key(systems["water"], "energy") == levels[1].key(systems["water"], "energy")


def test_the_version_of_an_executable_is_in_the_record_and_in_the_key(systems, tmp_path, monkeypatch):
    """A program that is put on the path: found without a word from the user, another version another key."""
    from qmbench_qcengine import methods, probe

    keys, versions = [], []
    for version in ("1.0.0", "2.0.0"):
        folder = tmp_path / version
        folder.mkdir()
        path = folder / "mctc-gcp"
        path.write_text(f"#!/bin/sh\necho 'mctc-gcp version {version}'\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        with monkeypatch.context() as patch:
            patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
            for cached in (methods.program_method, probe.installed):
                cached.cache_clear()
            level = parse_level("qc:mctc-gcp/hf3c")
            keys.append(level.key(systems["water"], "energy"))
            versions.append(level.method.found.version)
    for cached in (methods.program_method, probe.installed):
        cached.cache_clear()
    assert versions == ["1.0.0", "2.0.0"]
    assert keys[0] != keys[1]


def test_the_version_of_a_package_is_in_the_record(run):
    from importlib.metadata import version

    assert run("qc:dftd4/pbe", "water", "dispersion_energy").settings["version"] == version("dftd4")


def test_nothing_of_qcengine_is_imported_while_planning():
    code = (
        "import sys, qmbench; from qmbench import Molecule, parse_level;"
        "level = parse_level('qc:dftd4/pbe'); m = Molecule(('He',), ((0, 0, 0),), 0, 1);"
        "level.make().check(m, frozenset({'dispersion_energy'})); level.key(m, 'dispersion_energy');"
        "print([name for name in ('qcengine', 'qcelemental', 'pint', 'numpy.linalg') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"qcengine", "qcelemental", "pint"} & set(eval(done.stdout)), done.stdout
