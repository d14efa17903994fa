"""Variational and diffusion Monte Carlo as a qmbench plugin.

Importing this module imports no quantum-chemistry program.
"""

from __future__ import annotations
