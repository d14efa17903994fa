"""The conformance kit on delta-ccsd(t)."""

import pytest

import qmbench.testing


@pytest.mark.slow
@pytest.mark.parametrize("check", qmbench.testing.checks("ml", ("delta-ccsd(t)",)), ids=str)
def test_conformance(check):
    check()
