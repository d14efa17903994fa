#!/usr/bin/env bash
# Every check that is not a test, in the order of their cost: form, circles, contracts, the drawn page, data, types,
# docs. All are run, and those that failed are named at the end. VENV= names the environment whose tools do it.
set -uo pipefail
cd "$(dirname "$0")/.."
BIN=${VENV:-.venv-dev}/bin
[ -x "$BIN/ruff" ] || { echo "no ruff in $BIN: run \`bash tools/develop.sh\` first, or say VENV=FOLDER" >&2; exit 3; }
sources=$(printf '%s:' "$PWD"/plugins/*/src)
failed=()
check() {
  local name=$1
  shift
  printf '\n==> %s\n' "$name"
  "$@" || failed+=("$name")
}

check "lint" "$BIN/ruff" check .
check "format" "$BIN/ruff" format --check .
check "import circles" "$BIN/python" tools/circles.py
check "import contracts" env PYTHONPATH="$sources" "$BIN/lint-imports"
check "the page on architecture" "$BIN/python" tools/architecture.py --check
check "benchmark data" "$BIN/qmbench" lint benchmarks
check "types" "$BIN/mypy"
check "docs" "$BIN/mkdocs" build --strict -q -d "$(mktemp -d)"

if [ ${#failed[@]} -gt 0 ]; then
  printf '\nfailed:\n'
  printf '  %s\n' "${failed[@]}"
  exit 1
fi
printf '\nall checks passed\n'
