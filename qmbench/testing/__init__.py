"""The conformance kit: what every method of every plugin must do, as checks that pytest can run one by one.

In a plugin's tests:

    import pytest
    import qmbench.testing

    @pytest.mark.parametrize("check", qmbench.testing.checks("myplugin"), ids=str)
    def test_conformance(check):
        check()

What the kit computes is stated on the method: `examples` (cheap levels of theory), `example_systems()`,
`tolerances`, and `examples=[…]` of a pydantic Field for other values of an option worth trying.
"""

from __future__ import annotations

from qmbench.testing.kit import CHECKS, Check, ConformanceError, NotApplicable, check_names
from qmbench.testing.supervised import checks

__all__ = ["CHECKS", "Check", "ConformanceError", "NotApplicable", "check_names", "checks"]
