"""Pictures of systems as the text of SVG files: atoms and bonds, cells, sites and bonds of lattices."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from qmbench.domain.units import BOHR_IN_ANGSTROM

SIZE = 420.0
"""Longest side of a picture, without its margin (pixels)."""
MARGIN = 30.0
MOST_SITES = 400

# Covalent radii in ångström from hydrogen to radon; Cordero et al., Dalton Trans. 2832 (2008).
_RADII = dict(
    zip(
        (
            "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y "
            "Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re "
            "Os Ir Pt Au Hg Tl Pb Bi Po At Rn"
        ).split(),
        (
            *(0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05, 1.02),
            *(1.06, 2.03, 1.76, 1.70, 1.60, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.20, 1.19, 1.20),
            *(1.20, 1.16, 2.20, 1.95, 1.90, 1.75, 1.64, 1.54, 1.47, 1.46, 1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39),
            *(1.38, 1.39, 1.40, 2.44, 2.15, 2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96, 1.94, 1.92, 1.92, 1.89),
            *(1.90, 1.87, 1.87, 1.75, 1.70, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32, 1.45, 1.46, 1.48, 1.40, 1.50),
            1.50,
        ),
        strict=True,
    )
)
_OTHER_RADIUS = 1.5
# Two atoms are joined by a line when they are nearer than this times the sum of their radii.
_BONDED = 1.25
_COLOURS = {"H": "#ffffff", "C": "#909090", "N": "#6f8bff", "O": "#ff6f61", "F": "#90e050", "S": "#ffe14d"}
_COLOURS |= {"Cl": "#5fd35f", "P": "#ffa64d", "Br": "#c1705f", "I": "#b07fd0"}
_OTHER_COLOUR = "#d9c7e8"
_LINE = "#555555"


def plane(coordinates: np.ndarray) -> np.ndarray:
    """(n, 2) the atoms seen almost along the axis of least extent: not quite, lest a mirror plane hide some."""
    return _seen(coordinates)[:, :2]


def _seen(coordinates: np.ndarray) -> np.ndarray:
    """(n, 3) as `plane`, and the depth."""
    centred = coordinates - coordinates.mean(0)
    axes = np.linalg.svd(np.vstack([centred, np.zeros((3, 3))]), full_matrices=False)[2]
    along = centred @ axes.T
    return np.stack([along[:, 0] + 0.1 * along[:, 2], along[:, 1] + 0.3 * along[:, 2], along[:, 2]], axis=1)


def bonds(symbols: Sequence[str], coordinates: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of atoms (from 0) that are as near as bonded ones; coordinates (n, 3) in bohr."""
    from scipy.spatial import cKDTree

    if len(symbols) < 2:
        return []
    radii = np.array([_RADII.get(s, _OTHER_RADIUS) for s in symbols]) / BOHR_IN_ANGSTROM
    near = cKDTree(coordinates).query_pairs(2 * _BONDED * float(radii.max()))
    return sorted(
        (i, j)
        for i, j in near
        if np.linalg.norm(coordinates[i] - coordinates[j]) < _BONDED * float(radii[i] + radii[j])
    )


def appearance(symbol: str) -> tuple[float, str]:
    """Covalent radius in ångström (of atoms that have none here, 1.5), and the colour in which an atom is drawn."""
    return _RADII.get(symbol, _OTHER_RADIUS), _COLOURS.get(symbol, _OTHER_COLOUR)


def molecule_picture(symbols: Sequence[str], coordinates: np.ndarray, ghosts: Sequence[bool] = ()) -> str:
    """Atoms, the nearer ones in front, and lines between bonded ones; ghosts are dashed circles."""
    ghost = list(ghosts) or [False] * len(symbols)
    real = [i for i in range(len(symbols)) if not ghost[i]]
    pairs = bonds([symbols[i] for i in real], coordinates[real])
    seen = _seen(coordinates)
    lines = [(real[i], real[j]) for i, j in pairs]
    return _atoms(symbols, seen, seen, [_line(lines, "stroke-width", 4)], ghost)


def crystal_picture(symbols: Sequence[str], coordinates: np.ndarray, cell: np.ndarray) -> str:
    """The edges of the cell, and the atoms where the system has them."""
    corners = np.array(list(itertools.product((0, 1), repeat=3)))
    edges = [(a, b) for a, b in itertools.combinations(range(8), 2) if np.abs(corners[a] - corners[b]).sum() == 1]
    points = np.vstack([corners @ cell, coordinates])
    seen = _seen(points)
    return _atoms(symbols, seen[8:], seen, [_line(edges, "stroke-dasharray", "6 4")])


