"""Open families of methods: all names that begin with one prefix, `ase:MODULE.CLASS` or `qc:PROGRAM/METHOD`.

Such a name is read by one rule, with or without the plugin's help: what stands before the colon is lower case, the rest
is as it was written, and as many slashes belong to it as the family says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qmbench.domain.errors import InputError


@dataclass(frozen=True)
class MethodFamily:
    """Methods without end whose names share a prefix; the plugin's `qmbench_resolve_method` makes each when asked.

    prefix: lower-case letters and digits with a colon behind, `qc:`. pattern: how a level of it is written, for lists
    and messages: `qc:PROGRAM/METHOD/BASIS`. description: one line. slashes: how many slashes belong to the name of a
    method, so that the basis set stands behind the next one (1 in `qc:psi4/hf/cc-pvdz`). Families of one plugin may be
    several, but a prefix belongs to one plugin.
    """

    prefix: str
    pattern: str
    description: str
    slashes: int = 0


_slashes: dict[str, int] = {}


def check_family(family: object) -> MethodFamily:
    """InputError unless it is one, with a prefix and texts that can be used."""
    if not isinstance(family, MethodFamily):
        raise InputError(f"qmbench_method_families gave {family!r}, not a MethodFamily")
    if not (isinstance(family.prefix, str) and re.fullmatch(r"[a-z][a-z0-9-]*:", family.prefix)):
        raise InputError(f"the prefix of a family is lower-case letters and digits and a colon, not {family.prefix!r}")
    if not str(family.pattern).startswith(family.prefix) or not str(family.description).strip():
        raise InputError(f"family '{family.prefix}': its pattern begins with the prefix, and it has a description")
    if isinstance(family.slashes, bool) or not isinstance(family.slashes, int) or not 0 <= family.slashes <= 8:
        raise InputError(f"family '{family.prefix}': slashes is a number from 0 to 8, not {family.slashes!r}")
    return family


def add_family(family: MethodFamily) -> None:
    """From now on names with its prefix are split as it says."""
    _slashes[family.prefix] = family.slashes


def prefix_of(name: str) -> str:
    """`ase:` of `ase:emt`; empty where the name has no prefix."""
    found = re.match(r"[A-Za-z][A-Za-z0-9-]*:", name)
    return found[0].lower() if found else ""


def split_head(head: str) -> tuple[str, str | None]:
    """(method, basis) of what stands before the question mark. basis: empty behind a slash at the end, None without."""
    prefix = prefix_of(head)
    rest = head[len(prefix) :]
    parts = rest.split("/")
    n = 1 + (_slashes.get(prefix, 0) if prefix else 0)
    method = "/".join(parts[:n])
    method = prefix + method if prefix else method.lower()
    return method, "/".join(parts[n:]).lower() if len(parts) > n else None
