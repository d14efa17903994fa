"""One top-level statement as text that formatting does not change, and what it refers to; see `definitions`."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from typing import Any

from qmbench.plugging.syntax import DEFINITIONS, assigns, bindings, chain, digest, named, says_nothing

Ref = tuple[str, tuple[str, ...]]
"""(module, attributes): what a name refers to; the module is empty for a name of the file itself."""

# What can't be followed by name: then everything of the package may be meant.
_DYNAMIC = (
    *("importlib.import_module", "importlib.util", "importlib.machinery", "importlib.metadata.entry_points"),
    *("sys.modules", "runpy"),
)
_DYNAMIC_NAMES = frozenset({"__import__", "exec", "eval", "globals", "__subclasses__", "__init_subclass__"})
_OPENS = ("importlib.resources", "pkgutil")
_OPENS_NAMES = frozenset({"__file__", "__path__", "__spec__"})
_LEVELS = ("qmbench.parse_level", "qmbench.single_level", "qmbench.level", "qmbench.compute", "qmbench.run")
_UNITS = ("qmbench.units", "qmbench.domain.units")
# Decorators under which nobody reads the annotations of a function.
_PLAIN = ("staticmethod", "classmethod", "property", "functools", "abc", "contextlib", "typing")
# What is said of an option for people.
_FOR_PEOPLE = {"pydantic.Field": ("description", "title", "examples")}
_LONGEST_NAME = 120


@dataclass
class Unit:
    """One top-level statement.

    text: digest of its text. refs: what it refers to, in the order of occurrence. loads: what of the plugins it
    imports when it is executed. effect: whether it does something when the module is imported, so that it counts
    without being named. function: whether it defines a function. calls: refs that are called when an assignment is
    executed. strings: what may be names of files, * for what a format string fills in. marks: "dynamic", "opens",
    "levels", "units". lines: first and last.
    """

    text: str = ""
    refs: list[Ref] = field(default_factory=list)
    loads: list[Ref] = field(default_factory=list)
    effect: bool = False
    function: bool = False
    calls: list[Ref] = field(default_factory=list)
    strings: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    lines: tuple[int, int] = (0, 0)


class Names:
    """What the names of a module stand for, as far as its imports and top-level statements say.

    own: top-level names of the packages that are plugins. top: every name that an import at the top binds, with what it
    is. bound: the names that other statements bind. stars: own modules of which everything was imported. inner: the
    imports, and declarations of globals, inside each statement.
    """

    def __init__(self, name: str, is_package: bool, own: frozenset[str]) -> None:
        self.package = name if is_package else name.rpartition(".")[0]
        self.own = own
        self.top: dict[str, Ref] = {}
        self.bound: set[str] = set()
        self.stars: list[str] = []
        self.inner: dict[ast.stmt, list[ast.Global | ast.Import | ast.ImportFrom]] = {}

    def imported(self, statement: ast.Import | ast.ImportFrom) -> list[tuple[str, Ref]]:
        """(name bound, what it is) of an import statement; the name is * where everything is imported."""
        if isinstance(statement, ast.Import):
            first = [alias.name.partition(".")[0] for alias in statement.names]
            pairs = zip(statement.names, first, strict=True)
            return [(a.asname, (a.name, ())) if a.asname else (top, (top, ())) for a, top in pairs]
        base = statement.module or ""
        if statement.level:
            parts = self.package.split(".")
            parts = parts[: len(parts) - statement.level + 1]
            base = ".".join([*parts, *([base] if base else [])])
        return [(a.asname or a.name, (base, () if a.name == "*" else (a.name,))) for a in statement.names]

    def ours(self, module: str) -> bool:
        """Whether the module is a plugin's."""
        return module.partition(".")[0] in self.own


@dataclass
class _Scope:
    bound: set[str]
    is_class: bool = False


