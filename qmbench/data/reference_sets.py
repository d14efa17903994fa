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
from qmbench.domain.composite import parts_of_text
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.naming import PUBLISHED
from qmbench.domain.units import factor
from qmbench.plugging.registry import canonical_level

ROLES = ("estimate", "limit", "superseded", "level")
SAME_QUANTITY = ("estimate", "superseded")
"""Roles of sets that estimate one quantity: an older value may be less exact, but not of another sign or unit."""
SET_KEYS = "title doi level_of_theory note role within families claim".split()
LEVEL_KEYS = "level label bsse dispersion frozen_core unit place".split()
"""Keys that only sets of the role `level` have."""


@dataclass(frozen=True)
class Role:
    """role: one of ROLES. An `estimate` may be off by more than the digits that are printed; a `limit` is what a
    converged calculation has to give, so that rounding is all its uncertainty; a `superseded` set does not vote. A
    `level` is no reference: its values are those that others published for a level of theory.

    within: empty, or the approximation inside which the values hold: METHOD, /BASIS or METHOD/BASIS (what the parsed
    level of theory must have), or other words, which no level has.
    """

    role: str = "estimate"
    within: str = ""


@dataclass(frozen=True)
class PublishedLevel:
    """What a reference set of the role `level` holds the values of.

    level: METHOD[/BASIS][?options], spelt like a level of qmbench where there is one; label: what tables call it; bsse:
    `cp`, `none`, or empty where it has no meaning; dispersion, frozen_core: in words; unit: of the values, empty where
    it is the entry's; doi, place: the source.
    """

    set: str
    level: str
    label: str = ""
    bsse: str = ""
    dispersion: str = ""
    frozen_core: str = ""
    unit: str = ""
    doi: str = ""
    place: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """Its level of theory in tables of results: never that of a computed one."""
        return self.level + PUBLISHED

    @property
    def shown(self) -> str:
        """Its label in tables."""
        return (self.label or self.level) + PUBLISHED

    @property
    def families(self) -> dict[str, str]:
        """What it shares with other levels, as far as its spelling tells."""
        basis = parts_of_text(self.level).basis
        return {"basis": basis} if basis else {}


def published_levels(meta: Mapping[str, Any]) -> dict[str, PublishedLevel]:
    """set -> its level, of the reference sets of the role `level` in a benchmark.toml."""
    keys = (*LEVEL_KEYS, "doi", "note")
    return {
        name: PublishedLevel(name, **{key: about[key] for key in keys if key in about})
        for name, about in (meta.get("reference_sets") or {}).items()
        if isinstance(about, Mapping) and about.get("role") == "level"
    }


def families_of(meta: Mapping[str, Any], name: str) -> dict[str, str]:
    """What the values of a set share with other methods, by name: the approximation, the functional, the experiment."""
    return dict(meta.get("reference_sets", {}).get(name, {}).get("families", {}))


def claim_of(meta: Mapping[str, Any], name: str) -> str | None:
    """What reference set `name` claims: `reference`, that its values are off by no more than their stated
    uncertainties; empty: no such thing; None where it does not say."""
    claim: str | None = meta.get("reference_sets", {}).get(name, {}).get("claim")
    return claim


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
            if key in LEVEL_KEYS and about.get("role") != "level":
                raise InputError(f"{said}: '{key}' is of a published level of theory, which has role = \"level\"")
            if key not in (*SET_KEYS, *LEVEL_KEYS):
                raise InputError(f"{said}: unknown key '{key}'{did_you_mean(key, (*SET_KEYS, *LEVEL_KEYS))}")
        for key in ("title", "doi", "level_of_theory", "note", "role", *LEVEL_KEYS):
            if not isinstance(about.get(key, ""), str):
                raise InputError(f"{said}: {key} must be a text, not {shown(about[key])}")
        role, within = about.get("role", "estimate"), about.get("within", "")
        if role not in ROLES:
            raise InputError(f"{said}: role is {', '.join(ROLES)}, not '{role}'{did_you_mean(str(role), ROLES)}")
        if about.get("claim", "") not in ("", "reference"):
            raise InputError(f'{said}: claim is "reference" or empty, not {shown(about["claim"])}')
        families = about.get("families", {})
        if not isinstance(families, Mapping) or not all(isinstance(v, str) for v in families.values()):
            raise InputError(f'{said}: families is a table of texts, such as {{ approximation = "CCSD(T)" }}')
        if not isinstance(within, str) or within != within.strip() or within == "/":
            raise InputError(
                f"{said}: within names an approximation, such as 'hf', '/sto-6g' or 'hf/sto-6g', or says it in words; "
                f"it is not '{within}'"
            )

        if role == "level":
            _check_level(about, said)
            if meta.get("default_reference_set") == name:
                raise InputError(f"{said}: a published level of theory is no reference, and not the default set")
    named: dict[tuple[str, str], str] = {}
    for level in published_levels(meta).values():
        other = named.setdefault((level.level, level.bsse), level.set)
        if other != level.set:
            raise InputError(f"{where}: reference sets '{other}' and '{level.set}' are both of {level.level}")


def _check_level(about: Mapping[str, Any], said: str) -> None:
    """InputError where a set of the role `level` does not say which level, in which unit, or from where."""
    if not about.get("level"):
        raise InputError(f'{said}: level is missing: the published level of theory, such as level = "pbe0/def2-qzvpp"')
    try:
        parts_of_text(about["level"])
        if about.get("unit"):
            factor(about["unit"], about["unit"])
    except InputError as error:
        raise InputError(f"{said}: {error}") from None
    if PUBLISHED in about["level"]:
        raise InputError(f"{said}: {PUBLISHED} marks published levels in tables, and is not part of their level")
    if about.get("bsse", "") not in ("", "none", "cp"):
        raise InputError(f"{said}: bsse is 'cp' or 'none', not '{about['bsse']}'")
    if not about.get("doi") and not about.get("place"):
        raise InputError(f"{said}: published values need their source (doi or place)")
    if about.get("within") or about.get("families"):
        raise InputError(f"{said}: 'within' and 'families' are of references; a published level says it by its level")


def holds_within(level: str, within: str) -> bool:
    """Whether a level of theory is of the approximation `within`, by its parsed method and basis.

    level: in its canonical spelling; `within` in any, as long as the level's method knows it.
    """
    level = level.removesuffix(PUBLISHED)
    method, _, basis = within.lower().partition("/")
    text = parts_of_text(level)
    if within.split() == [within]:  # not in words
        ours = basis or text.basis
        known = parts_of_text(canonical_level((method or text.method) + (f"/{ours}" if ours else "")))
        method, basis = method and known.method, basis and (known.basis or "")
    return text.method.lower() == (method or text.method.lower()) and (not basis or (text.basis or "").lower() == basis)
