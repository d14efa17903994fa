"""Fragments of the S22 complexes, found by connectivity in the geometries that ASE ships.

Prints benchmarks/s22/systems.csv.  Run: python tools/references/s22_systems.py
"""

import re

NAMES = {"2-pyridoxine_2-aminopyridine_complex": "pyridone_aminopyridine"}  # the molecule is 2-pyridone
COVALENT_SCALE = 1.2  # bonds below 1.2 times the sum of covalent radii; the shortest hydrogen bond is above 1.6 times


def system_id(name):
    """ASE's key -> our id: lower case, no 'complex', no hyphens."""
    if name in NAMES:
        return NAMES[name]
    return re.sub(r"_complex", "", name).replace("-", "_").lower()


def connected_fragments(atoms, scale=COVALENT_SCALE):
    """Groups of covalently connected atoms, each a sorted list of indices from 0, ordered by first atom."""
    from ase.neighborlist import natural_cutoffs, neighbor_list

    first, second = neighbor_list("ij", atoms, natural_cutoffs(atoms, mult=scale))
    neighbours = {i: set() for i in range(len(atoms))}
    for i, j in zip(first, second, strict=True):
        neighbours[int(i)].add(int(j))
    fragments, seen = [], set()
    for start in range(len(atoms)):
        if start in seen:
            continue
        group, front = {start}, [start]
        while front:
            new = neighbours[front.pop()] - group
            group |= new
            front += new
        seen |= group
        fragments.append(sorted(group))
    return fragments


def atom_ranges(indices):
    """[0, 1, 2, 4] -> '1-3,5'."""
    runs = []
    for i in indices:
        if runs and runs[-1][1] == i - 1:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    return ",".join(f"{a + 1}-{b + 1}" if a != b else f"{a + 1}" for a, b in runs)


def systems():
    """[(id, ASE key, fragments), …] in the order of the paper; every fragment is a neutral closed shell."""
    from ase.data.s22 import create_s22_system, s22

    return [
        (
            system_id(name),
            name,
            " ".join(f"{atom_ranges(group)}:0:1" for group in connected_fragments(create_s22_system(name))),
        )
        for name in s22
    ]


def main():
    print("id,source,charge,multiplicity,fragments")
    for name, source, fragments in systems():
        print(f"{name},{source},0,1,{fragments}")


if __name__ == "__main__":
    main()
