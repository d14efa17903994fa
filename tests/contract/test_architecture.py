"""The page on architecture says what the code is, and the script that draws it sees when it doesn't."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_spec = spec_from_file_location("architecture", ROOT / "tools" / "architecture.py")
architecture = module_from_spec(_spec)
_spec.loader.exec_module(architecture)


def test_the_page_has_not_drifted():
    assert architecture.differences(ROOT) == [], "run python tools/architecture.py"


@pytest.fixture
def house(tmp_path):
    """A copy of what the page is drawn from."""
    for part in ("qmbench", *(f"plugins/{p.parents[1].name}/src" for p in ROOT.glob("plugins/*/src/*"))):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "*.npz", "*.csv"))
    (tmp_path / "docs/explanation").mkdir(parents=True)
    for name in (".importlinter", architecture.PAGE, architecture.DRAWING):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_new_module_and_a_new_import_are_drift(house):
    assert architecture.differences(house) == []
    (house / "qmbench/domain/ghost.py").write_text('"""What haunts\nthe house. More."""\nimport qmbench.cli.app\n')
    found = "\n".join(architecture.differences(house))
    assert "+| `ghost` | What haunts the house. More. |" in found
    assert "domain imports from cli" in found
    (house / "qmbench/domain/ghost.py").write_text("")
    with pytest.raises(ValueError, match=r"ghost\.py: a module says in its docstring what it is for"):
        architecture.differences(house)


def test_a_lost_mark_is_said(house):
    page = house / architecture.PAGE
    page.write_text(page.read_text().replace("<!-- end of rooms -->", ""))
    with pytest.raises(ValueError, match="the marks of the block 'rooms' must be there once"):
        architecture.differences(house)


def test_every_arrow_is_an_import_and_every_import_an_arrow(house):
    titles = {e.text for e in ET.fromstring((house / architecture.DRAWING).read_text()).iter() if e.tag[-5:] == "title"}
    using = architecture.uses(house)
    floors = architecture.rooms(house)[:-1]
    wanted = {f"{a} imports from {b}" for a in floors for b in floors if b in using[a]}
    assert wanted <= titles
    assert len([t for t in titles if " imports from " in t and "," not in t]) >= len(wanted)
    assert "domain" in using["cli"]
    assert using["domain"] == set()
