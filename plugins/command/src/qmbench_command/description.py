"""A file that describes a program: what may be in it, and what is wrong with it."""

from __future__ import annotations

import hashlib
import re
import shutil
import string
import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    ValidationError,
    field_validator,
    model_validator,
)

from qmbench import InputError

LONGEST = 110
PLACES = ("charge", "multiplicity", "unpaired", "n_atoms", "cores", "xyz", "xyz_bohr", "cell", "cell_bohr")
"""What a template of an input may have, beside the options."""
SHAPES = {"energy": (), "forces": ("atoms", 3), "stress": (3, 3), "dipole": (3,), "polarizability": (3, 3)}
"""Properties whose numbers a regular expression may bring; through JSON any registered one comes."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Reading(_Part):
    """How one property is read: by a key of a JSON answer, or by a regular expression in a text."""

    unit: str = Field(description="unit of the number as the program gives it")
    key: str | None = Field(None, description="key in the JSON answer; left out, the property's own name")
    regex: str | None = Field(
        None, description="regular expression, its groups are the numbers; of several matches the last ones count"
    )
    scale: StrictFloat = Field(
        1.0, description="factor on what was read, −1 where a program gives the gradient for forces"
    )

    @field_validator("regex")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                groups = re.compile(value, re.MULTILINE).groups
            except re.error as error:
                raise ValueError(f"no regular expression: {error}") from None
            if groups < 1:
                raise ValueError("has no group (…) that would be the number")
        return value


class Choice(_Part):
    """An option of the level of theory, which the input or the arguments mention as ${NAME}."""

    default: bool | int | float | str
    description: str = ""
    choices: list[bool | int | float | str] = []

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        for one in self.choices:
            if type(one) not in ((int, float) if isinstance(self.default, float) else (type(self.default),)):
                raise ValueError(f"choices: {one!r} is of another kind than the default {self.default!r}")
        if self.choices and self.default not in self.choices:
            raise ValueError(f"default: {self.default!r} is none of the choices {', '.join(map(repr, self.choices))}")
        return self


class Description(_Part):
    """All that a file says."""

    description: str = Field(description="one line: what it computes, and after whom")
    command: list[str] = Field(min_length=1, description="program and arguments; no shell reads them")
    version_command: list[str] = Field([], description="prints the version, which counts in a record's key")
    systems: list[Literal["molecule", "crystal"]] = Field(["molecule"], min_length=1)
    elements: list[str] = Field([], description="those that it knows; none: all")
    charges: StrictBool = Field(True, description="false: it is not told the charge, so ions are refused")
    spins: StrictBool = Field(
        True, description="false: it is not told the multiplicity, so only the lowest is let through"
    )
    energy_zero: Literal["absolute", "arbitrary"] = "arbitrary"
    input: str = Field("json", description="json, or a template of the input with places such as ${xyz}")
    input_file: str = Field("", description="file in which the input is written; none: it goes to standard input")
    output_file: str = Field("", description="file in which the answer is; none: standard output")
    success: str = Field("", description="regular expression that the output of a finished calculation has")
    not_converged: str = Field("", description="regular expression by which the output says so")
    citations: list[str] = []
    options: dict[str, Choice] = {}
    properties: dict[str, Reading] = Field(min_length=1)

    @field_validator("success", "not_converged")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value

    @field_validator("input_file", "output_file")
    @classmethod
    def _plain(cls, value: str) -> str:
        if value and (value in (".", "..") or "/" in value):
            raise ValueError("is a name without folders; the program works in an empty folder of its own")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not 10 <= len(" ".join(self.description.split())) <= LONGEST:
            raise ValueError(f"description: say in a line of 10 to {LONGEST} characters what it computes")
        for name in self.options:
            if not re.fullmatch(r"[a-z]\w*", name, re.ASCII) or name in (*PLACES, "folder", "basis"):
                raise ValueError(f"options: '{name}' can't be the name of an option")
        for name, reading in self.properties.items():
            if reading.regex is not None and name not in SHAPES:
                raise ValueError(f"properties.{name}: only {', '.join(SHAPES)} can be read by a regular expression")
            if reading.regex is not None and reading.key is not None:
                raise ValueError(f"properties.{name}: key or regex, not both")
        known = {*PLACES, *self.options}
        texts = {"input": "" if self.input == "json" else self.input}
        for n, word in enumerate(self.command):
            texts[f"command[{n}]"] = word.replace("${folder}", "")
        for where, text in texts.items():
            template = string.Template(text)
            if not template.is_valid():
                raise ValueError(f"{where}: a $ that is no place such as ${{xyz}} is written $$")
            for place in template.get_identifiers():
                if place not in known:
                    raise ValueError(f"{where}: nothing is called ${{{place}}}; there is {', '.join(sorted(known))}")
        return self


def read(path: Path) -> tuple[Description, str]:
    """A description, and the SHA-256 of its file; InputError in one line where it is none."""
    try:
        content = path.read_bytes()
        data = tomllib.loads(content.decode())
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML: {' '.join(str(error).split())}") from None
    try:
        return Description(**data), hashlib.sha256(content).hexdigest()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        typed = first["type"] in ("bool_type", "float_type")  # what was there instead is worth saying
        said += f", which {first['input']!r} is not" if typed else ""
        raise InputError(f"{path}: {where + ': ' if where else ''}{said}") from None
    except TypeError:
        raise InputError(f"{path}: names of keys are plain words") from None


def program(words: list[str], folder: Path) -> list[str]:
    """The words with the folder of the description put in, and the program with its place."""
    placed = [word.replace("${folder}", str(folder)) for word in words]
    return [shutil.which(placed[0]) or placed[0], *placed[1:]]


def scripts(words: list[str], folder: Path) -> dict[str, str]:
    """SHA-256 of what a command runs of the description's own folder, by the word that names it."""
    found: dict[str, str] = {}
    for word in words:
        path = Path(word.replace("${folder}", str(folder)))
        if "${folder}" in word and path.is_file():
            found[word] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
