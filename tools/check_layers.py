#!/usr/bin/env python3
"""Check that the sources keep the layer rule of tools/layers.txt, and the rules of file naming.

usage: check_layers.py [ROOT]      prints one line for each fault; exit 1 if there is any
"""
import fnmatch
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SUFFIXES = {".c", ".h", ".cc", ".cpp", ".hpp"}
FOLDERS = ["src", "include", "tests", "bench", "fuzz"]


class Rules:
    """What layers.txt says."""

    def __init__(self, path):
        self.sees, self.public, self.only, self.generated, self.faults = {}, {}, [], {}, []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.split("#")[0].strip()
            if line:
                self.add(line, f"{path.name}:{number}")

    def add(self, line, where):
        if ":" not in line:
            self.faults.append(f"{where}: expected `name : names`")
            return
        left, right = (side.split() for side in line.split(":", 1))
        if len(left) == 2 and left[0] == "only":
            self.only.append((left[1], set(right), where))
        elif len(left) == 2 and left[0] in ("public", "generated") and len(right) == 1:
            table = self.public if left[0] == "public" else self.generated
            table[left[1]] = right[0]
        elif len(left) == 1:
            self.sees[left[0]] = set(right)
            right = set(right) - set(list(self.sees)[:-1])
        else:
            self.faults.append(f"{where}: cannot read `{line}`")
            return
        for unknown in sorted(set(right) - set(self.sees)) if left[0] != "only" else []:
            self.faults.append(f"{where}: {unknown} does not stand above this line")
        if len(left) == 1 and left[0] in self.sees[left[0]]:
            self.faults.append(f"{where}: {left[0]} names itself")

    def module_of(self, folder):
        """The module that a folder of src belongs to: the longest name that fits, or None."""
        parts = folder.split("/")
        for length in range(len(parts), 0, -1):
            if "/".join(parts[:length]) in self.sees:
                return "/".join(parts[:length])
        return None


def includes(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def target_module(rules, header):
    """(module that owns a quoted header, fault text)"""
    folder, _, name = header.rpartition("/")
    if folder == "":
        owner = rules.generated.get(name)
        return owner, None if owner else "write the module before the file name"
    if folder == "umbra":
        owner = rules.public.get(name)
        return owner, None if owner else "add `public` to tools/layers.txt"
    owner = rules.module_of(folder)
    return owner, None if owner else "no such module in tools/layers.txt"


def check_include(rules, module, quoted, header):
    for pattern, allowed, _ in rules.only:
        if fnmatch.fnmatch(header, pattern) and module not in allowed:
            return f"{module} may not include {header}: only {', '.join(sorted(allowed))} may"
    if not quoted and not header.startswith("umbra/"):
        return None
    owner, fault = target_module(rules, header)
    if fault:
        return f'cannot place "{header}": {fault}'
    if owner != module and owner not in rules.sees[module]:
        return f"{module} may not include {owner} ({header})"
    return None


def check_source(rules, root, path):
    relative = path.relative_to(root)
    module = rules.module_of("/".join(relative.parts[1:-1])) if relative.parts[0] == "src" else None
    if relative.parts[0] == "include":
        module = rules.public.get(path.name)
    if module is None:
        return [f"{relative}:1: its folder is no module of tools/layers.txt"]
    faults = []
    for number, quoted, header in includes(path):
        fault = check_include(rules, module, quoted, header)
        if fault:
            faults.append(f"{relative}:{number}: {fault}")
    return faults


def check_names(root, paths):
    faults, seen = [], {}
    for path in paths:
        relative = path.relative_to(root)
        other = seen.setdefault(path.name, relative)
        if other != relative:
            faults.append(f"{relative}:1: the file name is taken by {other}; names are unique")
        lines = path.read_text(errors="replace").splitlines()
        if not lines or not re.match(r"(/\*|//) ?\w", lines[0]):
            faults.append(f"{relative}:1: the first line must be a comment with the file's concept")
    return faults


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    rules = Rules(root / "tools" / "layers.txt")
    paths = sorted(
        p for f in FOLDERS for p in (root / f).rglob("*") if p.suffix in SUFFIXES and p.is_file()
    )
    faults = rules.faults + check_names(root, paths)
    for path in paths:
        if path.relative_to(root).parts[0] in ("src", "include"):
            faults += check_source(rules, root, path)
    for fault in faults:
        print(fault)
    if not faults:
        print(f"layers: {len(paths)} files keep the rules")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
