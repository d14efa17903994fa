"""`qmbench export`: results as other programs read them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

export_app = typer.Typer(help="Write results as other programs read them.", no_args_is_help=True, rich_markup_mode=None)


@export_app.callback()
def _only_commands() -> None:
    """A group, however many commands it has."""


@export_app.command("records")
def export_records(
    to: Annotated[Path, typer.Option("--to", metavar="FILE.parquet|FILE.csv", help="A new file.")],
    level: Annotated[
        list[str] | None, typer.Option("--level", metavar="LEVEL", help="Only of this level (repeatable).")
    ] = None,
    prop: Annotated[
        list[str] | None, typer.Option("-p", "--property", metavar="NAME", help="Only this property (repeatable).")
    ] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", metavar="NAME", help="Only ok, failed or unsupported (repeatable).")
    ] = None,
    store: Annotated[str | None, typer.Option("--store", metavar="PATH|URL", help="Where records are kept.")] = None,
) -> int:
    """Write the records of a store as one table, a row for each property of each system: exit 2 where there is none."""
    from typing import get_args

    from qmbench.api.records import write_records
    from qmbench.cli.common import check_choice, console
    from qmbench.domain.errors import InputError
    from qmbench.domain.record import Status
    from qmbench.plugging.registry import canonical_level
    from qmbench.running.stores import is_there, open_store, store_place

    for word in status or ():
        check_choice(word, get_args(Status), "--status")
    place = store_place(store)
    if not is_there(place):
        raise InputError(f"there is no store at {place}; name one with --store")
    # A level that is not installed any more is asked for as it was spelled.
    levels = [name for text in level or () for name in dict.fromkeys((text, canonical_level(text)))]
    asked = {"level": levels, "property": prop or [], "status": status or []}
    with open_store(place, read_only=True) as opened:
        written = write_records(opened.records(**{name: words for name, words in asked.items() if words}), to)
    console().print(f"{to}: {written} records of {place}", markup=False, soft_wrap=True)
    return 0 if written else 2


@export_app.command("dataset")
def export_dataset(
    systems: Annotated[
        list[str], typer.Argument(metavar="BENCHMARK|SYSTEM…", help="Benchmarks, BENCHMARK:SYSTEM, files.")
    ],
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="METHOD[/BASIS][?option=value&…]")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE.extxyz|FILE.db", help="A new file.")],
    prop: Annotated[
        list[str] | None, typer.Option("-p", "--property", metavar="NAME", help="energy, forces [default: both].")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Tasks side by side.")] = None,
    store: Annotated[str | None, typer.Option("--store", metavar="PATH|URL", help="Where records are kept.")] = None,
) -> int:
    """Write molecules with energies (eV) and forces (eV/angstrom) as extended XYZ, or as a database of ASE: exit 1 with
    some left out.

    What the store lacks is computed.
    """
    from qmbench.api.dataset import UNITS, dataset
    from qmbench.api.gathered import systems_of
    from qmbench.domain.errors import InputError
    from qmbench.plugging.registry import parse_level
    from qmbench.running.session import Session

    if to.suffix not in (".extxyz", ".xyz", ".db"):
        raise InputError(
            f"{to}: a dataset is extended XYZ or a database of ASE; write {to.with_suffix('.extxyz').name}, or .db"
        )
    _check_new(to)
    made = dataset(parse_level(level), systems_of(systems), prop or tuple(UNITS), Session(store, workers=workers))
    if made.frames:
        made.write(to)
    return _said(f"{to}: {len(made.frames)} molecules at {level}", len(made.frames), made.left_out)


@export_app.command("qcschema")
def export_qcschema(
    systems: Annotated[
        list[str], typer.Argument(metavar="BENCHMARK|SYSTEM…", help="Benchmarks, BENCHMARK:SYSTEM, files.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE.json", help="A new file.")],
    level: Annotated[
        str | None, typer.Option("--level", metavar="LEVEL", help="Results of this level [default: molecules alone].")
    ] = None,
    prop: Annotated[
        list[str] | None, typer.Option("-p", "--property", metavar="NAME", help="energy, forces [default: energy].")
    ] = None,
    version: Annotated[int, typer.Option("--schema-version", metavar="1|2", help="Version of QCSchema.")] = 1,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Tasks side by side.")] = None,
    store: Annotated[str | None, typer.Option("--store", metavar="PATH|URL", help="Where records are kept.")] = None,
) -> int:
    """Write molecules, or results of one level, as QCSchema: one document, or a list of several.

    What the store lacks is computed. Exit 1 with some left out, 2 with all.
    """
    import json

    from qmbench.api import qcschema
    from qmbench.api.gathered import systems_of
    from qmbench.domain.errors import InputError
    from qmbench.plugging.registry import parse_level
    from qmbench.report.renderers.files import write_text
    from qmbench.running.session import Session

    if version not in qcschema.VERSIONS:
        raise InputError(f"QCSchema has the versions {' and '.join(map(str, qcschema.VERSIONS))}, not {version}")
    if to.suffix != ".json":
        raise InputError(f"{to}: QCSchema is JSON; write {to.with_suffix('.json').name}")
    if prop and level is None:
        raise InputError("a property is of a level of theory; give --level as well")
    _check_new(to)
    named = systems_of(systems)
    if level is None:
        found, left_out = qcschema.molecules(named, version)
    else:
        session = Session(store, workers=workers)
        found, left_out = qcschema.results(parse_level(level), named, prop or ("energy",), session, version)
    if found:
        document = found[0] if len(named) == 1 else found
        write_text(to, json.dumps(document, indent=1, allow_nan=False) + "\n")
    what = f"molecule{'' if len(found) == 1 else 's'}" if level is None else f"results of {level}"
    return _said(f"{to}: {len(found)} {what}", len(found), left_out)


def _check_new(to: Path) -> None:
    from qmbench.domain.errors import InputError

    if to.exists():
        raise InputError(f"{to} is there already; name another, or remove it first")
    if not to.absolute().parent.is_dir():
        raise InputError(f"{to}: there is no folder {to.absolute().parent}")


def _said(line: str, written: int, left_out: Iterable[tuple[str, str]]) -> int:
    """Print what was left out and `line`; the exit code."""
    from qmbench.cli.common import console

    left_out = list(left_out)
    for name, why in left_out:
        console().print(f"left out: {name}: {why}", markup=False, soft_wrap=True)
    console().print(line, markup=False, soft_wrap=True)
    return 2 if not written else 1 if left_out else 0
