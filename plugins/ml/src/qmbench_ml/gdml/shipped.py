"""Models by name: those that this package ships, and files of your own. Cheap to import."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from qmbench import InputError

if TYPE_CHECKING:
    from qmbench_ml.gdml.model import ForceField

FOLDER = Path(__file__).parent.parent / "models"
DIGITS = 12  # of a file's hash


def names() -> list[str]:
    """The molecules that models are shipped of."""
    return sorted(path.stem.removeprefix("gdml_") for path in FOLDER.glob("gdml_*.npz"))


def resolved(text: str) -> str:
    """A shipped name as it is, a file with the hash of its content: FILE@HASH. ValueError when there is neither.

    The hash makes a retrained file another level of theory, so that no record of the old one is taken for it.
    """
    if text in names() or "@" in text:
        return text
    if not Path(text).is_file():
        raise ValueError(f"must be a shipped model ({', '.join(names())}) or a file")
    return f"{text}@{_hash(Path(text).read_bytes())}"


def load(text: str) -> ForceField:
    """The model that `resolved` text names; InputError when the file is not the one that was named."""
    if text in names():
        return _read(FOLDER / f"gdml_{text}.npz", "")
    path, _, digest = text.rpartition("@")
    return _read(Path(path), digest)


@lru_cache(maxsize=8)
def _read(path: Path, digest: str) -> ForceField:
    from qmbench_ml.gdml.model import ForceField

    if digest:
        try:
            found = _hash(path.read_bytes())
        except OSError as error:
            raise InputError(f"can't read the model {path}: {error.strerror}") from None
        if found != digest:
            raise InputError(f"{path} has changed: its hash is {found}, not {digest}; write model={path}")
    return ForceField.load(path)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
