"""`python -m qmbench.testing NAME …` is `qmbench plugin check NAME …`."""

import sys

from qmbench.cli import main

main(["plugin", "check", *sys.argv[1:]])
