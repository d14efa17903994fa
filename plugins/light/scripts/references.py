# ruff: noqa: E501  (texts of benchmarks, one line each)
"""Writes the benchmarks of model systems with their references: `python plugins/light/scripts/references.py`.

References are closed formulas where there are, else Braak's zeros, or the hierarchical equations of motion converged to
2e-5. Of a dimer `heom` is so compared with itself, converged further; of all else no level with its own numbers.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np

import qmbench
from qmbench_light.models.braak import spectrum

ROOT = Path(__file__).parents[1] / "src/qmbench_light/models/benchmarks"
ENTRY = [
    "id",
    "stoichiometry",
    "observable",
    "state",
    "subset",
    "tags",
    "curve",
    "coordinate",
    "coordinate_unit",
    "note",
]
REFERENCE = ["entry", "set", "value", "unit", "uncertainty", "uncertainty_kind", "level_of_theory", "source_doi"]
REFERENCE += ["source_place", "status", "note"]
TIME, ENERGY = "hbar/E0", "E0"


class Benchmark:
    """The files of a folder, filled entry by entry."""

    def __init__(self, name: str, head: str) -> None:
        self.folder = ROOT / name
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "benchmark.toml").write_text(f'id = "{name}"\nversion = "1.0.0"\n' + head)
        self.systems: dict[str, dict] = {}
        self.entries: list[dict] = []
        self.references: list[dict] = []

    def add(self, entry, system, value, unit, error, source, doi="", **columns):
        """One entry with its reference; error: that of the reference."""
        self.entries.append({"id": entry, "stoichiometry": f"{system}:1", **columns})
        self.references.append(
            {
                "entry": entry,
                "set": "exact",
                "value": f"{value:.12g}",
                "unit": unit,
                "uncertainty": f"{error:.1e}",
                "uncertainty_kind": "estimate",
                "level_of_theory": "exact",
                "source_doi": doi,
                "source_place": source,
                "status": "current",
            }
        )

    def write(self) -> None:
        """systems.toml, entries.csv, references.csv."""
        lines = ["# Made by scripts/references.py of the plugin."]
        for name, table in self.systems.items():
            lines += ["", f'["{name}"]']
            plain = {k: v for k, v in table.items() if not (isinstance(v, list) and v and isinstance(v[0], dict))}
            lines += [f"{k} = {toml(v)}" for k, v in plain.items()]
            for key in table.keys() - plain.keys():
                for piece in table[key]:
                    lines += [f'[["{name}".{key}]]', *(f"{k} = {toml(v)}" for k, v in piece.items())]
        (self.folder / "systems.toml").write_text("\n".join(lines) + "\n")
        for file, columns, rows in (("entries", ENTRY, self.entries), ("references", REFERENCE, self.references)):
            with (self.folder / f"{file}.csv").open("w", newline="") as stream:
                writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


def toml(value) -> str:
    """A value as TOML; a table inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def cavity(n, frequency, mode, g, **more):
    """The table of emitters in a cavity."""
    return {
        "kind": "emitters_in_cavity",
        "emitters": n,
        "frequency": frequency,
        **more,
        "modes": [{"frequency": mode, "coupling": g}],
    }


def curve(level, table, prop):
    """(Curve, uncertainties) of a level."""
    from qmbench_light.models.open_system import OpenSystem

    found = OpenSystem.from_table({k: v for k, v in table.items() if k != "kind"}, "table", "system", {})
    quantity = qmbench.single_level(level).make().run(found, [prop], qmbench.Resources()).properties[prop]
    return quantity.value, np.asarray(
        quantity.uncertainty if quantity.uncertainty is not None else 1e-10 * np.ones_like(quantity.value.values)
    )


