"""Extended tight binding by the tblite library: GFN1-xTB, GFN2-xTB, IPEA1-xTB, in vacuum and in implicit solvents.

`methods` has the levels, `options` what can be chosen, `electrons` who is parametrized with how many electrons,
`program` the calls of the library. Importing this module imports none of it but the first two.
"""

from __future__ import annotations

from qmbench import Method, Property, Unsupported, hookimpl

QMBENCH_API = 2

PROPERTIES = (
    Property(
        "mulliken_charges",
        "e",
        "atomic charges by Mulliken's population analysis in the method's own basis; they add up to the charge",
        "atoms",
    ),
)

_EVERYDAY = {"gfn1": "gfn1-xtb", "gfn2": "gfn2-xtb", "ipea1": "ipea1-xtb", "gfn-xtb": "gfn1-xtb"}
_ELSEWHERE = ("gfn0-xtb", "gfn-ff", "gfnff", "gfn0", "g-xtb", "ptb")


@hookimpl
def qmbench_properties() -> tuple[Property, ...]:
    return PROPERTIES


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    """The parametrizations of the tblite library."""
    from qmbench_xtb.methods import GFN1, GFN2, IPEA1

    return [GFN1, GFN2, IPEA1]


@hookimpl
def qmbench_resolve_method(name: str) -> type[Method] | None:
    """Names that people write for them; Unsupported for relatives that the tblite library has not."""
    if name in _ELSEWHERE:
        raise Unsupported(f"{name} is not in the tblite library; gfn1-xtb, gfn2-xtb and ipea1-xtb are here")
    meant = _EVERYDAY.get(name)
    return next((method for method in qmbench_methods() if method.name == meant), None)
