"""Labels by the repository's own levels of theory, each kept in a file of its own, so that a stop loses nothing."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qmbench import Molecule, QmbenchError, Resources, parse_level

# The grid and the convergence move ratios by less than 1e-3 against the defaults (measured, see manifest.json).
BASELINE = "pbe+mbd/def2-tzvp?density_fitting=true&stability=false&grid=1&energy_tolerance=1e-6"
_WAVE_FUNCTION = "density_fitting=true&stability=false&frozen_core=true&energy_tolerance=1e-7"
MP2_SMALL = f"mp2/aug-cc-pvdz?{_WAVE_FUNCTION}"
MP2_LARGE = f"mp2/aug-cc-pvtz?{_WAVE_FUNCTION}"
COUPLED_CLUSTER = f"ccsd(t)/aug-cc-pvdz?{_WAVE_FUNCTION}"
BASELINE_PROPERTIES = ("energy", "dispersion_energy", "hirshfeld_ratios")
SMALL_ZETA, LARGE_ZETA = 2, 3


class Labeller:
    """Computes levels of theory, or finds them in `folder`; with `offline` nothing is computed any more."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.offline = False
        self.resources = Resources(cores=1, artifacts=folder / "artifacts")

    def compute(self, level: str, molecule: Molecule, properties: tuple[str, ...]) -> dict[str, Any]:
        """Values of the properties as plain numbers or lists, the settings, and the CPU seconds it took."""
        path = self.folder / f"{_key(level, molecule)}.json"
        if self.offline and not path.exists():
            return {}
        if not path.exists():
            started = time.process_time()
            try:
                result = parse_level(level).make().compute(molecule, frozenset(properties), self.resources)
                found = {name: np.asarray(q.value).tolist() for name, q in result.properties.items()}
                kept = {"values": found, "settings": _plain(result.settings)}
            except QmbenchError as error:
                kept = {"error": f"{type(error).__name__}: {error}"}
            kept |= {"level": level, "system": molecule.to_json(), "cpu_s": time.process_time() - started}
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(kept))
            os.replace(temporary, path)
        return json.loads(path.read_text())

    @cached_property
    def systems(self) -> dict[str, Molecule]:
        """The systems without ghosts that have a label, by name."""
        kept = [json.loads(path.read_text())["system"] for path in self.folder.glob("*.json")]
        molecules = [Molecule.from_json(system) for system in kept if not any(system["ghosts"])]
        return {m.name: m for m in molecules if isinstance(m, Molecule)}

    def baseline(self, molecule: Molecule) -> dict[str, Any] | None:
        """Energy, dispersion energy and Hirshfeld ratios at BASELINE; None where it did not converge."""
        return self.compute(BASELINE, molecule, BASELINE_PROPERTIES).get("values")

    def interaction(self, dimer: Molecule) -> dict[str, Any] | None:
        """Counterpoise-corrected interaction energies of a dimer in hartree, the best first; None: not converged.

        ccsd_t: Hartree–Fock in aug-cc-pVTZ, the correlation energy of MP2 extrapolated from aug-cc-pVDZ and
        aug-cc-pVTZ (Helgaker et al., J. Chem. Phys. 106, 9639 (1997)), and CCSD(T) − MP2 in aug-cc-pVDZ.
        """
        parts = [self._energies(m) for m in (dimer, dimer.fragment(1, ghosts=True), dimer.fragment(2, ghosts=True))]
        if any(p is None for p in parts):
            return None
        found = {name: parts[0][name] - parts[1][name] - parts[2][name] for name in parts[0]}
        whole = self.baseline(dimer)
        return found | {"ratios": whole["hirshfeld_ratios"], "energy": whole["energy"]}

    def _energies(self, molecule: Molecule) -> dict[str, float] | None:
        baseline = self.baseline(molecule)
        small = self._correlated(MP2_SMALL, molecule)
        large = self._correlated(MP2_LARGE, molecule)
        coupled = self._correlated(COUPLED_CLUSTER, molecule)
        if baseline is None or small is None or large is None or coupled is None:
            return None
        return {
            "ccsd_t": large[0] + extrapolated(small[1], large[1]) + coupled[1] - small[1],
            "pbe_mbd": baseline["energy"],
            "dispersion": baseline["dispersion_energy"],
            "hf": large[0],
            "mp2": large[0] + extrapolated(small[1], large[1]),
        }

    def _correlated(self, level: str, molecule: Molecule) -> tuple[float, float] | None:
        """The Hartree–Fock and the correlation energy at `level`."""
        found = self.compute(level, molecule, ("energy",))
        if "values" not in found:
            return None
        reference = found["settings"]["reference_energy"]
        return reference, found["values"]["energy"] - reference


def extrapolated(small: float, large: float) -> float:
    """The correlation energy at the basis-set limit from two basis sets, with errors falling as the cube of zeta."""
    a, b = SMALL_ZETA**3, LARGE_ZETA**3
    return (b * large - a * small) / (b - a)


def _key(level: str, molecule: Molecule) -> str:
    return hashlib.sha256(f"{level} {molecule.hash}".encode()).hexdigest()[:24]


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that JSON can hold."""
    return {k: v for k, v in settings.items() if isinstance(v, (str, int, float, bool, type(None)))}
