"""Whatever a method does, its task becomes a failed record of the right kind, and the other tasks go on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from qmbench.domain.record import Task
from qmbench.domain.resources import Resources
from qmbench.running.engine import processes, supervisor
from qmbench.running.engine.local import LocalEngine
from qmbench.running.engine.outcome import Outcome

# what the method does: (kind of failure, what its message says)
FAULTS = {
    "raise": ("error", "ValueError: the sky fell down"),
    "unreadable": ("error", "Unreadable"),
    "input": ("input", "no such basis"),
    "not_converged": ("not_converged", "after 50 cycles"),
    "resource_error": ("memory", "needs 10 GiB"),
    "nan": ("error", "'energy' is not finite"),
    "wrong_unit": ("error", "'energy' must be in 'hartree', not 'eV'"),
    "wrong_shape": ("error", "must have shape ()"),
    "missing": ("error", "'energy' was asked for and is missing from the result; it has dipole"),
    "float": ("error", "compute returned float"),
    "float_property": ("error", "'energy' is float"),
    "complex": ("error", "complex"),
    "odd_settings": ("error", "settings.object holds a object"),
    "system_exit": ("crash", "SystemExit: 3"),
    "os_exit": ("crash", "exit code 0"),
    "keyboard_interrupt": ("error", "KeyboardInterrupt"),
    "segfault": ("crash", "signal 11 (SIGSEGV)"),
    "abort": ("crash", "signal 6 (SIGABRT)"),
    "kill_self": ("crash", "signal 9 (SIGKILL)"),
    "one_big_array": ("memory", "with a limit of 0.5 GiB: Unable to allocate 16.0 GiB"),
    "eat_memory": ("memory", "limit of 0.5 GiB"),  # from either that limit or the look at what is resident
    "eat_memory_together": ("memory", "limit of 0.5 GiB"),
    "eat_memory_in_pieces": ("memory", "processes, more than its limit of 0.5 GiB"),
    "eat_memory_in_passing": ("memory", "processes, more than its limit of 0.5 GiB"),
    "print_and_fail": ("error", "after much talk"),
}
HANGS = ("hang", "hang_in_c", "ignore_sigterm", "orphan_and_hang")
GOOD = ("share_memory", "fork_and_return", "print", "close_output", "daemon_thread", "numpy_settings")


@pytest.fixture
def outcomes(sabotage: Callable[..., Task], tmp_path: Path) -> Callable[..., dict[str, Outcome]]:
    """Runs methods that do these things, a healthy task after each; {what it does: outcome}."""

    def run(*faults: str, **limits: float) -> dict[str, Outcome]:
        tasks, what = [], {}
        for n, fault in enumerate(faults):
            for do in (fault, "nothing"):
                tasks.append(sabotage(do, n=100 + n, file=tmp_path / f"{fault}.pid"))
                what[str(tasks[-1].level)] = do
        found = {}
        healthy = 0
        with LocalEngine(2, Resources(scratch=tmp_path, **limits)) as engine:
            for task, outcome in engine.run(tasks):
                do = what[str(task.level)]
                if do == "nothing":
                    assert (outcome.status, outcome.failure) == ("ok", None)
                    assert outcome.properties["energy"].value == -2.0
                    healthy += 1
                else:
                    found[do] = outcome
        assert healthy == len(faults)
        return found

    return run


def test_every_fault_is_told_apart(outcomes: Callable[..., dict[str, Outcome]]) -> None:
    found = outcomes(*FAULTS, memory_gib=0.5, time_s=60.0)
    assert found.keys() == FAULTS.keys()
    for do, (kind, message) in FAULTS.items():
        outcome = found[do]
        assert outcome.status == "failed", do
        assert outcome.failure.kind == kind, (do, outcome.failure)
        assert message in outcome.failure.message, (do, outcome.failure)
        assert "\n" not in outcome.failure.message
        assert not outcome.properties
        assert outcome.cost.wall_s > 0
        assert outcome.cost.peak_memory_mib > 10
        assert outcome.started.endswith("+00:00")
    # The log says where it happened, for Python's errors and for the kernel's signals.
    assert "in do_raise" in found["raise"].failure.log_tail
    assert "Traceback" not in found["not_converged"].failure.log_tail  # it was raised to be read
    assert "Segmentation fault" in found["segfault"].failure.log_tail
    assert "after much talk" in found["print_and_fail"].failure.log_tail
    assert len(found["print_and_fail"].failure.log_tail) <= 4000
    assert 400 < found["eat_memory"].cost.peak_memory_mib < 1000


def test_what_looks_bad_and_is_not(outcomes: Callable[..., dict[str, Outcome]]) -> None:
    found = outcomes(*GOOD, memory_gib=0.5, time_s=60.0)
    for do in GOOD:
        assert found[do].status == "ok", (do, found[do].failure)
        assert found[do].properties["energy"].value == -2.0
    assert found["numpy_settings"].settings == {"n": 3, "x": [1.0, "inf"]}
    assert found["numpy_settings"].warnings == ("look out",)
    assert found["fork_and_return"].settings == {"copy": False}


def test_unsupported_is_no_failure(outcomes: Callable[..., dict[str, Outcome]]) -> None:
    outcome = outcomes("unsupported")["unsupported"]
    assert (outcome.status, outcome.failure.kind, outcome.failure.message) == (
        "unsupported",
        "unsupported",
        "not this one",
    )


def test_hanging_ends_at_the_limit_with_the_whole_tree(
    outcomes: Callable[..., dict[str, Outcome]], tmp_path: Path
) -> None:
    start = time.monotonic()
    found = outcomes(*HANGS, time_s=1.0)
    assert time.monotonic() - start < 30
    for do in HANGS:
        assert found[do].failure.kind == "timeout", (do, found[do].failure)
        assert "limit of 1 s" in found[do].failure.message
        assert 1.0 <= found[do].cost.wall_s < 5.0
    _check_gone(tmp_path / "orphan_and_hang.pid")


def test_memory_is_the_cause_also_when_time_is_over_first(
    outcomes: Callable[..., dict[str, Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "WATCH_SECONDS", 3600.0)  # a machine that gets to look at the tree too late
    found = outcomes("eat_memory_in_pieces", memory_gib=0.5, time_s=10.0)  # enough for 100 forks on any machine
    assert found["eat_memory_in_pieces"].failure.kind == "memory"


def test_waiting_for_what_the_system_ended_for_memory(
    outcomes: Callable[..., dict[str, Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert processes.killed_for_memory() >= 0
    counts = iter(range(0, 100, 3))
    monkeypatch.setattr(processes, "killed_for_memory", lambda: next(counts))
    found = outcomes("hang", time_s=1.0)
    assert found["hang"].failure.kind == "memory"
    assert "limit of 1 s" in found["hang"].failure.message
    assert re.search(r"the system ended [36] processes because memory ran out", found["hang"].failure.message)
    assert "limit of 1 s" in found["hang"].failure.message


def test_what_the_system_ended_for_memory_is_no_crash(
    outcomes: Callable[..., dict[str, Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter(range(0, 100, 2))
    monkeypatch.setattr(processes, "killed_for_memory", lambda: next(counts))
    found = outcomes("kill_self", "abort")
    assert found["kill_self"].failure.kind == "memory"
    assert re.search(
        r"SIGKILL.*the system ended \d+ processes because memory ran out", found["kill_self"].failure.message
    )
    assert found["abort"].failure.kind == "crash"


@pytest.mark.parametrize("do", ["grandchild", "orphan", "orphan_and_segfault"])
def test_nothing_survives_its_task(sabotage: Callable[..., Task], tmp_path: Path, do: str) -> None:
    start = time.monotonic()
    file = tmp_path / "pid"
    with LocalEngine(1, Resources(scratch=tmp_path)) as engine:
        for _, outcome in engine.run([sabotage(do, file=file)]):
            # The grandchild holds every file and pipe open for an hour; nobody waits for it.
            assert time.monotonic() - start < 30
            assert outcome.status == ("failed" if "segfault" in do else "ok")
            _check_gone(file)


def _check_gone(pid_file: Path) -> None:
    pid = int(pid_file.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
