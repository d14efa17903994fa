"""A method that is meant well passes every check of the conformance kit."""

from __future__ import annotations

import pytest

from qmbench.testing import CHECKS, checks


@pytest.mark.parametrize("name", CHECKS)
def test_clean_method_passes(installed_toys, name):
    (check,) = [c for c in checks("toy", registry=installed_toys) if c.name == name]
    check()


def test_every_check_says_what_it_holds_against_a_method(installed_toys):
    for check in checks("toy", registry=installed_toys):
        assert check.description.endswith(".")
        assert str(check) == f"toy-{check.name}"
