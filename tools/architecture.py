"""Draws docs/explanation/architecture.md from the code: rooms, who imports whom, what each module is for.

    python tools/architecture.py           writes the page's generated blocks and the drawing beside it
    python tools/architecture.py --check   exit 1, with one line per difference, when they are not what the code says

The order of the rooms is that of the contract in .importlinter. The prose around the blocks is written by hand.
Lines are counted in hundreds, so that the page changes when the house does, and not with every commit.
"""

from __future__ import annotations

import ast
import configparser
import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = "docs/explanation/architecture.md"
DRAWING = "docs/explanation/architecture.svg"
TESTING = "testing"


def rooms(root: Path) -> list[str]:
    """The rooms of the core, the lowest first, with the conformance kit beside them at the end."""
    parser = configparser.ConfigParser()
    parser.read(root / ".importlinter")
    return [*reversed(parser["importlinter:contract:rooms"]["layers"].split()), TESTING]


def purpose(path: Path) -> str:
    """The first sentence of a module's docstring, which may take several lines; ValueError where there is none."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not text:
        raise ValueError(f"{path}: a module says in its docstring what it is for")
    found = []
    for line in text.splitlines():
        found.append(line.strip())
        if not line or line.endswith("."):
            break
    return " ".join(found).strip().replace("|", "\\|")


def modules(package: Path) -> list[Path]:
    """The modules of a package that say something, in the order of the alphabet, its `__init__` first."""
    files = sorted(package.rglob("*.py"), key=lambda p: p.relative_to(package).with_suffix("").parts)
    own = package / "__init__.py"
    return [own, *(p for p in files if p != own and (p.name != "__init__.py" or p.stat().st_size))]


def imported(path: Path) -> Iterator[str]:
    """The dotted names of all that a file imports, functions and annotations included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def uses(root: Path) -> dict[str, set[str]]:
    """room -> the other rooms that its modules import from."""
    names = rooms(root)
    found: dict[str, set[str]] = {}
    for room in names:
        parts = [n.split(".") for p in (root / "qmbench" / room).rglob("*.py") for n in imported(p)]
        found[room] = {p[1] for p in parts if p[0] == "qmbench" and len(p) > 1 and p[1] in names} - {room}
    return found


def about(lines: int) -> str:
    """A number of lines, to the hundred, from 100 up."""
    return f"{max(1, round(lines / 100)) * 100:,}"


def lines_of(package: Path) -> int:
    return sum(len(p.read_text(encoding="utf-8").splitlines()) for p in package.rglob("*.py"))


def table_of_rooms(root: Path) -> str:
    """One row per room, the highest first."""
    rows = ["| room | job | imports from | lines, about |", "| --- | --- | --- | ---: |"]
    using = uses(root)
    order = rooms(root)
    for room in [*reversed(order[:-1]), TESTING]:
        folder = root / "qmbench" / room
        below = ", ".join(f"`{name}`" for name in order if name in using[room]) or "–"
        rows.append(f"| `{room}` | {purpose(folder / '__init__.py')} | {below} | {about(lines_of(folder))} |")
    return "\n".join(rows)


def lists_of_modules(root: Path) -> str:
    """For each room, the lowest first, its modules and what each is for."""
    parts = []
    for room in rooms(root):
        folder = root / "qmbench" / room
        rows = [f"### {room}", "", "| module | what it is for |", "| --- | --- |"]
        for path in modules(folder)[1:]:
            name = path.relative_to(folder).with_suffix("").as_posix().removesuffix("/__init__")
            rows.append(f"| `{name}` | {purpose(path)} |")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def table_of_plugins(root: Path) -> str:
    """One row per plugin of this repository."""
    rows = ["| package | what it brings | imports from | lines, about |", "| --- | --- | --- | ---: |"]
    for init in sorted(root.glob("plugins/*/src/*/__init__.py")):
        own = init.parent.name
        tops = {name.partition(".")[0] for path in init.parent.rglob("*.py") for name in imported(path)}
        found = ", ".join(f"`{t}`" for t in sorted(tops) if t.startswith("qmbench") and t != own)
        rows.append(f"| `{own}` | {purpose(init)} | {found} | {about(lines_of(init.parent))} |")
    return "\n".join(rows)


