#!/usr/bin/env bash
# An environment for working on qmbench: the core and its plugins installed so that the checkout's code is what runs,
# with what the tests and the checks need. VENV= names another environment's folder. `--without-apart` leaves out the
# plugins that have an environment of their own (tools/environment.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
case "${1:-}" in
  "" | --without-apart) ;;
  *) echo "usage: [VENV=FOLDER] bash tools/develop.sh [--without-apart]" >&2; exit 2 ;;
esac
make_environment "${VENV:-.venv-dev}"
find_plugins
say "installing qmbench, its plugins and the extras for tests and checks, editable"
editable=(-e ".[test,dev]")
for project in $(with_test_extras "${TOGETHER[@]}"); do editable+=(-e "$project"); done
"$PYTHON" -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt "${editable[@]}"
if [ "${1:-}" != --without-apart ]; then install_apart tested; fi
bin=$(dirname "$PYTHON")
if command -v pre-commit > /dev/null && git rev-parse --git-dir > /dev/null 2>&1; then
  say "pre-commit is here: \`pre-commit install\` has it look at each commit (.pre-commit-config.yaml)"
fi
say "ready: $bin/qmbench, $bin/pytest, and \`bash tools/checks.sh\` for everything that is not a test"
