"""GFN2-xTB on all of S66, through a run as a user makes it."""

from __future__ import annotations

import pytest

from qmbench import Suite, run


@pytest.mark.slow
def test_s66(tmp_path):
    done = run(Suite.of("s66", "gfn2-xtb"), store=tmp_path / "s66.sqlite", workers=2, cores=1, progress=False)
    assert not done.failed
    table = done.statistics
    row = table[table["level_of_theory"] == "gfn2-xtb"].iloc[0]
    assert row["n_scored"] == 66
    assert row["label"] == "GFN2-xTB"
    assert row["mean_absolute_error"] == pytest.approx(0.760, abs=0.005)  # kcal/mol, as it was when this was written
    assert done.results["basis_uncertainty"].isna().all()  # no basis set, no error of one
