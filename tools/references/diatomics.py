"""Dissociation and total energies of diatomics that follow from other numbers.

D_e = D_0 + omega_e/2 - omega_e x_e/4 (G(0) of the Dunham series without Y_00 and higher terms; Huber and Herzberg,
Constants of Diatomic Molecules, 1979).  The nonrelativistic total energy of a molecule is the sum of the
nonrelativistic total energies of its atoms minus the clamped-nuclei nonrelativistic D_e.

Run: python tools/references/diatomics.py
"""

import csv
from math import sqrt
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
HARTREE_IN_EV = 27.211386245988  # CODATA 2018, as in the two lines below
HARTREE_IN_CM = 219474.63136320
HARTREE_IN_KCAL_MOL = 627.5094740631
LI2_WELL_CM = 8516.780  # Gunton et al., Phys. Rev. A 88, 062510 (2013)
LESIUK_BE2_CM, LESIUK_BE2_UNCERTAINTY_CM = 934.5, 2.5  # Lesiuk et al., J. Chem. Theory Comput. 15, 2470 (2019)
H2_TOTAL = -1.1744757142200755  # R = 1.4 bohr; Sims and Hagstrom, J. Chem. Phys. 124, 094101 (2006)
LIH_TOTAL = -8.07055  # Pfau et al., Phys. Rev. Research 2, 033429 (2020), column of exact values


def rows(path):
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def well_depth_ev(d_0_ev, omega_e_cm, omega_e_x_e_cm):
    """D_e in eV from D_0 in eV and the vibrational constants in cm^-1."""
    return d_0_ev + (omega_e_cm / 2 - omega_e_x_e_cm / 4) * HARTREE_IN_EV / HARTREE_IN_CM


def half_unit(text):
    """Half a unit of the last printed digit."""
    return 0.5 * 10.0 ** -len(text.partition(".")[2])


def measured_well_depths():
    """{molecule: (D_e in kcal/mol, rounding of D_0 in kcal/mol)}."""
    scale = HARTREE_IN_KCAL_MOL / HARTREE_IN_EV
    return {
        row["molecule"]: (
            scale * well_depth_ev(float(row["d_0_ev"]), float(row["omega_e_cm-1"]), float(row["omega_e_x_e_cm-1"])),
            scale * half_unit(row["d_0_ev"]),
        )
        for row in rows(Path(__file__).with_name("diatomic_constants.csv"))
    }


def nonrelativistic(set_name="nonrelativistic"):
    """({atom: (E, rounding)}, {molecule: (D_e, rounding)}) in hartree, from the two benchmarks' own references."""
    atoms = {
        row["entry"]: (float(row["value"]), float(row["uncertainty"] or 0))
        for row in rows(REPOSITORY / "benchmarks/atoms/references.csv")
        if row["set"] == set_name
    }
    depths = {
        row["entry"]: (float(row["value"]) / HARTREE_IN_KCAL_MOL, float(row["uncertainty"] or 0) / HARTREE_IN_KCAL_MOL)
        for row in rows(REPOSITORY / "benchmarks/diatomics/references.csv")
        if row["set"] == set_name and row["unit"] == "kcal/mol"
    }
    return atoms, depths


def total_energy(parts, depth):
    """(E, rounding) of a molecule from the (E, rounding) of its atoms and its (D_e, rounding), all in hartree."""
    energy = sum(value for value, _ in parts) - depth[0]
    return energy, sqrt(sum(error**2 for _, error in parts) + depth[1] ** 2)


def derived_well_depths():
    """H2, LiH and Li2: D_e in kcal/mol from a total energy or from spectroscopy."""
    lithium = -7.47806032  # as in benchmarks/atoms
    return {
        "h2": (-1.0 - H2_TOTAL) * HARTREE_IN_KCAL_MOL,
        "lih": (lithium - 0.5 - LIH_TOTAL) * HARTREE_IN_KCAL_MOL,
        "li2": LI2_WELL_CM / HARTREE_IN_CM * HARTREE_IN_KCAL_MOL,
        "be2": LESIUK_BE2_CM / HARTREE_IN_CM * HARTREE_IN_KCAL_MOL,
    }


def main():
    for molecule, (depth, error) in measured_well_depths().items():
        print(f"{molecule:5s} measured D_e {depth:10.4f} +- {error:.4f} kcal/mol")
    for molecule, depth in derived_well_depths().items():
        print(f"{molecule:5s} derived  D_e {depth:10.5f} kcal/mol")


if __name__ == "__main__":
    main()
