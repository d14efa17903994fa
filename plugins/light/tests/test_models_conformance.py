"""The conformance kit on the levels of the model systems."""

from __future__ import annotations

import pytest

import qmbench.testing
from qmbench_light import models


@pytest.mark.parametrize("check", qmbench.testing.checks("light", [method.name for method in models.levels()]), ids=str)
def test_conformance(check):
    check()