HEAD = """title = "{title}"
description = "{description}"
observable = "{observable}"
unit = "{unit}"
sign = "as it is"
bsse = ["none"]
default_reference_set = "exact"
licence = "CC0-1.0"
geometry_protocol = "models; energies in one unit E0 with hbar = 1"
{more}citations = [
{citations}
]

[subsets]
{subsets}

[tags]
{tags}

[reference_sets.exact]
title = "{exact}"
level_of_theory = "exact"
note = "Computed by scripts/references.py of the plugin qmbench-light."
role = "limit"

[[changelog]]
version = "1.0.0"
date = "2026-11-29"
note = "First version."
"""
JC = ("10.1109/PROC.1963.1664", "E. T. Jaynes, F. W. Cummings, Proc. IEEE 51, 89 (1963)")
TC = ("10.1103/PhysRev.170.379", "M. Tavis, F. W. Cummings, Phys. Rev. 170, 379 (1968)")
BRAAK = ("10.1103/PhysRevLett.107.100401", "D. Braak, Phys. Rev. Lett. 107, 100401 (2011)")
BOOK = ("", "H.-P. Breuer, F. Petruccione, The Theory of Open Quantum Systems (2002)")
HEOM = ("10.1143/JPSJ.58.101", "Y. Tanimura, R. Kubo, J. Phys. Soc. Jpn. 58, 101 (1989)")


def head(citations, **words):
    """benchmark.toml but for its first lines."""
    lines = [
        f'  {{ doi = "{doi}", text = "{text}" }},' if doi else f'  {{ text = "{text}" }},' for doi, text in citations
    ]
    return HEAD.format(citations="\n".join(lines), **{"more": ""} | words)


def rabi_energies(b, g, subset, states, **columns):
    """Entries of the quantum Rabi model at resonance: energies by Braak's zeros."""
    name = f"rabi_g{g:g}"
    b.systems[name] = cavity(1, 1.0, 1.0, g)
    exact = spectrum(g, 0.5, 8)
    for k in range(states):
        more = {"curve": f"E{k}", "coordinate": g, "coordinate_unit": ENERGY} if columns.get("curve") else {}
        b.add(
            f"{name}_E{k}",
            name,
            exact[k],
            ENERGY,
            1e-11,
            BRAAK[1],
            BRAAK[0],
            state=f"E{k}",
            subset=subset,
            tags=f"g:{g:g}",
            **more,
        )


def cavity_models():
    b = Benchmark(
        "cavity_models",
        head(
            [JC, TC, BRAAK],
            title="Emitters in a cavity",
            description="Energies and polariton splittings of the Jaynes–Cummings, Tavis–Cummings, Rabi and Dicke models, all with exact references.",
            observable="model_energy",
            unit=ENERGY,
            subsets='jaynes_cummings = "one emitter, rotating-wave coupling"\ntavis_cummings = "several emitters, rotating-wave coupling: the splitting"\nrabi = "one emitter with counter-rotating terms"',
            tags='g = "coupling g in units of the mode\'s frequency"\nemitters = "number of emitters"',
            exact="Closed formulas, Braak's zeros",
            more='units = { polariton_splitting = "E0" }\n',
        ),
    )
    for g in (0.05, 0.2, 0.5):
        name = f"jc_g{g:g}"
        b.systems[name] = cavity(1, 1.0, 1.0, g, counter_rotating=False)
        closed = sorted([-0.5, *(n + 0.5 + s * g * math.sqrt(n + 1) for n in range(8) for s in (1, -1))])
        for k in range(4):
            b.add(
                f"{name}_E{k}",
                name,
                closed[k],
                ENERGY,
                1e-14,
                JC[1],
                JC[0],
                state=f"E{k}",
                subset="jaynes_cummings",
                tags=f"g:{g:g} emitters:1",
            )
    for n in (1, 4, 16, 64):
        name = f"tc_{n}"
        b.systems[name] = cavity(n, 1.0, 1.0, 0.02, counter_rotating=False)
        b.add(
            f"{name}_splitting",
            name,
            0.04 * math.sqrt(n),
            ENERGY,
            1e-14,
            TC[1],
            TC[0],
            observable="polariton_splitting",
            subset="tavis_cummings",
            tags=f"g:0.02 emitters:{n}",
        )
    for g in (0.1, 0.5, 1.0):
        rabi_energies(b, g, "rabi", 3)
    for entry in b.entries:
        if entry["id"].startswith("rabi"):
            entry["tags"] += " emitters:1"
    b.write()


