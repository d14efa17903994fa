"""The conformance kit on the calculators that ASE brings."""

from __future__ import annotations

import pytest

import qmbench.testing


@pytest.mark.parametrize("check", qmbench.testing.checks("ase"), ids=str)
def test_conformance(check):
    check()


def test_a_member_of_the_family_is_checked_by_its_name(capfd):
    """`qmbench plugin check ase:lj` is `qmbench plugin check ase --method ase:lj`."""
    import json

    from qmbench.cli import run

    chosen = ("--check", "options_alive", "--check", "rotation", "--json")
    assert run(["plugin", "check", "ase:lj", *chosen]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["plugin"] == "ase"
    assert {(row["method"], row["outcome"]) for row in told["checks"] if row["check"] == "rotation"} == {
        ("ase:lj", "passed")
    }
    for arguments, said in (
        (("asee:lj",), "no installed plugin has methods 'asee:…'; families are"),
        (("ase:lj", "--method", "ase:emt"), "'ase:lj' is one method"),
        (("ase:nowhere.X",), "there is no module 'nowhere'"),
    ):
        assert run(["plugin", "check", *arguments]) == 3
        assert said in capfd.readouterr().err
