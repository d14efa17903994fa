"""Where the exchange-correlation energy of a molecule comes from, atom by atom."""

from __future__ import annotations

import numpy as np

from qmbench import Explanation, Molecule
from qmbench_ml.xc import functional
from qmbench_ml.xc.jets import Array
from qmbench_ml.xc.model import Model

MOST = 50


def shares(molecule: Molecule, model: Model, rho: Array, weights: Array, modes: Array) -> Explanation:
    """Exchange and correlation of the space nearest to each nucleus, as a record's explanation.

    weights: (N, atoms), zero where another nucleus is nearer; modes: (20, atoms), see `Model`. The most uncertain
    atoms first; beyond 200 atoms only the first 50.
    """
    x, c = functional.parts(model.theta.tolist())
    everything = functional.evaluate(x, c, rho, 0)[0] @ weights
    exchange = functional.evaluate(x, lambda up, *_: 0.0 * up, rho, 0)[0] @ weights
    channels = rho if rho.ndim == 3 else rho[None]
    electrons = channels[:, 0].sum(0) @ weights
    uncertain = np.linalg.norm(modes, axis=0)
    centres = zip(molecule.symbols, molecule.ghosts, strict=True)
    names = [f"{symbol}{i}{' (ghost)' if ghost else ''}" for i, (symbol, ghost) in enumerate(centres, 1)]
    order = np.argsort(-uncertain, kind="stable")
    if len(names) > 200:
        order = order[:MOST]
    rows = [[names[i], *(float(a[i]) for a in (electrons, exchange, everything - exchange, uncertain))] for i in order]
    columns = ("atom", "electrons", "exchange (hartree)", "correlation (hartree)", "uncertainty (hartree)")
    note = "every point of space belongs to the nearest nucleus; energies add up, uncertainties do not"
    return Explanation(columns, tuple(map(tuple, rows)), note)
