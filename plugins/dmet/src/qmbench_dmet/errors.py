"""How an embedding can fail; the method turns each into the error that qmbench has for it."""

from __future__ import annotations


class Refused(RuntimeError):
    """The choices make sense, but not together, or not at this size."""


class SolverError(RuntimeError):
    """An impurity solver did not converge, or could not show that its roots are the lowest ones."""


class EmbeddingError(RuntimeError):
    """The embedding did not converge; the message says which part and how far it came."""
