"""Every shipped benchmark: files agree with one another, and with electron counting."""

import math
import re
from collections import Counter
from pathlib import Path

import pytest

NAMES = sorted(path.parent.name for path in (Path(__file__).parents[2] / "benchmarks").glob("*/benchmark.toml"))
DOI = re.compile(r"^10\.\d{4,9}/\S+$")
ENERGIES = ("atomization_energy", "barrier_height", "reaction_energy", "three_body_energy", "electron_affinity")
ENERGIES += ("proton_affinity",)
UNITS = {
    "total_energy": {"hartree", "t"},
    "interaction_energy": {"kcal/mol", "hartree", "eV"},
    "dissociation_energy": {"kcal/mol", "hartree", "eV"},
    "ionization_energy": {"eV", "hartree"},
    "energy_per_site": {"t", "hartree"},
    "particle_number_error": {"electrons"},
    "polarizability": {"bohr3", "angstrom3"},
    "polarizability_anisotropy": {"bohr3", "angstrom3"},
    "excitation_energy": {"hartree", "eV"},
    "c6": {"hartree bohr6"},
    "equilibrium_bond_length": {"angstrom", "bohr"},
    "harmonic_frequency": {"cm-1"},
    **{name: {"kcal/mol", "hartree", "eV"} for name in ENERGIES},
    **{f"dipole_{x}": {"e bohr", "debye"} for x in "xyz"},
    **{f"polarizability_{x}{x}": {"bohr3", "angstrom3"} for x in "xyz"},
}
DIFFERENCES = ("barrier_height", "electron_affinity", "proton_affinity")


def terms(stoichiometry, systems):
    """[(system id, fragment or None, coefficient), …]; 'interaction x' written out."""
    words = stoichiometry.split()
    if words[:1] == ["interaction"]:
        return [(words[1], None, 1)] + [(words[1], k, -1) for k in range(1, len(systems[words[1]].fragments) + 1)]
    if words[:1] == ["three_body"]:  # each fragment is in two pairs, which count −1, and once alone: −1 together
        return [(words[1], None, 1)] + [(words[1], k, -1) for k in (1, 2, 3)]
    found = []
    for word in words:
        name, _, coefficient = word.rpartition(":")
        name, _, fragment = name.partition("@")
        found.append((name, int(fragment) if fragment else None, int(coefficient)))
    return found


@pytest.fixture(params=NAMES)
def benchmark_(request, benchmark_data):
    return benchmark_data(request.param)


@pytest.mark.parametrize(
    "name", ["atoms", "diatomics", "hubbard", "hydrogen_chains", "polarizabilities", "rare_gas", "s22"]
)
def test_the_first_benchmarks_are_there_and_explained(name, benchmark_data):
    text = (benchmark_data(name).folder / "README.md").read_text(encoding="utf-8")
    assert "## Known issues" in text


def test_electron_parity_fits_multiplicity(benchmark_, atomic_numbers):
    for name, molecule in benchmark_.systems.items():
        numbers = [atomic_numbers[symbol] for symbol in molecule.symbols]
        electrons = sum(numbers) - molecule.charge
        assert electrons > 0 or (name, molecule.symbols) == ("proton", ["H"]), name
        assert (electrons - (molecule.multiplicity - 1)) % 2 == 0, name
        assert molecule.multiplicity - 1 <= electrons, name
        for atoms, charge, multiplicity in molecule.fragments:
            inside = sum(numbers[i] for i in atoms) - charge
            assert (inside - (multiplicity - 1)) % 2 == 0, name
    for name, lattice in benchmark_.lattices.items():
        sites = math.prod(lattice["lattice"])
        assert 0 < lattice["electrons"] <= 2 * sites, name
        assert (lattice["electrons"] - (lattice["multiplicity"] - 1)) % 2 == 0, name


def test_fragments_partition_the_system(benchmark_):
    for name, molecule in benchmark_.systems.items():
        if molecule.fragments:
            covered = sorted(i for atoms, _, _ in molecule.fragments for i in atoms)
            assert covered == list(range(len(molecule.symbols))), name
            assert sum(charge for _, charge, _ in molecule.fragments) == molecule.charge, name


