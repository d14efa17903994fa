"""Levels of theory made of levels: extrapolations over basis sets, and sums with coefficients.

    mp2/aug-cc-pv[tq]z
    mp2/aug-cc-pv[tq]z + ccsd(t)/aug-cc-pvdz - mp2/aug-cc-pvdz
    0.5 * (pbe/def2-tzvp + hf/def2-tzvp)

An operator stands between blanks, since names have + and - in them (`pbe+d4`, `6-31+g*`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from qmbench.domain import recipe
from qmbench.domain.basis_families import is_template, members
from qmbench.domain.equilibrium import DERIVED
from qmbench.domain.errors import InputError, QmbenchError, Unsupported, did_you_mean
from qmbench.domain.method import LevelOfTheory, LevelText, split_level
from qmbench.domain.naming import LONGEST_LABEL, basis_typography, checked_label, option_label, option_text
from qmbench.domain.recipe import Limit, Recipe, Sum
from qmbench.domain.systems import System

SCHEME_OPTIONS = ("hf_scheme", "correlation_scheme", "correlation_power")
"""Options of an extrapolated level, beside those of its method."""

REFERENCE_SCHEMES = ("karton-martin", "feller", "halkier", "largest")
CORRELATION_SCHEMES = ("power", "largest")
LONGEST_LEVEL = 1000
EXTRAPOLATED = ("energy", "forces", "dipole", "polarizability")
"""Energies and derivatives of them, in which the parts of a level add up as they do in energies."""

_OPERATOR = re.compile(r"\s[+*-]\s|^\s*[+-]?[0-9.]+(e[+-]?[0-9]+)?\s*\*|^\s*\(|^\s*-\s", re.IGNORECASE)
_NUMBER = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)


def is_composite(text: str) -> bool:
    """Whether a level of theory is written as made of levels."""
    return bool(_OPERATOR.search(text)) or is_template(_head(text).partition("/")[2])


def _head(text: str) -> str:
    return text.partition("?")[0]


@dataclass(frozen=True)
class Composite:
    """A composite level under a name, from a plugin's `qmbench_composites` or a suite's [composites].

    expression: of levels, and names of other composites. label: what reports call it; empty: the name. citation: DOI
    or a short text.
    """

    name: str
    expression: str
    label: str = ""
    citation: str = ""


def check_composite(composite: Composite, where: str = "") -> None:
    """InputError unless its name can be told from a level and its texts are texts."""
    said = f"{where}: " if where else ""
    if not (isinstance(composite.name, str) and re.fullmatch(r"[a-z][a-z0-9()+-]*", composite.name)):
        raise InputError(
            f"{said}the name of a composite is lower-case letters, digits, brackets, + and -, not {composite.name!r}"
        )
    if not isinstance(composite.expression, str) or not composite.expression.strip():
        raise InputError(f"{said}composite '{composite.name}' needs an expression of levels")
    checked_label(composite.label, f"{said}composite '{composite.name}'")


def with_composites(text: str, known: Mapping[str, Composite], inside: tuple[str, ...] = ()) -> str:
    """The level with each name of a composite replaced by its expression. InputError where they go in a circle."""
    if not known:
        return text

    def put_in(word: str) -> str:
        name = word.lower()
        if name not in known:
            return word
        if name in inside:
            raise InputError(f"composite '{name}' is made of itself: {' → '.join((*inside, name))}")
        return f"({with_composites(known[name].expression, known, (*inside, name))})"

    if text.strip().lower() in known:
        return put_in(text.strip())[1:-1]
    return (
        " ".join(before + put_in(word) + after for before, word, after in map(_apart, text.split()))
        if is_composite(text)
        else text
    )


def _apart(word: str) -> tuple[str, str, str]:
    """(opening, name, closing): brackets that group, and a factor, off the name between them."""
    start = re.match(rf"\(*([+-]?({_NUMBER.pattern})\*\(*)?", word, re.IGNORECASE)
    before = start[0] if start else ""
    inner = word[len(before) :]
    closing = inner.count(")") - inner.count("(")
    after = ""
    while closing > 0 and inner.endswith(")"):
        inner, after, closing = inner[:-1], after + ")", closing - 1
    return before, inner, after


@dataclass(frozen=True)
class Extrapolated:
    """One method over members of a family of basis sets. template: `aug-cc-pv[tq]z`; levels: of the members; options:
    those of SCHEME_OPTIONS that were written."""

    template: str
    levels: tuple[LevelOfTheory, ...]
    cardinals: tuple[int, ...]
    references: tuple[LevelOfTheory, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    @cached_property
    def spelling(self) -> str:
        """The canonical spelling: that of a member with the template for its basis, and the schemes written."""
        first = str(self.levels[0])
        head, _, query = first.partition("?")
        method = head.partition("/")[0]
        written = sorted([*filter(None, query.split("&")), *(f"{k}={option_text(v)}" for k, v in self.options)])
        return f"{method}/{self.template}" + ("?" + "&".join(written) if written else "")

    @property
    def label(self) -> str:
        label = self.levels[0].label
        basis = basis_typography(str(self.levels[0].options.basis))  # type: ignore[attr-defined]
        if not label or f"/{basis}" not in label:
            return ""
        told = label.replace(f"/{basis}", f"/{template_typography(self.template)}")
        more = ", ".join(option_label(k, option_text(v)) for k, v in self.options)
        return f"{told} ({more})" if more else told

    def recipe(self, prop: str) -> Recipe:
        """How `prop` is made: reference and correlation parts extrapolated apart, where the method has both."""
        if prop not in EXTRAPOLATED:
            raise Unsupported(
                f"{self.spelling}: energies and their derivatives ({', '.join(EXTRAPOLATED[1:])}) are extrapolated "
                f"over basis sets, not {prop}"
            )
        chosen = dict(self.options)
        default = "feller" if len(self.levels) == 3 and prop == "energy" else "karton-martin"
        hf_scheme = chosen.get("hf_scheme", default)
        correlation = {
            "scheme": chosen.get("correlation_scheme", "power"),
            "power": chosen.get("correlation_power", recipe.CORRELATION_POWER),
        }
        whole: list[Recipe] = [(level, prop) for level in self.levels]
        if self.references:
            reference: tuple[Recipe, ...] = tuple((level, prop) for level in self.references)
            rest: tuple[Recipe, ...] = tuple(Sum(((1.0, a), (-1.0, b))) for a, b in zip(whole, reference, strict=True))
        elif self.levels[0].method.mean_field:
            return Limit("reference", hf_scheme, self.cardinals, tuple(whole))
        elif prop == "energy":
            reference = tuple((level, "reference_energy") for level in self.levels)
            rest = tuple((level, "correlation_energy") for level in self.levels)
        else:
            raise Unsupported(
                f"{self.spelling}: of {self.levels[0].method.name} only energies are extrapolated, not {prop}"
            )
        parts = (
            (1.0, Limit("reference", hf_scheme, self.cardinals, reference)),
            (1.0, Limit("correlation", correlation["scheme"], self.cardinals, rest, float(correlation["power"]))),
        )
        return Sum(parts)


Atom = LevelOfTheory | Extrapolated


@dataclass(frozen=True)
class CompositeLevel:
    """A level of theory made of levels. `str()` gives the one canonical spelling: rearrangements have the same."""

    terms: tuple[tuple[float, Atom], ...]
    # Under which name it was asked for, if it has one; its label, and where it comes from.
    named: Composite | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.spelling

    @cached_property
    def spelling(self) -> str:
        said = ""
        for c, atom in self.terms:
            text = _spelled(atom)
            amount = text if abs(c) == 1 else f"{abs(c):.12g} * {text}"
            said += (f" {'-' if c < 0 else '+'} " if said else "- " if c < 0 else "") + amount
        return said

    @property
    def label(self) -> str:
        """The name's label, or those of its parts, added up, where that is short; else empty."""
        if self.named:
            return self.named.label or self.named.name
        said = ""
        for c, atom in self.terms:
            if not atom.label:
                return ""
            amount = atom.label if abs(c) == 1 else f"{abs(c):.4g}·{atom.label}"
            said += (f" {'−' if c < 0 else '+'} " if said else "−" if c < 0 else "") + amount
        return said if len(said) <= LONGEST_LABEL else ""

    @cached_property
    def parts(self) -> tuple[LevelOfTheory, ...]:
        """The levels that are computed, each once."""
        found: dict[str, LevelOfTheory] = {}
        for _, atom in self.terms:
            for level in (*atom.levels, *atom.references) if isinstance(atom, Extrapolated) else (atom,):
                found.setdefault(str(level), level)
        return tuple(found.values())

    @property
    def has_basis(self) -> bool:
        return any(level.has_basis for level in self.parts)

    def recipe(self, prop: str) -> Recipe:
        """How `prop` is made; leaves are (LevelOfTheory, property)."""
        if prop in DERIVED and prop != "hessian":
            raise Unsupported(f"{self.spelling}: a level made of levels has no {prop} that is a sum of theirs")
        made = tuple((c, a.recipe(prop) if isinstance(a, Extrapolated) else (a, prop)) for c, a in self.terms)
        return made[0][1] if len(made) == 1 and made[0][0] == 1 else Sum(made)

    def check(self, system: System, properties: frozenset[str]) -> None:
        """Refuse cheaply what one of its parts refuses: Unsupported or InputError that names the part."""
        for prop in sorted(properties):
            for level, part in dict.fromkeys(recipe.leaves(self.recipe(prop))):
                try:
                    level.make().check(system, frozenset((part,)))
                except QmbenchError as error:
                    raise type(error)(f"{level}: {error}") from None

    def families(self) -> dict[str, str]:
        """What all its parts share with others."""
        each = [level.make().families() for level in self.parts]
        return {k: v for k, v in each[0].items() if all(other.get(k) == v for other in each)}

    def claims(self) -> str:
        """`reference` where one of its parts claims that and the whole is extrapolated, or near the limit; else empty.

        See `Method.claims`: a focal point that ends in CCSD(T) claims what CCSD(T) at the limit claims.
        """
        extrapolated = any(isinstance(atom, Extrapolated) for _, atom in self.terms)
        for c, atom in self.terms:
            level = atom.levels[-1] if isinstance(atom, Extrapolated) else atom
            if c > 0 and level.method.claim in ("reference", "exact"):
                return "reference" if extrapolated or level.make().claims() in ("reference", "exact") else ""
        return ""

    def is_stochastic(self) -> bool:
        return any(level.is_stochastic() for level in self.parts)

    @property
    def plugin(self) -> str:
        return " ".join(dict.fromkeys(level.plugin for level in self.parts))

    @property
    def versions(self) -> dict[str, str]:
        return {name: version for level in self.parts for name, version in level.versions.items()}

    @property
    def code_digest(self) -> str:
        digests = sorted({level.code.digest for level in self.parts})
        return digests[0] if len(digests) == 1 else "+".join(d[:12] for d in digests)

    @property
    def citations(self) -> tuple[str, ...]:
        own = (self.named.citation,) if self.named and self.named.citation else ()
        return tuple(dict.fromkeys((*own, *(c for level in self.parts for c in level.method.citations))))


