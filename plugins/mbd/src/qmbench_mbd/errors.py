"""The one way in which a dispersion model fails by itself."""

from qmbench import NotConverged


class PolarizationCatastrophe(NotConverged):
    """Oscillators polarize one another without bound: a mode with ω² ≤ 0, so there is no ground state."""
