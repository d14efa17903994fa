"""The conformance kit on the learned ratios and the dispersion on them."""

from __future__ import annotations

import pytest

import qmbench.testing

METHODS = ("ml-hirshfeld", "ml-hirshfeld+mbd")


@pytest.mark.parametrize("check", qmbench.testing.checks("ml", METHODS), ids=str)
def test_conformance(check: qmbench.testing.Check) -> None:
    check()
