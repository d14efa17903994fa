"""What a report says in words, and the figures of one row per level: numbers are where they belong."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from types import SimpleNamespace
from urllib.parse import unquote

import pandas as pd
import pytest
from rich.console import Console

from qmbench.data.benchmark import find_benchmark
from qmbench.judging.frame import task_seconds
from qmbench.judging.model import Evaluation
from qmbench.report.disagree_text import labelled
from qmbench.report.drawings import Gallery
from qmbench.report.model import Names
from qmbench.report.renderers.terminal import BAR, BASIS_BAR, TRACE, bars, render_story
from qmbench.report.story import benchmark_name, in_short, told_apart
from qmbench.report.tables import ranking_error
from qmbench.report.tracks import Scale, figure_svg, forest, levels_figure, surprise_figures
from qmbench.report.variational import v_score_table

NAMES = Names({"ccsd(t)/cbs": "CCSD(T)/CBS", "hf/tz": "HF/TZ", "pbe/tz": "PBE/TZ"})


def row(level, error, among=True, **more):
    """A row of statistics as the tables have it."""
    made = {
        "level_of_theory": level,
        "bsse": "",
        "unit": "kcal/mol",
        "observable": "interaction_energy",
        "n_scored": 10,
        "mean_absolute_error": error,
        "mean_absolute_error_low": 0.8 * error,
        "mean_absolute_error_high": 1.5 * error,
        "adjusted_mean_absolute_error": error,
        "common_mean_absolute_error": error,
        "n_common": 10,
        "among_best": among,
        "confidence": 0.95,
        "basis_limited": None,
        "n_limit": 0,
    }
    return made | more


# --- words ---


def test_who_can_be_told_apart_is_said_for_every_case():
    best, hf, pbe = row("ccsd(t)/cbs", 0.1), row("hf/tz", 2.0, False), row("pbe/tz", 0.12)
    assert told_apart([best, hf], None, NAMES) == (
        "CCSD(T)/CBS is the best of 2 (0.1 kcal/mol). Worse at 95 %: HF/TZ (2 kcal/mol)."
    )
    both = told_apart([best, pbe, hf], None, NAMES)
    assert both.startswith("CCSD(T)/CBS and PBE/TZ can't be told from the best (0.1–0.12 kcal/mol).")
    assert told_apart([best, pbe], None, NAMES).startswith("None of 2 levels can be told from the best")
    few = [row("hf/tz", 2.0, None, n_scored=3), row("pbe/tz", 0.5, None, n_scored=3)]
    assert "Too few entries" in told_apart(few, None, NAMES)
    assert "the smallest error is that of PBE/TZ (0.5 kcal/mol, n = 3)" in told_apart(few, None, NAMES)
    assert told_apart([], None, NAMES) == "No reference values: nothing can be scored."
    rounding = [row("fci/tz", 2.4e-11, None, n_scored=3), row("hf/tz", 0.5, None, n_scored=3)]
    assert "(0 kcal/mol, n = 3)" in told_apart(rounding, None, NAMES)


def test_the_smallest_error_is_that_of_a_level_which_the_table_compares():
    """With its number of the table: an entry or two may be easy ones."""
    own = {"among": None, "adjusted_mean_absolute_error": 0.5}
    usual, sample = row("hf/tz", 0.4, **own), row("pbe/tz", 0.01, None, common_mean_absolute_error=None, n_scored=1)
    worse = row("ccsd(t)/cbs", 0.6, None, adjusted_mean_absolute_error=0.7)
    said = told_apart([usual, worse, sample], None, NAMES)
    assert "the smallest error is that of HF/TZ (0.5 kcal/mol, n = 10)" in said
    assert "HF/TZ alone has half of them or more (0.5 kcal/mol, n = 10)" in told_apart([usual, sample], None, NAMES)
    # Two that share no entry, and two that share some, but none with a third.
    nothing = {"common_mean_absolute_error": None, "n_common": 0}
    one, other = row("hf/tz", 0.4, None, **nothing), row("pbe/tz", 0.3, None, **nothing)
    apart = other | {"adjusted_mean_absolute_error": None}
    assert told_apart([one, apart], None, NAMES).endswith("(7 are needed), and no two levels share one.")
    assert "the smallest error is that of PBE/TZ (0.3 kcal/mol" in told_apart([one, other], None, NAMES)
    assert "certain" not in in_short([row("hf/tz", 0.4), row("pbe/tz", 3.0, False)])


def test_a_title_that_does_not_say_the_observable_is_followed_by_it():
    report = SimpleNamespace(
        benchmarks={
            name: SimpleNamespace(title=title)
            for name, title in {
                "dip": "Dipole moments of molecules",
                "dip_y": "Components of dipole moments of molecules",
                "s22": "Interaction energies of 22 dimers",
            }.items()
        }
    )
    assert benchmark_name(report, "dip", "dipole_moment") == "Dipole moments of molecules"
    assert benchmark_name(report, "dip_y", "dipole_y") == "Components of dipole moments of molecules: dipole y"
    assert benchmark_name(report, "s22", "interaction_energy") == "Interaction energies of 22 dimers"


def test_a_level_that_its_basis_limits_is_not_called_worse():
    limited = row("pbe/tz", 0.12, False, basis_limited=True)
    said = told_apart([row("ccsd(t)/cbs", 0.1), limited, row("hf/tz", 2.0, False)], None, NAMES)
    assert "Worse at 95 %: HF/TZ (2 kcal/mol)." in said
    assert "Limited by the basis set, which says nothing of the method: PBE/TZ." in said
    assert in_short([row("pbe/tz", 0.12, False, basis_limited=True)] * 2) == "none is best: basis-limited"
    unknown = [row("pbe/svp", 0.1, n_basis_unknown=10), row("hf/tz", 2.0, False), row("hf/svp", 2.0, False)]
    assert "What the basis set adds to its error is not known, so that this is said of levels" in told_apart(
        unknown, None, NAMES
    )
    easy = [row("sehx", 0.1, None, n_scored=3, adjusted_mean_absolute_error=0.3), row("gic", 0.2, None, n_scored=6)]
    assert "the smallest error is that of gic (0.2 kcal/mol, n = 6)" in told_apart(easy, None, NAMES)
    of_basis = {"basis_limited": True, "n_limit": 3, "adjusted_mean_absolute_error": 0.0}
    few = [row("fci/tz", 0.6, None, n_scored=3, **of_basis), row("gic", 0.5, None, n_scored=3)]
    said = told_apart(few, None, NAMES)
    assert "; first in the table is fci/tz, limited by the basis set, which says nothing of the method; " in said
    assert said.endswith("the smallest error of the others is that of gic (0.5 kcal/mol, n = 3).")
    later = [row("hf/svp", 0.9, None, n_scored=3, **(of_basis | {"adjusted_mean_absolute_error": 0.7}))]
    said = told_apart([*few, *later], None, NAMES)
    assert said.endswith("Limited by the basis set, which says nothing of the method: hf/svp.")
    none = told_apart([few[0], *later], None, NAMES)
    assert none.endswith(
        "(7 are needed). Limited by the basis set, which says nothing of the method: fci/tz and hf/svp."
    )


def test_the_smallest_error_has_the_number_by_which_the_table_places_its_level():
    """Of a level that is judged by its method, too: its adjusted number is that of the method."""
    known = {"basis_limited": False, "n_limit": 2, "n_scored": 2, "n": 3, "n_differs": True}
    known |= {"method_mean_absolute_error": 0.027, "basis_mean_absolute_error": 0.01}
    mp2 = row("mp2/cbs", 0.03, None, adjusted_mean_absolute_error=0.022, **known)
    pbe = row("pbe/tz", 0.3, None, n_scored=3, n=3, n_differs=True)
    said = told_apart([mp2, pbe], None, NAMES)
    assert "the smallest error is that of mp2/cbs (0.022 kcal/mol of its method at the basis-set limit, n = 2)" in said
    for best in (mp2, pbe):
        assert f"{ranking_error(best):.3g} kcal/mol" in told_apart([best, row("hf/tz", 2.0, None)], None, NAMES)


def test_pairs_are_told_apart_where_the_interval_is_above_zero():
    league = pd.DataFrame({"difference_low": [0.1, -0.1, float("nan"), 0.0]})
    rows = [row("ccsd(t)/cbs", 0.1), row("pbe/tz", 0.12)]
    assert "Of 3 pairs of levels, 1 can be told apart." in told_apart(rows, league, NAMES)
    blind = league.assign(difference_low=-1.0)
    apart = [*rows, row("hf/tz", 2.0, False)]
    assert "Worse at 95 %: HF/TZ" in told_apart(apart, blind, NAMES)
    assert "pairs of levels" not in told_apart(apart, blind, NAMES)  # "none" would deny what was just said
    assert "none can be told apart" in told_apart(rows, league.assign(difference_low=-1.0), NAMES)


# --- figures ---


def test_a_scale_puts_numbers_where_they_belong():
    linear, decades = Scale(-1.0, 3.0), Scale(0.1, 1000.0, logarithmic=True)
    assert linear.place(-1.0) == 0.0
    assert linear.place(1.0) == pytest.approx(0.5)
    assert decades.place(10.0) == pytest.approx(0.5)
    assert linear.place(9.0) == 1.0
    assert linear.mark("whisker", -2.0, 9.0).open_low
    assert linear.mark("whisker", 0.0, 9.0).open_high
    assert not linear.mark("whisker", 0.0, 3.0).open_high
    for scale in (linear, decades, Scale(-0.5644, -0.5621), Scale(0.02, 0.05, logarithmic=True)):
        ticks = scale.ticks()
        assert 1 <= len(ticks) <= 9
        assert all(place == pytest.approx(scale.place(float(text)), abs=1e-6) for place, text in ticks)


def marks(track, kind):
    return [m for m in track.marks if m.kind == kind]


def test_the_bars_of_a_level_are_its_method_and_its_basis_one_after_the_other():
    known = row("hf/tz", 3.0, n_limit=10, method_mean_absolute_error=2.0, basis_mean_absolute_error=1.5)
    table = pd.DataFrame([known, row("pbe/tz", 1.0, method_mean_absolute_error=0.2, basis_mean_absolute_error=0.9)])
    figure = levels_figure(table, NAMES)
    pbe, hf = figure.tracks
    high = 4.5 * 1.03  # the end of the longest interval
    assert [(m.shade, m.low * high, m.high * high) for m in marks(hf, "bar")] == [
        ("method", 0.0, pytest.approx(2.0)),
        ("basis", pytest.approx(2.0), pytest.approx(3.5)),
    ]
    assert [m.shade for m in marks(pbe, "bar")] == ["whole"]  # the limit is not known for all of its entries
    (dot,), (whisker,) = marks(hf, "dot"), marks(hf, "whisker")
    assert dot.low * high == pytest.approx(3.0)
    assert (whisker.low * high, whisker.high * high) == (pytest.approx(2.4), pytest.approx(4.5))
    assert hf.text.startswith("3.00 (2.40–4.50)")


def test_errors_that_differ_by_orders_of_magnitude_get_a_logarithmic_scale_and_no_bars():
    figure = levels_figure(pd.DataFrame([row("pbe/tz", 0.01), row("hf/tz", 50.0)]), NAMES)
    assert "logarithmic" in figure.axis
    assert not any(marks(t, "bar") for t in figure.tracks)
    assert figure.rules == ()
    assert figure.tracks[0].marks[-1].low < 0.1 < 0.8 < figure.tracks[1].marks[-1].low


@pytest.fixture(scope="module")
def l7():
    return Evaluation.published([find_benchmark("l7")])


def test_a_forest_plot_holds_every_value_its_interval_the_reference_and_the_consensus(l7):
    found = dict((x["entry"], (x, figure)) for x, figure in surprise_figures(labelled(l7.disagreement)))
    x, figure = found["c3gc"]
    assert len(figure.tracks) == len(x["votes"])
    places = {t.label: marks(t, "dot")[0].low for t in figure.tracks}
    values = {v["method"]: v["value"] for v in x["votes"]}
    ends = sorted(values, key=lambda name: values[name])
    assert sorted(places, key=lambda name: places[name]) == ends
    # Three points of a straight line: the scale is the same for values and for the consensus.
    a, b = ends[0], ends[-1]
    slope = (places[b] - places[a]) / (values[b] - values[a])
    consensus = next(rule for rule in figure.rules if rule.kind == "consensus")
    assert consensus.at == pytest.approx(places[a] + slope * (x["consensus"]["value"] - values[a]))
    for v in x["votes"]:
        (track,) = (t for t in figure.tracks if t.label == v["method"])
        assert bool(marks(track, "whisker")) == (v["uncertainty"] is not None)
        assert track.strong == (v["method"] in x["surprising"])
        for m in marks(track, "whisker"):
            if not (m.open_low or m.open_high):
                assert m.high - m.low == pytest.approx(4 * v["uncertainty"] * slope)
    assert {rule.kind for rule in figure.rules} == {"consensus", "reference"}


def test_every_surprise_has_its_picture_and_the_file_is_xml(l7):
    document = labelled(l7.disagreement)
    surprising = [x for x in document["entries"] if x["tier"] == "surprising"]
    figures = list(surprise_figures(document))
    assert [x["entry"] for x, _ in figures] == [x["entry"] for x in surprising]
    root = ET.fromstring(figure_svg(figures[0][1]))
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) >= len(surprising[0]["votes"])
    hostile = {**surprising[0], "entry": "a<b>&\x1b[31m\u202e", "unit": "<i>"}
    ET.fromstring(figure_svg(forest(hostile)))


# --- pictures of systems ---


def test_systems_are_drawn_once_and_only_as_many_as_there_is_room_for():
    benchmark = find_benchmark("s22")
    names = [e.id for e in benchmark.entries[:3]]
    gallery = Gallery()
    found = [d for name in names for d in gallery.of_entry(benchmark, name)]
    assert len({d.id for d in found}) == 3
    picture = unquote(found[0].source.removeprefix("data:image/svg+xml,"))
    assert not set('<>"&#') & set(found[0].source)
    root = ET.fromstring(picture)
    assert root.get("viewBox")
    system = benchmark.system(found[0].name)
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == system.n_parts
    assert gallery.take(found) == found
    assert gallery.take(found) == []
    cramped = Gallery(room=len(found[0].source))
    assert [d.name for name in names for d in cramped.of_entry(benchmark, name)] == [found[0].name]
    assert cramped.left_out == 2
    assert Gallery().of_entry(SimpleNamespace(), "x") == []
    assert Gallery().of_entry(benchmark, "no such entry") == []


def test_a_task_that_served_several_entries_is_counted_once():
    def record(level, system, wall):
        return SimpleNamespace(level=level, system_hash=system, cost=SimpleNamespace(wall_s=wall, cpu_s=wall / 2))

    # One task gave two properties of a; the other level computed b, and a third record has no cost.
    records = {"a1": record("hf", "a", 3.0), "a2": record("hf", "a", 3.0), "b": record("mp2", "b", 4.0)}
    records["c"] = SimpleNamespace(level="hf", system_hash="c", cost=None)

    def planned(entry, *keys):
        return SimpleNamespace(benchmark="x", entry=entry, keys=keys)

    entries = [planned("e1", "a1", "b"), planned("e2", "a2", "b", "missing"), planned("e3", "c"), planned("out", "b")]
    results = pd.DataFrame({"benchmark": ["x"] * 3, "entry": ["e1", "e2", "e3"]})
    assert task_seconds(SimpleNamespace(entries=entries), records, results) == 7.0
    assert task_seconds(None, {}, results) == 0.0


# --- V-scores ---


def test_v_scores_are_those_of_the_records(made):
    def record(name, settings):
        return SimpleNamespace(system_name=name, provenance={"settings": settings})

    def planned(level, *keys, benchmark="handmade"):
        return SimpleNamespace(level=level, bsse="", benchmark=benchmark, keys=keys)

    records = {
        "a": record("he", {"v_score": 0.002}),
        "b": record("be", {"v_score": 0.01}),
        "c": record("h2", {"v_score": 0.03}),
        "d": record("li", {}),
        "e": record("ne", {"v_score": None}),
        "f": record("ar", {"v_score": 0.001}),
    }
    entries = [planned("vmc/tz", "a", "b", "c", "d"), planned("hf/tz", "d", "e"), planned("vmc/tz", "f", benchmark="o")]
    report = SimpleNamespace(run=SimpleNamespace(entries=entries), records=records)
    table = v_score_table(report, "handmade", Names({"vmc/tz": "VMC/TZ"}))
    assert table.rows == [("VMC/TZ", "3", "0.01", "0.002", "0.03 (h2)")]
    assert v_score_table(made, "handmade", Names()).rows == []


# --- on a terminal ---


def test_bars_are_to_scale_and_begin_below_each_other():
    rows = [
        row("ccsd(t)/cbs", 0.001),
        row("pbe/tz", 10.0, n_limit=10, method_mean_absolute_error=10.0, basis_mean_absolute_error=5.0),
        row("hf/tz", 30.0, False),
    ]
    first, second, third = bars(rows, NAMES, 12, 120)
    assert third.text.count(BAR) == 30
    assert (second.text.count(BAR), second.text.count(BASIS_BAR)) == (10, 5)
    assert (first.text.count(BAR), first.text.count(TRACE)) == (0, 1)
    assert (first.strong, third.strong) == (True, False)
    starts = [re.search(f"[{BAR}{TRACE}]", b.text).start() for b in (first, second, third)]
    assert len(set(starts)) == 1
    assert len({b.text.index(number) for b, number in ((second, "10.0"), (third, "30.0"))}) == 1
    assert [b.text.split()[0] for b in bars(rows, NAMES, 2, 120)] == ["CCSD(T)/CBS", "HF/TZ"]  # the worst stays
    assert all(len(b.text) <= 40 for b in bars([row("a-very-long-name" * 5, 1.0)], NAMES, 12, 40))


def test_the_story_on_a_terminal_is_a_screenful_in_the_order_of_the_page(made):
    out = io.StringIO()
    render_story(made, Console(file=out, width=110))
    text = out.getvalue()
    order = ["How well do 3 levels of theory do on 8 entries of 1 benchmark?", BAR, "Do the references agree?"]
    places = [text.index(what) for what in order]
    assert places == sorted(places)
    assert len(text.splitlines()) < 40
    assert "good/<b> [cp]" in text
    best = made.statistics.query("subset == 'all' and method == 'hf'").iloc[0]
    assert f"{best['mean_absolute_error']:.3f}" in text


def test_without_labels_a_document_is_as_it_was():
    """Nothing to rename: the same entries, except that camps are said in words; and the original is not written to."""
    entry = {"entry": "a", "verdict": "camps", "camps": [["hf/x"], ["mp2/x"]], "reason": "", "z": {"hf/x": 3.0}}
    entry |= {"why_surprising": "", "to_settle": ""}
    document = {"methods": [], "entries": [entry], "pairs": []}
    found = labelled(document)
    assert found["entries"][0]["reason"] == "{hf/x} against {mp2/x}"
    assert entry["reason"] == ""
    assert {**found["entries"][0], "reason": ""} == entry
