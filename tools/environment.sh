# Sourced by the scripts beside it: makes a virtual environment and shows what is being done.

say() { printf '\n==> %s\n' "$*"; }

# make_environment FOLDER: a virtual environment in FOLDER, whose interpreter is then in $PYTHON.
make_environment() {
  local folder=$1
  PYTHON="$folder/bin/python"
  if [ ! -x "$PYTHON" ]; then
    say "virtual environment in $folder"
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
      say "the system's Python has no venv: installing it"
      as_root apt-get update -q
      as_root apt-get install -y -q python3-venv
    fi
    python3 -m venv "$folder"
  fi
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer is needed; this is $("$PYTHON" --version)" >&2
    exit 3
  }
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# The plugins in this repository. One with a constraints.txt of its own has dependencies that clash with the others':
# it gets an environment of its own. After `find_plugins` they are in TOGETHER and APART, as ./plugins/NAME.
find_plugins() {
  local project folder
  TOGETHER=() APART=()
  for project in ./plugins/*/pyproject.toml; do
    folder=${project%/pyproject.toml}
    if [ -f "$folder/constraints.txt" ]; then APART+=("$folder"); else TOGETHER+=("$folder"); fi
  done
}

# install_apart [tested]: each of them that is in APART; with `tested`, those of its extras that its tests need.
install_apart() {
  local folder extras
  for folder in ${APART[@]+"${APART[@]}"}; do
    extras=""
    if [ "${1:-}" = tested ] && grep -q '^neural *=' "$folder/pyproject.toml"; then extras="[neural]"; fi
    say "installing $folder$extras in an environment of its own"
    "$(dirname "$PYTHON")/qmbench" plugin add "$folder$extras" --isolated --constraint "$folder/constraints.txt"
  done
}

# with_test_extras FOLDER...: each of them, with its extra `test` where it has one.
with_test_extras() {
  local folder
  for folder in "$@"; do
    if grep -q '^test *=' "$folder/pyproject.toml"; then echo "$folder[test]"; else echo "$folder"; fi
  done
}
