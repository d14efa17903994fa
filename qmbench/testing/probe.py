"""A fresh interpreter that imports one plugin and asks its methods, to see what that costs and drags in."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata

from qmbench.plugging.registry import GROUP

# Programs and heavy frameworks that no entry module and no `check` has a reason to import.
PROGRAMS = (
    *("pyscf", "psi4", "xtb", "tblite", "dftd3", "dftd4", "pymbd", "libmbd", "ase", "gpaw", "pyblock2", "block2"),
    *("pyqmc", "ipie", "qcengine", "openmm", "rdkit", "quimb", "openfermion"),
    *("torch", "jax", "tensorflow", "mace", "e3nn", "sklearn", "numba"),
)
NOT_PROGRAMS = ("numpy", "scipy", "pandas", "pydantic")

_SCRIPT = """
import contextlib, ctypes, json, os, sys, tempfile, time
from importlib import metadata
import qmbench.plugging.registry, qmbench.domain.record, scipy.spatial
request = json.load(sys.stdin)
answers = os.fdopen(os.dup(1), "w")
files = {"output": (1, tempfile.TemporaryFile()), "error": (2, tempfile.TemporaryFile())}
for fd, file in files.values():
    os.dup2(file.fileno(), fd)

def said():
    sys.stdout.flush(), sys.stderr.flush(), ctypes.CDLL(None).fflush(None)
    texts = {}
    for name, (fd, file) in files.items():
        file.seek(0)
        texts[name] = file.read(10000).decode(errors="replace")
        file.seek(0), file.truncate()
    return texts

def queued():  # seconds that this process was ready and had no core to run on
    with contextlib.suppress(OSError):
        return int(open("/proc/self/schedstat").read().split()[1]) * 1e-9
    return 0.0

def clocks():
    return time.perf_counter(), time.process_time(), queued()

point = [p for p in metadata.entry_points(group="qmbench") if p.name == request["plugin"]]
start = clocks()
module = point[0].load()
list(module.qmbench_methods()) if hasattr(module, "qmbench_methods") else []
wall, cpu, waiting = (now - then for now, then in zip(clocks(), start))
answer = {"import_s": cpu, "waited_s": max(0.0, wall - cpu - waiting), "yardstick_s": start[1]}
answer["after_import"] = sorted({m.partition(".")[0] for m in sys.modules})
answer["said_by_import"] = said()
found = qmbench.plugging.registry.discover(point)
after, answer["said_by_check"] = answer.setdefault("after_check", {}), {}
for name, level, system in request["examples"]:
    try:
        found.level(level).make().check(found.systems.from_json(system), found.methods[name].properties)
    except qmbench.QmbenchError:
        pass
    after[name] = sorted({m.partition(".")[0] for m in sys.modules})
    answer["said_by_check"][name] = said()
json.dump(answer, answers)
answers.flush()
os._exit(0)
"""


YARDSTICK_S = 0.5
"""CPU seconds to start an interpreter and import the core, for which time limits are meant as they stand. Importing the
largest plugins takes 0.11 to 0.15 of it (measured: 0.13–0.20 s of 1.05–1.41 s)."""


@dataclass(frozen=True)
class Probe:
    """What a fresh interpreter saw. Module names are top level.

    import_s: CPU seconds of the entry module. waited_s: seconds in which it neither computed nor waited for a core
    (sleep, disk, network). yardstick_s: CPU seconds before that, to start and import the core. said_by_…: what was
    written to standard `output` and `error`, of `check` by method.
    """

    import_s: float
    waited_s: float
    yardstick_s: float
    after_import: frozenset[str]
    after_check: dict[str, frozenset[str]]
    said_by_import: dict[str, str]
    said_by_check: dict[str, dict[str, str]]
    error: str = ""


@lru_cache(maxsize=64)
def probe(plugin: str, examples: str) -> Probe:
    """Import `plugin` and run `check` of its examples (JSON: [[method, level, system], …]) in a new interpreter.

    The import is timed three times at most and the best counts, since a busy machine only ever adds.
    """
    request = json.dumps({"plugin": plugin, "examples": json.loads(examples)})
    best: Probe | None = None
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", _SCRIPT], input=request, capture_output=True, text=True)
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            return Probe(0.0, 0.0, 0.0, frozenset(), {}, {}, {}, last[0])
        data = json.loads(done.stdout)
        after = {name: frozenset(modules) for name, modules in data["after_check"].items()}
        if best is None or data["import_s"] + data["waited_s"] < best.import_s + best.waited_s:
            best = Probe(
                data["import_s"],
                data["waited_s"],
                data["yardstick_s"],
                frozenset(data["after_import"]),
                after,
                data["said_by_import"],
                data["said_by_check"],
            )
        if best.import_s + best.waited_s < 0.05:
            break
    assert best is not None
    return best


def programs(distributions: tuple[str, ...]) -> set[str]:
    """Module names that count as a program: the known ones and those of the declared distributions."""
    own = {module for name in distributions for module in _modules(name)}
    return {m for m in own | set(PROGRAMS) if m not in NOT_PROGRAMS and not m.startswith(GROUP)}


def _modules(distribution: str) -> set[str]:
    """Top-level modules of an installed distribution (of all its files where it does not list them)."""
    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return set()
    listed = (found.read_text("top_level.txt") or "").split()
    parts = {path.parts[0] for path in found.files or () if path.suffix == ".py"}
    return set(listed) or {part.removesuffix(".py") for part in parts if not part.startswith(".")}
