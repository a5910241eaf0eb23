#!/usr/bin/env bash
# Install the Debian packages that Umbra needs: to build it, and with --test to test it too.
set -euo pipefail

build_packages=(
    build-essential cmake ninja-build pkg-config
    libsodium-dev                                       # randomness, hashes, locked memory
    libprotobuf-c-dev protobuf-c-compiler libonnx-dev   # ONNX: onnx.proto is compiled at build time
    libdnnl-dev ocl-icd-opencl-dev                      # plaintext networks; its CMake files want OpenCL
    libpng-dev zlib1g-dev libjpeg62-turbo-dev libtiff-dev libdcmtk-dev  # images
    libjansson-dev                                      # JSON in and out
)
test_packages=(
    libcmocka-dev libgmp-dev
    clang-14 libclang-rt-14-dev clang-format-14         # second compiler, sanitizers, format
    valgrind
    dcmtk                                               # makes DICOM files for the tests
    python3 python3-numpy                               # checkers; independent reader of .npy
)

usage="usage: scripts/install-deps.sh [--test]"
case "${1-}" in
"") wanted=("${build_packages[@]}") ;;
--test) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
*) echo "$usage" >&2; exit 2 ;;
esac

missing() {
    for package in "${wanted[@]}"; do
        state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
        [[ $state == ii* ]] || echo "$package"
    done
}

command -v dpkg-query >/dev/null || {
    echo "scripts/install-deps.sh: this is not Debian; install by hand: ${wanted[*]}" >&2
    exit 1
}
mapfile -t todo < <(missing)
[[ ${#todo[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || {
        echo "scripts/install-deps.sh: not root, and there is no sudo; as root, run:" >&2
        echo "  apt-get install --no-install-recommends ${todo[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi

# Quiet when all goes well, complete when it does not.
quietly() {
    local log
    log=$(mktemp)
    if "$@" >"$log" 2>&1 </dev/null; then
        rm -f "$log"
    else
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
}

apt_get() {
    # Another package manager may hold the lock for a while on a machine that has just started.
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

echo "Installing ${#todo[@]} Debian packages: ${todo[*]}"
for attempt in 1 2 3; do
    if apt_get update && apt_get install --no-install-recommends "${todo[@]}"; then
        exit 0
    fi
    echo "scripts/install-deps.sh: attempt $attempt of 3 failed" >&2
    sleep $((attempt * 5))
done
exit 1
