#!/bin/sh
# Install what training needs, from Debian's packages alone. Run as root or through sudo.
# OpenBLAS matters: with the reference BLAS the attention layers take a third of the training time.
set -eu
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
$as_root apt-get update
$as_root apt-get install -y --no-install-recommends \
    python3-torch python3-numpy python3-pil python3-onnx libopenblas0-pthread
