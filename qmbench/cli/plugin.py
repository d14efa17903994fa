"""`qmbench plugin`: add and remove plugins; scaffold and check one's own."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Add and remove plugins; write one, and check one.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Short lower-case name: my_method, say.")],
    directory: Annotated[
        Path | None, typer.Option("--directory", metavar="DIR", help="Where to write it [default: ./qmbench-NAME].")
    ] = None,
) -> int:
    """Scaffold a plugin package with one exact method, its tests and the conformance kit."""
    from qmbench.cli import scaffold
    from qmbench.domain.errors import InputError

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise InputError(f"a plugin's name is lower-case letters, digits and _ (my_method, say), not '{name}'")
    folder = directory or Path(f"qmbench-{name.replace('_', '-')}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already; remove it, or name another folder with --directory")
    try:
        for path, text in scaffold.files(name).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't write {folder}: {error.strerror or error}") from None
    print(f"wrote {folder}; now:\n\n  cd {folder}\n  pip install -e .\n  pytest\n  qmbench plugin check {name}")
    return 0


@app.command()
def add(
    source: Annotated[
        str, typer.Argument(metavar="PATH|NAME[EXTRAS]", help="A package's folder or wheel, or a name on the index.")
    ],
    isolated: Annotated[
        bool, typer.Option("--isolated", help="In a virtual environment of its own, for dependencies that clash.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="With --isolated: share no package with this environment.")
    ] = False,
    editable: Annotated[
        bool, typer.Option("--editable", help="Import the folder PATH itself, so that edits there count at once.")
    ] = False,
    constraint: Annotated[
        list[Path] | None,
        typer.Option("--constraint", metavar="FILE", help="Lines of name==version that pip keeps to (repeatable)."),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="PACKAGE",
            help="With --isolated: a package that it drives, installed beside it (repeatable).",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> int:
    """Install a plugin, or bring it up to date; after a failure all is as before."""
    from qmbench.plugging.isolated.install import add

    added = add(source, isolated, constraint or (), full, _say, editable, beside or ())
    where = str(added.environment) if added.environment else None
    if json:
        from qmbench.cli.common import print_json

        names = {"plugins": added.plugins, "methods": added.methods}
        head = {"distribution": added.distribution, "version": added.version}
        print_json({**head, **names, "environment": where}, "plugin-add")
        return 0
    print(
        f"{added.distribution} {added.version} is installed"
        + (" in an environment of its own" if where else "")
        + (", which imports it from its folder" if editable else "")
        + f": {', '.join(added.methods) or 'no listed method'} (plugin {', '.join(added.plugins)})"
    )
    return 0


@app.command()
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A plugin, as in `qmbench list plugins`.")],
) -> int:
    """Remove an installed plugin, with its environment if it has one of its own."""
    from qmbench.plugging.isolated.install import remove

    print(f"{remove(name, _say)} is removed; records that it computed stay where they are")
    return 0


def _say(line: str) -> None:
    print(f"==> {line}", file=sys.stderr, flush=True)


@app.command()
def check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="An installed plugin, as in `qmbench list plugins`, or a method of a family: ase:emt."
        ),
    ],
    method: Annotated[
        list[str] | None, typer.Option("--method", metavar="M", help="Only this method (repeatable).")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--check", metavar="C", help="Only this check (repeatable).")
    ] = None,
    check_timeout: Annotated[
        float, typer.Option("--check-timeout", metavar="S", min=0.1, help="Seconds that one check may take.")
    ] = 300.0,
    check_memory: Annotated[
        float | None,
        typer.Option(
            "--check-memory", metavar="GIB", min=0.1, help="Memory for one check [default: half of what is free]."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> int:
    """Run the conformance kit on an installed plugin; exit 0 passed, 1 failed, 2 nothing to judge, 3 no such plugin."""
    from qmbench.cli.common import print_json
    from qmbench.domain.errors import InputError, did_you_mean
    from qmbench.plugging.isolated import place
    from qmbench.testing import supervised

    name, method = _family_member(name, method or [])
    if name not in _here():  # nothing is imported here: a plugin may do anything when it is
        home = place.of_plugin(name)
        if home is None or name not in home.plugins:
            known = {*_here(), *(n for h in place.installed() for n in h.plugins)}
            raise InputError(f"no plugin '{name}' is installed{did_you_mean(name, known)}")
        if not home.problem():
            limits = ["--check-timeout", str(check_timeout)]
            limits += ["--check-memory", str(check_memory)] if check_memory else []
            return _check_there(home.python, name, method, only or [], [*limits, *(["--json"] if json else [])])
        rows = [supervised.Row("", supervised.LOADS, "failed", home.problem(), 0.0)]
    else:
        memory_gib = check_memory or _half_of_free_gib()
        with supervised.Supervisor(name, method, check_timeout, memory_gib) as supervisor:
            rows = []
            for number, total, what, row in supervisor.rows(only or ()):
                if row is not None:
                    rows.append(row)
                elif sys.stderr.isatty():
                    print(f"\r\x1b[K{number}/{total} {what}", end="", file=sys.stderr, flush=True)
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr)
    listed = [row.to_json() for row in rows]
    summary = {outcome: sum(row["outcome"] == outcome for row in listed) for outcome in ("passed", "failed", "skipped")}
    if json:
        print_json({"plugin": name, "summary": summary, "checks": listed}, "plugin-check")
    else:
        _print(name, listed, summary)
    return 1 if summary["failed"] else 0 if summary["passed"] else 2


def _family_member(name: str, methods: list[str]) -> tuple[str, list[str]]:
    """(plugin, methods to check): `ase:emt` is that method of the plugin that brings the family."""
    from qmbench.domain.errors import InputError
    from qmbench.domain.families import prefix_of
    from qmbench.plugging.registry import plugins

    prefix = prefix_of(name)
    if not prefix:
        return name, methods
    known = plugins().families
    if prefix not in known:
        there = f"; families are {', '.join(sorted(known))}" if known else ""
        raise InputError(f"no installed plugin has methods '{prefix}…'{there}")
    if methods:
        raise InputError(f"'{name}' is one method; write the plugin's name to choose others by --method")
    return known[prefix][1].name, [name]


def _here() -> set[str]:
    """Plugins of this environment, by their metadata."""
    from importlib import metadata

    from qmbench.plugging.registry import GROUP

    return {point.name for point in metadata.entry_points(group=GROUP)}


def _half_of_free_gib() -> float:
    import psutil

    return max(0.5, float(psutil.virtual_memory().available) / 2**31)


def _check_there(python: Path, name: str, methods: list[str], only: list[str], more: list[str]) -> int:
    """`qmbench plugin check` by the interpreter of an isolated plugin."""
    import subprocess

    from qmbench.plugging.isolated import place

    chosen = [word for m in methods for word in ("--method", m)] + [word for c in only for word in ("--check", c)]
    code = "import sys; from qmbench.cli import main; main(sys.argv[1:])"
    sys.stdout.flush()
    command = [str(python), "-P", "-c", code, "plugin", "check", name, *chosen, *more]
    status = subprocess.run(command, env=place.environment()).returncode
    if status < 0:
        print(f"qmbench: the process that checked {name} died by signal {-status}", file=sys.stderr)
    return 1 if status < 0 else status


def _print(name: str, rows: list[dict[str, Any]], summary: dict[str, int]) -> None:
    from rich.table import Table

    from qmbench.cli.common import console

    out = console()
    if not rows:
        out.print(f"{name} registers no method: nothing to check")
        return
    table = Table("method", "passed", "failed", "skipped", "seconds", title=f"conformance of {name}", box=None)
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        counts = [str(sum(row["outcome"] == o for row in mine)) for o in ("passed", "failed", "skipped")]
        table.add_row(method, *counts, f"{sum(row['wall_s'] for row in mine):.1f}")
    out.print(table)
    for outcome in ("failed", "skipped"):
        for row in rows:
            if row["outcome"] == outcome:
                out.print(f"{outcome}  {row['check']}: {row['message']}", markup=False, soft_wrap=True)
    out.print(", ".join(f"{n} {outcome}" for outcome, n in summary.items()), markup=False)
