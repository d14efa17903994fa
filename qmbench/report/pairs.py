"""A property of pairs of atoms as a figure: a heat map of the pairs, and the atoms with lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qmbench.domain.errors import InputError
from qmbench.domain.systems import System
from qmbench.domain.systems.drawing import plane

MOST_ATOMS = 200
WEAKEST_LINE = 0.02
"""Pairs below this part of the strongest one have no line."""


def atom_labels(system: System) -> list[str]:
    """`O1`, `H2` …: what each of the parts that a property may belong to is called; empty where they have no place."""
    return [] if system.part_positions is None else list(system.part_labels)


def strongest_pairs(values: np.ndarray) -> list[tuple[int, int, float]]:
    """(i, j, element i j of the symmetric matrix) for i < j, the largest magnitude first."""
    i, j = np.triu_indices(len(values), 1)
    order = np.argsort(-np.abs(values[i, j]), kind="stable")
    return [(int(i[k]), int(j[k]), float(values[i[k], j[k]])) for k in order]


def pair_figure(
    values: np.ndarray, system: System, title: str, unit: str, grid: Sequence[float] | None = None
) -> dict[str, Any]:
    """Vega-Lite specification of a symmetric (atoms, atoms) property, or of other parts of a system.

    grid: the points (bohr) of a property of pairs of points that are no parts of the system; each has a row of the same
    height, whatever their distances. The colour scale is that of the pairs; what an atom has with itself may lie beyond
    it. Points have the heat map alone. InputError beyond MOST_ATOMS atoms or points.
    """
    import altair as alt

    parts = system.parts if grid is None else "points"
    labels = atom_labels(system) if grid is None else [f"{x:.3g}" for x in grid]
    positions = system.part_positions
    if positions is None or len(labels) != len(values):
        raise InputError(f"{title} is no property of the pairs of {parts} of {system.name}")
    if len(labels) > MOST_ATOMS:
        raise InputError(f"a figure of pairs has {MOST_ATOMS} {parts} at most, not {len(labels)}; use --json")
    pairs = strongest_pairs(values)
    most = max((abs(value) for _, _, value in pairs), default=0.0) or float(np.abs(values).max()) or 1.0
    steps = (
        [(-most, "#E69F00")] * bool(values.min() < 0)
        + [(0.0, "#F7F7F7")]
        + [(most, "#0072B2")] * bool(values.max() > 0)
    )
    scale = alt.Scale(domain=[x for x, _ in steps], range=[colour for _, colour in steps], clamp=True)
    rows = [
        {"atom": labels[i], "with": labels[j], "value": float(f"{values[i, j]:.6g}")}
        for i in range(len(labels))
        for j in range(len(labels))
    ]
    crowded = alt.Axis(title=None, labelOverlap="greedy")
    size = max(6, min(28, 420 // max(1, len(labels))))
    legend = alt.Legend(title=[title, unit] if unit else title, format=".1e")
    heat = (
        alt.Chart(alt.Data(values=rows), title=f"pairs of {parts}" + ("" if grid is None else ", bohr"))
        .mark_rect()
        .encode(
            x=alt.X("with:N", sort=labels, axis=crowded),
            y=alt.Y("atom:N", sort=labels, axis=crowded),
            color=alt.Color("value:Q", scale=scale, legend=legend),
            tooltip=["atom:N", "with:N", alt.Tooltip("value:Q", format=".4g")],
        )
        .properties(width=size * len(labels), height=size * len(labels))
    )
    # Points of a grid are no bodies that lines could join.
    drawn = (heat | _graph(pairs, positions, labels)) if parts == "atoms" else heat
    spec: dict[str, Any] = drawn.resolve_scale(color="independent").to_dict()
    spec.pop("config", None)
    return spec


def _graph(pairs: list[tuple[int, int, float]], positions: np.ndarray, labels: list[str]) -> Any:
    import altair as alt

    seen = plane(positions)
    most = max((abs(value) for _, _, value in pairs), default=0.0) or 1.0
    lines = [
        {
            "x": float(seen[i, 0]),
            "y": float(seen[i, 1]),
            "x2": float(seen[j, 0]),
            "y2": float(seen[j, 1]),
            "pair": f"{labels[i]}–{labels[j]}",
            "value": float(f"{value:.6g}"),
            "strength": abs(value) / most,
        }
        for i, j, value in reversed(pairs)
        if abs(value) >= WEAKEST_LINE * most
    ]
    atoms = [{"x": float(x), "y": float(y), "atom": label} for (x, y), label in zip(seen, labels, strict=True)]
    spread = np.ptp(seen, axis=0)
    half = 0.55 * float(max(spread.max(), 1.0))
    middle = 0.5 * (seen.max(0) + seen.min(0))
    axes = [alt.Scale(domain=[float(m - half), float(m + half)], nice=False) for m in middle]
    x = alt.X("x:Q", scale=axes[0], axis=None)
    y = alt.Y("y:Q", scale=axes[1], axis=None)
    base = alt.Chart(alt.Data(values=atoms), title="lines as wide as a pair is strong")
    drawn = (
        alt.Chart(alt.Data(values=lines))
        .mark_rule(color="#0072B2")
        .encode(
            x=x,
            y=y,
            x2="x2:Q",
            y2="y2:Q",
            size=alt.Size("strength:Q", scale=alt.Scale(domain=[0, 1], range=[0.2, 9]), legend=None),
            opacity=alt.Opacity("strength:Q", scale=alt.Scale(domain=[0, 1], range=[0.15, 0.9]), legend=None),
            tooltip=["pair:N", alt.Tooltip("value:Q", format=".4g")],
        )
    )
    dots = base.mark_circle(color="white", stroke="#333", size=220, opacity=1).encode(x=x, y=y)
    names = base.mark_text(fontSize=9).encode(x=x, y=y, text="atom:N")
    return alt.layer(drawn, dots, names).properties(width=420, height=420)
