"""The conformance kit on both methods: what runs no sampling in the fast run, the rest with the slow tests."""

from __future__ import annotations

import pytest

import qmbench.testing

CHEAP = ("import_cost", "check_imports_no_program", "docstring", "options_documented", "canonical_string")
CHEAP += ("refuses_other_systems",)
CHECKS = qmbench.testing.checks("vmc")


@pytest.mark.parametrize("check", [c for c in CHECKS if c.name in CHEAP], ids=str)
def test_conformance(check):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("check", [c for c in CHECKS if c.name not in CHEAP], ids=str)
def test_conformance_by_sampling(check):
    check()
