# ruff: noqa: E501 - the texts of benchmark.toml, one a line
"""Makes the benchmarks that come from GSCDB137: s66, a24, ionic, atomization, barriers, three_body, dipoles,
polarizability_tensors, electron_affinities, proton_affinities, water_clusters.

    python tools/references/gscdb137.py --archive gscdb137.tar.gz --facts FOLDER [--to benchmarks] [NAME …]

Geometries, stoichiometries, reference values and the values of 16 density functionals are those of the database
(Liang and Head-Gordon, arXiv 2508.13468; CC BY 4.0), read by `qmbench.data.imports.gscdb`, as `qmbench benchmark import`
does. The folder of facts has the versions of S66 and A24. READMEs are written by hand and kept.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qmbench.data.imports.draft import Draft, Findings
from qmbench.data.imports.gscdb import CITATION, DOI, read_gscdb
from qmbench.data.imports.tree import Tree
from qmbench.data.lint import freeze

HAIRS = 6
"""Decimals of published values (kcal/mol); of reference values, which have fewer, DIGITS."""
DIGITS = 4
COLLECTED = "as collected in GSCDB137"


def one_draft(tree: Tree, names: list[str], subsets: dict[str, str]) -> Draft:
    """The sets `names` as one draft; subsets: set -> the subset that its entries are in."""
    found = Findings()
    drafts = [next(iter(read_gscdb(tree, found, name))) for name in names]
    if found.left_out:
        raise SystemExit(f"left out: {found.left_out}")
    first = drafts[0]
    for name, draft in zip(names, drafts, strict=True):
        for entry in draft.entries:
            entry["subset"] = subsets.get(name, "")
        if draft is first:
            continue
        for system, geometry in draft.systems.items():
            if first.systems.setdefault(system, geometry) != geometry:
                raise SystemExit(f"two systems are called {system}")
        first.entries += draft.entries
    by_hash: dict[str, str] = {}
    same = {name: by_hash.setdefault(g.checked(name).hash, name) for name, g in first.systems.items()}
    first.systems = {name: g for name, g in first.systems.items() if same[name] == name}
    for entry in first.entries:
        words = (re.fullmatch(r"([^:@]+)(.*)", word) for word in entry["stoichiometry"].split())
        entry["stoichiometry"] = " ".join(same.get(w[1], w[1]) + w[2] for w in words if w)
    for draft in drafts[1:]:
        first.references += draft.references
        for level, values in draft.levels.items():
            first.levels[level] |= values
    for row in first.references:
        row["value"] = rounded(row["value"], DIGITS if row["unit"] == "kcal/mol" else HAIRS)
    for level, values in first.levels.items():
        first.levels[level] = {entry: rounded(value, HAIRS) for entry, value in values.items()}
    return first


def rounded(value: str, decimals: int) -> str:
    return f"{round(float(value), decimals) + 0.0:.{decimals}f}"


def rename(draft: Draft, system: Callable[[str], str], entry: Callable[[dict[str, str]], str]) -> None:
    """Give systems and entries names that people can use; entry: of its row, with the new stoichiometry."""
    names = {old: system(old) for old in draft.systems}
    unique(names.values())
    draft.systems = {names[old]: g for old, g in draft.systems.items()}
    entries = {}
    for row in draft.entries:
        words = []
        for word in row["stoichiometry"].split():
            match = re.fullmatch(r"([^:@]+)(.*)", word)
            words.append(names.get(match[1], match[1]) + match[2])
        row["stoichiometry"] = " ".join(words)
        entries[row["id"]] = row["id"] = entry(row)
    old_ids = [row["id"] for row in draft.entries]
    unique(old_ids)


def unique(names: Any) -> None:
    seen = list(names)
    twice = sorted({n for n in seen if seen.count(n) > 1})
    if twice:
        raise SystemExit(f"names twice: {twice}")


def renamed(draft: Draft, system: Callable[[str], str], entry: Callable[[dict[str, str]], str]) -> Draft:
    """`rename`, carried through to references and levels; the database's name of each entry is in source_place."""
    before = [row["id"] for row in draft.entries]
    rename(draft, system, entry)
    ids = dict(zip(before, (row["id"] for row in draft.entries), strict=True))
    for row in draft.references:
        row["entry"] = ids[row["entry"]]
    draft.levels = {level: {ids[e]: v for e, v in values.items()} for level, values in draft.levels.items()}
    return draft


