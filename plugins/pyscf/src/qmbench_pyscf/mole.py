"""From a qmbench Molecule to a PySCF Mole: basis sets, ghosts, effective core potentials, threads and memory."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from qmbench import ATOMIC_NUMBERS, InputError, Molecule, Resources, did_you_mean
from qmbench_pyscf.basis_names import (
    COMMON_BASES,
    Cartesian,
    canonical_basis,
    plain_name,
    published_functions,
    pyscf_names,
)
from qmbench_pyscf.specification import AddedShells

# Families that are all-electron ones up to krypton. For other names and elements PySCF's tables are looked at, which
# takes a second to import.
_ALL_ELECTRON = re.compile(
    r"(unc-)?(ma-|aug-|jul-)?(def2-|cc-pw?c?v[dtq56]z$|pc(seg)?-|sto-|[346]-[23]1|minao|ano-rcc)"
)


def to_mole(
    molecule: Molecule,
    basis: str,
    resources: Resources | None = None,
    *,
    symmetry: bool | str = False,
    potential: str | None = None,
    cartesian: Cartesian | None = None,
    functions: Sequence[str] = (),
    added: AddedShells | None = None,
) -> Any:
    """The `pyscf.gto.Mole` of `molecule` in `basis`, coordinates as given (bohr).

    cartesian: None, the functions that the basis was published with; False, spherical ones; otherwise Cartesian ones,
    of which a mean field of "d" uses the spherical combinations from f functions on.
    Ghosts carry basis functions and nothing else. The basis set's effective core potential, where it has one
    for an element, is part of the basis. potential: name of a library of effective core potentials ('ccecp')
    that stand on every nucleus instead, hydrogen and helium included. symmetry: False, True, or the name of a
    point group. functions: for each centre, an element whose functions are there as well. added: shells of another
    basis set, too. InputError for an unknown basis or potential, or one that lacks an element (the nearest right names
    are given).
    """
    from pyscf import gto

    basis = canonical_basis(basis)
    if cartesian is None:
        cartesian = published_functions(basis)
    # Names, not shells: PySCF finds the fitting set that belongs to a basis by its name.
    names = {symbol: _found(basis, symbol)[0] for symbol in sorted(set(molecule.symbols))}
    uncontracted = "unc" if basis.startswith("unc-") else ""
    atoms, table, potentials = [], {}, {}
    others = tuple(functions) or molecule.symbols
    for number, (symbol, xyz, ghost, other) in enumerate(
        zip(molecule.symbols, molecule.positions, molecule.ghosts, others, strict=True)
    ):
        label = f"GHOST-{symbol}" if ghost else symbol
        shells: Any = uncontracted + names[symbol]
        if other != symbol:
            label = f"{label}{number + 1}"
            shells = basis_functions(basis, symbol) + basis_functions(basis, other)
        if added is not None and added.shells[number]:
            pool = pool_shells(added.pool, symbol)
            label = label if other != symbol else f"{label}{number + 1}"
            shells = basis_functions(basis, symbol) if isinstance(shells, str) else shells
            shells = [*shells, *(pool[which] for which in added.shells[number])]
        atoms.append((label, xyz))
        table[label] = shells
        if not ghost:
            own = core_potential(basis, symbol) if potential is None else named_potential(potential, symbol)
            if own:
                potentials[label] = own
    mole = gto.Mole()
    mole.atom, mole.unit, mole.basis, mole.ecp = atoms, "bohr", table, potentials
    mole.charge, mole.spin, mole.cart = molecule.charge, molecule.multiplicity - 1, bool(cartesian)
    mole.symmetry, mole.verbose = symmetry, 0
    mole.build(dump_input=False, parse_arg=False)
    if resources is not None and resources.memory_gib is not None:
        # PySCF counts only its large arrays; the rest of the process needs its share.
        mole.max_memory = max(200.0, 0.8 * resources.memory_gib * 1024)
    return mole


def basis_functions(basis: str, symbol: str) -> list:
    """The shells of `basis` on `symbol` in PySCF's format; InputError when there are none."""
    return _found(canonical_basis(basis), symbol)[1]


@lru_cache(maxsize=256)
def pool_shells(pool: str, symbol: str) -> list:
    """The shells of the basis set `pool` on `symbol`, one contraction each, in the order of angular momentum."""
    found = []
    for shell in basis_functions(pool, symbol):
        rows = [row for row in shell[1:] if isinstance(row, (list, tuple))]
        for column in range(1, len(rows[0])):
            found.append([shell[0], *([row[0], row[column]] for row in rows if row[column])])
    return sorted(found, key=lambda shell: int(shell[0]))


def _found(basis: str, symbol: str) -> tuple[str, list]:
    """PySCF's name of the canonical `basis`, `unc` aside, and its shells on `symbol`; InputError without any."""
    for name in pyscf_names(basis, symbol):
        if shells := named_shells(name, symbol):
            break
    else:
        having = [other for other in COMMON_BASES if other != basis and _has(other, symbol)]
        hint = did_you_mean(basis, having).replace("did you mean", "these have it:").rstrip("?")
        raise InputError(f"basis '{basis}' has no functions for {symbol}{hint}")
    if basis.startswith("unc-"):
        from pyscf.gto import uncontracted_basis

        shells = uncontracted_basis(shells)
    return name, shells


