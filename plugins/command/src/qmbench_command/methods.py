"""Levels of theory that a described program computes."""

from __future__ import annotations

import json
import re
import shutil
import string
import subprocess
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, computed_field, create_model

from qmbench import (
    Crystal,
    InputError,
    Method,
    Molecule,
    Options,
    QmbenchError,
    ResourceError,
    Resources,
    Result,
    Unsupported,
    did_you_mean,
    units,
)
from qmbench_command.description import Description, program, read, scripts
from qmbench_command.places import files, folders

UNITS = {
    "energy": "hartree",
    "forces": "hartree/bohr",
    "stress": "hartree/bohr3",
    "dipole": "e bohr",
    "polarizability": "bohr3",
}
CONTRACT = 1
"""The number of the JSON contract, which the input states as `qmbench`."""
VERSION_SECONDS = 60.0


class CommandOptions(Options):
    """The options of a description, and what of it counts in a record's key."""

    about: ClassVar[Description]
    folder: ClassVar[Path]
    file_sha256: ClassVar[str]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def description_sha256(self) -> str:
        """Of the file that describes the program."""
        return self.file_sha256

    @computed_field  # type: ignore[prop-decorator]
    @property
    def scripts(self) -> dict[str, str]:
        """SHA-256 of the files beside the description that the command names."""
        return scripts(self.about.command, self.folder)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def version(self) -> str:
        """What the version command prints."""
        words = program(self.about.version_command, self.folder) if self.about.version_command else []
        return _version(tuple(words)) if words else ""


