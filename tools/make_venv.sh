#!/bin/sh
# Make the virtual environment that the Makefile's targets run in, with what constraints.txt pins.
#
#   PYTHON       the interpreter (3.10 or later)
#   TORCH_INDEX  where to look for torch first; https://download.pytorch.org/whl/cpu spares a machine without a GPU
#                several GB of CUDA libraries
set -eu
venv=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "expected Python 3.10 or later, found $("$python" --version 2>&1); name one with make PYTHON=/path/to/python3" >&2
    exit 1
}
"$python" -m venv "$venv" || {
    echo "expected $python to have venv; on Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
}
echo "installing into $venv what constraints.txt pins (a few minutes, once)"
"$venv/bin/pip" install --quiet ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -c constraints.txt -e '.[train,board,cluster,studio,lsl,hrv,parquet,tensorboard,dev]'

# GStreamer is for CSI cameras; PyGObject is built here where its headers are at hand, and left out where they are not.
if pkg-config --exists gobject-introspection-1.0 cairo 2>/dev/null; then
    "$venv/bin/pip" install --quiet -c constraints.txt -e '.[gstreamer]' ||
        echo "PyGObject did not build: CSI and gst: cameras are off" >&2
else
    echo "no GStreamer headers: CSI and gst: cameras are off (libgirepository1.0-dev libcairo2-dev pkg-config turn them on)"
fi
