"""Databases in the forms of refdata, Psi4, QCArchive, QUEST and varbench: small trees of each, and what is refused."""

from __future__ import annotations

import json
import math

import pytest

from qmbench import InputError
from qmbench.data.benchmark import load_benchmark
from qmbench.data.imports.choose import Wanted, import_benchmarks
from qmbench.data.imports.literal_python import LiteralPython
from qmbench.data.imports.varbench import lattice_of, with_brackets
from qmbench.data.lint import lint_benchmark
from qmbench.domain.units import BOHR_IN_ANGSTROM

WATER = ("O 0.0 0.0 0.11779", "H 0.0 0.755453 -0.471161", "H 0.0 -0.755453 -0.471161")
SHIFTED = ("O 0.0 0.0 3.11779", "H 0.0 0.755453 2.528839", "H 0.0 -0.755453 2.528839")


def xyz(comment, *atoms):
    return f"{len(atoms)}\n{comment}\n" + "\n".join(atoms) + "\n"


def put(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if isinstance(text, str) else json.dumps(text))
    return root


def clean(folder):
    return [f.message for f in lint_benchmark(folder)]


def left(done):
    return dict(done.findings.left_out)


# --- refdata ----------------------------------------------------------------------------------------------------------

DIN = """# a remark
#@ fieldasrxn 999
-1
dimer
1
mon_1
1
mon_2.xyz
0
5.006  pair
1
li+
-1
li
0
124.3
-1
gone
1
li
0
1.0
-1
li
1
radical
0
none
-1
li
1
bare
0
1.0
-111
"""


@pytest.fixture
def refdata(tmp_path):
    return put(
        tmp_path / "db",
        {
            "10_din/two.din": DIN,
            "20_two/dimer.xyz": xyz("0 1", *WATER, *SHIFTED),
            "20_two/mon_1.xyz": xyz("0 1", *WATER),
            "20_two/mon_2.xyz": xyz("charge=0 multiplicity=1", *SHIFTED),
            "20_two/li.xyz": xyz("0 2", "Li 0 0 0"),
            "20_two/li+.xyz": xyz("1 1", "Li 0 0 0"),
            "20_two/radical.xyz": xyz("0 1", "Li 0 0 0"),
            "20_two/bare.xyz": xyz("a remark", "Li 0 0 0"),
            "20_other/li.xyz": xyz("0 2", "Li 1 0 0"),
        },
    )