class StatementText:
    """The text of one statement, and what it refers to."""

    def __init__(self, names: Names, statement: ast.stmt) -> None:
        self.names = names
        self.local: dict[str, list[Ref]] = {}  # imports inside the statement
        for inner in names.inner[statement]:
            if isinstance(inner, ast.Import | ast.ImportFrom):
                for name, ref in names.imported(inner):
                    if name != "*":
                        self.local.setdefault(name, []).append(ref)
        self.globals = {n for inner in names.inner[statement] if isinstance(inner, ast.Global) for n in inner.names}
        self.scopes: list[_Scope] = []
        self.out: list[str] = []
        self.star = False
        self.foreign: dict[str, str] = {}  # names imported inside the statement, with what they are
        self.used: set[str] = set()
        end = statement.end_lineno or statement.lineno
        first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
        self.unit = Unit(lines=(first, end), function=isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef))
        self.statement = statement
        self._write(statement)
        # Moving an import to the top of the file says nothing, as long as the name is used here.
        self.out += [f"import {full};" for name, full in sorted(self.foreign.items()) if name not in self.used]
        self.unit.text = digest("".join(self.out))
        self.unit.effect = self._has_effect(statement)
        self.unit.strings = sorted(set(self.unit.strings))
        self.unit.marks = sorted(set(self.unit.marks))
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and (called := self._root(node.func)) is not None:
                    self.unit.calls.append(called)

    def _has_effect(self, statement: ast.stmt) -> bool:
        if isinstance(statement, DEFINITIONS):
            # A decorator of the plugin's own may put it into a table.
            return any(self._root(d.func if isinstance(d, ast.Call) else d) for d in statement.decorator_list)
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [n for target in targets for n in (target.elts if isinstance(target, ast.Tuple) else [target])]
            return not all(isinstance(n, ast.Name) and n.id != "_" for n in names)
        return not isinstance(statement, getattr(ast, "TypeAlias", ()))

    def _root(self, node: ast.expr) -> Ref | None:
        """What a chain of attributes refers to, if it is something of a plugin."""
        parts = chain(node)
        if parts is None:
            return None
        for module, attributes in self._meanings(parts[0]):
            if module == "" or self.names.ours(module):
                return module, (*attributes, *parts[1:])
        return None

    def _meanings(self, name: str) -> list[Ref]:
        """What a name that is no local variable may stand for; nothing for a builtin."""
        found = list(self.local.get(name, ()))
        if name in self.names.bound:
            found.append(("", (name,)))
        if name in self.names.top:
            found.append(self.names.top[name])
        if not found and self.names.stars and not hasattr(builtins, name):
            found.append(("", (name,)))
        return found

    def _is_local(self, name: str) -> bool:
        if name in self.local:
            return False
        if any(name in scope.bound for scope in self.scopes if not scope.is_class):
            return True
        # In the body of a class `name = name` reads the module's.
        return bool(self.scopes) and name in self.scopes[-1].bound and not self._meanings(name)

    def _write(self, node: Any) -> None:
        if isinstance(node, list):
            self.out.append("[")
            for item in node:
                if not says_nothing(item):
                    self._write(item)
            self.out.append("]")
        elif not isinstance(node, ast.AST):
            self.out.append(f"{node!r};")
        else:
            getattr(self, f"_write_{type(node).__name__}", self._plainly)(node)

    def _plainly(self, node: ast.AST, without: tuple[str, ...] = ()) -> None:
        self.out.append(f"({type(node).__name__} ")
        for name, value in ast.iter_fields(node):
            # Python versions differ in which fields that say nothing a tree has.
            if name in ("ctx", "kind", "type_comment", "type_ignores", *without) or value is None or value == []:
                continue
            self.out.append(f"{name}=")
            self._write(value)
        self.out.append(")")

    def _write_If(self, node: ast.If) -> None:
        if named(node.test, "TYPE_CHECKING"):
            for statement in node.orelse:
                self._write(statement)
        else:
            self._plainly(node)

    def _write_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, (module, attributes) in self.names.imported(node):
            if self.names.ours(module):
                self.star = self.star or name == "*"
                self.unit.loads.append((module, attributes))
                if not isinstance(self.statement, DEFINITIONS):  # the name may be used elsewhere in the file
                    self.unit.refs.append((module, attributes))
            else:
                self.foreign[name] = ".".join((module, *attributes))
                self._foreign(self.foreign[name])
        if isinstance(node, ast.Import):
            self.unit.loads += [(alias.name, ()) for alias in node.names if self.names.ours(alias.name)]

    _write_ImportFrom = _write_Import

    def _write_Constant(self, node: ast.Constant) -> None:
        self.out.append(f"{node.value!r};")
        if isinstance(node.value, str):
            self._string(node.value)

    def _write_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._plainly(node)
        self._string("".join(str(p.value) if isinstance(p, ast.Constant) else "*" for p in node.values))

    def _string(self, text: str) -> None:
        if text.strip("*") and len(text) <= _LONGEST_NAME and not any(c.isspace() for c in text):
            self.unit.strings.append(text)

    def _write_Call(self, node: ast.Call) -> None:
        for known, keywords in _FOR_PEOPLE.items():
            if self._foreign_name(node.func) == known:
                kept = [k for k in node.keywords if k.arg not in keywords]
                node = ast.Call(func=node.func, args=node.args, keywords=kept)
        self._plainly(node)

    def _foreign_name(self, node: ast.expr) -> str:
        parts = chain(node)
        if parts is None or self._is_local(parts[0]):
            return ""
        meanings = self._meanings(parts[0])
        if not meanings:
            return ".".join(parts)
        module, attributes = meanings[0]
        return ".".join((module, *attributes, *parts[1:])) if module else ""

    def _write_Name(self, node: ast.Name) -> None:
        self._name((node.id,), node)

    def _write_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _OPENS_NAMES:
            self.unit.marks.append("opens")
        if node.attr in ("__subclasses__",):
            self.unit.marks.append("dynamic")
        parts = chain(node)
        if parts is None or self._is_local(parts[0]):
            self._plainly(node)
        else:
            self._name(parts, node)

    def _name(self, parts: tuple[str, ...], node: ast.expr) -> None:
        """A name, with the attributes behind it, that may stand for something at the top level or imported."""
        name = parts[0]
        self.used.add(name)
        if self._is_local(name):
            self._plainly(node)
            return
        meanings = self._meanings(name)
        if not meanings:
            if name in _OPENS_NAMES:
                self.unit.marks.append("opens")
            if name in _DYNAMIC_NAMES:
                self.unit.marks.append("dynamic")
            self.out.append(f"{'.'.join(parts)};")
            return
        for module, attributes in meanings:
            if module == "" or self.names.ours(module):
                self.unit.refs.append((module, (*attributes, *parts[1:])))
                self.out.append("·" + "".join(f".{a}" for a in parts[1:]) + ";")
            else:
                full = ".".join((module, *attributes, *parts[1:]))
                self._foreign(full)
                self.out.append(f"{full};")

    def _foreign(self, full: str) -> None:
        for mark, starts in (("dynamic", _DYNAMIC), ("opens", _OPENS), ("levels", _LEVELS), ("units", _UNITS)):
            if any(f"{full}.".startswith(f"{start}.") for start in starts):
                self.unit.marks.append(mark)

    def _write_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if node.name == "__init_subclass__":
            self.unit.marks.append("dynamic")
        decorators = [self._foreign_name(d.func if isinstance(d, ast.Call) else d) for d in node.decorator_list]
        plain = all(any(f"{name}.".startswith(f"{p}.") for p in _PLAIN) for name in decorators)
        self._function(node, node.args, plain)

    _write_AsyncFunctionDef = _write_FunctionDef

    def _write_Lambda(self, node: ast.Lambda) -> None:
        self._function(node, node.args, True)

    def _function(self, node: Any, arguments: ast.arguments, plain: bool) -> None:
        self.out.append(f"({type(node).__name__} {getattr(node, 'name', '')} ")
        self._write(getattr(node, "decorator_list", []))
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        if not plain:
            self._write([a.annotation for a in every if a.annotation is not None])
            self._write([node.returns] if getattr(node, "returns", None) else [])
        for name, value in ast.iter_fields(arguments):  # defaults belong to the scope around
            self.out.append(f"{name}=")
            if name in ("defaults", "kw_defaults"):
                self._write([v if v is not None else ast.Constant(None) for v in value])
            else:
                some = value if isinstance(value, list) else [value] if value is not None else []
                self.out.append(",".join(a.arg for a in some))
        body = node.body if isinstance(node.body, list) else [node.body]
        bound = {a.arg for a in every} | set(bindings(body))
        if self.globals:
            bound -= {n for s in body for i in ast.walk(s) if isinstance(i, ast.Global) for n in i.names}
        self.scopes.append(_Scope(bound))
        self._write(body)
        self.scopes.pop()
        self.out.append(")")

    def _write_ClassDef(self, node: ast.ClassDef) -> None:
        self.out.append(f"(class {node.name} ")
        for part in (node.decorator_list, node.bases, node.keywords):
            self._write(part)
        self.scopes.append(_Scope(set(bindings(node.body)), is_class=True))
        self._write([s for s in node.body if not assigns(s, "citations") and not assigns(s, "claim")])
        self.scopes.pop()
        self.out.append(")")

    def _write_AnnAssign(self, node: ast.AnnAssign) -> None:
        in_class = bool(self.scopes) and self.scopes[-1].is_class  # fields of data classes and of options
        self._plainly(node, () if in_class else ("annotation", "simple"))

    def _comprehension(self, node: Any) -> None:
        bound = set(bindings(g.target for g in node.generators))
        self.out.append(f"({type(node).__name__} ")
        self._write(node.generators[0].iter)
        self.scopes.append(_Scope(bound))
        self._plainly(node)
        self.scopes.pop()
        self.out.append(")")

    _write_ListComp = _write_SetComp = _write_DictComp = _write_GeneratorExp = _comprehension
