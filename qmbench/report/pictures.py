"""Charts drawn by a process of their own, while the rest of a report is made.

What draws them, vl-convert, takes most of a second to start and holds Python's lock all the time.
"""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

SPECIFICATION = {"data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {"x": {"field": "x"}}}
"""Of a chart that nobody sees: the first one drawn takes the longest."""


def draw(kind: str, spec: Mapping[str, Any]) -> str:
    """A Vega-Lite specification as SVG, or with kind `png` as an image of 1.5 times its size in base64."""
    import vl_convert as vlc

    if kind == "svg":
        svg: str = vlc.vegalite_to_svg(dict(spec))
        return svg
    return base64.b64encode(vlc.vegalite_to_png(dict(spec), scale=1.5)).decode()


class Painter:
    """Draws what it is asked for, one after the other, in its own process; what that can't, in this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        with contextlib.suppress(OSError):
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "qmbench.report.pictures"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is for this process
            )
        self.draw("svg", SPECIFICATION)

    def draw(self, kind: str, spec: Mapping[str, Any]) -> Callable[[], str]:
        """What waits for the picture, as `draw` makes it."""
        asked: Future[str | None] = self._thread.submit(self._answer, kind, spec)

        def drawn() -> str:
            found = asked.result()
            return draw(kind, spec) if found is None else found

        return drawn

    def _answer(self, kind: str, spec: Mapping[str, Any]) -> str | None:
        """None where the process has none."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return None
        try:
            process.stdin.write(json.dumps([kind, spec]) + "\n")
            process.stdin.flush()
            answer: str = json.loads(process.stdout.readline())
        except (OSError, ValueError):  # it ended
            return None
        return answer

    def __enter__(self) -> Painter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._thread.shutdown(cancel_futures=True)
        for stream in (self._process.stdin, self._process.stdout) if self._process is not None else ():
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _answer_all() -> None:
    """What the process does: a picture, as JSON on a line, for each line [kind, specification]."""
    for line in sys.stdin:
        print(json.dumps(draw(*json.loads(line))), flush=True)


if __name__ == "__main__":
    _answer_all()
