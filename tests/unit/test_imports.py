"""Databases as others keep them: small trees of each form, what is assumed, what can't come over, and the way back."""

from __future__ import annotations

import json
import tarfile

import pytest

from qmbench import InputError
from qmbench.data.benchmark import load_benchmark
from qmbench.data.imports import draft
from qmbench.data.imports.choose import Wanted, import_benchmarks
from qmbench.data.imports.export import export_benchmark
from qmbench.data.imports.results import Level, add_level, read_results
from qmbench.data.lint import lint_benchmark
from qmbench.domain.units import BOHR_IN_ANGSTROM, HARTREE_IN_KCAL_MOL
from qmbench.plugging.registry import plugins

WATER = ("O 0.0 0.0 0.11779", "H 0.0 0.755453 -0.471161", "H 0.0 -0.755453 -0.471161")
SHIFTED = ("O 0.0 0.0 3.11779", "H 0.0 0.755453 2.528839", "H 0.0 -0.755453 2.528839")


def xyz(comment, *atoms):
    return f"{len(atoms)}\n{comment}\n" + "\n".join(atoms) + "\n"


def clean(folder):
    return [f.message for f in lint_benchmark(folder)]


def put(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


# --- GMTKN55 ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    """Two sets: atomization of H2 and the ionization of lithium; a third whose molecules are wrong."""
    return put(
        tmp_path / "db",
        {
            "TAE/.res": "#!/bin/bash\nw=0\ntmer2++ {h2,h}/$f x -1 2 $w 109.5  # per molecule\n",
            "TAE/h2/coord": "$coord\n 0.0 0.0 0.0 h\n 0.0 0.0 1.4D0 h\n$end\n",
            "TAE/h/struc.xyz": xyz("", "H 0 0 0"),
            "TAE/h/.UHF": "1\n",
            "IP/.res": "$tmer li+/$f li/$f x 1 -1 $w 124.3\n$tmer he/$f li/$f x 1 -1 $w 1.0\n$tmer li/$f x 1\n",
            "IP/li+/struc.xyz": xyz("", "Li 0 0 0"),
            "IP/li+/.CHRG": "1\n",
            "IP/li/struc.xyz": xyz("", "li 0 0 0"),
            "IP/he/struc.xyz": xyz("", "He 0 0 0"),
            "IP/he/.UHF": "1\n",
        },
    )


def test_a_gmtkn55_tree(tree, tmp_path):
    done = import_benchmarks(Wanted(tree, "mine", tmp_path))
    assert [f.name for f in done.folders] == ["IP", "TAE"]
    tae = load_benchmark(tmp_path / "mine" / "TAE")
    (entry,) = tae.entries
    assert entry.observable == "atomization_energy"
    assert {t.system: t.coefficient for t in entry.terms} == {"h2": -1, "h": 2}
    assert tae.system("h2").coordinates[1] == pytest.approx([0, 0, 1.4], abs=1e-10)  # Turbomole's are in bohr
    assert (tae.system("h").multiplicity, tae.system("h2").multiplicity) == (2, 1)
    assert tae.references[0].quantity.value == 109.5
    ip = load_benchmark(tmp_path / "mine" / "IP")
    assert ip.entries[0].observable == "ionization_energy"
    assert (ip.system("li+").charge, ip.system("li").multiplicity) == (1, 2)
    assert "TAE: h2 has no .CHRG: charge 0" in done.findings.assumed
    assert "IP: li has no .UHF: multiplicity 2" in done.findings.assumed
    assert not any(text.startswith("TAE: h has no .UHF") for text in done.findings.assumed)
    left = dict(done.findings.left_out)
    assert "multiplicity 2 is impossible with 2 electrons" in left["IP: entry 2"]
    assert "as many coefficients and a value" in left["IP: entry 3"]
    assert clean(tmp_path / "mine" / "TAE") == []
    assert clean(tmp_path / "mine" / "IP") == []


def test_only_some_sets(tree, tmp_path):
    done = import_benchmarks(Wanted(tree, "mine", tmp_path, only="TA*"))
    assert done.folders == [tmp_path / "mine"]
    assert load_benchmark(tmp_path / "mine").id == "mine"
    with pytest.raises(InputError, match="none of its 2 sets is called 'XX'"):
        import_benchmarks(Wanted(tree, "other", tmp_path, only="XX"))


def test_an_archive_is_read_like_its_folder(tree, tmp_path):
    with tarfile.open(tmp_path / "db.tar.gz", "w:gz") as archive:
        archive.add(tree, "db")
    import_benchmarks(Wanted(tmp_path / "db.tar.gz", "packed", tmp_path, only="TAE"))
    import_benchmarks(Wanted(tree, "plain", tmp_path, only="TAE"))
    for name in ("entries.csv", "systems.xyz", "hashes.csv"):
        assert (tmp_path / "packed" / name).read_text() == (tmp_path / "plain" / name).read_text()


# --- NCI Atlas --------------------------------------------------------------------------------------------------------

NCI = "charge=0 charge_a=0 charge_b=0 selection_a=1-3 selection_b=4-6 reference_value=-1.5"


def test_nci_atlas(tmp_path):
    source = put(
        tmp_path / "atlas",
        {
            "1.01_water-water.xyz": xyz(NCI, *WATER, *SHIFTED),
            "broken.xyz": xyz(NCI.replace("charge_b=0", "charge_b=1"), *WATER, *SHIFTED),
            "without.xyz": xyz(NCI.replace("reference_value", "remark"), *WATER, *SHIFTED),
        },
    )
    done = import_benchmarks(Wanted(source, "nci", tmp_path))
    b = load_benchmark(tmp_path / "nci")
    assert [e.id for e in b.entries] == ["1.01_water-water"]
    m = b.system("1.01_water-water")
    assert [f.atoms for f in m.fragments] == [(0, 1, 2), (3, 4, 5)]
    assert b.references[0].quantity.value == -1.5
    assert b.meta["bsse"] == ["none", "cp"]
    left = dict(done.findings.left_out)
    assert len(left) == 2
    assert any(("broken" in what and "impossible" in why) or "add up" in why for what, why in left.items())
    assert any("without" in what and "no interaction energy" in why for what, why in left.items())
    assert "1.01_water-water: the whole says no multiplicity: 1" in done.findings.assumed
    assert clean(tmp_path / "nci") == []


# --- CSV and XYZ ------------------------------------------------------------------------------------------------------


def folder(tmp_path, header, *rows, files=()):
    state = "charge=0 multiplicity=1"
    systems = {"dimer.xyz": xyz(state, *WATER, *SHIFTED), "water.xyz": xyz(state, *WATER)} | dict(files)
    return put(tmp_path / "mine", {"values.csv": "\n".join([header, *rows]) + "\n", **systems})


def test_a_csv_file_beside_xyz_files(tmp_path):
    source = folder(
        tmp_path,
        "name,E,stoich,set",
        "bound,-21.0,dimer:1 water:-2,small",
        "gone,1.0,nothere:1 water:-1,small",
        "odd,x,dimer:1 water:-2,small",
    )
    mapping = {"value": "E", "stoichiometry": "stoich", "subset": "set"}
    done = import_benchmarks(Wanted(source, "b", tmp_path, mapping=mapping, unit="kJ/mol", reference="a paper"))
    b = load_benchmark(tmp_path / "b")
    (entry,) = b.entries
    assert (entry.id, entry.observable, entry.subsets) == ("bound", "reaction_energy", ("small",))
    assert b.references[0].quantity.value == -21.0
    assert b.unit == "kJ/mol"
    assert b.references[0].source_place == "a paper: values.csv, line 2"
    left = dict(done.findings.left_out)
    assert "there is no XYZ file of 'nothere'" in left["values.csv, line 3 (gone)"]
    assert "values.csv, line 4 (odd)" in left
    assert clean(tmp_path / "b") == []


def test_fragments_by_bonds_are_shown_and_confirmed(tmp_path):
    source = folder(tmp_path, "id,value", "dimer,-5.0")
    with pytest.raises(InputError, match='fragments="1-3:0:1 4-6:0:1"; confirm them with --yes'):
        import_benchmarks(Wanted(source, "b", tmp_path))
    done = import_benchmarks(Wanted(source, "b", tmp_path, bonds=True))
    assert done.findings.assumed == ['dimer: fragments="1-3:0:1 4-6:0:1", by its bonds']
    b = load_benchmark(tmp_path / "b")
    assert b.entries[0].observable == "interaction_energy"
    assert len(b.system("dimer").fragments) == 2


def test_charge_and_multiplicity_are_never_guessed(tmp_path):
    source = folder(tmp_path, "id,value", "bare,-5.0", files={"bare.xyz": xyz("a remark", *WATER)}.items())
    with pytest.raises(InputError, match="no charge of 'bare', in its comment line or in a column"):
        import_benchmarks(Wanted(source, "b", tmp_path))
    source = folder(tmp_path, "id,value,charge,multiplicity", "bare,-76.0,0,2", "water,-76.0,,")
    with pytest.raises(InputError) as caught:
        import_benchmarks(Wanted(source, "b", tmp_path, only="bare"))
    assert "multiplicity 2 is impossible" in str(caught.value)


def test_columns_that_are_not_clear_are_asked_for(tmp_path):
    source = folder(tmp_path, "molecule,number", "water,-5.0")
    with pytest.raises(InputError, match=r"which column is the name of the entry.*--map id=COLUMN.*molecule, number"):
        import_benchmarks(Wanted(source, "b", tmp_path))
    with pytest.raises(InputError, match="--map: no field 'vlaue'; did you mean 'value'"):
        import_benchmarks(Wanted(source, "b", tmp_path, mapping={"vlaue": "number"}))
    with pytest.raises(InputError, match="no such column; did you mean 'number'"):
        import_benchmarks(Wanted(source, "b", tmp_path, mapping={"value": "numbr"}))


def test_what_is_no_database_is_refused(tmp_path):
    put(tmp_path / "x", {"readme.txt": "nothing"})
    with pytest.raises(InputError, match="has none of the known forms"):
        import_benchmarks(Wanted(tmp_path / "x", "b", tmp_path))
    with pytest.raises(InputError, match="there is no"):
        import_benchmarks(Wanted(tmp_path / "gone", "b", tmp_path))
    (tmp_path / "x.tar.gz").write_text("no archive")
    with pytest.raises(InputError, match=r"can't read .*x\.tar\.gz"):
        import_benchmarks(Wanted(tmp_path / "x.tar.gz", "b", tmp_path))
    source = folder(tmp_path, "id,value", "water,-5.0")
    with pytest.raises(InputError, match="is there already"):
        import_benchmarks(Wanted(source, "x", tmp_path))


# --- GSCDB137 ---------------------------------------------------------------------------------------------------------

LINE = "charge={c}, multiplicity={m}, basis=def2-QZVPPD, {more}mem_total=3750"


def point(atoms, c=0, m=1, more=""):
    return xyz(LINE.format(c=c, m=m, more=more), *atoms)


@pytest.fixture
def gscdb(tmp_path):
    """A little GSCDB137: a dimer, a dipole and a polarizability in a field, a proton affinity, another field."""
    import openpyxl

    rows = [
        ("NC_1", "NC", -5.0, "1,dim,-1,monA,-1,monB"),
        ("PA_1", "PA", 165.0, "1,water,-1,waterH"),
        ("DIP_1", "DIP", -0.1, "1,w0+,-1,w0-"),
        ("POL_1", "POL", 0.1, "-1,p0+,-1,p0-,2,water"),
        ("EF_1", "EF", 1.0, "1,w0+,-1,water"),
    ]

    def sheet(path, name, table):
        path.parent.mkdir(parents=True, exist_ok=True)
        book = openpyxl.Workbook()
        book.active.title = name
        for row in table:
            book.active.append(row)
        book.save(path)

    root = tmp_path / "GSCDB"
    sheet(
        root / "Info/DatasetEval.xlsx",
        "new",
        [("Reaction", "Dataset", "Reference", "Stoichiometry")]
        + [(a, b, c / HARTREE_IN_KCAL_MOL, d) for a, b, c, d in rows],
    )
    sheet(
        root / "Info/Datasets.xlsx",
        "Sheet1",
        [("Name", "Datatype_Short", "Datatype", "Description", "Theory level"), ("NC", "NC", "", "pairs", "CCSD(T)")],
    )
    sheet(
        root / "Analysis/Reaction_Energies.xlsx",
        "Sheet1",
        [("Reaction", "Dataset", "Reference", "B3LYP", "PBE0")] + [(a, b, c, c + 1, c - 1) for a, b, c, _ in rows],
    )
    hydronium = (*WATER, "H 0.0 0.0 1.1")
    return put(
        root,
        {
            "xyz_files/dim.xyz": point((*WATER, *SHIFTED)),
            "xyz_files/monA.xyz": point(SHIFTED),  # the second molecule of the dimer
            "xyz_files/monB.xyz": point(WATER),
            "xyz_files/water.xyz": point(WATER),
            "xyz_files/waterH.xyz": point(hydronium, c=1),
            "xyz_files/w0+.xyz": point(WATER, more="multipole_field={'Z': 0.0001}, "),
            "xyz_files/w0-.xyz": point(WATER, more="multipole_field={'Z': -0.0001}, "),
            "xyz_files/p0+.xyz": point(WATER, more="multipole_field={'Y': 0.004}, "),
            "xyz_files/p0-.xyz": point(WATER, more="multipole_field={'Y': -0.004}, "),
        },
    )


def test_gscdb137(gscdb, tmp_path):
    done = import_benchmarks(Wanted(gscdb, "db", tmp_path))
    sets = {f.name: load_benchmark(f) for f in done.folders}
    assert list(sets) == ["NC", "PA", "DIP", "POL", "EF"]
    assert all(clean(f) == [] for f in done.folders)
    nc = sets["NC"]
    assert nc.entries[0].observable == "interaction_energy"
    assert [f.atoms for f in nc.system("dim").fragments] == [(3, 4, 5), (0, 1, 2)]  # in the order of the database
    assert {r.set: r.quantity.value for r in nc.published} == {"B3LYP": -4.0, "PBE0": -6.0}
    assert nc.published_levels["B3LYP"].level == "b3lyp/def2-qzvppd"
    assert nc.published_levels["B3LYP"].bsse == "none"
    pa = sets["PA"]
    assert pa.entries[0].observable == "proton_affinity"
    assert {t.system: t.coefficient for t in pa.entries[0].terms} == {"water": 1, "waterH": -1, "proton": 1}
    assert done.findings.assumed == [
        "PA: a bare proton, whose electronic energy is zero, was added to 1 entries that leave it out"
    ]
    dip, pol = sets["DIP"], sets["POL"]
    assert (dip.entries[0].observable, dip.unit_of(dip.entries[0])) == ("dipole_z", "e bohr")
    assert dip.references[0].quantity.value == pytest.approx(-0.1 / HARTREE_IN_KCAL_MOL / 0.0002, rel=1e-11)
    assert (pol.entries[0].observable, pol.unit_of(pol.entries[0])) == ("polarizability_yy", "bohr3")
    assert pol.references[0].quantity.value == pytest.approx(0.1 / HARTREE_IN_KCAL_MOL / 0.004**2, rel=1e-11)
    assert sets["EF"].entries[0].terms == ()
    assert [what for what, _ in done.findings.left_out] == [
        "EF: systems of 1 entries, whose published values came over"
    ]


def test_a_component_of_a_property_is_that_component(gscdb, tmp_path):
    from qmbench import Quantity
    from qmbench.domain.formulas import Place
    from qmbench.domain.observables import Part, evaluate

    import_benchmarks(Wanted(gscdb, "db", tmp_path))
    pol = load_benchmark(tmp_path / "db" / "POL")
    tensor = Quantity([[1.0, 0.2, 0.3], [0.2, 5.0, 0.6], [0.3, 0.6, 9.0]], "bohr3")
    value = evaluate(pol.observable_of(pol.entries[0]), Place("", None, ""), [Part(1.0, tensor, "", None, "k")])
    assert value.value == 5.0


def test_a_dimer_that_is_not_made_of_its_molecules_keeps_them(gscdb, tmp_path):
    moved = point([row.replace("3.11779", "3.2") for row in SHIFTED])
    (gscdb / "xyz_files/monA.xyz").write_text(moved)
    import_benchmarks(Wanted(gscdb, "db", tmp_path, only="NC"))
    b = load_benchmark(tmp_path / "db")
    assert b.entries[0].observable == "reaction_energy"
    assert {t.system: t.coefficient for t in b.entries[0].terms} == {"dim": 1, "monA": -1, "monB": -1}
    assert b.meta["bsse"] == ["none"]


def test_a_missing_file_leaves_out_its_entry_alone(gscdb, tmp_path):
    (gscdb / "xyz_files/waterH.xyz").unlink()
    done = import_benchmarks(Wanted(gscdb, "db", tmp_path))
    assert done.entries == 4
    assert ("PA: entry PA_1", "there is no xyz_files/waterH.xyz") in done.findings.left_out


# --- the way back -----------------------------------------------------------------------------------------------------


def test_out_as_gmtkn55_and_in_again(tree, tmp_path):
    import_benchmarks(Wanted(tree, "a", tmp_path, only="TAE"))
    a = load_benchmark(tmp_path / "a")
    assert export_benchmark(a, "gmtkn55", tmp_path / "out") == []
    import_benchmarks(Wanted(tmp_path / "out", "b", tmp_path))
    b = load_benchmark(tmp_path / "b")
    assert [(e.terms, e.observable) for e in b.entries] == [(e.terms, e.observable) for e in a.entries]
    for name in a.system_ids:
        assert b.system(name).coordinates == pytest.approx(a.system(name).coordinates, abs=1e-11)
        assert (b.system(name).charge, b.system(name).multiplicity) == (
            a.system(name).charge,
            a.system(name).multiplicity,
        )
    assert b.references[0].quantity.value == a.references[0].quantity.value


def test_out_as_csv_and_in_again(tmp_path):
    source = folder(tmp_path, "id,value,uncertainty", "dimer,-5.0,0.1")
    import_benchmarks(Wanted(source, "a", tmp_path, bonds=True))
    a = load_benchmark(tmp_path / "a")
    export_benchmark(a, "csv", tmp_path / "out")
    import_benchmarks(Wanted(tmp_path / "out", "b", tmp_path))
    b = load_benchmark(tmp_path / "b")
    assert b.system("dimer").fragments == a.system("dimer").fragments
    expand = {(t.system, t.fragments): t.coefficient for t in b.entries[0].terms}
    assert expand == {("dimer", None): 1, ("dimer", (1,)): -1, ("dimer", (2,)): -1}
    assert (b.references[0].quantity.value, b.references[0].quantity.uncertainty) == (-5.0, 0.1)


def test_what_a_form_can_not_say_is_told(folder_with_lattice, tmp_path):
    left = dict(export_benchmark(load_benchmark(folder_with_lattice), "gmtkn55", tmp_path / "out"))
    assert "no molecule" in left["lattice"] or "a sum of energies" in left["lattice"]
    with pytest.raises(InputError, match="is there already"):
        export_benchmark(load_benchmark(folder_with_lattice), "csv", tmp_path / "out")
    with pytest.raises(InputError, match="no values of a reference set 'x'"):
        export_benchmark(load_benchmark(folder_with_lattice), "csv", tmp_path / "o", "x")
    with pytest.raises(InputError, match="unknown form"):
        export_benchmark(load_benchmark(folder_with_lattice), "cvs", tmp_path / "o")


@pytest.fixture
def folder_with_lattice(folder):
    (folder / "systems.toml").write_text(
        '[chain]\nkind = "hubbard"\nlattice = [2]\nboundary = ["open"]\nt = 1.0\nu = 4.0\nelectrons = 2\n'
        "multiplicity = 1\n"
    )
    with (folder / "entries.csv").open("a") as handle:
        handle.write("lattice,chain:1,energy_per_site,,,,,,,\n")
    with (folder / "references.csv").open("a") as handle:
        handle.write("lattice,paper,-0.4,t,,,exact,10.1000/toy,T1,current,\n")
    toml = folder / "benchmark.toml"
    toml.write_text(
        toml.read_text().replace('total_energy = "hartree"', 'total_energy = "hartree"\nenergy_per_site = "t"')
    )
    return folder


# --- results ----------------------------------------------------------------------------------------------------------


def test_results_become_a_published_level(folder, tmp_path):
    (tmp_path / "mine.csv").write_text("entry,value,other\nhe2,-0.03,1\nhe2_far,-0.01,2\n")
    b = load_benchmark(folder)
    level = Level("mine", "pbe0/def2-tzvp", bsse="cp", place="my notebook")
    assert add_level(b, level, read_results(tmp_path / "mine.csv")) == 2
    again = load_benchmark(folder)
    assert {r.entry: r.quantity.value for r in again.published} == {"he2": -0.03, "he2_far": -0.01}
    assert again.published_levels["mine"].place == "my notebook"
    (tmp_path / "more.json").write_text(json.dumps([{"entry": "he", "value": -2.9}, {"entry": "he2", "value": None}]))
    assert add_level(again, Level("more", "hf", place="p"), read_results(tmp_path / "more.json")) == 1
    third = load_benchmark(folder)
    assert {(r.set, r.entry): r.quantity.value for r in third.published} == {
        ("mine", "he2"): -0.03,
        ("mine", "he2_far"): -0.01,
        ("more", "he"): -2.9,
    }
    assert third.references == b.references


@pytest.mark.parametrize(
    ("level", "values", "message"),
    [
        (Level("mine", "pbe0", place="p"), {"he3": "1"}, "no entry 'he3'; did you mean"),
        (Level("paper", "pbe0", place="p"), {"he2": "1"}, "has a reference set 'paper' already"),
        (Level("a b", "pbe0", place="p"), {"he2": "1"}, "can't be the name of a reference set"),
        (Level("mine", "pbe 0", place="p"), {"he2": "1"}, "no blanks"),
        (Level("mine", "pbe0", unit="bohr", place="p"), {"he2": "1"}, "can't convert"),
        (Level("mine", "pbe0", place="p"), {"he2": ""}, "no value to import"),
    ],
)
def test_wrong_results_change_nothing(folder, level, values, message):
    before = {p.name: p.read_text() for p in folder.iterdir() if p.is_file()}
    with pytest.raises(InputError, match=message):
        add_level(load_benchmark(folder), level, values)
    assert {p.name: p.read_text() for p in folder.iterdir() if p.is_file()} == before


def test_shipped_benchmarks_are_not_changed():
    from qmbench.data.benchmark import find_benchmark

    with pytest.raises(InputError, match="is shipped with qmbench and is not changed"):
        add_level(find_benchmark("s22"), Level("mine", "pbe0", place="p"), {"water_dimer": "-5"})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "entry,energy\nx,1\n", "which column is the value"),
        ("a.csv", "entry,value\nx,1,2\n", "line 2: 3 fields"),
        ("a.csv", "entry,value\nx,one\n", "line 2: value must be a finite number"),
        ("a.csv", "entry,value\nx,1\nx,2\n", "line 3: entry 'x' is there twice"),
        ("a.json", "[1]", "an object of numbers by entry"),
        ("a.json", '{"x": "1"}', "the value of 'x' is no number"),
        ("a.json", "{", "malformed JSON"),
    ],
)
def test_a_wrong_file_of_results(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_results(tmp_path / name)


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_names_are_made_safe_and_kept_apart():
    assert draft.safe_name("a b/c,d") == "a_b_c_d"
    assert draft.safe_name("-x") == "x"
    assert draft.safe_name("é") == "x"
    assert draft.safe_name("a", ["a", "a-2"]) == "a-3"
    assert len(draft.safe_name("y" * 200)) == 80
    assert len(draft.safe_name("y" * 200, ["y" * 80])) == 80


def test_toml_is_read_back_as_it_was():
    import tomllib

    table = {
        "text": 'quoted "x" \\ back\nnew line \x7f ö',
        "number": 1.5,
        "yes": True,
        "list": ["a", "b"],
        "tables": [{"a b": 1}, {"c": "d"}],
        "inner": {"x.y": {"deep": [1, 2]}, "empty": {}},
    }
    assert tomllib.loads(draft.toml_text(table)) == table


def test_numbers_keep_their_digits(tmp_path):
    g = draft.Geometry(("H", "H"), (("0.0", "0.0", "0.0"), ("0.1234567890", "0.0", "0.74")), 0, 1)
    (tmp_path / "a.xyz").write_text(g.frame("h2"))
    assert plugins().systems.read(tmp_path / "a.xyz").coordinates[1][0] == 0.1234567890 / BOHR_IN_ANGSTROM


def test_parts_hold_every_atom_of_the_whole():
    def geometry(*atoms):
        words = [a.split() for a in atoms]
        return draft.Geometry(tuple(w[0] for w in words), tuple((w[1], w[2], w[3]) for w in words), 0, 1)

    whole, a, b = geometry(*WATER, *SHIFTED), geometry(*WATER), geometry(*SHIFTED)
    assert [f.atoms for f in draft.parts_of(whole, [a, b])] == [(0, 1, 2), (3, 4, 5)]
    assert draft.parts_of(whole, [a]) is None  # half of it
    assert draft.parts_of(whole, [a, a]) is None  # one molecule twice
    assert draft.parts_of(a, [a, b]) is None  # more than all of it
