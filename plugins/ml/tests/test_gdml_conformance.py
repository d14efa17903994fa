"""The conformance kit on the force fields."""

from __future__ import annotations

import pytest

import qmbench.testing


@pytest.mark.parametrize("check", qmbench.testing.checks("ml", ("gdml",)), ids=str)
def test_conformance(check):
    check()
