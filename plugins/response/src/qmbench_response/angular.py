"""Names of what has angular momentum 0, 1, …"""

ANGULAR = ("monopole", "dipole")
