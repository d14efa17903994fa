"""The figure of a property of pairs of atoms: what it shows is what was computed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from qmbench import Crystal, InputError, LatticeModel, Molecule
from qmbench.report.charts import write_chart
from qmbench.report.pairs import MOST_ATOMS, atom_labels, pair_figure, plane, strongest_pairs

WATER = Molecule(
    ("O", "He", "H", "H"),
    ((0.0, 0.0, 0.2), (0.0, 0.0, 9.0), (0.0, 1.4, -0.9), (0.1, -1.4, -0.9)),
    0,
    1,
    ghosts=(False, True, False, False),
    name="water",
)
VALUES = np.array([[0.0, -4e-5, -3e-5], [-4e-5, 0.0, -1e-7], [-3e-5, -1e-7, 0.0]])


def test_labels_are_of_the_real_nuclei():
    assert atom_labels(WATER) == ["O1", "H2", "H3"]
    cell = ((5.0, 0, 0), (0, 5.0, 0), (0, 0, 5.0))
    assert atom_labels(Crystal(("Ne",), ((0, 0, 0),), cell, 0, 1)) == ["Ne1"]
    assert atom_labels(LatticeModel((2,), ("open",), 1.0, 1.0, 2, 1)) == []


def test_the_strongest_pair_is_the_first():
    assert [(i, j) for i, j, _ in strongest_pairs(VALUES)] == [(0, 1), (0, 2), (1, 2)]
    assert strongest_pairs(VALUES)[0][2] == -4e-5


def test_the_heat_map_has_every_pair_and_the_graph_the_strong_ones():
    heat, graph = pair_figure(VALUES, WATER, "pair energies", "hartree")["hconcat"]
    found = {(row["atom"], row["with"]): row["value"] for row in heat["data"]["values"]}
    labels = atom_labels(WATER)
    assert found == {(labels[i], labels[j]): VALUES[i, j] for i in range(3) for j in range(3)}
    assert heat["encoding"]["color"]["scale"]["domain"] == [-4e-5, 0.0]
    assert heat["encoding"]["color"]["legend"]["title"] == ["pair energies", "hartree"]
    lines, dots, names = (layer["data"]["values"] for layer in graph["layer"])
    assert {line["pair"]: line["strength"] for line in lines} == {"O1–H2": 1.0, "O1–H3": pytest.approx(0.75)}
    assert [atom["atom"] for atom in dots] == [atom["atom"] for atom in names] == labels
    ends = {line["pair"]: (line["x"], line["y"]) for line in lines}
    assert ends["O1–H2"] == ends["O1–H3"] == (dots[0]["x"], dots[0]["y"])


@pytest.mark.parametrize(
    ("values", "domain"),
    [(VALUES, [-4e-5, 0.0]), (-VALUES, [0.0, 4e-5]), (VALUES + np.diag([1e-5, 0, 0]), [-4e-5, 0.0, 4e-5])],
)
def test_zero_has_the_same_colour_whatever_the_signs(values, domain):
    scale = pair_figure(values, WATER, "x", "")["hconcat"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == pytest.approx(domain)
    assert scale["range"][scale["domain"].index(0.0)] == "#F7F7F7"


def test_the_view_tells_the_atoms_of_a_mirror_plane_apart():
    # the middle one is on the line between the outer two when seen along the plane's normal direction
    x = np.array([[0.0, 0, 0], [5.0, 0, 0], [2.5, 0, 0.4], [2.5, 1.5, 0.1], [2.5, -1.5, 0.1]])
    seen = plane(x)
    a, b = seen[1] - seen[0], seen[2] - seen[0]
    assert abs(a[0] * b[1] - a[1] * b[0]) / np.linalg.norm(a) > 0.05
    assert plane(np.zeros((1, 3))).shape == (1, 2)
    assert plane(x[:2]).shape == (2, 2)


@pytest.mark.parametrize("kind", [".svg", ".png", ".pdf", ".json"])
def test_it_is_written_in_every_format(tmp_path, kind):
    path = tmp_path / f"pairs{kind}"
    write_chart(pair_figure(VALUES, WATER, "pair energies", "hartree"), path)
    data = path.read_bytes()
    assert len(data) > 1000
    if kind == ".svg":
        assert b"O1" in data
        assert b"H3" in data
    if kind == ".json":
        assert json.loads(data)["hconcat"]


def test_what_is_no_figure_of_pairs_is_refused():
    with pytest.raises(InputError, match="no property of the pairs of atoms of water"):
        pair_figure(np.zeros((4, 4)), WATER, "x", "")
    n = MOST_ATOMS + 1
    chain = Molecule(("He",) * n, [(0.0, 0.0, 5.0 * i) for i in range(n)], 0, 1)
    with pytest.raises(InputError, match=f"{MOST_ATOMS} atoms at most, not {n}"):
        pair_figure(np.zeros((n, n)), chain, "x", "")
