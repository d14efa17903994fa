"""A source file as the fingerprint sees it: its top-level statements, each with a text that formatting does not change.

A *unit* is one top-level statement. Its text is its syntax tree without positions, comments, docstrings, blocks for
type checkers and the annotations of ordinary functions; a name that stands for something of a plugin's own is left
out of it, and told apart by what it refers to (`refs`), so that a definition may move to another file. A name that
stands for something foreign is written out in full (`numpy.exp`, however it was imported).
"""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
"""Of texts and of what `Module.to_json` gives: a change here changes every key."""

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
_LEVELS = ("qmbench.parse_level", "qmbench.level", "qmbench.compute", "qmbench.run")
_UNITS = ("qmbench.units", "qmbench.domain.units")
# Decorators under which nobody reads the annotations of a function.
_PLAIN = ("staticmethod", "classmethod", "property", "functools", "abc", "contextlib", "typing")
# What is said of an option for people.
_FOR_PEOPLE = {"pydantic.Field": ("description", "title", "examples")}
_LONGEST_NAME = 120
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


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


@dataclass
class _Scope:
    bound: set[str]
    is_class: bool = False


class _Reader:
    def __init__(self, name: str, is_package: bool, own: frozenset[str]) -> None:
        self.package = name if is_package else name.rpartition(".")[0]
        self.own = own
        self.module = Module()
        self.top: dict[str, Ref] = {}  # every name that a module-level import binds, foreign ones as well
        self.bound: set[str] = set()
        self.inner: dict[ast.stmt, list[ast.Global | ast.Import | ast.ImportFrom]] = {}  # inside a statement
        self.binds: dict[ast.stmt, set[str]] = {}  # the names that it binds in the module

    def read(self, tree: ast.Module) -> Module:
        statements = list(self._statements(tree.body))
        for statement in statements:
            self._bind(statement)
        for statement in statements:
            self._add(statement)
        foreign = {name: ref[0] for name, ref in self.top.items() if not ref[1] and not self._ours(ref[0])}
        if foreign:
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            for name in sorted(foreign.keys() - used):  # imported for what importing it does
                self.module.units.append(Unit(text=_digest(f"import {foreign[name]}"), effect=True))
        return self.module

    def _statements(self, body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
        """The statements that count, those for type checkers told apart."""
        for statement in body:
            if isinstance(statement, ast.If) and _named(statement.test, "TYPE_CHECKING"):
                for inner in ast.walk(statement):
                    if isinstance(inner, ast.Import | ast.ImportFrom) and inner in statement.body:
                        found = {n: r for n, r in self._imported(inner) if self._ours(r[0])}
                        self.module.typed.update(found)
                yield from self._statements(statement.orelse)
            elif isinstance(statement, ast.If) and _is_main(statement.test):
                yield from self._statements(statement.orelse)
            elif not _says_nothing(statement):
                yield statement

    def _bind(self, statement: ast.stmt) -> None:
        """What the statement binds at the top level."""
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            return
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for name, ref in self._imported(statement):
                if name == "*":
                    self.module.stars += [ref[0]] if self._ours(ref[0]) else []
                    self.module.loads.append(ref)
                    continue
                self.top[name] = ref
                if self._ours(ref[0]):
                    self.module.imports[name] = ref
                    self.module.loads.append(ref)
            if isinstance(statement, ast.Import):
                self.module.loads += [(alias.name, ()) for alias in statement.names if self._ours(alias.name)]
            return
        inner = [n for n in ast.walk(statement) if isinstance(n, ast.Global | ast.Import | ast.ImportFrom)]
        names = set(_bindings([statement]))
        for node in inner:
            if isinstance(node, ast.Global):
                names |= set(node.names)
            elif not isinstance(statement, _DEFINITIONS):
                names |= {name for name, _ in self._imported(node) if name != "*"}
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
                self.module.table.update(_texts(statement.value))
        text = _Text(self, statement)
        number = len(self.module.units)
        self.module.units.append(text.unit)
        if not isinstance(statement, _DEFINITIONS):
            self.module.loads += text.unit.loads
            self.module.stars += [ref[0] for ref in text.unit.loads if not ref[1] and text.star]
        for name in self.binds[statement]:
            self.module.names.setdefault(name, []).append(number)

    def _imported(self, statement: ast.Import | ast.ImportFrom) -> list[tuple[str, Ref]]:
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

    def _ours(self, module: str) -> bool:
        return module.partition(".")[0] in self.own


class _Text:
    """The text of one statement, and what it refers to."""

    def __init__(self, reader: _Reader, statement: ast.stmt) -> None:
        self.reader = reader
        self.local: dict[str, list[Ref]] = {}  # imports inside the statement
        for inner in reader.inner[statement]:
            if isinstance(inner, ast.Import | ast.ImportFrom):
                for name, ref in reader._imported(inner):
                    if name != "*":
                        self.local.setdefault(name, []).append(ref)
        self.globals = {n for inner in reader.inner[statement] if isinstance(inner, ast.Global) for n in inner.names}
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
        self.unit.text = _digest("".join(self.out))
        self.unit.effect = self._has_effect(statement)
        self.unit.strings = sorted(set(self.unit.strings))
        self.unit.marks = sorted(set(self.unit.marks))
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and (called := self._root(node.func)) is not None:
                    self.unit.calls.append(called)

    def _has_effect(self, statement: ast.stmt) -> bool:
        if isinstance(statement, _DEFINITIONS):
            # A decorator of the plugin's own may put it into a table.
            return any(self._root(d.func if isinstance(d, ast.Call) else d) for d in statement.decorator_list)
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [n for target in targets for n in (target.elts if isinstance(target, ast.Tuple) else [target])]
            return not all(isinstance(n, ast.Name) and n.id != "_" for n in names)
        return not isinstance(statement, getattr(ast, "TypeAlias", ()))

    def _root(self, node: ast.expr) -> Ref | None:
        """What a chain of attributes refers to, if it is something of a plugin."""
        chain = _chain(node)
        if chain is None:
            return None
        for module, attributes in self._meanings(chain[0]):
            if module == "" or self.reader._ours(module):
                return module, (*attributes, *chain[1:])
        return None

    def _meanings(self, name: str) -> list[Ref]:
        """What a name that is no local variable may stand for; nothing for a builtin."""
        found = list(self.local.get(name, ()))
        if name in self.reader.bound:
            found.append(("", (name,)))
        if name in self.reader.top:
            found.append(self.reader.top[name])
        if not found and self.reader.module.stars and not hasattr(builtins, name):
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
                if not _says_nothing(item):
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
        if _named(node.test, "TYPE_CHECKING"):
            for statement in node.orelse:
                self._write(statement)
        else:
            self._plainly(node)

    def _write_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, (module, attributes) in self.reader._imported(node):
            if self.reader._ours(module):
                self.star = self.star or name == "*"
                self.unit.loads.append((module, attributes))
                if not isinstance(self.statement, _DEFINITIONS):  # the name may be used elsewhere in the file
                    self.unit.refs.append((module, attributes))
            else:
                self.foreign[name] = ".".join((module, *attributes))
                self._foreign(self.foreign[name])
        if isinstance(node, ast.Import):
            self.unit.loads += [(alias.name, ()) for alias in node.names if self.reader._ours(alias.name)]

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
        chain = _chain(node)
        if chain is None or self._is_local(chain[0]):
            return ""
        meanings = self._meanings(chain[0])
        if not meanings:
            return ".".join(chain)
        module, attributes = meanings[0]
        return ".".join((module, *attributes, *chain[1:])) if module else ""

    def _write_Name(self, node: ast.Name) -> None:
        self._name((node.id,), node)

    def _write_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in _OPENS_NAMES:
            self.unit.marks.append("opens")
        if node.attr in ("__subclasses__",):
            self.unit.marks.append("dynamic")
        chain = _chain(node)
        if chain is None or self._is_local(chain[0]):
            self._plainly(node)
        else:
            self._name(chain, node)

    def _name(self, chain: tuple[str, ...], node: ast.expr) -> None:
        """A name, with the attributes behind it, that may stand for something at the top level or imported."""
        name = chain[0]
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
            self.out.append(f"{'.'.join(chain)};")
            return
        for module, attributes in meanings:
            if module == "" or self.reader._ours(module):
                self.unit.refs.append((module, (*attributes, *chain[1:])))
                self.out.append("·" + "".join(f".{a}" for a in chain[1:]) + ";")
            else:
                full = ".".join((module, *attributes, *chain[1:]))
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
        bound = {a.arg for a in every} | set(_bindings(body))
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
        self.scopes.append(_Scope(set(_bindings(node.body)), is_class=True))
        self._write([s for s in node.body if not _assigns(s, "citations")])
        self.scopes.pop()
        self.out.append(")")

    def _write_AnnAssign(self, node: ast.AnnAssign) -> None:
        in_class = bool(self.scopes) and self.scopes[-1].is_class  # fields of data classes and of options
        self._plainly(node, () if in_class else ("annotation", "simple"))

    def _comprehension(self, node: Any) -> None:
        bound = set(_bindings(g.target for g in node.generators))
        self.out.append(f"({type(node).__name__} ")
        self._write(node.generators[0].iter)
        self.scopes.append(_Scope(bound))
        self._plainly(node)
        self.scopes.pop()
        self.out.append(")")

    _write_ListComp = _write_SetComp = _write_DictComp = _write_GeneratorExp = _comprehension


def _bindings(body: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements bind in the scope they stand in."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                yield node.id
        elif isinstance(node, _DEFINITIONS):
            yield node.name
        elif not isinstance(node, _SCOPES):
            if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                yield node.name
            elif isinstance(node, ast.MatchMapping) and node.rest:
                yield node.rest
            waiting += ast.iter_child_nodes(node)


def _chain(node: ast.expr) -> tuple[str, ...] | None:
    """("a", "b", "c") of `a.b.c`; None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else None


def _named(node: ast.expr, name: str) -> bool:
    chain = _chain(node)
    return chain is not None and chain[-1] == name


def _is_main(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and _named(test.left, "__name__") and isinstance(test.ops[0], ast.Eq)


def _says_nothing(node: Any) -> bool:
    """A docstring, wherever it stands, or `pass`."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return text or isinstance(node, ast.Pass)


def _assigns(node: ast.stmt, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == name


def _texts(table: ast.Dict) -> dict[str, str]:
    pairs = ((k, v) for k, v in zip(table.keys, table.values, strict=True))
    return {
        str(k.value): str(v.value)
        for k, v in pairs
        if isinstance(k, ast.Constant) and isinstance(v, ast.Constant) and isinstance(v.value, str)
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
