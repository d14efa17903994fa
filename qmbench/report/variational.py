"""How near variational states are to eigenstates: V-scores, where records state them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qmbench.report.model import Extra, Names

if TYPE_CHECKING:
    from qmbench.judging.model import Evaluation

V_SCORE = "v_score"
"""Setting of a record: N Var(E) / (E − E∞)², dimensionless."""


def v_score_table(report: Evaluation, benchmark: str, names: Names) -> Extra:
    """V-scores of the systems of a benchmark by level, from the records of its entries (Wu et al., Science 386, 296
    (2024)); no rows where no record states one. They are taken as the method gives them: it alone knows the variance.
    """
    found: dict[str, dict[str, float]] = {}
    for planned in report.run.entries if report.run else ():
        if planned.benchmark != benchmark:
            continue
        for key in planned.keys:
            record = report.records.get(key)
            settings = record.provenance.get("settings") if record is not None else None
            if record is not None and settings and (score := _score(settings)) is not None:
                found.setdefault(names.of(planned.level, planned.bsse), {})[record.system_name] = score
    rows = []
    for level, scores in sorted(found.items(), key=lambda x: float(np.median(list(x[1].values())))):
        worst = max(scores, key=lambda name: scores[name])
        cells = [f"{np.median(list(scores.values())):.2g}", f"{min(scores.values()):.2g}"]
        rows.append((level, str(len(scores)), *cells, f"{scores[worst]:.2g} ({worst})"))
    note = (
        "V = N Var(E) / (E − E∞)², with the number of electrons N, the variance of the energy in the state, and the "
        "energy of separated particles E∞ = 0 (Wu et al., Science 386, 296 (2024)): 0 for an eigenstate, whatever the "
        "basis. In diffusion Monte Carlo the variance is that of the mixed distribution. As the records state them."
    )
    return Extra(
        "V-scores", note, ("level of theory", "systems", "median", "smallest", "largest"), (False, *(True,) * 4), rows
    )


def _score(settings: Any) -> float | None:
    score = settings.get(V_SCORE) if isinstance(settings, dict) else None
    return float(score) if isinstance(score, int | float) and not isinstance(score, bool) and score >= 0 else None
