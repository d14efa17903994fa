"""Learned potentials whose weights come with their package: against the calculator called by hand.

They live in an environment of their own, so these tests run there, and are skipped where the package is not installed:
docs/reference/ase.md says how it is made.
"""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from qmbench import Crystal, Molecule

SEVENNET = "ase:sevenn.calculator.SevenNetCalculator?model=7net-0&device=cpu&reuse=true"
CHGNET = "ase:chgnet.model.dynamics.CHGNetCalculator?use_device=cpu&reuse=true"
WATER = Molecule(("O", "H", "H"), ((0.0, 0.1, 0.22), (0.1, 1.43, -0.89), (0.0, -1.43, -0.95)), 0, 1, name="water")
MACE = "ase:mace.calculators.MACECalculator?model_paths=tiny.model&device=cpu&default_dtype=float64&reuse=true"
A = 5.33
SALT = Crystal(
    ("Na", "Cl"), ((0.1, 0.0, 0.0), (A, A, A + 0.2)), ((0.0, A, A), (A, 0.0, A), (A, A, 0.0)), 0, 1, name="salt"
)


def by_hand(calculator, system):
    """(energy, forces) in hartree and bohr, by ASE alone."""
    from ase import Atoms
    from ase.units import Bohr, Hartree

    cell = system.lattice_vectors * Bohr if isinstance(system, Crystal) else None
    atoms = Atoms(system.symbols, system.coordinates * Bohr, cell=cell, pbc=cell is not None, calculator=calculator)
    return atoms.get_potential_energy() / Hartree, atoms.get_forces() / Hartree * Bohr


def compared(run, level, system, calculator):
    """The numbers of the level are those of the calculator, and its forces minus the derivative of its energy."""
    found = run(level, system, "energy", "forces").properties
    energy, forces = by_hand(calculator, system)
    assert found["energy"].value == pytest.approx(energy, abs=1e-6)  # of weights in single precision
    assert np.abs(found["forces"].value - forces).max() < 1e-6
    assert np.abs(forces).max() > 1e-3
    step, ends = 0.02, []
    for sign in (1, -1):
        moved = np.array(system.positions)
        moved[1, 2] += sign * step
        ends.append(run(level, replace(system, positions=tuple(map(tuple, moved)))).properties["energy"].value)
    assert -(ends[0] - ends[1]) / (2 * step) == pytest.approx(forces[1, 2], abs=2e-4)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("sevenn") is None, reason="sevenn is not installed in this environment")
@pytest.mark.parametrize("system", [WATER, SALT], ids=["water", "salt"])
def test_sevennet(run, system):
    from sevenn.calculator import SevenNetCalculator

    compared(run, SEVENNET, system, SevenNetCalculator(model="7net-0", device="cpu"))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mace") is None, reason="mace-torch is not installed in this environment")
@pytest.mark.parametrize("system", [WATER, SALT], ids=["water", "salt"])
def test_mace_with_weights_of_ones_own(run, system, tmp_path, monkeypatch):
    """The architecture of MACE with tiny random weights, in a file of the user's."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # e3nn and mace load pickles of their own
    monkeypatch.chdir(tmp_path)
    import torch
    from e3nn import o3
    from mace import modules, tools
    from mace.calculators import MACECalculator

    torch.manual_seed(7)
    torch.set_default_dtype(torch.float64)
    table = tools.AtomicNumberTable([1, 8, 11, 17])
    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    model = modules.ScaleShiftMACE(
        r_max=5.0,
        num_bessel=4,
        num_polynomial_cutoff=5,
        max_ell=2,
        interaction_cls=block,
        interaction_cls_first=block,
        num_interactions=2,
        num_elements=len(table),
        hidden_irreps=o3.Irreps("8x0e + 8x1o"),
        MLP_irreps=o3.Irreps("8x0e"),
        gate=torch.nn.functional.silu,
        atomic_energies=np.array([-13.6, -2040.0, -4400.0, -12500.0]),
        avg_num_neighbors=4.0,
        atomic_numbers=table.zs,
        correlation=2,
        atomic_inter_scale=150.0,
        atomic_inter_shift=0.0,
    )
    torch.save(model, "tiny.model")
    compared(run, MACE, system, MACECalculator(model_paths="tiny.model", device="cpu", default_dtype="float64"))


ANI = """
import torch
from torchani.arch import simple_ani
from torchani.ase import Calculator


def model():
    return simple_ani(("H", "O"), lot="wb97x-631gd", repulsion=False).double()


class Ani(Calculator):
    def __init__(self, weights):
        made = model()
        made.load_state_dict(torch.load(weights, weights_only=True))
        super().__init__(made)
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("torchani") is None, reason="torchani is not installed in this environment")
def test_torchani_with_weights_of_ones_own(run, tmp_path, monkeypatch):
    """The architecture of ANI with random weights, in a file of the user's, by a class of the user's."""
    (tmp_path / "own_ani.py").write_text(ANI)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    import torch
    from own_ani import Ani, model

    torch.manual_seed(7)
    torch.save(model().state_dict(), "own.pt")
    compared(run, "ase:own_ani.Ani?weights=own.pt", WATER, Ani("own.pt"))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("chgnet") is None, reason="chgnet is not installed in this environment")
def test_chgnet_takes_crystals_alone(run):
    from chgnet.model.dynamics import CHGNetCalculator

    from qmbench import QmbenchError

    compared(run, CHGNET, SALT, CHGNetCalculator(use_device="cpu"))
    with pytest.raises(QmbenchError, match="Singular matrix"):
        run(CHGNET, WATER)
