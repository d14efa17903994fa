"""Whether the stated uncertainty of focal points covers what a larger basis set changes in their correction.

CCSD(T) as MP2 at its limit plus the difference between both in a small basis set, against the same with the difference
in quadruple-zeta, on the dissociation energies of ten diatomics with frozen cores. Prints for each small basis set the
errors, the stated uncertainties, which share of the 95 % intervals covers the larger calculation, and what share of
MP2's own basis-set error would have been the best statement.

    python tools/validation/focal_points.py [--store PATH] [--workers N]
"""

from __future__ import annotations

import argparse

import numpy as np
from basis_errors import DIATOMICS, NORMAL_95, covered

import qmbench
from qmbench.data.suite import Selection, Suite, SuiteLevel
from qmbench.judging.basis import CORRECTION_SHARE

SMALL = ("cc-pvdz", "cc-pvtz")
LARGE = "cc-pvqz"
LIMIT = "mp2/cc-pv[tq]z?frozen_core=true"


def focal(basis: str) -> str:
    """The focal point with its correction in `basis`."""
    return f"{LIMIT} + ccsd(t)/{basis}?frozen_core=true - mp2/{basis}?frozen_core=true"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--store", default="qmbench-data/focal-points.sqlite")
    parser.add_argument("--workers", type=int, default=None)
    asked = parser.parse_args()
    plain = [f"mp2/{basis}?frozen_core=true" for basis in SMALL]
    texts = [*map(focal, (*SMALL, LARGE)), LIMIT, *plain]
    suite = Suite(
        "focal", "focal", (Selection("diatomics", entries=DIATOMICS),), tuple(SuiteLevel(t, None) for t in texts)
    )
    results = qmbench.run(suite, store=asked.store, workers=asked.workers).results
    table = {
        name: results.pivot_table(index="entry", columns="level_of_theory", values=name)
        for name in ("value", "basis_uncertainty")
    }
    spelled = {text: str(qmbench.level(text)) for text in texts}
    value = {text: table["value"][spelled[text]].to_numpy() for text in texts}
    for basis, alone in zip(SMALL, plain, strict=True):
        error = value[focal(basis)] - value[focal(LARGE)]
        sigma = table["basis_uncertainty"][spelled[focal(basis)]].to_numpy()
        inside, n = covered(error, sigma)
        step = value[LIMIT] - value[alone]
        best = float(np.sqrt(np.mean((error / step) ** 2)))
        print(
            f"{basis}: rms error {np.sqrt(np.mean(error**2)):.3f}, stated {np.sqrt(np.mean(sigma**2)):.3f} kcal/mol; "
            f"within {NORMAL_95:.2f} of it {inside}/{n}; rms of error / MP2's basis-set error {best:.3f}, "
            f"assumed {CORRECTION_SHARE}"
        )


if __name__ == "__main__":
    main()
