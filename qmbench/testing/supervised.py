"""The conformance kit in a supervised child: whatever a method does ends as one failed check, and the run goes on.

One child runs the checks one after the other, so that they share calculations; after a fault (an exit, a signal, a
limit passed, a process left running) another takes over.
"""

from __future__ import annotations

import selectors
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from qmbench.domain.errors import InputError, ResourceError, did_you_mean
from qmbench.plugging.registry import Plugins
from qmbench.running.engine.outcome import Outcome
from qmbench.running.engine.supervisor import Child
from qmbench.testing import kit
from qmbench.testing.kit import ABOUT_THE_PLUGIN, CHECKS, WITHOUT_COMPUTING, Check, ConformanceError, NotApplicable

TIMEOUT_S = 300.0
LIST_S = 60.0  # for importing the plugin and listing its checks
WAKE_SECONDS = 0.05
JOB = "qmbench.testing.job"
LOADS = "loads"  # the row of a plugin that does not


@dataclass(frozen=True)
class SupervisedCheck(Check):
    """A check that runs in the child of its supervisor."""

    supervisor: Supervisor

    def __call__(self) -> None:
        row = self.supervisor.run(self.subject.method.name, self.name)
        if row.outcome == "failed":
            raise ConformanceError(row.message)
        if row.outcome == "skipped":
            raise NotApplicable(row.message)


def checks(
    plugin: str, methods: Iterable[str] | None = None, registry: Plugins | None = None, supervised: bool = False
) -> list[Check]:
    """Every check of every method that the installed plugin `plugin` registers.

    methods: only these (also names of an open family, which nobody registers). registry: the plugins to look
    in, those installed by default. supervised: run them in a child process, which any way to end and 300 s for each
    leave unharmed; slower, since it imports the plugin again. InputError when the plugin is not there or could not be
    loaded.
    """
    methods = None if methods is None else list(methods)
    found = kit.checks(plugin, methods, registry)
    if not supervised:
        return found
    supervisor = Supervisor(plugin, methods or ())
    return [SupervisedCheck(check.name, check.subject, supervisor) for check in found]


@dataclass(frozen=True)
class Row:
    """How one check ended: passed, failed or skipped; the message says why it did not pass."""

    method: str
    check: str
    outcome: str
    message: str
    wall_s: float

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "message": " ".join(self.message.split()), "wall_s": round(self.wall_s, 3)}


