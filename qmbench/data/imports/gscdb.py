"""GSCDB137 as its authors keep it: two spreadsheets and one XYZ file per system.

Liang and Head-Gordon, arXiv 2508.13468 (2025); data under CC BY 4.0. `Info/DatasetEval.xlsx` holds the stoichiometries
(reference values in hartree), `Analysis/Reaction_Energies.xlsx` reference values and those of 16 density functionals
(kcal/mol), `xyz_files` the geometries with charge, multiplicity, basis, and the electric field that a calculation has.

Entries of energies in a field become properties where they are finite differences along one axis, with a field of F:
dipole moments from two points, μ = [E(+F) − E(−F)]/(2F) in the sign convention of the files (its direction is from the
negative to the positive charge, as calculations of ten molecules of the set confirm), and polarizabilities from three,
α = [2 E(0) − E(+F) − E(−F)]/F². What such a difference holds of higher powers of F stays in the value.
"""

from __future__ import annotations

import ast
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

from qmbench.data.imports.draft import (
    PROTON,
    SAME,
    SIGNS,
    Draft,
    Findings,
    Geometry,
    observable_of,
    parts_of,
    safe_name,
)
from qmbench.data.imports.tree import Tree
from qmbench.domain.elements import ATOMIC_NUMBERS
from qmbench.domain.errors import InputError
from qmbench.domain.systems.nuclei import nucleus
from qmbench.domain.units import HARTREE_IN_KCAL_MOL

EVALUATION = "Info/DatasetEval.xlsx"
ABOUT = "Info/Datasets.xlsx"
ENERGIES = "Analysis/Reaction_Energies.xlsx"
DOI = "10.48550/arXiv.2508.13468"
CITATION = "J. Liang and M. Head-Gordon, arXiv 2508.13468 (2025): GSCDB137, data under CC BY 4.0"
NO_DISPERSION = "none"
OWN = "part of the functional"

FUNCTIONALS = {
    # column: (method, label, dispersion)
    "wB97M2": ("wb97m(2)", "ωB97M(2)", OWN),
    "B3LYP": ("b3lyp", "B3LYP", NO_DISPERSION),
    "BMK": ("bmk", "BMK", NO_DISPERSION),
    "CAMB3LYP": ("cam-b3lyp", "CAM-B3LYP", NO_DISPERSION),
    "CF22D": ("cf22d", "CF22D", OWN),
    "M052X": ("m05-2x", "M05-2X", NO_DISPERSION),
    "M062X": ("m06-2x", "M06-2X", NO_DISPERSION),
    "M08HX": ("m08-hx", "M08-HX", NO_DISPERSION),
    "MN15": ("mn15", "MN15", NO_DISPERSION),
    "PBE0": ("pbe0", "PBE0", NO_DISPERSION),
    "PW6B95": ("pw6b95", "PW6B95", NO_DISPERSION),
    "SOGGA11X": ("sogga11-x", "SOGGA11-X", NO_DISPERSION),
    "r2SCAN0": ("r2scan0", "r²SCAN0", NO_DISPERSION),
    "wB97M-V": ("wb97m-v", "ωB97M-V", OWN),
    "wB97X-V": ("wb97x-v", "ωB97X-V", OWN),
    "revDSD-PBEP86-D4": ("revdsd-pbep86-d4", "revDSD-PBEP86-D4", "D4"),
}
AXES = "XYZ"


@dataclass(frozen=True)
class Point:
    """One XYZ file: its geometry, the basis that the authors used, the field (axis -> atomic units) it is in, and the
    step from the minimum along a normal mode (Å √u), as a text."""

    geometry: Geometry
    basis: str
    field: Mapping[str, float]
    step: str = ""


def is_gscdb(tree: Tree) -> bool:
    """Whether it has the files of GSCDB137."""
    return any(name == EVALUATION or name.endswith("/" + EVALUATION) for name in tree)


