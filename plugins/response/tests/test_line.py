"""Two electrons on a line: theorems, a second implementation, sum rules, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import FieldError, InputError, Resources, parse_level
from qmbench_response.line.response import exact, hartree_fock, kohn_sham, polarizability, with_kernel
from qmbench_response.line.system import ElectronsOnALine

ATOM = ElectronsOnALine(charge=2.0, box=9.0, points=41)
TRAP = ElectronsOnALine(omega=0.5, box=9.0, points=41)
LEVELS = ("exact-line", "hf-line", "ks-line", "rpa-line", "exx-line")


def compute(level, system, *properties):
    return parse_level(level).make().run(system, properties, Resources()).properties


@pytest.mark.parametrize("interaction", [0.0, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("level", ["exact-line", "hf-line"])
def test_harmonic_potential_theorem(level, interaction):
    """α(iω) = N/(Ω² + ω²) whatever the interaction: exactly, and in TDHF (Dobson, Phys. Rev. Lett. 73, 2244 (1994))."""
    for omega, box in ((0.5, 10.0), (1.0, 7.5)):
        trap = ElectronsOnALine(omega=omega, interaction=interaction, box=box, points=51)
        curve = compute(level, trap, "dynamic_polarizability")["dynamic_polarizability"].value
        assert curve.values == pytest.approx(2 / (omega**2 + curve.coordinate**2), rel=1e-7)


def test_kohn_sham_electrons_break_it():
    """Without the kernel the trap's frequency is not that of the potential of non-interacting electrons."""
    for level in ("ks-line", "rpa-line", "exx-line"):
        found = compute(level, TRAP, "dynamic_polarizability")["dynamic_polarizability"].value.values[0]
        assert abs(found - 8.0) > 0.5
        free = compute(level, replace(TRAP, interaction=0.0), "dynamic_polarizability")["dynamic_polarizability"]
        assert free.value.values[0] == pytest.approx(8.0, rel=1e-7)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("system", [ATOM, TRAP], ids=["atom", "trap"])
def test_response_is_symmetric_and_conserves_charge(level, system):
    """χ(x, x′) = χ(x′, x); ∫ χ dx = 0: a constant potential moves nothing. It is negative, and even."""
    for frequency in (0.0, 0.8):
        found = compute(f"{level}?frequency={frequency}", system, "response_function", "response_norm")
        chi, spacing = found["response_function"].value, system.line.spacing
        assert np.abs(chi - chi.T).max() < 1e-12
        assert np.abs(chi.sum(axis=0)).max() * spacing < 1e-11
        assert np.linalg.eigvalsh(chi).max() < 1e-10
        assert chi == pytest.approx(chi[::-1, ::-1], abs=1e-10)
        assert found["response_norm"].value == pytest.approx(np.sqrt(np.sum(chi**2)) * spacing, rel=1e-12)


def ground(line, field):
    """Energy and density of two electrons in an additional potential, in the whole product space."""
    from scipy.sparse import csr_array, diags, identity, kron
    from scipy.sparse.linalg import eigsh

    n = len(line.x)
    core = csr_array(line.core + np.diag(field))
    h = kron(core, identity(n)) + kron(identity(n), core) + diags(line.interaction.ravel())
    energy, vector = eigsh(h.tocsc(), k=1, sigma=-4.0, which="LM")
    return float(energy[0]), 2 * np.sum(vector.reshape(n, n) ** 2, axis=1)


def test_exact_response_is_the_derivative_of_the_density():
    """By finite fields in a second diagonalization: X and α, in the dipole field and in a local bump."""
    system = replace(ATOM, points=25)
    line = system.line
    found = exact(line)
    energy, density = ground(line, np.zeros(25))
    assert found.energy == pytest.approx(energy, abs=1e-10)
    assert found.density == pytest.approx(density, abs=1e-9)
    for shape in (line.x, np.exp(-((line.x - 1.0) ** 2))):
        h = 1e-3
        (ep, plus), (em, minus) = (ground(line, s * h * shape) for s in (1, -1))
        assert found.response(0.0) @ shape == pytest.approx((plus - minus) / (2 * h), abs=2e-5)
        assert shape @ found.response(0.0) @ shape == pytest.approx((ep + em - 2 * energy) / h**2, abs=1e-4)


def test_oscillator_strengths_sum_to_two():
    """Thomas, Reiche and Kuhn: α(iω) ω² → N, exactly and in TDHF, and of the Kohn–Sham electrons."""
    line = ATOM.line
    found = exact(line)
    for response in (found.response, hartree_fock(line).response, kohn_sham(line, found.density).response):
        assert 1e10 * polarizability(line.x, response(1e5)) == pytest.approx(2.0, abs=1e-3)


def test_kohn_sham_electrons_have_the_exact_density():
    for system in (ATOM, TRAP, replace(TRAP, interaction=5.0)):
        line = system.line
        density = exact(line).density
        bare = kohn_sham(line, density).response(0.0)
        # Of −X₀ the density of the lowest orbital is recovered by the potential itself: n₀ is stationary.
        assert np.abs(bare.sum(axis=0)).max() < 1e-12
        gaps = kohn_sham(line, density).gaps
        assert gaps.min() > 0
        products = kohn_sham(line, density).products
        # Σ_a φ₀(x) φ_a(x) φ_a(x′) φ₀(x′) = ½ n(x) δ − φ₀² φ₀²: completeness, with the density that was given.
        expected = np.diag(density / 2) - np.outer(density, density) / 4
        assert products @ products.T == pytest.approx(expected, abs=1e-8)


