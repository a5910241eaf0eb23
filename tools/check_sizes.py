#!/usr/bin/env python3
"""Check that files and functions stay small, and that nothing unfinished or local is left in them.

usage: check_sizes.py [ROOT]      prints one line for each fault; exit 1 if there is any

Aim for functions of 40 lines and files of 400. This check fails at twice that, where a second concept
is nearly always hidden. It relies on the project's format: a function's body stands between a { and
a } in the first column.
"""
import pathlib
import re
import sys

SUFFIXES = {".c", ".h", ".cc", ".cpp", ".hpp"}
FOLDERS = ["src", "include", "tests", "bench", "fuzz"]
FILE_LINES, FUNCTION_LINES = 800, 80
LEFT_BEHIND = re.compile(r"\b(TODO|FIXME|XXX)\b|/(home|root|work|Users)/\w")


def check(path, name):
    lines = path.read_text(errors="replace").splitlines()
    faults = []
    if len(lines) > FILE_LINES:
        faults.append(f"{name}:1: {len(lines)} lines; look for the second concept in it")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start - 1 > FUNCTION_LINES:
                faults.append(f"{name}:{start - 1}: a function of {number - start - 1} lines")
            start = None
        if LEFT_BEHIND.search(line):
            faults.append(f"{name}:{number}: an unfinished word, or a path of one machine")
    return faults


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    paths = sorted(
        p for f in FOLDERS for p in (root / f).rglob("*") if p.suffix in SUFFIXES and p.is_file()
    )
    faults = [fault for path in paths for fault in check(path, path.relative_to(root))]
    for fault in faults:
        print(fault)
    if not faults:
        print(f"sizes: {len(paths)} files are small and finished")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