def test_tables_of_refdata(refdata, tmp_path):
    done = import_benchmarks(Wanted(refdata, "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    pair, ion = b.entries
    assert (pair.id, pair.observable, ion.id, ion.observable) == (
        "pair",
        "dissociation_energy",
        "two_2",
        "ionization_energy",
    )
    assert [(t.coefficient, t.fragments) for t in pair.terms] == [(-1, None), (1, (1,)), (1, (2,))]
    assert [r.quantity.value for r in b.references] == [5.006, 124.3]
    assert b.system("li").coordinates[0][0] == 0  # the one of the table's own folder
    assert (b.system("li+").charge, b.system("li").multiplicity) == (1, 2)
    assert b.meta["bsse"] == ["none", "cp"]
    reasons = left(done)
    assert len(reasons) == 3
    assert any("there is no gone.xyz" in why for why in reasons.values())
    assert any("a reference value is needed, not 'none'" in why for why in reasons.values())
    assert any("no charge in it" in why for why in reasons.values())
    assert clean(tmp_path / "mine") == []


def test_an_impossible_molecule_leaves_out_its_reaction_alone(refdata, tmp_path):
    (refdata / "10_din/two.din").write_text(DIN.replace("none", "2.0"))
    done = import_benchmarks(Wanted(refdata, "mine", tmp_path))
    assert any("multiplicity 1 is impossible" in why for why in left(done).values())
    assert len(load_benchmark(tmp_path / "mine").entries) == 2


def test_a_table_that_breaks_off_says_where(refdata, tmp_path):
    put(refdata, {"10_din/bad.din": "1\nli\nx\n0\n1.0\n", "10_din/end.din": "1\nli\n"})
    done = import_benchmarks(Wanted(refdata, "mine", tmp_path))
    assert left(done)["10_din/bad.din"].startswith(
        ("10_din/bad.din, line 3: a coefficient is needed, not 'x'", "no reaction")
    )
    assert ("10_din/bad.din", "10_din/bad.din, line 3: a coefficient is needed, not 'x'") in done.findings.left_out
    assert any("has no line 0 and no value" in why for _, why in done.findings.left_out)
    assert done.entries == 2


# --- Psi4 -------------------------------------------------------------------------------------------------------------

PSI4 = '''
import re
import qcdb
raise SystemExit("never run")
dbse = 'TWO'
HRXN = [1] + ['ip'] + ['gone', 'ghost', 'zmat']
RXNM = {}
ACTV = {}
ACTV_CP = {}
for rxn in range(1, 2):
    RXNM['%s-%s' % (dbse, rxn)] = {'%s-%s-dimer' % (dbse, rxn): +1,
                                   '%s-%s-monoA-unCP' % (dbse, rxn): -1,
                                   '%s-%s-monoB-unCP' % (dbse, rxn): -1}
    ACTV['%s-%s' % (dbse, rxn)] = ['%s-%s-dimer' % (dbse, rxn),
                                   '%s-%s-monoA-unCP' % (dbse, rxn),
                                   '%s-%s-monoB-unCP' % (dbse, rxn)]
ACTV['TWO-ip'] = ['TWO-li+-reagent', 'TWO-li-reagent']
RXNM['TWO-ip'] = dict(zip(ACTV['TWO-ip'], [1, -1]))
ACTV['TWO-gone'] = ['TWO-nothere-reagent']
RXNM['TWO-gone'] = {'TWO-nothere-reagent': 1}
ACTV['TWO-zmat'] = ['TWO-zmat-reagent']
RXNM['TWO-zmat'] = {'TWO-zmat-reagent': 1}
BIND_OLD = {}
BIND_OLD['%s-%s' % (dbse, 1)] = -5.02
BIND_NEW = {}
BIND_NEW['%s-%s' % (dbse, 1)] = -4.98
BIND_NEW['TWO-ip'] = 124.3
BIND_NEW['TWO-gone'] = 1.0
BIND_NEW['TWO-zmat'] = 1.0
BIND_NEW['TWO-ghost'] = 1.0
BIND = BIND_NEW
TAGL = {}
TAGL['%s-%s' % (dbse, 1)] = """ two waters """
GEOS = {}
GEOS['%s-%s-dimer' % (dbse, 1)] = qcdb.Molecule("""
0 1
O 0.0 0.0 0.11779
H 0.0 0.755453 -0.471161
H 0.0 -0.755453 -0.471161
--
0 1
O 0.0 0.0 3.11779
H 0.0 0.755453 2.528839
H 0.0 -0.755453 2.528839
units angstrom
""")
GEOS['TWO-li+-reagent'] = qcdb.Molecule("""
1 1
Li 0 0 0
units bohr
""")
GEOS['TWO-li-reagent'] = qcdb.Molecule("""
0 2
Li 0 0 0
units bohr
""")
GEOS['TWO-zmat-reagent'] = qcdb.Molecule("""
0 1
He
He 1 R
""")
for rxn in [1]:
    GEOS['%s-%s-monoA-unCP' % (dbse, rxn)] = GEOS['%s-%s-dimer' % (dbse, rxn)].extract_fragments(1)
    GEOS['%s-%s-monoB-unCP' % (dbse, rxn)] = GEOS['%s-%s-dimer' % (dbse, rxn)].extract_fragments(2)
    GEOS['%s-%s-monoA-CP' % (dbse, rxn)] = GEOS['%s-%s-dimer' % (dbse, rxn)].extract_fragments(1, 2)
'''


def test_a_database_of_psi4(tmp_path):
    (tmp_path / "TWO.py").write_text(PSI4)
    done = import_benchmarks(Wanted(tmp_path / "TWO.py", "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    pair, ion = b.entries
    assert (pair.id, pair.observable, pair.note) == ("1", "interaction_energy", "two waters")
    assert (ion.id, ion.observable) == ("ip", "ionization_energy")
    assert [f.atoms for f in b.system("1").fragments] == [(0, 1, 2), (3, 4, 5)]
    assert b.default_reference_set == "imported"
    values = {(r.entry, r.set): r.quantity.value for r in b.references}
    assert values == {("1", "imported"): -4.98, ("1", "OLD"): -5.02, ("ip", "imported"): 124.3}
    reasons = left(done)
    assert "GEOS has no geometry of it" in reasons["TWO: TWO-gone"]
    assert "a reference value without a reaction" in reasons["TWO: TWO-ghost"]
    assert "is not read; Cartesian coordinates are needed" in reasons["TWO: TWO-zmat"]
    assert len(reasons) == 3
    assert clean(tmp_path / "mine") == []


def test_nothing_of_a_python_file_is_run(tmp_path):
    read = LiteralPython({}, {}).read
    assert read("import os\nx = os.getcwd()\ny = 1", "f") == {"y": 1}
    assert "x" not in read("x = '%1000000000s' % 'a'\n", "f")
    assert "x" not in read("x = dict(a=1)\n", "f")
    assert "x" not in read("x = __import__('os')\n", "f")
    assert "x" not in read("x = (1).__class__\n", "f")
    assert read("x = 10\nfor i in range(100):\n    x = x * x\n", "f")["x"] <= 10**36
    with pytest.raises(InputError, match="no Python"):
        read("x = (", "f")
    with pytest.raises(InputError, match="steps"):
        read("for a in range(100000):\n    for b in range(100000):\n        c = 1\n", "f")


# --- QCArchive --------------------------------------------------------------------------------------------------------


def molecule(*atoms, charge=0, multiplicity=1, fragments=None, **more):
    """A molecule of QCSchema, in bohr."""
    words = [a.split() for a in atoms]
    data = {
        "schema_name": "qcschema_molecule",
        "symbols": [w[0] for w in words],
        "geometry": [float(x) / BOHR_IN_ANGSTROM for w in words for x in w[1:]],
        "molecular_charge": float(charge),
        "molecular_multiplicity": multiplicity,
    }
    if fragments:
        data |= {"fragments": fragments, "fragment_charges": [0.0, 0.0], "fragment_multiplicities": [1, 1]}
    return data | more


TURNED = ("O 1.0 0.11779 0.0", "H 1.0 -0.471161 0.755453", "H 1.0 -0.471161 -0.755453")
DIMER = molecule(*WATER, *SHIFTED, fragments=[[0, 1, 2], [3, 4, 5]])


def dataset():
    """As QCPortal has it now: entries with stoichiometries, contributed values, records of two specifications."""
    water = molecule(*TURNED, name="water")
    lithium = [molecule("Li 0 0 0", charge=c, multiplicity=m) for c, m in ((1, 1), (0, 2))]
    return {
        "name": "Two",
        "dataset_type": "reaction",
        "description": "two\nreactions",
        "entries": [
            {
                "name": "pair",
                "stoichiometries": [{"coefficient": 1.0, "molecule": DIMER}, {"coefficient": -2, "molecule": water}],
            },
            {
                "name": "ip",
                "stoichiometries": [{"coefficient": c, "molecule": m} for c, m in zip((1, -1), lithium, strict=True)],
            },
            {
                "name": "ghost",
                "stoichiometries": [{"coefficient": 1, "molecule": DIMER | {"real": [True] * 3 + [False] * 3}}],
            },
            {"name": "alone", "stoichiometries": [{"coefficient": 1, "molecule": lithium[0]}]},
        ],
        "contributed_values": {
            "Benchmark": {
                "name": "Benchmark",
                "values": [-5.0, 124.3],
                "index": ["pair", "ip"],
                "units": "kcal / mol",
                "theory_level": "CCSD(T)/CBS",
                "doi": "10.1000/x",
            },
            "Other": {"name": "Other", "values": [-4.9], "index": ["pair"], "units": "kcal / mol"},
            "Strange": {"name": "Strange", "values": [1.0], "index": ["pair"], "units": "furlong"},
            "Short": {"name": "Short", "values": [1.0], "index": ["pair", "ip"], "units": "hartree"},
        },
        "records": [
            {
                "entry_name": "pair",
                "status": "complete",
                "total_energy": -0.008,
                "specification": {"method": "B3LYP", "basis": "def2-SVP", "program": "psi4"},
            },
            {"entry_name": "ip", "status": "error", "specification": {"method": "B3LYP", "basis": "def2-SVP"}},
        ],
    }


def test_a_dataset_of_qcarchive(tmp_path):
    put(tmp_path, {"two.json": dataset()})
    done = import_benchmarks(Wanted(tmp_path / "two.json", "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    pair, ion = b.entries
    assert (pair.id, pair.observable) == ("pair", "interaction_energy")  # the monomers are turned and shifted
    assert len(b.system("pair_1").fragments) == 2
    assert b.system("pair_1").coordinates[3][2] == pytest.approx(3.11779 / BOHR_IN_ANGSTROM, abs=1e-10)
    assert (ion.id, ion.observable) == ("ip", "ionization_energy")
    assert b.default_reference_set == "Benchmark"
    values = {(r.entry, r.set): r.quantity.value for r in b.references}
    assert values == {("pair", "Benchmark"): -5.0, ("ip", "Benchmark"): 124.3, ("pair", "Other"): -4.9}
    (level,) = b.published
    assert (level.level_of_theory, level.entry) == ("b3lyp/def2-svp", "pair")
    assert level.quantity.value == pytest.approx(-0.008 * 627.5094740631)
    reasons = left(done)
    assert "unknown unit 'furlong'" in reasons["Two: contributed values Strange"]
    assert "2 entries need as many values" in reasons["Two: contributed values Short"]
    assert "ghost atoms" in reasons["Two: entry ghost"]
    assert "no contributed value and no result" in reasons["Two: entry alone"]
    assert "its status is error" in reasons["Two: entry ip, b3lyp/def2-svp"]
    assert len(reasons) == 5
    assert any("the default reference set is Benchmark" in text for text in done.findings.assumed)
    assert clean(tmp_path / "mine") == []


def test_a_dataset_of_an_older_server(tmp_path):
    """Molecules by their keys, coefficients by key, no counterpoise (`default`)."""
    data = {
        "collection": "reactiondataset",
        "name": "old",
        "records": [{"name": "pair", "stoichiometry": {"default": {"d": 1.0, "a": -1.0, "b": -1.0}, "cp": {"d": 1.0}}}],
        "molecules": {"d": DIMER, "a": molecule(*WATER), "b": molecule(*SHIFTED)},
        "contributed_values": [{"name": "ref", "values": {"pair": -0.2}, "units": "eV"}],
    }
    put(tmp_path / "db", {"old.json": data})
    done = import_benchmarks(Wanted(tmp_path / "db", "mine", tmp_path))
    assert done.findings.left_out == []
    b = load_benchmark(tmp_path / "mine")
    assert b.entries[0].observable == "interaction_energy"
    assert (b.unit, b.references[0].quantity.value) == ("eV", -0.2)
    assert clean(tmp_path / "mine") == []


def result(method, energy, data, **more):
    return {
        "schema_name": "qcschema_output",
        "molecule": data,
        "driver": "energy",
        "model": {"method": method, "basis": "STO-3G"},
        "return_result": energy,
        "properties": {},
        "provenance": {"creator": "Psi4", "version": "1.9"},
        "success": True,
    } | more


def test_results_of_qcschema_hold_within_their_level(tmp_path):
    bare = {k: v for k, v in molecule("He 0 0 0").items() if k != "molecular_multiplicity"}
    put(
        tmp_path / "db",
        {
            "water.json": result("HF", -74.96, molecule(*WATER)),
            "water_mp2.json": result("MP2", -75.0, molecule(*WATER)),
            "he.json": result("HF", -2.8, bare),
            "failed.json": result("HF", None, molecule(*WATER), success=False, error={"error_message": "no\nmemory"}),
            "half.json": result("HF", -1.0, molecule("He 0 0 0", charge=0.5)),
            "notes.json": {"a": 1},
            "broken.json": "{",
        },
    )
    done = import_benchmarks(Wanted(tmp_path / "db", "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    assert {(r.entry, r.set): r.quantity.value for r in b.references} == {
        ("water", "hf_sto-3g"): -74.96,
        ("water", "mp2_sto-3g"): -75.0,
        ("he", "hf_sto-3g"): -2.8,
    }
    assert b.role_of("hf_sto-3g").within == "hf/sto-3g"
    assert b.references[0].note == "Psi4 1.9"
    assert "he.json: no molecular_multiplicity, for which QCSchema has 1" in done.findings.assumed
    reasons = left(done)
    assert "did not succeed: no memory" in reasons["failed.json"]
    assert "molecular_charge must be a whole number" in reasons["half.json"]
    assert "neither a dataset" in reasons["notes.json"]
    assert "malformed JSON" in reasons["broken.json"]
    assert clean(tmp_path / "mine") == []


# --- QUEST ------------------------------------------------------------------------------------------------------------


def state(name, term, spin, best, **more):
    return {"Molecule": name, "State": term, "Spin": spin, "V/R": "V", "Type": "npi", "TBE/AVTZ": best} | more


def bohr(atoms):
    words = [a.split() for a in atoms]
    return [" ".join([w[0], *(f"{float(x) / BOHR_IN_ANGSTROM:.8f}" for x in w[1:])]) for w in words]


@pytest.fixture
def quest(tmp_path):
    water = [
        state(
            "Water ",
            "^1B_1",
            1,
            7.626,
            **{
                "TBE/AVQZ": 7.672,
                "CC3": 7.605,
                "ADC(2)": 7.181,
                "%T1 [CC3/AVTZ]": 93.4,
                "Safe ? (~50 meV)": "Y",
                "Method": "exFCI/AVTZ",
                "CASPT2 (No IPEA)": "n.d.",
            },
        ),
        state("Water ", "^1A_2", 1, 9.41, CC3=9.382),
        state("Water ", "^3B_1", 3, 7.25, CC3=7.2),
        state("Water ", "^1A' [F]", 1, 5.0, **{"Special ?": "FL"}),
        state("Water ", "^2A", 2, 1.0),
        state("Water ", "^5A", 5, 1.0),
    ]
    return put(
        tmp_path / "quest",
        {
            "geometries/README.md": "All coordinates are in atomic units (bohr).\n",
            "geometries/xyz/Water_1.xyz": xyz("Water CC3/aug-cc-pVTZ", *bohr(WATER)),
            "geometries/xyz/Water_2.xyz": xyz(
                "Water CC3/aug-cc-pVTZ Excited state", *bohr((*WATER[:2], "H 0 -0.8 -0.5"))
            ),
            "charged/core/geometries/Water.xyz": xyz("of another part, in angstrom", *WATER),
            "charged/core/geometries/README.md": "Angstrom.\n",
            "geometries/xyz/CO+.xyz": xyz("CO+ CC3, Charge: +1", *bohr(("C 0 0 0", "O 0 0 1.115"))),
            "geometries/xyz/Angstrom.xyz": xyz("in another unit", "N 0 0 0", "N 0 0 1.1"),
            "geometries/xyz/Twice_1.xyz": xyz("", *bohr(("N 0 0 0", "N 0 0 1.1"))),
            "geometries/xyz/Twice_2.xyz": xyz("", *bohr(("N 0 0 0", "N 0 0 1.2"))),
            "data/json/MAIN/Water.json": water,
            "data/json/RAD/CO+.json": [state("CO+", "^2\\Pi", 2, 3.3, **{"U-CC3": 3.2})],
            "data/json/MAIN/Others.json": [
                state("Angstrom", "^1A", 1, 9.0),
                state("Twice", "^1A", 1, 9.0),
                state("Gone", "^1A", 1, 9.0),
            ],
            "data/diet/small.json": [
                state("Water ", "^1B_1", 1, 7.626, CC3=7.605),
                state("CO+", "^2\\Pi", 2, 3.3),
            ],
            "data/cas/json/water.json": {"headers": [], "data": []},
        },
    )


def test_quest_by_state(quest, tmp_path):
    import_benchmarks(Wanted(quest, "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    rows = {e.id: (e.state, len(e.terms), e.subsets) for e in b.entries}
    assert rows["Water_1B_1"] == ("S1", 1, ("singlet", "valence", "MAIN", "safe"))
    assert rows["Water_1A_2"] == ("^1A_2", 0, ("singlet", "valence", "MAIN"))
    assert rows["Water_3B_1"][:2] == ("T1", 1)
    assert rows["Water_excited_1Ap_F"][:2] == ("S1", 1)
    assert rows["CO+_2Pi"] == ("D1", 1, ("doublet", "valence", "RAD"))
    assert len(rows) == 5
    assert (b.system("CO+").charge, b.system("CO+").multiplicity) == (1, 2)
    assert b.system("Water").coordinates[0][2] == pytest.approx(0.11779 / BOHR_IN_ANGSTROM, abs=1e-7)
    assert b.system("Water_excited").coordinates[2][1] == pytest.approx(-0.8 / BOHR_IN_ANGSTROM, abs=1e-7)
    best = {r.entry: r.quantity.value for r in b.references if r.set == "TBE/AVTZ"}
    assert best["Water_1B_1"] == 7.626
    assert b.default_reference_set == "TBE/AVTZ"
    assert b.role_of("TBE/AVTZ").within == "/aug-cc-pvtz"
    levels = {(r.entry, r.set): r.quantity.value for r in b.published}
    assert levels[("Water_1A_2", "CC3")] == 9.382
    assert {name for _, name in levels} == {"CC3", "ADC(2)", "U-CC3"}  # neither %T1 nor a text is an energy
    assert b.published_levels["CC3"].level == "cc3/aug-cc-pvtz"
    assert clean(tmp_path / "mine") == []


def test_what_quest_does_not_say_is_listed(quest, tmp_path):
    done = import_benchmarks(Wanted(quest, "mine", tmp_path))
    said = " ".join(done.findings.assumed)
    assert "charge 0, which no file states, of 2 geometries: Water, Water_excited" in said
    assert "the least possible multiplicity of the ground state of 3 geometries" in said
    assert "is S1, T1, D1 or Q1, for 4 entries" in said
    reasons = " | ".join(f"{what}: {why}" for what, why in done.findings.left_out)
    assert "(Water ^2A): Water has 10 electrons with charge 0, and no state of multiplicity 2" in reasons
    assert "Spin must be the multiplicity of the state, 1 to 4, not '5'" in reasons
    assert "its nearest atoms are 0.58 Å apart; is that the unit?" in reasons
    assert "2 XYZ files may be the ground state of Twice" in reasons
    assert "there is no XYZ file of Gone" in reasons
    assert "data/cas/json: 1 JSON files: no lists of excitation energies" in reasons
    assert len(done.findings.left_out) == 6
    assert any("2 states are there more than once" in text for text in done.findings.said)


def test_a_selection_of_states_has_none_that_can_be_computed(quest, tmp_path):
    """It may lack the lowest one, so that no state of it can be called S1."""
    for path in (quest / "data/json").rglob("*.json"):
        path.unlink()
    import_benchmarks(Wanted(quest, "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    assert [(e.id, len(e.terms)) for e in b.entries] == [("Water_1B_1", 0), ("CO+_2Pi", 0)]
    assert clean(tmp_path / "mine") == []


def test_the_unit_of_quests_lengths_is_never_guessed(quest, tmp_path):
    (quest / "geometries/README.md").unlink()
    with pytest.raises(InputError, match="the unit of length is said nowhere; say --length-unit bohr or angstrom"):
        import_benchmarks(Wanted(quest, "mine", tmp_path))
    import_benchmarks(Wanted(quest, "mine", tmp_path, only="Water", length_unit="bohr"))
    import_benchmarks(Wanted(quest, "other", tmp_path, only="Angstrom", length_unit="angstrom"))
    with pytest.raises(InputError, match=r"its nearest atoms are 0\.58 Å apart"):
        import_benchmarks(Wanted(quest, "third", tmp_path, only="Angstrom", length_unit="bohr"))
    with pytest.raises(InputError, match="--length-unit is bohr or angstrom, not 'inch'"):
        import_benchmarks(Wanted(quest, "fourth", tmp_path, length_unit="inch"))


# --- varbench ---------------------------------------------------------------------------------------------------------

TABLE = """| Energy | Sigma | Energy Variance | DOF | Einf | Method | Reference |
|--------|-------|-----------------|-----|------|--------|-----------|
| -2.8759428 |  |  | 4 | 4.0 | Exact diagonalization | [code](x) |
| -2.87 |  | 0.0155 | 4 | 4.0 | DMRG (MaxBondDim = 7000) | |
| -2.8(1) | ? | 4.7e-2 | 4 | 4.0 | VMC | |
| oops |  |  | 4 | 4.0 | RBM | |
"""


@pytest.fixture
def varbench(tmp_path):
    return put(
        tmp_path / "bench",
        {
            "README.md": "# Benchmarks\n",
            "Hubbard/chain_4_O_2_8.md": TABLE,
            "Hubbard/square_16_P_5_10.md": TABLE.replace(" 4 |", " 10 |"),
            "Hubbard/rectangular_4x8_PO_14_14_8.md": TABLE.replace(" 4 | 4.0 |", " | |"),
            "Hubbard/chain_4_O_1_8.md": TABLE,
            "Hubbard/square_16_PP_112_112_8_t12.md": TABLE,
            "Hubbard/honeycomb_18_P_4_8.md": TABLE,
            "Heisenberg/chain_20_P.md": TABLE,
        },
    )


def test_tables_of_varbench(varbench, tmp_path):
    done = import_benchmarks(Wanted(varbench, "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    assert [e.id for e in b.entries] == ["chain_4_O_2_8", "rectangular_4x8_PO_14_14_8", "square_16_P_5_10"]
    chain = b.system("chain_4_O_2_8")
    assert (chain.lattice, chain.boundary, chain.u, chain.electrons) == ((4,), ("open",), 8.0, 4)
    ladder = b.system("rectangular_4x8_PO_14_14_8")
    assert (ladder.lattice, ladder.boundary, ladder.electrons) == ((4, 8), ("periodic", "open"), 28)
    assert b.system("square_16_P_5_10").lattice == (4, 4)
    assert {r.quantity.value for r in b.references} == {-2.8759428}
    of_chain = {r.set: r for r in b.published if r.entry == "chain_4_O_2_8"}
    assert of_chain["VMC"].quantity.uncertainty == pytest.approx(0.1)
    assert of_chain["VMC"].quantity.uncertainty_kind == "statistical"
    score = 4 * 0.0155 / (-2.87 - 4.0) ** 2
    assert f"V-score {score:.6g}" in of_chain["DMRG"].note
    assert f"{score:.3g}" in (tmp_path / "mine/README.md").read_text()
    assert any("multiplicity 1 of 3 lattices" in text for text in done.findings.assumed)
    reasons = left(done)
    assert "its name says 2 electrons, its column DOF 4" in reasons["Hubbard/chain_4_O_1_8.md"]
    assert "is not certain" in reasons["Hubbard/square_16_PP_112_112_8_t12.md"]
    assert "not hypercubic" in reasons["Hubbard/honeycomb_18_P_4_8.md"]
    assert "no kind of system" in reasons["Heisenberg: 1 tables"]
    assert reasons["Hubbard/chain_4_O_2_8.md, line 6"] == "'oops' is no number"
    assert clean(tmp_path / "mine") == []


def test_the_imported_energy_is_the_computed_one(varbench, tmp_path):
    """Of the open chain of four sites, by exact diagonalization here: the conventions of both are the same."""
    import qmbench

    import_benchmarks(Wanted(varbench, "mine", tmp_path, only="chain_4_O_2_8"))
    energy = qmbench.compute(
        "fci", load_benchmark(tmp_path / "mine").system("chain_4_O_2_8"), store=tmp_path / "s"
    ).value
    assert energy == pytest.approx(exact_chain(), abs=1e-8)


def exact_chain():
    """Ground-state energy of the open Hubbard chain of four sites, two electrons of each spin, U = 8, t = 1."""
    from itertools import combinations

    import numpy as np

    states = list(combinations(range(4), 2))
    hop = np.zeros((6, 6))
    for i, a in enumerate(states):
        for j, b in enumerate(states):
            moved = sorted(set(a) ^ set(b))
            if len(moved) == 2 and moved[1] - moved[0] == 1:  # neighbours: no electron between them, no sign
                hop[i, j] = -1.0
    both = np.array([len(set(a) & set(b)) for a in states for b in states], float)
    h = np.kron(hop, np.eye(6)) + np.kron(np.eye(6), hop) + np.diag(8.0 * both)
    return float(np.linalg.eigvalsh(h)[0])


@pytest.mark.parametrize(
    ("name", "lengths", "boundary", "electrons"),
    [
        ("chain_14_P_4_1.66810054", [14], ["periodic"], 8),
        ("chain_14_P_4_4_1", [14], ["periodic"], 8),
        ("square_10_PP_40_40_4", [10, 10], ["periodic"] * 2, 80),
        ("square_100_P_40_4", [10, 10], ["periodic"] * 2, 80),
        ("rectangular-4x16_64_PO_26_8", [4, 16], ["periodic", "open"], 52),
        ("rectangular_4X16_PO_28_28_8", [4, 16], ["periodic", "open"], 56),
        ("square_16_AP_107_107_8", [16, 16], ["antiperiodic", "periodic"], 214),
        ("square_16_PP_112_112_-4", [16, 16], ["periodic"] * 2, 224),
    ],
)
def test_names_of_lattices(name, lengths, boundary, electrons):
    table = lattice_of(name, electrons)
    assert (table["lattice"], table["boundary"], table["electrons"]) == (lengths, boundary, electrons)
    assert table["u"] == float(name.rpartition("_")[2])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("square_15_P_4_8", "15 sites are no square lattice"),
        ("rectangular-4x16_60_PO_26_8", "does not fit"),
        ("square_2_PP_2_2_8", "a periodic direction of two sites"),
        ("chain_14_P_4", "is not certain"),
        ("chain_P_4_4", "no extent"),
    ],
)
def test_a_name_that_is_not_certain_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        lattice_of(name, None)


def test_numbers_with_their_uncertainty():
    assert with_brackets("-251.4404(8)") == (-251.4404, pytest.approx(0.0008))
    assert with_brackets("0.047(1)") == (0.047, pytest.approx(0.001))
    assert with_brackets("12(3)") == (12.0, pytest.approx(3.0))
    assert with_brackets("1.5e-3(2)") == (0.0015, pytest.approx(2e-4))
    assert with_brackets("-1.5") == (-1.5, None)
    for wrong in ("", "nan", "inf", "1.5(", "-251.44 +/- 1"):
        with pytest.raises(ValueError, match=r".*"):
            with_brackets(wrong)
    assert math.isfinite(with_brackets("1D-3")[0])


# --- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["refdata", "quest", "varbench"])
def test_the_form_is_found_out_and_bytes_do_no_harm(form, request, tmp_path):
    source = request.getfixturevalue(form)
    (source / "picture.json").write_bytes(b"\xff\xfe\x00")
    (source / "picture.xyz").write_bytes(b"\xff\xfe\x00")
    (source / "picture.md").write_bytes(b"\xff\xfe\x00")
    (source / "picture.py").write_bytes(b"\xff\xfe\x00")
    assert import_benchmarks(Wanted(source, "mine", tmp_path)).entries >= 2


def test_export_and_in_again(refdata, tmp_path):
    from qmbench.data.imports.export import export_benchmark

    import_benchmarks(Wanted(refdata, "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    assert export_benchmark(b, "csv", tmp_path / "out") == []
    import_benchmarks(Wanted(tmp_path / "out", "again", tmp_path))
    again = load_benchmark(tmp_path / "again")
    assert {r.entry: r.quantity.value for r in again.references} == {r.entry: r.quantity.value for r in b.references}


def test_out_as_qcschema_and_in_again(refdata, tmp_path):
    from qmbench.data.imports.export import export_benchmark

    import_benchmarks(Wanted(refdata, "mine", tmp_path))
    b = load_benchmark(tmp_path / "mine")
    assert export_benchmark(b, "qcschema", tmp_path / "out") == []
    import_benchmarks(Wanted(tmp_path / "out", "again", tmp_path))
    again = load_benchmark(tmp_path / "again")
    assert {r.entry: r.quantity.value for r in again.references} == {r.entry: r.quantity.value for r in b.references}
    assert [(e.id, e.observable) for e in again.entries] == [(e.id, e.observable) for e in b.entries]
    assert again.system("dimer").fragments == b.system("dimer").fragments
    assert again.system("dimer").coordinates == pytest.approx(b.system("dimer").coordinates, abs=1e-11)
    assert (again.system("li+").charge, again.system("li").multiplicity) == (1, 2)


def test_states_go_out_and_come_in_again(quest, tmp_path):
    from qmbench.data.imports.export import export_benchmark

    import_benchmarks(Wanted(quest, "mine", tmp_path, only="Water"))
    b = load_benchmark(tmp_path / "mine")
    reasons = dict(export_benchmark(b, "csv", tmp_path / "out"))
    assert reasons == {"Water_1A_2": "published values alone"}
    import_benchmarks(Wanted(tmp_path / "out", "again", tmp_path, unit="eV", observable="excitation_energy"))
    again = load_benchmark(tmp_path / "again")
    assert {e.id: e.state for e in again.entries} == {e.id: e.state for e in b.entries if e.terms}
    assert clean(tmp_path / "again") == []
    reasons = dict(export_benchmark(b, "qcschema", tmp_path / "json"))
    assert "is a sum of energies, not excitation_energy" in reasons["Water_1B_1"]
