#!/usr/bin/env bash
# Everything a fresh machine needs, then the main job: a virtual environment of its own, qmbench with its
# plugins, and the default suite. Arguments go to `qmbench run suite`. VENV= names another environment's folder.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/environment.sh
make_environment "${VENV:-.venv}"
find_plugins
say "installing qmbench and its plugins"
"$PYTHON" -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt . "${TOGETHER[@]}"
install_apart
say "running the suite"
exec "$(dirname "$PYTHON")/qmbench" run suite "$@"
