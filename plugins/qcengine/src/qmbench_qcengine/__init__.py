"""Any program that QCEngine runs as a level of theory: `qc:PROGRAM/METHOD[/BASIS]?keyword=value`.

`programs` has what is known of each program, `probe` finds out whether it is there without importing QCEngine here,
`methods` has what a level does, `schema` what is read from QCSchema. Importing this module imports none of QCEngine.
"""

from __future__ import annotations

from qmbench import Method, MethodFamily, hookimpl

QMBENCH_API = 2


@hookimpl
def qmbench_method_families() -> list[MethodFamily]:
    return [
        MethodFamily(
            "qc:",
            "qc:PROGRAM/METHOD[/BASIS]?keyword=value…",
            "any installed program that QCEngine runs, through QCSchema",
            slashes=1,
        )
    ]


@hookimpl
def qmbench_resolve_method(name: str) -> type[Method] | None:
    """The method that is written behind the prefix; InputError with what would be right where there is none."""
    if not name.startswith("qc:"):
        return None
    from qmbench_qcengine.methods import program_method

    return program_method(name.removeprefix("qc:"))
