"""Systems from files and from stored JSON: which of the registered kinds it is, by ending or by name.

How a kind reads itself is the kind's own business (`System.from_table`, `from_text`, `from_json`).
"""

from __future__ import annotations

import dataclasses
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from qmbench.domain.errors import InputError, QmbenchError
from qmbench.domain.systems.base import System, wrong
from qmbench.domain.systems.xyz_frames import Frame, chosen_frame, pick_frame, split_frames
from qmbench.domain.units import UNITS, check_units

TOML = ".toml"
LARGEST_TEXT = 100_000_000
"""Bytes of a text file."""
DEEPEST = 50
"""Levels of tables and lists in a TOML file."""
T = TypeVar("T")


class SystemRegistry(dict[str, type[System]]):
    """kind -> its class. Reading an unknown kind raises InputError naming those there are."""

    def __missing__(self, kind: str) -> type[System]:
        raise InputError(f"unknown kind of system '{kind}'; there is {', '.join(self)}")

    def add(self, kind: type[System]) -> None:
        """Register a class; InputError when it is no kind of system or another one has its names already."""
        if not (isinstance(kind, type) and issubclass(kind, System)):
            raise InputError(f"{kind!r} is not a class of systems; derive it from qmbench.System")
        name = getattr(kind, "kind", None)
        if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise InputError(f"{kind.__name__}.kind must be a lower-case word, such as quantum_dot, not {name!r}")
        if not (dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen):
            raise InputError(f"{kind.__name__} must be a frozen dataclass: @dataclass(frozen=True)")
        check_units(kind.units)
        if kind.energy_unit not in {**UNITS, **kind.units}:
            raise InputError(f"energy_unit '{kind.energy_unit}' of {kind.__name__} is no unit; define it in `units`")
        for ending in kind.endings:
            if not ending.startswith(".") or ending.lower() in (TOML, ".csv"):
                raise InputError(f"'{ending}' of {kind.__name__} can't be the ending of its files; write .dot, say")
        for other in self.values():
            shared = name == other.kind or (table_kind(kind) and table_kind(kind) == table_kind(other))
            if other is not kind and shared:
                raise InputError(f"the kind of system '{name}' ({kind.__name__}) is already that of {other.__name__}")
        dict.__setitem__(self, name, kind)

    @property
    def endings(self) -> tuple[str, ...]:
        """Endings of files that hold one system, `.toml` last."""
        return (*dict.fromkeys(ending.lower() for kind in self.values() for ending in kind.endings), TOML)

    def read(self, path: str | Path, name: str | None = None) -> System:
        """A system from a file; InputError says file, line and what would be right.

        Of an XYZ file with several frames, `FILE.xyz@3` is the third and `FILE.xyz#NAME` the one with `name=NAME`.
        """
        chosen = chosen_frame(str(path))
        if chosen is not None and not Path(path).exists():
            return self._read_frame(*chosen, name)
        path = Path(path)
        text = read_text(path)
        if path.suffix.lower() == TOML:
            return self.from_table(load_toml(path, text), str(path), name or path.stem, key_lines(text))
        if path.suffix.lower() not in self.endings:
            raise InputError(f"{path}: a system is {self.file_words()} file")
        return self.from_text(text, path.suffix, str(path), name or path.stem)

    def _read_frame(self, file: str, number: str, frame_name: str, name: str | None) -> System:
        path = Path(file)
        frame = pick_frame(split_frames(read_text(path), file), file, number, frame_name)
        called = name or frame.name(file) or f"{path.stem}@{frame.number}"
        return frame.read(file, lambda text, where: self.from_text(text, path.suffix, where, called))

    def frames(self, path: Path) -> Iterator[tuple[str, str, Callable[[str], System]]]:
        """(name, where, reader given a full name) of each frame of an XYZ file, whose comment lines all have `name=`.

        InputError for a frame without.
        """
        where = str(path)
        for frame in split_frames(read_text(path), where):
            name, at = frame.name(where), f"{where}, line {frame.line + 1}"
            if not name:
                raise InputError(f"{at}: frame {frame.number} has no name; write name= into its comment line")

            def read(full: str, frame: Frame = frame) -> System:
                return frame.read(where, lambda text, place: self.from_text(text, path.suffix, place, full))

            yield name, at, read

    def file_words(self) -> str:
        """`an .xyz or a .toml`."""
        return " or ".join(f"{'an' if ending[1:2] in 'aefhilmnorsx' else 'a'} {ending}" for ending in self.endings)

    def from_text(self, text: str, ending: str, where: str, name: str) -> System:
        """A system from the text of a file with that ending."""
        for kind in self.values():
            if ending.lower() in kind.endings:
                found = _read(kind, where, lambda kind=kind: kind.from_text(text, where, name))  # type: ignore[misc]
                if found is not None:
                    return found
        raise InputError(f"{where}: no kind of system reads this")

    def from_table(
        self, table: Mapping[str, Any], where: str, name: str, lines: Mapping[str, int] | None = None
    ) -> System:
        """A system from a TOML table, whose key `kind` says which one it is.

        where: what to call the table in an error; lines: the line of each key, where that is known.
        """
        if not isinstance(table, Mapping):
            raise InputError(f"{where}: a system is a table of keys and values, not {str(table)[:60]}")
        kinds = {table_kind(kind): kind for kind in self.values() if table_kind(kind)}
        given = table.get("kind")
        if not isinstance(given, str) or given not in kinds:
            right = " or ".join(f'"{kind}"' for kind in kinds)
            raise wrong(where, lines or {}, "kind", f"kind = {right} is needed, not {given!r}")
        fields = {key: value for key, value in table.items() if key != "kind"}
        kind = kinds[given]
        return _read(kind, where, lambda: kind.from_table(fields, where, name, lines or {}))

    def from_json(self, data: Mapping[str, Any]) -> System:
        """Rebuild a system from `System.to_json`."""
        kind = self[data.get("kind")]  # type: ignore[index]
        try:
            return kind.from_json(data)
        except QmbenchError:
            raise
        except Exception as error:
            raise InputError(f"this is no {kind.kind} as qmbench writes it: {' '.join(str(error).split())}") from None


