"""Tables of varbench: one Markdown file per Hamiltonian, a row per method: energy, σ, variance, degrees of freedom.

The file's name says what it is of: `Hubbard/chain_14_P_4_1.md` has the lattice with its number of sites and its
boundary (P, A, O), the electrons of each spin, and U in units of t. An older convention has the extent along a side, a
letter for every direction, and the electrons of both spins: `square_4_PP_5_5_8.md`. Rows become published levels of
theory, exact ones the reference; beside them stands the V-score, N Var(E) / (E − E∞)². Wu et al., Science 386, 296
(2024).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

from qmbench.data.imports.draft import Draft, Findings, safe_name
from qmbench.data.imports.reactions import reference_row
from qmbench.data.imports.tree import Tree
from qmbench.domain.errors import InputError
from qmbench.domain.systems import LatticeModel
from qmbench.domain.systems.xyz_columns import real

MODEL = "Hubbard"
BOUNDARIES = {"P": "periodic", "A": "antiperiodic", "O": "open"}
DIMENSIONS = {"chain": 1, "square": 2, "rectangular": 2, "cubic": 3}
DOI = "10.1126/science.adg9774"
EXACT = re.compile(r"exact diag|lanczos|\bed\b", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One result. energy: of the whole system; the others are None where the table has nothing (σ: or `1.5(2)`)."""

    method: str
    energy: float
    sigma: float | None
    variance: float | None
    freedom: float | None
    zero: float | None

    @property
    def v_score(self) -> float | None:
        """N Var(E) / (E − E∞)²; None where one of them is not said."""
        if self.variance is None or self.freedom is None or self.zero is None or self.energy == self.zero:
            return None
        return self.freedom * self.variance / (self.energy - self.zero) ** 2


def is_varbench(tree: Tree) -> bool:
    """Whether it has a Markdown table with energies and their variances."""
    return any(name.endswith(".md") and _header(tree.lines(name)) for name in tree)


def _header(lines: Sequence[str]) -> list[str]:
    first = next((line for line in lines if line.strip()), "")
    cells = [cell.lower() for cell in _cells(first)]
    return cells if "energy" in cells and "energy variance" in cells and "method" in cells else []


def read_varbench(tree: Tree, findings: Findings, only: str = "*") -> Iterator[Draft]:
    """One draft of all Hubbard lattices whose file's name (without ending) fits `only`."""
    draft = Draft({})
    sets: dict[str, dict[str, str]] = {}
    others: dict[str, int] = {}
    scores: list[tuple[str, Row]] = []
    assumed: list[str] = []
    for file in tree:
        if not file.endswith(".md") or not _header(tree.lines(file)):
            continue
        path = PurePosixPath(file)
        if not fnmatch(path.stem, only):
            continue
        if path.parent.name not in (MODEL, ""):
            others[path.parent.name] = others.get(path.parent.name, 0) + 1
            continue
        try:
            rows = list(_rows(tree.text(file), file, findings))
            freedom = next((row.freedom for row in rows if row.freedom is not None), None)
            table = lattice_of(path.stem, freedom)
            LatticeModel.from_json({k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})
            if not rows:
                raise InputError("no row of it has an energy")
        except InputError as error:
            findings.skip(file, error)
            continue
        twin = next((name for name, other in draft.tables.items() if other == table), None)
        if twin is not None:
            findings.skip(file, f"the same lattice as {twin}")
            continue
        name = safe_name(path.stem, draft.tables)
        draft.tables[name] = table
        draft.entries.append({"id": name, "stoichiometry": f"{name}:1", "observable": "total_energy"})
        if table["electrons"] % 2 == 0 and table["multiplicity"] == 1:
            assumed.append(name)
        _references(draft, sets, name, rows, file)
        scores += [(name, row) for row in rows]
    for model, count in others.items():
        findings.skip(f"{model}: {count} tables", "no kind of system of qmbench, and energies in units of its own")
    if not draft.entries:
        first = f"; the first: {findings.left_out[0][0]}: {findings.left_out[0][1]}" if findings.left_out else ""
        raise InputError(f"{tree.place}: no Hubbard lattice of it could be read{first}")
    if assumed:
        findings.assumed.append(
            f"multiplicity 1 of {len(assumed)} lattices with as many electrons of either spin: {', '.join(assumed[:5])}"
        )
    reference = {
        "best": {
            "title": "exact diagonalization, else the lowest energy that has a variance",
            "doi": DOI,
            "note": "Without exact diagonalization it is an upper bound; level_of_theory says of which method.",
        }
    }
    draft.readme = _scores(scores)
    draft.meta = {
        "id": safe_name(tree.place.name.partition(".")[0]),
        "version": "1.0.0",
        "title": "Hubbard lattices of varbench",
        "description": "Imported from tables of varbench; V-scores are in README.md.",
        "observable": "total_energy",
        "unit": "t",
        "sign": "total energy of the lattice in units of the hopping t; negative",
        "bsse": ["none"],
        "default_reference_set": "best",
        "licence": "as its source says",
        "citations": [{"doi": DOI, "text": "D. Wu et al., Science 386, 296 (2024): V-score, varbench"}],
        "reference_sets": reference | sets,
    }
    yield draft


