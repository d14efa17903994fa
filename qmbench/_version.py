"""The version of this release. It stands alone so that any module of the core can import it without a circle."""

from __future__ import annotations

__version__ = "0.2.0"
