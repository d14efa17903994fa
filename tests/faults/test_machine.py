"""What the user's machine says beside the level of theory does not change a number behind its record key."""

from __future__ import annotations

import os

import pytest

from qmbench import Molecule, level
from qmbench.domain.record import Task
from qmbench.running.engine.child import neutralize
from qmbench.running.engine.local import LocalEngine

HELIUM = Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="helium")
# With the fifth parametrization of Vosko, Wilk and Nusair helium would have -2.89993.
B3LYP = -2.90706


def energy():
    task = Task(HELIUM, level("b3lyp/def2-svp"), ("energy",))
    with LocalEngine(1) as engine:
        ((_, outcome),) = engine.run([task])
    assert outcome.failure is None, outcome.failure
    return outcome.properties["energy"].value


@pytest.mark.parametrize("where", ["home", "variable"])
def test_a_configuration_file_of_pyscf_changes_nothing(tmp_path, monkeypatch, where):
    path = tmp_path / ".pyscf_conf.py"
    path.write_text("B3LYP_WITH_VWN5 = True\ndft_libxc_B3LYP_WITH_VWN5 = True\nscf_hf_SCF_conv_tol = 1e-2\n")
    if where == "home":
        monkeypatch.setenv("HOME", str(tmp_path))
    else:
        monkeypatch.setenv("PYSCF_CONFIG_FILE", str(path))
    assert energy() == pytest.approx(B3LYP, abs=1e-5)


def test_variables_that_configure_programs_do_not_reach_the_worker(tmp_path, monkeypatch):
    kept = {"JAX_PLATFORMS": "cpu", "PATH": "/bin"}
    told = {"PYSCF_EXT_PATH": "x", "ASE_CONFIG_PATH": "x", "JAX_ENABLE_X64": "0", **kept}
    monkeypatch.setattr(os, "environ", dict(told))
    neutralize(tmp_path)
    assert os.environ.pop("PYSCF_CONFIG_FILE") == os.environ.pop("ASE_CONFIG_PATH") == str(tmp_path / "empty")
    assert os.environ == kept
    assert (tmp_path / "empty").read_text() == ""
