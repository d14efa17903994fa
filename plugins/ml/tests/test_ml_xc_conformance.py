"""The conformance kit on ml-xc."""

from __future__ import annotations

import pytest

import qmbench.testing


@pytest.mark.slow
@pytest.mark.parametrize("check", qmbench.testing.checks("ml", ("ml-xc",)), ids=str)
def test_conformance(check: qmbench.testing.Check) -> None:
    check()