def lattice_of(name: str, freedom: float | None) -> dict[str, Any]:
    """The table of systems.toml of a file's name; InputError where it is not certain what is meant.

    freedom: the number of electrons as the table says it, which has to be that of the name.
    """
    words = name.split("_")
    match = re.fullmatch(r"([a-z]+)(?:-([0-9x]+))?", words[0])
    kind = match[1] if match else words[0]
    if kind not in DIMENSIONS:
        raise InputError(f"a lattice of the kind '{kind}', which is not hypercubic")
    at = next((i for i, word in enumerate(words) if i and re.fullmatch("[PAO]+", word)), 0)
    numbers = words[at + 1 :]
    if not at or len(numbers) not in (2, 3) or not all(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", n) for n in numbers):
        raise InputError("its name is not LATTICE_BOUNDARY_ELECTRONS_U, so that the Hamiltonian is not certain")
    letters, size = words[at], words[1:at]
    dimensions = DIMENSIONS[kind]
    lengths = _lengths(kind, match[2] if match else None, size, len(letters), dimensions)
    boundary = [BOUNDARIES[letter] for letter in (letters if len(letters) == dimensions else letters * dimensions)]
    spins = [int(n) for n in numbers[:-1] if n.isdigit()]
    if len(spins) != len(numbers) - 1:
        raise InputError("numbers of electrons must be whole")
    up, down = (spins * 2)[:2]
    if freedom is not None and freedom != up + down:
        raise InputError(f"its name says {up + down} electrons, its column DOF {freedom:g}")
    if any(length == 2 and b != "open" for length, b in zip(lengths, boundary, strict=True)):
        raise InputError("a periodic direction of two sites: one bond between them here, two in qmbench")
    return {
        "kind": "hubbard",
        "lattice": lengths,
        "boundary": boundary,
        "t": 1.0,
        "u": float(numbers[-1]),
        "electrons": up + down,
        "multiplicity": abs(up - down) + 1,
    }


def _lengths(kind: str, extents: str | None, size: Sequence[str], letters: int, dimensions: int) -> list[int]:
    """Sites along each direction. One letter for all directions goes with the number of sites, else with the side."""
    if letters not in (1, dimensions) and not extents:
        raise InputError(f"{letters} boundaries of {dimensions} directions")
    said = extents or (size[0].lower() if len(size) == 1 and "x" in size[0].lower() else "")
    if said:
        lengths = [int(n) for n in said.split("x") if n.isdigit()]
        if len(lengths) != dimensions or (extents and size and math.prod(lengths) != int(size[0])):
            raise InputError(f"its extent {said} does not fit {dimensions} directions and its number of sites")
        return lengths
    if len(size) != 1 or not size[0].isdigit():
        raise InputError(f"no extent of a {kind} lattice in its name")
    number = int(size[0])
    if dimensions == 1 or letters == dimensions:
        return [number] * dimensions
    side = round(number ** (1 / dimensions))
    if side**dimensions != number:
        raise InputError(f"{number} sites are no {kind} lattice")
    return [side] * dimensions


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if "|" in line else []


def _rows(text: str, where: str, findings: Findings) -> Iterator[Row]:
    header = _header(text.split("\n"))
    columns = {name: header.index(name) for name in header}
    for number, line in enumerate(text.split("\n"), start=1):
        cells = _cells(line)
        if not cells or [c.lower() for c in cells] == header or set("".join(cells)) <= set("-: "):
            continue

        def cell(name: str, cells: Sequence[str] = cells) -> str:
            at = columns.get(name, len(cells))
            return cells[at] if at < len(cells) and cells[at] != "?" else ""

        try:
            energy, from_brackets = with_brackets(cell("energy"))
            sigma = with_brackets(cell("sigma"))[0] if cell("sigma") else from_brackets
            variance = with_brackets(cell("energy variance"))[0] if cell("energy variance") else None
            freedom = real(cell("dof")) if cell("dof") else None
            zero = with_brackets(cell("einf"))[0] if cell("einf") else None
        except ValueError as error:
            findings.skip(f"{where}, line {number}", f"'{error}' is no number")
            continue
        if not cell("method"):
            findings.skip(f"{where}, line {number}", "no method")
            continue
        yield Row(cell("method"), energy, sigma, variance, freedom, zero)


def with_brackets(text: str) -> tuple[float, float | None]:
    """(value, its uncertainty) of `-251.44(8)`, or of a plain number; ValueError for others, and what is not finite."""
    match = re.fullmatch(r"([^()]+)\(([0-9]+)\)", text)
    plain = match[1] if match else text
    try:
        value = real(plain.strip())
    except ValueError:
        raise ValueError(text[:40]) from None
    if not math.isfinite(value):
        raise ValueError(text[:40])
    if match is None:
        return value, None
    digits = plain.lower().partition("e")[0].partition(".")[2]
    exponent = int(re.sub(r"^\+", "", plain.lower().partition("e")[2] or "0"))
    return value, int(match[2]) * 10.0 ** (exponent - len(digits.strip()))


def _references(draft: Draft, sets: dict[str, dict[str, str]], name: str, rows: Sequence[Row], file: str) -> None:
    exact = [row for row in rows if EXACT.search(row.method)]
    bound = [row for row in rows if row.variance is not None] or list(rows)
    best = exact[0] if exact else min(bound, key=lambda row: row.energy)
    draft.references.append(_row(name, best, "best", file))
    taken: set[str] = set()
    for row in rows:
        short = " ".join(re.sub(r"\([^()]*\)", " ", row.method.partition(";")[0]).split()) or row.method
        level = safe_name(short.rstrip(".,: ")[:60], taken)
        taken.add(level)
        sets.setdefault(level, {"role": "level", "level": level, "label": short[:60], "doi": DOI})
        draft.references.append(_row(name, row, level, file))


def _row(entry: str, row: Row, set_name: str, file: str) -> dict[str, str]:
    said = {"variance": row.variance, "degrees of freedom": row.freedom, "E_inf": row.zero, "V-score": row.v_score}
    note = ", ".join(f"{key} {value:.6g}" for key, value in said.items() if value is not None)
    kind = {"uncertainty": repr(row.sigma), "uncertainty_kind": "statistical"} if row.sigma else {}
    made = reference_row(entry, repr(row.energy), "t", file, set=set_name)
    return made | {"level_of_theory": row.method[:200], "source_doi": DOI, "note": note} | kind


def _scores(rows: Sequence[tuple[str, Row]]) -> str:
    """README.md: every row of the tables, with the V-score where its parts are said."""

    def text(value: float | None) -> str:
        return "" if value is None else f"{value:.8g}"

    lines = [
        "# Hubbard lattices of varbench",
        "",
        "Energies of the whole lattice in units of t. V-score: N Var(E) / (E − E∞)² with N degrees of freedom; empty",
        "where the table does not say one of them.",
        "",
        "| lattice | method | energy | σ | variance | N | E∞ | V-score |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in sorted(rows, key=lambda item: (item[0], item[1].v_score is None, item[1].v_score or 0.0)):
        cells = (row.energy, row.sigma, row.variance, row.freedom, row.zero)
        score = "" if row.v_score is None else f"{row.v_score:.3g}"
        lines.append(f"| {name} | {row.method} | " + " | ".join(map(text, cells)) + f" | {score} |")
    return "\n".join(lines) + "\n"
