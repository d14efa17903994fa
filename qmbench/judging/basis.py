"""How far numbers are from their basis-set limit, as far as the results of a run know it.

Of an extrapolated number: from the spread of the schemes and the last steps (`extrapolation_uncertainty`), also those
of the level's other entries (`pooled_steps`). Of a number in one basis, or a lesser extrapolation: the difference to
the same method's best extrapolation on the same entry; where there is none, what such differences are on other entries,
or of other methods that converge alike; where there are too few, nothing is said, and nothing is not zero. Other runs
of the same store tell, too (`basis_elsewhere`).
"""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.domain.basis_families import is_template, members
from qmbench.domain.composite import SCHEME_OPTIONS, parts_of_text
from qmbench.domain.errors import QmbenchError
from qmbench.domain.method import split_level
from qmbench.domain.naming import PUBLISHED
from qmbench.domain.recipe import HF_POWER, Limit, Scheme

if TYPE_CHECKING:
    import pandas as pd

TRIPLE_ZETA = 3
"""The cardinal number."""

MINIMUM = 5
"""Entries on which the difference to the limit must be known before it is expected of others."""

MINIMUM_FOR_SIZE = 20
"""The same before it is asked whether the difference grows with the size of the systems."""

LAST_STEP = 0.25
"""Of the last step, from the next largest basis set to the largest, and of the one from there to the limit, what the
limit may be off by (one standard deviation) where the schemes agree better. tools/validation/basis_errors.py shows
which share of larger extrapolations it covers."""

LAST_STEP_OF_FUNCTIONALS = 1.0
"""The same of density functionals in basis sets that were made for wave functions: their contracted cores go on
changing, and the last step says no more than how far the next ones may go."""

LAST_STEP_TO_TRIPLE_ZETA = 1.0
"""The same of every mean-field energy that is extrapolated from double and triple zeta, where its convergence is not
exponential yet."""

CORRECTION_SHARE = 0.15
"""Of the basis-set error that the lesser method of a focal point has in the basis set of the correction, what the
correction may be off by (one standard deviation). tools/validation/focal_points.py shows which share of larger
calculations that covers."""

BASIS_COLUMNS = ("basis_uncertainty", "basis_source", "basis_limit", "basis_limit_level", "basis_error")

Question = tuple[str, tuple[tuple[str, str], ...]]  # method and its options, whatever the basis set


@dataclass(frozen=True)
class _Answer:
    """What a level says of the limit of a question. quality: the larger, the nearer to the limit; 0: in one basis."""

    question: Question
    basis: str
    quality: float


def _reference_by(scheme: Scheme) -> Callable[[Limit], Limit]:
    return lambda limit: replace(limit, scheme=scheme, power=HF_POWER) if limit.of == "reference" else limit


def _correlation_by(power: float) -> Callable[[Limit], Limit]:
    def change(limit: Limit) -> Limit:
        return replace(limit, power=power) if limit.of == "correlation" and limit.scheme == "power" else limit

    return change


VARIANTS = (_reference_by("halkier"), _reference_by("power"), _correlation_by(2.5), _correlation_by(3.5))
"""Other ways to take a limit that are in use for the same energies."""


def largest(limit: Limit) -> Limit:
    """No extrapolation: the number in the largest basis set."""
    return replace(limit, scheme="largest")


def next_largest(limit: Limit) -> Limit:
    """No extrapolation: the number in the basis set before the largest."""
    return replace(limit, scheme="largest", cardinals=limit.cardinals[:-1], members=limit.members[:-1])


@lru_cache(maxsize=1024)
def last_step(level: str, of: str = "reference", cardinal: int = 4) -> float:
    """Which share of the last steps of an extrapolated level of theory is one standard deviation.

    of: what is extrapolated, as in `Limit`; cardinal: of the largest basis set.
    """
    from qmbench.plugging.registry import plugins

    if of == "correlation":
        return LAST_STEP
    if cardinal <= TRIPLE_ZETA:
        return LAST_STEP_TO_TRIPLE_ZETA
    for _, text in re.findall(r"(^| \+ | - )(?:[0-9.]+ \* )?(\S+)", level):
        with contextlib.suppress(QmbenchError):
            name, basis = (found := split_level(text)).method, found.basis or ""
            if not is_template(basis) or re.match(r"(aug-)?pc(seg)?-", basis):
                continue
            method, _ = plugins().method(name)
            if method.mean_field and method.name != "hf":
                return LAST_STEP_OF_FUNCTIONALS
    return LAST_STEP