class Supervisor:
    """Runs checks of one plugin in children. methods: only these; empty for all that it registers.

    timeout_s, memory_gib: limits of one check. Use it in a `with` block, which ends the child.
    """

    def __init__(
        self,
        plugin: str,
        methods: Sequence[str] = (),
        timeout_s: float = TIMEOUT_S,
        memory_gib: float | None = None,
    ) -> None:
        self.plugin, self.methods = plugin, list(methods)
        self._limits = {"cores": 1, "time_s": timeout_s, "memory_gib": memory_gib, "artifacts": None}
        self._root: Path | None = None
        self._children: list[Child] = []  # one at most
        self._told = Told()
        self._finalizer: weakref.finalize[Any, Any] | None = None

    def listed(self) -> list[tuple[str, str]] | Row:
        """(method, check) of all that there is to run, or the failed row of a plugin that does not load.

        InputError when a method is not the plugin's.
        """
        outcome = self._ask({"what": "list"})
        if isinstance(outcome, str):
            return Row("", LOADS, "failed", outcome, 0.0)
        answer = outcome.settings
        wall_s = outcome.cost.wall_s if outcome.cost else 0.0
        if outcome.failure is not None or "broken" in answer:
            message = outcome.failure.message if outcome.failure else answer["broken"]
            return Row("", LOADS, "failed", message, wall_s)
        if "wrong" in answer:
            raise InputError(answer["wrong"])
        return [(method, check) for method, check in answer["checks"]]

    def run(self, method: str, check: str) -> Row:
        """One check, however it ends."""
        why = self._told.skips(method, check)
        if why:
            return Row(method, check, "skipped", why, 0.0)
        outcome = self._ask({"what": "check", "method": method, "check": check})
        if isinstance(outcome, str):
            row = Row(method, check, "failed", f"{method}: {outcome}", 0.0)
        else:
            wall_s = outcome.cost.wall_s if outcome.cost else 0.0
            if outcome.failure is not None:
                row = Row(method, check, "failed", f"{method}: {outcome.failure.message}", wall_s)
            else:
                row = Row(method, check, outcome.settings["outcome"], outcome.settings["message"], wall_s)
        return self._told.once(row)

    def rows(self, chosen: Sequence[str] = ()) -> Iterator[tuple[int, int, str, Row | None]]:
        """(number, of how many, name, row) before (row None) and after each check; InputError for an unknown check."""
        found = self.listed()
        if isinstance(found, Row):
            yield 1, 1, LOADS, found
            return
        known = dict.fromkeys((*CHECKS, *(check for _, check in found)))
        for wrong in (check for check in chosen if check not in known):
            raise InputError(f"there is no check '{wrong}' for {self.plugin}{did_you_mean(wrong, known)}")
        found = [(method, check) for method, check in found if not chosen or check in chosen]
        for number, (method, check) in enumerate(found, start=1):
            yield number, len(found), f"{method}-{check}", None
            yield number, len(found), f"{method}-{check}", self.run(method, check)

    def _ask(self, question: dict[str, Any]) -> Outcome | str:
        """The child's answer; text when no child starts."""
        used = bool(self._children)
        answer = self._asked(question)
        # A child that died of the check before, after that was over, is no fault of this one.
        return self._asked(question) if used and isinstance(answer, str) else answer

    def _asked(self, question: dict[str, Any]) -> Outcome | str:
        about = {"plugin": self.plugin, "methods": self.methods}
        try:
            if not self._children:
                self._children.append(Child(self.plugin, self._folder(), job=JOB))
                if question["what"] != "list":  # so that no check pays for importing the plugin
                    _answer(
                        self._children[0], {**about, "what": "list", "resources": {**self._limits, "time_s": LIST_S}}
                    )
            child = self._children[0]
            limits = self._limits if question["what"] != "list" else {**self._limits, "time_s": LIST_S}
            outcome = _answer(child, {**about, **question, "resources": limits})
        except ResourceError as error:
            self.close()
            return str(error)
        except BaseException:
            self.close()
            raise
        if not child.reusable:
            self.close()
        return outcome

    def _folder(self) -> Path:
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="qmbench-check-"))
            self._finalizer = weakref.finalize(self, _end, self._children, self._root)
        return self._root

    def close(self) -> None:
        """End the child with its process tree, and remove its folder. The supervisor can be used again."""
        if self._finalizer is not None:
            self._finalizer()
        self._finalizer = self._root = None

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end(children: list[Child], root: Path) -> None:
    while children:
        children.pop().kill()
    shutil.rmtree(root, ignore_errors=True)


def _answer(child: Child, document: Mapping[str, Any]) -> Outcome:
    """What the child says, or what became of it."""
    child.send(document)
    with selectors.DefaultSelector() as selector:
        selector.register(child, selectors.EVENT_READ)
        while (outcome := child.poll()) is None:
            selector.select(WAKE_SECONDS)
    return outcome


@dataclass
class Told:
    """What was found already, so that one failure is said once although it shows in many checks and children."""

    failures: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    def skips(self, method: str, check: str) -> str:
        """Why a check need not run; empty when it has to."""
        if method in self.silent and check not in WITHOUT_COMPUTING | {"examples_compute"}:
            return "skipped because examples_compute failed"
        return ""

    def once(self, row: Row) -> Row:
        """The row itself, or that of a skipped check when its failure is known."""
        if row.outcome != "failed":
            return row
        if row.check == "examples_compute":
            self.silent.add(row.method)
        message = row.message.removeprefix(f"{row.method}: ")
        key = ("" if message.startswith(ABOUT_THE_PLUGIN) else row.method, message)
        method, check = self.failures.setdefault(key, (row.method, row.check))
        if (method, check) == (row.method, row.check):
            return row
        of = "" if method == row.method else f" of {method}"
        return Row(
            row.method, row.check, "skipped", f"skipped because {check}{of} failed for the same reason", row.wall_s
        )
