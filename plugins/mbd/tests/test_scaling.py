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


def test_benchmark_is_clean_and_holds_the_table():
    from qmbench.data.benchmark import find_benchmark
    from qmbench.running.lint import lint_path

    folder = Path(scaling.__file__).parent / "benchmarks"
    assert lint_path(folder) == []
    benchmark = find_benchmark("vdw_radii")
    table = scaling.free_atoms()
    assert {benchmark.system(e.id).symbols[0] for e in benchmark.entries} == set(table)
    for reference in benchmark.references:
        system = benchmark.system(reference.entry)
        assert reference.quantity.value == table[system.symbols[0]].radius
        assert system.multiplicity == table[system.symbols[0]].multiplicity


def test_the_law_is_scored_by_the_command_line(tmp_path, monkeypatch, capfd):
    from qmbench.cli import run

    monkeypatch.chdir(tmp_path)
    assert run(["run", "suite", "scaling_law", "--json", "--store", "s.sqlite"]) == 0
    document = json.loads(capfd.readouterr().out)
    by_subset = {
        s["subset"]: s for s in document["statistics"] if s["level_of_theory"] == "vdw-scaling?polarizability=ts"
    }
    pairs = scaling.pairs_of("TS")
    for subset, elements in (("noble_gases", scaling.GROUPS["noble gases"].split()), ("all", list(pairs))):
        alpha, radius = np.array([pairs[e] for e in elements]).T
        error = scaling.law(alpha) - radius
        found = by_subset[subset]
        assert found["n_ok"] == len(elements)
        assert found["mean_signed_error_bohr"] == pytest.approx(error.mean(), rel=1e-6)
        assert found["root_mean_square_error_bohr"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-6)


def test_level_refuses_what_is_no_free_atom():
    from qmbench import Molecule, Resources, Unsupported, parse_level

    method = parse_level("vdw-scaling?polarizability=recommended").make()
    argon = method.compute(Molecule(("Ar",), ((0, 0, 0),), 0, 1), frozenset({"vdw_radius"}), Resources())
    radius = argon.properties["vdw_radius"]
    alpha, u = scaling.recommended_polarizabilities()["Ar"]
    assert radius.value == pytest.approx(2.54 * alpha ** (1 / 7), rel=1e-12)
    assert radius.uncertainty == pytest.approx((2.54 * (alpha + u) ** (1 / 7) - radius.value), rel=1e-3)
    for molecule, reason in (
        (Molecule(("H", "H"), ((0, 0, 0), (0, 0, 1.4)), 0, 1), "single neutral atoms, not H2"),
        (Molecule(("Na",), ((0, 0, 0),), 1, 1), r"single neutral atoms, not Na\+"),
        (Molecule(("N",), ((0, 0, 0),), 0, 2), "ground states, multiplicity 4 of N"),
        (Molecule(("Og",), ((0, 0, 0),), 0, 1), "no tabulated polarizability of Og"),
    ):
        with pytest.raises(Unsupported, match=reason):
            method.check(molecule, frozenset({"vdw_radius"}))