def rotating_wave():
    b = Benchmark(
        "rotating_wave",
        head(
            [BRAAK, JC],
            title="The rotating-wave approximation over the coupling",
            description="The lowest three energies of the quantum Rabi model at resonance over the coupling g, from weak to deep strong: curves on which the rotating-wave approximation leaves the exact energies.",
            observable="model_energy",
            unit=ENERGY,
            subsets='weak = "g up to 0.1 of the frequency"\nultrastrong = "g from 0.1 to 1"\ndeep = "g above 1"',
            tags='g = "coupling g in units of the mode\'s frequency"',
            exact="Braak's zeros",
        ),
    )
    for g in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.2, 1.5):
        rabi_energies(b, g, "weak" if g <= 0.1 else "ultrastrong" if g <= 1 else "deep", 3, curve=True)
    b.write()


def over_time(b, name, table, prop, observable, level, error, source, doi="", every=1, **columns):
    """Entries at all times but the first, of one curve."""
    b.systems[name] = table
    found, errors = curve(level, table, prop)
    for k in range(every, len(found.coordinate), every):
        t = found.coordinate[k]
        b.add(
            f"{name}_{prop}_t{t:g}",
            name,
            found.values[k],
            "",
            max(error, float(errors[k])),
            source,
            doi,
            observable=observable,
            curve=f"{name}_{prop}",
            coordinate=f"{t:g}",
            coordinate_unit=TIME,
            **columns,
        )


def dephasing(lam):
    return {
        "kind": "open_system",
        "levels": 2,
        "initial": [1.0, 1.0],
        "times": {"to": 8.0, "points": 5},
        "hamiltonian": [{"operator": "sigma_z", "strength": 0.5}],
        "baths": [{"operator": "sigma_z", "reorganization": lam, "cutoff": 0.5, "temperature": 1.0}],
    }


def damping(rate, width):
    return {
        "kind": "open_system",
        "levels": 2,
        "initial": [1.0, 0.0],
        "times": {"to": 5 / rate, "points": 11},
        "hamiltonian": [{"operator": "sigma_z", "strength": 0.5}],
        "baths": [{"operator": "sigma_minus", "density": "lorentzian", "rate": rate, "width": width, "centre": 1.0}],
    }


def dimer(lam, cutoff, to=10.0):
    return {
        "kind": "open_system",
        "levels": 2,
        "initial": [1.0, 0.0],
        "times": {"to": to, "points": 5},
        "hamiltonian": [
            {"name": "detuning", "operator": "sigma_z", "strength": 0.25},
            {"name": "transfer", "operator": "hop 1 2", "strength": 0.5},
        ],
        "baths": [{"operator": "sigma_z", "reorganization": lam, "cutoff": cutoff, "temperature": 1.0}],
    }


