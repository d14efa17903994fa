"""`qmbench show BENCHMARK:SYSTEM` and `qmbench show FILE`: a system in full, and its picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qmbench.domain.errors import InputError
from qmbench.domain.systems import System


def find_shown_system(thing: str) -> System | None:
    """The system that `thing` names; None when it is no name of a system and no file of one."""
    from qmbench.data.benchmark import benchmark_folders
    from qmbench.data.target import find_target, is_file

    head, colon, _ = thing.partition(":")
    file = is_file(thing) and not _is_suite(thing)
    return find_target(thing).system if file or (colon and head in benchmark_folders()) else None


def _is_suite(thing: str) -> bool:
    """Whether a TOML file is a suite rather than a system, which has the key `kind`."""
    from qmbench.domain.systems.files import TOML, load_toml

    return thing.endswith(TOML) and "kind" not in load_toml(Path(thing))


def describe_system(system: System, figure: str | None = None) -> dict[str, Any]:
    """The system as `show` prints it. figure: where to write its picture, an SVG file."""
    kind = type(system)
    stored = system.to_json()
    return {
        "system": system.name,
        "kind": system.kind,
        "what": system.describe(),
        "about the kind": (kind.__doc__ or "").strip().split("\n")[0],
        "unit of energy": system.energy_unit,
        **{f"number of {axis}": n for axis, n in system.axes.items()},
        "fragments": len(system.fragments) or "",
        "oddities": list(system.oddities()),
        **{key.replace("_", " "): value for key, value in stored.items() if key not in ("kind", "name", "fragments")},
        "hash": system.hash,
        "figure": _write(system, Path(figure)) if figure else "",
    }


def _write(system: System, path: Path) -> str:
    if path.suffix.lower() != ".svg":
        raise InputError(f"the picture of a system is an .svg file, not '{path.name}'")
    picture = system.figure()
    if picture is None:
        raise InputError(f"there is no picture of {system.name} ({system.describe()})")
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't write {path}: {error.strerror or error}") from None
    return str(path)
