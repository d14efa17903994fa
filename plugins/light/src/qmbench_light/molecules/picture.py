"""The picture of a molecule in a cavity: between two mirrors, with a line for each mode."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qmbench_light.molecules.mode import Mode

MIRROR, GAP, FOOT = 12, 18, 18


def cavity_picture(inner: str | None, modes: Sequence[Mode]) -> str | None:
    """SVG text; inner: that of the molecule, None where it has no picture."""
    size = re.search(r'<svg[^>]*\bwidth="([\d.]+)"[^>]*\bheight="([\d.]+)"', inner or "")
    if inner is None or size is None:
        return None
    width, height = float(size[1]), float(size[2])
    tall = height + FOOT * len(modes)
    left, right = MIRROR + GAP, MIRROR + GAP + width + GAP
    parts = [
        f'<rect x="{x:g}" y="0" width="{MIRROR}" height="{height:g}" fill="#9aa5b1" stroke="#555555"/>'
        for x in (0.0, right)
    ]
    parts.append(inner.strip().replace("<svg", f'<svg x="{left}" y="0"', 1))
    for number, mode in enumerate(modes):
        y = height + FOOT * number + 13
        words = f"ω = {mode.frequency:.4g} hartree, λ = ({', '.join(f'{x:.3g}' for x in mode.coupling)})"
        parts.append(f'<text x="2" y="{y:g}" font-family="sans-serif" font-size="10">{words}</text>')
    full = max(right + MIRROR, 260.0)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{full:g}" height="{tall:g}">'
    return head + "".join(parts) + "</svg>\n"
