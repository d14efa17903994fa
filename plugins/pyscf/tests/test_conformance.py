"""The conformance kit on this plugin's methods, the quick ones in the fast run."""

from __future__ import annotations

import pytest

import qmbench.testing

FAST = ("hf", "mp2")
COMPOSED = ("scs-mp2", "b2plyp", "revdsd-pbep86+d4", "xyg3", "r2scan-3c")
SLOW = (*COMPOSED, "ccsd", "ccsd(t)", "fci", "pbe", "r2scan", "wb97x-v", "pbe+d3bj", "pbe+d4", "hf+d3bj")


@pytest.mark.parametrize("check", qmbench.testing.checks("pyscf", FAST), ids=str)
def test_conformance(check):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", qmbench.testing.checks("pyscf", SLOW), ids=str)
def test_conformance_of_the_slower(check):
    check()
