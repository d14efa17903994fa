"""Methods by the names that people write: each has one canonical spelling, and hints name what is there."""

from __future__ import annotations

import re

import pytest

from qmbench import InputError, Molecule, Unsupported, parse_level
from qmbench_pyscf.names import KNOWN

WATER = Molecule(("O", "H", "H"), ((0, 0, 0), (1.4, 1.1, 0), (-1.4, 1.1, 0)), 0, 1)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("B3LYP", "b3lyp"),
        ("B3LYP-D3(BJ)", "b3lyp+d3bj"),
        ("B3LYP-D3BJ", "b3lyp+d3bj"),
        ("PBE0-D4", "pbe0+d4"),
        ("HF-D3(BJ)", "hf+d3bj"),
        ("ωB97M-V", "wb97m-v"),
        ("wB97M-V", "wb97m-v"),
        ("wb97m_v", "wb97m-v"),
        ("M06-2X", "m06-2x"),
        ("M062X", "m06-2x"),
        ("r²SCAN", "r2scan"),
        ("LC-ωPBE", "lc-wpbe"),
        ("CAMB3LYP", "cam-b3lyp"),
        ("pbeh", "pbe0"),
        ("PBE1PBE", "pbe0"),
        ("hyb_gga_xc_pbeh", "pbe0"),
        ("hyb_gga_xc_b3lyp", "b3lyp"),
        ("b3lypg", "b3lyp"),
        ("PBE1PBE-D4", "pbe0+d4"),
        ("SVWN5", "svwn"),
        ("BHHLYP", "bhandhlyp"),
        ("b97_2", "b97-2"),
        ("hyb_gga_xc_b97_2", "b97-2"),
        ("mpw1pw", "mpw1pw91"),
        ("wB97X-D3BJ", "wb97x-v+d3bj"),
        ("ωB97M-D3(BJ)", "wb97m-v+d3bj"),
        ("ωB97X-D4", "wb97x-v+d4"),
    ],
)
def test_one_spelling(written, canonical):
    first, second = parse_level(f"{written}/def2tzvp"), parse_level(f"{canonical}/def2-tzvp")
    assert str(first) == str(second) == f"{canonical}/def2-tzvp"
    assert first.key(WATER, "energy") == second.key(WATER, "energy")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("b3lyp-d3", "with Becke–Johnson damping it is b3lyp+d3bj"),
        ("pbeh-d3(0)", "with Becke–Johnson damping it is pbe0+d3bj"),
        ("wb97x+d3bj", "write wb97x-v+d3bj"),
        ("lda", "svwn"),
        ("pbe-mbd-nl", "did you mean"),
    ],
)
def test_hints_name_what_is_there(written, hint):
    with pytest.raises((InputError, Unsupported), match=re.escape(hint)):
        parse_level(f"{written}/def2-svp")


def test_each_functional_of_libxc_has_one_name():
    """All names that PySCF and libxc have for functionals, with and without prefix, hyphens and underscores: those that
    consist of the same parts get the same name, which is its own, and which the dispersion libraries know if they
    know any of them."""
    from pyscf.dft import libxc

    from qmbench_pyscf.dispersion import dispersion_energy, library_name
    from qmbench_pyscf.functionals import canonical_functional, functional

    hydrogen = Molecule(("H",), ((0.0, 0.0, 0.0),), 0, 2)

    def has_parameters(name, scheme):
        try:
            dispersion_energy(hydrogen, library_name(name, scheme), scheme, False)
        except Unsupported:
            return False
        return True

    names = set()
    for key in (*libxc.XC_KEYS, *libxc.XC_ALIAS):
        for text in (key.lower(), re.sub(r"^(hyb_)?(lda|gga|mgga)_(xc|x|c)_", "", key.lower())):
            names |= {text, text.replace("_", "-"), text.replace("_", "")}
    by_parts: dict[tuple, set[str]] = {}
    for name in sorted(names):
        try:
            found = functional(name, dispersion_follows=True)
        except Unsupported:
            continue
        if found is None:
            continue
        canonical = canonical_functional(name, dispersion_follows=True)
        assert canonical_functional(canonical, dispersion_follows=True) == canonical
        by_parts.setdefault((tuple(sorted(found.parts)), found.exact_exchange, found.nlc), set()).add(canonical)
        for scheme in ("d3bj", "d4"):
            assert has_parameters(canonical, scheme) or not has_parameters(name, scheme), (name, canonical, scheme)
    assert len(by_parts) > 250
    assert {parts: found for parts, found in by_parts.items() if len(found) > 1} == {}


def test_listed_functionals_keep_their_names():
    from qmbench_pyscf.functionals import canonical_functional

    assert {name: canonical_functional(name) for name in KNOWN} == {name: name for name in KNOWN}
