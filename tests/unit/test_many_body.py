"""Many-body expansions and Valiron–Mayer counterpoise: which systems, with which coefficients."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from qmbench import InputError, Molecule, Unsupported, parse_level
from qmbench.data.benchmark import Benchmark, Entry, Term, parse_stoichiometry
from qmbench.data.entry import groups, many_body_factor, subsets
from qmbench.domain.systems.xyz import Fragment
from qmbench.running.fragments import named_parts
from qmbench.running.plan import bsse_for


def helium(n):
    """n helium atoms, every distance another one."""
    places = tuple((0.0, 0.0, 4.0 * i + 0.3 * i * i) for i in range(n))
    fragments = tuple(Fragment((i,), 0, 1) for i in range(n))
    return Molecule(("He",) * n, places, 0, 1, fragments=fragments, name="cluster")


def benchmark(stoichiometry, n, observable="interaction_energy"):
    entry = Entry("cluster", observable, parse_stoichiometry(stoichiometry, "cluster"))
    meta = {"id": "b", "version": "0", "observable": observable, "unit": "kcal/mol", "bsse": ["none", "cp"]}
    return Benchmark("b", Path(), meta, (entry,), (), {"cluster": helium(n)}), entry


def energy(system):
    """An energy of atoms that is a sum of one- to four-body terms, each with a superposition error of its own.

    The terms of k bodies are distinct powers of two, so that sums of different terms differ. Ghosts lower the energy.
    """
    real = [p[2] for p, ghost in zip(system.positions, system.ghosts, strict=True) if not ghost]
    ghosts = [p[2] for p, ghost in zip(system.positions, system.ghosts, strict=True) if ghost]
    total = 0.0
    for k in range(1, len(real) + 1):
        for group in combinations(real, k):
            total += (-1) ** k * sum(abs(a - b) for a, b in combinations((0.0, *group), 2)) ** (1 / (k + 1))
    return total - 0.01 * sum(1 / (1 + abs(a - g)) for a in real for g in ghosts) * len(real)


def value(stoichiometry, n, bsse):
    b, entry = benchmark(stoichiometry, n)
    return sum(coefficient * energy(system) for _, coefficient, system in named_parts(b, entry, bsse))


def contribution(cluster, group, basis_of):
    """The contribution of a group of fragments, each energy in the basis `basis_of(part, group)`."""
    return sum(
        (-1) ** (len(group) - len(part)) * energy(cluster.fragment_in(part, basis_of(part, group)))
        for part in subsets(group)
    )


BASES = {
    "none": lambda part, group: part,
    "cp": lambda part, group: (1, 2, 3, 4),
    "vmfc": lambda part, group: group,
}


@pytest.mark.parametrize("bsse", BASES)
@pytest.mark.parametrize("bodies", [2, 3, 4])
def test_contributions_of_four(bsse, bodies):
    """Against the definition, group by group."""
    cluster = helium(4)
    sums = {
        k: sum(contribution(cluster, g, BASES[bsse]) for g in combinations((1, 2, 3, 4), k))
        for k in range(2, bodies + 1)
    }
    assert value(f"many_body cluster {bodies}", 4, bsse) == pytest.approx(sums[bodies], abs=1e-10)
    assert value(f"interaction cluster {bodies}", 4, bsse) == pytest.approx(sum(sums.values()), abs=1e-10)
    assert abs(sums[bodies]) > 1e-3


@pytest.mark.parametrize("bsse", BASES)
def test_all_bodies_are_the_whole(bsse):
    assert value("interaction cluster 4", 4, bsse) == pytest.approx(value("interaction", 4, bsse), abs=1e-10)
    assert value("many_body cluster 3", 3, bsse) == pytest.approx(value("three_body", 3, bsse), abs=1e-10)
    assert value("two_body", 3, bsse) == pytest.approx(value("interaction cluster 2", 3, bsse), abs=1e-10)


def test_terms_of_a_trimer():
    b, entry = benchmark("interaction", 3)
    names = {name: coefficient for name, coefficient, _ in named_parts(b, entry, "vmfc")}
    assert names["cluster"] == 1
    for pair in ("1+2", "1+3", "2+3"):
        assert names[f"cluster@{pair}"] == 1
        assert names[f"cluster@{pair}(1+2+3)"] == -1
    for one in (1, 2, 3):
        assert names[f"cluster@{one}(1+2+3)"] == 1
        assert all(names[f"cluster@{one}({p})"] == -1 for p in ("1+2", "1+3", "2+3") if str(one) in p)
    assert f"cluster@{one}" not in names  # monomers in their own basis cancel
    assert sum(names.values()) == pytest.approx(1 + 3 - 3 + 3 - 6)


def test_ghosts_are_those_of_the_basis():
    part = helium(3).fragment_in((1,), (1, 3))
    assert part.ghosts == (False, True)
    assert part.positions == (helium(3).positions[0], helium(3).positions[2])
    assert helium(3).fragment_in((1,), (1, 2, 3)).hash == helium(3).fragment(1, ghosts=True).hash
    assert helium(3).fragment_in((1, 2), (1, 2)).hash == helium(3).fragment((1, 2), ghosts=False).hash


def test_factors():
    """Two-body sums have every pair once, and every one of N fragments less N - 1 times."""
    assert [many_body_factor(k, 5, 2, 2) for k in (1, 2, 3)] == [-4, 1, 0]
    assert [many_body_factor(k, 4, 2, 4) for k in (1, 2, 3, 4)] == [-1, 0, 0, 1]
    assert dict((g, c) for c, g in groups(Term("t", 1.0, bodies=(3, 3)), helium(3)))[None] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [("interaction cluster 1", "2 to 9"), ("many_body cluster x", "2 to 9"), ("many_body cluster 4", "too few for 4")],
)
def test_wrong_numbers_of_bodies(text, message):
    with pytest.raises(InputError, match=message):
        value(text, 3, "none")


def test_vmfc_is_for_sums_of_energies():
    b, entry = benchmark("cluster:1 cluster@1:-1", 2, "relative_energy")
    with pytest.raises(Unsupported, match="differences of energies"):
        list(named_parts(b, entry, "vmfc"))


def test_vmfc_where_cp_makes_sense():
    b, entry = benchmark("interaction", 3)
    assert bsse_for(parse_level("hf/sto-3g"), "vmfc", b, entry) == "vmfc"
    only = Benchmark("b", Path(), {**b.meta, "bsse": ["none"]}, b.entries, (), {"cluster": helium(3)})
    assert bsse_for(parse_level("hf/sto-3g"), "vmfc", only, entry) == "none"
