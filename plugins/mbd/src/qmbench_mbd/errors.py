"""The one way in which a dispersion model fails by itself."""


class PolarizationCatastrophe(ArithmeticError):
    """Oscillators polarize one another without bound: a mode with ω² ≤ 0, so there is no ground state."""
