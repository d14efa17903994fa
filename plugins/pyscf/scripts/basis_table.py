"""Write src/qmbench_pyscf/basis_table.py: the basis sets of PySCF's own table, one canonical spelling each.

Run it after an update of PySCF: `python plugins/pyscf/scripts/basis_table.py`. A test holds the file to PySCF's table.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

TARGET = Path(__file__).parents[1] / "src/qmbench_pyscf/basis_table.py"
# No molecule is computed in fitting sets; the others are potentials alone.
NO_ORBITALS = re.compile(r"(fit|ri|optri|etb)$|^(ecpds|sap|bfdpp|bfd$|ccecp(he|reg|28|36)?$|demon|ahlrichs|weigend)")
# Where the name of PySCF's file is not what people write.
CANONICAL = {"ano": "ano-rcc", "roosdz": "ano-roos-dz", "roostz": "ano-roos-tz", "iglo3": "iglo3"}


def plain(name: str) -> str:
    """A name as PySCF looks it up."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def canonical(keys: list[str], value: str | tuple[str, ...]) -> str:
    """What the basis set with these names in PySCF's table is called: the name of its file, with hyphens."""
    for key in keys:
        if key in CANONICAL:
            return CANONICAL[key]
    path = value if isinstance(value, str) else value[-1]
    name = path.replace("\\", "/").removesuffix(".dat").split("/")[-1].split(".")[-1].lower().replace("_", "-")
    if "pople" in path:
        name = re.sub(r"g(s*)$", lambda m: {0: "g", 1: "g(d)", 2: "g(d,p)"}[len(m[1])], name)
        return name.replace("3-21g(d)", "3-21g*").replace("3-21++g(d)", "3-21++g*")
    if "ccecp" in path.lower():
        core = re.search(r"ccECP_(He|reg|28|36)", path)
        return name.replace("ccecp-", f"ccecp-{core[1].lower()}-") if core else name
    return name if plain(name) in keys else keys[0]


def table() -> dict[str, str]:
    """Every plain name in PySCF's table that stands for orbitals -> the canonical spelling of its basis set."""
    from pyscf.gto.basis import ALIAS

    classes: dict[str | tuple[str, ...], list[str]] = {}
    for key, value in ALIAS.items():
        if not NO_ORBITALS.search(key) and plain(key) == key:
            classes.setdefault(value if isinstance(value, str) else tuple(value), []).append(key)
    return {key: canonical(keys, value) for value, keys in classes.items() for key in keys}


def text() -> str:
    """The module's source."""
    found = table()
    names = sorted(set(found.values()))
    aliases = sorted((key, name) for key, name in found.items() if key != plain(name))
    lines = textwrap.wrap(" ".join(names), 118, break_long_words=False, break_on_hyphens=False)
    return "\n".join(
        [
            '"""Basis sets of PySCF\'s table by canonical name, and other names. scripts/basis_table.py wrote it."""',
            "",
            "NAMES = tuple(",
            '    """',
            *lines,
            '""".split()',
            ")",
            "",
            "# As PySCF looks names up: without hyphens, underscores and blanks.",
            "ALIASES = {",
            *(f'    "{key}": "{name}",' for key, name in aliases),
            "}",
            "",
        ]
    )


if __name__ == "__main__":
    TARGET.write_text(text())
    print(TARGET)
