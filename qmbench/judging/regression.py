"""Has anything changed against a baseline? Deterministic numbers by tolerance, stochastic ones by their uncertainties.

A baseline is a JSON file with one line per (level of theory, entry), sorted, so that a change of it reads well.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.domain import units
from qmbench.domain.errors import InputError
from qmbench.domain.systems.files import read_text
from qmbench.judging.items import rows_of
from qmbench.plugging.registry import canonical_level

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "qmbench-baseline-1"
Key = tuple[str, str, str, str]
KEY = ("level_of_theory", "bsse", "benchmark", "entry")
NUMBERS = ("value", "uncertainty", "wall_s")
FIELDS = (*KEY, "observable", "unit", "value", "uncertainty", "uncertainty_kind", "status", "wall_s")

TOLERANCES = {"energy": 1e-6, "lattice energy": 1e-6, "volume": 1e-3, "dipole": 1e-5, "c6": 1e-2, "length": 1e-6}
"""Absolute, in the atomic unit of the dimension: what different machines and library versions may differ by."""
OTHER_TOLERANCE = 1e-6

Z_PASS, Z_FAIL = 1.96, 3.29
"""|z| up to which a stochastic number is unchanged (95 %), and from which it has changed (99.9 %)."""
SAMPLED = "statistical"
"""The kind of uncertainty that is of sampling, whatever the method says of itself. Of a combined one that is not known:
of a deterministic level it is that of a model, which says nothing about running it again."""
NOISE_RATIO = 3.0
"""A stochastic number with more than this many times the baseline's uncertainty shows nothing."""
SLOW = 2.0
SLOW_FROM_S = 1.0

BAD = ("changed", "newly_failed", "newly_unsupported", "missing")
COMPARED = ("unchanged", "changed", "inconclusive")


@dataclass(frozen=True)
class Finding:
    """One (level, entry). outcome: unchanged, changed, inconclusive, newly_failed, newly_unsupported, missing,
    still_not_ok, recovered or new. message: one line. wall_s and time_ratio: of the run, against the baseline."""

    key: tuple[str, str, str, str]
    outcome: str
    message: str = ""
    wall_s: float | None = None
    time_ratio: float | None = None


@dataclass(frozen=True)
class Check:
    """All findings. slow: those whose time ratio is above the limit that was asked for (or SLOW, as a warning)."""

    findings: tuple[Finding, ...]
    slow: tuple[Finding, ...]
    slow_counts: bool

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(f.outcome for f in self.findings))

    @property
    def exit_code(self) -> int:
        """0 nothing changed; 1 something did; 2 nothing could be compared, or all of it is inconclusive."""
        counts = self.counts
        if any(counts.get(name) for name in ("changed", "newly_failed", "newly_unsupported")):
            return 1
        if not any(counts.get(name) for name in COMPARED):
            return 2
        if counts.get("missing") or (self.slow_counts and self.slow):
            return 1
        return 0 if counts.get("unchanged") else 2


# --- baselines ---


def make_baseline(
    results: pd.DataFrame, about: Mapping[str, Any], tolerances: Mapping[str, float] | None = None
) -> dict[str, Any]:
    """A baseline document from the tidy results of a run. about: versions and the like; tolerances: by observable."""
    rows = []
    for row in rows_of(results[list(FIELDS)]):
        rows.append({name: _plain(x) for name, x in row.items()})
        rows[-1]["bsse"] = rows[-1]["bsse"] or ""
    rows.sort(key=lambda r: tuple(str(r[k]) for k in ("benchmark", "entry", "level_of_theory", "bsse")))
    return {"format": FORMAT, **about, "tolerances": dict(sorted((tolerances or {}).items())), "values": rows}


def baseline_text(baseline: Mapping[str, Any]) -> str:
    """The document as it is written: one value per line, numbers with 12 digits, times with two."""
    head = {k: v for k, v in baseline.items() if k != "values"}
    lines = []
    for row in baseline["values"]:
        short = {k: _rounded(k, v) for k, v in row.items() if v is not None and v != ""}
        lines.append("  " + json.dumps(short, allow_nan=False, ensure_ascii=False))
    opening = json.dumps(head, indent=1, sort_keys=True, ensure_ascii=False)[:-2]
    return opening + ',\n "values": [\n' + ",\n".join(lines) + "\n ]\n}\n"


def read_baseline(path: Path) -> dict[str, Any]:
    """Read a baseline file; InputError when it is not there or is not one."""
    if not path.exists():
        raise InputError(f"there is no baseline {path}; --update writes it")
    return parse_baseline(read_text(path), str(path))


