"""A method that is meant well passes every check of the conformance kit."""

from __future__ import annotations

import pytest

from qmbench.testing import check_names, checks


@pytest.mark.parametrize("name", check_names())
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
