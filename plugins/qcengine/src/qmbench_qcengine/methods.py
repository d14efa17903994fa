"""Levels of theory that a program computes through QCEngine."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from functools import lru_cache
from importlib import metadata
from typing import Any, ClassVar

from qmbench import (
    InputError,
    Method,
    Molecule,
    Options,
    QmbenchError,
    Quantity,
    Resources,
    Result,
    System,
    Unsupported,
    did_you_mean,
)
from qmbench_qcengine.options import BasisOptions, ProgramOptions
from qmbench_qcengine.probe import Found, installed
from qmbench_qcengine.programs import PROGRAMS, XTB_SOLVENTS, Program, native_level
from qmbench_qcengine.told import same_in_pyscf, told

QCENGINE = "10.1063/5.0059356"
MOVED = 1e-6
"""Bohr by which an atom may stand elsewhere in the answer than in the question."""
PSI4 = (1, 4)
"""The first version that QCEngine asks in Python. It writes files for earlier ones, of a schema that they refuse."""

_KIND = {
    "electrons": "Total energies in hartree.",
    "model": "Energies in hartree, counted from the method's own zero.",
    "dispersion": "A dispersion energy in hartree, with the forces of it.",
    "correction": "A correction to an energy, in hartree, with the forces of it; no energy of a molecule.",
    "bonds": "Energies in hartree.",
}
_WRITE = "write qc:PROGRAM/METHOD or qc:PROGRAM/METHOD/BASIS, such as qc:xtb/gfn2-xtb or qc:psi4/hf/cc-pvdz"


class ProgramMethod(Method[Molecule]):
    """Base of all; `program_method` fills in the rest."""

    systems: ClassVar[tuple[type[System], ...]] = (Molecule,)
    options: Any
    model: ClassVar[str]
    about: ClassVar[Program]
    found: ClassVar[Found]

    def check_system(self, system: Molecule, properties: frozenset[str]) -> None:
        name = system.name or system.formula
        if any(system.ghosts) and not self.about.ghosts:
            raise Unsupported(f"{self.name} takes no ghost atoms")
        if system.charge and not self.about.charge:
            raise Unsupported(f"{self.name} is not told the charge, so {name} with charge {system.charge} is refused")
        if system.multiplicity > 1 + system.n_electrons % 2 and not self.about.spin:
            raise Unsupported(
                f"{self.name} is not told the multiplicity, so {name} with {system.multiplicity} is refused"
            )
        if "dipole" in properties and system.charge:
            raise Unsupported(f"{self.name}: QCSchema does not say about which point the dipole of an ion is taken")
        self._check_keywords()

    def _check_keywords(self) -> None:
        known = self.about.keywords
        for keyword in self.options.passed_on:
            if known is not None and keyword.lower() not in known:
                near = did_you_mean(keyword.lower(), known)
                raise InputError(f"{self.name} has no keyword '{keyword}'{near}; it has {', '.join(known)}")
        solvent = self.options.passed_on.get("solvent")
        if self.found.program == "xtb" and solvent is not None and str(solvent).lower() not in XTB_SOLVENTS:
            raise InputError(f"{self.name} has no solvent '{solvent}'{did_you_mean(str(solvent), XTB_SOLVENTS)}")

    def compute(self, system: Molecule, properties: frozenset[str], resources: Resources) -> Result:
        import numpy as np

        answer = self._ask(system, "gradient" if "forces" in properties else "energy", resources)
        from qmbench_qcengine.schema import dipole_of, energy_of

        title = f"{self.name} of {system.name or system.formula}"
        there = np.array(answer["molecule"]["geometry"], dtype=float).reshape(-1, 3)
        if there.shape != (len(system.symbols), 3) or np.abs(there - system.coordinates).max() > MOVED:
            raise QmbenchError(
                f"{title}: the program has moved or turned the molecule, so that its vectors mean nothing"
            )
        found = {}
        if "forces" in properties:
            gradient = np.array(answer["return_result"], dtype=float).reshape(-1, 3)
            if gradient.shape != there.shape:
                raise Unsupported(f"{title}: QCSchema has forces of {len(gradient)} of {len(there)} atoms")
            found["forces"] = Quantity(-gradient, "hartree/bohr")
        for name in ("energy", "dispersion_energy"):
            if name in properties:
                energy = energy_of(answer)
                if energy is None:
                    raise QmbenchError(f"{title}: QCSchema has no energy of it")
                found[name] = Quantity(energy, "hartree")
        if "dipole" in properties:
            dipole = dipole_of(answer["properties"])
            if dipole is None:
                raise Unsupported(f"{title}: QCSchema has no dipole moment of this level")
            found["dipole"] = Quantity(dipole, "e bohr")
        made_by = answer.get("provenance") or {}
        settings = {
            "program": made_by.get("creator") or self.found.program,
            "version": self.found.version,
            "routine": made_by.get("routine") or "",
        }
        added = told(self.found.program, self.model, self.options.passed_on, system)
        settings |= {"told besides": added} if added else {}
        doubts = (
            [f"{self.name} is a correction, not the energy of a molecule"] if self.about.kind == "correction" else []
        )
        return Result(found, settings, doubts)

    def _ask(self, system: Molecule, driver: str, resources: Resources) -> dict[str, Any]:
        """QCEngine's answer as a dictionary; raises what it says instead of one."""
        import qcengine

        from qmbench_qcengine.schema import document, failure

        program = self.found.program
        basis = getattr(self.options, "basis", None)
        asked = document(
            system,
            driver,
            {"method": self.model, "basis": basis},
            {**told(program, self.model, self.options.passed_on, system), **self.options.passed_on, **self.about.quiet},
            program,
        )
        limits: dict[str, Any] = {"ncores": resources.cores, "nnodes": 1, "retries": 0}
        limits["scratch_directory"] = str(resources.scratch)
        if resources.memory_gib:
            limits["memory"] = resources.memory_gib
        title = f"{self.name} of {system.name or system.formula}"
        with contextlib.chdir(resources.scratch):
            try:
                answer = qcengine.compute(asked, program, task_config=limits, return_dict=True)
            except SystemExit as error:
                raise QmbenchError(f"{title}: the program tries to end the process ({error})") from None
        if not answer.get("success"):
            raise failure(title, answer.get("error") or {})
        return answer

    @classmethod
    def example_systems(cls) -> tuple[System, ...]:
        """Of a dispersion energy: a triangle of unlike atoms, with all terms and no symmetry."""
        if cls.about.kind != "dispersion":
            return ()
        triangle = ((0.0, 0.1, -0.2), (5.3, 1.2, 0.7), (5.9, -0.8, 1.1))
        return (Molecule(("Ne", "C", "O"), triangle, 0, 1, name="ne-co"),)

    def families(self) -> dict[str, str]:
        keywords = self.options.passed_on
        basis = getattr(self.options, "basis", None)
        level = native_level(self.found.program, self.model, keywords) or same_in_pyscf(
            self.found.program, self.model, basis, keywords
        )
        shared = {"program": self.about.shared or self.found.program}
        return shared | ({"level": level} if level else {})


