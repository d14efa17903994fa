"""The core as a plugin: its kinds of system, statistics and formats come through the same hooks as anybody's.

Loaded by name before all other plugins, since what it brings lives in rooms above the one that collects plugins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qmbench.plugging.hookspecs import hookimpl

if TYPE_CHECKING:
    from qmbench.domain.statistic import Statistic
    from qmbench.domain.systems import System
    from qmbench.plugging.formats import ReportFormat


@hookimpl
def qmbench_systems() -> Iterable[type[System]]:
    """Molecules, crystals and Hubbard lattices."""
    from qmbench.domain.systems import CORE_KINDS

    return CORE_KINDS


@hookimpl
def qmbench_statistics() -> Iterable[Statistic]:
    """Mean signed, mean absolute, root mean square, median, 95th percentile and largest error."""
    from qmbench.judging.core_statistics import CORE_STATISTICS

    return CORE_STATISTICS


@hookimpl
def qmbench_formats() -> Iterable[ReportFormat]:
    """html, md, latex, csv, json, parquet, figures."""
    from qmbench.report.formats import CORE_FORMATS

    return CORE_FORMATS
