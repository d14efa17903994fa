"""Systems of libMBD's public tests, with the numbers that its Fortran code gives for them."""

import numpy as np
import pytest

from qmbench_mbd.ewald import PeriodicOscillators
from qmbench_mbd.oscillators import Oscillators
from qmbench_mbd.parameters import LIBMBD_BOHR_IN_ANGSTROM, from_volume_ratios

ANGSTROM = 1 / LIBMBD_BOHR_IN_ANGSTROM

_BENZENE_1 = """-1.047 -1.421 0.000 -1.454 -0.855 1.206 -1.454 -0.855 -1.206 -2.266 0.277 1.206 -2.671 0.845 0.000
-2.266 0.277 -1.206 -1.133 -1.292 -2.142 -2.582 0.716 -2.143 -3.303 1.723 0.000 -2.582 0.716 2.143
-1.133 -1.292 2.142 -0.406 -2.291 0.000"""
_BENZENE_2 = """1.047 1.421 0.000 1.454 0.855 -1.206 1.454 0.855 1.206 2.266 -0.277 -1.206 2.671 -0.845 0.000
2.266 -0.277 1.206 0.406 2.291 0.000 1.133 1.292 2.142 2.582 -0.716 2.143 3.303 -1.723 0.000
2.582 -0.716 -2.143 1.133 1.292 -2.142"""
_RATIOS_1 = [0.825, 0.821, 0.821, 0.815, 0.814, 0.815, 0.624, 0.611, 0.610, 0.611, 0.624, 0.643]
_RATIOS_2 = [0.825, 0.821, 0.821, 0.815, 0.814, 0.815, 0.643, 0.624, 0.611, 0.610, 0.611, 0.624]

_ETHYLCARBAMATE = """4.083 5.700 2.856 0.568 0.095 4.217 0.470 4.774 3.551 4.181 1.022 3.522 5.572 5.587 1.892
-0.920 0.209 5.181 3.663 3.255 2.585 0.988 2.541 4.488 3.834 4.011 0.979 0.816 1.785 6.094 2.223 1.314 1.108
2.428 4.481 5.965 1.177 0.092 0.406 3.474 5.703 6.667 4.911 5.036 2.573 -0.260 0.759 4.500 4.358 3.787 1.918
0.293 2.009 5.155 0.205 1.729 1.101 4.446 4.067 5.972 1.285 0.947 0.957 3.366 4.848 6.116 0.485 2.901 1.709
4.165 2.895 5.364 4.066 1.426 0.670 0.585 4.369 6.403"""
_ETHYLCARBAMATE_RATIOS = [0.703] * 2 + [0.726] * 2 + [0.731] * 2 + [0.727] * 2 + [0.754] * 2 + [0.750] * 2
_ETHYLCARBAMATE_RATIOS += (
    [0.755] * 2 + [0.809] * 2 + [0.827] * 2 + [0.834] * 2 + [0.840] * 2 + [0.886] * 2 + [0.892] * 2
)
_ETHYLCARBAMATE_MOLECULE = """4.088 5.753 2.783 5.625 5.562 1.906 3.652 3.273 2.592 3.854 3.998 0.981 5.422 4.834 3.521
6.213 0.125 0.386 7.201 1.360 1.112 4.913 5.058 2.573 4.366 3.792 1.934 5.167 1.729 1.084 6.291 0.963 0.938
4.042 1.399 0.752 5.490 2.915 1.682"""
_ETHYLCARBAMATE_MOLECULE_RATIOS = [0.581, 0.607, 0.642, 0.646, 0.607, 0.596, 0.597, 0.762, 0.799, 0.845, 0.824, 0.974]
_ETHYLCARBAMATE_MOLECULE_RATIOS += [0.896]


def _positions(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=float).reshape(-1, 3) * ANGSTROM


@pytest.fixture
def argon_pair() -> np.ndarray:
    return np.array([[0, 0, 0], [0, 0, 4 * ANGSTROM]])


@pytest.fixture
def benzene() -> Oscillators:
    return from_volume_ratios(_positions(_BENZENE_1), ["C"] * 6 + ["H"] * 6, _RATIOS_1)


@pytest.fixture
def benzene_dimer(benzene: Oscillators) -> tuple[Oscillators, Oscillators, Oscillators]:
    """First molecule, second molecule, both."""
    elements = ["C"] * 6 + ["H"] * 6
    second = from_volume_ratios(_positions(_BENZENE_2), elements, _RATIOS_2)
    both = from_volume_ratios(_positions(_BENZENE_1 + " " + _BENZENE_2), elements * 2, _RATIOS_1 + _RATIOS_2)
    return benzene, second, both


@pytest.fixture
def argon_crystal() -> PeriodicOscillators:
    o = from_volume_ratios(np.array([[0.3, 0.1, 0.2], [4.1, -0.2, -0.1]]) * ANGSTROM, ["Ar", "Ar"], [1.0, 1.0])
    return PeriodicOscillators(
        o, np.array([[8.1, 0.1, -0.2], [0.3, 3.9, -0.1], [-0.1, 0.2, 4.2]]) * ANGSTROM, (4, 4, 4)
    )


@pytest.fixture
def ethylcarbamate() -> tuple[PeriodicOscillators, Oscillators]:
    o = from_volume_ratios(_positions(_ETHYLCARBAMATE), list("HHHHHHHHHHHHHHCCCCCCNNOOOO"), _ETHYLCARBAMATE_RATIOS)
    lattice = np.array([[5.008, 0.018, -0.070], [1.630, 6.759, 0.064], [-1.987, -0.981, 7.079]]) * ANGSTROM
    molecule = from_volume_ratios(
        _positions(_ETHYLCARBAMATE_MOLECULE), list("HHHHHHHCCCNOO"), _ETHYLCARBAMATE_MOLECULE_RATIOS
    )
    return PeriodicOscillators(o, lattice, (2, 2, 2)), molecule
