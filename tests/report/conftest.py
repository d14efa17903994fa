"""A run of two levels on a benchmark of eight entries, made by hand: what a report is made of, without computing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from qmbench.data.benchmark import load_benchmark
from qmbench.judging.frame import RESULT_COLUMNS, references_frame
from qmbench.judging.model import Evaluation
from qmbench.running.run_document import Run

TOML = """
id = "handmade"
version = "1.0.0"
title = "Eight <made-up> complexes & a curve"
observable = "interaction_energy"
unit = "kcal/mol"
sign = "negative: bound"
bsse = ["none", "cp"]
default_reference_set = "best"
licence = "CC0-1.0"
citations = [{ doi = "10.1000/182", text = "A. Author, J. Made Up 1, 1 (2020)" }]
[subsets]
near = "close together"
[tags]
atoms = "number of atoms"
[reference_sets.best]
title = "Best"
[reference_sets.other]
title = "Other"
"""


@pytest.fixture(scope="session", autouse=True)
def points_are_molecules():
    """Each point of the curve counts as a molecule of its own: eight entries of five molecules would have no intervals
    to show. What curves do to intervals is tested in unit/test_resampled_molecules.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qmbench.judging.statistics.molecules_of", lambda benchmarks, keys: {})
        yield


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "handmade"
    path.mkdir()
    (path / "benchmark.toml").write_text(TOML)
    entries = ["id,stoichiometry,subset,tags,curve,coordinate,coordinate_unit"]
    references = ["entry,set,value,unit,uncertainty,uncertainty_kind,level_of_theory,source_doi,source_place,status"]
    for i in range(8):
        curve = f"c,{1.0 + i / 2},angstrom" if i < 4 else ",,"
        entries.append(f"e{i},,{'near' if i < 3 else ''},atoms:{10 * i + 4},{curve}")
        for name, shift in (("best", 0.0), ("other", 0.1)):
            references.append(
                f"e{i},{name},{-5 - i + shift},kcal/mol,0.05,estimate,ccsd(t)/cbs,10.1000/182,table 1,current"
            )
    (path / "entries.csv").write_text("\n".join(entries) + "\n")
    (path / "references.csv").write_text("\n".join(references) + "\n")
    return path


@pytest.fixture(scope="session")
def made(folder):
    benchmark = load_benchmark(folder)
    rng = np.random.default_rng(0)
    rows = []
    for level, shift in (("good/<b>", 0.02), ("wild/b?x=1", 2.0), ("hf/sto-3g", -1.0)):
        for i, e in enumerate(benchmark.entries):
            failed = level.startswith("wild") and i == 7
            rows.append(
                {
                    **dict.fromkeys(RESULT_COLUMNS),
                    "level_of_theory": level,
                    "method": level.split("/")[0],
                    "basis": "b",
                    "bsse": "cp",
                    "benchmark": "handmade",
                    "entry": e.id,
                    "observable": e.observable,
                    "subsets": " ".join(e.subsets),
                    "tags": " ".join(e.tags),
                    "curve": e.curve,
                    "coordinate": math.nan if e.coordinate is None else e.coordinate,
                    "coordinate_unit": e.coordinate_unit,
                    "status": "failed" if failed else "ok",
                    "failure_kind": "crash" if failed else None,
                    "failure_message": "signal 11 </script><script>alert(1)</script>" if failed else None,
                    "value": math.nan if failed else -5.0 - i + shift + 0.01 * rng.normal(),
                    "unit": "kcal/mol",
                    "uncertainty": 0.02,
                    "uncertainty_kind": "statistical",
                    "wall_s": 1.0 + 10 * (level == "good/<b>"),
                    "cpu_s": 1.0,
                    "cached": False,
                }
            )
    run = {
        "id": "20260101-000000-handmade-abcd",
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:01:00+00:00",
        "suite": {"id": "handmade", "title": "Made by hand"},
        "levels": {
            "good/<b>": {
                "families": {"program": "p"},
                "plugin": "plug",
                "versions": {"plug": "1"},
                "citations": ["10.1103/RevModPhys.23.69"],
            }
        },
        "benchmarks": {},
        "entries": [],
    }
    benchmarks = {"handmade": benchmark}
    results = pd.DataFrame(rows, columns=RESULT_COLUMNS)
    return Evaluation(Run.from_json(run), {}, benchmarks, results, references_frame([benchmark]))