Level = LevelOfTheory | CompositeLevel


def _spelled(atom: Atom) -> str:
    return atom.spelling


def composite_level(text: str, level_of: Callable[[str], LevelOfTheory]) -> Level:
    """Parse a level that is made of levels; level_of parses a single one. InputError shows where a fault is."""
    if len(text) > LONGEST_LEVEL:
        raise InputError(f"a level of theory has at most {LONGEST_LEVEL} characters, not {len(text)}")
    found = _Parser(text, level_of).parse()
    merged: dict[str, tuple[float, Atom]] = {}
    for c, atom in found:
        name = _spelled(atom)
        merged[name] = (merged[name][0] + c if name in merged else c, atom)
    terms = sorted(merged.values(), key=lambda term: (term[0] < 0, _spelled(term[1])))
    kept = tuple((c, atom) for c, atom in terms if abs(c) > 1e-12) or ((0.0, terms[0][1]),)
    if len(kept) == 1 and kept[0][0] == 1 and isinstance(kept[0][1], LevelOfTheory):
        return kept[0][1]
    return CompositeLevel(kept)


def named_level(level: Level, composite: Composite) -> Level:
    """`level` with the label and citation of the composite that it was asked for by."""
    return replace(level, named=composite) if isinstance(level, CompositeLevel) else level


