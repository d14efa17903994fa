"""Files with anything in them: an InputError of one line or a finding of lint, never another exception."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qmbench import InputError
from qmbench.data.benchmark import load_benchmark
from qmbench.data.suite import read_suite
from qmbench.domain.systems.xyz import parse_xyz
from qmbench.running.lint import lint_path

WORDS = [
    *(
        "charge=0",
        "multiplicity=1",
        "units=bohr",
        "unit=",
        'Lattice="1 0 0 0 1 0 0 0 1"',
        'pbc="T T T"',
        "pbc=",
        "bohr",
    ),
    *(
        "Properties=species:S:1:pos:R:3",
        "Properties=:",
        'fragments="1:0:1"',
        "fragments=1-:0:1",
        "title='x",
        "a=",
        "=a",
    ),
    *(
        "'",
        '"',
        "{a",
        "[",
        "]",
        "}",
        "=",
        "1e999",
        "1D400",
        "nan",
        "-0.0",
        "8",
        "D",
        "\x00",
        "é",
        "١",
        "\u2028",
        "\x0c",
    ),
]
line = st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=8).map(" ".join)
atoms = st.tuples(
    st.sampled_from(["H", "d", "8", "0", "999", "٣", ""]), *[st.sampled_from(["0", "1.5", "1D9", "nan", "x"])] * 3
)


def said(call) -> str:
    """What the InputError of a call says; empty where there is none."""
    try:
        call()
    except InputError as error:
        return str(error)
    return ""


@given(
    st.sampled_from(["1", "2", "-1", "0", "1e5", "١", " 1 "]), line, st.lists(line | atoms.map(" ".join), max_size=3)
)
@example(count="1", comment="", rows=["H 0 0 0", "8"])  # a second frame that ends with its first line
@example(count="1", comment="", rows=["H 0 0 0", "0", "x"])  # a second frame without atoms
@settings(max_examples=400, deadline=None)
def test_any_xyz(count, comment, rows):
    text = said(lambda: parse_xyz("\n".join([count, comment, *rows]), "w", "n"))
    assert not text or text.startswith(("w, line ", "w holds 2 frames; "))
    assert "\n" not in text


FILES = ["benchmark.toml", "entries.csv", "references.csv", "systems/he2.xyz"]
PIECES = [
    b"\x00",
    b"\xff",
    b'"',
    b",",
    b"\n",
    b"[",
    b"]",
    b"=",
    b"3",
    b"-",
    b"{",
    b"}",
    b"'",
    b"../",
    b"\xe2\x80\xa8",
    b"1e999",
    b":",
]


@pytest.mark.parametrize("name", FILES)
def test_any_byte_of_a_benchmark_may_be_wrong(folder, name):
    """Cut, repeated and replaced pieces, with a fixed seed."""
    path, chance = folder / name, random.Random(14)
    right = path.read_bytes()
    for _ in range(60):
        data = bytearray(right)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(data))
            data[at : at + chance.choice((0, 1, 1, 8))] = chance.choice(PIECES)
        path.write_bytes(data)
        for finding in lint_path(folder):
            assert finding.severity in ("error", "warning")
        assert "\n" not in said(lambda: [b.system(name) for b in [load_benchmark(folder)] for name in b.system_ids])


def test_any_value_of_a_benchmark_and_a_suite_may_be_of_another_type(folder):
    values = [
        "3",
        "-1.5",
        "nan",
        "true",
        '"x"',
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "{ a = {} }",
        "2026-01-01",
        '["x", 3]',
        '""',
    ]
    right = (folder / "benchmark.toml").read_text()
    keys = [line.partition(" = ")[0] for line in right.splitlines() if " = " in line]
    for key in [*keys, "provider", "changelog", "observables", "description"]:
        for value in values:
            kept = [line for line in right.splitlines() if not line.startswith(f"{key} = ")]
            (folder / "benchmark.toml").write_text("\n".join([f"{key} = {value}", *kept]))
            list(lint_path(folder))
            assert "\n" not in said(lambda: load_benchmark(folder))
    suite = {"id": '"s"', "title": '"S"', "benchmarks": '["atoms"]', "levels": '[{ level = "hf/x" }]'}
    path = folder.parent / "s.toml"
    for key in (*suite, "description"):
        for value in values:
            path.write_text("\n".join(f"{k} = {v}" for k, v in {**suite, key: value}.items()))
            assert "\n" not in said(lambda: read_suite(path))