def read_gscdb(tree: Tree, findings: Findings, only: str = "*") -> Iterator[Draft]:
    """One draft per set whose name fits `only`, in the order of the spreadsheet of energies."""
    root = next(name for name in tree if name.endswith(EVALUATION)).removesuffix(EVALUATION)
    header, *rows = _sheet(tree, root + ENERGIES, "Sheet1")
    functionals = [str(name) for name in header[3:]]
    for name in functionals:
        if name not in FUNCTIONALS:
            findings.skip(f"column {name} of {ENERGIES}", "an unknown functional")
    stoichiometries = {str(r[0]): str(r[3]) for r in _sheet(tree, root + EVALUATION, "new")[1:]}
    about = {str(r[0]).strip(): r for r in _sheet(tree, root + ABOUT, "Sheet1")[1:] if r[0]}
    sets: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        sets.setdefault(str(row[1]), []).append(row)
    chosen = [name for name in sets if fnmatch(name, only)]
    if not chosen:
        raise InputError(f"{tree.place}: none of its {len(sets)} sets is called '{only}'")
    read = _reader(tree, root)
    for name in chosen:
        yield _Set(name, functionals, about.get(name, ()), stoichiometries, read, findings).draft(sets[name])


class _Set:
    """One set on its way into a draft."""

    def __init__(
        self,
        name: str,
        functionals: Sequence[str],
        about: Sequence[Any],
        stoichiometries: Mapping[str, str],
        read: Callable[[str], Point],
        findings: Findings,
    ) -> None:
        self.name, self.functionals, self.about = name, functionals, about
        self.stoichiometries, self.read, self.findings = stoichiometries, read, findings
        self.systems: dict[str, Geometry] = {}
        self.names: dict[str, str] = {}
        self.hashes: dict[str, str] = {}
        self.bases: Counter[str] = Counter()
        self.observables: Counter[str] = Counter()
        self.fielded: Counter[str] = Counter()
        self.protons = 0
        self.has_fragments = False

    def draft(self, rows: Sequence[tuple[Any, ...]]) -> Draft:
        entries, references = [], []
        levels: dict[str, dict[str, str]] = {f: {} for f in self.functionals if f in FUNCTIONALS}
        for row in rows:
            reaction = str(row[0])
            try:
                stoichiometry, observable, factor, note = self._entry(self.stoichiometries[reaction])
            except (InputError, KeyError) as error:
                self.findings.skip(f"{self.name}: entry {reaction}", error)
                continue
            entry = safe_name(reaction)
            self.observables[observable] += 1
            entries.append(
                {"id": entry, "stoichiometry": stoichiometry, "observable": observable, "subset": "", "note": note}
            )
            references.append(
                {
                    "entry": entry,
                    "set": "GSCDB137",
                    "value": _number(row[2], factor),
                    "unit": _unit(observable),
                    "source_doi": DOI,
                    "source_place": f"Reaction_Energies.xlsx, {reaction}",
                    "status": "current",
                }
            )
            for functional, value in zip(self.functionals, row[3:], strict=True):
                if functional in levels and isinstance(value, int | float):
                    levels[functional][entry] = _number(value, factor)
        if self.protons:
            self.findings.assumed.append(
                f"{self.name}: a bare proton, whose electronic energy is zero, was added to {self.protons} entries "
                "that leave it out"
            )
        for reason, count in self.fielded.items():
            self.findings.skip(f"{self.name}: systems of {count} entries, whose published values came over", reason)
        return Draft(self._meta(), self.systems, entries, references, levels)

    def _entry(self, text: str) -> tuple[str, str, float, str]:
        """(stoichiometry, observable, what a value in kcal/mol is multiplied by, note) of one row."""
        words = text.split(",")
        terms = [(float(c), stem) for c, stem in zip(words[::2], words[1::2], strict=True)]
        points = [self.read(stem) for _, stem in terms]
        self.bases.update(p.basis for p in points)
        if any(p.field for p in points):
            return self._in_a_field(terms, points)
        geometries = [p.geometry for p in points]
        made = self._whole_and_parts([c for c, _ in terms], [stem for _, stem in terms], geometries)
        if made is not None:
            return (*made, 1.0, "")
        protons = _missing_protons([c for c, _ in terms], geometries)
        if protons:
            terms, geometries = [*terms, (protons, "proton")], [*geometries, PROTON]
            self.protons += 1
        for (_, stem), geometry in zip(terms, geometries, strict=True):
            self._add(stem, geometry)
        said = " ".join(f"{self.names[stem]}:{c:g}" for c, stem in terms)
        steps = [p.step for p in points if p.step]
        note = f"second difference along a normal mode, step {steps[0]} angstrom sqrt(u)" if steps else ""
        return said, self._kind([c for c, _ in terms], geometries), 1.0, note

    def _in_a_field(self, terms: Sequence[tuple[float, str]], points: Sequence[Point]) -> tuple[str, str, float, str]:
        """A component of a dipole moment or of a polarizability; else an entry of published values alone."""
        coefficients = [c for c, _ in terms]
        axes = {axis for p in points for axis in p.field}
        strengths = [next(iter(p.field.values()), 0.0) for p in points]
        geometry = points[0].geometry
        same = all(_alike(p.geometry, geometry) for p in points)
        if len(axes) == 1 and same and all(len(p.field) <= 1 for p in points) and geometry.charge == 0:
            f = abs(strengths[0])
            axis = AXES.index(next(iter(axes)))
            stem = re.sub(r"[0-9][+-]$", "", terms[0][1])
            if sorted(zip(coefficients, strengths, strict=True)) == [(-1.0, -f), (1.0, f)]:
                self._add(stem, geometry)
                return self.names[stem] + ":1", f"dipole_{'xyz'[axis]}", 1 / (HARTREE_IN_KCAL_MOL * 2 * f), ""
            if sorted(zip(coefficients, strengths, strict=True)) == [(-1.0, -f), (-1.0, f), (2.0, 0.0)]:
                self._add(stem, geometry)
                name = f"polarizability_{'xyz'[axis] * 2}"
                return self.names[stem] + ":1", name, 1 / (HARTREE_IN_KCAL_MOL * f * f), ""
        self.fielded["energies in an electric field, which is no part of a system of qmbench"] += 1
        words = " ".join(f"{c:+g} {stem}" for c, stem in terms)
        return "", "reaction_energy", 1.0, f"published values alone; energies in an electric field: {words}"

    def _whole_and_parts(
        self, coefficients: Sequence[float], stems: Sequence[str], geometries: Sequence[Geometry]
    ) -> tuple[str, str] | None:
        """A difference of a complex and its own parts, at the very same places; None where it is none."""
        largest = max(range(len(stems)), key=lambda i: len(geometries[i].symbols))
        sign = coefficients[largest]
        others = [i for i in range(len(stems)) if i != largest]
        if abs(sign) != 1 or not others:
            return None
        whole = geometries[largest]
        single = [i for i in others if coefficients[i] == -sign]
        if len(single) == len(others) > 1:
            fragments = parts_of(whole, [geometries[i] for i in single])
            if fragments is None:
                return None
            name = self._add(stems[largest], replace(whole, fragments=fragments))
            self.has_fragments = True
            if sign > 0:
                return f"interaction {name}", "interaction_energy"
            ends = " ".join(f"{name}@{n}:1" for n in range(1, len(fragments) + 1))
            return f"{name}:-1 {ends}", "dissociation_energy"
        monomers = [i for i in others if coefficients[i] == sign]
        dimers = [i for i in others if coefficients[i] == -sign]
        if sign == 1 and len(monomers) == len(dimers) == 3:
            return self._three_body(stems[largest], whole, [geometries[i] for i in monomers], geometries, dimers)
        return None

    def _three_body(
        self,
        stem: str,
        whole: Geometry,
        monomers: Sequence[Geometry],
        geometries: Sequence[Geometry],
        dimers: Sequence[int],
    ) -> tuple[str, str] | None:
        fragments = parts_of(whole, monomers)
        if fragments is None:
            return None
        pairs = []
        for i in dimers:
            rest = [m for m, f in enumerate(fragments) if not _holds(geometries[i], whole, f.atoms)]
            if len(rest) != 1:
                return None
            pairs += rest
        if sorted(pairs) != [0, 1, 2]:
            return None
        self.has_fragments = True
        return f"three_body {self._add(stem, replace(whole, fragments=fragments))}", "three_body_energy"

    def _add(self, stem: str, geometry: Geometry) -> str:
        """The name of a system, which is in the set from now on; InputError where it is impossible."""
        if stem in self.names and _alike(self.systems[self.names[stem]], geometry):
            known = self.systems[self.names[stem]]
            if known.fragments == geometry.fragments or not geometry.fragments:
                return self.names[stem]
            if not known.fragments:
                self.systems[self.names[stem]] = geometry
                return self.names[stem]
        name = safe_name(stem, self.systems)
        other = self.hashes.setdefault(geometry.checked(name).hash, name)
        if other != name:
            self.names[stem] = other
            self.findings.said.append(f"{self.name}: {stem} is the same system as {other}, whose name is kept")
            return other
        if name != stem:
            self.findings.said.append(f"{self.name}: system {stem} is called {name}")
        self.systems[name] = geometry
        self.names[stem] = name
        return name

    def _kind(self, coefficients: Sequence[float], geometries: Sequence[Geometry]) -> str:
        kind = observable_of(coefficients, geometries)
        barrier = kind == "reaction_energy" and len(geometries) > 1 and len(self.about) > 1 and self.about[1] == "BH"
        return "barrier_height" if barrier else kind

    def _meta(self) -> dict[str, Any]:
        about = [str(x).strip() if x is not None else "" for x in self.about]
        title, theory = (about[3], about[4]) if len(about) > 4 else ("", "")
        main = self.observables.most_common(1)[0][0] if self.observables else "reaction_energy"
        own = {name: _own(name) for name in self.observables if name.startswith(("dipole_", "polarizability_"))}
        basis = (self.bases.most_common(1) or [("", 0)])[0][0]
        mixed = ", ".join(f"{name} ({count})" for name, count in self.bases.most_common())
        meta: dict[str, Any] = {
            "id": self.name,
            "version": "1.0.0",
            "title": f"{self.name}: {title}" if title else self.name,
            "description": f"Imported from GSCDB137. Reference values: {theory or 'not said there'}.",
            "observable": main,
            "unit": _unit(main),
            "sign": "; ".join(_sign(name) for name in self.observables) or "as each stoichiometry says",
            "bsse": ["none", "cp"] if self.has_fragments else ["none"],
            "default_reference_set": "GSCDB137",
            "licence": "CC-BY-4.0",
            "geometry_protocol": "as the database has them",
            "citations": [{"doi": DOI, "text": CITATION}],
        }
        units = {name: _unit(name) for name in self.observables if _unit(name) != meta["unit"]}
        if units:
            meta["units"] = units
        if own:
            meta["observables"] = own
        sets: dict[str, Any] = {
            "GSCDB137": {"title": "as collected in GSCDB137", "doi": DOI, "level_of_theory": theory or "not said"}
        }
        for functional in self.functionals:
            if functional not in FUNCTIONALS:
                continue
            method, label, dispersion = FUNCTIONALS[functional]
            spelt = basis.lower().replace(" ", "")
            sets[functional] = {
                "role": "level",
                "level": f"{method}/{spelt}" if spelt and spelt != "gen" else method,
                "label": f"{label}/{basis}" if spelt and spelt != "gen" else label,
                **({"bsse": "none"} if self.has_fragments else {}),
                "dispersion": dispersion,
                "doi": DOI,
                "place": "Reaction_Energies.xlsx",
            }
            if len(self.bases) > 1 or spelt == "gen":
                sets[functional]["note"] = f"basis by number of calculations: {mixed}"
        meta["reference_sets"] = sets
        return meta


