"""How a level of theory is written: which options its canonical spelling needs, and the short label people read."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import quote

import pydantic

from qmbench.domain.errors import InputError
from qmbench.domain.free_values import free_text

LONGEST_LABEL = 60
PUBLISHED = "‡"
"""Ends the name of a level of theory whose values were published by others, not computed here."""


def spelling(method: str, options: pydantic.BaseModel) -> str:
    """`METHOD[/BASIS][?option=value&…]` with the options that have to be written, in alphabetical order."""
    basis = getattr(options, "basis", None)
    text = method if basis is None else f"{method}/{basis}"
    names = sorted({*written_options(options), *_always_written(options)})
    parts = [f"{name}={_text_of(options, name)}" for name in names]
    return text + ("?" + "&".join(parts) if parts else "")


def _text_of(options: pydantic.BaseModel, name: str) -> str:
    declared = name in type(options).model_fields
    return option_text(getattr(options, name)) if declared else free_text((options.model_extra or {})[name])


def values_of(options: pydantic.BaseModel) -> dict[str, Any]:
    """The values from which the same options are made again: of all fields and further names, nothing computed."""
    return {name: getattr(options, name) for name in type(options).model_fields} | (options.model_extra or {})


def _always_written(options: pydantic.BaseModel) -> Collection[str]:
    tell = getattr(options, "always_written", None)
    return () if tell is None else tell()


def written_options(options: pydantic.BaseModel) -> list[str]:
    """The options, `basis` aside, that differ from what the method resolves to when they are left out.

    Each is left out in turn, those with their default first and then by name, and stays out if the rest resolves to
    the very same options: so a value that a validator fills in is not written, and none is lost. Options that are not
    declared have no default, so they are among them.
    """
    kind = type(options)
    fields = kind.model_fields
    kept = values_of(options)
    names = sorted(name for name in fields if name != "basis")
    names.sort(key=lambda name: kept[name] != fields[name].default)
    if "basis" in kept and kept["basis"] is None:
        names.insert(0, "basis")
    whole = options.model_dump()
    before = -1
    while len(kept) != before:  # what may go can depend on what else is written
        before = len(kept)
        for name in names:
            fewer = {key: value for key, value in kept.items() if key != name}
            if name in kept and _resolved(kind, fewer) == whole:
                kept = fewer
    if _resolved(kind, kept) != whole:  # options that refuse their own resolved values: every one that is no default
        return sorted(
            [
                *(options.model_extra or {}),
                *(n for n in names if n != "basis" and getattr(options, n) != fields[n].default),
            ]
        )
    return sorted(name for name in kept if name != "basis")


def _resolved(kind: type[pydantic.BaseModel], values: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return kind(**values).model_dump()
    except (pydantic.ValidationError, InputError):
        return None


def option_text(value: Any) -> str:
    """`value` as it is written in a level of theory; `parse_level` reads it back."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ",".join(map(option_text, value)) or "()"
    return repr(value) if isinstance(value, float) else quote(str(value), safe="!$'()*+,/:;=?@[]{}|^~<>")


def level_label(method: str, label: Any, told: Collection[str], options: pydantic.BaseModel) -> str:
    """The method's label, the basis in its usual typography, and the options that the label does not tell of:
    `CCSD(T)/cc-pVTZ`, `SEHX (weight=0.25)`, of what is switched on the name alone: `MP2/cc-pVTZ (frozen core)`. Empty
    where the method has no label; told: options that it tells of."""
    label = checked_label(label, f"{method}.label()")
    if not label:
        return ""
    basis = getattr(options, "basis", None)
    if basis is not None and "basis" not in told:
        label += f"/{basis_typography(str(basis))}"
    rest = [name for name in written_options(options) if name not in told]
    said = ", ".join(option_label(name, _text_of(options, name)) for name in rest)
    return f"{label} ({said})" if said else label


def option_label(name: str, text: str) -> str:
    """How labels tell of an option that has the written value `text`."""
    return name.replace("_", " ") if text == "true" else f"{name}={text.removesuffix('.0')}"


def checked_label(label: Any, where: str) -> str:
    """`label` if it is a short line of text; InputError otherwise."""
    if not isinstance(label, str) or label != " ".join(label.split()) or len(label) > LONGEST_LABEL:
        raise InputError(f"{where}: a label is one line of at most {LONGEST_LABEL} characters, not {label!r}")
    return label


_DUNNING = re.compile(r"((?:heavy-)?(?:[dtq]-)?(?:(?:aug|jul|jun|may|apr)-)?)cc-?p(w?c)?v(\(?)([dtq5-9])(\+d\))?z(.*)")
_AHLRICHS = re.compile(r"((?:ma-|unc-)?(?:def2?|dhf)-)(m?)([a-z0-9]+)(.*)")
_POPLE = re.compile(r"(\d-\d+\+*)g(.*)")
_CAPITALS = re.compile(r"(sto-\dg.*|ano.*|lanl\w*|gth-.*|roos-.*|minao|(?:sv|svp|dzp?|dzvp|tzp|tzvpp?|qzvpp?)(?: .*)?)")


def basis_typography(name: str) -> str:
    """A basis set's name as papers print it: cc-pvtz is cc-pVTZ, def2-svp def2-SVP, 6-31g(d) 6-31G(d), sto-3g STO-3G.

    Names of other families stay as they are written.
    """
    if name.startswith("ccecp-"):
        return f"ccECP-{basis_typography(name.removeprefix('ccecp-'))}"
    if m := _DUNNING.fullmatch(name):
        prefix, core, bracket, zeta, tight, rest = m.groups()
        valence = f"({zeta.upper()}+d)" if bracket and tight else zeta.upper()
        return f"{prefix}cc-p{(core or '').replace('c', 'C')}V{valence}Z{rest.upper()}"
    if m := _AHLRICHS.fullmatch(name):
        return f"{m[1]}{m[2]}{m[3].upper()}{m[4].upper()}"
    if m := _POPLE.fullmatch(name):
        return f"{m[1]}G{m[2]}"
    return name.upper() if _CAPITALS.fullmatch(name) else name
