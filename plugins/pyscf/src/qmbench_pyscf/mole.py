"""From a qmbench Molecule to a PySCF Mole: basis sets, ghosts, effective core potentials, threads and memory."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qmbench import ATOMIC_NUMBERS, InputError, Molecule, Resources, did_you_mean

# What people write, for 'did you mean'. PySCF itself forgets hyphens, underscores, blanks and case.
_COMMON = """
sto-3g sto-6g minao 3-21g 6-31g 6-31g* 6-31g** 6-31g(d) 6-31g(d,p) 6-31+g* 6-31+g** 6-31++g** 6-311g 6-311g*
6-311g** 6-311g(d,p) 6-311+g** 6-311++g** 6-311++g(d,p) cc-pvdz cc-pvtz cc-pvqz cc-pv5z aug-cc-pvdz aug-cc-pvtz
aug-cc-pvqz aug-cc-pv5z cc-pcvdz cc-pcvtz cc-pcvqz cc-pcv5z cc-pwcvdz cc-pwcvtz cc-pwcvqz cc-pwcv5z aug-cc-pwcvdz
aug-cc-pwcvtz aug-cc-pwcvqz aug-cc-pwcv5z def2-svp def2-svpd def2-tzvp def2-tzvpd def2-tzvpp def2-tzvppd def2-qzvp
def2-qzvpd def2-qzvpp def2-qzvppd pc-0 pc-1 pc-2 pc-3 pc-4 aug-pc-1 aug-pc-2 aug-pc-3 aug-pc-4 pcseg-0 pcseg-1
pcseg-2 pcseg-3 pcseg-4 ano-rcc lanl2dz cc-pvdz-pp cc-pvtz-pp cc-pvqz-pp ma-def2-svp ma-def2-tzvp
"""
COMMON_BASES = tuple(_COMMON.split())

# Density-fitting and resolution-of-identity sets stand in PySCF's table too, but no molecule is computed in them.
_AUXILIARY = re.compile(r"(fit|ri|optri|etb)$")

# Families that are all-electron ones up to krypton. For other names and elements PySCF's tables are looked at, which
# takes a second to import.
_ALL_ELECTRON = re.compile(r"(unc-)?(ma-|aug-)?(def2-|cc-pw?c?v[dtq56]z$|pc(seg)?-|sto-|[346]-[23]1|minao|ano-rcc)")


def to_mole(
    molecule: Molecule,
    basis: str,
    resources: Resources | None = None,
    *,
    symmetry: bool | str = False,
    potential: str | None = None,
) -> Any:
    """The `pyscf.gto.Mole` of `molecule` in `basis`, spherical functions, coordinates as given (bohr).

    Ghosts carry basis functions and nothing else. The basis set's effective core potential, where it has one
    for an element, is part of the basis. potential: name of a library of effective core potentials ('ccecp')
    that stand on every nucleus instead, hydrogen and helium included. symmetry: False, True, or the name of a
    point group. InputError for an unknown basis or potential, or one that lacks an element (the nearest right
    names are given).
    """
    from pyscf import gto

    for symbol in sorted(set(molecule.symbols)):
        basis_functions(basis, symbol)
    # Names, not shells: PySCF finds the fitting set that belongs to a basis by its name.
    name = ("unc" if basis.startswith("unc-") else "") + _plain(basis.removeprefix("unc-"))
    atoms, table, potentials = [], {}, {}
    for symbol, xyz, ghost in zip(molecule.symbols, molecule.positions, molecule.ghosts, strict=True):
        label = f"GHOST-{symbol}" if ghost else symbol
        atoms.append((label, xyz))
        table[label] = name
        if not ghost:
            own = core_potential(basis, symbol) if potential is None else named_potential(potential, symbol)
            if own:
                potentials[symbol] = own
    mole = gto.Mole()
    mole.atom, mole.unit, mole.basis, mole.ecp = atoms, "bohr", table, potentials
    mole.charge, mole.spin, mole.cart = molecule.charge, molecule.multiplicity - 1, False
    mole.symmetry, mole.verbose = symmetry, 0
    mole.build(dump_input=False, parse_arg=False)
    if resources is not None and resources.memory_gib is not None:
        # PySCF counts only its large arrays; the rest of the process needs its share.
        mole.max_memory = max(200.0, 0.8 * resources.memory_gib * 1024)
    return mole


def basis_functions(basis: str, symbol: str) -> list:
    """The shells of `basis` on `symbol` in PySCF's format; InputError when there are none."""
    from pyscf.gto import basis as library
    from pyscf.gto.basis import ALIAS

    name = _plain(basis.removeprefix("unc-"))
    if not (name in ALIAS or re.fullmatch(r"(321|431|631|6311)[+]{0,2}g\([\w,]+\)", name)) or _AUXILIARY.search(name):
        raise InputError(f"unknown basis '{basis}'{did_you_mean(basis, COMMON_BASES)}")
    try:
        with warnings.catch_warnings():
            # PySCF advises on an optional package here; our error says what is wrong.
            warnings.simplefilter("ignore")
            if "(" in name:
                # Polarization of heavy and of light atoms: nonsense in one shows only on the other.
                library.load(name, "C"), library.load(name, "H")
            shells = library.load(name, symbol)
    except (KeyError, OSError):
        raise InputError(f"unknown basis '{basis}'{did_you_mean(basis, COMMON_BASES)}") from None
    except Exception:
        # PySCF raises half a dozen types here, each of them saying that the file lacks the element.
        shells = []
    if not shells:
        having = [other for other in COMMON_BASES if other != basis and _has(other, symbol)]
        hint = did_you_mean(basis, having).replace("did you mean", "these have it:").rstrip("?")
        raise InputError(f"basis '{basis}' has no functions for {symbol}{hint}")
    if basis.startswith("unc-"):
        from pyscf.gto import uncontracted_basis

        shells = uncontracted_basis(shells)
    return shells


