"""Full configuration interaction in small basis sets: diatomic curves and hydrogen chains.

Exact within the basis, so any other method in the same basis can be judged without a basis-set error.
Run: python tools/references/fci_curves.py [MOLECULE BASIS R …]     (distances in bohr)
"""

import sys

CURVES = {
    ("n2", "sto-6g"): (1.7, 2.0, 2.4, 2.8, 3.2, 4.0),
    ("lih", "6-31g"): (2.4, 3.015, 3.6, 4.5, 6.0, 8.0),
    ("hf", "6-31g"): (1.4, 1.7325, 2.2, 2.8, 3.6, 5.0),
}
ATOMS = {"n2": ("N", "N"), "lih": ("Li", "H"), "hf": ("H", "F")}


def fci_energy(atoms, basis):
    """Singlet ground-state energy in hartree, all electrons correlated.

    atoms: [(symbol, (x, y, z)), …] in bohr.  Converged to 1e-10 hartree; raises RuntimeError otherwise.
    """
    from pyscf import ao2mo, fci, gto, scf

    molecule = gto.M(atom=atoms, basis=basis, unit="Bohr", verbose=0)
    field = scf.RHF(molecule).newton()  # any orthonormal orbitals give the same FCI energy
    field.conv_tol = 1e-11
    field.kernel()
    orbitals = field.mo_coeff
    one = orbitals.T @ field.get_hcore() @ orbitals
    two = ao2mo.kernel(molecule, orbitals)
    solver = fci.addons.fix_spin_(fci.direct_spin1.FCI(), ss=0.0)
    solver.conv_tol, solver.max_cycle, solver.max_space = 1e-12, 300, 30
    energy, vector = solver.kernel(one, two, orbitals.shape[1], molecule.nelec, ecore=molecule.energy_nuc())
    spin, _ = fci.spin_op.spin_square(vector, orbitals.shape[1], molecule.nelec)
    if not solver.converged or abs(spin) > 1e-5:
        raise RuntimeError(f"FCI not converged to a singlet: <S^2> = {spin:.1e}")
    return float(energy)


def diatomic(molecule, distance):
    first, second = ATOMS[molecule]
    return [(first, (0.0, 0.0, 0.0)), (second, (0.0, 0.0, distance))]


def hydrogen_chain(count, spacing):
    """Equally spaced open chain; spacing in bohr."""
    return [("H", (0.0, 0.0, spacing * i)) for i in range(count)]


def main(arguments):
    if arguments:
        molecule, basis, *distances = arguments
        curves = {(molecule, basis): [float(distance) for distance in distances]}
    else:
        curves = CURVES
    for (molecule, basis), distances in curves.items():
        for distance in distances:
            print(f"{molecule},{basis},{distance},{fci_energy(diatomic(molecule, distance), basis):.10f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
