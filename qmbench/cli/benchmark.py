"""`qmbench benchmark` and `qmbench import`: other people's data in, benchmarks out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

benchmark_app = typer.Typer(
    help="Bring benchmarks in from databases, and write them as others read them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
import_app = typer.Typer(help="Bring in numbers that were made elsewhere.", no_args_is_help=True, rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]


@benchmark_app.command("import")
def import_benchmark(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A folder, a .tar.gz, a .zip or one file.")],
    id: Annotated[str, typer.Option("--as", metavar="ID", help="Name of the benchmark, or of the folder of several.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where it is written.")] = Path("."),
    only: Annotated[str, typer.Option("--only", metavar="GLOB", help="Only sets (or entries) of such names.")] = "*",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="gscdb137, gmtkn55, refdata, psi4, questdb, qcarchive, nci-atlas, csv, varbench [default: found out].",
        ),
    ] = "",
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="What a column of a CSV file means.")
    ] = None,
    unit: Annotated[str, typer.Option("--unit", metavar="UNIT", help="Of the values of a CSV file.")] = "kcal/mol",
    observable: Annotated[str, typer.Option("--observable", metavar="NAME", help="Of the entries of a CSV file.")] = "",
    reference: Annotated[
        str, typer.Option("--source", metavar="TEXT", help="The paper that the values are from.")
    ] = "",
    length_unit: Annotated[
        str, typer.Option("--length-unit", metavar="UNIT", help="bohr or angstrom, of QUEST's XYZ files.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Take fragments that are found by bonds.")] = False,
    json: Json = False,
) -> int:
    """Write a database as benchmark folders: exit 0 all of it, 1 with parts left out, which are listed."""
    from qmbench.data.imports.choose import Wanted, import_benchmarks
    from qmbench.domain.errors import InputError

    pairs: dict[str, str] = {}
    for text in mapping or ():
        name, equals, column = text.partition("=")
        if not equals or not name or not column:
            raise InputError(f"--map {text}: write FIELD=COLUMN, such as value=E_ref")
        pairs[name] = column
    wanted = Wanted(
        source, id, to, only, form, _asked(source, form, pairs), unit, observable, reference, yes, length_unit
    )
    done = import_benchmarks(wanted)
    if json:
        _json(done)
    else:
        _print(done)
    return 1 if done.findings.left_out else 0


def _asked(source: Path, form: str, pairs: dict[str, str]) -> dict[str, str]:
    """The mapping, completed line by line where somebody sits at a terminal and the columns are not clear."""
    import sys

    from qmbench.data.imports.choose import form_of
    from qmbench.data.imports.folder import FIELDS, columns_of, meaning
    from qmbench.data.imports.tree import Tree
    from qmbench.domain.errors import InputError

    if not sys.stdin.isatty() or source.is_file():
        return pairs
    tree = Tree(source)
    if (form or form_of(tree)) != "csv":
        return pairs
    columns = columns_of(tree)
    for name in ("id", "value"):
        try:
            meaning(columns, pairs)
            break
        except InputError:
            if name not in pairs:
                pairs[name] = typer.prompt(f"which column is {FIELDS[name]}? ({', '.join(columns)})", err=True)
    return pairs


def _print(done: Any) -> None:
    from qmbench.cli.common import console

    out = console()

    def say(title: str, lines: list[str], most: int = 40) -> None:
        if lines:
            out.print(f"\n{title}:")
            for line in lines[:most]:
                out.print(f"  {line}", markup=False, soft_wrap=True)
            if len(lines) > most:
                out.print(f"  … and {len(lines) - most} more (all with --json)")

    say("assumed, since no file says it", done.findings.assumed)
    say("changed", done.findings.said)
    say("left out", [f"{what}: {why}" for what, why in done.findings.left_out])
    where = done.folders[0] if len(done.folders) == 1 else done.folders[0].parent
    many = f"{len(done.folders)} benchmarks" if len(done.folders) > 1 else "1 benchmark"
    text = f"\n{where}: {many}, {done.entries} entries, {done.systems} systems"
    left = len(done.findings.left_out)
    out.print(text + (f"; {left} things left out" if left else ""), markup=False, soft_wrap=True)


def _json(done: Any) -> None:
    from qmbench.cli.common import print_json

    print_json(
        {
            "folders": [str(folder) for folder in done.folders],
            "entries": done.entries,
            "systems": done.systems,
            "assumed": done.findings.assumed,
            "changed": done.findings.said,
            "left_out": [{"what": what, "why": why} for what, why in done.findings.left_out],
        },
        "benchmark-import",
    )


@benchmark_app.command("export")
def export_benchmark(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", help="An id, or the path of a folder.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A new folder.")],
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="gmtkn55, csv or qcschema.")] = "csv",
    reference: Annotated[
        str, typer.Option("--reference", metavar="SET", help="Reference set [default: its own].")
    ] = "",
) -> int:
    """Write a benchmark as a GMTKN55-style tree, as CSV beside XYZ, or as QCSchema: exit 1 with parts left out."""
    from qmbench.cli.common import console
    from qmbench.data.benchmark import find_benchmark
    from qmbench.data.imports.export import export_benchmark

    b = find_benchmark(benchmark)
    left_out = export_benchmark(b, form, to, reference)
    out = console()
    for entry, why in left_out:
        out.print(f"left out: {entry}: {why}", markup=False, soft_wrap=True)
    out.print(f"{to}: {len(b.entries) - len(left_out)} of {len(b.entries)} entries", markup=False, soft_wrap=True)
    return 1 if left_out else 0


@import_app.command("results")
def import_results(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE|FOLDER", help="CSV (entry, value), JSON, or outputs of programs (through cclib)."),
    ],
    benchmark: Annotated[
        str, typer.Option("--benchmark", metavar="B", help="The path of a benchmark folder of yours.")
    ],
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="Their level of theory: METHOD[/BASIS].")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Of the set [default: the level].")] = "",
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What tables call it.")] = "",
    unit: Annotated[
        str, typer.Option("--unit", metavar="UNIT", help="Of the values [default: of their entries].")
    ] = "",
    bsse: Annotated[str, typer.Option("--bsse", metavar="cp|none", help="Counterpoise treatment.")] = "",
    source: Annotated[
        str, typer.Option("--source", metavar="TEXT", help="Where they are from [default: the file].")
    ] = "",
    column: Annotated[str, typer.Option("--column", metavar="NAME", help="Of the values in a CSV file.")] = "",
) -> int:
    """Add numbers that were made elsewhere to a benchmark, as a published level: exit 1 with parts left out."""
    from qmbench.cli.common import console
    from qmbench.data.benchmark import find_benchmark
    from qmbench.data.imports.results import Level, add_level, digest, is_table, read_results

    b = find_benchmark(benchmark)
    set_name = name or level.replace("?", ",").replace("&", ",")
    made = Level(set_name, level, unit, bsse, source or f"imported from {file.name}", label)
    out = console()

    def say(text: str) -> None:
        out.print(text, markup=False, soft_wrap=True)

    left_out = 0
    if is_table(file):
        values, rows = read_results(file, column), [{"file": file.name, "sha256": digest(file)}]
        count = add_level(b, made, values, rows)
    else:
        left_out, count = _of_outputs(b, file, made, say)
    say(f"{b.folder}: {count} values of {level} as the set '{set_name}'; tables show it as {label or level}‡")
    return 1 if left_out else 0


def _of_outputs(b: Any, place: Path, level: Any, say: Any) -> tuple[int, int]:
    """(how many things were left out, how many values came over) of outputs of programs."""
    from dataclasses import replace

    from qmbench.data.imports.assemble import from_outputs
    from qmbench.data.imports.results import add_level
    from qmbench.domain.errors import InputError

    if level.unit:
        raise InputError("--unit is of a table; outputs have energies in hartree")
    done = from_outputs(b, place, level.level, level.bsse)
    programs = list(dict.fromkeys(o.program for used in done.used.values() for o in used if o.program))
    kinds = list(dict.fromkeys(o.kind for used in done.used.values() for o in used))
    said = list(dict.fromkeys(o.said for used in done.used.values() for o in used if o.said))
    words = f"the files say {', '.join(said) or 'no method'}"
    note = f"{', '.join(programs)}; {', '.join(kinds)} energies; {words}; files are in sources.csv"
    rows = [
        {"entry": entry, "file": o.file, "sha256": o.sha256, "program": o.program, "said": o.said}
        | {"energy": repr(o.energy), "unit": "hartree"}
        for entry, used in done.used.items()
        for o in used
    ]
    count = add_level(b, replace(level, note=note), done.values, rows)
    for text in done.findings.assumed:
        say(f"assumed: {text}")
    for text in done.findings.said:
        say(text)
    for what, why in done.findings.left_out:
        say(f"left out: {what}: {why}")
    if done.others:
        say(f"{done.others} other files were not looked at")
    say(f"energies in hartree, converted to {', '.join(done.units)}; {note}")
    return len(done.findings.left_out), count
