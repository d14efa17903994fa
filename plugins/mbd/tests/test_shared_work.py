"""One self-consistent field for a functional and all dispersion models on it."""

from __future__ import annotations

import pytest

from qmbench import Molecule
from qmbench.plugging.registry import parse_level
from qmbench_mbd.families import FUNCTIONALS

WATER = Molecule(("O", "H", "H"), ((0.0, 0.0, 0.2217), (0.0, 1.4309, -0.8867), (0.0, -1.4309, -0.8867)), 0, 1)
ENERGY = frozenset({"energy"})


@pytest.mark.parametrize("functional", ["pbe", "pbe0"])
@pytest.mark.parametrize("options", ["", "?density_fitting=true", "?stability=false", "?grid=5"])
def test_the_field_of_a_functional_has_one_name(functional: str, options: str) -> None:
    """And is one: the key of its artifact is the same."""
    from qmbench_pyscf.functionals import functional as libxc

    own = parse_level(f"{functional}/def2-svp{options}").make()
    (name,) = own.shared_seconds(WATER, ENERGY)
    key = own.options.specification(libxc(functional).xc).artifact_key(WATER)
    for model in ("mbd", "mbd-nl", "ts"):
        with_dispersion = parse_level(f"{functional}+{model}/def2-svp{options}").make()
        shared = with_dispersion.shared_seconds(WATER, ENERGY)
        assert list(shared) == [name]
        assert 0 < shared[name] <= with_dispersion.estimate(WATER, ENERGY)
        made_of = with_dispersion.options.specification(FUNCTIONALS[functional])
        assert made_of.artifact_key(WATER) == key


def test_another_grid_is_another_field() -> None:
    names = [
        name
        for grid in ("", "?grid=3", "?grid=5")
        for name in parse_level(f"pbe+mbd/def2-svp{grid}").make().shared_seconds(WATER, ENERGY)
    ]
    assert len(set(names)) == 3
