"""From a source to benchmark folders: which of the known forms it has, and what came over."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qmbench.data.identifiers import check_identifier
from qmbench.data.imports.draft import Draft, Findings
from qmbench.data.imports.folder import is_folder, read_folder
from qmbench.data.imports.gmtkn55 import is_gmtkn55, read_gmtkn55
from qmbench.data.imports.gscdb import is_gscdb, read_gscdb
from qmbench.data.imports.nciatlas import is_nciatlas, read_nciatlas
from qmbench.data.imports.tree import Tree
from qmbench.data.lint import freeze
from qmbench.domain.errors import InputError, did_you_mean

FORMATS = ("gscdb137", "gmtkn55", "nci-atlas", "csv")


@dataclass(frozen=True)
class Wanted:
    """What an import was asked for. mapping: field -> column of a CSV file; bonds: fragments by bonds are confirmed.

    unit, observable, reference (the source, in words): of a CSV file; form: one of FORMATS, empty: found out.
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


@dataclass
class Imported:
    """What an import gave. folders: those written; entries: how many; findings: what it has to say."""

    folders: list[Path] = field(default_factory=list)
    entries: int = 0
    systems: int = 0
    findings: Findings = field(default_factory=Findings)


def form_of(tree: Tree) -> str:
    """The form that a tree has; InputError when it has none that is known."""
    for name, fits in zip(FORMATS, (is_gscdb, is_gmtkn55, is_nciatlas, is_folder), strict=True):
        if fits(tree):
            return name
    raise InputError(
        f"{tree.place} has none of the known forms: GSCDB137 (Info/DatasetEval.xlsx), GMTKN55 (.res files), NCI Atlas "
        "(XYZ with selection_a= in the comment line), or one CSV file beside XYZ files"
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
            done.systems += len(draft.systems)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)  # half of it would look like all of it
        raise
    if not drafts:
        raise InputError(f"{wanted.source}: nothing of it could be brought over" + _first(done.findings))
    return done


def _drafts(tree: Tree, form: str, wanted: Wanted, findings: Findings) -> Iterator[Draft]:
    if form == "gscdb137":
        yield from read_gscdb(tree, findings, wanted.only)
    elif form == "gmtkn55":
        yield from read_gmtkn55(tree, findings, wanted.only)
    elif form == "nci-atlas":
        yield from read_nciatlas(tree, findings, wanted.only)
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
