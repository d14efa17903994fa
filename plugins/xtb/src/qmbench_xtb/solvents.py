"""Solvents by name, as the tblite library knows them, and other names of the same.

ALPB and GBSA are parametrized solvent by solvent; the continuum models need a dielectric constant alone, which the
library has for many more. A test asks the library for each of these names.
"""

from __future__ import annotations

ALIASES = {
    "mecn": "acetonitrile",
    "cs2": "carbondisulfide",
    "ch2cl2": "dichloromethane",
    "dichlormethane": "dichloromethane",
    "methylenechloride": "dichloromethane",
    "chcl3": "chloroform",
    "ether": "diethylether",
    "dmf": "dimethylformamide",
    "dmso": "dimethylsulfoxide",
    "furane": "furan",
    "h2o": "water",
    "nhexan": "hexane",
    "nhexane": "hexane",
    "thf": "tetrahydrofuran",
}

ALPB = tuple(
    "acetone acetonitrile aniline benzaldehyde benzene carbondisulfide dichloromethane chloroform diethylether "
    "dimethylformamide dimethylsulfoxide dioxane ethanol ethylacetate furan hexadecane hexane methanol nitromethane "
    "octanol phenol tetrahydrofuran toluene water woctanol".split()
)

GBSA_GFN1 = tuple(
    "acetone acetonitrile benzene carbondisulfide dichloromethane chloroform diethylether dimethylsulfoxide methanol "
    "tetrahydrofuran toluene water".split()
)
GBSA_GFN2 = (*GBSA_GFN1, "dimethylformamide", "hexane")

DIELECTRIC = tuple(
    "2methylpyridine 4methyl2pentanone aceticacid acetone acetonitrile acetophenone aniline anisole benzaldehyde "
    "benzene benzonitrile benzylalcohol bromobenzene bromoethane bromoform bromooctane butanol butanone butylacetate "
    "butylbenzene carbondisulfide carbontet dichloromethane chloroform chlorobenzene chlorohexane cyclohexane "
    "cyclohexanone decalin decane decanol dibromoethane dibutylether dichloroethane diethylether diisopropylether "
    "dimethylacetamide dimethylformamide dimethylpyridine dimethylsulfoxide dioxane dodecane ethanol ethoxybenzene "
    "ethylacetate ethylbenzene fluorobenzene fluoroctane furan heptane heptanol hexadecane hexadecyliodide hexane "
    "hexanol iodobenzene isobutanol isooctane isopropanol isopropylbenzene mcresol mesitylene methanol methoxyethanol "
    "methylformamide nitrobenzene nitroethane nitromethane nonane nonanol octanol odichlorobenzene onitrotoluene "
    "pentadecane pentane pentanol perfluorobenzene phenol phenylether propanol pyridine secbutanol secbutylbenzene "
    "tbutylbenzene tetrachloroethene tetrahydrofuran tetralin toluene tributylphosphate triethylamine trimethylbenzene "
    "undecane water xylene".split()
)


def canonical_solvent(name: str) -> str:
    """One name for one solvent: `thf` and `THF` are tetrahydrofuran, `H2O` is water. Unknown names as they are."""
    plain = name.strip().lower()
    return ALIASES.get(plain, plain)
