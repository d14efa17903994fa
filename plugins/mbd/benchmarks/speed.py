"""How fast the MBD plugin is, and what share of the time is LAPACK's and BLAS's.

    python plugins/mbd/benchmarks/speed.py            64 and 512 atoms, the stochastic solver at 2,000
    python plugins/mbd/benchmarks/speed.py --full     also 2,000 atoms densely and 10,000 stochastically (minutes)
    python plugins/mbd/benchmarks/speed.py --scf      Hirshfeld volumes against the SCF they follow

Set OMP_NUM_THREADS and OPENBLAS_NUM_THREADS before: times depend on them.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from qmbench_mbd import lapack
from qmbench_mbd.large import screen_sparse, stochastic_energy
from qmbench_mbd.models import mbd_energy, mbd_gradient
from qmbench_mbd.oscillators import Oscillators
from qmbench_mbd.parameters import from_volume_ratios

BETA = 0.83


def solid(n: int, seed: int = 0) -> Oscillators:
    """A disordered organic solid of n atoms, about 0.05 atoms per cubic ångström."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(n ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)[:n] * 5.2
    elements = ["CHNO"[i] for i in rng.integers(0, 4, n)]
    return from_volume_ratios(grid + rng.uniform(-0.6, 0.6, grid.shape), elements, rng.uniform(0.6, 0.95, n))


@contextmanager
def lapack_clock() -> Iterator[list[float]]:
    """This thread's CPU time inside LAPACK's own routines, summed into a one-element list; nothing else is counted."""
    spent = [0.0]

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            start = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                spent[0] += time.thread_time() - start

        return run

    before = {name: getattr(lapack, name) for name in lapack.ROUTINES}
    for name, function in before.items():
        setattr(lapack, name, timed(function))
    try:
        yield spent
    finally:
        for name, function in before.items():
            setattr(lapack, name, function)


def best(function: Callable[[], Any], repeat: int) -> tuple[float, float]:
    """Shortest CPU time (of one thread: leave BLAS one) of `repeat` runs, and LAPACK's share of it.

    LAPACK is timed in runs of their own, since the clock takes time as well; the shortest of each is the one least
    disturbed by whatever else the machine does.
    """
    whole, inside = [], []
    for _ in range(repeat):
        start = time.thread_time()
        function()
        whole.append(time.thread_time() - start)
        with lapack_clock() as spent:
            function()
        inside.append(spent[0])
    return min(whole), min(inside) / min(whole)


def dense(sizes: list[int]) -> None:
    print("MBD@rsSCS, dense        energy s   LAPACK share   energy+gradient s   ratio (asked: ≥ 0.80, ≤ 4)")
    for n in sizes:
        o = solid(n)
        repeat = 200 if n < 200 else 3 if n < 1000 else 1
        energy, share = best(lambda o=o: mbd_energy(o, BETA), repeat)
        gradient, _ = best(lambda o=o: mbd_gradient(o, BETA), repeat)
        print(
            f"{n:6d} atoms            {energy:9.3f}   {share:12.2f}   {gradient:17.3f}   {gradient / energy:5.2f}",
            flush=True,
        )


def stochastic(n: int, probes: int) -> None:
    o = solid(n)
    start = time.perf_counter()
    screened = screen_sparse(o, BETA)
    middle = time.perf_counter()
    found = stochastic_energy(screened, BETA, probes=probes, seed=1)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    quadrature = end - middle
    relative, without = abs(found.error / found.energy), abs(found.uncontrolled_error / found.energy)
    print(f"{n:6d} atoms, stochastic  screening {middle - start:.1f} s", end="")
    print(f", {probes} probes × {found.steps} steps {quadrature:.1f} s ({quadrature / probes:.2f} s per probe)", end="")
    print(f", E = {found.energy:.5f} ± {found.error:.5f} hartree ({relative:.2%};", end="")
    print(f" without control variates {without:.1%}), peak {peak:.2f} GiB", flush=True)


def hirshfeld() -> None:
    from ase.build import molecule
    from pyscf import dft, gto

    from qmbench_mbd import atoms_in_molecules as aim

    print("CPU seconds")
    print("Hirshfeld volumes      SCF s   free atoms s   volumes s   volumes/SCF (asked: < 0.10)   MBD-NL/SCF")
    for name, basis in (("CH3CH2OH", "def2-svp"), ("C6H6", "def2-svp"), ("C6H6", "def2-tzvp")):
        atoms = molecule(name)
        mol = gto.M(atom=list(zip(atoms.get_chemical_symbols(), atoms.positions, strict=True)), basis=basis, verbose=0)
        mf = dft.RKS(mol, xc="pbe")
        start = time.process_time()
        mf.kernel()
        scf = time.process_time() - start
        start = time.process_time()
        free = aim.free_atoms_of(mol, "pbe", vv=True)
        atoms_time = time.process_time() - start
        times = []
        for reference in (aim.FreeAtomDensities(free.matrices), free):
            start = time.process_time()
            aim.partition(mol, mf.make_rdm1(), reference, mf.grids)
            times.append(time.process_time() - start)
        print(f"{name:9s} {basis:10s} {scf:8.2f}   {atoms_time:12.2f}   {times[0]:9.2f}", end="")
        print(f"   {times[0] / scf:27.3f}   {times[1] / scf:10.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--full", action="store_true", help="2,000 atoms densely, 10,000 stochastically")
    parser.add_argument("--scf", action="store_true", help="Hirshfeld volumes against the SCF")
    given = parser.parse_args()
    print(f"threads: OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS', 'unset')}")
    if given.scf:
        hirshfeld()
        return
    dense([64, 512, 2000] if given.full else [64, 512])
    for n in (1000, 2000, 4000, 10000) if given.full else (500, 1000, 2000):
        stochastic(n, 8)


if __name__ == "__main__":
    main()