def describe(draft: Draft, id: str, default: str, sets: dict[str, Any], **meta: Any) -> Draft:
    """Set the texts of benchmark.toml; default: what the set of the database's own values is called here."""
    old = draft.meta
    levels = {k: v for k, v in old["reference_sets"].items() if v.get("role") == "level"}
    for row in draft.references:
        row["set"] = default if row["set"] == "GSCDB137" else row["set"]
    citations = [{"doi": DOI, "text": CITATION}, *meta.pop("citations", [])]
    keys = ("observable", "unit", "bsse", "observables", "units")
    kept = {k: old[k] for k in keys if k in old}
    draft.meta = {
        "id": id,
        "version": "1.0.0",
        **{k: meta.pop(k) for k in ("title", "description")},
        **{k: kept[k] for k in ("observable", "unit")},
        "sign": meta.pop("sign", old["sign"]),
        "bsse": kept["bsse"],
        "default_reference_set": default,
        "licence": "CC-BY-4.0",
        "geometry_protocol": meta.pop("geometry_protocol"),
        "citations": citations,
        "changelog": [{"version": "1.0.0", "date": "2026-11-28", "note": "First version."}],
        **{k: kept[k] for k in ("units", "observables") if k in kept},
        **meta,
        "reference_sets": {**{k: {"role": "estimate", **v} for k, v in sets.items()}, **levels},
    }
    return draft


def row(entry: str, set: str, value: str, **more: str) -> dict[str, str]:
    return {"entry": entry, "set": set, "value": value, "unit": "kcal/mol", "status": "current"} | more