def parse_baseline(text: str, where: str) -> dict[str, Any]:
    """A baseline document from its text; `where` is named in the InputError when it is not one."""
    try:
        data = json.loads(text)
    except RecursionError:
        raise InputError(f"{where} is not a baseline: it is nested too deep") from None
    except ValueError as error:  # no JSON, or an integer of thousands of digits
        raise InputError(f"{where} is not a baseline: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("values"), list):
        raise InputError(f"{where} is not a baseline: its format is not '{FORMAT}'")
    for number, row in enumerate(data["values"], 1):
        if not isinstance(row, dict):
            raise InputError(f"{where}: value {number} is no object")
        lacking = [k for k in ("level_of_theory", "benchmark", "entry", "status") if k not in row]
        if lacking:
            raise InputError(f"{where}: value {number} lacks {', '.join(lacking)}")
        for name in FIELDS:
            row.setdefault(name, "" if name == "bsse" else None)
        for name in FIELDS:
            right = isinstance(row[name], int | float | None) if name in NUMBERS else isinstance(row[name], str | None)
            if not right or isinstance(row[name], bool):
                raise InputError(f"{where}: value {number}: {name} is {str(row[name])[:40]!r}")
        if row["status"] == "ok" and row["value"] is None:
            raise InputError(f"{where}: value {number} is ok and has no number")
    tolerances = data.get("tolerances") or {}
    if not isinstance(tolerances, dict) or not all(isinstance(t, int | float) for t in tolerances.values()):
        raise InputError(f"{where}: tolerances are numbers by observable")
    return data


# --- comparing ---


def check(
    results: pd.DataFrame,
    baseline: Mapping[str, Any],
    stochastic: Collection[str] = (),
    most_time: float | None = None,
) -> Check:
    """Compare the tidy results of a run with a baseline.

    stochastic: levels whose numbers carry sampling noise; so do numbers with an uncertainty of the kind SAMPLED on
    both sides. most_time: the ratio of times from which slowness counts as a regression (None: it only warns).
    """
    now, then = matched(rows_of(results), baseline["values"])
    tolerances = baseline.get("tolerances") or {}
    findings = [_compare(key, old, now.get(key), tolerances, key[0] in stochastic) for key, old in then.items()]
    findings += [
        Finding(key, "new", f"status {row['status']}", _number(row["wall_s"]))
        for key, row in now.items()
        if key not in then
    ]
    limit = SLOW if most_time is None else most_time
    slow = tuple(f for f in findings if f.time_ratio is not None and f.time_ratio > limit)
    return Check(tuple(findings), slow, most_time is not None)


def matched(
    now: Iterable[Mapping[Any, Any]], then: Iterable[Mapping[Any, Any]]
) -> tuple[dict[Key, Mapping[Any, Any]], dict[Key, Mapping[Any, Any]]]:
    """Both sides by key, a level that was spelled otherwise at the time under the spelling of now.

    Only levels that one side alone has are parsed, and only as far as their methods are installed.
    """
    new, old = ({_key(row): row for row in rows} for rows in (now, then))
    here = {key[0] for key in new}
    spelled = {canonical_level(level): level for level in here - {key[0] for key in old}}
    again: dict[Key, Mapping[Any, Any]] = {}
    for key, row in old.items():
        level = key[0] if key[0] in here else spelled.get(canonical_level(key[0]), key[0])
        again.setdefault((level, *key[1:]), row)
    return new, again


def _key(row: Mapping[Any, Any]) -> Key:
    level, bsse, benchmark, entry = (row[name] for name in KEY)
    return str(level), "" if _plain(bsse) is None else str(bsse), str(benchmark), str(entry)


def _compare(
    key: tuple[str, str, str, str],
    old: Mapping[str, Any],
    new: Mapping[Any, Any] | None,
    tolerances: Mapping[str, float],
    stochastic: bool,
) -> Finding:
    if new is None:
        return Finding(key, "missing" if old["status"] == "ok" else "still_not_ok", "was not run")
    wall_s = _number(new["wall_s"])
    if new["status"] != "ok":
        if old["status"] != "ok":
            return Finding(key, "still_not_ok", f"{new['status']}, as before", wall_s)
        outcome = "newly_failed" if new["status"] == "failed" else "newly_unsupported"
        return Finding(key, outcome, str(_plain(new["failure_message"]) or new["status"]), wall_s)
    if old["status"] != "ok":
        return Finding(key, "recovered", f"was {old['status']}", wall_s)
    base = _number(old["wall_s"])
    ratio = wall_s / base if wall_s is not None and base is not None and base >= SLOW_FROM_S else None
    try:
        f = units.factor(old["unit"] or "", new["unit"] or "")
    except InputError as error:
        return Finding(key, "changed", str(error), wall_s, ratio)
    before, after = float(old["value"]) * f, float(new["value"])
    u_old, u_new = _number(old["uncertainty"]), _number(new["uncertainty"])
    sampled = old["uncertainty_kind"] == new["uncertainty_kind"] == SAMPLED
    if u_old and u_new and (stochastic or sampled):
        outcome, message = compare_stochastic(before, u_old * f, after, u_new, str(new["unit"] or ""))
    else:
        tolerance = tolerances.get(str(new["observable"]))
        if tolerance is None:
            tolerance = default_tolerance(str(new["unit"] or ""))
        outcome, message = compare_deterministic(before, after, float(tolerance), str(new["unit"] or ""))
    return Finding(key, outcome, message, wall_s, ratio)


def default_tolerance(unit: str) -> float:
    """TOLERANCES of the dimension, in `unit`."""
    dimension, size = units.UNITS.get(unit, ("", 1.0))
    return TOLERANCES.get(dimension, OTHER_TOLERANCE) / size


def compare_deterministic(before: float, after: float, tolerance: float, unit: str) -> tuple[str, str]:
    """(outcome, message): changed when |after − before| > tolerance, or when either is not a finite number."""
    difference = after - before
    message = f"{before:.10g} → {after:.10g} {unit}: {difference:+.3g}, tolerance {tolerance:.3g}"
    return ("unchanged" if abs(difference) <= tolerance else "changed"), message


def compare_stochastic(before: float, u_before: float, after: float, u_after: float, unit: str) -> tuple[str, str]:
    """(outcome, message) of two sampled numbers with standard uncertainties u.

    Unchanged up to |z| = Z_PASS, changed from Z_FAIL, inconclusive between, or when the new uncertainty is more
    than NOISE_RATIO times the baseline's; then the message says how much more sampling decides.
    """
    z = (after - before) / math.hypot(u_before, u_after)
    message = f"{before:.6g} ± {u_before:.2g} → {after:.6g} ± {u_after:.2g} {unit}: z = {z:+.2f}"
    if not math.isfinite(z) or abs(z) >= Z_FAIL:
        return "changed", message
    if u_after > NOISE_RATIO * u_before:
        factor = (u_after / u_before) ** 2
        return "inconclusive", f"{message}; {factor:.0f} times the sampling reaches the baseline's uncertainty"
    if abs(z) <= Z_PASS:
        return "unchanged", message
    # If the difference stays as it is, |z| reaches Z_FAIL when the new uncertainty falls to this.
    wanted2 = ((after - before) / Z_FAIL) ** 2 - u_before**2
    if wanted2 <= 0:
        return "inconclusive", f"{message}; the baseline's own uncertainty is too large to decide: sample that again"
    return "inconclusive", f"{message}; {u_after**2 / wanted2:.1f} times the sampling decides"


def describe_update(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[str]:
    """What writing `new` over `old` changes, in lines."""
    if old is None:
        return [f"new baseline of {len(new['values'])} values"]
    after, before = matched(new["values"], old["values"])
    lines = [f"added {' '.join(filter(None, k))}" for k in after if k not in before]
    lines += [f"removed {' '.join(filter(None, k))}" for k in before if k not in after]
    for k in after:
        if k in before:
            a, b = before[k], after[k]
            if a["status"] != b["status"]:
                lines.append(f"{' '.join(filter(None, k))}: {a['status']} → {b['status']}")
            elif a["value"] != _rounded("value", b["value"]):
                lines.append(f"{' '.join(filter(None, k))}: {a['value']} → {_rounded('value', b['value'])}")
    return lines or ["nothing changed"]


def _plain(x: Any) -> Any:
    if hasattr(x, "item"):
        x = x.item()
    return None if x is None or (isinstance(x, float) and not math.isfinite(x)) else x


def _number(x: Any) -> float | None:
    x = _plain(x)
    return float(x) if isinstance(x, (int, float)) else None


def _rounded(name: str, x: Any) -> Any:
    if not isinstance(x, float):
        return x
    return round(x, 2) if name == "wall_s" else float(f"{x:.12g}")
