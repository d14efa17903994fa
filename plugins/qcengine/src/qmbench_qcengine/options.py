"""The options of levels that QCEngine computes."""

from __future__ import annotations

import re
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from qmbench import OpenOptions


class ProgramOptions(OpenOptions):
    """Of a program without basis sets: its own keywords, passed on as they are."""

    @model_validator(mode="after")
    def _one_line(self) -> Self:
        for name, value in self.passed_on.items():
            if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
                raise ValueError(f"'{name}' is no name of a keyword")
            if _has_control_characters(value):
                raise ValueError(f"'{name}': a keyword goes into a program's input, so that it has to be one line")
        return self


class BasisOptions(ProgramOptions):
    """Of a program that may need a basis set."""

    basis: str | None = Field(
        None, description="basis set, as the program itself names it; none where the method brings its own"
    )

    @field_validator("basis")
    @classmethod
    def _name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[\w+\-*(),.=@]+", value, re.ASCII):
            raise ValueError(f"'{value}' is no name of a basis set")
        return value


def _has_control_characters(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_control_characters(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(map(_has_control_characters, value))
    return isinstance(value, str) and not value.isprintable()
