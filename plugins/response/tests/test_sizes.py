"""Polarizability and size: theorems first, then a second way to the spread of the dipole, then what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qmbench import Curve, InputError, Molecule, Place, Resources, Term, parse_level
from qmbench_response import sizes
from qmbench_response.line.methods import FREQUENCIES
from qmbench_response.line.response import exact
from qmbench_response.line.system import ElectronsOnALine

TRAP = ElectronsOnALine(omega=0.5, box=9.0, points=51)
ATOM = ElectronsOnALine(charge=2.0, box=9.0, points=41)


def term(level, system, coefficient=1.0):
    found = parse_level(level).make().run(system, ("dynamic_polarizability",), Resources()).properties
    return Term(coefficient, found["dynamic_polarizability"].value, "it", system)


@pytest.mark.parametrize("interaction", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("level", ["exact-line", "hf-line"])
def test_trap_has_one_frequency(level, interaction):
    """α = 4 M²/N: the harmonic potential theorem gives the centre of mass all the strength."""
    for omega, box in ((0.5, 10.0), (1.0, 7.5)):
        trap = ElectronsOnALine(omega=omega, interaction=interaction, box=box, points=51)
        assert sizes.length_ratio([term(level, trap)], Place()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("charge", [1.5, 2.0, 4.0])
def test_inequality_and_states(charge):
    """α ≥ 4 M²/N, and M is that of the exact states: Σ |⟨0|X|n⟩|²."""
    atom = replace(ATOM, charge=charge)
    found = term("exact-line", atom)
    moments = atom.line.x @ exact(atom.line).transitions
    assert sizes.spread(found.value) == pytest.approx(np.sum(moments**2), rel=1e-5)
    assert sizes.length_ratio([found], Place()) > 1


def test_spread_of_the_exact_ground_state():
    """The same M is an expectation value: ⟨(x₁ + x₂)²⟩ of the wave function in the product space."""
    from scipy.sparse import csr_array, diags, identity, kron
    from scipy.sparse.linalg import eigsh

    line = ATOM.line
    one, core = identity(len(line.x), format="csr"), csr_array(line.core)
    h = kron(core, one) + kron(one, core) + diags(line.interaction.ravel())
    state = eigsh(csr_array(h), k=1, which="SA", tol=1e-12)[1][:, 0]
    both = (line.x[:, None] + line.x).ravel()
    assert sizes.spread(term("exact-line", ATOM).value) == pytest.approx(state**2 @ both**2, rel=1e-5)


def test_hydrogen_is_nine_eighths():
    """α = 9/2 and ⟨z²⟩ = 1."""
    h = Molecule(("H",), ((0.0, 0.0, 0.0),), 0, 2)
    found = term("hf/aug-cc-pvqz", h)
    assert sizes.length_ratio([found], Place()) == pytest.approx(9 / 8, abs=3e-3)


def test_exponents_of_exact_powers():
    """Curves of one frequency: α = 4 L⁴, and radii ∝ α^(1/7), so that R ∝ L^(4/7); no scatter is left."""
    terms = []
    for omega in (0.2, 0.3, 0.5, 0.9):
        trap = replace(TRAP, omega=omega)
        curve = Curve(FREQUENCIES, 2 / (omega**2 + FREQUENCIES**2), "hartree")
        terms.append(Term(2.54 * curve.values[0] ** (1 / 7), curve, f"{omega}", trap))
    assert sizes.length_exponent(terms, Place()) == pytest.approx(4, abs=1e-5)
    assert sizes.radius_length_exponent(terms, Place()) == pytest.approx(4 / 7, abs=1e-5)
    assert sizes.length_exponent_interval(terms, Place()) < 1e-4
    assert sizes.radius_length_exponent_interval(terms, Place()) < 1e-4
    tensors = [Term(t.coefficient, np.eye(3) * t.value.values[0], t.name, t.system) for t in terms]
    assert sizes.radius_exponent(tensors, Place()) == pytest.approx(1 / 7, abs=1e-12)
    assert sizes.radius_exponent_interval(tensors, Place()) < 1e-10


def test_interval_is_that_of_statsmodels():
    """A second implementation of the straight line and its interval."""
    import statsmodels.api as sm

    rng = np.random.default_rng(7)
    x = np.array([1.4, 2.7, 11.0, 17.0, 27.0])
    y = 2.5 * x**0.14 * np.exp(0.02 * rng.standard_normal(5))
    fit = sm.OLS(np.log(y), sm.add_constant(np.log(x))).fit()
    slope, half = sizes.power(x, y)
    assert slope == pytest.approx(fit.params[1], rel=1e-10)
    assert [slope - half, slope + half] == pytest.approx(fit.conf_int()[1], rel=1e-10)


def test_valence_electrons():
    at = ((0.0, 0.0, 0.0),)
    counts = {
        "H": 1,
        "He": 2,
        "Li": 1,
        "Ne": 8,
        "Ar": 8,
        "Ca": 2,
        "Zn": 12,
        "Ga": 3,
        "As": 5,
        "Kr": 8,
        "Xe": 8,
        "Rn": 8,
    }
    for symbol, count in counts.items():
        atom = Molecule((symbol,), at, 0, 1 if count % 2 == 0 else 2)
        assert sizes.valence_electrons(atom) == count, symbol
    assert sizes.valence_electrons(TRAP) == 2


def test_what_is_refused():
    with pytest.raises(InputError, match="Gauss–Legendre"):
        sizes.spread(Curve(FREQUENCIES[:-1], FREQUENCIES[:-1], "hartree"))
    with pytest.raises(InputError, match="three systems"):
        sizes.power(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="three systems"):
        sizes.power(np.array([1.0, 1.0, 1.0]), np.array([1.0, 2.0, 3.0]))
    with pytest.raises(InputError, match="positive"):
        sizes.power(np.array([1.0, 2.0, 3.0]), np.array([1.0, -2.0, 3.0]))
