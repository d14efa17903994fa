"""Energies outside the training range of delta-ccsd(t) and ml-xc, data/beyond_*.npz: nothing is trained on them.

    python plugins/ml/training/make_beyond.py delta|xc [--labels FOLDER]

They say how fast errors grow with stretched and compressed bonds. delta: complexes of the training data with their
molecules' bonds scaled at the same closest contact, counterpoise-corrected interaction energies as in make_data.py.
xc: diatomics of the fit at scaled bond lengths, CCSD(T) with frozen cores extrapolated as in xc_labels.py, and the
functional itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from labels import Labeller
from leakage import systems_of
from make_data import MANIFEST
from make_perturbed import closest_contact, pushed_together
from xc_systems import Case, cases

from qmbench import Molecule, Resources
from qmbench_ml.xc.model import external, gradient, shipped

DATA = Path(__file__).parent / "data"
COMPLEXES = ("hydrogen, hydrogen 1", "hydrogen, neon 1", "hydrogen, hydrogen fluoride 1", "neon, hydrogen fluoride 1")
SCALES = (0.8, 0.9, 1.1, 1.2)
DIATOMICS = ("H2", "LiH", "HF", "N2")
LENGTHS = (0.75, 0.87, 1.2, 1.45)
BASIS, STABILITY_BASIS = "cc-pvqz", "cc-pvdz"


def complexes() -> Iterator[Molecule]:
    """The complexes of `delta`: every fragment scaled about its first atom, the closest contact as it was."""
    known = {m.name: m for m in systems_of(DATA / "dimers.npz")}
    for name in COMPLEXES:
        molecule = known[name]
        for scale in SCALES:
            positions = molecule.coordinates.copy()
            for fragment in molecule.fragments:
                own = list(fragment.atoms)
                positions[own] = positions[own[0]] + scale * (positions[own] - positions[own[0]])
            scaled = dataclasses.replace(
                molecule, positions=tuple(map(tuple, positions.tolist())), name=f"{name}, scaled by {scale}"
            )
            placed = np.round(pushed_together(scaled, closest_contact(molecule), back=2.0), 6)
            yield dataclasses.replace(scaled, positions=tuple(map(tuple, placed.tolist())))


def stretched() -> Iterator[tuple[Case, float]]:
    """The diatomics of `xc` with the factor on their bond length; 1: as in the fit."""
    known = {case.name: case for case in cases()}
    for name in DIATOMICS:
        for scale in (1.0, *LENGTHS):
            yield dataclasses.replace(known[name], distance=scale * known[name].distance), scale


def make_delta(labels: Labeller) -> dict[str, np.ndarray]:
    """Systems as in dimers.npz, with interaction energies in hartree."""
    kept = []
    for molecule in complexes():
        found = labels.interaction(molecule)
        print(f"{molecule.name}: {found and found['ccsd_t']}", flush=True)
        if found:
            kept.append((molecule, found))
    return {
        "names": np.array([m.name for m, _ in kept]),
        "numbers": np.concatenate([m.atomic_numbers for m, _ in kept]).astype(np.int8),
        "positions": np.concatenate([m.coordinates for m, _ in kept]),
        "starts": np.cumsum([0, *[m.n_parts for m, _ in kept]]),
        "first_fragment": np.array([len(m.fragments[0].atoms) for m, _ in kept]),
        "interaction_ccsd_t": np.array([found["ccsd_t"] for _, found in kept]),
        "interaction_pbe_mbd": np.array([found["pbe_mbd"] for _, found in kept]),
    }


def make_xc(labels: Labeller) -> dict[str, np.ndarray]:
    """Energies (n,) in hartree at the reference and of the functional, its modes (n, 20), whether it is unstable."""
    from xc_targets import extrapolated

    def correlated(level: str, molecule: Molecule) -> tuple[float, float]:
        found = labels.compute(level, molecule, ("energy",))
        return found["settings"]["reference_energy"], found["values"]["energy"]

    rows = []
    for case, scale in stretched():
        molecule = dataclasses.replace(case.molecule(), name=f"{case.name}, scaled by {scale}")
        small, large = (correlated(f"ccsd(t)/cc-pv{x}z?frozen_core=true", molecule) for x in "tq")
        reference = extrapolated(small[0], large[0], small[1], large[1])
        found, modes = _functional(molecule)
        rows.append((case.name, scale, reference, found, modes, _unstable(molecule)))
        print(f"{molecule.name}: {reference:.6f} {rows[-1][3]:.6f}", flush=True)
    names, scales, reference, functional, modes, unstable = zip(*rows, strict=True)
    return {
        "names": np.array(names),
        "scales": np.array(scales),
        "reference": np.array(reference),
        "functional": np.array(functional),
        "modes": np.array(modes),
        "unstable": np.array(unstable),
    }


def _functional(molecule: Molecule) -> tuple[float, np.ndarray]:
    """Energy in hartree and its modes (20,), without the level's own refusal of what is outside its ranges."""
    from qmbench_ml.xc.quadrature import on_grid
    from qmbench_pyscf import ScfSpecification, converged_scf, pyscf_session

    model, resources = shipped(), Resources(cores=1)
    specification = ScfSpecification(BASIS, external(model.theta), grid=3, stability=False, energy_tolerance=1e-6)
    mf = converged_scf(molecule, specification, resources=resources)
    with pyscf_session(resources):
        rho, weights, _ = on_grid(mf)
    return float(mf.e_tot), model.modes.T @ gradient(model.theta, rho, weights)


def _unstable(molecule: Molecule) -> bool:
    """Whether the functional's restricted solution is not the lowest; a small basis will do for that."""
    from qmbench_pyscf import ScfSpecification, converged_scf, scf_settings

    specification = ScfSpecification(STABILITY_BASIS, external(shipped().theta), grid=2)
    mf = converged_scf(molecule, specification, resources=Resources(cores=1))
    return bool(scf_settings(mf)["external_instability"])


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Energies outside the training range.")
    parser.add_argument("what", choices=("delta", "xc"))
    parser.add_argument("--labels", type=Path, default=Path(__file__).parent / "labels-cache", help="folder of labels")
    given = parser.parse_args(argv)
    found = (make_delta if given.what == "delta" else make_xc)(Labeller(given.labels))
    path = DATA / f"beyond_{given.what}.npz"
    np.savez_compressed(path, **found)
    manifest = json.loads(MANIFEST.read_text())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest["data"]["files"][path.stem] = {"systems": len(found["names"]), "sha256": digest}
    MANIFEST.write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
