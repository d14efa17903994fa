"""Values from the literature: references (references.csv), and those of published levels of theory (levels.csv)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmbench.data.entry import Entry
from qmbench.data.identifiers import check_set_name
from qmbench.data.meta import unit_of
from qmbench.data.reference_sets import published_levels
from qmbench.data.tables import Complain, finite, read_csv, refuse
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.quantity import Quantity
from qmbench.domain.units import factor

LEVELS = "levels.csv"
REFERENCE_COLUMNS = (
    "entry set value unit uncertainty uncertainty_kind level_of_theory source_doi source_place status note"
).split()


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference value of one entry, in the benchmark's unit, with its source."""

    entry: str
    set: str
    quantity: Quantity
    level_of_theory: str
    source_doi: str
    source_place: str
    status: str
    note: str = ""


def read_references(
    path: Path, meta: Mapping[str, Any], entries: Mapping[str, Entry | None], complain: Complain = refuse
) -> Iterator[Reference]:
    """The reference values of references.csv, converted to the unit of their entry's observable.

    An entry and a set have one current value: two would leave it to chance which one counts.
    """
    current: dict[tuple[str, str], str] = {}
    for where, row in read_csv(path, REFERENCE_COLUMNS, ("entry", "set", "value", "unit", "status"), complain):
        try:
            reference = _reference(row, where, meta, entries)
            if reference is None:
                continue
            pair = (reference.entry, reference.set)
            if reference.status == "current" and pair in current:
                raise InputError(
                    f"{where}: entry '{pair[0]}' has two current values in set {pair[1]}, the other in "
                    f"{current[pair]}; mark one superseded"
                )
            if reference.status == "current":
                current[pair] = where.rpartition(", ")[2]
            yield reference
        except InputError as error:
            complain(error)


def _reference(
    row: Mapping[str, str], where: str, meta: Mapping[str, Any], entries: Mapping[str, Entry | None]
) -> Reference | None:
    """None where the entry or the benchmark's unit is wrong, about which there was a complaint already."""
    if row["entry"] not in entries:
        raise InputError(f"{where}: no entry '{row['entry'][:80]}'{did_you_mean(row['entry'][:80], entries)}")
    check_set_name(row["set"], where)
    if row["status"] not in ("current", "superseded", "disputed"):
        raise InputError(f"{where}: status is current, superseded or disputed, not '{row['status'][:80]}'")
    if not row["source_doi"] and not row["source_place"]:
        raise InputError(f"{where}: a reference value needs its source (source_doi or source_place)")
    value = finite(row["value"], where, "value")
    uncertainty = finite(row["uncertainty"], where, "uncertainty") if row["uncertainty"] else None
    if uncertainty is not None and uncertainty <= 0:
        raise InputError(f"{where}: an uncertainty is positive; leave it empty when it is unknown")
    if (uncertainty is None) != (not row["uncertainty_kind"]):
        raise InputError(f"{where}: uncertainty and uncertainty_kind go together")
    entry = entries[row["entry"]]
    try:
        quantity = Quantity(value, row["unit"], uncertainty, row["uncertainty_kind"] or None)  # type: ignore[arg-type]
        if entry is None or "unit" not in meta:
            return None
        quantity = quantity.to(unit_of(meta, entry.observable))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return Reference(
        row["entry"],
        row["set"],
        quantity,
        row["level_of_theory"],
        row["source_doi"],
        row["source_place"],
        row["status"],
        row["note"],
    )


def read_levels(
    path: Path,
    meta: Mapping[str, Any],
    entries: Mapping[str, Entry | None],
    there: Collection[tuple[str, str]] = (),
    complain: Complain = refuse,
) -> Iterator[Reference]:
    """The values of levels.csv: a row per entry, a column per published level, empty where there is none.

    They are in the unit that the level's table in benchmark.toml names, or else in that of their entry's observable,
    and have that table's source. there: (entry, set) of current values that are in references.csv already.
    """
    levels = published_levels(meta)
    seen: set[str] = set()
    for where, row in read_csv(path, ["entry", *levels], ("entry",), complain):
        name = row["entry"]
        try:
            if name not in entries:
                raise InputError(f"{where}: no entry '{name[:80]}'{did_you_mean(name[:80], entries)}")
            if name in seen:
                raise InputError(f"{where}: entry {name} is there twice")
        except InputError as error:
            complain(error)
            continue
        seen.add(name)
        entry = entries[name]
        for set_name, level in levels.items():
            try:
                if not row[set_name]:
                    continue
                value = finite(row[set_name], where, set_name)
                if (name, set_name) in there:
                    raise InputError(f"{where}: references.csv has a current value of {set_name} for this entry, too")
                if entry is None or "unit" not in meta:
                    continue
                wanted = unit_of(meta, entry.observable)
                given = level.unit or wanted
                if given != wanted:
                    try:
                        value *= factor(given, wanted)
                    except InputError as error:
                        raise InputError(f"{where}: {error}") from None
                quantity = Quantity(value, wanted)
                yield Reference(name, set_name, quantity, level.level, level.doi, level.place, "current")
            except InputError as error:
                complain(error)
