"""Sums of energies of molecules on their way into a draft: what each compares, and which of them are parts of another.

A complex whose separate molecules are parts of it becomes one system with fragments, so that it can be computed with
counterpoise correction; any other sum stays a sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from qmbench.data.imports.draft import Draft, Findings, Geometry, observable_of, parts_of, safe_name, signs_of
from qmbench.domain.errors import InputError
from qmbench.domain.systems.xyz import Fragment
from qmbench.domain.systems.xyz_columns import real

SAME_SHAPE = 1e-4
"""Å: molecules whose distances between atoms all agree to this have one shape, wherever they stand."""


@dataclass
class Reactions:
    """The systems and sums of one draft. names: what the source calls a molecule -> the system that it is here."""

    draft: Draft
    findings: Findings
    names: dict[str, str] = field(default_factory=dict)
    by_hash: dict[str, str] = field(default_factory=dict)

    def terms(
        self, coefficients: Sequence[float], stems: Sequence[str], geometries: Sequence[Geometry]
    ) -> tuple[str, str]:
        """(stoichiometry, observable) of a sum of energies, whose systems are in the draft from now on.

        InputError where a molecule is impossible; nothing of the sum is in the draft then.
        """
        if not stems:
            raise InputError("it names no molecule")
        for stem, geometry in zip(stems, geometries, strict=True):
            geometry.checked(safe_name(stem))
        whole = self._complex(coefficients, geometries)
        if whole is not None:
            at, fragments, sign = whole
            name = self._add(stems[at], replace(geometries[at], fragments=fragments))
            if sign > 0:
                return f"interaction {name}", "interaction_energy"
            ends = " ".join(f"{name}@{n}:1" for n in range(1, len(fragments) + 1))
            return f"{name}:-1 {ends}", "dissociation_energy"
        merged: dict[str, float] = {}
        for c, stem, geometry in zip(coefficients, stems, geometries, strict=True):
            name = self._add(stem, geometry)
            merged[name] = merged.get(name, 0.0) + c
        words = " ".join(f"{name}:{c:g}" for name, c in merged.items())
        return words, observable_of(list(coefficients), list(geometries))

    def finish(self, unit: str, kind: str, title: str, **more: object) -> Draft:
        """The draft with its `benchmark.toml`; `more` goes into that beside the usual keys."""
        draft = self.draft
        observables = [entry["observable"] for entry in draft.entries] or ["reaction_energy"]
        fragments = any(g.fragments for g in draft.systems.values())
        draft.meta = {
            "id": safe_name(title),
            "version": "1.0.0",
            "title": title,
            "description": f"Imported from {kind}.",
            "observable": max(dict.fromkeys(observables), key=observables.count),
            "unit": unit,
            "sign": signs_of(observables),
            "bsse": ["none", "cp"] if fragments else ["none"],
            "default_reference_set": "imported",
            "licence": "as its source says",
            "citations": [{"text": "imported from files; add the papers here"}],
        } | dict(more)
        return draft

    def _complex(
        self, coefficients: Sequence[float], geometries: Sequence[Geometry]
    ) -> tuple[int, tuple[Fragment, ...], float] | None:
        """(which one is the complex, its fragments, its sign) where all others are its parts, once each."""
        at = max(range(len(geometries)), key=lambda i: len(geometries[i].symbols))
        sign, whole = coefficients[at], geometries[at]
        parts = [geometries[i] for i in range(len(geometries)) if i != at]
        others = [c for i, c in enumerate(coefficients) if i != at]
        if abs(sign) != 1:
            return None
        if whole.fragments and _shapes_fit(whole, parts, others, -sign):
            return at, whole.fragments, sign
        if len(parts) < 2 or any(c != -sign for c in others):
            return None
        fragments = parts_of(whole, parts)
        return None if fragments is None else (at, fragments, sign)

    def _add(self, stem: str, geometry: Geometry) -> str:
        """The name of a system, which is in the draft from now on."""
        known = self.names.get(stem)
        if known is not None and _same(self.draft.systems[known], geometry):
            there = self.draft.systems[known]
            if there.fragments == geometry.fragments or not geometry.fragments:
                return known
            if not there.fragments:
                self.draft.systems[known] = geometry
                return known
        name = safe_name(stem, self.draft.systems)
        plain = replace(geometry, fragments=())
        other = self.by_hash.setdefault(plain.checked(name).hash, name)
        if other != name:
            self.names[stem] = other
            if geometry.fragments and not self.draft.systems[other].fragments:
                self.draft.systems[other] = geometry
            if self.draft.systems[other].fragments == geometry.fragments or not geometry.fragments:
                self.findings.said.append(f"{stem} is the same system as {other}, whose name is kept")
                return other
        if name != stem:
            self.findings.said.append(f"system {stem} is called {name}")
        self.draft.systems[name] = geometry
        self.names[stem] = name
        return name


def _same(a: Geometry, b: Geometry) -> bool:
    return replace(a, fragments=()) == replace(b, fragments=())


def _shapes_fit(whole: Geometry, parts: Sequence[Geometry], coefficients: Sequence[float], wanted: float) -> bool:
    """Whether `parts`, times their coefficients, are the stated fragments of `whole`, turned and shifted as it may be.

    Databases that put every molecule into a standard orientation lose where a fragment was.
    """
    left = []
    for part, c in zip(parts, coefficients, strict=True):
        count = c / wanted
        if count != int(count) or count < 1:
            return False
        left += [_shape(part)] * int(count)
    for fragment in whole.fragments:
        piece = Geometry(
            tuple(whole.symbols[i] for i in fragment.atoms),
            tuple(whole.coordinates[i] for i in fragment.atoms),
            fragment.charge,
            fragment.multiplicity,
        )
        shape = _shape(piece)
        match = next((n for n, other in enumerate(left) if _fits(shape, other)), None)
        if match is None:
            return False
        left.pop(match)
    return not left


Shape = tuple[tuple[object, ...], list[float]]


def _shape(g: Geometry) -> Shape:
    """What turning and shifting leave: the atoms, the state, all distances in ångström."""
    import numpy as np

    positions = np.array([[real(x) for x in row] for row in g.coordinates])
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    upper = distances[np.triu_indices(len(positions), 1)]
    return (*sorted(g.symbols), g.charge, g.multiplicity), sorted(upper.tolist())


def _fits(a: Shape, b: Shape) -> bool:
    return a[0] == b[0] and all(abs(x - y) < SAME_SHAPE for x, y in zip(a[1], b[1], strict=True))


def reference_row(entry: str, value: str, unit: str, place: str, **more: str) -> dict[str, str]:
    """A row of references.csv of the set `imported`; `more` are other columns, or another set."""
    row = {"entry": entry, "set": "imported", "value": value, "unit": unit, "source_place": place, "status": "current"}
    return row | more


def finite_text(word: str) -> str:
    """`word`; ValueError where it is no finite number."""
    if not math.isfinite(real(word)):
        raise ValueError(word)
    return word
