#!/usr/bin/env bash
# Build everything with gcc and with clang, every warning an error. Nothing is run.
set -euo pipefail
cd "$(dirname "$0")/.."

# gcc finds some warnings only while it optimises; clang's come before, so -O0 saves time.
build() {
    local name=$1 cc=$2 cxx=$3 flags=$4 log
    log=$(mktemp)
    if cmake -S . -B "build-warnings-$name" -G Ninja -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
        -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags" \
        -DUMBRA_WARNINGS_AS_ERRORS=ON >"$log" 2>&1 &&
        cmake --build "build-warnings-$name" -- -k 0 >>"$log" 2>&1; then
        rm -f "$log"
        echo "warnings: none from $name"
    else
        grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking)|^--' "$log" >&2 || true
        rm -f "$log"
        echo "warnings: $name fails" >&2
        return 1
    fi
}

status=0
build gcc gcc g++ "-O2 -D_FORTIFY_SOURCE=2" || status=1
build clang clang-14 clang++-14 -O0 || status=1
exit $status
