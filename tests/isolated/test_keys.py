"""Records of an isolated plugin are keyed by its code as well, which its own interpreter finds."""

from __future__ import annotations

import sys
from pathlib import Path

from toy_projects import wheel

sys.path.insert(0, str(Path(__file__).parents[1] / "keys"))
from gate import Gate, goes_through
from little import FILES


def test_a_planted_factor_fails_the_gate(here, tmp_path):
    files = {f"qmbench_little/{name}": text.replace("PACKAGE", "qmbench_little") for name, text in FILES.items()}
    wheel(here.index, "qmbench-little", "1.0", files, requires=("qmbench",), plugins={"little": "qmbench_little"})
    here.ok("plugin", "add", "qmbench-little", "--isolated")
    (package,) = here.plugins.glob("*/lib/python*/site-packages/qmbench_little")
    gate = Gate(tmp_path, here.python, package)
    gate.environ = {**here.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    goes_through(gate)
