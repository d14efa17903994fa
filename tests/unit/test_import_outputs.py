"""Numbers out of programs' outputs: written here by hand in the form of each program, read through cclib, and refused
where geometry, charge, multiplicity, kind of energy or name say that they are of something else."""

from __future__ import annotations

import csv
import hashlib
import json

import pytest

from qmbench import InputError
from qmbench.data.benchmark import load_benchmark
from qmbench.data.imports.assemble import from_outputs
from qmbench.data.imports.choose import Wanted, import_benchmarks
from qmbench.data.lint import lint_benchmark
from qmbench.domain.units import BOHR_IN_ANGSTROM, HARTREE_IN_KCAL_MOL

WATER = ("O 0.0 0.0 0.11779", "H 0.0 0.755453 -0.471161", "H 0.0 -0.755453 -0.471161")
SHIFTED = ("O 0.0 0.0 3.11779", "H 0.0 0.755453 2.528839", "H 0.0 -0.755453 2.528839")
TURNED = ("H 0.755453 5.0 -0.471161", "O 0.0 5.0 0.11779", "H -0.755453 5.0 -0.471161")
NUMBERS = {"H": 1, "He": 2, "Li": 3, "O": 8}

ORCA = """
                                 *****************
                                 * O   R   C   A *
                                 *****************

                         Program Version 5.0.4 -  RELEASE  -

---------------------------------
CARTESIAN COORDINATES (ANGSTROEM)
---------------------------------
{atoms}

 Total Charge           Charge          ....    {charge}
 Multiplicity           Mult            ....    {multiplicity}

----------------
TOTAL SCF ENERGY
----------------

Total Energy       :          {scf:.10f} Eh           {ev:.5f} eV

{more}
-------------------------   --------------------
FINAL SINGLE POINT ENERGY       {energy:.12f}
-------------------------   --------------------

{end}
"""


def orca(atoms, energy, charge=0, multiplicity=1, scf=None, more="", done=True):
    scf = energy if scf is None else scf
    rows = "\n".join("  {:<2} {:>12} {:>12} {:>12}".format(*a.split()) for a in atoms)
    end = "TOTAL RUN TIME: 0 days 0 hours 0 minutes 1 seconds 0 msec" if done else ""
    return ORCA.format(
        atoms=rows, charge=charge, multiplicity=multiplicity, scf=scf, ev=scf * 27.2, energy=energy, more=more, end=end
    )


GAUSSIAN = """ Entering Gaussian System, Link 0=g16
 Gaussian, Inc., 340 Quinnipiac St., Bldg. 40, Wallingford CT 06492

 ******************************************
 Gaussian 16:  ES64L-G16RevC.01  3-Jul-2019
                29-Nov-2026
 ******************************************
 Charge =  {charge} Multiplicity = {multiplicity}
                          Input orientation:
 ---------------------------------------------------------------------
 Center     Atomic      Atomic             Coordinates (Angstroms)
 Number     Number       Type             X           Y           Z
 ---------------------------------------------------------------------
{atoms}
 ---------------------------------------------------------------------
 SCF Done:  E(RPBE1PBE) =  {energy:.10f}     A.U. after   10 cycles
{more} Normal termination of Gaussian 16 at Sun Nov 29 03:00:00 2026.
"""


def gaussian(atoms, energy, charge=0, multiplicity=1, more=""):
    rows = []
    for number, line in enumerate(atoms, start=1):
        symbol, *place = line.split()
        rows.append(f"{number:7d} {NUMBERS[symbol]:11d} {0:11d}    " + "".join(f"{float(x):12.6f}" for x in place))
    return GAUSSIAN.format(atoms="\n".join(rows), energy=energy, charge=charge, multiplicity=multiplicity, more=more)


PSI4 = """
          Psi4: An Open-Source Ab Initio Electronic Structure Package
                               Psi4 1.9.1 release

  ==> Geometry <==

    Geometry (in Angstrom), charge = {charge}, multiplicity = {multiplicity}:

       Center              X                  Y                   Z               Mass
    ------------   -----------------  -----------------  -----------------  -----------------
{atoms}

  Running in c1 symmetry.

  ==> Post-Iterations <==

  @RHF Final Energy:   {energy:.12f}

*** Psi4 exiting successfully. Buy a developer a beer!
"""


