"""Where a report's numbers come from: versions, settings, sources, and how to cite them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from qmbench.domain.record import CODE_DIGITS
from qmbench.report.model import SPELLINGS, Names

if TYPE_CHECKING:
    import pandas as pd

    from qmbench.running.run_document import Run


def provenance(
    run: Run | None,
    benchmarks: Mapping[str, Any],
    scored: pd.DataFrame,
    disagreement: Mapping[str, Any],
    names: Names = SPELLINGS,
) -> dict[str, Any]:
    """What the report's last section shows: levels, benchmarks, and BibTeX of everything that should be cited."""
    levels = [
        {
            "level": name,
            "label": names.of(name),
            "plugin": about.plugin,
            "versions": ", ".join(
                [f"{k} {v}" for k, v in about.versions.items()]
                + ([f"code {about.code[:CODE_DIGITS]}"] if about.code else [])
            ),
            "families": ", ".join(f"{k}: {v}" for k, v in about.families.items()),
        }
        for name, about in (run.levels if run else {}).items()
    ]
    sets = scored.loc[scored["reference_set"].notna(), ["benchmark", "reference_set"]].drop_duplicates(keep="last")
    used = dict(zip(sets["benchmark"], sets["reference_set"], strict=True))
    shown = [
        {
            "name": name,
            "version": getattr(b, "version", ""),
            "set": used.get(name, ""),
            "sources": "; ".join([*(c.get("text") or c.get("doi", "") for c in _citations(b)), *_published(b)]),
        }
        for name, b in benchmarks.items()
    ]
    methods = [c for about in (run.levels if run else {}).values() for c in about.citations]
    return {"levels": levels, "benchmarks": shown, "bibtex": bibtex(_sources(benchmarks.values(), methods))}


def _citations(benchmark: Any) -> list[Mapping[str, str]]:
    return list(getattr(benchmark, "meta", {}).get("citations", ()))


def _published(benchmark: Any) -> list[str]:
    """One text per source of published levels: `B3LYP/def2-QZVPPD‡, PBE0/def2-QZVPPD‡: SOURCE`."""
    by_source: dict[str, list[str]] = {}
    for level in getattr(benchmark, "published_levels", {}).values():
        source = ", ".join(filter(None, (level.place, level.doi)))
        by_source.setdefault(source, []).append(level.shown)
    return [f"{', '.join(names)}: {source}" for source, names in by_source.items()]


def _sources(benchmarks: Iterable[Any], methods: Iterable[str]) -> list[tuple[str, str]]:
    """(DOI or '', text), each once."""
    benchmarks = list(benchmarks)
    found = [(c.get("doi", ""), c.get("text", "")) for b in benchmarks for c in _citations(b)]
    found += [(x.doi, "") for b in benchmarks for x in getattr(b, "published_levels", {}).values() if x.doi]
    for text in methods:
        match = re.search(r"10\.\d{4,9}/\S+", text)
        found.append((match[0].rstrip(".,;)") if match else "", text))
    seen: dict[str, tuple[str, str]] = {}
    for doi, text in found:
        seen.setdefault(doi.lower() or text, (doi, text))
    return list(seen.values())


def bibtex(sources: Iterable[tuple[str, str]]) -> str:
    """BibTeX entries; what is known of a source is its text and its DOI, so each is a @misc with a note."""
    entries, keys = [], set()
    for doi, text in sources:
        words = re.sub(r"[^A-Za-z0-9]+", "", (doi or text)[-24:]) or "source"
        key = f"qmbench{words}"
        while key in keys:
            key += "x"
        keys.add(key)
        fields = []
        if text and text != doi:
            fields.append(f"  note = {{{_tex(text)}}}")
        if doi:
            fields += [f"  doi = {{{doi}}}", f"  url = {{https://doi.org/{doi}}}"]
        entries.append("@misc{" + key + ",\n" + ",\n".join(fields) + "\n}")
    return "\n".join(entries)


def _tex(text: str) -> str:
    return re.sub(r"([&%#_])", r"\\\1", text.replace("{", "(").replace("}", ")"))
