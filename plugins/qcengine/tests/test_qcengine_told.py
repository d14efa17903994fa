"""What a program with basis sets is told, by a stand-in for Psi4 in QCEngine that keeps what it was told."""

from __future__ import annotations

import numpy as np
import pytest

from qmbench import QmbenchError, Unsupported


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