class _Parser:
    """sum: [+|-] product {(+|-) product}; product: {number *} (level | '(' sum ')')."""

    def __init__(self, text: str, level_of: Callable[[str], LevelOfTheory]) -> None:
        self.text = text
        self.level_of = level_of
        self.words: list[tuple[str, int]] = []  # with the column, from 1
        for match in re.finditer(r"\S+", text):
            self._add(match[0], match.start() + 1)
        self.at = 0

    def _add(self, word: str, column: int) -> None:
        if word.startswith("(") and len(word) > 1:
            self.words.append(("(", column))
            self._add(word[1:], column + 1)
            return
        glued = re.match(rf"([+-]?)({_NUMBER.pattern})\*(.*)", word, re.IGNORECASE)
        if glued and glued[2]:
            for piece in (glued[1], glued[2], "*"):
                if piece:
                    self.words.append((piece, column))
            if glued[5]:
                self._add(glued[5], column + len(word) - len(glued[5]))
            return
        _, inner, after = _apart(word)
        if inner:
            self.words.append((inner, column))
        self.words += [(")", column + len(inner) + i) for i in range(len(after))]

    def parse(self) -> list[tuple[float, Atom]]:
        found = self._sum()
        if self.at < len(self.words):
            raise self._fault("an operator between blanks was expected (+, - or *)")
        return found

    def _word(self) -> str:
        return self.words[self.at][0] if self.at < len(self.words) else ""

    def _sum(self) -> list[tuple[float, Atom]]:
        sign = 1.0
        if self._word() in ("+", "-"):
            sign = -1.0 if self._word() == "-" else 1.0
            self.at += 1
        found = [(sign * c, atom) for c, atom in self._product()]
        while self._word() in ("+", "-"):
            sign = -1.0 if self._word() == "-" else 1.0
            self.at += 1
            found += [(sign * c, atom) for c, atom in self._product()]
        return found

    def _product(self) -> list[tuple[float, Atom]]:
        factor = 1.0
        while _NUMBER.fullmatch(self._word()):
            factor *= float(self._word())
            if not math.isfinite(factor):
                raise self._fault("is not a finite number")
            self.at += 1
            if self._word() != "*":
                raise self._fault("a number is followed by * and a level of theory")
            self.at += 1
        if self._word() == "(":
            self.at += 1
            inner = self._sum()
            if self._word() != ")":
                raise self._fault("a closing bracket is missing")
            self.at += 1
            return [(factor * c, atom) for c, atom in inner]
        word = self._word()
        if not word or word in (")", "+", "-", "*"):
            raise self._fault("a level of theory was expected")
        try:
            atom = self._atom(word)
        except InputError as error:
            if len(self.words) == 1:
                raise
            raise self._fault(str(error)) from None
        self.at += 1
        return [(factor, atom)]

    def _atom(self, word: str) -> Atom:
        text = split_level(word)
        if text.basis is None or not is_template(text.basis):
            return self.level_of(word)
        return _extrapolated(text, self.level_of)

    def _fault(self, what: str) -> InputError:
        word, column = self.words[self.at] if self.at < len(self.words) else ("", len(self.text) + 1)
        where = f"'{word}', at column {column}" if word else "at the end"
        return InputError(f"{where} of '{self.text}': {what}")


