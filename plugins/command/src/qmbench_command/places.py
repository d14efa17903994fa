"""Where files that describe programs may lie: the user's own folders and no other. Cheap, since every start asks."""

from __future__ import annotations

import os
import re
from pathlib import Path

from qmbench import user_file

NAME = r"[a-z][a-z0-9_.-]*"


def folders() -> list[Path]:
    """Where descriptions may lie: those of QMBENCH_COMMANDS (with : between), or else the user's own folder."""
    told = os.environ.get("QMBENCH_COMMANDS")
    if told:
        return [user_file(folder) for folder in told.split(os.pathsep) if folder]
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return [Path(base) / "qmbench" / "commands"]


def files() -> dict[str, Path]:
    """name -> file, of all that there is."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            if re.fullmatch(NAME, path.stem):
                found.setdefault(path.stem, path.absolute())
    return found
