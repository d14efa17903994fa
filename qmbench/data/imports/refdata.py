"""Text tables of the kind that `refdata` has: one `.din` file per set, beside XYZ files with charge and multiplicity.

A reaction is pairs of lines, a coefficient and a molecule, a line `0`, and a line with the reference value in kcal/mol,
behind which a name may stand. `#` begins a remark; `-111` ends the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath

from qmbench.data.imports.draft import Draft, Findings, Geometry, safe_name
from qmbench.data.imports.gmtkn55 import plain_xyz
from qmbench.data.imports.reactions import Reactions, finite_text, reference_row
from qmbench.data.imports.tree import Tree
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.domain.systems.xyz_columns import real
from qmbench.domain.systems.xyz_comment import comment_words, coordinate_unit, stated_state
from qmbench.domain.units import BOHR_IN_ANGSTROM

DIN = ".din"


def is_refdata(tree: Tree) -> bool:
    """Whether it has a `.din` file."""
    return any(name.lower().endswith(DIN) for name in tree)


def read_refdata(tree: Tree, findings: Findings, only: str = "*") -> Iterator[Draft]:
    """One draft per `.din` file whose name (without ending) fits `only`."""
    tables = [name for name in tree if name.lower().endswith(DIN)]
    chosen = [name for name in tables if fnmatch(PurePosixPath(name).stem, only)]
    if not chosen:
        raise InputError(f"{tree.place}: none of its {len(tables)} tables is called '{only}'")
    files: dict[str, list[str]] = {}
    for name in tree:
        if name.lower().endswith(".xyz"):
            files.setdefault(PurePosixPath(name).stem, []).append(name)
    for table in chosen:
        yield _draft(tree, table, files, findings)


def _draft(tree: Tree, table: str, files: Mapping[str, Sequence[str]], findings: Findings) -> Draft:
    title = PurePosixPath(table).stem
    draft = Draft({})
    made = Reactions(draft, findings)
    known: dict[str, Geometry] = {}
    try:
        reactions = list(_reactions(tree.text(table), table, findings))
    except InputError as error:
        findings.skip(table, error)
        reactions = []
    for number, (line, terms, value, label) in enumerate(reactions, start=1):
        place = f"{table}, line {line}"
        try:
            for stem, _ in terms:
                if stem not in known:
                    known[stem] = _molecule(tree, title, stem, files)
            stoichiometry, observable = made.terms(
                [c for _, c in terms], [s for s, _ in terms], [known[s] for s, _ in terms]
            )
        except InputError as error:
            findings.skip(f"{place}{f' ({label})' if label else ''}", error)
            continue
        entry = safe_name(label or f"{title}_{number}", (e["id"] for e in draft.entries))
        draft.entries.append({"id": entry, "stoichiometry": stoichiometry, "observable": observable})
        draft.references.append(reference_row(entry, value, "kcal/mol", place))
    if not draft.entries:
        findings.skip(table, "no reaction of it could be read")
    return made.finish(
        "kcal/mol",
        "a table of refdata",
        title,
        reference_sets={"imported": {"title": f"as in {PurePosixPath(table).name}"}},
    )


Reaction = tuple[int, list[tuple[str, float]], str, str]


def _reactions(text: str, where: str, findings: Findings) -> Iterator[Reaction]:
    """(line of the first term, (molecule, coefficient) pairs, value as text, name) of each; a broken one is left out.

    After a line that is no coefficient where one is due, nothing that follows has a meaning: InputError.
    """
    lines = [(n, line.strip()) for n, line in enumerate(text.split("\n"), start=1)]
    rest = [(n, line) for n, line in lines if line and not line.startswith("#") and line != "KCAL"]
    at = 0
    while at < len(rest) and rest[at][1] != "-111":
        start = rest[at][0]
        terms: list[tuple[str, float]] = []
        while True:
            if at >= len(rest):
                raise InputError(f"{where}, line {start}: the reaction has no line 0 and no value")
            number, word = rest[at]
            try:
                coefficient = real(word)
            except ValueError:
                raise InputError(f"{where}, line {number}: a coefficient is needed, not '{word[:60]}'") from None
            at += 1
            if coefficient == 0:
                break
            if at >= len(rest):
                raise InputError(f"{where}, line {number}: no molecule follows")
            terms.append((rest[at][1].removesuffix(".xyz"), coefficient))
            at += 1
        if at >= len(rest):
            raise InputError(f"{where}, line {start}: the reaction has no value")
        number, line = rest[at]
        at += 1
        value, _, label = line.partition(" ")
        try:
            finite_text(value)
        except ValueError:
            findings.skip(f"{where}, line {number}", f"a reference value is needed, not '{line[:60]}'")
            continue
        yield start, terms, value, label.strip()


def _molecule(tree: Tree, title: str, stem: str, files: Mapping[str, Sequence[str]]) -> Geometry:
    """The molecule of a name: in a folder called like the table if there is one, else the only file of that name."""
    found = files.get(PurePosixPath(stem).name, ())
    near = [f for f in found if PurePosixPath(f).parent.name.lower().partition("_")[2] == title.lower()]
    near = near or [f for f in found if PurePosixPath(f).parent.name.lower() == title.lower()]
    if len(found) > 1 and len(near) != 1:
        raise InputError(f"there are {len(found)} files {stem}.xyz: {', '.join(found[:3])}")
    if not found:
        raise InputError(f"there is no {stem}.xyz{did_you_mean(stem, files)}")
    file = near[0] if near else found[0]
    return stated_geometry(tree.text(file), f"{tree.place}/{file}")


def stated_geometry(text: str, where: str) -> Geometry:
    """The molecule of an XYZ file that states charge and multiplicity, as words or as `0 1`; InputError otherwise."""
    comment = [*text.split("\n", 2), "", ""][1]
    words, _ = stated_state(comment, comment_words(comment, where))
    state = []
    for key in ("charge", "multiplicity"):
        try:
            state.append(int(words.get(key, "")))
        except ValueError:
            raise InputError(f"{where}, line 2: no {key} in it") from None
    symbols, rows = plain_xyz(text, where)
    scale = BOHR_IN_ANGSTROM / coordinate_unit(words, comment, where)
    return Geometry(symbols, scaled(rows, scale), state[0], state[1])


Rows = tuple[tuple[str, str, str], ...]


def scaled(rows: Rows, scale: float) -> Rows:
    """Coordinates times `scale` as texts; as they were where that is 1."""
    if scale == 1:
        return rows
    return tuple((f"{real(x) * scale:.12f}", f"{real(y) * scale:.12f}", f"{real(z) * scale:.12f}") for x, y, z in rows)
