"""The conformance kit on this plugin's methods."""

from __future__ import annotations

import pytest

import qmbench.testing

LEVELS = ["alchemy", "atomic-response", "radial-response", "exact-line", "hf-line", "ks-line", "rpa-line", "exx-line"]


@pytest.mark.parametrize(
    "check",
    qmbench.testing.checks("response", LEVELS),
    ids=str,
)
def test_conformance(check):
    check()