@lru_cache(maxsize=64)
def _version(words: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"not found ({type(error).__name__})"
    return " ".join((done.stdout or done.stderr).split())[:200]


class Command(Method[Molecule | Crystal]):
    """Base of all commands."""

    about: ClassVar[Description]
    file: ClassVar[Path]
    file_sha256: ClassVar[str]
    options: Any

    def check_system(self, system: Molecule | Crystal, properties: frozenset[str]) -> None:
        name = system.name or system.formula
        words = program(self.about.command, self.file.parent)
        if shutil.which(words[0]) is None:
            raise Unsupported(f"{self.name}: there is no program {self.about.command[0]}; {self.file} names it")
        if any(getattr(system, "ghosts", ())):
            raise Unsupported(f"{self.name} takes no ghost atoms")
        if not self.about.charges and system.charge:
            raise Unsupported(f"{self.name} is not told the charge: {name} with charge {system.charge} is refused")
        if not self.about.spins and system.multiplicity > 1 + system.n_electrons % 2:
            raise Unsupported(f"{self.name} is not told the multiplicity: {name} with {system.multiplicity} is refused")
        missing = sorted(set(system.symbols) - set(self.about.elements)) if self.about.elements else []
        if missing:
            raise Unsupported(f"{self.name} does not know {', '.join(missing)}")
        if "stress" in properties and not isinstance(system, Crystal):
            raise Unsupported(f"{self.name}: only a crystal has a stress, and {name} is none")

    def compute(self, system: Molecule | Crystal, properties: frozenset[str], resources: Resources) -> Result:
        import tempfile

        from qmbench_command.answers import ending, read_answer

        places = {**_places(system, resources), **self._values()}
        with tempfile.TemporaryDirectory(prefix="command-", dir=resources.scratch) as folder:
            text = self._input(system, properties, resources, places)
            if self.about.input_file:
                (Path(folder) / self.about.input_file).write_text(text, encoding="utf-8")
            words = [
                string.Template(word.replace("${folder}", str(self.file.parent).replace("$", "$$"))).substitute(places)
                for word in self.about.command
            ]
            words[0] = shutil.which(words[0]) or words[0]
            try:
                done = subprocess.run(
                    words,
                    cwd=folder,
                    input=b"" if self.about.input_file else text.encode(),
                    capture_output=True,
                )
            except OSError as error:
                raise ResourceError(f"{self.name}: can't run {words[0]}: {error.strerror or error}") from None
            output, complaint = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
            if self.about.output_file:
                path = Path(folder) / self.about.output_file
                if not path.is_file() and not done.returncode:
                    raise QmbenchError(f"{self.name} wrote no {self.about.output_file}; it said: {ending(complaint)}")
                output = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else output
        try:
            if done.returncode and not _says_why(output, self.about):
                how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
                raise QmbenchError(f"it ended with {how}; it said: {ending(complaint or output)}")
            units_of = {name: UNITS.get(name) or self.about.properties[name].unit for name in properties}
            found, settings, warnings = read_answer(output, self.about, properties, len(system.symbols), units_of)
        except QmbenchError as error:
            raise type(error)(f"{self.name} of {system.name or system.formula}: {error}") from None
        return Result(found, {**settings, "command": words, "version": self.options.version}, warnings)

    def _values(self) -> dict[str, Any]:
        """Options as a template writes them: true and false in lower case."""
        values = {name: getattr(self.options, name) for name in self.about.options}
        return {name: str(v).lower() if isinstance(v, bool) else v for name, v in values.items()}

    def _input(self, system: Any, properties: frozenset[str], resources: Resources, places: dict[str, Any]) -> str:
        if self.about.input != "json":
            return string.Template(self.about.input).substitute(places)
        document: dict[str, Any] = {
            "qmbench": CONTRACT,
            "kind": system.kind,
            "symbols": list(system.symbols),
            "positions": system.coordinates.tolist(),
            "unit": "bohr",
            "charge": system.charge,
            "multiplicity": system.multiplicity,
            "properties": sorted(properties),
            "options": {name: getattr(self.options, name) for name in self.about.options},
            "cores": resources.cores,
        }
        if isinstance(system, Crystal):
            document["cell"] = system.lattice_vectors.tolist()
        return json.dumps(document) + "\n"

    def families(self) -> dict[str, str]:
        return {"program": self.name}


def _says_why(output: str, about: Description) -> bool:
    """Whether the output of a program that failed is to be read all the same, because the reason is in it."""
    if about.not_converged and re.search(about.not_converged, output):
        return True
    try:
        return bool(json.loads(output).get("error"))
    except (ValueError, AttributeError, RecursionError):
        return False


def _places(system: Any, resources: Resources) -> dict[str, Any]:
    def lines(rows: Any, symbols: Any) -> str:
        return "\n".join(
            " ".join(([s] if s else []) + [f"{x:.12f}" for x in row]) for s, row in zip(symbols, rows, strict=True)
        )

    found = {
        "charge": system.charge,
        "multiplicity": system.multiplicity,
        "unpaired": system.multiplicity - 1,
        "n_atoms": len(system.symbols),
        "cores": resources.cores,
        "xyz_bohr": lines(system.coordinates, system.symbols),
        "xyz": lines(system.coordinates * units.BOHR_IN_ANGSTROM, system.symbols),
        "cell": "",
        "cell_bohr": "",
    }
    if isinstance(system, Crystal):
        found["cell_bohr"] = lines(system.lattice_vectors, ("",) * 3)
        found["cell"] = lines(system.lattice_vectors * units.BOHR_IN_ANGSTROM, ("",) * 3)
    return found


def listed() -> list[type[Method]]:
    """The methods of all descriptions that can be read."""
    found = []
    for name in files():
        try:
            found.append(command_method(name))
        except InputError:
            continue
    return found


def command_method(name: str) -> type[Method]:
    """The method that `NAME.toml` describes; InputError where there is none, or it is wrong."""
    known = files()
    if name not in known:
        where = " or ".join(map(str, folders()))
        what = "a level of theory names no file" if "/" in name or name.endswith(".toml") else f"no command '{name}'"
        raise InputError(
            f"command:{name}: {what}; what may run is described by files NAME.toml in {where}, put there by "
            f"you{did_you_mean(name, known) if known else ''}"
        )
    path = known[name]
    about, digest = read(path)
    for prop, reading in about.properties.items():
        if prop in UNITS and not _converts(reading.unit, UNITS[prop]):
            raise InputError(f"{path}: properties.{prop}: {reading.unit!r} is no unit of it; {UNITS[prop]} is one")
    return _method(name, path, about, digest)


def _converts(unit: str, target: str) -> bool:
    try:
        units.factor(unit, target)
    except Exception:
        return False
    return True


def _method(name: str, path: Path, about: Description, digest: str) -> type[Method]:
    fields: dict[str, Any] = {}
    for key, choice in about.options.items():
        kind: Any = Annotated[type(choice.default), AfterValidator(partial(_chosen, choice.choices))]
        about_it = choice.description or f"{key} of the program"
        fields[key] = (kind, Field(choice.default, description=about_it, examples=choice.choices or None))
    told = {"about": about, "folder": path.parent, "file_sha256": digest}
    options = create_model(f"Options_{name}", __base__=CommandOptions, **fields)
    for key, value in told.items():
        setattr(options, key, value)
    goes = f"written to {about.input_file}" if about.input_file else "on standard input"
    lines = [
        f"{' '.join(about.description.split()).rstrip('.')}.",
        "",
        f"Results in {_units(about)}.",
        f"Runs: {' '.join(program(about.command, path.parent))} — in an empty folder; its input "
        f"({'the JSON contract' if about.input == 'json' else 'a template'}) is {goes}, the answer is read from "
        f"{about.output_file or 'standard output'}.",
        f"Version: {' '.join(program(about.version_command, path.parent)) if about.version_command else 'not asked'}.",
        f"Described by {path} (SHA-256 {digest}).",
    ]
    attributes = {
        "__doc__": "\n    ".join(lines),
        "__module__": __name__,
        "name": f"command:{name}",
        "systems": tuple({"molecule": Molecule, "crystal": Crystal}[kind] for kind in about.systems),
        "properties": frozenset(about.properties),
        "Options": options,
        "citations": tuple(about.citations),
        "energy_zero": about.energy_zero,
        "file_sha256": digest,
        "file": path,
        "about": about,
    }
    return type(f"Command_{name}", (Command,), attributes)


def _chosen(choices: list[Any], value: Any) -> Any:
    if choices and value not in choices:
        raise ValueError(f"is one of {', '.join(map(str, choices))}")
    # A text goes into a program's arguments or input, and a suite may be somebody else's.
    if not choices and isinstance(value, str) and not re.fullmatch(r"(\w[\w.+,()*-]*)?", value):
        raise ValueError("takes letters, digits and _ . + , ( ) * - only, unless the description gives choices")
    return value


def _units(about: Description) -> str:
    return ", ".join(f"{UNITS.get(name) or reading.unit} ({name})" for name, reading in about.properties.items())
