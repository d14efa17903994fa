"""The conformance kit on the calculators that ASE brings."""

from __future__ import annotations

import pytest

import qmbench.testing


@pytest.mark.parametrize("check", qmbench.testing.checks("ase"), ids=str)
def test_conformance(check):
    check()
