#!/bin/sh
# Make the environment of the oldest readers: of the libraries that open a session the least versions that pyproject.toml names.
# Where this Python has none of them it stays away, and the tests that need it skip and say so.
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
    echo "$("$python" --version) has not all of $pins: sessions are not tried in the oldest readers" >&2
    mkdir "$venv"
}
