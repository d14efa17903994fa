"""`qmbench lint PATH`."""

from __future__ import annotations

from pathlib import Path

from qmbench.cli.common import console, print_json


def lint(path: Path, freeze: bool = False, json: bool = False) -> int:
    """Print every finding; 1 when one of them is an error, 0 otherwise."""
    from qmbench.data.lint import freeze as freeze_hashes
    from qmbench.running.lint import lint_path

    if freeze:
        folders = (
            [path] if (path / "benchmark.toml").is_file() else sorted(p.parent for p in path.glob("*/benchmark.toml"))
        )
        for folder in folders:
            console(to_stderr=True).print(f"{folder}: {freeze_hashes(folder)} systems frozen", markup=False)
    findings = lint_path(path)
    errors = sum(f.severity == "error" for f in findings)
    if json:
        print_json([vars(f) for f in findings])
    else:
        out = console()
        for f in findings:
            out.print(f"{f.severity}: {f.where}: {f.message}", markup=False, soft_wrap=True)
        out.print(f"{path}: {errors} errors, {len(findings) - errors} warnings", markup=False)
    return 1 if errors else 0