def _read(kind: type[System], where: str, read: Callable[[], T]) -> T:
    """What `read` gives; an error that the kind did not put into words is InputError all the same."""
    try:
        return read()
    except QmbenchError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise InputError(f"{where}: this can't be read as {kind.kind}: {type(error).__name__}: {text}") from None


def table_kind(kind: type[System]) -> str:
    """What `kind = "…"` says in a TOML table of that kind; empty where it is not written in TOML."""
    return kind.kind if kind.table_kind is None else kind.table_kind


def read_text(path: Path) -> str:
    """The file's text; InputError when it can't be read, is no file (a pipe, a device), too large or not UTF-8."""
    try:
        # Opening a pipe would wait for whoever writes to it.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as handle:
            if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
                raise InputError(f"{path} is a pipe or a device, not a file")
            data = handle.read(LARGEST_TEXT + 1)
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"can't read {str(path)!r}: that is no name of a file") from None
    if len(data) > LARGEST_TEXT:
        raise InputError(f"{path}: larger than the {LARGEST_TEXT // 10**6} MB that are read of a text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file (UTF-8 expected)") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def load_toml(path: Path, text: str | None = None) -> dict[str, Any]:
    """A TOML file as a dictionary; InputError with file and line when it is malformed.

    Its numbers are TOML's, of 64 bits, and tables and lists are nested DEEPEST deep at most.
    """
    try:
        table = tomllib.loads(read_text(path) if text is None else text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: malformed TOML: {error}") from None
    except RecursionError:
        raise InputError(f"{path}: malformed TOML: nested more than {DEEPEST} deep") from None
    except ValueError:  # Python's own limit of the digits of a number
        raise InputError(f"{path}: malformed TOML: an integer of more than 64 bits") from None
    level: list[Any] = [table]
    for _ in range(DEEPEST):
        level = [x for item in level for x in (item.values() if isinstance(item, dict) else item)]
        if any(isinstance(x, int) and not -(2**63) <= x < 2**63 for x in level):
            raise InputError(f"{path}: malformed TOML: an integer of more than 64 bits")
        level = [x for x in level if isinstance(x, dict | list)]
        if not level:
            return table
    raise InputError(f"{path}: malformed TOML: nested more than {DEEPEST} deep")


def key_lines(text: str, section: str = "") -> dict[str, int]:
    """Line number of every key in one section of a TOML text (the top level by default), for error messages."""
    found: dict[str, int] = {}
    here = ""
    for line_number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]\s*(#|$)", line)
        here = header[1].strip().strip("\"'") if header else here
        key = re.match(r"\s*([\w-]+)\s*=", line)
        if key and here == section:
            found.setdefault(key[1], line_number)
    return found
