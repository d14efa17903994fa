"""How far dispersion on learned ratios is from dispersion on PBE densities, and learned C6 from measured ones.

    python plugins/ml/benchmarks/hirshfeld_accuracy.py --store FILE [--minutes M]

The reference is computed for the complexes of S22 in the order of their size until M minutes have passed, and kept in
the store, so a second call goes on; PBE+MBD in def2-TZVP with density fitting.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from qmbench import Molecule, Resources, Unsupported, parse_level
from qmbench.data.benchmark import find_benchmark

REFERENCE = "pbe+mbd/def2-tzvp?density_fitting=true&grid=2&stability=false&energy_tolerance=1e-7"
LEARNED = "ml-hirshfeld+mbd"


def dispersion_energy(level: str, molecule: Molecule) -> tuple[float, float]:
    """Dispersion energy and its uncertainty (0 where it has none), hartree."""
    found = parse_level(level).make().compute(molecule, frozenset({"dispersion_energy"}), Resources())
    quantity = found.properties["dispersion_energy"]
    return float(quantity.value), float(quantity.uncertainty or 0.0)  # type: ignore[arg-type]


def reference_energies(store: Path, minutes: float) -> dict[str, list[float]]:
    """Of each complex and its two fragments, as far as they are in the store or the time goes."""
    kept: dict[str, list[float]] = json.loads(store.read_text()) if store.exists() else {}
    s22, until = find_benchmark("s22"), time.monotonic() + 60 * minutes
    systems = {name: s22.system(name) for name in s22.system_ids}
    for name in sorted(systems, key=lambda n: int(systems[n].atomic_numbers.sum())):
        if name not in kept and time.monotonic() < until:
            complex_ = systems[name]
            parts = [complex_, complex_.fragment(1, ghosts=False), complex_.fragment(2, ghosts=False)]
            kept[name] = [dispersion_energy(REFERENCE, part)[0] for part in parts]
            store.write_text(json.dumps(kept, indent=1))
            print(f"{name} after {time.monotonic() - until + 60 * minutes:.0f} s", flush=True)
    return kept


def compare_s22(reference: dict[str, list[float]]) -> None:
    """Relative errors of the complex's dispersion energy, and of the dispersion part of the interaction energy."""
    s22, rows = find_benchmark("s22"), []
    print(f"{'complex':32} {'MBD / mEh':>10} {'learned':>10} {'error %':>8} {'σ %':>6} {'interaction %':>14}")
    for name, (whole, first, second) in reference.items():
        complex_ = s22.system(name)
        assert isinstance(complex_, Molecule)
        found, sigma = dispersion_energy(LEARNED, complex_)
        parts = [dispersion_energy(LEARNED, complex_.fragment(k, ghosts=False))[0] for k in (1, 2)]
        between = whole - first - second
        error, off = found / whole - 1, (found - sum(parts)) / between - 1
        rows.append((100 * abs(error), 100 * abs(off), abs(found - whole) / sigma))
        print(
            f"{name:32} {1e3 * whole:10.3f} {1e3 * found:10.3f} {100 * error:8.2f} {100 * sigma / abs(whole):6.2f} "
            f"{100 * off:14.2f}"
        )
    mean = np.mean(np.array(rows), axis=0)
    print(
        f"{len(rows)} complexes: mean absolute error {mean[0]:.2f} % of the dispersion energy, {mean[1]:.2f} % of the "
        f"dispersion part of the interaction; {np.mean([row[2] < 1 for row in rows]):.2f} within one deviation"
    )


def compare_c6() -> None:
    """C6 against dipole oscillator strength distributions, of what the model answers."""
    benchmark, method = find_benchmark("molecular_c6"), parse_level(LEARNED).make()
    asked, errors, refused = frozenset({"c6"}), {}, []
    references = {
        r.entry: float(r.quantity.value) for r in benchmark.references if r.set == benchmark.default_reference_set
    }
    for name in benchmark.system_ids:
        molecule = benchmark.system(name)
        try:
            method.check(molecule, asked)
            value = method.compute(molecule, asked, Resources()).properties["c6"].value
        except Unsupported:
            refused.append(name)
            continue
        if name in references:
            errors[name] = float(value) / references[name] - 1  # type: ignore[arg-type]
    for name, error in errors.items():
        print(f"{name:24} {100 * error:7.1f} %")
    molecules = [abs(e) for name, e in errors.items() if benchmark.system(name).n_parts > 1]
    print(
        f"C6 of {len(errors)}: mean absolute error {100 * np.mean(np.abs(list(errors.values()))):.1f} %, of the "
        f"{len(molecules)} molecules among them {100 * np.mean(molecules):.1f} %; refused: {', '.join(refused)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Accuracy of dispersion on learned ratios.")
    parser.add_argument("--store", type=Path, required=True, help="JSON file that keeps the reference energies")
    parser.add_argument("--minutes", type=float, default=0.0, help="time for references that are not there yet")
    given = parser.parse_args()
    reference = reference_energies(given.store, given.minutes)
    compare_c6()
    if reference:
        compare_s22(reference)


if __name__ == "__main__":
    main()
