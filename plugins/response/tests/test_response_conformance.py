"""The conformance kit on this plugin's methods."""

from __future__ import annotations

import pytest

import qmbench.testing


@pytest.mark.parametrize(
    "check",
    qmbench.testing.checks("response", ["alchemy", "exact-line", "hf-line", "ks-line", "rpa-line", "exx-line"]),
    ids=str,
)
def test_conformance(check):
    check()
