"""Computed levels and published reference sets side by side: one matrix per benchmark and observable.

A column is a level of theory or a reference set. From here on both are treated alike. Like is weighed with like: a
reference set that holds within an approximation only makes a matrix of its own, with the levels of that approximation;
see `qmbench.data.reference_sets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.data.reference_sets import claim_of, families_of, holds_within
from qmbench.domain.composite import parts_of_text
from qmbench.domain.naming import PUBLISHED
from qmbench.judging.exact_methods import says_exact
from qmbench.judging.items import items, rows_of
from qmbench.judging.molecules import molecules
from qmbench.judging.own_reference import claimed
from qmbench.judging.statistics import BenchmarkInfo, overlaps

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Column:
    """One method. name: how reports call it; kind: `computed` or `reference`; families: what it shares with others.

    approximation: the broad class its level of theory belongs to, for display. set: of a reference, its set;
    label: a short name of its level; empty: none. exact: whether rounding is all that makes its values uncertain.
    """

    name: str
    kind: str
    level_of_theory: str
    bsse: str = ""
    is_default_reference: bool = False
    families: tuple[tuple[str, str], ...] = ()
    approximation: str = ""
    source: str = ""
    set: str = ""
    exact: bool = False
    label: str = ""
    # Whether it claims reference quality: that its stated uncertainty is all that it is off by. of_claim: what its set
    # says of that; None: nothing.
    claims: bool = False
    of_claim: str | None = None


@dataclass(frozen=True)
class Group:
    """One benchmark and observable. Arrays are (entries, columns); NaN or None where there is nothing.

    uncertainty: one standard deviation as stated, NaN when unknown. wall_s: recorded cost of computed values.
    within: the approximation of which all columns are; empty for the benchmark's own quantity.
    """

    benchmark: str
    observable: str
    unit: str
    entries: tuple[str, ...]
    columns: tuple[Column, ...]
    value: np.ndarray
    uncertainty: np.ndarray
    kind: np.ndarray
    wall_s: np.ndarray
    status: np.ndarray
    tags: tuple[tuple[str, ...], ...]
    subsets: tuple[tuple[str, ...], ...]
    curve: tuple[str, ...]
    coordinate: np.ndarray
    within: str = ""
    # What of the value's entry its level was trained on, as in the results; empty or None: nothing. No array: nowhere.
    overlap: np.ndarray | None = None
    # Which entries are about one molecule (see `molecules`), and the uncertainty that the basis set makes, NaN:
    # unknown.
    molecules: tuple[str, ...] = ()
    basis: np.ndarray | None = None


def groups(
    results: pd.DataFrame,
    references: pd.DataFrame,
    benchmarks: Mapping[str, BenchmarkInfo],
    families: Mapping[str, Mapping[str, str]] | None = None,
    claims: Mapping[str, str] | None = None,
) -> Iterator[Group]:
    """The matrices, in order of benchmark; superseded reference values and sets are left out.

    Where sets hold within approximations, there is a matrix for each of those, too, if it has two columns.

    results, references: the tidy tables. families: level -> what it shares, from `Method.families`; claims: level ->
    `Method.claims`. Where a benchmark has results, its entries are those, and those that are not for computing;
    otherwise all it has.
    """
    declared = families or {}
    current = references[references["status"].ne("superseded")]
    if "role" in current:
        current = current[current["role"].ne("superseded")]
    names = list(dict.fromkeys([*results["benchmark"].unique(), *current["benchmark"].unique()]))
    for name in names:
        mine, refs = results[results["benchmark"] == name], current[current["benchmark"] == name]
        about = entry_facts(benchmarks.get(name), mine)
        if len(mine):
            asked = set(items(mine["entry"]))
            about = {entry: facts for entry, facts in about.items() if entry in asked or facts["published_alone"]}
        for observable in dict.fromkeys(fact["observable"] for fact in about.values()):
            entries = tuple(e for e, fact in about.items() if fact["observable"] == observable)
            group = _group(name, observable, entries, about, mine, refs, benchmarks.get(name), declared)
            if group is not None:
                own = molecules(benchmarks.get(name), entries)
                group = replace(group, molecules=tuple(own.get(e, e) for e in entries))
                for part in _like_with_like(group, refs):
                    yield replace(part, columns=tuple(_claiming(c, part.within, claims or {}) for c in part.columns))


def _claiming(column: Column, within: str, claims: Mapping[str, str]) -> Column:
    """The column, with whether it claims reference quality for the question of its group.

    A level by what its method says of it: everywhere, or in its own basis alone, where the question has to be that of
    the basis. A reference set by its `claim`; one that has none by being the default set, a limit, or, by the first
    words of its level of theory, exact or an experiment. That others use its method as reference is no claim.
    """
    if column.kind == "computed":
        return replace(column, claims=claimed(claims.get(column.level_of_theory, ""), within))
    if column.of_claim is not None:
        return replace(column, claims=column.of_claim == "reference")
    text = column.level_of_theory or column.set
    said = says_exact(text) or bool(re.match(r"experiment\b", text.lower()))
    return replace(column, claims=column.is_default_reference or column.exact or said)


def _like_with_like(whole: Group, references: pd.DataFrame) -> Iterator[Group]:
    """The columns that answer the same question, together: those of the default reference set first.

    Reference sets answer the one that they name with `within`. A level answers the benchmark's own, unless the
    default set holds within an approximation of which the level is (then it answers no other); and, beside it, those
    of whose approximation it is.
    """
    within = dict(zip(references["set"], references["within"], strict=True)) if "within" in references else {}
    of_set = [within.get(c.set, "") if c.kind == "reference" else None for c in whole.columns]
    main = next((w for c, w in zip(whole.columns, of_set, strict=True) if c.is_default_reference and w), "")
    for question in dict.fromkeys([main, "", *(w for w in of_set if w)]):
        members = [
            j
            for j, (c, w) in enumerate(zip(whole.columns, of_set, strict=True))
            if (w == question if w is not None else _answers(c, question, main))
        ]
        if (question != main and len(members) < 2) or not members:
            continue
        part = _pick(whole, members, question)
        if question == main or (np.isfinite(part.value).sum(axis=1) >= 2).any():
            yield part


def _answers(column: Column, question: str, main: str) -> bool:
    if main and holds_within(column.level_of_theory, main):
        return question == main
    return not question or holds_within(column.level_of_theory, question)


def _pick(group: Group, members: list[int], within: str) -> Group:
    if len(members) == len(group.columns):
        return replace(group, within=within)
    arrays = {name: getattr(group, name)[:, members] for name in ("value", "uncertainty", "kind", "wall_s", "status")}
    for name in ("overlap", "basis"):
        if getattr(group, name) is not None:
            arrays[name] = getattr(group, name)[:, members]
    return replace(group, columns=tuple(group.columns[j] for j in members), within=within, **arrays)


def entry_facts(benchmark: Any, results: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """entry -> observable, unit, tags, subsets, curve, coordinate; from the benchmark where it has entries."""
    facts: dict[str, dict[str, Any]] = {}
    for e in getattr(benchmark, "entries", ()):
        facts[e.id] = {
            "observable": e.observable,
            "published_alone": not e.terms,
            "unit": benchmark.unit_of(e),
            "tags": tuple(e.tags),
            "subsets": tuple(e.subsets),
            "curve": e.curve,
            "coordinate": np.nan if e.coordinate is None else float(e.coordinate),
        }
    if not facts:
        for row in rows_of(results.drop_duplicates("entry")):
            facts[row["entry"]] = {
                "observable": row["observable"],
                "published_alone": False,
                "unit": row["unit"],
                "tags": tuple(str(row["tags"] or "").split()),
                "subsets": tuple(str(row["subsets"] or "").split()),
                "curve": str(row["curve"] or ""),
                "coordinate": np.nan if row["coordinate"] is None else float(row["coordinate"]),
            }
    return facts


def _group(
    name: str,
    observable: str,
    entries: tuple[str, ...],
    about: Mapping[str, Mapping[str, Any]],
    results: pd.DataFrame,
    references: pd.DataFrame,
    benchmark: BenchmarkInfo | None,
    declared: Mapping[str, Mapping[str, str]],
) -> Group | None:
    rows = {entry: i for i, entry in enumerate(entries)}
    mine, refs = (x[np.array([e in rows for e in items(x["entry"])], dtype=bool)] for x in (results, references))
    level_of_row = list(zip(items(mine["level_of_theory"]), items(mine["bsse"].fillna("")), strict=True))
    levels = list(dict.fromkeys(level_of_row))
    sets = list(refs["set"].unique())
    if not levels and not sets:
        return None
    labels = dict(zip(items(mine["level_of_theory"]), items(mine["label"]), strict=True)) if "label" in mine else {}
    columns = [
        *_level_columns(levels, declared, labels),
        *_set_columns(sets, refs, benchmark, {str(a) for a, _ in levels}),
    ]
    shape = (len(entries), len(columns))
    value, uncertainty, wall_s = (np.full(shape, np.nan) for _ in range(3))
    kind, status = np.full(shape, None, dtype=object), np.full(shape, None, dtype=object)
    overlap = np.full(shape, "", dtype=object)
    basis = np.full(shape, np.nan) if "basis_uncertainty" in mine else None
    if levels:
        where = {level: j for j, level in enumerate(levels)}
        i = np.array([rows[e] for e in items(mine["entry"])], dtype=int)
        j = np.array([where[level] for level in level_of_row], dtype=int)
        ok = mine["status"].eq("ok").to_numpy()
        value[i, j] = np.where(ok, mine["value"].astype(float), np.nan)
        uncertainty[i, j] = mine["uncertainty"].astype(float)
        kind[i, j] = mine["uncertainty_kind"].astype(object)
        trained = overlaps(mine)
        if trained.any():
            overlap[i, j] = np.where(trained, mine["training_overlap"].astype(object), "")
        if basis is not None:
            basis[i, j] = mine["basis_uncertainty"].astype(float)
        wall_s[i, j], status[i, j] = mine["wall_s"].astype(float), mine["status"].astype(object)
    if sets:
        where_set = {s: len(levels) + j for j, s in enumerate(sets)}
        # Current values last, so that they stand where a disputed one is there too.
        ordered = refs.assign(_order=refs["status"].eq("current")).sort_values("_order", kind="stable")
        i = np.array([rows[e] for e in items(ordered["entry"])], dtype=int)
        j = np.array([where_set[s] for s in items(ordered["set"])], dtype=int)
        value[i, j], uncertainty[i, j] = ordered["value"].astype(float), ordered["uncertainty"].astype(float)
        kind[i, j], status[i, j] = ordered["uncertainty_kind"].astype(object), "ok"
    return Group(
        benchmark=name,
        observable=observable,
        unit=str(about[entries[0]]["unit"]),
        entries=entries,
        columns=tuple(columns),
        value=value,
        uncertainty=np.where(np.isfinite(value), uncertainty, np.nan),
        kind=kind,
        wall_s=wall_s,
        status=status,
        tags=tuple(about[e]["tags"] for e in entries),
        subsets=tuple(about[e]["subsets"] for e in entries),
        curve=tuple(about[e]["curve"] for e in entries),
        coordinate=np.array([about[e]["coordinate"] for e in entries], dtype=float),
        overlap=overlap,
        basis=basis,
    )


def _level_columns(
    levels: list[tuple[Any, ...]], declared: Mapping[str, Mapping[str, str]], labels: Mapping[str, Any]
) -> Iterator[Column]:
    texts = [str(level) for level, _ in levels]
    for level, bsse in levels:
        # One level with two counterpoise treatments is two methods, and only then needs the longer name.
        name = f"{level} [{bsse}]" if texts.count(str(level)) > 1 and bsse else str(level)
        shared = tuple(sorted({**_basis(str(level)), **declared.get(str(level), {})}.items()))
        label = labels.get(level)
        yield Column(
            name,
            "computed",
            str(level),
            str(bsse),
            families=shared,
            approximation=approximation(str(level)),
            label=label if isinstance(label, str) else "",
        )


def _basis(level: str) -> dict[str, str]:
    """A basis is an approximation that methods share, too."""
    basis = parts_of_text(level.removesuffix(PUBLISHED)).basis
    return {"basis": basis} if basis else {}


def _set_columns(
    sets: list[str], references: pd.DataFrame, benchmark: BenchmarkInfo | None, taken: set[str]
) -> Iterator[Column]:
    default = benchmark.default_reference_set if benchmark is not None else ""
    for name in sets:
        rows = references[references["set"] == name]
        level = next((str(x) for x in rows["level_of_theory"] if isinstance(x, str) and x), "")
        source = next((str(x) for x in rows["source_doi"] if isinstance(x, str) and x), "")
        exact = "role" in rows and bool((rows["role"] == "limit").any())
        label = f"{name} (reference set)" if name in taken else name
        shared = tuple(sorted(families_of(getattr(benchmark, "meta", {}), name).items()))
        kind = approximation(level or name)
        claim = claim_of(getattr(benchmark, "meta", {}), name)
        about = (name == default, shared, kind, source, name, exact)
        yield Column(label, "reference", level, "", *about, of_claim=claim)


_CLASSES = (
    ("experiment", r"experiment"),
    ("quantum Monte Carlo", r"dmc|vmc|afqmc|qmc|monte carlo"),
    ("coupled cluster", r"cc(s|sd|sdt|2|3)\b|ccsd|qcisd"),
    ("exact", r"\bfci\b|exact|bethe|diagonali"),
    ("random phase approximation", r"\brpa\b"),
    ("perturbation theory", r"\b(scs-|sos-|df-|dlpno-)?mp[2-5]"),
    ("Hartree–Fock", r"\bu?r?o?hf\b|hartree.fock"),
)


def approximation(level: str) -> str:
    """The broad class of a level of theory by its method's name, for display; empty when it is not recognised."""
    try:
        method = parts_of_text(level).method if level else ""
    except Exception:  # a published level is free text
        method = level
    for name, pattern in _CLASSES:
        if re.search(pattern, method.lower()) or re.search(pattern, level.lower().split("/")[0]):
            return name
    return ""
