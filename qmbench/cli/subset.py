"""`qmbench subset`: the entries of a benchmark that stand best for the whole, over levels whose errors are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmbench.cli.common import console, print_json
from qmbench.data.benchmark import Benchmark, find_benchmark
from qmbench.data.filters import EntryFilter, narrowed
from qmbench.domain.errors import InputError, did_you_mean
from qmbench.plugging.registry import plugins
from qmbench.running.stores import is_there, open_store, store_place

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.judging.representative import Representative, Standing


@dataclass(frozen=True)
class Wanted:
    """What the command line asked for. only: which entries may be chosen; the whole is all entries all the same."""

    benchmark: str
    size: int
    statistic: str
    levels: tuple[str, ...]
    observable: str | None
    reference: str | None
    seed: int
    file: Path | None
    store: str | None
    only: EntryFilter
    json: bool


def subset(wanted: Wanted) -> int:
    """The command."""
    from qmbench.judging.representative import representative

    statistics = plugins().statistics
    if wanted.statistic not in statistics:
        near = did_you_mean(wanted.statistic, statistics)
        raise InputError(f"unknown statistic '{wanted.statistic}'{near}; 'qmbench list statistics' shows them")
    if wanted.file is not None and wanted.file.suffix != ".toml":
        raise InputError(f"{wanted.file}: the name of a subset file ends in .toml")
    benchmark, statistic = find_benchmark(wanted.benchmark), statistics[wanted.statistic]
    scored = _known(benchmark, wanted)
    errors, reference, left_out = _matrix(scored, benchmark, wanted)
    entries, names = [str(e) for e in errors.index], [str(level) for level in errors.columns]
    candidates = None
    if wanted.only:
        kept, _ = narrowed({benchmark.id: benchmark}, wanted.only)
        able = {e.id for e in kept[benchmark.id].entries}
        candidates = errors.index.isin(sorted(able))
    unit, observable = str(scored["unit"].iloc[0] or ""), str(scored["observable"].iloc[0])
    found = representative(
        errors.to_numpy(float),
        reference.to_numpy(float),
        wanted.size,
        statistic,
        [_method(name) for name in names],
        wanted.seed,
        candidates,
        unit,
        observable,
    )
    chosen = [entries[i] for i in found.chosen]
    document = _document(benchmark, wanted, found, chosen, names, statistic.unit_for(unit), observable, left_out)
    if wanted.file is not None:
        _write(wanted.file, benchmark, document)
    if wanted.json:
        print_json(document, "subset")
    else:
        _print(document, benchmark, statistic.label, wanted.file)
    return 0


def _known(benchmark: Benchmark, wanted: Wanted) -> pd.DataFrame:
    """Everything that is known of the benchmark, scored: published levels, and the latest results in the store."""
    import pandas as pd

    from qmbench.judging.frame import published_frame, references_frame
    from qmbench.judging.statistics import score
    from qmbench.judging.stored import stored_results

    frames = []
    if wanted.store is not None or is_there(store_place(None)):
        with open_store(store_place(wanted.store), read_only=True) as store:
            frames = [f for f in stored_results(benchmark, store) if len(f)]
    results = pd.concat([*frames, published_frame([benchmark])]) if frames else published_frame([benchmark])
    keys = ["level_of_theory", "bsse", "benchmark", "entry"]
    # A failed attempt takes nothing from what an earlier run has.
    results = results[results["status"].eq("ok")].drop_duplicates(keys, keep="last")
    scored = score(
        results.reset_index(drop=True), references_frame([benchmark]), {benchmark.id: benchmark}, wanted.reference
    )
    known = sorted(set(scored["observable"]))
    observable = wanted.observable or (benchmark.observable if benchmark.observable in known or not known else known[0])
    if wanted.observable is not None and wanted.observable not in {e.observable for e in benchmark.entries}:
        near = did_you_mean(wanted.observable, {e.observable for e in benchmark.entries})
        raise InputError(f"benchmark {benchmark.id} has no observable '{wanted.observable}'{near}")
    mine = scored[scored["observable"].eq(observable)]
    if mine["error"].notna().sum() == 0:
        raise InputError(
            f"no level's errors of {observable.replace('_', ' ')} are known on {benchmark.id}: it has no published "
            "levels, and the store no results"
        )
    return mine


def _matrix(scored: pd.DataFrame, benchmark: Benchmark, wanted: Wanted) -> tuple[pd.DataFrame, pd.Series, list[str]]:
    """Errors, entries by levels that have all of them; the references; and the levels that lack entries."""
    kinds = scored.groupby("level_of_theory")["bsse"].transform(lambda b: b.fillna("").nunique())
    treatment = scored["bsse"].fillna("").map(lambda b: f" [{b}]" if b else "")
    scored = scored.assign(_name=scored["level_of_theory"] + treatment.where(kinds > 1, ""))
    if wanted.levels:
        scored = scored[scored["_name"].isin(_asked(scored, wanted.levels))]
    errors = scored.pivot(index="entry", columns="_name", values="error").astype(float).sort_index()
    has = scored.dropna(subset=["reference"]).drop_duplicates("entry").set_index("entry")["reference"].astype(float)
    with_reference = [e for e in sorted(_entries_with_reference(benchmark, scored)) if e in errors.index]
    errors = errors.reindex(with_reference)
    whole = errors.columns[errors.notna().all(axis=0)]
    left_out = sorted(set(errors.columns) - set(whole))
    return errors[whole], has.reindex(errors.index), left_out


def _entries_with_reference(benchmark: Benchmark, scored: pd.DataFrame) -> set[str]:
    return {str(e) for e in scored.loc[scored["reference"].notna(), "entry"]}


def _asked(scored: pd.DataFrame, levels: tuple[str, ...]) -> set[str]:
    """The names of levels that are meant by their spelling, with or without ‡, by their label, or by their method.

    A text that is none of these may be several, with commas between them.
    """
    from qmbench.domain.naming import PUBLISHED

    found: set[str] = set()
    rows = scored.drop_duplicates("_name")[["_name", "level_of_theory", "label"]].itertuples(index=False)
    called = {
        str(name): {str(x).casefold() for x in (name, level, label, _method(str(name)))}
        | {str(x).removesuffix(PUBLISHED).casefold() for x in (level, label)}
        for name, level, label in rows
    }
    every = {word for words in called.values() for word in words}
    texts = [part for text in levels for part in ([text] if text.strip().casefold() in every else text.split(","))]
    for text in texts:
        mine = {name for name, words in called.items() if text.strip().casefold() in words}
        if not mine:
            near = did_you_mean(text, called)
            raise InputError(f"nothing is known of the level '{text[:80]}' on this benchmark{near}")
        found |= mine
    return found


def _method(name: str) -> str:
    """The method of a level by its name: its levels in several bases are alike."""
    from qmbench.domain.method import split_level
    from qmbench.domain.naming import PUBLISHED

    level = name.split(" [")[0].removesuffix(PUBLISHED)
    try:
        return split_level(level).method
    except InputError:  # a sum of levels is a method of its own
        return level


def _document(
    benchmark: Benchmark,
    wanted: Wanted,
    found: Representative,
    chosen: list[str],
    names: list[str],
    unit: str,
    observable: str,
    left_out: list[str],
) -> dict[str, Any]:
    return {
        "benchmark": benchmark.id,
        "version": benchmark.version,
        "observable": observable,
        "statistic": wanted.statistic,
        "unit": unit,
        "seed": wanted.seed,
        "size": len(chosen),
        "of": sum(e.observable == observable for e in benchmark.entries),
        "entries": chosen,
        "chosen_from": wanted.only.words if wanted.only else "",
        "levels": [
            {"level_of_theory": name, "whole": float(whole), "subset": float(part)}
            for name, whole, part in zip(names, found.whole, found.subset, strict=True)
        ],
        "levels_left_out": left_out,
        "folds": found.folds,
        "fitted": vars(found.fitted),
        "cross_validated": vars(found.validated),
        "random": {**vars(found.random), "low": found.random_low, "high": found.random_high, "worse": found.beaten},
    }


def _rounded(standing: dict[str, Any]) -> dict[str, float]:
    return {key: float(f"{value:.3g}") for key, value in standing.items()}


def _write(path: Path, benchmark: Benchmark, document: dict[str, Any]) -> None:
    from qmbench.data.imports.draft import toml_text
    from qmbench.report.renderers.files import write_text

    chosen = f" among those with {document['chosen_from']}" if document["chosen_from"] else ""
    table = {
        "benchmark": document["benchmark"],
        "benchmark_version": document["version"],
        "description": f"{document['size']} of {document['of']} entries, chosen by qmbench subset{chosen} so that the "
        f"{document['statistic'].replace('_', ' ')} of levels stands for that over the whole",
        "observable": document["observable"],
        "statistic": document["statistic"],
        "seed": document["seed"],
        "entries": document["entries"],
        "levels": [level["level_of_theory"] for level in document["levels"]],
        "figures": {
            "unit": document["unit"],
            **{key: _rounded(document[key]) for key in ("fitted", "cross_validated", "random")},
        },
    }
    write_text(path, toml_text(table))


def _print(document: dict[str, Any], benchmark: Benchmark, label: str, path: Path | None) -> None:
    from rich import box
    from rich.table import Table

    out, unit = console(), f" {document['unit']}" if document["unit"] else ""
    where = f" (among those with {document['chosen_from']})" if document["chosen_from"] else ""
    out.print(
        f"{document['size']} of {document['of']} entries of {benchmark.id}{where} that stand best for the "
        f"{document['statistic'].replace('_', ' ')} of {document['observable'].replace('_', ' ')}:",
        markup=False,
        soft_wrap=True,
    )
    for entry in document["entries"]:
        out.print(f"  {entry}", markup=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for i, column in enumerate(("level of theory", f"{label}, whole", "subset", "difference")):
        table.add_column(column, justify="right" if i else "left", overflow="fold")
    from qmbench.report.model import decimals_for, number

    digits = decimals_for([level["whole"] for level in document["levels"]])
    for level in sorted(document["levels"], key=lambda x: x["whole"]):
        cells = (level["whole"], level["subset"], level["subset"] - level["whole"])
        table.add_row(level["level_of_theory"].replace("[", r"\["), *(number(x, digits) for x in cells))
    out.print(table)
    if document["levels_left_out"]:
        n = len(document["levels_left_out"])
        out.print(f"{n} {'level that lacks' if n == 1 else 'levels that lack'} entries took no part", markup=False)
    cv, fitted, random = document["cross_validated"], document["fitted"], document["random"]
    said = (
        f"error of standing in (mean over methods; largest), methods left out in {document['folds']} folds: "
        f"{_size(cv, unit)}",
        f"on the levels that it was chosen by: {_size(fitted, unit)}",
        f"random subsets of this size: {_size(random, unit)}; mean of 90 % of them {random['low']:.3g} to "
        f"{random['high']:.3g}{unit}; {random['worse']:.0%} stand in worse than this choice on methods left out",
    )
    for line in said:
        out.print(line, markup=False, soft_wrap=True)
    if path is not None:
        out.print(f'written: {path}; a suite names it {{ id = "{benchmark.id}", subset = "{path}" }}', markup=False)


def _size(standing: dict[str, Any] | Standing, unit: str) -> str:
    s = standing if isinstance(standing, dict) else vars(standing)
    order = "" if s["tau"] != s["tau"] else f", Kendall's tau of the order of levels {s['tau']:.2f}"
    return f"{s['mean']:.3g}; {s['largest']:.3g}{unit} ({s['relative']:.0%} of the mean absolute error){order}"
