"""Every level against every other one over all entries, by the network of comparisons: the league table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.judging.best import errors_to_rank_by, ranking
from qmbench.judging.comparison import error_matrix, own_matrix
from qmbench.judging.statistics import basis_part

if TYPE_CHECKING:
    import pandas as pd

LEAGUE_COLUMNS = (
    "benchmark observable unit level_a bsse_a level_b bsse_b n_common adjusted_mean_absolute_error_a "
    "adjusted_mean_absolute_error_b difference difference_low difference_high"
).split()


def league_table(scored: pd.DataFrame, confidence: float = 0.95, resamples: int = 1000) -> pd.DataFrame:
    """One row per pair of levels that are linked by entries, the better one as `a`. scored: of `statistics.score`.

    difference: b − a of their adjusted mean absolute errors (`best.Ranking`, of the errors by which statistics rank
    levels), never negative, with its interval at `confidence`, NaN where the entries of a level are not of
    `bootstrap.enough` molecules. n_common: entries that both have; with none, they are compared through others.
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    for (benchmark, observable, unit), part in scored.groupby(["benchmark", "observable", "unit"], sort=False):
        errors, entries, levels = error_matrix(part)
        parts = part.get("method_error", np.nan), basis_part(part)
        method, basis = (error_matrix(part.assign(error=x))[0] for x in parts)
        errors = errors_to_rank_by(errors, method, basis, own_matrix(part))
        first = part.drop_duplicates("entry").set_index("entry").reindex(entries)
        molecules = list(first["molecule"]) if "molecule" in first else entries
        order = np.argsort(first["reference"].astype(float).to_numpy(), kind="stable")
        found = ranking(np.abs(errors), molecules, order, confidence, resamples)
        has = np.isfinite(errors)
        ranked = np.argsort(found.mean, kind="stable")
        ranked = ranked[np.isfinite(found.mean[ranked])]
        for i, a in enumerate(ranked.tolist()):
            for b in ranked[i + 1 :].tolist():
                both, means = int((has[:, a] & has[:, b]).sum()), (found.mean[a], found.mean[b])
                ends = (means[1] - means[0], *found.pairs[:, a, b])
                rows.append((benchmark, observable, unit, *levels[a], *levels[b], both, *means, *ends))
    return pd.DataFrame(rows, columns=LEAGUE_COLUMNS)
