"""One version for all packages: that of `qmbench/__init__.py`, which the core's build reads.

    python tools/release.py            the version, and whether all agree (exit 1 if not)
    python tools/release.py set 0.3.0  write it into the core and into each plugin's pyproject.toml

Each plugin is built from its own folder alone, so its pyproject.toml has to say the number, too.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ROOT / "qmbench" / "__init__.py"
PATTERN = {CORE.name: r'^__version__ = "(.+)"$', "pyproject.toml": r'^version = "(.+)"$'}


def files() -> list[Path]:
    """Where the version is written, the core first."""
    return [CORE, *sorted(ROOT.glob("plugins/*/pyproject.toml"))]


def version(path: Path) -> str:
    """The version that a file says; ValueError when it says none, or several."""
    found = re.findall(PATTERN[path.name], path.read_text(encoding="utf-8"), re.MULTILINE)
    if len(found) != 1:
        raise ValueError(f"{path.relative_to(ROOT)} has {len(found)} lines with a version, not 1")
    return str(found[0])


def faults() -> list[str]:
    """One line per file that says another version than the core, and one if the changelog has no entry for it."""
    wanted = version(CORE)
    found = [f"{p.relative_to(ROOT)}: {version(p)}, not {wanted}" for p in files() if version(p) != wanted]
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    if wanted not in headings:
        found.append(f"CHANGELOG.md: no entry [{wanted}]")
    return found


def set_version(new: str) -> None:
    """Write the version everywhere. ValueError unless it is MAJOR.MINOR.PATCH, perhaps with rcN or .devN."""
    if not re.fullmatch(r"\d+\.\d+\.\d+(rc\d+|\.dev\d+)?", new):
        raise ValueError(f"'{new}' is not a version such as 0.3.0, 0.3.0rc1 or 0.3.0.dev1")
    for path in files():
        text = path.read_text(encoding="utf-8")
        old = version(path)
        line = re.search(PATTERN[path.name], text, re.MULTILINE)
        assert line is not None
        path.write_text(text.replace(line[0], line[0].replace(old, new), 1), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    if arguments and (len(arguments) != 2 or arguments[0] != "set"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if arguments:
            set_version(arguments[1])
        wrong = faults()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(version(CORE), f"in {len(files())} files")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
