"""Isolated plugins whose environment imports the author's checkout: their description follows the source."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from qmbench.domain.errors import QmbenchError
from qmbench.plugging.isolated import place
from qmbench.plugging.isolated.client import Companion

# Folders of a checkout that hold no source of the plugin.
_OTHERS = ("build", "dist", "node_modules", "tests", "venv")


def stamp(source: Path) -> str:
    """What changes when a Python file of a checkout is written, added or removed."""
    files = 0
    newest = 0
    for folder, inside, names in os.walk(source):
        inside[:] = [name for name in inside if not name.startswith((".", "_")) and name not in _OTHERS]
        for name in names:
            if name.endswith(".py"):
                with contextlib.suppress(OSError):
                    newest = max(newest, os.stat(os.path.join(folder, name)).st_mtime_ns)
                    files += 1
    return f"{files} {newest}"


def current(home: place.Isolated) -> tuple[place.Isolated, str]:
    """The plugin as its source is now, and why that does not load (else empty); written down when it has changed."""
    source = home.data.get("editable")
    if not source or home.problem():
        return home, ""
    now = stamp(Path(source))
    if now == home.data.get("stamp"):
        return home, ""
    companion = Companion(str(home.python), home.distribution)
    try:
        about = companion.ask("about", distribution=home.distribution)
    except QmbenchError as error:
        return home, str(error)
    finally:
        companion.close()
    data = {**home.data, **about, "stamp": now}
    with contextlib.suppress(OSError):  # an installation that can't be written to asks again next time
        part = home.file.with_name(f"{home.environment.name}-{os.getpid()}.part")
        part.write_text(json.dumps(data, indent=1), encoding="utf-8")
        os.replace(part, home.file)
    return place.Isolated(home.file, data), ""
