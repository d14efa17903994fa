"""The level radial-response: norms and differences are those of its maps, what it refuses, and the figure."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qmbench import InputError, Molecule, Unsupported, parse_level

HE = Molecule(("He",), ((0.2, 0.1, 0.0),), 0, 1)
ALL = tuple(f"{l}_response{what}" for l in ("monopole", "dipole") for what in ("", "_norm", "_difference"))


@pytest.fixture(scope="module")
def compute(run):
    return lambda level, *properties, atom=HE: run(level, atom, *properties)


@pytest.mark.parametrize("kernel", ["full", "hartree", "none"])
@pytest.mark.parametrize("frequency", [0.0, 0.5])
def test_norms_and_differences_are_those_of_the_maps(kernel, frequency, compute):
    """On the radii and with the weights that the record has."""
    found = compute(f"radial-response?kernel={kernel}&frequency={frequency}&level=pbe/cc-pvdz", *ALL)
    exact = compute(f"radial-response?frequency={frequency}&level=fci/cc-pvdz", *ALL)
    assert found.settings["grid_bohr"] == exact.settings["grid_bohr"]
    root = np.sqrt(found.settings["grid_weights_bohr"])
    for l in ("monopole", "dipole"):
        one, other = (result.properties[f"{l}_response"].value * np.outer(root, root) for result in (found, exact))
        norm = found.properties[f"{l}_response_norm"].value
        assert norm == pytest.approx(np.linalg.norm(one), rel=1e-12)
        apart = found.properties[f"{l}_response_difference"].value
        assert apart == pytest.approx(np.linalg.norm(one - other) / np.linalg.norm(other), rel=1e-9)
        assert exact.properties[f"{l}_response_difference"].value == 0
        assert apart > 1e-3


def test_one_electron_is_no_distance_from_full_ci(compute):
    atom = Molecule(("H",), ((0, 0, 0),), 0, 2)
    found = compute("radial-response?level=hf/aug-cc-pvdz", *ALL, atom=atom).properties
    assert found["dipole_response_difference"].value < 1e-6
    assert found["monopole_response_difference"].value < 1e-6
    bare = compute("radial-response?kernel=hartree&level=hf/aug-cc-pvdz", *ALL, atom=atom).properties
    assert bare["dipole_response_difference"].value > 0.01


@pytest.mark.parametrize("level", ["hf/aug-cc-pvdz", "pbe/aug-cc-pvdz"])
def test_polarizabilities_are_the_levels_own(level, compute):
    """From dipole integrals; the first by coupled-perturbed equations, the curve by linear response."""
    names = ("polarizability", "dynamic_polarizability")
    found, own = compute(f"radial-response?level={level}", *names).properties, compute(level, *names).properties
    assert found["polarizability"].value == pytest.approx(own["polarizability"].value, abs=1e-5)
    one, other = (some["dynamic_polarizability"].value for some in (found, own))
    assert one.coordinate == pytest.approx(other.coordinate)
    assert one.values == pytest.approx(other.values, rel=5e-6)


def test_polarizability_at_a_frequency_is_on_the_curve(compute):
    curve = compute("radial-response?level=fci/aug-cc-pvdz", "dynamic_polarizability").properties
    curve = curve["dynamic_polarizability"].value
    at = float(curve.coordinate[5])
    found = compute(f"radial-response?frequency={at!r}&level=fci/aug-cc-pvdz", "polarizability").properties
    assert found["polarizability"].value == pytest.approx(curve.values[5] * np.eye(3), rel=1e-10)


@pytest.mark.slow
def test_helium_exactly(compute):
    """α = 1.38319 bohr³ of helium (Yan, Babb, Dalgarno and Drake, Phys. Rev. A 54, 2824 (1996)), and C6 = 1.46098."""
    found = compute("radial-response?level=fci/aug-cc-pvqz", "polarizability", "dynamic_polarizability").properties
    assert found["polarizability"].value[0, 0] == pytest.approx(1.38319, abs=2e-3)
    curve = found["dynamic_polarizability"].value
    t, weight = np.polynomial.legendre.leggauss(len(curve.values) - 1)
    assert curve.coordinate[1:] == pytest.approx(0.3 * (1 + t) / (1 - t))
    c6 = 3 / np.pi * np.sum(0.6 * weight / (1 - t) ** 2 * curve.values[1:] ** 2)
    assert c6 == pytest.approx(1.46098, rel=5e-3)


@pytest.mark.parametrize(
    ("level", "text"),
    [
        ("radial-response?level=mp2/cc-pvdz", "radial-response: mp2/cc-pvdz has no density here that responds"),
        ("radial-response?kernel=none&level=fci/cc-pvdz", "leave kernel out"),
        ("radial-response?level=fci/cc-pvdz?frozen_core=true", "frozen_core"),
        ("radial-response?level=radial-response", "whose density"),
        ("radial-response?frequency=-1&level=hf/cc-pvdz", "frequency"),
        (
            "radial-response?level=hf/cc-pvdz?basis_extension=adaptive%26extension_pool=cc-pvqz",
            "leave basis_extension out",
        ),
    ],
)
def test_what_is_refused(level, text):
    with pytest.raises((InputError, Unsupported), match=text):
        parse_level(level).make().check(HE, frozenset({"dipole_response_difference"}))


def test_molecules_ghosts_and_bare_nuclei_are_refused():
    pair = Molecule(("He", "He"), ((0, 0, 0), (0, 0, 3.0)), 0, 1)
    ghost = Molecule(("He", "H"), ((0, 0, 0), (0, 0, 2.0)), 0, 1, ghosts=(False, True))
    proton = Molecule(("H",), ((0, 0, 0),), 1, 1)
    for molecule, text in ((pair, "single atoms"), (ghost, "ghost"), (proton, "no electrons")):
        with pytest.raises(Unsupported, match=text):
            parse_level("radial-response?level=hf/sto-3g").make().check(molecule, frozenset({"dipole_response"}))


def test_no_difference_where_full_ci_can_not_follow(compute):
    neon = Molecule(("Ne",), ((0, 0, 0),), 0, 1)
    assert compute("radial-response?level=hf/6-31g", "dipole_response_norm", atom=neon).properties
    with pytest.raises(Unsupported, match="15,876; take a smaller basis"):
        compute("radial-response?level=hf/6-31g", "dipole_response_difference", atom=neon)


def test_s_functions_have_no_dipole(compute):
    found = compute("radial-response?level=hf/6-31g", "dipole_response_norm", "monopole_response_norm").properties
    assert found["dipole_response_norm"].value == 0 < found["monopole_response_norm"].value
    with pytest.raises(Unsupported, match="no dipole response"):
        compute("radial-response?level=hf/6-31g", "dipole_response_difference")


def test_only_what_is_asked_for(compute, monkeypatch):
    """A norm needs no full CI."""
    from qmbench_pyscf import fullci_response

    def refuse(*_):
        raise AssertionError("computed without being asked for")

    monkeypatch.setattr(fullci_response, "check_states", refuse)
    assert compute("radial-response?level=hf/cc-pvdz", "dipole_response_norm").properties


def test_benchmark_references(compute):
    """Full CI of the level, against the benchmark's own implementation; on the level's radii norms are good to 1e-6."""
    from qmbench.data.benchmark import find_benchmark

    benchmark = find_benchmark("radial_response")
    values = {r.entry: r.quantity.value for r in benchmark.references}
    names = ("monopole_response_norm", "dipole_response_norm", "polarizability")
    for system in ("hydride", "helium"):
        atom = benchmark.system(system)
        found = compute("radial-response?level=fci/unc-aug-cc-pvtz", *names, atom=atom).properties
        for name in names:
            value = np.max(found[name].value)
            assert value == pytest.approx(values[f"{system}_{name}"], rel=1e-6), (system, name)
    assert {v for entry, v in values.items() if entry.endswith("difference")} == {0}


def test_the_map_of_the_response(tmp_path, compute):
    """--figure draws it on the radii of the record."""
    from qmbench.cli import main

    system, figure = tmp_path / "he.xyz", tmp_path / "map.json"
    system.write_text("1\nname=he charge=0 multiplicity=1\nHe 0 0 0\n")
    words = ["compute", "radial-response?level=hf/cc-pvdz", str(system), "-p", "monopole_response"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--figure", str(figure), "--store", str(tmp_path / "store.sqlite")])
    assert end.value.code in (0, None)
    spec = json.loads(figure.read_text())
    assert spec["title"] == "pairs of points, bohr"
    result = compute("radial-response?level=hf/cc-pvdz", "monopole_response")
    chi, radii = result.properties["monopole_response"].value, result.settings["grid_bohr"]
    rows = spec["data"]["values"]
    assert len(rows) == len(radii) ** 2
    found = {(row["atom"], row["with"]): row["value"] for row in rows}
    assert found[f"{radii[20]:.3g}", f"{radii[33]:.3g}"] == pytest.approx(chi[20, 33], rel=1e-4)
    assert len({row["atom"] for row in rows}) == len(radii)
