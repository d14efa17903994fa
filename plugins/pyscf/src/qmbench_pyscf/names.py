"""The functionals people ask for by name: what they are, and where they are from. Nothing is imported here.

Any other functional of libxc is found by `functionals.resolve`; these are listed so that `list methods` and
'did you mean' know them. DOIs are those of the papers that define them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """One line of description, DOIs."""

    description: str
    citations: tuple[str, ...]


KNOWN: dict[str, Known] = {
    "svwn": Known("Local density: Slater exchange, Vosko–Wilk–Nusair correlation (fit 5)", ("10.1139/p80-159",)),
    "pbe": Known("GGA of Perdew, Burke and Ernzerhof", ("10.1103/PhysRevLett.77.3865",)),
    "revpbe": Known("PBE with the exchange parameter of Zhang and Yang", ("10.1103/PhysRevLett.80.890",)),
    "rpbe": Known("PBE with the exchange form of Hammer, Hansen and Nørskov", ("10.1103/PhysRevB.59.7413",)),
    "pbesol": Known("PBE re-fitted for solids", ("10.1103/PhysRevLett.100.136406",)),
    "blyp": Known(
        "GGA: Becke 1988 exchange, Lee–Yang–Parr correlation", ("10.1103/PhysRevA.38.3098", "10.1103/PhysRevB.37.785")
    ),
    "bp86": Known(
        "GGA: Becke 1988 exchange, Perdew 1986 correlation", ("10.1103/PhysRevA.38.3098", "10.1103/PhysRevB.33.8822")
    ),
    "pw91": Known("GGA of Perdew and Wang 1991", ("10.1103/PhysRevB.46.6671",)),
    "olyp": Known("GGA: OPTX exchange, Lee–Yang–Parr correlation", ("10.1080/00268970010018431",)),
    "tpss": Known("Meta-GGA of Tao, Perdew, Staroverov and Scuseria", ("10.1103/PhysRevLett.91.146401",)),
    "revtpss": Known("Revised TPSS", ("10.1103/PhysRevLett.103.026403",)),
    "scan": Known("Strongly constrained meta-GGA (sensitive to the grid)", ("10.1103/PhysRevLett.115.036402",)),
    "r2scan": Known("Regularized-restored SCAN meta-GGA", ("10.1021/acs.jpclett.0c02405",)),
    "m06-l": Known("Minnesota 2006 local meta-GGA (sensitive to the grid)", ("10.1063/1.2370993",)),
    "b97m-v": Known("Combinatorially fitted meta-GGA with VV10 non-local correlation", ("10.1063/1.4907719",)),
    "pbe0": Known("PBE with 25 % exact exchange", ("10.1063/1.478522",)),
    "b3lyp": Known(
        "Hybrid GGA, 20 % exact exchange, VWN fit to the random-phase approximation as in Gaussian",
        ("10.1063/1.464913", "10.1021/j100096a001"),
    ),
    "b3pw91": Known("Becke's three-parameter hybrid with Perdew–Wang correlation", ("10.1063/1.464913",)),
    "bhandhlyp": Known("Hybrid with half exact exchange and Lee–Yang–Parr correlation", ("10.1063/1.464304",)),
    "x3lyp": Known("Hybrid GGA of Xu and Goddard", ("10.1073/pnas.0308730100",)),
    "tpssh": Known("TPSS with 10 % exact exchange", ("10.1063/1.1626543",)),
    "r2scan0": Known("r²SCAN with 25 % exact exchange", ("10.1063/5.0086040",)),
    "m06": Known("Minnesota 2006 hybrid (sensitive to the grid)", ("10.1007/s00214-007-0310-x",)),
    "m06-2x": Known(
        "Minnesota 2006 hybrid with 54 % exact exchange (sensitive to the grid)", ("10.1007/s00214-007-0310-x",)
    ),
    "pw6b95": Known("Six-parameter hybrid meta-GGA of Zhao and Truhlar", ("10.1021/jp050536c",)),
    "hse06": Known("PBE with 25 % short-range exact exchange", ("10.1063/1.1564060", "10.1063/1.2404663")),
    "lc-wpbe": Known("Long-range-corrected ωPBE of Vydrov and Scuseria", ("10.1063/1.2409292",)),
    "cam-b3lyp": Known("Coulomb-attenuated B3LYP", ("10.1016/j.cplett.2004.06.011",)),
    "wb97x": Known("Range-separated hybrid of Chai and Head-Gordon", ("10.1063/1.2834918",)),
    "wb97x-v": Known("Range-separated hybrid GGA with VV10 non-local correlation", ("10.1039/c3cp54374a",)),
    "wb97m-v": Known("Range-separated hybrid meta-GGA with VV10 non-local correlation", ("10.1063/1.4952647",)),
}

# Listed with D3(BJ) and D4; other functionals with published parameters work as well.
LISTED_WITH_DISPERSION = ("pbe", "revpbe", "blyp", "bp86", "tpss", "pbe0", "b3lyp", "cam-b3lyp", "pw6b95", "r2scan")

# As their authors print them, where that is not in capitals throughout.
_PRINTED = {
    "revpbe": "revPBE",
    "pbesol": "PBEsol",
    "bhandhlyp": "BHandHLYP",
    "revtpss": "revTPSS",
    "tpssh": "TPSSh",
    "r2scan": "r²SCAN",
    "r2scan0": "r²SCAN0",
    "lc-wpbe": "LC-ωPBE",
    "lrc-wpbe": "LRC-ωPBE",
    "wb97": "ωB97",
    "wb97x": "ωB97X",
    "wb97x-v": "ωB97X-V",
    "wb97m-v": "ωB97M-V",
    "mpw1pw91": "mPW1PW91",
}


# What people write for methods that have another name here, once letters are plain ones. The corrections of Najibi and
# Goerigk replace the VV10 part of functionals that go by that part's name: J. Chem. Theory Comput. 14, 5725 (2018), and
# J. Comput. Chem. 41, 2562 (2020).
_EVERYDAY = {
    "svwn5": "svwn",
    "lsda": "svwn",
    "bhhlyp": "bhandhlyp",
    "bh&hlyp": "bhandhlyp",
    "lc-wpbe08": "lc-wpbe",
    "wb97x-d3bj": "wb97x-v+d3bj",
    "wb97m-d3bj": "wb97m-v+d3bj",
    "b97m-d3bj": "b97m-v+d3bj",
    "wb97x-d4": "wb97x-v+d4",
    "wb97m-d4": "wb97m-v+d4",
    "b97m-d4": "b97m-v+d4",
    "b97-d3bj": "b97-d+d3bj",
}


def everyday_name(name: str) -> str:
    """A method's name as this plugin writes it: `b3lyp-d3(bj)` is b3lyp+d3bj, `ωb97m-v` wb97m-v, `pbe0-d4` pbe0+d4.

    name: in lower case. Names of functionals are as they were given, but for those that only look different.
    """
    import re
    import unicodedata

    plain = unicodedata.normalize("NFKC", name).replace("ω", "w")
    plain = re.sub(r"d3-?\(bj\)$", "d3bj", plain)
    if plain in _EVERYDAY:
        return _EVERYDAY[plain]
    corrected = re.fullmatch(r"(.+?)[-+](d3bj|d4)", plain)
    if corrected:
        return f"{_EVERYDAY.get(corrected[1], corrected[1])}+{corrected[2]}"
    return plain


def functional_label(name: str) -> str:
    """A functional's name as its authors print it: `PBE0`, `ωB97X-V`, `r²SCAN`; libxc's full names as they are."""
    if name in _PRINTED:
        return _PRINTED[name]
    return name if "_" in name else name.upper()