def facts(folder: Path, name: str) -> list[dict[str, str]]:
    with open(folder / name, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def decimals_of(value: str) -> str:
    """Half a unit of the last digit printed, as the standard deviation of rounding is stated in this repository."""
    return f"{0.5 * 10 ** -len(value.partition('.')[2]):g}"


def versions(draft: Draft, folder: Path, file: str, sets: dict[str, tuple[str, str, str]]) -> None:
    """Add the published versions. sets: property of the file -> (set, DOI, place); the number of the complex is read
    from its name (`S66-01 …`)."""
    for line in facts(folder, file):
        if line["property"] not in sets:
            raise SystemExit(f"{file}: {line['property']} is not placed")
        name, doi, place = sets[line["property"]]
        if not name:
            continue
        number = int(re.search(r"-(\d+)", line["system"])[1])
        entry = draft.entries[number - 1]["id"]
        draft.references.append(
            row(
                entry,
                name,
                line["value"],
                uncertainty=decimals_of(line["value"]),
                uncertainty_kind="rounding",
                level_of_theory=line["level"],
                source_doi=doi,
                source_place=f"{place}, complex {number}",
            )
        )


def s66(tree: Tree, folder: Path) -> Draft:
    draft = one_draft(tree, ["S66"], {})
    snake = {r["gscdb_id"]: r["entry"] for r in facts(folder, "s66_references.csv")}
    by_system = {r["stoichiometry"].split()[1]: snake[r["id"]] for r in draft.entries}
    renamed(draft, by_system.__getitem__, lambda r: r["stoichiometry"].split()[1])
    small = {name for name, g in draft.systems.items() if len(g.symbols) <= 13}
    for number, entry in enumerate(draft.entries, start=1):
        kind = "hydrogen_bonded" if number <= 23 else "dispersion" if number <= 46 else "mixed"
        entry["subset"] = f"{kind} small" if entry["id"] in small else kind
        entry["tags"] = f"number:{number}"
    ours = "Mol. Phys. 121, e2109526 (2023) with a post-CCSD(T) correction of Chem. Phys. Lett. 863, 141874 (2025)"
    for r in draft.references:
        r["level_of_theory"] = "composite CCSD(T)/CBS + post-CCSD(T)"
        r["source_place"] = f"{ours}, {COLLECTED}, {r['source_place'].split(', ')[1]}"
    versions(
        draft,
        folder,
        "s66_versions.csv",
        {
            "interaction energy (S66, 2022 revision)": (
                "S66-2022",
                DOI,
                "Mol. Phys. 121, e2109526 (2023), from a list with the names of GSCDB137",
            ),
            "interaction energy (S66 original)": ("S66-2011", "10.1021/ct2002946", "CCSD(T)/CBS"),
            "interaction energy (S66, refdata H-bond revision DiLabio 2013)": (
                "DiLabio-2013",
                "10.1039/C3CP51559A",
                "revised hydrogen bonds, as kept in the collection refdata",
            ),
            "interaction energy (S66, refdata labelled Rezac 2011; differs from psi4 up to 0.12)": (
                "refdata-2011",
                "10.1039/C3CP51559A",
                "collection refdata of the paper's authors, labelled Řezáč 2011",
            ),
            "interaction energy (GMTKN55 S66)": ("GMTKN55", "10.1021/ct2002946", "as used in GMTKN55"),
        },
    )
    shared = {"approximation": "CCSD(T)"}
    return describe(
        draft,
        "s66",
        "S66-2025",
        {
            "S66-2025": {
                "title": "2022 revision with a post-CCSD(T) correction",
                "doi": DOI,
                "level_of_theory": "composite CCSD(T)/CBS + post-CCSD(T)",
                "note": f"{ours}; {COLLECTED}.",
            },
            "S66-2022": {
                "title": "2022 revision",
                "level_of_theory": "composite CCSD(T)/CBS",
                "note": "Mol. Phys. 121, e2109526 (2023)",
                "families": shared,
            },
            "DiLabio-2013": {
                "title": "revised hydrogen bonds (23 complexes)",
                "doi": "10.1039/C3CP51559A",
                "level_of_theory": "CCSD(T)/CBS",
                "families": shared,
            },
            "refdata-2011": {
                "title": "other 43 complexes of the collection refdata",
                "level_of_theory": "CCSD(T)/CBS",
                "note": "Labelled with the paper of 2011, from whose values they differ by up to 0.12 kcal/mol; which "
                "paper they are from could not be found out.",
                "role": "superseded",
            },
            "S66-2011": {
                "title": "original S66",
                "doi": "10.1021/ct2002946",
                "level_of_theory": "CCSD(T)/CBS, the (T) correction in aug-cc-pVDZ",
                "role": "superseded",
                "families": shared,
            },
            "GMTKN55": {
                "title": "original S66 as used in GMTKN55, two decimals",
                "doi": "10.1021/ct2002946",
                "level_of_theory": "CCSD(T)/CBS",
                "role": "superseded",
                "families": shared,
            },
        },
        title="S66: interaction energies of 66 organic complexes",
        description="Complexes of biological relevance at their minima, balanced over kinds of interaction; six versions "
        "of the reference values, and 16 density functionals near the basis-set limit.",
        sign="interaction energy = E(AB) − E(A) − E(B) with the fragments as they are in the complex; negative when bound",
        geometry_protocol="MP2/cc-pVTZ geometries of the original paper; fragments are not relaxed",
        citations=[
            {
                "doi": "10.1021/ct2002946",
                "text": "J. Řezáč, K. E. Riley, P. Hobza, J. Chem. Theory Comput. 7, 2427 (2011): S66",
            },
            {
                "doi": "10.1039/C3CP51559A",
                "text": "G. A. DiLabio, E. R. Johnson, A. Otero-de-la-Roza, Phys. Chem. Chem. Phys. 15, 12821 (2013): hydrogen bonds",
            },
            {"text": "Mol. Phys. 121, e2109526 (2023): 2022 revision"},
            {"text": "Chem. Phys. Lett. 863, 141874 (2025): post-CCSD(T) correction"},
        ],
        subsets={
            "hydrogen_bonded": "complexes 1–23",
            "dispersion": "complexes 24–46, dispersion dominated",
            "mixed": "complexes 47–66",
            "small": "complexes of 13 atoms at most",
        },
        tags={"number": "number of the complex in the paper"},
    )


def a24(tree: Tree, folder: Path) -> Draft:
    draft = one_draft(tree, ["A24"], {})
    snake = {r["gscdb_id"]: r["entry"] for r in facts(folder, "a24_references.csv")}
    by_system = {r["stoichiometry"].split()[1]: snake[r["id"]] for r in draft.entries}
    renamed(draft, by_system.__getitem__, lambda r: r["stoichiometry"].split()[1])
    for number, entry in enumerate(draft.entries, start=1):
        kind = "hydrogen_bonded" if number <= 5 else "mixed" if number <= 15 else "dispersion"
        small = " small" if len(draft.systems[entry["id"]].symbols) <= 7 else ""
        entry["subset"], entry["tags"] = kind + small, f"number:{number}"
    level = "CCSD(T)/CBS with core, relativistic and CCSDT(Q) corrections"
    for r in draft.references:
        r["level_of_theory"] = level
        r["source_doi"] = "10.1039/c5cp03151f"
        r["source_place"] = f"{COLLECTED}, {r['source_place'].split(', ')[1]}"
        r["value"] = rounded(r["value"], 3)
        r["uncertainty"], r["uncertainty_kind"] = "0.0005", "rounding"
    versions(
        draft,
        folder,
        "a24_versions.csv",
        {
            "interaction energy (A24, 2015 revision)": ("", "", ""),
            "interaction energy (A24 as published 2013)": ("A24-2013", "10.1021/ct400057w", "CCSD(T)/CBS"),
            "interaction energy (A24 in-press version in psi4; superseded)": (
                "A24-in-press",
                "10.1021/ct400057w",
                "version before publication, as kept by Psi4",
            ),
        },
    )
    shared = {"approximation": "CCSD(T)"}
    return describe(
        draft,
        "a24",
        "A24-2015",
        {
            "A24-2015": {"title": "2015 revision", "doi": "10.1039/c5cp03151f", "level_of_theory": level},
            "A24-2013": {
                "title": "as published in 2013",
                "doi": "10.1021/ct400057w",
                "level_of_theory": "CCSD(T)/CBS, counterpoise corrected",
                "role": "superseded",
                "families": shared,
            },
            "A24-in-press": {
                "title": "version before publication",
                "doi": "10.1021/ct400057w",
                "level_of_theory": "CCSD(T)/CBS + corrections",
                "note": "In circulation because Psi4 kept it.",
                "role": "superseded",
            },
        },
        title="A24: interaction energies of 24 small complexes",
        description="Complexes of at most twelve atoms, small enough for corrections beyond CCSD(T); three versions of the "
        "reference values, and 16 density functionals near the basis-set limit.",
        sign="interaction energy = E(AB) − E(A) − E(B) with the fragments as they are in the complex; negative when bound",
        geometry_protocol="CCSD(T)/CBS geometries of the original paper; fragments are not relaxed",
        citations=[
            {"doi": "10.1021/ct400057w", "text": "J. Řezáč and P. Hobza, J. Chem. Theory Comput. 9, 2151 (2013): A24"},
            {
                "doi": "10.1039/c5cp03151f",
                "text": "J. Řezáč, M. Dubecký, P. Jurečka, P. Hobza, Phys. Chem. Chem. Phys. 17, 19268 (2015): revision",
            },
        ],
        subsets={
            "hydrogen_bonded": "complexes 1–5",
            "mixed": "complexes 6–15",
            "dispersion": "complexes 16–24, dispersion dominated, three of them repulsive",
            "small": "complexes of seven atoms at most",
        },
        tags={"number": "number of the complex in the paper"},
    )


def ionic(tree: Tree, folder: Path) -> Draft:
    kinds = {"AHB21": "anion_neutral", "CHB6": "cation_neutral", "IL16": "ion_pair"}
    draft = one_draft(tree, list(kinds), kinds)
    names = {r["gscdb_id"]: r["entry"] for r in facts(folder, "ionic_references.csv")}
    by_system = {r["stoichiometry"].split()[1]: names[r["id"]] for r in draft.entries}
    renamed(draft, by_system.__getitem__, lambda r: r["stoichiometry"].split()[1])
    place = "J. Chem. Theory Comput. 11, 2473 (2015)"
    for entry in draft.entries:
        if len(draft.systems[entry["id"]].symbols) <= 6:
            entry["subset"] += " small"
    for r in draft.references:
        r["level_of_theory"] = "CCSD(T)/CBS"
        r["uncertainty"], r["uncertainty_kind"] = "0.005", "rounding"
        r["source_place"] = f"{place}, {COLLECTED}, {r['source_place'].split(', ')[1]}"
    return describe(
        draft,
        "ionic",
        "Ionic43",
        {"Ionic43": {"title": "CCSD(T) at the basis-set limit", "level_of_theory": "CCSD(T)/CBS", "note": place}},
        title="Ionic complexes: AHB21, CHB6 and IL16",
        description="Interaction energies of 21 anion–neutral, 6 cation–neutral and 16 cation–anion complexes, with 16 "
        "density functionals near the basis-set limit.",
        sign="interaction energy = E(AB) − E(A) − E(B) with the fragments as they are in the complex; negative when bound",
        geometry_protocol="as the database has them; fragments are not relaxed",
        citations=[{"text": f"K. U. Lao, R. Schäffer, G. Jansen, J. M. Herbert, {place}: AHB21, CHB6, IL16"}],
        subsets={
            "anion_neutral": "AHB21: an anion and a neutral molecule",
            "cation_neutral": "CHB6: a cation and a neutral molecule",
            "ion_pair": "IL16: a cation and an anion",
            "small": "complexes of six atoms at most",
        },
    )


def atomization(tree: Tree, folder: Path) -> Draft:
    kinds = {"TAE_W4-17MR": "multireference", "TAE_W4-17nonMR": "single_reference"}
    draft = one_draft(tree, list(kinds), kinds)
    place = {r["entry"]: r["source_place"].split(", ")[1] for r in draft.references}
    kept = {e["id"]: e["subset"] for e in draft.entries}
    of = {e["id"]: kept[e["id"]] for e in draft.entries}
    old = [e["id"] for e in draft.entries]
    strip = lambda s: s.removeprefix("W4-17_")  # noqa: E731
    renamed(draft, strip, lambda r: r["stoichiometry"].split(":-1")[0])
    ids = dict(zip((e["id"] for e in draft.entries), old, strict=True))
    for entry in draft.entries:
        n = len(draft.systems[entry["id"]].symbols)
        size = "diatomic" if n == 2 else "small" if n <= 4 else "medium" if n <= 8 else "large"
        entry["subset"] = f"{of[ids[entry['id']]]} {size}"
    for r in draft.references:
        r["level_of_theory"] = "W4"
        r["source_doi"] = "10.1002/jcc.24854"
        r["source_place"] = f"{COLLECTED}, {place[ids[r['entry']]]}"
        if of[ids[r["entry"]]] == "single_reference":
            r["uncertainty"], r["uncertainty_kind"] = "0.08", "estimate"
    return describe(
        draft,
        "atomization",
        "W4-17",
        {
            "W4-17": {
                "title": "W4-17, electronic, without zero-point energy",
                "doi": "10.1002/jcc.24854",
                "level_of_theory": "W4",
                "note": "The uncertainty is the σ that GSCDB137 states for the single-reference molecules; none is stated "
                "for the others. Nonrelativistic, core correlation included: twelve diatomics agree with W4-11.",
            }
        },
        title="W4-17: total atomization energies of 200 molecules",
        description="Electronic atomization energies of molecules of two to 13 atoms of the first two rows, with 16 density "
        "functionals near the basis-set limit.",
        sign="atomization energy = sum of the atoms − molecule, positive when bound; no zero-point energy",
        geometry_protocol="CCSD(T)/cc-pV(Q+d)Z geometries of W4-17",
        citations=[
            {
                "doi": "10.1002/jcc.24854",
                "text": "A. Karton, N. Sylvetsky, J. M. L. Martin, J. Comput. Chem. 38, 2063 (2017): W4-17",
            }
        ],
        subsets={
            "single_reference": "183 molecules",
            "multireference": "17 molecules that W4-17 marks as dominated by static correlation",
            "diatomic": "two atoms",
            "small": "three or four atoms",
            "medium": "five to eight atoms",
            "large": "nine atoms or more",
        },
    )


def barriers(tree: Tree, folder: Path) -> Draft:
    draft = one_draft(tree, ["DBH22"], {})
    names = {r["gscdb_id"]: (r["entry"], r["stoichiometry"]) for r in facts(folder, "barriers_references.csv")}
    by_system: dict[str, str] = {}
    for r in draft.entries:
        theirs = sorted(w.rpartition(":")[0] for w in names[r["id"]][1].split())
        ours = sorted(w.rpartition(":")[0] for w in r["stoichiometry"].split())
        for old in ours:
            bare = re.sub(r"^\d+_|_BH76$", "", old)
            match = [t for t in theirs if t in (bare.lower(), bare.lower().removesuffix("_lower"))]
            by_system[old] = by_system.get(old) or (match[0] if match else bare.lower())
    new = {r["id"]: names[r["id"]][0] for r in draft.entries}
    order = iter(list(new.values()))
    renamed(draft, by_system.__getitem__, lambda r: next(order))
    for r in draft.entries:
        number = int(r["id"].rpartition("_")[2])
        kind = ("heavy_atom_transfer", "nucleophilic_substitution", "unimolecular_association", "hydrogen_transfer")
        r["subset"] = kind[(number - 1) % 12 // 3]
        r["tags"] = f"number:{number} " + ("forward" if number <= 12 else "reverse")
    for r in draft.references:
        r["level_of_theory"] = "W4"
        r["value"] = rounded(r["value"], 2)
        r["uncertainty"], r["uncertainty_kind"] = "0.005", "rounding"
        r["source_place"] = f"DBH24/08, {COLLECTED}, {r['source_place'].split(', ')[1]}"
    return describe(
        draft,
        "barriers",
        "DBH24-08",
        {"DBH24-08": {"title": "DBH24/08, as collected in GSCDB137", "doi": DOI, "level_of_theory": "W4"}},
        title="DBH22: barrier heights of 12 reactions",
        description="Forward and reverse barriers of small reactions, without the two that symmetry makes the same, with 16 "
        "density functionals near the basis-set limit.",
        sign="barrier height = E(saddle point) − sum of E(reactants); negative when the saddle point is below them",
        geometry_protocol="QCISD/MG3 geometries of the DBH24 database, as GSCDB137 has them",
        citations=[{"text": "J. Zheng, Y. Zhao, D. G. Truhlar, J. Chem. Theory Comput. 5, 808 (2009): DBH24/08"}],
        subsets={
            "heavy_atom_transfer": "an atom heavier than hydrogen changes places",
            "nucleophilic_substitution": "anions",
            "unimolecular_association": "isomerization, association, dissociation",
            "hydrogen_transfer": "a hydrogen atom changes places",
        },
        tags={
            "number": "number in DBH24",
            "forward": "forward reaction",
            "reverse": "reverse reaction",
        },
    )


def three_body(tree: Tree, folder: Path) -> Draft:
    draft = one_draft(tree, ["3B-69"], {})
    renamed(
        draft,
        lambda s: s.removesuffix("_3B-69").removesuffix("_trim"),
        lambda r: r["stoichiometry"].split()[1],
    )
    for entry in draft.entries:
        entry["subset"] = "small" if len(draft.systems[entry["id"]].symbols) <= 12 else ""
        entry["tags"] = "orientation:" + re.match(r"\d+([abc])", entry["id"])[1]
    for r in draft.references:
        r["level_of_theory"] = "CCSD(T)/CBS"
        r["value"] = rounded(r["value"], 3)
        r["uncertainty"], r["uncertainty_kind"] = "0.0005", "rounding"
        r["source_place"] = f"3B-69, {COLLECTED}, {r['source_place'].split(', ')[1]}"
    return describe(
        draft,
        "three_body",
        "3B-69",
        {
            "3B-69": {
                "title": "CCSD(T) at the basis-set limit",
                "doi": DOI,
                "level_of_theory": "CCSD(T)/CBS",
                "note": "MP2 extrapolated from aug-cc-pVTZ and QZ, CCSD(T) correction in aug-cc-pVDZ, or in aug-cc-pVTZ for a "
                "dozen small trimers.",
            }
        },
        title="3B-69: three-body energies of 69 trimers",
        description="Non-additive parts of the interaction of 23 kinds of molecules in three arrangements taken from "
        "crystals, with 16 density functionals near the basis-set limit.",
        sign="three-body energy = E(ABC) − E(AB) − E(AC) − E(BC) + E(A) + E(B) + E(C); negative: it binds",
        geometry_protocol="cut out of crystal structures; fragments are not relaxed",
        citations=[
            {"text": "J. Řezáč, Y. Huang, P. Hobza, G. J. O. Beran, J. Chem. Theory Comput. 11, 3065 (2015): 3B-69"}
        ],
        subsets={"small": "trimers of twelve atoms at most"},
        tags={"orientation": "a, b or c: which of the three arrangements"},
    )


def components(tree: Tree, name: str, prefix: str) -> Draft:
    draft = one_draft(tree, [name], {})
    strip = lambda s: s.removeprefix(prefix)  # noqa: E731
    return renamed(draft, strip, lambda r: r["stoichiometry"].split(":")[0] + "_" + r["observable"].rpartition("_")[2])


def dipoles(tree: Tree, folder: Path) -> Draft:
    draft = components(tree, "Dip146", "Dip146_")
    for entry in draft.entries:
        spin = draft.systems[entry["stoichiometry"].split(":")[0]].multiplicity
        small = len(draft.systems[entry["stoichiometry"].split(":")[0]].symbols) <= 2
        entry["subset"] = ("closed_shell" if spin == 1 else "open_shell") + " diatomic" * small
    for r in draft.references:
        r["level_of_theory"] = "CCSD(T)/CBS"
        r["value"] = rounded(r["value"], 5)
        r["source_place"] = f"energies in a field of 0.0001, {r['source_place']}"
    return describe(
        draft,
        "dipoles",
        "Dip146",
        {
            "Dip146": {
                "title": "CCSD(T) at the basis-set limit, from energies in a field",
                "doi": DOI,
                "level_of_theory": "CCSD(T)/CBS",
                "note": "[E(+F) − E(−F)]/(2F) with F = 0.0001 hartree/(e bohr); energies are given to 1e-9 hartree, which is "
                "5e-6 e bohr here.",
            }
        },
        title="Dip146: components of dipole moments of small molecules",
        description="190 components of dipole moments, with 16 density functionals near the basis-set limit.",
        sign="from the negative to the positive charge: positive when the positive charge is at the larger coordinate",
        geometry_protocol="equilibrium geometries of the original set, as GSCDB137 has them",
        citations=[
            {"text": "D. Hait and M. Head-Gordon, J. Chem. Theory Comput. 14, 1969 (2018): the set and its values"}
        ],
        subsets={"closed_shell": "singlets", "open_shell": "other multiplicities", "diatomic": "two atoms"},
    )


def polarizability_tensors(tree: Tree, folder: Path) -> Draft:
    draft = components(tree, "HR46", "HR46_")
    for entry in draft.entries:
        small = len(draft.systems[entry["stoichiometry"].split(":")[0]].symbols) <= 4
        entry["subset"] = "small" if small else ""
    for r in draft.references:
        r["level_of_theory"] = "CCSD(T)/CBS by focal-point analysis"
        r["value"] = rounded(r["value"], 3)
        r["source_place"] = f"energies in a field of 0.004, {r['source_place']}"
    return describe(
        draft,
        "polarizability_tensors",
        "HR46",
        {
            "HR46": {
                "title": "focal-point analysis, from energies in a field",
                "doi": DOI,
                "level_of_theory": "CCSD(T)/CBS by focal-point analysis",
                "note": "[2 E(0) − E(+F) − E(−F)]/F² with F = 0.004 hartree/(e bohr); the part of second order in F of such a "
                "difference, γF²/12, stays in the values, and in those of the functionals.",
            }
        },
        title="HR46: diagonal components of static polarizabilities",
        description="128 components of the polarizability tensors of 46 molecules, with 16 density functionals near the "
        "basis-set limit.",
        sign="positive",
        geometry_protocol="equilibrium geometries of the original set, as GSCDB137 has them",
        citations=[{"text": "A. L. Hickey and C. N. Rowley, J. Phys. Chem. A 118, 3678 (2014): the molecules"}],
        subsets={"small": "four atoms at most"},
    )


def electron_affinities(tree: Tree, folder: Path) -> Draft:
    kinds = {"EA50": "vertical", "G21EA": "adiabatic", "P34EA": "heavy"}
    draft = one_draft(tree, list(kinds), kinds)
    theory = {"EA50": "EKT-CCSD(T)/aug-cc-pVQZ", "G21EA": "W3", "P34EA": "W1-P34"}
    before = draft.meta["reference_sets"]
    for r in draft.references:
        name = r["entry"].rpartition("_")[0]
        r["level_of_theory"] = theory[name]
        r["set"] = "best"
        r["source_place"] = f"{COLLECTED}, {r['source_place'].split(', ')[1]}"
        if name == "P34EA":
            r["uncertainty"], r["uncertainty_kind"] = "1.1", "estimate"
    for level in before.values():
        if level.get("role") == "level":
            level["level"], level["label"] = level["level"].partition("/")[0], level["label"].partition("/")[0]
            level["note"] = "in aug-pc-4; the heavy elements in def2-QZVPPD and in bases of their own"
    sets = {
        "best": {
            "title": "best values, as collected in GSCDB137",
            "doi": DOI,
            "level_of_theory": "EKT-CCSD(T), W3 or W1-P34",
            "note": "EA50 (vertical): EKT-CCSD(T)/aug-cc-pVQZ; G21EA (adiabatic): W3; P34EA (heavy elements): W1-P34, whose "
            "uncertainty is the one that the database states.",
        }
    }
    return describe(
        draft,
        "electron_affinities",
        "best",
        sets,
        title="Electron affinities of atoms and molecules: EA50, G21EA, P34EA",
        description="84 electron affinities, with 16 density functionals; diffuse functions are needed.",
        sign="electron affinity = E(neutral) − E(anion), positive when the anion is bound",
        geometry_protocol="vertical: both at one geometry; adiabatic: each at its own, without zero-point energy",
        citations=[
            {
                "text": "L. A. Curtiss, K. Raghavachari, G. W. Trucks, J. A. Pople, J. Chem. Phys. 94, 7221 (1991): "
                "the molecules of G21EA"
            },
        ],
        subsets={
            "vertical": "EA50: neutral and anion at one geometry",
            "adiabatic": "G21EA: each at its own geometry",
            "heavy": "P34EA: elements of the p block up to xenon",
        },
    )


def proton_affinities(tree: Tree, folder: Path) -> Draft:
    draft = one_draft(tree, ["PA26"], {})
    renamed(draft, lambda s: s.removeprefix("PA26_"), lambda r: r["id"].lower().replace("pa26_", "pa26_"))
    for entry in draft.entries:
        base = entry["stoichiometry"].split(":")[0]
        entry["subset"] = "small" if len(draft.systems[base].symbols) <= 6 else ""
    for r in draft.references:
        r["level_of_theory"] = "W1-F12, W2-F12 or CCSD(T)/CBS"
        r["uncertainty"], r["uncertainty_kind"] = "0.005", "rounding"
        r["source_place"] = f"PA26, {COLLECTED}, {r['source_place'].split(', ')[1]}"
    return describe(
        draft,
        "proton_affinities",
        "PA26",
        {
            "PA26": {
                "title": "PA26 of GMTKN55",
                "doi": DOI,
                "level_of_theory": "W1-F12, W2-F12 or CCSD(T)/CBS",
            }
        },
        title="PA26: proton affinities",
        description="Adiabatic proton affinities of 26 molecules, amino acids among them, with 16 density functionals near "
        "the basis-set limit.",
        sign="proton affinity = E(base) + E(proton) − E(protonated base), electronic, positive",
        geometry_protocol="each at its own geometry, as the database has them",
        citations=[
            {
                "doi": "10.1039/c7cp04913g",
                "text": "L. Goerigk et al., Phys. Chem. Chem. Phys. 19, 32184 (2017): PA26 in GMTKN55",
            }
        ],
        subsets={"small": "bases of six atoms at most"},
    )


def water_clusters(tree: Tree, folder: Path) -> Draft:
    draft = one_draft(tree, ["Shields38"], {})
    short = lambda s: re.sub(r"^\d+_|_Shields38$", "", s)  # noqa: E731
    renamed(draft, short, lambda r: r["stoichiometry"].split(":")[0])
    for entry in draft.entries:
        n = len(draft.systems[entry["id"]].symbols) // 3
        entry["subset"] = "small" if n <= 4 else "medium" if n <= 6 else "large"
        entry["tags"] = f"molecules:{n}"
    for r in draft.references:
        r["level_of_theory"] = "CCSD(T)/CBS"
        r["source_place"] = f"{COLLECTED}, {r['source_place'].split(', ')[1]}"
    return describe(
        draft,
        "water_clusters",
        "Shields38",
        {
            "Shields38": {
                "title": "as collected in GSCDB137",
                "doi": DOI,
                "level_of_theory": "CCSD(T)/CBS",
                "note": "The database grades them: platinum up to the hexamers, gold for the heptamers, silver above.",
            }
        },
        title="Shields38: binding energies of water clusters",
        description="Clusters of two to ten water molecules at their minima against separate molecules, with 16 density "
        "functionals near the basis-set limit.",
        sign="binding energy = E(cluster) − n E(water), the molecule at its own geometry; negative when bound",
        geometry_protocol="minima of the original set; the separate molecule is relaxed",
        citations=[
            {"text": "B. Temelso, K. A. Archer, G. C. Shields, J. Phys. Chem. A 115, 12034 (2011): the clusters"}
        ],
        subsets={
            "small": "two to four molecules",
            "medium": "five or six molecules",
            "large": "seven to ten molecules",
        },
        tags={"molecules": "how many molecules"},
    )


MAKE = {
    f.__name__: f
    for f in (
        s66,
        a24,
        ionic,
        atomization,
        barriers,
        three_body,
        dipoles,
        polarizability_tensors,
        electron_affinities,
        proton_affinities,
        water_clusters,
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--facts", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=Path("benchmarks"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args()
    tree = Tree(asked.archive)
    for name in asked.names or MAKE:
        draft = MAKE[name](tree, asked.facts)
        folder = asked.to / name
        folder.mkdir(exist_ok=True)
        for file, text in draft.files().items():
            (folder / file).write_text(text, encoding="utf-8")
        print(f"{name}: {len(draft.entries)} entries, {freeze(folder)} systems")


if __name__ == "__main__":
    main()