def named_shells(name: str, symbol: str) -> list:
    """The shells on `symbol` of what PySCF calls `name`; empty where it has none."""
    from pyscf.gto import basis as library

    try:
        with warnings.catch_warnings():
            # PySCF advises on an optional package here; our error says what is wrong.
            warnings.simplefilter("ignore")
            return list(library.load(name, symbol))
    except Exception:
        # PySCF raises half a dozen types here, each of them saying that the file lacks the element.
        return []


# Sets that have every element of the first two rows, so that a check of them needs no look into PySCF's files.
_WHOLE_TO_NEON = (frozenset(COMMON_BASES) | {"def2-mtzvp", "def2-mtzvpp"}) - {
    name
    for name in COMMON_BASES
    if re.search(r"cv[dtq5]z|-pp$|^lanl|^minao", name) or name in ("aug-cc-pv5z", "6-311++g(d,p)")
}


def check_basis(basis: str, molecule: Molecule) -> None:
    """InputError unless `basis` exists and has functions for every centre of `molecule`, ghosts included.

    For checks before anything is computed: of common sets and light elements it imports nothing.
    """
    symbols = set(molecule.symbols)
    if basis in _WHOLE_TO_NEON and all(ATOMIC_NUMBERS[symbol] <= 10 for symbol in symbols):
        return
    for symbol in sorted(symbols):
        if problem := _problem(basis, symbol):
            raise InputError(problem)


@lru_cache(maxsize=4096)
def _problem(basis: str, symbol: str) -> str:
    try:
        basis_functions(basis, symbol)
    except InputError as error:
        return str(error)
    return ""


def core_potential(basis: str, symbol: str) -> Any:
    """The effective core potential that belongs to `basis` on `symbol`, or None."""
    from pyscf.gto import basis as library

    if ATOMIC_NUMBERS[symbol] <= 2:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            name = canonical_basis(basis)
            # These small sets were made for the potentials of the def2 family, and PySCF's files of them have none.
            if name.removeprefix("unc-") in ("def2-mtzvp", "def2-mtzvpp"):
                name = "def2-tzvp"
            potential = library.load_ecp(pyscf_names(name, symbol)[-1], symbol)
    except Exception:
        # Sets made of several files have no potential, and PySCF has several ways of saying so.
        return None
    return potential or None


def removed_electrons(molecule: Molecule, basis: str) -> int:
    """Core electrons that the effective core potentials of `basis` stand for on the nuclei of `molecule`."""
    real = molecule.elements
    if all(ATOMIC_NUMBERS[symbol] <= 36 for symbol in real) and _ALL_ELECTRON.match(basis):
        return 0
    return sum(_core_electrons(basis, symbol) for symbol in real)


@functools.cache
def _core_electrons(basis: str, symbol: str) -> int:
    """The same, on one nucleus. A plan asks it for every atom of a benchmark, and PySCF parses its file each time."""
    potential = core_potential(basis, symbol)
    return int(potential[0]) if potential else 0


def named_potential(name: str, symbol: str) -> Any:
    """The effective core potential `name` (such as 'ccecp') of an element; InputError where there is none.

    Those of hydrogen and helium remove no electron: they only round off the nucleus.
    """
    from pyscf.gto import basis as library

    if plain_name(name) not in library.ALIAS:
        raise InputError(f"unknown core potential '{name}'; there is, for example, 'ccecp'")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            potential = library.load_ecp(plain_name(name), symbol)
    except Exception:
        # As for basis sets, PySCF has several ways of saying that the file lacks the element.
        potential = None
    if not potential:
        raise InputError(f"there is no core potential '{name}' for {symbol}")
    return potential


@contextmanager
def pyscf_session(resources: Resources) -> Iterator[None]:
    """PySCF with `resources.cores` threads, scratch files in `resources.scratch`, and quiet."""
    import numpy as np
    from pyscf import lib
    from pyscf.lib import param

    from qmbench_pyscf.integrals import kept_integrals

    if not hasattr(np.linalg, "linalg"):
        # PySCF 2.14 catches a singular DIIS as numpy.linalg.linalg.LinAlgError, a name that NumPy 2.4 removed.
        np.linalg.linalg = np.linalg  # type: ignore[attr-defined]
    before = param.TMPDIR
    resources.scratch.mkdir(parents=True, exist_ok=True)
    param.TMPDIR = str(resources.scratch)
    try:
        with lib.with_omp_threads(resources.cores), warnings.catch_warnings(), kept_integrals():
            warnings.simplefilter("ignore")
            yield
    finally:
        param.TMPDIR = before


def _has(basis: str, symbol: str) -> bool:
    return any(named_shells(name, symbol) for name in pyscf_names(basis, symbol))
