"""The documentation is true: its blocks run, its outputs are what they print, and nothing public is missing.

QMBENCH_DOCS_UPDATE=1 writes the present output into the pages instead of comparing.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import qmbench
from qmbench.data.benchmark import BSSE, ENTRY_COLUMNS, REFERENCE_COLUMNS, TOML_KEYS
from qmbench.domain.observables import OBSERVABLES
from qmbench.domain.properties import CORE_PROPERTIES
from qmbench.domain.systems.xyz_comment import COMMENT_KEYS
from qmbench.domain.units import UNITS
from qmbench.plugging import hookspecs
from qmbench.plugging.isolated.place import of_plugin
from qmbench.plugging.registry import plugins
from qmbench.testing import check_names

_spec = importlib.util.spec_from_file_location("docs_runner", Path(__file__).with_name("runner.py"))
runner = importlib.util.module_from_spec(_spec)
sys.modules["docs_runner"] = runner
_spec.loader.exec_module(runner)

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SLOW = {
    *("tutorial.md", "tutorial-python.md", "how-to/add-a-method.md", "how-to/add-a-benchmark.md"),
    *("how-to/add-an-engine-or-a-store.md", "how-to/run-in-ci.md"),
    *("how-to/add-a-statistic.md", "how-to/add-a-format.md", "how-to/add-a-kind-of-system.md"),
}
PAGES = [
    pytest.param(p, id=str(p.relative_to(DOCS)), marks=[pytest.mark.slow] * (str(p.relative_to(DOCS)) in SLOW))
    for p in sorted(DOCS.rglob("*.md"))
]


@pytest.mark.parametrize("path", PAGES)
def test_blocks_run_and_print_what_the_page_shows(path, tmp_path):
    page = path.read_text(encoding="utf-8")
    for plugin in (path.parent.name for path in ROOT.glob("plugins/*/constraints.txt")):
        here = of_plugin(plugin) is not None or importlib.util.find_spec(f"qmbench_{plugin}") is not None
        if f"qmbench_{plugin}" in page and not here:
            pytest.skip(f"the page of {plugin} needs the plugin, which has an environment of its own")
    wrong = []
    for block, output in runner.run(page, tmp_path):
        difference = runner.difference(block.text, output)
        if difference and os.environ.get("QMBENCH_DOCS_UPDATE"):
            lines = "".join(line.rstrip() + "\n" for line in output.strip("\n").splitlines())
            page = page.replace(f"```text\n{block.text}```", f"```text\n{lines}```", 1)
        elif difference:
            wrong.append(f"{path.name}, line {block.line}: {difference}")
    if os.environ.get("QMBENCH_DOCS_UPDATE"):
        path.write_text(page, encoding="utf-8")
    assert wrong == []


def named(page: str) -> set[str]:
    """Everything that a page puts between backticks."""
    return set(re.findall(r"`([^`\n]+)`", (DOCS / page).read_text(encoding="utf-8")))


def missing(names, page: str) -> list[str]:
    text = named(page)
    return sorted(set(names) - text)


def test_every_hook_is_documented():
    hooks = [name for name in vars(hookspecs) if name.startswith("qmbench_")]
    assert len(hooks) >= 4
    assert missing(hooks, "reference/hooks.md") == []


def test_every_property_and_observable_is_documented():
    assert missing([p.name for p in CORE_PROPERTIES], "reference/properties.md") == []
    assert missing(OBSERVABLES, "reference/properties.md") == []
    assert missing([p.unit for p in CORE_PROPERTIES], "reference/properties.md") == []


def test_the_table_of_statistics_is_what_is_declared():
    from qmbench.judging.core_statistics import CORE_STATISTICS
    from qmbench.report.renderers.markdown import declarations_table

    path = DOCS / "explanation/statistics.md"
    page = path.read_text(encoding="utf-8")
    start, end = "<!-- statistics: from the declarations -->\n", "<!-- end -->"
    before, _, rest = page.partition(start)
    shown, _, after = rest.partition(end)
    made = declarations_table(CORE_STATISTICS)
    if os.environ.get("QMBENCH_DOCS_UPDATE"):
        path.write_text(f"{before}{start}\n{made}\n{end}{after}", encoding="utf-8")
    else:
        assert shown.strip() == made.strip()


def test_every_unit_is_documented():
    plugins()  # those of the plugins here, too, whatever ran before in this process
    assert missing([u for u in UNITS if u], "reference/units.md") == []


def test_every_public_name_and_every_member_of_a_method_is_documented():
    assert missing(qmbench.__all__, "reference/python.md") == []
    members = [n for n in vars(qmbench.Method) if not n.startswith("_")]
    members += list(qmbench.Method.__annotations__)
    assert missing(set(members), "reference/python.md") == []


def test_every_check_of_the_kit_is_documented():
    assert missing(check_names(), "reference/conformance.md") == []


def test_every_key_and_column_of_the_data_format_is_documented():
    page = "reference/data-format.md"
    lattice = [field.name for field in dataclasses.fields(qmbench.LatticeModel) if field.name != "name"]
    assert missing([*TOML_KEYS, *ENTRY_COLUMNS, *REFERENCE_COLUMNS, *BSSE, "kind", *lattice], page) == []
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [key for key in COMMENT_KEYS if f"`{key}=" not in text] == []


def test_every_column_and_key_of_a_report_is_documented():
    import pandas as pd

    from qmbench.data.benchmark import find_benchmark
    from qmbench.judging import comparison, statistics, weighted
    from qmbench.judging.columns import groups
    from qmbench.judging.disagree_document import disagree_document
    from qmbench.judging.frame import RESULT_COLUMNS, references_frame
    from qmbench.judging.trends import trends

    l7 = {"l7": find_benchmark("l7")}
    references = references_frame(l7.values())
    scored = statistics.score(pd.DataFrame(columns=RESULT_COLUMNS), references, l7)
    summaries = statistics.statistics(scored)
    ends = ("_low", "_high", "_uncertainty")
    names = {
        *plugins().formats,
        *plugins().statistics,
        *scored.columns,
        *(c for c in summaries if not c.endswith(ends) and not c.startswith("common_")),
    }
    for table in (
        comparison.compare_levels(scored),
        comparison.ranking_probabilities(scored),
        comparison.reference_sets(scored, references, l7),
        comparison.leave_one_out(scored),
        weighted.weighted_totals(summaries, scored),
    ):
        names |= {c for c in table.columns if not c.startswith("improvement_probability_")}
    document = disagree_document(pd.DataFrame(columns=RESULT_COLUMNS), references, l7)
    names |= {
        *document,
        *document["entries"][0],
        *document["pairs"][0],
        *document["methods"][0],
    }
    (group, *_) = groups(pd.DataFrame(columns=RESULT_COLUMNS), references, l7)
    names |= set(trends(group)[0])
    assert missing(names, "reference/report.md") == []


def commands() -> dict[str, list[str]]:
    """`run suite` -> its options, for every command there is."""
    import typer.main

    from qmbench.cli.app import app

    found = {}

    def walk(command, path):
        children = getattr(command, "commands", None)
        if children:
            for name, child in children.items():
                walk(child, [*path, name])
        else:
            found[" ".join(path)] = [max(p.opts, key=len) for p in command.params if p.param_type_name == "option"]

    walk(typer.main.get_command(app), [])
    return found


def test_every_command_and_option_is_documented():
    text = (DOCS / "reference/command-line.md").read_text(encoding="utf-8")
    heading = r"^## `qmbench ([\w ]+?)(?: [A-Z\[][^`]*)?`\n(.*?)(?=^## |\Z)"
    sections = {m[1]: m[2] for m in re.finditer(heading, text, re.MULTILINE | re.DOTALL)}
    lacking = {}
    for command, options in commands().items():
        body = sections.get(command, "")
        lacking[command] = [o for o in options if f"`{o}" not in body] if body else ["no section of its own"]
    assert {c: o for c, o in lacking.items() if o} == {}


def test_every_environment_variable_is_documented():
    used = set()
    for path in (ROOT / "qmbench").rglob("*.py"):
        used |= set(re.findall(r"\bQMBENCH_[A-Z]+\b", path.read_text(encoding="utf-8")))
    used.discard("QMBENCH_API")
    assert missing(used, "reference/command-line.md") == []


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tutorial" / "index.html").is_file()


def test_the_comparison_of_outputs_bites():
    shown = "energy  -75.98383  hartree\n…\nrun … done\n"
    assert runner.difference(shown, "energy -75.98384   hartree\nany\nthing\nrun 7 done\n") == ""
    assert "is shown" in runner.difference(shown, "energy -75.98393 hartree\nrun 7 done\n")
    assert "is shown" in runner.difference(shown, "energy -75.98383 eV\nrun 7 done\n")
    assert "the end" in runner.difference(shown, "energy -75.98383 hartree\n")
    assert "goes on" in runner.difference(shown, "energy -75.98383 hartree\nrun 7 done\nand more\n")
    assert "is shown" in runner.difference("5 entries\n", "6 entries\n")


def test_a_block_that_fails_or_is_not_tested_is_noticed(tmp_path):
    with pytest.raises(AssertionError, match="exit code 1"):
        runner.run("```bash\nfalse\n```\n", tmp_path)
    with pytest.raises(AssertionError, match="needs a title"):
        runner.run("```toml\na = 1\n```\n", tmp_path)
    with pytest.raises(AssertionError, match="without a language"):
        runner.run("```\nfalse\n```\n", tmp_path)