def _missing_protons(coefficients: Sequence[float], geometries: Sequence[Geometry]) -> float:
    """How many bare protons a stoichiometry lacks: its hydrogen and its charge are short of the same number; or 0."""
    if coefficients == [-1.0] and geometries[0].symbols == ("H",) and geometries[0].charge == 0:
        return 1.0  # the ionization of hydrogen
    left: Counter[str] = Counter()
    charge = 0.0
    for c, g in zip(coefficients, geometries, strict=True):
        charge += c * g.charge
        for symbol in g.symbols:
            left[symbol] += c  # type: ignore[assignment]
    missing = [symbol for symbol, count in left.items() if abs(count) > 1e-9]
    return -charge if missing == ["H"] and left["H"] == charge else 0.0


def _holds(part: Geometry, whole: Geometry, atoms: Sequence[int]) -> bool:
    """Whether atom `atoms[0]` of `whole` is in `part`, at the same place."""
    symbol, place = whole.symbols[atoms[0]], [float(x) for x in whole.coordinates[atoms[0]]]
    return any(
        s == symbol and all(abs(float(a) - b) < SAME for a, b in zip(row, place, strict=True))
        for s, row in zip(part.symbols, part.coordinates, strict=True)
    )


def _alike(a: Geometry, b: Geometry) -> bool:
    """Whether two geometries are one, written with more or fewer digits."""
    if (a.symbols, a.charge, a.multiplicity) != (b.symbols, b.charge, b.multiplicity):
        return False
    pairs = ((x, y) for p, q in zip(a.coordinates, b.coordinates, strict=True) for x, y in zip(p, q, strict=True))
    return all(abs(float(x) - float(y)) < SAME for x, y in pairs)


