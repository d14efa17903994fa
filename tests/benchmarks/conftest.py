"""Plain CSV and XYZ readers for the data tests, independent of the loader under test elsewhere."""

import csv
import importlib.util
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def element_numbers():
    """ASE's table, so that the data are not checked with the core's own."""
    from ase.data import atomic_numbers

    return atomic_numbers


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def read_fragments(text):
    """'1-3:0:1 4,6:0:1' -> [(atom indices from 0, charge, multiplicity), …]."""
    fragments = []
    for part in text.split():
        atoms, charge, multiplicity = part.split(":")
        indices = []
        for piece in atoms.split(","):
            first, _, last = piece.partition("-")
            indices += range(int(first) - 1, int(last or first))
        fragments.append((indices, int(charge), int(multiplicity)))
    return fragments


def read_frames(path):
    """{name: molecule} of a file of several frames."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {}
    while lines:
        frame, lines = lines[: 2 + int(lines[0])], lines[2 + int(lines[0]) :]
        name = re.search(r"\bname=(\S+)", frame[1])[1]
        assert name not in found, f"{path}: {name} is there twice"
        found[name] = read_xyz(path, frame)
    return found


def read_xyz(path, lines=None):
    lines = path.read_text(encoding="utf-8").splitlines() if lines is None else lines
    fields = {key: quoted or bare for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', lines[1])}
    atoms = [line.split() for line in lines[2 : 2 + int(lines[0])]]
    assert len(lines) == 2 + int(lines[0]), f"{path}: atom count in the header"
    return SimpleNamespace(
        symbols=[atom[0] for atom in atoms],
        positions=[tuple(map(float, atom[1:4])) for atom in atoms],
        charge=int(fields["charge"]),
        multiplicity=int(fields["multiplicity"]),
        fragments=read_fragments(fields.get("fragments", "")),
    )


def read_provider_systems(folder, provider):
    """Molecules of a benchmark whose geometries come with ASE (systems.csv)."""
    from ase.build import molecule
    from ase.data.s22 import create_s22_system

    make = {"ase:s22": create_s22_system, "ase:g2": molecule}[provider]

    systems = {}
    for row in read_csv(folder / "systems.csv"):
        atoms = make(row["source"])
        systems[row["id"]] = SimpleNamespace(
            symbols=atoms.get_chemical_symbols(),
            positions=[tuple(map(float, position)) for position in atoms.positions],
            charge=int(row["charge"]),
            multiplicity=int(row["multiplicity"]),
            fragments=read_fragments(row.get("fragments", "")),
        )
    return systems


def read_benchmark(name):
    folder = REPOSITORY / "benchmarks" / name
    meta = tomllib.loads((folder / "benchmark.toml").read_text(encoding="utf-8"))
    systems = {path.stem: read_xyz(path) for path in sorted((folder / "systems").glob("*.xyz"))}
    if (folder / "systems.xyz").exists():
        systems |= read_frames(folder / "systems.xyz")
    if "provider" in meta:
        systems |= read_provider_systems(folder, meta["provider"])
    lattices = folder / "systems.toml"
    return SimpleNamespace(
        folder=folder,
        meta=meta,
        systems=systems,
        lattices=tomllib.loads(lattices.read_text(encoding="utf-8")) if lattices.exists() else {},
        # Columns that a benchmark does not need may be missing.
        entries=[
            {"observable": "", "state": "", "subset": "", "tags": ""} | e for e in read_csv(folder / "entries.csv")
        ],
        references=read_csv(folder / "references.csv"),
    )


def reference_script(name):
    """One of tools/references/*.py as a module."""
    path = REPOSITORY / "tools" / "references" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def benchmark_data():
    return read_benchmark


@pytest.fixture(scope="session")
def references_script():
    return reference_script


@pytest.fixture(scope="session")
def atomic_numbers():
    return element_numbers()


def values(benchmark, reference_set, status=("current",)):
    """{entry: value} of one reference set."""
    return {
        row["entry"]: float(row["value"])
        for row in benchmark.references
        if row["set"] == reference_set and row["status"] in status
    }


@pytest.fixture(scope="session")
def reference_values():
    return values
