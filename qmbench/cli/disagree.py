"""`qmbench disagree`: where methods contradict each other, in a stored run or in published values alone."""

from __future__ import annotations

from json import dumps

from qmbench.cli.common import console, print_json
from qmbench.cli.loaded import load_target
from qmbench.data.filters import EntryFilter
from qmbench.domain.errors import InputError
from qmbench.running.progress import steps_shown

MANY_VOTES = 20_000


def disagree(target: str | None, significance: float, store: str | None, json: bool, only: EntryFilter) -> int:
    """The command; exit code 2 when no entry has two values to compare."""
    if not 0.0 < significance < 1.0:
        raise InputError(f"--significance is a probability between 0 and 1, not {significance}")
    from qmbench.report.disagree_text import render_terminal

    evaluation = load_target(target, store, only=only)
    with steps_shown():
        found = evaluation.disagreement_at(significance)
    document = {"run": evaluation.run.id if evaluation.run else None, **found}
    if json and sum(len(x["votes"]) for x in document["entries"]) > MANY_VOTES:
        print(dumps(document, allow_nan=False))  # on one line: indenting takes ten times as long
    elif json:
        print_json(document, "disagree")
    else:
        render_terminal(document, console())
    return 0 if document["entries"] else 2
