"""What a benchmark says of its reference sets: how far their values can be trusted, and what they may be weighed with.

A value that holds within an approximation answers another question than the benchmark's: the Hartree–Fock limit, the
energy in a small basis, a measured value with relativity in it. It never votes on the benchmark's own quantity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.data.identifiers import check_set_name
from qmbench.data.schema import shown
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.method import split_level
from qmbench.plugging.registry import canonical_level

ROLES = ("estimate", "limit", "superseded")
SET_KEYS = "title doi level_of_theory note role within families".split()


@dataclass(frozen=True)
class Role:
    """role: one of ROLES. An `estimate` may be off by more than the digits that are printed; a `limit` is what a
    converged calculation has to give, so that rounding is all its uncertainty; a `superseded` set does not vote.

    within: empty, or the approximation inside which the values hold: METHOD, /BASIS or METHOD/BASIS (what the parsed
    level of theory must have), or other words, which no level has.
    """

    role: str = "estimate"
    within: str = ""


def families_of(meta: Mapping[str, Any], name: str) -> dict[str, str]:
    """What the values of a set share with other methods, by name: the approximation, the functional, the experiment."""
    return dict(meta.get("reference_sets", {}).get(name, {}).get("families", {}))


def role_of(meta: Mapping[str, Any], name: str) -> Role:
    """The role of reference set `name` in a benchmark.toml; an estimate where nothing is said."""
    about = meta.get("reference_sets", {}).get(name, {})
    return Role(about.get("role", "estimate"), about.get("within", ""))


def check_reference_sets(meta: Mapping[str, Any], where: Path) -> None:
    """InputError for an unknown key or role, and where `within` is senseless."""
    for name, about in meta.get("reference_sets", {}).items():
        check_set_name(name, where)
        said = f"{where}: reference set '{name}'"
        if not isinstance(about, Mapping):
            raise InputError(f"{said} is described by a table: [reference_sets.{name}]")
        for key in about:
            if key not in SET_KEYS:
                raise InputError(f"{said}: unknown key '{key}'{did_you_mean(key, SET_KEYS)}")
        for key in ("title", "doi", "level_of_theory", "note", "role"):
            if not isinstance(about.get(key, ""), str):
                raise InputError(f"{said}: {key} must be a text, not {shown(about[key])}")
        role, within = about.get("role", "estimate"), about.get("within", "")
        if role not in ROLES:
            raise InputError(f"{said}: role is {', '.join(ROLES)}, not '{role}'{did_you_mean(str(role), ROLES)}")
        families = about.get("families", {})
        if not isinstance(families, Mapping) or not all(isinstance(v, str) for v in families.values()):
            raise InputError(f'{said}: families is a table of texts, such as {{ approximation = "CCSD(T)" }}')
        if not isinstance(within, str) or within != within.strip() or within == "/":
            raise InputError(
                f"{said}: within names an approximation, such as 'hf', '/sto-6g' or 'hf/sto-6g', or says it in words; "
                f"it is not '{within}'"
            )


def holds_within(level: str, within: str) -> bool:
    """Whether a level of theory is of the approximation `within`, by its parsed method and basis.

    level: in its canonical spelling; `within` in any, as long as the level's method knows it.
    """
    method, _, basis = within.lower().partition("/")
    text = split_level(level)
    if within.split() == [within]:  # not in words
        ours = basis or text.basis
        known = split_level(canonical_level((method or text.method) + (f"/{ours}" if ours else "")))
        method, basis = method and known.method, basis and (known.basis or "")
    return text.method.lower() == (method or text.method.lower()) and (not basis or (text.basis or "").lower() == basis)
