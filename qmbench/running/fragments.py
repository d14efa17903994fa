"""What an entry's terms are made of when they name fragments, for each treatment of the basis-set superposition error.

`none`: every fragment in its own basis. `cp`: in the basis of the whole (Boys and Bernardi, Mol. Phys. 19, 553 (1970)).
`vmfc`: the energy of a set T of fragments is the sum of its many-body contributions, each of which has one basis, that
of the fragments that it is of (Valiron and Mayer, Chem. Phys. Lett. 275, 46 (1997)):

    E(T) = Σ_{S ⊆ T} Δ(S),    Δ(S) = Σ_{U ⊆ S} (−1)^{|S|−|U|} E(U in the basis of S).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from qmbench.data.benchmark import Benchmark, Entry
from qmbench.data.entry import Group, groups, subsets
from qmbench.domain.errors import Unsupported
from qmbench.domain.systems import System


def named_parts(benchmark: Benchmark, entry: Entry, bsse: str) -> Iterator[tuple[str, float, System]]:
    """(name, coefficient, system) of all that the entry is made of: `dimer`, `dimer@1`, fragments in their turn.

    bsse: `none` (or empty), `cp` or `vmfc`. In the names of the last, `trimer@1(1+2)` is fragment 1 in the basis of 1
    and 2. InputError for fragments of a system that has none; Unsupported for vmfc of what is no sum of energies.
    """
    if bsse == "vmfc":
        yield from _valiron_mayer(benchmark, entry)
        return
    for term in entry.terms:
        system = benchmark.system(term.system)
        for coefficient, numbers in groups(term, system):
            if numbers is None:
                yield term.system, coefficient, system
            else:
                yield _name(term.system, numbers), coefficient, benchmark.part(term.system, numbers, bsse == "cp")


def _valiron_mayer(benchmark: Benchmark, entry: Entry) -> Iterator[tuple[str, float, System]]:
    observable = benchmark.observable_of(entry)
    if observable.how != "linear":
        raise Unsupported(f"bsse vmfc is for differences of energies, not for {observable.name}")
    of_sets: defaultdict[str, dict[Group, float]] = defaultdict(lambda: defaultdict(float))
    divided = {term.system for term in entry.terms if term.of_fragments}
    for term in entry.terms:
        system = benchmark.system(term.system)
        if term.system not in divided:
            yield term.system, term.coefficient, system
            continue
        every = tuple(range(1, len(system.fragments) + 1))
        for coefficient, numbers in groups(term, system):
            of_sets[term.system][tuple(sorted(numbers or every))] += coefficient
    for name, coefficients in of_sets.items():
        system = benchmark.system(name)
        for basis, numbers, coefficient in _contributions(coefficients):
            if len(numbers) == len(system.fragments):
                yield name, coefficient, system
            else:
                text = _name(name, numbers) + ("" if basis == numbers else f"({_text(basis)})")
                yield text, coefficient, system.fragment_in(numbers, basis)


def _contributions(coefficients: dict[Group, float]) -> list[tuple[Group, Group, float]]:
    """(basis, fragments, coefficient) of Σ_T c(T) E(T), each E(T) as the sum of its many-body contributions."""
    of_contribution: defaultdict[Group, float] = defaultdict(float)
    for whole, coefficient in coefficients.items():
        for basis in subsets(whole):
            of_contribution[basis] += coefficient
    found = []
    for basis, coefficient in sorted(of_contribution.items(), key=lambda item: (-len(item[0]), item[0])):
        if abs(coefficient) > 1e-12:
            for numbers in sorted(subsets(basis), key=lambda group: (-len(group), group)):
                found.append((basis, numbers, coefficient * (-1) ** (len(basis) - len(numbers))))
    return found


def _name(system: str, numbers: Group) -> str:
    return f"{system}@{_text(numbers)}"


def _text(numbers: Group) -> str:
    return "+".join(map(str, numbers))
