"""Make the shipped models again from the data in data/.

python plugins/ml/training/train.py            all of them
python plugins/ml/training/train.py gdml       one (or hirshfeld, delta, xc); other arguments are handed on to it
python plugins/ml/training/train.py delta --ranges  keeps the fit (of delta, xc) and makes the ranges again
python plugins/ml/training/train.py --relabel  computes all data anew before (hours; needs the extra `training`)
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

PARTS = ("hirshfeld", "delta", "gdml", "xc")
TOGETHER = ("hirshfeld", "delta")  # trained on the same molecules and complexes
RELABEL = "--relabel"


def main(argv: list[str]) -> int:
    """Call `main(argv)` of train_PART.py for the part that the first argument names, or for all."""
    chosen, rest = (argv[0], argv[1:]) if argv and not argv[0].startswith("-") else ("all", argv)
    if chosen not in ("all", *PARTS):
        print(f"no part '{chosen}'; there is all, {', '.join(PARTS)}", file=sys.stderr)
        return 3
    parts = PARTS if chosen == "all" else (chosen,)
    shared = bool(set(parts) & set(TOGETHER))
    if shared and RELABEL in rest:
        if find_spec("rdkit") is None:
            print("geometries need rdkit: pip install './plugins/ml[training]' -c constraints.txt", file=sys.stderr)
            return 3
        for script in ("make_data", "make_contacts"):
            import_module(script).main(["--same"])
        import_module("make_perturbed").main([])
        import_module("make_beyond").main(["delta"])
    for name in parts:
        import_module(f"train_{name}").main([x for x in rest if name not in TOGETHER or x != RELABEL])
    if shared:
        import_module("leakage").training_set().save()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
