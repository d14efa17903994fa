"""Response and quantum alchemy: `alchemy`, energies from derivatives by nuclear charges of a neighbouring molecule."""

from __future__ import annotations

from qmbench import Method, hookimpl

QMBENCH_API = 2


@hookimpl
def qmbench_methods() -> list[type[Method]]:
    from qmbench_response.alchemy import Alchemy

    return [Alchemy]
