"""What several formats of one report are made from, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from qmbench.report.model import Names, names_of

if TYPE_CHECKING:
    from qmbench.judging.model import Evaluation

P = ParamSpec("P")
T = TypeVar("T")


def once(make: Callable[Concatenate[Evaluation, P], T]) -> Callable[Concatenate[Evaluation, P], T]:
    """`make`, which is called when an evaluation is first asked for what it makes with these arguments."""

    @wraps(make)
    def found(report: Evaluation, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (make, args, tuple(sorted(kwargs.items())))
        if key not in report.made:
            report.made[key] = make(report, *args, **kwargs)
        made: T = report.made[key]
        return made

    return found


@once
def names_in(report: Evaluation) -> Names:
    """What the levels of its results are called."""
    return names_of(report.results)
