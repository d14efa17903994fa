"""Datasets of QCArchive exported as JSON, and folders of QCSchema results.

A dataset is an object with `entries` (each a `molecule`, or `stoichiometries` of coefficients and molecules), or, as
older servers wrote it, `records` whose `stoichiometry` names molecules by the keys of `molecules`. Its
`contributed_values` become reference sets, and the energies of its `records` published levels of theory. Results
outside a dataset are total energies that hold within their method and basis. Smith et al., WIREs Comput. Mol. Sci. 11,
e1491 (2021).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

from qmbench.data.imports.draft import Draft, Findings, Geometry, safe_name
from qmbench.data.imports.json_files import is_number, json_names, parsed
from qmbench.data.imports.qcschema import geometry, is_molecule, is_result, level_of, result
from qmbench.data.imports.reactions import Reactions, reference_row
from qmbench.data.imports.tree import Tree
from qmbench.domain.errors import InputError
from qmbench.domain.units import UNITS, factor

UNIT_WORDS = {unit.lower().replace(" ", ""): unit for unit in UNITS} | {"hartrees": "hartree", "ev": "eV"}


def is_qcarchive(tree: Tree) -> bool:
    """Whether one of its JSON files is a dataset, or results of QCSchema."""
    return any(_kind(tree, name) for name in json_names(tree))


def _kind(tree: Tree, name: str) -> str:
    """`dataset`, `results`, or empty for another file."""
    try:
        data = parsed(tree, name)
    except InputError:
        return ""
    if isinstance(data, list):
        return "results" if data and all(map(is_result, data)) else ""
    if is_result(data):
        return "results"
    if not isinstance(data, Mapping):
        return ""
    items = _items(data.get("entries")) or _items(data.get("records"))
    first = items[0] if items else {}
    shaped = any(key in first for key in ("molecule", "stoichiometries", "stoichiometry", "initial_molecule"))
    return "dataset" if shaped else ""


def read_qcarchive(tree: Tree, findings: Findings, only: str = "*") -> Iterator[Draft]:
    """One draft per dataset whose name fits `only`, and one of all results that are in no dataset."""
    kinds = {name: _kind(tree, name) for name in json_names(tree)}
    for name in [n for n, kind in kinds.items() if not kind]:
        try:
            parsed(tree, name)
            findings.skip(name, "neither a dataset of QCArchive nor results of QCSchema")
        except InputError as error:
            findings.skip(name, error)
    found = False
    for name in [n for n, kind in kinds.items() if kind == "dataset"]:
        data = parsed(tree, name)
        title = str(data.get("name") or PurePosixPath(name).stem)
        if fnmatch(title, only):
            found = True
            yield _Dataset(data, title, name, findings).draft()
    results = [n for n, kind in kinds.items() if kind == "results" and fnmatch(PurePosixPath(n).stem, only)]
    if results:
        yield _of_results(tree, results, findings)
    elif not found:
        raise InputError(f"{tree.place}: nothing of it is called '{only}'")


class _Dataset:
    """One dataset on its way into a draft."""

    def __init__(self, data: Mapping[str, Any], title: str, file: str, findings: Findings) -> None:
        self.data, self.title, self.file, self.findings = data, title, file, findings
        self.made = Reactions(Draft({}), findings)
        self.molecules: dict[str, Any] = {}
        for item in _items(data.get("molecules"), "id"):
            identifiers = item.get("identifiers") if isinstance(item.get("identifiers"), Mapping) else {}
            for key in (item.get("id"), item.get("_key"), (identifiers or {}).get("molecule_hash"), item.get("name")):
                if key is not None:
                    self.molecules.setdefault(str(key), item)
        self.stems: dict[str, str] = {}

    def draft(self) -> Draft:
        draft, findings = self.made.draft, self.findings
        entries = _items(self.data.get("entries"), "name") or _items(self.data.get("records"), "name")
        sets = self._contributed([str(e.get("name")) for e in entries])
        made: dict[str, str] = {}
        for item in entries:
            name = str(item.get("name") or item.get("_key") or "")
            place = f"{self.title}: entry {name or '?'}"
            try:
                terms = self._terms(item, name)
                values = {key: about["values"][name] for key, about in sets.items() if name in about["values"]}
                stoichiometry, observable = self.made.terms(*terms)
                if not values and not self._records(name):
                    raise InputError("no contributed value and no result of it")
            except (InputError, KeyError, TypeError) as error:
                findings.skip(place, error)
                continue
            entry = safe_name(name, made.values())
            made[name] = entry
            note = "" if values else "no reference value in the dataset"
            draft.entries.append({"id": entry, "stoichiometry": stoichiometry, "observable": observable, "note": note})
            for key, value in values.items():
                about = sets[key]
                unit = about["unit"]
                row = reference_row(
                    entry, repr(value), unit, f"{self.file}, contributed_values, {about['name']}", set=key
                )
                draft.references.append(row | {"source_doi": about["doi"], "level_of_theory": about["level"]})
        levels = self._levels(made)
        used = dict.fromkeys(row["set"] for row in draft.references)
        default = next(iter(used), "")
        if len(used) > 1:
            others = ", ".join(key for key in used if key != default)
            findings.assumed.append(f"{self.title}: the default reference set is {default}; there are also {others}")
        described = {
            key: {k: v for k, v in (("title", sets[key]["name"]), ("level_of_theory", sets[key]["level"])) if v}
            for key in used
        }
        unit = sets[default]["unit"] if default else "hartree"
        text = " ".join(str(self.data.get("description") or self.data.get("tagline") or "").split())
        more: dict[str, Any] = {"description": f"Imported from a dataset of QCArchive. {text}".strip()}
        if default:
            more["default_reference_set"] = default
        made_draft = self.made.finish(
            unit, "a dataset of QCArchive", self.title, reference_sets=described | levels, **more
        )
        if not default:
            made_draft.meta.pop("default_reference_set", None)
        return made_draft

    def _terms(self, item: Mapping[str, Any], name: str) -> tuple[list[float], list[str], list[Geometry]]:
        if "stoichiometries" in item:
            pairs = [(s.get("coefficient"), s.get("molecule")) for s in item["stoichiometries"]]
        elif "stoichiometry" in item:
            row = item["stoichiometry"]
            row = row.get("default", row)  # `default` is without counterpoise correction
            pairs = [(c, key) for key, c in row.items()]
        else:
            pairs = [(1.0, item.get("molecule") or item.get("initial_molecule"))]
        coefficients, stems, geometries = [], [], []
        for number, (c, molecule) in enumerate(pairs, start=1):
            if not is_number(c):
                raise InputError(f"the coefficient of molecule {number} is no number")
            data = molecule if is_molecule(molecule) else self.molecules.get(str(molecule))
            if data is None:
                raise InputError(f"there is no molecule {str(molecule)[:60]}")
            said = str(data.get("name") or "")  # QCElemental makes the formula the name where nobody gave one
            stem = said if said and said != _formula(data) else (name if len(pairs) == 1 else f"{name}_{number}")
            if isinstance(molecule, str | int):
                stem = self.stems.setdefault(str(molecule), stem)  # one that several entries share
            coefficients.append(float(c))
            stems.append(stem)
            geometries.append(geometry(data, f"{name}, molecule {number}", self.findings.assumed))
        return coefficients, stems, geometries

    def _contributed(self, index: Sequence[str]) -> dict[str, dict[str, Any]]:
        """set -> name, values (entry -> number), unit, doi, level of theory; what can't be read is left out."""
        sets: dict[str, dict[str, Any]] = {}
        for item in _items(self.data.get("contributed_values"), "name"):
            name = str(item.get("name") or item.get("_key"))
            place = f"{self.title}: contributed values {name}"
            numbers, order = item.get("values"), item.get("index") or index
            if isinstance(numbers, Mapping):
                order, numbers = list(numbers), list(numbers.values())
            unit = UNIT_WORDS.get(str(item.get("units") or "").lower().replace(" ", ""), "")
            try:
                if not isinstance(numbers, Sequence) or isinstance(numbers, str) or len(numbers) != len(order):
                    raise InputError(f"{len(order)} entries need as many values")
                if not unit:
                    raise InputError(f"unknown unit '{item.get('units')}'")
                factor(unit, "hartree")
            except (InputError, TypeError) as error:
                self.findings.skip(place, error)
                continue
            values = {str(k): float(v) for k, v in zip(order, numbers, strict=True) if is_number(v)}
            level = item.get("theory_level")
            doi = str(item.get("doi") or "")
            sets[safe_name(name, sets)] = {
                "name": name,
                "values": values,
                "unit": unit,
                "doi": doi if doi.startswith("10.") else "",
                "level": level if isinstance(level, str) else "",
            }
        return sets

    def _records(self, entry: str) -> list[Mapping[str, Any]]:
        if "entries" not in self.data:
            return []
        return [r for r in _items(self.data.get("records")) if r.get("entry_name") == entry]

    def _levels(self, made: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """The energies of finished records as published levels; the others are left out with their reason."""
        sets: dict[str, dict[str, Any]] = {}
        for record in [r for name in made for r in self._records(name)]:
            name = str(record["entry_name"])
            about = record.get("specification")
            level = level_of(about if isinstance(about, Mapping) else {"method": record.get("specification_name")})
            place = f"{self.title}: entry {name}, {level or 'a record'}"
            properties = record.get("properties") if isinstance(record.get("properties"), Mapping) else {}
            energies = (
                record.get("total_energy"),
                (properties or {}).get("return_energy"),
                record.get("return_result"),
            )
            energy = next((e for e in energies if is_number(e)), None)
            status = str(record.get("status", "complete"))
            if status != "complete" or energy is None or not level:
                why = (
                    f"its status is {status}"
                    if status != "complete"
                    else "no energy"
                    if level
                    else "no level of theory"
                )
                self.findings.skip(place, why)
                continue
            key = safe_name(level)
            sets.setdefault(key, {"role": "level", "level": level, "unit": "hartree", "place": f"{self.file}, records"})
            self.made.draft.levels.setdefault(key, {})[made[name]] = repr(float(energy))
        return sets


def _of_results(tree: Tree, files: Sequence[str], findings: Findings) -> Draft:
    made = Reactions(Draft({}), findings)
    draft = made.draft
    sets: dict[str, dict[str, Any]] = {}
    for file in files:
        data = parsed(tree, file)
        items = data if isinstance(data, list) else [data]
        for number, item in enumerate(items, start=1):
            where = file if len(items) == 1 else f"{file}, result {number}"
            try:
                found = result(item, where, findings.assumed)
                if not found.level:
                    raise InputError("no method")
                stem = PurePosixPath(file).stem if len(items) == 1 else f"{PurePosixPath(file).stem}_{number}"
                stoichiometry, observable = made.terms([1.0], [stem], [found.geometry])
            except InputError as error:
                findings.skip(where, error)
                continue
            key = safe_name(found.level)
            entry = next((e["id"] for e in draft.entries if e["stoichiometry"] == stoichiometry), "")
            if entry and any(r["entry"] == entry and r["set"] == key for r in draft.references):
                findings.skip(where, f"there is another result of {found.level} for {entry}")
                continue
            if not entry:
                entry = safe_name(stem, (e["id"] for e in draft.entries))
                draft.entries.append({"id": entry, "stoichiometry": stoichiometry, "observable": observable})
            sets.setdefault(key, {"title": found.level, "level_of_theory": found.level, "within": found.level})
            row = reference_row(entry, repr(found.energy), "hartree", where, set=key)
            draft.references.append(row | {"level_of_theory": found.level, "note": found.program})
    title = tree.place.name.partition(".")[0]
    default = next(iter(sets), "imported")
    return made.finish("hartree", "results of QCSchema", title, default_reference_set=default, reference_sets=sets)


def _items(data: Any, key: str = "name") -> list[Mapping[str, Any]]:
    """The objects of a list, or of an object by name, whose keys then stand in `_key` and, where it has none, `key`."""
    if isinstance(data, Mapping):
        return [{"_key": k, key: k} | dict(v) for k, v in data.items() if isinstance(v, Mapping)]
    return [item for item in data if isinstance(item, Mapping)] if isinstance(data, list) else []


def _formula(molecule: Mapping[str, Any]) -> str:
    """The formula that QCElemental gives a molecule as its name: elements in alphabetical order."""
    symbols = [str(s) for s in molecule.get("symbols", ())]
    counts = {s: symbols.count(s) for s in sorted(set(symbols))}
    return "".join(s if n == 1 else f"{s}{n}" for s, n in counts.items())
