"""Python files of tables, read without running them: assignments, lists, dictionaries, loops over them, and `%`.

What a database module does beyond that (imports, functions, calls that are not known) is left aside, so that nothing of
a stranger's file is ever executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

from qmbench.domain.errors import InputError

MOST_STEPS = 2_000_000
"""Statements and expressions that are looked at; a file that needs more is no table."""
LARGEST = 1_000_000
"""Items of a list, letters of a text that is put together."""


class NotKnown(Exception):
    """An expression that is not read here."""


class LiteralPython:
    """The names that a Python file of tables gives values to.

    calls: name of a function -> what is made of its arguments; methods: (type, name) -> the same, of the value first.
    """

    def __init__(
        self, calls: Mapping[str, Callable[..., Any]], methods: Mapping[tuple[type, str], Callable[..., Any]]
    ) -> None:
        self.names: dict[str, Any] = {}
        own: dict[str, Callable[..., Any]] = {"dict": dict, "zip": _zip, "range": _range, "str": str, "list": list}
        self.calls = own | {"sum": _sum} | dict(calls)
        self.methods: dict[tuple[type, str], Callable[..., Any]] = {
            (list, "append"): list.append,
            (list, "extend"): list.extend,
            **methods,
        }
        self.steps = 0

    def read(self, text: str, where: str) -> dict[str, Any]:
        """The names of the file; InputError where it is no Python, or far too long."""
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InputError(f"{where}: no Python: {error}") from None
        try:
            self._block(tree.body)
        except RecursionError:
            raise InputError(f"{where}: nested too deep") from None
        if self.steps > MOST_STEPS:
            raise InputError(f"{where}: more than the {MOST_STEPS} steps that are taken to read a table")
        return self.names

    def _block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if self.steps > MOST_STEPS:
                return
            try:
                self._statement(statement)
            except (NotKnown, TypeError, KeyError, ValueError, IndexError, OverflowError):
                continue  # not a table, or made of something that is none

    def _statement(self, statement: ast.stmt) -> None:
        self.steps += 1
        if isinstance(statement, ast.Assign):
            value = self._value(statement.value)
            for target in statement.targets:
                self._assign(target, value)
        elif isinstance(statement, ast.For) and not statement.orelse:
            for item in list(self._value(statement.iter)):
                self._assign(statement.target, item)
                self._block(statement.body)
        elif isinstance(statement, ast.Expr):
            self._value(statement.value)

    def _assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Subscript):
            place = self._value(target.value)
            if not isinstance(place, dict | list):
                raise NotKnown
            place[self._value(target.slice)] = value
        elif isinstance(target, ast.Tuple | ast.List) and len(target.elts) == len(value):
            for each, part in zip(target.elts, value, strict=True):
                self._assign(each, part)
        else:
            raise NotKnown

    def _value(self, node: ast.expr) -> Any:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise NotKnown
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            if node.id not in self.names:
                raise NotKnown
            return self.names[node.id]
        if isinstance(node, ast.List):
            return [self._value(x) for x in node.elts]
        if isinstance(node, ast.Tuple):
            return tuple(self._value(x) for x in node.elts)
        if isinstance(node, ast.Dict):
            return {
                self._value(k): self._value(v) for k, v in zip(node.keys, node.values, strict=True) if k is not None
            }
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            value = self._value(node.operand)
            return -value if isinstance(node.op, ast.USub) else +value
        if isinstance(node, ast.BinOp):
            return _combined(node.op, self._value(node.left), self._value(node.right))
        if isinstance(node, ast.Subscript):
            return self._value(node.value)[self._value(node.slice)]
        if isinstance(node, ast.Call) and not node.keywords:
            return self._call(node)
        raise NotKnown

    def _call(self, node: ast.Call) -> Any:
        function, arguments = node.func, [self._value(x) for x in node.args]
        if isinstance(function, ast.Attribute):
            if isinstance(function.value, ast.Name) and f"{function.value.id}.{function.attr}" in self.calls:
                return self.calls[f"{function.value.id}.{function.attr}"](*arguments)
            of = self._value(function.value)
            if (type(of), function.attr) in self.methods:
                return self.methods[type(of), function.attr](of, *arguments)
        if isinstance(function, ast.Name) and function.id in self.calls:
            return self.calls[function.id](*arguments)
        raise NotKnown


def _combined(operator: ast.operator, a: Any, b: Any) -> Any:
    if isinstance(operator, ast.Mod) and isinstance(a, str):
        if re.search(r"%[^a-zA-Z%]*([0-9]{4}|\*)", a):  # so wide that it would fill the memory
            raise NotKnown
        return a % b
    both = (int, float, str, list)
    if isinstance(operator, ast.Add) and type(a) is type(b) and isinstance(a, both):
        if not isinstance(a, int | float) and len(a) + len(b) > LARGEST:
            raise NotKnown
        return a + b
    if isinstance(a, int | float) and isinstance(b, int | float) and max(abs(a), abs(b)) < 1e18:
        if isinstance(operator, ast.Add):
            return a + b
        if isinstance(operator, ast.Sub):
            return a - b
        if isinstance(operator, ast.Mult):
            return a * b
        if isinstance(operator, ast.Div) and b:
            return a / b
    raise NotKnown


def _range(*limits: int) -> list[int]:
    found = range(*limits)
    if len(found) > LARGEST:
        raise NotKnown
    return list(found)


def _zip(*lists: Any) -> list[tuple[Any, ...]]:
    return list(zip(*lists, strict=False))


def _sum(lists: Any, start: Any = 0) -> Any:
    for item in lists:
        start = _combined(ast.Add(), start, item)
    return start