def _packaged(program: str, about: Program) -> Found | None:
    """The program where a Python package that is installed is it, so that nothing has to be started to know."""
    for distribution in about.distributions:
        with contextlib.suppress(metadata.PackageNotFoundError):
            return Found(program, metadata.version(distribution))
    return None


def _check_version(found: Found) -> None:
    """InputError for a version that QCEngine starts in a way that it does not understand."""
    version = re.match(r"(\d+)\.(\d+)", found.version)
    if found.program == "psi4" and version and (int(version[1]), int(version[2])) < PSI4:
        least = ".".join(map(str, PSI4))
        raise InputError(
            f"qc:psi4: Psi4 {found.version} does not read what this QCEngine writes; it takes {least} or later"
        )


@lru_cache(maxsize=256)
def program_method(text: str) -> type[Method]:
    """The method of `PROGRAM/METHOD`; InputError where there is none or the program is not installed.

    Neither a program nor its method is told apart by case, but in a name that may be a file's.
    """
    program, slash, model = text.partition("/")
    program = program.lower()
    if not re.fullmatch(r"[a-z][\w-]*", program, re.ASCII) or not slash or not model:
        raise InputError(f"'qc:{text}' is no level of theory; {_WRITE}")
    if not re.fullmatch(r"[\w+\-*(),.=@\[\]]+", model, re.ASCII):
        raise InputError(f"'qc:{text}': '{model}' is no name of a method; {_WRITE}")
    about = PROGRAMS.get(program, Program())
    found = _packaged(program, about) or installed(program)
    _check_version(found)
    if program == "orb" and "omol" in model.lower():  # the only models whose harness's charge and spin they read
        about = replace(about, charge=True, spin=True)
    if about.kind == "dispersion" and re.search(r"-d[34][^-]*$|^d[34]-", model.lower()):
        raise InputError(f"'qc:{text}': write the functional alone; which damping is said by level_hint, such as d3bj")
    if about.kind == "bonds":
        raise InputError(f"qc:{program} needs the bonds between the atoms, which a molecule of qmbench has not")
    model = model if program in ("mace", "orb") else model.lower()
    name = f"qc:{program}/{model}"
    if name != f"qc:{text}":
        return program_method(f"{program}/{model}")
    properties = {"dispersion_energy"} if about.kind == "dispersion" else {"energy"}
    properties |= {"forces"} | ({"dipole"} if about.dipole else set())
    own_zero = about.kind != "electrons" or "xtb" in model.lower()
    options: type[Options] = BasisOptions if about.kind == "electrons" else ProgramOptions
    attributes = {
        "__doc__": f"{model} by the program {program} {found.version}, through QCEngine. DOI {QCENGINE}\n\n"
        f"    {_KIND[about.kind]}",
        "__module__": __name__,
        "name": name,
        "properties": frozenset(properties),
        "Options": options,
        "distributions": tuple(dict.fromkeys(("qcengine", "qcelemental", *about.distributions))),
        "citations": tuple(dict.fromkeys((*about.citations, QCENGINE))),
        "energy_zero": "arbitrary" if own_zero else "absolute",
        "model": model,
        "about": about,
        "found": found,
    }
    # A name that the module does not define, so that what it is made of (the version in `found`) counts in a key.
    return type(f"Program_{re.sub(r'[^A-Za-z0-9]', '_', name)}", (ProgramMethod,), attributes)
