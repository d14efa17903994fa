"""Charts of a page: what they show of many levels, and that making them small loses nothing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from qmbench import LatticeModel, Molecule
from qmbench.domain.systems.drawing import lattice_picture, molecule_picture
from qmbench.report.charts import (
    MOST_COLOURS,
    MOST_POINTS,
    MOST_ROWS,
    ROWS,
    _styles_once,
    charts,
    for_page,
    page_element,
)
from qmbench.report.drawings import data_uri, structure_of
from qmbench.report.model import SMALLEST_SHOWN
from qmbench.report.pictures import Painter, draw

N_LEVELS, N_ENTRIES = 20, 4


def tables(n_levels=N_LEVELS, published=(), errors=None):
    """Scored entries and statistics of levels L0, L1, …; the error of level i is i + 1 throughout, unless given."""
    errors = list(errors) if errors is not None else [i + 1.0 for i in range(n_levels)]
    scored, statistics = [], []
    for i, error in enumerate(errors):
        level = {"level_of_theory": f"l{i}", "bsse": ""}
        statistics.append(
            level
            | {"mean_absolute_error": error, "common_mean_absolute_error": error, "n_differs": False}
            | {"wall_s": float(i + 1), "n_ok": 4}
        )
        for j in range(N_ENTRIES):
            scored.append(
                level
                | {"entry": f"e{j}", "reference": float(j), "value": j + error, "error": error, "unit": "kcal/mol"}
                | {"status": "ok", "curve": "c", "coordinate": float(j), "published": i in published}
            )
    return pd.DataFrame(scored), pd.DataFrame(statistics)


def levels(spec):
    return list(dict.fromkeys(row["level"] for row in spec["datasets"][ROWS]))


def test_of_many_levels_the_computed_ones_come_first_then_the_best_published_ones():
    made = charts(*tables(published=range(17)))
    title, parity = made["parity"]
    assert set(levels(parity)) == {"l17", "l18", "l19", *(f"l{i}" for i in range(MOST_COLOURS - 3))}
    assert title.endswith(f"({MOST_COLOURS} of 20 levels: the computed ones, then the best published ones)")
    title, errors = made["errors"]
    assert set(levels(errors)) == {"l17", "l18", "l19", *(f"l{i}" for i in range(MOST_ROWS - 3))}
    title, parity = charts(*tables())["parity"]
    assert set(levels(parity)) == {f"l{i}" for i in range(MOST_COLOURS)}
    assert title.endswith("the best computed ones)")
    assert charts(*tables(published=range(20)))["parity"][0].endswith("the best ones)")
    assert "levels" not in charts(*tables(MOST_COLOURS))["parity"][0]


def on_page(spec):
    kind, sized = for_page(spec)
    return page_element(kind, draw(kind, sized), "x")


@pytest.mark.parametrize("how", ["works", "killed", "not there"])
def test_pictures_of_a_process_of_its_own_are_the_same(how, monkeypatch):
    if how == "not there":
        monkeypatch.setattr("sys.executable", "/no/such/python")
    specs = [for_page(spec) for _, spec in charts(*tables(6)).values()]
    specs.append(("png", specs[0][1]))
    with Painter() as painter:
        first = painter.draw(*specs[0])()
        if how == "killed":
            painter._process.kill()
        else:  # not drawn here
            monkeypatch.setattr("qmbench.report.pictures.draw", None if how == "works" else draw)
        waiting = [painter.draw(*spec) for spec in specs]
        drawn = [picture() for picture in waiting]
    assert first == drawn[0]
    assert drawn == [draw(*spec) for spec in specs]
    assert painter._process is None or painter._process.poll() is not None


def test_a_reference_is_drawn_once_however_many_levels_there_are():
    svg = on_page(charts(*tables(6))["curves"][1])
    assert svg.count("<title>entry") == N_ENTRIES
    assert svg.count("<title>level") == 6 * N_ENTRIES
    assert svg.count("<title>l3</title>") == 1  # the line of a level is not one of its entries


def test_rounding_errors_of_an_exact_method_do_not_set_the_axis_of_errors():
    spec = charts(*tables(errors=[3e-15, 0.0, 0.1, 0.2]))["cost"][1]
    assert [row["error"] for row in spec["datasets"][ROWS]] == [SMALLEST_SHOWN, SMALLEST_SHOWN, 0.1, 0.2]


def effective(svg):
    """Every mark with its own attributes and those that it has from the groups around it."""
    out = []

    def walk(element, known):
        here = {k: v for k, v in element.attrib.items() if k in KINDS}
        if element.tag == "g":
            for child in element:
                walk(child, known | here)
        elif element.tag != "svg":
            own = {k: v for k, v in element.attrib.items() if k not in KINDS}
            looks = known | here
            if "opacity" in looks:
                opacity = looks.pop("opacity")
                looks |= {"fill-opacity": opacity, "stroke-opacity": opacity}
            out.append((element.tag, own, looks, element.text, [c.text for c in element]))
        else:
            for child in element:
                walk(child, known)

    walk(ET.fromstring(svg), {})
    return out


KINDS = {
    *("fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "stroke-opacity"),
    *("font-size", "font-weight", "text-anchor"),
}


def test_how_neighbours_look_is_written_once_and_stays():
    alike = "".join(
        f'<use href="#a" x="{i}" y="2" stroke="#123456" opacity="0.7"><title>t {i}</title></use>' for i in range(5)
    )
    others = '<path d="M0,0L1,1" stroke="red"/><path d="M1,0L1,1" stroke="blue"/><text font-size="10px">a</text>'
    texts = "".join(f'<text x="{i}" font-size="9px" fill="red">w{i}</text>' for i in range(4))
    plain = "".join(f'<path d="M0,{i}L1,1"/>' for i in range(4))
    svg = f'<svg><g fill="none">{alike}{others}</g>{texts}{plain}</svg>'
    short = _styles_once(svg)
    assert effective(short) == effective(svg)
    assert short.count("#123456") == 1
    assert short.count("9px") == 1
    assert len(short) < len(svg)


@pytest.mark.parametrize("kind", ["errors", "parity", "curves", "cost"])
def test_a_chart_of_a_page_is_xml_with_short_numbers(kind):
    svg = on_page(charts(*tables(6))[kind][1])
    root = ET.fromstring(svg)
    assert root.get("viewBox")
    written = " ".join(v for e in root.iter() for v in e.attrib.values())
    assert re.search(r"\d\.\d", written)
    assert not re.search(r"\d\.\d{3}", written)


def test_a_picture_in_an_address_is_the_picture():
    water = np.array([[0, 0, 0], [0, 1.4, 1.1], [0, -1.4, 1.1]])
    for svg in (
        molecule_picture(["O", "H", "H"], water, [False, False, True]),
        lattice_picture([3, 2], ["open", "antiperiodic"]),
        '<svg><text>it\'s "5 &lt; 6" &amp; 100 % #1</text></svg>',
    ):
        source = data_uri(svg)
        assert not set('<>"&#\n') & set(source)
        head, _, rest = source.partition(",")
        assert head == "data:image/svg+xml"
        assert unquote(rest) in (svg.strip(), svg.strip().replace('"', "'"))


def test_boxes_are_tukeys():
    scored, statistics = tables(errors=[0.0])
    errors = [-9.0, *np.linspace(-1.0, 1.0, 41), 2.4, 2.6]  # quartiles ±0.55 of them all
    rows = pd.concat([scored.iloc[[0]]] * len(errors), ignore_index=True)
    rows = rows.assign(entry=[f"e{i}" for i in range(len(errors))], error=errors, value=errors)
    spec = charts(rows, statistics)["errors"][1]
    box, *points = spec["datasets"][ROWS]
    q1, median, q3 = np.percentile(errors, [25, 50, 75])
    assert (box["q1"], box["median"], box["q3"]) == pytest.approx((q1, median, q3))
    inside = [e for e in errors if q1 - 1.5 * (q3 - q1) <= e <= q3 + 1.5 * (q3 - q1)]
    assert (box["low"], box["high"]) == pytest.approx((min(inside), max(inside)))
    assert len(inside) in (41, 42)
    assert [p["error"] for p in points] == pytest.approx(errors)
    # Of many errors the strokes are left out, but for those outside.
    many = pd.concat([rows] * 20, ignore_index=True)
    _, *points = charts(many, statistics)["errors"][1]["datasets"][ROWS]
    assert len(points) == 20 * (len(errors) - len(inside))


def test_of_many_points_the_largest_errors_are_among_those_that_are_drawn():
    scored, statistics = tables(3)
    rng = np.random.default_rng(1)
    many = pd.concat([scored] * 100, ignore_index=True)
    many = many.assign(entry=[f"e{i}" for i in range(len(many))], error=rng.standard_t(2, len(many)))
    title, spec = charts(many, statistics)["parity"]
    assert title.endswith(f"; {MOST_POINTS} of 1,200 points, the largest errors among them")
    rows = spec["datasets"][ROWS]
    assert MOST_POINTS * 0.9 < len(rows) <= MOST_POINTS
    drawn = {row["entry"] for row in rows}
    for level, mine in many.groupby("level_of_theory"):
        largest = mine.loc[mine["error"].abs().nlargest(MOST_POINTS // 6).index, "entry"]
        assert set(largest) <= drawn, level
    assert not charts(scored, statistics)["parity"][0].endswith("them")


def test_a_molecule_that_turns_has_its_atoms_bonds_and_ghosts():
    water = Molecule(("O", "H", "H"), ((0, 0, 0), (0, 1.43, 1.1), (0, -1.43, 1.1)), 0, 2, ghosts=(False, False, True))
    found = structure_of(water)
    assert found["symbols"] == ["O", "H", "H"]
    assert found["bonds"] == [[0, 1]]
    assert found["ghosts"] == [2]
    places = np.array(found["places"])
    assert np.linalg.norm(places[0] - places[1]) == pytest.approx(np.hypot(1.43, 1.1) * 0.529177, abs=0.01)
    assert np.abs(places.mean(axis=0)).max() < 0.01
    assert structure_of(Molecule(("He",), ((0, 0, 0),), 0, 1)) is None
    assert structure_of(LatticeModel((4,), ("open",), 1.0, 1.0, 4, 1)) is None
