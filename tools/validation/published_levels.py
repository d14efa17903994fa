"""Our functionals against published values of the same level: small dimers of A24 in def2-QZVPPD, no counterpoise.

Computes each functional with fitted integrals and prints, for each entry, our value, the published one of the
benchmark's own column of that level, and their difference in kcal/mol.

    python tools/validation/published_levels.py [--levels pbe0 b3lyp] [--entries ID …] [--store PATH] [--workers N]
"""

from __future__ import annotations

import argparse

import qmbench
from qmbench.data.suite import Selection, Suite, SuiteLevel

BASIS = "def2-qzvppd"
FAST = "density_fitting=true&stability=false"
ENTRIES = (
    "02_waterdimer",
    "04_hfdimer",
    "03_hcndimer",
    "01_waterammonia",
    "20_armethane",
    "06_hfmethane",
    "08_watermethane",
    "05_ammoniadimer",
    "07_ammoniamethane",
    "12_ethynedimer",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--levels", nargs="+", default=["pbe0", "b3lyp"])
    parser.add_argument("--entries", nargs="+", default=list(ENTRIES))
    parser.add_argument("--store", default="qmbench-data/published-levels.sqlite")
    parser.add_argument("--workers", type=int, default=None)
    asked = parser.parse_args()
    chosen = Selection("a24", entries=tuple(asked.entries))
    texts = [f"{name}/{BASIS}?{FAST}" for name in asked.levels]
    suite = Suite("published", "published", (chosen,), tuple(SuiteLevel(text, "none") for text in texts))
    results = qmbench.run(suite, store=asked.store, workers=asked.workers).results
    table = results.pivot_table(index="entry", columns="level_of_theory", values="value")
    for name, text in zip(asked.levels, texts, strict=True):
        ours = table[str(qmbench.level(text))]
        published = table[f"{name}/{BASIS}‡"].reindex(ours.index)
        difference = ours - published
        print(f"{name}/{BASIS}, kcal/mol: entry, ours, published, difference")
        for entry in ours.index:
            print(f"  {entry:24s} {ours[entry]:9.4f} {published[entry]:9.4f} {difference[entry]:+8.4f}")
        print(f"  largest {difference.abs().max():.4f}, mean {difference.mean():+.4f}, {difference.count()} entries")


if __name__ == "__main__":
    main()