@dataclass(frozen=True)
class Steps:
    """Of one kind of energy in an extrapolated number: the number as it is, with that energy in the largest basis set,
    and in the one before. share: of the steps, from `last_step`."""

    limit: float
    largest: float
    before: float
    share: float

    @property
    def uncertainty(self) -> float:
        """One standard deviation: that share of the larger of the steps to the largest basis set and on to the limit;
        one of them may be small by chance."""
        return self.share * max(abs(self.limit - self.largest), abs(self.largest - self.before))


def steps_uncertainty(steps: Iterable[Steps]) -> float:
    """One standard deviation of a number by the last steps of its kinds of energy, which may cancel by chance."""
    return float(np.hypot.reduce([0.0, *(s.uncertainty for s in steps)]))


def extrapolation_uncertainty(value: float, steps: float, others: Iterable[float], uncorrected: float = 0.0) -> float:
    """One standard deviation of an extrapolated number: the spread of the schemes, or a share of a step.

    The larger of the two: schemes that agree only show that they have the same form. steps: from `steps_uncertainty`.
    others: the number by other schemes.

    uncorrected: of a focal point L + A − B, L − B: how far the lesser method is from its limit in the basis set in
    which A − B is taken. That difference has no such error only as far as both methods converge alike.
    """
    spread = max((abs(other - value) for other in others), default=0.0)
    return float(np.hypot(max(spread, steps), CORRECTION_SHARE * uncorrected))


def pooled_steps(results: pd.DataFrame, steps: pd.Series) -> pd.Series:
    """What each extrapolated number is uncertain by at least, from the last steps of its level on all entries.

    Contributions of fragments, or of the two sides of a reaction, may cancel in the last step of one entry and not in
    what is left to the limit. So an entry with as large a value as the others is no surer than their root mean square,
    and one with a smaller value in proportion (a point far out on a curve has small steps, and means it). NaN where
    fewer than MINIMUM entries tell. results: as from `judging.frame`; steps: from `steps_uncertainty`, NaN where none.
    """
    alike = ["level_of_theory", "bsse", "benchmark", "observable", "unit"]
    told = results.loc[steps.notna() & results["value"].notna(), [*alike, "value"]]
    squares = told.assign(step=steps[told.index] ** 2, value=told["value"].astype(float) ** 2)
    groups = squares.groupby(alike, dropna=False)
    step, size = (np.sqrt(groups[name].transform("mean")) for name in ("step", "value"))
    relative = (np.sqrt(squares["value"]) / size.where(size > 0)).clip(upper=1.0).fillna(0.0)
    return (step * relative).where(groups["step"].transform("size") >= MINIMUM).reindex(results.index)


def answer_of(level: str) -> _Answer | None:
    """Which question about a method's limit a level of theory answers; None where it has no basis set.

    A focal point A/small + B/[large] − B/small answers for A, a little less well than A/[large] itself.
    """
    focal = _focal_point(level)
    if focal is not None:
        return focal
    try:
        text = parts_of_text(level)
    except QmbenchError:
        return None
    if not text.basis or _varies(level):
        return None
    options = tuple(sorted((k, v) for k, v in text.options if k not in (*SCHEME_OPTIONS, "cartesian")))
    return _Answer((text.method, options), text.basis, _quality(text.basis))


@lru_cache(maxsize=4096)
def _varies(level: str) -> bool:
    """Whether the functions of a level depend on the system, so that the name of its basis set tells no error."""
    from qmbench.plugging.registry import plugins

    if "?" not in level:
        return False
    try:
        return plugins().single_level(level).options.basis_varies()
    except QmbenchError:
        return False  # a template, or a level of a plugin that is not here


