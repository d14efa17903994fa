"""Puts plugins into this environment or into one of their own, and takes them away.

An isolated plugin is whole or not there: its environment is built under a new name, and one rename of its
description makes it the one that is used.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import site
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from qmbench.domain.errors import InputError, did_you_mean
from qmbench.plugging.isolated import place
from qmbench.plugging.isolated.client import Companion
from qmbench.plugging.isolated.editable import stamp
from qmbench.plugging.isolated.pip import build, limits, pip
from qmbench.plugging.isolated.sources import Source, Wheel, parse_source

GROUP = "qmbench"
MARK = "made-by-qmbench"  # a folder without this file is none of ours to remove
SHARED = "zz-qmbench-shared.pth"  # read last, so that the environment's own packages come first


@dataclass(frozen=True)
class Added:
    """What is there now. environment: the folder of its own environment, None for this one."""

    distribution: str
    version: str
    plugins: tuple[str, ...]
    methods: tuple[str, ...]
    environment: Path | None = None


def add(
    text: str,
    isolated: bool = False,
    constraints: Sequence[Path] = (),
    full: bool = False,
    say: Callable[[str], None] = lambda line: None,
    editable: bool = False,
    beside: Sequence[str] = (),
) -> Added:
    """Install PATH|NAME[EXTRAS], or bring it up to date; InputError, and everything as before, when that fails.

    constraints: files of `name==version` lines that pip keeps to. full: share no package with this environment.
    editable: import PATH, a folder, itself, so that what is edited there counts at once. beside: packages that are
    installed with it, each NAME, NAME==VERSION or the path of a wheel: what it drives, and can't name itself.
    """
    source = parse_source(text)
    if editable and (source.path is None or not source.path.is_dir()):
        raise InputError(f"--editable needs the folder of a plugin package, not '{text}'")
    for file in constraints:
        if not file.is_file():
            raise InputError(f"there is no constraints file {file}")
    if full and not isolated:
        raise InputError("--full is for --isolated: without it, all packages are in this one environment")
    if beside and not isolated:
        raise InputError("--with is for --isolated: in this environment, install what you need by pip")
    for package in beside:
        if not package.strip() or package.startswith("-"):
            raise InputError(f"--with names a package, not '{package}'")
    constraints = [file.resolve() for file in constraints]
    with tempfile.TemporaryDirectory(prefix="qmbench-plugin-") as temporary:
        say(f"building {source}")
        wheel = build(source, Path(temporary), constraints)
        if not wheel.plugins:
            raise InputError(f"{source} is not a plugin: {wheel.distribution} has no entry point of group '{GROUP}'")
        _check_clash(wheel, isolated)
        if not isolated:
            return _add_here(source, wheel, constraints, editable, say)
        with _locked(place.writable()) as root:
            _sweep(root)
            return _add_isolated(source, wheel, constraints, full, editable, root, Path(temporary), say, beside)


def remove(name: str, say: Callable[[str], None] = lambda line: None) -> str:
    """Take away the plugin (or distribution) `name`; the name of its distribution. InputError when there is none."""
    home = place.of_plugin(name)
    if home is not None:
        with _locked(place.writable()) as root:
            home.file.unlink(missing_ok=True)
            _sweep(root)
        return home.distribution
    here = _here()
    known = {*here, *here.values(), *(n for h in place.installed() for n in (*h.plugins, h.distribution))}
    distribution = here.get(name) or next((d for d in here.values() if place.normal(d) == place.normal(name)), None)
    if distribution is None:
        raise InputError(f"no plugin '{name}' is installed{did_you_mean(name, known)}")
    needed = _needed_by(distribution)
    if needed:
        raise InputError(f"{distribution} is needed by {', '.join(needed)}: remove {needed[0]} first")
    say(f"removing {distribution}")
    pip(["uninstall", "--yes", distribution], f"{distribution} could not be removed")
    return distribution


def _add_here(
    source: Source, wheel: Wheel, constraints: Sequence[Path], editable: bool, say: Callable[[str], None]
) -> Added:
    say(f"installing {wheel.distribution} {wheel.version} into {sys.prefix}")
    wanted = ["--editable"] if editable else []
    wanted += [str(source) if source.path else f"{wheel.distribution}{source.extras}=={wheel.version}"]
    pip(["install", "--progress-bar", "off", *limits(constraints), *wanted], f"{source} could not be installed")
    about = _about(sys.executable, wheel, dict(os.environ))
    return Added(wheel.distribution, wheel.version, wheel.plugins, _methods(about))


def _add_isolated(
    source: Source,
    wheel: Wheel,
    constraints: Sequence[Path],
    full: bool,
    editable: bool,
    root: Path,
    temporary: Path,
    say: Callable[[str], None],
    beside: Sequence[str] = (),
) -> Added:
    name = place.normal(wheel.distribution)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=root))
    try:
        (folder / MARK).touch()
        say(f"virtual environment for {wheel.distribution} {wheel.version} in {folder}")
        venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
        python = folder / "bin" / "python"
        options = ["--progress-bar", "off", *limits(constraints)]
        if full:
            from qmbench.plugging.isolated.carry import carry

            options += ["--find-links", str(carry(wheel, temporary / "carried", say))]
        else:
            _share(folder)
        say("installing it there" + (", with all that it needs" if full else ", with what it can't share"))
        wanted = ["--editable", str(source)] if editable else [f"{wheel.file}{source.extras}"]
        wanted += beside
        before = stamp(source.path) if editable and source.path else ""
        pip(["install", *options, *wanted], f"{source} could not be installed", python)
        about = _about(str(python), wheel)
        data = {
            "format": place.FORMAT,
            **about,
            "environment": folder.name,
            "source": str(source),
            "constraints": [str(file) for file in constraints],
            "full": full,
            **({"editable": str(source.path), "stamp": before} if editable else {}),
        }
        file = root / f"{name}.json"
        temporary_file = root / f"{folder.name}.part"
        temporary_file.write_text(json.dumps(data, indent=1), encoding="utf-8")
        os.replace(temporary_file, file)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(f"can't make an environment in {folder}: {error.strerror or error}") from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _sweep(root)
    return Added(wheel.distribution, wheel.version, wheel.plugins, _methods(about), folder)


def _about(python: str, wheel: Wheel, environ: dict[str, str] | None = None) -> dict[str, Any]:
    """The description of a plugin that was just installed, from its own interpreter."""
    asked = Companion(python, wheel.distribution, environ)
    try:
        about: dict[str, Any] = asked.ask("about", distribution=wheel.distribution)
        return about
    finally:
        asked.close()


def _methods(about: dict[str, Any]) -> tuple[str, ...]:
    return tuple(method["name"] for plugin in about["plugins"].values() for method in plugin["methods"])


def _share(folder: Path) -> None:
    """Let an environment see this one's packages behind its own, those of its `.pth` files included."""
    inside = next(folder.glob("lib/python*/site-packages"))
    paths = [path for path in [*site.getsitepackages(), site.getusersitepackages()] if _is_used(path)]
    (inside / SHARED).write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in paths))