def test_atoms_keep_a_distance(benchmark_):
    for name, molecule in benchmark_.systems.items():
        for i, a in enumerate(molecule.positions):
            for b in molecule.positions[:i]:
                assert math.dist(a, b) > 0.2, name


def test_stoichiometry_names_systems_and_balances_nuclei(benchmark_):
    for entry in benchmark_.entries:
        parts = terms(entry["stoichiometry"], benchmark_.systems)
        observable = entry["observable"] or benchmark_.meta["observable"]
        balance = Counter()
        for name, fragment, coefficient in parts:
            assert name in benchmark_.systems or name in benchmark_.lattices, f"{entry['id']}: {name}"
            if name in benchmark_.systems:
                molecule = benchmark_.systems[name]
                atoms = range(len(molecule.symbols)) if fragment is None else molecule.fragments[fragment - 1][0]
                for i in atoms:
                    balance[molecule.symbols[i]] += coefficient
        difference = observable in DIFFERENCES or (
            observable.endswith("_energy") and observable not in ("total_energy", "excitation_energy")
        )
        if difference and parts:
            assert not any(balance.values()), entry["id"]
        elif parts:
            assert [coefficient for _, _, coefficient in parts] == [1], entry["id"]


def test_identifiers_are_unique_and_cross_references_hold(benchmark_):
    ids = [entry["id"] for entry in benchmark_.entries]
    assert len(ids) == len(set(ids))
    assert {row["entry"] for row in benchmark_.references} == set(ids)
    sets = benchmark_.meta["reference_sets"]
    levels = [name for name, about in sets.items() if about.get("role") == "level"]
    assert {row["set"] for row in benchmark_.references} == set(sets) - set(levels)
    if levels:
        header = (benchmark_.folder / "levels.csv").read_text(encoding="utf-8").split("\n")[0]
        assert header.split(",") == ["entry", *levels]
    assert benchmark_.meta["default_reference_set"] in benchmark_.meta["reference_sets"]
    pairs = [(row["entry"], row["set"]) for row in benchmark_.references if row["status"] == "current"]
    assert len(pairs) == len(set(pairs))
    used = {subset for entry in benchmark_.entries for subset in entry["subset"].split()}
    assert used == set(benchmark_.meta.get("subsets", {}))
    tags = {tag.partition(":")[0] for entry in benchmark_.entries for tag in entry["tags"].split()}
    assert tags == set(benchmark_.meta.get("tags", {}))
    systems = {name for entry in benchmark_.entries for name, _, _ in terms(entry["stoichiometry"], benchmark_.systems)}
    assert systems == set(benchmark_.systems) | set(benchmark_.lattices), "a system no entry uses"


def test_every_reference_has_a_number_a_unit_and_a_source(benchmark_):
    observables = {entry["id"]: entry["observable"] or benchmark_.meta["observable"] for entry in benchmark_.entries}
    for row in benchmark_.references:
        place = f"{row['entry']} {row['set']}"
        assert math.isfinite(float(row["value"])), place
        assert row["unit"] in UNITS[observables[row["entry"]]], place
        assert row["source_place"], place
        assert DOI.match(row["source_doi"]) or row["source_place"].startswith(("analytic", "tools/references")), place
        assert row["status"] in ("current", "superseded", "disputed"), place
        assert bool(row["uncertainty"]) == bool(row["uncertainty_kind"]), place
        if row["uncertainty"]:
            assert float(row["uncertainty"]) > 0, f"{place}: an unknown uncertainty is empty, never 0"
            assert row["uncertainty_kind"] in ("rounding", "statistical", "estimate", "experimental"), place
        if row["status"] != "current":
            assert row["note"], f"{place}: say why it is {row['status']}"


def test_published_version_is_described(benchmark_):
    meta = benchmark_.meta
    assert meta["version"] == meta["changelog"][-1]["version"]
    assert meta["id"] == benchmark_.folder.name
    assert meta["licence"] in ("CC-BY-4.0", "Apache-2.0")
    assert all(DOI.match(citation["doi"]) for citation in meta["citations"] if citation.get("doi"))
