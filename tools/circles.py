"""Circles among the imports of the core and of each plugin: modules that can't be understood one after the other.

    python tools/circles.py            one line per import of each circle; exit 1 where there is one

Imports inside functions and for annotations (`if TYPE_CHECKING`) count, and so does a package whose `__init__`
imports from the modules in it. The sources of this checkout are read; nothing of them is imported.
"""

from __future__ import annotations

import sys
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]


def sources() -> dict[str, Path]:
    """package -> the folder to import it from: the core, and every plugin of this repository."""
    plugins = sorted(ROOT.glob("plugins/*/src/*/__init__.py"))
    return {"qmbench": ROOT} | {init.parent.name: init.parents[1] for init in plugins}


def graph_of(package: str, folder: Path) -> dict[str, set[str]]:
    """module -> the modules of the same package that it imports."""
    sys.path.insert(0, str(folder))
    try:
        graph = grimp.build_graph(package, exclude_type_checking_imports=False, cache_dir=None)
    finally:
        sys.path.remove(str(folder))
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The sets of modules that reach each other along imports, each sorted; a module that imports itself is one.

    These are the strongly connected components of the graph, by the algorithm of Tarjan, SIAM J. Comput. 1, 146 (1972).
    """
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for imported in sorted(graph[module]):
            if imported not in order:
                visit(imported)
            if imported in path:
                lowest[module] = min(lowest[module], lowest[imported])
        if lowest[module] == order[module]:
            at = path.index(module)
            component = path[at:]
            del path[at:]
            if len(component) > 1 or module in graph[module]:
                found.append(sorted(component))

    for module in sorted(graph):
        if module not in order:
            visit(module)
    return sorted(found)


def lines(graph: dict[str, set[str]]) -> list[str]:
    """`importer -> imported` for each import inside a circle: removing the right ones of these opens it."""
    return [
        f"{module} -> {imported}"
        for circle in circles(graph)
        for module in circle
        for imported in sorted(graph[module] & set(circle))
    ]


def main() -> int:
    """The command; returns its exit code."""
    packages = sources()
    found = [line for package, folder in packages.items() for line in lines(graph_of(package, folder))]
    for line in found:
        print(line)
    print(f"{len(found)} imports in circles, in {', '.join(packages)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
