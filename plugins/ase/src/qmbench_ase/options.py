"""The options of levels that ASE calculates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, computed_field, field_validator, model_validator

from qmbench import OpenOptions, Options
from qmbench_ase.files import digest, named_file, read_settings, refuse_commands

_WAY = r"(keyword|info):[A-Za-z_]\w*"


class LennardJonesOptions(Options):
    """Of a Lennard-Jones potential, in ASE's units."""

    sigma: float = Field(1.0, gt=0, description="distance of zero energy, Å", examples=[1.3])
    epsilon: float = Field(1.0, gt=0, description="depth of the minimum, eV", examples=[0.5])
    rc: float | None = Field(
        None,
        gt=0,
        description="cutoff, Å; none: 3 sigma. The energy of a pair is shifted to zero there",
        examples=[2.0],
    )
    smooth: bool = Field(False, description="instead of a shift, a factor that makes forces go to zero at the cutoff")


class EmtOptions(Options):
    """Of the effective medium theory."""

    asap_cutoff: bool = Field(False, description="the cutoff of the program ASAP instead of that of the paper")


class CalculatorOptions(OpenOptions):
    """Of any calculator: its own keywords, and what qmbench has to know to use it."""

    settings: str | None = Field(
        None,
        exclude=True,
        description="TOML file with keywords of the calculator, for what is too long to be written in a line; its "
        "content counts in a record's key, its place does not",
    )
    charge_as: str | None = Field(
        None,
        description="how the calculator is told the total charge: keyword:NAME, or info:NAME (an entry of Atoms.info); "
        "none: its keyword charge or total_charge if it has one, else ions are refused",
    )
    multiplicity_as: str | None = Field(
        None,
        description="how it is told the multiplicity: keyword:NAME, info:NAME, unpaired-keyword:NAME or "
        "unpaired-info:NAME for 2S instead of 2S+1, or `ignored`; none: its keyword multiplicity or spin_multiplicity "
        "if it has one, else only the lowest spin is let through",
    )
    reuse: bool = Field(
        False,
        description="keep the calculator for the next task of the same process: right where nothing that it computes "
        "depends on what it computed before, as in learned potentials, whose weights are then loaded once",
    )
    _keywords: dict[str, Any] = PrivateAttr(default_factory=dict)
    _files: dict[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("charge_as", "multiplicity_as")
    @classmethod
    def _way(cls, value: str | None, info: Any) -> str | None:
        spin = info.field_name == "multiplicity_as"
        if value is None or re.fullmatch(rf"(unpaired-)?{_WAY}|ignored" if spin else _WAY, value):
            return value
        ways = "keyword:NAME, info:NAME" + (", unpaired-keyword:NAME, unpaired-info:NAME or ignored" if spin else "")
        raise ValueError(f"write {ways}")

    @model_validator(mode="after")
    def _read_files(self) -> Self:
        keywords, folder = ({}, None) if self.settings is None else read_settings(self.settings)
        for name in self.passed_on:
            if name in keywords:
                raise ValueError(f"'{name}' is in {self.settings}, too")
        refuse_commands({**keywords, **self.passed_on}, "ase")
        files: dict[str, str] = {}
        own = {key: _resolved(value, key, folder, files) for key, value in keywords.items()}
        self._keywords = own | {key: _resolved(value, key, None, files) for key, value in self.passed_on.items()}
        self._files = files | ({} if self.settings is None else {"settings": digest_of(self.settings)})
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def files(self) -> dict[str, str]:
        """SHA-256 of the settings and of each file that a keyword names, so that they are in a record's key."""
        return self._files

    @property
    def keywords(self) -> dict[str, Any]:
        """What the calculator is made with; names of files with their folders."""
        return self._keywords


def digest_of(name: str) -> str:
    """SHA-256 of a file that a user named."""
    from qmbench import user_file

    return digest(user_file(name))


def _resolved(value: Any, key: str, folder: Path | None, files: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {k: _resolved(v, f"{key}.{k}", folder, files) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolved(v, f"{key}.{n}", folder, files) for n, v in enumerate(value)]
    path = named_file(value, folder) if isinstance(value, str) else None
    if path is None:
        return value
    files[key] = digest(path)
    return str(path)