def drawing(root: Path) -> str:
    """The rooms as floors, and an arrow from each to those that it imports from, as SVG."""
    order, using = rooms(root), uses(root)
    floors = list(reversed(order[:-1]))
    height, gap, left, width = 40, 18, 10, 250
    middle = {room: 20 + height / 2 + i * (height + gap) for i, room in enumerate(floors)}
    total = 20 + len(floors) * (height + gap)
    side = left + width
    out = []
    arcs = [(a, b) for a in floors for b in floors if b in using[a]]
    farthest = max(floors.index(b) - floors.index(a) for a, b in arcs)
    kit = {"x": side + 40 + 20 * farthest, "width": 130}
    for a, b in sorted(arcs, key=lambda arc: floors.index(arc[1]) - floors.index(arc[0])):
        steps = floors.index(b) - floors.index(a)
        bend = side + 26 * steps
        start, end = middle[a] + 8, middle[b] - 8
        out.append(
            f'<path d="M {side} {start:g} C {bend + 14} {start:g}, {bend + 14} {end:g}, {side + 1} {end:g}" '
            f'class="arrow" marker-end="url(#head)"><title>{a} imports from {b}</title></path>'
        )
    boxes = [(left, middle[room] - height / 2, width, height, room, "floor") for room in floors]
    boxes.append((kit["x"], 20, kit["width"], total - 20 - gap, TESTING, "beside"))
    for x, y, w, h, room, kind in boxes:
        folder = root / "qmbench" / room
        words = f"{room} imports from {', '.join(n for n in order if n in using[room]) or 'no other room'}"
        out.append(f'<g><title>{escape(words)}</title><rect x="{x:g}" y="{y:g}" width="{w}" height="{h:g}" rx="6" ')
        out[-1] += f'class="{kind}"/>'
        out[-1] += f'<text x="{x + 14:g}" y="{y + 25:g}" class="name">{room}</text>'
        lines = f"{about(lines_of(folder))} lines"
        at = (x + w - 14, y + 25, "end") if kind == "floor" else (x + 14, y + 45, "start")
        out[-1] += f'<text x="{at[0]:g}" y="{at[1]:g}" text-anchor="{at[2]}" class="lines">{lines}</text></g>'
    for i, name in enumerate(["imports from", *(n for n in order if n in using[TESTING])]):
        out.append(f'<text x="{kit["x"] + 14:g}" y="{100 + 18 * i}" class="lines">{name}</text>')
    right = kit["x"] + kit["width"] + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {total}" width="{right}" height="{total}" '
        'role="img" aria-label="The rooms of the core, and which imports from which">\n'
        "<style>text{font:15px sans-serif;fill:#1b2733}.lines{font-size:12px;fill:#51606e}.floor{fill:#e8eef6;"
        "stroke:#5a7ea6}.beside{fill:#f5efe3;stroke:#a68b5a;stroke-dasharray:5 3}.arrow{fill:none;stroke:#5a7ea6;"
        "stroke-width:1.4}</style>\n"
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#5a7ea6"/></marker></defs>\n'
        f'<rect width="{right}" height="{total}" fill="#ffffff"/>\n' + "\n".join(out) + "\n</svg>\n"
    )


BLOCKS = {"rooms": table_of_rooms, "modules": lists_of_modules, "plugins": table_of_plugins}


def page(root: Path, text: str) -> str:
    """The page with its generated blocks as the code of `root` says. ValueError where a block's marks are missing."""
    for name, make in BLOCKS.items():
        start, end = f"<!-- {name}: generated by tools/architecture.py -->", f"<!-- end of {name} -->"
        if text.count(start) != 1 or text.count(end) != 1:
            raise ValueError(f"{PAGE}: the marks of the block '{name}' must be there once")
        block = f"{start}\n\n{make(root)}\n\n{end}"
        text = re.sub(f"{re.escape(start)}.*?{re.escape(end)}", lambda _, block=block: block, text, flags=re.DOTALL)
    return text


def wanted(root: Path) -> dict[str, str]:
    """file -> what it should hold."""
    return {PAGE: page(root, (root / PAGE).read_text(encoding="utf-8")), DRAWING: drawing(root)}


def differences(root: Path) -> list[str]:
    """One line for each line that a file has and the code does not say (-), or the other way round (+)."""
    found = []
    for name, new in wanted(root).items():
        path = root / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old != new:
            before, after = old.splitlines(), new.splitlines()
            found += [f"{name}: -{line}" for line in before if line not in after]
            found += [f"{name}: +{line}" for line in after if line not in before] or [f"{name}: lines in another order"]
    return found


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if arguments:
            found = differences(ROOT)
            for line in found:
                print(line, file=sys.stderr)
            if found:
                print("the page has drifted from the code: run python tools/architecture.py", file=sys.stderr)
            return 1 if found else 0
        for name, text in wanted(ROOT).items():
            (ROOT / name).write_text(text, encoding="utf-8")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