def core_potential(basis: str, symbol: str) -> Any:
    """The effective core potential that belongs to `basis` on `symbol`, or None."""
    from pyscf.gto import basis as library

    if ATOMIC_NUMBERS[symbol] <= 2:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            name = _plain(basis.removeprefix("unc-"))
            # These small sets were made for the potentials of the def2 family, and PySCF's files of them have none.
            potential = library.load_ecp("def2tzvp" if name in ("def2mtzvp", "def2mtzvpp") else name, symbol)
    except Exception:
        # Sets made of several files have no potential, and PySCF has several ways of saying so.
        return None
    return potential or None


def removed_electrons(molecule: Molecule, basis: str) -> int:
    """Core electrons that the effective core potentials of `basis` stand for on the nuclei of `molecule`."""
    real = molecule.elements
    if all(ATOMIC_NUMBERS[symbol] <= 36 for symbol in real) and _ALL_ELECTRON.match(basis):
        return 0
    potentials = (core_potential(basis, symbol) for symbol in real)
    return sum(potential[0] for potential in potentials if potential)


def named_potential(name: str, symbol: str) -> Any:
    """The effective core potential `name` (such as 'ccecp') of an element; InputError where there is none.

    Those of hydrogen and helium remove no electron: they only round off the nucleus.
    """
    from pyscf.gto import basis as library

    if _plain(name) not in library.ALIAS:
        raise InputError(f"unknown core potential '{name}'; there is, for example, 'ccecp'")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            potential = library.load_ecp(_plain(name), symbol)
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

    if not hasattr(np.linalg, "linalg"):
        # PySCF 2.14 catches a singular DIIS as numpy.linalg.linalg.LinAlgError, a name that NumPy 2.4 removed.
        np.linalg.linalg = np.linalg  # type: ignore[attr-defined]
    before = param.TMPDIR
    resources.scratch.mkdir(parents=True, exist_ok=True)
    param.TMPDIR = str(resources.scratch)
    try:
        with lib.with_omp_threads(resources.cores), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        param.TMPDIR = before


def _plain(name: str) -> str:
    """A basis name as PySCF looks it up."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def _has(basis: str, symbol: str) -> bool:
    from pyscf.gto import basis as library

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(library.load(_plain(basis), symbol))
    except Exception:
        return False
