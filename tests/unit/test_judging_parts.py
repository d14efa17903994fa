"""Parts of the judging on their own: shortcuts give what the long way gives, and advice is some that could help."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from qmbench.judging.bootstrap import patterns
from qmbench.judging.disagreement import Judged, _pairs, two_sided_p
from qmbench.judging.tiers import _to_settle


@pytest.mark.parametrize("coverage", [0.0, 0.5, 0.9, 1.0])
def test_columns_that_are_alike_are_found_whatever_their_order(coverage):
    rng = np.random.default_rng(3)
    has = rng.random((9, 60)) < coverage
    found = patterns(has)
    assert sorted(i for columns, _ in found for i in columns) == list(range(60))
    for columns, mask in found:
        assert (has[:, columns] == mask[:, None]).all()
    assert len(found) == len(np.unique(has.T, axis=0))
    sizes = [mask.sum() for _, mask in found]
    assert sizes == sorted(sizes)
    order = rng.permutation(60)
    again = patterns(has[:, order])
    assert [mask.tolist() for _, mask in again] == [mask.tolist() for _, mask in found]


def test_significant_pairs_are_those_of_all_pairs():
    """Where a normal distribution finds nothing, Student's is not asked; its answers are those of asking it always."""
    rng = np.random.default_rng(5)
    n, columns = 40, 6
    value, uncertainty = rng.standard_t(2, (n, columns)), np.full((n, columns), 0.4)
    value[rng.random((n, columns)) < 0.2] = np.nan
    freedom = rng.choice([2.0, 5.0, 30.0, np.inf], n)
    empty = np.zeros(n)
    group = SimpleNamespace(value=value)
    judged = Judged(group, uncertainty, empty, freedom, empty, empty, empty, empty, empty, empty)
    found, small, total = _pairs(judged, 0.05)
    first, second = np.triu_indices(columns, 1)
    z = np.abs(value[:, first] - value[:, second]) / (0.4 * np.sqrt(2.0))
    p = np.where(np.isfinite(z), two_sided_p(np.nan_to_num(z), freedom[:, None]), np.nan)
    assert total == np.isfinite(z).sum()
    assert len(small) == (p <= 0.05).sum() > 20
    assert np.sort(small) == pytest.approx(np.sort(p[p <= 0.05]), rel=1e-6)
    assert found.p == pytest.approx(np.nanmin(p, axis=1), rel=1e-12)
    assert found.max_z == pytest.approx(np.nanmax(z, axis=1))


def settled(off, kind="model", wall=1.0, families=((("functional", "pbe"),),) * 3, reference=0, basis="/sz"):
    columns = tuple(
        SimpleNamespace(name=name, families=shared, level_of_theory=f"{name}{basis}")
        for name, shared in zip(("ref", "a", "b"), ((), *families[:2]), strict=True)
    )
    group = SimpleNamespace(
        columns=columns,
        value=np.zeros((1, 3)),
        kind=np.array([["", kind, kind]], object),
        wall_s=np.array([[np.nan, wall, wall]]),
    )
    return _to_settle(group, 0, off, reference)


def test_what_would_settle_a_surprise_is_something_that_could():
    assert settled([]) == ""
    assert settled([(1, 3.0)], kind="statistical") == "a sampled longer here, from another seed"
    assert settled([(1, 3.0)], wall=np.nan).startswith("a computed here")
    # The same calculation again says the same.
    assert settled([(1, 3.0)]) == "a here in a larger basis set, from another starting point or by another program"
    assert settled([(1, 3.0)], basis="") == "a here by another program"
    assert settled([(1, 3.0), (2, -3.0)]) == settled([(1, 3.0)])
    together = settled([(1, 3.0), (2, 2.0)])
    assert together.startswith("a second reference value here, and a level without what a, b share (functional pbe)")
    assert settled([(1, 3.0), (2, 2.0)], reference=None).startswith("a reference value here")
    apart = settled([(1, 3.0), (2, 2.0)], families=((("basis", "x"),), (("basis", "y"),)))
    assert apart == "a second reference value here: a, b share nothing and are off the same way"