def _own(name: str) -> dict[str, str]:
    what, _, axes = name.partition("_")
    index = "".join(f"[{'xyz'.index(axis)}]" for axis in axes)
    words = {"dipole": "component of the dipole moment", "polarizability": "component of the polarizability"}
    return {"property": what, "formula": f"= value{index}", "description": f"{axes} {words[what]}"}


def _sign(observable: str) -> str:
    if observable.startswith("dipole_"):
        return f"{observable}: positive when the positive charge is at larger {observable[-1]}"
    if observable.startswith("polarizability_"):
        return f"{observable}: positive"
    return SIGNS.get(observable, observable.replace("_", " "))


def _unit(observable: str) -> str:
    if observable.startswith("dipole_"):
        return "e bohr"
    return "bohr3" if observable.startswith("polarizability_") else "kcal/mol"


def _number(value: float, factor: float) -> str:
    return repr(float(value) if factor == 1.0 else float(f"{float(value) * factor:.12g}"))


def _sheet(tree: Tree, name: str, sheet: str) -> list[tuple[Any, ...]]:
    """The rows of one sheet; InputError when there is no such file or sheet, or nothing to read it with."""
    try:
        import openpyxl  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise InputError("spreadsheets are read by openpyxl: pip install 'qmbench[import]'") from None
    if name not in tree:
        raise InputError(f"{tree.place} has no {name}")
    try:
        book = openpyxl.load_workbook(io.BytesIO(tree[name]), read_only=True, data_only=True)
        return list(book[sheet].iter_rows(values_only=True))
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"{tree.place}, {name}: no sheet '{sheet}' can be read: {error}") from None


