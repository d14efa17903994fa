"""Packages made on the spot: wheels of pure Python, and source folders that build without any network."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

TOY = (Path(__file__).parent / "toys" / "qmbench_clash.py").read_text()

# A build backend that lies in the folder it builds: pip needs to fetch nothing for it.
BACKEND = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent))
import makewheel

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    spec = eval((Path(__file__).parent / "spec.txt").read_text())
    return makewheel.wheel(Path(wheel_directory), **spec).name

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    here = Path(__file__).parent
    spec = eval((here / "spec.txt").read_text())
    for name, text in spec["files"].items():
        (here / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "src" / name).write_text(text)
    spec["files"] = {f"{spec['name']}.pth": str(here / "src")}
    return makewheel.wheel(Path(wheel_directory), **spec).name
"""


def wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    requires: tuple[str, ...] = (),
    extras: Mapping[str, str] = {},
    plugins: Mapping[str, str] = {},
) -> Path:
    """Write NAME-VERSION as a wheel into `folder`. extras: extra -> requirement. plugins: name -> module."""
    stem = f"{name.replace('-', '_')}-{version}"
    lines = [f"Requires-Dist: {r}" for r in requires]
    for extra, requirement in extras.items():
        lines += [f"Provides-Extra: {extra}", f'Requires-Dist: {requirement}; extra == "{extra}"']
    info = {
        "METADATA": "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, ""]),
        "WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": "[qmbench]\n" + "".join(f"{n} = {m}\n" for n, m in plugins.items()) if plugins else "",
    }
    contents = {**files, **{f"{stem}.dist-info/{n}": text for n, text in info.items() if text}}
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in contents.items():
            archive.writestr(inside, text)
        archive.writestr(f"{stem}.dist-info/RECORD", "".join(f"{n},,\n" for n in [*contents, "RECORD"]))
    return path


def project(folder: Path, **spec: object) -> Path:
    """A source folder that builds the wheel that `wheel(**spec)` writes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    (folder / "backend.py").write_text(BACKEND)
    source = (
        Path(__file__).read_text().replace('(Path(__file__).parent / "toys" / "qmbench_clash.py").read_text()', '""')
    )
    (folder / "makewheel.py").write_text(source)
    (folder / "spec.txt").write_text(repr(spec))
    return folder


def toylib(folder: Path, version: int, **more: object) -> Path:
    """The package over which the toys fall out: `toylib.VERSION` is its version."""
    return wheel(folder, "toylib", f"{version}.0", {"toylib.py": f"VERSION = {version}\n"}, **more)  # type: ignore[arg-type]


def clash(
    folder: Path, name: str, needs: str, version: str = "1.0", source: str = TOY, as_source: bool = False
) -> Path:
    """A wheel in `folder` of the toy plugin `name`, which needs `needs`; as_source: its folder, `folder`/NAME."""
    data = f"qmbench_{name}_data/{name}_bench"
    files = {
        f"qmbench_{name}.py": source.replace('NAME = "NAME"', f'NAME = "{name}"'),
        f"{data}/benchmark.toml": (
            f'id = "{name}_bench"\nversion = "1.0.0"\ntitle = "Toy"\nobservable = "total_energy"\nunit = "hartree"\n'
            'sign = "as it is"\nbsse = ["none"]\nlicence = "Apache-2.0"\ndefault_reference_set = "paper"\n'
            'citations = [{ doi = "10.1000/toy", text = "Toy" }]\n[reference_sets.paper]\ntitle = "the paper"\n'
        ),
        f"{data}/systems/he.xyz": "1\ncharge=0 multiplicity=1\nHe 0 0 0\n",
        **{f"{data}/systems/{x.lower()}.xyz": f"1\ncharge=0 multiplicity=1\n{x} 0 0 0\n" for x in ("Ar", "Kr", "Xe")},
        f"{data}/entries.csv": (
            "id,stoichiometry,observable,state,subset,tags,curve,coordinate,coordinate_unit,note\n"
            "he,he:1,,,,,,,,\nxe,xe:1,,,,,,,,\nar,ar:1,,,,,,,,\n"
        ),
        f"{data}/references.csv": (
            "entry,set,value,unit,uncertainty,uncertainty_kind,level_of_theory,source_doi,source_place,status,note\n"
            "he,paper,-2.9,hartree,,,exact,10.1000/toy,Table 1,current,\n"
        ),
    }
    about: dict = {
        **{"name": f"qmbench-{name}", "version": version, "files": files, "requires": ("qmbench", needs)},
        **{"extras": {"more": "toyextra==1.0"}, "plugins": {name: f"qmbench_{name}"}},
    }
    return project(folder / name, **about) if as_source else wheel(folder, **about)
