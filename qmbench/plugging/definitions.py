"""A source file as the fingerprint sees it: its top-level statements, each with a text that formatting does not change.

A *unit* is one top-level statement. Its text is its syntax tree without positions, comments, docstrings, blocks for
type checkers and the annotations of ordinary functions; a name that stands for something of a plugin's own is left
out of it, and told apart by what it refers to (`refs`), so that a definition may move to another file. A name that
stands for something foreign is written out in full (`numpy.exp`, however it was imported).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from qmbench.plugging.statements import Names, Ref, StatementText, Unit
from qmbench.plugging.syntax import DEFINITIONS, bindings, digest, is_main, named, says_nothing, texts

FORMAT = 1
"""Of texts and of what `Module.to_json` gives: a change here changes every key."""


@dataclass
class Module:
    """One source file.

    names: name -> numbers of the units that bind it. imports: name -> what it was imported as, of the plugins' own
    modules. typed: the same under `if TYPE_CHECKING`. stars: own modules of which everything was imported. loads:
    what of the plugins is imported together with this module. table: text -> text of the top-level dictionaries, in
    which a module's `__getattr__` may look up what it imports.
    """

    units: list[Unit] = field(default_factory=list)
    names: dict[str, list[int]] = field(default_factory=dict)
    imports: dict[str, Ref] = field(default_factory=dict)
    typed: dict[str, Ref] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    loads: list[Ref] = field(default_factory=list)
    table: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON, for the cache."""
        return {**vars(self), "units": [vars(unit) for unit in self.units]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Module:
        """The inverse of `to_json`."""

        def ref(pair: Any) -> Ref:
            return pair[0], tuple(pair[1])

        refs = ("refs", "loads", "calls")
        units = [Unit(**{**unit, **{name: [*map(ref, unit[name])] for name in refs}}) for unit in data["units"]]
        imports = {name: ref(r) for name, r in data["imports"].items()}
        typed = {name: ref(r) for name, r in data["typed"].items()}
        return cls(**{**data, "units": units, "imports": imports, "typed": typed, "loads": [*map(ref, data["loads"])]})


def read_module(source: str | bytes, name: str, is_package: bool, own: frozenset[str]) -> Module:
    """The module `name`, whose source it is. own: top-level names of the packages that are plugins. SyntaxError."""
    return _Reader(name, is_package, own).read(ast.parse(source))


class _Reader(Names):
    def __init__(self, name: str, is_package: bool, own: frozenset[str]) -> None:
        super().__init__(name, is_package, own)
        self.module = Module(stars=self.stars)
        self.binds: dict[ast.stmt, set[str]] = {}  # the names that a statement binds in the module

    def read(self, tree: ast.Module) -> Module:
        statements = list(self._statements(tree.body))
        for statement in statements:
            self._bind(statement)
        for statement in statements:
            self._add(statement)
        foreign = {name: ref[0] for name, ref in self.top.items() if not ref[1] and not self.ours(ref[0])}
        if foreign:
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            for name in sorted(foreign.keys() - used):  # imported for what importing it does
                self.module.units.append(Unit(text=digest(f"import {foreign[name]}"), effect=True))
        return self.module

    def _statements(self, body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
        """The statements that count, those for type checkers told apart."""
        for statement in body:
            if isinstance(statement, ast.If) and named(statement.test, "TYPE_CHECKING"):
                for inner in ast.walk(statement):
                    if isinstance(inner, ast.Import | ast.ImportFrom) and inner in statement.body:
                        found = {n: r for n, r in self.imported(inner) if self.ours(r[0])}
                        self.module.typed.update(found)
                yield from self._statements(statement.orelse)
            elif isinstance(statement, ast.If) and is_main(statement.test):
                yield from self._statements(statement.orelse)
            elif not says_nothing(statement):
                yield statement

    def _bind(self, statement: ast.stmt) -> None:
        """What the statement binds at the top level."""
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            return
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for name, ref in self.imported(statement):
                if name == "*":
                    self.stars += [ref[0]] if self.ours(ref[0]) else []
                    self.module.loads.append(ref)
                    continue
                self.top[name] = ref
                if self.ours(ref[0]):
                    self.module.imports[name] = ref
                    self.module.loads.append(ref)
            if isinstance(statement, ast.Import):
                self.module.loads += [(alias.name, ()) for alias in statement.names if self.ours(alias.name)]
            return
        inner = [n for n in ast.walk(statement) if isinstance(n, ast.Global | ast.Import | ast.ImportFrom)]
        names = set(bindings([statement]))
        for node in inner:
            if isinstance(node, ast.Global):
                names |= set(node.names)
            elif not isinstance(statement, DEFINITIONS):
                names |= {name for name, _ in self.imported(node) if name != "*"}
        self.inner[statement], self.binds[statement] = inner, names
        self.bound |= names

    def _add(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            if isinstance(target, ast.Name) and target.id == "__all__":
                return
            if isinstance(statement.value, ast.Dict):
                self.module.table.update(texts(statement.value))
        text = StatementText(self, statement)
        number = len(self.module.units)
        self.module.units.append(text.unit)
        if not isinstance(statement, DEFINITIONS):
            self.module.loads += text.unit.loads
            self.stars += [ref[0] for ref in text.unit.loads if not ref[1] and text.star]
        for name in self.binds[statement]:
            self.module.names.setdefault(name, []).append(number)