def _extrapolated(text: LevelText, level_of: Callable[[str], LevelOfTheory]) -> Extrapolated:
    assert text.basis is not None
    found = members(text.basis)
    own = [(k, v) for k, v in text.options if k not in SCHEME_OPTIONS]
    levels = tuple(level_of(_written(text.method, m.name, own)) for m in found)
    method = levels[0].method
    if any(level.options.basis_varies() for level in levels):
        raise InputError(
            f"{method.name}: functions that depend on the system are no family of basis sets; write one basis set, "
            f"not {text.basis}"
        )
    references: tuple[LevelOfTheory, ...] = ()
    if method.reference_method:
        references = tuple(_reference(level, level_of) for level in levels)
    elif not method.mean_field and not {"reference_energy", "correlation_energy"} <= method.properties:
        raise InputError(
            f"{method.name} can't be extrapolated: it is not declared to converge as a mean field does, and tells no "
            "correlation energy apart"
        )
    options = _scheme_options(dict(text.options), method.name, len(found), bool(references) or not method.mean_field)
    template = _canonical_template(text.basis, levels, [m.name for m in found])
    return Extrapolated(template, levels, tuple(m.cardinal for m in found), references, options)


def _canonical_template(written: str, levels: Sequence[LevelOfTheory], names: Sequence[str]) -> str:
    """The template in the canonical spelling of its members: what stands before and after the bracket in them."""
    spelled = str(getattr(levels[-1].options, "basis", names[-1]))
    if spelled == names[-1]:
        return written
    inside = re.search(r"\[([^\]]*)\]", written)
    letter = inside[1][-1] if inside else ""
    for at in (i for i, c in enumerate(spelled) if c == letter):
        template = f"{spelled[:at]}[{inside[1] if inside else ''}]{spelled[at + 1 :]}"
        try:
            if [m.name for m in members(template)][-1] == spelled:
                return template
        except InputError:
            continue
    return written


