"""What is judged is judged with one thread of linear algebra, and what the process had before is given back."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from qmbench.judging import disagree_document, league, statistics
from qmbench.judging.model import Evaluation


def of_blas():
    return {one["filepath"]: one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


@pytest.mark.parametrize(
    ("asked", "module", "called"),
    [
        (lambda report: report.disagreement, disagree_document, "disagree_document"),
        (lambda report: report.statistics, statistics, "statistics"),
        (lambda report: report.league, league, "league_table"),
    ],
)
def test_judging_takes_one_thread(made, monkeypatch, asked, module, called):
    report = Evaluation(made.run, {}, made.benchmarks, made.results, made.references)
    report.scored  # noqa: B018
    seen = []
    real = getattr(module, called)

    def looked_at(*arguments, **named):
        seen.append(of_blas())
        return real(*arguments, **named)

    monkeypatch.setattr(module, called, looked_at)
    with threadpool_limits(2, user_api="blas"):
        before = of_blas()
        asked(report)
        assert 2 in before.values()
        assert before.items() <= of_blas().items()  # others may have been loaded since
    (within,) = seen
    assert {within[library] for library in before} == {1}
