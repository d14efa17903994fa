"""What several commands share: the console, printing JSON and values."""

from __future__ import annotations

import functools
import json
import math
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from qmbench.domain.errors import InputError, Interrupted, QmbenchError
from qmbench.domain.visible import visible_json
from qmbench.report.values import unit_text as unit_text
from qmbench.report.values import value_lines as value_lines

if TYPE_CHECKING:
    from rich.console import Console


P = ParamSpec("P")


class Stopped(QmbenchError):
    """A command was interrupted by hand; the message says what is kept."""


def interruptible(command: Callable[P, int]) -> Callable[P, int]:
    """The command with Interrupted as an error: the command-line library makes an empty line of a KeyboardInterrupt."""

    @functools.wraps(command)
    def call(*arguments: P.args, **options: P.kwargs) -> int:
        try:
            return command(*arguments, **options)
        except Interrupted as error:
            raise Stopped(str(error)) from None

    return call


def print_json(document: Any, schema: str) -> None:
    """One JSON document on standard output, of the form that `qmbench schema SCHEMA` prints."""
    from qmbench.cli.encoding import holds_unicode

    print(visible_json(json_text(document, schema, escaped=not holds_unicode(sys.stdout))))


def json_text(document: Any, schema: str, escaped: bool) -> str:
    """The document as text; NaN becomes null, since JSON has none. The tests hold it to the schema of this name."""
    return json.dumps(_plain(document), indent=1, ensure_ascii=escaped, allow_nan=False)


def console(to_stderr: bool = False) -> Console:
    """A rich console; tables that do not go to a terminal are not squeezed to 80 columns."""
    from qmbench.running.console import plain_console

    stream = sys.stderr if to_stderr else sys.stdout
    return plain_console(
        file=stream, width=None if stream.isatty() or "COLUMNS" in os.environ else 130, highlight=False
    )


def check_choice(value: str | None, choices: tuple[str, ...], what: str) -> None:
    """InputError with the right ones when `value` is given and is none of them."""
    if value is not None and value not in choices:
        raise InputError(f"{what} is {' or '.join(choices)}, not '{value}'")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
