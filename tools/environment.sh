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
