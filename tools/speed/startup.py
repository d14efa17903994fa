"""How much later than Python itself the command line answers: prints medians over several runs.

python tools/speed/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 9
QMBENCH = str(Path(sys.executable).parent / "qmbench")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "qmbench --help": [QMBENCH, "--help"],
    "qmbench list methods": [QMBENCH, "list", "methods"],
}
ALLOWED = {"qmbench --help": 0.15, "qmbench list methods": 0.5}


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    # Interleaved, so that a disturbance of the machine meets all of them.
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, command in COMMANDS.items():
            taken[name].append(seconds(command))
    bare = statistics.median(taken["python -c pass"])
    for name, times in taken.items():
        median = statistics.median(times)
        over = f"  {median - bare:+.3f} s over Python, allowed {ALLOWED[name]:.2f} s" if name in ALLOWED else ""
        print(f"{name:24} {median:.3f} s{over}")


if __name__ == "__main__":
    main()
