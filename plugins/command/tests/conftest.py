"""A folder of commands for each test, with Lennard-Jones in awk by a template and by the JSON contract."""

from __future__ import annotations

import pytest

from qmbench import Crystal, Molecule, Resources, parse_level
from qmbench.plugging import registry

PAIR = Molecule(("Ar", "Ar", "Ne"), ((0.0, 0.1, 0.0), (2.0, 0.3, 0.1), (0.4, 2.2, 0.7)), 0, 1, name="Ar2Ne")
ION = Molecule(("Ar",), ((0, 0, 0),), 1, 2, name="argon cation")
O2 = Molecule(("O", "O"), ((0, 0, 0), (0, 0, 2.2)), 0, 3, name="oxygen")
CELL = Crystal(("Ar",), ((0, 0, 0),), ((7, 0, 0), (0, 7, 0), (0, 0, 7)), 0, 1, name="argon")

SCRIPT = r"""#!/bin/sh
# Lennard-Jones in reduced units: energy in hartree, gradient in hartree/bohr.
awk -v s="$1" 'NF == 4 { n++; x[n] = $2; y[n] = $3; z[n] = $4 }
END {
  for (i = 1; i <= n; i++) for (j = 1; j <= n; j++) if (i != j) {
    dx = x[i] - x[j]; dy = y[i] - y[j]; dz = z[i] - z[j]; r2 = dx*dx + dy*dy + dz*dz; q = (s*s/r2)^3
    e += 2 * (q*q - q); f = -24 * (2*q*q - q) / r2; gx[i] += f*dx; gy[i] += f*dy; gz[i] += f*dz
  }
  printf "total energy: %.15e\n", e
  for (i = 1; i <= n; i++) printf "gradient %.15e %.15e %.15e\n", gx[i], gy[i], gz[i]
  print "finished"
}'
"""
LJ = r"""
description = "Lennard-Jones potential 4((s/r)^12 - (s/r)^6) in hartree, by ten lines of awk"
command = ["sh", "${folder}/lj.sh", "${sigma}"]
version_command = ["sh", "-c", "echo version 1.0"]
charges = false
spins = false
input = '''
${xyz_bohr}
'''
success = "finished"
citations = ["10.1098/rspa.1924.0082"]

[options.sigma]
default = 1.5
description = "distance of zero energy, bohr"

[properties.energy]
unit = "hartree"
regex = 'total energy:\s+(\S+)'

[properties.forces]
unit = "hartree/bohr"
regex = '^gradient (\S+) (\S+) (\S+)'
scale = -1.0
"""


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """put(name, toml, **files) writes a description; `lj` is there. The plugins of the process are found anew."""
    folder = tmp_path / "commands"
    folder.mkdir()
    monkeypatch.setenv("QMBENCH_COMMANDS", str(folder))
    (folder / "lj.sh").write_text(SCRIPT)

    def put(name, toml):
        (folder / f"{name}.toml").write_text(toml)
        registry.plugins.cache_clear()
        return folder

    put("lj", LJ)
    yield put
    registry.plugins.cache_clear()


@pytest.fixture
def run(tmp_path):
    """run(level, system, *properties) -> Result, after the check that planning makes."""

    def compute(level, system, *properties):
        return parse_level(level).make().run(system, properties or ("energy",), Resources(scratch=tmp_path))

    return compute


@pytest.fixture
def systems():
    """name -> system"""
    return {"pair": PAIR, "ion": ION, "oxygen": O2, "cell": CELL}
