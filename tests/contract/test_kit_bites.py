"""Every check of the conformance kit finds the fault that it is there for, and says what is wrong.

Each sabotaged method has one fault; a kit whose check were empty would let it pass and fail here.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import qmbench
from qmbench import InputError
from qmbench.testing import ConformanceError, NotApplicable, checks
from qmbench.testing.kit import CHECKS

sys.path.insert(0, str(Path(__file__).parent))
from broken_methods import IMPORTS, qmbench_broken, qmbench_faulty

pytestmark = pytest.mark.usefixtures("empty_folder")
"""A broken method may write where it is."""


def run(registry, plugin: str, method: str, check: str) -> None:
    (found,) = [c for c in checks(plugin, methods=[method], registry=registry) if c.name == check]
    found()


@pytest.mark.parametrize("method", qmbench_faulty.FAULTS)
def test_fault_is_found(installed_toys, method):
    check, message = qmbench_faulty.FAULTS[method]
    with pytest.raises(ConformanceError, match=message) as caught:
        run(installed_toys, "faulty", method, check)
    assert str(caught.value).startswith(f"{method}: ")


@pytest.mark.parametrize("method", [m for m in qmbench_broken.FAULTS if m not in qmbench_broken.DEADLY])
def test_broken_method_is_found(installed_toys, method):
    check, message = qmbench_broken.FAULTS[method]
    with pytest.raises(ConformanceError, match=message):
        run(installed_toys, "broken", method, check)


@pytest.mark.parametrize("plugin", IMPORTS)
def test_heavy_import_is_found(installed_toys, plugin):
    check, message = IMPORTS[plugin]
    with pytest.raises(ConformanceError, match=message):
        run(installed_toys, plugin, plugin, check)


def test_every_check_has_a_fault_that_it_finds():
    found = (*qmbench_faulty.FAULTS.values(), *qmbench_broken.FAULTS.values(), *IMPORTS.values())
    bitten = {check for check, _ in found}
    # Those of the core's kinds of system; a plugin's kind brings its own, and the tests that they find something.
    core = {name for kind in (qmbench.Molecule, qmbench.Crystal, qmbench.LatticeModel) for name in kind.checks()}
    assert bitten == {*CHECKS, *core}


def test_a_check_with_nothing_to_hold_against_a_method_is_skipped_and_not_passed(installed_toys):
    with pytest.raises(NotApplicable, match="no option that limits its iterations"):
        run(installed_toys, "faulty", "basisfree", "non_convergence_raises")


def test_unknown_plugin_is_named(installed_toys):
    with pytest.raises(InputError, match="no plugin 'toi' is installed; did you mean 'toy'"):
        checks("toi", registry=installed_toys)


def test_method_of_another_plugin_is_refused(installed_toys):
    with pytest.raises(InputError, match="method 'toy' belongs to plugin 'toy', not to 'faulty'"):
        checks("faulty", methods=["toy"], registry=installed_toys)
