"""Which entries are about one molecule: a curve and its minimum are, isomers and other complexes of like parts not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from qmbench.data.benchmark import find_benchmark
from qmbench.data.entry import Entry, Term
from qmbench.domain.systems.lattice import LatticeModel
from qmbench.domain.systems.molecule import Molecule
from qmbench.judging.molecules import molecules


def benchmark(systems, **curves):
    """One entry for each of `systems` (name -> system); curves: name -> names of its points, along it."""
    place = {name: (curve, k) for curve, points in curves.items() for k, name in enumerate(points)}
    entries = [
        Entry(name, "interaction_energy", (Term(name, 1.0),), curve=place.get(name, ("",))[0],
              coordinate=float(place[name][1]) if name in place else None)
        for name in systems
    ]  # fmt: skip
    return SimpleNamespace(entries=tuple(entries), system=systems.__getitem__)


def groups(found):
    """The sets of entries that are of one molecule."""
    names = dict.fromkeys(found.values())
    return [{entry for entry, name in found.items() if name == one} for one in names]


def diatomic(a, b, distance, charge=0, multiplicity=1):
    return Molecule((a, b), ((0.0, 0.0, 0.0), (0.0, 0.0, distance)), charge, multiplicity)


def apart(dimer, by):
    """The dimer with its second part moved by so many bohr along the line between the centres of both."""
    first, second = (dimer.coordinates[list(f.atoms)].mean(axis=0) for f in dimer.fragments)
    moved = dimer.coordinates.copy()
    moved[list(dimer.fragments[1].atoms)] += by * (second - first) / np.linalg.norm(second - first)
    return replace(dimer, positions=tuple(map(tuple, moved)))


def test_the_minimum_of_a_diatomic_curve_is_the_molecule_of_the_curve():
    systems = {f"n{r}": diatomic("N", "N", r) for r in (1.8, 2.4, 4.0)}
    systems |= {"minimum": diatomic("N", "N", 2.07), "cation": diatomic("N", "N", 2.1, 1, 2)}
    systems |= {
        "co": diatomic("C", "O", 2.13),
        "turned": diatomic("O", "C", 2.2),
        "he": Molecule(("He",), ((0.0,) * 3,), 0, 1),
    }
    found = molecules(benchmark(systems, n2=("n1.8", "n2.4", "n4.0")))
    assert groups(found) == [{"n1.8", "n2.4", "n4.0", "minimum"}, {"cation"}, {"co", "turned"}, {"he"}]
    assert found["minimum"] == "curve n2"


def test_the_minimum_of_a_complex_is_on_its_curve_and_on_no_other():
    s22 = find_benchmark("s22")
    names = [n for n in s22.system_ids if s22.system(n).formula == "C12H12"]
    assert len(names) == 2  # benzene dimers, parallel and T-shaped
    minima = {n: s22.system(n) for n in names}
    steps = (-0.6, -0.25, 0.25, 1.0, 3.0)
    points = {f"{n}{k}": apart(m, by) for n, m in minima.items() for k, by in enumerate(steps)}
    curves = {n: [f"{n}{k}" for k in range(len(steps))] for n in names}
    found = molecules(benchmark(minima | points, **curves))
    assert groups(found) == [{n, *curves[n]} for n in names]
    # Of a monomer that is bent on the way, the same atoms make no point of the curve.
    bent = minima[names[0]].coordinates.copy()
    bent[0] += (0.0, 0.0, 0.3)
    other = {"bent": replace(minima[names[0]], positions=tuple(map(tuple, bent)))}
    assert {"bent"} in groups(molecules(benchmark(points | other, **curves)))


def test_one_geometry_under_two_names_is_one_molecule():
    water = Molecule.samples()[0]
    stretched = replace(water, positions=((0.11, -0.07, 0.19), (1.75, 0.42, -0.37), (-0.68, 1.51, 0.52)))
    isomer = replace(water, positions=((0.11, -0.07, 0.19), (1.72, 0.41, -0.36), (2.4, 1.9, -0.4)))
    ion = replace(water, charge=1, multiplicity=2)
    turn = np.linalg.qr(np.arange(9.0).reshape(3, 3) + np.eye(3))[0]
    systems = {"a": water, "b": stretched.moved(turn), "isomer": isomer, "ion": ion}
    assert groups(molecules(benchmark(systems))) == [{"a", "b"}, {"isomer"}, {"ion"}]


def test_two_trimers_of_the_same_dimers_are_two():
    """19a and 19b of 3B-69 have the same distances of all pairs of elements, to 2e-5 bohr, and not the same shape."""
    data = find_benchmark("three_body")
    found = molecules(data)
    assert found["19a_benzene"] != found["19b_benzene"]
    assert len(set(found.values())) == len(data.entries)


def test_two_polymorphs_and_two_lattices_are_two():
    from qmbench.domain.systems.crystal import Crystal

    dense, loose = (
        Crystal(("H", "H"), ((0.0,) * 3, (1.4, 0.0, 0.0)), tuple(map(tuple, np.eye(3) * a)), 0, 1) for a in (5.0, 6.0)
    )
    chains = {f"u{u}": LatticeModel((2,), ("open",), 1.0, float(u), 2, 1) for u in (1, 4)}
    assert len(groups(molecules(benchmark({"dense": dense, "loose": loose, **chains})))) == 4


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("rare_gas", 10),  # ten pairs; the minima of three of them are entries of their own
        ("diatomics", 18),  # four of the eighteen have a curve as well
        ("electron_affinities", 67),  # 17 of them vertical and adiabatic
        ("helium_excitations", 3),  # He, Li+, Be2+
        ("hydrogen_chains", 6),
        ("water_clusters", 38),  # isomers
        ("s66", 66),
        ("s22", 22),
    ],
)
def test_molecules_of_shipped_benchmarks(name, number):
    assert len(set(molecules(find_benchmark(name)).values())) == number
