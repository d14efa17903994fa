"""Learned Hirshfeld volume ratios, and many-body dispersion on them. Imports no numerics."""

from __future__ import annotations
