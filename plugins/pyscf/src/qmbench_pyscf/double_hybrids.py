"""Double-hybrid functionals: what they are made of, and the methods that compute them.

One self-consistent field with the hybrid part, then second-order perturbation theory on its orbitals, scaled for pairs
of the same and of opposite spin:

    E = E_SCF[hybrid part] + c_os E2_os + c_ss E2_ss + dispersion.

Grimme, J. Chem. Phys. 124, 034108 (2006). Some evaluate another functional on the orbitals of an ordinary one instead
(XYG3 on those of B3LYP; Zhang, Xu and Goddard, PNAS 106, 4963 (2009)). Nothing is imported here before it is computed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

from qmbench import Method, Molecule, Resources, Unsupported
from qmbench_pyscf.alchemy import ALCHEMICAL
from qmbench_pyscf.base import PYSCF, PyscfMethod
from qmbench_pyscf.dispersion import LABELS, SCHEMES, SOURCES, dispersion_energy
from qmbench_pyscf.meanfield import reference_scf, scf_warnings
from qmbench_pyscf.options import DoubleHybridD3Options, DoubleHybridD4Options, DoubleHybridOptions
from qmbench_pyscf.point import Point
from qmbench_pyscf.specification import Perturbation
from qmbench_pyscf.wb97m import PT2_FRACTION, energy_on_orbitals


@dataclass(frozen=True)
class Recipe:
    """What one double hybrid adds up.

    xc: the hybrid part as PySCF writes functionals; empty: what the module `wb97m` evaluates. same, opposite: factors
    of the second-order energies. orbitals: functional whose self-consistent orbitals it takes; empty: its own. tuned:
    parameters of libxc functionals in `xc` that are not libxc's own. library: name of its dispersion parameters in the
    dispersion libraries.
    """

    xc: str
    same: float
    opposite: float
    orbitals: str = ""
    tuned: Mapping[str, Mapping[str, float]] | None = None
    library: str = ""


@dataclass(frozen=True)
class DoubleHybrid:
    """A double hybrid under its name, with one recipe per dispersion scheme ("" is none).

    Parameters that were fitted together with a dispersion correction are not those without it.
    """

    label: str
    description: str
    citations: tuple[str, ...]
    recipes: Mapping[str, Recipe]
    refused: Mapping[str, str]


# Of mPW91 exchange libxc takes b, c / X² and d, with X = s |n|^(4/3) / |grad n| per spin.
_X_PER_S = 0.1282782438530421943003109254455883701296

_B2PLYP = Recipe("0.53*HF + 0.47*B88, 0.73*LYP", 0.27, 0.27, library="b2plyp")
# Goerigk and Grimme, J. Chem. Theory Comput. 7, 291 (2011): b, c, d of exchange, both c of B95 correlation.
_PWPB95 = Recipe(
    "0.5*HF + 0.5*GGA_X_MPW91, 0.731*MGGA_C_BC95",
    0.0,
    0.269,
    tuned={
        "GGA_X_MPW91": {"_bt": 0.00444, "_alpha": 0.32620 / _X_PER_S**2, "_expo": 3.7868},
        "MGGA_C_BC95": {"_css": 0.03241, "_copp": 0.00250},
    },
    library="pwpb95",
)
# P86 with (9π)^(1/6) f in full, as in the programs that the factors were fitted with (Gaussian, Q-Chem), instead of the
# printed 1.745 f; of water that is 3e-5 hartree.
_TWO_PARAMETRIZATIONS = (
    "its published factors were fitted together with a dispersion correction, and are others for each; "
    "write revdsd-pbep86+d3bj or revdsd-pbep86+d4"
)
_AMBIGUOUS_D4 = (
    "the D4 parameters of this name do not say for which of its parametrizations, of 2011 or 2013, they were fitted; "
    "write revdsd-pbep86+d4"
)

DOUBLE_HYBRIDS: dict[str, DoubleHybrid] = {
    "b2plyp": DoubleHybrid(
        "B2PLYP",
        "Double hybrid: B88 exchange, 53 % exact exchange, LYP, 27 % second-order correlation",
        ("10.1063/1.2148954",),
        {"": _B2PLYP, "d3bj": _B2PLYP, "d4": _B2PLYP},
        {},
    ),
    "pwpb95": DoubleHybrid(
        "PWPB95",
        "Double-hybrid meta-GGA with second-order correlation of opposite spins alone",
        ("10.1021/ct100466k",),
        {"": _PWPB95, "d3bj": _PWPB95, "d4": _PWPB95},
        {},
    ),
    "dsd-pbep86": DoubleHybrid(
        "DSD-PBEP86",
        "Spin-component-scaled double hybrid of PBE exchange and P86 correlation, parameters of 2013",
        ("10.1002/jcc.23391", "10.1039/c1cp22592h"),
        # Kozuch and Martin, J. Comput. Chem. 34, 2327 (2013): without dispersion, and with D3(BJ).
        {
            "": Recipe("0.72*HF + 0.28*PBE, 0.44*GGA_C_P86_FT", 0.36, 0.51),
            "d3bj": Recipe("0.69*HF + 0.31*PBE, 0.44*GGA_C_P86_FT", 0.22, 0.52, library="dsdpbep86"),
        },
        {"d4": _AMBIGUOUS_D4},
    ),
    "revdsd-pbep86": DoubleHybrid(
        "revDSD-PBEP86",
        "DSD-PBEP86, fitted again to GMTKN55 (with frozen cores)",
        ("10.1021/acs.jpca.9b03157",),
        # Santra, Sylvetsky and Martin, J. Phys. Chem. A 123, 5129 (2019).
        {
            "d3bj": Recipe("0.69*HF + 0.31*PBE, 0.4296*GGA_C_P86_FT", 0.0799, 0.5785, library="revdsdpbep86"),
            "d4": Recipe("0.69*HF + 0.31*PBE, 0.4210*GGA_C_P86_FT", 0.0636, 0.5922, library="revdsdpbep86"),
        },
        {"": _TWO_PARAMETRIZATIONS},
    ),
    "xyg3": DoubleHybrid(
        "XYG3",
        "Double hybrid on B3LYP orbitals",
        ("10.1073/pnas.0901093106",),
        # PNAS 106, 4963 (2009): 0.8033 exact exchange, 0.2107 (B88 - S), 0.3211 second-order correlation.
        {"": Recipe("0.8033*HF - 0.0140*SLATER + 0.2107*B88, 0.6789*LYP", 0.3211, 0.3211, orbitals="b3lyp")},
        {},
    ),
    "xygj-os": DoubleHybrid(
        "XYGJ-OS",
        "Double hybrid on B3LYP orbitals, second-order correlation of opposite spins alone",
        ("10.1073/pnas.1115123108",),
        # Zhang, Xu, Jung and Goddard, PNAS 108, 19896 (2011).
        {"": Recipe("0.7731*HF + 0.2269*SLATER, 0.2309*LDA_C_VWN_RPA + 0.2754*LYP", 0.0, 0.4364, orbitals="b3lyp")},
        {},
    ),
    "wb97m(2)": DoubleHybrid(
        "ωB97M(2)",
        "Range-separated double-hybrid meta-GGA with VV10 on ωB97M-V orbitals",
        ("10.1063/1.5025226",),
        {"": Recipe("", PT2_FRACTION, PT2_FRACTION, orbitals="wb97m-v")},
        {"d3bj": "it has VV10 dispersion already", "d4": "it has VV10 dispersion already"},
    ),
}


class DoubleHybridMethod(PyscfMethod):
    """A double-hybrid functional, energies in hartree. Grimme, J. Chem. Phys. 124, 034108 (2006)."""

    properties = PyscfMethod.properties - {"excitation_energies"}
    Options = DoubleHybridOptions
    # What turning a molecule on the default quadrature grid may change.
    tolerances = {"energy": 5e-6, "dipole": 1e-3, "polarizability": 5e-2}
    cost = (4.0, 3.5)
    functional: ClassVar[str]
    scheme: ClassVar[str] = ""

    def point(self, molecule: Molecule, perturbation: Perturbation, resources: Resources) -> Point:
        from qmbench_pyscf.correlated import core_orbitals, has_correlation, pair_energies
        from qmbench_pyscf.scf import scf_settings

        recipe = DOUBLE_HYBRIDS[self.functional].recipes[self.scheme]
        mf, energy = self._orbitals(recipe, molecule, perturbation, resources)
        frozen = core_orbitals(molecule, mf.mol) if self.options.frozen_core else 0
        settings = scf_settings(mf)
        warnings = scf_warnings(settings)
        same = opposite = 0.0
        if has_correlation(mf, frozen):
            same, opposite, fitted = pair_energies(orbitals_alone(mf, self.options.pt2_fitting), frozen)
            settings |= fitted
        settings |= {
            "xc": recipe.xc or "semi-local part by qmbench_pyscf.wb97m",
            "orbitals": recipe.orbitals or "self-consistent",
            "frozen_core_orbitals": frozen,
            "scf_energy": energy,
            "pt2_same_spin_energy": same,
            "pt2_opposite_spin_energy": opposite,
            "pt2_factors_same_opposite": [recipe.same, recipe.opposite],
        }
        if recipe.tuned:
            settings["xc_parameters"] = {name: dict(values) for name, values in recipe.tuned.items()}
        point = Point(energy + recipe.same * same + recipe.opposite * opposite, settings, warnings)
        return self._with_dispersion(recipe, molecule, point)

    def _orbitals(
        self, recipe: Recipe, molecule: Molecule, perturbation: Perturbation, resources: Resources
    ) -> tuple[Any, float]:
        """The converged mean field, and the energy of the hybrid part on its orbitals in hartree."""
        from qmbench_pyscf.functionals import functional
        from qmbench_pyscf.mean_field_object import mean_field

        xc = pyscf_code(self.functional, recipe)
        if not recipe.orbitals:
            mf = reference_scf(self, molecule, perturbation, resources, xc=xc)
            return mf, float(mf.e_tot)
        found = functional(recipe.orbitals)
        if found is None:
            raise Unsupported(f"{recipe.orbitals} is not in the libxc that PySCF was built with")
        mf = reference_scf(self, molecule, perturbation, resources, xc=found.xc)
        if not recipe.xc:
            return mf, energy_on_orbitals(mf)
        other = mean_field(molecule, self.options.specification(xc, **perturbation.fields()), resources)
        return mf, float(other.energy_tot(dm=mf.make_rdm1()))

    def _with_dispersion(self, recipe: Recipe, molecule: Molecule, point: Point) -> Point:
        if not self.scheme:
            return point
        three_body = self.options.three_body
        correction = dispersion_energy(molecule, recipe.library, self.scheme, three_body)
        settings = dict(point.settings) | {
            "dispersion": self.scheme,
            "dispersion_parameters": recipe.library,
            "dispersion_energy": correction,
            "three_body": three_body,
        }
        return replace(point, energy=point.energy + correction, settings=settings)

    def families(self) -> dict[str, str]:
        return {"program": "pyscf", "functional": self.functional}

    def label(self) -> str:
        label = DOUBLE_HYBRIDS[self.functional].label
        return f"{label}+{LABELS[self.scheme]}" if self.scheme else label


def orbitals_alone(mf: Any, fitted: bool) -> Any:
    """The determinant of a Kohn–Sham `mf` as a Hartree–Fock object, so that perturbation theory takes the orbitals and
    their energies as they are. fitted: whether its integrals are density-fitted, however those of `mf` were.
    """
    from pyscf import scf

    bare = scf.uhf.UHF(mf.mol) if mf.mo_occ.ndim == 2 else scf.hf.RHF(mf.mol)
    if fitted:
        bare = bare.density_fit()
    bare.mo_coeff, bare.mo_occ, bare.mo_energy = mf.mo_coeff, mf.mo_occ, mf.mo_energy
    bare.e_tot, bare.converged, bare.max_memory = mf.e_tot, True, mf.max_memory
    return bare


def pyscf_code(name: str, recipe: Recipe) -> str:
    """What PySCF calls the hybrid part; one with parameters of its own is registered first, under a name that has them.

    The name is part of the keys of artifacts, so it holds all that the functional depends on.
    """
    if not recipe.tuned:
        return recipe.xc
    from pyscf.dft import libxc

    numbers = {libxc.XC_CODES[key]: dict(values) for key, values in recipe.tuned.items()}
    # PySCF looks for parts of names ("CS"), so the parameters are in it as a digest.
    content = json.dumps([recipe.xc, {key: dict(values) for key, values in recipe.tuned.items()}], sort_keys=True)
    code = f"{name}:{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    if code not in libxc._CUSTOM_FUNC_R:
        libxc.register_custom_functional_(code, recipe.xc, ext_params=numbers)
    return code


@lru_cache(maxsize=64)
def double_hybrid_method(name: str, scheme: str = "") -> type[Method]:
    """The method class of a double hybrid, with a dispersion scheme if one is named; nothing is imported to make it.

    Unsupported, with the reason, where the parameters of the two do not belong together.
    """
    known = DOUBLE_HYBRIDS[name]
    full = f"{name}+{scheme}" if scheme else name
    if scheme not in known.recipes:
        reason = known.refused.get(scheme) or f"no {LABELS.get(scheme, scheme)} parameters are published for it"
        raise Unsupported(f"{full}: {reason}")
    recipe = known.recipes[scheme]
    orbitals = f"the orbitals of {recipe.orbitals}" if recipe.orbitals else "its own self-consistent orbitals"
    doc = (
        f"{known.description}{', with ' + LABELS[scheme] if scheme else ''}. DOI {known.citations[0]}\n\n"
        f"Second-order energies on {orbitals}, times {recipe.same:g} (pairs of the same spin) and\n"
        f"{recipe.opposite:g} (opposite spins); restricted for singlets, unrestricted otherwise. All electrons are\n"
        "correlated unless frozen_core says otherwise. Energies in hartree. Dipole and polarizability are derivatives\n"
        "of the energy in a finite field. Grimme, J. Chem. Phys. 124, 034108 (2006)."
    )
    members = {
        "__doc__": doc,
        "__module__": __name__,
        "name": full,
        "functional": name,
        "scheme": scheme,
        "properties": DoubleHybridMethod.properties - (ALCHEMICAL if scheme else frozenset()),
        "Options": {"": DoubleHybridOptions, "d3bj": DoubleHybridD3Options, "d4": DoubleHybridD4Options}[scheme],
        "citations": (*known.citations, *SOURCES.get(scheme, ()), "10.1016/j.softx.2017.11.002", PYSCF),
        "distributions": ("pyscf", *{"d3bj": ("dftd3",), "d4": ("dftd4",)}.get(scheme, ())),
    }
    return type(f"DoubleHybrid_{full}", (DoubleHybridMethod,), members)


def double_hybrid_methods() -> list[type[Method]]:
    """All that are listed: every double hybrid with every dispersion scheme that it has parameters for."""
    return [double_hybrid_method(name, scheme) for name, known in DOUBLE_HYBRIDS.items() for scheme in known.recipes]


def resolve_double_hybrid(base: str, scheme: str) -> type[Method] | None:
    """The class of `base+scheme`; None for a name that is not a double hybrid's, Unsupported with the reason."""
    if base not in DOUBLE_HYBRIDS or (scheme and scheme not in SCHEMES):
        return None
    return double_hybrid_method(base, scheme)