def _quality(basis: str) -> float:
    if not is_template(basis):
        return 0.0
    try:
        found = members(basis)
    except QmbenchError:
        return 0.0
    return found[-1].cardinal + 0.2 * ("aug" in basis) + 0.01 * len(found)


def _focal_point(level: str) -> _Answer | None:
    terms = re.findall(r"(^| \+ | - )(\S+)", level)
    if len(terms) != 3 or "".join(a + b for a, b in terms) != level:
        return None
    try:
        split = [(sign.strip() or "+", split_level(text)) for sign, text in terms]
    except QmbenchError:
        return None
    plus = [text for sign, text in split if sign == "+"]
    minus = [text for sign, text in split if sign == "-"]
    if len(plus) != 2 or len(minus) != 1:
        return None
    large = [t for t in plus if t.basis and is_template(t.basis)]
    high = [t for t in plus if t.basis and not is_template(t.basis)]
    if len(large) != 1 or len(high) != 1 or large[0].method != minus[0].method or high[0].basis != minus[0].basis:
        return None
    options = tuple(sorted((k, v) for k, v in high[0].options if k not in (*SCHEME_OPTIONS, "cartesian")))
    return _Answer((high[0].method, options), level, _quality(large[0].basis or "") - 0.5)


SizeOf = Callable[[str, str], float]
"""Of a benchmark and an entry the number of electrons, NaN where there is none."""
Place = tuple[Question, str, str, str]
"""Whose limit: the question, the counterpoise treatment, benchmark and entry."""
Kind = tuple[Any, ...]
"""Which differences to the limit are of one kind: of a question (or a family), in a basis set, of an observable."""


@dataclass(frozen=True)
class _Best:
    """The best limit that is known of a place."""

    quality: float
    value: float
    uncertainty: float
    level: str


