"""Writes what an installer would, so that a module in a folder is a plugin."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, *modules: str) -> None:
    """Write what an installer would: one distribution per module, with its entry point."""
    for module in modules:
        name = module.removeprefix("qmbench_")
        info = folder / f"qmbench_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: qmbench-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[qmbench]\n{name} = {module}\n")