def _reader(tree: Tree, root: str) -> Callable[[str], Point]:
    """stem -> its point, each read once."""
    known: dict[str, Point] = {}

    def read(stem: str) -> Point:
        if stem not in known:
            name = f"{root}xyz_files/{stem}.xyz"
            if name not in tree:
                raise InputError(f"there is no {name}")
            known[stem] = _point(tree.text(name), name)
        return known[stem]

    return read


def _point(text: str, where: str) -> Point:
    lines = text.rstrip().split("\n")
    state = [re.search(rf"\b{key}=([+-]?[0-9]+)", lines[1]) for key in ("charge", "multiplicity")]
    if None in state:
        raise InputError(f"{where}: no charge and multiplicity in its second line")
    basis = re.search(r"\bbasis=([^,]+)", lines[1])
    step = re.search(r"step_size = ([0-9.]+)", lines[1])
    field = re.search(r"multipole_field=(\{[^}]*\})", lines[1])
    symbols, rows = [], []
    for line in lines[2:]:
        words = line.split()
        if len(words) < 4 or nucleus(words[0])[0] not in ATOMIC_NUMBERS:
            raise InputError(f"{where}: '{line.strip()}' is no atom")
        symbols.append(nucleus(words[0])[0])
        rows.append((words[1], words[2], words[3]))
    if len(symbols) != int(lines[0]):
        raise InputError(f"{where}: {lines[0].strip()} atoms announced, {len(symbols)} found")
    charge, multiplicity = (int(m[1]) for m in state if m)
    strengths = {str(k).upper(): float(v) for k, v in ast.literal_eval(field[1]).items()} if field else {}
    return Point(
        Geometry(tuple(symbols), tuple(rows), charge, multiplicity),
        basis[1].strip() if basis else "",
        {axis: value for axis, value in strengths.items() if value},
        step[1] if step else "",
    )
