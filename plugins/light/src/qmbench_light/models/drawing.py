"""Pictures of cavities and of open systems as the text of SVG files."""

from __future__ import annotations

import math
from collections.abc import Sequence

_INK, _LIGHT, _MATTER = "#444444", "#c05020", "#2060a0"


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n' + "\n".join(parts) + "\n</svg>\n"


def cavity_picture(emitters: int, frequencies: Sequence[float], levels: Sequence[float]) -> str:
    """Mirrors, a standing wave for each mode (as many half waves as its place among the frequencies), emitters."""
    width, height = 260.0, 140.0
    parts = [
        f'<path d="M30 15 Q18 70 30 125" fill="none" stroke="{_INK}" stroke-width="4"/>',
        f'<path d="M190 15 Q202 70 190 125" fill="none" stroke="{_INK}" stroke-width="4"/>',
    ]
    order = sorted(range(len(frequencies)), key=frequencies.__getitem__)
    for half_waves, _ in enumerate(order[:4], start=1):
        points = " ".join(
            f"{26 + 168 * n / 60:.1f},{70 - 40 * math.sin(math.pi * half_waves * n / 60):.1f}" for n in range(61)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{_LIGHT}" stroke-width="1.5"/>')
    shown = min(emitters, 8)
    for n in range(shown):
        x = 110 + 16 * (n - (shown - 1) / 2)
        parts.append(f'<circle cx="{x:.1f}" cy="70" r="5" fill="{_MATTER}"/>')
    if emitters > shown:
        parts.append(f'<text x="110" y="94" font-size="11" text-anchor="middle" fill="{_INK}">{emitters} in all</text>')
    parts += level_lines(levels, 215, 250, 120, 20)
    return _svg(width, height, parts)


def level_lines(levels: Sequence[float], left: float, right: float, bottom: float, top: float) -> list[str]:
    """Horizontal lines at the levels' energies."""
    low, span = min(levels), (max(levels) - min(levels)) or 1.0
    heights = [bottom - (bottom - top) * (level - low) / span for level in levels]
    return [
        f'<line x1="{left:g}" y1="{y:.1f}" x2="{right:g}" y2="{y:.1f}" stroke="{_MATTER}" stroke-width="2"/>'
        for y in heights
    ]


def open_picture(levels: Sequence[float], baths: Sequence[str], decays: int) -> str:
    """The levels, and a box for each bath, wavy lines for other losses."""
    rows = max(1, len(baths) + decays)
    height = max(120.0, 20.0 + 40.0 * rows)
    parts = level_lines(levels, 20, 80, height - 20, 20)
    for n, label in enumerate(baths):
        y = 20 + 40 * n
        parts += [
            f'<line x1="85" y1="{height / 2:g}" x2="130" y2="{y + 14}" stroke="{_INK}"/>',
            f'<rect x="130" y="{y}" width="140" height="28" rx="6" fill="none" stroke="{_LIGHT}" stroke-width="1.5"/>',
            f'<text x="200" y="{y + 18}" font-size="11" text-anchor="middle" fill="{_INK}">{label}</text>',
        ]
    for n in range(len(baths), len(baths) + decays):
        points = " ".join(f"{90 + 3 * k},{34 + 40 * n + 5 * math.sin(k):.1f}" for k in range(40))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{_LIGHT}"/>')
    return _svg(290, height, parts)