def lattice_picture(lattice: Sequence[int], boundary: Sequence[str], onsite: Sequence[float] = ()) -> str | None:
    """Sites and bonds of up to three directions; a bond across the boundary is a stub, dashed where it flips the sign.

    Sites with a positive energy are orange, with a negative one blue. None for more directions or MOST_SITES sites.
    """
    steps = np.array([(1.0, 0.0), (0.0, 1.0), (0.45, 0.35)])
    n = int(np.prod(lattice))
    if len(lattice) > len(steps) or n > MOST_SITES:
        return None
    index = np.arange(n).reshape(lattice)
    places = np.array([np.array(where) @ steps[: len(lattice)] for where in np.ndindex(*lattice)])
    points = [*places]
    inner: list[tuple[int, int]] = []
    outer: dict[str, list[tuple[int, int]]] = {"periodic": [], "antiperiodic": []}
    for axis, ends in enumerate(boundary):
        layers = np.moveaxis(index, axis, 0).reshape(lattice[axis], -1)
        for left, right in itertools.pairwise(layers):
            inner += zip(map(int, left), map(int, right), strict=True)
        if ends == "open":
            continue
        for layer, sign in ((layers[0], -1), (layers[-1], 1)):
            for site in map(int, layer):
                points.append(places[site] + 0.45 * sign * steps[axis])
                outer[ends].append((site, len(points) - 1))
    lines = [_line(inner, "stroke-width", 3), _line(outer["periodic"], "stroke-width", 3)]
    lines.append(_line(outer["antiperiodic"], "stroke-dasharray", "3 3"))
    most = max(map(abs, onsite), default=0.0)
    colours = [_tint(e / most if most else 0.0) for e in onsite] or ["#ffffff"] * n
    xy, scale, box = _fit(np.array(points), 60.0)
    circles = [_circle(xy[i], min(14.0, 0.28 * scale), colour) for i, colour in enumerate(colours)]
    return _svg(box, [*(line(xy) for line in lines), *circles])


def _atoms(
    symbols: Sequence[str], atoms: np.ndarray, points: np.ndarray, lines: list, ghosts: Sequence[bool] = ()
) -> str:
    """atoms, points: (n, 3), seen; the lines join `points`, and the atoms are the last of them."""
    xy, scale, box = _fit(points[:, :2], 60.0)
    own = xy[len(points) - len(atoms) :]
    drawn = [line(xy) for line in lines]
    for i in np.argsort(atoms[:, 2], kind="stable"):
        symbol = symbols[i]
        size = float(np.clip(0.45 * scale * _RADII.get(symbol, _OTHER_RADIUS) / BOHR_IN_ANGSTROM, 5.0, 26.0))
        ghost = bool(ghosts) and ghosts[i]
        drawn.append(_circle(own[i], size, "none" if ghost else _COLOURS.get(symbol, _OTHER_COLOUR), ghost))
        x, y = own[i]
        drawn.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{max(7.0, 0.8 * size):.1f}">{escape(symbol)}</text>')
    return _svg(box, drawn)


def _fit(points: np.ndarray, largest: float) -> tuple[np.ndarray, float, tuple[float, float]]:
    """Pixels of `points` (n, 2), pixels per unit (`largest` at most), and the size of the picture."""
    low, spread = points.min(0), np.ptp(points, axis=0)
    scale = min(largest, SIZE / max(float(spread.max()), 1e-9))
    xy = (points - low) * scale + MARGIN
    width, height = spread * scale + 2 * MARGIN
    xy[:, 1] = height - xy[:, 1]  # the y axis of a picture points down
    return xy, scale, (float(width), float(height))


def _line(pairs: Iterable[tuple[int, int]], attribute: str, value: object):  # type: ignore[no-untyped-def]
    """A function of the pixels that draws these pairs, all in one outline: a page may hold hundreds of pictures."""
    kept = list(pairs)

    def drawn(xy: np.ndarray) -> str:
        path = "".join(f"M{xy[i, 0]:.1f} {xy[i, 1]:.1f}L{xy[j, 0]:.1f} {xy[j, 1]:.1f}" for i, j in kept)
        return f'<path d="{path}" stroke="{_LINE}" {attribute}="{value}"/>' if path else ""

    return drawn


def _circle(centre: np.ndarray, radius: float, fill: str, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="3 3"' if dashed else ""
    x, y = centre
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" stroke="{_LINE}"{dash}/>'


def _tint(energy: float) -> str:
    """White at 0, Okabe & Ito's orange at 1, their blue at -1."""
    end = np.array((230, 159, 0) if energy > 0 else (0, 114, 178))
    red, green, blue = np.rint(255 + abs(energy) * (end - 255)).astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _svg(box: tuple[float, float], parts: Iterable[str]) -> str:
    width, height = box
    size = f'width="{width:.0f}" height="{height:.0f}"'
    box_seen = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    words = 'font-family="sans-serif" text-anchor="middle" dominant-baseline="central"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box_seen} {words}>'
    ground = f'<rect {size} fill="#ffffff"/>'
    return "\n".join([head, ground, *filter(None, parts), "</svg>\n"])
