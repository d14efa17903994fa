"""What QCEngine does not say of the programs it runs: what their energies mean, and what its harness tells them.

Read off the harnesses of QCEngine 0.52. A program that is not listed is taken to be of the kind `Program()`: told
neither charge nor spin, with a zero of energy of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal


@dataclass(frozen=True)
class Program:
    """kind: `electrons`, total energies in a basis set; `model`, energies from a zero of its own and no basis set;
    `dispersion`, a dispersion energy alone; `correction`, another term that is added to an energy; `bonds`, it needs
    bonds between atoms, which a molecule of qmbench has not. charge, spin, ghosts: whether the harness tells the
    program. dipole: whether QCSchema may have one. keywords: all that the harness reads; None: the program checks them
    itself. distributions: Python packages that the number is from. shared: how other plugins name the program. quiet:
    keywords that keep it from printing."""

    kind: Literal["electrons", "model", "dispersion", "correction", "bonds"] = "model"
    charge: bool = False
    spin: bool = False
    ghosts: bool = False
    dipole: bool = False
    keywords: tuple[str, ...] | None = None
    distributions: tuple[str, ...] = ()
    shared: str = ""
    quiet: Mapping[str, str] = field(default_factory=dict)
    citations: tuple[str, ...] = ()


_ELECTRONS = Program("electrons", charge=True, spin=True, dipole=True)
_WITH_GHOSTS = Program("electrons", charge=True, spin=True, ghosts=True, dipole=True)
_DAMPING = ("level_hint", "params_tweaks")

PROGRAMS: dict[str, Program] = {
    **dict.fromkeys(("psi4", "cfour", "gamess"), _WITH_GHOSTS),
    # QCEngine reads no dipole moment of NWChem's mean fields, and those of its coupled cluster in debye.
    "nwchem": replace(_WITH_GHOSTS, dipole=False),
    **dict.fromkeys(("adcc", "entos", "jaguar", "molpro", "mrchem", "qchem", "qcore"), _ELECTRONS),
    **dict.fromkeys(("terachem", "terachem_fe", "terachem_pbs", "turbomole"), _ELECTRONS),
    "mopac": Program("model", charge=True, spin=True, keywords=("iter", "pulay")),
    "xtb": Program(
        "model",
        charge=True,
        spin=True,
        dipole=True,
        keywords=("accuracy", "electronic_temperature", "max_iterations", "solvent"),
        quiet={"verbosity": "muted"},
        distributions=("xtb",),
        citations=("10.1002/wcms.1493",),
    ),
    "torchani": Program(distributions=("torchani",)),
    "mace": Program(distributions=("mace-torch",)),
    "aimnet2": Program(charge=True),
    "orb": Program(distributions=("orb-models",)),
    "rdkit": Program("bonds"),
    "openmm": Program("bonds"),
    "dftd4": Program(
        "dispersion", charge=True, keywords=_DAMPING, distributions=("dftd4",), citations=("10.1063/1.5090222",)
    ),
    "s-dftd3": Program(
        "dispersion",
        keywords=(*_DAMPING, "apply_qcengine_aliases"),
        distributions=("dftd3",),
        shared="dftd3",
        citations=("10.1063/1.3382344", "10.21105/joss.07169"),
    ),
    "dftd3": Program("dispersion", shared="classic dftd3", citations=("10.1063/1.3382344",)),
    "mp2d": Program("correction"),
    "gcp": Program("correction"),
    "mctc-gcp": Program("correction"),
}

XTB_SOLVENTS = (
    "none acetone acetonitrile benzene ch2cl2 chcl3 chloroform cs2 dmf dmso ether h2o water methanol nhexane n-hexane "
    "thf toluene"
).split()
"""What xtb's Python package knows; of any other name it makes a vacuum, and says nothing."""

_XTB = {
    "gfn2-xtb": "gfn2-xtb",
    "gfn2xtb": "gfn2-xtb",
    "gfn1-xtb": "gfn1-xtb",
    "gfn1xtb": "gfn1-xtb",
    "ipea-xtb": "ipea1-xtb",
    "ipeaxtb": "ipea1-xtb",
}
_D3 = {"d3bjm": "d3mbj", "d3zerom": "d3mzero"} | {
    name: name for name in ("d3bj", "d3zero", "d3mbj", "d3mzero", "d3op", "d3cso")
}


def native_level(program: str, method: str, keywords: dict[str, object]) -> str:
    """The level of another method of qmbench that this is as well, in that one's spelling; empty: none that is known.

    Of the programs that were compared number by number. Keywords that only say how far something is converged are no
    part of it.
    """
    method = method.lower()
    if program == "xtb" and method in _XTB and str(keywords.get("solvent", "none")) == "none":
        kelvin = keywords.get("electronic_temperature", 300)
        warm = "" if kelvin == 300 else f"?electronic_temperature={kelvin}"
        return _XTB[method] + warm
    if "params_tweaks" in keywords or "apply_qcengine_aliases" in keywords:
        return ""
    if not method.isalnum() or method.startswith("wb97"):  # some of these mean another functional elsewhere
        return ""
    hint = str(keywords.get("level_hint", "d4" if program == "dftd4" else "d3bj")).lower()
    if program == "dftd4" and hint == "d4":
        return f"d4?functional={method}"
    if program == "s-dftd3" and hint in _D3:
        return f"{_D3[hint]}?functional={method}"
    return ""
