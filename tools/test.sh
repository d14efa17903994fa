#!/usr/bin/env bash
# Installs qmbench, its plugins and what the tests need into a virtual environment of their own, and runs the
# tests. Arguments go to pytest: `bash tools/test.sh -m "slow or not slow"` is the full run. The tests of a plugin
# that has an environment of its own (tools/environment.sh) run there, after the others.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
make_environment "${VENV:-.venv-test}"
find_plugins
say "installing qmbench, its plugins and the test extras"
"$PYTHON" -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt ".[test]" $(with_test_extras "${TOGETHER[@]}")
install_apart tested
say "running the tests"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
exec "$PYTHON" -P tools/run_tests.py ${APART[@]+"${APART[@]}"} -- -n 2 "$@"
