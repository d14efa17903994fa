"""What a program with basis sets is told, by a stand-in for Psi4 in QCEngine that keeps what it was told."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import QmbenchError, Unsupported, parse_level


@pytest.fixture
def told(monkeypatch):
    """The inputs that the stand-in was given, in order; keywords `moves` and `correlation` change its answers."""
    from qcelemental.models.v2 import AtomicResult
    from qcengine.programs import base
    from qcengine.programs.model import ProgramHarness

    from qmbench_qcengine import methods
    from qmbench_qcengine.probe import Found

    inputs = []

    class Told(ProgramHarness):
        _defaults = dict(
            name="psi4",
            scratch=False,
            thread_safe=True,
            thread_parallel=True,
            node_parallel=False,
            managed_memory=False,
        )

        @staticmethod
        def found(raise_error=False):
            return True

        def get_version(self):
            return "1.9"

        def compute(self, input_model, config):
            inputs.append((input_model, config))
            keywords = input_model.specification.keywords
            molecule = input_model.molecule
            if keywords.get("moves"):
                molecule = molecule.model_copy(update={"geometry": molecule.geometry[:, ::-1]})
            energy = -1.0
            gradient = np.arange(3.0 * len(molecule.symbols)).reshape(-1, 3)
            return AtomicResult(
                input_data=input_model,
                molecule=molecule,
                properties={
                    "return_energy": energy,
                    "scf_total_energy": energy + keywords.get("correlation", 0.0),
                    "scf_dipole_moment": [0.0, 0.0, 0.5],
                },
                return_result=gradient if input_model.specification.driver == "gradient" else energy,
                provenance={"creator": "Told", "version": "1.9"},
                success=True,
            )

    monkeypatch.setitem(base.programs, "psi4", Told())
    monkeypatch.setattr(methods, "installed", lambda program: Found(program, "1.9"))
    methods.program_method.cache_clear()
    yield inputs
    methods.program_method.cache_clear()


def test_molecule_basis_and_keywords(run, told, systems):
    found = run('qc:psi4/HF/cc-pVDZ?scf_type=pk&maxiter=50&e_convergence=1e-9&table={"a":[1,2]}', "ghost", "forces")
    ((asked, limits),) = told
    specification = asked.specification
    assert (specification.model.method, specification.model.basis) == ("hf", "cc-pvdz")
    assert specification.driver == "gradient"
    assert specification.keywords == {"scf_type": "pk", "maxiter": 50, "e_convergence": 1e-9, "table": {"a": [1, 2]}}
    ghost = systems["ghost"]
    assert list(asked.molecule.symbols) == list(ghost.symbols)
    assert asked.molecule.real.tolist() == [True, True, False]
    assert np.abs(asked.molecule.geometry - ghost.coordinates).max() < 1e-7
    assert (asked.molecule.molecular_charge, asked.molecule.molecular_multiplicity) == (-1, 1)
    assert (limits.ncores, limits.retries) == (1, 0)
    assert found.properties["forces"].value.tolist() == [[0, -1, -2], [-3, -4, -5], [-6, -7, -8]]
    assert found.settings["version"] == "1.9"


def test_charge_and_multiplicity(run, told, systems):
    for name in ("oxygen", "hydroxide", "OH"):
        run("qc:psi4/hf/sto-3g", name)
        molecule = told[-1][0].molecule
        assert molecule.molecular_charge == systems[name].charge
        assert molecule.molecular_multiplicity == systems[name].multiplicity
        assert told[-1][0].specification.driver == "energy"


def test_a_method_may_bring_its_basis(run, told):
    run("qc:psi4/hf-3c", "water")
    assert told[0][0].specification.model.basis is None


def test_a_molecule_that_was_turned_has_no_forces(run, told):
    with pytest.raises(QmbenchError, match="moved or turned"):
        run("qc:psi4/hf/sto-3g?moves=true", "water", "forces")


def test_a_correlated_level_has_not_the_dipole_of_its_mean_field(run, told):
    assert run("qc:psi4/hf/sto-3g", "water", "dipole").properties["dipole"].value.tolist() == [0, 0, 0.5]
    with pytest.raises(Unsupported, match="no dipole moment of this level"):
        run("qc:psi4/mp2/sto-3g?correlation=0.2", "water", "dipole")


SPHERICAL, TIGHT = {"basis__spherical": True}, {"scf__thresh": 1e-8}
FINE = {"dft__grid": "xfine", "dft__convergence__energy": 1e-8}


@pytest.mark.parametrize(
    ("level", "system", "added"),
    [
        ("qc:nwchem/hf/cc-pvdz", "water", SPHERICAL | TIGHT),
        ("qc:nwchem/mp2/cc-pvdz", "OH", SPHERICAL | TIGHT | {"scf__uhf": True}),
        ("qc:nwchem/hf/cc-pvdz?scf__rohf=true", "OH", SPHERICAL | TIGHT),
        ("qc:nwchem/hf/cc-pvdz?basis__cartesian=true&scf__thresh=1e-6", "water", {}),
        ("qc:nwchem/pbe/cc-pvdz", "OH", SPHERICAL | FINE),
        ("qc:nwchem/pbe/cc-pvdz?dft__grid__lebedev=[75,11]&dft__convergence__density=1e-7", "OH", SPHERICAL),
        ("qc:nwchem/m06-2x/cc-pvdz", "OH", SPHERICAL),
        ("qc:psi4/hf/cc-pvdz", "OH", {}),
    ],
)
def test_nwchem_is_told_what_it_takes_otherwise(told, systems, level, system, added):
    """Cartesian functions and a restricted open shell else; what a level says itself stays."""
    from qmbench_qcengine.told import told as besides

    method = parse_level(level).make()
    assert besides(method.found.program, method.model, method.options.passed_on, systems[system]) == added


@pytest.mark.parametrize(
    ("level", "same"),
    [
        ("qc:nwchem/hf/cc-pvdz", "hf/cc-pvdz"),
        ("qc:nwchem/scf/cc-pvdz?basis__spherical=true&scf__thresh=1e-9", "hf/cc-pvdz"),
        ("qc:nwchem/mp2/cc-pvdz", "mp2/cc-pvdz"),
        ("qc:nwchem/hf/cc-pvdz?basis__cartesian=true", None),
        ("qc:nwchem/hf/cc-pvdz?scf__rohf=true", None),
        ("qc:nwchem/mp2/cc-pvdz?mp2__freeze=1", None),
        ("qc:nwchem/hf/6-31g*", None),
        ("qc:nwchem/pbe/cc-pvdz", "pbe/cc-pvdz"),
        ("qc:nwchem/pbe0/def2-tzvp?dft__grid=huge&dft__iterations=90", "pbe0/def2-tzvp"),
        ("qc:nwchem/b3lyp/aug-cc-pvdz", "b3lyp/aug-cc-pvdz"),
        ("qc:nwchem/pbe/cc-pvdz?dft__grid=coarse", None),
        ("qc:nwchem/pbe/cc-pvdz?dft__disp__vdw=3", None),
        ("qc:nwchem/m06-2x/cc-pvdz", None),
        ("qc:psi4/hf/cc-pvdz", None),
    ],
)
def test_only_what_was_compared_is_one_level_in_two_programs(told, level, same):
    """Psi4 fits densities if not told otherwise, so that its hf is not PySCF's."""
    shared = parse_level(level).make().families()
    assert shared.get("level") == same
    assert shared["program"] == level[3:].split("/")[0]


def test_forces_of_some_atoms_alone_are_none(run, told, monkeypatch):
    """NWChem leaves out those on ghost atoms."""
    import qcengine

    whole = qcengine.compute

    def short(*asked, **how):
        answer = whole(*asked, **how)
        return answer | {"return_result": np.ravel(answer["return_result"])[:6]}

    monkeypatch.setattr(qcengine, "compute", short)
    with pytest.raises(Unsupported, match="forces of 2 of 3 atoms"):
        run("qc:psi4/hf/sto-3g", "ghost", "forces")


def test_no_dipole_of_nwchem(told):
    assert parse_level("qc:nwchem/hf/cc-pvdz").make().properties == {"energy", "forces"}


def test_what_is_told_besides_reaches_the_program_and_the_record(run, told, monkeypatch):
    monkeypatch.setattr("qmbench_qcengine.methods.told", lambda *asked: {"maxiter": 9, "guess": "core"})
    found = run("qc:psi4/hf/sto-3g?maxiter=50", "water")
    assert told[0][0].specification.keywords == {"maxiter": 50, "guess": "core"}
    assert found.settings["told besides"] == {"maxiter": 9, "guess": "core"}
