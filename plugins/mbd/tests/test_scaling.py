"""The scaling law and its report."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from qmbench_mbd import scaling


def test_noble_gases_as_published():
    # 10.1103/PhysRevLett.121.183401, radii from the law with the table's polarizabilities
    alpha = np.array([scaling.pairs_of("TS")[e][0] for e in ("He", "Ne", "Ar", "Kr", "Xe")])
    assert scaling.law(alpha) == pytest.approx([2.6596, 2.9226, 3.5823, 3.8008, 4.0738], abs=5e-5)
    assert scaling.spread({e: scaling.pairs_of("TS")[e] for e in ("He", "Ne", "Ar", "Kr", "Xe")}).mean_absolute < 0.006


def test_groups_cover_every_element_once():
    grouped = [e for elements in scaling.GROUPS.values() for e in elements.split()]
    assert len(grouped) == len(set(grouped))
    assert set(scaling.pairs_of("TS")) == set(grouped)


def test_fit_recovers_a_power_law():
    alpha = np.array([1.4, 10.0, 60.0, 300.0])
    exact = {str(k): (a, 2.1 * a**0.2) for k, a in enumerate(alpha)}
    found = scaling.fit(exact)
    assert (found.prefactor, found.exponent) == pytest.approx((2.1, 0.2), rel=1e-12)
    noisy = {str(k): (a, 2.1 * a**0.2 * (1 + 0.01 * (-1) ** k)) for k, a in enumerate(alpha)}
    assert 0.002 < scaling.fit(noisy).exponent_error < 0.01


def test_spread_is_law_over_table():
    s = scaling.spread({"a": (1.0, 2.54), "b": (1.0, 2.0)})
    assert s.mean == pytest.approx(0.135)
    assert s.largest == pytest.approx(0.27)
    assert s.worst == "b"


def test_report_on_file_is_current():
    assert (Path(__file__).parents[1] / "reports" / "scaling_law.md").read_text() == scaling.markdown()


def test_command_line():
    run = subprocess.run(
        [sys.executable, "-m", "qmbench_mbd.scaling", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout)["TS"]["groups"]["all"]["n"] == 102
    assert subprocess.run([sys.executable, "-m", "qmbench_mbd.scaling", "--wrong"], capture_output=True).returncode == 1
