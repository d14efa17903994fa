"""Systems of the qmbench-ase tests, and calculators that misbehave."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from qmbench import Crystal, Molecule, Resources, parse_level

WATER = Molecule(("O", "H", "H"), ((0.1, 0.0, 0.12), (0.3, 1.43, -0.97), (-0.2, -1.43, -0.99)), 0, 1, name="water")
OH = Molecule(("O", "H"), ((0.0, 0.0, 0.0), (0.2, 0.1, 1.83)), 0, 2, name="OH")
HYDROXIDE = Molecule(("O", "H"), ((0.0, 0.0, 0.0), (0.3, 0.1, 1.8)), -1, 1, name="hydroxide")
O2 = Molecule(("O", "O"), ((0.0, 0.0, 0.0), (0.3, 0.4, 2.2)), 0, 3, name="oxygen")
COPPER = Crystal(
    ("Cu", "Cu"), ((0.1, 0.0, 0.0), (3.3, 3.5, 0.2)), ((6.8, 0.1, 0.0), (0.0, 6.7, 0.2), (0.3, 0.0, 5.1)), 0, 1, "Cu2"
)

SYSTEMS = {"water": WATER, "OH": OH, "hydroxide": HYDROXIDE, "oxygen": O2, "copper": COPPER}

MISBEHAVING = '''
import os, sys
from ase.calculators.calculator import Calculator, CalculationFailed, PropertyNotImplementedError, SCFError
class Bad(Calculator):
    """A calculator that behaves badly. how: in which way."""
    implemented_properties = ["energy", "forces"]
    default_parameters = {"how": "", "weights": None, "value": 1.0}
    made = 0
    def __init__(self, **keywords):
        type(self).made += 1
        super().__init__(**keywords)
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        how = self.parameters.how
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": self.parameters.value}
        if how == "prints":
            print("noise" * 1000); os.write(1, b"more noise"); os.write(2, b"and more")
        elif how == "moves":
            os.mkdir("elsewhere"); os.chdir("elsewhere"); open("file", "w").write("x")
        elif how == "segfaults":
            import ctypes; ctypes.string_at(0)
        elif how == "exits":
            sys.exit(3)
        elif how == "kills":
            os._exit(7)
        elif how == "scf":
            raise SCFError("no convergence\\nafter all")
        elif how == "raises":
            raise ValueError("a long\\nstory")
        elif how == "nan":
            self.results = {"energy": float("nan")}
        elif how == "count":
            self.results = {"energy": float(type(self).made)}
class Told(Calculator):
    """Gives back what it was told by Atoms.info and keywords."""
    implemented_properties = ["energy"]
    default_parameters = {"q": 0, "uhf": 0}
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        i, p = atoms.info, self.parameters
        self.results = {"energy": 1000.0 * i.get("charge", 0) + 100.0 * i.get("spin", 0) + 10.0 * p.q + p.uhf}
class NoProperty(Calculator):
    """Gives nothing that we know."""
    implemented_properties = ["magmoms"]
'''


@pytest.fixture
def systems():
    """name -> system"""
    return SYSTEMS


@pytest.fixture
def bad(tmp_path, monkeypatch):
    """The module `misbehaving`, importable here and in children; the folder that holds it."""
    (tmp_path / "misbehaving.py").write_text(MISBEHAVING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    import sys

    from qmbench_ase import methods, probe

    sys.modules.pop("misbehaving", None)
    for cached in (methods.calculator_method, methods._kept, probe.calculator):
        cached.cache_clear()


@pytest.fixture
def run(tmp_path):
    """run(level, system, *properties) -> Result, after the check that planning makes."""

    def compute(level, system, *properties):
        system = SYSTEMS[system] if isinstance(system, str) else system
        return parse_level(level).make().run(system, properties or ("energy",), Resources(scratch=tmp_path))

    return compute
