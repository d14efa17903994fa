"""Errors: each has the failure kind that a record needs, and hints name the nearest right words."""

from __future__ import annotations

import pickle

import pytest

import qmbench
from qmbench.domain.errors import FAILURE_KINDS, did_you_mean, nearest
from qmbench.domain.systems.fields import FieldError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (qmbench.InputError, "input"),
        (qmbench.Unsupported, "unsupported"),
        (qmbench.NotConverged, "not_converged"),
        (qmbench.ResourceError, "memory"),
        (qmbench.QmbenchError, "error"),
    ],
)
def test_kinds(error, kind):
    assert issubclass(error, qmbench.QmbenchError)
    assert error.kind == kind
    assert kind in FAILURE_KINDS or kind == "unsupported"


def test_hints():
    assert did_you_mean("enrgy", ["energy", "dipole"]) == "; did you mean 'energy'?"
    assert did_you_mean("ENERGY", ["energy"]) == "; did you mean 'energy'?"
    assert did_you_mean("xyzzy", ["b", "a"]) == "; there is a, b"
    assert did_you_mean("xyzzy", [f"name{i}" for i in range(100)]) == ""
    assert did_you_mean("x", []) == ""
    assert nearest("hff", ["hf", "mp2", "hfx"])[0] == "hf" or nearest("hff", ["hf", "mp2", "hfx"])[0] == "hfx"


def test_a_field_error_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(FieldError("bad", "charge", 3)))
    assert (str(error), error.field, error.index, error.kind) == ("bad", "charge", 3, "input")
