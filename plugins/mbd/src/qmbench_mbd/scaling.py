"""The scaling law R_vdW = 2.54 α^(1/7) of free atoms, held against a table of van der Waals radii.

D. V. Fedorov, M. Sadhukhan, M. Stöhr, A. Tkatchenko, Phys. Rev. Lett. 121, 183401 (2018). Run as
`python -m qmbench_mbd.scaling` for the report (Markdown), with `--json` for the numbers.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict, dataclass
from importlib import resources

import numpy as np

from qmbench import ATOMIC_NUMBERS
from qmbench_mbd.oscillators import Array
from qmbench_mbd.parameters import free_atoms

PREFACTOR, EXPONENT = 2.54, 1 / 7

GROUPS = {
    "noble gases": "He Ne Ar Kr Xe Rn",
    "alkali metals": "Li Na K Rb Cs Fr",
    "alkaline earths": "Be Mg Ca Sr Ba Ra",
    "other main group": "H B C N O F Al Si P S Cl Ga Ge As Se Br In Sn Sb Te I Tl Pb Bi Po At",
    "transition metals": "Sc Ti V Cr Mn Fe Co Ni Cu Zn Y Zr Nb Mo Tc Ru Rh Pd Ag Cd Hf Ta W Re Os Ir Pt Au Hg",
    "lanthanides, actinides": "La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No",
}

SOURCES = {
    "TS": "polarizabilities of the same table as the radii (10.1103/PhysRevLett.102.073005 and its extension)",
    "recommended": "P. Schwerdtfeger, J. K. Nagle, Mol. Phys. 117, 1200 (2019), 2023 update; "
    "10.1080/00268976.2018.1535143",
}


@dataclass(frozen=True)
class Spread:
    """Relative errors law/table − 1 over `n` elements: mean, standard deviation, mean absolute, largest and whose."""

    n: int
    mean: float
    standard_deviation: float
    mean_absolute: float
    largest: float
    worst: str


@dataclass(frozen=True)
class Fit:
    """ln R = ln prefactor + exponent · ln α by least squares, with standard errors."""

    prefactor: float
    prefactor_error: float
    exponent: float
    exponent_error: float


def law(alpha: Array) -> Array:
    """Van der Waals radius (bohr) from the static dipole polarizability (bohr³)."""
    return PREFACTOR * alpha**EXPONENT


def recommended_polarizabilities() -> dict[str, tuple[float, float | None]]:
    """Recommended α (bohr³) and uncertainty by element."""
    text = resources.files("qmbench_mbd").joinpath("data/recommended_polarizabilities.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        r["element"]: (float(r["alpha_bohr3"]), float(r["uncertainty_bohr3"]) if r["uncertainty_bohr3"] else None)
        for r in rows
    }


def pairs_of(source: str) -> dict[str, tuple[float, float]]:
    """element -> (α from `source`, tabulated radius), for the elements that have both."""
    table = free_atoms()
    if source == "TS":
        return {e: (a.alpha, a.radius) for e, a in table.items()}
    return {e: (alpha, table[e].radius) for e, (alpha, _) in recommended_polarizabilities().items() if e in table}


def spread(pairs: dict[str, tuple[float, float]]) -> Spread:
    """How far the law is off, relative to the table."""
    names = list(pairs)
    alpha, radius = np.array([pairs[e] for e in names]).T
    error = law(alpha) / radius - 1
    worst = int(np.argmax(np.abs(error)))
    deviation = float(error.std(ddof=1)) if len(error) > 1 else float("nan")
    return Spread(
        len(names), float(error.mean()), deviation, float(np.abs(error).mean()), float(error[worst]), names[worst]
    )


def fit(pairs: dict[str, tuple[float, float]]) -> Fit:
    """The power law that the table itself prefers."""
    alpha, radius = np.array(list(pairs.values())).T
    design = np.stack([np.ones(len(alpha)), np.log(alpha)], 1)
    (constant, exponent), residual, _, _ = np.linalg.lstsq(design, np.log(radius), rcond=None)
    covariance = residual[0] / (len(alpha) - 2) * np.linalg.inv(design.T @ design)
    return Fit(
        float(np.exp(constant)),
        float(np.exp(constant) * np.sqrt(covariance[0, 0])),
        float(exponent),
        float(np.sqrt(covariance[1, 1])),
    )


def report() -> dict[str, dict]:
    """source -> its fit and, by group of elements, its spread."""
    out = {}
    for source in SOURCES:
        pairs = pairs_of(source)
        groups = {"all": spread(pairs)}
        for name, elements in GROUPS.items():
            chosen = {e: pairs[e] for e in elements.split() if e in pairs}
            groups[name] = spread(chosen)
        out[source] = {"fit": fit(pairs), "groups": groups}
    return out


def markdown() -> str:
    """The report as Markdown."""
    lines = ["# R_vdW = 2.54 α^(1/7) against the table of free-atom radii", ""]
    lines += ["Relative error of the law, per cent. Radii: the TS table. Law: 10.1103/PhysRevLett.121.183401.", ""]
    for source, result in report().items():
        f: Fit = result["fit"]
        lines += [f"## α: {source}", "", SOURCES[source], ""]
        lines += [
            "| elements | n | mean | standard deviation | mean absolute | largest |",
            "| --- | ---: | ---: | ---: | ---: | --- |",
        ]
        for name, s in result["groups"].items():
            lines.append(
                f"| {name} | {s.n} | {100 * s.mean:+.1f} | {100 * s.standard_deviation:.1f} "
                f"| {100 * s.mean_absolute:.1f} | {100 * s.largest:+.1f} ({s.worst}) |"
            )
        lines += [
            "",
            f"Fit of all: R = ({f.prefactor:.3f} ± {f.prefactor_error:.3f})"
            f" α^({f.exponent:.4f} ± {f.exponent_error:.4f});",
        ]
        lines += [f"1/7 = {EXPONENT:.4f}.", ""]
    lines += [
        "## Noble gases",
        "",
        "| element | α (TS) | table | law | error % |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for e in GROUPS["noble gases"].split():
        alpha, radius = pairs_of("TS")[e]
        value = float(law(np.array(alpha)))
        lines.append(f"| {e} | {alpha:g} | {radius:.2f} | {value:.4f} | {100 * (value / radius - 1):+.2f} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """Print the report."""
    assert all(e in ATOMIC_NUMBERS for e in free_atoms())
    if arguments == ["--json"]:
        data = {
            source: {"fit": asdict(r["fit"]), "groups": {k: asdict(s) for k, s in r["groups"].items()}}
            for source, r in report().items()
        }
        print(json.dumps(data, indent=1))
    elif not arguments:
        print(markdown(), end="")
    else:
        sys.exit("usage: python -m qmbench_mbd.scaling [--json]")


if __name__ == "__main__":
    main(sys.argv[1:])
