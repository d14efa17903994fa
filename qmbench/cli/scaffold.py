"""The files of a new plugin package: a small exact method, so that everything around it can be seen to work."""

from __future__ import annotations

from string import Template

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "$distribution"
version = "0.1.0"
description = "A method for qmbench"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["qmbench"]

[project.optional-dependencies]
test = ["pytest>=8.3"]

[project.entry-points.qmbench]
$name = "$package"

[tool.hatch.build.targets.wheel]
packages = ["src/$package"]

[tool.pytest.ini_options]
testpaths = ["tests"]
"""

_README = """\
# $distribution

A plugin for qmbench. It brings one method, `$method`: the exact energy of one electron and one nucleus.

    pip install -e .[test]
    pytest
    qmbench plugin check $name
    qmbench compute $method hydrogen.xyz

The method is in `src/$package/method.py`. Write yours in its place:

1. `systems` and `properties` say what it does, `check_system` refuses the rest before anything runs.
2. `Options` holds everything that changes the number. A physical choice (a basis) has no default.
3. `compute` returns the properties that were asked for, in the units of `qmbench list properties`, and raises
   `qmbench.NotConverged` instead of returning a number that is not converged.
4. Import the program that you drive inside `compute`, never at the top of a file.
5. `examples` and `example_systems` say what the conformance kit may compute.
"""

_HYDROGEN = """\
1
charge=0 multiplicity=2
H 0.0 0.0 0.0
"""

_INIT = '''\
"""A plugin of qmbench. Importing it must cost milliseconds: import the program that you drive inside `compute`."""

import qmbench
from $package.method import $class_name

QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    return [$class_name]
'''

_METHOD = '''\
"""One electron and one nucleus, exactly."""

import math

from pydantic import Field

import qmbench

SPEED_OF_LIGHT = 137.035999084  # atomic units, CODATA 2018


class $class_name(qmbench.Method[qmbench.Molecule]):
    """Exact ground-state energy, in hartree, of one electron and a point nucleus at rest.

    Nonrelativistic: E = -Z^2/2, Schroedinger, Ann. Phys. 384, 361 (1926). Relativistic: the Dirac equation,
    E = c^2 (sqrt(1 - (Z/c)^2) - 1), Darwin, Proc. R. Soc. A 118, 654 (1928).
    """

    name = "$method"
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy"})

    class Options(qmbench.Options):
        relativistic: bool = Field(False, description="solve the Dirac instead of the Schroedinger equation")

    @classmethod
    def example_systems(cls):
        return [
            qmbench.Molecule(("H",), ((0.0, 0.0, 0.0),), charge=0, multiplicity=2, name="hydrogen"),
            qmbench.Molecule(("He",), ((0.0, 0.0, 0.0),), charge=1, multiplicity=2, name="helium cation"),
        ]

    def check_system(self, system, properties):
        if any(system.ghosts) or len(system.symbols) != 1 or system.n_electrons != 1:
            raise qmbench.Unsupported(f"{self.name} does one electron and one nucleus, without ghosts")

    def compute(self, system, properties, resources):
        z = float(system.atomic_numbers[0])
        if self.options.relativistic:
            energy = SPEED_OF_LIGHT**2 * (math.sqrt(1.0 - (z / SPEED_OF_LIGHT) ** 2) - 1.0)
        else:
            energy = -0.5 * z**2
        return qmbench.Result({"energy": qmbench.Quantity(energy, "hartree")})
'''

_TEST_CONFORMANCE = '''\
"""What qmbench asks of every method: invariances, units, refusals, no dead option."""

import pytest

import qmbench.testing


@pytest.mark.parametrize("check", qmbench.testing.checks("$name"), ids=str)
def test_conformance(check):
    check()
'''

_TEST_PHYSICS = '''\
"""The numbers themselves: exact results first."""

import pytest

import qmbench


def energy(level, symbol, charge):
    ion = qmbench.Molecule((symbol,), ((0.0, 0.0, 0.0),), charge=charge, multiplicity=2)
    result = qmbench.parse_level(level).make().compute(ion, frozenset({"energy"}), qmbench.Resources())
    return result.properties["energy"].to("hartree").value


def test_hydrogen_is_exact():
    assert energy("$method", "H", 0) == -0.5


def test_energy_scales_with_the_square_of_the_charge():
    assert energy("$method", "Ne", 9) == pytest.approx(100 * energy("$method", "H", 0))


def test_relativity_binds_more_and_as_perturbation_theory_says():
    # Leading order in 1/c^2: -Z^4 / (8 c^2).
    shift = energy("$method?relativistic=true", "H", 0) - energy("$method", "H", 0)
    assert shift == pytest.approx(-1.0 / (8 * 137.035999084**2), rel=1e-3)


def test_two_electrons_are_refused():
    helium = qmbench.Molecule(("He",), ((0.0, 0.0, 0.0),), charge=0, multiplicity=1)
    with pytest.raises(qmbench.Unsupported, match="one electron"):
        qmbench.parse_level("$method").make().check(helium, frozenset({"energy"}))
'''

_TEMPLATES = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "hydrogen.xyz": _HYDROGEN,
    "src/$package/__init__.py": _INIT,
    "src/$package/method.py": _METHOD,
    "tests/test_conformance.py": _TEST_CONFORMANCE,
    "tests/test_physics.py": _TEST_PHYSICS,
}


def files(name: str) -> dict[str, str]:
    """Path -> text of every file of a plugin called `name` (lower case, with underscores)."""
    words = {
        "name": name,
        "method": name.replace("_", "-"),
        "package": f"qmbench_{name}",
        "distribution": f"qmbench-{name.replace('_', '-')}",
        "class_name": "".join(part.capitalize() for part in name.split("_")),
    }
    return {Template(path).substitute(words): Template(text).substitute(words) for path, text in _TEMPLATES.items()}
