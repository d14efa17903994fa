"""Files of a database, whether it is a folder, a `.tar.gz`, a `.zip` or one file: names and bytes, nothing else."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from qmbench.domain.errors import InputError
from qmbench.domain.systems.files import LARGEST_TEXT

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
MOST = 2_000_000_000
"""Bytes that are read of an archive, unpacked."""


class Tree(Mapping[str, bytes]):
    """path inside (with `/`) -> content. A folder's files are read when asked for, an archive's all at once."""

    def __init__(self, place: Path) -> None:
        self.place = place
        if not place.exists():
            raise InputError(f"there is no {place}")
        self._held: dict[str, bytes] = {}
        self._files: dict[str, Path] = {}
        if place.is_dir():
            self._files = {p.relative_to(place).as_posix(): p for p in sorted(place.rglob("*")) if p.is_file()}
            return
        if not is_archive(place):
            self._files = {place.name: place}
            return
        try:
            self._held = dict(_unpacked(place))
        except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
            raise InputError(f"can't read {place}: {error}") from None

    def __getitem__(self, name: str) -> bytes:
        if name in self._held:
            return self._held[name]
        path = self._files[name]
        try:
            if path.stat().st_size > LARGEST_TEXT:
                raise InputError(f"{path}: larger than the {LARGEST_TEXT // 10**6} MB that are read of a file")
            return path.read_bytes()
        except OSError as error:
            raise InputError(f"can't read {path}: {error.strerror or error}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._held or self._files)

    def __len__(self) -> int:
        return len(self._held or self._files)

    def text(self, name: str) -> str:
        """A file's text with `\\n` at the ends of lines; InputError when it is none."""
        try:
            text = self[name].decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{self.place}: {name} is not a text file (UTF-8 expected)") from None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def lines(self, name: str) -> list[str]:
        """A file's lines, two at least; empty ones where it is no text: for finding out what a file is."""
        try:
            return [*self.text(name).split("\n"), "", ""]
        except InputError:
            return ["", ""]


def is_archive(place: Path) -> bool:
    """Whether it is a file that `Tree` unpacks, by its ending."""
    return place.name.lower().endswith(ARCHIVES)


def _unpacked(place: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    if place.name.lower().endswith(".zip"):
        with zipfile.ZipFile(place) as archive:
            for info in archive.infolist():
                total += info.file_size
                _check_size(place, total)
                if not info.is_dir():
                    yield info.filename, archive.read(info)
        return
    with tarfile.open(place) as packed:
        for member in packed:
            total += member.size
            _check_size(place, total)
            handle = packed.extractfile(member) if member.isfile() else None
            if handle is not None:
                yield member.name.removeprefix("./"), handle.read()


def _check_size(place: Path, total: int) -> None:
    if total > MOST:
        raise InputError(f"{place} unpacks to more than the {MOST // 10**9} GB that are read")
