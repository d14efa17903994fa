#!/usr/bin/env bash
# Installs qmbench, its plugins and what the tests need into a virtual environment of their own, and runs the
# tests. Arguments go to pytest: `bash tools/test.sh -m "slow or not slow"` is the full run.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
make_environment "${VENV:-.venv-test}"
say "installing qmbench, its plugins and the test extras"
"$PYTHON" -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt ".[test]" ./plugins/*
say "running the tests"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
# The script, not `python -m pytest`: what is tested is what was installed, not the checkout.
exec "$(dirname "$PYTHON")/pytest" -n 2 "$@"
