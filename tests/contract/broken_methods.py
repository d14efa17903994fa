"""The broken methods of the toys, in words: `python tests/contract/broken_methods.py` writes the table in the docs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "toys"))
import qmbench_broken
import qmbench_faulty

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "conformance.md"
BEGIN, END = "<!-- broken methods: written by tests/contract/broken_methods.py -->", "<!-- end of broken methods -->"

IMPORTS = {
    "drags": ("import_cost", "importing its plugin imports toyprogram; import it inside compute"),
    "knows": ("import_cost", "importing its plugin imports ase; import it inside compute"),
    "slow": ("import_cost", r"importing its plugin takes 0\.[2-9]\d s of CPU"),
    "sleepy": ("import_cost", r"importing its plugin waits for 0\.[2-9]\d s"),
    "talks": ("prints_nothing", "importing its plugin prints to standard output: 'welcome'"),
}
"""Plugins of one method, named alike, whose fault is in the import: the check and what it says."""

# method -> what is wrong with it
WORDS = {
    "exitspolitely": "`sys.exit(0)` in `compute`",
    "exitsatonce": "`os._exit(0)` in `compute`",
    "exitsforions": "`os._exit(0)`, but only for ions",
    "segfaults": "a segmentation fault",
    "hangs": "never ends",
    "eatsmemory": "takes all memory that it can get",
    "forksandreturns": "forks, and both processes return",
    "leavesaprogram": "leaves a program running",
    "leavesanorphan": "leaves a detached grandchild running",
    "wrongexception": "`KeyError` out of `compute`",
    "returnsdict": "returns a dict",
    "slow": "computes while it is imported",
    "sleepy": "waits while it is imported",
    "drags": "imports its program with the plugin",
    "talks": "prints while it is imported",
    "printsincheck": "prints in `check`",
    "importsincheck": "imports a program in `check`",
    "computesincheck": "computes in `check`",
    "slowcheck": "works for a second in `check`",
    "breaksitsestimate": "an exception out of `estimate`",
    "needsnotanumber": "nan for the memory that it needs",
    "writeshere": "writes into the working folder",
    "writeshome": "writes into the home folder",
    "readstheenvironment": "an environment variable changes the number",
    "knowswhereitruns": "the working folder changes the number",
    "electronvolts": "eV, called hartree",
    "rydbergs": "rydberg, called hartree",
    "bindingenergies": "energies of the wrong sign",
    "bohrforangstrom": "takes bohr for ångström",
    "ignorespositions": "ignores the positions",
    "convertstwice": "converts to bohr what is in bohr",
    "gradientforforces": "the gradient, called forces",
    "forcesperangstrom": "forces in hartree/ångström, called hartree/bohr",
    "forcesofotheratoms": "forces in another order of the atoms",
    "forcesonghosts": "forces on ghost atoms",
    "wrongunit": "an energy in eV, called eV",
    "wrongshape": "a number where a vector belongs",
    "notanumber": "NaN",
    "arraysettings": "settings that are no JSON",
    "deadoption": "an option that changes nothing",
    "echoedoption": "… and is repeated among the settings",
    "echoedunderanothername": "… under another name",
    "echoedinatext": "… within a text",
    "ignorescharge": "ignores the charge",
    "ignoresmultiplicity": "ignores the multiplicity",
    "ghostsarereal": "takes ghosts for atoms",
    "forgetsitsseed": "another number in each run",
    "errorstoosmall": "error bars five times too small",
    "countscores": "the number of cores changes the number",
    "nottogether": "fails when all properties are asked for together",
    "givesupquietly": "returns numbers that are not converged",
    "keylessoption": "an option that is missing in the record key",
}


def broken() -> dict[str, tuple[str, str, str]]:
    """method -> (plugin, check that finds it, what that says)."""
    found = {name: ("faulty", *rest) for name, rest in qmbench_faulty.FAULTS.items()}
    found |= {name: ("broken", *rest) for name, rest in qmbench_broken.FAULTS.items()}
    found |= {name: (name, *rest) for name, rest in IMPORTS.items()}
    return {name: found[name] for name in WORDS}


def table() -> str:
    """The table of the docs."""
    rows = [f"| {WORDS[name]} | `{check}` |" for name, (_, check, _) in broken().items()]
    return "\n".join(["| a method that … | is found by |", "| --- | --- |", *rows])


def documented() -> str:
    """The table as it is in the docs."""
    return DOCS.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()


if __name__ == "__main__":
    text = DOCS.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    DOCS.write_text(f"{head}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