def _written(method: str, basis: str, options: Sequence[tuple[str, str]]) -> str:
    from urllib.parse import quote

    query = "&".join(f"{k}={quote(v, safe='!$()*+,/:;=?@[]{}|^~<>' + chr(39))}" for k, v in options)
    return f"{method}/{basis}" + (f"?{query}" if query else "")


def _reference(level: LevelOfTheory, level_of: Callable[[str], LevelOfTheory]) -> LevelOfTheory:
    """The mean field that a correlated level starts from: the options that both have, as the level has them."""
    basis = str(level.options.basis)  # type: ignore[attr-defined]
    plain = level_of(f"{level.method.reference_method}/{basis}")
    shared = {
        name: getattr(level.options, name) for name in type(plain.options).model_fields if hasattr(level.options, name)
    }
    return replace(plain, options=type(plain.options)(**{**plain.options.given(), **shared}))


def _scheme_options(given: Mapping[str, str], method: str, n: int, correlated: bool) -> tuple[tuple[str, Any], ...]:
    """The scheme options that were written and are no defaults, checked."""
    found: dict[str, Any] = {}
    for name, allowed, default in (
        ("hf_scheme", REFERENCE_SCHEMES, "feller" if n == 3 else "karton-martin"),
        ("correlation_scheme", CORRELATION_SCHEMES, "power"),
    ):
        value = given.get(name, default)
        if value not in allowed:
            raise InputError(f"{name} is {', '.join(allowed)}, not '{value}'{did_you_mean(value, allowed)}")
        if value != default:
            found[name] = value
    if found.get("hf_scheme", "feller" if n == 3 else "") == "feller" and n != 3:
        raise InputError("hf_scheme=feller takes three members of a family, such as cc-pv[tq5]z")
    if not correlated:
        for name in ("correlation_scheme", "correlation_power"):
            if name in given:
                raise InputError(f"{method} has no correlation energy apart: {name} has no meaning for it")
    if "correlation_power" in given:
        try:
            power = float(given["correlation_power"])
        except ValueError:
            power = float("nan")
        if not 0 < power <= 20:
            raise InputError(f"correlation_power is a number above 0 and up to 20, not '{given['correlation_power']}'")
        if found.get("correlation_scheme") == "largest":
            raise InputError("correlation_scheme=largest extrapolates nothing: correlation_power has no meaning")
        if power != recipe.CORRELATION_POWER:
            found["correlation_power"] = power
    return tuple(sorted(found.items()))


def template_typography(template: str) -> str:
    """`aug-cc-pv[tq]z` as papers print it, aug-cc-pV[TQ]Z."""
    inside = re.search(r"\[([^\]]*)\]", template)
    if not inside:
        return basis_typography(template)
    before, after = template[: inside.start()], template[inside.end() :]
    letter = inside[1][-1]
    one = basis_typography(f"{before}{letter}{after}")
    at = len(before)
    return f"{one[:at]}[{inside[1].upper()}]{one[at + 1 :]}"


@lru_cache(maxsize=10_000)
def parts_of_text(text: str) -> LevelText:
    """Method, basis and options of a canonical spelling, for tables; of a sum the method is the whole text.

    InputError where it is no level of theory.
    """
    if _OPERATOR.search(text):
        return LevelText(text, None, ())
    return split_level(text)
