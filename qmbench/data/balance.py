"""Whether a difference of energies is one: what its systems are composed of must cancel."""

from __future__ import annotations

from collections.abc import Mapping

from qmbench.data.entry import Entry, groups
from qmbench.domain.errors import InputError
from qmbench.domain.systems import ATOMIC_NUMBERS, System


def check_balance(entry: Entry, systems: Mapping[str, System]) -> None:
    """InputError where nuclei, or whatever else the systems are composed of, do not cancel in the stoichiometry.

    systems: those that the entry's terms name.
    """
    counts: dict[str, float] = {}
    for term in entry.terms:
        system = systems[term.system]
        try:
            for coefficient, group in groups(term, system):
                part = system.composition if group is None else system.fragment_composition(group)
                for component, number in part.items():
                    counts[component] = counts.get(component, 0) + coefficient * number
        except InputError as error:
            raise InputError(f"entry '{entry.id}': {error}") from None
    wrong = sorted((s for s, n in counts.items() if abs(n) > 1e-9), key=lambda s: (ATOMIC_NUMBERS.get(s, 0), s))
    if wrong:
        raise InputError(f"entry '{entry.id}': the stoichiometry does not balance {', '.join(wrong)}")
