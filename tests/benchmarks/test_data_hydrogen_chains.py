"""Hydrogen chains: full CI repeated, variational order, size consistency, and published values against one another."""

import math

import pytest

BOHR = 0.529177210903


@pytest.fixture(scope="module")
def chains(benchmark_data):
    return benchmark_data("hydrogen_chains")


@pytest.fixture(scope="module")
def exact(chains, reference_values):
    return reference_values(chains, "FCI/sto-6g")


def spacings(chains, curve):
    return sorted((float(e["coordinate"]), e["id"]) for e in chains.entries if e["curve"] == curve)


def test_chains_are_equally_spaced(chains):
    for entry in chains.entries:
        if not entry["stoichiometry"]:
            continue
        molecule = chains.systems[entry["stoichiometry"].partition(":")[0]]
        assert len(molecule.symbols) == int(entry["curve"][1:])
        for a, b in zip(molecule.positions, molecule.positions[1:], strict=False):
            assert math.dist(a, b) == pytest.approx(float(entry["coordinate"]) * BOHR, abs=1e-8)


SLOW = [pytest.param(*case, marks=pytest.mark.slow) for case in ((8, 1.8), (10, 1.4), (10, 2.0))]


@pytest.mark.parametrize(("count", "spacing"), [(2, 1.4), (4, 2.4), (6, 3.2), *SLOW])
def test_full_ci_is_repeated(exact, references_script, count, spacing):
    script = references_script("fci_curves")
    energy = script.fci_energy(script.hydrogen_chain(count, spacing), "sto-6g")
    assert exact[f"h{count}_{spacing:.1f}"] == pytest.approx(energy, abs=1e-8)


def test_full_ci_and_published_dmrg_agree(chains, exact, reference_values):
    """Two exact methods in the same basis."""
    dmrg = reference_values(chains, "DMRG/sto-6g")
    assert len(dmrg) == 10
    for name, energy in dmrg.items():
        assert energy == pytest.approx(exact[name], abs=3e-6), name


def test_variational_methods_lie_above_full_ci(chains, exact, reference_values):
    restricted = reference_values(chains, "RHF/sto-6g")
    for reference_set in ("UHF/sto-6g", "RHF/sto-6g", "MRCI/sto-6g"):
        published = reference_values(chains, reference_set)
        assert len(published) == 10
        assert all(energy > exact[name] - 1e-7 for name, energy in published.items()), reference_set
    unrestricted = reference_values(chains, "UHF/sto-6g")
    assert all(unrestricted[name] < energy + 1e-7 for name, energy in restricted.items())


def test_h2_in_the_minimal_basis_lies_above_the_exact_curve(chains, exact, reference_values):
    true = reference_values(chains, "exact")
    assert len(true) == 3
    for name, energy in true.items():
        assert energy < exact[name] < energy + 0.05


def test_stretched_chains_tend_to_separate_atoms(exact):
    """At 3.2 bohr the energy per atom of a longer chain is lower, and all are near the STO-6G hydrogen atom."""
    atom = -0.4710390541  # E(H, STO-6G), one electron in the fixed contraction
    per_atom = [exact[f"h{n}_3.2"] / n for n in (2, 4, 6, 8, 10)]
    assert per_atom == sorted(per_atom, reverse=True)
    assert all(atom - 0.03 < energy < atom for energy in per_atom)


def test_published_limits_agree_within_their_uncertainties(chains):
    """AFQMC and MRCI+Q+F12 for H10: differences below three combined standard errors or 5 millihartree."""
    rows = {
        (row["set"], row["entry"]): (float(row["value"]), float(row["uncertainty"]))
        for row in chains.references
        if row["set"] in ("AFQMC/CBS", "MRCI+Q+F12/CBS") and row["entry"].startswith("h10")
    }
    assert len(rows) == 20
    for (reference_set, name), (value, error) in rows.items():
        if reference_set == "AFQMC/CBS":
            other, other_error = rows["MRCI+Q+F12/CBS", name]
            assert abs(value - other) < max(3 * math.hypot(error, other_error), 5e-3), name


def test_the_basis_set_limit_is_below_the_minimal_basis(chains, exact, reference_values):
    limit = reference_values(chains, "MRCI+Q+F12/CBS")
    gains = [exact[name] - limit[name] for _, name in spacings(chains, "h10")]
    assert min(gains) > 0.1
    assert gains[0] == max(gains)  # the fixed exponents fit least where the chain is most compressed


def test_infinite_chain_is_near_h10_per_atom(chains, reference_values):
    published = reference_values(chains, "AFQMC/CBS")
    infinite = {name: value for name, value in published.items() if name.startswith("h_infinite")}
    assert len(infinite) == 8
    for name, value in infinite.items():
        h10 = published[name.replace("h_infinite", "h10")] / 10
        assert value == pytest.approx(h10, abs=0.012), name
