"""What can go wrong, and whose fault it is.

A method raises one of these; the core turns it into a record's `failure.kind`. The message is one line
that says what is wrong and what would be right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class QmbenchError(Exception):
    """Base of every error that qmbench raises on purpose. `kind` is the failure kind of a record."""

    kind = "error"


class InputError(QmbenchError):
    """The request is wrong: an impossible multiplicity, an unknown basis, a malformed file."""

    kind = "input"


class Unsupported(QmbenchError):
    """The request makes sense, but this method does not do it. Recorded as `unsupported`, not as a failure."""

    kind = "unsupported"


class NotConverged(QmbenchError):
    """An iteration ended without reaching its tolerance. Never returned as a number."""

    kind = "not_converged"


class ResourceError(QmbenchError):
    """The task needs more memory, disk or time than it was given."""

    kind = "memory"


class StoreError(QmbenchError):
    """The store can't be read or written (disk full, read-only, not a qmbench store)."""

    kind = "store"


class Interrupted(KeyboardInterrupt):
    """A run was stopped by hand (Ctrl-C). What was finished is in the store; the message says how to go on.

    It is a KeyboardInterrupt, so that a loop that goes on after a QmbenchError stops here all the same.
    """


FAILURE_KINDS = ("input", "not_converged", "timeout", "memory", "crash", "error")


def nearest(word: str, known: Iterable[str], n: int = 3) -> list[str]:
    """The `n` names in `known` that look most like `word`, best first (case-insensitive)."""
    by_lower = {name.lower(): name for name in known}
    return [by_lower[k] for k in difflib.get_close_matches(word.lower(), by_lower, n=n, cutoff=0.5)]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'a' or 'b'?`, or the list of what there is when nothing is near and it is short."""
    known = sorted(set(known))
    close = nearest(word, known)
    if close:
        return "; did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    if known and len(known) <= 20:
        return "; there is " + ", ".join(known)
    return ""
