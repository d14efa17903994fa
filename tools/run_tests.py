"""Runs pytest in this environment and, for plugins with an environment of their own, in theirs.

`python tools/run_tests.py FOLDER… -- ARGUMENT…`: the folders are those of the plugins apart. Options go to every
run; a path among the arguments goes to the run that it belongs to. The exit status is that of the first run that
failed, and 5, as pytest's, when no run found a test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from qmbench.plugging.isolated import place

NONE = 6  # no test was found although nothing was deselected: more than pytest's 5


def main(folders: list[Path], arguments: list[str]) -> int:
    """Run all, print one line for each, and return the exit status."""
    paths = [word for word in arguments if _file(word).exists()]
    options = [word for word in arguments if word not in paths]
    here = [word for word in paths if _holder(word, folders) is None]
    runs: list[tuple[str, list[str]]] = []
    if here or not paths:
        # The script, not `python -m pytest`: what is tested is what was installed, not the checkout.
        command = [str(Path(sys.executable).parent / "pytest"), *(f"--ignore={folder}" for folder in folders)]
        runs.append(("this environment", [*command, *options, *here]))
    for folder in folders:
        mine = [word for word in paths if _holder(word, folders) == folder]
        if mine or not paths:
            home = place.of_plugin(folder.name)
            if home is None or home.problem():
                runs.append((f"{folder}, in its own environment", []))
                continue
            command = [str(home.python), "-P", "-m", "pytest", *options, *(mine or [str(folder)])]
            runs.append((f"{folder}, in its own environment", command))
    codes = {name: _run(name, command, len(runs)) for name, command in runs}
    if not paths and not {"-k", "-m", "--lf", "--last-failed"} & set(options):
        codes = {name: NONE if code == 5 else code for name, code in codes.items()}
    if len(runs) > 1:
        print()
        for name, code in codes.items():
            print(f"==> {name}: {_words(code)}")
    failed = [code for code in codes.values() if code not in (0, 5)]
    return failed[0] if failed else 0 if 0 in codes.values() else 5


def _run(name: str, command: list[str], n: int) -> int:
    if n > 1:
        print(f"\n==> tests of {name}", flush=True)
    if not command:
        print("it is not installed there; `qmbench list plugins` says why", flush=True)
        return 4
    environment = place.environment() if "-P" in command else dict(os.environ)
    return subprocess.run(command, env=environment).returncode


def _words(code: int) -> str:
    words = {0: "passed", 5: "no test was selected", NONE: "FAILED (there are no tests)"}
    return words.get(code, f"FAILED (exit status {code})")


def _file(word: str) -> Path:
    return Path(word.partition("::")[0] or "?")


def _holder(word: str, folders: list[Path]) -> Path | None:
    """The plugin apart in whose folder a path is."""
    path = _file(word).resolve()
    return next((folder for folder in folders if path.is_relative_to(folder.resolve())), None)


if __name__ == "__main__":
    at = sys.argv.index("--")
    sys.exit(main([Path(folder) for folder in sys.argv[1:at]], sys.argv[at + 1 :]))
