"""What a calculator is, found out by a process of its own: importing it may take long, print, or crash."""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import re
import sys
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from qmbench import InputError, did_you_mean, in_own_process


def _said_later(kind: type) -> set[str]:
    """What constructors say: words beside `implemented_properties`, of a class that has none before it is made."""
    words = set()
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in ("ase", "builtins"):
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                targets = [node.func.value]  # .extend(…), .append(…)
            if any(isinstance(t, ast.Attribute) and t.attr == "implemented_properties" for t in targets):
                words |= {x.value for x in ast.walk(node) if isinstance(x, ast.Constant) and isinstance(x.value, str)}
    return words


def look_at(name: str) -> dict[str, Any]:
    """What is found of the calculator `MODULE.CLASS` by importing it, for JSON; what fails is in the answer, too."""
    from ase.calculators.abc import GetPropertiesMixin

    module, _, last = name.rpartition(".")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        return {"missing": error.name or module}
    except BaseException as error:
        return {"broken": f"{type(error).__name__}: {error}"}
    kind = getattr(found, last, None)
    made = {n: c for n, c in vars(found).items() if inspect.isclass(c) and hasattr(c, "implemented_properties")}
    if not (inspect.isclass(kind) and issubclass(kind, GetPropertiesMixin)):
        return {"others": sorted(made), "is": "" if kind is None else type(kind).__name__}
    takes, anything = set(getattr(kind, "default_parameters", None) or {}), False
    try:
        signature = list(inspect.signature(kind.__init__).parameters.values())
    except (TypeError, ValueError):
        signature = []
    for p in signature:
        anything = anything or p.kind is p.VAR_KEYWORD
        takes |= {p.name} if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD) else set()
    top = kind.__module__.partition(".")[0]
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    properties = set(map(str, getattr(kind, "implemented_properties", ())))
    return {
        "calculator": {
            "properties": sorted(properties or _said_later(kind)),
            "takes": sorted(map(str, takes - {"self"})),
            "anything": anything,
            "what": (inspect.getdoc(kind) or "").strip().partition("\n")[0],
            "distributions": sorted(set(metadata.packages_distributions().get(top, ()))),
            "source": hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else "",
        }
    }


@dataclass(frozen=True)
class Calculator:
    """What a class says of itself. properties: ASE's names; where its constructor says them, all that it may say.
    takes: keywords that it knows; anything: whether it may take others. what: the first line of its text. source:
    SHA-256 of the file that it is written in."""

    properties: frozenset[str]
    takes: frozenset[str]
    anything: bool
    what: str
    distributions: tuple[str, ...]
    source: str


@lru_cache(maxsize=256)
def calculator(name: str) -> Calculator:
    """What `MODULE.CLASS` is; InputError in one line where that is no calculator of this environment."""
    right = "write ase:MODULE.CLASS, such as ase:ase.calculators.tip3p.TIP3P"
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", name, re.ASCII):
        raise InputError(f"'ase:{name}' is no name of a calculator{did_you_mean(name, ('emt', 'lj'))}; {right}")
    module, _, last = name.rpartition(".")
    told = in_own_process(look_at, name, title=f"ase:{name}", doing=f"importing {module}")
    if "missing" in told:
        lacking = told["missing"]
        raise InputError(
            f"ase:{name}: there is no module '{lacking}' in this environment; install the package that has it, or "
            f"correct the name ({right})"
        )
    if "broken" in told:
        raise InputError(f"ase:{name}: {module} can't be imported ({' '.join(told['broken'].split())})")
    if "calculator" not in told:
        others = told["others"]
        what = f"'{last}' of {module} is no ASE calculator" if told["is"] else f"{module} has no '{last}'"
        there = f"; its calculators: {', '.join(others[:8])}" if others else f"; {right}"
        raise InputError(f"ase:{name}: {what}{did_you_mean(last, others)}{there}")
    found = told["calculator"]
    return Calculator(
        frozenset(found["properties"]),
        frozenset(found["takes"]),
        found["anything"],
        found["what"],
        tuple(found["distributions"]),
        found["source"],
    )
