#!/usr/bin/env bash
# Check that every tracked C and C++ file has the project's format (--fix: rewrite those that have not).
set -euo pipefail
cd "$(dirname "$0")/.."

# The output differs between major versions, so one is fixed.
tool=$(command -v clang-format-14 || command -v clang-format || true)
[[ -n $tool && $("$tool" --version) == *"version 14."* ]] || {
    echo "format: clang-format 14 is needed; run scripts/install-deps.sh --test" >&2
    exit 1
}
mapfile -t files < <(git ls-files '*.c' '*.h' '*.cc' '*.cpp' '*.hpp' | while read -r f; do
    [[ ! -e $f ]] || echo "$f"
done)
if [[ ${1-} == --fix ]]; then
    "$tool" -i "${files[@]}"
else
    # One line a file is enough: `make format` mends it.
    if faults=$("$tool" --dry-run --Werror "${files[@]}" 2>&1 >/dev/null); then
        faults=
    fi
    if [[ -n $faults ]]; then
        grep -oE '^[^: ]+:[0-9]+' <<<"$faults" | awk -F: '!seen[$1]++ { print "format: " $1 ":" $2 }' >&2
        echo "format: run \`make format\`" >&2
        exit 1
    fi
fi
echo "format: ${#files[@]} files"
