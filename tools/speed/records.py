"""Writing and reading many records: `python tools/speed/records.py [--records N] [--json]`.

The records look like real ones: a few hundred levels of theory, four properties (one an array, one a set of
states), some failures with a log, versions, options and settings. What is measured is the store alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Failure, Record
from qmbench.running.store import Store

LEVELS = 200


def records(n: int) -> Iterator[Record]:
    """`n` different records, the same ones each time."""
    rng = np.random.default_rng(20)
    values = rng.normal(-100.0, 50.0, n)
    quantities = {
        "energy": lambda x: Quantity(x, "hartree"),
        "dipole": lambda x: Quantity(np.array([x, 0.0, 1.0]), "e bohr"),
        "c6": lambda x: Quantity(x, "hartree bohr6", 0.01, "statistical"),
        "excitation_energies": lambda x: Quantity({"S1": x, "T1": 0.5 * x}, "hartree"),
    }
    for i in range(n):
        prop = ("energy", "energy", "energy", "dipole", "c6", "excitation_energies")[i % 6]
        failed = i % 50 == 49
        yield Record(
            key=key(i),
            level=f"method{i % LEVELS}/aug-cc-pvtz?frozen_core=true",
            system_name=f"system{i // LEVELS}",
            system_hash=hashlib.sha256(str(i // LEVELS).encode()).hexdigest()[:24],
            prop=prop,
            status="failed" if failed else "ok",
            quantity=None if failed else quantities[prop](float(values[i])),
            failure=Failure("not_converged", "no convergence in 50 cycles", "cycle 50\n" * 100) if failed else None,
            provenance={
                "versions": {"qmbench": "0.1.0", "qmbench-pyscf": "0.1.0", "pyscf": "2.14.0"},
                "options": {"basis": "aug-cc-pvtz", "frozen_core": True, "n": i % LEVELS},
                "settings": {"basis_functions": i % 500, "s2": 0.0, "scf": {"cycles": 12, "stable": True}},
                "warnings": [],
                "started": "2026-01-01T00:00:00+00:00",
            },
            cost=Cost(1.0 + i % 7, 2.0, 150.0, 1),
        )


def key(i: int) -> str:
    """The key of record number `i`."""
    return hashlib.sha256(f"record {i}".encode()).hexdigest()[:32]


def measure(path: Path, n: int) -> dict[str, float]:
    """Seconds to write (1,000 a transaction), to read everything, and to look all keys up."""
    made = list(records(n))
    with Store(path) as store:
        start = time.perf_counter()
        for first in range(0, n, 1000):
            store.put(made[first : first + 1000])
        write = time.perf_counter() - start
    del made
    with Store(path, read_only=True) as store:
        start, cpu = time.perf_counter(), time.process_time()
        read = list(store.records())
        read_s, read_cpu_s = time.perf_counter() - start, time.process_time() - cpu
        assert len(read) == n
        del read
        wanted = [key(i) for i in range(n)]
        start, cpu = time.perf_counter(), time.process_time()
        assert len(store.get(wanted)) == n
        get_s, get_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    return {
        "records": n,
        "write_s": write,
        "read_s": read_s,
        "read_cpu_s": read_cpu_s,
        "get_s": get_s,
        "get_cpu_s": get_cpu_s,
        "file_mib": path.stat().st_size / 2**20,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder) / "store.sqlite", given.records)
    if given.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:16s} {value:12.2f}")


if __name__ == "__main__":
    main()
