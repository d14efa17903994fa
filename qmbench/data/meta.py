"""benchmark.toml: its keys checked, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qmbench.data.identifiers import check_identifier, check_identifiers
from qmbench.data.reference_sets import check_reference_sets
from qmbench.data.schema import BenchmarkTable, schema_errors, shown
from qmbench.data.tables import Complain, refuse
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.observables import Observable, check_observable
from qmbench.domain.units import factor
from qmbench.plugging.registry import plugins

TOML_KEYS = tuple(BenchmarkTable.model_fields)
BSSE = ("none", "cp", "vmfc")


def unit_of(meta: Mapping[str, Any], observable: str) -> str:
    """The unit of an observable: its own in `[units]`, or else the benchmark's."""
    return meta.get("units", {}).get(observable, meta["unit"])


def check_meta(meta: Mapping[str, Any], where: Path, complain: Complain = refuse) -> dict[str, Any]:
    """The keys that are right. InputError about every other one: unknown, missing, of the wrong type, senseless.

    Where `complain` goes on, `subsets` and `tags` that are wrong are None: anything may be one.
    """
    right = dict(meta)

    def wrong(key: str, error: InputError) -> None:
        right.pop(key, None)
        if key in ("subsets", "tags"):
            right[key] = None
        if key == "units":
            right.pop("unit", None)
        complain(error if str(error).startswith(str(where)) else InputError(f"{where}: {error}"))

    for key, error in schema_errors(meta, BenchmarkTable, where):
        wrong(key, error)
    for key, what in (("subsets", "a subset"), ("tags", "a tag"), ("observables", "an observable")):
        _try(lambda: check_identifiers(right.get(key) or (), what, where), key, wrong)  # noqa: B023
    if "id" in right:
        _try(lambda: check_identifier(right["id"], "a benchmark", where), "id", wrong)
    _try(lambda: own_observables(right), "observables", wrong)
    own = own_observables(right)
    if "observable" in right:
        _try(lambda: own.get(right["observable"]) or plugins().observables[right["observable"]], "observable", wrong)
    if "unit" in right:
        _try(lambda: factor(right["unit"], right["unit"]), "unit", wrong)
    for name, unit in right.get("units", {}).items():
        _try(lambda: own.get(name) or plugins().observables[name], "units", wrong)  # noqa: B023
        _try(lambda: factor(unit, unit), "units", wrong)  # noqa: B023
    _try(lambda: check_reference_sets(right, where), "reference_sets", wrong)
    return right


def _try(check: Any, key: str, wrong: Any) -> None:
    try:
        check()
    except InputError as error:
        wrong(key, error)


OBSERVABLE_KEYS = ("property", "formula", "description", "unit", "degree", "masses")


def own_observables(meta: Mapping[str, Any]) -> dict[str, Observable]:
    """The observables that a benchmark.toml defines in `[observables.NAME]`, checked; InputError names what is wrong.

    property: of a registered property; formula: a name such as linear or harmonic_wavenumber, or `= EXPRESSION`; unit:
    of what the formula gives, where that is not the property's; the rest are parameters of the formula.
    """
    found = {}
    for name, table in meta.get("observables", {}).items():
        where = f"observable '{name}'"
        if not isinstance(table, Mapping):
            raise InputError(f"{where} is described by a table: [observables.{name}]")
        for key in table:
            if key not in OBSERVABLE_KEYS:
                raise InputError(f"{where}: unknown key '{key}'{did_you_mean(key, OBSERVABLE_KEYS)}")
        for key in ("property", "formula", "description"):
            if not isinstance(table.get(key), str) or not table[key]:
                raise InputError(f"{where}: '{key}' is missing or no text")
        masses = table.get("masses", {})
        if not isinstance(table.get("unit", ""), str):
            raise InputError(f"{where}: unit must be a text, not {shown(table['unit'])}")
        if type(table.get("degree", 1)) is not int:
            raise InputError(f"{where}: degree must be a whole number, not {shown(table['degree'])}")
        if not isinstance(masses, Mapping) or not all(type(mass) in (int, float) for mass in masses.values()):
            raise InputError(f"{where}: masses is a table of numbers, such as {{ H = 1.00783 }}")
        if name in plugins().observables:
            raise InputError(f"{where} exists already; give it another name, or use that one")
        prop = plugins().properties[table["property"]]
        parameters = {key: table[key] for key in ("degree", "masses") if key in table}
        made = Observable(
            name, table["property"], table["formula"], table["description"], table.get("unit"), parameters
        )
        check_observable(made, prop)
        if made.unit is not None:
            factor(made.unit, made.unit)
        found[name] = made
    return found
