"""Several frames in one extended XYZ file: where each begins, what it is called, and which one is meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems.xyz_comment import comment_words

ENDINGS = (".xyz", ".extxyz")
_CHOSEN = re.compile(r"(?P<file>.+\.(?:xyz|extxyz))(?:@(?P<number>[^@#/]*)|#(?P<name>[^#/]+))", re.IGNORECASE)
_COUNT = re.compile(r"\s*\+?[0-9]{1,18}\s*")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a file. number: from 1; line: of its first line in the file, from 1; text: as a file of its own."""

    number: int
    line: int
    text: str

    def name(self, where: str) -> str:
        """What `name=` in its comment line says; empty where that is not there."""
        return comment_words(self.text.split("\n", 2)[1], f"{where}, line {self.line + 1}").get("name", "")

    def read(self, where: str, reader: Callable[[str, str], T]) -> T:
        """`reader(text, where)`; the lines that its errors name are those of the whole file."""
        try:
            return reader(self.text, where)
        except InputError as error:
            start = f"{where}, line "
            message = str(error)
            found = re.match(r"[0-9]+", message[len(start) :]) if message.startswith(start) else None
            if found is None:
                raise
            rest = message[len(start) + found.end() :]
            raise InputError(f"{start}{int(found[0]) + self.line - 1} (frame {self.number}){rest}") from None


def chosen_frame(text: str) -> tuple[str, str, str] | None:
    """(file, number, name) of `FILE.xyz@NUMBER` or `FILE.xyz#NAME`, the other one empty; None for any other text."""
    match = _CHOSEN.fullmatch(text)
    return None if match is None else (match["file"], match["number"] or "", match["name"] or "")


def split_frames(text: str, where: str) -> list[Frame]:
    """The frames of a file, by the number of atoms that each begins with; blank lines between them do no harm.

    text: with `\\n` at the ends of lines. InputError names the line at which a frame should begin and does not.
    """
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    frames: list[Frame] = []
    at = 0
    while at < len(lines):
        if frames and not lines[at].strip():
            at += 1
            continue
        if not _COUNT.fullmatch(lines[at]):
            before = f"; frame {len(frames)} begins in line {frames[-1].line}" if frames else ""
            raise InputError(
                f"{where}, line {at + 1}: a frame begins with the number of its atoms, not '{lines[at].strip()[:80]}'"
                + before
            )
        end = at + 2 + int(lines[at])
        # The last one may be short: whoever reads it says what is wrong with it.
        frames.append(Frame(len(frames) + 1, at + 1, "\n".join(lines[at : min(end, len(lines))]) + "\n"))
        at = end
    if not frames:
        raise InputError(f"{where}, line 1: the first line of an XYZ file is the number of atoms")
    return frames


def pick_frame(frames: Sequence[Frame], where: str, number: str = "", name: str = "") -> Frame:
    """The frame with this number (from 1) or `name=`; InputError says which there are."""
    if number or not name:
        if re.fullmatch(r"[0-9]{1,9}", number) and 1 <= int(number) <= len(frames):
            return frames[int(number) - 1]
        raise InputError(f"{where} has {len(frames)} frames, counted from 1; there is no frame '{number}'")
    names = [frame.name(where) for frame in frames]
    if names.count(name) == 1:
        return frames[names.index(name)]
    if name in names:
        first, second = [str(f.number) for f, n in zip(frames, names, strict=True) if n == name][:2]
        raise InputError(f"{where}: frames {first} and {second} are both called '{name}'; write {where}@{first}")
    known = [n for n in names if n]
    raise InputError(
        f"{where} has no frame called '{name}'"
        + (did_you_mean(name, known) if known else f"; none has a name= in its comment line, so write {where}@1")
    )
