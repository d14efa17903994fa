"""The command line. Signatures are in `app`; what a command does is imported when it is called."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done; 1 something failed; 2 nothing to judge; 3 a wrong request."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """As `main`, but returns the exit code."""
    from qmbench.cli.app import app
    from qmbench.cli.encoding import transliterate
    from qmbench.domain.errors import QmbenchError

    transliterate(sys.stdout, sys.stderr)

    try:
        code = app(arguments, prog_name="qmbench", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except QmbenchError as error:
        _complain(str(error))
        return 130 if type(error).__name__ == "Stopped" else 3
    except KeyboardInterrupt as error:
        _complain(str(error) or "interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone (`qmbench … | head`): not our failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # a command group named without a command
            print(error, file=sys.stderr)
            return 3
        if hasattr(error, "format_message"):  # the command-line library's complaints about usage
            return _complain(error.format_message())
        if type(error).__name__ == "Abort":
            _complain("interrupted")
            return 130
        if os.environ.get("QMBENCH_DEBUG"):
            raise
        _complain(f"{type(error).__name__}: {error} (a bug in qmbench; QMBENCH_DEBUG=1 shows where)")
        return 1


def _complain(message: str) -> int:
    # One line, whatever a library put into the message.
    from qmbench.domain.visible import visible

    print("qmbench: " + visible(" ".join(message.split())), file=sys.stderr)
    return 3
