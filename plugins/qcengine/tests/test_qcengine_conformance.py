"""The conformance kit on levels of the programs that pip installs."""

from __future__ import annotations

import pytest

import qmbench.testing

LEVELS = ["qc:xtb/gfn2-xtb", "qc:dftd4/pbe", "qc:s-dftd3/pbe"]


@pytest.mark.parametrize("check", qmbench.testing.checks("qcengine", LEVELS), ids=str)
def test_conformance(check):
    check()
