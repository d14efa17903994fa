"""From a source to benchmark folders: which of the known forms it has, and what came over."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qmbench.data.identifiers import check_identifier
from qmbench.data.imports.draft import Draft, Findings
from qmbench.data.imports.folder import is_folder, read_folder
from qmbench.data.imports.gmtkn55 import is_gmtkn55, read_gmtkn55
from qmbench.data.imports.gscdb import is_gscdb, read_gscdb
from qmbench.data.imports.nciatlas import is_nciatlas, read_nciatlas
from qmbench.data.imports.psi4 import is_psi4, read_psi4
from qmbench.data.imports.qcarchive import is_qcarchive, read_qcarchive
from qmbench.data.imports.questdb import is_questdb, read_questdb
from qmbench.data.imports.refdata import is_refdata, read_refdata
from qmbench.data.imports.tree import Tree
from qmbench.data.imports.varbench import is_varbench, read_varbench
from qmbench.data.lint import freeze
from qmbench.domain.errors import InputError, did_you_mean

FITS: dict[str, Callable[[Tree], bool]] = {
    "gscdb137": is_gscdb,
    "gmtkn55": is_gmtkn55,
    "refdata": is_refdata,
    "psi4": is_psi4,
    "questdb": is_questdb,
    "qcarchive": is_qcarchive,
    "nci-atlas": is_nciatlas,
    "csv": is_folder,
    "varbench": is_varbench,
}
"""form -> whether a tree has it; the first that fits is taken."""
FORMATS = tuple(FITS)
READ: dict[str, Callable[[Tree, Findings, str], Iterator[Draft]]] = {
    "gscdb137": read_gscdb,
    "gmtkn55": read_gmtkn55,
    "refdata": read_refdata,
    "psi4": read_psi4,
    "qcarchive": read_qcarchive,
    "nci-atlas": read_nciatlas,
    "varbench": read_varbench,
}
LENGTH_UNITS = ("", "bohr", "angstrom")


@dataclass(frozen=True)
class Wanted:
    """What an import was asked for. mapping: field -> column of a CSV file; bonds: fragments by bonds are confirmed.

    unit, observable, reference (the source, in words): of a CSV file; form: one of FORMATS, empty: found out;
    length_unit: one of LENGTH_UNITS, of XYZ files that do not say it (QUEST).
    """

    source: Path
    id: str
    to: Path
    only: str = "*"
    form: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    unit: str = "kcal/mol"
    observable: str = ""
    reference: str = ""
    bonds: bool = False
    length_unit: str = ""


@dataclass
class Imported:
    """What an import gave. folders: those written; entries: how many; findings: what it has to say."""

    folders: list[Path] = field(default_factory=list)
    entries: int = 0
    systems: int = 0
    findings: Findings = field(default_factory=Findings)


def form_of(tree: Tree) -> str:
    """The form that a tree has; InputError when it has none that is known."""
    for name, fits in FITS.items():
        if fits(tree):
            return name
    raise InputError(
        f"{tree.place} has none of the known forms: GSCDB137 (Info/DatasetEval.xlsx), GMTKN55 (.res files), refdata "
        "(.din files), Psi4 (a Python file with GEOS, ACTV, BIND), QUEST or QCArchive (JSON), NCI Atlas (XYZ with "
        "selection_a= in the comment line), one CSV file beside XYZ files, or varbench (Markdown tables)"
    )


def import_benchmarks(wanted: Wanted) -> Imported:
    """Write what the source has as benchmark folders, and freeze them.

    One benchmark is written to `to/ID`; several to `to/ID/NAME`, each by the name that its set has. InputError for what
    is wrong as a whole; what is wrong in parts is in the findings, and the rest comes over.
    """
    check_identifier(wanted.id, "a benchmark", "--as")
    tree = Tree(wanted.source)
    form = wanted.form or form_of(tree)
    if form not in FORMATS:
        raise InputError(f"--format: unknown form '{form}'{did_you_mean(form, FORMATS)}")
    if wanted.length_unit not in LENGTH_UNITS:
        raise InputError(f"--length-unit is bohr or angstrom, not '{wanted.length_unit[:40]}'")
    done = Imported()
    target = wanted.to / wanted.id
    if target.exists():
        raise InputError(f"{target} is there already; name another, or remove it first")
    drafts = [draft for draft in _drafts(tree, form, wanted, done.findings) if draft.entries]
    try:
        for draft in drafts:
            folder = target if len(drafts) == 1 else target / draft.meta["id"]
            if len(drafts) == 1:
                draft.meta["id"] = wanted.id
            draft.write(folder)
            freeze(folder)
            done.folders.append(folder)
            done.entries += len(draft.entries)
            done.systems += len(draft.systems) + len(draft.tables)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)  # half of it would look like all of it
        raise
    if not drafts:
        raise InputError(f"{wanted.source}: nothing of it could be brought over" + _first(done.findings))
    return done


def _drafts(tree: Tree, form: str, wanted: Wanted, findings: Findings) -> Iterator[Draft]:
    if form in READ:
        yield from READ[form](tree, findings, wanted.only)
    elif form == "questdb":
        yield from read_questdb(tree, findings, wanted.only, wanted.length_unit)
    else:
        yield read_folder(
            tree,
            findings,
            wanted.mapping,
            wanted.unit,
            wanted.only,
            wanted.bonds,
            wanted.reference,
            wanted.observable,
        )


def _first(findings: Findings) -> str:
    return f"; the first reason: {findings.left_out[0][0]}: {findings.left_out[0][1]}" if findings.left_out else ""
