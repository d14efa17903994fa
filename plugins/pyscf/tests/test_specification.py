"""What an SCF depends on: as a value, as an artifact's key, and as the options of a method."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from pydantic import ValidationError

from qmbench import Molecule, Unsupported
from qmbench_pyscf import ExternalFunctional, KohnShamOptions, ScfOptions, ScfSpecification, converged_scf
from qmbench_pyscf.specification import AddedShells

HF = ScfSpecification("6-31g")
OTHER = {
    "basis": "sto-3g",
    "xc": "pbe",
    "reference": "unrestricted",
    "density_fitting": True,
    "grid": 3,
    "energy_tolerance": 1e-8,
    "max_cycle": 50,
    "stability": False,
    "nlc": False,
    "field": (0.0, 0.0, 0.01),
    "potential": "ccecp",
    "cartesian": False,
    "charges": (0.5,),
    "functions": ("He",),
    "extension": AddedShells("cc-pvdz", ((0,),)),
    "backend": "gpu",
}


def external(kind="GGA", version="1"):
    return ExternalFunctional("of a plugin", version, kind, lambda rho, order: (rho, None, None))


def test_the_key_depends_on_every_field(molecules):
    assert set(OTHER) == {f.name for f in fields(ScfSpecification)}
    start = ScfSpecification("6-31g", "blyp")
    keys = [replace(start, **{name: value}).artifact_key(molecules["h"]) for name, value in OTHER.items()]
    keys += [replace(start, xc=xc).artifact_key(molecules["h"]) for xc in (None, external(), external(version="2"))]
    assert len({start.artifact_key(molecules["h"]), *keys}) == len(OTHER) + 4


def test_the_key_knows_the_molecule_but_not_its_name(molecules):
    h = molecules["h"]
    assert HF.artifact_key(h) == HF.artifact_key(replace(h, name="hydrogen"))
    assert HF.artifact_key(h) != HF.artifact_key(replace(h, charge=-1, multiplicity=1))
    assert HF.artifact_key(h) != HF.artifact_key(replace(h, positions=((0.0, 0.0, 1.0),)))


def test_the_key_is_the_one_that_artifacts_are_kept_under(molecules):
    """A text that changes without need makes everyone compute everything again."""
    key = json.loads(ScfSpecification("cc-pvdz", "PBE", grid=2).artifact_key(molecules["h"]))
    assert key.pop("versions")
    assert key.pop("system")["symbols"] == ["H"]
    assert key == {
        "what": "scf",
        "basis": "cc-pvdz",
        "xc": "PBE",
        "options": {
            "reference": "auto",
            "density_fitting": False,
            "grid": 2,
            "energy_tolerance": 1e-10,
            "max_cycle": 100,
            "stability": True,
            "nlc": True,
            "field": [0.0, 0.0, 0.0],
            "potential": None,
        },
    }


def test_the_grid_that_is_meant_and_the_one_that_is_written_are_one_calculation(molecules):
    levels = {"SVWN": 4, "PBE": 4, "TPSS": 5, None: 0}
    assert {xc: ScfSpecification("6-31g", xc).grid_level for xc in levels} == levels
    assert [ScfSpecification("6-31g", external(kind)).grid_level for kind in ("LDA", "GGA", "MGGA")] == [4, 4, 5]
    meant, written = (ScfSpecification("6-31g", "PBE", grid=grid) for grid in (None, 4))
    assert meant.artifact_key(molecules["h"]) == written.artifact_key(molecules["h"])
    assert replace(HF, grid=3).artifact_key(molecules["h"]) == HF.artifact_key(molecules["h"])


def test_options_say_what_is_computed():
    given = {"basis": "sto-3g", "reference": "unrestricted", "density_fitting": True}
    given |= {"energy_tolerance": 1e-7, "max_cycle": 7, "stability": False}
    assert ScfOptions(**given).specification() == ScfSpecification(**given)
    kohn_sham = KohnShamOptions(**given, grid=3).specification("pbe", nlc=False)
    assert kohn_sham == ScfSpecification(**given, grid=3, xc="pbe", nlc=False)


def test_options_left_out_are_those_of_the_specification():
    assert KohnShamOptions(basis="sto-3g").specification() == ScfSpecification("sto-3g")
    with pytest.raises(ValidationError, match="grid"):
        ScfOptions(basis="sto-3g", grid=3)


def test_no_determinant_of_that_kind():
    oxygen, proton = Molecule(("O",), ((0, 0, 0),), 0, 3), Molecule(("H",), ((0, 0, 0),), 1, 1)
    with pytest.raises(Unsupported, match="reference=unrestricted"):
        converged_scf(oxygen, replace(HF, reference="restricted"))
    with pytest.raises(Unsupported, match="no electrons"):
        converged_scf(proton, HF)
