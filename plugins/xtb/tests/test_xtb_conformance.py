"""The conformance kit on this plugin's methods."""

from __future__ import annotations

import pytest

import qmbench.testing


@pytest.mark.parametrize("check", qmbench.testing.checks("xtb", ["gfn2-xtb"]), ids=str)
def test_conformance(check):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", qmbench.testing.checks("xtb", ["gfn1-xtb", "ipea1-xtb"]), ids=str)
def test_conformance_of_the_others(check):
    check()
