"""Make the shipped models again from the data in data/.

python plugins/ml/training/train.py            all of them
python plugins/ml/training/train.py gdml       one (or hirshfeld, delta, xc); the rest is handed on, such as --relabel
"""

from __future__ import annotations

import sys
from importlib import import_module

PARTS = ("hirshfeld", "delta", "gdml", "xc")


def main(argv: list[str]) -> int:
    """Call `main(argv)` of train_PART.py for the part that the first argument names, or for all."""
    chosen, rest = (argv[0], argv[1:]) if argv and not argv[0].startswith("-") else ("all", argv)
    if chosen not in ("all", *PARTS):
        print(f"no part '{chosen}'; there is all, {', '.join(PARTS)}", file=sys.stderr)
        return 3
    for name in PARTS if chosen == "all" else (chosen,):
        import_module(f"train_{name}").main(rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
