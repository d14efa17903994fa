"""How a public name, or a way to call it, goes: for one minor version it works, and says what to write instead."""

from __future__ import annotations

import warnings


def deprecated(old: str, new: str, since: str) -> None:
    """Warn (FutureWarning, shown to everybody) whoever called the caller of this that `old` is now `new`.

    old, new: as one writes them. since: the version, such as "0.2", in which `new` came; `old` is gone in the minor
    version after it, which the tests of the repository see to.
    """
    said = f"{old} is deprecated since {since} and goes in {_next(since)}; write {new}"
    warnings.warn(said, FutureWarning, stacklevel=3)


def _next(version: str) -> str:
    """The minor version after this one."""
    major, minor = map(int, version.split(".")[:2])
    return f"{major}.{minor + 1}"
