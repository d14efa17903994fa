"""Families of basis sets by their names."""

from __future__ import annotations

import pytest

from qmbench import InputError
from qmbench.domain.basis_families import family_of, is_template, members


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("cc-pv[dt]z", [("cc-pvdz", 2), ("cc-pvtz", 3)]),
        ("aug-cc-pv[tq5]z", [("aug-cc-pvtz", 3), ("aug-cc-pvqz", 4), ("aug-cc-pv5z", 5)]),
        ("d-aug-cc-pv[tq]z", [("d-aug-cc-pvtz", 3), ("d-aug-cc-pvqz", 4)]),
        ("cc-pwcv[q5]z", [("cc-pwcvqz", 4), ("cc-pwcv5z", 5)]),
        ("cc-pv([tq]+d)z", [("cc-pv(t+d)z", 3), ("cc-pv(q+d)z", 4)]),
        ("ccecp-aug-cc-pv[tq]z", [("ccecp-aug-cc-pvtz", 3), ("ccecp-aug-cc-pvqz", 4)]),
        ("def2-[dt]zvpp", [("def2-svp", 2), ("def2-tzvpp", 3)]),
        ("def2-[dt]zvpd", [("def2-svpd", 2), ("def2-tzvpd", 3)]),
        ("pc-[23]", [("pc-2", 3), ("pc-3", 4)]),
        ("aug-pcseg-[12]", [("aug-pcseg-1", 2), ("aug-pcseg-2", 3)]),
        ("ano-rcc-v[tq]zp", [("ano-rcc-vtzp", 3), ("ano-rcc-vqzp", 4)]),
    ],
)
def test_members_and_their_cardinal_numbers(template, expected):
    assert [(m.name, m.cardinal) for m in members(template)] == expected


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("cc-pv[tq", "one pair of brackets"),
        ("cc-pv[t]z", "two or three members"),
        ("cc-pv[qt]z", "ascending"),
        ("cc-pv[tt]z", "ascending"),
        ("cc-pv[dtq5]z", "two or three"),
        ("cc-pv[tx]z", "no member 'x'"),
        ("6-31[tq]g", "no family"),
        ("def2-[q5]zvp", "no member '5'"),
        ("[tq]", "no family"),
        ("cc-pv[tq][dt]z", "one pair"),
    ],
)
def test_a_wrong_template_is_told(template, said):
    assert is_template(template)
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        members(template)


@pytest.mark.parametrize(
    ("basis", "expected"),
    [
        ("cc-pvtz", ("cc-pv@z", 3)),
        ("aug-cc-pvdz", ("aug-cc-pv@z", 2)),
        ("d-aug-cc-pvdz", ("d-aug-cc-pv@z", 2)),
        ("cc-pv5z", ("cc-pv@z", 5)),
        ("def2-svp", ("def2-@zvp", 2)),
        ("def2-qzvppd", ("def2-@zvppd", 4)),
        ("pc-2", ("pc-@", 3)),
        ("ccecp-cc-pvtz", ("ccecp-cc-pv@z", 3)),
        ("sto-3g", None),
        ("6-31g(d)", None),
    ],
)
def test_the_family_of_a_single_basis(basis, expected):
    assert family_of(basis) == expected
