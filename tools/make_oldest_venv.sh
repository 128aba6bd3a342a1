#!/bin/sh
# Make the environment of the oldest readers: of the libraries that open a session the least versions that pyproject.toml names.
# Where they cannot be had (no network, a Python without wheels of them) there is none, `make test` goes on, its tests of old
# readers skip and say so, and the next `make test` tries again.
#
#   PYTHON       the interpreter
set -eu
venv=$1
python=${PYTHON:-python3}
pins=$(sed -nE 's/^ *"(h5py|hdf5plugin|msgspec|numpy)>=([0-9.]+)".*/\1==\2/p' pyproject.toml)

rm -rf "$venv"
"$python" -m venv "$venv"
# shellcheck disable=SC2086 # one word a pin
"$venv/bin/pip" install --quiet --only-binary :all: $pins || {
    rm -rf "$venv"
    echo "for $("$python" --version 2>&1) pip found not all of" $pins": sessions are not tried in the oldest readers" >&2
    exit 0
}
touch "$venv/.installed"
