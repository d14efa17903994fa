"""The conformance kit on the levels for molecules in cavities."""

from __future__ import annotations

import pytest

import qmbench.testing


@pytest.mark.parametrize("check", qmbench.testing.checks("light", ["qed-hf"]), ids=str)
def test_conformance(check):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", qmbench.testing.checks("light", ["qed-cis", "qed-ccsd-1", "qed-fci"]), ids=str)
def test_conformance_of_the_others(check):
    check()