@dataclass(frozen=True)
class BasisKnowledge:
    """What results say of basis-set limits: the limits, and the differences to them with the size of each entry."""

    limits: Mapping[Place, _Best] = field(default_factory=dict)
    differences: Mapping[Kind, Mapping[tuple[str, str], tuple[float, float]]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether no limit is known."""
        return not self.limits

    def with_(self, other: BasisKnowledge) -> BasisKnowledge:
        """Both; of two limits of one place the better, of two differences on one entry the own."""
        limits = dict(other.limits)
        for place, best in self.limits.items():
            if place not in limits or limits[place].quality <= best.quality:
                limits[place] = best
        kinds = {*self.differences, *other.differences}
        nothing: dict[tuple[str, str], tuple[float, float]] = {}
        differences = {k: {**other.differences.get(k, nothing), **self.differences.get(k, nothing)} for k in kinds}
        return BasisKnowledge(limits, differences)


def with_basis_errors(
    results: pd.DataFrame,
    size: SizeOf | None = None,
    elsewhere: BasisKnowledge | None = None,
    steps: pd.Series | None = None,
) -> pd.DataFrame:
    """`results` with BASIS_COLUMNS filled in as far as other rows tell; in the unit of the row.

    results: as from `judging.frame`, with `basis_uncertainty` of extrapolated rows. size: of a benchmark and an entry
    the number of electrons. elsewhere: what other runs know. steps: of extrapolated rows, from `steps_uncertainty`; see
    `pooled_steps`.

    basis_limit, basis_limit_level: the best limit of the same options and counterpoise on the entry, and whose it is.
    basis_error: value − limit. basis_uncertainty: one standard deviation of the value as a statement about the limit,
    never less than half of what counterpoise changes where both values are there. basis_source: extrapolation, same
    entry, other entries, other methods, counterpoise; empty: not known.
    """
    made = results.copy()
    if steps is not None and steps.notna().any():
        made["basis_uncertainty"] = np.fmax(made["basis_uncertainty"], pooled_steps(made, steps))
    made["basis_source"] = np.where(made["basis_uncertainty"].notna(), "extrapolation", "")
    here = _answered(made)
    known = BasisKnowledge(_limits(here)).with_(elsewhere or BasisKnowledge())
    size = size or _no_size
    known = BasisKnowledge({}, _differences(here, known.limits, size)).with_(known)
    halves = _half_differences(here)
    if known.empty and not halves:
        return made
    columns: dict[str, dict[Any, Any]] = {name: {} for name in BASIS_COLUMNS}
    for row, answer, place in here:
        best, sigma, source = known.limits.get(place), float("nan"), ""
        if best is not None:
            columns["basis_limit"][row.Index] = best.value
            columns["basis_limit_level"][row.Index] = best.level
            columns["basis_error"][row.Index] = row.value - best.value
        if best is not None and answer.quality < best.quality:
            sigma, source = float(np.hypot(row.value - best.value, np.nan_to_num(best.uncertainty))), "same entry"
        elif answer.quality:
            sigma, source = row.basis_uncertainty, "extrapolation"
            learned, _ = _expected(known, size, row, answer, others=False)
            sigma = float(np.fmax(sigma, learned))
        else:
            sigma, source = _expected(known, size, row, answer)
        half = halves.get(_case(row))
        if half is not None and not half <= sigma:
            sigma, source = half, "counterpoise" if np.isnan(sigma) else source
        if not np.isnan(sigma):
            columns["basis_uncertainty"][row.Index], columns["basis_source"][row.Index] = sigma, source
    for name, cells in columns.items():
        if cells:
            made.loc[list(cells), name] = list(cells.values())
    return made


def basis_knowledge(results: pd.DataFrame, size: SizeOf) -> BasisKnowledge:
    """What `results`, as from `judging.frame`, say of basis-set limits; to be used for other results."""
    here = _answered(results)
    limits = _limits(here)
    return BasisKnowledge(limits, _differences(here, limits, size))


def _no_size(benchmark: str, entry: str) -> float:
    return float("nan")


_Here = list[tuple[Any, "_Answer", Place]]


def _answered(results: pd.DataFrame) -> _Here:
    """The rows with a value whose level answers a question, with answer and place."""
    levels = {level: answer_of(level) for level in results["level_of_theory"].unique() if not level.endswith(PUBLISHED)}
    if all(answer is None for answer in levels.values()):
        return []
    rows = results[results["status"].eq("ok") & results["value"].notna()]
    answered = ((row, levels.get(row.level_of_theory)) for row in rows.itertuples())
    return [
        (row, answer, (answer.question, row.bsse or "", row.benchmark, row.entry))
        for row, answer in answered
        if answer is not None
    ]


def _limits(here: _Here) -> dict[Place, _Best]:
    found: dict[Place, _Best] = {}
    for row, answer, place in here:
        best = found.get(place)
        if answer.quality and (best is None or answer.quality > best.quality):
            found[place] = _Best(answer.quality, row.value, row.basis_uncertainty, row.level_of_theory)
    return found


def _differences(
    here: _Here, limits: Mapping[Place, _Best], size: SizeOf
) -> dict[Kind, dict[tuple[str, str], tuple[float, float]]]:
    """kind -> (benchmark, entry) -> difference to the limit and size; of questions, and of the families they are of.

    Of a family, the largest difference of its questions on an entry stands for them.
    """
    found: defaultdict[Kind, dict[tuple[str, str], tuple[float, float]]] = defaultdict(dict)
    for row, answer, place in here:
        if place not in limits or answer.quality >= limits[place].quality:
            continue
        entry = (row.benchmark, row.entry)
        mine = (row.value - limits[place].value, size(*entry))
        found[_kind(answer.question, row, answer)][entry] = mine
        family = _family(answer.question)
        if family:
            of_family = found[_kind(family, row, answer)]
            if entry not in of_family or abs(of_family[entry][0]) < abs(mine[0]):
                of_family[entry] = mine
    return found


def _half_differences(here: _Here) -> dict[tuple[Any, ...], float]:
    """Of a level and entry with and without counterpoise: half of the difference, for both rows.

    Between the two lies the limit as a rule, and both approach it; see Burns, Marshall and Sherrill, J. Chem. Theory
    Comput. 10, 49 (2014), on averages of the two.
    """
    values: defaultdict[tuple[Any, ...], dict[str, float]] = defaultdict(dict)
    for row, _, _ in here:
        values[_case(row)][row.bsse or ""] = row.value
    return {case: abs(v["cp"] - v["none"]) / 2 for case, v in values.items() if {"cp", "none"} <= v.keys()}


def _case(row: Any) -> tuple[Any, ...]:
    return row.level_of_theory, row.benchmark, row.entry


def _kind(who: Any, row: Any, answer: _Answer) -> Kind:
    return who, answer.basis, row.bsse or "", row.observable, row.unit


@lru_cache(maxsize=1024)
def _family(question: Question) -> str:
    """How a method converges with the basis set: as Hartree–Fock, as a functional, or as a correlated wave function;
    empty: not said."""
    from qmbench.plugging.registry import plugins

    try:
        method, _ = plugins().method(question[0])
    except QmbenchError:
        return ""
    if method.mean_field:
        return HARTREE_FOCK if method.name == "hf" else FUNCTIONAL
    return "correlated" if method.reference_method else ""


HARTREE_FOCK, FUNCTIONAL = "Hartree-Fock", "functional"


def _told_by(family: str) -> str:
    """The family whose basis-set errors say what those of `family` may be. Functionals err at least as Hartree–Fock
    does, in sets that were made for it; so they tell of it, and it not of them."""
    return FUNCTIONAL if family == HARTREE_FOCK else family


def _expected(known: BasisKnowledge, size: SizeOf, row: Any, answer: _Answer, others: bool = True) -> tuple[float, str]:
    """The error that a number is expected to have from differences on other entries: one standard deviation, and where
    it is from; NaN and nothing when too few entries tell. others: whether methods that converge alike may tell, too.
    """
    tellers: list[tuple[Any, str]] = [(answer.question, "other entries")]
    if others and (family := _told_by(_family(answer.question))):
        tellers.append((family, "other methods"))
    for who, source in tellers:
        found = known.differences.get(_kind(who, row, answer), {}).values()
        if len(found) >= MINIMUM:
            return expected_error([d for d, _ in found], [n for _, n in found], size(row.benchmark, row.entry)), source
    return float("nan"), ""


def expected_error(
    differences: Sequence[float], sizes: Sequence[float] | None = None, size: float = float("nan")
) -> float:
    """One standard deviation of the next difference to the limit: root mean square, and what so few tell of it.

    1.96 of them are the 95 % interval of Student's t distribution. sizes, size: numbers of electrons, of the entries
    known and of the next one. Where they are given, differ by a factor of two at least, and the differences say so
    (each predicted from the others), the error grows with the size or its square root.
    """
    from scipy.special import ndtri, stdtrit  # scipy.stats takes seconds to import

    d = np.asarray(differences, dtype=float)
    few = float(stdtrit(len(d), 0.975) / ndtri(0.975))
    n = np.asarray(sizes if sizes is not None else [], dtype=float)
    power = 0.0
    if len(n) == len(d) >= MINIMUM_FOR_SIZE and np.all(n > 0) and size > 0 and n.max() >= 2 * n.min():
        power = max((0.0, 0.5, 1.0), key=lambda p: (_foretold(d / n**p) - p * float(np.log(n).sum()), -p))
    else:
        n = np.ones_like(d)
    return few * float(np.sqrt(np.mean((d / n**power) ** 2) * (1 + 1 / len(d)))) * (size**power if power else 1.0)


def _foretold(scaled: np.ndarray) -> float:
    """Logarithmic probability of each number under a normal distribution with the mean square of the others."""
    squares = scaled**2
    others = np.maximum((squares.sum() - squares) / (len(scaled) - 1), 1e-300)
    return float(np.sum(-0.5 * np.log(others) - 0.5 * squares / others))


def method_errors(scored: pd.DataFrame) -> pd.Series:
    """Error of the method alone: limit − reference, NaN where the limit is not known."""
    if "basis_limit" not in scored:
        return scored["error"] * np.nan
    return (scored["basis_limit"].astype(float) - scored["reference"].astype(float)).where(scored["error"].notna())
