"""Random configurations: each is certified with the right number of electrons, or says that it is not converged."""

from __future__ import annotations

import random

import numpy as np
import pytest
from dmet_cases import APBC, OPEN, PBC, hubbard

from qmbench_dmet.embedding import one_shot
from qmbench_dmet.problem import Settings

SHAPES = [(6,), (8,), (9,), (10,), (12,), (16,), (2, 4), (4, 2), (3, 4), (6, 2), (4, 4)]


def configurations(count: int, seed: int):
    """Lattice, boundary, filling, U, fragment, bath and interaction; some with site energies or twists."""
    rng = random.Random(seed)
    while count:
        shape = rng.choice(SHAPES)
        boundary = tuple(rng.choice((PBC, APBC, OPEN)) for _ in shape)
        sites = int(np.prod(shape))
        electrons = rng.randint(2, 2 * sites - 2)
        u = rng.choice((0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 20.0))
        fragment = tuple(rng.choice([k for k in (1, 2, 3) if n % k == 0]) for n in shape)
        bath = rng.choice(("auto", "ensemble"))
        # three-site ensembles have up to nine orbitals: right as well, but minutes of full CI
        if np.prod(fragment) > (2 if bath == "ensemble" else 3):
            continue
        onsite = tuple(rng.uniform(-1, 1) for _ in range(sites)) if rng.random() < 0.1 else ()
        twist = tuple(rng.uniform(0, 0.5) for _ in shape) if rng.random() < 0.15 and OPEN not in boundary else ()
        interaction = rng.choice(("interacting", "noninteracting"))
        yield (shape, boundary, electrons, u, fragment, onsite, twist), {"bath": bath, "interaction": interaction}
        count -= 1


def sweep(count: int, seed: int) -> tuple[dict[str, int], list[int]]:
    outcomes: dict[str, int] = {}
    solves = []
    for case, choices in configurations(count, seed):
        try:
            problem = hubbard(*case)
        except ArithmeticError:
            # an irregular lattice whose mean field does not settle is said so before anything is embedded
            assert case[5], case
            outcomes["mean field"] = outcomes.get("mean field", 0) + 1
            continue
        found = one_shot(problem, Settings(**choices))
        potential = found.chemical_potential
        assert potential.certificate in ("smooth", "crossing"), (case, choices, potential.note)
        assert potential.number_error < 1e-8, (case, choices)
        assert potential.duality_gap < 1e-7, (case, choices)
        total = sum(c * float(n.sum()) for c, n in zip(found.copies, found.occupations, strict=True))
        assert total == pytest.approx(problem.n_electrons, abs=1e-8), (case, choices)
        outcomes[potential.certificate] = outcomes.get(potential.certificate, 0) + 1
        solves.append(potential.solves)
    return outcomes, solves


def test_sweep():
    outcomes, solves = sweep(80, 1)
    assert outcomes["smooth"] > 50
    assert outcomes["crossing"] >= 2
    assert np.mean(solves) < 6


@pytest.mark.slow
def test_sweep_of_five_hundred():
    outcomes, solves = sweep(500, 7)
    print(outcomes, np.mean(solves), max(solves))
    assert outcomes["smooth"] + outcomes["crossing"] > 450
    assert outcomes["crossing"] >= 10
    assert max(solves) <= 30
