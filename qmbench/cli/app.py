"""Every command with its options. The bodies only hand over, so that `--help` imports nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmbench.cli.benchmark import benchmark_app, import_app
from qmbench.cli.export import export_app
from qmbench.cli.plugin import app as plugin_app

app = typer.Typer(
    help="Puts the ways of doing quantum mechanics side by side, and reports where they disagree.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich for it would double the start-up
    context_settings={"help_option_names": ["-h", "--help"]},
)
run_app = typer.Typer(
    help="Compute what the store lacks, print tables, write a report.", no_args_is_help=True, rich_markup_mode=None
)
store_app = typer.Typer(help="Look after a store of records.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(run_app, name="run")
app.add_typer(store_app, name="store")
app.add_typer(plugin_app, name="plugin")
app.add_typer(benchmark_app, name="benchmark")
app.add_typer(import_app, name="import")
app.add_typer(export_app, name="export")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output and nothing else.")]
Store = Annotated[
    str | None,
    typer.Option("--store", metavar="PATH|URL", help="Where records are kept [default: qmbench-data/store.sqlite]."),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Tasks at a time [default: the number of cores].")
]
Cores = Annotated[
    int | None,
    typer.Option("--cores", min=1, help="Threads of a task [default: an equal share, at most OMP_NUM_THREADS]."),
]
Timeout = Annotated[float | None, typer.Option("--task-timeout", metavar="S", min=0.1, help="Seconds for one task.")]
Memory = Annotated[float | None, typer.Option("--task-memory", metavar="GIB", min=0.1, help="Memory for one task.")]
Engine = Annotated[
    str, typer.Option("--engine", metavar="NAME[:ADDRESS]", help="Where tasks run: local, dask, or a plugin's.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Compute again what the store has.")]
Elements = Annotated[
    str | None, typer.Option("--elements", metavar="H,C,…", help="Only entries of systems of these elements alone.")
]
MaxAtoms = Annotated[int | None, typer.Option("--max-atoms", metavar="N", min=1, help="Only with N atoms at most.")]
MinAtoms = Annotated[int | None, typer.Option("--min-atoms", metavar="N", min=1, help="Only with N atoms at least.")]
Tags = Annotated[str | None, typer.Option("--tags", metavar="T,T", help="Only with one of these tags or subsets.")]
Charge = Annotated[str | None, typer.Option("--charge", metavar="Q,Q", help="Only with one of these charges.")]
Weights = Annotated[
    Path | None, typer.Option("--weights", metavar="FILE", help="Totals by these weights of benchmarks: .toml or .csv.")
]
Run = Annotated[str | None, typer.Argument(metavar="[RUN]", help="Id of a run [default: the latest].")]


@run_app.command("suite")
def run_suite(
    name: Annotated[str, typer.Argument(metavar="[NAME|FILE.toml]", help="A suite.")] = "starter",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be computed, and stop.")] = False,
    level: Annotated[list[str] | None, typer.Option("--level", metavar="L", help="Only this level.")] = None,
    benchmark: Annotated[list[str] | None, typer.Option("--benchmark", metavar="B", help="Only this one.")] = None,
    bsse: Annotated[str | None, typer.Option("--bsse", metavar="cp|none|vmfc", help="Instead of the suite's.")] = None,
    engine: Engine = "local",
    workers: Workers = None,
    cores: Cores = None,
    task_timeout: Timeout = None,
    task_memory: Memory = None,
    store: Store = None,
    report: Annotated[Path | None, typer.Option("--report", metavar="DIR", help="Report folder.")] = None,
    reference: Annotated[str | None, typer.Option("--reference", metavar="SET", help="Reference set.")] = None,
    elements: Elements = None,
    max_atoms: MaxAtoms = None,
    min_atoms: MinAtoms = None,
    tags: Tags = None,
    charge: Charge = None,
    weights: Weights = None,
    json: Json = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")] = False,
    fresh: Fresh = False,
) -> int:
    """Run a suite: plan, compute what the store lacks, print the tables, write the report."""
    from qmbench.cli.suite import Request, run_suite
    from qmbench.data.filters import EntryFilter

    return run_suite(
        Request(
            name=name,
            levels=tuple(level or ()),
            benchmarks=tuple(benchmark or ()),
            bsse=bsse,
            engine=engine,
            workers=workers,
            cores=cores,
            task_timeout=task_timeout,
            task_memory=task_memory,
            store=store,
            report=report,
            reference=reference,
            json=json,
            fail_fast=fail_fast,
            fresh=fresh,
            only=EntryFilter.of(elements or (), max_atoms, min_atoms, tags or (), charge),
            weights=weights,
        ),
        dry_run=dry_run,
    )


@store_app.command("prune")
def prune(
    store: Store = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also of plugins that are not installed, and of the latest runs.")
    ] = False,
    json: Json = False,
) -> int:
    """Remove the records that no installed code can make, and the runs that named them; the latest runs stay whole."""
    from qmbench.cli.store import prune

    return prune(store, dry_run, everything, json)


@app.command()
def compute(
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="METHOD[/BASIS][?option=value&…]")],
    system: Annotated[
        str,
        typer.Argument(
            metavar="SYSTEM", help="BENCHMARK:SYSTEM, BENCHMARK/ENTRY, or a file: .xyz[@N], .toml, .json, …"
        ),
    ],
    prop: Annotated[
        list[str] | None, typer.Option("-p", "--property", metavar="PROPERTY", help="[default: energy]")
    ] = None,
    bsse: Annotated[str | None, typer.Option("--bsse", metavar="cp|none|vmfc", help="Counterpoise treatment.")] = None,
    engine: Engine = "local",
    cores: Cores = None,
    task_timeout: Timeout = None,
    task_memory: Memory = None,
    store: Store = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure", metavar="FILE", help="Draw a property of pairs of atoms or points: .svg, .png, .pdf or .json."
        ),
    ] = None,
    fresh: Fresh = False,
    charge: Annotated[int | None, typer.Option("--charge", metavar="Q", help="Of a .pdb, .sdf, .mol or .cif.")] = None,
    multiplicity: Annotated[
        int | None, typer.Option("--multiplicity", metavar="M", help="2S+1, of such a file.")
    ] = None,
    json: Json = False,
) -> int:
    """Compute one level of theory on one system or one entry of a benchmark."""
    from qmbench.cli.compute import compute

    return compute(
        level,
        system,
        tuple(prop or ()),
        bsse=bsse,
        engine=engine,
        cores=cores,
        task_timeout=task_timeout,
        task_memory=task_memory,
        store=store,
        json=json,
        fresh=fresh,
        figure=figure,
        charge=charge,
        multiplicity=multiplicity,
    )


@app.command("list")
def list_(
    what: Annotated[
        str, typer.Argument(metavar="methods|benchmarks|suites|systems|properties|statistics|formats|plugins")
    ],
    json: Json = False,
) -> int:
    """List what there is."""
    from qmbench.cli.listing import list_things

    return list_things(what, json=json)


@app.command()
def show(
    thing: Annotated[
        str,
        typer.Argument(metavar="THING", help="A method, level, benchmark, entry, system, suite, run, or record."),
    ],
    store: Store = None,
    figure: Annotated[str | None, typer.Option(metavar="FILE.svg", help="Draw the system that is shown.")] = None,
    json: Json = False,
) -> int:
    """Show one method, benchmark, entry, system, suite, run or record in full, with options, sources and citations."""
    from qmbench.cli.show import show

    return show(thing, store=store, figure=figure, json=json)


@app.command()
def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A document, such as compare [default: list them].")
    ] = None,
) -> int:
    """Print the JSON schema of a document that qmbench writes, or list the documents."""
    from qmbench.cli.schema import schema

    return schema(name)


@app.command()
def lint(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A benchmark folder, a suite file, or a folder of them.")
    ],
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Write the coordinate hashes of the released version.")
    ] = False,
    store: Store = None,
    json: Json = False,
) -> int:
    """Check benchmark data and suites; references also against the results in the store."""
    from qmbench.cli.lint import lint

    return lint(path, freeze=freeze, store=store, json=json)


@app.command()
def disagree(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Id of a run [default: the latest], a benchmark, or a suite file."),
    ] = None,
    significance: Annotated[
        float, typer.Option("--significance", metavar="P", help="False discovery rate over all pairs.")
    ] = 0.05,
    elements: Elements = None,
    max_atoms: MaxAtoms = None,
    min_atoms: MinAtoms = None,
    tags: Tags = None,
    charge: Charge = None,
    store: Store = None,
    json: Json = False,
) -> int:
    """Report where methods disagree beyond their uncertainties, and who with whom."""
    from qmbench.cli.disagree import disagree
    from qmbench.data.filters import EntryFilter

    only = EntryFilter.of(elements or (), max_atoms, min_atoms, tags or (), charge)
    return disagree(run, significance, store, json, only)


@app.command()
def compare(
    run: Run = None,
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", metavar="X", help="Exit with 1 where a difference in the same basis is larger."),
    ] = None,
    most: Annotated[int, typer.Option("--most", min=0, help="How many of the largest differences are listed.")] = 10,
    elements: Elements = None,
    max_atoms: MaxAtoms = None,
    min_atoms: MinAtoms = None,
    tags: Tags = None,
    charge: Charge = None,
    store: Store = None,
    json: Json = False,
) -> int:
    """Compare computed values with published ones of the same methods, entry by entry."""
    from qmbench.cli.compare import compare
    from qmbench.data.filters import EntryFilter

    only = EntryFilter.of(elements or (), max_atoms, min_atoms, tags or (), charge)
    return compare(run, store, tolerance, most, json, only)


@app.command()
def subset(
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", help="A benchmark, by id or folder.")],
    size: Annotated[int, typer.Option("--size", metavar="N", min=1, help="How many entries.")],
    levels: Annotated[
        list[str] | None,
        typer.Option(
            "--levels", metavar="L", help="Choose by this known level (repeatable) [default: all known ones]."
        ),
    ] = None,
    statistic: Annotated[
        str, typer.Option("--statistic", metavar="NAME", help="What is to stand for the whole.")
    ] = "mean_absolute_error",
    observable: Annotated[
        str | None, typer.Option("--observable", metavar="NAME", help="[default: the benchmark's own]")
    ] = None,
    reference: Annotated[str | None, typer.Option("--reference", metavar="SET", help="Reference set.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Where the search starts.")] = 0,
    file: Annotated[
        Path | None, typer.Option("--as", metavar="FILE.toml", help="Write a subset file that suites can name.")
    ] = None,
    elements: Elements = None,
    max_atoms: MaxAtoms = None,
    min_atoms: MinAtoms = None,
    tags: Tags = None,
    charge: Charge = None,
    store: Store = None,
    json: Json = False,
) -> int:
    """Choose the entries whose statistics stand best for the whole benchmark, over levels whose errors are known."""
    from qmbench.cli.subset import Wanted, subset
    from qmbench.data.filters import EntryFilter

    only = EntryFilter.of(elements or (), max_atoms, min_atoms, tags or (), charge)
    known = tuple(levels or ())
    return subset(Wanted(benchmark, size, statistic, known, observable, reference, seed, file, store, only, json))


@app.command()
def check(
    baseline: Annotated[Path, typer.Option("--baseline", metavar="FILE", help="The numbers to compare with.")],
    run: Run = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a summary.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Write the baseline from the run instead.")] = False,
    max_time_ratio: Annotated[
        float | None, typer.Option("--max-time-ratio", metavar="R", help="Slower than this is a regression.")
    ] = None,
    store: Store = None,
    json: Json = False,
) -> int:
    """Compare a run with a baseline: exit 0 unchanged, 1 regressed, 2 nothing to judge."""
    from qmbench.cli.check import check

    return check(run, baseline, store, junit, markdown, update, max_time_ratio, json=json)


@app.command()
def report(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Id of a run [default: the latest], a benchmark, or a suite file."),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="html, md, latex, csv, json, parquet, figures, or a plugin's: qmbench list formats. Repeatable. "
            "[default: html]",
        ),
    ] = None,
    reference: Annotated[str | None, typer.Option("--reference", metavar="SET", help="Reference set.")] = None,
    folder: Annotated[Path, typer.Option("--report", metavar="DIR", help="Report folder.")] = Path("qmbench-report"),
    elements: Elements = None,
    max_atoms: MaxAtoms = None,
    min_atoms: MinAtoms = None,
    tags: Tags = None,
    charge: Charge = None,
    weights: Weights = None,
    store: Store = None,
) -> int:
    """Make the report of a run again from the store."""
    from qmbench.cli.report import report
    from qmbench.data.filters import EntryFilter

    only = EntryFilter.of(elements or (), max_atoms, min_atoms, tags or (), charge)
    return report(run, tuple(formats or ()), folder, reference, store, only, weights)
