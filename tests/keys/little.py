"""A little plugin of two methods, as files that tests edit: what each of them computes with is spread over the package.

`alpha` uses `scale`, `weight` (a data file) and the table that `shapes` fills by a decorator; `beta` uses `shift`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILES = {
    "__init__.py": '''
"""A little plugin."""
import qmbench

QMBENCH_API = 2


@qmbench.hookimpl
def qmbench_methods():
    from PACKAGE.methods import Alpha, Beta
    return [Alpha, Beta, made("gamma", 2.0)]


def made(name, factor):
    from PACKAGE.methods import Made
    return type("Gamma", (Made,), {"name": name, "factor": factor, "__module__": "PACKAGE.methods"})
''',
    "methods.py": '''
"""The methods."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import qmbench
from pydantic import Field

from PACKAGE import shapes
from PACKAGE.tables import TABLE

if TYPE_CHECKING:
    from PACKAGE.shifts import shift

START = 1.0  # hartree


class Options(qmbench.Options):
    n: int = Field(1, description="how often")


class Energy(qmbench.Method):
    systems = (qmbench.Molecule,)
    properties = frozenset({"energy"})
    citations = ("10.1000/1",)

    def compute(self, system, properties, resources):
        """The energy."""
        return qmbench.Result({"energy": qmbench.Quantity(self.energy(system), "hartree")})

    def energy(self, system):
        raise NotImplementedError


class Alpha(Energy):
    """Alpha."""
    name = "alpha"
    Options = Options

    def energy(self, system: qmbench.Molecule) -> float:
        from PACKAGE.scaling import scale
        from PACKAGE.weights import weight

        parts = [f(START) for f in TABLE.values()]
        return -float(np.sum(parts)) * scale(weight()) * self.options.n


class Beta(Energy):
    """Beta."""
    name = "beta"

    def energy(self, system):
        import PACKAGE.shifts as module

        return -module.shift(START)


class Made(Energy):
    """Made by a call."""

    def energy(self, system):
        return -self.factor
''',
    "tables.py": "TABLE = {}\n\n\ndef entered(f):\n    TABLE[f.__name__] = f\n    return f\n",
    "shapes.py": (
        "from PACKAGE.tables import entered\n\n\n@entered\ndef square(x):\n    return x * x\n\n\n"
        "def unused(x):\n    return x\n"
    ),
    "scaling.py": "FACTOR = 1.0\n\n\ndef scale(x, factor=FACTOR):\n    return factor * x\n",
    "shifts.py": "def shift(x):\n    return x + 0.5\n",
    "weights.py": (
        "from pathlib import Path\n\nFOLDER = Path(__file__).parent / 'data'\n\n\n"
        "def weight(name='one'):\n    return float((FOLDER / f'weight_{name}.txt').read_text())\n"
    ),
    "data/weight_one.txt": "1.0\n",
    "data/unused.txt": "not a weight\n",
}


def write(site: Path, package: str, files: Mapping[str, str], version: str = "1.0") -> Path:
    """The plugin `package` with `files`, installed in the folder `site`; without a version, its files alone."""
    folder = site / package
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("PACKAGE", package))
    if not version:  # it is installed already
        return folder
    info = site / f"{package}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[qmbench]\n{package.removeprefix('qmbench_')} = {package}\n")
    return folder


def edited(**changes: str | None) -> dict[str, str]:
    """FILES with files replaced, added or (None) taken out; `__` in a keyword stands for `/`, and .py is understood."""
    files: dict[str, str] = dict(FILES)
    for name, text in changes.items():
        path = name.replace("__", "/")
        path = path if "." in path else f"{path}.py"
        files.pop(path, None)
        if text is not None:
            files[path] = text
    return files


def replaced(name: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """FILES with texts in one of them replaced; each must be there."""
    text = FILES[name]
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return {**FILES, name: text}
