"""A level that is for once nearer to the reference than its record says is no news."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qmbench.judging.disagree_document import disagree_document
from qmbench.judging.frame import REFERENCE_COLUMNS, RESULT_COLUMNS


class Info:
    id, title, unit, observable = "b", "A benchmark", "hartree", "total_energy"
    default_reference_set, subsets, meta, entries = "best", {}, {}, ()


def tiers(last):
    """Tiers of the last of 15 entries, on which the level with the large bias errs by `last`."""
    rng = np.random.default_rng(3)
    n = 15
    biased = 0.05 + rng.normal(0, 0.002, n)
    biased[-1] = last
    errors = {"low/cc-pvtz": biased} | {f"m{i}": rng.normal(0, 0.002, n) for i in range(4)}
    rows = []
    for level, values in errors.items():
        for i, value in enumerate(values):
            row = dict.fromkeys(RESULT_COLUMNS) | {
                "level_of_theory": level, "label": "", "method": level, "bsse": "", "benchmark": "b",
                "entry": f"e{i:02d}", "observable": "total_energy", "subsets": "", "tags": "", "status": "ok",
                "value": value, "unit": "hartree", "wall_s": 1.0, "cpu_s": 1.0, "warnings": "", "published": False,
                "training_overlap": "",
            }  # fmt: skip
            rows.append(row)
    results = pd.DataFrame(rows, columns=RESULT_COLUMNS)
    numbers = ["value", "uncertainty", "coordinate"]
    results = results.astype({name: float for name in numbers})
    references = pd.DataFrame(
        [
            ("b", f"e{i:02d}", "best", 0.0, "hartree", 1e-5, "estimate", "", "", "", "current", "", "estimate", "")
            for i in range(n)
        ],
        columns=REFERENCE_COLUMNS,
    )
    document = disagree_document(results, references, {"b": Info()}, {}, 0.05)
    found = next(x for x in document["entries"] if x["entry"] == "e14")
    return found["tier"], " ".join(found.get("surprising") or ()), found.get("why_surprising") or ""


def test_a_level_that_errs_less_than_usual_is_not_news():
    tier, who, _ = tiers(0.001)
    assert tier != "surprising" or "low" not in who


def test_one_that_errs_as_much_more_is():
    tier, who, why = tiers(0.099)
    assert tier == "surprising"
    assert "low" in who + why
