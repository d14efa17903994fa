"""From a functional's name to what PySCF evaluates: exchange and correlation parts and non-local correlation.

Names are libxc's, in lower case, with hyphens or underscores: `pbe`, `m06-2x`, `wb97x-v`, or in full
`hyb_gga_xc_b3lyp`. A functional published as two libxc parts of one name (`m11`, `tm`) is both of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from qmbench import InputError, Unsupported

# Everyday names that PySCF spells otherwise.
_SPELLINGS = {
    "lc-wpbe": "HYB_GGA_XC_LC_WPBE",
    "lrc-wpbe": "HYB_GGA_XC_LRC_WPBE",
    "mpw1pw91": "HYB_GGA_XC_MPW1PW",
    "b1b95": "HYB_MGGA_XC_B88B95",
    "hse06": "HYB_GGA_XC_HSE06",
    "hse03": "HYB_GGA_XC_HSE03",
    "b97m-v": "MGGA_XC_B97M_V",
    "b97-d": "GGA_XC_B97_D",
}

# libxc has the semi-local part of these; the rest of what their authors published is not in PySCF.
_INCOMPLETE = {
    "wb97x-d": "the Chai–Head-Gordon dispersion that belongs to it",
    "wb97x-d3": "the D3(0) dispersion that belongs to it",
    "b97-d": "its dispersion; write b97-d+d3bj",
    "b97-3c": "the corrections that belong to this libxc name; write b97-3c",
    "cf22d": "the D3(0) dispersion that belongs to it",
    "opbe-d": "its dispersion",
    "oblyp-d": "its dispersion",
    "opwlyp-d": "its dispersion",
    "otpss-d": "its dispersion",
    "ssb-d": "its dispersion",
    "revssb-d": "its dispersion",
    "scan-rvv10": "the rVV10 kernel; VV10 is another one",
    "scanl-rvv10": "the rVV10 kernel; VV10 is another one",
    "vcml-rvv10": "the rVV10 kernel; VV10 is another one",
}


# XC_FLAGS_HAVE_EXC of libxc's xc.h.
HAS_ENERGY = 1


@dataclass(frozen=True)
class Functional:
    """A functional as PySCF evaluates it.

    xc: PySCF's code for it. parts: libxc names (or numbers) with factors. nlc: has VV10 non-local correlation.
    """

    name: str
    xc: str
    parts: tuple[tuple[str, float], ...]
    nlc: bool
    kind: str
    exact_exchange: tuple[float, float, float]


@lru_cache(maxsize=256)
def functional(name: str, dispersion_follows: bool = False) -> Functional | None:
    """The functional `name`; None when libxc has none of that name.

    Unsupported for names that are in libxc but are no whole exchange-correlation functional, or whose dispersion
    is missing here (dispersion_follows: a `+d3bj` or `+d4` brings it).
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or name in ("hf", "rsh", "sr_hf", "lr_hf"):
        return None
    key = name.replace("_", "-")
    from pyscf.dft import libxc

    xc = _code(name)
    if xc is None:
        return None
    plain = re.sub(r"^(hyb-)?(lda|gga|mgga)-(xc|x)-", "", key).replace("-", "")
    missing = {k.replace("-", ""): reason for k, reason in _INCOMPLETE.items()}.get(plain)
    if missing and not (dispersion_follows and plain == "b97d"):
        raise Unsupported(f"{name}: PySCF lacks {missing}")
    _, numbered = libxc.parse_xc(xc)
    names = _libxc_names()
    parts = tuple((names.get(int(number), str(number)), float(factor)) for number, factor in numbered)
    if not all(_has_energy(int(number)) for number, _ in numbered):
        raise Unsupported(f"{name} is a potential without an energy")
    _refuse_fragments(name, parts)
    nlc = bool(libxc.is_nlc(xc))
    if _needs_laplacian(xc):
        raise Unsupported(f"{name} needs the Laplacian of the density, which PySCF's SCF does not have")
    from pyscf.dft.numint import NumInt

    try:
        hybrid = tuple(float(x) for x in NumInt().rsh_and_hybrid_coeff(xc))
    except (AttributeError, NotImplementedError):  # the first is PySCF's own slip while it says the second
        raise Unsupported(f"{name} separates ranges in a way that PySCF does not do") from None
    return Functional(name, xc, parts, nlc, str(libxc.xc_type(xc)), (hybrid[0], hybrid[1], hybrid[2]))


def canonical_functional(name: str, dispersion_follows: bool = False) -> str | None:
    """The one name of the functional that `name` stands for; None when libxc has none of that name.

    The listed name of a functional that consists of the same parts (`pbeh`, `hyb_gga_xc_pbeh` and `pbe1pbe` are pbe0),
    or else libxc's own without its prefix where that says which is meant (`b97_2`, `hyb_gga_xc_b97_2` are b97-2).
    Unsupported as `functional` has it.
    """
    found = functional(name, dispersion_follows)
    if found is None:
        return None
    listed = _listed().get(_identity(found))
    if listed:
        return listed
    given = name.replace("_", "-")
    official = {_official(number) for number, _ in _numbered(found.xc)}
    short = {re.sub(r"^(hyb_)?(lda|gga|mgga)_(xc|x|c)_", "", one).replace("_", "-") for one in official if one}
    names = [*sorted(short), *sorted(official)] if len(official) == 1 else sorted(short) if len(short) == 1 else []
    everyday = [alias for alias, xc in _SPELLINGS.items() if xc == found.xc]
    for alias in (*everyday, *names, *sorted(_aliases(found.xc), key=lambda text: (len(text), text)), given):
        if _means(alias, found, dispersion_follows):
            return alias
    return name


