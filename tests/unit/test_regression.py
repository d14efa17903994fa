"""The CI gate: what passes, what does not, and what can't be told."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from qmbench import InputError
from qmbench.judging.regression import (
    FIELDS,
    FORMAT,
    baseline_text,
    check,
    compare_deterministic,
    compare_stochastic,
    default_tolerance,
    describe_update,
    make_baseline,
    parse_baseline,
    read_baseline,
)
from qmbench.report.check_text import headline, to_junit, to_markdown


def run(rows):
    """rows: {(level, entry): value | (value, u) | status}"""
    out = []
    for (level, entry), x in rows.items():
        status = x if isinstance(x, str) else "ok"
        value, u = x if isinstance(x, tuple) else (x, math.nan)
        ok = status == "ok"
        out.append(
            {
                "level_of_theory": level,
                "bsse": "",
                "benchmark": "b",
                "entry": entry,
                "observable": "total_energy",
                "unit": "hartree",
                "value": value if ok else math.nan,
                "uncertainty": u if ok else math.nan,
                "uncertainty_kind": None if math.isnan(u) else "statistical",
                "status": status,
                "failure_message": None if ok else "the SCF did not converge",
                "wall_s": 10.0,
            }
        )
    return pd.DataFrame(out)


def base(rows):
    return parse_baseline(baseline_text(make_baseline(run(rows), {"qmbench": "0.1.0"})), "baseline")


def outcomes(before, after, **options):
    found = check(run(after), base(before), **options)
    return {f.key[3]: f.outcome for f in found.findings}, found.exit_code


def test_the_same_run_passes():
    rows = {("hf", "x"): -1.0, ("hf", "y"): -2.0}
    assert outcomes(rows, rows) == ({"x": "unchanged", "y": "unchanged"}, 0)


@pytest.mark.parametrize(
    ("shift", "outcome", "code"), [(9e-7, "unchanged", 0), (-9e-7, "unchanged", 0), (2e-6, "changed", 1)]
)
def test_deterministic_numbers_by_tolerance(shift, outcome, code):
    assert outcomes({("hf", "x"): -1.0}, {("hf", "x"): -1.0 + shift}) == ({"x": outcome}, code)


def test_tolerance_of_a_baseline_goes_before_the_default():
    document = make_baseline(run({("hf", "x"): -1.0}), {}, {"total_energy": 1e-2})
    assert check(run({("hf", "x"): -1.005}), document).exit_code == 0


def test_default_tolerances_are_the_same_in_every_unit():
    assert default_tolerance("hartree") == pytest.approx(1e-6)
    assert default_tolerance("kcal/mol") == pytest.approx(627.5094740631e-6)
    assert default_tolerance("t") == pytest.approx(1e-6)


def test_a_change_of_unit_is_not_a_change_of_number():
    document = base({("hf", "x"): -1.0})
    new = run({("hf", "x"): -627.5094740631})
    new["unit"] = "kcal/mol"
    assert check(new, document).exit_code == 0
    new["unit"] = "bohr"
    assert check(new, document).exit_code == 1


@pytest.mark.parametrize(
    ("after", "u", "outcome"),
    [
        (-1.001, 0.001, "unchanged"),  # z = 0.7
        (-1.010, 0.001, "changed"),  # z = 7
        (-1.0035, 0.001, "inconclusive"),  # z = 2.5
        (-1.0005, 0.004, "inconclusive"),  # too noisy to show anything
    ],
)
def test_stochastic_numbers_by_both_uncertainties(after, u, outcome):
    assert outcomes({("vmc", "x"): (-1.0, 0.001)}, {("vmc", "x"): (after, u)})[0] == {"x": outcome}


def test_inconclusive_names_the_sampling_that_decides():
    """The factor is checked by using it: with the uncertainty it promises, the same difference is a change."""
    d, u0, u1 = 0.004, 0.001, 0.0016
    outcome, message = compare_stochastic(0.0, u0, d, u1, "hartree")
    assert outcome == "inconclusive"
    factor = float(message.split("; ")[1].split(" times")[0])
    assert compare_stochastic(0.0, u0, d, u1 / math.sqrt(factor * 1.1), "hartree")[0] == "changed"
    assert compare_stochastic(0.0, u0, d, u1 / math.sqrt(factor * 0.9), "hartree")[0] == "inconclusive"


def test_a_baseline_too_noisy_to_decide_is_said():
    assert "sample that again" in compare_stochastic(0.0, 1.0, 2.5, 0.1, "hartree")[1]


def test_noise_fails_the_gate_seldom():
    import numpy as np

    rng = np.random.default_rng(6)
    a, b = rng.normal(0, 1, 20000), rng.normal(0, 1, 20000)
    found = [compare_stochastic(x, 1.0, y, 1.0, "")[0] for x, y in zip(a, b, strict=True)]
    assert found.count("changed") / 20000 == pytest.approx(0.001, abs=0.0008)
    assert found.count("inconclusive") / 20000 == pytest.approx(0.049, abs=0.006)


def test_not_a_number_is_a_change():
    assert compare_deterministic(-1.0, math.nan, 1e-6, "hartree")[0] == "changed"
    assert compare_stochastic(-1.0, 0.1, math.nan, 0.1, "hartree")[0] == "changed"


# --- what is missing counts ---


@pytest.mark.parametrize(
    ("after", "outcome"), [("failed", "newly_failed"), ("unsupported", "newly_unsupported"), (None, "missing")]
)
def test_what_is_gone_is_a_regression(after, outcome):
    rows = {("hf", "x"): -1.0, ("hf", "y"): -2.0}
    now = {("hf", "x"): -1.0} | ({("hf", "y"): after} if after else {})
    assert outcomes(rows, now) == ({"x": "unchanged", "y": outcome}, 1)


def test_a_run_that_compared_nothing_never_passes():
    assert outcomes({("hf", "x"): -1.0}, {("pbe", "x"): -1.0})[1] == 2
    assert outcomes({("hf", "x"): "failed"}, {("hf", "x"): "failed"})[1] == 2
    assert check(run({("hf", "x"): -1.0}), base({("hf", "x"): -1.0}) | {"values": []}).exit_code == 2


def test_all_inconclusive_is_not_a_pass():
    assert outcomes({("vmc", "x"): (-1.0, 0.001)}, {("vmc", "x"): (-1.0, 0.1)})[1] == 2


def test_new_and_recovered_entries_do_not_fail():
    before = {("hf", "x"): -1.0, ("hf", "y"): "failed"}
    after = {("hf", "x"): -1.0, ("hf", "y"): -2.0, ("hf", "z"): -3.0}
    assert outcomes(before, after) == ({"x": "unchanged", "y": "recovered", "z": "new"}, 0)


def test_times_warn_and_count_only_when_asked():
    before, after = base({("hf", "x"): -1.0}), run({("hf", "x"): -1.0})
    after["wall_s"] = 35.0
    warned = check(after, before)
    assert (len(warned.slow), warned.exit_code) == (1, 0)
    assert check(after, before, most_time=3.0).exit_code == 1
    assert check(after, before, most_time=4.0).exit_code == 0


# --- files ---


def test_a_baseline_is_canonical_and_reads_back(tmp_path):
    rows = {("pbe", "y"): -2.0, ("hf", "x"): -1.0 / 3.0, ("hf", "y"): "failed"}
    document = make_baseline(run(rows), {"qmbench": "0.1.0", "versions": {"b": "2", "a": "1"}})
    backwards = make_baseline(run(rows).iloc[::-1], {"versions": {"a": "1", "b": "2"}, "qmbench": "0.1.0"})
    text = baseline_text(document)
    assert text == baseline_text(backwards)
    assert len([line for line in text.splitlines() if "level_of_theory" in line]) == 3
    path = tmp_path / "baseline.json"
    path.write_text(text)
    again = read_baseline(path)
    assert check(run(rows), again).exit_code == 0
    assert set(again["values"][0]) == set(FIELDS)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "other", "values": []}', '{"format": "qmbench-baseline-1"}']
)
def test_what_is_not_a_baseline_is_refused(tmp_path, text):
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(InputError, match="not a baseline"):
        read_baseline(path)
    with pytest.raises(InputError, match="--update writes it"):
        read_baseline(tmp_path / "none.json")


def test_an_update_says_what_it_changes():
    old = base({("hf", "x"): -1.0, ("hf", "y"): -2.0, ("hf", "w"): "failed"})
    new = make_baseline(run({("hf", "x"): -1.5, ("hf", "z"): -3.0, ("hf", "w"): -1.0}), {})
    lines = describe_update(old, new)
    assert set(lines) == {"added hf b z", "removed hf b y", "hf b x: -1.0 → -1.5", "hf b w: failed → ok"}
    assert describe_update(old, old) == ["nothing changed"]


def test_junit_counts_and_survives_odd_characters():
    before = {("hf", "x"): -1.0, ("hf", "<&\x01>"): -2.0, ("vmc", "v"): (-1.0, 0.001)}
    after = {("hf", "x"): -1.1, ("hf", "<&\x01>"): "failed", ("vmc", "v"): (-1.0, 0.1), ("hf", "new"): -1.0}
    root = ET.fromstring(to_junit(check(run(after), base(before))))
    (suite,) = root.findall("testsuite")
    assert {k: suite.get(k) for k in ("tests", "failures", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "skipped": "2",
    }
    assert len(suite.findall("testcase/failure")) == 2
    assert len(suite.findall("testcase/skipped")) == 2


def test_markdown_stays_below_the_limit_and_says_what_it_leaves_out():
    before = {("hf", f"entry_{i}"): -1.0 for i in range(3000)}
    after = {("hf", f"entry_{i}"): -2.0 for i in range(3000)}
    found = check(run(after), base(before))
    text = to_markdown(found, limit=50_000)
    assert len(text.encode()) < 50_000
    assert "more, left out" in text
    assert "3000 changed" in text
    assert headline(found).startswith("regressed")


@pytest.mark.parametrize(
    "values",
    ["[3]", "[[]]", '[{"level_of_theory": 3, "benchmark": "b", "entry": "e", "status": "ok", "value": 1}]',
     '[{"level_of_theory": "l", "benchmark": "b", "entry": "e", "status": "ok", "value": true}]',
     '[{"level_of_theory": "l", "benchmark": "b", "entry": "e", "status": "ok", "value": 1, "uncertainty": "x"}]',
     "[" * 100_000, "[" + "9" * 5000 + "]"],
)  # fmt: skip
def test_a_strange_baseline_is_refused_in_a_line(values):
    with pytest.raises(InputError) as caught:
        parse_baseline(f'{{"format": "{FORMAT}", "values": {values}}}', "file.json")
    assert "file.json" in str(caught.value)
    assert "\n" not in str(caught.value)
