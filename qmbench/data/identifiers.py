"""What things in files may be called, so that a name is safe in a path, a URL, a command line and a table."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qmbench.domain.errors import InputError

LONGEST = 80
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+()-]*")
_REFERENCE_SET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,+()*/=-]*")


def check_identifier(text: object, what: str, where: object) -> str:
    """`text` as the id of `what` (a benchmark, an entry, a system, a tag); InputError tells the pattern."""
    if not isinstance(text, str) or len(text) > LONGEST or not _IDENTIFIER.fullmatch(text):
        raise InputError(
            f"{where}: {_shown(text)} can't be the name of {what}: that is letters, digits and _ . + - ( ), "
            f"{LONGEST} at most, beginning with a letter or digit"
        )
    return text


def check_set_name(text: object, where: object) -> str:
    """`text` as the name of a reference set, which may be a level of theory: `CCSD(T)/CBS`."""
    if not isinstance(text, str) or len(text) > LONGEST or not _REFERENCE_SET.fullmatch(text):
        raise InputError(
            f"{where}: {_shown(text)} can't be the name of a reference set: that is letters, digits and "
            f"_ . , + - * / = ( ), {LONGEST} at most, beginning with a letter or digit"
        )
    return text


def check_identifiers(names: Iterable[object], what: str, where: object) -> None:
    """`check_identifier` of each."""
    for name in names:
        check_identifier(name, what, where)


def _shown(text: object) -> str:
    shown = text if isinstance(text, str) else repr(text)
    return repr(shown if len(shown) <= LONGEST else shown[:LONGEST] + "…")