def check_zero_damping(name: str) -> None:
    """InputError for `FUNCTIONAL-d3` and -d3(0): the dispersion that is here is another one."""
    without = re.fullmatch(r"(.+)-d3(\(0\)|zero)?", name)
    if without and name not in _INCOMPLETE and canonical_functional(without[1]) is not None:
        raise InputError(
            f"{name}: D3 with zero damping is not here; with Becke–Johnson damping it is "
            f"{canonical_functional(without[1])}+d3bj"
        )


def _identity(found: Functional) -> tuple:
    return tuple(sorted(found.parts)), found.exact_exchange, found.nlc


def _means(name: str, found: Functional, dispersion_follows: bool) -> bool:
    try:
        other = functional(name, dispersion_follows)
    except Unsupported:
        return False
    return other is not None and _identity(other) == _identity(found)


@lru_cache(maxsize=1)
def _listed() -> dict[tuple, str]:
    """The listed functionals by what they consist of; the first of two names for one."""
    from qmbench_pyscf.names import KNOWN

    listed: dict[tuple, str] = {}
    for name in KNOWN:
        found = functional(name)
        if found is not None:
            listed.setdefault(_identity(found), name)
    return listed


def _numbered(xc: str) -> list[tuple[int, float]]:
    from pyscf.dft import libxc

    return [(int(number), float(factor)) for number, factor in libxc.parse_xc(xc)[1]]


def _aliases(xc: str) -> list[str]:
    """PySCF's own names for what `xc` consists of, with hyphens."""
    from pyscf.dft import libxc

    wanted = sorted(_numbered(xc))
    found = []
    for alias in {*libxc.XC_ALIAS, *(code for code, other in libxc.XC_CODES.items() if isinstance(other, str))}:
        try:
            if sorted(_numbered(alias)) == wanted:
                found.append(alias.lower().replace("_", "-"))
        except (KeyError, ValueError):
            continue
    return found


def _official(number: int) -> str:
    """libxc's name of a functional, such as hyb_gga_xc_b97_2; empty where it has none."""
    import ctypes

    from pyscf.dft import libxc

    library = libxc._itrf
    library.xc_functional_get_name.restype = ctypes.c_char_p
    name = library.xc_functional_get_name(ctypes.c_int(number))
    return name.decode().lower() if name else ""


def _code(name: str) -> str | None:
    """PySCF's code: an everyday spelling, an alias, a whole functional, or exchange and correlation of one name."""
    from pyscf.dft import libxc

    key = name.replace("_", "-")
    if key in _SPELLINGS:
        return _SPELLINGS[key]
    plain = name.upper().replace("-", "_")
    known = set(libxc.XC_KEYS)
    if plain in libxc.XC_ALIAS or plain in ("B3LYP", "B3LYP5", "PBE0", "SLATER", "LDA"):
        return plain
    if plain in known:
        return plain
    for kind in ("HYB_MGGA_XC_", "HYB_GGA_XC_", "MGGA_XC_", "GGA_XC_", "HYB_LDA_XC_", "LDA_XC_"):
        if kind + plain in known:
            return kind + plain
    exchange = next((k + plain for k in ("HYB_MGGA_X_", "HYB_GGA_X_", "MGGA_X_", "GGA_X_") if k + plain in known), None)
    correlation = next((k + plain for k in ("MGGA_C_", "GGA_C_") if k + plain in known), None)
    if exchange and correlation:
        return f"{exchange},{correlation}"
    return exchange or correlation or next((k + plain for k in ("LDA_X_", "LDA_C_") if k + plain in known), None)


def _refuse_fragments(name: str, parts: tuple[tuple[str, float], ...]) -> None:
    kinds = {match[1] for part, _ in parts if (match := re.search(r"_(XC|X|C|K)(?:_|$)", part))}
    if not parts:
        raise Unsupported(f"{name} is not a density functional")
    if "K" in kinds:
        raise Unsupported(f"{name} is a kinetic-energy functional")
    if kinds and not kinds & {"XC", "X"}:
        raise Unsupported(f"{name} is correlation alone; a functional needs exchange")
    if kinds == {"X"}:
        example = "svwn" if parts[0][0] == "LDA_X" else "bp86 or blyp, which are b88 with two of them"
        raise Unsupported(f"{name} is exchange alone; name a functional that has correlation, too, such as {example}")


def _needs_laplacian(xc: str) -> bool:
    from pyscf.dft import libxc

    try:
        return bool(libxc.needs_laplacian(xc))
    except NotImplementedError:
        return True


def _has_energy(number: int) -> bool:
    """Model potentials (van Leeuwen–Baerends, Becke–Johnson) have none, and libxc ends the process when asked.

    Read from the flags in libxc itself, which PySCF's library carries.
    """
    import ctypes

    from pyscf.dft import libxc

    library = libxc._itrf
    library.xc_func_alloc.restype = ctypes.c_void_p
    library.xc_func_get_info.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.xc_func_alloc())
    if library.xc_func_init(handle, ctypes.c_int(number), ctypes.c_int(1)) != 0:
        return False
    try:
        info = ctypes.c_void_p(library.xc_func_get_info(handle))
        return bool(library.xc_func_info_get_flags(info) & HAS_ENERGY)
    finally:
        library.xc_func_end(handle)
        library.xc_func_free(handle)


@lru_cache(maxsize=1)
def _libxc_names() -> dict[int, str]:
    from pyscf.dft import libxc

    names: dict[int, str] = {}
    for key, number in libxc.XC_CODES.items():
        full = re.match(r"(HYB_)?(LDA|GGA|MGGA)_(XC|X|C|K)(_|$)", key)
        if hasattr(number, "__index__") and (full or int(number) not in names):
            names[int(number)] = key
    return names
