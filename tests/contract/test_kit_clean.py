"""A method that is meant well passes every check of the conformance kit."""

from __future__ import annotations

import pytest

from qmbench import Crystal, LatticeModel, Molecule
from qmbench.testing import checks
from qmbench.testing.kit import CHECKS

# Those of the core's kinds of system; what other kinds bring is for their plugins' methods.
NAMES = list(dict.fromkeys([*CHECKS, *(name for kind in (Molecule, Crystal, LatticeModel) for name in kind.checks())]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("plugin", ["toy", "pairs", "morse"])
def test_clean_method_passes(installed_toys, plugin, name):
    found = [c for c in checks(plugin, registry=installed_toys) if c.name == name]
    kinds = {"lattice": "toy", "crystal": "pairs"}
    assert len(found) == (kinds.get(name.partition("_")[0], plugin) == plugin)
    for check in found:
        check()


def test_every_check_says_what_it_holds_against_a_method(installed_toys):
    for check in checks("toy", registry=installed_toys):
        assert check.description.endswith(".")
        assert str(check) == f"toy-{check.name}"
