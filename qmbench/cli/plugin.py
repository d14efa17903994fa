"""`qmbench plugin`: add and remove plugins; scaffold and check one's own."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from qmbench.testing import Check

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
    constraint: Annotated[
        list[Path] | None,
        typer.Option("--constraint", metavar="FILE", help="Lines of name==version that pip keeps to (repeatable)."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> int:
    """Install a plugin, or bring it up to date; after a failure all is as before."""
    from qmbench.plugging.isolated.install import add

    added = add(source, isolated, constraint or (), full, _say)
    where = str(added.environment) if added.environment else None
    if json:
        from qmbench.cli.common import print_json

        names = {"plugins": added.plugins, "methods": added.methods}
        print_json({"distribution": added.distribution, "version": added.version, **names, "environment": where})
        return 0
    print(
        f"{added.distribution} {added.version} is installed"
        + (" in an environment of its own" if where else "")
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
    name: Annotated[str, typer.Argument(metavar="NAME", help="An installed plugin, as in `qmbench list plugins`.")],
    method: Annotated[
        list[str] | None, typer.Option("--method", metavar="M", help="Only this method (repeatable).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
) -> int:
    """Run the conformance kit on an installed plugin; exit 0 passed, 1 failed, 2 nothing to judge, 3 no such plugin."""
    from qmbench.cli.common import print_json
    from qmbench.plugging.registry import plugins

    found = plugins()
    if any(info.name == name and info.isolated and not info.error for info in found.infos):
        return _check_there(name, method or [], json)
    broken = [info for info in found.infos if info.name == name and info.error]
    if broken:
        # It is there, and it does not load: that is a finding about the plugin, not a wrong request.
        rows = [{"method": "", "check": "loads", "outcome": "failed", "message": broken[0].error, "wall_s": 0.0}]
    elif any(info.name == name for info in found.infos) and name not in {o.name for o in found.owner.values()}:
        rows = []
    else:
        from qmbench.testing import checks

        items = checks(name, methods=method)
        rows = []
        for number, item in enumerate(items, start=1):
            if sys.stderr.isatty():
                print(f"\r\x1b[K{number}/{len(items)} {item}", end="", file=sys.stderr, flush=True)
            rows.append(_run(item))
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr)
    summary = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in ("passed", "failed", "skipped")}
    if json:
        print_json({"plugin": name, "summary": summary, "checks": rows})
    else:
        _print(name, rows, summary)
    return 1 if summary["failed"] else 0 if summary["passed"] else 2


def _check_there(name: str, methods: list[str], json: bool) -> int:
    """`qmbench plugin check` by the interpreter of an isolated plugin."""
    import subprocess

    from qmbench.plugging.isolated import place

    home = place.of_plugin(name)
    assert home is not None
    words = [
        "plugin",
        "check",
        name,
        *(word for m in methods for word in ("--method", m)),
        *(["--json"] if json else []),
    ]
    code = "import sys; from qmbench.cli import main; main(sys.argv[1:])"
    sys.stdout.flush()
    status = subprocess.run([str(home.python), "-P", "-c", code, *words], env=place.environment()).returncode
    if status < 0:
        print(f"qmbench: the process that checked {name} died by signal {-status}", file=sys.stderr)
    return 1 if status < 0 else status


def _run(item: Check) -> dict[str, Any]:
    from qmbench.testing import ConformanceError, NotApplicable

    start, outcome, message = time.perf_counter(), "passed", ""
    try:
        item()
    except NotApplicable as reason:
        outcome, message = "skipped", str(reason)
    except ConformanceError as error:
        outcome, message = "failed", str(error)
    except Exception as error:
        outcome, message = "failed", f"{item.subject.method.name}: {type(error).__name__}: {error}"
    return {
        "method": item.subject.method.name,
        "check": item.name,
        "outcome": outcome,
        "message": " ".join(message.split()),
        "wall_s": round(time.perf_counter() - start, 3),
    }


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