def test_hartree_fock_by_finite_field():
    """Self-consistent in the field, without anything of linear response."""
    line = ATOM.line

    def dipole(f):
        from qmbench_response.line.response import Line

        moved = Line(line.x, line.potential + f * line.x, line.interaction)
        return float(line.x @ hartree_fock(moved).density)

    h = 1e-3
    found = polarizability(line.x, hartree_fock(line).response(0.0))
    assert -(dipole(h) - dipole(-h)) / (2 * h) == pytest.approx(found, abs=1e-4)


def test_published_soft_helium():
    """E = −2.238 hartree exact, −2.224 Hartree–Fock: Lappas and van Leeuwen, J. Phys. B 31, L249 (1998)."""
    atom = ElectronsOnALine(charge=2.0, box=12.0, points=61)
    assert compute("exact-line", atom, "energy")["energy"].value == pytest.approx(-2.238, abs=5e-4)
    assert compute("hf-line", atom, "energy")["energy"].value == pytest.approx(-2.224, abs=5e-4)


def test_without_interaction_all_levels_are_one():
    free = replace(ATOM, interaction=0.0)
    for level in LEVELS[1:]:
        assert compute(level, free, "response_difference")["response_difference"].value < 1e-6
    line = free.line
    bare = exact(line).response(0.3)
    assert with_kernel(bare, line.interaction) == pytest.approx(bare, abs=1e-13)


def test_the_exact_response_is_no_distance_from_itself():
    found = {level: compute(level, ATOM, "response_difference")["response_difference"].value for level in LEVELS}
    assert found["exact-line"] == 0
    assert found["exx-line"] < found["rpa-line"] < found["ks-line"]


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({}, "nothing holds"),
        ({"charge": -1.0}, "charge"),
        ({"charge": float("nan")}, "charge"),
        ({"omega": 1.0, "softening": 0.0}, "softening"),
        ({"omega": 1.0, "box": 0.0}, "box"),
        ({"omega": 1.0, "points": 102}, "11 to 101"),
        ({"omega": 1.0, "points": 10}, "11 to 101"),
    ],
)
def test_wrong_systems(wrong, match):
    with pytest.raises(FieldError, match=match):
        ElectronsOnALine(**wrong)


def test_a_negative_frequency():
    with pytest.raises(InputError, match="frequency"):
        parse_level("ks-line?frequency=-1").make()


def test_the_map_of_the_response(tmp_path):
    """--figure draws pairs of points as it draws pairs of atoms, without lines between them."""
    import json

    from qmbench.cli import main

    system = tmp_path / "trap.toml"
    system.write_text('kind = "electrons_on_a_line"\nomega = 0.5\nbox = 8.0\npoints = 21\n')
    figure = tmp_path / "map.json"
    words = ["compute", "ks-line", str(system), "-p", "response_function", "--figure", str(figure)]
    with pytest.raises(SystemExit) as end:
        main([*words, "--store", str(tmp_path / "store.sqlite")])
    assert end.value.code in (0, None)
    spec = json.loads(figure.read_text())
    assert "hconcat" not in spec
    assert spec["title"] == "pairs of points"
    rows = spec["data"]["values"]
    assert len(rows) == 21**2
    chi = compute("ks-line", replace(TRAP, box=8.0, points=21), "response_function")["response_function"].value
    found = {(row["atom"], row["with"]): row["value"] for row in rows}
    assert found["-8", "0"] == pytest.approx(chi[0, 10], rel=1e-5)
    assert found["0.8", "1.6"] == pytest.approx(chi[11, 12], rel=1e-5)


def test_benchmark_references():
    """Each by `exact-line` on the system's own grid, within what is stated; traps by the theorem."""
    from qmbench.data.benchmark import find_benchmark

    benchmark = find_benchmark("response_models")
    values = {r.entry: r.quantity for r in benchmark.references}
    names = {
        "total_energy": "energy",
        "dynamic_polarizability": "dynamic_polarizability",
        "response_norm": "response_norm",
    }
    for system in ("trap_tight", "trap_strong", "soft_beryllium_dication"):
        found = compute("exact-line", benchmark.system(system), *names.values())
        for observable, name in names.items():
            value = found[name].value
            number = value.values[0] if name == "dynamic_polarizability" else value
            reference = values[f"{system}_{observable}"]
            assert number == pytest.approx(reference.value, abs=1.1 * (reference.uncertainty or 1e-7)), system
    for name in ("trap_weak", "trap", "trap_strong", "trap_wide", "trap_tight"):
        trap = benchmark.system(name)
        assert values[f"{name}_dynamic_polarizability"].value == 2 / trap.omega**2


def test_only_what_is_asked_for(monkeypatch):
    """An energy of Hartree–Fock needs no exact solution, and none of them a response function."""
    from qmbench_response.line import response

    def refuse(*_):
        raise AssertionError("computed without being asked for")

    monkeypatch.setattr(response, "exact", refuse)
    monkeypatch.setattr(response.HartreeFock, "response", refuse)
    assert compute("hf-line", ATOM, "energy")["energy"].value < 0