def psi4(atoms, energy, charge=0, multiplicity=1):
    rows = "\n".join("         {:<2} {:>18} {:>18} {:>18}    1.0".format(*a.split()) for a in atoms)
    return PSI4.format(atoms=rows, energy=energy, charge=charge, multiplicity=multiplicity)


QCHEM = """
     A Quantum Leap Into The Future Of Chemistry

 Q-Chem 6.0, Q-Chem, Inc., Pleasanton, CA (2022)

$molecule
{charge} {multiplicity}
{plain}
$end

             Standard Nuclear Orientation (Angstroms)
    I     Atom           X                Y                Z
 ----------------------------------------------------------------
{atoms}
 ----------------------------------------------------------------
 There are        5 alpha and        5 beta electrons
 Total energy in the final basis set =      {energy:.10f}

 Total job time:  0.10s(wall), 0.10s(cpu)
"""


def qchem(atoms, energy, charge=0, multiplicity=1):
    rows = "\n".join("{:5d}      {:<2} {:>16} {:>16} {:>16}".format(n, *a.split()) for n, a in enumerate(atoms, 1))
    return QCHEM.format(atoms=rows, plain="\n".join(atoms), energy=energy, charge=charge, multiplicity=multiplicity)


def qcschema(atoms, energy, method="pbe0", **more):
    words = [a.split() for a in atoms]
    return json.dumps(
        {
            "schema_name": "qcschema_output",
            "molecule": {
                "symbols": [w[0] for w in words],
                "geometry": [float(x) / BOHR_IN_ANGSTROM for w in words for x in w[1:]],
                "molecular_charge": 0,
                "molecular_multiplicity": 1,
            },
            "driver": "energy",
            "model": {"method": method, "basis": "def2-svp"},
            "return_result": energy,
            "provenance": {"creator": "Psi4", "version": "1.9.1"},
            "success": True,
        }
        | more
    )


def xyz(comment, *atoms):
    return f"{len(atoms)}\n{comment}\n" + "\n".join(atoms) + "\n"


@pytest.fixture
def mine(tmp_path):
    """A benchmark of one pair of waters, the ionization of lithium, and the energy of one water."""
    source = tmp_path / "source"
    source.mkdir()
    state = 'charge=0 multiplicity=1 fragments="1-3:0:1 4-6:0:1"'
    (source / "pair.xyz").write_text(xyz(state, *WATER, *SHIFTED))
    (source / "li.xyz").write_text(xyz("charge=0 multiplicity=2", "Li 0 0 0"))
    (source / "ion.xyz").write_text(xyz("charge=1 multiplicity=1", "Li 0 0 0"))
    (source / "v.csv").write_text("id,stoichiometry,value\npair,interaction pair,-5.0\nip,ion:1 li:-1,124.3\n")
    import_benchmarks(Wanted(source, "mine", tmp_path))
    return tmp_path / "mine"


PAIR = {
    "complex.out": orca((*WATER, *SHIFTED), -152.53, scf=-152.5),
    "deep/a.log": gaussian(TURNED, -76.26),
}


def put(tmp_path, files):
    folder = tmp_path / "runs"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def left(done):
    return dict(done.findings.left_out)


def test_an_interaction_energy_from_outputs_of_two_programs(mine, tmp_path):
    """The monomer is turned, shifted and has its atoms in another order: it is both fragments."""
    done = from_outputs(load_benchmark(mine), put(tmp_path, PAIR), "pbe0/def2-svp")
    assert float(done.values["pair"]) == pytest.approx((-152.53 + 2 * 76.26) * HARTREE_IN_KCAL_MOL, abs=1e-9)
    assert list(done.values) == ["pair"]
    assert list(done.units) == ["kcal/mol"]
    assert [o.program for o in done.used["pair"]] == ["ORCA 5.0.4", "Gaussian 2016+C.01", "Gaussian 2016+C.01"]
    assert done.findings.left_out == []


