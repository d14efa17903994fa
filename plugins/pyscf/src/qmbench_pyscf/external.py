"""A density functional that comes from another plugin instead of libxc, in the same self-consistent field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

    Derivatives = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]

_ROWS = {"LDA": 1, "GGA": 4, "MGGA": 5}


@dataclass(frozen=True)
class ExternalFunctional:
    """An exchange-correlation functional of the density at a point, without exact exchange or non-local correlation.

    name: what `settings` show. version: with the name, says everything that `evaluate` depends on (a hash of its
    parameters, say): results are kept under it. kind: LDA, GGA or MGGA.

    evaluate(rho, order): energy per volume (N,) in hartree/bohr³ and its first and second derivatives with respect to
    `rho`, None beyond `order` (0, 1 or 2). Rows of rho: n; ∂x n, ∂y n, ∂z n (GGA); τ = ½ Σ|∇φ|² (MGGA); shape
    (rows, N) without spin, (2, rows, N) for ↑ and ↓. First derivatives have this shape; second ones (rows, rows, N) or
    (2, rows, 2, rows, N). The stability of solutions asks for second derivatives, and forces for first ones.
    """

    name: str
    version: str
    kind: Literal["LDA", "GGA", "MGGA"]
    evaluate: Callable[[np.ndarray, int], Derivatives] = field(compare=False, repr=False)

    @property
    def key(self) -> str:
        """The text under which results are kept; no name of a libxc functional looks like it."""
        return f"external {self.kind} {self.name} {self.version}"


def integrator(functional: ExternalFunctional) -> Any:
    """PySCF's numerical integrator, evaluating `functional` whatever the name it is asked for."""
    import numpy as np
    from pyscf.dft import numint

    class Integrator(numint.NumInt):
        libxc = _Facts(functional.kind)

        def eval_xc_eff(
            self,
            xc_code: str,
            rho: Any,
            deriv: int = 1,
            omega: Any = None,
            xctype: Any = None,
            verbose: Any = None,
            spin: Any = None,
        ) -> list[Any]:
            rho = np.asarray(rho, dtype=float)
            rows = _ROWS[functional.kind]
            if rows == 1:
                rho = rho.reshape(*rho.shape[: 1 if spin else 0], 1, rho.shape[-1])
            elif rho.shape[-2] == 6:  # PySCF has room for the Laplacian between gradient and τ
                rho = rho[..., [0, 1, 2, 3, 5], :]
            energy, first, second = functional.evaluate(rho, deriv)
            n = rho[..., 0, :] if rho.ndim == 2 else rho[:, 0].sum(0)
            per_electron = np.divide(energy, n, out=np.zeros_like(energy), where=energy != 0)
            return [per_electron, first, second, None]

    return Integrator()


class _Facts:
    """What PySCF asks libxc about a functional by its name, and about itself for its log."""

    __name__, __version__, __reference__ = "external functional", "", ""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def xc_type(self, xc: str) -> str:
        return self._kind

    def is_hybrid_xc(self, xc: str) -> bool:
        return False

    def is_nlc(self, xc: str) -> bool:
        return False

    def hybrid_coeff(self, xc: str, spin: int = 0) -> float:
        return 0.0

    def rsh_coeff(self, xc: str) -> tuple[float, float, float]:
        return (0.0, 0.0, 0.0)

    def nlc_coeff(self, xc: str) -> tuple[()]:
        return ()

    def test_deriv_order(self, xc: str, deriv: int, raise_error: bool = False) -> bool:
        return deriv <= 2
