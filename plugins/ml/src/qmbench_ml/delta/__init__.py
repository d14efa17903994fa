"""CCSD(T) interaction energies from PBE+MBD ones and a learned short-range correction."""
