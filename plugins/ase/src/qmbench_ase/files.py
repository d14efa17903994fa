"""Files that options name: settings in TOML, and weights. Their content is in a record's key, their place is not."""

from __future__ import annotations

import hashlib
import os
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from qmbench import InputError, user_file

WEIGHTS = (".pt", ".pth", ".model", ".ckpt", ".pkl", ".npz", ".h5", ".hdf5", ".safetensors", ".jpt", ".onnx", ".nnp")
"""Endings by which a text is known as the name of a file, so that a missing one is said before anything runs."""

EXECUTES = ("command", "executable", "profile", "binary")
"""Keywords by which a calculator is told what to run."""


def digest(path: Path) -> str:
    """SHA-256 of a file, or of all files in a folder with their names; 64 hex digits."""
    if path.is_dir():
        parts = sorted(p for p in path.rglob("*") if p.is_file())
        text = "\n".join(f"{p.relative_to(path).as_posix()} {digest(p)}" for p in parts)
        return hashlib.sha256(text.encode()).hexdigest()
    found = path.stat()
    return _digest(str(path), found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(maxsize=256)
def _digest(path: str, *stat: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_file_name(text: str) -> bool:
    """Whether it can only be meant as the name of a file."""
    return text.lower().endswith(WEIGHTS) or text.startswith(("./", "../", "~/", "/"))


def named_file(text: str, folder: Path | None = None) -> Path | None:
    """The file that a value of an option names, beside `folder` first; None where it names none.

    A text names a file where one is there and it has a slash or an ending; ValueError where it must be one and is none.
    """
    if not (is_file_name(text) or "/" in text or Path(text).suffix):
        return None
    for path in ([folder / text] if folder else []) + [user_file(text)]:
        if os.path.exists(path):
            return path
    if is_file_name(text):
        raise ValueError(f"there is no file {text}")
    return None


def read_settings(name: str) -> tuple[dict[str, Any], Path]:
    """The keywords in a TOML file, and its folder; ValueError in one line where it can't be read."""
    path = user_file(name)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"can't read {name}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} is no TOML: {' '.join(str(error).split())}") from None
    return data, path.parent


def refuse_commands(keywords: dict[str, Any], where: str) -> None:
    """InputError for a keyword that would start a program: whoever reads a suite should not run what it names."""
    for key, value in keywords.items():
        if any(key.lower() == word or key.lower().endswith(f"_{word}") for word in EXECUTES):
            raise InputError(
                f"{where}: '{key}' names a program to run, which a level of theory can't; describe the program in a "
                "file of the plugin `command`, or make the calculator in a package of your own"
            )
        if isinstance(value, dict):
            refuse_commands(value, where)