@pytest.mark.parametrize("write", [orca, gaussian, psi4, qchem, qcschema])
def test_each_program(mine, tmp_path, write):
    ending = "json" if write is qcschema else "out"
    files = {f"pair.{ending}": write((*WATER, *SHIFTED), -152.525), f"x.{ending}": write(WATER, -76.26)}
    done = from_outputs(load_benchmark(mine), put(tmp_path, files), "pbe0/def2-svp")
    assert float(done.values["pair"]) == pytest.approx((-152.525 + 152.52) * HARTREE_IN_KCAL_MOL, abs=1e-6)
    output = done.used["pair"][0]
    assert output.sha256 == hashlib.sha256((tmp_path / f"runs/pair.{ending}").read_bytes()).hexdigest()
    assert output.program.split()[0] in ("ORCA", "Gaussian", "Psi4", "QChem")


def test_orcas_final_energy_and_not_its_scf(mine, tmp_path):
    """What a composite method adds to the SCF energy is in the final one alone."""
    files = PAIR | {"complex.out": orca((*WATER, *SHIFTED), -152.53, scf=-152.0)}
    done = from_outputs(load_benchmark(mine), put(tmp_path, files), "r2scan-3c")
    assert float(done.values["pair"]) == pytest.approx(-0.01 * HARTREE_IN_KCAL_MOL, abs=1e-9)


def test_a_double_hybrid_of_gaussian(mine, tmp_path):
    more = " E2(B2PLYP) =    -0.1000000000D+00 E(B2PLYP) =    -0.76360000000000D+02\n"
    files = {"pair.out": orca((*WATER, *SHIFTED), -152.73), "a.log": gaussian(WATER, -76.26, more=more)}
    done = from_outputs(load_benchmark(mine), put(tmp_path, files), "b2plyp/def2-svp")
    assert float(done.values["pair"]) == pytest.approx(-0.01 * HARTREE_IN_KCAL_MOL, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("pair.out", orca((*WATER, *SHIFTED), -151.9, charge=1, multiplicity=2), "its charge 1, where pair has 0"),
        ("pair.out", orca((*WATER, *SHIFTED), -151.9, multiplicity=3), "its multiplicity 3, where pair has 1"),
        ("pair.out", orca((*WATER, "O 0 0 3.2", *SHIFTED[1:]), -152.5), "its geometry is not that of pair"),
        ("other.out", orca(("He 0 0 0",), -2.9), "its geometry is of no system of mine"),
        ("li.out", orca(WATER, -76.26), "it is called like li, and its molecule is pair@1"),
        ("pair.out", orca((*WATER, *SHIFTED), -152.5, done=False), "did not end normally"),
        ("pair.out", "nothing of the kind\n", "no output of a program that cclib knows"),
        ("pair.json", "{", "malformed JSON"),
        ("pair.json", '{"a": 1}', "no result of QCSchema"),
        ("pair.json", qcschema((*WATER, *SHIFTED), None, success=False), "did not succeed"),
        (
            "pair.json",
            qcschema((*WATER, *SHIFTED), -152.5, method="ccsd(t)"),
            "its energy is ccsd(t), and the level is pbe0",
        ),
    ],
)
def test_what_does_not_fit_is_one_line_and_is_not_imported(mine, tmp_path, name, text, reason):
    files = {"ion.out": orca(("Li 0 0 0",), -7.2, charge=1), "lithium.out": orca(("Li 0 0 0",), -7.4, multiplicity=2)}
    done = from_outputs(load_benchmark(mine), put(tmp_path, files | {name: text}), "pbe0/def2-svp")
    assert list(done.values) == ["ip"]
    assert float(done.values["ip"]) == pytest.approx(0.2 * HARTREE_IN_KCAL_MOL)
    assert reason in left(done)[name]


def test_an_scf_energy_is_no_coupled_cluster_energy(mine, tmp_path):
    with pytest.raises(InputError, match=r"its energy is scf, and the level is ccsd\(t\)/cc-pvtz"):
        from_outputs(load_benchmark(mine), put(tmp_path, PAIR), "ccsd(t)/cc-pvtz")


