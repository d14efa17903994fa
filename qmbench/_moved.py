"""Where the modules of version 0.1 are now, for the error that an import by the old path gets."""

from __future__ import annotations

import sys

MOVED = {
    "analysis": "judging",
    "benchmark": "data.benchmark",
    "companion": "plugging.isolated.companion",
    "elements": "domain.elements",
    "engine": "running.engine",
    "errors": "domain.errors",
    "hookspecs": "plugging.hookspecs",
    "isolated": "plugging.isolated",
    "learned": "domain.learned",
    "lint": "data.lint",
    "method": "domain.method",
    "observables": "domain.observables",
    "plan": "running.plan",
    "plugins": "plugging.registry",
    "progress": "running.progress",
    "properties": "domain.properties",
    "quantity": "domain.quantity",
    "record": "domain.record",
    "reference_sets": "data.reference_sets",
    "run": "running.loop",
    "store": "running.store",
    "system": "domain.systems",
    "system_files": "domain.systems.files",
    "system_rules": "domain.systems.fields",
    "tidy": "judging.frame",
    "units": "domain.units",
}


class _MovedFinder:
    """Asked last, when no other finder knows a module. It is no `importlib.abc.MetaPathFinder`, whose import would cost
    every start ten milliseconds."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        package, _, rest = name.partition(".")
        old = rest.partition(".")[0]
        if package == "qmbench" and old in MOVED:
            raise ModuleNotFoundError(
                f"qmbench.{old} is now qmbench.{MOVED[old]}; the public names are imported from qmbench itself, "
                "such as 'from qmbench import Method, units'",
                name=name,
            )


def install() -> None:
    """Have imports by an old path told where the module is now."""
    sys.meta_path.append(_MovedFinder())