def _is_used(path: str) -> bool:
    return path in sys.path and os.path.isdir(path)


def _check_clash(wheel: Wheel, isolated: bool) -> None:
    """InputError when another distribution, or the same one in the other place, has these plugins already."""
    here = _here()
    own = place.normal(wheel.distribution)
    for name in wheel.plugins:
        holder = here.get(name)
        if holder is not None and (isolated or place.normal(holder) != own):
            raise InputError(
                f"plugin '{name}' is installed in this environment ({holder} {metadata.version(holder)}); "
                f"remove it first: qmbench plugin remove {name}"
            )
        home = next((h for h in place.installed() if name in h.plugins), None)
        if home is not None and (not isolated or place.normal(home.distribution) != own):
            raise InputError(
                f"plugin '{name}' has an environment of its own ({home.distribution} {home.version}); "
                f"remove it first: qmbench plugin remove {name}"
            )


def _here() -> dict[str, str]:
    """plugin -> distribution, of the plugins of this environment."""
    return {point.name: point.dist.name for point in metadata.entry_points(group=GROUP) if point.dist}


def _needed_by(distribution: str) -> list[str]:
    """The distributions, of this environment or isolated ones that share with it, that require this one."""
    wanted = place.normal(distribution)
    rows = [(dist.name, dist.requires or ()) for dist in metadata.distributions()]
    rows += [
        (home.distribution, home.data.get("requires", ())) for home in place.installed() if not home.data.get("full")
    ]
    return sorted({name for name, requires in rows if wanted in map(_required_name, requires)} - {distribution})


def _required_name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return place.normal(match[0]) if match and "extra ==" not in requirement else ""


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[Path]:
    """One installer at a time."""
    with open(root / ".lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield root


def _sweep(root: Path) -> None:
    """Remove environments that no description names: replaced ones, and those of an installer that was killed."""
    used = {home.environment.name for home in place.installed()}
    for entry in root.iterdir():
        if entry.is_dir() and entry.name not in used and (entry / MARK).is_file():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.suffix == ".part":
            entry.unlink(missing_ok=True)