def test_half_of_an_entry_says_what_is_missing(mine, tmp_path):
    files = {"ion.out": orca(("Li 0 0 0",), -7.2, charge=1), **PAIR}
    done = from_outputs(load_benchmark(mine), put(tmp_path, files), "pbe0")
    assert left(done) == {"entry ip": "no output of li"}


def test_two_outputs_that_contradict_each_other(mine, tmp_path):
    files = PAIR | {"b.out": orca(WATER, -76.27)}
    with pytest.raises(InputError, match=r"outputs of pair@1 differ by 0\.01 hartree: b\.out, deep/a\.log"):
        from_outputs(load_benchmark(mine), put(tmp_path, files), "pbe0")
    same = PAIR | {"b.out": orca(WATER, -76.26)}
    assert from_outputs(load_benchmark(mine), put(tmp_path, same), "pbe0").values


def test_ghost_atoms_are_refused(mine, tmp_path):
    with pytest.raises(InputError, match="give the energies as CSV"):
        from_outputs(load_benchmark(mine), put(tmp_path, PAIR), "pbe0", "cp")


def test_without_cclib_it_is_said_how_to_get_it(mine, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "cclib", None)
    with pytest.raises(InputError, match=r"pip install 'qmbench\[outputs\]'"):
        from_outputs(load_benchmark(mine), put(tmp_path, PAIR), "pbe0")


def test_a_place_without_outputs(mine, tmp_path):
    with pytest.raises(InputError, match="has no output"):
        from_outputs(load_benchmark(mine), put(tmp_path, {"a.inp": "x"}), "pbe0")
    with pytest.raises(InputError, match="there is no"):
        from_outputs(load_benchmark(mine), tmp_path / "gone", "pbe0")


def test_from_the_command_line_with_provenance(mine, tmp_path, monkeypatch, capsys):
    from qmbench.cli import run

    monkeypatch.chdir(tmp_path)
    put(tmp_path, PAIR | {"notes.txt": "x", "bad.out": "x"})
    before = (mine / "references.csv").read_bytes()
    code = run(["import", "results", "runs", "--benchmark", "./mine", "--level", "pbe0/def2-svp", "--name", "theirs"])
    out = capsys.readouterr().out
    assert code == 1
    assert "left out: bad.out: no output of a program that cclib knows" in out
    assert "1 other files were not looked at" in out
    assert "energies in hartree, converted to kcal/mol; ORCA 5.0.4, Gaussian 2016+C.01; scf energies" in out
    b = load_benchmark(mine)
    (value,) = b.published
    assert (value.entry, value.set, value.level_of_theory) == ("pair", "theirs", "pbe0/def2-svp")
    assert "ORCA 5.0.4" in b.published_levels["theirs"].note
    assert (mine / "references.csv").read_bytes() == before  # a level is never a reference
    rows = list(csv.DictReader((mine / "sources.csv").open()))
    digest = hashlib.sha256((tmp_path / "runs/complex.out").read_bytes()).hexdigest()
    assert rows[0]["sha256"] == digest
    assert {row["file"] for row in rows} == {"complex.out", "deep/a.log"}
    assert [f.message for f in lint_benchmark(mine)] == []
    (tmp_path / "table.csv").write_text("entry,value\npair,-4.0\n")
    assert run(["import", "results", "table.csv", "--benchmark", "./mine", "--level", "hf"]) == 0
    rows = list(csv.DictReader((mine / "sources.csv").open()))
    assert {row["set"] for row in rows} == {"theirs", "hf"}  # those of the first are kept


def test_unit_is_of_a_table(mine, tmp_path, monkeypatch, capsys):
    from qmbench.cli import run

    monkeypatch.chdir(tmp_path)
    put(tmp_path, PAIR)
    assert run(["import", "results", "runs", "--benchmark", "./mine", "--level", "pbe0", "--unit", "eV"]) == 3
    assert "--unit is of a table" in capsys.readouterr().err
