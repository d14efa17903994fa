"""What the fingerprint asks of syntax trees."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def bindings(body: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements bind in the scope they stand in."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                yield node.id
        elif isinstance(node, DEFINITIONS):
            yield node.name
        elif not isinstance(node, SCOPES):
            if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                yield node.name
            elif isinstance(node, ast.MatchMapping) and node.rest:
                yield node.rest
            waiting += ast.iter_child_nodes(node)


def chain(node: ast.expr) -> tuple[str, ...] | None:
    """("a", "b", "c") of `a.b.c`; None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else None


def named(node: ast.expr, name: str) -> bool:
    """Whether it is a name, or an attribute, called `name`."""
    parts = chain(node)
    return parts is not None and parts[-1] == name


def is_main(test: ast.expr) -> bool:
    """Whether it is the condition `__name__ == "__main__"`."""
    return isinstance(test, ast.Compare) and named(test.left, "__name__") and isinstance(test.ops[0], ast.Eq)


def says_nothing(node: Any) -> bool:
    """A docstring, wherever it stands, or `pass`."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return text or isinstance(node, ast.Pass)


def assigns(node: ast.stmt, name: str) -> bool:
    """Whether it assigns to `name` and nothing else."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == name


def texts(table: ast.Dict) -> dict[str, str]:
    """The pairs of a dictionary that are written out as two texts."""
    pairs = ((k, v) for k, v in zip(table.keys, table.values, strict=True))
    return {
        str(k.value): str(v.value)
        for k, v in pairs
        if isinstance(k, ast.Constant) and isinstance(v, ast.Constant) and isinstance(v.value, str)
    }


def digest(text: str) -> str:
    """32 hex digits of a text."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
