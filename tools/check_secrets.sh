#!/usr/bin/env bash
# Prove on built programs that the server's links no function that touches a secret key.
#
# usage: check_secrets.sh FULL_PROGRAM SERVER_PROGRAM [PATTERNS]
# PATTERNS (tools/secret_symbols.txt) holds one shell pattern of a symbol name a line. Each must be
# found in the full program, or else a renamed function would pass unseen, and in the server's none.
set -euo pipefail

if [[ $# -lt 2 ]]; then
    echo "usage: check_secrets.sh FULL_PROGRAM SERVER_PROGRAM [PATTERNS]" >&2
    exit 2
fi
full=$1 server=$2 patterns=${3-$(dirname "$0")/secret_symbols.txt}

functions_of() {
    nm --defined-only "$1" 2>/dev/null | awk '$2 ~ /^[TtWwi]$/ { sub(/[.].*$/, "", $3); print $3 }' |
        sort -u
}

full_functions=$(functions_of "$full")
server_functions=$(functions_of "$server")
for program in "$full:$full_functions" "$server:$server_functions"; do
    grep -qx main <<<"${program#*:}" || {
        echo "secrets: ${program%%:*} is missing, or stripped of the symbols that this check reads" >&2
        exit 1
    }
done

status=0 count=0
while read -r pattern _; do
    [[ -n $pattern && $pattern != \#* ]] || continue
    count=$((count + 1)) in_full=0
    while read -r name; do
        # shellcheck disable=SC2053 # a pattern on purpose
        [[ $name != $pattern ]] || in_full=$((in_full + 1))
    done <<<"$full_functions"
    while read -r name; do
        # shellcheck disable=SC2053
        if [[ $name == $pattern ]]; then
            echo "secrets: $server links $name ($pattern)" >&2
            status=1
        fi
    done <<<"$server_functions"
    if [[ $in_full -eq 0 ]]; then
        echo "secrets: no function of $full fits $pattern; bring $patterns up to date" >&2
        status=1
    fi
done <"$patterns"
[[ $count -gt 0 ]] || { echo "secrets: $patterns is empty" >&2; exit 1; }
[[ $status -ne 0 ]] || echo "secrets: none of $count patterns is linked into $(basename "$server")"
exit $status