def open_systems():
    b = Benchmark(
        "open_systems",
        head(
            [BOOK, HEOM],
            title="Open systems with known answers",
            description="Populations, coherences, photons and stationary states of small open systems: pure dephasing, a damped emitter, a thermal cavity, resonance fluorescence in closed form; a dimer by converged hierarchical equations of motion.",
            observable="population",
            unit="",
            subsets='closed = "closed solutions"\nhierarchy = "hierarchical equations of motion"\nmarkovian = "no memory: the Lindblad equation is exact"',
            tags='dephasing = "pure dephasing"\ndamping = "a damped emitter"\ndimer = "two coupled sites"\nlosses = "losses by rates"',
            exact="Closed solutions; hierarchical equations of motion",
            more='units = { coherence = "", photons = "", steady_population = "" }\n',
        ),
    )
    for lam in (0.01, 0.05):
        over_time(
            b,
            f"dephasing_{lam:g}",
            dephasing(lam),
            "coherence",
            "coherence",
            "exact-open",
            1e-9,
            BOOK[1] + " sec. 4.2",
            subset="closed",
            tags="dephasing",
        )
    for width in (2.0, 0.1):
        over_time(
            b,
            f"damping_{width:g}",
            damping(0.2, width),
            "population",
            "population",
            "exact-open",
            1e-11,
            BOOK[1] + " eq. 10.51",
            every=2,
            subset="closed",
            tags="damping",
        )
    for lam in (0.02, 0.06):
        over_time(
            b,
            f"dimer_{lam:g}",
            dimer(lam, 0.5),
            "population",
            "population",
            "heom?tolerance=2e-5",
            2e-5,
            "heom?tolerance=2e-5",
            HEOM[0],
            subset="hierarchy",
            tags="dimer",
        )
    b.systems["fluorescence"] = {
        "kind": "open_system",
        "levels": 2,
        "initial": [0.0, 1.0],
        "hamiltonian": [{"operator": "sigma_x", "strength": 0.4}],
        "decays": [{"operator": "sigma_minus", "rate": 0.5}],
    }
    b.add(
        "fluorescence_excited",
        "fluorescence",
        0.64 / (0.25 + 1.28),
        "",
        1e-14,
        "Omega^2/(Gamma^2 + 2 Omega^2)",
        observable="steady_population",
        state="1",
        subset="closed markovian",
        tags="losses",
    )
    start = [0.0] * 30
    start[3] = 1.0
    b.systems["thermal_cavity"] = {
        "kind": "open_system",
        "levels": 30,
        "initial": start,
        "times": [0.0, 1.0, 3.0],
        "hamiltonian": [{"operator": "number"}],
        "decays": [{"operator": "lowering", "rate": 0.7, "occupation": 0.3}],
    }
    for t in (1.0, 3.0):
        n = 3 * math.exp(-0.7 * t) + 0.3 * (1 - math.exp(-0.7 * t))
        b.add(
            f"thermal_cavity_t{t:g}",
            "thermal_cavity",
            n,
            "",
            1e-12,
            BOOK[1] + " sec. 3.4.6",
            observable="photons",
            coordinate=t,
            coordinate_unit=TIME,
            curve="thermal_cavity",
            subset="closed markovian",
            tags="losses",
        )
    b.write()


def markov():
    b = Benchmark(
        "markov",
        head(
            [BOOK, HEOM],
            title="Where the Markov approximation fails",
            description="Populations over time from short memory and weak coupling to long memory and strong coupling: an emitter damped by a Lorentzian bath (exact), and a dimer in a Drude–Lorentz bath (hierarchical equations of motion). The tag `ratio` is the small parameter of the Markov approximation, relaxation rate times memory time.",
            observable="population",
            unit="",
            subsets='damping = "a damped emitter"\ndimer = "two coupled sites"\nshort = "ratio up to 0.1"\nlong = "ratio above 0.1"',
            tags='ratio = "rate of relaxation times memory time: rate/width of the Lorentzian bath, (4 lambda T/gamma)/gamma of the Drude–Lorentz bath on sigma_z"',
            exact="Closed solutions; hierarchical equations of motion",
        ),
    )
    for ratio in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0):
        over_time(
            b,
            f"damping_r{ratio:g}",
            damping(0.1, 0.1 / ratio),
            "population",
            "population",
            "exact-open",
            1e-11,
            BOOK[1] + " eq. 10.51",
            every=2,
            subset=f"damping {'short' if ratio <= 0.1 else 'long'}",
            tags=f"ratio:{ratio:g}",
        )
    for lam, cutoff in ((0.01, 2.0), (0.1, 2.0), (0.005, 0.5), (0.03, 0.5)):
        ratio = 4 * lam / cutoff**2
        over_time(
            b,
            f"dimer_l{lam:g}_c{cutoff:g}",
            dimer(lam, cutoff, 10.0),
            "population",
            "population",
            "heom?tolerance=2e-5",
            2e-5,
            "heom?tolerance=2e-5",
            HEOM[0],
            subset=f"dimer {'short' if ratio <= 0.1 else 'long'}",
            tags=f"ratio:{ratio:.3g}",
        )
    b.write()


if __name__ == "__main__":
    cavity_models()
    rotating_wave()
    open_systems()
    markov()
